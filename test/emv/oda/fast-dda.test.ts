/** Fast DDA of kernels 3 and 7 with signatures of the published test keys: versions 01 and 00, what is signed, and what a failure leads to. */

import { describe, expect, it } from 'vitest'
import { concat, fromHex, hex } from '../../../src/bytes.ts'
import { type UnionPaySettings, unionPayKernel } from '../../../src/emv/contactless/kernels/unionpay.ts'
import { type VisaSettings, visaKernel } from '../../../src/emv/contactless/kernels/visa.ts'
import { UI } from '../../../src/emv/contactless/outcome.ts'
import { format2, type ScriptedTap, scriptedTap } from '../contactless/scripted-tap.ts'
import { certifiedFiles, signedAid, signedEnvironment } from '../contactless/signed-tap.ts'
import { signDynamic } from './oda-card.ts'

const number = fromHex('07070707')
const amount = (value: string) => fromHex(value)
const currency = fromHex('0643')
const qualifiers = '0000'

interface Wish extends Partial<ScriptedTap> {
  scheme?: 'visa' | 'unionpay'
  settings?: VisaSettings & UnionPaySettings
  ttq?: string
  ctq?: string
  cid?: string
  /** 9F69 as the card gives it; none when empty. */
  related?: string
  /** What the card signs; what the version in 9F69 asks for when left out. */
  signs?: Uint8Array
  version?: string
}

function pay({
  scheme = 'visa',
  settings = {},
  ttq = '36004000',
  ctq = qualifiers,
  cid = '40',
  related = '010A0B0C0D0000',
  version,
  ...wish
}: Wish = {}) {
  const files = certifiedFiles('2000', { ...(related && { '9F69': related }), ...(version && { '9F08': version }) })
  const whole = concat(number, amount('000000000100'), currency, fromHex(related))
  const signs = wish.signs ?? (related.startsWith('01') ? whole : number)
  const answer = format2({
    '82': '2000',
    '94': files.afl,
    '9F36': '0001',
    '9F10': '06011203A00000',
    '9F26': '0102030405060708',
    '9F27': cid,
    '9F6C': ctq,
    '9F4B': hex(signDynamic(fromHex('04AABBCCDD'), signs)),
  })
  const environment = signedEnvironment()
  const kernel = scheme === 'visa' ? visaKernel(environment, settings) : unionPayKernel(environment, settings)
  return scriptedTap(kernel, {
    aid: signedAid,
    pdol: '9F66049F02069F37045F2A02',
    answers: { ...files.answers, '80A8': answer },
    combination: { ttq: fromHex(ttq) },
    ...wish,
  })
}

describe.each(['visa', 'unionpay'] as const)('%s', scheme => {
  it('approves offline what version 01 has signed', async () => {
    const { outcome, shown } = await pay({ scheme, version: '0030' })
    expect(outcome).toMatchObject({ status: 'approved', cvm: 'none', uiOnOutcome: { message: UI.approved } })
    expect(hex(outcome.discretionaryData!.get(0x95)!)).toBe('0000000000')
    expect(shown).toMatchObject([{ message: UI.cardReadOk }])
  })

  it.each([
    ['another amount', concat(number, amount('000000000101'), currency, fromHex('010A0B0C0D0000'))],
    ['another currency', concat(number, amount('000000000100'), fromHex('0840'), fromHex('010A0B0C0D0000'))],
    ['another number', concat(fromHex('08080808'), amount('000000000100'), currency, fromHex('010A0B0C0D0000'))],
    ['other qualifiers in 9F69', concat(number, amount('000000000100'), currency, fromHex('010A0B0C0D8000'))],
    ['the number alone', number],
  ])('declines a signature over %s', async (_, signs) => {
    const { outcome } = await pay({ scheme, version: '0030', signs })
    expect(outcome.status).toBe('declined')
    expect(hex(outcome.discretionaryData!.get(0x95)!)).toBe('0800000000')
  })

  it.each([
    ['2000', '36004000', 'onlineRequest'],
    ['1000', '36004000', 'tryAnotherInterface'],
    ['1000', '26004000', 'declined'],
    ['2000', '3E004000', 'declined'],
  ])('a failure with card qualifiers %s and TTQ %s leads to %s', async (ctq, ttq, status) => {
    expect((await pay({ scheme, version: '0030', signs: number, ctq, ttq })).outcome.status).toBe(status)
  })

  it('a device that verified its holder proves it by the qualifiers that it signed', async () => {
    const device = { scheme, version: '0030', ctq: '0080' }
    expect((await pay({ ...device, related: '010A0B0C0D0080' })).outcome).toMatchObject({ status: 'approved', cvm: 'confirmationCode' })
    expect((await pay({ ...device, related: '010A0B0C0D0000' })).outcome.status).toBe('declined')
  })

  it('an online cryptogram needs no signature', async () => {
    expect((await pay({ scheme, version: '0030', cid: '80', signs: number })).outcome.status).toBe('onlineRequest')
  })

  it('version 00 is a failure, though its signature is right', async () => {
    for (const related of ['000A0B0C0D0000', '']) {
      const { outcome } = await pay({ scheme, version: '0020', related })
      expect(outcome.status).toBe('declined')
      expect(hex(outcome.discretionaryData!.get(0x95)!)).toBe('0800000000')
    }
  })

  it('version 00 is taken by a reader that is set to: the number alone is signed', async () => {
    const old = { scheme, version: '0020', settings: { fastDda00: true } }
    for (const related of ['000A0B0C0D0000', '']) {
      expect((await pay({ ...old, related })).outcome.status).toBe('approved')
      expect((await pay({ ...old, related, signs: fromHex('08080808') })).outcome.status).toBe('declined')
    }
  })
})

