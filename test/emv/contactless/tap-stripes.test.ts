/** Contactless stripes: Mastercard's mag-stripe mode and Visa's MSD, with the dynamic code that the issuer finds in the track. */

import { describe, expect, it } from 'vitest'
import { hostEventLine } from '../../../simulator/acquirer/events.ts'
import { startAcquirer } from '../../../simulator/acquirer/host.ts'
import { Issuer } from '../../../simulator/acquirer/issuer/issuer.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { issuerView } from '../../../simulator/cards/issuer-view.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import { VirtualPhone } from '../../../simulator/cards/tap/phone.ts'
import type { PlasticCard } from '../../../simulator/readers/body/body.ts'
import { virtualConfig } from '../../../simulator/world.ts'
import { fromHex, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import type { ContactlessConfig } from '../../../src/emv/contactless/config.ts'
import { russianContactless } from '../../../src/emv/contactless/profiles.ts'
import { tap } from '../../../src/emv/contactless/tap.ts'
import type { Terminal } from '../../../src/emv/terminal.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import { makeReceipt } from '../../../src/payment/receipt/receipt.ts'
import { issuerOf, messageOf, pinEntry, rub } from './tap-table.ts'

/** A reader that takes Visa's MSD too: TTQ byte 1 b8. */
const withMsd = (): ContactlessConfig => {
  const { schemes, ...rules } = russianContactless()
  return { ...rules, schemes: schemes.map(one => (one.scheme === 'visa' ? { ...one, ttq: fromHex('B6004000') } : one)) }
}

const today = new Date('2026-03-26')

async function pay(
  held: Required<Pick<PlasticCard, 'contactless'>> & Pick<PlasticCard, 'unlock'>,
  profile: CardProfile,
  { amount = 100_000n, contactless = withMsd() } = {},
) {
  const clock = new VirtualClock()
  const { asked, authorise, issuer } = issuerOf(clock, profile)
  const terminal: Terminal = {
    selectApplication: () => Promise.reject(new Error('a list was shown on tap')),
    enterPin: pinEntry('1234'),
    display: message => void (message === 'reader.seePhone' && held.unlock?.()),
    authorise,
  }
  // The same number each time: three digits of a code are soon met by chance.
  const random = (length: number) => new Uint8Array(length).fill(0x17)
  const field = { activate: async () => held.contactless({ clock }), off: async () => {} }
  const outcome = await clock.settle(tap(field, { amount, currency: rub }, virtualConfig(), contactless, terminal, { clock, random }))
  return { outcome, asked, requests: asked.map(({ request }) => request), issuer }
}

const changed = (name: ProfileName, application: Partial<CardProfile['applications'][number]>): CardProfile => ({
  ...profiles[name],
  applications: profiles[name].applications.map(one => ({ ...one, ...application })),
})

describe('a payment with a contactless stripe', () => {
  const amounts = [0n, 299_999n, 300_000n, 300_001n, 99_999_999_999n]
  const table = (['mastercard-stripe', 'visa-stripe'] as const).flatMap(name =>
    amounts.flatMap(amount => (['card', 'phone', 'lockedPhone'] as const).map(device => ({ name, amount, device }))),
  )

  it.each(table)('$name $device $amount', async ({ name, amount, device }) => {
    const card = loadCard(name)
    const held = device === 'card' ? card : new VirtualPhone(card, { locked: device === 'lockedPhone' })
    const { outcome, asked, requests } = await pay(held, profiles[name], { amount })
    // Above the limit Visa's MSD knows a signature first, and no device; Mastercard asks for the PIN, or for the holder's phone.
    const above = name === 'visa-stripe' ? 'signature' : device === 'card' ? 'onlinePin' : 'device'
    const cvm = amount < 300_000n ? 'none' : above
    expect(outcome).toMatchObject({ result: 'approved', interface: 'tap', online: true, cvm })
    expect(asked).toMatchObject([{ code: '00', arqc: 'none', stripeCode: 'right', pin: cvm === 'onlinePin' ? 'right' : 'none' }])
    expect(hex(requests[0].tags.get(0x9f39)!)).toBe('91')
    expect(requests[0].tags.has(0x9f26)).toBe(false)
    const order = { number: '1', amount, currency: rub }
    const slip = makeReceipt({ merchant: { name: 'M', id: 'M', terminal: 'T' }, order, result: outcome.result, outcome, at: new Date(0), signed: false }) // biome-ignore format: one slip
    expect(slip).toMatchObject({ interface: 'tap', cvm, signatureLine: cvm === 'signature' })
  })

  it('counts with the chip, and ends as EMV cards do where the reader takes no stripes', async () => {
    for (const [name, result] of [
      ['mastercard-stripe', 'cardError'],
      ['visa-stripe', 'cardError'],
    ] as const) {
      const card = loadCard(name)
      const before = card.state.applications[0].atc
      await pay(card, profiles[name])
      expect(card.state.applications[0].atc).toBe(before + 1)
      const { schemes, ...rules } = russianContactless()
      const none = schemes.map(one => (one.scheme === 'mastercard' ? { ...one, data: new Map([...one.data, [0xdf811b, Uint8Array.of(0xb0)]]) } : one)) // biome-ignore format: one line
      const { outcome } = await pay(card, profiles[name], { contactless: { ...rules, schemes: none } })
      expect(outcome).toMatchObject({ result: 'declined', reason: result, online: false })
    }
  })

  it('declined by the card', async () => {
    const profile = changed('mastercard-stripe', { risk: { policy: 'decline' } })
    const { outcome, requests } = await pay(loadCard(profile), profile)
    expect(outcome).toMatchObject({ result: 'declined', online: false })
    expect(requests).toEqual([])
  })
})

describe('the issuer', () => {
  it.each(['mastercard-stripe', 'visa-stripe'] as const)('%s: a code counts once, and only for its own track', async name => {
    const card = loadCard(changed(name, { state: { atc: 65_530 } }))
    const { issuer, requests, asked } = await pay(card, profiles[name])
    expect(asked[0].code).toBe('00')
    const message = messageOf(requests[0], today)
    expect(issuer.authorise(message, profiles[name].pan, [])).toMatchObject({ code: '82', stripeCode: 'wrong' })
    const track = requests[0].tags.get(0x57)!
    const fresh = new Issuer({ accounts: issuerView(profiles[name]) })
    // Every digit behind the separator is proved: expiry, service code, code, counter, number. PVKI and PVV of Visa's are zeros that no code covers.
    const text = hex(track)
    const from = text.indexOf('D') + 1
    const uncovered = name === 'visa-stripe' ? [0, 1, 2, 3, 4].map(at => from + 7 + at) : []
    for (let at = from; at < text.replace(/F$/, '').length; at++) {
      if (uncovered.includes(at)) continue
      const digit = String((Number(text[at]) + 1) % 10)
      const tags = new Map([...message.tags, [0x57, fromHex(text.slice(0, at) + digit + text.slice(at + 1))]])
      expect(fresh.authorise({ ...message, tags }, profiles[name].pan, []).code, `digit ${at}`).toBe('82')
    }
    for (const bad of ['', '1234', '4761739001010010D'])
      expect(fresh.authorise({ ...message, tags: new Map([...message.tags, [0x57, fromHex(bad.length % 2 ? `${bad}F` : bad)]]) }, profiles[name].pan, []).code).toBe('82') // biome-ignore format: one line
    expect(fresh.authorise(message, profiles[name].pan, []).code).toBe('00')
  })

  it('does not take the reader’s word for a phone that the track does not say', async () => {
    const { requests } = await pay(loadCard('mastercard-stripe'), profiles['mastercard-stripe'])
    const issuer = new Issuer({ accounts: issuerView(profiles['mastercard-stripe']) })
    const said = { ...messageOf(requests[0], today), cvm: 'device' as const }
    expect(issuer.authorise(said, profiles['mastercard-stripe'].pan, []).code).toBe('82')
  })

  it('wants a cryptogram from a card that has EMV mode', async () => {
    const { requests } = await pay(loadCard('mastercard-stripe'), profiles['mastercard-stripe'])
    const { contactless: _, ...plain } = profiles['mastercard-stripe'].applications[0]
    const issuer = new Issuer({ accounts: issuerView({ ...profiles['mastercard-stripe'], applications: [plain] }) })
    expect(issuer.authorise(messageOf(requests[0], today), profiles['mastercard-stripe'].pan, []).code).toBe('82')
  })

  it('is told through the acquirer’s line, and its console says what was checked', async () => {
    const lines: string[] = []
    await using host = await startAcquirer({ onEvent: event => void lines.push(hostEventLine(event)) })
    const { requests } = await pay(loadCard('mastercard-stripe'), profiles['mastercard-stripe'])
    const acquirer = httpAcquirer(host.url)
    expect(await acquirer.authorise(messageOf(requests[0], today), { signal: new AbortController().signal })).toMatchObject({
      state: 'approved',
    })
    expect(lines[0]).toMatch(/^authorisation 1 541333\*+\d{4} 1000.00 RUB \(tap, CVM none\): stripe code right, PIN none, 00 approved$/)
  })
})

describe('the commands of the card', () => {
  const opened = async () => {
    const tapped = loadCard('mastercard-stripe').contactless({ clock: new VirtualClock() })
    const send = async (command: string) => hex(await tapped.transmit(fromHex(command)))
    await send('00A4040007A000000004101000')
    return send
  }

  it('COMPUTE CRYPTOGRAPHIC CHECKSUM: once, after GET PROCESSING OPTIONS, with the data of its UDOL', async () => {
    const send = await opened()
    expect(await send('802A8E80040000001200')).toBe('6985')
    expect(await send('80A8000002830000')).toMatch(/^770A820200009404080101009000$/)
    expect(await send('802A8E8005000000120000')).toBe('6700')
    expect(await send('802A0000040000001200')).toBe('6A86')
    expect(await send('80AE8000021234')).toBe('6D00')
    expect(await send('802A8E80040000001200')).toMatch(/^770F9F6102.{4}9F6002.{4}9F36020011.*9000$/)
    expect(await send('802A8E80040000001200')).toBe('6985')
  })

  it('is not there on a card with EMV mode, nor by chip', async () => {
    const tapped = loadCard('mastercard').contactless({ clock: new VirtualClock() })
    await tapped.transmit(fromHex('00A4040007A000000004101000'))
    await tapped.transmit(fromHex('80A8000002830000'))
    expect(hex(await tapped.transmit(fromHex('802A8E80040000001200')))).toBe('6D00')
    const chip = loadCard('mastercard-stripe').contact({ clock: new VirtualClock() })
    await chip.transmit(fromHex('00A4040007A000000004101000'))
    expect(hex(await chip.transmit(fromHex('802A8E80040000001200')))).toBe('6D00')
  })
})
