/** New firmware for a virtual BluePad. S000 to S030 are the vendor's numbers; what is in them is OURS, and goes to no reader that does not say it takes it. */

import { concat, fromUint, uint } from '../../src/bytes.ts'
import { Fault, throwIfAborted } from '../../src/errors.ts'
import { type DeviceMessage, statuses, statusName } from './codec.ts'
import type { MpedLine } from './session.ts'

/** Our test image (simulator/readers/update.ts): a head that says how long the body behind it is. */
const HEAD = 132
const LENGTH_AT = 32
const BLOCK = 512
/** Milliseconds for a block: the reader writes flash meanwhile. */
const STEP = 60_000

/**
 * Head, then the blocks from where an interrupted update stopped, then the reader restarts.
 * @throws Fault `bad-argument` before the first block, `low-battery`, `reader-error`, `timeout`, `aborted` between two blocks, `link-closed`
 */
export async function update(
  line: MpedLine,
  image: Uint8Array,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<void> {
  if (image.length <= HEAD || image.length - HEAD !== uint(image.subarray(LENGTH_AT, LENGTH_AT + 4)))
    throw new Fault('bad-argument', 'the firmware image is not as long as its head says', { field: 'image', rule: 'length' })
  const body = image.subarray(HEAD)
  throwIfAborted(signal)
  taken(await line.ask({ type: 'softwareRequest', data: new Uint8Array(0) }, 'softwareRequestAnswer'))
  const { data } = taken(await line.ask({ type: 'fileHeader', data: image.slice(0, HEAD) }, 'fileHeaderAnswer', { timeout: STEP }))
  const have = data.length === 4 ? uint(data) : 0
  for (let at = have; at < body.length; at += BLOCK) {
    throwIfAborted(signal)
    const block = body.subarray(at, at + BLOCK)
    taken(await line.ask({ type: 'fileData', data: concat(fromUint(at, 4), block) }, 'fileDataAnswer', { timeout: STEP }))
    onProgress(at + block.length, body.length)
  }
  throwIfAborted(signal)
  taken(await line.ask({ type: 'softwareConfirm', data: new Uint8Array(0) }, 'softwareConfirmAnswer', { timeout: STEP }))
}

type Step = Extract<DeviceMessage, { type: 'softwareRequestAnswer' | 'fileHeaderAnswer' | 'fileDataAnswer' | 'softwareConfirmAnswer' }>

function taken(answer: Step): Step {
  if (answer.status === statuses.SUCCESS) return answer
  const code = statusName(answer.status)
  if (code === 'INVALID_DATA') throw new Fault('bad-argument', 'the reader refuses the firmware image', { field: 'image', rule: code })
  if (code === 'BATTERY_TOO_LOW') throw new Fault('low-battery', 'the reader takes no firmware: its battery is too low', { code })
  throw new Fault('reader-error', `the reader ended the update with ${code}`, { code })
}
