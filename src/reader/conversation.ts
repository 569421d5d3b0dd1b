/** A Conversation is a Link with a side on it: tell, ask, incoming. Waiting, giving up and resynchronising live here, once. */

import type { Clock, Limit } from '../clock.ts'
import { sleep, systemClock, within } from '../clock.ts'
import { abortFault, asFault, type Fault, isFault } from '../errors.ts'
import { Queue } from '../queue.ts'
import type { Tracer } from '../trace/event.ts'
import type { Link } from '../transport/link.ts'
import { linkClosed } from '../transport/link.ts'
import type { Decoder, Side } from './side.ts'
import { messageTold } from './told-message.ts'

/** How long things take on this line, and who hears of what is odd. */
export interface ConversationOptions<In> {
  /** Times the waits; the system's when left out. */
  clock?: Clock | undefined
  /** Milliseconds without a byte after which an unfinished tail is no frame (`Decoder.idle`); 300 when left out. */
  quiet?: number | undefined
  /** Milliseconds for which the next `ask` is held back after one that was given up; 300 when left out. */
  grace?: number | undefined
  /** The timeout of a `tell` or `ask` that names none, in milliseconds; 5000 when left out. */
  timeout?: number | undefined
  /** Unread `incoming` messages that are kept; beyond them the oldest is dropped. 1024 when left out. */
  backlog?: number | undefined
  /** Sees an answer that came after its `ask` was given up; it goes nowhere else. */
  onLate?: ((message: In) => void) | undefined
  /** The line went quiet (`quiet`) after bytes in which there was no message at all: something was said, and cannot be read. */
  onNoise?: (() => void) | undefined
  /** Something was lost on the way: a try of an `ask` had no answer in its time, or the line went quiet after what cannot be read. */
  onLost?: (() => void) | undefined
  /** Is told of every message, both ways, by its `type`. */
  tracer?: Tracer | undefined
}

/** How an answer is waited for. */
export interface AskOptions<In, Answer extends In = In> {
  /** Milliseconds from the moment it is this ask's turn to be sent until its answer; for each try. */
  timeout?: number | undefined
  /** Ends it at any moment, in the queue too. */
  signal?: AbortSignal | undefined
  /** Which message is the answer; any, when left out. Be exact: what no ask accepts goes to `incoming`. */
  accept?: ((message: In) => message is Answer) | ((message: In) => boolean) | undefined
  /** How often the same bytes are sent again after a timeout; 0 when left out. Only for what may be done twice. */
  retries?: number | undefined
  /** Told after each piece that the link took: bytes of the frame so far, of how many. */
  onSent?: ((done: number, total: number) => void) | undefined
}

interface Question<In> {
  readonly accept: (message: In) => boolean
  readonly resolve: (message: In) => void
  readonly reject: (fault: Fault) => void
}

/**
 * One ask is on the line at a time; others wait for their turn in order. A frame that was begun is always sent to its end, so an abort never
 * leaves the peer with half a frame.
 *
 * Late answers: an ask that was given up after its first byte may still be answered. The next ask is not sent until that answer has come (it goes to
 * `onLate`, to nobody else) or `grace` is over. An answer later than that is judged like any message: it is taken by an ask that accepts it, else
 * it is `incoming`. A family whose messages carry a number or a command id rules even that out by an exact `accept`.
 */
export class Conversation<Out, In> implements AsyncDisposable {
  /** What it speaks over; its own from the beginning on. */
  readonly link: Link
  /** The messages that no ask claimed, for one reader. Ends when the conversation is closed; throws `link-closed` when the link is lost, or ended with another Fault. */
  readonly incoming = new Queue<In>()
  /** Resolves when it is over: with the Fault when the link was lost or closed by the peer, with nothing when it was closed here. */
  readonly closed: Promise<Fault | undefined>
  readonly #side: Side<Out, In>
  readonly #decoder: Decoder<In>
  readonly #clock: Clock
  readonly #quiet: number
  readonly #grace: number
  readonly #timeout: number
  readonly #backlog: number
  readonly #onLate: ((message: In) => void) | undefined
  readonly #onNoise: (() => void) | undefined
  readonly #onLost: (() => void) | undefined
  readonly #tracer: Tracer | undefined
  /** Messages since the line was quiet last. */
  #understood = 0
  /** Asks that wait for their turn, each to be let go. */
  readonly #turns: (() => void)[] = []
  /** Pauses, each to be cut short when the link ends. */
  readonly #pauses = new Set<AbortController>()
  #asking = false
  #question: Question<In> | undefined
  #late: { readonly accept: (message: In) => boolean; readonly gone: Promise<void>; readonly over: () => void } | undefined
  #sending: Promise<unknown> = Promise.resolve()
  #cancelQuiet: (() => void) | undefined
  #ended: Fault | undefined
  #end!: (fault: Fault | undefined) => void

