/** The virtual cards: what they answer to hand-made APDUs, read by another codec and checked by other crypto than their own. */

import { describe, expect, it } from 'vitest'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { issuerView } from '../../../simulator/cards/issuer-view.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import { hex, text } from '../../../src/bytes.ts'
import {
  approval,
  expectedAc,
  generate,
  iccKey,
  issuerKey,
  leaves,
  open,
  opened,
  secured,
  send,
  terminalData,
  verifyPin,
} from './card-bench.ts'

const cards: readonly (readonly [name: ProfileName, aid: string, index: number])[] = [
  ['mir-maestro', 'A0000006581010', 0],
  ['mir-maestro', 'A0000000043060', 1],
  ['visa-signature', 'A0000000031010', 0],
  ['offline-pin', 'A0000000031010', 0],
]

describe('selection', () => {
  it('lists both applications of the co-badged card, Mir first', async () => {
    const card = loadCard('mir-maestro').contact()
    const pse = leaves((await send(card, '00A404000E315041592E5359532E444446303100')).data)
    expect(text(pse.get('84')!)).toBe('1PAY.SYS.DDF01')
    expect(hex(pse.get('88')!)).toBe('01')
    const [mir, maestro] = [leaves((await send(card, '00B2010C00')).data), leaves((await send(card, '00B2020C00')).data)]
    expect([hex(mir.get('4F')!), text(mir.get('50')!), hex(mir.get('87')!)]).toEqual(['A0000006581010', 'MIR', '01'])
    expect([hex(maestro.get('4F')!), text(maestro.get('50')!), hex(maestro.get('87')!)]).toEqual(['A0000000043060', 'Maestro', '02'])
    expect((await send(card, '00B2030C00')).sw).toBe('6A83')
  })

  it('takes the beginning of an AID and goes on to the next', async () => {
    const card = loadCard('mir-maestro').contact()
    expect((await send(card, '00A4040005A00000065800')).sw).toBe('9000')
    expect((await send(card, '00A4040205A00000065800')).sw).toBe('6A82')
    expect((await send(card, '00A4040007A000000003101000')).sw).toBe('6A82')
  })
})

describe('a whole online purchase', () => {
  it.each(cards)('%s %s: certificates, ARQC, issuer authentication, TC', async (name, aid, index) => {
    const virtual = loadCard(name)
    const account = issuerView(profiles[name])[index]
    const before = virtual.state.applications[index].atc
    const card = await open(virtual, aid)
    expect(hex(card.objects.get('5A')!).replace(/F$/, '')).toBe(account.pan)

    const icc = iccKey(card)
    const dda = leaves((await send(card.card, '0088000004CAFE000100')).data)
    const signature = dda.get('80') ?? dda.get('9F4B')!
    const signed = opened(icc.modulus, icc.exponent, signature, Uint8Array.of(0xca, 0xfe, 0x00, 0x01))
    expect(hex(signed.subarray(1, 5))).toBe('05010908')

    const arqc = await generate(card, '80', '8C')
    expect(hex(arqc.objects.get('9F27')!)).toBe('80')
    expect(hex(arqc.objects.get('9F36')!)).toBe((before + 1).toString(16).toUpperCase().padStart(4, '0'))
    expect(hex(arqc.objects.get('9F26')!)).toBe(expectedAc(account, card, arqc))

    const data = approval(account, arqc)
    const external = (card.objects.get('82')![0] & 0x04) !== 0
    if (external) expect((await send(card.card, `00820000${(data.length / 2).toString(16).padStart(2, '0')}${data}`)).sw).toBe('9000')
    const tc = await generate(card, '40', '8D', { ...terminalData, '91': data })
    expect(hex(tc.objects.get('9F27')!)).toBe('40')
    expect(hex(tc.objects.get('9F26')!)).toBe(expectedAc(account, card, tc))
    expect(virtual.state.applications[index].lastOnlineAtc).toBe(before + 1)
  })

  it.each(cards)('%s %s: a wrong ARPC ends in an AAC', async (name, aid, index) => {
    const card = await open(loadCard(name), aid)
    const account = issuerView(profiles[name])[index]
    const arqc = await generate(card, '80', '8C')
    const wrong = approval(account, arqc).replace(/^./, digit => (digit === '0' ? '1' : '0'))
    if (card.objects.get('82')![0] & 0x04)
      expect((await send(card.card, `00820000${(wrong.length / 2).toString(16).padStart(2, '0')}${wrong}`)).sw).toBe('6300')
    const last = await generate(card, '40', '8D', { ...terminalData, '91': wrong })
    expect(hex(last.objects.get('9F27')!)).toBe('03') // AAC, issuer authentication failed
  })

  it('the issuer key of every card opens with the CA key that 8F names', async () => {
    for (const [name, aid] of cards) {
      const { certificate } = issuerKey(await open(loadCard(name), aid))
      expect(hex(certificate.subarray(0, 2))).toBe('6A02')
    }
  })
})

describe('offline PIN', () => {
  it('counts tries down, blocks at none, and keeps the count over a reset', async () => {
    const virtual = loadCard('offline-pin')
    const { card } = await open(virtual, 'A0000000031010')
    expect(await verifyPin(card, '9999')).toBe('63C2')
    expect(await verifyPin(card, '1234')).toBe('9000')
    expect(await verifyPin(card, '9999')).toBe('63C2')
    expect(await verifyPin(card, '12345')).toBe('63C1')
    card.remove()
    const again = await open(virtual, 'A0000000031010')
    expect(hex((await send(again.card, '80CA9F1700')).data)).toBe('9F170101')
    expect(await verifyPin(again.card, '4321')).toBe('63C0')
    expect(await verifyPin(again.card, '1234')).toBe('6983')
  })
})

describe('a transaction begins anew with SELECT', () => {
  it('and what VERIFY found belongs to the one before', async () => {
    const virtual = loadCard('offline-pin')
    const card = await open(virtual, 'A0000000031010')
    const results = async () => hex((await generate(card, '80', '8C')).objects.get('9F10')!.subarray(4))
    await verifyPin(card.card, '9999')
    expect(await results()).toBe('A62000') // PIN verification performed, failed; over the card's own limit
    await send(card.card, '00A4040007A000000003101000')
    await send(card.card, '80A80000088306E0F8C806432200')
    expect(await results()).toBe('A0A000') // neither; the last transaction was not completed
  })
})

describe('issuer scripts', () => {
  it('an unblocked application is blocked by the issuer and says so at the next SELECT', async () => {
    const virtual = loadCard('offline-pin')
    const [account] = issuerView(profiles['offline-pin'])
    const card = await open(virtual, 'A0000000031010')
    const arqc = await generate(card, '80', '8C')
    expect((await send(card.card, secured(account, arqc, '841E0000'))).sw).toBe('9000')
    expect((await send(virtual.contact(), '00A4040007A000000003101000')).sw).toBe('6283')
  })
})