describe('which version a reader with both takes', () => {
  const settings = { fastDda00: true }
  it('kernel 3 that of 9F69', async () => {
    expect((await pay({ settings })).outcome.status).toBe('approved')
    expect((await pay({ settings, related: '020A0B0C0D0000' })).outcome.status).toBe('declined')
    // A card that names 01 and signs as 00 does.
    expect((await pay({ settings, signs: number })).outcome.status).toBe('declined')
  })

  it.each([
    ['0030', '010A0B0C0D000000', 'approved'],
    ['0031', '010A0B0C0D000000', 'approved'],
    ['0030', '000A0B0C0D000000', 'declined'],
    ['002F', '000A0B0C0D000000', 'approved'],
    ['002F', '010A0B0C0D000000', 'declined'],
  ])('kernel 7 that of the card’s version: %s with 9F69 %s is %s', async (version, related, status) => {
    expect((await pay({ scheme: 'unionpay', settings, version, related })).outcome.status).toBe(status)
  })
})

describe('kernel 3, authentication of an online transaction (TTQ byte 1 b1)', () => {
  const online = { cid: '80', ttq: '37004000' }
  it('goes online all the same, or is declined, as the reader is set', async () => {
    const decline: VisaSettings = { odaForOnlineFailure: 'decline' }
    expect((await pay({ ...online, settings: decline })).outcome.status).toBe('onlineRequest')
    expect((await pay({ ...online, settings: decline, signs: number })).outcome.status).toBe('declined')
    expect((await pay({ ...online, signs: number })).outcome.status).toBe('onlineRequest')
    expect((await pay({ ...online, ttq: '36004000', settings: decline, signs: number })).outcome.status).toBe('onlineRequest')
  })
})

describe('kernel 3, mag-stripe mode (MSD)', () => {
  const msd = (ttq: string, more: Record<string, string> = {}, over = false) =>
    scriptedTap(visaKernel(signedEnvironment()), {
      aid: 'A0000000031010',
      pdol: '9F6604',
      answers: {
        '80A8': format2({ '82': '0080', '94': '08010100' }),
        '00B2010C': format2({ '57': '4761739001010010D25122010000012345678F', '5F20': '204F574E4552', ...more }, 0x70),
      },
      combination: { ttq: fromHex(ttq), ...(over && { cvmRequiredLimit: 50n }) },
    })

  it('goes online with the stripe’s data, where the reader has the mode', async () => {
    const { outcome } = await msd('B6004000')
    expect(outcome).toMatchObject({ status: 'onlineRequest', cvm: 'none', uiOnOutcome: { message: UI.authorising } })
    expect(hex(outcome.dataRecord!.get(0x57)!)).toBe('4761739001010010D25122010000012345678F')
    expect(hex(outcome.dataRecord!.get(0x9f39)!)).toBe('91')
  })

  it('verifies by the reader’s means above the limit, the card’s qualifiers count for qVSDC only', async () => {
    expect((await msd('B6004000', {}, true)).outcome.cvm).toBe('signature')
    expect((await msd('B4004000', { '9F6C': '0080' }, true)).outcome.cvm).toBe('onlinePin')
    expect((await msd('B0004000', {}, true)).outcome.status).toBe('declined')
  })

  it('is declined offline, ended without a track, and no mode of a reader without it', async () => {
    expect((await msd('BE004000')).outcome.status).toBe('declined')
    expect((await msd('B6004000', { '57': '' })).outcome.status).toBe('endApplication')
    expect((await msd('36004000')).outcome.status).toBe('endApplication')
  })
})
