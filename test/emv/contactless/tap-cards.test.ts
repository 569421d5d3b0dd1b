/** The contactless side of virtual cards: what a profile may say of it and where it is refused, one counter for both sides, relays, and what kernels make of it. */

import { describe, expect, it } from 'vitest'
import { Issuer } from '../../../simulator/acquirer/issuer/issuer.ts'
import { loadCard, type VirtualCard } from '../../../simulator/cards/icc.ts'
import { issuerView } from '../../../simulator/cards/issuer-view.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import { VirtualPhone } from '../../../simulator/cards/tap/phone.ts'
import { virtualConfig } from '../../../simulator/world.ts'
import { concat, fromHex, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import type { Card } from '../../../src/emv/card.ts'
import { parseContactlessConfig } from '../../../src/emv/contactless/config-schema.ts'
import { russianContactless } from '../../../src/emv/contactless/profiles.ts'
import { tapToHost } from '../../../src/emv/contactless/tap.ts'
import { messageOf, rub } from './tap-table.ts'

const config = virtualConfig()
type Application = CardProfile['applications'][number]

function changed(name: ProfileName, application: Partial<Application>): CardProfile {
  return { ...profiles[name], applications: profiles[name].applications.map(one => ({ ...one, ...application })) }
}

/** One tap; every command and answer in hex. */
async function tapOnce(
  held: { contactless(options: { clock: VirtualClock }): Card },
  {
    amount = 1000n,
    contactless = russianContactless(),
    delay = () => 0,
  }: { amount?: bigint; contactless?: ReturnType<typeof russianContactless>; delay?: (apdu: string) => number } = {},
) {
  const clock = new VirtualClock()
  const trace: { command: string; answer: string }[] = []
  const card = held.contactless({ clock })
  const seen: Card = {
    ...card,
    interface: 'contactless',
    atr: card.atr,
    transmit: async (apdu, options) => {
      const answer = await card.transmit(apdu, options)
      trace.push({ command: hex(apdu), answer: hex(answer) })
      const late = delay(hex(apdu))
      if (late > 0) await new Promise<void>(resolve => clock.timer(late, resolve))
      return answer
    },
  }
  const field = { activate: async () => seen, off: async () => {} }
  const enterPin = async () => ({ type: 'onlinePin', block: { format: 0, data: new Uint8Array(8), ksn: new Uint8Array(10) } }) as const
  const end = await clock.settle(tapToHost(field, { amount, currency: rub }, config, contactless, { enterPin }, { clock }))
  const said = end.type === 'onlineRequest' ? end.request : end.outcome
  return { end, cvm: said.cvm, tags: said.tags, trace, tvr: hex(said.tags.get(0x95) ?? new Uint8Array()) }
}

const command = (trace: { command: string; answer: string }[], head: string) => trace.filter(one => one.command.startsWith(head))

describe('a profile is checked', () => {
  it.each([
    ['mastercard', { fdda: '00' }, 'contactless.fdda', 'a matter of visa and unionpay applications'],
    ['unionpay', { issuerUpdate: 'secondTap' }, 'contactless.issuerUpdate', 'a matter of visa and discover and jcb applications'],
    ['discover', { issuerUpdate: 'presentAndHold' }, 'contactless.issuerUpdate', 'a matter of jcb applications'],
    ['amex', { deviceData: '20700000' }, 'contactless.deviceData', 'a matter of visa and mastercard applications'],
    ['dda', { relayResistance: {} }, 'contactless.relayResistance', 'a matter of mastercard applications'],
    ['dda', { protocol2: true }, 'contactless.protocol2', 'a matter of mir applications'],
    ['dda', { deviceData: '2070000000' }, 'contactless.deviceData', 'exactly 4 bytes'],
    ['mastercard', { deviceData: '20700000' }, 'contactless.deviceData', '5 to 32 bytes'],
    ['mastercard', { relayResistance: { minimum: 60 } }, 'contactless.relayResistance.minimum', 'not more than maximum'],
    ['mir', { magstripe: true }, 'contactless.magstripe', 'a matter of visa and mastercard applications'],
    ['dda', { magstripe: true, issuerUpdate: 'secondTap' }, 'contactless.issuerUpdate', 'a matter of EMV mode'],
    ['mir', { kernel: '' }, 'contactless.kernel', '1 to 8 bytes'],
    ['emvpt', {}, 'contactless', 'by their RID'],
    ['mir', { ctq: '0000' }, 'contactless', 'Unrecognized key'],
  ] as const)('%s with %o: %s', (name, contactless, path, rule) => {
    const load = () => loadCard(changed(name, { contactless } as Partial<Application>))
    expect(load).toThrow(`applications.0.${path}`)
    expect(load).toThrow(rule)
  })

  it('an application that is kept from the field is not in the PPSE', async () => {
    const [mir, maestro] = profiles['mir-maestro'].applications
    const card = loadCard({ ...profiles['mir-maestro'], applications: [{ ...mir, contactless: false }, maestro] })
    expect(hex((await tapOnce(card)).tags.get(0x84)!)).toBe('A0000000043060')
    const none = loadCard(changed('mir', { contactless: false }))
    expect(none.canTap).toBe(false)
    expect(() => none.contactless()).toThrow('no application that can be tapped')
  })
})

describe('one card, two sides', () => {
  const atcOf = (card: VirtualCard) => card.state.applications[0].atc

  it.each(['mir', 'dda', 'mastercard'] as const)('%s: chip, tap and phone count together', async name => {
    const card = loadCard(name)
    const before = atcOf(card)
    await tapOnce(card)
    expect(atcOf(card)).toBe(before + 1)
    const chip = card.contact()
    const aid = fromHex(profiles[name].applications[0].aid)
    await chip.transmit(concat(fromHex('00A40400'), Uint8Array.of(aid.length), aid))
    await chip.transmit(fromHex('80A8000002830000'))
    expect(atcOf(card)).toBe(before + 2)
    const { tags } = await tapOnce(new VirtualPhone(card))
    expect(Number.parseInt(hex(tags.get(0x9f36)!), 16)).toBe(before + 3)
  })
})

/** The issuer's view of a tap's cryptogram. */
function checked(profile: CardProfile, tags: ReadonlyMap<number, Uint8Array>, how: 'authorise' | 'advise') {
  const request = { transaction: { amount: 1000n, currency: rub }, interface: 'tap', cvm: 'none', tags } as const
  const message = messageOf(request, new Date('2026-03-26'))
  const issuer = new Issuer({ accounts: issuerView(profile) })
  return how === 'authorise' ? issuer.authorise(message, issuer.panOf(message), []) : issuer.advise(message, issuer.panOf(message))
}

const everyScheme = ['mir', 'dda', 'mastercard', 'amex', 'jcb', 'discover', 'unionpay'] as const

describe('cryptograms by tap, checked by the issuer', () => {
  const offline = russianContactless({ offlineUpTo: 100_000n })

  it.each(everyScheme)('%s: an ARQC, and a TC of an approval offline', async name => {
    const online = await tapOnce(loadCard(name))
    expect(online.end.type).toBe('onlineRequest')
    expect(checked(profiles[name], online.tags, 'authorise').arqc).toBe('right')
    const profile = changed(name, { risk: { policy: 'approve' } })
    const approved = await tapOnce(loadCard(profile), { contactless: offline })
    expect(approved.end).toMatchObject({ type: 'outcome', outcome: { result: 'approved', online: false } })
    expect(checked(profile, approved.tags, 'advise').arqc).toBe('right')
    const other = new Map([...approved.tags, [0x9f02, fromHex('000000001001')]])
    expect(checked(profile, other, 'advise').arqc).toBe('wrong')
  })

  it.each(everyScheme)('%s: a signature that fails is no approval offline', async name => {
    const { oda } = profiles[name].applications[0]
    const profile = changed(name, { risk: { policy: 'approve' }, oda: { ...oda, method: 'dda', defect: 'wrongDynamicSignature' } })
    const { end, tags } = await tapOnce(loadCard(profile), { contactless: offline })
    if (end.type === 'outcome') expect(end.outcome).toMatchObject({ result: 'declined', online: false })
    // Discover's cryptogram was inside the signature: there is none left to show.
    else expect(checked(profile, tags, 'authorise').arqc).toBe(name === 'discover' ? 'wrong' : 'right')
    // Cards that let the reader ask their issuer instead.
    expect(end.type === 'onlineRequest').toBe(name === 'dda' || name === 'unionpay' || name === 'discover')
  })

  it.each(everyScheme)('%s: a card that declines', async name => {
    const { end } = await tapOnce(loadCard(changed(name, { risk: { policy: 'decline' } })))
    expect(end).toMatchObject({ type: 'outcome', outcome: { result: 'declined' } })
  })
})

describe('Visa', () => {
  const offline = (fdda: '00' | '01') => loadCard(changed('dda', { risk: { policy: 'approve' }, contactless: { fdda } }))
  const contactless = russianContactless({ offlineUpTo: 100_000n })

  it('fast DDA 01 approves offline; 00 fails and goes online, as the card wants', async () => {
    expect(await tapOnce(offline('01'), { contactless })).toMatchObject({ end: { type: 'outcome', outcome: { result: 'approved' } } })
    expect(await tapOnce(offline('00'), { contactless })).toMatchObject({ end: { type: 'onlineRequest' } })
  })

  it('approves offline within its own limits only', async () => {
    const card = loadCard(changed('dda', { risk: { policy: 'offline', consecutiveOffline: [2, 5] } }))
    const types = []
    for (let i = 0; i < 3; i++) types.push((await tapOnce(card, { contactless })).end.type)
    expect(types).toEqual(['outcome', 'outcome', 'onlineRequest'])
    expect(card.state.applications[0].consecutiveOffline).toBe(2)
  })

  it('says what it is held in (9F6E), and how its holder was verified (9F6C)', async () => {
    const card = loadCard('dda')
    const [plastic, phone] = [await tapOnce(card, { amount: 300_000n }), await tapOnce(new VirtualPhone(card), { amount: 300_000n })]
    expect(command(plastic.trace, '80A8')[0].answer).toMatch(/9F6C02A000/)
    expect(command(plastic.trace, '80A8')[0].answer).toMatch(/9F6E0420700000/)
    expect(command(phone.trace, '80A8')[0].answer).toMatch(/9F6C022080/)
    expect(command(phone.trace, '80A8')[0].answer).toMatch(/9F6E04238C0000/)
    expect([plastic.cvm, phone.cvm]).toEqual(['onlinePin', 'device'])
  })
})

describe('cryptogram version 17', () => {
  const quick = changed('dda', { contactless: { cryptogram: 'visa17' } })

  it('is for taps; its issuer checks it, and the contact side keeps its own', async () => {
    const { tags } = await tapOnce(loadCard(quick))
    expect(hex(tags.get(0x9f10)!).slice(0, 8)).toBe('06011103')
    const check = (changes: ReadonlyMap<number, Uint8Array> = new Map()) => checked(quick, new Map([...tags, ...changes]), 'authorise').arqc
    expect(check()).toBe('right')
    expect(check(new Map([[0x9a, fromHex('260101')]]))).toBe('right') // not among its data
    expect(check(new Map([[0x9f02, fromHex('000000001001')]]))).toBe('wrong')
    expect(check(new Map([[0x9f37, fromHex('00000000')]]))).toBe('wrong')
    expect(checked(profiles.dda, tags, 'authorise').arqc).toBe('wrong')
  })

  it('is not for chips, nor for other schemes', () => {
    expect(() => loadCard(changed('dda', { cryptogram: 'visa17' }))).toThrow('applications.0.cryptogram: visa17 is for taps')
    expect(() => loadCard(changed('mir', { contactless: { cryptogram: 'visa17' } }))).toThrow('applications.0.contactless.cryptogram')
  })
})

describe('extended selection', () => {
  it('adds 9F29 to the AID where reader and card have it', async () => {
    const card = loadCard(changed('dda', { contactless: { extension: '0A' } }))
    const { currencyCode, schemes } = russianContactless()
    const contactless = parseContactlessConfig({ currencyCode, schemes: schemes.map(one => ({ ...one, extendedSelection: true })) })
    expect(command((await tapOnce(card, { contactless })).trace, '00A404').at(-1)!.command).toBe('00A4040008A00000000310100A00')
    expect(command((await tapOnce(card)).trace, '00A404').at(-1)!.command).toBe('00A4040007A000000003101000')
  })
})

describe('relay resistance', () => {
  const card = (takes: number) => loadCard(changed('mastercard', { contactless: { relayResistance: { takes } } }))
  const PERFORMED = 0x02
  const TOO_LONG = 0x04

  it('is performed once and signed where the card is near', async () => {
    const { trace, tvr, end } = await tapOnce(card(2))
    expect(command(trace, '80EA')).toHaveLength(1)
    expect(Number.parseInt(tvr.slice(8), 16) & 0x07).toBe(PERFORMED)
    expect(end.type).toBe('onlineRequest')
  })

  it('a relayed card is asked three times, and the terminal verification results say so', async () => {
    for (const far of [
      await tapOnce(card(60)),
      await tapOnce(new VirtualPhone(card(60))),
      await tapOnce(card(2), { delay: apdu => (apdu.startsWith('80EA') ? 60 : 0) }),
    ]) {
      expect(command(far.trace, '80EA')).toHaveLength(3)
      expect(Number.parseInt(far.tvr.slice(8), 16) & 0x07).toBe(PERFORMED | TOO_LONG)
    }
  })

  it('cards without it are not asked', async () => {
    const { trace, tvr } = await tapOnce(loadCard('mastercard'))
    expect(command(trace, '80EA')).toHaveLength(0)
    expect(Number.parseInt(tvr.slice(8), 16) & 0x03).toBe(0x01)
  })
})
