/** The packed package in an app's hands: it type-checks with three generations of TypeScript, and is imported and required. Needs `npm run build`. */

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ts } from '../../scripts/docstrings.mjs'
import { type PackedApp, packedApp, root } from './packed.ts'

let app: PackedApp
beforeAll(() => {
  app = packedApp()
  if (!existsSync(tsc('typescript-5.4'))) execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: older, stdio: 'pipe' })
}, 300_000)
afterAll(() => app?.remove())

const write = (name: string, text: string) => writeFileSync(join(app.folder, name), text)
const installed = (...path: string[]) => join(app.folder, 'node_modules/tapdip', ...path)

/** Each entry with a function that it has. */
const entries = {
  tapdip: 'open',
  'tapdip/simulator': 'virtualCounter',
  'tapdip/bench': 'benchClient',
  'tapdip/tools': 'initialKey',
  'tapdip/emv': 'transact',
  'tapdip/payment': 'openTill',
  'tapdip/receipt': 'receiptLines',
  'tapdip/tlv': 'readTemplate',
}

/** An app that uses a type and a value of each entry, and reads what has a type of its own in each generation: bytes and `await using`. */
const consumer = `
import { open, pay, httpAcquirer, type AppPrompts, type Reader } from 'tapdip'
import { runScenario, scenario, virtualCounter, type CardProfile, type HostRule, type Scenario } from 'tapdip/simulator'
import { initialKey, type Direction } from 'tapdip/tools'
import { transact, type Card, type Outcome } from 'tapdip/emv'
import { openTill, type Journal, type PaymentResult, type Till } from 'tapdip/payment'
import { receiptLines, type Receipt } from 'tapdip/receipt'
import { describe, type Described, readTemplate } from 'tapdip/tlv'

const card: Card = { interface: 'contact', atr: new Uint8Array(2), transmit: async apdu => apdu }
const names: (string | undefined)[] = describe(card.atr).objects.map((one: Described) => one.name)
export async function sale(prompts: AppPrompts, rules: HostRule[], profile: CardProfile): Promise<PaymentResult> {
  await using counter = await virtualCounter({ rules, card: profile })
  await using reader: Reader = await open(counter.link(), { family: 'qpos' })
  const order = { number: '1', amount: 250000n, currency: { alpha: 'RUB', numeric: 643, exponent: 2 } }
  const result = await pay(order, { reader, acquirer: httpAcquirer(counter.acquirer.url), prompts } as unknown as Parameters<typeof pay>[1])
  // @ts-expect-error an amount is a bigint
  await pay({ ...order, amount: 2500 }, { reader })
  return result
}
export const torn: Scenario = scenario({
  name: 'torn', reader: 'magtek mms', card: { profile: 'mir', with: { expires: '200131' } },
  faults: [{ at: 'cryptogram', do: 'pull' }], expect: { result: ['cancelled', 'declined'], reason: 'cardRemoved', bits: ['TVR.expired'] },
})
// @ts-expect-error no family has this name
export const wrong = scenario({ name: 'wrong', reader: 'qpso' })
export const outcome: Promise<string> = runScenario(torn).then(({ status }) => status)
export const used = { names, initialKey, transact, openTill, receiptLines, readTemplate }
export type All = [Direction, Outcome, Journal, Till, Receipt]
`
/** Older TypeScripts have a folder of their own, which is filled when it is first asked for. */
const older = join(root, 'test/house/typescripts')
const tsc = (typescript: string) => join(typescript === 'typescript' ? root : older, 'node_modules', typescript, 'bin/tsc')

function compile(typescript: string, options: object): string {
  write('app.ts', consumer)
  const strict = { strict: true, target: 'es2022', noEmit: true, skipLibCheck: false, types: [] }
  const lib = ['es2022', 'dom', 'esnext.disposable']
  write('tsconfig.json', JSON.stringify({ compilerOptions: { ...strict, lib, ...options }, files: ['app.ts'] }))
  const { stdout, stderr, status } = spawnSync(process.execPath, [tsc(typescript), '-p', app.folder], { cwd: app.folder, encoding: 'utf8' })
  return status === 0 ? '' : `${stdout}${stderr}${status}`
}

