/** What `npm pack` ships, and that it can be imported where Bluetooth, USB and serial libraries are absent. Needs `npm run build` (npm test does it). */

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { publint } from 'publint'
import { beforeAll, describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const node = (...args: string[]) => execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' })

/** A module hook that makes the optional native packages look as if they had never been installed. */
const absent = `data:text/javascript,${encodeURIComponent(`
  import { register } from 'node:module'
  register('data:text/javascript,' + encodeURIComponent(\`
    const gone = /^(serialport|@serialport\\\\/.*|node-hid|@abandonware\\\\/.*|smartcard|libsql|@libsql\\\\/.*|@lydell\\\\/node-pty.*)$/
    export async function resolve(specifier, context, next) {
      if (gone.test(specifier)) throw Object.assign(new Error('Cannot find package ' + specifier), { code: 'ERR_MODULE_NOT_FOUND' })
      return next(specifier, context)
    }\`))`)}`

describe('package', () => {
  beforeAll(() => {
    if (!existsSync(join(root, 'dist/devices/index.js'))) throw new Error('dist is missing: run npm run build first')
  })

  it('has nothing that publint warns of', async () => {
    const { messages } = await publint({ pkgDir: root, strict: true, pack: 'npm' })
    expect(messages.map(({ code, path }) => `${code} ${path.join('.')}`)).toEqual([])
  })

  it('ships the build, its types and its texts, and no tests or sources', () => {
    const [{ files }] = JSON.parse(
      execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8' }),
    )
    const names = (files as { path: string }[]).map(({ path }) => path)
    for (const name of [
      'dist/devices/index.js',
      'dist/devices/index.d.ts',
      'dist/devices/cli.js',
      'dist/simulator/world.js',
      'dist/simulator/cli.js',
      'README.md',
      'LICENSE',
    ])
      expect(names).toContain(name)
    expect(names.filter(name => /^(src|devices|simulator|test|bench)\//.test(name))).toEqual([])
  })

  it("`import 'tapdip'` works without any native library, and says which one is missing on first use", () => {
    const out = node(
      '--import',
      absent,
      '--input-type=module',
      '-e',
      `const { open, openJournal, isFault } = await import('tapdip')
       try { await openJournal('/tmp/none') } catch (fault) { console.log(fault.code, fault.message) }
       try { await open('serial:/dev/ttyACM0?family=qpos') } catch (fault) { console.log(isFault(fault), fault.code, fault.message) }`,
    )
    expect(out).toMatch(/^missing-library .*libsql.*\ntrue missing-library .*serialport/)
  })

  it('both entry points load', () => {
    expect(
      node(
        '--input-type=module',
        '-e',
        "console.log(typeof (await import('tapdip')).open, typeof (await import('tapdip/simulator')).virtualCounter)",
      ),
    ).toBe('function function\n')
  })
})
