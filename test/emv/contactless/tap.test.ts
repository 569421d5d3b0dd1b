/** Tapping virtual cards and phones: the 3000-rouble rule for every scheme alike, online and offline, torn, phones, the host's answers. */

import { describe, expect, it } from 'vitest'
import { loadCard, type VirtualCard } from '../../../simulator/cards/icc.ts'
import { issuerView } from '../../../simulator/cards/issuer-view.ts'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { testCaKeys } from '../../../simulator/keys.ts'
import { concat, fromHex, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { iccMasterKey } from '../../../src/crypto/cryptogram.ts'
import { cryptogramVersions, versionCryptogram } from '../../../src/crypto/cryptogram-version.ts'
import { currency } from '../../../src/currency.ts'
import { combinationsOf, kernelData } from '../../../src/emv/contactless/config.ts'
import { parseContactlessConfig } from '../../../src/emv/contactless/config-schema.ts'
import type { Field } from '../../../src/emv/contactless/entry.ts'
import { TornLog } from '../../../src/emv/contactless/mastercard/torn-log.ts'
import { russianContactless } from '../../../src/emv/contactless/profiles.ts'
import { type TapOptions as PaymentOptions, tap } from '../../../src/emv/contactless/tap.ts'
import { russianMpos } from '../../../src/emv/profiles.ts'
import type { AuthorisationRequest, AuthorisationResponse, Terminal } from '../../../src/emv/terminal.ts'
import { Fault } from '../../../src/errors.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import { retoldRule } from '../../../src/messages/retold-rules.ts'
import { read, readOne, write } from '../../../src/tlv/ber.ts'

const rub = currency('RUB')
const config = russianMpos({
  merchantId: 'M1',
  terminalId: 'T1',
  merchantName: 'SHOP',
  acquirerId: '400000',
  ifdSerial: 'SN1',
  caKeys: testCaKeys,
})

const cards = {
  mir: 'mir',
  visa: 'dda',
  mastercard: 'mastercard',
  amex: 'amex',
  jcb: 'jcb',
  discover: 'discover',
  unionpay: 'unionpay',
} as const
type SchemeName = keyof typeof cards

interface Tapped {
  device?: 'card' | 'phone' | 'lockedPhone'
  tornAt?: number
}

interface Wish {
  type?: 'purchase' | 'cash'
  amount: bigint
  /** One tap after the other; the last one stays. */
  taps?: (Tapped | 'nobody')[]
  answer?: AuthorisationResponse | Fault
  contactless?: ReturnType<typeof russianContactless>
  options?: PaymentOptions
  pin?: 'entered' | 'cancelled'
  exchangeData?: Terminal['exchangeData']
}

/** Pays by tap with a virtual card; gives back what everybody saw. */
async function pay(
  card: VirtualCard,
  { amount, type, taps = [{}], answer = { type: 'approved', code: '00' }, pin = 'entered', ...wish }: Wish,
) {
  const shown: MessageId[] = []
  const asked: AuthorisationRequest[] = []
  const clock = new VirtualClock()
  let activations = 0
  let off = 0
  const field: Field = {
    activate: async () => {
      const next = taps[Math.min(activations++, taps.length - 1)]
      if (next === 'nobody') throw new Fault('timeout', 'nobody presented a card')
      return card.contactless({ ...next, clock })
    },
    off: async () => {
      off++
    },
  }
  const terminal: Terminal = {
    selectApplication: () => Promise.reject(new Error('a list was shown on tap')),
    enterPin: async () =>
      pin === 'entered'
        ? { type: 'onlinePin', block: { format: 0, data: new Uint8Array(8), ksn: fromHex('FFFF9876543210E00001') } }
        : { type: 'cancelled' },
    authorise: async request => {
      asked.push(request)
      if (answer instanceof Fault) throw answer
      return answer
    },
    display: message => void shown.push(message),
    ...(wish.exchangeData && { exchangeData: wish.exchangeData }),
  }
  const outcome = await clock.settle(
    tap(field, { amount, currency: rub, type }, config, wish.contactless ?? russianContactless(), terminal, {
      clock,
      ...wish.options,
    }),
  )
  return { outcome, shown, asked, off, activations }
}

describe('the 3000-rouble rule', () => {
  const amounts = [0n, 299_999n, 300_000n, 300_001n, 99_999_999_999n]
  const table = (Object.keys(cards) as SchemeName[]).flatMap(scheme =>
    amounts.flatMap(amount => (['card', 'phone'] as const).map(device => ({ scheme, amount, device }))),
  )

  it.each(table)('$scheme $amount, $device', async ({ scheme, amount, device }) => {
    const { outcome, asked, shown } = await pay(loadCard(cards[scheme]), { amount, taps: [{ device }] })
    const verified = device === 'phone'
    const above = amount >= 300_000n
    // Below the limit a phone may say that it verified its holder (kernels 3 and 7), or is not asked (the others).
    const tells = scheme === 'visa' || scheme === 'unionpay'
    const expected = above ? (verified ? 'device' : 'onlinePin') : verified && tells ? 'device' : 'none'
    expect(outcome).toMatchObject({ result: 'approved', interface: 'tap', online: true, cvm: expected })
    expect(asked).toHaveLength(1)
    expect(asked[0].cvm).toBe(expected)
    expect(outcome.pinBlock !== undefined).toBe(expected === 'onlinePin')
    expect(shown.includes('reader.enterPin')).toBe(expected === 'onlinePin')
  })

  it('is one rule with a figure for each kernel', () => {
    const rules = russianContactless()
    const figures = Object.fromEntries(rules.schemes.map(one => [one.scheme, kernelData(one)]))
    expect(hex(figures.mastercard.get(0xdf8126)!)).toBe('000000299999')
    expect(hex(figures.mir.get(0xdf52)!)).toBe('000000299999')
    const visa = combinationsOf(rules).find(({ kernel }) => hex(kernel) === '03')!
    expect(visa.cvmRequiredLimit).toBe(300_000n)
    for (const scheme of ['amex', 'jcb'] as const) expect(hex(figures[scheme].get(0xdfab42)!)).toBe('000000300000')
    // Kernels with limits of their own get none from Entry Point.
    const byEntryPoint = combinationsOf(rules).filter(({ cvmRequiredLimit }) => cvmRequiredLimit !== undefined)
    expect(new Set(byEntryPoint.map(({ kernel }) => hex(kernel)))).toEqual(new Set(['03', '06', '07']))
  })

  it('can be another rule', async () => {
    const contactless = russianContactless({ verifyFrom: 100_000n })
    for (const card of Object.values(cards)) {
      expect((await pay(loadCard(card), { amount: 99_999n, contactless })).outcome.cvm).toBe('none')
      expect((await pay(loadCard(card), { amount: 100_000n, contactless })).outcome.cvm).toBe('onlinePin')
    }
  })

  it.each([
    [{ verifyFrom: 0 }, 'schemes.0.verifyFrom: above 0'],
    [{ verifyFrom: 1, refuseFrom: 5, refuseOnDeviceFrom: 4 }, 'schemes.0.refuseOnDeviceFrom: not below refuseFrom'],
    [{ verifyFrom: 1, data: { DF8126: '000000299999' } }, 'schemes.0.data: DF8126 is derived from the rules'],
    [{ verifyFrom: 1, aids: ['A0'] }, 'schemes.0.aids.0: 5 to 16 bytes'],
    [{ verifyFrom: -1 }, 'schemes.0.verifyFrom'],
  ])('refuses a configuration by its path: %o', (rules, message) => {
    const schemes = [{ scheme: 'mastercard', aids: ['A0000000041010'], ...rules }]
    expect(() => parseContactlessConfig({ currencyCode: 643, schemes })).toThrow(message)
  })

  it('needs qualifiers for kernels that send them', () => {
    const visa = { scheme: 'visa', aids: ['A0000000031010'], verifyFrom: 1 }
    expect(() => parseContactlessConfig({ currencyCode: 643, schemes: [visa] })).toThrow(
      'schemes.0.ttq: visa cards ask for Terminal Transaction Qualifiers',
    )
  })
})

describe('limits of acceptance', () => {
  it.each(Object.keys(cards) as SchemeName[])('%s is refused from the amount on, not below', async scheme => {
    const contactless = russianContactless({ refuseFrom: 500_000n })
    expect((await pay(loadCard(cards[scheme]), { amount: 499_999n, contactless })).outcome.result).toBe('approved')
    expect((await pay(loadCard(cards[scheme]), { amount: 500_000n, contactless })).outcome).toMatchObject({ result: 'declined' })
  })
})

describe('offline', () => {
  const offline = (scheme: SchemeName) => {
    const profile = profiles[cards[scheme]]
    return loadCard({ ...profile, applications: profile.applications.map(one => ({ ...one, risk: { policy: 'approve' as const } })) })
  }

  it.each(['visa', 'mastercard', 'mir'] as const)('%s approves below the floor limit, signed by the card', async scheme => {
    const contactless = russianContactless({ offlineUpTo: 100_000n })
    const low = await pay(offline(scheme), { amount: 100_000n, contactless })
    expect(low.outcome).toMatchObject({ result: 'approved', online: false, cvm: 'none' })
    expect(low.asked).toEqual([])
    expect(hex(low.outcome.tags.get(0x95)!).slice(0, 2)).toBe('00')
    const high = await pay(offline(scheme), { amount: 100_001n, contactless })
    expect(high.outcome).toMatchObject({ result: 'approved', online: true })
  })

  it('a card that declines is declined', async () => {
    const profile = profiles.mastercard
    const card = loadCard({ ...profile, applications: profile.applications.map(one => ({ ...one, risk: { policy: 'decline' as const } })) })
    // A plastic Mastercard that says no by tap may say yes by chip (Book C-2, S910).
    expect((await pay(card, { amount: 1000n })).outcome).toMatchObject({ result: 'declined', reason: 'tryAnotherInterface' })
  })
})

describe('online', () => {
  it.each(Object.keys(cards) as SchemeName[])('%s gives a cryptogram that its issuer can check', async scheme => {
    const { asked } = await pay(loadCard(cards[scheme]), { amount: 123_456n })
    const { tags } = asked[0]
    const whole = issuerView(profiles[cards[scheme]])[0]
    const account = { ...whole, ...whole.tap }
    const version = cryptogramVersions[account.version]
    const key = (master: Uint8Array) => iccMasterKey(master, account.pan, account.psn, version.option)
    const keys = { ac: key(account.masterKeys.ac), mac: key(account.masterKeys.smi), encipherment: key(account.masterKeys.smc) }
    expect(hex(tags.get(0x9f26)!)).toBe(hex(versionCryptogram(version, keys, tags, account.issuerData(tags.get(0x9f10)!))))
    expect(hex(tags.get(0x9f39)!)).toBe('07')
  })

  it('rules of other Books are told as what they are to Mir: derived, or assumed', async () => {
    const explained: string[] = []
    await pay(loadCard('mir'), { amount: 1n, options: { explain: ({ rule }) => explained.push(rule) } })
    const own = explained.slice(explained.findIndex(rule => rule.startsWith('Mir, as ')))
    expect(own.filter(rule => /^Book (2|3|C)/.test(rule))).toEqual([])
    expect(own.some(rule => /^Mir, as Book [^:]*\[derived\]: /.test(rule))).toBe(true)
    expect(own.some(rule => /^Mir, as Book [^:]*\[assumed\]: /.test(rule))).toBe(true)
    for (const rule of own.filter(one => one.startsWith('Mir, as')))
      expect(retoldRule(rule, 'ru')).toMatch(/^Мир, как Book .* \[(выведено|предположительно)\]: /)
    // No kernel of its own Book has such a mark.
    const others: string[] = []
    await pay(loadCard('mastercard'), { amount: 1n, options: { explain: ({ rule }) => others.push(rule) } })
    expect(others.filter(rule => rule.includes('['))).toEqual([])
  })

  it('the host decides', async () => {
    const card = loadCard('mir')
    expect((await pay(card, { amount: 1n, answer: { type: 'declined', code: '05' } })).outcome).toMatchObject({
      result: 'declined',
      reason: 'hostDeclined',
    })
    expect((await pay(card, { amount: 1n, answer: { type: 'unableToGoOnline' } })).outcome).toMatchObject({
      result: 'declined',
      reason: 'unableToGoOnline',
    })
  })

  it('an answer that never came asks for a reversal; a request that never left does not', async () => {
    const lost = await pay(loadCard('mir'), { amount: 1n, answer: new Fault('host-no-answer', 'silence') })
    expect(lost.outcome).toMatchObject({ result: 'declined', reason: 'unableToGoOnline', reversal: true })
    const unsent = await pay(loadCard('mir'), { amount: 1n, answer: new Fault('host-unreachable', 'no network') })
    expect(unsent.outcome.reversal).toBeUndefined()
  })

  it('a cardholder who cancels the PIN pays nothing', async () => {
    const { outcome, asked } = await pay(loadCard('dda'), { amount: 300_000n, pin: 'cancelled' })
    expect(outcome).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled', online: false })
    expect(asked).toEqual([])
  })
})

describe('taps that go wrong', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])('torn at command %i, tapped again: paid once', async tornAt => {
    for (const scheme of Object.keys(cards) as SchemeName[]) {
      const { outcome, asked, activations } = await pay(loadCard(cards[scheme]), {
        amount: 1000n,
        taps: [{ tornAt }, {}],
        options: { torn: new TornLog() },
      })
      expect(outcome).toMatchObject({ result: 'approved' })
      expect(asked).toHaveLength(1)
      expect(activations).toBeLessThanOrEqual(2)
    }
  })

  it('a Mastercard torn at GENERATE AC gives its cryptogram on the next tap: one transaction, one ATC', async () => {
    const sent: string[] = []
    const card = loadCard('mastercard')
    const tapped = card.contactless.bind(card)
    let tornAt = 0
    // The command count up to GENERATE AC, from an untorn tap.
    card.contactless = options => {
      const session = tapped({ ...options, ...(tornAt && sent.length === 0 ? { tornAt } : {}) })
      const transmit = session.transmit.bind(session)
      session.transmit = (apdu, more) => {
        sent.push(hex(apdu))
        return transmit(apdu, more)
      }
      return session
    }
    await pay(card, { amount: 1000n })
    tornAt = sent.findIndex(command => command.startsWith('80AE')) + 1
    sent.length = 0
    const torn = new TornLog()
    const { outcome, asked } = await pay(card, { amount: 1000n, options: { torn } })
    expect(outcome.result).toBe('approved')
    expect(sent.at(-1)).toMatch(/^80D00000/)
    expect(sent.filter(command => command.startsWith('80AE'))).toHaveLength(1)
    // The second tap's GET PROCESSING OPTIONS counted on; the cryptogram recovered is that of the first.
    expect(hex(asked[0].tags.get(0x9f36)!)).toBe('0012')
    expect(torn.size).toBe(0)
  })

  it('a torn transaction is not recovered for another amount, and a cardholder may walk away', async () => {
    const torn = new TornLog()
    const card = loadCard('mastercard')
    // The 12th command of a tap is GENERATE AC: PPSE, SELECT, GET PROCESSING OPTIONS, eight records.
    const { outcome: left } = await pay(card, { amount: 1000n, taps: [{ tornAt: 12 }, 'nobody'], options: { torn } })
    expect(left).toMatchObject({ result: 'cancelled', reason: 'cardTimeout' })
    expect(torn.size).toBe(1)
    const { outcome, asked } = await pay(card, { amount: 2000n, options: { torn } })
    expect(outcome.result).toBe('approved')
    expect(hex(asked[0].tags.get(0x9f02)!)).toBe('000000002000')
    expect(hex(asked[0].tags.get(0x9f36)!)).toBe('0012')
    expect(torn.size).toBe(0)
  })

  it('an abort leaves nothing on and nothing open', async () => {
    const controller = new AbortController()
    const waiting = tap(
      {
        activate: ({ signal }) =>
          new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Fault('aborted', 'aborted')))),
        off: async () => {},
      },
      { amount: 1n, currency: rub },
      config,
      russianContactless(),
      { selectApplication: async () => 0, authorise: async () => ({ type: 'unableToGoOnline' }) },
      { signal: controller.signal },
    )
    controller.abort()
    const outcome = await waiting
    expect(outcome).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled' })
    expect(outcome.interface).toBeUndefined() // no card came
  })
})