describe('the packed package', () => {
  it.each([
    ['TypeScript 5.4', 'typescript-5.4', { module: 'nodenext', moduleResolution: 'nodenext' }],
    ['TypeScript 5.9', 'typescript-5.9', { module: 'nodenext', moduleResolution: 'nodenext' }],
    ['TypeScript 7', 'typescript', { module: 'nodenext', moduleResolution: 'nodenext' }],
    ['TypeScript 7 for a bundler', 'typescript', { module: 'esnext', moduleResolution: 'bundler' }],
  ] as const)(
    '%s checks an app of all entries and every declaration of ours, without types of Node',
    { timeout: 240_000 },
    (_, typescript, options) => {
      expect(compile(typescript, options)).toBe('')
    },
  )

  it('is imported and required, every entry', { timeout: 120_000 }, () => {
    const rows = Object.entries(entries)
    const esm = rows.map(([name, call]) => `console.log(typeof (await import('${name}')).${call})`).join('\n')
    const cjs = rows.map(([name, call]) => `console.log(typeof require('${name}').${call})`).join('\n')
    write('app.mjs', esm)
    write('app.cjs', cjs)
    for (const file of ['app.mjs', 'app.cjs'])
      expect(execFileSync(process.execPath, ['--no-warnings', file], { cwd: app.folder, encoding: 'utf8' })).toBe(
        'function\n'.repeat(rows.length),
      )
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(Object.keys(exports).filter(name => name !== './package.json')).toEqual(
      Object.keys(entries).map(name => name.replace('tapdip', '.')),
    )
  })

  it('its types are what it is: attw for ESM and bundlers, publint', { timeout: 120_000 }, async () => {
    const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js')
    const { status, stdout } = spawnSync(process.execPath, [attw, app.tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji'], { encoding: 'utf8' }) // biome-ignore format: one line
    expect(status, stdout).toBe(0)
    for (const kind of [/^node16 \(from ESM\): OK \(ESM\)/gm, /^bundler: OK ?$/gm])
      expect(stdout.match(kind)).toHaveLength(Object.keys(entries).length)
    const { messages } = await publint({ pkgDir: installed(), strict: true, pack: false })
    expect(messages.map(({ code, path }) => `${code} ${path.join('.')}`)).toEqual([])
  })

  it('ships the build, its types, its texts and the sources that its maps name, and nothing else', () => {
    const names = readdirSync(installed(), { recursive: true, encoding: 'utf8' })
    for (const name of [
      'dist/devices/cli.js',
      'dist/simulator/cli.js',
      'dist/src/tools.d.ts',
      'src/entries/emv.ts',
      'scenarios/schema.json',
      'README.md',
      'CHANGELOG.md',
      'LICENSE',
    ])
      expect(names).toContain(name)
    expect([...new Set(names.map(name => name.split('/')[0]))].sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'devices', 'dist', 'docs', 'examples', 'package.json', 'scenarios', 'simulator', 'src']) // biome-ignore format: one line
  })

  it('brings no scripts, and tells types first', () => {
    const { scripts, exports } = JSON.parse(readFileSync(installed('package.json'), 'utf8'))
    expect(scripts).toBeUndefined()
    for (const target of Object.values<Record<string, string> | string>(exports))
      if (typeof target === 'object') expect(Object.keys(target)[0]).toBe('types')
  })

  /** Of the build but the bench's page, which is a bundle for browsers. */
  const modules = () =>
    readdirSync(installed('dist'), { recursive: true, encoding: 'utf8' }).filter(name => !name.startsWith('simulator/bench/web/assets/'))

  const sideEffects = (): string[] => JSON.parse(readFileSync(installed('package.json'), 'utf8')).sideEffects

  it('every way in that Node has leads to the same files: there is one of each class', () => {
    const entries = readdirSync(installed('dist/node'), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.js'))
    const outside = entries.flatMap(name =>
      [...readFileSync(installed('dist/node', name), 'utf8').matchAll(/(?:from\s*|import\s*\(?\s*)"(\.[^"]+)"/g)]
        .map(([, to]) => join(dirname(name), to))
        .filter(to => to.startsWith('..') || !entries.includes(to)),
    )
    expect([entries.length > 20, outside]).toEqual([true, []])
    const { exports } = JSON.parse(readFileSync(installed('package.json'), 'utf8'))
    for (const [name, target] of Object.entries<Record<string, string> | string>(exports))
      if (typeof target === 'object') expect(target.node, name).toBe(target.default.replace('./dist/', './dist/node/'))
    for (const name of sideEffects())
      expect(readFileSync(installed(name), 'utf8')).toMatch(/^(#!.*\n)?import '(\.\.\/)+node\/[\w/-]+\.js'\n$/)
  })

  it('a debugger finds the source of every module, an editor that of every declaration', () => {
    const built = modules().map(name => installed('dist', name))
    const maps = built.filter(name => name.endsWith('.map'))
    // Doors have no code of their own: they import and export.
    const door = (name: string) =>
      readFileSync(name, 'utf8')
        .replace(/^#!.*|^(import|export) (\{[^}]*\}|\*)?( from )?("[^"]*"|'[^']*')?;?$/gm, '')
        .trim() === ''
    const without = built.filter(name => /\.(d\.ts|js)$/.test(name) && !existsSync(`${name}.map`))
    expect(without.filter(name => !door(name) && !name.includes('rolldown-runtime'))).toEqual([])
    expect(without.length).toBeLessThan(40)
    const lost = maps.flatMap(map => (JSON.parse(readFileSync(map, 'utf8')).sources as string[]).map(source => join(dirname(map), source)).filter(source => !existsSync(source))) // biome-ignore format: one line
    expect(lost).toEqual([])
  })

  it('only the commands, and a worker of theirs, do something when loaded: a bundler may drop the rest', { timeout: 120_000 }, () => {
    const doing = modules()
      .filter(name => name.endsWith('.js') && !name.startsWith('node/'))
      .filter(name => {
        const code = readFileSync(installed('dist', name), 'utf8')
        const { statements } = ts.createSourceFile(name, code, ts.ScriptTarget.Latest)
        return (
          /^import '/m.test(code) ||
          statements.some(
            one => ts.isExpressionStatement(one) || ts.isForOfStatement(one) || ts.isForStatement(one) || ts.isIfStatement(one),
          )
        )
      })
    expect(doing.map(name => `./dist/${name}`).sort()).toEqual(sideEffects().sort())
  })
})
