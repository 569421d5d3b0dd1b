/** Hosts and lines that are silent, slow or gone by chance: as often as the probability says, the same ones every time, host and reader apart. */

import { describe, expect, it } from 'vitest'
import { open } from '../../devices/index.ts'
import { Desk } from '../../simulator/acquirer/desk/desk.ts'
import { parseRules, ruleBook } from '../../simulator/acquirer/rules.ts'
import { openStore } from '../../simulator/acquirer/store.ts'
import { chance } from '../../simulator/chance.ts'
import { faultySender, type LineFaults } from '../../simulator/faults.ts'
import { instant, virtualCounter } from '../../simulator/world.ts'
import { VirtualClock } from '../../src/clock.ts'
import { currency } from '../../src/currency.ts'
import { asFault } from '../../src/errors.ts'
import { pay } from '../../src/payment/pay/payment.ts'
import { pipe } from '../../src/transport/pipe.ts'
import { deskAcquirer } from './acquirer/desk-acquirer.ts'

const throws = (seed: number, probability: number, count: number) => {
  const falls = chance(seed)
  return Array.from({ length: count }, () => falls(probability))
}

describe('chance', () => {
  it.each([0.01, 0.1, 0.5, 0.9])('of %d comes about so often, for any seed', probability => {
    for (const seed of [1, 2, 7, 20260326, 0xffff_ffff]) {
      const share = throws(seed, probability, 20_000).filter(Boolean).length / 20_000
      expect(Math.abs(share - probability)).toBeLessThan(0.02)
    }
  })

  it('is the same for the same seed, and another for another', () => {
    expect(throws(7, 0.3, 200)).toEqual(throws(7, 0.3, 200))
    expect(throws(7, 0.3, 200)).not.toEqual(throws(8, 0.3, 200))
    expect(new Set([1, 2, 3, 4, 5, 6, 7, 8].map(seed => chance(seed)(0.5))).size).toBe(2)
  })
})

describe('rules of the host', () => {
  const met = (rules: Parameters<typeof ruleBook>[0], count = 400) => {
    const book = ruleBook(rules)
    return Array.from({ length: count }, () =>
      book({ on: 'authorisation' })
        .map(one => one.do)
        .join(),
    )
  }

  it('meet so many payments, each by a chance of its own, and count only those that they meet', () => {
    const half = met([{ do: 'silence', probability: 0.5, seed: 3 }])
    expect(half.filter(Boolean).length).toBeGreaterThan(160)
    expect(half.filter(Boolean).length).toBeLessThan(240)
    expect(met([{ do: 'silence', probability: 0.5, seed: 3 }])).toEqual(half)
    // Another rule beside it takes nothing from its chance.
    const beside = met([
      { do: 'delay', ms: 10, probability: 0.5, seed: 4 },
      { do: 'silence', probability: 0.5, seed: 3 },
    ])
    expect(beside.map(said => (said.includes('silence') ? 'silence' : ''))).toEqual(half)
    expect(met([{ do: 'dropRequest', probability: 0.2, times: 3 }]).filter(Boolean)).toHaveLength(3)
  })

  it.each([
    [{ do: 'silence', probability: 0 }, 'probability'],
    [{ do: 'silence', probability: 1.5 }, 'probability'],
    [{ do: 'silence', probability: '0.5' }, 'probability'],
    [{ do: 'silence', seed: 0 }, 'seed'],
    [{ do: 'silence', seed: 1.5 }, 'seed'],
  ])('%j is refused by its field', (rule, field) => {
    expect(() => parseRules([rule])).toThrow(
      expect.objectContaining({ code: 'bad-config', details: expect.objectContaining({ path: `0.${field}` }) }),
    )
  })
})

describe('the line of a reader', () => {
  const frames = async (faults: LineFaults, count = 200) => {
    const clock = new VirtualClock()
    const [host, line] = pipe({ clock })
    const got: number[] = []
    const reading = (async () => {
      for await (const bytes of host.incoming) got.push(...bytes)
    })().catch(() => {}) // the reader hangs up at the end
    const send = faultySender(line, { faults, clock, random: length => new Uint8Array(length) }, new AbortController().signal)
    for (let at = 0; at < count; at++) await clock.settle(send(Uint8Array.of(at)).catch(() => {}))
    await line.close()
    await reading
    return got
  }

  it('loses as many frames as chance says, the same ones every time', async () => {
    const got = await frames({ silent: true, probability: 0.25, seed: 5 })
    expect(200 - got.length).toBeGreaterThan(30)
    expect(200 - got.length).toBeLessThan(70)
    expect(await frames({ silent: true, probability: 0.25, seed: 5 })).toEqual(got)
    expect(await frames({ silent: true, probability: 0.25, seed: 6 })).not.toEqual(got)
    expect(await frames({ silent: true, probability: 0 })).toHaveLength(200)
    expect(await frames({ silent: true })).toEqual([])
  })

  it('is gone at some frame', async () => {
    const got = await frames({ gone: true, probability: 0.05, seed: 5 })
    expect(got.length).toBeLessThan(200)
    expect(await frames({ gone: true, probability: 0.05, seed: 5 })).toEqual(got)
  })
})

it('twenty payments over a bad host and a bad line end the same way twice, and nobody pays for nothing', async () => {
  const run = async (seed: number) => {
    const clock = new VirtualClock()
    const desk = new Desk(
      {
        clock,
        rules: [
          { do: 'silence', probability: 0.2, seed },
          { do: 'dropRequest', probability: 0.2, seed: seed + 1 },
          { do: 'delay', ms: 3000, probability: 0.3, seed: seed + 2 },
        ],
      },
      await openStore(undefined),
    )
    const counter = await virtualCounter({ clock, card: 'mir', pace: instant, resultTime: 0 })
    Object.assign(counter.reader.faults, { silent: true, probability: 0.02, seed })
    const reader = await clock.settle(open(counter.link(), { family: 'qpos', clock }))
    const ends: string[] = []
    for (let at = 0; at < 20; at++) {
      const number = `chance_${at}`
      const said = await clock.settle(
        pay(
          { number, amount: 10_000n, currency: currency('RUB') },
          {
            reader,
            acquirer: deskAcquirer(desk),
            clock,
            merchant: { name: 'M', id: '1', terminal: '1' },
            statusTime: 5000,
            reversalTime: 5000,
          },
        ).then(
          ({ result, reason }) => `${result} ${reason ?? ''}`,
          error => `fault ${asFault(error).code}`,
        ),
      )
      const charged = desk.book.order(number, '1')?.state === 'Approved'
      if (!said.startsWith('unknown')) expect([number, said.startsWith('approved')]).toEqual([number, charged])
      ends.push(said)
      counter.next({ card: 'mir' })
    }
    await clock.settle(reader.close())
    await counter.close()
    return ends
  }
  const first = await run(11)
  expect(new Set(first).size).toBeGreaterThan(1)
  expect(await run(11)).toEqual(first)
})
