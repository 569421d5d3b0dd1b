/** Kernel 5, JCB: limits with their signs, the card's wish for verification, what a cryptogram leads to, issuer update in the field. */

import { describe, expect, it } from 'vitest'
import { fromHex, fromText, hex } from '../../../../src/bytes.ts'
import { sleep, VirtualClock } from '../../../../src/clock.ts'
import { currency } from '../../../../src/currency.ts'
import type { Card } from '../../../../src/emv/card.ts'
import { kernelData } from '../../../../src/emv/contactless/config.ts'
import { parseContactlessConfig } from '../../../../src/emv/contactless/config-schema.ts'
import { type JcbSettings, jcbKernel } from '../../../../src/emv/contactless/kernels/jcb.ts'
import { UI } from '../../../../src/emv/contactless/outcome.ts'
import { tap } from '../../../../src/emv/contactless/tap.ts'
import type { Explain } from '../../../../src/emv/explain/explain.ts'
import type { Terminal } from '../../../../src/emv/terminal.ts'
import type { MessageId } from '../../../../src/messages/messages.ts'
import { write } from '../../../../src/tlv/ber.ts'
import { format2, type ScriptedTap, scriptedTap, tapConfig } from '../scripted-tap.ts'
import { signedAid, signedEnvironment, signingCard } from '../signed-tap.ts'

const rules = parseContactlessConfig({
  currencyCode: 643,
  schemes: [{ scheme: 'jcb', aids: ['A0000000651010'], verifyFrom: 300_000, refuseFrom: 1_000_000, offlineUpTo: 100_000 }],
}).schemes[0]

interface Wish extends Partial<ScriptedTap> {
  /** Cryptogram Information Data of the answer. */
  cid?: string
  wish?: string
  gac?: string
  more?: Record<string, string>
  aip?: string
  tip?: string
  explain?: Explain
  terminalType?: number
}

const records = {
  '5A': '3540829999421012',
  '57': '3540829999421012D40122010000000000',
  '5F24': '401231',
  '5F34': '01',
  '8C': '9F02069F530395059F3704',
  // No issuer code counts: what is asked for is the terminal's decision alone.
  '9F0D': '0000000000',
  '9F0E': '0000000000',
  '9F0F': '0000000000',
}

function answers({ cid = '80', wish = '00', gac, more = {}, aip = '0080' }: Wish): Record<string, string> {
  return {
    '80A8': format2({ '82': aip, '94': '08010100' }),
    '00B2010C': format2({ ...records, ...more }, 0x70),
    '80AE': gac ?? format2({ '9F27': cid, '9F36': '0001', '9F26': '0102030405060708', '9F10': '0A0B', '9F50': wish }),
  }
}

function pay(wish: Wish = {}) {
  // Online code without "data authentication not performed": these cards sign nothing.
  const data = new Map([
    ...kernelData(rules),
    [0xdf8122, fromHex('0060009000')] as const,
    ...(wish.tip ? [[0x9f53, fromHex(wish.tip)] as const] : []),
  ])
  const config = { ...tapConfig, ...(wish.terminalType !== undefined && { terminalType: wish.terminalType }) }
  return scriptedTap(jcbKernel({ config, options: { ...(wish.explain && { explain: wish.explain }) } }, { data }), {
    aid: 'A0000000651010',
    pdol: '9F5201',
    answers: answers(wish),
    ...wish,
  })
}

describe('limits, all compared with >=', () => {
  it('are derived from the rules', () => {
    const data = kernelData(rules)
    expect([0xdfab42, 0xdfab41, 0xdfab40].map(tag => hex(data.get(tag)!))).toEqual(['000000300000', '000001000000', '000000100001'])
    const open = { ...rules, refuseFrom: undefined }
    expect([0xdfab41, 0xdfab5b].some(tag => kernelData(open).has(tag))).toBe(false)
  })

  it.each([
    [299_999n, '72'],
    [300_000n, 'F2'],
  ])('at %s the profile sent has byte 1 %s', async (amount, byte) => {
    const { sent } = await pay({ amount, wish: '20' })
    expect(sent.at(-1)!.slice(22, 24)).toBe(byte) // after CLA–Lc and the amount
  })

  it.each([
    [100_000n, '40', '00'],
    [100_001n, '80', '80'],
  ])('at %s the cryptogram asked for is %s, TVR byte 4 %s', async (amount, p1, tvr) => {
    const { sent } = await pay({ amount, cid: p1 })
    expect(sent.at(-1)!.slice(4, 6)).toBe(p1)
    expect(sent.at(-1)!.slice(34, 36)).toBe(tvr)
  })

  it('from the transaction limit on the next application is tried', async () => {
    expect((await pay({ amount: 999_999n, wish: '20' })).outcome.status).toBe('onlineRequest')
    expect((await pay({ amount: 1_000_000n })).outcome).toEqual({ status: 'selectNext', start: 'C' })
  })
})

