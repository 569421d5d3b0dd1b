/**
 * The same twenty scenario files, unchanged, in this process and over lines: the results are the same, and the traces, but for what passed the line. In the virtual
 * machine: test/hw/scenarios.test.ts. Needs `npm run build` (npm test does it): the counter is a process of its own.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Case } from '../../../simulator/scenario/matrix.ts'
import { isRaw, notOver } from '../../../simulator/scenario/over/line.ts'
import { runCase } from '../../../simulator/scenario/run.ts'
import { casesIn, scenarioFiles, selected } from '../../../simulator/scenario/suite.ts'
import type { Over } from '../../../simulator/scenario/words.ts'
import { pcscMissing, startPcscd } from '../../pcscd.ts'
import { differences, type LineFact, nobodyGreeted } from './same.ts'

const cases = selected(casesIn(scenarioFiles([])), { tags: ['lines'] })

const facts: Partial<Record<Over, readonly LineFact[]>> = { pty: [nobodyGreeted] }

/** Over one line, and in memory; with the kernel in the app where the line is a slot. Whatever differs, by the case's name. */
async function compared(line: Over, atOnce: number): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  const able = cases.filter(({ plan }) => !plan.skip && notOver(line, plan) === undefined)
  // To a slot whose kernel is the app's a case of another reader is the same case.
  const alike = ({ file, plan: { reader: _, ...plan } }: Case) =>
    JSON.stringify([file, plan], (_, one) => (typeof one === 'bigint' ? String(one) : one))
  const waiting = isRaw(line) ? [...new Map(able.map(one => [alike(one), one])).values()] : [...able]
  expect(new Set(waiting.map(({ file }) => file)).size).toBe(20)
  const work = async () => {
    for (let one = waiting.shift(); one; one = waiting.shift()) {
      const near = await runCase(one, isRaw(line) ? { over: 'slot' } : {})
      const all = differences(near, await runCase(one, { over: line }), facts[line])
      if (all.length > 0) found[one.name] = all
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return found
}

const LONG = 300_000

it('is twenty files', () => {
  expect(new Set(cases.map(({ file }) => file)).size).toBe(20)
})

it.each(['tcp', 'pty', 'ble'] as const)('over %s as in memory: the same results, and traces that differ in link events alone', async line => {
  expect(await compared(line, 4)).toEqual({})
}, LONG) // biome-ignore format: the limit at its end

it('a serial line does not tell that an app has died: the next one ends what the reader is in the middle of, and pays', async () => {
  const killed = casesIn(scenarioFiles([])).find(({ file }) => file?.endsWith('orders/killed.yaml'))!
  const { status, reason } = await runCase(killed, { over: 'pty' })
  expect([status, reason]).toEqual(['passed', undefined])
})

it('a difference is told: another card, another PIN', async () => {
  const [one] = cases.filter(({ file }) => file?.endsWith('mir-pin.yaml'))
  const near = await runCase(one)
  const other = await runCase({ ...one, plan: { ...one.plan, person: { pins: ['4321'] } } })
  const told = differences(near, other).join('\n')
  expect(told).toMatch(/host decision, event 0 of 1 and 1/)
  expect(told).toMatch(/failed: expect/)
})

describe.skipIf(pcscMissing.length > 0)(`over pcscd${pcscMissing.length > 0 ? ` (not here: ${pcscMissing.join(', ')})` : ''}`, () => {
  let service: Awaited<ReturnType<typeof startPcscd>>
  beforeAll(async () => {
    service = await startPcscd()
  }, LONG)
  afterAll(() => service.stop())

  it('as over a slot in memory: the same results, and traces that differ in link events alone', async () => {
    expect(await compared('pcsc', 1)).toEqual({})
  }, LONG) // biome-ignore format: the limit at its end
})
