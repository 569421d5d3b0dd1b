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
import { everyFamily, type Placed, type PlaceOptions, place } from './families.ts'
import { hostReaders, type Part } from './host-readers.ts'

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
  /** What a reader with the kernel in the app must have to come into it. */
  readonly needs?: Part
  /** What is told otherwise where the kernel is in the app, by the reader's name, and why. */
  readonly inApp?: Readonly<Record<string, readonly [code: string, why: string]>>
  /** Of the app with the kernel; a PIN entry at which nobody types when left out. */
  readonly prompts?: PayOptions['prompts']
  /** Pays, when left out. */
  readonly provoke?: (bench: Bench) => Promise<string>
}

/** Whoever thinks for ten minutes does not come. */
const nobody: PlaceOptions = { person: { pace: { ...instant, present: 600_000 } } }
const [{ oda: _, ...own }] = profiles.mir.applications
const stranger = { ...profiles.mir, applications: [{ ...own, aid: 'A000000042 1010', label: 'CB' }] }

/** Acts once the card is asked for. */
const onceAsked = async (bench: Bench, act: () => unknown): Promise<string> => {
  const said = bench.pay()
  for (let turns = 0; !bench.invited() && turns < 100; turns++) await bench.clock.settle(Promise.resolve())
  expect(bench.invited()).toBe(true)
  act()
  return said
}

const versionless = ['unsupported', 'no version is told'] as const
const slotless = ['cancelled, cardRemoved', 'the connection is the card'] as const
const heldAgain = ['cancelled, pinTimeout', 'it is asked for again, and the tap goes on, here to a PIN that nobody types'] as const
const tapped = ['approved', 'the card of a tap had done its part'] as const

