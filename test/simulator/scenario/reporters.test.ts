/** Reports for machines: each in the form that its readers know, with what failed, where, and nothing that breaks the form. */

import { describe, expect, it } from 'vitest'
import { ctrf, github, json, junit, tap } from '../../../simulator/scenario/reporters/machine.ts'
import { failureLines, summary } from '../../../simulator/scenario/reporters/text.ts'
import type { RunReport, ScenarioResult } from '../../../simulator/scenario/result.ts'
import { parseReport } from '../../../simulator/scenario/suite.ts'

const result = (name: string, more: Partial<ScenarioResult>): ScenarioResult => ({
  ...{
    name,
    file: 'scenarios/a b.yaml',
    line: 3,
    tags: ['tap'],
    matrix: { reader: 'qpos' },
    reader: 'qpos',
    card: 'mir',
    status: 'passed',
  },
  ...{ duration: 12.4, virtualDuration: 5000, attempts: 1, seed: 7, expectations: [], screens: [], steps: [] },
  ...more,
})

const broken = {
  path: 'expect.bits.0',
  expected: 'TVR.expired',
  actual: 'not TVR.expired',
  passed: false,
  explanation: ['Book 3, 10.4.3: …'],
}
const nasty = 'a <tag> & "quotes" #hash \\ \u0007 100%, line\nbreak'

const report: RunReport = {
  ...{ tapdip: 'run', format: 1, suite: 'scenarios', seed: 1, started: '2026-03-26T10:52:00.000Z', duration: 1234.5 },
  versions: { tapdip: '0.1.0', node: '20.20.0', platform: 'linux x64' },
  results: [
    result('good', {}),
    result(nasty, { status: 'failed', reason: nasty, expectations: [broken], screens: [{ at: 20, lines: ['ENTER PIN:', '****'] }] }),
    result('left out', { status: 'skipped', reason: 'not # yet' }),
    result('shaky', { status: 'flaky', attempts: 2 }),
    result('elsewhere', { file: 'scenarios/c.yaml' }),
  ],
}

/** Well-formed: each tag that opens closes, in its order. */
function elements(xml: string): { name: string; attributes: Record<string, string> }[] {
  const open: string[] = []
  const found: { name: string; attributes: Record<string, string> }[] = []
  const body = xml.replace(/^<\?xml[^>]*\?>\n/, '')
  for (const [, end, name, rest, self] of body.matchAll(/<(\/?)([a-z]+)((?:\s+[a-z]+="[^"<]*")*)\s*(\/?)>/g)) {
    if (end) expect(open.pop()).toBe(name)
    else {
      found.push({ name, attributes: Object.fromEntries([...rest.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, key, value]) => [key, value])) })
      if (!self) open.push(name)
    }
  }
  expect(open).toEqual([])
  expect(body.replace(/<[^>]*>/g, '')).not.toMatch(/[<>]|&(?!#\d+;)/)
  return found
}

describe('reporters', () => {
  it('JUnit: a suite for each file, a case each, failures and skips in them, and well-formed whatever a name says', () => {
    const all = elements(junit(report))
    const of = (name: string) => all.filter(one => one.name === name).map(({ attributes }) => attributes)
    expect(of('testsuites')[0]).toMatchObject({ tests: '5', failures: '1', errors: '0', skipped: '1' })
    expect(of('testsuite').map(({ name, tests, failures }) => [name, tests, failures])).toEqual([['scenarios/a b.yaml', '4', '1'], ['scenarios/c.yaml', '1', '0']]) // biome-ignore format: one line
    expect(of('testcase').map(({ file, line }) => [file, line])[0]).toEqual(['scenarios/a b.yaml', '3'])
    expect([of('testcase').length, of('failure').length, of('skipped').length]).toEqual([5, 1, 1])
    expect(of('failure')[0].message).toContain('&#60;tag&#62;')
    expect(junit(report)).not.toContain('\u0007')
  })

  it('CTRF: what its schema asks for, with its own words for each status', () => {
    const { reportFormat, specVersion, results } = JSON.parse(ctrf(report))
    expect([reportFormat, specVersion, results.tool.name]).toEqual(['CTRF', '0.0.0', 'tapdip-sim'])
    expect(results.summary).toMatchObject({ tests: 5, passed: 3, failed: 1, skipped: 1, pending: 0, other: 0, flaky: 1 })
    expect(results.summary.stop - results.summary.start).toBe(1235)
    expect(results.tests.map(({ status }: { status: string }) => status)).toEqual(['passed', 'failed', 'skipped', 'passed', 'passed'])
    expect(results.tests[3]).toMatchObject({ flaky: true, retries: 1 })
    for (const test of results.tests) expect([typeof test.name, Number.isInteger(test.duration), Array.isArray(test.suite)]).toEqual(['string', true, true]) // biome-ignore format: one line
  })

  it('TAP 14: a plan, and one line for each point, whatever a name says', () => {
    const lines = tap(report).split('\n')
    expect(lines.slice(0, 2)).toEqual(['TAP version 14', '1..5'])
    const points = lines.filter(line => /^(not )?ok /.test(line))
    expect(points).toHaveLength(5)
    expect(points[1]).toMatch(/^not ok 2 - a <tag> & "quotes" \\#hash \\\\ /)
    expect(points[2]).toBe('ok 3 - left out # SKIP not \\# yet')
  })

  it('GitHub: an annotation for each failure at its line, in one line', () => {
    const lines = github(report).trimEnd().split('\n')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^::error file=scenarios\/a b\.yaml,line=3,title=a <tag>.*100%25%2C line%0Abreak::/)
  })

  it('JSON is read again; what is none is refused', () => {
    expect(parseReport(json(report), 'x')).toEqual(report)
    expect(() => parseReport('{}', 'x')).toThrow(/a report of --reporter json/)
    expect(() => parseReport('{', 'x')).toThrow(/no JSON/)
  })

  it('for people: a failure has what was expected, what was, the explanation and the screens, in both languages', () => {
    expect(failureLines(report.results[1], 'en').slice(1)).toEqual([
      ...[
        '  reader qpos, card mir, seed 7',
        '  expect.bits.0',
        '    expected: TVR.expired',
        '    was: not TVR.expired',
        '      Book 3, 10.4.3: …',
      ],
      ...['  the last screens:', '        0.020 | ENTER PIN: | **** |'],
    ])
    expect(failureLines(report.results[1], 'ru')).toContain('    ожидалось: TVR.expired')
    expect(summary(report, 'en')).toBe('3 passed, 1 failed, 1 skipped in 1.2 s (1 only when tried again)')
  })
})
