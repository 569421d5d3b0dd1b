/** Verified, or not paid: every virtual reader of the family table, every payment system, every way to pay, and whatever goes wrong with a verification. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import { issuerView } from '../../../simulator/cards/issuer-view.ts'
import { virtualFamilies } from '../../../simulator/readers/index.ts'
import {
  type AcquirerHost,
  type CardProfile,
  type HostEvent,
  type HostRule,
  instant,
  loadCard,
  type PersonOptions,
  person,
  profiles,
  type ReaderOptions,
  startAcquirer,
  type VirtualReader,
  virtualConfig,
  virtualReader,
} from '../../../simulator/world.ts'
import { currency } from '../../../src/currency.ts'
import { withoutPinPad } from '../../../src/emv/contact/without-pin.ts'
import { russianContactless } from '../../../src/emv/contactless/profiles.ts'
import { withoutOnlinePin } from '../../../src/emv/contactless/without-pin.ts'
import type { CvmName } from '../../../src/emv/outcome.ts'
import { isFault } from '../../../src/errors.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import { type AppPrompts, type PaymentResult, type PayOptions, pay } from '../../../src/payment/pay/payment.ts'
import { reasonWords } from '../../../src/payment/pay/result.ts'
import { receiptLines } from '../../../src/payment/receipt/receipt.ts'
import type { Reader } from '../../../src/reader/reader.ts'
import { pipe } from '../../../src/transport/pipe.ts'

/** A reader joins by being in the table of families, with a row for each dialect that it speaks. */
const readers = Object.entries(virtualFamilies).flatMap(
  ([family, { dialects = [] }]): { readonly family: string; readonly dialect?: string }[] =>
    dialects.length > 0 ? dialects.map(dialect => ({ family, dialect })) : [{ family }],
)
const nameOf = (row: { readonly family: string; readonly dialect?: string }) => [row.family, row.dialect].filter(Boolean).join(' ')

const maestro: CardProfile = {
  ...profiles.mastercard,
  name: 'maestro',
  applications: [{ ...profiles.mastercard.applications[0], aid: 'A000000004 3060', label: 'MAESTRO' }],
}
const schemes = {
  MIR: profiles.mir,
  Visa: profiles.dda,
  Mastercard: profiles.mastercard,
  Maestro: maestro,
  Amex: profiles.amex,
  JCB: profiles.jcb,
  Discover: profiles.discover,
  UnionPay: profiles.unionpay,
} as const
type Scheme = keyof typeof schemes
const names = Object.keys(schemes) as Scheme[]
/** The same card without a chip, which its stripe says. */
const striped = (profile: CardProfile): CardProfile => ({ ...profile, chip: 'none', serviceCode: '101' })

const LIMIT = 300_000n
const RUB = currency('RUB')
const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
const signature = { strokes: [[{ x: 0, y: 0 }, { x: 9, y: 9 }]] } // biome-ignore format: one stroke

interface Bench {
  readonly device: VirtualReader
  readonly reader: Reader
  readonly host: AcquirerHost
  readonly seen: HostEvent[]
  /** One payment by one person. */
  take(person: PersonOptions, options?: Options): Promise<Taken>
  close(): Promise<void>
}
interface Options extends Pick<PayOptions, 'interfaces' | 'signal'> {
  readonly amount?: bigint
  readonly sign?: AppPrompts['captureSignature'] | false
}
interface Taken extends PaymentResult {
  /** What went through the host, and what is charged now. */
  readonly asked: readonly Extract<HostEvent, { readonly code: string; readonly pin: string }>[]
  readonly charged: boolean
  /** The app was asked for a signature. */
  readonly signed: number
}

/** One account for the card and its copy without a chip: the service code is looked at in stripes only. */
const accounts = [...Object.values(schemes), profiles['visa-signature'], profiles['offline-pin']].flatMap(profile =>
  issuerView(striped(profile)),
)

let orders = 0
interface BenchOptions extends Omit<ReaderOptions, 'family' | 'dialect'> {
  readonly rules?: readonly HostRule[]
}

