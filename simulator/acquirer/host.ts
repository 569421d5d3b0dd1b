/** The virtual acquirer's line: HTTP and JSON on loopback in front of the desk (docs/acquirer.md). */

import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import * as door from '../../src/door.ts'
import { asFault, Fault, isFault } from '../../src/errors.ts'
import type { ChangeKind, HostAnswer } from '../../src/payment/acquirer.ts'
import { decodeMessage, encodeAnswer, encodeCode, type Json } from '../../src/payment/host/wire.ts'
import { decodeCashSale, decodeChange, decodeSale, encodeHostOrder } from '../../src/payment/host/wire-order.ts'
import { portFault } from '../port-fault.ts'
import type { BookedOrder } from './booked.ts'
import { Desk, type DeskOptions } from './desk/desk.ts'
import { Refusal, type Reply } from './desk/reply.ts'
import { admit, type Door } from './door.ts'
import { openStore } from './store.ts'

export type { HostEvent } from './events.ts'
export { hostEventLine } from './events.ts'

/** The acquirer's business, and its line. */
export interface AcquirerOptions extends DeskOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** A file that keeps orders and accounts across restarts; memory only when left out. */
  readonly state?: string
  /** Asked of everybody (`Authorization: Bearer`). Left out: a random one (`AcquirerHost.token`), asked of pages in a browser that change something. */
  readonly token?: string
  /** Milliseconds that a connection may take for a request, or be idle; 10 s when left out. */
  readonly idleTime?: number
  /** Connections at once; 128 when left out. One more is closed. */
  readonly maxConnections?: number
  /** PEM: the host speaks TLS. */
  readonly tls?: {
    /** The certificate, with those that lead to its root. */
    readonly cert: string
    /** Its private key. */
    readonly key: string
  }
}

const MAX_BODY = 64 * 1024

/** A running acquirer. It holds a port until closed. */
export class AcquirerHost {
  /** `http://127.0.0.1:<port>/`, or `https:`: what `httpAcquirer` is given. */
  readonly url: string
  /** The TCP port on 127.0.0.1. */
  readonly port: number
  /** What a page needs to change something here. */
  readonly token: string
  readonly #server: Server
  readonly #desk: Desk

