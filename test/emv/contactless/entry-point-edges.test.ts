/** Entry Point where no type-approval case goes: a card taken away, a field that goes off, kernel 1 for a Visa card, hostile directories. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, fromHex, fromText, hex } from '../../../src/bytes.ts'
import { currency } from '../../../src/currency.ts'
import type { Card } from '../../../src/emv/card.ts'
import { candidatesOf, parsePpse, requestedKernel } from '../../../src/emv/contactless/candidates.ts'
import { type Combination, preProcess, TTQ } from '../../../src/emv/contactless/combination.ts'
import { type ContactlessKernel, EntryPoint, type KernelActivation } from '../../../src/emv/contactless/entry.ts'
import { type ContactlessOutcome, encodeOutcome, encodeUiRequest, UI, type UiRequest } from '../../../src/emv/contactless/outcome.ts'
import { isSet } from '../../../src/emv/data.ts'
import { Fault, isFault } from '../../../src/errors.ts'
import { write } from '../../../src/tlv/ber.ts'

const rub = currency('RUB')
const visaAid = fromHex('A0000000031010')
const combination = (kernel: number, more: Partial<Combination> = {}): Combination => ({
  aid: visaAid,
  kernel: Uint8Array.of(kernel),
  ...more,
})

function fci(name: Uint8Array, ...proprietary: Uint8Array[]): Uint8Array {
  return write(0x6f, [write(0x84, name), write(0xa5, proprietary)])
}
function ppse(...entries: Uint8Array[][]): Uint8Array {
  return fci(
    fromText('2PAY.SYS.DDF01'),
    write(
      0xbf0c,
      entries.map(entry => write(0x61, entry)),
    ),
  )
}
const ok = (data: Uint8Array) => concat(data, Uint8Array.of(0x90, 0x00))

interface Bench {
  shown: UiRequest[]
  activations: KernelActivation[]
  field: string[]
  entry: EntryPoint
}

/** An Entry Point over a card that answers by DF name, with kernels that end as told. */
function bench(
  combinations: Combination[],
  answers: Record<string, (tap: number) => Uint8Array>,
  outcomes: (ContactlessOutcome | Fault)[],
): Bench {
  const shown: UiRequest[] = []
  const activations: KernelActivation[] = []
  const field: string[] = []
  let taps = 0
  const card: Card = {
    interface: 'contactless',
    atr: new Uint8Array(),
    async transmit(apdu) {
      const name = hex(apdu.subarray(5, 5 + apdu[4]))
      return answers[name]?.(taps) ?? fromHex('6A82')
    },
  }
  const kernel: ContactlessKernel = async activation => {
    activations.push(activation)
    const outcome = outcomes.shift()
    if (outcome instanceof Fault) throw outcome
    return outcome ?? { status: 'approved' }
  }
  const entry = new EntryPoint(
    {
      combinations,
      kernel: () => kernel,
      ui: request => shown.push(request),
      field: {
        async activate() {
          taps++
          field.push('on')
          return card
        },
        async off({ hold = 0 } = {}) {
          field.push(`off ${hold}`)
        },
      },
    },
    { amount: 299_999n, currency: rub },
    new AbortController().signal,
  )
  return { shown, activations, field, entry }
}

const pdol = write(0x9f38, fromHex('9F66049F0206'))
const directory = () => ok(ppse([write(0x4f, visaAid), write(0x87, Uint8Array.of(1)), write(0x9f2a, Uint8Array.of(3))]))
const names = { ppse: hex(fromText('2PAY.SYS.DDF01')), visa: hex(visaAid) }

