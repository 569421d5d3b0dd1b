/** Kernel 4, Expresspay: capabilities that change with the amount, dynamic limits, the phone's word, and what a cryptogram leads to. */

import { describe, expect, it } from 'vitest'
import { fromHex, hex } from '../../../../src/bytes.ts'
import { kernelData } from '../../../../src/emv/contactless/config.ts'
import { parseContactlessConfig } from '../../../../src/emv/contactless/config-schema.ts'
import { type AmexSettings, amexKernel } from '../../../../src/emv/contactless/kernels/amex.ts'
import { UI } from '../../../../src/emv/contactless/outcome.ts'
import { odaCard } from '../../oda/oda-card.ts'
import { format2, type ScriptedTap, scriptedTap, tapConfig } from '../scripted-tap.ts'
import { certifiedFiles, signedAid, signedEnvironment, signingCard } from '../signed-tap.ts'

const rules = parseContactlessConfig({
  currencyCode: 643,
  schemes: [{ scheme: 'amex', aids: ['A000000025'], verifyFrom: 300_000, refuseFrom: 1_000_000, offlineUpTo: 100_000 }],
}).schemes[0]

interface Wish extends Partial<ScriptedTap> {
  cid?: string
  aip?: string
  /** CVM List behind the amounts. */
  cvm?: string
  more?: Record<string, string>
  gac?: string
  settings?: AmexSettings
  data?: Record<number, string>
}

const records = {
  '5A': '374245001751006F',
  '57': '374245001751006D401220100000000F',
  '5F24': '401231',
  '8C': '9F020695059F34039F6E049F3704',
  '9F0D': '0000000000',
  '9F0E': '0000000000',
  '9F0F': '0000000000',
}

/** An online code that leaves out "data authentication not performed": these cards sign nothing. */
const tac = { 14647586: '5E00FC9800' }

function tapOf({ cid = '80', aip = '1080', cvm = '02031E031F03', more = {}, gac, settings, data = {}, ...wish }: Wish = {}) {
  const own = new Map(Object.entries({ ...tac, ...data }).map(([tag, value]) => [Number(tag), fromHex(value)]))
  const kernel = amexKernel({ config: tapConfig }, { ...settings, data: new Map([...kernelData(rules), ...own]) })
  const tap: ScriptedTap = {
    aid: 'A00000002501',
    pdol: '9F3501',
    answers: {
      '80A8': format2({ '82': aip, '94': '08010100' }),
      '00B2010C': format2({ ...records, ...(cvm && { '8E': `0000000000000000${cvm}` }), ...more }, 0x70),
      '80AE': gac ?? format2({ '9F27': cid, '9F36': '0001', '9F26': '0102030405060708', '9F10': '0A0B' }),
    },
    ...wish,
  }
  return { kernel, tap }
}

async function pay(wish: Wish = {}) {
  const { kernel, tap } = tapOf(wish)
  return scriptedTap(kernel, tap)
}

/** CDOL data of GENERATE AC: amount 6, TVR 5, 9F34 3, 9F6E 4. */
function sentToCard(sent: readonly string[]) {
  const data = sent.at(-1)!.slice(10)
  return { p1: sent.at(-1)!.slice(4, 6), tvr: data.slice(12, 22), results: data.slice(22, 28), capabilities: data.slice(28, 36) }
}

describe('capabilities by the amount', () => {
  it('the limits come from the rules, with C-4’s signs', () => {
    const data = kernelData(rules)
    expect([0xdfab42, 0xdfab41, 0xdfab40].map(tag => hex(data.get(tag)!))).toEqual(['000000300000', '000000999999', '000000100000'])
  })

  it.each([
    [299_999n, 'E2', '98E00003'],
    [300_000n, 'EA', '98E04003'],
  ])('at %s an older card is told %s in the terminal type, the cryptogram is over %s', async (amount, type, capabilities) => {
    const { sent } = await pay({ amount })
    expect(sent[0].slice(14, 16)).toBe(type) // 22 OR C0, with b4 of 9F6D above the limit
    expect(sentToCard(sent).capabilities).toBe(capabilities)
  })

  it('a card that asks for 9F6E gets the terminal type as it is', async () => {
    const { sent } = await pay({ pdol: '9F35019F6E04' })
    expect(sent[0].slice(14, 24)).toBe('2298E00003')
  })

  it.each([
    [999_999n, 'onlineRequest'],
    [1_000_000n, 'tryAnotherInterface'],
  ])('at %s: %s', async (amount, status) => {
    expect((await pay({ amount })).outcome.status).toBe(status)
  })

  it('a card without contacts that is over the transaction limit ends the application', async () => {
    expect((await pay({ amount: 1_000_000n, more: { '9F70': '0000' } })).outcome).toMatchObject({ status: 'endApplication' })
  })

  it('the floor limit counts above its figure', async () => {
    expect(sentToCard((await pay({ amount: 100_000n, cid: '40' })).sent)).toMatchObject({ p1: '40' })
    const above = sentToCard((await pay({ amount: 100_001n })).sent)
    expect(above.p1).toBe('80')
    expect(above.tvr.slice(6, 8)).toBe('80')
  })
})