describe('a device that can verify its holder', () => {
  const onDevice = { ...rules, refuseOnDeviceFrom: 2_000_000n }
  const at = (amount: bigint, aip: string, tip?: string) => {
    const data = new Map([
      ...kernelData(onDevice),
      [0xdf8122, fromHex('0060009000')] as const,
      ...(tip ? [[0x9f53, fromHex(tip)] as const] : []),
    ])
    return scriptedTap(jcbKernel({ config: tapConfig }, { data }), {
      aid: 'A0000000651010', pdol: '9F5201', amount, answers: answers({ aip, wish: '30' }),
    }) // biome-ignore format: one line
  }

  it.each([
    [999_999n, '0080', undefined, 'onlineRequest', 3],
    [1_000_000n, '0080', undefined, 'selectNext', 1],
    [1_000_000n, '0280', undefined, 'onlineRequest', 3],
    [1_000_000n, '0280', '628000', 'selectNext', 1],
    [1_999_999n, '0280', undefined, 'onlineRequest', 3],
    [2_000_000n, '0280', undefined, 'selectNext', 0],
  ] as const)('at %s with AIP %s and profile %s: %s after %i commands', async (amount, aip, tip, status, commands) => {
    const { outcome, sent } = await at(amount, aip, tip)
    expect([outcome.status, sent.length]).toEqual([status, commands])
  })

  it('has the one limit where there is no other', async () => {
    const data = new Map([...kernelData(rules), [0xdf8122, fromHex('0060009000')] as const])
    data.delete(0xdfab5b)
    const tap = { aid: 'A0000000651010', pdol: '9F5201', amount: 1_000_000n, answers: answers({ aip: '0280', wish: '30' }) }
    expect((await scriptedTap(jcbKernel({ config: tapConfig }, { data }), tap)).sent).toEqual([])
  })
})

describe('random selection', () => {
  const selecting = { threshold: 50_000n, targetPercentage: 10, maximumPercentage: 90 }
  /** The random number is (value mod 99) + 1. */
  const at = async (amount: bigint, value: number, settings: JcbSettings = { randomSelection: selecting }, floor = true) => {
    const data = new Map([...kernelData(rules), [0xdf8122, fromHex('0060009000')] as const])
    if (!floor) data.delete(0xdfab40)
    const environment = {
      config: tapConfig,
      options: { random: (length: number) => Uint8Array.from({ length }, (_, i) => (i === length - 1 ? value : 0)) },
    }
    const { sent } = await scriptedTap(jcbKernel(environment, { ...settings, data }), {
      aid: 'A0000000651010',
      pdol: '9F5201',
      amount,
      answers: answers({ cid: '80' }),
    })
    return [sent.at(-1)!.slice(4, 6), sent.at(-1)!.slice(34, 36)]
  }

  it('sends some below the floor limit online, more of them the nearer they come to it', async () => {
    expect(await at(100n, 9)).toEqual(['80', '10']) // 10 of 99: within the target
    expect(await at(100n, 10)).toEqual(['40', '00'])
    // Half way from the threshold to the limit (100001): 50 %.
    expect(await at(75_000n, 48)).toEqual(['80', '10'])
    expect(await at(75_000n, 51)).toEqual(['40', '00'])
    expect(await at(100_001n, 98)).toEqual(['80', '80'])
  })

  it('none where it is not set, or there is no floor limit', async () => {
    expect(await at(100n, 0, {})).toEqual(['40', '00'])
    expect(await at(100n, 0, undefined, false)).toEqual(['40', '00'])
  })
})

