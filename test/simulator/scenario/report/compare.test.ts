/** Two runs beside each other, runs of shards put together, and the command that makes the page of them. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compareRuns } from '../../../../simulator/scenario/report/compare.ts'
import type { RunReport } from '../../../../simulator/scenario/result.ts'
import { scenarioFiles } from '../../../../simulator/scenario/suite.ts'
import { line } from '../../../devices/commands/line.ts'
import { payment, runOf } from './payments.ts'

const suite = async (rules: Parameters<typeof payment>[0] = {}) =>
  runOf([
    await payment({ card: 'mir-maestro', name: 'chip' }),
    await payment({ card: 'visa-signature', name: 'chip', ...rules }),
    await payment({ family: 'miura', card: 'mir', name: 'tap', present: 'tap', amount: 90_000n }),
  ])

let first: RunReport
let second: RunReport
beforeAll(async () => {
  first = await suite()
  second = await suite({ rules: [{ do: 'decline', code: '51', reason: 'not enough money' }], status: 'failed' })
}, 120_000)

describe('two runs', () => {
  it('of the same suite are the same, whatever is random in them', async () => {
    expect(compareRuns(first, await suite())).toMatchObject({ same: 3, cases: [] })
  })

  it('differ by exactly what was changed on purpose: one bank that declines', () => {
    const { same, cases } = compareRuns(first, second)
    expect(same).toBe(2)
    expect(cases).toHaveLength(1)
    const [{ name, card, kind, changes }] = cases
    expect([name, card, kind]).toEqual(['chip', 'visa-signature', 'changed'])
    const told = Object.fromEntries(changes.map(({ what, before, now }) => [what, [before, now]]))
    expect(told).toMatchObject({
      ...{ status: ['passed', 'failed'], result: ['approved', 'declined'], reason: [undefined, 'hostDeclined'], '8A': ['3030', '3531'] },
      screens: [expect.stringMatching(/APPROVED|REMOVE CARD/), expect.stringMatching(/DECLINED/)],
    })
    expect(Object.keys(told).toSorted()).toEqual(['8A', '9F27', 'reason', 'result', 'screens', 'status'])
  })

  it('a case that only one of them has is new, or gone', () => {
    const [chip, ...rest] = second.results
    const other = { ...first, results: [{ ...chip, name: 'another' }, ...first.results.slice(1)] }
    const { cases } = compareRuns(first, other)
    expect(cases.map(({ name, kind, at }) => [name, kind, at])).toEqual([
      ['another', 'added', 0],
      ['chip', 'gone', undefined],
    ])
    expect(compareRuns(runOf([...rest, ...rest]), runOf(rest)).cases.map(({ kind }) => kind)).toEqual(['gone', 'gone'])
  })
})

describe('tapdip-sim report', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tapdip-report-'))
  const file = (name: string) => join(folder, name)
  const write = (name: string, content: unknown) =>
    writeFileSync(file(name), typeof content === 'string' ? content : JSON.stringify(content))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const dataOf = (page: string) => JSON.parse(/<script id="data"[^>]*>(.*?)<\/script>/s.exec(readFileSync(file(page), 'utf8'))![1])

  it('makes a page of runs, beside an earlier one, in the language that is asked for', async () => {
    write('now.json', second)
    write('earlier.json', first)
    const { out, code } = await line('tapdip-sim', [
      'report',
      file('now.json'),
      '--against',
      file('earlier.json'),
      '--out',
      file('page.html'),
      '--lang',
      'ru',
    ])
    expect(code).toBe(0)
    expect(out.split('\n').slice(0, 3)).toEqual([
      `${file('page.html')}: случаев: 3, не пройдено: 1`,
      'изменилось: 1, как прежде: 2',
      '  chip  (ридер qpos, карта visa-signature)',
    ])
    const { run, comparison, language, traces } = dataOf('page.html')
    expect([run.results.length, comparison.cases.length, language, traces]).toEqual([3, 1, 'ru', undefined])
  })

  it('makes one of traces, and of what a kernel explained', async () => {
    const { header, events } = first.results[0].trace!
    write('trace.jsonl', [header, ...events].map(one => `${JSON.stringify(one)}\n`).join(''))
    const { code } = await line('tapdip-sim', ['report', file('trace.jsonl'), 'test/vectors/explained.jsonl', '--out', file('trace.html')])
    const { run, traces } = dataOf('trace.html')
    expect([code, traces, run.results.length]).toEqual([0, true, 2])
    expect(run.results[0]).toMatchObject({ reader: 'qpos', card: 'mir-maestro', trace: { events }, receipt: { merchant: 'Corner shop' } })
    expect(run.results[1].trace.events).toMatchObject([{ kind: 'kernel', effect: ['TVR expired'] }])
  })

  it('puts reports of shards together, and refuses a case that two of them have', async () => {
    const part = (at: number) =>
      runOf(
        first.results.slice(at, at + 1).map(one => ({ ...one, name: `case ${at}` })),
        { shard: `${at + 1}/2` },
      )
    write('1.json', part(0))
    write('2.json', part(1))
    const words = ['report', file('1.json'), file('2.json'), '--out', file('shards.html'), '--lang', 'en']
    expect((await line('tapdip-sim', words)).out).toMatch(/shards\.html: cases: 2, failed: 0/)
    expect(dataOf('shards.html').run).not.toHaveProperty('shard')
    const { err, code } = await line('tapdip-sim', [...words.with(2, file('1.json')), '--overwrite'])
    expect([err, code]).toEqual([expect.stringMatching(/<file> is 'case 0', it takes each case once/), 2])
  })

  it('is a reporter of tapdip-sim test', async () => {
    const [scenario] = scenarioFiles(['scenarios/contact/expired.yaml'])
    const { code } = await line('tapdip-sim', ['test', scenario, '--workers', '1', '--reporter', `html=${file('suite.html')}`])
    const { run } = dataOf('suite.html')
    expect(code).toBe(0)
    expect(run.results.length).toBeGreaterThan(0)
    expect(run.results[0].trace.events.map(({ kind }: { kind: string }) => kind)).toEqual(
      expect.arrayContaining(['apdu', 'kernel', 'screen', 'result']),
    )
  })

  it('overwrites nothing unless it is told to', async () => {
    write('there.html', 'mine')
    const words = ['report', file('now.json'), '--out', file('there.html'), '--lang', 'en']
    const { err, code } = await line('tapdip-sim', words)
    expect([err, code]).toEqual([expect.stringMatching(/--out.*there\.html.*is there already/), 2])
    expect(readFileSync(file('there.html'), 'utf8')).toBe('mine')
    expect((await line('tapdip-sim', [...words, '--overwrite'])).code).toBe(0)
  })

  it('names the file, the place and the rule of what it does not take', async () => {
    write('status.json', { ...first, results: [first.results[0], { ...first.results[1], status: 'green' }] })
    write('line.jsonl', `${JSON.stringify(first.results[0].trace!.header)}\n{"at":0,"from":"moon","kind":"light","light":"ok"}\n`)
    const refused = async (name: string) =>
      (await line('tapdip-sim', ['report', file(name), '--out', file('none.html'), '--lang', 'en'])).err
    expect(await refused('status.json')).toMatch(
      /<file>: .*status\.json: results\.1\.status is not accepted \(one of passed, failed, skipped, flaky\)/,
    )
    expect(await refused('line.jsonl')).toMatch(/<file>: .*line\.jsonl: 2: from is not accepted \(one of app, driver/)
  })
})
