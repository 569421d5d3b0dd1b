/** What every reader owes an app, whatever its family: one suite, run over each family's driver and virtual twin, with a real acquirer behind them. */

import { afterEach, describe, expect, it } from 'vitest'
import { type OpenOptions, open } from '../../devices/index.ts'
import { allAccounts, issuerView } from '../../simulator/cards/issuer-view.ts'
import type { VirtualReader } from '../../simulator/readers/reader.ts'
import {
  type AcquirerHost,
  type CardProfile,
  type HostRule,
  instant,
  loadCard,
  type PersonOptions,
  person,
  profiles,
  startAcquirer,
  type VirtualCard,
  virtualReader,
} from '../../simulator/world.ts'
import { type Clock, VirtualClock } from '../../src/clock.ts'
import { currency } from '../../src/currency.ts'
import type { Terminal } from '../../src/emv/terminal.ts'
import { isFault } from '../../src/errors.ts'
import type { Acquirer } from '../../src/payment/acquirer.ts'
import { httpAcquirer } from '../../src/payment/host/http.ts'
import { type AppPrompts, type PaymentResult, type PayOptions, pay } from '../../src/payment/pay/payment.ts'
import type { Reader, ReaderEvent } from '../../src/reader/reader.ts'
import { type PipeEnd, pipe } from '../../src/transport/pipe.ts'

export interface ContractRow {
  readonly family: string
  readonly dialect?: string
  readonly open?: Omit<OpenOptions, 'family' | 'dialect' | 'signal' | 'clock'>
  /** What the hardware of this family cannot do, by name: the suite then asserts that it says so. Without `list`, the card's priority decides. */
  readonly without?: readonly ('tap' | 'swipe' | 'pinPad' | 'battery' | 'list' | 'listEvent')[]
  /** Who shows the list of a co-badged card. */
  readonly list: 'host' | 'reader'
  /** What the app holds instead of the driver's reader: the kernel on the host over its raw slot. */
  readonly over?: (reader: Reader, clock?: Clock) => Reader
  /** Turns knobs of the virtual reader. */
  readonly prepare?: (device: VirtualReader) => void
}

/** The largest piece of the link, in bytes. */
const pieces = [1, 16, 20, 64, undefined] as const

/** Where a payment can be interrupted. */
const stages = ['card', 'list', 'pin', 'host'] as const
type Stage = (typeof stages)[number]

/** They come, and do not type. A card without a list: whoever thinks that long chooses nothing either. */
const slowAtPin: PersonOptions = { card: 'mastercard', pins: [], pace: { ...instant, think: 60_000 } }
const slowToCome: PersonOptions = { pace: { ...instant, present: 60_000 } }
/** A card whose service code tells of no chip. */
const striped: CardProfile = { ...profiles['visa-signature'], serviceCode: '101' }

const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
const RUB = currency('RUB')
let orders = 0
const order = (amount = 250_000n) => ({ number: `contract_${++orders}`, amount, currency: RUB })