describe('modes', () => {
  it.each([
    ['legacy mode', { pdol: '9F0206' }],
    ['mag-stripe mode', { aip: '0000' }],
  ])('a card for %s is refused by that name, and leads to the next application', async (mode, wish) => {
    const explained: string[] = []
    const { outcome } = await pay({ ...wish, explain: ({ rule }) => explained.push(rule) })
    expect(outcome).toMatchObject({ status: 'selectNext', start: 'C' })
    expect(hex(outcome.discretionaryData!.get(0xdf8115)!)).toBe('0007000000FF')
    expect(explained.join()).toContain(`${mode}, which is not built`)
  })

  it.each([['6985'], ['80060180080101009000'], ['77FF9000'], ['9000'], ['6200']])(
    'GET PROCESSING OPTIONS answered %s leads to the next application',
    async gpo => {
      expect((await pay({ answers: { '80A8': gpo } })).outcome).toEqual({ status: 'selectNext', start: 'C' })
    },
  )
})

describe('verification by the card’s wish', () => {
  it.each([
    ['00', 100n, 'none', 'onlineRequest'],
    ['00', 300_000n, undefined, 'declined'],
    ['10', 100n, 'signature', 'onlineRequest'],
    ['20', 100n, 'onlinePin', 'onlineRequest'],
    ['30', 300_000n, 'confirmationCode', 'onlineRequest'],
    ['F0', 100n, 'none', 'onlineRequest'],
    ['F0', 300_000n, 'onlinePin', 'onlineRequest'],
  ])('9F50 %s at %s: %s, %s', async (wish, amount, cvm, status) => {
    const { outcome } = await pay({ wish, amount })
    expect(outcome.status).toBe(status)
    expect(outcome.cvm).toBe(cvm)
  })

  it.each(['10', '20', '30'])('9F50 %s is declined by a reader that cannot', async wish => {
    expect((await pay({ wish, tip: '020000' })).outcome.status).toBe('declined')
  })

  it('an online PIN shows "enter PIN" in place of "authorising"', async () => {
    expect((await pay({ wish: '20' })).outcome.uiOnOutcome!.message).toBe(UI.enterPin)
    expect((await pay({ wish: '10' })).outcome.uiOnOutcome!.message).toBe(UI.authorising)
  })
})

describe('cryptograms', () => {
  it.each([
    [100n, '40', 'approved'],
    [100n, '80', 'onlineRequest'],
    [100n, '00', 'declined'],
    [100_001n, '40', 'declined'],
  ])('at %s the answer %s is %s', async (amount, cid, status) => {
    expect((await pay({ amount, cid })).outcome.status).toBe(status)
  })

  it('a refund asks for an AAC and is declined by it', async () => {
    const { outcome, sent } = await pay({ type: 'refund', cid: '00' })
    expect(sent.at(-1)!.slice(4, 6)).toBe('00')
    expect(outcome.status).toBe('declined')
  })

  it('a CDA that the card does not sign is declined', async () => {
    // AIP with CDA, no certificates: CDA fails before, TVR byte 1 b3; denial codes decide.
    const { sent } = await pay({ aip: '0180' })
    expect(sent.at(-1)!.slice(28, 30)).toBe('24')
  })

  it.each([
    ['6986', { status: 'endApplication', start: 'B', fieldOff: 1300, uiOnOutcome: { message: UI.seePhone } }],
    ['6984', { status: 'tryAnotherInterface', alternateInterface: 'contact' }],
    ['6985', { status: 'selectNext' }],
  ])('GENERATE AC answered %s', async (gac, wanted) => {
    expect((await pay({ gac })).outcome).toMatchObject(wanted)
  })
})

describe('what counts as above the floor limit', () => {
  it.each([
    ['nothing', {}, '00'],
    ['a status check of one unit', { amount: 100n, combination: { statusCheck: true } }, '80'],
    ['a terminal that is online only', { terminalType: 0x21 }, '80'],
  ])('%s', async (_, wish, tvr) => {
    expect((await pay(wish)).sent.at(-1)!.slice(34, 36)).toBe(tvr)
  })

  it('the issuer’s country in JCB’s own tag decides what the card may be used for', async () => {
    const abroad = { '9F07': 'AB80', '9F57': '0392' } // domestic only
    expect((await pay({ more: abroad })).sent.at(-1)!.slice(30, 32)).toBe('10')
    const home = await pay({ more: { ...abroad, '9F57': '0643' } })
    expect(home.sent.at(-1)!.slice(30, 32)).toBe('00')
    expect(home.outcome.dataRecord!.has(0x5f28)).toBe(false)
  })
})

