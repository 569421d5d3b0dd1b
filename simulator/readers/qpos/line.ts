/** The passive end of a QPOS line: at most one answer is owed, "busy" when it takes long, parts when it is long; what nobody asked for waits. */

import type { DeviceMessage, DeviceMessageType } from '../../../devices/qpos/codec.ts'
import { device } from '../../../devices/qpos/codec.ts'
import type { Clock } from '../../../src/clock.ts'

/** A command by its code and sub-code: an answer carries those of what it answers. */
export interface Code {
  readonly code: number
  readonly sub: number
}

export interface State {
  readonly type: DeviceMessageType
  readonly data: Uint8Array
}

export interface LineOptions {
  readonly clock: Clock
  /** More data than this goes in parts (CmdID 36). */
  readonly partSize: number
  /** Milliseconds that an answer may take before the host hears the state instead. */
  readonly busyAfter: number
  /** What a host that asks is told: busy (23), PIN entry (41) … */
  readonly state: () => State
}

export class PassiveLine {
  readonly #options: LineOptions
  /** Undefined while nobody is connected. */
  send: ((frame: Uint8Array) => Promise<void>) | undefined
  #owed: (Code & { readonly cancelBusy: () => void }) | undefined
  readonly #unheard: DeviceMessage[] = []
  #parts: { readonly last: DeviceMessage; at: number } | undefined

  constructor(options: LineOptions) {
    this.#options = options
  }

  /** A request came: an answer is due from here on. One that was still owed is never given. */
  owe({ code, sub }: Code): void {
    this.#settle()
    this.#parts = undefined
    const cancelBusy = this.#options.clock.timer(this.#options.busyAfter, () =>
      this.reply({ code, sub, result: 0, ...this.#options.state() }),
    )
    this.#owed = { code, sub, cancelBusy }
  }

  /** Sends `message` if an answer is due, else keeps it until the host asks. */
  reply(message: DeviceMessage): void {
    if (!this.#settle()) {
      this.#unheard.push(message)
      return
    }
    this.#parts = { last: message, at: 0 }
    this.#sendPart()
  }

  /** The answer to what is owed. */
  answer(type: DeviceMessageType, data: Uint8Array = new Uint8Array(0)): void {
    const { code, sub } = this.#owed ?? { code: 0, sub: 0 }
    this.reply({ type, code, sub, result: 0, data })
  }

  /** The next part of a long answer; false where there is none. */
  continue(): boolean {
    if (!this.#parts) return false
    this.#sendPart()
    return true
  }

  /** What was not heard, oldest first. */
  nextUnheard(): DeviceMessage | undefined {
    return this.#unheard.shift()
  }

  lastUnheard(): DeviceMessage | undefined {
    return this.#unheard.at(-1)
  }

  /** Nothing is waiting to be heard any more. */
  forget(): void {
    this.#unheard.length = 0
  }

  /** Nobody is connected any more: nothing is owed, no timer runs. */
  close(): void {
    this.#settle()
    this.#parts = undefined
    this.send = undefined
  }

  #settle(): boolean {
    const owed = this.#owed !== undefined
    this.#owed?.cancelBusy()
    this.#owed = undefined
    return owed
  }

  #sendPart(): void {
    const { last, at } = this.#parts!
    const data = last.data.subarray(at, at + this.#options.partSize)
    const more = at + data.length < last.data.length
    this.#parts = more ? { last, at: at + data.length } : undefined
    const { code, sub } = last
    const message: DeviceMessage = more ? { type: 'partData', code, sub, result: 0, data } : { ...last, data }
    // A line that breaks ends the connection: nothing is lost by not looking here.
    this.send?.(device.encode(message)).catch(() => {})
  }
}
