/** What a QPOS on the line may be asked: one command at a time, queried until it is done, cancelled or reset when it must stop. */

import { concat, equal } from '../../src/bytes.ts'
import type { Clock } from '../../src/clock.ts'
import { sleep } from '../../src/clock.ts'
import { Fault, isFault } from '../../src/errors.ts'
import type { Conversation } from '../../src/reader/conversation.ts'
import type { CommandName, DeviceMessage, DeviceMessageType, HostMessage } from './codec.ts'
import { commandCode } from './codec.ts'

export type QposLine = Conversation<HostMessage, DeviceMessage>
export type Command = Extract<HostMessage, { type: 'command' }>

/** "Are you done?" It may be asked as often as one likes. */
const query: HostMessage = { type: 'query' }

/** Uplinks that are no ending: the host answers with QUERY (webBluetooth.js). */
const progressTypes = ['waiting', 'pinEntry', 'magToIcc', 'cardNo', 'msrDataReady'] as const
export type Progress = Extract<DeviceMessage, { type: DeviceMessageType }> & { readonly type: (typeof progressTypes)[number] }
/** How a command ended; data that came in parts is put together. */
export type Ending = DeviceMessage

function isProgress(message: DeviceMessage): message is Progress {
  return (progressTypes as readonly string[]).includes(message.type)
}

/** Seconds a host waits for the first answer, beyond the delay declared in the frame (the vendor's demos; doTrade may then go on for its delay). */
const firstAnswers: Readonly<Record<CommandName, number>> = {
  ...{ getQposId: 5, getQposInfo: 5, doTrade: 15, startEmv: 60, selectEmvApp: 60, onlineResult: 60, getIccTag: 5 },
  ...{ nfcPowerOn: 15, nfcApdu: 5, nfcPowerOff: 5, displayText: 5 },
  ...{ appConfig: 15, capkConfig: 15, setMasterKey: 15, updateWorkKeys: 15, updateIpek: 15 },
}
/** A reader that writes its memory may be deaf meanwhile. */
const writing: readonly CommandName[] = ['appConfig', 'capkConfig', 'setMasterKey', 'updateWorkKeys', 'updateIpek']
/** The most that an answer in parts may hold, in bytes: the largest of the vendor's own, parameter segments, have 32768. */
const MAX_ANSWER = 65536
/** Added to every wait: the way there and back over a slow link. */
const GRACE = 3000
/** Between two QUERYs: at once after news, as the vendor's loop turns every 10 ms; then at leisure, for the sake of radio and battery. */
const pauses = [10, 20, 50, 100] as const
/** Milliseconds after which a silent reader is asked again. It owes "busy" at least, within 300, and the line takes its time both ways. */
const ASK_AGAIN = 600
/** Milliseconds of silence, however often it was asked, after which a reader is given up; one that writes has its own first answer's time. */
const SILENCE = 6000
/** Milliseconds that a command may take, whatever news the reader has of it: a list and three PINs, each with all the time there is. */
const LONGEST = 600_000
/** How often a command that was lost on the way is sent again. */
const MAX_RESENDS = 5
/** A reader that refuses is asked whether it means it: QUERY, the command again, QUERY. */
const CONFIRMATIONS = 3
/** What a cancelled or reset reader may take to say so. */
const SETTLE = 5000
/** After that, silence this long ends what may still be under way. */
const QUIET = 300

export interface RunOptions {
  readonly signal?: AbortSignal | undefined
  /** Sees every answer that is no ending and differs from the one before. */
  readonly onProgress?: (message: Progress) => void
}

/** How the last command on a line ended: what the next one may be the answer to. */
const endings = new WeakMap<QposLine, Ending>()

/** When a reader on the line said nothing in time last, on its clock. */
const silences = new WeakMap<QposLine, number>()
/** Milliseconds after a silence for which a refusal may be meant for something that was said before it. */
const DOUBTFUL = 60_000

/** Whether what a reader refuses now may be something else, come late. */
export function isDoubtful(line: QposLine, clock: Clock): boolean {
  return clock.elapsed() - (silences.get(line) ?? Number.NEGATIVE_INFINITY) < DOUBTFUL
}

/**
 * Sends `command` and queries until it ended. The reader's time is the delay declared in the command, anew with each change it tells of, and ten minutes in
 * all; a reader that says nothing is asked again soon, and given up soon. A command is sent again only where the reader says that it has not heard it.
 * @throws Fault `timeout` when it does not end in that time or is silent, `protocol` when its answer has no end, `aborted`, `link-closed`
 */
