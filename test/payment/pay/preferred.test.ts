/** `prefer`: the merchant's order of a co-badged card's list, over every family and raw slot; the customer may choose another, and a tap keeps the card's own priority. */

import { afterEach, describe, expect, it } from 'vitest'
import { allAccounts, issuerView } from '../../../simulator/cards/issuer-view.ts'
import { turnKnob } from '../../../simulator/readers/knobs.ts'
import { type AcquirerHost, type CardProfile, type PersonOptions, profiles, startAcquirer } from '../../../simulator/world.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import { type PayOptions, pay } from '../../../src/payment/pay/payment.ts'
import { inOrder } from '../../../src/payment/pay/wanted.ts'
import { everyFamily, type Placed, type PlaceOptions, place } from '../../devices/families.ts'
import { hostReaders } from '../../devices/host-readers.ts'
import { deskAcquirer } from '../../simulator/acquirer/desk-acquirer.ts'

/** Mir comes first by its priority, and neither asks for a PIN. */
const [mir, maestro] = profiles['mir-maestro'].applications
const coBadged: CardProfile = { ...profiles['mir-maestro'], applications: [mir, { ...maestro, cvm: mir.cvm }] }

interface Row {
  readonly name: string
  readonly place: (options: Omit<PlaceOptions, 'clock'> & { readonly clock: VirtualClock }) => Promise<Placed>
  /** Whose list is in the merchant's order; `card`: nobody's, the card decides or the reader's list cannot be told. */
  readonly list: 'app' | 'reader' | 'card'
}
const lists: Readonly<Record<string, Row['list']>> = {
  qpos: 'app',
  'magtek v5': 'app',
  'bluepad mped': 'reader',
  'bluepad emv2': 'reader',
  miura: 'card',
  'magtek mms': 'card',
  idtech: 'card',
}
const rows: readonly Row[] = [
  ...everyFamily.map(row => ({ name: row.name, place: (options: PlaceOptions) => place(row, options), list: lists[row.name] })),
  {
    name: 'idtech with idtech-menu',
    place: options =>
      place(everyFamily.find(({ family }) => family === 'idtech')!, {
        ...options,
        open: { assumed: ['idtech-menu'] },
        prepare: device => turnKnob({ reader: device }, 'menus on'),
      }),
    list: 'app',
  },
  ...hostReaders.filter(({ name }) => name !== 'softpos' && !name.startsWith('qpos')).map(row => ({ ...row, list: 'app' as const })),
]

let host: AcquirerHost | undefined
afterEach(async () => {
  await host?.close()
  host = undefined
})

describe.each(rows)('$name', row => {
  async function paid(who: PersonOptions, more: Partial<PayOptions> = {}) {
    const clock = new VirtualClock()
    host = await startAcquirer({ accounts: [...issuerView(coBadged), ...allAccounts()] })
    const placed = await clock.settle(row.place({ clock, person: { card: coBadged, ...who } }))
    const lists: string[][] = []
    const result = await clock.settle(
      pay(
        { number: 'preferred', amount: 10_000n, currency: currency('RUB') },
        {
          ...{ reader: placed.reader, acquirer: deskAcquirer(host.desk), clock, merchant: { name: 'M', id: '1', terminal: '1' } },
          prompts: {
            selectApplication: async candidates => {
              lists.push(candidates.map(({ label }) => label.toUpperCase()))
              return typeof who.choose === 'string' ? lists.at(-1)!.indexOf(who.choose.toUpperCase()) : 0
            },
          },
          ...more,
        },
      ),
    )
    const display = placed.device?.body.screens.find(({ message }) => message === 'reader.selectApplication')
    await clock.settle(placed.close())
    return { result, list: lists[0], display: display?.lines.slice(1).map(line => line.toUpperCase()) }
  }
  const first = row.list === 'card' ? 'MIR' : 'MAESTRO'
  const named = (label: string) => ({ label: expect.stringMatching(new RegExp(label, 'i')) })

  it('the preferred one is first on the list, and is paid with where the customer takes the first', async () => {
    const { result, list, display } = await paid({ choose: 0 }, { prefer: ['Maestro'] })
    expect(result).toMatchObject({ result: 'approved', application: named(first) })
    if (row.list === 'app') expect(list?.[0]).toMatch(/MAESTRO/)
    if (row.list === 'reader') expect(display?.[0]).toMatch(/MAESTRO/)
  })

  it('the customer chooses another on the screen', async () => {
    if (row.name === 'idtech') return // nobody is asked there
    const { result } = await paid({ choose: 'MIR' }, { prefer: ['Maestro'] })
    expect(result).toMatchObject({ result: 'approved', application: named('MIR') })
  })

  it('where nobody is asked, the preferred one is taken; what the card has not changes nothing', async () => {
    const none = { prompts: {} }
    expect((await paid({}, { prefer: ['MAESTRO'], ...none })).result).toMatchObject({ result: 'approved', application: named(first) })
    await host!.close()
    expect((await paid({}, { prefer: ['VISA'], ...none })).result).toMatchObject({ result: 'approved', application: named('MIR') })
  })
})

it.each(everyFamily.map(row => [row.name, row] as const))('%s: a tap keeps the card’s own priority', async (_, row) => {
  const clock = new VirtualClock()
  host = await startAcquirer({ accounts: [...issuerView(coBadged), ...allAccounts()] })
  const placed = await clock.settle(place(row, { clock, person: { card: coBadged, present: 'tap' } }))
  const result = await clock.settle(
    pay(
      { number: 'preferred', amount: 10_000n, currency: currency('RUB') },
      {
        ...{ reader: placed.reader, acquirer: deskAcquirer(host.desk), clock, merchant: { name: 'M', id: '1', terminal: '1' } },
        prefer: ['Maestro'],
      },
    ),
  )
  await clock.settle(placed.close())
  expect(result).toMatchObject({ result: 'approved', interface: 'tap', receipt: { aid: 'A0000006581010' } })
})

it('a list in order: by label before payment system, what is not preferred as the card has it', () => {
  const aid = (digits: string) => Uint8Array.from(Buffer.from(digits, 'hex'))
  const card = [
    { aid: aid('A0000000041010'), label: 'Credit' },
    { aid: aid('A0000006581010'), label: 'MIR' },
    { aid: aid('A0000000031010'), label: 'VISA' },
  ]
  expect(inOrder(card, ['mir', 'Mastercard'])).toEqual([1, 0, 2])
  expect(inOrder(card, ['VISA'])).toEqual([2, 0, 1])
  expect(inOrder(card)).toEqual([0, 1, 2])
})
