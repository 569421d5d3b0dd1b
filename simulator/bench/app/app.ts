/** The app of the mPOS guide in the bench: a phone that takes orders and pays them over a real line to a reader. It shows screens as data and takes answers. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, sleep, systemClock } from '../../../src/clock.ts'
import { type Currency, currency as currencyOf } from '../../../src/currency.ts'
import { asFault, Fault } from '../../../src/errors.ts'
import { type Language, message } from '../../../src/messages/messages.ts'
import type { Merchant } from '../../../src/payment/acquirer.ts'
import type { Journal } from '../../../src/payment/journal/journal.ts'
import { type Notice, noticeText } from '../../../src/payment/journal/notice.ts'
import { openJournal } from '../../../src/payment/journal/open.ts'
import type { FiscalShop } from '../../../src/payment/receipt/fiscal.ts'
import { openTill } from '../../../src/payment/till/till.ts'
import type { Reader, ReaderInfo } from '../../../src/reader/reader.ts'
import { ReaderConnection, type RememberedReader } from '../../../src/reader/reconnect.ts'
import type { Tracer } from '../../../src/trace/event.ts'
import { alive, stuck } from '../../scenario/app.ts'
import type { AppAnswer, AppPhone, AppState } from '../schema/app.ts'
import { chooseOrder, showNotices } from './lists.ts'
import { type Draft, enterOrder } from './order.ts'
import type { AppTimes, Host, Nearby, Pair, Phone } from './phone.ts'
import { faultScreen, lookAt, sell } from './sell.ts'
import { openStage, type Stage } from './stage.ts'

/** How an app is made. */
export interface BenchAppOptions {
  /** `a1`. */
  readonly id: string
  readonly acquirer: Host
  /** The readers around it; none when left out. */
  readonly nearby?: Nearby
  /** The reader of the last time, which it connects to by itself. */
  readonly last?: RememberedReader
  /** SoftPOS: opens the phone's own field. */
  readonly field?: () => Promise<Reader>
  /** Newer firmware for a reader. */
  readonly firmware?: (reader: ReaderInfo, fault: Fault) => Promise<Uint8Array | undefined>
  readonly language?: Language
  readonly location?: AppState['location']
  readonly merchant?: Merchant
  readonly shop?: FiscalShop
  readonly currency?: Currency
  /** What stands in the form at first: an amount as text. */
  readonly amount?: string
  /** Where its orders are kept; a file of its own, gone with it, when left out. */
  readonly journal?: string
  readonly clock?: Clock
  readonly tracer?: Tracer
  readonly times?: Partial<AppTimes>
  /** Makes idempotency keys; random UUIDs when left out. */
  readonly newKey?: () => string
}

/** A phone with the app on it. Close it, and nothing is left running. */
export interface BenchApp extends AsyncDisposable {
  /** As JSON: whole, after any of its changes. */
  readonly state: AppState
  /** @throws Fault `busy` where the screen has gone, or waits for nothing; `bad-argument` for what it does not offer */
  answer(answer: AppAnswer): void
  /** The phone's settings. */
  set(phone: AppPhone): void
  /** Hears the state after every change. The returned function ends that. */
  on(listener: (state: AppState) => void): () => void
  /** The app is started again, `after` so many milliseconds, its orders stay: `close` cancels what is under way, `kill` leaves it as a crash does. */
  restart(how: 'close' | 'kill', after?: number): Promise<void>
  /** Idempotent. */
  close(): Promise<void>
}

const merchantOfGuide: Merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
const shopOfGuide: FiscalShop = { inn: '7728029110', taxation: 'osn', cashier: 'Рязанов Д.', place: 'пр. Шаумяна 4' }
/** Notices that a phone keeps, newest first: the oldest go, and their numbers say how many there were. */
const MOST_NOTICES = 100

const times: AppTimes = { search: 5000, more: 700, last: 20_000, refresh: 3000, status: 20_000 }

