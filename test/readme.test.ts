/** The README's programs, run as they stand there. Needs `npm run build` (npm test does it). */

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const programs = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```js\n([\s\S]*?)```/g)].map(([, program]) => program)
const run = (program: string) =>
  execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: root, encoding: 'utf8', timeout: 20_000 })

describe('README', () => {
  it('the program that pays gets a receipt, in at most 15 lines of code', () => {
    const out = run(programs[0])
    expect(out).toMatch(/^approved\n/)
    expect(out).toContain('Amount: 2500.00 RUB')
    expect(out).toContain('AID: A0000006581010 MIR')
    expect(out).toContain('PAN: 220000******0103')
    expect(out).not.toContain('2200000000000103')
    expect(programs[0].split('\n').filter(line => line.trim() !== '' && !line.startsWith('import')).length).toBeLessThanOrEqual(15)
  })

  it('the virtual counter opens and closes, and the process ends by itself', () => {
    expect(run(programs[1])).toBe('')
  })
})
