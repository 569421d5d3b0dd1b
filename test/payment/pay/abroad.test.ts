/** Cards and payment systems from elsewhere, with the profiles of docs/profiles.md as a user writes them: by tap and by chip, what is not public by name, the merchant's order. */

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openSoftPos } from '../../../devices/softpos/driver.ts'
import { loadCard, type VirtualCard } from '../../../simulator/cards/icc.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import { testCaKeys } from '../../../simulator/keys.ts'
import { Body } from '../../../simulator/readers/body/body.ts'
import { cardholder } from '../../../simulator/readers/body/cardholder.ts'
import { virtualNfc } from '../../../simulator/readers/body/nfc.ts'
import { instant, startAcquirer, virtualConfig } from '../../../simulator/world.ts'
import { fromHex, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import type { TerminalConfig } from '../../../src/emv/config.ts'
import { parseTerminalConfig } from '../../../src/emv/config-schema.ts'
import { transact } from '../../../src/emv/contact/kernel.ts'
import { requestedKernel } from '../../../src/emv/contactless/candidates.ts'
import { type ContactlessConfig, kernelOf } from '../../../src/emv/contactless/config.ts'
import { parseContactlessConfig } from '../../../src/emv/contactless/config-schema.ts'
import { contactlessFor, russianContactless } from '../../../src/emv/contactless/profiles.ts'
import { tap } from '../../../src/emv/contactless/tap.ts'
import { mposFor } from '../../../src/emv/profiles.ts'
import { kernelIdentifier, knownSchemes } from '../../../src/emv/schemes.ts'
import type { Terminal, Transaction } from '../../../src/emv/terminal.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import { pay as takePayment } from '../../../src/payment/pay/payment.ts'
import { reasonWords } from '../../../src/payment/pay/result.ts'
import { schemeOfAid } from '../../../src/payment/receipt/scheme.ts'
import { issuerOf, pinEntry } from '../../emv/contactless/tap-table.ts'

const page = readFileSync(new URL('../../../docs/profiles.md', import.meta.url), 'utf8')
const [rows, taps] = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, block]) => JSON.parse(block))

/** `tapdip-sim config --currency EUR`, with the rows of the page. */
const terminal = (unit = 'EUR'): TerminalConfig => {
  const ready = virtualConfig(undefined, site => mposFor(unit, site))
  return parseTerminalConfig({ ...ready, applications: [...ready.applications, ...rows] })
}

interface Wish extends Partial<Transaction> {
  readonly name: ProfileName
  readonly amount: bigint
  readonly unit?: string
  readonly contactless?: ContactlessConfig
  readonly card?: VirtualCard
}

async function pay(how: 'tap' | 'chip', { name, amount, unit = 'EUR', contactless = parseContactlessConfig(taps), card, ...more }: Wish) {
  const clock = new VirtualClock()
  const held = card ?? loadCard(name, { clock })
  const { asked, authorise } = issuerOf(clock, profiles[name])
  const sent: string[] = []
  const host: Terminal = { selectApplication: async () => 0, enterPin: pinEntry('1234'), authorise }
  const transaction = { amount, currency: currency(unit), ...more }
  const side = how === 'tap' ? held.contactless({ clock }) : held.contact({ clock })
  const transmit = side.transmit.bind(side)
  side.transmit = (apdu, options) => {
    sent.push(hex(apdu))
    return transmit(apdu, options)
  }
  const field = { activate: async () => side, off: async () => {} }
  const outcome = await clock.settle(
    how === 'tap'
      ? tap(field, transaction, terminal(unit), contactless, host, { clock })
      : transact(side, transaction, terminal(unit), host, { clock }),
  )
  return { outcome, asked, sent }
}

const records = (sent: readonly string[]) => sent.filter(one => one.startsWith('00B2')).map(one => one.slice(4, 8))
const aidOf = ({ outcome }: Awaited<ReturnType<typeof pay>>) => hex(outcome.application!.aid)

