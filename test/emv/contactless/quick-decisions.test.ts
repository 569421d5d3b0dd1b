/** Decisions of kernels 3 and 7, walked through: every combination of reader and card qualifiers, status words, dynamic limits, issuer update. */

import { describe, expect, it } from 'vitest'
import { concat, fromHex, hex } from '../../../src/bytes.ts'
import { currency } from '../../../src/currency.ts'
import type { Card } from '../../../src/emv/card.ts'
import { preProcess } from '../../../src/emv/contactless/combination.ts'
import { chooseLimitSet } from '../../../src/emv/contactless/dynamic-limits.ts'
import { unionPayKernel } from '../../../src/emv/contactless/kernels/unionpay.ts'
import { type VisaSettings, visaKernel } from '../../../src/emv/contactless/kernels/visa.ts'
import { type ContactlessOutcome, type OnlineResponse, UI } from '../../../src/emv/contactless/outcome.ts'
import { russianMpos } from '../../../src/emv/profiles.ts'
import { parseFci } from '../../../src/emv/steps/fci.ts'
import { write } from '../../../src/tlv/ber.ts'

const config = russianMpos({ merchantId: 'M1', terminalId: 'T1', merchantName: 'SHOP', acquirerId: '400000', ifdSerial: 'SN1' })
const rub = currency('RUB')
const aid = fromHex('A0000000031010')

interface Case {
  ttq?: string
  /** Undefined: the card has none. */
  ctq?: string
  type?: 'AAC' | 'TC' | 'ARQC'
  /** Data objects over the usual ones; an empty value takes one away. */
  more?: Record<string, string>
  gpo?: string
  settings?: VisaSettings
  amount?: bigint
  kind?: 'purchase' | 'cash' | 'cashback' | 'refund'
  fci?: Uint8Array[]
  restart?: OnlineResponse
  others?: Record<string, string>
  /** Visa's when left out. */
  scheme?: 'visa' | 'unionpay'
  pdol?: string
}

const cids = { AAC: '00', TC: '40', ARQC: '80' }

/** Runs the kernel alone over a card that answers GET PROCESSING OPTIONS, and gives back the outcome with what was sent. */
async function run({
  ttq = '36004000',
  ctq,
  type = 'ARQC',
  more = {},
  settings = {},
  amount = 100n,
  kind,
  fci = [],
  restart,
  others = {},
  gpo,
  scheme = 'visa',
  pdol = '9F66049F02069F3704',
}: Case) {
  const objects: Record<string, string> = {
    '82': '2000', '9F36': '0001', '57': '4761739001010010D40122010000000000', '9F10': '06011203A00000', '9F26': '0102030405060708',
    '9F27': cids[type], '5F24': '401231', ...(ctq !== undefined && { '9F6C': ctq }), ...more,
  } // biome-ignore format: a table
  const body = Object.entries(objects).filter(([, value]) => value !== '')
  const answer = write(
    0x77,
    body.map(([tag, value]) => write(Number.parseInt(tag, 16), fromHex(value))),
  )
  const sent: string[] = []
  const card: Card = {
    interface: 'contactless',
    atr: new Uint8Array(),
    async transmit(apdu) {
      const command = hex(apdu)
      sent.push(command)
      if (command.startsWith('80A8')) return gpo ? fromHex(gpo) : concat(answer, fromHex('9000'))
      return fromHex(others[command] ?? '9000')
    },
  }
  const response = write(0x6f, [write(0x84, aid), write(0xa5, [write(0x9f38, fromHex(pdol)), write(0xbf0c, fci)])])
  const kernel = scheme === 'visa' ? visaKernel({ config }, settings) : unionPayKernel({ config })
  const outcome = await kernel({
    card,
    transaction: { amount, currency: rub, type: kind },
    prepared: { ...preProcess({ aid, kernel: fromHex('03'), ttq: fromHex(ttq) }, amount, rub), ttq: fromHex(ttq) },
    fci: parseFci(response),
    response,
    sw: 0x9000,
    start: 'A',
    restart: restart !== undefined,
    onlineResponse: restart,
    signal: new AbortController().signal,
    ui: () => {},
  })
  return { outcome, sent }
}