/** @throws Fault `journal` */
export async function openApp(options: BenchAppOptions): Promise<BenchApp> {
  const { clock = systemClock, merchant = merchantOfGuide, currency = currencyOf('RUB'), tracer } = options
  const listeners = new Set<(state: AppState) => void>()
  const folder = options.journal === undefined ? mkdtempSync(join(tmpdir(), 'tapdip-app-')) : undefined
  const file = options.journal ?? join(folder!, 'journal.db')
  let [location, network, closed] = [options.location ?? 'on', 'on' as AppState['network'], false]
  let memory = options.last
  /** Readers that the phone is paired with. */
  const paired = new Set<string>()
  let told: { readonly n: number; readonly notice: Notice; read: boolean }[] = []
  const shared = openStage(options.language ?? 'en', () => changed())
  const notices = () =>
    told.map(({ n, notice, read }) => {
      const { language } = shared
      return { n, at: +notice.at, title: message('notice.title', language), text: noticeText(notice, language), read }
    })
  const state = (): AppState => ({
    ...{ id: options.id, language: shared.language, location, network, screen: shared.screen, notices: notices() },
    ...(life?.connection.state.type === 'ready' && { reader: life.connection.state.info.serial ?? life.connection.state.info.family }),
  })
  const changed = () => {
    if (listeners.size === 0) return
    const now = state()
    for (const listener of listeners) listener(now)
  }
  let life: Life | undefined

  /** The app's process, from its start to its end. */
  async function start(): Promise<Life> {
    const ending = new AbortController()
    const own = { dead: false }
    const kept = await openJournal(file, { clock, key: new Uint8Array(32).fill(9) })
    const journal: Journal = { ...kept, record: step => (own.dead ? stuck : kept.record(step)) }
    const host = alive(
      own,
      throughNetwork(options.acquirer, () => network === 'on'),
    )
    const stage = aliveStage(own, shared)
    const connection = new ReaderConnection({
      ...{ clock, open: (uri, waiting) => (options.nearby ? options.nearby.open(uri, { ...waiting, pair }) : nobody(uri)) },
      memory: {
        load: async () => memory,
        save: async reader => void (memory = reader),
      },
    })
    const till = openTill({
      ...{ journal, merchant, clock, acquirer: host, refunds: {}, ...(tracer && { tracer }) },
      ...(options.newKey && { newKey: options.newKey }),
      onNotice(notice) {
        told = [{ n: (told[0]?.n ?? 0) + 1, notice, read: false }, ...told.slice(0, MOST_NOTICES - 1)]
        stage.update()
      },
    })
    const watching = (async () => {
      for await (const { type } of connection.states) if (type === 'ready' || type === 'off' || type === 'waiting') stage.update()
    })()
    const pair: Pair = async (name, signal) => {
      if (!paired.has(name) && (await phone.pairing?.(name, signal))) paired.add(name)
      return paired.has(name)
    }
    const phone: Phone = {
      pairing: undefined,
      ...{ stage, till, host, merchant, currency, clock, connection, signal: ending.signal },
      ...{ field: options.field, firmware: options.firmware, shop: options.shop ?? shopOfGuide, times: { ...times, ...options.times } },
      nearby: options.nearby ?? { search: noReaders, open: nobody },
      last: async () => memory,
      get location() {
        return location
      },
      set location(now) {
        location = now
      },
      get notices() {
        return notices()
      },
      readNotices() {
        for (const one of told) one.read = true
      },
      order(number) {
        const found = journal.order(merchant, number)
        if (!found) throw new Fault('not-found', `the journal has no order ${number}`, { order: number })
        return found
      },
    }
    const running = run(phone, draft)
    return {
      connection,
      async end() {
        ending.abort(new Fault('aborted', 'the app was closed'))
        await running
        await till.close()
        await connection.close()
        await watching
        await kept.close()
      },
      async kill() {
        own.dead = true
        ending.abort(new Fault('aborted', 'the app was killed'))
        await connection.close()
        await watching
        await kept.close()
        void till.close().catch(() => {}) // its background may be stuck for good
      },
    }
  }
  const draft: Draft = { number: '', items: [], amount: options.amount ?? '2500.00', email: 'mail@assist.ru', comment: '' }
  life = await start()

  const close = async () => {
    if (closed) return
    closed = true
    await life?.end()
    shared.show(words => ({ kind: 'closed', title: words.text('screen.closed') }))
    listeners.clear()
    if (folder) rmSync(folder, { recursive: true, force: true })
  }
  return {
    get state() {
      return state()
    },
    answer: answer => shared.answer(answer),
    set(phone) {
      location = phone.location ?? location
      network = phone.network ?? network
      if (phone.language !== undefined) shared.language = phone.language
      else shared.update()
    },
    on(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async restart(how, after = 0) {
      await (how === 'kill' ? life?.kill() : life?.end())
      if (after > 0) await sleep(after, clock)
      if (!closed) life = await start()
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

interface Life {
  readonly connection: ReaderConnection
  end(): Promise<void>
  kill(): Promise<void>
}

/** Of a process that is gone: what it says is not seen. */
function aliveStage(life: { readonly dead: boolean }, stage: Stage): Stage {
  return {
    get screen() {
      return stage.screen
    },
    get language() {
      return stage.language
    },
    show: (make, hear) => life.dead || stage.show(make, hear),
    update: () => life.dead || stage.update(),
    ask: (make, signal) => (life.dead ? stuck : stage.ask(make, signal)),
    converse: (make, signal, take) => (life.dead ? stuck : stage.converse(make, signal, take)),
    answer: answer => stage.answer(answer),
  }
}

/** The first screen again and again; ends when the app is closed. */
async function run(phone: Phone, draft: Draft): Promise<void> {
  while (!phone.signal.aborted) {
    try {
      const wish = await enterOrder(phone, draft)
      if (wish === 'notifications') await showNotices(phone)
      else if (wish === 'disconnect') await phone.connection.forget()
      else if (wish === 'orders') {
        const number = await chooseOrder(phone)
        if (number !== undefined) await lookAt(phone, number)
      } else await sell(phone, wish)
    } catch (error) {
      if (phone.signal.aborted) return
      await faultScreen(phone, asFault(error)).catch(() => {})
    }
  }
}

const nobody = (uri: string): Promise<Reader> =>
  Promise.reject(new Fault('link-failed', `${uri} is not in range`, { uri, reason: 'not-found' }))

async function* noReaders({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<never> {
  if (!signal.aborted) await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** The host as a phone sees it that may have no network. */
function throughNetwork(host: Host, on: () => boolean): Host {
  const wrapped = Object.entries(host).map(([name, call]) => [
    name,
    async (...asked: never[]) => {
      if (!on()) throw new Fault('host-unreachable', 'the phone has no network')
      return (call as (...asked: never[]) => Promise<unknown>)(...asked)
    },
  ])
  return Object.fromEntries(wrapped)
}