  /** Use `startAcquirer`; `server` is Node's, whose type is not told, so that an app needs no types of Node for ours. */
  constructor(server: object, desk: Desk, scheme: 'http' | 'https', token: string) {
    this.token = token
    this.#server = server as Server
    this.#desk = desk
    this.port = (this.#server.address() as AddressInfo).port
    this.url = `${scheme}://127.0.0.1:${this.port}/`
  }

  /** Book, rules and issuer behind the line: for other protocols in front of the same desk. */
  get desk(): Desk {
    return this.#desk
  }

  /**
   * The same line without a socket, which asks nobody for a token: `httpAcquirer(host.url, { fetch: host.fetch })`. A payment costs less, and a virtual clock has nothing to wait
   * for outside. Once closed, the host cannot be reached here either.
   */
  get fetch(): typeof fetch {
    return deskFetch(this.#desk, () => !this.#server.listening)
  }

  /** Every order in the book, oldest first. */
  get orders(): readonly BookedOrder[] {
    return this.#desk.book.orders
  }

  /** One order by its number, of `merchant` where several have it; undefined where there is none. */
  order(number: string, merchant?: string): BookedOrder | undefined {
    return this.#desk.book.order(number, merchant)
  }

  /** The day is over: what was charged until now is refunded from here on, not reversed. */
  settle(): void {
    this.#desk.settle()
  }

  /** The customer pays this QR code with their bank's app. @throws Refusal */
  payQr(payload: string): HostAnswer {
    return this.#desk.payQr(payload)
  }

  /** Bonus points of `pan`, minor units. */
  points(pan: string): bigint | undefined {
    return this.#desk.issuer.pointsOf(pan)
  }

  /** Minor units left on the account of `pan`. */
  balance(pan: string): bigint | undefined {
    return this.#desk.issuer.balance(pan)
  }

  /** Idempotent; open connections are cut. */
  async close(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    this.#desk.stop()
    await closed
  }

  /** As `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

const acquirerRule = door.shape({
  ...{
    port: door.maybe(door.whole(0, 65_535)),
    state: door.maybe(door.anyText),
    token: door.maybe(door.text(8, 256)),
    tls: door.maybe(door.object),
  },
  ...{ idleTime: door.maybe(door.milliseconds), maxConnections: door.maybe(door.whole(1, 100_000)) },
  ...{
    rules: door.maybe(door.listOf(door.object)),
    magicAmounts: door.maybe(door.flag),
    risk: door.maybe(door.listOf(door.object)),
    balance: door.maybe(door.anyAmount),
  },
  ...{ clock: door.maybe(door.clock), onEvent: door.maybe(door.callable) },
})

/**
 * Starts an acquirer with the issuer behind it on loopback, HTTP and JSON (docs/acquirer.md). It knows every card of `profiles`.
 * @throws Fault `bad-config` (rules), `link-failed` with details.reason when the port cannot be had, `journal` when the state cannot be kept
 *
 * @example
 * ```ts
 * import { httpAcquirer } from 'tapdip'
 * import { startAcquirer } from 'tapdip/simulator'
 *
 * await using host = await startAcquirer({ balance: 500_00n, onEvent: event => console.log(event.type) })
 * const acquirer = httpAcquirer(host.url)
 * ```
 */
export async function startAcquirer(options: AcquirerOptions = {}): Promise<AcquirerHost> {
  door.need('options', options, acquirerRule)
  const { port = 0, state, tls, token = randomBytes(16).toString('hex'), idleTime = 10_000, maxConnections = 128, ...rest } = options
  if (!/^\S{8,256}$/.test(token))
    throw new Fault('bad-argument', 'token: 8 to 256 characters without white space', { field: 'options.token' })
  const store = await openStore(state, rest.random)
  try {
    const desk = new Desk(rest, store)
    const listener: RequestListener = (request, response) => {
      void serve(desk, request, response, { token, everybody: options.token !== undefined })
    }
    const limits = {
      ...{ headersTimeout: idleTime, requestTimeout: idleTime, keepAliveTimeout: idleTime },
      connectionsCheckingInterval: Math.max(20, Math.min(1000, idleTime / 4)),
    }
    const server = tls ? createSecureServer({ ...limits, ...tls, handshakeTimeout: idleTime }, listener) : createServer(limits, listener)
    server.maxConnections = maxConnections
    await new Promise<void>((resolve, reject) => {
      server.once('error', error => reject(portFault(`127.0.0.1:${port}`, error)))
      server.listen(port, '127.0.0.1', resolve)
    })
    return new AcquirerHost(server, desk, tls ? 'https' : 'http', token)
  } catch (error) {
    store.close()
    throw error
  }
}

async function serve(desk: Desk, request: IncomingMessage, response: ServerResponse, door: Door): Promise<void> {
  try {
    admit(request, door)
    const { answer, line } = await route(desk, { method: request.method ?? '', url: request.url ?? '/', body: () => body(request) })
    const text = JSON.stringify(answer ?? {})
    switch (line) {
      case 'drop':
        response.destroy()
        break
      case 'silence':
        break // until the client has enough of it
      case 'garbage':
        send(response, 200, '<html>Service temporarily unavailable</html>')
        break
      case 'closeSocket':
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length })
        response.write(text.slice(0, text.length / 2), () => response.destroy())
        break
      default: // HTTP has no room for the same answer twice
        send(response, 200, text)
    }
  } catch (error) {
    if (response.destroyed || isFault(error, 'aborted')) return void response.destroy()
    const { status, why } = refused(desk, error)
    send(response, status, JSON.stringify({ error: why }))
  }
}

/** An observer hears of it too. */
function refused(desk: Desk, error: unknown): { readonly status: number; readonly why: string } {
  const status = error instanceof Refusal ? error.status : isFault(error, 'bad-argument') ? 400 : 500
  const why = asFault(error).message
  desk.refused(status, why)
  return { status, why }
}

/** A request as the routes take it: who brings the body is not their concern. */
interface Asked {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly body: () => Promise<unknown>
}

async function route(desk: Desk, { method, url, body }: Asked): Promise<Reply<Json>> {
  const [pathname, query] = url.split('?')
  const [version, kind, encoded, action, ...rest] = pathname.split('/').slice(1)
  const name = encoded && decodeName(encoded)
  const what = `${method} ${[version, kind, name && '*', action, ...rest].filter(part => part !== undefined).join('/')}`
  switch (what) {
    case 'POST v1/authorisations':
      return asJson(await desk.authorise(decodeMessage(await body())), encodeAnswer)
    case 'POST v1/advices':
      return asJson(await desk.advise(decodeMessage(await body())), encodeAnswer)
    case 'POST v1/qr':
      return asJson(await desk.requestQr(decodeSale(await body())), encodeCode)
    case 'POST v1/qr-payments': // of this simulator only: the customer's bank
      return { answer: encodeAnswer(desk.payQr(payloadOf(await body()))) }
    case 'POST v1/cash':
      return asJson(await desk.registerCash(decodeCashSale(await body())), encodeAnswer)
    case 'GET v1/authorisations/*':
      return asJson(await desk.status(name!), encodeAnswer)
    case 'POST v1/authorisations/*/reversal':
      return asJson(await desk.reverse(name!, whyOf(await body())), encodeAnswer)
    case 'GET v1/orders/*':
      return asJson(await desk.order(name!, new URLSearchParams(query).get('merchant') ?? undefined), encodeHostOrder)
    case 'POST v1/orders/*/increment':
    case 'POST v1/orders/*/confirmation':
    case 'POST v1/orders/*/cancellation': {
      const asked = decodeChange(await body())
      if (asked.number !== name) throw new Refusal(400, `number: the path names order ${name}`)
      return asJson(await desk.change(action as ChangeKind, asked), encodeAnswer)
    }
    default:
      throw new Refusal(404, `no ${method} ${pathname} here`)
  }
}

function asJson<T>({ answer, line }: Reply<T>, encode: (answer: T) => Json): Reply<Json> {
  return { ...(answer !== undefined && { answer: encode(answer) }), ...(line && { line }) }
}

function decodeName(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    throw new Refusal(400, 'the path is not percent-encoded UTF-8')
  }
}

