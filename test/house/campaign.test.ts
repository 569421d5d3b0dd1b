/** The fault campaign of `npm run campaign`, 200 payments of it; and that it finds an app that does not write ahead, and one that does not compare. Needs `npm run build` (npm test does it). */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const script = join(import.meta.dirname, '../../bench/campaign/run.mjs')

function campaign(...args: string[]): Promise<{ code: number | null; out: string; errors: string }> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let errors = ''
  child.stdout.on('data', text => (out += text))
  child.stderr.on('data', text => (errors += text))
  return new Promise(resolve => child.on('close', code => resolve({ code, out, errors })))
}

/** A row of the summary as numbers: `told 300 approved 110, dead 19`. */
function row(out: string, title: string): Record<string, number> {
  const line = out.split('\n').find(one => one.startsWith(title)) ?? ''
  return Object.fromEntries([...line.slice(20).matchAll(/(\S.*?) (\d+)(?:, |$)/g)].map(([, name, times]) => [name, Number(times)]))
}
const sum = (numbers: Record<string, number>) => Object.values(numbers).reduce((total, one) => total + one, 0)

it('200 payments with faults on both lines and hosts that lie, the app killed in one of ten: book, journal and card agree', async () => {
  const { code, out, errors } = await campaign('--seed', process.env.CAMPAIGN_SEED ?? '1', '--count', '200', '--pace', '12')
  expect({ code, errors }, out).toEqual({ code: 0, errors: '' })
  expect(out).toContain('200 payments')
  const told = row(out, 'told')
  expect(told.approved).toBeGreaterThan(50)
  const { recovering = 0, ...killed } = row(out, 'killed')
  expect(told.dead).toBe(sum(killed))
  expect(told.dead + recovering).toBeGreaterThanOrEqual(20)
  expect(sum(row(out, 'at the end'))).toBe(206) // one more at each of six counters, to count the messages
  const met = row(out, 'faults met')
  for (const fault of ['drop', 'duplicate', 'delay', 'close', 'corrupt'])
    expect(met[`reader ${fault}`], `reader ${fault}`).toBeGreaterThan(0)
  expect(sum(Object.fromEntries(Object.entries(met).filter(([name]) => name.startsWith('host'))))).toBeGreaterThan(20)
  const lies = row(out, 'lies told')
  expect(sum(lies)).toBeGreaterThan(80)
  for (const line of ['http', 'iso'])
    for (const asked of ['authorise', 'status', 'order'])
      expect(
        Object.keys(lies).some(name => name.startsWith(`${line} ${asked}`)),
        `${line} ${asked}`,
      ).toBe(true)
  expect(sum(row(out, 'recovered'))).toBeGreaterThan(0)
}, 300_000)

it('an app that asks the host before it has written that down is found out', async () => {
  const { code, errors } = await campaign(
    '--seed',
    '5',
    '--count',
    '60',
    '--deaths',
    '2',
    '--pace',
    '12',
    '--lie',
    'none',
    '--sabotage',
    'asking',
  )
  expect(code).toBe(1)
  expect(errors).toMatch(/^seed 5, order c5-\d-\d+: the host has approved it, the app has Canceled/m)
}, 200_000)

it('an app that takes any answer for its own is found out', async () => {
  const { code, errors } = await campaign(
    '--seed',
    '5',
    '--count',
    '30',
    '--deaths',
    '30',
    '--pace',
    '8',
    '--lie',
    'previous',
    '--sabotage',
    'comparing',
  )
  expect(code).toBe(1)
  expect(errors).toMatch(/^seed 5, order c5-\d-\d+: told as paid, and the host has no money for it/m)
}, 200_000)
