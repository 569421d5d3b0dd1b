/** MagTek payments over lines that lose, break, delay and invent bytes: they always end, the ending is never better than the host's word, and the reader pays again. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LineFaults } from '../../../simulator/faults.ts'
import type { Outcome } from '../../../src/emv/outcome.ts'
import type { AuthorisationResponse } from '../../../src/emv/terminal.ts'
import { isFault } from '../../../src/errors.ts'
import { Bench, carriers } from './bench.ts'

const faults = fc.record(
  {
    chunk: fc.integer({ min: 1, max: 70 }),
    delay: fc.integer({ min: 1, max: 800 }),
    drop: fc.integer({ min: 1, max: 25 }),
    corrupt: fc.integer({ min: 1, max: 25 }),
    noise: fc.integer({ min: 1, max: 20 }),
  },
  { requiredKeys: [] },
)
const payment = fc.record({
  faults,
  card: fc.constantFrom('mir-maestro', 'visa-signature', 'mastercard'),
  present: fc.constantFrom('dip' as const, 'tap' as const, 'swipe' as const),
  /** Milliseconds after which the faults begin. */
  after: fc.constantFrom(0, 0, 1, 2, 3, 5, 10, 40),
  approves: fc.boolean(),
  dropLink: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined, freq: 3 }),
})

describe.each(carriers)('over %s', carrier => {
  it('whatever happens to the line', async () => {
    await fc.assert(
      fc.asyncProperty(payment, async ({ faults: wrong, card, present, after, approves, dropLink }) => {
        const bench = new Bench({ carrier, v5: { clockSet: true } })
        await bench.open()
        const answers: AuthorisationResponse[] = []
        if (after === 0) Object.assign(bench.device.faults, wrong)
        else bench.clock.timer(after, () => Object.assign(bench.device.faults, wrong))
        if (dropLink !== undefined) bench.clock.timer(dropLink, () => bench.link.drop())
        const authorise = async (request: Parameters<Bench['issue']>[0]) => {
          const response: AuthorisationResponse = approves ? bench.issue(request) : { type: 'declined', code: '05' }
          answers.push(response)
          return response
        }
        const ended: Outcome | undefined = await bench.pay(card, { present }, { authorise }).catch(error => {
          if (!isFault(error) || error.code === 'internal') throw error
          expect(answers).toEqual([]) // a fault is no ending once the host was asked
          return undefined
        })
        if (ended) {
          const approved = answers.some(({ type }) => type === 'approved')
          if (ended.result === 'approved') expect(approved).toBe(true)
          else if (approved) expect(ended.result === 'unknown' || ended.reversal === true).toBe(true)
          if (ended.result === 'approved' || ended.reversal) expect(answers).toHaveLength(1)
        }
        for (const name of Object.keys(bench.device.faults)) delete bench.device.faults[name as keyof LineFaults]
        await bench.clock.advance(70_000)
        await bench.clock.settle(bench.reader.close())
        await bench.open()
        expect(await bench.pay('visa-signature')).toMatchObject({ result: 'approved' })
        await bench.close()
        expect(bench.clock.pending).toBe(0)
      }),
      { numRuns: 30 },
    )
  }, 120_000)
})
