/** New firmware of an MMS reader: an image is loaded and checked whole, committed by its hash, and written before the reader restarts. */

import { sha256 } from '@noble/hashes/sha2.js'
import {
  decodeFirmware,
  type FirmwareLoad,
  imageTypes,
  mmsCommands,
  mmsDetails,
  mmsNotifications,
} from '../../../../devices/magtek/codec.ts'
import { equal } from '../../../../src/bytes.ts'
import { asFault, Fault, isFault } from '../../../../src/errors.ts'
import type { Firmware } from '../../firmware.ts'
import { HEAD_LENGTH, UpdateBay } from '../../update.ts'
import { type Answer, refused } from './words.ts'

/** What the loader works with. */
export interface LoaderOptions {
  readonly family: string
  readonly firmware: Firmware
  readonly notify: (id: number, summary: number, detail: number) => void
  /** The reader starts anew. */
  readonly restart: () => void
  readonly onFault: (fault: Fault) => void
}

/** Bytes of new firmware that are written at a time. */
const BLOCK = 1024
/** Percent down to which no image is taken (D100005000, D801). */
const NO_UPDATE = 5
/** Its summary in notifications. */
const COMMIT = 0x08

export class MmsLoader {
  readonly #options: LoaderOptions
  /** An image that was loaded and is not yet in use. */
  #staged: FirmwareLoad | undefined
  #writing: { readonly stop: AbortController; readonly done: Promise<void> } | undefined

  constructor(options: LoaderOptions) {
    this.#options = options
  }

  /** An image is being written: nothing else is begun. */
  get busy(): boolean {
    return this.#writing !== undefined
  }

  /** The host is gone, and with it what it loaded and did not commit. */
  forget(): void {
    this.#staged = undefined
  }

  /** Writing ends where it is. */
  async stop(why: Fault): Promise<void> {
    this.#writing?.stop.abort(why)
    await this.#writing?.done
  }

  /** Checked whole before anything is erased: the hash that came with it, the signature in its head, the hash that was signed. @throws Fault `bad-argument` */
  load(payload: Uint8Array, working: boolean): Answer {
    const { family, firmware } = this.#options
    const load = decodeFirmware(mmsCommands.loadFirmware, payload)
    const [head, body] = [load.content.subarray(0, HEAD_LENGTH), load.content.subarray(HEAD_LENGTH)]
    const known = equal(sha256(load.content), load.hash) && equal(sha256(body), head.subarray(36, 68))
    if (!known || load.image !== imageTypes.main)
      throw new Fault('bad-argument', 'the image is not that of its hash', { field: 'image', rule: 'hash' })
    if (working || this.busy) return refused(mmsDetails.inProgress)
    new UpdateBay({ family, version: '', clock: firmware.clock }).begin(head)
    const { percent, charging } = firmware.body.battery
    if (percent <= NO_UPDATE && !charging) return refused(mmsDetails.lowBattery)
    this.#staged = load
    return {}
  }

  /** @throws Fault `bad-argument`, `low-battery` */
  commit(payload: Uint8Array, working: boolean): Answer {
    const { firmware } = this.#options
    const { hash } = decodeFirmware(mmsCommands.commitFirmware, payload)
    const staged = this.#staged
    if (!staged || !equal(staged.hash, hash)) return refused(mmsDetails.imageFailure)
    if (working || this.busy) return refused(mmsDetails.inProgress)
    firmware.condition.update.begin(staged.content.subarray(0, HEAD_LENGTH))
    this.#staged = undefined
    firmware.body.show('reader.updating')
    const stop = new AbortController()
    // After the response has left.
    const writing = Promise.resolve().then(() => this.#write(staged.content.subarray(HEAD_LENGTH), stop.signal))
    const done = writing.finally(() => {
      this.#writing = undefined
    })
    this.#writing = { stop, done }
    return {}
  }

  /** Goes on whether the host is there or not; then the reader restarts. */
  async #write(body: Uint8Array, signal: AbortSignal): Promise<void> {
    const { firmware, notify, restart, onFault } = this.#options
    const { update } = firmware.condition
    try {
      for (let at = update.have; at < body.length; at += BLOCK) {
        if (signal.aborted) return
        await update.write(at, body.subarray(at, at + BLOCK), signal)
      }
      update.commit()
      notify(mmsNotifications.updateDone, COMMIT, 0x010a03)
    } catch (error) {
      if (signal.aborted || isFault(error, 'link-closed')) return
      onFault(asFault(error))
      notify(mmsNotifications.updateFailed, COMMIT, 0x010a04)
    }
    firmware.body.show('reader.idle')
    restart()
  }
}