/** The rules of C-3, 5.5–5.8 once more, as an ordered list; a card without signature, so that its offline approvals fail fDDA. */
function expected(bits: Record<string, boolean>, type: 'AAC' | 'TC' | 'ARQC', ctq: boolean): Pick<ContactlessOutcome, 'status' | 'cvm'> {
  const { offlineOnly, onlinePin, signature, contact, mustOnline, cvmRequired, pinWanted, signWanted, odaOnline, odaSwitch, device } = bits
  if (type === 'AAC') return { status: 'declined' }
  let online = type === 'ARQC' || mustOnline
  if (!online) {
    if (ctq && odaOnline && !offlineOnly) online = true
    else if (ctq && odaSwitch && contact) return { status: 'tryAnotherInterface' }
    else return { status: 'declined' }
  }
  const done = (cvm: ContactlessOutcome['cvm']): Pick<ContactlessOutcome, 'status' | 'cvm'> =>
    offlineOnly ? { status: 'declined' } : { status: 'onlineRequest', cvm }
  if (!ctq) {
    if (!cvmRequired) return done('none')
    return signature ? done('signature') : onlinePin ? done('onlinePin') : { status: 'declined' }
  }
  if (pinWanted && onlinePin) return done('onlinePin')
  if (device) return type === 'ARQC' ? done('confirmationCode') : { status: 'declined' }
  if (signWanted && signature) return done('signature')
  return cvmRequired ? { status: 'declined' } : done('none')
}

describe('every combination of qualifiers', () => {
  const table = (['visa', 'unionpay'] as const).flatMap(scheme => (['AAC', 'TC', 'ARQC'] as const).map(type => ({ scheme, type })))
  it.each(table)('$scheme with $type', async ({ scheme, type }) => {
    const names = [
      'offlineOnly',
      'onlinePin',
      'signature',
      'contact',
      'mustOnline',
      'cvmRequired',
      'pinWanted',
      'signWanted',
      'odaOnline',
      'odaSwitch',
      'device',
    ]
    const wrong: string[] = []
    for (let mask = 0; mask < 1 << names.length; mask++) {
      const bits = Object.fromEntries(names.map((name, i) => [name, (mask & (1 << i)) !== 0]))
      const bit = (name: string, value: number) => (bits[name] ? value : 0)
      const ttq = Uint8Array.of(0x20 | bit('contact', 0x10) | bit('offlineOnly', 0x08) | bit('onlinePin', 0x04) | bit('signature', 0x02), bit('mustOnline', 0x80) | bit('cvmRequired', 0x40), 0, 0) // biome-ignore format: bits
      const ctq = Uint8Array.of(bit('pinWanted', 0x80) | bit('signWanted', 0x40) | bit('odaOnline', 0x20) | bit('odaSwitch', 0x10), bit('device', 0x80)) // biome-ignore format: bits
      const withCtq = mask % 7 !== 0 // every seventh card has no CTQ
      const { outcome } = await run({ ttq: hex(ttq), ...(withCtq && { ctq: hex(ctq) }), type, scheme })
      const wanted = expected(bits, type, withCtq)
      if (outcome.status !== wanted.status || (wanted.cvm && outcome.cvm !== wanted.cvm))
        wrong.push(`TTQ ${hex(ttq)} CTQ ${withCtq ? hex(ctq) : '-'}: ${outcome.status} ${outcome.cvm}, not ${wanted.status} ${wanted.cvm}`)
    }
    expect(wrong).toEqual([])
  })
})

