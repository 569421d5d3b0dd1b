/** The knobs of a served reader's line (`drop 5`, `corrupt 5`, `noise 3` …), every dialect, in memory and over TCP: each payment ends soon, and nobody pays twice. */

import { describe, expect, it } from 'vitest'
import { open } from '../../devices/index.ts'
import type { LineFaults } from '../../simulator/faults.ts'
import { instant, virtualCounter } from '../../simulator/world.ts'
import { currency } from '../../src/currency.ts'
import { asFault } from '../../src/errors.ts'
import { httpAcquirer } from '../../src/payment/host/http.ts'
import { pay } from '../../src/payment/pay/payment.ts'
import { campaign, dialects } from './bad-lines.ts'

const knobs: readonly (readonly [string, LineFaults])[] = [
  ['drop 5', { drop: 5 }],
  ['drop 7', { drop: 7 }],
  ['drop 10', { drop: 10 }],
  ['corrupt 5', { corrupt: 5 }],
  ['corrupt 10', { corrupt: 10 }],
  ['noise 3', { noise: 3 }],
]

/** Milliseconds that a bad line may add to a payment. */
const BOUND = 6000
/** The same of the first loss, where it comes while a chip works and a reader cannot be asked meanwhile: the line was good until then, and slow chips are. */
const FIRST_LOSS = 16_000
/** Milliseconds of real time after which a payment over TCP is given up by the app. */
const GIVEN_UP = 25_000
const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }

describe.each(dialects)('$family $dialect', dialect => {
  it.each(knobs)(
    '%s, in memory',
    async (_, faults) => {
      const { payments, disagreements } = await campaign(dialect, { seed: 1, count: 10, faults })
      expect(disagreements).toEqual([])
      // Each payment opens its reader anew, and may have a first loss of its own.
      const added = payments.map(one => one.added).toSorted((a, b) => b - a)
      expect(added[0]).toBeLessThanOrEqual(dialect.family === 'idtech' ? FIRST_LOSS : BOUND)
      expect(added[2]).toBeLessThanOrEqual(BOUND)
    },
    120_000,
  )

  it.concurrent.each(knobs)(
    '%s, over TCP',
    async (name, faults) => {
      await using counter = await virtualCounter({
        ...dialect,
        card: 'visa-signature',
        pace: { ...instant, present: 500 },
        listen: 'tcp:0',
      })
      await using reader = await open(counter.uri)
      Object.assign(counter.reader.faults, faults)
      const order = { number: `tcp ${name}`, amount: 250_000n, currency: currency('RUB') }
      const acquirer = httpAcquirer(counter.acquirer.url)
      const signal = AbortSignal.timeout(GIVEN_UP)
      const paying = pay(order, { reader, acquirer, merchant, prompts: { selectApplication: async () => 0 }, signal })
      const told = await paying.then(
        ({ result }) => result,
        error => `fault ${asFault(error).code}`,
      )
      expect(signal.aborted, `${told}, and only since it was given up`).toBe(false)
      const operations = counter.acquirer.orders.flatMap(one => one.operations)
      const charged = operations.filter(({ type, state }) => type === 'payment' && state === 'Approved').length
      if (told === 'approved') expect(charged).toBe(1)
      else if (told === 'unknown') expect(charged).toBeLessThanOrEqual(1)
      else expect(charged).toBe(0)
    },
    60_000,
  )
})
