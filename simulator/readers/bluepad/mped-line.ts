/** A reader's end of an MPED line: what it says goes out acknowledged frame by frame, what it hears is acknowledged, and answers find who asked. */

import {
  type Control,
  type DeviceMessage,
  deliver,
  device,
  type Heard,
  type HostMessage,
  type LineItem,
  line,
  listener,
  times,
} from '../../../devices/bluepad/codec.ts'
import type { Clock } from '../../../src/clock.ts'
import { Fault, isFault } from '../../../src/errors.ts'
import { Queue } from '../../../src/queue.ts'

/** What can be wrong with a session: knobs, to be turned at any time. */
export interface SessionFaults {
  /** Frames to come that are refused (NAK) although they are good. */
  nak?: number
  /** Frames to come of which the reader sends each twice, as if it had not heard the ACK. */
  duplicate?: number
  /** Frames to come that the reader leaves without ACK. */
  mute?: number
  /** In this many frames the reader ends the session (10 04) instead. */
  endIn?: number
}

/** Milliseconds after which a question without an answer is asked again, and how often: assumed. */
const STEP = 1000
const AGAIN = 3

const nak: Heard<HostMessage> = { reply: 'nak' }

type Answer = Extract<HostMessage, { readonly status: number }>

export class DeviceLine {
  /** Frames no longer than this: what the host has said it takes. */
  maxFrame: number
  readonly #clock: Clock
  readonly #faults: SessionFaults
  readonly #listener = listener(device, { unasked: true })
  readonly #controls = new Queue<Control>()
  readonly #write: (bytes: Uint8Array) => Promise<void>
  readonly #over = new AbortController()
  #sending: Promise<unknown> = Promise.resolve()
  /** Sessions that the host has ended: what was to be said in one is not said in the next. */
  #ended = 0
  #question: { readonly type: Answer['type']; readonly settle: (answer: Answer) => void } | undefined

  constructor(write: (bytes: Uint8Array) => Promise<void>, clock: Clock, faults: SessionFaults, maxFrame: number) {
    this.#write = write
    this.#clock = clock
    this.#faults = faults
    this.maxFrame = maxFrame
  }

  /** Nothing more is said; what waits is aborted. */
  close(): void {
    this.#over.abort(new Fault('link-closed', 'the host is gone'))
  }

  /** The host has said this. What is left for the reader to act on. */
  hear(item: LineItem): HostMessage | { readonly type: 'end' } | undefined {
    // A frame that is refused was not heard: it comes again.
    const refused = (item.type === 'frame' || item.type === 'damaged') && this.#spend('nak')
    const { reply, message, control } = refused ? nak : this.#listener.take(item)
    if (reply) this.#reply(reply)
    if (control === 'end') {
      this.#ended++
      this.#listener.speaks()
      this.#listener.spoke() // what comes now is of another session
      this.#controls.push('end')
      return { type: 'end' }
    }
    if (control && control !== 'poll') this.#controls.push(control)
    if (!message || !('status' in message)) return message
    if (this.#question?.type !== message.type) return undefined // what answers a question of before says nothing of this one
    this.#controls.push('ack') // who answers has heard
    this.#question.settle(message)
    return undefined
  }

  #reply(type: 'ack' | 'nak'): void {
    if (this.#spend('mute')) return
    this.#write(line.encode({ type })).catch(() => {}) // a line that breaks ends the connection
  }

  #spend(knob: keyof SessionFaults): boolean {
    const left = this.#faults[knob] ?? 0
    if (left > 0) this.#faults[knob] = left - 1
    return left > 0
  }

  /** Resolves when the host has taken it. @throws Fault `timeout` (no ACK), `protocol` (refused three times), `link-closed` */
  say(message: DeviceMessage): Promise<void> {
    const session = this.#ended
    const sending = this.#sending.then(async () => {
      if (this.#ended !== session) throw new Fault('protocol', `the host has ended the session before '${message.type}'`)
      const result = await deliver(device.frames(message, this.maxFrame), {
        write: bytes => this.#frame(bytes),
        said: async () => (await this.#controls.next({ clock: this.#clock, timeout: times.ack, signal: this.#over.signal })) ?? 'end',
      })
      if (result === 'taken') return this.#listener.spoke()
      if (result === 'refused') await this.#write(line.encode({ type: 'end' }))
      throw new Fault('protocol', `the host did not take '${message.type}': ${result}`)
    })
    this.#sending = sending.catch(() => {})
    return sending
  }

  async #frame(bytes: Uint8Array): Promise<void> {
    this.#controls.clear()
    this.#listener.speaks()
    if (this.#faults.endIn !== undefined && this.#faults.endIn-- <= 0) {
      delete this.#faults.endIn
      return this.#write(line.encode({ type: 'end' }))
    }
    await this.#write(bytes)
    if (this.#spend('duplicate')) await this.#write(bytes)
  }

  /** Says what wants an answer, and waits for it. @throws as `say`; Fault `timeout`, `aborted` or the signal's own */
  async ask<T extends Answer['type']>(
    message: DeviceMessage,
    type: T,
    { timeout = times.answer, signal }: { readonly timeout?: number; readonly signal: AbortSignal },
  ): Promise<Extract<Answer, { type: T }>> {
    const answers = new Queue<Answer>()
    this.#question = { type, settle: answer => answers.push(answer) }
    try {
      await this.say(message)
      const ends = AbortSignal.any([signal, this.#over.signal])
      // Acknowledgements have no numbers, so a late one may have passed for this one's: it is asked again, but for what the host may take long for.
      const again = type === 'receiveAnswer' ? 0 : AGAIN
      for (let left = timeout; ; left -= STEP) {
        const step = again > 0 && left > timeout - again * STEP ? STEP : left
        try {
          return (await answers.next({ clock: this.#clock, timeout: step, signal: ends, what: `'${message.type}'` })) as Extract<
            Answer,
            { type: T }
          >
        } catch (error) {
          if (!isFault(error, 'timeout') || step === left) throw error
          await this.say(message)
        }
      }
    } finally {
      this.#question = undefined
    }
  }
}