describe('Entry Point', () => {
  it('lets a card that was taken away be presented again', async () => {
    const gone = new Fault('card-removed', 'the card left the field')
    const { entry, shown, field } = bench([combination(3)], { [names.ppse]: directory, [names.visa]: () => ok(fci(visaAid, pdol)) }, [gone])
    expect((await entry.run('A')).status).toBe('approved')
    expect(shown.map(({ message }) => message)).toEqual([UI.presentCard, UI.presentCardAgain])
    expect(field).toEqual(['on', 'on'])
  })

  it('takes a torn PPSE the same way', async () => {
    const torn = (tap: number) => {
      if (tap === 1) throw new Fault('card-mute', 'no answer')
      return directory()
    }
    const { entry, activations } = bench([combination(3)], { [names.ppse]: torn, [names.visa]: () => ok(fci(visaAid, pdol)) }, [])
    expect((await entry.run('A')).status).toBe('approved')
    expect(activations).toHaveLength(1)
  })

  it('switches the field off for as long as a "see phone" outcome asks', async () => {
    const seePhone: ContactlessOutcome = {
      status: 'tryAgain',
      start: 'B',
      fieldOff: 1300,
      uiOnOutcome: { message: UI.seePhone, status: 'processingError' },
      uiOnRestart: { message: UI.presentCardAgain, status: 'readyToRead' },
    }
    const { entry, shown, field } = bench([combination(3)], { [names.ppse]: directory, [names.visa]: () => ok(fci(visaAid, pdol)) }, [
      seePhone,
    ])
    await entry.run('A')
    expect(shown.map(({ message }) => message)).toEqual([UI.presentCard, UI.seePhone, UI.presentCardAgain])
    expect(field).toEqual(['on', 'off 1300', 'on'])
  })

  it('runs kernel 1 for a Visa card that does not ask for the TTQ, where the reader has it', async () => {
    const answers = { [names.ppse]: directory, [names.visa]: () => ok(fci(visaAid)) }
    const with1 = bench([combination(3), combination(1)], answers, [])
    await with1.entry.run('A')
    expect(hex(with1.activations[0].prepared.combination.kernel)).toBe('01')
    const without = bench([combination(3)], answers, [])
    expect(await without.entry.run('A')).toMatchObject({ status: 'endApplication', uiOnOutcome: { message: UI.tryAnotherCard } })
  })

  it('goes on with the next application after Select Next, and ends when none is left', async () => {
    const electron = fromHex('A0000000032010')
    const answers = {
      [names.ppse]: () =>
        ok(ppse([write(0x4f, electron), write(0x87, Uint8Array.of(2))], [write(0x4f, visaAid), write(0x87, Uint8Array.of(1))])),
      [names.visa]: () => ok(fci(visaAid, pdol)),
      [hex(electron)]: () => ok(fci(electron, pdol)),
    }
    const { entry, activations, field } = bench([combination(3), { ...combination(3), aid: electron }], answers, [
      { status: 'selectNext', start: 'C' },
      { status: 'selectNext', start: 'C' },
    ])
    expect((await entry.run('A')).status).toBe('endApplication')
    expect(activations.map(({ fci }) => hex(fci.dfName))).toEqual([hex(visaAid), hex(electron)])
    expect(field).toEqual(['on'])
  })

  it('restarts at D with the same card and application, and hands over the answer', async () => {
    const answers = { [names.ppse]: directory, [names.visa]: () => ok(fci(visaAid, pdol)) }
    const { entry, activations, field } = bench([combination(3)], answers, [{ status: 'onlineRequest', start: 'D' }])
    const outcome = await entry.run('A')
    const response = { code: '00', issuerAuthenticationData: fromHex('0102030405060708') }
    await entry.run('D', { outcome, response })
    expect(activations[1]).toMatchObject({ start: 'D', restart: true, onlineResponse: response })
    expect(field).toEqual(['on'])
  })

  it('can be stopped', async () => {
    const controller = new AbortController()
    const waiting = new EntryPoint(
      {
        combinations: [combination(3)],
        kernel: () => async () => ({ status: 'approved' }),
        ui: () => {},
        field: {
          activate: ({ signal }) =>
            new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Fault('aborted', 'aborted')))),
          off: async () => {},
        },
      },
      { amount: 1n, currency: rub },
      controller.signal,
    ).run('A')
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' })
  })

  it('refuses a combination without a kernel, or that cannot be', () => {
    const make = (combinations: Combination[], kernel?: ContactlessKernel) => () =>
      new EntryPoint(
        { combinations, kernel: () => kernel, ui: () => {}, field: { activate: () => Promise.reject(), off: async () => {} } },
        { amount: 1n, currency: rub },
        new AbortController().signal,
      )
    const some: ContactlessKernel = async () => ({ status: 'approved' })
    expect(make([combination(3)])).toThrow('combination A0000000031010/03: there is no such kernel')
    expect(make([{ ...combination(3), aid: fromHex('A000') }], some)).toThrow(/AID has 2 bytes, the rule is 5 to 16/)
    expect(make([{ ...combination(3), kernel: fromHex('8106') }], some)).toThrow(/kernel identifier/)
    expect(make([combination(3, { ttq: fromHex('3600') })], some)).toThrow(/TTQ has 2 bytes, the rule is 4/)
    expect(make([combination(3, { floorLimit: -1n })], some)).toThrow(/floorLimit is -1/)
  })
})