describe('the profiles of docs/profiles.md', () => {
  it.each([
    ['girocard', 'A0000003591010028001', 50_01n],
    ['cb-mastercard', 'A0000000421010', 50_01n],
    ['own-scheme', 'F05441504401', 30_01n],
  ] as const)('%s: by tap and by chip, verified from its own limit on', async (name, aid, limit) => {
    for (const [amount, cvm] of [
      [limit - 1n, 'none'],
      [limit, 'onlinePin'],
    ] as const) {
      const seen = await pay('tap', { name, amount })
      expect(seen.outcome).toMatchObject({ result: 'approved', online: true, cvm, interface: 'tap' })
      expect(aidOf(seen)).toBe(aid)
      expect(seen.asked).toMatchObject([{ code: '00' }])
    }
    const chip = await pay('chip', { name, amount: limit })
    expect(chip.outcome).toMatchObject({ result: 'approved', online: true, cvm: 'onlinePin' })
    expect([aidOf(chip), hex(chip.outcome.tags.get(0x95)!)]).toEqual([aid, '0000048000']) // signed by the CA of the configuration
  })

  it('a girocard by kernel 2: all six entries of its file locator are read, in their order, signed ones too', async () => {
    const { outcome, sent } = await pay('tap', { name: 'girocard', amount: 10_00n })
    expect(hex(outcome.tags.get(0x94) ?? fromHex('180101002001010020040400080505010807070108030301'))).toBe(
      '180101002001010020040400080505010807070108030301',
    )
    expect(records(sent)).toEqual(['011C', '0124', '0424', '050C', '070C', '030C'])
  })

  it('the same through openSoftPos', async () => {
    const clock = new VirtualClock()
    const body = new Body({ clock })
    const reader = await openSoftPos({
      channel: virtualNfc(body),
      serial: 'SOFT0001',
      config: terminal(),
      contactless: parseContactlessConfig(taps),
      clock,
    })
    const leave = cardholder(body, { card: loadCard('girocard', { clock }), present: 'tap', pace: instant })
    const { authorise } = issuerOf(clock, profiles.girocard)
    const host: Terminal = { selectApplication: async () => 0, enterPin: pinEntry('1234'), authorise }
    const showing = (async () => {
      for await (const event of reader.events) if (event.type === 'display') body.show(event.message)
    })()
    const outcome = await clock.settle(reader.transact({ amount: 49_99n, currency: currency('EUR') }, host))
    expect(outcome).toMatchObject({ result: 'approved', cvm: 'none', application: { label: 'girocard' } })
    leave()
    await clock.settle(reader.close())
    await showing
  })

  it('an own scheme has a limit from which on it is not taken by tap', async () => {
    expect((await pay('tap', { name: 'own-scheme', amount: 999_99n })).outcome.result).toBe('approved')
    expect((await pay('tap', { name: 'own-scheme', amount: 1000_00n })).outcome).toMatchObject({
      result: 'declined',
      reason: 'noApplication',
    })
  })

  it('two rows with one kernel keep limits of their own', async () => {
    const schemes = taps.schemes.map((one: object & { scheme: string }) =>
      one.scheme === 'girocard' ? { ...one, verifyFrom: 20_00 } : one,
    )
    const contactless = parseContactlessConfig({ ...taps, schemes })
    expect((await pay('tap', { name: 'girocard', amount: 30_00n, contactless })).outcome.cvm).toBe('onlinePin')
    expect((await pay('tap', { name: 'cb-mastercard', amount: 30_00n, contactless })).outcome.cvm).toBe('none')
  })
})

describe('an Interac card', () => {
  it('pays by chip; by tap its payment system is named, and no kernel of its own is made up', async () => {
    const contactless = contactlessFor('CAD')
    const chip = await pay('chip', { name: 'interac', amount: 20_00n, unit: 'CAD' })
    expect(chip.outcome).toMatchObject({ result: 'approved', cvm: 'onlinePin' })
    const { outcome } = await pay('tap', { name: 'interac', amount: 20_00n, unit: 'CAD', contactless })
    expect(outcome).toMatchObject({ result: 'declined', reason: 'kernelUnsupported', application: { label: 'interac' } })
    expect(schemeOfAid(outcome.application!.aid)).toBe('INTERAC')
  })

  it('pays by tap where its row names a kernel and what the card asks for', async () => {
    const row = {
      scheme: 'interac',
      kernel: 'mastercard',
      kernelId: '8101240000',
      verifyFrom: 250_01,
      data: { DF811B: '30', DF8121: '0000000000' },
    }
    const contactless = parseContactlessConfig({ currencyCode: 124, schemes: [row] })
    expect((await pay('tap', { name: 'interac', amount: 250_00n, unit: 'CAD', contactless })).outcome).toMatchObject({
      result: 'approved',
      cvm: 'none',
    })
    expect((await pay('tap', { name: 'interac', amount: 250_01n, unit: 'CAD', contactless })).outcome).toMatchObject({
      result: 'approved',
      cvm: 'onlinePin',
    })
    // The same row without what the card asks for: its AID is taken, its kernel is not there.
    const { kernelId: _, ...without } = row
    const other = parseContactlessConfig({ currencyCode: 124, schemes: [without] })
    expect((await pay('tap', { name: 'interac', amount: 1n, unit: 'CAD', contactless: other })).outcome.reason).toBe('kernelUnsupported')
  })
})

