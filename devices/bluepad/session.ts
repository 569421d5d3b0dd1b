/** A host's end of an MPED line: messages go out acknowledged frame by frame, what comes is acknowledged and handed on. */

import type { Clock } from '../../src/clock.ts'
import { Fault, isFault, throwIfAborted } from '../../src/errors.ts'
import { Queue } from '../../src/queue.ts'
import { Conversation } from '../../src/reader/conversation.ts'
import type { Decoder } from '../../src/reader/side.ts'
import { messageTold } from '../../src/reader/told-message.ts'
import { ChipWork } from '../../src/reader/work.ts'
import type { Tracer } from '../../src/trace/event.ts'
import type { Link } from '../../src/transport/link.ts'
import {
  type Control,
  type DeviceMessage,
  deliver,
  type HostMessage,
  host,
  type LineItem,
  line,
  listener,
  MAX_FRAME,
  times,
} from './codec.ts'

/** What a host hears: a message, or that the reader has ended the session. */
export type Said = DeviceMessage | { readonly type: 'ended' }

export interface WaitOptions {
  /** Milliseconds; 15 000 when left out, 5000 for what is asked between payments. */
  readonly timeout?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Bytes of a frame or sequence, as they are. */
type Bytes = { readonly type: string; readonly bytes: Uint8Array }

/** Milliseconds after which a line that has gone quiet is looked at, and how often a frame of which nothing is said is sent again: ours. */
export const STEP = 250
const REPEATS = 8
/** What begins something in the reader is never sent twice; milliseconds for its ACK, or for what the reader goes on to say; of a payment, of which it tells at once, and of a file, which it may first write. */
const once: readonly HostMessage['type'][] = ['sale', 'refund', 'fileHeader', 'fileData', 'softwareConfirm']
const ONCE = 5000
const PAYMENT_ONCE = 2000
/** Milliseconds in which an ordinary chip is through with a step while nobody has something to do. Assumed. */
const WORK = 3000
/** What is asked between two payments, as often as one likes; and what a reader says in the middle of one only. */
const between: readonly HostMessage['type'][] = ['idle', 'init']
const ofPayment: readonly Said['type'][] = ['event', 'signature', 'hostConnect', 'hostSend', 'hostReceive', 'hostDisconnect', 'hostPost']
const MAX_ENDS = 3
/** Milliseconds for an answer to it, however often it is asked. */
const BETWEEN = 5000

export class MpedLine {
  /** Resolves when the link is over, as `Conversation.closed`. */
  readonly closed: Promise<Fault | undefined>
  /** The largest frame that the reader takes. */
  maxFrame = MAX_FRAME
  /** A payment was given up without the reader's last word: it may still come, and is nobody's. */
  unsettled = false
  /** What the line has lost, and how long the chip may work. */
  readonly work: ChipWork
  readonly #clock: Clock
  readonly #tracer: Tracer | undefined
  readonly #conversation: Conversation<Bytes, LineItem>
  readonly #controls = new Queue<Control>()
  /** When the last byte came in. */
  #heardAt = Number.NEGATIVE_INFINITY
  readonly #listener = listener(host, { unasked: false })
  /** What is being sent, or was last. */
  #sent: HostMessage['type'] | undefined
  /** Who hears what the reader says; nobody: it is lost. */
  #hears: Queue<Said> | undefined
  #sending: Promise<unknown> = Promise.resolve()
  #over: { readonly fault: Fault | undefined } | undefined

  constructor(link: Link, clock: Clock, tracer?: Tracer) {
    this.#tracer = tracer
    this.#clock = clock
    this.work = new ChipWork(clock, WORK)
    this.#conversation = new Conversation(link, { encode: ({ bytes }) => bytes, decoder: () => this.#noting(line.decoder()) }, { clock })
    this.closed = this.#conversation.closed
    void this.#listen()
  }

  /** From now on `queue` hears the reader, and nobody else; it ends with the link. Undefined: nobody does. */
  hear<T>(queue: Queue<Said | T> | undefined): void {
    this.#hears = queue as Queue<Said> | undefined
    if (this.#over) queue?.end(this.#over.fault)
  }

  /**
   * Resolves when the reader has taken the message. One that was begun is sent to its end: the reader would take a half for the beginning of the next.
   * @throws Fault `timeout` (nothing is said of it; the session is ended), `protocol` (refused three times; the session is ended), `reader-error` (the reader has ended it), `aborted`, `link-closed`
   */
  async send(message: HostMessage, signal?: AbortSignal): Promise<void> {
    const frames = host.frames(message, this.maxFrame)
    const sending = this.#sending.then(async () => {
      throwIfAborted(signal)
      const single = once.includes(message.type)
      const patience = message.type === 'sale' || message.type === 'refund' ? PAYMENT_ONCE : ONCE
      this.#sent = message.type
      this.#tracer?.tell('driver', messageTold('out', message))
      let sent = 0
      const result = await deliver(frames, {
        repeats: single ? 0 : REPEATS,
        write: bytes => {
          if (++sent > frames.length) this.work.lost() // one of them comes again
          this.#controls.clear()
          this.#listener.speaks()
          return this.#conversation.tell({ type: message.type, bytes })
        },
        said: () => this.#said(message.type, single ? patience : STEP),
      })
      if (result === 'ended') throw sessionEnded()
      if (result === 'taken') return this.#listener.spoke()
      this.unsettled = true
      await this.end()
      if (result === 'silent')
        throw new Fault('timeout', `the reader says nothing of '${message.type}'`, { ms: single ? patience : STEP * (REPEATS + 1) })
      throw new Fault('protocol', `the reader refused a frame of '${message.type}' three times`, { what: message.type })
    })
    this.#sending = sending.catch(() => {})
    return sending
  }

