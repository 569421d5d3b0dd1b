/** `tapdip explain` as a user runs it, on what `tapdip-sim run --explain` tells. Needs `npm run build` (npm test does it). */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

describe('tapdip explain', () => {
  const root = resolve(import.meta.dirname, '../../..')
  const folder = mkdtempSync(join(tmpdir(), 'tapdip-explain-'))
  const file = join(folder, 'explained.jsonl')
  afterAll(() => rmSync(folder, { recursive: true }))
  const tapdip = (...args: string[]) =>
    spawnSync(process.execPath, [join(root, 'dist/devices/cli.js'), 'explain', ...args], { encoding: 'utf8' })

  beforeAll(() => {
    const { stdout, status } = spawnSync(
      process.execPath,
      [join(root, 'dist/simulator/cli.js'), 'run', '--card', 'expired', '--host', 'approve', '--explain', '--json'],
      { encoding: 'utf8' },
    )
    const { explained, result, tags } = JSON.parse(stdout)
    // The card's bank finds the card expired too.
    expect([status, result, tags['95'], tags['8A']]).toEqual([10, 'declined', '0040048000', '3534'])
    writeFileSync(file, explained.map((entry: unknown) => JSON.stringify(entry)).join('\n'))
  })

  it('--bit: what set it, and what decided by it', () => {
    const { stdout, status } = tapdip(file, '--bit', 'TVR.2.7', '--json')
    expect(status).toBe(0)
    const entries = JSON.parse(stdout)
    expect(entries.map(({ step }: { step: string }) => step)).toEqual(['restrictions', 'terminalActionAnalysis'])
    expect(entries[0]).toMatchObject({ rule: 'Book 3, 10.4.3: expired before today', effect: ['TVR expired'] })
    expect(entries[0].inputs['5F24']).toMatch(/^\d{6}$/)
    expect(entries[1].effect).toContain('online by expired')
  })

  it('--step: only that step', () => {
    const { stdout } = tapdip(file, '--step', 'riskManagement')
    expect(stdout.split('\n')[0]).toBe('riskManagement')
    expect(stdout.split('\n').filter(line => /^\w/.test(line))).toHaveLength(1)
  })

  it('--tvr, --tsi, --cvm: without a trace', () => {
    const { stdout } = tapdip('--tvr', '0040000000', '--tsi', '8000', '--cvm', '420300')
    expect(stdout).toContain(
      'TVR.2.7 Expired application (expired)\n    Book 3, 10.4.3: the application expired before today; looks at 5F24, 9A\n',
    )
    expect(stdout).toContain('TSI.1.8 Offline data authentication was performed (odaPerformed)')
    expect(stdout).toContain('CVM 420300\n  Enciphered PIN verified online, if terminal supports the CVM: unknown\n')
    expect(JSON.parse(tapdip('--tvr', '0100000000', '--json').stdout)).toEqual([
      { field: 'TVR', value: '0100000000', bits: [{ place: '1.1', meaning: 'XDA selected', rules: [] }] },
    ])
  })

  it.each([
    ['--tvr', '00', /--tvr has 1 bytes, it takes 5/],
    ['--bit', 'TVR.1.1', /--bit is 'TVR\.1\.1'/],
    ['--step', 'lunch', /--step is 'lunch'/],
  ])('%s %s is refused', (option, value, why) => {
    const { stderr, status } = tapdip(file, option, value)
    expect([status, stderr]).toEqual([2, expect.stringMatching(why)])
  })
})
