/** kill -9 at every stage of a payment: the next start finds it, brings host and journal to one word, and tells. Needs `npm run build` (npm test does it). */

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { HostEvent } from '../../../simulator/acquirer/host.ts'
import type { HostRule } from '../../../simulator/acquirer/rules.ts'
import { type Counter, type CounterOptions, virtualConfig, virtualCounter } from '../../../simulator/world.ts'
import { hex } from '../../../src/bytes.ts'
import type { TerminalConfig } from '../../../src/emv/config.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import type { Journal } from '../../../src/payment/journal/journal.ts'
import type { Notice } from '../../../src/payment/journal/notice.ts'
import { openJournal } from '../../../src/payment/journal/open.ts'
import type { Stage } from '../../../src/payment/steps.ts'
import { openTill, type Till } from '../../../src/payment/till/till.ts'

const merchant = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
const full = 100_000_000n
const secret = new Uint8Array(32).fill(3)

vi.setConfig({ testTimeout: 60_000 }) // each case starts processes, on machines that others use too

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Bench {
  readonly counter: Counter
  readonly path: string
  readonly seen: HostEvent[]
  /** Runs a shop that kills itself; gives the signal it died of, or what it said. */
  child(plan: {
    stage?: Stage | 'change' | 'request'
    when?: 'before' | 'after'
    order?: string
    change?: string
    acquirer?: string
  }): Promise<string>
  /** The next start. */
  restart(): Promise<{ journal: Journal; till: Till; notices: Notice[] }>
}

async function bench(options: CounterOptions = {}, amount = 2500_00n): Promise<Bench> {
  const directory = mkdtempSync(join(tmpdir(), 'tapdip-kill-'))
  ends.push(() => rmSync(directory, { recursive: true, force: true }))
  const seen: HostEvent[] = []
  let onHost = (_: HostEvent) => {}
  const hear = (event: HostEvent) => {
    seen.push(event)
    onHost(event)
  }
  const counter = await virtualCounter({ listen: 'tcp:0', pins: ['1234'], ...options, onHost: hear })
  ends.push(() => counter.close())
  const path = join(directory, 'journal.db')
  return {
    counter,
    path,
    seen,
    async child({ stage, when, order = 'o', change, acquirer = counter.acquirer.url }) {
      const plan = { journal: path, acquirer, reader: counter.uri, order, amount: amount.toString(), stage, when, change, key: hex(secret) }
      const child = spawn(process.execPath, [join(import.meta.dirname, 'till-child.mjs'), JSON.stringify(plan)], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let out = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (out += data))
      onHost = event => {
        if (stage === 'request' && event.type === 'authorisation') child.kill('SIGKILL')
      }
      return new Promise(resolve => child.on('close', (_, signal) => resolve(signal ?? out)))
    },
    async restart() {
      const journal = await openJournal(path, { key: secret })
      const notices: Notice[] = []
      const till = openTill({
        journal,
        acquirer: httpAcquirer(counter.acquirer.url),
        merchant,
        background: false,
        onNotice: notice => notices.push(notice),
      })
      ends.push(() => journal.close())
      return { journal, till, notices }
    },
  }
}

/** What the customer of `mir-maestro` has paid by the host's book. */
const charged = ({ counter }: Bench) => full - counter.acquirer.balance(counter.card.plan.pan)!

describe.each<[Stage | 'request', 'before' | 'after', string, bigint, string]>([
  ['begun', 'after', 'cancelled', 0n, 'interrupted'],
  ['asking', 'before', 'cancelled', 0n, 'interrupted'],
  ['asking', 'after', 'cancelled', 0n, 'reversed'],
  ['request', 'after', 'cancelled', 0n, 'reversed'], // the host has approved, its answer meets nobody
  ['answered', 'before', 'cancelled', 0n, 'reversed'],
  ['answered', 'after', 'cancelled', 0n, 'reversed'],
  ['card', 'before', 'cancelled', 0n, 'reversed'],
  ['card', 'after', 'approved', 2500_00n, 'state'], // card and host have approved
  ['ended', 'before', 'approved', 2500_00n, 'state'],
])('killed at %s (%s)', (stage, when, became, money, notice) => {
  it(`${became}, and told: ${notice}`, async () => {
    const one = await bench()
    expect(await one.child({ stage, when })).toBe('SIGKILL')
    const { journal, till, notices } = await one.restart()
    expect(journal.open(merchant)).toHaveLength(1)
    expect(await till.recover()).toMatchObject([{ became }])
    expect(journal.open(merchant)).toEqual([])
    expect(charged(one)).toBe(money)
    expect(notices).toMatchObject([{ type: notice, order: 'o' }])
    const [order] = till.orders()
    expect(order.state).toBe(became === 'approved' ? 'Approved' : 'Canceled')
    const host = one.counter.acquirer.order('o')?.state
    if (host) expect(host).toBe(order.state)
    expect(till.receipt('o')).toMatchObject({ result: became, order: 'o', amount: '2500.00' })
    expect(await till.recover()).toEqual([])
    // The next payment of the order is what its state says.
    one.counter.next({ pins: ['1234'] })
    expect(await one.child({})).toBe(became === 'approved' ? 'already-paid' : 'approved')
    expect(charged(one)).toBe(2500_00n)
  })
})

