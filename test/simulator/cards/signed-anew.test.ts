/** A card that was recorded at a PC/SC reader, by chip or in the field: it pays again as it did, and, where it is one of our profiles, whatever it is asked to. */

import { describe, expect, it } from 'vitest'
import { families } from '../../../devices/index.ts'
import { openPcscReader } from '../../../devices/pcsc/driver.ts'
import { recordedSlot } from '../../../devices/recorded-slot.ts'
import { startAcquirer } from '../../../simulator/acquirer/host.ts'
import { issuerView } from '../../../simulator/cards/issuer-view.ts'
import type { RecordedCard } from '../../../simulator/cards/recorded.ts'
import { changing, signedAnew } from '../../../simulator/cards/signed-anew.ts'
import { cardFrom } from '../../../simulator/commands/recorded-card.ts'
import { Body } from '../../../simulator/readers/body/body.ts'
import type { PlasticCard } from '../../../simulator/readers/body/senses.ts'
import { slotOf } from '../../../simulator/scenario/over/slot.ts'
import { type CardProfile, instant, loadCard, person, profiles, virtualConfig } from '../../../simulator/world.ts'
import { hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import { russianContactless } from '../../../src/emv/contactless/profiles.ts'
import type { Acquirer } from '../../../src/payment/acquirer.ts'
import type { AppPrompts } from '../../../src/payment/pay/options.ts'
import { pay } from '../../../src/payment/pay/payment.ts'
import { redactionOf } from '../../../src/recording/dissector.ts'
import { tagHex } from '../../../src/tlv/ber.ts'
import { parseTrace } from '../../../src/transport/replay.ts'
import { traced } from '../../../src/transport/trace.ts'
import { found, secretNumber } from '../../canaries.ts'
import { giving, keeping, START } from '../../devices/recorded.ts'
import { pinEntry } from '../../emv/contactless/tap-table.ts'
import { deskAcquirer } from '../acquirer/desk-acquirer.ts'

const dissector = families.find(({ name }) => name === 'vpcd')!.dissector!({ uri: 'pcsc:' })
const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }

interface Paid {
  readonly result: Awaited<ReturnType<typeof pay>>
  readonly text: string
}

/** One payment with what a person holds into a PC/SC reader, and the line that `pay --record` writes of it. */
async function pays(card: PlasticCard, present: 'dip' | 'tap', acquirer: Acquirer, amount = 100_000n): Promise<Paid> {
  const clock = new VirtualClock(START)
  const body = new Body({ clock })
  const leave = person(body, card as never, { pace: instant, present, pins: ['1234'] })
  const lines: string[] = []
  const slot = recordedSlot(slotOf(body), line =>
    traced(line, { write: one => lines.push(one), redaction: redactionOf(dissector), clock, reader: { family: 'vpcd' } }),
  )
  const reader = openPcscReader(slot, { config: virtualConfig(), contactless: russianContactless(), clock })
  void (async () => {
    for await (const event of reader.events) if (event.type === 'display') body.show(event.message)
  })()
  try {
    const order = { number: '20260326_105200_001', amount, currency: currency('RUB') }
    const online = pinEntry('1234')
    const offline = { type: 'offlinePin' as const, pin: Uint8Array.of(1, 2, 3, 4) }
    const prompts: AppPrompts = { enterPin: async (asked, waiting) => (asked.type === 'offline' ? offline : online(asked, waiting)) }
    const result = await clock.settle(
      pay(order, { reader, acquirer, merchant, clock, prompts, interfaces: [present === 'dip' ? 'chip' : 'tap'] }),
    )
    return { result, text: lines.join('\n') }
  } finally {
    leave()
    await clock.settle(reader.close())
  }
}

async function recorded(profile: CardProfile, present: 'dip' | 'tap') {
  const acquirer = await startAcquirer({ accounts: [...issuerView(profile)] })
  try {
    const answers: unknown[] = []
    const paid = await pays(loadCard(profile), present, keeping(deskAcquirer(acquirer.desk), answers))
    return { ...paid, answers, card: cardFrom(profile.name, parseTrace(paid.text)) }
  } finally {
    await acquirer.close()
  }
}

async function paysAnew(card: RecordedCard, profile: CardProfile, present: 'dip' | 'tap', amount: bigint): Promise<Paid> {
  const anew = await signedAnew(card)
  expect(anew).toBeDefined()
  const acquirer = await startAcquirer({ accounts: [...issuerView(profile)] })
  try {
    return await pays(anew!, present, deskAcquirer(acquirer.desk), amount)
  } finally {
    await acquirer.close()
  }
}

