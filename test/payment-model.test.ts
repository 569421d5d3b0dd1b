/** Payments under random trouble: whatever the host, the line, the reader and the merchant do, money and result agree. */

import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AcquirerHost, type HostEvent, startAcquirer } from '../simulator/acquirer/host.ts'
import type { HostRule } from '../simulator/acquirer/rules.ts'
import { loadCard } from '../simulator/cards/icc.ts'
import { profiles } from '../simulator/cards/profiles/index.ts'
import { currency } from '../src/currency.ts'
import { isFault } from '../src/errors.ts'
import { httpAcquirer } from '../src/payment/http-acquirer.ts'
import { type PaymentResult, pay } from '../src/payment/payment.ts'
import { CounterReader } from './counter-reader.ts'

const amount = 150_00n
const RUB = currency('RUB')
const merchant = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
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
const cases = fc.record({
  rules: fc.array(trouble, { maxLength: 2 }),
  breaks: fc.option(fc.constantFrom('beforeHost' as const, 'afterHost' as const), { nil: undefined, freq: 3 }),
  /** Milliseconds after which the merchant cancels. */
  cancel: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined }),
  /** The host's machine goes down when it has answered or dropped something. */
  dies: fc.boolean(),
  tampered: fc.boolean(),
})

/** The first fetch of a process loads its HTTP client: let that not be part of a race. */
let idle: AcquirerHost
beforeAll(async () => {
  idle = await startAcquirer()
  await httpAcquirer(idle.url).status('warm-up')
})
afterAll(() => idle.close())

it('charged exactly when approved, never without the app knowing', async () => {
  const ends: Record<string, number> = {}
  await fc.assert(
    fc.asyncProperty(cases, async ({ rules, breaks, cancel, dies, tampered }) => {
      const seen: HostEvent[] = []
      const host = await startAcquirer({
        rules,
        onEvent(event) {
          seen.push(event)
          if (dies && event.type === 'dropped') void host.close()
        },
      })
      const before = host.balance(pan)!
      const reader = new CounterReader({
        card,
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
        result = await pay({ number: 'order', amount, currency: RUB }, { reader, acquirer, merchant, ...times, signal: stop.signal })
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
      ends[end] = (ends[end] ?? 0) + 1
      if (end === 'approved') expect(charged).toBe(amount)
      else if (end === 'unknown') expect(result!.reversal).toBe('pending')
      else expect(charged).toBe(0n)
      if (end === 'link-closed') expect(seen).toEqual([])
      expect(seen.filter(({ type }) => type === 'authorisation').length).toBeLessThanOrEqual(1)
    }),
    { seed: 12, numRuns: 100 },
  )
  // Every kind of ending was met, or this test shows less than it says.
  expect(Object.keys(ends)).toEqual(expect.arrayContaining(['approved', 'cancelled', 'declined', 'link-closed', 'unknown']))
}, 60_000)
