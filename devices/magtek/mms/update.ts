/** New firmware for an MMS reader: the image and its hash in one message (D801), then the word to use it (D901); the reader says how it went, and restarts. */

import { sha256 } from '@noble/hashes/sha2.js'
import type { Clock } from '../../../src/clock.ts'
import { Fault, throwIfAborted } from '../../../src/errors.ts'
import type { Queue } from '../../../src/queue.ts'
import { encodeCommit, encodeLoad, imageTypes, MAX_MESSAGE, type MmsMessage, mmsCommands, mmsNotifications } from '../codec.ts'
import { ask, type MmsLine, type References } from './session.ts'

export interface MmsUpdate {
  readonly line: MmsLine
  readonly references: References
  readonly clock: Clock
  readonly news: Queue<MmsMessage>
  readonly image: Uint8Array
  readonly signal: AbortSignal
  readonly progress: (done: number, total: number) => void
}

/** Milliseconds for the sending of an image, and for its taking into use: both may be slow. */
const SLOW = 30 * 60_000

/**
 * What was not yet taken into use has changed nothing: a link that is lost, or a signal that fires, while the image is on its way leaves the reader as it was.
 * @throws Fault `bad-argument` (the reader refuses the image), `low-battery`, `busy`, `reader-error`, `timeout`, `aborted`, `link-closed`
 */
export async function updateMms({ line, references, clock, news, image, signal, progress }: MmsUpdate): Promise<void> {
  const total = image.length
  if (total === 0 || total > MAX_MESSAGE / 2)
    throw new Fault('bad-argument', `an image of ${total} bytes is none of this family`, { field: 'image' })
  const hash = sha256(image)
  progress(0, total)
  const onSent = (done: number, all: number) => progress(Math.floor((done / all) * total), total)
  const load = encodeLoad({ image: imageTypes.main, hash, content: image })
  await ask(line, references, mmsCommands.loadFirmware, load, { timeout: SLOW, signal, onSent })
  throwIfAborted(signal)
  await ask(line, references, mmsCommands.commitFirmware, encodeCommit({ image: imageTypes.main, hash }))
  for (;;) {
    // From here on it cannot be stopped: the reader restarts with the one firmware or the other.
    const message = await news.next({ timeout: SLOW, clock, what: 'the firmware to be taken into use' })
    if (message?.id === mmsNotifications.updateDone || message?.id === mmsNotifications.upToDate) return
    if (message?.id === mmsNotifications.updateFailed)
      throw new Fault('reader-error', 'the reader says that the update failed', { code: 'FIRMWARE_UPDATE_FAILED' })
  }
}