export async function run(line: QposLine, clock: Clock, command: Command, options: RunOptions = {}): Promise<Ending> {
  const { signal, onProgress } = options
  const window = Math.max(command.delay, firstAnswers[command.command]) * 1000 + GRACE
  const silence = writing.includes(command.command) ? firstAnswers[command.command] * 1000 : SILENCE
  const before = endings.get(line)
  const latest = clock.now() + Math.max(window, LONGEST)
  let deadline = clock.now() + window
  let last: DeviceMessage | undefined
  let next: HostMessage = command
  let parts: Uint8Array[] = []
  let polls = 0
  let resends = 0
  /** How often the reader has said that it has nothing to do. */
  let refusals = 0
  let restarts = 0
  let repeated = false

  const isCopy = (one: DeviceMessage) => one.type === 'partData' && parts.length > 0 && equal(one.data, parts[parts.length - 1])
  /** Asks until there is an answer: with `next` first, then whether the reader is done. */
  const hear = async (): Promise<DeviceMessage> => {
    const silent = clock.now()
    repeated = false
    for (let message = next; ; message = query) {
      // Of an earlier command: when it was asked again, it has not heard this one. Unasked it is a copy of what was said before.
      const old = (one: DeviceMessage) => (same(one, before) && isAnswer(command)) || !belongs(one, command)
      const accept = (one: DeviceMessage) =>
        isCopy(one) ? repeated : old(one) ? (repeated || (resends > 0 && isAnswer(command))) && !last : true
      try {
        return await line.ask(message, { timeout: ASK_AGAIN, signal, accept })
      } catch (fault) {
        if (!isFault(fault, 'timeout')) throw fault
        silences.set(line, clock.elapsed())
        if (clock.now() - silent >= silence)
          throw new Fault('timeout', `the reader did not answer ${command.command} in ${silence} ms`, { ms: silence }, { cause: fault })
        repeated = true
      }
    }
  }

  for (;;) {
    const asked = clock.now()
    const answer = await hear()
    const old = !last && (same(answer, before) || isForeign(answer, command))
    if ((old && (repeated || isAnswer(command))) || (answer.type === 'notAvailable' && repeated && !last)) {
      // It still waits for this command, or has nothing to do: the command was lost on the way.
      if (++resends > MAX_RESENDS) throw notTaken(command, old)
      next = command
    } else if (answer.type === 'notAvailable' && refusals++ < (isNamed(answer, command) ? 1 : CONFIRMATIONS)) {
      // Said of a copy of the command perhaps, or of one that came late, while this one is under way.
      await line.pause(QUIET, signal)
      next = refusals === 2 ? command : query
    } else if (answer.type === 'partData') {
      // A reader that is asked again begins with the first part again.
      if (parts.length > 0 && equal(answer.data, parts[0])) {
        if (++restarts > MAX_RESENDS) throw new Fault('protocol', `the answer to ${command.command} begins again and again`)
        parts = []
      }
      if (!isCopy(answer)) parts.push(answer.data)
      const size = parts.reduce((sum, part) => sum + Math.max(1, part.length), 0)
      if (size > MAX_ANSWER) throw new Fault('protocol', `the parts of an answer to ${command.command} exceed ${MAX_ANSWER} bytes`)
      next = { type: 'partData' }
    } else if (isProgress(answer)) {
      refusals = 0
      if (!last || last.type !== answer.type || String(last.data) !== String(answer.data)) {
        if (last) deadline = Math.min(clock.now() + window, latest)
        last = answer
        polls = 0
        onProgress?.(answer)
      }
      await line.pause(Math.max(pauses[0], pauses[Math.min(polls++, pauses.length - 1)] - (clock.now() - asked)), signal)
      next = query
    } else {
      const ending = parts.length > 0 ? { ...answer, data: concat(...parts, answer.data) } : answer
      endings.set(line, ending)
      return ending
    }
    if (clock.now() >= deadline) throw new Fault('timeout', `the reader did not end ${command.command} in ${window} ms`, { ms: window })
  }
}

function notTaken({ command }: Command, answered: boolean): Fault {
  if (answered)
    return new Fault('protocol', `the reader asks again for ${command} what it was told ${MAX_RESENDS} times`, { what: command })
  return new Fault('timeout', `the reader did not take ${command}, which was sent ${MAX_RESENDS} times`, {})
}

/** It answers a question of the reader's. */
function isAnswer({ command }: Command): boolean {
  return command === 'selectEmvApp' || command === 'onlineResult'
}

function same(message: DeviceMessage, other: DeviceMessage | undefined): boolean {
  if (!other || message.type !== other.type || message.code !== other.code || message.sub !== other.sub) return false
  return message.result === other.result && equal(message.data, other.data)
}

/** Data belongs to the command it names, or it is left over from one before. Other words are believed whatever they name: only what a reader repeats was seen to be exact. */
function belongs(message: DeviceMessage, command: Command): boolean {
  if (message.type !== 'completed' && message.type !== 'completedEncrypted' && message.type !== 'partData') return true
  return !isForeign(message, command)
}

function isNamed({ code, sub }: DeviceMessage, { command }: Command): boolean {
  const own = commandCode(command)
  return code === own.code && sub === own.sub
}

/** It names another command; after a choice it may name the EMV start (16 30). */
function isForeign({ code, sub }: DeviceMessage, { command }: Command): boolean {
  const own = [commandCode(command), ...(command === 'selectEmvApp' ? [commandCode('startEmv')] : [])]
  return (code !== 0 || sub !== 0) && !own.some(one => code === one.code && sub === one.sub)
}

/**
 * Ends whatever the reader is doing: host cancel (28), then queries until it settles; a reset (20) where it does not. Settles in any case,
 * after 2 × 5 s at the latest; throws nothing.
 */
export async function cancel(line: QposLine, clock: Clock): Promise<void> {
  if (!(await settles(line, clock, { type: 'cancel' }))) await settles(line, clock, { type: 'reset' })
}

/** Tells a silent reader to reset itself and waits for nothing; what is asked next waits until it has answered, or 5 s are over. */
export function resetSilent(line: QposLine): void {
  line.ask({ type: 'reset' }, { timeout: ASK_AGAIN, retries: Math.ceil(SETTLE / ASK_AGAIN) - 1 }).catch(() => {})
}

async function settles(line: QposLine, clock: Clock, request: HostMessage): Promise<boolean> {
  const end = clock.now() + SETTLE
  try {
    for (let next = request; clock.now() < end; ) {
      const answer = await line.ask(next, { timeout: Math.min(ASK_AGAIN, end - clock.now()) }).catch((fault: unknown) => {
        if (!isFault(fault, 'timeout')) throw fault
      })
      if (answer && !isProgress(answer)) {
        await sleep(QUIET, clock) // an answer to the request before may still come, and is nobody's
        return true
      }
      if (answer) await sleep(pauses[pauses.length - 1], clock)
      next = answer ? query : request
    }
    return false
  } catch {
    return true // a closed link needs no reset
  }
}
