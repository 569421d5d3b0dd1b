/** A payment system that was asked for by name is what is charged, or nothing is: a co-badged card over every family, whoever chooses, by chip, tap and stripe. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { allAccounts, issuerView } from '../../../simulator/cards/issuer-view.ts'
import { turnKnob } from '../../../simulator/readers/knobs.ts'
import { type AcquirerHost, type CardProfile, type PersonOptions, profiles, startAcquirer } from '../../../simulator/world.ts'
import { fromHex, fromText } from '../../../src/bytes.ts'
import { currency } from '../../../src/currency.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import type { PaymentEvent } from '../../../src/payment/pay/events.ts'
import { type PayOptions, pay } from '../../../src/payment/pay/payment.ts'
import { wantedApplication } from '../../../src/payment/pay/wanted.ts'
import { everyFamily, type FamilyRow, type Placed, type PlaceOptions, place } from '../../devices/families.ts'

interface Row extends FamilyRow {
  readonly more?: PlaceOptions
}
/** Those whose chooser is left open, with the app as well. */
const rows: readonly Row[] = everyFamily.flatMap((row): readonly Row[] =>
  row.family === 'idtech'
    ? [
        row,
        {
          ...row,
          name: 'idtech with idtech-menu',
          more: { open: { assumed: ['idtech-menu'] }, prepare: device => turnKnob({ reader: device }, 'menus on') },
        },
      ]
    : [row],
)

/** Both of its applications can be paid without a PIN, so that a reader without keys is asked for the choice alone. */
const [mir, maestro] = profiles['mir-maestro'].applications
const coBadged: CardProfile = { ...profiles['mir-maestro'], applications: [mir, { ...maestro, cvm: mir.cvm }] }
const striped = { ...coBadged, serviceCode: '101' }
let acquirer: AcquirerHost
let placed: Placed | undefined
let orders = 0
beforeAll(async () => {
  acquirer = await startAcquirer({ accounts: [...issuerView(striped), ...allAccounts()] })
})
afterAll(() => acquirer.close())
afterEach(async () => {
  await placed?.close()
  placed = undefined
})

async function paid(row: Row, who: PersonOptions, application: string, more: Partial<PayOptions> = {}) {
  placed = await place(row, { person: { card: coBadged, ...who }, ...row.more })
  const events: PaymentEvent[] = []
  const number = `wanted_${++orders}`
  let listed = 0
  const result = await pay(
    { number, amount: 250_000n, currency: currency('RUB') },
    {
      ...{ reader: placed.reader, acquirer: httpAcquirer(acquirer.url), merchant: { name: 'M', id: '1', terminal: '1' }, application },
      ...{ statusTime: 500, reversalTime: 2000, ...more },
      prompts: {
        onEvent: event => events.push(event),
        selectApplication: async () => {
          listed++
          return 0
        },
        ...more.prompts,
      },
    },
  )
  const charged = acquirer.orders.filter(one => one.number === number && one.state === 'Approved').length
  return { result, events, charged, listed }
}

const others = (events: readonly PaymentEvent[]) => events.filter(({ type }) => type === 'application' || type === 'otherApplication')

