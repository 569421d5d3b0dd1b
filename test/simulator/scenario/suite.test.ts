/** The suite that the package ships: it is green through the built command, and has what it says it covers. */

import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { virtualFamilies } from '../../../simulator/readers/index.ts'
import { casesIn, scenarioFiles, shippedScenarios } from '../../../simulator/scenario/suite.ts'
import { place } from './bench.ts'

const run = promisify(execFile)
const cases = casesIn(scenarioFiles([shippedScenarios()]))

/** Every twin by the name that a scenario gives it: each dialect of those that have several. */
const readers = Object.entries(virtualFamilies).flatMap(([family, { dialects = [] }]) =>
  dialects.length > 1 ? dialects.map(dialect => `${family} ${dialect}`) : [family],
)
/** Registered identifiers of the payment systems that a till in Russia takes by tap. */
const systems = ['A000000658', 'A000000003', 'A000000004', 'A000000025', 'A000000065', 'A000000152', 'A000000333']

const ridOf = (card: unknown) => profiles[card as keyof typeof profiles]?.applications[0].aid.slice(0, 10)

describe('the suite that is shipped', () => {
  it('passes whole through the command, and writes what a CI reads', { timeout: 300_000 }, async () => {
    const folder = mkdtempSync(place('suite-'))
    const [report, leftovers] = [join(folder, 'junit.xml'), mkdtempSync(place('tmp-'))]
    const { stdout } = await run(
      process.execPath,
      ['dist/simulator/cli.js', 'test', '--reporter', 'line', '--reporter', `junit=${report}`],
      {
        env: { ...process.env, LC_ALL: 'C', TMPDIR: leftovers },
        maxBuffer: 16 << 20,
      },
    )
    const [, passed, failed] = /(\d+) passed, (\d+) failed/.exec(stdout) ?? []
    expect(Number(failed)).toBe(0)
    expect(Number(passed)).toBeGreaterThanOrEqual(300)
    const xml = readFileSync(report, 'utf8')
    expect(xml.match(/<testcase /g)).toHaveLength(cases.length)
    expect(readdirSync(leftovers).filter(name => name.startsWith('tapdip-scenario-'))).toEqual([]) // no journal is left
  })

  it.each(readers.flatMap(reader => systems.map(rid => ({ reader, rid }))))('has the 3000 rule for $reader and $rid', ({ reader, rid }) => {
    const mine = cases.filter(
      ({ plan }) => plan.tags?.includes('limit') && plan.person === 'tap' && plan.reader === reader && ridOf(plan.card) === rid,
    )
    const amounts = mine.map(({ plan }) => ({ amount: Number(plan.amount), cvm: plan.expect?.cvm, result: plan.expect?.result }))
    expect(amounts.map(({ amount }) => amount).sort()).toEqual([2999.99, 3000, 3000.01])
    expect(amounts.filter(({ amount, cvm }) => amount < 3000 && cvm !== 'none')).toEqual([])
    expect(
      amounts.filter(({ amount, cvm, result }) => amount >= 3000 && result === 'approved' && (cvm === undefined || cvm === 'none')),
    ).toEqual([])
  })

  it('has a case of every twin in every room that all of them are in', () => {
    for (const room of ['limit', 'contact', 'tap', 'swipe', 'host', 'reader', 'secrets', 'co-badged']) {
      const seen = cases
        .filter(({ file }) => file?.includes(`/${room}/`) || file?.startsWith(`${room}/`))
        .map(({ plan }) => plan.reader ?? 'qpos')
      expect({ room, missing: readers.filter(reader => !seen.includes(reader as never)) }).toEqual({ room, missing: [] })
    }
  })

  it('has nothing that is only looked at by its result, and skips with a reason', () => {
    const thin = cases.filter(({ plan }) => {
      const all = [plan.expect, ...(plan.steps ?? []).map(step => (Object.values(step)[0] as { expect?: object })?.expect)]
      return all.every(one => one === undefined || Object.keys(one).every(name => name === 'result'))
    })
    expect(thin.map(({ name }) => name)).toEqual([])
    expect(cases.filter(({ plan }) => plan.only !== undefined)).toEqual([])
  })
})