async function counter(row: { readonly family: string; readonly dialect?: string }, { rules, ...options }: BenchOptions): Promise<Bench> {
  const seen: HostEvent[] = []
  const host = await startAcquirer({ accounts, onEvent: event => seen.push(event), ...(rules && { rules }) })
  const device = virtualReader({ ...row, resultTime: 0, ...options })
  const [app, line] = pipe()
  const serving = device.serve(line)
  const reader = await open(app, row)
  return {
    ...{ device, reader, host, seen },
    async take({ card, ...script }, { amount = LIMIT, sign, ...own } = {}) {
      const held = typeof card === 'object' && 'contact' in card ? card : loadCard(card ?? 'mir')
      device.body.pull()
      device.body.leave()
      const leave = person(device.body, held, { pace: instant, ...script })
      const number = `verified_${++orders}`
      const from = seen.length
      let signed = 0
      const capture = sign === undefined ? async () => signature : sign
      const prompts: AppPrompts = {
        ...(capture && {
          captureSignature: async (request, waiting) => {
            signed++
            return capture(request, waiting)
          },
        }),
      }
      try {
        const result = await pay({ number, amount, currency: RUB }, { reader, acquirer: httpAcquirer(host.url), merchant, prompts, ...own })
        const asked = seen.slice(from).flatMap(event => (event.type === 'authorisation' ? [event] : []))
        return { ...result, asked, charged: host.order(number)?.state === 'Approved', signed }
      } finally {
        leave()
      }
    },
    async close() {
      await reader.close()
      await serving
      await device.close()
      await host.close()
    },
  }
}

const PIN_OR_HOLDER: readonly (CvmName | undefined)[] = ['onlinePin', 'offlinePin', 'signature', 'device']

/** Nobody pays unverified from the limit on; money and result agree; slip and host tell the verification that was, or nothing. */
function sound(taken: Taken, amount: bigint): void {
  const { result, cvm, charged, receipt, asked } = taken
  expect(charged).toBe(result === 'approved')
  if (result === 'approved' && amount >= LIMIT) expect(PIN_OR_HOLDER).toContain(cvm)
  expect(receipt.cvm).toBe(cvm)
  for (const one of asked) if (result === 'approved') expect(['unknown', cvm]).toContain(one.cvm)
  const line = receiptLines(receipt).find(one => one.startsWith('Verified by'))
  if (result === 'approved')
    expect(line).toBe(
      cvm &&
        `Verified by: ${{ none: 'not needed', onlinePin: 'PIN', offlinePin: 'PIN (checked by the card)', signature: 'signature', device: 'cardholder’s device' }[cvm]}`,
    )
  else expect(line ?? '').not.toContain('not needed')
}

const ways = { tap: 'tap', dip: 'dip', swipe: 'swipe' } as const
const rows = names.flatMap(scheme =>
  ([['tap', LIMIT - 1n], ['tap', LIMIT], ['dip', LIMIT], ['swipe', LIMIT]] as const).map(([way, amount]) => [scheme, way, amount] as const),
) // biome-ignore format: a table

/** What must come of it: the holder's PIN where there are keys, else the signature where the card knows one, else nothing. */
function expected(scheme: Scheme, way: keyof typeof ways, amount: bigint, pinPad: boolean): CvmName | 'declined' {
  if (way === 'swipe') return 'signature'
  if (way === 'tap' && amount < LIMIT) return 'none'
  if (pinPad) return 'onlinePin'
  return scheme === 'MIR' ? 'declined' : 'signature'
}

/** What no terminal without keys can do with a PIN. */
const withoutKeys = { config: withoutPinPad(virtualConfig()), contactless: withoutOnlinePin(russianContactless()) }
/** A bank that approves whatever the terminal says of the cardholder. */
const lenient: readonly HostRule[] = (['cardholderVerificationFailed', 'pinTryLimitExceeded'] as const).map(bit => ({
  do: 'tvr',
  bit,
  code: '00',
}))

