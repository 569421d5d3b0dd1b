/** What virtual readers of every family are built on: a body, the shared firmware, one line with one host on it, and one command at work at most. */

import { type Clock, systemClock } from '../../src/clock.ts'
import { abortFault, asFault, Fault, isFault } from '../../src/errors.ts'
import type { Decoder } from '../../src/reader/side.ts'
import type { Link } from '../../src/transport/link.ts'
import { faultySender, type LineFaults } from '../faults.ts'
import { Body, type BodyEvent } from './body/body.ts'
import { Firmware } from './firmware.ts'
import { hearHost } from './hear.ts'
import type { VirtualReaderOptions } from './reader.ts'
import { Seat } from './seat.ts'
import { withoutPinPad } from './without-pin-pad.ts'

/** As a reader of any family is made; it has a body of its own where it is given none. */
export interface ChassisOptions extends Omit<VirtualReaderOptions, 'body'> {
  /** The case that people touch; a new one when left out. */
  readonly body?: Body
}

/** What a family brings to its chassis. */
export interface Build {
  /** Name of its row in the family table. */
  readonly family: string
  /** Of a reader that is given none. */
  readonly serial: string
  /** `false`: it has no keys, and asks for no PIN. */
  readonly pinPad?: boolean
  /** Hears what happens to the body, before the line is closed or the work ended because of it. */
  readonly see?: (event: BodyEvent) => void
}

/** A command that takes as long as people do. */
export interface Job {
  readonly stop: AbortController
  /** Nobody waits for how it ends. */
  forgotten: boolean
  done: Promise<void>
}

/** Sends one frame, with the faults of the line. */
export type Sender = (frame: Uint8Array) => Promise<void>

/** One host's connection, in the family's language. */
export interface Talk<In> {
  readonly decoder: Decoder<In>
  /** One after another, while the reader is on. */
  readonly hear: (message: In) => void | Promise<void>
  /** The first word of a reader that is on. */
  readonly greet?: () => void
  /** The host is gone: nothing is said any more. */
  readonly hush: () => void
  /** After that, and after the work has ended: what its host left behind is put away. */
  readonly left?: () => void | Promise<void>
}

/** How the work ends. */
export interface Ends<J, Answer> {
  /** The answer after a fault; one that nobody asked for has been told to `onFault`. */
  readonly failed: (fault: Fault) => Answer
  /** It is at work no more; `job.forgotten`: nobody waits for the answer. */
  readonly ended: (answer: Answer, job: J) => void
}

/** Milliseconds from the last word about new firmware to the restart. */
const RESTART = 100

export class Chassis<J extends Job> {
  readonly body: Body
  readonly firmware: Firmware
  readonly clock: Clock
  /** Knobs of the line, to be turned at any time. */
  readonly faults: LineFaults
  readonly serial: string
  readonly onFault: (fault: Fault) => void
  readonly #seat = new Seat()
  readonly #stopWatching: () => void
  #link: Link | undefined
  #job: J | undefined

  constructor(options: ChassisOptions, { family, serial, pinPad = true, see }: Build) {
    this.clock = options.clock ?? systemClock
    this.body = options.body ?? new Body({ clock: this.clock, ...(options.language && { language: options.language }) })
    const own = pinPad ? {} : withoutPinPad(options.config, options.contactless)
    this.firmware = new Firmware({ ...options, ...own, family, body: this.body, clock: this.clock })
    this.faults = { ...options.faults }
    this.serial = options.serial ?? serial
    this.onFault = fault => options.onFault?.(fault)
    this.#stopWatching = this.body.on(event => {
      see?.(event)
      if (event.type === 'power' && !event.on) this.#link?.close().catch(() => {})
      if (event.type === 'tamper') this.#job?.stop.abort(new Fault('tampered', 'the reader was opened'))
    })
  }

  /** The line to the host that is connected. */
  get link(): Link | undefined {
    return this.#link
  }

  /** The command at work. */
  get job(): J | undefined {
    return this.#job
  }

  /** Answers one host until the link ends. @throws Fault `busy` while another host is connected */
  async serve<In>(link: Link, talkTo: (send: Sender, signal: AbortSignal) => Talk<In>): Promise<void> {
    await this.#seat.take(link, this.serial)
    const over = new AbortController()
    const gone = new Fault('link-closed', 'the host is gone')
    this.#link = link
    const { faults, clock, firmware } = this
    const talk = talkTo(faultySender(link, { faults, clock, random: firmware.random }, over.signal), over.signal)
    try {
      if (this.body.isOn) {
        talk.greet?.()
        await hearHost(link, talk.decoder, clock, talk.hear)
      }
    } finally {
      this.#seat.leaving()
      over.abort(gone)
      talk.hush()
      await this.forget(gone)
      await talk.left?.()
      await link.close()
      this.#link = undefined
      this.#seat.left()
    }
  }

  /** Ends the connection, the work, and all that is shown or timed. `rest`: what the family has running besides. Idempotent. */
  async close(rest?: () => void | Promise<void>): Promise<void> {
    this.#stopWatching()
    await this.#link?.close()
    await this.forget(new Fault('aborted', 'the reader was closed'))
    await rest?.()
    this.firmware.stop()
  }

  /** `work` to its answer, whatever happens. */
  begin<Answer>(job: J, work: (job: J) => Promise<Answer>, ends: Ends<J, Answer>): void {
    this.#job = job
    job.done = this.#run(job, work, ends)
  }

  async #run<Answer>(job: J, work: (job: J) => Promise<Answer>, { failed, ended }: Ends<J, Answer>): Promise<void> {
    const { signal } = job.stop
    let answer: Answer
    try {
      answer = await work(job)
    } catch (error) {
      const fault = signal.aborted ? abortFault(signal) : asFault(error)
      if (!signal.aborted) this.onFault(fault)
      answer = failed(fault)
    }
    this.#job = undefined
    ended(answer, job)
  }

  /** Stops the command at work; resolves when it has said how it ended. */
  async stop(why: Fault): Promise<void> {
    this.#job?.stop.abort(why)
    await this.#job?.done
  }

  /** The same, without an answer of its own: who ended it is answered instead. */
  async forget(why: Fault): Promise<void> {
    if (this.#job) this.#job.forgotten = true
    await this.stop(why)
  }

  /** Shows that nobody pays. A refusal stays on the display as the firmware put it there. */
  showStopped(fault: Fault): void {
    if (!isFault(fault, 'low-battery', 'update-required', 'tampered')) this.firmware.showEnd({ result: 'cancelled', cvm: 'none' })
  }

  /** Starts anew with the firmware that it was given, which ends this connection. The function that is returned prevents it. */
  restart(link = this.#link): () => void {
    return this.clock.timer(RESTART, () => link?.close().catch(() => {}))
  }
}