describe('dynamic limits', () => {
  const settings = { limitSets: new Map([[2, { cvm: 1000n, transaction: 2000n }]]) }
  it.each([
    ['2002', 999n, '98E00003', 'onlineRequest'],
    ['2002', 1000n, '98E04003', 'onlineRequest'],
    ['2001', 1000n, '98E00003', 'onlineRequest'],
  ])('set of %s at %s: %s', async (capabilities, amount, sentCapabilities, status) => {
    const { outcome, sent } = await pay({ settings, amount, more: { '9F70': capabilities } })
    expect(outcome.status).toBe(status)
    expect(sentToCard(sent).capabilities).toBe(sentCapabilities)
  })

  it('a set’s transaction limit counts above its figure', async () => {
    expect((await pay({ settings, amount: 2000n, more: { '9F70': '2002' } })).outcome.status).toBe('onlineRequest')
    expect((await pay({ settings, amount: 2001n, more: { '9F70': '2002' } })).outcome.status).toBe('tryAnotherInterface')
  })
})

describe('verification', () => {
  it.each([
    // CVM list, above the limit: CVM, 9F34
    ['02031E031F03', false, 'none', '1F0302'],
    ['02031E031F03', true, 'onlinePin', '020300'],
    ['1E031F03', true, 'signature', '1E0300'],
    ['0203', false, 'onlinePin', '020300'],
    ['41035E031F00', true, 'signature', '5E0300'],
  ])('list %s, above the limit %s: %s, %s', async (cvm, above, wanted, results) => {
    const { outcome, sent } = await pay({ cvm, amount: above ? 300_000n : 100n })
    expect(outcome.cvm).toBe(wanted)
    expect(sentToCard(sent).results).toBe(results)
  })

  it('no CVM alone does not do above the limit', async () => {
    expect((await pay({ cvm: '1F00', amount: 300_000n })).outcome.status).toBe('tryAnotherInterface')
    const noContact = await pay({ cvm: '1F00', amount: 300_000n, more: { '9F70': '0000' } })
    expect(sentToCard(noContact.sent).tvr.slice(4, 6)).toBe('80')
  })

  it('a phone that verified its holder satisfies the list', async () => {
    const { outcome, sent } = await pay({ aip: '10C0', cvm: '41031E03', amount: 300_000n, more: { '9F71': '010302' } })
    expect(outcome.cvm).toBe('confirmationCode')
    expect(sentToCard(sent).results).toBe('410302')
  })

  it('one that did not is sent to its holder once, then the next rule counts', async () => {
    const { kernel, tap } = tapOf({ aip: '10C0', cvm: '41031E03', amount: 300_000n, more: { '9F71': '3F0300' } })
    let transaction: unknown
    // Entry Point gives both taps the same transaction.
    const both: typeof kernel = activation => {
      transaction ??= activation.transaction
      return kernel({ ...activation, transaction: transaction as typeof activation.transaction })
    }
    const first = await scriptedTap(both, tap)
    expect(first.outcome).toMatchObject({ status: 'tryAgain', start: 'B', fieldOff: 1500, uiOnOutcome: { message: UI.seePhone } })
    const second = await scriptedTap(both, tap)
    expect(second.outcome).toMatchObject({ status: 'onlineRequest', cvm: 'signature' })
  })

  it('a blocked one is told in the TVR and passed over at once', async () => {
    const { outcome, sent } = await pay({ aip: '10C0', cvm: '41031E03', amount: 300_000n, more: { '9F71': '010303' } })
    expect(outcome.cvm).toBe('signature')
    expect(Number.parseInt(sentToCard(sent).tvr.slice(4, 6), 16) & 0x20).toBe(0x20)
  })
})

