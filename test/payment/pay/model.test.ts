/** Payments under random trouble: whatever the host, the line, the reader and the merchant do, money and result agree. */

import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AcquirerHost, type HostEvent, startAcquirer } from '../../../simulator/acquirer/host.ts'
import type { HostRule } from '../../../simulator/acquirer/rules.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { currency } from '../../../src/currency.ts'
import type { CvmName } from '../../../src/emv/outcome.ts'
import { isFault } from '../../../src/errors.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import { type PaymentResult, pay } from '../../../src/payment/pay/payment.ts'
import { CounterReader } from '../../devices/counter-reader.ts'

/** From here on nobody is approved unverified: the figure of the rule, not the code's own. */
const limit = 300_000n
const money = fc.constantFrom(150_00n, limit - 1n, limit, limit + 1n, 9_999_99n)
const methods: readonly CvmName[] = ['none', 'onlinePin', 'offlinePin', 'signature', 'device']
const RUB = currency('RUB')
const merchant = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
const signature = { strokes: [[{ x: 0, y: 0 }, { x: 9, y: 9 }]] } // biome-ignore format: one stroke
const card = loadCard('visa-signature')
const { pan } = profiles['visa-signature']

const trouble: fc.Arbitrary<HostRule> = fc.oneof(
  fc.constantFrom<HostRule>(
    { do: 'dropRequest' },
    { do: 'dropAnswer' },
    { do: 'garbage' },
    { do: 'wrongArpc' },
    { do: 'decline', code: '05', reason: 'no' },
    { do: 'refer', reason: 'call' },
  ),
  fc.integer({ min: 1, max: 40 }).map((ms): HostRule => ({ do: 'delay', ms })),
)
/** More often nothing than something. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 2, arbitrary })

const cases = fc.record({
  rules: seldom(fc.array(trouble, { minLength: 1, maxLength: 2 })),
  breaks: seldom(fc.constantFrom('beforeHost' as const, 'afterHost' as const)),
  /** Milliseconds after which the merchant cancels. */
  cancel: seldom(fc.integer({ min: 0, max: 60 })),
  /** The host's machine goes down when it has answered or dropped something. */
  dies: fc.boolean(),
  tampered: seldom(fc.constant(true)),
  amount: money,
  cvm: fc.constantFrom(...methods),
  by: fc.constantFrom('chip' as const, 'tap' as const),
  /** Whether the customer signs where the app asks. */
  signs: fc.boolean(),
})

type Case = typeof cases extends fc.Arbitrary<infer C> ? C : never

/** Nothing goes wrong: each method, unverified too, chip and tap, below the limit, at it and above. */
const quiet = { rules: undefined, breaks: undefined, cancel: undefined, dies: false, tampered: undefined, signs: true }
const calm = methods.flatMap(cvm =>
  (['chip', 'tap'] as const).flatMap(by => [limit - 1n, limit, limit + 1n].map((amount): [Case] => [{ ...quiet, amount, cvm, by }])),
)

/** The first fetch of a process loads its HTTP client: let that not be part of a race. */
let idle: AcquirerHost
beforeAll(async () => {
  idle = await startAcquirer()
  await httpAcquirer(idle.url).status('warm-up')
})
afterAll(() => idle.close())

it('charged exactly when approved, never without the app knowing', async () => {
  const ends: Record<string, number> = {}
  const met = (end: string) => {
    ends[end] = (ends[end] ?? 0) + 1
  }
  await fc.assert(
    fc.asyncProperty(cases, async ({ rules, breaks, cancel, dies, tampered, amount, cvm, by, signs }) => {
      const seen: HostEvent[] = []
      const host = await startAcquirer({
        ...(rules && { rules }),
        onEvent(event) {
          seen.push(event)
          if (dies && event.type === 'dropped') void host.close()
        },
      })
      const before = host.balance(pan)!
      const reader = new CounterReader({
        ...{ card, cvm, by },
        ...(breaks && { breaks }),
        ...(tampered && { tamper: tags => void tags.set(0x9f37, new Uint8Array(4)) }),
      })
      const stop = new AbortController()
      const timer = cancel === undefined ? undefined : setTimeout(() => stop.abort(), cancel)
      let result: PaymentResult | undefined
      let code: string | undefined
      try {
        const acquirer = httpAcquirer(host.url, { timeout: 1000 })
        const times = { statusTime: 60, reversalTime: 150 }
        const prompts = { captureSignature: async () => (signs ? signature : undefined) }
        const order = { number: 'order', amount, currency: RUB }
        result = await pay(order, { reader, acquirer, merchant, prompts, ...times, signal: stop.signal })
      } catch (error) {
        if (!isFault(error, 'link-closed', 'aborted')) throw error
        code = error.code
      } finally {
        clearTimeout(timer)
      }
      await new Promise(resolve => setTimeout(resolve, 45)) // a host that was slow has decided by now
      const charged = before - host.balance(pan)!
      await host.close()
      const end = result?.result ?? code!
      met(end)
      if (end === 'approved') {
        expect(charged).toBe(amount)
        // Whoever pays from the limit on was verified, and by what the reader did.
        if (amount >= limit) expect(result).toMatchObject({ cvm: expect.stringMatching(/^(onlinePin|offlinePin|signature|device)$/) })
        if (cvm === 'signature') expect(signs).toBe(true)
        expect(result!.cvm).toBe(cvm)
        met(amount < limit ? 'below the limit' : `from the limit on, ${cvm}`)
      } else if (end === 'unknown') expect(result!.reversal).toBe('pending')
      else expect(charged).toBe(0n)
      if (end === 'link-closed') expect(seen).toEqual([])
      expect(seen.filter(({ type }) => type === 'authorisation').length).toBeLessThanOrEqual(1)
    }),
    { seed: 12, numRuns: 140, examples: calm },
  )
  // Every kind of ending was met, or this test shows less than it says.
  expect(Object.keys(ends)).toEqual(
    expect.arrayContaining([
      'approved',
      'cancelled',
      'declined',
      'link-closed',
      'unknown',
      'below the limit',
      ...methods.slice(1).map(cvm => `from the limit on, ${cvm}`),
    ]),
  )
}, 60_000)
