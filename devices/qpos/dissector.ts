/** A QPOS line for recordings: what its commands and answers hold, field by field. */

import { concat, lrc } from '../../src/bytes.ts'
import { editCommand, editResponse } from '../../src/recording/apdu.ts'
import type { Cursor } from '../../src/recording/cursor.ts'
import { cursorOver } from '../../src/recording/cursor.ts'
import type { Dissector } from '../../src/recording/dissector.ts'
import type { FieldEdit, RecordedKind } from '../../src/recording/field.ts'
import type { Vendor } from '../../src/recording/tlv.ts'
import type { Direction } from '../../src/transport/trace.ts'
import { type CommandName, commandCode, device, encodeFrame, type Frame, frameDecoder, frameLength, host, iccTags } from './codec.ts'

/** CmdIDs: a command of the host's; answers that carry the data of a command, and "PIN is being entered". */
const PROCESS = 0x21
const PIN_ENTRY = 0x41
const PART = 0x36

const vendor: Vendor = {
  [iccTags.messageKsn]: 'free',
  [iccTags.pinKsn]: 'free',
  [iccTags.batchKsn]: 'free',
  [iccTags.maskedPan]: 'pan',
  [iccTags.encryptedMessage]: 'secret',
  [iccTags.batchData]: 'secret',
  [iccTags.reversalData]: 'secret',
  [iccTags.pinBlock]: 'secret',
}

type Walk = (cursor: Cursor) => void
const plain: Walk = cursor => cursor.rest('plain')
const words: Walk = cursor => cursor.rest('words')
const tlv: Walk = cursor => cursor.tlv(cursor.left, { vendor })

/** yyyyMMddHHmmss. */
function time(cursor: Cursor): void {
  cursor.take(1, 'free')
  cursor.take(3, 'date')
  cursor.take(3, 'time')
}

const requests: Readonly<Partial<Record<CommandName, Walk>>> = {
  getQposId: plain,
  getQposInfo: plain,
  doTrade(cursor) {
    cursor.counted(1, 'free')
    cursor.take(1, 'plain')
    cursor.counted(1, 'plain')
    cursor.take(1, 'plain')
    if (cursor.number(1) === 7) time(cursor)
    cursor.counted(1, 'free')
    cursor.counted(1, 'plain')
    cursor.take(6, 'plain')
    for (let field = 0; field < 7; field++) cursor.counted(1, 'plain')
    cursor.take(cursor.left - 8, 'plain')
    const fold = cursor.skip(8).fill(0)
    cursor.bytes.subarray(0, -8).forEach((byte, at) => {
      fold[at % 8] ^= byte
    })
  },
  startEmv(cursor) {
    cursor.take(2, 'plain')
    time(cursor)
    cursor.take(7, 'free')
    cursor.take(2, 'plain')
    cursor.counted(1, 'free')
    cursor.counted(1, 'free')
    cursor.take(1, 'plain')
  },
  selectEmvApp: plain,
  onlineResult: tlv,
  getIccTag: plain,
  nfcPowerOn: plain,
  nfcPowerOff: plain,
  nfcApdu: editCommand,
  appConfig: plain,
  capkConfig: plain,
  displayText: words,
}

const answers: Readonly<Partial<Record<CommandName, Walk>>> = {
  getQposId: plain,
  getQposInfo: plain,
  doTrade(cursor) {
    const [kind] = cursor.take(1, 'plain')
    if (cursor.left > 0) cursor.take(1, 'plain')
    if (kind === 0x00 || kind === 0x03 || kind === 0x04) cardData(cursor)
    else if (cursor.left > 0) cursor.rest('secret')
  },
  onlineResult: emvResult,
  getIccTag: cursor => cursor.tlv(cursor.left, { vendor }),
  nfcPowerOn(cursor) {
    const [result] = cursor.take(1, 'plain')
    if (result === 0) return
    cursor.take(10, 'free')
    cursor.skip(1)
    cursor.counted(1, 'plain')
  },
  nfcApdu(cursor) {
    const [result] = cursor.take(1, 'plain')
    if (result === 0) return
    cursor.skip(2)
    editResponse(cursor)
  },
  nfcPowerOff: plain,
  selectEmvApp: emvResult,
  startEmv: emvResult,
  appConfig: plain,
  capkConfig: plain,
  displayText: plain,
}

function cardData(cursor: Cursor): void {
  const known: readonly RecordedKind[] = [
    ...(['secret', 'secret', 'secret', 'plain', 'trackText', 'plain', 'plain', 'name'] as const),
    ...(['secret', 'free', 'free'] as const),
  ]
  for (const kind of known) cursor.counted(1, kind)
  for (const kind of ['free', 'free', 'plain'] as const) if (cursor.left > 0) cursor.counted(1, kind)
  if (cursor.left > 0) cursor.take(3, 'plain')
  if (cursor.left > 0) cursor.counted(1, 'secret')
}

