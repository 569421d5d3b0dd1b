/** The runner as a rig uses it: `tapdip-sim test` and `report` in processes of their own. Needs `npm run build`. */

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { RunReport } from '../../../simulator/scenario/result.ts'
import { updated } from '../../../simulator/scenario/update/update.ts'
import { listen, loadCard, person, virtualReader } from '../../../simulator/world.ts'
import { place } from './bench.ts'

/** The command in a folder of its own: what it wrote, and its exit code. */
async function sim(folder: string, ...words: readonly string[]): Promise<{ out: string; err: string; code: number }> {
  const cli = resolve('dist/simulator/cli.js')
  return new Promise(done => {
    execFile(
      process.execPath,
      [cli, ...words],
      { cwd: folder, env: { ...process.env, LC_ALL: 'C' }, timeout: 120_000, maxBuffer: 16 << 20 },
      (error, out, err) => done({ out, err, code: error === null ? 0 : Number(error.code ?? -1) }),
    )
  })
}

const folderWith = (name: string, text: string): string => {
  const folder = mkdtempSync(place('rig-'))
  writeFileSync(join(folder, name), text)
  return folder
}

describe('two runs of a suite', { timeout: 240_000 }, () => {
  const suite = (amount: string, code: string) => `scenarios:
  - { name: a dip, matrix: { reader: [qpos, miura] }, card: mir, expect: { result: approved } }
  - { name: the amount, card: mir, amount: ${amount}, expect: { result: approved } }
  - { name: the answer, card: visa-signature, reader: bluepad, host: [{ do: decline, code: "${code}", reason: No }], expect: { result: declined } }
  - { name: a tap, card: mastercard, person: tap, expect: { interface: tap } }
`

  it('that nobody changed are the same; where two cases were, on purpose, the diff names just these, with their tags', async () => {
    const folder = folderWith('suite.yaml', suite('2500.00', '05'))
    const run = (out: string) => sim(folder, 'test', 'suite.yaml', '--workers', '2', '--reporter', `json=${out}`)
    const report = (now: string) => sim(folder, 'report', now, '--against', 'one.json', '--out', `${now}.html`)
    expect((await run('one.json')).code).toBe(0)
    expect((await run('same.json')).code).toBe(0)
    writeFileSync(join(folder, 'suite.yaml'), suite('2600.00', '51'))
    expect((await run('two.json')).code).toBe(0)

    const same = await report('same.json')
    expect([same.code, same.out.trim().split('\n').slice(1)]).toEqual([0, ['changed: 0, as before: 5']])
    const { code, out } = await report('two.json')
    expect([code, out.trim().split('\n').slice(1)]).toEqual([
      0,
      [
        'changed: 2, as before: 3',
        '  the amount  (reader qpos, card mir)',
        expect.stringMatching(/^ {4}screens: .*2500\.00.* → .*2600\.00/),
        '    81 Amount, Authorised (Binary): 0003D090 → 0003F7A0',
        '    9F02 Amount, Authorised (Numeric): 000000250000 → 000000260000',
        '  the answer  (reader bluepad, card visa-signature)',
        '    8A Authorisation Response Code: 3035 → 3531',
      ],
    ])
  })
})