function payloadOf(json: unknown): string {
  if (typeof json === 'object' && json !== null && 'payload' in json && typeof json.payload === 'string') return json.payload
  throw new Refusal(400, 'payload: a text')
}

function whyOf(json: unknown): string {
  return typeof json === 'object' && json !== null && 'why' in json ? String(json.why).slice(0, 40) : 'not said'
}

async function body(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_BODY) throw new Refusal(413, `the body has more than ${MAX_BODY} bytes`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw new Refusal(400, 'the body is no JSON')
  }
}

function send(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': text.startsWith('<') ? 'text/html' : 'application/json', connection: 'close' })
  response.end(text)
}

/** What a connection that broke is to `fetch`. */
function broken(code: 'ECONNREFUSED' | 'ECONNRESET'): TypeError {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) })
}

/**
 * The same line without a socket: `httpAcquirer('http://127.0.0.1/', { fetch: deskFetch(host.desk) })` asks the desk itself, for payments on a virtual clock, which no socket
 * keeps.
 * @param gone whether the host cannot be reached now
 */
export function deskFetch(desk: Desk, gone: () => boolean = () => false): typeof fetch {
  return async (input, { method = 'GET', body: text, signal } = {}) => {
    if (gone()) throw broken('ECONNREFUSED')
    const { pathname, search } = new URL(String(input))
    try {
      const { answer, line } = await route(desk, { method, url: pathname + search, body: async () => JSON.parse(String(text)) })
      if (line === 'drop' || line === 'closeSocket') throw broken('ECONNRESET')
      if (line === 'silence') await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(broken('ECONNRESET'))))
      return new Response(line === 'garbage' ? '<html>Service temporarily unavailable</html>' : JSON.stringify(answer ?? {}))
    } catch (error) {
      if (error instanceof TypeError || isFault(error, 'aborted')) throw error
      const { status, why } = refused(desk, error)
      return new Response(JSON.stringify({ error: why }), { status })
    }
  }
}