/** A card of the published test keys; P1 decides its cryptogram. */
const certified = (answer: Parameters<typeof signingCard>[2] = p1 => ({ cid: hex(Uint8Array.of(p1 & 0xc0)), rest: { '9F50': '00' } })) =>
  signingCard('0180', { '8C': '9F02069F530395059F3704', '9F0D': '0000000000', '9F0E': '0000000000', '9F0F': '0000000000' }, answer)

function signedKernel(settings: JcbSettings = {}, clock?: VirtualClock) {
  // The default action codes: a card that signs needs no others.
  return jcbKernel(signedEnvironment(clock), { data: kernelData(rules), ...settings })
}
const signedTap = (wish: Partial<ScriptedTap> = {}): ScriptedTap => ({
  aid: signedAid,
  pdol: '9F52019F37049F0206',
  answers: certified(),
  ...wish,
})

describe('a card that signs', () => {
  it('approves offline below the floor limit, the cryptogram out of its signature, after which the card may go', async () => {
    const { outcome, sent, shown } = await scriptedTap(signedKernel(), signedTap())
    expect(sent.at(-1)!.slice(0, 6)).toBe('80AE50')
    expect(outcome).toMatchObject({ status: 'approved', cvm: 'none', receipt: true })
    expect(hex(outcome.dataRecord!.get(0x9f26)!)).toBe('1112131415161718')
    expect(hex(outcome.dataRecord!.get(0x95)!)).toBe('0000000000')
    expect(shown).toMatchObject([{ message: UI.cardReadOk }])
  })

  it('goes online above it', async () => {
    const { outcome, sent } = await scriptedTap(signedKernel(), signedTap({ amount: 200_000n }))
    expect(sent.at(-1)!.slice(0, 6)).toBe('80AE90')
    expect(outcome).toMatchObject({ status: 'onlineRequest', cvm: 'none' })
    expect(hex(outcome.dataRecord!.get(0x9f26)!)).toBe('1112131415161718')
  })

  it('verified on the device above the CVM limit', async () => {
    const answers = certified({ cid: '80', rest: { '9F50': '30' } })
    const { outcome } = await scriptedTap(signedKernel(), signedTap({ amount: 300_000n, answers }))
    expect(outcome).toMatchObject({ status: 'onlineRequest', cvm: 'confirmationCode' })
    expect(hex(outcome.dataRecord!.get(0x9f34)!)).toBe('010002')
  })

  it('is declined where the signature is wrong, missing, or over a wish that was changed on the way', async () => {
    const unsigned = format2({ '9F27': '40', '9F36': '0001', '9F26': '0102030405060708', '9F50': '00' })
    const forged = certified({ cid: '40', rest: { '9F50': '00' }, forged: true })
    const sign = certified()['80AE'] as (command: string) => string
    const changed = { ...certified(), '80AE': (command: string) => sign(command).replace('9F500100', '9F500130') }
    for (const answers of [{ ...certified(), '80AE': unsigned }, forged, changed]) {
      const { outcome } = await scriptedTap(signedKernel(), signedTap({ answers }))
      expect(outcome.status).toBe('declined')
      expect(hex(outcome.discretionaryData!.get(0x95)!)).toBe('0400000000')
    }
  })

  it('an AAC is declined without one', async () => {
    const answers = { ...certified(), '80AE': format2({ '9F27': '00', '9F36': '0001', '9F26': '0102030405060708' }) }
    expect((await scriptedTap(signedKernel(), signedTap({ answers }))).outcome.status).toBe('declined')
  })
})