const conditions: readonly Condition[] = [
  { what: 'the battery is too low', code: 'low-battery', needs: 'battery', early: true, options: { battery: { percent: 3 } } },
  {
    ...{ what: 'the reader requires newer firmware', code: 'update-required', needs: 'firmware', early: true },
    options: { prepare: device => turnKnob({ reader: device }, 'require 2.0.0') },
  },
  {
    ...{ what: 'the app requires newer firmware', code: 'update-required', early: true },
    inApp: { softpos: versionless, pcsc: versionless, vpcd: versionless },
    provoke: ({ pay }) => pay({ firmware: { required: '2.0.0' } }),
  },
  {
    ...{ what: 'newer firmware is known to the app', code: 'event firmware', needs: 'firmware', options: nobody },
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
      needs: 'battery',
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
    ...{ what: 'the reader was opened, its keys are gone', code: 'tampered', needs: 'seal', early: true },
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
  {
    what: 'the card has no application in common',
    code: 'declined, noApplication',
    options: { person: { card: stranger } },
    inApp: {
      'qpos, kernel in the app': ['cancelled, cardholderCancelled', 'another is asked for, until the customer who has none presses CANCEL'],
      softpos: ['cancelled, cardTimeout', 'another is asked for, and none comes'],
    },
  },
  {
    what: 'the card is taken away',
    code: 'cancelled, cardRemoved',
    options: { person: { pullAt: 3 } },
    inApp: { 'qpos, kernel in the app': heldAgain, softpos: heldAgain },
  },
  { what: 'nobody presents a card', code: 'cancelled, cardTimeout', needs: 'empty slot', options: nobody },
  {
    ...{
      what: 'nobody presents a card in the time that the app gives',
      code: 'cancelled, cardTimeout',
      needs: 'empty slot',
      options: nobody,
    },
    provoke: ({ pay }) => pay({ waitTime: 3000 }),
  },
  {
    what: 'the customer cancels: no card',
    code: 'cancelled, cardholderCancelled',
    needs: 'cancel key',
    options: { person: { cancelAt: 'card' } },
  },
  {
    ...{ what: 'the customer cancels: no PIN', code: 'cancelled, cardholderCancelled' },
    options: { person: { card: 'mastercard', cancelAt: 1 } },
    prompts: { enterPin: async () => ({ type: 'cancelled' }) },
    cannot: ({ reader }) => (reader.info.capabilities.includes('pinPad') ? undefined : 'no PIN pad'),
  },
  {
    ...{ what: 'the merchant cancels', code: 'cancelled, merchantCancelled', options: nobody },
    provoke: bench => onceAsked(bench, () => bench.stop.abort()),
  },
  {
    ...{ what: 'the link is lost, the host was not asked', code: 'link-closed', options: nobody },
    inApp: { vpcd: slotless },
    provoke: bench => onceAsked(bench, () => bench.line.drop()),
  },
  {
    ...{
      prompts: {},
      inApp: { 'qpos, kernel in the app': tapped, softpos: tapped, vpcd: ['declined, cardRemoved', 'the connection is the card'] },
    },
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

type Placing = (options: Omit<PlaceOptions, 'clock'> & { readonly clock: VirtualClock }) => Promise<Placed>

async function provoked(
  placing: Placing,
  { options, provoke = ({ pay }) => pay(), cannot }: Condition,
  more: Partial<PayOptions> = {},
): Promise<Cell> {
  const clock = new VirtualClock()
  const placed = await clock.settle(placing({ ...options, clock }))
  const stop = new AbortController()
  const bench: Bench = {
    ...{ ...placed, clock, stop },
    pay: (own = {}, unit = 'RUB') =>
      pay(
        { number: '1', amount: 500_000n, currency: currency(unit) },
        {
          ...{ reader: placed.reader, acquirer: silent, clock, signal: stop.signal, merchant: { name: 'M', id: '1', terminal: '1' } },
          ...{ statusTime: 100, reversalTime: 100, ...more, ...own },
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

const ticked = (said: string) =>
  said
    .split(', ')
    .map(word => `\`${word}\``)
    .join(' ')

const lines: string[] = []
describe.each(conditions)('$what', condition => {
  const cells: string[] = []
  it.each(everyFamily)(`$name: ${condition.code}`, async row => {
    const { said, invited, cannot } = await provoked(options => place(row, options), condition)
    if (cannot === undefined) expect(said).toBe(condition.code)
    const preflight = condition.code === 'low-battery' || condition.code === 'update-required'
    if (condition.early && (preflight || !lateWords.includes(row.family))) expect(invited).toBe(false)
    cells.push(cannot === undefined ? ticked(said) : `– (${cannot})`)
    if (cells.length === everyFamily.length) lines.push(`| ${condition.what} | ${cells.join(' | ')} |`)
  })
})

/** A PIN entry of the app's at which nobody types. */
const nobodyTypes: PayOptions['prompts'] = {
  enterPin: (_, { signal }) => new Promise((_, no) => signal.addEventListener('abort', () => no(signal.reason))),
}

const inApp: string[] = []
describe.each(conditions)('the kernel in the app: $what', condition => {
  const cells: string[] = []
  it.each(hostReaders)('$name', async row => {
    const lacks = condition.needs && row.lacks[condition.needs]
    const [code, why] = condition.inApp?.[row.name] ?? [condition.code]
    if (lacks === undefined) {
      const { said, invited } = await provoked(options => row.place(options), condition, { prompts: condition.prompts ?? nobodyTypes })
      expect(said).toBe(code)
      if (condition.early && code !== 'tampered') expect(invited).toBe(false)
    }
    cells.push(lacks === undefined ? `${ticked(code)}${why ? `: ${why}` : ''}` : `– (${lacks})`)
    if (cells.length === hostReaders.length) inApp.push(`| ${condition.what} | ${cells.join(' | ')} |`)
  })
})

it('docs/conditions.md has this table', () => {
  const file = join(import.meta.dirname, '../../docs/conditions.md')
  const table = (names: readonly string[], rows: readonly string[]) => {
    const head = `| Condition | ${names.join(' | ')} |`
    return [head, head.replace(/[^|]+/g, '---'), ...rows].join('\n')
  }
  const tables = { families: [everyFamily, lines], 'kernel in the app': [hostReaders, inApp] } as const
  const page = readFileSync(file, 'utf8')
  let made = page
  for (const [name, [readers, rows]] of Object.entries(tables)) {
    const mark = `<!-- table of the ${name}: made by test/devices/conditions.test.ts -->\n`
    const [before, rest] = made.split(mark)
    const after = rest.slice(rest.indexOf('<!-- end -->'))
    made = `${before}${mark}${table(
      readers.map(one => one.name),
      rows,
    )}\n${after}`
  }
  for (const rows of [lines, inApp]) expect(rows).toHaveLength(conditions.length)
  if (process.env.TAPDIP_DOCS === 'write') writeFileSync(file, made)
  else expect(page).toBe(made)
})