describe('every profile by tap', () => {
  it.each(Object.keys(profiles).filter(name => loadCard(name).canTap))('%s ends without a list, the field off', async name => {
    const card = loadCard(name)
    const { outcome, off, asked } = await pay(card, { amount: 1000n })
    expect(['approved', 'declined', 'cancelled']).toContain(outcome.result)
    expect(off).toBeGreaterThan(0)
    if (outcome.online) expect(asked[0].interface).toBe('tap')
  })

  it('a co-badged card pays with its priority application', async () => {
    const { outcome } = await pay(loadCard('mir-maestro'), { amount: 1000n })
    expect(hex(outcome.application!.aid)).toBe('A0000006581010')
  })
})

describe('what is not built', () => {
  it('what a configuration asks of a kernel in vain is refused by name, before any card is asked for', async () => {
    const contactless = parseContactlessConfig({
      currencyCode: 643,
      schemes: [{ scheme: 'mastercard', aids: ['A0000000041010'], verifyFrom: 300_000, data: { DF8112: '9F75' } }],
    })
    await expect(pay(loadCard('mir'), { amount: 1n, contactless })).rejects.toMatchObject({
      code: 'unsupported',
      details: { feature: 'data exchange' },
    })
  })

  it('a terminal that exchanges data is told what it wanted to read, and lets the kernel go on', async () => {
    const contactless = parseContactlessConfig({
      currencyCode: 643,
      schemes: [{ scheme: 'mastercard', aids: ['A0000000041010'], verifyFrom: 300_000, data: { DF8112: '9F755F24', DF8110: '' } }],
    })
    const told: [number, string][][] = []
    const { outcome } = await pay(loadCard('mastercard'), {
      amount: 1n,
      contactless,
      exchangeData: async ({ needed, sent }) => {
        told.push([...sent].map(([tag, value]) => [tag, hex(value)]))
        return new Map(needed.map(tag => [tag, Uint8Array.of(1)] as const))
      },
    })
    expect(outcome.result).toBe('approved')
    expect(told.flat().map(([tag]) => tag)).toEqual([0x9f75, 0x5f24])
    expect(told.flat()[0][1]).toBe('') // the card has no such envelope
    expect(told.flat()[1][1]).toMatch(/^\d{6}$/)
  })

  it('every scheme has its kernel', async () => {
    const schemes = (['mastercard', 'visa', 'amex', 'jcb', 'discover', 'unionpay', 'mir'] as const).map((scheme, i) => ({
      scheme,
      aids: [`A00000000${i}1010`],
      verifyFrom: 300_000,
      ttq: '36004000',
    }))
    const { outcome } = await pay(loadCard('mir'), { amount: 1n, contactless: parseContactlessConfig({ currencyCode: 643, schemes }) })
    expect(outcome).toMatchObject({ result: 'declined', reason: 'noApplication' })
  })

  it('a Mir card that speaks Protocol 2 is asked to be inserted, and the explanation says why', async () => {
    const card = loadCard('mir')
    const explained: string[] = []
    const tapped = card.contactless.bind(card)
    // DF70 among the FCI's objects; the fields of the templates around it grow by its four bytes.
    card.contactless = options => {
      const session = tapped(options)
      const transmit = session.transmit.bind(session)
      session.transmit = async (apdu, more) => {
        const answer = await transmit(apdu, more)
        if (!hex(apdu).startsWith('00A4040007A0000006581010')) return answer
        const fci = readOne(answer.subarray(0, -2)).value
        const objects = read(fci)
        const proprietary = objects.find(({ tag }) => tag === 0xa5)!.value
        const name = objects.find(({ tag }) => tag === 0x84)!.value
        return concat(write(0x6f, [write(0x84, name), write(0xa5, [proprietary, fromHex('DF700101')])]), answer.subarray(-2))
      }
      return session
    }
    const { outcome, shown } = await pay(card, { amount: 1n, options: { explain: ({ rule }) => explained.push(rule) } })
    expect(outcome).toMatchObject({ result: 'declined', reason: 'tryAnotherInterface' })
    expect(shown).toContain('reader.insertCard')
    expect(explained.join()).toContain('Protocol 2')
  })

  it('amounts in another currency than the rules are refused', async () => {
    const contactless = { ...russianContactless(), currencyCode: 978 }
    await expect(pay(loadCard('mir'), { amount: 1n, contactless })).rejects.toMatchObject({ code: 'bad-argument' })
  })
})
