/** The programs of examples/, over the package as `npm pack` makes it, in a folder that has nothing else. Needs `npm run build` (npm test does it). */

import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const examples = join(root, 'examples')
let folder: string

const run = (...args: string[]) => execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', timeout: 200_000 })

describe('examples', { timeout: 240_000 }, () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tapdip-examples-'))
    const modules = join(folder, 'node_modules')
    mkdirSync(join(modules, 'tapdip'), { recursive: true })
    const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      cwd: root,
      encoding: 'utf8',
    })
    const [{ filename }] = JSON.parse(packed)
    execFileSync('tar', ['-xf', join(folder, filename), '--strip-components=1', '-C', join(modules, 'tapdip')])
    // What the package asks for, as this checkout has it installed: nothing is fetched.
    const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(modules, 'tapdip/package.json'), 'utf8'))
    for (const name of [...Object.keys({ ...dependencies, ...optionalDependencies }), 'vitest']) {
      mkdirSync(dirname(join(modules, name)), { recursive: true })
      symlinkSync(join(root, 'node_modules', name), join(modules, name))
    }
    cpSync(examples, folder, { recursive: true })
  }, 240_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('each imports the package by its name, and nothing else of it', () => {
    const files = readdirSync(examples, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.js'))
    expect(files.length).toBeGreaterThan(6)
    for (const file of files)
      for (const [, from] of readFileSync(join(examples, file), 'utf8').matchAll(/from '([^']+)'/g))
        expect(from, file).toMatch(/^(tapdip(\/[\w-]+)?|node:[\w/]+|vitest|\.\/[\w-]+\.js)$/)
  })

  it('pay: the line is lost, then the PIN is wrong, then it is paid once and printed', () => {
    const lines = run('pay/pay.js').split('\n')
    const at = (text: string) => lines.findIndex(line => line.includes(text))
    const order = ['waiting for the reader', 'the bank: declined', 'that PIN was wrong', 'the bank: approved', 'CUSTOMER COPY', 'PAN: 220000******3022'].map(at) // biome-ignore format: one line
    expect(order.every(place => place >= 0)).toBe(true)
    expect(order).toEqual(order.toSorted((one, other) => one - other))
  })

  it('shop: what hangs is taken back, nothing is paid twice, the drawer agrees', () => {
    const out = run('shop/shop.js', join(folder, 'shop.db'))
    expect(out).toMatch(/^card: approved$[\s\S]*TOTAL +=990\.00$/m)
    const story = [
      'card: unknown',
      'cash: in-process',
      '* The interrupted payment of order No. S2 was taken back: nothing is charged',
      'cash: approved change 300.00 RUB',
      'refund: approved',
    ]
    expect(out).toContain(story.join('\n'))
    expect(out).toMatch(/S1 990\.00 RUB Cancelled in part/)
    expect(out).toMatch(/in the drawer: 200\.00 RUB\n$/)
  })

  it('vitest-suite: its tests pass', () => {
    const out = run('node_modules/vitest/vitest.mjs', 'run', '--root', 'vitest-suite', '--no-color')
    expect(out).toMatch(/Tests +10 passed \(10\)/)
  })

  it('own-reader: a family that the package does not have pays by chip', () => {
    const out = run('own-reader/main.js')
    expect(out).toMatch(/^approved\n/)
    expect(out).toContain('PAN: 476173******1017')
    expect(out).toContain('Verified by: signature')
  })
})