export function readerContract(row: ContractRow): void {
  const through = row.over ?? ((reader: Reader) => reader)
  const name = row.over ? `${row.family}, passthrough` : row.dialect ? `${row.family} (${row.dialect})` : row.family
  const has = (what: NonNullable<ContractRow['without']>[number]) => !row.without?.includes(what)
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  interface Bench {
    readonly device: VirtualReader
    readonly reader: Reader
    readonly line: PipeEnd
    readonly acquirer: AcquirerHost
    readonly card: VirtualCard
    readonly events: ReaderEvent[]
    /** Called once, when the payment gets there. */
    at(stage: Stage, act: () => unknown): void
    pay(more?: Partial<PayOptions>, amount?: bigint): Promise<PaymentResult>
    asked: { applications: number }
  }

  async function bench(
    { card = 'mir-maestro', ...script }: PersonOptions = {},
    { mtu, rules, battery }: { mtu?: number; rules?: HostRule[]; battery?: { percent?: number; charging?: boolean } } = {},
  ): Promise<Bench> {
    const acquirer = await startAcquirer({ accounts: [...issuerView(striped), ...allAccounts()], ...(rules && { rules }) })
    const device = virtualReader({
      family: row.family,
      ...(row.dialect && { dialect: row.dialect }),
      resultTime: 0,
      battery: battery ?? {},
    })
    row.prepare?.(device)
    const [host, line] = pipe({ mtu })
    const serving = device.serve(line)
    const held = typeof card === 'object' && 'contact' in card ? card : loadCard(card)
    const leave = person(device.body, held, { pace: instant, pins: ['1234'], ...script })
    const reader = through(await open(host, { family: row.family, ...(row.dialect && { dialect: row.dialect }), ...row.open }))
    const events: ReaderEvent[] = []
    const hearing = (async () => {
      for await (const event of reader.events) events.push(event)
    })()
    const hooks = new Map<Stage, () => unknown>()
    const reach = (stage: Stage) => {
      const act = hooks.get(stage)
      hooks.delete(stage)
      return act?.()
    }
    const off = device.body.on(event => {
      if (event.type !== 'display') return
      const { message } = event.screen
      if (message === 'reader.presentCard' || message === 'reader.insertCard') reach('card')
      else if (message === 'reader.selectApplication') reach('list')
      else if (message === 'reader.enterPin') reach('pin')
    })
    ends.push(async () => {
      off()
      leave()
      await reader.close()
      await hearing
      await serving
      await device.close()
      await acquirer.close()
    })
    const asked = { applications: 0 }
    const http = httpAcquirer(acquirer.url)
    const acquirerClient: Acquirer = {
      ...http,
      async authorise(message, options) {
        await reach('host')
        options?.signal?.throwIfAborted()
        return http.authorise(message, options)
      },
    }
    const prompts: AppPrompts = {
      async selectApplication(candidates, { signal }) {
        asked.applications++
        await reach('list')
        signal.throwIfAborted()
        return candidates.findIndex(({ label }) => label === 'MIR')
      },
    }
    return {
      ...{ device, reader, line, acquirer, card: held, events, asked },
      at: (stage, act) => void hooks.set(stage, act),
      pay: (more = {}, amount) =>
        pay(order(amount), { reader, acquirer: acquirerClient, merchant, prompts, statusTime: 500, reversalTime: 2000, ...more }),
    }
  }

  /** What the merchant is told and what the host holds may never differ. */
  function agree({ acquirer }: Bench, result: PaymentResult['result']): void {
    const approved = acquirer.orders.filter(({ state }) => state === 'Approved').length
    if (result === 'approved') expect(approved).toBe(1)
    else if (result !== 'unknown') expect(approved).toBe(0)
  }

  describe(`a reader of family ${name}`, () => {
    it.each(pieces)('pays by chip with pieces of %s bytes: list, PIN, host, card', async mtu => {
      const made = await bench({}, { mtu })
      const result = await made.pay()
      expect(result).toMatchObject({ result: 'approved', interface: 'chip', cvm: has('pinPad') ? 'onlinePin' : 'none' })
      agree(made, 'approved')
      const { reader, events, device } = made
      expect(reader.info).toMatchObject({ family: row.family, applicationSelection: row.list })
      expect(events).toContainEqual({ type: 'card', event: 'inserted' })
      // The display of a reader that only passes commands on is the app's.
      if (!row.over)
        expect(device.body.screens.map(({ message }) => message)).toContain(has('pinPad') ? 'reader.approved' : 'reader.removeCard')
    })

    it('a co-badged chip: the list is where the family has it, and nowhere else', async () => {
      const made = await bench({ choose: 'MIR' })
      const result = await made.pay()
      expect(result).toMatchObject({ result: 'approved' })
      const onReader = made.device.body.screens.some(({ message }) => message === 'reader.selectApplication')
      const shown = { app: made.asked.applications > 0, reader: onReader }
      expect(shown).toEqual({ app: has('list') && row.list === 'host', reader: has('list') && row.list === 'reader' })
      const told = made.events.filter(({ type }) => type === 'application-selection')
      expect(told).toEqual(has('list') && has('listEvent') ? expect.arrayContaining([expect.objectContaining({ where: row.list })]) : [])
      if (row.list === 'reader')
        for (const event of made.events) if (event.type === 'application-selection') expect(event.labels).toBeUndefined()
    })

    const verified = has('pinPad') ? 'onlinePin' : 'signature'
    const taps = [[299_999n, 'none', undefined], ...pieces.map(mtu => [300_000n, verified, mtu] as const)] as const
    it.each(has('tap') ? taps : [])('a tap of %s minor units: %s, with pieces of %s bytes', async (amount, cvm, mtu) => {
      const made = await bench({ card: 'mastercard', present: 'tap' }, { mtu })
      expect(await made.pay({}, amount)).toMatchObject({ result: 'approved', interface: 'tap', cvm })
      agree(made, 'approved')
      expect(made.asked.applications).toBe(0)
    })

    it.each(has('swipe') ? pieces : [])('a swiped card without a chip pays, with pieces of %s bytes', async mtu => {
      const made = await bench({ card: striped, present: 'swipe' }, { mtu })
      expect(await made.pay()).toMatchObject({ result: 'approved', interface: 'swipe', cvm: 'signature' })
      agree(made, 'approved')
    })

    it('declined by the host: the code and the card’s own end', async () => {
      const rules: HostRule[] = [{ do: 'decline', code: '51', reason: 'Not sufficient funds' }]
      const made = await bench({}, { rules })
      expect(await made.pay()).toMatchObject({ result: 'declined', responseCode: '51' })
      agree(made, 'declined')
    })

    const reached = stages.filter(stage => (stage !== 'pin' && stage !== 'list') || has(stage === 'pin' ? 'pinPad' : 'list'))
    it.each(reached)('cancelled by the app at: %s', async stage => {
      const made = await bench(stage === 'card' ? slowToCome : stage === 'pin' ? slowAtPin : {})
      const stop = new AbortController()
      made.at(stage, () => stop.abort())
      const result = await made.pay({ signal: stop.signal })
      expect(result.result).toBe('cancelled')
      agree(made, result.result)
      const { battery } = await made.reader.status()
      expect(battery !== undefined).toBe(has('battery'))
    })

    it.each(reached.filter(stage => stage !== 'card'))('the card is pulled at: %s', async stage => {
      const made = await bench(stage === 'pin' ? slowAtPin : {})
      made.at(stage, () => made.device.body.pull())
      const result = await made.pay()
      expect(['cancelled', 'declined']).toContain(result.result)
      agree(made, result.result)
    })

    it.each(reached)('the link is lost at: %s', async stage => {
      const made = await bench(stage === 'card' ? slowToCome : stage === 'pin' ? slowAtPin : {})
      made.at(stage, () => made.line.drop())
      const ended = await made.pay().catch((error: unknown) => error)
      if (stage === 'host') {
        const { result } = ended as PaymentResult
        // With the kernel on the host a lost link is a card that has gone: what came of it is known.
        expect(row.over ? ['declined', 'cancelled'] : ['unknown', 'cancelled']).toContain(result)
        agree(made, result)
      } else if (row.over && !isFault(ended)) {
        expect((ended as PaymentResult).result).toBe('cancelled')
        expect(made.acquirer.orders).toEqual([])
      } else {
        expect(isFault(ended, 'link-closed'), String(ended)).toBe(true)
        expect(made.acquirer.orders).toEqual([])
      }
      await expect(made.reader.status()).rejects.toMatchObject({ code: 'link-closed' })
    })

    it('lost and given up, as a connection that opens it anew does: still a lost link, and no cancellation', async () => {
      const made = await bench()
      made.at('host', async () => {
        const told = made.reader.events[Symbol.asyncIterator]()
        made.line.drop()
        for (let next = await told.next(); !next.done && next.value.type !== 'state'; next = await told.next());
        await made.reader.close()
      })
      const result = await made.pay()
      expect(result).toMatchObject({ reason: 'linkLost' })
      agree(made, result.result)
    })

    it('a flat battery is told before the card is asked for', async () => {
      const made = await bench({}, { battery: { percent: 3 } })
      await expect(made.pay()).rejects.toMatchObject({ code: 'low-battery' })
      expect(made.acquirer.orders).toEqual([])
    })

    it('one thing at a time: busy for a second payment, status all the while', async () => {
      const made = await bench(has('pinPad') ? slowAtPin : {})
      const known = has('battery') ? { battery: { percent: 80 } } : {}
      expect(await made.reader.status()).toMatchObject(known)
      const stop = new AbortController()
      let second: unknown
      let status: unknown
      made.at(has('pinPad') ? 'pin' : 'host', async () => {
        second = await made.pay().catch((error: unknown) => error)
        status = await made.reader.status()
        stop.abort()
      })
      await made.pay({ signal: stop.signal })
      expect(isFault(second, 'busy'), String(second)).toBe(true)
      expect(status).toMatchObject(known)
    })

    it('the card in the slot is told: when it comes, and when it goes', async () => {
      const made = await bench()
      let inserted: unknown
      made.at('host', async () => {
        inserted = (await made.reader.status()).card
        made.device.body.pull()
      })
      await made.pay()
      expect(inserted).toBe('present')
      expect(made.events).toContainEqual({ type: 'card', event: 'inserted' })
      expect((await made.reader.status()).card).not.toBe('present') // a reader that cannot tell says nothing
    })

    it('two payments in a row, with one card', async () => {
      const made = await bench({})
      expect((await made.pay()).result).toBe('approved')
      made.device.body.pull()
      expect((await made.pay()).result).toBe('approved')
      expect(made.acquirer.orders.map(({ state }) => state)).toEqual(['Approved', 'Approved'])
    })

    it('nobody comes: it ends by itself, and nothing is left on the clock', async () => {
      const clock = new VirtualClock()
      const device = virtualReader({ family: row.family, ...(row.dialect && { dialect: row.dialect }), clock, resultTime: 0 })
      const [host, line] = pipe({ clock })
      const serving = device.serve(line)
      const opened = await clock.settle(
        open(host, { family: row.family, ...(row.dialect && { dialect: row.dialect }), clock, ...row.open }),
      )
      const reader = through(opened, clock)
      const terminal: Terminal = {
        selectApplication: async () => 0,
        authorise: async () => {
          throw new Error('nobody paid')
        },
      }
      const outcome = await clock.settle(reader.transact({ amount: 100n, currency: RUB, at: new Date(2026, 2, 26) }, terminal))
      expect(outcome).toMatchObject({ result: 'cancelled', reason: 'cardTimeout', online: false })
      await clock.settle(reader.close())
      await clock.settle(serving)
      await clock.settle(device.close())
      expect(clock.pending).toBe(0)
    })
  })
}
