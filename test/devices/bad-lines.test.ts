/** One message in five of a reader's line is lost, damaged, doubled or late: every payment ends soon, with the right word, and nobody pays twice. */

import { describe, expect, it } from 'vitest'
import { campaign, dialects, percentile } from './bad-lines.ts'

const count = Number(process.env.TAPDIP_LINES ?? 25)
const seed = Number(process.env.TAPDIP_SEED ?? 1)
const only = process.env.TAPDIP_FAMILY

/** Milliseconds that a bad line may add, of 99 in 100 payments. */
const BOUND = 5000

describe.each(dialects)('$family $dialect', dialect => {
  it.skipIf(only !== undefined && only !== (dialect.dialect ?? dialect.family))(
    `${count} payments with a fifth of the messages lost, damaged, doubled or late`,
    async () => {
      const { payments, disagreements, messages } = await campaign(dialect, {
        seed,
        count,
        trace: process.env.TAPDIP_TRACE ? line => console.log(line) : undefined,
      })
      const told: Record<string, number> = {}
      for (const one of payments) told[one.told] = (told[one.told] ?? 0) + 1
      const added = payments.map(one => one.added)
      const p99 = percentile(added, 0.99)
      if (process.env.TAPDIP_LINES) {
        const ms = [0.5, 0.9, 0.99, 1].map(share => percentile(added, share)).join(' / ')
        console.log(`${dialect.dialect ?? dialect.family}: ${messages} messages, added ms (median / p90 / p99 / most) ${ms}`, told)
      }
      if (process.env.TAPDIP_SLOW)
        for (const one of payments.toSorted((x, y) => y.added - x.added).slice(0, 25)) console.log(JSON.stringify(one))
      expect(disagreements).toEqual([])
      expect(p99).toBeLessThanOrEqual(BOUND)
      expect(told.approved ?? 0).toBeGreaterThan(0)
    },
    600_000,
  )
})