describe('a run', { timeout: 240_000 }, () => {
  const suite = `scenarios:
  - { name: dip, matrix: { reader: [qpos, miura, bluepad, idtech] }, card: visa-signature, expect: { interface: chip } }
  - { name: wrong, card: expired, expect: { result: approved, bits: [not TVR.expired] } }
  - { name: open, skip: not built yet }
`
  const readReport = (folder: string, file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as RunReport
  const told = ({ results }: RunReport) => results.map(({ name, status, seed, virtualDuration }) => [name, status, seed, virtualDuration])

  it('by two workers is that of one; its shards, merged, are the whole; the first failure is shown whole', async () => {
    const folder = folderWith('suite.yaml', suite)
    const run = (...words: string[]) => sim(folder, 'test', 'suite.yaml', '--seed', '9', ...words)
    const one = await run('--workers', '1', '--reporter', 'json=one.json')
    const two = await run('--workers', '2', '--reporter', 'json=two.json', '--reporter', 'line')
    expect([one.code, two.code]).toEqual([1, 1]) // a case fails
    const whole = told(readReport(folder, 'one.json'))
    expect(told(readReport(folder, 'two.json'))).toEqual(whole)
    expect(two.out).toMatch(/wrong {2}suite\.yaml:3\n.*\n {2}expect\.result\n {4}expected: approved\n {4}was: declined[\s\S]*set by/)
    expect(two.out.trim().split('\n').at(-1)).toMatch(/^4 passed, 1 failed, 1 skipped in [\d.]+ s$/)

    const shards = [1, 2, 3].map(part => run('--workers', '1', '--shard', `${part}/3`, '--reporter', `json=${part}.json`))
    await Promise.all(shards)
    const merged = await sim(folder, 'test', '--merge', '1.json', '2.json', '3.json', '--reporter', 'json=all.json', '--reporter', 'line')
    expect([merged.code, merged.out.trim().split('\n').at(-1)]).toEqual([1, expect.stringMatching(/^4 passed, 1 failed, 1 skipped/)])
    const sorted = (rows: readonly unknown[]) => rows.map(row => JSON.stringify(row)).sort()
    expect(sorted(told(readReport(folder, 'all.json')))).toEqual(sorted(whole))
  })

  it('a case that fails at a reader and passes when it is tried again is flaky, and the run is green', async () => {
    const device = virtualReader({ family: 'miura', resultTime: 0 })
    let leave = person(device.body, loadCard('mir'), { cancelAt: 'card' }) // the first one goes away again
    device.body.on(event => {
      if (event.type !== 'display' || event.screen.message !== 'reader.cancelled') return
      leave()
      leave = person(device.body, loadCard('mir'))
    })
    const listening = await listen('tcp:0', link => device.serve(link))
    const folder = folderWith('one.yaml', 'name: a dip\ncard: mir\nexpect: { result: approved }\n')
    try {
      const words = ['test', 'one.yaml', '--reader', `${listening.uri}?family=miura`, '--reporter', 'line', '--reporter', 'json=run.json']
      const { code, out } = await sim(folder, ...words, '--retries', '1')
      expect([code, out.trim().split('\n').at(-1)]).toEqual([
        0,
        expect.stringMatching(/^1 passed, 0 failed, 0 skipped in .* \(1 only when tried again\)$/),
      ])
      expect(readReport(folder, 'run.json').results).toMatchObject([{ name: 'a dip', status: 'flaky', attempts: 2 }])
    } finally {
      leave()
      await listening.close()
      await device.close()
    }
  })

  it('that is interrupted exits with 12, and begins no other case', async () => {
    const device = virtualReader({ family: 'miura', resultTime: 0 })
    const listening = await listen('tcp:0', link => device.serve(link))
    const folder = folderWith('two.yaml', 'scenarios:\n  - name: nobody comes\n  - name: another\n')
    try {
      const words = ['test', 'two.yaml', '--reader', `${listening.uri}?family=miura`, '--reporter', 'json=run.json']
      const child = spawn(process.execPath, [resolve('dist/simulator/cli.js'), ...words], { cwd: folder, stdio: 'ignore' })
      const stop = device.body.on(event => {
        if (event.type === 'display' && event.screen.message === 'reader.presentCard') child.kill('SIGINT')
      })
      expect(await once(child, 'exit')).toEqual([12, null])
      stop()
      expect(readReport(folder, 'run.json').results).toMatchObject([
        { name: 'nobody comes', status: 'failed' },
        { name: 'another', status: 'skipped' },
      ])
    } finally {
      await listening.close()
      await device.close()
    }
  })

  it.each([
    ['all that pass', 'name: x\ncard: mir\n', [], 0],
    ['all that are skipped', 'name: x\nskip: later\n', [], 0],
    ['one that fails', 'name: x\ncard: mir\nexpect: { result: declined }\n', [], 1],
    ['one that fails each time', 'name: x\ncard: mir\nexpect: { result: declined }\n', ['--retries', '2'], 1],
    ['a card that is none', 'name: x\ncard: { profile: mir, with: { pan: "1" } }\n', [], 1],
    ['a file that is none', 'name: x\ncrad: mir\n', [], 2],
    ['a flag that is none', 'name: x\n', ['--shard', '3/2'], 2],
    ['no case that is meant', 'name: x\n', ['--grep', 'y'], 2],
  ] as const)('%s: exit code', async (_, text, words, code) => {
    const folder = folderWith('x.yaml', text)
    expect((await sim(folder, 'test', 'x.yaml', '--workers', '1', ...words)).code).toBe(code)
  })
})

describe('--update', { timeout: 240_000 }, () => {
  const text = `# What we hold.
defaults:
  card: expired # the bank says 54
scenarios:
  - name: expired
    expect:
      reason: offlineDeclined   # was it?
      result: approved
      bits: [not TVR.expired, "not TVR.3.8"]
      tags: { 8A: "3030", "95": xxxxxxxxxx }
      never: { screens: [reader.declined] }
  - name: over readers
    matrix: { reader: [qpos, miura] }
    expect: { responseCode: ["00", "05"] }
  - name: differs
    matrix: { card: [mir, expired] }
    expect: { result: cancelled } # one approves
  - name: steps
    steps:
      - pay: { expect: { interface: tap } }
`

  it('rewrites what was seen where it stands, keeps all else, tells it, and leaves what somebody has to mean', async () => {
    const folder = folderWith('own.yaml', text)
    const first = await sim(folder, 'test', 'own.yaml', '--update', '--workers', '1')
    const now = readFileSync(join(folder, 'own.yaml'), 'utf8')
    expect(now).toBe(
      text
        .replace('reason: offlineDeclined', 'reason: hostDeclined')
        .replace('result: approved', 'result: declined')
        .replace('[not TVR.expired', '[TVR.expired')
        .replace('8A: "3030"', '8A: "3534"')
        .replace('["00", "05"]', '"54"')
        .replace('interface: tap', 'interface: chip'),
    )
    expect(first.code).toBe(1)
    expect(first.out).toContain('own.yaml:5: expect.result: approved → declined\n')
    expect(first.out).toContain('own.yaml:5: expect.never.screens.0 is as it was: it is to be changed by hand\n')
    expect(first.out).toContain('own.yaml:15: expect.result is as it was: its cases differ, or not all of them were run\n')
    const again = await sim(folder, 'test', 'own.yaml', '--update', '--workers', '1')
    expect([again.code, again.out.match(/ → /)]).toEqual([1, null])
    expect(readFileSync(join(folder, 'own.yaml'), 'utf8')).toBe(now)
  })

  it('an app that was killed has no exit code: that is written, and holds', async () => {
    const killed = `name: killed\ncard: mir\nfaults: [{ at: cryptogram, do: kill }]\nexpect: { result: killed, exit: 0 }\n`
    const folder = folderWith('killed.yaml', killed)
    const first = await sim(folder, 'test', 'killed.yaml', '--update', '--workers', '1')
    expect(first.out).toContain('killed.yaml:1: expect.exit: 0 → none\n')
    expect(first.code).toBe(0)
    expect(readFileSync(join(folder, 'killed.yaml'), 'utf8')).toBe(killed.replace('exit: 0', 'exit: none'))
    expect((await sim(folder, 'test', 'killed.yaml', '--workers', '1')).code).toBe(0)
  })

  it('keeps JSON what it is, writes no secret, and is green where nothing is left', async () => {
    const json = `{ "name": "x", "card": "mir",\n  "expect": { "result": "declined", "online": false } }\n`
    const folder = folderWith('x.json', json)
    expect((await sim(folder, 'test', 'x.json', '--update')).code).toBe(0)
    expect(readFileSync(join(folder, 'x.json'), 'utf8')).toBe(json.replace('declined', 'approved').replace('false', 'true'))
    const pan = updated(
      'name: x\nexpect: { application: MIR }\n',
      'x.yaml',
      [{}] as never,
      [{ expectations: [{ path: 'expect.application', expected: 'MIR', actual: 'card 2200000000003022', passed: false }] }] as never,
    )
    expect(pan.updates).toEqual([{ line: 1, path: 'expect.application', before: 'MIR', left: 'secret' }])
    expect(pan.text).not.toContain('2200')
  })
})