describe('a card that leaves during GENERATE AC', () => {
  const transaction = { amount: 100n, currency: currency('RUB') }
  /** GET PROCESSING OPTIONS of a card that remembers. */
  const warned = (certified()['80A8'] as (command: string) => string)('80A8000000').replace(/9000$/, '6200')

  /** Two taps of one payment; `between` ms lie between them. The card keeps its answer to GENERATE AC for ECHO. */
  async function twice(second: (answer: string) => Partial<ScriptedTap['answers']>, between = 1000, settings: JcbSettings = {}) {
    const clock = new VirtualClock(new Date('2024-05-01T12:00:00'))
    const kernel = signedKernel(settings, clock)
    const card = certified()
    let kept = ''
    const leaves = {
      ...card,
      '80AE': (command: string) => {
        kept = (card['80AE'] as (command: string) => string)(command)
        return 'removed'
      },
    }
    await expect(scriptedTap(kernel, signedTap({ answers: leaves, transaction }))).rejects.toMatchObject({ code: 'card-removed' })
    await clock.settle(sleep(between, clock))
    const answers = { ...certified(), ...second(kept) } as ScriptedTap['answers']
    return { kernel, ...(await scriptedTap(kernel, signedTap({ answers, transaction }))) }
  }

  it('is asked for its answer by ECHO, whose signature is over what it was asked then', async () => {
    const { outcome, sent } = await twice(kept => ({ '80DF': kept }))
    expect(sent.at(-1)).toBe('80DF000000')
    expect(sent.filter(command => command.startsWith('80AE'))).toEqual([])
    expect(outcome).toMatchObject({ status: 'approved', cvm: 'none' })
    expect(hex(outcome.dataRecord!.get(0x9f26)!)).toBe('1112131415161718')
  })

  it('may say so by 6200 to GET PROCESSING OPTIONS', async () => {
    expect((await twice(kept => ({ '80DF': kept, '80A8': warned }))).outcome.status).toBe('approved')
  })

  it.each(['6985', '6D00', '6A88'])('and answers ECHO with %s begins anew with GENERATE AC', async sw => {
    const { outcome, sent } = await twice(() => ({ '80DF': sw }))
    expect(sent.slice(-2).map(command => command.slice(0, 4))).toEqual(['80DF', '80AE'])
    expect(outcome.status).toBe('approved')
  })

  it('and has warned of it, but has no answer after all, begins anew from selection on', async () => {
    const { outcome, kernel } = await twice(() => ({ '80DF': '6985', '80A8': warned }))
    expect(outcome).toEqual({ status: 'tryAgain', start: 'B' })
    const again = await scriptedTap(kernel, signedTap({ transaction }))
    expect(again.sent.at(-1)!.slice(0, 4)).toBe('80AE')
    expect(again.outcome.status).toBe('approved')
  })

  it('and again during ECHO is asked once more', async () => {
    const clock = new VirtualClock(new Date('2024-05-01T12:00:00'))
    const kernel = signedKernel({}, clock)
    const card = certified()
    let kept = ''
    const keep = (command: string) => {
      kept = (card['80AE'] as (command: string) => string)(command)
      return 'removed'
    }
    for (const answers of [
      { ...card, '80AE': keep },
      { ...card, '80DF': 'removed' },
    ])
      await expect(scriptedTap(kernel, signedTap({ answers, transaction }))).rejects.toMatchObject({ code: 'card-removed' })
    expect((await scriptedTap(kernel, signedTap({ answers: { ...card, '80DF': kept }, transaction }))).outcome.status).toBe('approved')
  })

  it.each([
    [60_000, {}, '80DF'],
    [60_001, {}, '80AE'],
    [1, { recoverFor: 0 }, '80AE'],
  ])('comes back after %i ms with %o: %s', async (between, settings, command) => {
    const { sent } = await twice(kept => ({ '80DF': kept }), between, settings)
    expect(sent.at(-1)!.slice(0, 4)).toBe(command)
  })

  it('is not asked in another payment, nor is another card', async () => {
    const other = format2({ '5A': '1234560012345616' }, 0x70)
    const { sent } = await twice(() => ({ '00B2010C': other, '00B20114': format2({ '8C': '9F0206' }, 0x70), '80AE': '6985' }))
    expect(sent.at(-1)!.slice(0, 4)).toBe('80AE')
    const kernel = signedKernel()
    const leaves = { ...certified(), '80AE': 'removed' }
    await expect(scriptedTap(kernel, signedTap({ answers: leaves, transaction }))).rejects.toMatchObject({ code: 'card-removed' })
    const fresh = await scriptedTap(kernel, signedTap({ transaction: { ...transaction } }))
    expect(fresh.sent.at(-1)!.slice(0, 4)).toBe('80AE')
    expect(fresh.outcome.status).toBe('approved')
  })
})