  /** Hears from now on. */
  constructor(link: Link, side: Side<Out, In>, options: ConversationOptions<In> = {}) {
    this.link = link
    this.#side = side
    this.#decoder = side.decoder()
    this.#clock = options.clock ?? systemClock
    this.#quiet = options.quiet ?? 300
    this.#grace = options.grace ?? 300
    this.#timeout = options.timeout ?? 5000
    this.#backlog = options.backlog ?? 1024
    this.#onLate = options.onLate
    this.#onNoise = options.onNoise
    this.#onLost = options.onLost
    this.#tracer = options.tracer
    this.closed = new Promise(resolve => {
      this.#end = resolve
    })
    void this.#listen()
  }

  /** Sends a message and resolves when the link took it. @throws Fault `timeout`, `aborted`, `link-closed`, or what `encode` throws */
  async tell(message: Out, options: Pick<Limit, 'timeout' | 'signal'> = {}): Promise<void> {
    const frame = this.#side.encode(message)
    const limit = { timeout: this.#timeout, ...options, clock: this.#clock, what: `the sending of ${nameOf(message)}` }
    return within(limit, signal => this.#send(frame, signal, () => this.#told('out', message)))
  }

  /** Sends a message and resolves with its answer. @throws Fault `timeout`, `aborted`, `link-closed`, or what `encode` throws */
  async ask<Answer extends In = In>(message: Out, options: AskOptions<In, Answer> = {}): Promise<Answer> {
    const frame = this.#side.encode(message)
    const { timeout = this.#timeout, signal, accept = () => true, retries = 0, onSent } = options
    const turn = this.#turn(signal)
    if (turn) await turn // not otherwise: what is asked first is sent first, before a `tell` that follows
    try {
      if (this.#late) await within({ signal }, () => this.#late!.gone)
      for (let attempt = 0; ; attempt++) {
        try {
          const limit = { timeout, signal, clock: this.#clock, what: nameOf(message) }
          const answer = await this.#exchange(frame, accept, limit, () => this.#told('out', message), onSent)
          if (attempt > 0) this.#expectLate(accept) // the answer to the try before may follow
          return answer as Answer
        } catch (error) {
          if (!isFault(error, 'timeout')) throw error
          this.#onLost?.()
          if (attempt >= retries) throw error
        }
      }
    } finally {
      this.#nextTurn()
    }
  }

  /** Waits, for as long as the link is there. @throws Fault `aborted`, `link-closed` */
  async pause(ms: number, signal?: AbortSignal): Promise<void> {
    if (this.#ended) throw this.#ended
    const over = new AbortController()
    this.#pauses.add(over)
    try {
      await sleep(ms, this.#clock, signal ? AbortSignal.any([signal, over.signal]) : over.signal)
    } finally {
      this.#pauses.delete(over)
    }
  }

  /** Idempotent: settles what is pending with `link-closed`, drops what is unread, and closes the link. */
  async close(): Promise<void> {
    this.incoming.clear()
    this.#finish(linkClosed(this.link.uri, 'close'))
    await this.link.close()
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #listen(): Promise<void> {
    try {
      for await (const chunk of this.link.incoming) {
        this.#cancelQuiet?.()
        this.#cancelQuiet = this.#clock.timer(this.#quiet, () => this.#resynchronise())
        this.#dispatch(this.#decoder.push(chunk))
        if (this.#ended) return
      }
      this.#finish(linkClosed(this.link.uri, 'close'))
    } catch (error) {
      this.#resynchronise()
      this.#finish(asFault(error))
      await this.link.close().catch(() => {}) // it is lost anyway; what can be released is
    }
  }

  /** The line went quiet, or is gone: good frames behind a false start come out. */
  #resynchronise(): void {
    this.#cancelQuiet?.()
    this.#cancelQuiet = undefined
    this.#dispatch(this.#decoder.idle())
    const noise = this.#understood === 0
    this.#understood = 0
    if (!noise || this.#ended) return
    this.#onNoise?.()
    this.#onLost?.()
  }

  #dispatch(messages: readonly In[]): void {
    this.#understood += messages.length
    for (const message of messages) {
      if (this.#ended) return
      this.#told('in', message)
      const question = this.#question
      if (question?.accept(message)) {
        this.#question = undefined
        question.resolve(message)
      } else if (!question && this.#late?.accept(message)) {
        this.#late.over()
        this.#onLate?.(message)
      } else {
        if (this.incoming.size >= this.#backlog) void this.incoming.next()
        this.incoming.push(message)
      }
    }
  }

  /** One try. What comes before its first byte was sent is no answer; what comes after is, even when it overtakes the end of the sending. */
  async #exchange(
    frame: Uint8Array,
    accept: (message: In) => boolean,
    limit: Limit,
    sends: () => void,
    onSent?: AskOptions<In>['onSent'],
  ): Promise<In> {
    let begun = false
    try {
      return await within(limit, signal => {
        return new Promise<In>((resolve, reject) => {
          this.#question = { accept: guarded(message => begun && accept(message), reject), resolve, reject }
          const begin = () => {
            begun = true
            sends()
          }
          this.#send(frame, signal, begin, onSent).catch(reject)
        })
      })
    } catch (error) {
      if (begun) this.#expectLate(accept)
      throw error
    } finally {
      this.#question = undefined
    }
  }

  /** The pieces of one frame, after those of the frames before it. */
  #send(frame: Uint8Array, signal: AbortSignal, begin?: () => void, onSent?: AskOptions<In>['onSent']): Promise<void> {
    const sending = this.#sending.then(async () => {
      if (this.#ended) throw this.#ended
      if (signal.aborted) throw abortFault(signal)
      begin?.()
      const { mtu } = this.link
      for (let at = 0; at < frame.length; at += mtu) {
        await this.link.send(frame.length > mtu ? frame.subarray(at, at + mtu) : frame)
        if (!signal.aborted) onSent?.(Math.min(at + mtu, frame.length), frame.length)
      }
    })
    this.#sending = sending.catch(() => {})
    return sending
  }

  /** Nothing when the line is free, else the promise of it. */
  #turn(signal: AbortSignal | undefined): Promise<void> | undefined {
    if (signal?.aborted) throw abortFault(signal)
    if (this.#ended) throw this.#ended
    if (!this.#asking) {
      this.#asking = true
      return undefined
    }
    return within({ signal }, given => {
      return new Promise(go => {
        this.#turns.push(go)
        given.addEventListener('abort', () => {
          const at = this.#turns.indexOf(go)
          if (at >= 0) this.#turns.splice(at, 1)
        })
      })
    })
  }

  #nextTurn(): void {
    const go = this.#turns.shift()
    if (go) go()
    else this.#asking = false
  }

  #told(way: 'out' | 'in', message: unknown): void {
    this.#tracer?.tell('driver', messageTold(way, message))
  }

  #expectLate(accept: (message: In) => boolean): void {
    this.#late?.over()
    if (this.#grace <= 0 || this.#ended) return
    let resolve!: () => void
    const gone = new Promise<void>(done => {
      resolve = done
    })
    const over = () => {
      cancel()
      this.#late = undefined
      resolve()
    }
    const cancel = this.#clock.timer(this.#grace, over)
    this.#late = { accept: guarded(accept, () => {}), gone, over }
  }

  #finish(fault: Fault): void {
    if (this.#ended) return
    this.#ended = fault
    for (const pause of this.#pauses) pause.abort(fault)
    const lost = fault.details.by === 'close' ? undefined : fault
    this.#cancelQuiet?.()
    this.#late?.over()
    this.#question?.reject(fault) // those in the queue follow one by one: nothing is sent any more
    this.incoming.end(lost?.code === 'link-closed' || !lost ? lost : linkClosed(this.link.uri, 'peer', lost))
    this.#end(lost)
  }
}

/** An `accept` that throws accepts nothing, and its error is the asker's. */
function guarded<In>(accept: (message: In) => boolean, onError: (fault: Fault) => void): (message: In) => boolean {
  return message => {
    try {
      return accept(message)
    } catch (error) {
      onError(asFault(error))
      return false
    }
  }
}

/** What a timeout calls the message: its `type`, where it has one; never its content. */
function nameOf(message: unknown): string {
  const type = typeof message === 'object' && message !== null && 'type' in message ? message.type : undefined
  return typeof type === 'string' ? `'${type}'` : 'a message'
}
