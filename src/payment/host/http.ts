/** An acquirer over HTTP and JSON, on the `fetch` that browsers and Node have. */

import { type Clock, systemClock, within } from '../../clock.ts'
import * as door from '../../door.ts'
import { abortFault, asFault, Fault, isFault, throwIfAborted } from '../../errors.ts'
import { maskNumbers } from '../../mask.ts'
import { usageFault } from '../../refusal.ts'
import type { AuthorisationMessage, ChangeKind, HostAnswer, OrderAcquirer, OrderChange, RetailAcquirer } from '../acquirer.ts'
import { agreed, askedBy, askedByChange, askedBySale, contradiction, nothingToUndo } from './agreement.ts'
import { decodeAnswer, decodeCode, encodeMessage, type Json, named } from './wire.ts'
import { decodeHostOrder, encodeCashSale, encodeChange, encodeSale } from './wire-order.ts'

/** How the host is reached. */
export interface HttpAcquirerOptions {
  /** Milliseconds for one request and its answer; 30 s when left out. */
  readonly timeout?: number
  /** Times the waits; the system's when left out. */
  readonly clock?: Clock
  /** Sent as `Authorization: Bearer`, for hosts that ask for one. */
  readonly token?: string
  /** The platform's when left out. Another one brings a client certificate or a private authority's (undici: `fetch` with a dispatcher of your own). */
  readonly fetch?: typeof fetch
}

/** The most that an answer may be; more is no answer. */
const MAX_ANSWER = 64 * 1024

/**
 * A client of the JSON interface (docs/acquirer.md). `http:` is for loopback only: a PAN never crosses a network in clear.
 * @throws Fault `bad-argument` when the address is not one
 * @example
 * ```ts
 * import { httpAcquirer } from 'tapdip'
 *
 * const acquirer = httpAcquirer('https://acquirer.example/', { token: 'of this merchant', timeout: 15_000 })
 * const { state, response } = await acquirer.status('6f8c5c1e-0d0a-4c39-8a77-0f4f3c9f5b1a')
 * console.log(state, response?.code)
 * ```
 */
export function httpAcquirer(address: string, options: HttpAcquirerOptions = {}): OrderAcquirer & RetailAcquirer {
  door.need('address', address, door.anyText)
  door.need('options', options, hostRule)
  const base = baseAddress(address)
  const call = (method: string, path: string, body: Json | undefined, signal: AbortSignal | undefined): Promise<HostAnswer> =>
    request(new URL(path, base), method, body, options, signal, json => named(decodeAnswer(json)))
  const change =
    (action: ChangeKind) =>
    async (change: OrderChange, { signal }: { signal?: AbortSignal } = {}) =>
      agreed(
        await call('POST', `v1/orders/${encodeURIComponent(change.number)}/${action}`, encodeChange(change), signal),
        askedByChange(change),
      )
  const post =
    (path: string) =>
    async (message: AuthorisationMessage, waiting: { signal?: AbortSignal } = {}) =>
      agreed(await call('POST', path, encodeMessage(message), waiting.signal), askedBy(message))
  return {
    authorise: post('v1/authorisations'),
    advise: post('v1/advices'),
    async reverse(key, why, { signal, approved } = {}) {
      const { state } = agreed(await call('POST', `v1/authorisations/${encodeURIComponent(key)}/reversal`, { why }, signal), { key })
      if (state !== 'reversed' && state !== 'declined')
        throw new Fault('host-error', `host did not confirm the reversal: the state is ${state}`, { state })
      if (state === 'declined') nothingToUndo(approved)
    },
    status: async (key, { signal } = {}) =>
      agreed(await call('GET', `v1/authorisations/${encodeURIComponent(key)}`, undefined, signal), { key }),
    registerCash: async (sale, { signal } = {}) => agreed(await call('POST', 'v1/cash', encodeCashSale(sale), signal), askedBySale(sale)),
    async requestQr(sale, { signal } = {}) {
      const code = await request(new URL('v1/qr', base), 'POST', encodeSale(sale), options, signal, decodeCode)
      agreed(named(code.answer), askedBySale(sale))
      return code
    },
    increment: change('increment'),
    confirm: change('confirmation'),
    cancel: change('cancellation'),
    async order({ id }, number, { signal } = {}) {
      const url = new URL(`v1/orders/${encodeURIComponent(number)}?merchant=${encodeURIComponent(id)}`, base)
      try {
        const order = await request(url, 'GET', undefined, options, signal, decodeHostOrder)
        if (order.number !== number) throw contradiction('order', `it is about order ${order.number}, asked was ${number}`)
        return order
      } catch (error) {
        if (isFault(error, 'host-error') && error.details.status === 404) return undefined
        throw error
      }
    },
  }
}