describe('issuer update', () => {
  const updating = (parameter: string, tip = '728000') => pay({ tip, more: { '9F60': parameter } })

  it('holds the card, or asks for it again, as the card wishes and the reader can', async () => {
    expect((await updating('01')).outcome).toMatchObject({ start: 'D', onlineResponse: 'any', removalTimeout: 5000 })
    expect((await updating('02')).outcome).toMatchObject({
      start: 'B',
      onlineResponse: 'emvData',
      uiOnRestart: { message: UI.presentCardAgain },
    })
    expect((await updating('00')).outcome.start).toBeUndefined()
    expect((await updating('01', '720000')).outcome.start).toBeUndefined()
  })

  it('with the card held: scripts, second GENERATE AC, scripts, and its cryptogram decides', async () => {
    for (const [code, p1, cid, status] of [
      ['00', '40', '40', 'approved'],
      ['05', '00', '00', 'declined'],
      ['00', '40', '00', 'declined'],
    ] as const) {
      const kernel = jcbKernel({ config: tapConfig }, { data: kernelData(rules) })
      const tap = { aid: 'A0000000651010', pdol: '9F5201', answers: answers({ more: { '9F60': '01', '8D': '8A0291089F3704' } }) }
      await scriptedTap(kernel, tap)
      const script = (tag: number) => write(tag, [write(0x86, fromHex('8418000008AABBCCDDEEFF0011'))])
      const held = { '80AE': format2({ '9F27': cid, '9F36': '0001', '9F26': '1112131415161718' }), '8418': '9000' }
      // The session is the first tap's: its card answers.
      Object.assign(tap.answers, held)
      const restart = { code, issuerAuthenticationData: fromHex('0102030405060708'), scripts: [script(0x71), script(0x72)] }
      const { outcome } = await scriptedTap(kernel, { ...tap, start: 'D', restart })
      expect([code, p1, outcome.status]).toEqual([code, p1, status])
      if (status === 'approved') expect(hex(outcome.dataRecord!.get(0x9f26)!)).toBe('1112131415161718')
    }
  })
})

describe('a card held in the field', () => {
  /** Pays with a card that wants to be held (9F60 01); its second cryptogram is `cid`, the host answers after `delay` ms. */
  async function hold(cid: string, delay: number) {
    const clock = new VirtualClock()
    const sent: string[] = []
    const shown: MessageId[] = []
    const first = answers({ more: { '9F60': '01', '8D': '8A0291089F3704' } })
    const aid = fromHex('A0000000651010')
    const entry = write(0x61, [write(0x4f, aid), write(0x87, Uint8Array.of(1))])
    const all: Record<string, string> = {
      ...first,
      '00A404000E': format2({ '84': hex(fromText('2PAY.SYS.DDF01')), A5: hex(write(0xbf0c, entry)) }, 0x6f),
      '00A4040007': format2({ '84': hex(aid), A5: hex(write(0x9f38, fromHex('9F5201'))) }, 0x6f),
    }
    const card: Card = {
      interface: 'contactless',
      atr: new Uint8Array(),
      async transmit(apdu) {
        const command = hex(apdu)
        if (command.startsWith('80AE') && sent.some(one => one.startsWith('80AE')))
          all['80AE'] = format2({ '9F27': cid, '9F36': '0001', '9F26': '1112131415161718' })
        sent.push(command)
        return fromHex(Object.entries(all).find(([start]) => command.startsWith(start))?.[1] ?? '6D00')
      },
    }
    const terminal: Terminal = {
      selectApplication: async () => 0,
      authorise: async () => {
        await sleep(delay, clock)
        return { type: 'approved', code: '00', issuerAuthenticationData: fromHex('0102030405060708') }
      },
      display: message => void shown.push(message),
    }
    const contactless = { currencyCode: 643, schemes: [rules] }
    const field = { activate: async () => card, off: async () => {} }
    const outcome = await clock.settle(tap(field, { amount: 100n, currency: currency('RUB') }, tapConfig, contactless, terminal, { clock }))
    return { outcome, shown, second: sent.filter(one => one.startsWith('80AE')).length === 2, pending: clock.pending }
  }

  it('gets the answer and decides itself', async () => {
    expect(await hold('40', 1000)).toMatchObject({ outcome: { result: 'approved', online: true }, second: true, pending: 0 })
    const declined = await hold('00', 1000)
    expect(declined).toMatchObject({ outcome: { result: 'declined', reason: 'cardDeclined', reversal: true }, second: true, pending: 0 })
  })

  it('is let go when the host takes too long; the host’s word stands', async () => {
    const late = await hold('00', 5001)
    expect(late).toMatchObject({ outcome: { result: 'approved' }, second: false, pending: 0 })
    expect(late.shown).toContain('reader.removeCard')
  })
})
