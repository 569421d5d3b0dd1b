/** A shop whose host tells lies: the real desk behind either line, and what it says changed on the way. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Desk } from '../../simulator/acquirer/desk/desk.ts'
import { Refusal } from '../../simulator/acquirer/desk/reply.ts'
import { type AcquirerHost, type AcquirerOptions, type HostEvent, startAcquirer } from '../../simulator/acquirer/host.ts'
import { startIsoLine } from '../../simulator/acquirer/iso8583/host.ts'
import { loadCard, type VirtualCard } from '../../simulator/cards/icc.ts'
import type { CardProfile } from '../../simulator/cards/profile/profile.ts'
import { profiles } from '../../simulator/cards/profiles/index.ts'
import { currency } from '../../src/currency.ts'
import type { AuthorisationMessage, HostAnswer, HostOrder, Order, OrderAcquirer, RetailAcquirer } from '../../src/payment/acquirer.ts'
import { httpAcquirer } from '../../src/payment/host/http.ts'
import { iso8583Acquirer } from '../../src/payment/host/iso8583/client.ts'
import { decodeAnswer, encodeAnswer } from '../../src/payment/host/wire.ts'
import { decodeHostOrder, encodeHostOrder } from '../../src/payment/host/wire-order.ts'
import type { Journal } from '../../src/payment/journal/journal.ts'
import { type Notice, noticeText } from '../../src/payment/journal/notice.ts'
import { openJournal } from '../../src/payment/journal/open.ts'
import { makePlainReceipt } from '../../src/payment/receipt/receipt.ts'
import { type ByCard, openTill, type Paid, type Till, type TillOptions } from '../../src/payment/till/till.ts'
import { connect } from '../../src/transport/connect.ts'
import { CounterReader, type CounterReaderOptions } from '../devices/counter-reader.ts'
import { ends as afterTest } from '../ends.ts'
import { cardMessage } from '../payment/host/host-bench.ts'
import type { HostMove } from './host-moves.mjs'

export type Protocol = 'http' | 'iso8583'
export const protocols: readonly Protocol[] = ['http', 'iso8583']
export const merchant = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
export const RUB = currency('RUB')
export const visa = profiles['visa-signature'].pan
export const full = 1_000_000_00n

const [application] = profiles['offline-pin'].applications
/** A card that approves by itself where it is asked to. */
export const offlineCard: CardProfile = { ...profiles['offline-pin'], applications: [{ ...application, risk: { policy: 'approve' } }] }

type Spoken = 'authorise' | 'advise' | 'status' | 'change' | 'reverse'

/** A host and a client of it. */
export interface HostBench {
  readonly host: AcquirerHost
  readonly acquirer: OrderAcquirer & Partial<RetailAcquirer>
  readonly seen: HostEvent[]
  /** Before the end of the test, where a test has many. */
  close(): Promise<void>
}

export interface LyingShop extends HostBench {
  readonly journal: Journal
  readonly till: Till
  readonly notices: Notice[]
  readonly texts: () => readonly string[]
  /** What the host says of these questions from now on. */
  lie(about: Spoken | readonly Spoken[], change: (answer: HostAnswer) => HostAnswer): void
  lieOfOrder(change: (order: HostOrder) => HostOrder): void
  /** The host is never asked; `answer`, about the key, is what it seems to say. */
  withhold(about: 'reverse', answer: HostAnswer): void
  /** The host has no order. */
  forgetOrders(): void
  /** A payment that the app's end has interrupted after `stage`. The host has been asked, and believes what it is told. */
  interrupted(stage: 'answered' | 'card', number?: string): Promise<void>
  honest(): void
  pay(order?: Partial<Order>, how?: Partial<ByCard>, reader?: Partial<CounterReaderOptions>): Promise<Paid>
  balance(): bigint
}

let last: Promise<unknown> = Promise.resolve()
/** A payment of the Visa card, one at a time as with every card. Its amount is not under the cryptogram: for hosts that `believe`. */
export function nextMessage(key: string, more: Partial<AuthorisationMessage> = {}): Promise<AuthorisationMessage> {
  const next = last.then(() => cardMessage(key, more))
  last = next
  return next
}

