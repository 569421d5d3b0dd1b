/** One condition, one code: each is provoked at the virtual reader of every family, and docs/conditions.md is what came of it. `TAPDIP_DOCS=write` writes the table. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { turnKnob } from '../../simulator/readers/knobs.ts'
import { instant, profiles } from '../../simulator/world.ts'
import { VirtualClock } from '../../src/clock.ts'
import { currency } from '../../src/currency.ts'
import { isFault } from '../../src/errors.ts'
import type { Acquirer } from '../../src/payment/acquirer.ts'
import { type PayOptions, pay } from '../../src/payment/pay/payment.ts'
import { everyFamily, type FamilyRow, type Placed, type PlaceOptions, place } from './families.ts'

interface Bench extends Placed {
  readonly clock: VirtualClock
  readonly stop: AbortController
  readonly pay: (more?: Partial<PayOptions>, unit?: string) => Promise<string>
}

interface Condition {
  readonly what: string
  readonly options?: PlaceOptions
  /** The code that everybody has. */
  readonly code: string
  /** Nobody is asked for a card before it is told; but for families whose wire gives no word before the card is there, with the reason. */
  readonly early?: true
  /** Which families cannot come into it, and why. */
  readonly cannot?: (placed: Placed) => string | undefined
  /** Pays, when left out. */
  readonly provoke?: (bench: Bench) => Promise<string>
}

/** Whoever thinks for ten minutes does not come. */
const nobody: PlaceOptions = { person: { pace: { ...instant, present: 600_000 } } }
const [{ oda: _, ...own }] = profiles['visa-signature'].applications
const stranger = { ...profiles['visa-signature'], applications: [{ ...own, aid: 'A000000042 1010', label: 'CB' }] }

/** Acts once the card is asked for. */
const onceAsked = async (bench: Bench, act: () => unknown): Promise<string> => {
  const said = bench.pay()
  for (let turns = 0; !bench.invited() && turns < 100; turns++) await bench.clock.settle(Promise.resolve())
  expect(bench.invited()).toBe(true)
  act()
  return said
}

const conditions: readonly Condition[] = [
  { what: 'the battery is too low', code: 'low-battery', early: true, options: { battery: { percent: 3 } } },
  {
    ...{ what: 'the reader requires newer firmware', code: 'update-required', early: true },
    options: { prepare: device => turnKnob({ reader: device }, 'require 2.0.0') },
  },
  {
    ...{ what: 'the app requires newer firmware', code: 'update-required', early: true },
    provoke: ({ pay }) => pay({ firmware: { required: '2.0.0' } }),
  },
  {
    ...{ what: 'newer firmware is known to the app', code: 'event firmware', options: nobody },
    async provoke({ pay, stop }) {
      let heard = ''
      const onEvent: NonNullable<PayOptions['prompts']>['onEvent'] = event => {
        if (event.type === 'firmware') heard = `event ${event.type}`
        if (event.type === 'stage' && event.stage === 'card') stop.abort()
      }
      await pay({ firmware: { current: '2.0.0' }, prompts: { onEvent } })
      return heard
    },
  },
  {
    ...{
      what: 'the battery runs low: it pays, and says so before the card is asked for',
      code: 'event battery low',
      early: true,
      options: nobody,
    },
    async provoke({ pay, stop, device }) {
      turnKnob({ reader: device }, 'battery 12')
      let heard = ''
      const onEvent: NonNullable<PayOptions['prompts']>['onEvent'] = event => {
        if (event.type === 'reader' && event.event.type === 'battery') heard = `event battery ${event.event.level}`
        if (event.type === 'stage' && event.stage === 'card') stop.abort()
        if (event.type === 'reader' && event.event.type === 'battery') stop.abort()
      }
      await pay({ prompts: { onEvent } })
      return heard
    },
  },
  {
    ...{ what: 'the reader was opened, its keys are gone', code: 'tampered', early: true },
    provoke({ device, pay }) {
      device.body.tamper()
      return pay()
    },
  },
  {
    ...{ what: 'a payment is under way', code: 'busy', options: nobody },
    async provoke({ pay, stop }) {
      const first = pay()
      const second = await pay()
      stop.abort()
      await first
      return second
    },
  },
  { what: 'the currency is none that it is configured for', code: 'unsupported', early: true, provoke: ({ pay }) => pay({}, 'CHF') },
  { what: 'the card has no application in common', code: 'declined, noApplication', options: { person: { card: stranger } } },
  { what: 'the card is taken away', code: 'cancelled, cardRemoved', options: { person: { pullAt: 3 } } },
  { what: 'nobody presents a card', code: 'cancelled, cardTimeout', options: nobody },
  { what: 'the customer cancels: no card', code: 'cancelled, cardholderCancelled', options: { person: { cancelAt: 'card' } } },
  {
    ...{ what: 'the customer cancels: no PIN', code: 'cancelled, cardholderCancelled' },
    options: { person: { card: 'mastercard', cancelAt: 1 } },
    cannot: ({ reader }) => (reader.info.capabilities.includes('pinPad') ? undefined : 'no PIN pad'),
  },
  {
    ...{ what: 'the merchant cancels', code: 'cancelled, merchantCancelled', options: nobody },
    provoke: bench => onceAsked(bench, () => bench.stop.abort()),
  },
  {
    ...{ what: 'the link is lost, the host was not asked', code: 'link-closed', options: nobody },
    provoke: bench => onceAsked(bench, () => bench.line.drop()),
  },
  {
    ...{ what: 'the link is lost after the host approved', code: 'cancelled, linkLost', options: { person: { card: 'mastercard' } } },
    provoke({ pay, line }) {
      const acquirer = {
        ...silent,
        async authorise() {
          line.drop()
          return { state: 'approved', response: { type: 'approved', code: '00', authorisationCode: '123456' } }
        },
      } as unknown as Acquirer
      return pay({ acquirer })
    },
  },
]

