/**
 * A model of whoever sits on the line: recorded payments of every family, with any field of any message changed, dropped, repeated or invented. Whatever they do, a
 * payment is never approved for anything else than was asked, nor without a proof, nor twice. A few thousand payments here; 100,000 with `npm run hostile`.
 */

import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { doings, moved } from './moves.ts'
import { AMOUNT, type Asked, type Bank, bankAt, type Ended, honest, play, type Recording, record, rows } from './playback.ts'

const RUNS = Number(process.env.HOSTILE_RUNS ?? 800)
const SEED = Number(process.env.HOSTILE_SEED ?? 11)

let recordings: readonly Recording[]
beforeAll(async () => {
  const all: Recording[] = []
  for (const row of rows) {
    const { recording, ended } = await record(row)
    expect(ended.result?.result, row.name).toBe('approved')
    all.push(recording)
  }
  recordings = all
}, 60_000)

const number = fc.nat({ max: 0xffff })
const move = fc.record({ do: fc.constantFrom(...doings), at: number, where: number, value: number })
const asked: fc.Arbitrary<Asked> = fc.oneof(
  { weight: 5, arbitrary: fc.constant(honest) },
  {
    weight: 3,
    arbitrary: fc.record({
      amount: fc.constantFrom(AMOUNT, 100n, AMOUNT * 10n),
      currency: fc.constantFrom('RUB', 'RUB', 'USD'),
      type: fc.constantFrom('purchase', 'purchase', 'refund', 'cash'),
    }),
  },
)

/** What is wrong with how a payment ended, if anything is. `before`: what was charged before it. */
function wrong({ result, fault }: Ended, bank: Bank, before: bigint, what: Asked): string | undefined {
  const moved = bank.charged - before
  const due = what.type === 'refund' ? -what.amount : what.amount
  if (result?.result !== 'approved') {
    const open = result?.result === 'unknown' || result?.reversal === 'pending'
    return moved === 0n || open ? undefined : `${result?.result ?? fault}, and ${moved} was charged`
  }
  if (moved !== due) return `approved, and ${moved} was charged instead of ${due}`
  const { outcome } = result
  const certificate = ((outcome.tags.get(0x9f27)?.[0] ?? 0) & 0xc0) === 0x40 && outcome.tags.get(0x9f26)?.length === 8
  const proof = bank.heard.some(
    event =>
      (event.type === 'authorisation' || event.type === 'advice') &&
      event.code === '00' &&
      event.key === result.key &&
      event.currency === what.currency &&
      event.amount === what.amount &&
      (event.arqc === 'right' || event.interface === 'swipe' || event.stripeCode === 'right' || (event.type === 'advice' && certificate)),
  )
  if (!proof) return 'approved without a cryptogram that the issuer has seen and found right'
  const signed = outcome.tags.get(0x9f02)
  if (signed?.length && BigInt(`0x${Buffer.from(signed).toString('hex')}`) !== BigInt(`0x${what.amount}`))
    return 'approved over another amount'
  return undefined
}

const counts = { runs: 0, approved: 0, declined: 0, cancelled: 0, unknown: 0, faults: 0, twice: 0 }
function count({ result }: Ended): void {
  counts.runs++
  if (result) counts[result.result]++
  else counts.faults++
  if (RUNS > 10_000 && counts.runs % 5000 === 0) console.log(JSON.stringify(counts))
}

it(`${RUNS} payments with somebody on the line: none approved for another amount, currency or type, none without a proof, none twice`, async () => {
  const begun = performance.now()
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.array(move, { maxLength: 4 }),
      asked,
      fc.array(move, { maxLength: 2 }),
      fc.boolean(),
      fc.boolean(),
      async (which, moves, what, more, again, lax) => {
        const at = which % rows.length
        const row = rows[at]
        // What MagTek readers encipher only the host can see: it must look.
        const careless = lax && row.family !== 'magtek'
        const recording = moved(recordings[at], moves)
        const { clock, bank } = await bankAt(careless)
        const first = await play(row, recording, bank, clock, what)
        count(first)
        expect(wrong(first, bank, 0n, what), row.name).toBeUndefined()
        // The same once more, in a new process of the app. A stripe is the same at every swipe: the key it is enciphered under is not.
        if (!again || careless || first.result?.result !== 'approved') return
        const charged = bank.charged
        const second = await play(row, moved(recording, more), bank, clock, what)
        counts.twice++
        expect(second.result?.result, `${row.name}, twice`).not.toBe('approved')
        expect(wrong(second, bank, charged, what), `${row.name}, twice`).toBeUndefined()
      },
    ),
    { numRuns: RUNS, seed: SEED, endOnFailure: RUNS > 10_000 },
  )
  // As many that go well as not: a model whose payments all fail shows nothing.
  expect(counts.approved).toBeGreaterThan(counts.runs / 10)
  expect(counts.twice).toBeGreaterThan(0)
  if (RUNS > 10_000) console.log(`${JSON.stringify(counts)}, seed ${SEED}, ${Math.round((performance.now() - begun) / 1000)} s, 0 wrong`)
}, 3_600_000)