it('killed before it began, and after its end: nothing to do', async () => {
  const one = await bench()
  expect(await one.child({ stage: 'begun', when: 'before' })).toBe('SIGKILL')
  const first = await one.restart()
  expect(first.till.orders()).toEqual([])
  one.counter.next({ pins: ['1234'] })
  expect(await one.child({ stage: 'ended', when: 'after' })).toBe('SIGKILL')
  expect(await first.till.recover()).toEqual([])
  expect(first.till.orders()).toMatchObject([{ state: 'Approved' }])
  expect(charged(one)).toBe(2500_00n)
})

describe.each<['before' | 'after', HostRule[]]>([
  ['before', [{ do: 'wrongArpc', times: 1 }]],
  ['after', [{ do: 'wrongArpc', times: 1 }]],
  [
    'after',
    [
      { do: 'wrongArpc', times: 1 },
      { do: 'dropRequest', on: 'reversal', times: 1 },
    ],
  ],
])('killed at reversing (%s), %j', (when, rules) => {
  it('the reversal is made, and the host’s word is waited for', async () => {
    const one = await bench({ rules })
    expect(await one.child({ stage: 'reversing', when })).toBe('SIGKILL')
    const { till, notices, journal } = await one.restart()
    const tries = await till.recover()
    if (rules.length > 1) {
      expect(tries).toMatchObject([{ became: 'pending', fault: { code: 'host-no-answer' } }])
      expect(await till.recover()).toMatchObject([{ became: 'declined' }])
    } else expect(tries).toMatchObject([{ became: 'declined' }])
    expect(charged(one)).toBe(0n)
    expect(notices.at(-1)).toMatchObject({ type: 'reversed' })
    expect(journal.orders()).toMatchObject([{ state: 'Canceled' }])
    expect(one.counter.acquirer.order('o')?.state).toBe('Canceled')
  })
})

describe('killed with an offline approval', () => {
  const never = new Uint8Array(5)
  const base = virtualConfig()
  const config: TerminalConfig = {
    ...base,
    applications: base.applications.map(one => ({ ...one, tacDenial: never, tacOnline: never, tacDefault: never, floorLimit: 1_000_000n })),
  }

  it.each([
    ['advising', 'before', 'cancelled', 0n],
    ['advising', 'after', 'approved', 500n],
    ['ended', 'before', 'approved', 500n],
    ['ended', 'after', 'approved', 500n],
  ] as const)('at %s (%s): %s', async (stage, when, became, money) => {
    const one = await bench({ card: 'offline-approve', config }, 500n)
    const nobody = 'http://127.0.0.1:1/'
    expect(await one.child({ stage, when, acquirer: nobody })).toBe('SIGKILL')
    const { till, notices } = await one.restart()
    expect(await till.recover()).toMatchObject([{ became }])
    expect(charged(one)).toBe(money)
    expect(till.orders()).toMatchObject([{ state: became === 'approved' ? 'Approved' : 'Canceled', offline: false }])
    expect(one.seen.filter(({ type }) => type === 'advice')).toHaveLength(became === 'approved' ? 1 : 0)
    expect(notices.map(({ type }) => type)).toEqual([
      stage === 'ended' && when === 'after' ? 'synchronised' : became === 'approved' ? 'state' : 'reversed',
    ])
  })
})

it.each(['before', 'after'] as const)('killed around the request of a refund (%s): it is made once', async when => {
  const one = await bench()
  expect(await one.child({})).toBe('approved')
  expect(await one.child({ stage: 'change', when, change: '50000' })).toBe('SIGKILL')
  const { till, notices } = await one.restart()
  expect(await till.recover()).toMatchObject([{ became: 'approved', entry: { kind: 'cancellation' } }])
  expect(charged(one)).toBe(2000_00n)
  expect(till.orders()).toMatchObject([{ state: 'PartialCanceled' }])
  expect(notices).toMatchObject([{ type: 'state', state: 'PartialCanceled' }])
})

it('a payment in another living process is left to it', async () => {
  const one = await bench({ rules: [{ do: 'delay', ms: 1500 }] })
  const paying = one.child({})
  while (one.counter.acquirer.orders.length === 0) await new Promise(resolve => setTimeout(resolve, 20))
  const { till } = await one.restart()
  expect(await till.recover()).toMatchObject([{ became: 'busy' }])
  expect(await paying).toBe('approved')
  expect(till.orders()).toMatchObject([{ state: 'Approved' }])
})

it('three processes write into one journal, one of them is killed: nothing that was written is lost or damaged', async () => {
  const one = await bench()
  const writer = (order: string, write: number) => {
    const plan = { journal: one.path, order, write, acquirer: '', reader: '' }
    const child = spawn(process.execPath, [join(import.meta.dirname, 'till-child.mjs'), JSON.stringify(plan)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const began = new Promise<void>(resolve => child.stdout.once('data', () => resolve()))
    return { child, began, ended: new Promise<number | null>(resolve => child.on('close', resolve)) }
  }
  const [a, b, mortal] = [writer('a', 150), writer('b', 150), writer('mortal', 100_000)]
  await mortal.began
  await new Promise(resolve => setTimeout(resolve, 150))
  mortal.child.kill('SIGKILL')
  expect(await Promise.all([a.ended, b.ended])).toEqual([0, 0])
  await mortal.ended
  const { journal } = await one.restart() // checks the whole file as it opens
  const keys = journal.orders().flatMap(({ entries }) => entries.map(({ key, result }) => `${key.split('-')[0]} ${result}`))
  expect(keys.filter(key => key === 'a approved')).toHaveLength(150)
  expect(keys.filter(key => key === 'b approved')).toHaveLength(150)
  expect(keys.filter(key => key === 'mortal approved').length).toBeGreaterThan(0)
  expect(journal.open(merchant).length).toBeLessThanOrEqual(1)
})