describe('status words of GET PROCESSING OPTIONS', () => {
  it.each([
    ['6984', { status: 'tryAnotherInterface', uiOnOutcome: { message: UI.insertCard } }],
    ['6985', { status: 'selectNext', start: 'C' }],
    [
      '6986',
      { status: 'tryAgain', start: 'B', fieldOff: 1300, uiOnOutcome: { message: UI.seePhone }, uiOnRestart: { status: 'readyToRead' } },
    ],
    ['6A81', { status: 'endApplication', uiOnOutcome: { message: UI.tryAnotherCard } }],
  ])('%s', async (gpo, wanted) => {
    expect((await run({ gpo })).outcome).toMatchObject(wanted)
  })
})

describe('UnionPay', () => {
  const scheme = 'unionpay' as const
  it.each([
    ['6986', '36004000', { status: 'tryAgain', start: 'B', fieldOff: 1000, uiOnOutcome: { message: UI.presentCardAgain } }],
    ['6985', '36004000', { status: 'tryAnotherInterface', alternateInterface: 'contact' }],
    ['6985', '26004000', { status: 'endApplication' }],
  ])('answers %s with TTQ %s', async (gpo, ttq, wanted) => {
    expect((await run({ scheme, gpo, ttq })).outcome).toMatchObject(wanted)
  })

  it('needs a card that asks for the qualifiers', async () => {
    expect((await run({ scheme, pdol: '9F0206' })).outcome).toEqual({ status: 'selectNext', start: 'C' })
  })

  it('sends an expired card online where its qualifiers say so', async () => {
    const at = async (ctq: string) => (await run({ scheme, type: 'TC', ctq, more: { '5F24': '200131' } })).outcome.status
    expect(await at('0800')).toBe('onlineRequest')
    expect(await at('0000')).toBe('declined')
  })
})

describe('data', () => {
  it.each(['82', '9F36', '57', '9F10', '9F26'])('%s must be there', async tag => {
    expect((await run({ more: { [tag]: '' } })).outcome).toMatchObject({ status: 'endApplication' })
  })

  it('PAN and track 2 name the same card', async () => {
    expect((await run({ more: { '5A': '4761739001010010' } })).outcome.status).toBe('onlineRequest')
    expect((await run({ more: { '5A': '4761739001010028' } })).outcome.status).toBe('endApplication')
  })

  it('an object that comes twice ends the application', async () => {
    const twice = hex(write(0x77, [write(0x82, fromHex('2000')), write(0x82, fromHex('2000'))]))
    expect((await run({ gpo: `${twice}9000` })).outcome.status).toBe('endApplication')
  })

  it('without 9F27 the type is in the card verification results', async () => {
    const type = async (iad: string) => (await run({ more: { '9F27': '', '9F10': iad } })).outcome.status
    expect(await type('06011203A00000')).toBe('onlineRequest')
    expect(await type('06011203800000')).toBe('declined')
  })

  it('the lower half of the form factor byte 4 is not passed on', async () => {
    const { outcome } = await run({ more: { '9F6E': '2070807F' } })
    expect(hex(outcome.dataRecord!.get(0x9f6e)!)).toBe('20708070')
  })
})

describe('restrictions of an offline approval', () => {
  it('an expired card goes online where its qualifiers say so', async () => {
    const more = { '5F24': '200131' }
    expect((await run({ type: 'TC', ctq: '0800', more })).outcome.status).toBe('onlineRequest')
    expect((await run({ type: 'TC', ctq: '0000', more })).outcome.status).toBe('declined')
    expect((await run({ type: 'TC', ctq: '0800', ttq: '2E004000', more })).outcome.status).toBe('declined')
  })

  it('cash that the card is not for is declined, or sent to another interface', async () => {
    const settings = { checkCashUsage: true }
    const usage = (auc: string) => ({ '9F07': auc, '5F28': '0643' })
    const at = async (ctq: string, auc: string) => (await run({ type: 'TC', kind: 'cash', settings, ctq, more: usage(auc) })).outcome.status
    expect(await at('0400', '3F00')).toBe('tryAnotherInterface')
    expect(await at('0000', '3F00')).toBe('declined')
    expect(await at('2000', '8000')).toBe('onlineRequest') // allowed; its missing signature goes online
  })

  it('a refund is no decline', async () => {
    expect((await run({ type: 'AAC', kind: 'refund' })).outcome.status).toBe('approved')
  })
})

