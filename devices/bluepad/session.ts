/** A host's end of an MPED line: messages go out acknowledged frame by frame, what comes is acknowledged and handed on. */

import type { Clock } from '../../src/clock.ts'
import { Fault, isFault, throwIfAborted } from '../../src/errors.ts'
import { Queue } from '../../src/queue.ts'
import { Conversation } from '../../src/reader/conversation.ts'
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
  /** Milliseconds; 15 000 when left out. */
  readonly timeout?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Bytes of a frame or sequence, as they are. */
type Bytes = { readonly type: string; readonly bytes: Uint8Array }

export class MpedLine {
  /** Resolves when the link is over, as `Conversation.closed`. */
  readonly closed: Promise<Fault | undefined>
  /** The largest frame that the reader takes. */
  maxFrame = MAX_FRAME
  /** A payment was given up without the reader's last word: it may still come, and is nobody's. */
  unsettled = false
  readonly #clock: Clock
  readonly #conversation: Conversation<Bytes, LineItem>
  readonly #controls = new Queue<Control>()
  /** Who hears what the reader says; nobody: it is lost. */
  #hears: Queue<Said> | undefined
  #sending: Promise<unknown> = Promise.resolve()
  #over: { readonly fault: Fault | undefined } | undefined

  constructor(link: Link, clock: Clock) {
    this.#clock = clock
    this.#conversation = new Conversation(link, { encode: ({ bytes }) => bytes, decoder: line.decoder }, { clock })
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
   * @throws Fault `timeout` (no ACK in 20 s; the session is ended), `protocol` (refused three times; the session is ended), `reader-error` (the reader has ended it), `aborted`, `link-closed`
   */
  async send(message: HostMessage, signal?: AbortSignal): Promise<void> {
    const frames = host.frames(message, this.maxFrame)
    const sending = this.#sending.then(async () => {
      throwIfAborted(signal)
      const result = await deliver(frames, {
        write: bytes => {
          this.#controls.clear()
          return this.#conversation.tell({ type: message.type, bytes })
        },
        said: () => this.#said(message.type),
      })
      if (result === 'ended') throw sessionEnded()
      if (result === 'taken') return
      await this.#giveUp()
      throw new Fault('protocol', `the reader refused a frame of '${message.type}' three times`, { what: message.type })
    })
    this.#sending = sending.catch(() => {})
    return sending
  }

  /** The ACK or NAK of a frame. A reader that says neither may have heard it all the same. */
  async #said(type: string): Promise<Control> {
    try {
      return (await this.#controls.next({ clock: this.#clock, timeout: times.ack, what: `the acknowledgement of '${type}'` })) ?? 'end'
    } catch (error) {
      if (isFault(error, 'timeout')) await this.#giveUp()
      throw error
    }
  }

  #giveUp(): Promise<void> {
    this.unsettled = true
    return this.end()
  }

  /** Sends without waiting for an ACK: the cancel of a payment (`HeftClient.cancel`). It waits for a message that was begun. */
  tell(message: HostMessage): Promise<void> {
    const sending = this.#sending.then(async () => {
      for (const bytes of host.frames(message, this.maxFrame)) await this.#conversation.tell({ type: message.type, bytes })
    })
    this.#sending = sending.catch(() => {})
    return sending
  }

  /** Ends the session (10 04): what is under way in the reader has no host any more. */
  end(): Promise<void> {
    return this.#conversation.tell({ type: 'end', bytes: line.encode({ type: 'end' }) })
  }

  /** Sends a request and waits for its answer. @throws as `send`; `timeout` when none comes in time, `protocol` when it is not understood */
  async ask<T extends DeviceMessage['type']>(
    message: HostMessage,
    answer: T,
    { timeout = times.answer, signal }: WaitOptions = {},
  ): Promise<Extract<DeviceMessage, { type: T }>> {
    const heard = new Queue<Said>()
    this.hear(heard)
    try {
      await this.send(message, signal)
      for (;;) {
        const said = await heard.next({ clock: this.#clock, timeout, signal, what: `'${message.type}'` })
        if (said === undefined) throw new Fault('link-closed', 'the link was closed')
        if (said.type === answer) return said as Extract<DeviceMessage, { type: T }>
        if (said.type === 'ended') throw sessionEnded()
        if (said.type === 'raw') throw new Fault('protocol', `the answer to '${message.type}' is not understood`)
      }
    } finally {
      this.hear(undefined)
    }
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.#conversation.close()
  }

  async #listen(): Promise<void> {
    const take = listener(host)
    let over: Fault | undefined
    try {
      for await (const item of this.#conversation.incoming) {
        const { reply, message, control } = take(item)
        if (reply) await this.#conversation.tell({ type: reply, bytes: line.encode({ type: reply }) })
        if (message) this.#hears?.push(message)
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