describe('a payment with a card whose kernel is not public', () => {
  it('says whose card it is, in both languages, before any host is asked', async () => {
    const host = await startAcquirer()
    const body = new Body()
    const taken = { config: virtualConfig(undefined, site => mposFor('CAD', site)), contactless: contactlessFor('CAD') }
    const reader = await openSoftPos({ channel: virtualNfc(body), serial: 'SOFT0001', ...taken })
    const leave = cardholder(body, { card: loadCard('interac'), present: 'tap', pace: instant })
    const showing = (async () => {
      for await (const event of reader.events) if (event.type === 'display') body.show(event.message)
    })()
    try {
      const merchant = { name: 'SHOP', id: '635459020000001', terminal: '63545902' }
      const order = { number: '1', amount: 20_00n, currency: currency('CAD') }
      const result = await takePayment(order, { reader, acquirer: httpAcquirer(host.url), merchant })
      expect(result).toMatchObject({ result: 'declined', reason: 'kernelUnsupported' })
      expect(reasonWords(result)).toBe('the kernel of this payment system for taps is not supported: insert the card (INTERAC)')
      expect(reasonWords(result, 'ru')).toMatch(/вставьте карту \(INTERAC\)$/)
      expect(host.orders).toEqual([])
    } finally {
      leave()
      await reader.close()
      await showing
      await host.close()
    }
  })
})

describe('what is not public', () => {
  it.each(knownSchemes.filter(({ kernels }) => kernels.length === 0))(
    '$name is refused by name, and taken where its row names a kernel',
    ({ name, aids }) => {
      const row = { scheme: name, verifyFrom: 5001 }
      expect(() => parseContactlessConfig({ currencyCode: 978, schemes: [row] })).toThrowError(
        expect.objectContaining({ code: 'unsupported', message: expect.stringContaining(`${name}: its contactless kernel`) }),
      )
      const { schemes } = parseContactlessConfig({ currencyCode: 978, schemes: [{ ...row, kernel: 'mastercard' }] })
      expect(schemes[0].aids.map(hex)).toEqual(aids)
      expect(kernelOf(schemes[0])).toBe('mastercard')
      expect(page).toContain(`\`${name}\``)
    },
  )

  it.each([
    [{ scheme: 'cb', verifyFrom: 1 }, /kernel: cb cards ask for mastercard or visa: one row for each/],
    [{ scheme: 'cb', kernel: 'visa', verifyFrom: 1 }, /ttq: visa cards ask for/],
    [{ scheme: 'shop card', aids: ['F000000001'], verifyFrom: 1 }, /kernel: whose kernel takes the cards of shop card/],
    [{ scheme: 'shop card', kernel: 'jcb', verifyFrom: 1 }, /aids: shop card has no AIDs/],
    [{ scheme: 'visa', kernel: 'jcb', aids: ['A0000000031010'], verifyFrom: 1 }, /kernel: visa cards have their own kernel/],
    [{ scheme: 'shop card', kernel: 'jcb', kernelId: '40', aids: ['F000000001'], verifyFrom: 1 }, /kernelId: names a kernel/],
    [{ scheme: 'shop card', kernel: 'jcb', kernelId: '8106', aids: ['F000000001'], verifyFrom: 1 }, /kernelId: names a kernel/],
    [{ scheme: 'Shop!', kernel: 'jcb', aids: ['F000000001'], verifyFrom: 1 }, /scheme: 1 to 32 small letters/],
  ])('%o: %s', (row, said) => {
    expect(() => parseContactlessConfig({ currencyCode: 978, schemes: [row] })).toThrowError(
      expect.objectContaining({ code: 'bad-config', message: expect.stringMatching(said) }),
    )
  })

  it('a parsed configuration is parsed to itself, and identifiers are cut as a card’s are', () => {
    const once = parseContactlessConfig(taps)
    expect(parseContactlessConfig(once)).toEqual(once)
    for (const id of ['02', '0200000000000000', '2A', '810643', '8106430000', 'C05441', 'C054410011', '43']) {
      const kernel = fromHex(id)
      expect(requestedKernel({ name: fromHex('F05441504401'), kernel })).toEqual(kernelIdentifier(kernel))
    }
    expect(kernelIdentifier(fromHex('8106430000'))).toEqual(fromHex('810643'))
    expect(kernelIdentifier(fromHex('C054410011'))).toEqual(fromHex('C054410011'))
  })

  it('every test CA key belongs to a scheme that has one: the domestic ones have theirs', () => {
    const rids = new Set(testCaKeys.map(({ rid }) => hex(rid)))
    for (const rid of ['A000000042', 'A000000359', 'D276000025', 'A000000277', 'F054415044']) expect(rids).toContain(rid)
  })
})