export async function hostOnly(
  protocol: Protocol,
  options: AcquirerOptions = {},
): Promise<HostBench & { readonly ends: (() => unknown)[] }> {
  const ends: (() => unknown)[] = []
  const close = async () => {
    for (const end of ends.splice(0).reverse()) await end()
  }
  afterTest.push(close)
  const seen: HostEvent[] = []
  const host = await startAcquirer({ ...options, onEvent: event => seen.push(event) })
  ends.push(() => host.close())
  const acquirer = protocol === 'http' ? httpAcquirer(host.url, { timeout: 1000 }) : await isoTo(host.desk, ends)
  return { host, acquirer, seen, close, ends }
}

export async function lyingShop(protocol: Protocol, options: AcquirerOptions = {}, till: Partial<TillOptions> = {}): Promise<LyingShop> {
  const { host, acquirer, seen, close, ends } = await hostOnly(protocol, options)
  const notices: Notice[] = []
  const directory = mkdtempSync(join(tmpdir(), 'tapdip-hostile-'))
  ends.push(() => rmSync(directory, { recursive: true, force: true }))
  const journal = await openJournal(join(directory, 'journal.db'), { key: new Uint8Array(32) })
  ends.push(() => journal.close())
  const shop = openTill({ journal, acquirer, merchant, background: false, onNotice: notice => notices.push(notice), ...till })
  const card: VirtualCard = loadCard('visa-signature')
  const desk = host.desk as unknown as Record<string, unknown>
  return {
    ...{ host, acquirer, journal, till: shop, seen, notices },
    texts: () => notices.map(notice => noticeText(notice)),
    lie(about, change) {
      for (const one of [about].flat()) {
        const real = (Object.getPrototypeOf(desk)[one] as (...asked: unknown[]) => Promise<{ answer?: HostAnswer }>).bind(desk)
        desk[one] = async (...asked: unknown[]) => {
          const reply = await real(...asked)
          return reply.answer ? { ...reply, answer: change(reply.answer) } : reply
        }
      }
    },
    lieOfOrder(change) {
      const real = (Object.getPrototypeOf(desk).order as Desk['order']).bind(desk)
      desk.order = async (number: string, of: string | undefined) => {
        const { answer, ...line } = await real(number, of)
        return { ...line, ...(answer && { answer: change(answer) }) }
      }
    },
    withhold(about, answer) {
      desk[about] = async (key: string) => ({ answer: { ...answer, about: { key } } })
    },
    forgetOrders() {
      desk.order = async () => {
        throw new Refusal(404, 'no such order')
      }
    },
    async interrupted(stage, number = 'D1') {
      const order = { number, amount: 2500_00n, currency: RUB }
      const message = await nextMessage(`key-${number}`, { order, amount: order.amount, merchant })
      const { key, at } = message
      journal.record({ stage: 'begun', key, order, merchant, method: 'reader', amount: order.amount, at })
      journal.record({ stage: 'asking', key, message })
      journal.record({ stage: 'answered', key, answer: await acquirer.authorise(message) })
      const receipt = makePlainReceipt({ order, merchant, at }, 'sbp', 'approved')
      if (stage === 'card') journal.record({ stage, key, result: 'approved', interface: 'chip', cvm: 'none', receipt })
      journal.release(key)
    },
    honest() {
      for (const one of ['authorise', 'advise', 'status', 'change', 'reverse', 'order']) delete desk[one]
    },
    pay(order = {}, how = {}, reader = {}) {
      const device = new CounterReader({ card, ...reader })
      const asked = { number: 'D1', amount: 2500_00n, currency: RUB, ...order }
      return shop.payOrder(asked, { reader: device, statusTime: 300, reversalTime: 300, ...how } as ByCard)
    },
    balance: () => host.balance(visa)!,
    close,
  }
}

async function isoTo(desk: Desk, ends: { push(...more: (() => unknown)[]): void }): Promise<OrderAcquirer> {
  const line = await startIsoLine(desk)
  const client = iso8583Acquirer({ connect: how => connect(`tcp://127.0.0.1:${line.port}`, how), timeout: 1000 })
  ends.push(
    () => line.close(),
    () => client.close(),
  )
  return client
}

/** A move of the interface's JSON as a change of the answer. */
export const answering =
  (move: HostMove) =>
  (answer: HostAnswer): HostAnswer => {
    const said = move(encodeAnswer(answer) as Record<string, unknown>)
    return said ? decodeAnswer(JSON.parse(JSON.stringify(said))) : answer
  }

export const ordering =
  (move: HostMove) =>
  (order: HostOrder): HostOrder =>
    decodeHostOrder(JSON.parse(JSON.stringify(move(encodeHostOrder(order) as Record<string, unknown>))))
