/** The runner as a rig uses it: `tapdip-sim test` and `report` in processes of their own. Needs `npm run build`. */

import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
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