describe('a co-badged tap', () => {
  const routed = (...routing: string[]) => parseContactlessConfig({ ...taps, routing })

  it('the card’s priority decides where the merchant has no order', async () => {
    expect(aidOf(await pay('tap', { name: 'cb-mastercard', amount: 10_00n }))).toBe('A0000000421010')
    // And whatever is asked for: without an order of the merchant’s there is nothing to override.
    expect(aidOf(await pay('tap', { name: 'cb-mastercard', amount: 10_00n, application: 'MASTERCARD' }))).toBe('A0000000421010')
  })

  it.each([
    [['mastercard', 'cb'], undefined, 'A0000000041010'],
    [['mastercard'], undefined, 'A0000000041010'],
    [['girocard'], undefined, 'A0000000421010'], // neither is in it: the card’s priority
    [['cb', 'mastercard'], undefined, 'A0000000421010'],
    [['mastercard', 'cb'], 'CB', 'A0000000421010'],
    [['cb', 'mastercard'], ' mastercard ', 'A0000000041010'],
    [['cb', 'mastercard'], 'VISA', 'A0000000421010'], // not on the card: `pay` charges nothing then
  ])('merchant %o, customer %s: %s', async (order, application, aid) => {
    const wish = {
      name: 'cb-mastercard',
      amount: 10_00n,
      contactless: routed(...order),
      ...(application !== undefined && { application }),
    } as const
    const seen = await pay('tap', wish)
    expect([seen.outcome.result, aidOf(seen)]).toEqual(['approved', aid])
  })

  it('an order names schemes of the rules, once; in roubles there is none', () => {
    expect(() => routed('visa')).toThrowError(/routing\.0: 'visa' is a scheme of these rules/)
    expect(() => routed('cb', 'cb')).toThrowError(/routing\.1/)
    const russian = russianContactless()
    expect(() => parseContactlessConfig({ ...russian, routing: ['mastercard', 'mir'] })).toThrowError(
      expect.objectContaining({ code: 'bad-config', message: expect.stringContaining('the card’s own priority decides') }),
    )
  })

  it('in Russia the card’s priority is the rule, whatever the customer asks for', async () => {
    const clock = new VirtualClock()
    const { authorise } = issuerOf(clock, profiles['mir-maestro'])
    const field = { activate: async () => loadCard('mir-maestro', { clock }).contactless({ clock }), off: async () => {} }
    const host: Terminal = { selectApplication: async () => 0, enterPin: pinEntry('1234'), authorise }
    const transaction = { amount: 100_00n, currency: currency('RUB'), application: 'Maestro' }
    const outcome = await clock.settle(tap(field, transaction, virtualConfig(), russianContactless(), host, { clock }))
    expect(hex(outcome.application!.aid)).toBe('A0000006581010')
  })
})