/** Of the tags that a payment tells, those that the terminal and the issuer have otherwise each time. */
const ofTheTime = ['9F37', '9F41', '9F21', '9A', '91', '8A', '89']
/** A recorded card has no certificate of its number: data authentication fails, and what follows from that. */
const unauthenticated = ['95', '9B', '9F4B', '9F4C', '9F45', '9F22', '8F', '9F10', '9F26', '9F36', '9F27']
/** A card that is signed anew makes its own cryptograms, for what it is asked now. */
const anewOnes = ['9F02', '81', '9F60', '9F61', '9F6A', ...changing.map(tagHex)]

function same(one: Paid, other: Paid, but: readonly string[]) {
  const kept = ({ result }: Paid) => Object.entries(result.tags).filter(([tag]) => ![...ofTheTime, ...but].includes(tag))
  expect(kept(other)).toEqual(kept(one))
  const { interface: by, cvm, application } = one.result
  expect(other.result).toMatchObject({ interface: by, cvm, application })
}

/** Cards that are declined where they are played verbatim: a terminal takes them by a signature over their number alone, or with their cryptogram in it. */
const proved = ['mastercard dip', 'cda dip', 'amex dip', 'jcb dip', 'mastercard tap', 'mir tap', 'amex tap', 'jcb tap']

/** What was read of the card before it had to make a cryptogram: commands without the terminal's data, and answers. */
function read({ text }: Paid) {
  const exchanges = cardFrom('', parseTrace(text)).exchanges
  const first = exchanges.findIndex(({ command }) => [0x88, 0xae, 0x2a, 0xca, 0x20].includes(command[1]))
  return exchanges.slice(0, first < 0 ? undefined : first).map(({ command, answer }) => `${hex(command.subarray(0, 4))} ${hex(answer)}`)
}

const chips = ['visa-signature', 'mastercard', 'mir', 'sda', 'cda', 'offline-pin', 'amex', 'jcb', 'unionpay'] as const
const taps = ['visa-signature', 'mastercard', 'mir', 'amex', 'jcb', 'unionpay', 'discover', 'mastercard-stripe'] as const
const cases = [...chips.map(name => [name, 'dip'] as const), ...taps.map(name => [name, 'tap'] as const)]

describe('a card of a recording at a PC/SC reader', () => {
  it.each(cases)('%s by %s', async (name, present) => {
    const profile: CardProfile = profiles[name]
    const first = await recorded(profile, present)
    expect(first.result).toMatchObject({ result: 'approved', interface: present === 'dip' ? 'chip' : 'tap' })
    expect(found([secretNumber('PAN', profile.pan)], first.text)).toEqual([])
    expect(first.card.tapped).toBe(present === 'tap')
    // Verbatim: the same payment, by the host's recorded answer.
    const second = await pays(first.card.plastic, present, giving(first.answers))
    expect(read(second)).toEqual(read(first))
    expect(second.result.result).toBe(proved.includes(`${name} ${present}`) ? 'declined' : 'approved')
    if (present === 'dip') same(first, second, unauthenticated)
    // Anew: another amount, by the bank itself.
    const third = await paysAnew(first.card, profile, present, 100_100n)
    expect(third.result).toMatchObject({ result: 'approved', receipt: { amount: '1001.00', pan: first.result.receipt.pan } })
    same(first, third, anewOnes)
  })

  it('of another number of the same issuer is signed anew with the number that the recording shows', async () => {
    const profile = { ...profiles.mir, pan: '2200000730917329' }
    const { card } = await recorded(profile, 'dip')
    const anew = (await signedAnew(card))!
    expect(anew.plan.pan).toMatch(/^220000\d{6}7329$/)
    expect(anew.plan.pan).not.toBe(profile.pan)
    const third = await paysAnew(card, { ...profile, pan: anew.plan.pan }, 'dip', 250_100n)
    expect(third.result).toMatchObject({ result: 'approved', receipt: { pan: '220000******7329' } })
  })

  it('that says something else than any of our profiles is not signed anew', async () => {
    const { mir } = profiles
    const [application] = mir.applications
    const odd = { ...mir, applications: [{ ...application, usage: ['domesticGoods', 'otherThanAtm'] as const }] } as unknown as CardProfile
    const { card } = await recorded(odd, 'dip')
    expect(await signedAnew(card)).toBeUndefined()
  })
})
