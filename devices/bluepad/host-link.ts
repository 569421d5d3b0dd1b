/** The reader's own way to its host: connect, send, receive, disconnect. The app carries bytes it cannot read, or, for a virtual reader, is the host itself. */

import { equal } from '../../src/bytes.ts'
import type { AuthorisationResponse, Waiting } from '../../src/emv/terminal.ts'
import { asFault, type Fault } from '../../src/errors.ts'
import { APP_HOST, type DeviceMessage, decodeQuestion, encodeReply, type HostMessage, type HostQuestion, statuses } from './codec.ts'

/** A request of the reader for its own host, and where it is to go. The bytes are an HTTP request (MPosOperation.mm); their body is the gateway's and the reader's. */
export interface HostCall {
  /** Host name or address, as the reader says it. */
  readonly address: string
  /** TCP port. */
  readonly port: number
  /** Seconds. */
  readonly timeout: number
  /** What is to be sent. */
  readonly request: Uint8Array
}

/** Takes a request to the host and brings its answer: an HTTP response. Rejects when there is none. */
export type CarryToHost = (call: HostCall, options: Pick<Waiting, 'signal'>) => Promise<Uint8Array>

/** What the reader asks the app to do, and what the app says to the reader. */
export type HostRequest = Extract<DeviceMessage, { type: 'hostConnect' | 'hostSend' | 'hostReceive' | 'hostDisconnect' | 'hostPost' }>

export interface HostLinkOptions {
  readonly carry: CarryToHost | undefined
  /** The app is the host: asks it. The signal fires when nobody waits for the answer any more. */
  authorise(question: HostQuestion, signal: AbortSignal): Promise<AuthorisationResponse>
  /** Bytes have left for a host that only the reader knows. */
  onCarried(): void
  say(message: HostMessage): Promise<void>
  /** The app's own fault: the reader is told that there is no answer. */
  onFault(fault: Fault): void
}

/** One connection at a time. */
export class HostLink {
  readonly #options: HostLinkOptions
  readonly #closing = new AbortController()
  #peer: { readonly address: string; readonly port: number; readonly timeout: number } | undefined
  #asked: { readonly request: Uint8Array; readonly answer: Promise<Uint8Array | undefined> } | undefined
  #before: { readonly request: Uint8Array; readonly answer: Promise<Uint8Array | undefined> } | undefined
  #receiving = false
  #waiting = false
  #last: HostMessage | undefined

  constructor(options: HostLinkOptions) {
    this.#options = options
  }

  /** Whether the host is being asked. */
  get waiting(): boolean {
    return this.#waiting
  }

  /** The host is asked no more, and nobody waits for its answer: a reader that does is told that none has come. */
  close(): void {
    this.#closing.abort()
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Does what the reader wants and answers it. @throws what `say` throws */
  async take(request: HostRequest): Promise<void> {
    const { carry } = this.#options
    const say = (message: HostMessage) => this.#say(message)
    switch (request.type) {
      case 'hostConnect': {
        const reachable = !this.#closed && (request.address === APP_HOST || carry !== undefined)
        const { address, port, timeout } = request
        this.#peer = reachable ? { address, port, timeout } : undefined
        return say({ type: 'connectAnswer', status: reachable ? statuses.SUCCESS : statuses.CONNECT_ERROR })
      }
      case 'hostSend':
        if (!this.#peer || this.#closed) return say({ type: 'sendAnswer', status: statuses.SENDING_ERROR })
        this.#ask({ ...this.#peer, request: request.data })
        return say({ type: 'sendAnswer', status: statuses.SUCCESS })
      case 'hostReceive':
        return this.#receive()
      case 'hostDisconnect':
        this.#peer = undefined
        return say({ type: 'disconnectAnswer', status: statuses.SUCCESS })
      case 'hostPost': {
        const { address, port, timeout, data } = request
        if (this.#closed || (address !== APP_HOST && !carry))
          return say({ type: 'receiveAnswer', status: statuses.CONNECT_ERROR, answer: undefined })
        this.#ask({ address, port, timeout, request: data })
        return this.#receive()
      }
    }
  }

  /** A reader that did not hear our ACK says the same again: the host is asked once, and a request that was answered gets the same answer. */
  #ask(call: HostCall): void {
    if (this.#asked && equal(this.#asked.request, call.request)) return
    if (this.#before && equal(this.#before.request, call.request)) {
      this.#asked = this.#before
      return
    }
    const { signal } = this.#closing
    const answer = (call.address === APP_HOST ? this.#asHost(call.request, signal) : this.#carried(call, signal)).catch(error => {
      if (!signal.aborted) this.#options.onFault(asFault(error))
      return undefined
    })
    const asked = { request: call.request, answer }
    this.#asked = this.#before = asked
    this.#waiting = true
    void answer.then(() => {
      if (this.#before === asked) this.#waiting = false
    })
  }

  async #asHost(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    return encodeReply(await this.#options.authorise(decodeQuestion(request), signal))
  }

  #carried(call: HostCall, signal: AbortSignal): Promise<Uint8Array> {
    this.#options.onCarried()
    return this.#options.carry!(call, { signal })
  }

  async #receive(): Promise<void> {
    if (this.#receiving) return
    this.#receiving = true
    const answer = await Promise.race([(this.#asked ?? this.#before)?.answer, aborted(this.#closing.signal)])
    this.#receiving = false
    this.#asked = undefined
    const status = answer ? statuses.SUCCESS : statuses.RECEIVING_ERROR
    return this.#say({ type: 'receiveAnswer', status, answer })
  }

  #say(message: HostMessage): Promise<void> {
    this.#last = message
    return this.#options.say(message)
  }

  /** Says the last answer again: a reader that has it takes no notice. `ahead`: the host's answer is said where it is there and was not asked for: the question may have been lost. */
  async repeat(ahead: boolean): Promise<void> {
    if (this.#closed) return
    if (ahead && this.#asked && !this.#waiting && !this.#receiving) await this.#receive()
    else if (this.#last) await this.#options.say(this.#last)
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise(resolve => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
