/** What a QPOS on the line may be asked: one command at a time, queried until it is done, cancelled or reset when it must stop. */

import { concat } from '../../src/bytes.ts'
import type { Clock } from '../../src/clock.ts'
import { sleep } from '../../src/clock.ts'
import { Fault, isFault } from '../../src/errors.ts'
import type { Conversation } from '../../src/reader/conversation.ts'
import type { CommandName, DeviceMessage, DeviceMessageType, HostMessage } from './codec.ts'
import { commandCode } from './codec.ts'

export type QposLine = Conversation<HostMessage, DeviceMessage>
export type Command = Extract<HostMessage, { type: 'command' }>

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
/** The most that an answer in parts may hold, in bytes: the largest of the vendor's own, parameter segments, have 32768. */
const MAX_ANSWER = 65536
/** Added to every wait: the way there and back over a slow link. */
const GRACE = 3000
/** Between an answer "not yet" and the next QUERY. The vendor's loop turns every 10 ms; a radio and a battery are glad of more. */
const PAUSE = 100
/** What a reader may take to answer the QUERY after a silence. */
const LAST_CHANCE = 5000
/** How often one command may fall silent and be asked for. */
const MAX_SILENCES = 3
/** What a cancelled or reset reader may take to say so. */
const SETTLE = 5000
/** After that, silence this long ends what may still be under way. */
const QUIET = 300

export interface RunOptions {
  readonly signal?: AbortSignal | undefined
  /** Sees every answer that is no ending and differs from the one before. */
  readonly onProgress?: (message: Progress) => void
}

/**
 * Sends `command` and queries until it ended. The reader's time is the delay declared in the command, anew with each change it tells of.
 * @throws Fault `timeout` when it does not end in that time, `protocol` when its answer has no end, `aborted`, `link-closed`
 */
export async function run(line: QposLine, clock: Clock, command: Command, options: RunOptions = {}): Promise<Ending> {
  const { signal, onProgress } = options
  const window = Math.max(command.delay, firstAnswers[command.command]) * 1000 + GRACE
  let deadline = clock.now() + window
  let timeout = firstAnswers[command.command] * 1000 + GRACE
  let last: DeviceMessage | undefined
  let next: HostMessage = command
  const parts: Uint8Array[] = []
  let size = 0
  let silences = 0
  for (;;) {
    const accept = (message: DeviceMessage) => belongs(message, command)
    const answer = await line.ask(next, { timeout, signal, accept }).catch(async (silence: unknown) => {
      if (!isFault(silence, 'timeout') || ++silences > MAX_SILENCES) throw silence
      // The answer may have been lost on the way (a frame with a bad check is dropped): asking once more does no harm.
      const late = await line.ask({ type: 'query' }, { timeout: LAST_CHANCE, signal, accept })
      if (late.type === 'notAvailable') throw silence // it was the command that was lost
      deadline = clock.now() + window
      return late
    })
    if (answer.type === 'partData') {
      size += Math.max(1, answer.data.length)
      if (size > MAX_ANSWER) throw new Fault('protocol', `the parts of an answer to ${command.command} exceed ${MAX_ANSWER} bytes`)
      parts.push(answer.data)
      next = { type: 'partData' }
    } else if (isProgress(answer)) {
      if (!last || last.type !== answer.type || String(last.data) !== String(answer.data)) {
        if (last) deadline = clock.now() + window
        last = answer
        onProgress?.(answer)
      }
      await line.pause(PAUSE, signal)
      next = { type: 'query' }
    } else return parts.length > 0 ? { ...answer, data: concat(...parts, answer.data) } : answer
    timeout = deadline - clock.now()
    if (timeout <= 0) throw new Fault('timeout', `the reader did not end ${command.command} in ${window} ms`, { ms: window })
  }
}

/** Data belongs to the command it names, or it is left over from one before; after a choice it may name the EMV start (16 30). */
function belongs(message: DeviceMessage, { command }: Command): boolean {
  if (message.type !== 'completed' && message.type !== 'completedEncrypted' && message.type !== 'partData') return true
  const own = [commandCode(command), ...(command === 'selectEmvApp' ? [commandCode('startEmv')] : [])]
  return own.some(({ code, sub }) => message.code === code && message.sub === sub)
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
  line.ask({ type: 'reset' }, { timeout: SETTLE }).catch(() => {})
}

async function settles(line: QposLine, clock: Clock, request: HostMessage): Promise<boolean> {
  const end = clock.now() + SETTLE
  try {
    for (let next = request; ; next = { type: 'query' }) {
      const answer = await line.ask(next, { timeout: Math.max(1, end - clock.now()) })
      if (!isProgress(answer)) break
      await sleep(PAUSE, clock)
    }
    await sleep(QUIET, clock) // an answer to the request before may still come, and is nobody's
    return true
  } catch (error) {
    return !isFault(error, 'timeout') // a closed link needs no reset
  }
}
