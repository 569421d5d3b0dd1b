/** The virtual acquirer's line: HTTP and JSON on loopback in front of the desk (docs/acquirer.md). */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { asFault, Fault, isFault } from '../../src/errors.ts'
import { maskPan } from '../../src/mask.ts'
import { decodeMessage, encodeAnswer, type Json } from '../../src/payment/wire.ts'
import type { BookedOrder } from './book.ts'
import { Desk, type DeskOptions, type Line, Refusal } from './desk.ts'

export type { HostEvent } from './desk.ts'
export { hostEventLine } from './desk.ts'

export interface AcquirerOptions extends DeskOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number
}

const MAX_BODY = 64 * 1024

/** A running acquirer. It holds a port until closed. */
export class AcquirerHost {
  readonly url: string
  readonly port: number
  readonly #server: Server
  readonly #desk: Desk

  /** Use `startAcquirer`. */
  constructor(server: Server, desk: Desk) {
    this.#server = server
    this.#desk = desk
    this.port = (server.address() as AddressInfo).port
    this.url = `http://127.0.0.1:${this.port}/`
  }

  get orders(): readonly BookedOrder[] {
    return this.#desk.book.orders
  }

  order(number: string): BookedOrder | undefined {
    return this.#desk.book.order(number)
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** Starts an acquirer on loopback. @throws Fault `bad-config` (rules), `link-failed` with details.reason when the port cannot be had */
export async function startAcquirer(options: AcquirerOptions = {}): Promise<AcquirerHost> {
  const desk = new Desk(options)
  const server = createServer((request, response) => void serve(desk, request, response))
  server.requestTimeout = 10_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => reject(new Fault('link-failed', `port ${options.port}: ${error.message}`, { reason: error.message })))
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  return new AcquirerHost(server, desk)
}

async function serve(desk: Desk, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const answer = await route(desk, request)
    if (answer === 'drop') response.destroy()
    else if (answer === 'garbage') send(response, 200, '<html>Service temporarily unavailable</html>')
    else send(response, 200, JSON.stringify(answer))
  } catch (error) {
    if (response.destroyed || isFault(error, 'aborted')) return void response.destroy()
    const status = error instanceof Refusal ? error.status : isFault(error, 'bad-argument') ? 400 : 500
    const why = asFault(error).message
    desk.refused(status, why)
    send(response, status, JSON.stringify({ error: why }))
  }
}

async function route(desk: Desk, request: IncomingMessage): Promise<Json | Line> {
  const [pathname] = (request.url ?? '/').split('?')
  const [version, kind, encoded, action, ...rest] = pathname.split('/').slice(1)
  const name = encoded && decodeName(encoded)
  const what = `${request.method} ${[version, kind, name && '*', action, ...rest].filter(part => part !== undefined).join('/')}`
  switch (what) {
    case 'POST v1/authorisations': {
      const answer = await desk.authorise(decodeMessage(await body(request)))
      return typeof answer === 'string' ? answer : encodeAnswer(answer)
    }
    case 'POST v1/advices':
      return encodeAnswer(desk.advise(decodeMessage(await body(request))))
    case 'GET v1/authorisations/*':
      return encodeAnswer(desk.status(name!))
    case 'POST v1/authorisations/*/reversal':
      return encodeAnswer(desk.reverse(name!, whyOf(await body(request))))
    case 'GET v1/orders/*':
      return orderJson(desk.book.order(name!))
    default:
      throw new Refusal(404, `no ${request.method} ${pathname} here`)
  }
}

function decodeName(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    throw new Refusal(400, 'the path is not percent-encoded UTF-8')
  }
}

function whyOf(json: unknown): string {
  return typeof json === 'object' && json !== null && 'why' in json ? String(json.why).slice(0, 40) : 'not said'
}

function orderJson(order: BookedOrder | undefined): Json {
  if (!order) throw new Refusal(404, 'no such order')
  return {
    number: order.number,
    billNumber: order.billNumber,
    state: order.state,
    operations: order.operations.map(({ type, state, transactions }) => ({
      type,
      state,
      transactions: transactions.map(({ number: own, key, kind, message, pan, answer, reversed }) => ({
        number: own,
        key,
        kind,
        amount: message.amount.toString(),
        currency: message.currency.alpha,
        pan: pan && maskPan(pan),
        state: answer.state,
        code: answer.response?.code,
        reversed: reversed?.why,
      })),
    })),
  }
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