describe.each(readers.map(row => [nameOf(row), row] as const))('%s', (_name, row) => {
  const ends: (() => Promise<void>)[] = []
  afterAll(async () => {
    for (const end of ends) await end()
  })
  const bench = async (options: BenchOptions = {}) => {
    const made = await counter(row, options)
    ends.push(() => made.close())
    return made
  }
  let made: Bench
  let keyless: Bench
  beforeAll(async () => {
    made = await bench()
    keyless = await bench(withoutKeys)
  })
  const pinPad = () => made.reader.info.capabilities.includes('pinPad')

  async function pays(at: Bench, scheme: Scheme, way: keyof typeof ways, amount: bigint, keys: boolean) {
    const card = way === 'swipe' ? striped(schemes[scheme]) : schemes[scheme]
    const taken = await at.take({ card, present: ways[way] }, { amount })
    const wanted = expected(scheme, way, amount, keys)
    sound(taken, amount)
    if (wanted === 'declined') {
      expect(taken).toMatchObject({ result: 'declined', interface: 'chip', asked: [], signed: 0 })
      expect(Number.parseInt(taken.receipt.tvr!.slice(4, 6), 16) & 0x80).toBe(0x80)
      expect(reasonWords(taken)).toContain('not verified')
      return
    }
    expect(taken).toMatchObject({ result: 'approved', cvm: wanted, interface: way === 'dip' ? 'chip' : way })
    expect(taken.asked).toMatchObject([{ code: '00', pin: wanted === 'onlinePin' ? 'right' : 'none' }])
    expect(taken.signed).toBe(wanted === 'signature' ? 1 : 0)
    expect(taken.signature !== undefined).toBe(wanted === 'signature')
  }

  it.each(rows)('%s by %s of %s minor units', (scheme, way, amount) => pays(made, scheme, way, amount, pinPad()))

  const few = (['MIR', 'Mastercard', 'Discover'] as const).flatMap(scheme => (['tap', 'dip'] as const).map(way => [scheme, way] as const))
  it.each(few)('%s by %s where there is no PIN pad', (scheme, way) => pays(keyless, scheme, way, LIMIT, false))

  const signers = [
    ['chip', { card: profiles['visa-signature'], present: 'dip' }],
    ['stripe', { card: striped(profiles['visa-signature']), present: 'swipe' }],
    ['tap', { card: profiles['visa-signature'], present: 'tap' }],
  ] as const
  it.each(signers)('whoever will not sign has not paid, by %s', async (_way, how) => {
    const taken = await made.take(how, { sign: async () => undefined })
    sound(taken, LIMIT)
    expect(taken).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled', signed: 1 })
    if (taken.asked.length > 0) expect(taken.reversal).toBe('done')
  })

  it('a signature screen that fails takes the payment back, and what failed is not hidden', async () => {
    const broken = new Error('the screen is broken')
    const uncaught: unknown[] = []
    const hear = (error: unknown) => uncaught.push(error)
    const before = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', hear)
    try {
      const person: PersonOptions = { card: profiles['visa-signature'], present: 'dip' }
      const taken = await made.take(person, { sign: () => Promise.reject(broken) }).catch((error: unknown) => error)
      // Before the host was asked it is thrown; afterwards the payment is reversed first.
      if (taken instanceof Error) return void expect(taken.message).toBe(broken.message)
      await new Promise(resolve => setImmediate(resolve))
      expect(taken).toMatchObject({ result: 'cancelled', reversal: 'done', charged: false })
      expect(uncaught).toEqual([broken])
    } finally {
      process.off('uncaughtException', hear)
      for (const listener of before) process.on('uncaughtException', listener)
    }
  })

  it('an offline PIN that is wrong three times: the bank hears of it, and says so; the slip too', async () => {
    const taken = await made.take({ card: profiles['offline-pin'], present: 'dip', pins: ['0000', '0001', '0002'] })
    sound(taken, LIMIT)
    expect(taken.result).toBe('declined')
    const slip = receiptLines(taken.receipt, 'ru')
    if (!pinPad()) {
      expect(taken.asked).toEqual([])
      expect(reasonWords(taken)).toContain('not verified')
      return
    }
    expect(taken).toMatchObject({ reason: 'hostDeclined', responseCode: '75', asked: [{ code: '75', arqc: 'right' }] })
    expect(reasonWords(taken)).toContain('too many wrong PINs')
    expect(slip).toContain('Код ответа: 75 превышено число попыток ввода ПИН-кода')
    expect(slip).toContain('Проверка: не пройдена')
  })

  it('a PIN that is bypassed, or wrong three times, and a bank that approves all the same: not from the limit on', async () => {
    const own = await bench({ pin: { bypass: true }, rules: lenient })
    const bypassed = await own.take({ card: profiles.mir, present: 'dip', pins: [''] })
    const wrong = await own.take({ card: profiles['offline-pin'], present: 'dip', pins: ['0000', '0001', '0002'] })
    for (const taken of [bypassed, wrong]) {
      sound(taken, LIMIT)
      expect(taken).toMatchObject({ result: 'declined', charged: false })
      if (!pinPad()) expect(taken.asked).toEqual([])
      else expect(taken).toMatchObject({ reason: 'notVerified', cvm: 'none', reversal: 'done', asked: [{ code: '00' }] })
    }
    // Below it that is the bank's to decide.
    const small = await own.take({ card: profiles.mir, present: 'dip', pins: [''] }, { amount: LIMIT - 1n })
    expect(small).toMatchObject({ result: 'approved', cvm: 'none', charged: true })
    // A verification that failed is not one that was not needed.
    if (pinPad()) expect(receiptLines(small.receipt).join('\n')).not.toContain('Verified by')
  })

  it('a PIN that is bypassed is declined by the bank, and a card that goes on to the signature is signed for', async () => {
    const own = await bench({ pin: { bypass: true } })
    const bypassed = await own.take({ card: profiles.mir, present: 'dip', pins: [''] })
    sound(bypassed, LIMIT)
    expect(bypassed.result).toBe('declined')
    if (pinPad()) expect(bypassed).toMatchObject({ responseCode: '70', asked: [{ code: '70' }] })
    const signed = await own.take({ card: profiles.dda, present: 'dip', pins: [''] })
    sound(signed, LIMIT)
    expect(signed).toMatchObject({ result: 'approved', cvm: 'signature', signed: 1 })
  })

  const phones = names.flatMap(scheme => ([true, 'locked'] as const).map(phone => [scheme, phone] as const))
  it.each(phones)('%s in a phone (%s): its holder is verified on it', async (scheme, phone) => {
    const taken = await made.take({ card: schemes[scheme], phone })
    sound(taken, LIMIT)
    expect(taken).toMatchObject({ result: 'approved', cvm: 'device', interface: 'tap', signed: 0, asked: [{ pin: 'none', code: '00' }] })
  })

  it('what no card has come to is told of no interface', async () => {
    for (const interfaces of [['tap'], undefined] as const) {
      const taken = await made.take({ card: profiles.mir, cancelAt: 'card' }, interfaces && { interfaces }).catch((error: unknown) => error)
      if (isFault(taken, 'unsupported')) continue
      // Whoever has no CANCEL key goes away with the card: nobody comes.
      expect(taken).toMatchObject({ result: 'cancelled' })
      expect((taken as Taken).interface).toBeUndefined()
      expect((taken as Taken).receipt.interface).toBeUndefined()
    }
  })

  it('a tap that ends before anything was read was no chip', async () => {
    const taken = await made.take(
      { card: profiles.mir, present: 'tap', cancelAt: 1, pins: [], pullAt: 1 },
      { interfaces: ['tap'], signal: AbortSignal.timeout(400) },
    )
    expect(taken.interface).not.toBe('chip')
    expect(taken.result).not.toBe('approved')
  })
})