describe.each(rows)('$name', row => {
  const reads = (label: string) => expect.objectContaining({ label: expect.stringMatching(new RegExp(label, 'i')) })

  describe.each(['MIR', 'Maestro', 'VISA'] as const)('asked for %s', wanted => {
    it.each(['MIR', 'Maestro'] as const)('the customer chooses %s where the reader asks them', async chosen => {
      const { result, charged, events, listed } = await paid(row, { choose: chosen }, wanted)
      expect(listed).toBe(0) // whoever has said what they want is not asked
      if (result.result === 'approved') {
        expect(result).toMatchObject({ application: reads(wanted) })
        expect(charged).toBe(1)
      } else {
        expect(result).toMatchObject({ result: 'cancelled', reason: 'otherApplication' })
        expect(charged).toBe(0)
        expect(others(events).at(-1)).toMatchObject({ wanted })
      }
      // It is had where the app chooses, and where the chooser chose it; what the card has not, nobody has.
      const { applicationSelection: by, family } = placed!.reader.info
      const had = wanted !== 'VISA' && (by === 'host' || (family === 'idtech' ? wanted === 'MIR' : chosen === wanted))
      expect(result.result).toBe(had ? 'approved' : 'cancelled')
    })

    it('a tap takes the card’s first application, and is charged where that is it', async () => {
      const { result, charged } = await paid(row, { present: 'tap' }, wanted)
      if (wanted === 'MIR') expect(result).toMatchObject({ result: 'approved', interface: 'tap' })
      else expect(result).toMatchObject({ result: 'cancelled', reason: 'otherApplication' })
      expect(charged).toBe(wanted === 'MIR' ? 1 : 0)
    })

    it('a stripe is what its number says', async () => {
      const { result, charged } = await paid(row, { card: striped, present: 'swipe' }, wanted)
      expect(result.interface).toBe('swipe')
      if (result.result === 'approved') expect(wanted).toBe('MIR')
      else expect(result).toMatchObject({ result: 'cancelled', reason: 'otherApplication' }) // a number that nobody tells is none
      expect(charged).toBe(result.result === 'approved' ? 1 : 0)
    })
  })

  it('a choice holds for the whole payment: a PIN that is entered again comes without the list', async () => {
    const { result } = await paid(row, { choose: 'Maestro', pins: ['4321', '1234'] }, 'Maestro', {
      prompts: { tryAgain: async () => true },
    })
    const screens = placed!.device.body.screens.map(({ message }) => message)
    expect(screens.filter(one => one === 'reader.selectApplication').length).toBeLessThanOrEqual(1)
    if (placed!.reader.info.capabilities.includes('pinPad'))
      expect(result).toMatchObject({ result: 'approved', attempts: 2, application: reads('Maestro') })
  })
})

describe('what was asked for', () => {
  const aid = (digits: string) => fromHex(digits)
  const card = [
    { aid: aid('A0000006581010'), label: 'MIR CREDIT' },
    { aid: aid('A0000000043060'), label: 'Debit' },
    { aid: aid('A0000000041010'), label: 'Maestro' },
  ]

  it.each([
    ['MIR', 0],
    ['mir credit', 0],
    ['maestro', 2], // a label before a payment system
    ['MASTERCARD', 2],
    [' debit ', 1],
    ['VISA', undefined],
  ])('%j among MIR CREDIT, Debit (Maestro), Maestro (Mastercard)', (label, index) => {
    expect(wantedApplication(label).among(card)).toBe(index)
  })

  it('two of one payment system, and neither has that label: none is guessed', () => {
    const two = [
      { aid: aid('A0000000041010'), label: 'Credit' },
      { aid: aid('A0000000041010D056'), label: 'Debit' },
    ]
    expect(wantedApplication('Mastercard').among(two)).toBeUndefined()
  })

  it('is told by label, preferred name or AID, and by nothing else', () => {
    const met = (...tags: [number, Uint8Array][]) => wantedApplication('Maestro').met({ interface: 'chip', tags: new Map(tags) })
    expect(met([0x84, aid('A0000000043060')])).toEqual({ label: 'MAESTRO', wanted: true })
    expect(met([0x84, aid('A0000006581010')], [0x50, fromText('MIR')])).toEqual({ label: 'MIR', wanted: false })
    expect(met([0x9f12, fromText('MAESTRO')])).toMatchObject({ wanted: true })
    expect(met([0x84, aid('A0000007271010')])).toBeUndefined()
    expect(met([0x5a, aid('6799990100000000019F')])).toBeUndefined()
    expect(() => wantedApplication(' ')).toThrow(expect.objectContaining({ code: 'bad-argument' }))
  })
})