function emvResult(cursor: Cursor): void {
  cursor.take(4, 'plain')
  cursor.counted(1, 'plain')
  cursor.counted(1, 'plain')
  cursor.tlv(cursor.number(2), { vendor })
}

/** Result 02 to the EMV start, or to a choice that was no good. */
const APPLICATION_LIST = 0x02

/** By code and sub-code. Of two commands with the same, the first. */
const names = new Map(
  (Object.keys(requests) as CommandName[]).toReversed().map(name => {
    const { code, sub } = commandCode(name)
    return [code * 256 + sub, name]
  }),
)
const commandOf = ({ code, sub }: Frame) => names.get(code * 256 + sub)

/** The whole frame at the front; frames of one message, and whether it is one, are the codec's affair. */
function frameOf(unit: Uint8Array): Frame | undefined {
  return unit[0] === 0x4d ? frameDecoder().push(unit)[0] : undefined
}

/** Frames keep their length and get a right LRC. */
export const dissector: Dissector = {
  queries: ['getQposId', 'getQposInfo'],
  length(bytes) {
    if (bytes.length === 0) return 0
    if (bytes[0] === 0x4d) return frameLength(bytes) ?? 1
    const start = bytes.indexOf(0x4d)
    return start < 0 ? bytes.length : start
  },
  name(unit, direction) {
    const frame = frameOf(unit)
    if (!frame) return undefined
    const { type } = (direction === 'in' ? host : device).decoder().push(unit)[0]
    const what = direction === 'out' && frame.id !== PROCESS ? undefined : commandOf(frame)
    return direction === 'out' ? (what ?? type) : what ? `${type} of ${what}` : type
  },
  edit(unit, direction, edit) {
    const frames = unit[0] === 0x4d ? frameDecoder().push(unit) : []
    if (frames.length === 0) return undefined
    return frames.length === 1 && frameLength(unit) === unit.length
      ? editAlone(unit, frames[0], direction, edit)
      : editFrames(frames, direction, edit)
  },
  part: (unit, direction) => direction === 'in' && unit[3] === PART && frameOf(unit)?.id === PART,
}

function editFrame(frame: Frame, direction: Direction, edit: FieldEdit): Uint8Array | undefined {
  const { id, code, sub, parameter, data } = frame
  if (direction === 'out') {
    edit('plain', Uint8Array.of(id, code, sub))
    const walk = id === PROCESS ? walkOf(requests, frame) : undefined
    return data.length === 0 ? data : cursorOver(data, edit, walk ?? (cursor => cursor.rest('secret')))
  }
  edit('plain', Uint8Array.of(id, code, sub, parameter))
  if (data.length === 0) return data
  if (id === PIN_ENTRY && data.length === 1) return edit('plain', data)
  if (parameter === APPLICATION_LIST) return cursorOver(data, edit, words)
  const known = walkOf(answers, frame)
  // An ending that is no result carries the data objects of the card as they are.
  const bare = known === emvResult && id !== 0x24 && id !== 0x88 ? tlv : known
  return cursorOver(data, edit, bare ?? (cursor => cursor.rest('secret')))
}

/** One frame, the usual case: its head stays, and its redundancy changes as its data do. */
function editAlone(unit: Uint8Array, frame: Frame, direction: Direction, edit: FieldEdit): Uint8Array | undefined {
  const edited = editFrame(frame, direction, edit)
  if (edited?.length !== frame.data.length) return undefined
  const own = unit.slice()
  const last = own.length - 1
  own.set(edited, last - edited.length)
  own[last] = lrc(own.subarray(0, last))
  return own
}

/** Frames of one message: parts of its data, the last of which says what it is. */
function editFrames(frames: readonly Frame[], direction: Direction, edit: FieldEdit): Uint8Array | undefined {
  const last = frames[frames.length - 1]
  const data = concat(...frames.map(frame => frame.data))
  const edited = editFrame({ ...last, data }, direction, edit)
  if (edited?.length !== data.length) return undefined
  let at = 0
  return concat(
    ...frames.map(frame => {
      at += frame.data.length
      return encodeFrame({ ...frame, data: edited.subarray(at - frame.data.length, at) })
    }),
  )
}

function walkOf(rows: Readonly<Partial<Record<CommandName, Walk>>>, frame: Frame): Walk | undefined {
  const name = commandOf(frame)
  return name && rows[name]
}