describe('directory entries', () => {
  it.each([
    ['', '03'], ['00', '03'], ['40', '03'], ['03', '03'], ['43', '43'], ['81', undefined], ['8106', undefined], ['810643', '810643'],
    ['81064355', '810643'], ['C31234', 'C31234'], ['C0123456', 'C0123456'],
  ])('of a Visa application with 9F2A %s ask for kernel %s', (kernel, expected) => {
    const asked = requestedKernel({ name: visaAid, kernel: kernel === '' ? undefined : fromHex(kernel) })
    expect(asked && hex(asked)).toBe(expected)
  }) // biome-ignore format: a table

  it('a Mir card asks for its domestic kernel and finds it', () => {
    const mir = fromHex('A0000006581010')
    const entries = parsePpse(ppse([write(0x4f, mir), write(0x87, Uint8Array.of(1)), write(0x9f2a, fromHex('810643'))]))
    const prepared = [
      preProcess({ aid: mir, kernel: fromHex('810643') }, 100n, rub),
      preProcess({ aid: mir, kernel: Uint8Array.of(3) }, 100n, rub),
    ]
    expect(candidatesOf(entries, prepared).map(one => hex(one.prepared.combination.kernel))).toEqual(['810643'])
  })

  it('in any bytes are read or refused, never more', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), noise => {
        try {
          expect(parsePpse(write(0x6f, [write(0xa5, [write(0xbf0c, noise)])])).length).toBeLessThanOrEqual(noise.length)
        } catch (error) {
          expect(isFault(error, 'tlv')).toBe(true)
        }
      }),
      { seed: 20260326, numRuns: 300 },
    )
  })
})

describe('what stands behind a template', () => {
  const behind = fromHex('73095F280206439F0A0101FF')
  it('of a directory or an application is not looked at, be it well-formed or not', async () => {
    for (const more of [behind, fromHex('9F'), fromHex('6F7F')]) {
      const found = directory().subarray(0, -2)
      expect(parsePpse(concat(found, more))).toEqual(parsePpse(found))
      const answers = { [names.ppse]: () => ok(concat(found, more)), [names.visa]: () => ok(concat(fci(visaAid, pdol), more)) }
      const { activations, entry } = bench([combination(3)], answers, [])
      expect((await entry.run('A')).status).toBe('approved')
      expect(activations).toHaveLength(1)
    }
  })
})

describe('pre-processing', () => {
  const limits = { transactionLimit: 1_000_000n, floorLimit: 100_000n, cvmRequiredLimit: 300_000n, ttq: fromHex('36C04000') }
  it.each([
    [99_999n, { notAllowed: false, floorLimitExceeded: false, cvmLimitExceeded: false }, '36004000'],
    [100_000n, { floorLimitExceeded: false }, '36004000'],
    [100_001n, { floorLimitExceeded: true, cvmLimitExceeded: false }, '36804000'],
    [299_999n, { cvmLimitExceeded: false }, '36804000'],
    [300_000n, { cvmLimitExceeded: true }, '36C04000'],
    [999_999n, { notAllowed: false }, '36C04000'],
    [1_000_000n, { notAllowed: true }, '36C04000'],
  ])('at %s', (amount, indicators, ttq) => {
    const prepared = preProcess(combination(3, limits), amount, rub)
    expect(prepared).toMatchObject(indicators)
    expect(hex(prepared.ttq!)).toBe(ttq)
  })

  it.each([
    [undefined, '36004000', false, true],
    [true, '36004000', false, true],
    [false, '36004000', true, false],
    [undefined, '3E004000', true, false],
  ])('of zero: allowed %s, TTQ %s', (zeroAmountAllowed, ttq, notAllowed, online) => {
    const prepared = preProcess(combination(3, { zeroAmountAllowed, ttq: fromHex(ttq) }), 0n, rub)
    expect(prepared.notAllowed).toBe(notAllowed)
    expect(isSet(prepared.ttq, TTQ.onlineCryptogramRequired)).toBe(online)
  })

  it.each([
    ['JPY', 1n],
    ['RUB', 100n],
    ['KWD', 1000n],
  ])('one unit of %s is a status check', (code, amount) => {
    const check = (amount: bigint) => preProcess(combination(3, { statusCheck: true }), amount, currency(code)).statusCheckRequested
    expect([check(amount), check(amount + 1n)]).toEqual([true, false])
  })
})

describe('outcomes in bytes', () => {
  it('are those of Book C-2', () => {
    expect(
      hex(encodeOutcome({ status: 'onlineRequest', cvm: 'onlinePin', uiOnOutcome: { message: UI.authorising, status: 'notReady' } })),
    ).toBe('30F0F02080F0FF00')
    expect(hex(encodeOutcome({ status: 'selectNext', start: 'C', fieldOff: 1300 }))).toBe('5020F0F000F00D00')
    expect(
      hex(
        encodeUiRequest({
          message: UI.approved,
          status: 'notReady',
          hold: 1300,
          language: 'ruen',
          value: { qualifier: 'balance', amount: 12345n, currency: 643 },
        }),
      ),
    ).toBe('03000000137275656E00000000200000000123450643')
  })
})
