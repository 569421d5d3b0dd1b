/** What a configuration's rules come to at a tap: dynamic reader limits, legacy fast DDA, and the POS entry mode from the kernel to slip and host. */

import { describe, expect, it } from 'vitest'
import { loadCard } from '../../../simulator/cards/icc.ts'
import type { ProfileName } from '../../../simulator/cards/profiles/index.ts'
import { virtualConfig } from '../../../simulator/world.ts'
import { fromHex, fromText, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import type { Card } from '../../../src/emv/card.ts'
import { amexLimitSets, visaLimitSets } from '../../../src/emv/contactless/config.ts'
import { parseContactlessConfig } from '../../../src/emv/contactless/config-schema.ts'
import { russianContactless } from '../../../src/emv/contactless/profiles.ts'
import { tap } from '../../../src/emv/contactless/tap.ts'
import type { AuthorisationRequest, Terminal } from '../../../src/emv/terminal.ts'
import { decodeMessage, encodeMessage } from '../../../src/payment/host/wire.ts'
import { makeReceipt } from '../../../src/payment/receipt/receipt.ts'
import { write } from '../../../src/tlv/ber.ts'
import { signDynamic } from '../oda/oda-card.ts'
import { type Answer, format2, objects } from './scripted-tap.ts'
import { certifiedFiles, signedAid, signedEnvironment } from './signed-tap.ts'

const rub = currency('RUB')
const pinBlock = { format: 0 as const, data: new Uint8Array(8), ksn: fromHex('FFFF9876543210E00001') }

function terminalOf(asked: AuthorisationRequest[]): Terminal {
  return {
    selectApplication: () => Promise.reject(new Error('a list was shown on tap')),
    enterPin: async () => ({ type: 'onlinePin', block: pinBlock }),
    authorise: async request => {
      asked.push(request)
      return { type: 'approved', code: '00' }
    },
  }
}

/** A card with a PPSE of one application; answers by the beginning of a command. */
function scriptedCard(aid: string, fci: Record<string, string>, answers: Readonly<Record<string, Answer>>): Card {
  const entry = write(0x61, [write(0x4f, fromHex(aid)), write(0x87, Uint8Array.of(1))])
  const ppse = write(0x6f, [write(0x84, fromText('2PAY.SYS.DDF01')), write(0xa5, [write(0xbf0c, entry)])])
  const { '9F38': pdol = '', ...discretionary } = fci
  const selected = write(0x6f, [write(0x84, fromHex(aid)), write(0xa5, [objects({ '9F38': pdol }), write(0xbf0c, objects(discretionary))])])
  const all: Record<string, Answer> = {
    '00A404000E': `${hex(ppse)}9000`,
    [`00A40400${hex(Uint8Array.of(aid.length / 2))}`]: `${hex(selected)}9000`,
    ...answers,
  }
  return {
    interface: 'contactless',
    atr: new Uint8Array(),
    async transmit(apdu) {
      const command = hex(apdu)
      const [, answer = '6D00'] =
        Object.entries(all)
          .filter(([start]) => command.startsWith(start))
          .sort(([a], [b]) => b.length - a.length)[0] ?? []
      return fromHex(typeof answer === 'string' ? answer : answer(command))
    },
  }
}

async function pay(card: Card, amount: bigint, scheme: object) {
  const asked: AuthorisationRequest[] = []
  const contactless = parseContactlessConfig({ currencyCode: 643, schemes: [scheme] })
  const { config, options } = signedEnvironment()
  const field = { activate: async () => card, off: async () => {} }
  const outcome = await options.clock.settle(tap(field, { amount, currency: rub }, config, contactless, terminalOf(asked), options))
  return { outcome, asked }
}

describe('dynamic reader limits', () => {
  const visa = {
    scheme: 'visa',
    aids: ['A0000000031010'],
    ttq: '36004000',
    verifyFrom: 300_000,
    dynamicLimits: [
      { programId: '31', verifyFrom: 10_000, refuseFrom: 50_000 },
      { programId: '3102', offlineUpTo: 0 },
    ],
  }
  const card = (programId: string) =>
    scriptedCard(
      'A0000000031010',
      { '9F38': '9F66049F0206', ...(programId && { '9F5A': programId }) },
      {
        '80A8': format2({
          '82': '2000', '9F36': '0001', '57': '4761739001010010D40122010000000000', '9F10': '06011203A00000', '9F26': '0102030405060708',
          '9F27': '80', '9F6C': '8000',
        }),
      },
    ) // biome-ignore format: a table
  it('become sets with kernel 3’s signs, and kernel 4’s', () => {
    const [rules] = parseContactlessConfig({ currencyCode: 643, schemes: [visa] }).schemes
    expect(visaLimitSets(rules)).toEqual([
      { programId: fromHex('31'), cvmRequiredLimit: 10_000n, transactionLimit: 50_000n },
      { programId: fromHex('3102'), floorLimit: 0n },
    ])
    const amex = {
      scheme: 'amex',
      aids: ['A000000025'],
      verifyFrom: 1,
      dynamicLimits: [{ set: 2, verifyFrom: 100, refuseFrom: 200, offlineUpTo: 50 }],
    }
    const [own] = parseContactlessConfig({ currencyCode: 643, schemes: [amex] }).schemes
    expect([...amexLimitSets(own)]).toEqual([[2, { cvm: 100n, transaction: 199n, floor: 50n }]])
  })

  it('decide for the cards that are of a program, the scheme’s for others', async () => {
    // The qualifiers that the card was told: byte 2 b7 asks for verification, b8 for an online cryptogram.
    const told = async (programId: string, amount: bigint) => {
      const commands: string[] = []
      const own = card(programId)
      const spy: Card = {
        ...own,
        transmit: (apdu, options) => {
          commands.push(hex(apdu))
          return own.transmit(apdu, options)
        },
      }
      const { outcome } = await pay(spy, amount, visa)
      return [commands.find(command => command.startsWith('80A8'))?.slice(14, 22), outcome.result] as const
    }
    expect(await told('3101', 9_999n)).toEqual(['36004000', 'approved'])
    expect(await told('3101', 10_000n)).toEqual(['36404000', 'approved'])
    expect(await told('3101', 50_000n)).toEqual([undefined, 'declined'])
    // The longer program has a floor limit alone.
    expect(await told('3102', 50_000n)).toEqual(['36804000', 'approved'])
    // No program, or one that the reader does not know.
    expect(await told('', 299_999n)).toEqual(['36804000', 'approved'])
    expect(await told('99', 300_000n)).toEqual(['36C04000', 'approved'])
  })

  it.each([
    [{ scheme: 'visa', ttq: '36004000', dynamicLimits: [{ set: 1 }] }, 'dynamicLimits.0: by programId, not by set'],
    [{ scheme: 'amex', dynamicLimits: [{ programId: '31' }] }, 'dynamicLimits.0: by set, not by programId'],
    [{ scheme: 'amex', dynamicLimits: [{ verifyFrom: 1 }] }, 'dynamicLimits.0: by set, not by nothing'],
    [{ scheme: 'amex', dynamicLimits: [{ set: 16 }] }, 'dynamicLimits.0.set'],
    [{ scheme: 'amex', dynamicLimits: [{ set: 1, statusCheck: true }] }, 'no limits of American Express'],
    [{ scheme: 'jcb', dynamicLimits: [{ set: 1 }] }, 'jcb has no dynamic reader limits'],
    [{ scheme: 'mastercard', fastDda00: true }, 'fastDda00: mastercard has no fast DDA'],
    [{ scheme: 'visa', ttq: '36004000', refuseOnDeviceFrom: 5 }, 'refuseOnDeviceFrom: visa has one limit for all'],
    [{ scheme: 'amex', randomSelection: { threshold: 0, targetPercentage: 1, maximumPercentage: 2 } }, 'amex selects none at random'],
    [{ scheme: 'jcb', randomSelection: { threshold: 9, targetPercentage: 1, maximumPercentage: 2 } }, 'threshold not above offlineUpTo'],
    [{ scheme: 'jcb', randomSelection: { threshold: 0, targetPercentage: 3, maximumPercentage: 2 } }, 'not above maximumPercentage'],
  ])('%o is refused', (rules, message) => {
    const schemes = [{ aids: ['A0000000031010'], verifyFrom: 1, ...rules }]
    expect(() => parseContactlessConfig({ currencyCode: 643, schemes })).toThrow(message)
  })
})

describe('fast DDA of version 00', () => {
  const files = certifiedFiles('2000', { '9F69': '000A0B0C0D0000', '9F08': '0020' })
  const card = () =>
    scriptedCard(
      signedAid,
      { '9F38': '9F66049F02069F3704' },
      {
        ...files.answers,
        '80A8': format2({
          '82': '2000', '94': files.afl, '9F36': '0001', '9F10': '06011203A00000', '9F26': '0102030405060708', '9F27': '40', '9F6C': '0000',
          '9F4B': hex(signDynamic(fromHex('04AABBCCDD'), fromHex('07070707'))),
        }),
      },
    ) // biome-ignore format: a table

  it.each(['visa', 'unionpay'])('is refused for %s by default, and taken where the rules say so', async scheme => {
    const rules = { scheme, aids: [signedAid], ttq: '36004000', verifyFrom: 300_000, offlineUpTo: 100_000 }
    expect((await pay(card(), 100n, rules)).outcome).toMatchObject({ result: 'declined', reason: 'offlineDeclined' })
    expect((await pay(card(), 100n, { ...rules, fastDda00: true })).outcome).toMatchObject({ result: 'approved', online: false })
  })
})

describe('the POS entry mode', () => {
  const merchant = { name: 'M', id: 'M', terminal: 'T' }
  const table: [ProfileName, string][] = [
    ['mir', '07'],
    ['mastercard', '07'],
    ['dda', '07'],
    ['mastercard-stripe', '91'],
    ['visa-stripe', '91'],
  ]

  it.each(table)('of a tapped %s is %s in the outcome, on the slip, and in what the host gets', async (name, mode) => {
    const asked: AuthorisationRequest[] = []
    const clock = new VirtualClock()
    const { schemes, ...rules } = russianContactless()
    const contactless = { ...rules, schemes: schemes.map(one => (one.scheme === 'visa' ? { ...one, ttq: fromHex('B6004000') } : one)) }
    const card = loadCard(name)
    const field = { activate: async () => card.contactless({ clock }), off: async () => {} }
    const amount = 100_000n
    const outcome = await clock.settle(tap(field, { amount, currency: rub }, virtualConfig(), contactless, terminalOf(asked), { clock }))
    expect(outcome.result).toBe('approved')
    expect(hex(outcome.tags.get(0x9f39)!)).toBe(mode)

    const order = { number: '1', amount, currency: rub }
    const slip = makeReceipt({ merchant, order, result: outcome.result, outcome, at: new Date(0), signed: false })
    expect(slip).toMatchObject({ interface: 'tap', entryMode: mode })

    const { tags, cvm, interface: through } = asked[0]
    const message = {
      key: 'k',
      order,
      merchant,
      type: 'purchase',
      amount,
      currency: rub,
      at: new Date(0),
      interface: through,
      cvm,
      tags,
    } as const
    const received = decodeMessage(JSON.parse(JSON.stringify(encodeMessage(message))))
    expect([received.interface, hex(received.tags.get(0x9f39)!)]).toEqual(['tap', mode])
  })
})
