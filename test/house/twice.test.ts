/** What a call does when it is made twice: said in the docstring of every method of a Reader, a Till and an Acquirer, and so. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type AcquirerHost, instant, profiles, startAcquirer } from '../../simulator/world.ts'
import { VirtualClock } from '../../src/clock.ts'
import { currency } from '../../src/currency.ts'
import { asFault } from '../../src/errors.ts'
import type { Acquirer, AuthorisationMessage } from '../../src/payment/acquirer.ts'
import { httpAcquirer } from '../../src/payment/host/http.ts'
import { openJournal } from '../../src/payment/journal/open.ts'
import { pay } from '../../src/payment/pay/payment.ts'
import { openTill } from '../../src/payment/till/till.ts'
import { everyFamily, place } from '../devices/families.ts'
import { deskAcquirer } from '../simulator/acquirer/desk-acquirer.ts'

const root = join(import.meta.dirname, '../..')
const merchant = { name: 'M', id: '1', terminal: '1' }
const RUB = currency('RUB')

/** Methods of an interface, each with the docstring before it. */
function methods(file: string, name: string): [string, string][] {
  const source = readFileSync(join(root, file), 'utf8')
  const [, body] = new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(source)!
  return [...body.matchAll(/\/\*\*([\s\S]*?)\*\/\n {2}(?:readonly )?(\w+)\??[(:]/g)]
    .filter(([all]) => /\w\??\($/.test(all) || all.endsWith('events:'))
    .map(([, text, method]) => [method, text])
}

describe.each([
  ['src/reader/reader.ts', 'Reader', 8],
  ['src/payment/till/till.ts', 'Till', 14],
  ['src/payment/acquirer.ts', 'Acquirer', 4],
  ['src/payment/acquirer.ts', 'RetailAcquirer', 2],
  ['src/payment/acquirer.ts', 'OrderAcquirer', 4],
] as const)('%s, %s', (file, name, least) => {
  const found = methods(file, name)
  it('has its methods found', () => expect(found.length).toBeGreaterThanOrEqual(least))
  it.each(found)('%s says what a second call does', (_, text) => {
    expect(text).toMatch(/Twice: \S/)
  })
})

let host: AcquirerHost | undefined
afterEach(async () => {
  await host?.close()
  host = undefined
})

describe.each(everyFamily)('a reader, $name', row => {
  it('close, events, status and transact, twice', async () => {
    const clock = new VirtualClock()
    const placed = await clock.settle(place(row, { clock, person: { card: 'mir', pace: { ...instant, present: 5000 } } }))
    const { reader } = placed
    const heard: string[][] = [[], []]
    const listening = heard.map(async list => {
      for await (const { type } of reader.events) list.push(type)
    })
    expect(await clock.settle(reader.status())).toEqual(await clock.settle(reader.status()))
    host = await startAcquirer()
    const acquirer = deskAcquirer(host.desk)
    const paying = (number: string) => pay({ number, amount: 10_000n, currency: RUB }, { reader, acquirer, merchant, clock })
    const first = paying('1')
    await expect(clock.settle(paying('2'))).rejects.toMatchObject({ code: 'busy' })
    expect(await clock.settle(first)).toMatchObject({ result: 'approved' })
    expect(await clock.settle(paying('3'))).toMatchObject({ result: 'approved' })
    await clock.settle(Promise.all([reader.close(), reader.close()]))
    await clock.settle(reader.close())
    await Promise.all(listening)
    expect(heard[0]).toEqual(heard[1])
    expect(heard[0].filter(type => type === 'state')).toHaveLength(1)
    await clock.settle(placed.close())
  })
})

describe('an acquirer', () => {
  it.each(['in this process', 'over HTTP'])('%s: every question twice, and one of each is booked', async how => {
    host = await startAcquirer()
    const acquirer = how === 'over HTTP' ? httpAcquirer(host.url) : deskAcquirer(host.desk)
    const asked: AuthorisationMessage[] = []
    const clock = new VirtualClock()
    const placed = await clock.settle(place(everyFamily.find(({ family }) => family === 'qpos')!, { clock, person: { card: 'mir' } }))
    const keeping: Acquirer = {
      ...deskAcquirer(host.desk),
      authorise: message => {
        asked.push(message)
        return deskAcquirer(host!.desk).authorise(message)
      },
    }
    const paid = await clock.settle(
      pay({ number: '1', amount: 10_000n, currency: RUB }, { reader: placed.reader, acquirer: keeping, merchant, clock }),
    )
    await clock.settle(placed.close())
    const [message] = asked
    const first = await acquirer.status(paid.key)
    expect(await acquirer.authorise(message)).toMatchObject({ state: 'approved' })
    expect(await acquirer.status(paid.key)).toEqual(first)
    expect(host.order('1')!.operations).toHaveLength(1)
    if (how === 'over HTTP') await expect(acquirer.authorise({ ...message, amount: 20_000n })).rejects.toMatchObject({ code: 'host-error' })
    const { pan } = profiles.mir
    const charged = host.balance(pan)!
    for (const _ of ['once', 'twice']) {
      await acquirer.reverse(paid.key, 'cancelled')
      expect(host.balance(pan)! - charged).toBe(10_000n)
    }
    await acquirer.reverse('never-seen', 'noAnswer')
    await acquirer.reverse('never-seen', 'noAnswer')
  })
})

describe('a till', () => {
  it('every call about an order, twice', async () => {
    host = await startAcquirer()
    const acquirer = httpAcquirer(host.url)
    const folder = mkdtempSync(join(tmpdir(), 'tapdip-twice-'))
    const journal = await openJournal(join(folder, 'journal.db'))
    const till = openTill({ journal, acquirer, merchant, background: false })
    const placed = await place(everyFamily.find(({ family }) => family === 'qpos')!, { person: { card: 'mir' } })
    const { reader } = placed
    const order = { number: '1', amount: 10_000n, currency: RUB }
    const full = host.balance(profiles.mir.pan)
    const both = await Promise.allSettled([till.payOrder(order, { reader, hold: true }), till.payOrder(order, { reader, hold: true })])
    const told = both.map(one => (one.status === 'fulfilled' ? one.value.result : asFault(one.reason).code))
    expect(told).toContain('approved')
    expect(['busy', 'in-process', 'already-paid']).toContain(told.find(one => one !== 'approved'))
    expect(host.order('1')!.operations).toHaveLength(1)
    expect(await till.payOrder(order, { reader })).toMatchObject({ result: 'already-paid' })
    expect(till.standing('1')).toEqual(till.standing('1'))
    expect(await till.recover()).toEqual([])
    expect(await till.recover()).toEqual([])
    await till.reconcile()
    expect(await till.reconcile()).toEqual([])
    expect(await till.status('1')).toEqual(await till.status('1'))
    expect(await till.confirm('1')).toMatchObject({ result: 'approved' })
    expect(await till.confirm('1')).toMatchObject({ result: 'declined', answer: { response: { code: '13' } } })
    expect(await till.refund('1', { amount: 4_000n })).toMatchObject({ result: 'approved' })
    expect(await till.refund('1', { amount: 4_000n })).toMatchObject({ result: 'approved' })
    expect(await till.refund('1', { amount: 4_000n })).toMatchObject({ result: 'declined', answer: { response: { code: '13' } } })
    expect(await till.cancel('1')).toMatchObject({ result: 'approved' })
    expect(await till.cancel('1')).toMatchObject({ result: 'declined', answer: { response: { code: '13' } } })
    expect(await till.refundByCard('1', { reader })).toMatchObject({ result: 'declined', answer: { response: { code: '13' } } })
    expect(host.balance(profiles.mir.pan)).toBe(full)
    expect(till.receipt('1')).toEqual(till.receipt('1'))
    expect(till.orders()).toEqual(till.orders())
    expect(till.drawer()).toEqual(till.drawer())
    await Promise.all([till.close(), till.close()])
    await till.close()
    await placed.close()
    await journal.close()
    rmSync(folder, { recursive: true })
  })
})
