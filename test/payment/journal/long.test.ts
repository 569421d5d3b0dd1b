/** A journal of many orders: what is read of it is what somebody asks for, by its index. */

import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../../../src/clock.ts'
import type { Fault } from '../../../src/errors.ts'
import type { OrderFilter, OrderRecord } from '../../../src/payment/journal/journal.ts'
import { ordersBy } from '../../../src/payment/journal/select.ts'
import { openDatabase } from '../../../src/payment/journal/sqlite.ts'
import { ends } from '../../ends.ts'
import { DAY, longJournal, merchant, spoil } from './long-journal.ts'

const refused = (work: () => unknown) => {
  try {
    return work()
  } catch (error) {
    return error as Fault
  }
}

describe('orders by page', () => {
  it('every page behind the one before, each order once, the newest first; an order that is forgotten in between is still a place', async () => {
    const { open } = await longJournal(57)
    const journal = await open()
    ends.push(() => journal.close())
    const all = journal.orders({ merchant })
    expect(all.map(({ number }) => number)).toEqual(['FIRST', ...Array.from({ length: 57 }, (_, at) => `OLD-${at + 1}`)])
    const seen: OrderRecord[] = []
    for (let page = journal.orders({ limit: 10 }); page.length > 0; page = journal.orders({ limit: 10, after: seen.at(-1)! }))
      seen.push(...page)
    expect(seen).toEqual(all)
    expect(seen[3].entries).toMatchObject([{ key: 'k-3', result: 'approved' }])
    const gone = journal.orders({ limit: 1, after: { ...all[20], number: 'FORGOTTEN' } })
    expect(gone).toMatchObject([{ number: 'OLD-21' }])
    expect(journal.orders({ merchant: { ...merchant, id: 'another' } })).toEqual([])
  })

  it('what is unsettled: offline or in process, of this merchant, changed since', async () => {
    const { open, write, clock } = await longJournal(30)
    await write(
      "UPDATE orders SET offline = 1 WHERE number = 'OLD-7'",
      "UPDATE orders SET state = 'In Process' WHERE number IN ('OLD-9', 'OLD-29')",
    )
    const journal = await open()
    ends.push(() => journal.close())
    const numbers = (filter: OrderFilter) => journal.orders({ merchant, unsettled: true, ...filter }).map(({ number }) => number)
    expect(numbers({})).toEqual(['OLD-7', 'OLD-9', 'OLD-29'])
    expect(numbers({ since: new Date(clock.now() - 20 * 60_000) })).toEqual(['OLD-7', 'OLD-9'])
    expect(numbers({ states: ['In Process'] })).toEqual(['OLD-9', 'OLD-29'])
    expect(numbers({ states: [] })).toEqual([])
  })

  it.each([
    [{ limit: 0 }, 'filter.limit'],
    [{ limit: 1.5 }, 'filter.limit'],
    [{ after: { number: 'A' } }, 'filter.after.merchant'],
    [{ states: ['Paid'] }, 'filter.states.0'],
    [{ since: new Date(Number.NaN) }, 'filter.since'],
  ])('%j is refused by its field %s', async (filter, field) => {
    const { open } = await longJournal(1)
    const journal = await open()
    ends.push(() => journal.close())
    expect(refused(() => journal.orders(filter as OrderFilter))).toMatchObject({ code: 'bad-argument', details: { field } })
  })
})

describe('plans of SQLite', () => {
  it.each<[what: string, filter: OrderFilter, plan: RegExp]>([
    ['the newest', { merchant, limit: 10 }, /USING INDEX orders_created/],
    [
      'the next page',
      { merchant, limit: 10, after: { merchant, number: 'OLD-3', createdAt: new Date() } },
      /SEARCH orders USING INDEX orders_created \(created<\?\)|orders_created/,
    ],
    ['unsettled ones of the last days', { merchant, unsettled: true, since: new Date() }, /USING INDEX orders_unsettled \(updated>\?\)/],
  ])('%s are found by an index, and none is sorted that is not shown', async (_, filter, plan) => {
    const { path, open } = await longJournal(20)
    await (await open()).close()
    const database = await openDatabase(path, { schema: '', application: 0x74646970, what: 'test' })
    ends.push(() => database.close())
    const { sql, values } = ordersBy(filter)
    const said = database.all(`EXPLAIN QUERY PLAN ${sql}`, ...values).map(({ detail }) => String(detail))
    expect(said.join('\n')).toMatch(plan)
    expect(said.filter(one => /^SCAN orders$/.test(one))).toEqual([])
    if (filter.limit) expect(said.join('\n')).not.toContain('TEMP B-TREE')
  })
})

describe('what is looked at when a long journal is opened', () => {
  const many = 1100

  it('once a day everything; in between what changed last and what is open or unsettled, and the rest when it is asked for', async () => {
    const { open, write, clock } = await longJournal(many)
    await (await open()).close()
    await write(spoil('OLD-1050'))
    const journal = await open()
    ends.push(() => journal.close())
    expect(journal.orders({ limit: 5 })).toHaveLength(5)
    expect(refused(() => journal.order(merchant, 'OLD-1050'))).toMatchObject({
      code: 'journal',
      details: { reason: 'damaged', name: 'OLD-1050' },
    })
    await expect(open({ inspect: 'all' })).rejects.toMatchObject({ details: { reason: 'damaged', name: 'k-1050', count: 1 } })
    await clock.advance(DAY)
    await expect(open()).rejects.toMatchObject({ details: { reason: 'damaged', name: 'k-1050' } })
  })

  it.each([
    ['among the last', [], 'OLD-3'],
    ['open', ["UPDATE entries SET open = 1, due = 'reversal' WHERE number = 'OLD-1080'"], 'OLD-1080'],
    ['unsettled', ["UPDATE orders SET offline = 1 WHERE number = 'OLD-1081'"], 'OLD-1081'],
  ])('one that is %s is found at once', async (_, statements, number) => {
    const { open, write } = await longJournal(many)
    await (await open()).close()
    await write(...statements, spoil(number))
    await expect(open()).rejects.toMatchObject({ details: { reason: 'damaged', name: number.replace('OLD', 'k') } })
  })

  it('a clock that was set back has everything looked at', async () => {
    const { open, write, clock } = await longJournal(many)
    await (await open()).close()
    await write(spoil('OLD-1050'))
    await expect(open({ clock: new VirtualClock(clock.now() - 60_000) })).rejects.toMatchObject({ details: { reason: 'damaged' } })
  })
})