const hostRule = door.shape({
  timeout: door.maybe(door.milliseconds),
  clock: door.maybe(door.clock),
  fetch: door.maybe(door.callable),
  token: door.maybe(door.text(1, 256)),
})

function baseAddress(address: string): URL {
  const whole = address.endsWith('/') ? address : `${address}/`
  const url = URL.canParse(whole) ? new URL(whole) : undefined
  const loopback = url && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  const plain = url && url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  if (plain && (url.protocol === 'https:' || (url.protocol === 'http:' && loopback))) return url
  const value = address.replace(/\/\/.*@/s, '//…@') // what stands before an @ may be a password
  throw usageFault('usage.oneOf', { field: 'acquirer', value, allowed: 'https://<host>, http://127.0.0.1:<port>' })
}

async function request<T>(
  url: URL,
  method: string,
  body: Json | undefined,
  { timeout = 30_000, clock = systemClock, fetch: ask = fetch, token }: HttpAcquirerOptions,
  signal: AbortSignal | undefined,
  decode: (json: unknown) => T,
): Promise<T> {
  throwIfAborted(signal)
  try {
    return await within({ timeout, clock, ...(signal && { signal }), what: `${method} ${url.pathname}` }, async inner => {
      const init: RequestInit = { method, signal: inner, redirect: 'error', credentials: 'omit' }
      const headers = {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      }
      Object.assign(init, { headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
      return readAnswer(await ask(url, init), decode)
    })
  } catch (error) {
    if (signal?.aborted) throw abortFault(signal)
    if (isFault(error, 'timeout')) throw new Fault('host-no-answer', error.message, { ...error.details }, { cause: error })
    if (isFault(error)) throw error
    throw neverLeft(error)
      ? new Fault('host-unreachable', `cannot connect to ${url.host}: ${causeText(error)}`, {}, { cause: error })
      : new Fault('host-no-answer', `connection to ${url.host} broke: ${causeText(error)}`, {}, { cause: error })
  }
}

async function readAnswer<T>(response: Response, decode: (json: unknown) => T): Promise<T> {
  const text = await boundedText(response)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw hostError('answer is no JSON', response.status) // without the cause: its words quote the text, which may be an echo of ours
  }
  // Who does not let us in has not looked at what we brought.
  if (response.status === 401) throw new Fault('host-unreachable', 'the host asks for a token, or another one', { status: 401 })
  if (!response.ok) {
    const reason =
      typeof json === 'object' && json !== null && 'error' in json ? maskNumbers(String(json.error)).slice(0, 200) : 'no reason given'
    throw hostError(`host refuses the message: ${reason}`, response.status)
  }
  try {
    return decode(json)
  } catch (error) {
    throw hostError(`answer is malformed: ${asFault(error).message}`, response.status, error)
  }
}

/** The body, given up as soon as it is longer than any answer. */
async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  const reader = response.body?.getReader()
  let text = ''
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    text += decoder.decode(part.value, { stream: true })
    if (text.length > MAX_ANSWER) {
      await reader?.cancel()
      throw hostError(`answer of more than ${MAX_ANSWER} characters`, response.status)
    }
  }
  return text + decoder.decode()
}

function hostError(what: string, status: number, cause?: unknown): Fault {
  return new Fault('host-error', `${what} (HTTP ${status})`, { status }, { cause })
}

/** Failures of name, route, connection or TLS handshake come before a byte of the request. Where the platform does not say, it may have left. */
function neverLeft(error: unknown): boolean {
  return causes(error).some(one => {
    const code = 'code' in one ? String(one.code) : ''
    if (one.message === 'bad port') return true // fetch opens no connection to ports of other protocols (Fetch Standard, 2.9)
    return /^(ECONNREFUSED|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_|ERR_SSL_WRONG_VERSION_NUMBER)/.test(
      code,
    )
  })
}

function causes(error: unknown): Error[] {
  const found: Error[] = []
  for (let one = error; one instanceof Error && found.length < 8; one = one.cause) {
    found.push(one)
    if (one instanceof AggregateError) found.push(...one.errors.filter((inner): inner is Error => inner instanceof Error))
  }
  return found
}

function causeText(error: unknown): string {
  return causes(error).at(-1)?.message || causes(error)[0]?.message || String(error)
}
