/** Tills under random trouble: whatever host, line, reader, merchant and disk do, after recovery journal and host tell the same, and nobody was told otherwise. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { startAcquirer } from '../../../simulator/acquirer/host.ts'
import type { HostRule } from '../../../simulator/acquirer/rules.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { currency } from '../../../src/currency.ts'
import { Fault, isFault } from '../../../src/errors.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import type { Journal } from '../../../src/payment/journal/journal.ts'
import { openJournal } from '../../../src/payment/journal/open.ts'
import { openTill } from '../../../src/payment/till/till.ts'
import { CounterReader } from '../../devices/counter-reader.ts'

const amount = 150_00n
const order = { number: 'order', amount, currency: currency('RUB') }
const merchant = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
const [application] = profiles['offline-pin'].applications
const profile: CardProfile = { ...profiles['offline-pin'], applications: [{ ...application, risk: { policy: 'approve' } }] }

const directory = mkdtempSync(join(tmpdir(), 'tapdip-model-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const line = fc.record({
  do: fc.constantFrom('dropRequest' as const, 'dropAnswer' as const, 'garbage' as const, 'closeSocket' as const, 'duplicate' as const),
  on: fc.constantFrom('authorisation' as const, 'status' as const, 'reversal' as const, 'advice' as const),
  times: fc.constantFrom(1, 2, 1000),
})
const host = fc.constantFrom<HostRule>({ do: 'wrongArpc' }, { do: 'decline', code: '05', reason: 'no' }, { do: 'refer', reason: 'call' })
const cases = fc.record({
  rules: fc.array(fc.oneof({ weight: 4, arbitrary: line }, { weight: 1, arbitrary: host }), { maxLength: 3 }),
  breaks: fc.option(fc.constantFrom('beforeHost' as const, 'afterHost' as const), { nil: undefined, freq: 4 }),
  card: fc.constantFrom('online' as const, 'byDefault' as const, 'offline' as const),
  /** The disk is full from this step on. */
  full: fc.option(fc.nat({ max: 5 }), { nil: undefined, freq: 3 }),
  /** The app dies at this step, before or after it is written. */
  dies: fc.option(fc.record({ at: fc.nat({ max: 6 }), written: fc.boolean() }), { nil: undefined, freq: 2 }),
  /** The app gives the journal a key. */
  key: fc.boolean(),
  cancel: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined, freq: 4 }),
  voice: fc.boolean(),
})

/** A journal whose disk is full from a step on, in an app that dies at one: nothing happens after that. */
function troubled(
  journal: Journal,
  full: number | undefined,
  dies: { at: number; written: boolean } | undefined,
  died: () => void,
): Journal {
  let steps = -1
  return {
    ...journal,
    record(step) {
      steps++
      const isFull = full !== undefined && steps >= full
      if (dies?.at === steps) {
        if (dies.written && !isFull) journal.record(step)
        died()
        return new Promise<void>(() => {})
      }
      if (isFull) throw new Fault('journal', 'the payment journal: the disk is full', { reason: 'full' })
      return journal.record(step)
    },
  }
}

let count = 0

it('what was told stays true, and journal and host agree', async () => {
  const ends: Record<string, number> = {}
  await fc.assert(
    fc.asyncProperty(cases, async ({ rules, breaks, card, full, dies, key, cancel, voice }) => {
      const path = join(directory, `journal-${count++}`)
      const options = key ? { key: new Uint8Array(32).fill(1) } : {}
      const state = `${path}-host`
      const trouble = await startAcquirer({ rules, state })
      const before = trouble.balance(profile.pan)!
      const journal = await openJournal(path, options)
      let die = () => {}
      const death = new Promise<{ result: 'dead' }>(resolve => {
        die = () => resolve({ result: 'dead' })
      })
      const till = openTill({
        journal: troubled(journal, full, dies, die),
        acquirer: httpAcquirer(trouble.url, { timeout: 1000 }),
        merchant,
        background: false,
      })
      const plastic = loadCard(profile)
      const reader = new CounterReader({ card: plastic, cvm: 'offlinePin', ...(breaks && { breaks }), [card]: true })
      const stop = new AbortController()
      const timer = cancel === undefined ? undefined : setTimeout(() => stop.abort(), cancel)
      let told: string
      try {
        const prompts = voice ? { refer: async () => 'approved' as const } : {}
        const paying = till.payOrder(order, { reader, prompts, statusTime: 60, reversalTime: 60, signal: stop.signal })
        told = (await Promise.race([paying, death])).result
      } catch (error) {
        if (!isFault(error, 'journal', 'link-closed', 'aborted')) throw error
        told = error.code
      } finally {
        clearTimeout(timer)
      }
      await journal.close()
      await trouble.close()

      // The next morning: room on the disk, the host in good health.
      const well = await startAcquirer({ state })
      const again = await openJournal(path, options)
      const next = openTill({ journal: again, acquirer: httpAcquirer(well.url), merchant, background: false })
      const recovered = await next.recover()
      expect(recovered.filter(({ became }) => became === 'pending' || became === 'busy')).toEqual([])
      expect(again.open(merchant)).toEqual([])
      expect(await next.recover()).toEqual([])
      const charged = before - well.balance(profile.pan)!
      const [known] = next.orders()
      const paid = known?.state === 'Approved'
      ends[told] = (ends[told] ?? 0) + 1
      expect(charged).toBe(paid ? amount : 0n)
      if (told === 'approved') expect(paid).toBe(true)
      else if (told !== 'unknown' && told !== 'dead') expect(paid).toBe(false)
      if (paid) expect(next.receipt('order')).toMatchObject({ result: 'approved', amount: '150.00' })
      const booked = well.order('order')
      expect(booked?.state === 'Approved').toBe(paid)
      expect(booked?.state).not.toBe('In Process')
      // Paid once: a second attempt gets no money when the first has, and gets it when it has not.
      const second = await next.payOrder(order, { reader: new CounterReader({ card: plastic }), statusTime: 60, reversalTime: 60 })
      expect(second.result).toBe(paid ? 'already-paid' : 'approved')
      expect(before - well.balance(profile.pan)!).toBe(amount)
      await again.close()
      await well.close()
    }),
    { seed: Number(process.env.TILL_SEED ?? 6), numRuns: Number(process.env.TILL_RUNS ?? 80) },
  )
  expect(Object.keys(ends)).toEqual(expect.arrayContaining(['approved', 'cancelled', 'dead', 'declined', 'journal', 'unknown']))
}, 600_000)
