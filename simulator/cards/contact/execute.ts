/** The commands of a virtual card: which there are, what they may look like, and what answers them. */

import { type Answer, type CardCommand, parseCommand, refuse, SW } from '../command.ts'
import type { CardImage } from '../personalize.ts'
import type { ScriptCommand } from '../profile/words.ts'
import { externalAuthenticate, generateAc, internalAuthenticate } from './action.ts'
import { getChallenge, verify } from './pin.ts'
import type { Session } from './run.ts'
import { scriptCommand } from './scripts.ts'
import { getData, getProcessingOptions, readRecord, select } from './selection.ts'

interface CommandRow {
  readonly ins: number
  readonly cla: readonly number[]
  /** Whether P1 and P2 are ones that the command has. */
  readonly parameters: (p1: number, p2: number) => boolean
  readonly run: (session: Session, image: CardImage, command: CardCommand) => Answer
  /** Command data: none, some, or either. */
  readonly data: 'none' | 'some' | 'either'
}

const zero = (p1: number, p2: number) => p1 === 0 && p2 === 0
const any = () => true
const script = (name: ScriptCommand) => (session: Session, _: CardImage, command: CardCommand) => scriptCommand(session, name, command)

/** EMV 4.4 Book 1, 11 and Book 3, 6.3 and 6.5. */
const commands: readonly CommandRow[] = [
  { ins: 0xa4, cla: [0x00], parameters: (p1, p2) => p1 === 0x04 && (p2 === 0x00 || p2 === 0x02), run: select, data: 'some' },
  { ins: 0xb2, cla: [0x00], parameters: any, run: readRecord, data: 'none' },
  { ins: 0xa8, cla: [0x80], parameters: zero, run: (s, _, c) => getProcessingOptions(s, c), data: 'some' },
  { ins: 0xca, cla: [0x80], parameters: any, run: (s, _, c) => getData(s, c), data: 'none' },
  {
    ins: 0x20,
    cla: [0x00],
    parameters: (p1, p2) => p1 === 0 && (p2 === 0x80 || p2 === 0x88),
    run: (s, _, c) => verify(s, c),
    data: 'some',
  },
  { ins: 0x84, cla: [0x00], parameters: zero, run: getChallenge, data: 'none' },
  { ins: 0x88, cla: [0x00], parameters: zero, run: (s, _, c) => internalAuthenticate(s, c), data: 'some' },
  { ins: 0xae, cla: [0x80], parameters: (_, p2) => p2 === 0, run: (s, image, c) => generateAc(s, image.plan, c), data: 'either' },
  { ins: 0x82, cla: [0x00], parameters: zero, run: (s, _, c) => externalAuthenticate(s, c), data: 'some' },
  { ins: 0x1e, cla: [0x84, 0x8c], parameters: zero, run: script('applicationBlock'), data: 'either' },
  { ins: 0x18, cla: [0x84, 0x8c], parameters: zero, run: script('applicationUnblock'), data: 'either' },
  { ins: 0x16, cla: [0x84, 0x8c], parameters: zero, run: script('cardBlock'), data: 'either' },
  { ins: 0x24, cla: [0x84, 0x8c], parameters: (p1, p2) => p1 === 0 && p2 <= 2, run: script('pinChangeUnblock'), data: 'either' },
  { ins: 0xda, cla: [0x04], parameters: any, run: script('putData'), data: 'either' },
  { ins: 0xdc, cla: [0x04], parameters: any, run: script('updateRecord'), data: 'either' },
]

/** Answers one command in a powered session. */
export function execute(session: Session, image: CardImage, bytes: Uint8Array): Answer {
  const command = parseCommand(bytes)
  if (!command) return refuse(SW.wrongLength)
  const rows = commands.filter(({ ins }) => ins === command.ins)
  if (!commands.some(({ cla }) => cla.includes(command.cla))) return refuse(SW.wrongCla)
  if (rows.length === 0) return refuse(SW.wrongIns)
  const row = rows.find(({ cla }) => cla.includes(command.cla))
  if (!row) return refuse(SW.wrongCla)
  if (!row.parameters(command.p1, command.p2)) return refuse(SW.wrongParameters)
  if (row.data !== 'either' && command.data.length > 0 !== (row.data === 'some')) return refuse(SW.wrongLength)
  const challenge = session.challenge
  const answer = row.run(session, image, command)
  if (session.challenge === challenge) session.challenge = undefined // a challenge serves the next command only
  return answer
}
