/** What keeps a QPOS in order between payments: its configuration, its keys, its firmware, and texts on its display. */

import type { Clock } from '../../src/clock.ts'
import { sleep } from '../../src/clock.ts'
import { Fault, throwIfAborted } from '../../src/errors.ts'
import type { ReaderConfiguration, UpdateOptions } from '../../src/reader/reader.ts'
import type { DeviceMessage, HostMessage } from './codec.ts'
import { encodeRecord } from './codec.ts'
import { recordsOf } from './config.ts'
import { stopped } from './endings.ts'
import { parseImage } from './image.ts'
import { type Command, type QposLine, run } from './session.ts'

export interface Upkeep extends UpdateOptions {
  readonly line: QposLine
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Seconds for a change of what the reader keeps. */
const STORE = 15
/** Milliseconds for a step of the loader; it erases flash meanwhile. */
const STEP = 60_000
/** Between an answer "not yet" and the next QUERY. */
const PAUSE = 100

/** One command that ends with "completed" and result 0. @throws Fault as `stopped`; `reader-error` for another result */
export async function order({ line, clock, signal }: Upkeep, command: Command): Promise<void> {
  const answer = await run(line, clock, command, { signal })
  if (answer.type !== 'completed' && answer.type !== 'completedEncrypted') {
    const { reason } = stopped(answer, command.command)
    throw new Fault('reader-error', `the reader ended ${command.command} with ${answer.type}`, { code: reason })
  }
  if (answer.result !== 0)
    throw new Fault('reader-error', `the reader answered ${command.command} with result ${answer.result}`, {
      code: `result ${answer.result}`,
    })
}

/**
 * Clears both lists and fills them anew, record by record. `begun` is called before the first of them: from then on the reader has no whole configuration until this resolves.
 * @throws Fault `bad-config` before anything is sent; then as `order`
 */
export async function configure(upkeep: Upkeep, configuration: ReaderConfiguration, begun: () => void): Promise<void> {
  const { applications, keys } = recordsOf(configuration)
  const none = new Uint8Array(0)
  const changes: readonly Command[] = [
    { type: 'command', command: 'appConfig', delay: STORE, operation: 'clear', record: none },
    ...applications.map(one => {
      return { type: 'command', command: 'appConfig', delay: STORE, operation: 'add', record: encodeRecord(one) } as const
    }),
    { type: 'command', command: 'capkConfig', delay: STORE, operation: 'clear', record: none },
    ...keys.map(one => {
      return { type: 'command', command: 'capkConfig', delay: STORE, operation: 'add', record: encodeRecord(one) } as const
    }),
  ]
  throwIfAborted(upkeep.signal)
  begun()
  for (const [done, change] of changes.entries()) {
    await order(upkeep, change)
    upkeep.onProgress?.(done + 1, changes.length)
  }
}

/**
 * Sends an image step by step. `begun` is called when the loader has taken the head: from then on the reader needs the whole of it.
 * @throws Fault `bad-argument` before anything is sent, or when the loader refuses the head (details.rule `refused`: nothing is erased yet); `unsupported`;
 * `reader-error` for a block; `aborted` between two blocks; `timeout`, `link-closed`
 */
export async function update(upkeep: Upkeep, image: Uint8Array, begun: () => void): Promise<void> {
  const steps = parseImage(image)
  const total = steps.reduce((sum, step) => sum + ('bytes' in step ? step.bytes : 0), 0)
  let done = 0
  for (const step of steps) {
    throwIfAborted(upkeep.signal)
    if (step.type === 'sleep') await sleep(step.seconds * 1000, upkeep.clock, upkeep.signal)
    else if (step.type === 'boot' || step.type === 'send') {
      const answer = await exchange(upkeep, step.message)
      if (step.type === 'boot' && answer.type === 'crcError')
        throw new Fault('bad-argument', 'the reader refuses the firmware image (PACKET_VERIFY_ERROR)', { field: 'image', rule: 'refused' })
      if (answer.type !== 'completed') stopped(answer, 'the firmware update')
      if (answer.type !== 'completed' || answer.result !== 0)
        throw new Fault('reader-error', `the reader took a block of the image with ${answer.type}, result ${answer.result}`, {
          code: `result ${answer.result}`,
        })
      if (step.type === 'boot') begun()
      done += step.bytes
      upkeep.onProgress?.(done, total)
    }
  }
}

/** A frame of the image, and queries while the reader works on it. */
async function exchange({ line, clock, signal }: Upkeep, message: HostMessage): Promise<DeviceMessage> {
  let next = message
  for (;;) {
    const answer = await line.ask(next, { timeout: STEP, signal })
    if (answer.type !== 'waiting') return answer
    await sleep(PAUSE, clock, signal)
    next = { type: 'query' }
  }
}