describe('dynamic reader limits', () => {
  const sets = [
    { programId: fromHex('40'), cvmRequiredLimit: 5000n },
    { programId: fromHex('4001'), cvmRequiredLimit: 1000n, transactionLimit: 2000n },
  ]

  it('the longest set that begins the program ID counts', () => {
    expect(chooseLimitSet(sets, fromHex('4001'))).toBe(sets[1])
    expect(chooseLimitSet(sets, fromHex('400102'))).toBe(sets[1])
    expect(chooseLimitSet(sets, fromHex('4002'))).toBe(sets[0])
    expect(chooseLimitSet(sets, fromHex('50'))).toBeUndefined()
    expect(chooseLimitSet(sets, undefined)).toBeUndefined()
  })

  it.each([
    ['4001', 999n, 'none', 'onlineRequest'],
    ['4001', 1000n, 'signature', 'onlineRequest'],
    ['4001', 2000n, undefined, 'selectNext'],
    ['4002', 4999n, 'none', 'onlineRequest'],
    ['4002', 5000n, 'signature', 'onlineRequest'],
  ])('program %s at %s: %s, %s', async (program, amount, cvm, status) => {
    const fci = [write(0x9f5a, fromHex(program))]
    const { outcome } = await run({ amount, fci, settings: { limitSets: sets } })
    expect(outcome.status).toBe(status)
    expect(outcome.cvm).toBe(cvm)
  })
})

describe('issuer update', () => {
  it('is asked for by an online outcome where reader and card have it', async () => {
    const wanted = { status: 'onlineRequest', start: 'B', onlineResponse: 'emvData', uiOnRestart: { message: UI.presentCardAgain } }
    expect((await run({ ttq: '3600C000', ctq: '0040' })).outcome).toMatchObject(wanted)
    expect((await run({ ttq: '36004000', ctq: '0040' })).outcome.start).toBeUndefined()
    expect((await run({ ttq: '3600C000', ctq: '0000' })).outcome.start).toBeUndefined()
  })

  it('authenticates the issuer, runs scripts until one fails, and ends without a word', async () => {
    const script = write(0x72, [
      write(0x9f18, fromHex('00000001')),
      write(0x86, fromHex('8424000008AABBCCDDEEFF0011')),
      write(0x86, fromHex('8418000000')),
    ])
    const restart = { issuerAuthenticationData: fromHex('01020304050607083030'), scripts: [script] }
    const done = await run({ restart })
    expect(done.sent).toEqual(['008200000A01020304050607083030', '8424000008AABBCCDDEEFF0011', '8418000000'])
    expect(done.outcome.uiOnOutcome).toBeUndefined()
    expect(hex(done.outcome.discretionaryData!.get(0x9f5b)!)).toBe('2000000001')
    const failed = await run({ restart, others: { '8424000008AABBCCDDEEFF0011': '6985' } })
    expect(failed.sent).toHaveLength(2)
    expect(hex(failed.outcome.discretionaryData!.get(0x9f5b)!)).toBe('1100000001')
  })
})

describe('what is available for offline spending', () => {
  it('is shown where the reader is set to', async () => {
    const more = { '9F5D': '000000012345' }
    expect((await run({ more, settings: { showOfflineSpending: true } })).outcome.uiOnOutcome).toMatchObject({
      value: { qualifier: 'balance', amount: 12345n, currency: 643 },
    })
    expect((await run({ more })).outcome.uiOnOutcome?.value).toBeUndefined()
  })
})