describe('a card that signs', () => {
  /** The published test keys; the usual action codes, which count "data authentication not performed". */
  const sign = (answer: Parameters<typeof signingCard>[2], wish: Partial<ScriptedTap> = {}, aip = '1180') =>
    scriptedTap(amexKernel(signedEnvironment(), { data: kernelData(rules) }), {
      aid: signedAid,
      pdol: '9F35019F3704',
      answers: signingCard(
        aip,
        { '8C': records['8C'], '8E': '000000000000000002031E031F03', '9F0D': '0000000000', '9F0E': '0000000000', '9F0F': '0000000000' },
        answer,
      ),
      ...wish,
    })

  it('approves offline below the floor limit, the cryptogram out of its signature, after which the card may go', async () => {
    const { outcome, sent, shown } = await sign({ cid: '40' })
    expect(sent.at(-1)!.slice(0, 6)).toBe('80AE50')
    expect(outcome).toMatchObject({ status: 'approved', cvm: 'none' })
    expect(hex(outcome.dataRecord!.get(0x9f26)!)).toBe('1112131415161718')
    expect([hex(outcome.dataRecord!.get(0x95)!), hex(outcome.discretionaryData!.get(0x8a)!)]).toEqual(['0000000000', '5931'])
    expect(shown).toMatchObject([{ message: UI.cardReadOk }])
    // One that leaves before has not been read.
    const left = await sign({ cid: '40' }, { answers: { ...signingCard('1180', { '8C': '9F0206' }, { cid: '40' }), '80AE': 'removed' } })
    expect(left.outcome).toMatchObject({ status: 'tryAgain', start: 'B' })
    expect(left.shown).toEqual([])
  })

  it('goes online above it', async () => {
    const { outcome, sent } = await sign({ cid: '80' }, { amount: 200_000n })
    expect(sent.at(-1)!.slice(0, 6)).toBe('80AE90')
    expect(outcome.status).toBe('onlineRequest')
    expect(hex(outcome.dataRecord!.get(0x9f26)!)).toBe('1112131415161718')
  })

  it('is declined where the signature is wrong or missing', async () => {
    const wrong = await sign({ cid: '40', forged: true })
    expect(wrong.outcome.status).toBe('declined')
    expect(hex(wrong.outcome.discretionaryData!.get(0x95)!)).toBe('0400000000')
    const unsigned = format2({ '9F27': '40', '9F36': '0001', '9F26': '0102030405060708' })
    const answers = { ...signingCard('1180', { '8C': '9F0206' }, { cid: '40' }), '80AE': unsigned }
    expect((await sign({ cid: '40' }, { answers })).outcome.status).toBe('declined')
  })

  it('static data are checked where the card has no more', async () => {
    // AIP 5080: SDA, cardholder verification. The published card has its signature (93).
    const signature = hex(odaCard({ aip: 0x50, aip2: 0x80 }).get(0x93)!)
    const codes = { '9F0D': '0000000000', '9F0E': '0000000000', '9F0F': '0000000000' }
    const files = certifiedFiles('5080', { '8C': records['8C'], '8E': '00000000000000001F03', ...codes })
    const tapped = (ssad: string) =>
      scriptedTap(
        amexKernel(signedEnvironment(), { data: new Map([...kernelData(rules), ...[[0xdf8122, fromHex('4000000000')] as const]]) }),
        {
          aid: signedAid,
          pdol: '9F3501',
          answers: {
            ...files.answers,
            '00B20414': format2({ '93': ssad }, 0x70),
            '80A8': format2({ '82': '5080', '94': files.afl }),
            '80AE': format2({ '9F27': '40', '9F36': '0001', '9F26': '0102030405060708' }),
          },
        },
      )
    const good = await tapped(signature)
    expect(sentToCard(good.sent)).toMatchObject({ p1: '40', tvr: '0200000000' })
    const bad = await tapped(signature.replace(/^../, '00'))
    expect(sentToCard(bad.sent)).toMatchObject({ p1: '80', tvr: '4200000000' })
  })
})

describe('cryptograms', () => {
  it.each([
    [100n, '40', 'approved'],
    [100n, '80', 'onlineRequest'],
    [100n, '00', 'declined'],
    [100_001n, '80', 'onlineRequest'],
    [100_001n, '40', 'endApplication'],
  ])('at %s the answer %s is %s', async (amount, cid, status) => {
    expect((await pay({ amount, cid })).outcome.status).toBe(status)
  })

  it('format 1 is taken where nothing was to be signed', async () => {
    expect((await pay({ gac: '800D4000010102030405060708AABB9000' })).outcome).toMatchObject({ status: 'approved' })
  })

  it('a decline may send the card to the slot, where the reader is set to', async () => {
    expect((await pay({ cid: '00', data: { 40814: '9CE00003' } })).outcome.status).toBe('tryAnotherInterface')
  })

  it('a phone that answers 6984 is tapped again once', async () => {
    expect((await pay({ aip: '10C0', gac: '6984' })).outcome).toMatchObject({ status: 'tryAgain', start: 'B' })
    expect((await pay({ gac: '6984' })).outcome).toMatchObject({ status: 'endApplication' })
  })

  it('a mag-stripe card, or one with other data, ends the application', async () => {
    expect((await pay({ aip: '1000' })).outcome.status).toBe('endApplication')
    expect((await pay({ more: { '8C': '' } })).outcome.status).toBe('endApplication')
    expect((await pay({ answers: { '80A8': '6985' } })).outcome.status).toBe('endApplication')
  })
})