  /** The ACK or NAK of a frame; what the reader goes on to say is as good as an ACK. A reader that says nothing may have heard it all the same. */
  async #said(type: string, timeout: number): Promise<Control | 'silence'> {
    try {
      return (await this.#controls.next({ clock: this.#clock, timeout, what: `the acknowledgement of '${type}'` })) ?? 'end'
    } catch (error) {
      if (isFault(error, 'timeout')) return 'silence'
      throw error
    }
  }

  /** Says NAK in silence: a reader that waits for an ACK, since its frame or our ACK was lost, sends that frame again. One whose frame is still coming in is let finish. */
  async again(): Promise<void> {
    if (this.#clock.elapsed() - this.#heardAt < STEP) return
    this.#listener.refused()
    return this.#conversation.tell({ type: 'nak', bytes: line.encode({ type: 'nak' }) })
  }

  /** Sends without waiting for an ACK: the cancel of a payment (`HeftClient.cancel`). It waits for a message that was begun. */
  tell(message: HostMessage): Promise<void> {
    const sending = this.#sending.then(async () => {
      this.#listener.speaks()
      this.#listener.spoke()
      this.#tracer?.tell('driver', messageTold('out', message))
      for (const bytes of host.frames(message, this.maxFrame)) await this.#conversation.tell({ type: message.type, bytes })
    })
    this.#sending = sending.catch(() => {})
    return sending
  }

  /** Ends the session (10 04): what is under way in the reader has no host any more. Nothing answers it, so it is said three times. */
  async end(): Promise<void> {
    for (let times = 0; times < 3; times++) await this.#conversation.tell({ type: 'end', bytes: line.encode({ type: 'end' }) })
  }

  /** Sends a request and waits for its answer. @throws as `send`; `timeout` when none comes in time, `protocol` when it is not understood */
  async ask<T extends DeviceMessage['type']>(
    message: HostMessage,
    answer: T,
    { timeout = between.includes(message.type) ? BETWEEN : times.answer, signal }: WaitOptions = {},
  ): Promise<Extract<DeviceMessage, { type: T }>> {
    const heard = new Queue<Said>()
    this.hear(heard)
    try {
      await this.send(message, signal)
      for (let silent = 0, ends = 0; ; ) {
        const step = Math.min(STEP, timeout - silent)
        const waited = await heard.next({ clock: this.#clock, timeout: step, signal, what: `'${message.type}'` }).catch(error => {
          if (isFault(error, 'timeout') && silent + step < timeout) return 'silence' as const
          throw isFault(error, 'timeout') ? new Fault('timeout', `no answer to '${message.type}' in ${timeout} ms`, { ms: timeout }) : error
        })
        if (waited === 'silence') {
          silent += step
          if (silent <= 2 * STEP) await this.again()
          else if (between.includes(message.type)) {
            // It acknowledges and says nothing: it is in the middle of a payment that nobody has any more.
            if (silent === 3 * STEP || silent === 6 * STEP) await this.end()
            await this.tell(message)
          }
          continue
        }
        const said = waited
        if (said === undefined) throw new Fault('link-closed', 'the link was closed')
        if (said.type === answer) return said as Extract<DeviceMessage, { type: T }>
        if (said.type === 'ended') throw sessionEnded()
        // It is in the middle of a payment that nobody has any more: an idle request alone would wait for its end.
        if (between.includes(message.type) && ofPayment.includes(said.type) && ends++ < MAX_ENDS) {
          await this.end()
          await this.tell(message)
        }
        if (said.type === 'raw') throw new Fault('protocol', `the answer to '${message.type}' is not understood`)
      }
    } finally {
      this.hear(undefined)
    }
  }

  #noting(decoder: Decoder<LineItem>): Decoder<LineItem> {
    return {
      push: chunk => {
        this.#heardAt = this.#clock.elapsed()
        return decoder.push(chunk)
      },
      idle: () => decoder.idle(),
    }
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.#conversation.close()
  }

  /** Whether the reader can only say this once it has heard us; what answers a question of before says nothing of the one after. */
  #follows({ type }: DeviceMessage): boolean {
    return !type.endsWith('Answer') || type === `${this.#sent}Answer`
  }

  async #listen(): Promise<void> {
    let over: Fault | undefined
    try {
      for await (const item of this.#conversation.incoming) {
        const { reply, message, control } = this.#listener.take(item)
        if (reply === 'nak') this.work.lost()
        if (reply) await this.#conversation.tell({ type: reply, bytes: line.encode({ type: reply }) })
        if (message) {
          this.#tracer?.tell('driver', messageTold('in', message))
          if (this.#follows(message)) this.#controls.push('ack')
          this.#hears?.push(message)
        }
        if (control && control !== 'poll') this.#controls.push(control)
        if (control === 'end') this.#hears?.push({ type: 'ended' })
      }
    } catch {
      over = await this.closed
    }
    this.#over = { fault: over }
    this.#controls.end(over)
    this.#hears?.end(over)
  }
}

/** The reader has said 10 04. */
export function sessionEnded(): Fault {
  return new Fault('reader-error', 'the reader has ended the session', { code: 'SESSION_END' })
}