const silent = {
  authorise: async () => ({ state: 'declined', response: { type: 'declined', code: '05' } }),
  status: async () => ({ state: 'unknown' }),
  reverse: async () => ({ state: 'reversed' }),
} as unknown as Acquirer

interface Cell {
  readonly said: string
  readonly invited: boolean
  readonly cannot?: string | undefined
}

async function provoked(row: FamilyRow, { options, provoke = ({ pay }) => pay(), cannot }: Condition): Promise<Cell> {
  const clock = new VirtualClock()
  const placed = await clock.settle(place(row, { clock, ...options }))
  const stop = new AbortController()
  const bench: Bench = {
    ...{ ...placed, clock, stop },
    pay: (more = {}, unit = 'RUB') =>
      pay(
        { number: '1', amount: 500_000n, currency: currency(unit) },
        {
          ...{ reader: placed.reader, acquirer: silent, clock, signal: stop.signal, merchant: { name: 'M', id: '1', terminal: '1' } },
          ...{ statusTime: 100, reversalTime: 100, ...more },
        },
      ).then(
        ({ result, reason }) => [result, reason].filter(Boolean).join(', '),
        (error: unknown) => (isFault(error) ? error.code : String(error)),
      ),
  }
  const said = await clock.settle(provoke(bench))
  const cell = { said, invited: placed.invited(), cannot: cannot?.(placed) }
  await clock.settle(placed.close())
  expect(clock.pending).toBe(0)
  return cell
}

/** Where the driver itself shows "present card" with the command that may be refused: MPI has no word before the card's. */
const lateWords = ['miura']

const lines: string[] = []
describe.each(conditions)('$what', condition => {
  const cells: string[] = []
  it.each(everyFamily)(`$name: ${condition.code}`, async row => {
    const { said, invited, cannot } = await provoked(row, condition)
    if (cannot === undefined) expect(said).toBe(condition.code)
    const preflight = condition.code === 'low-battery' || condition.code === 'update-required'
    if (condition.early && (preflight || !lateWords.includes(row.family))) expect(invited).toBe(false)
    cells.push(
      cannot === undefined
        ? said
            .split(', ')
            .map(word => `\`${word}\``)
            .join(' ')
        : `– (${cannot})`,
    )
    if (cells.length === everyFamily.length) lines.push(`| ${condition.what} | ${cells.join(' | ')} |`)
  })
})

it('docs/conditions.md has this table', () => {
  const file = join(import.meta.dirname, '../../docs/conditions.md')
  const head = `| Condition | ${everyFamily.map(({ name }) => name).join(' | ')} |`
  const table = [head, head.replace(/[^|]+/g, '---'), ...lines].join('\n')
  const page = readFileSync(file, 'utf8')
  const [before, , after] = page.split(/<!-- table: .*? -->\n|<!-- end -->/)
  const mark = '<!-- table: made by test/devices/conditions.test.ts -->\n'
  if (process.env.TAPDIP_DOCS === 'write') writeFileSync(file, `${before}${mark}${table}\n<!-- end -->${after}`)
  else expect(page).toBe(`${before}${mark}${table}\n<!-- end -->${after}`)
})
