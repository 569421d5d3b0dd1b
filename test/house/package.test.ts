/** What npm ships beside what packed.test.ts sees in the tarball, and that it can be imported where Bluetooth, USB and serial libraries are absent. Needs `npm run build` (npm test does it). */

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
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

  it('ships a package.json without scripts, and the checkout has its own again', () => {
    const { scripts, workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect([scripts.prepack, scripts.postpack].join(' ')).toMatch(/manifest\.mjs strip node scripts\/manifest\.mjs restore$/) // what npm pack runs
    const copy = mkdtempSync(join(tmpdir(), 'tapdip-pack-'))
    try {
      cpSync(join(root, 'package.json'), join(copy, 'package.json'))
      const whole = readFileSync(join(copy, 'package.json'), 'utf8')
      for (let packs = 0; packs < 2; packs++) node(join(root, 'scripts/manifest.mjs'), 'strip', copy) // the first one was killed
      const [{ filename }] = JSON.parse(execFileSync('npm', ['pack', '--json', '--ignore-scripts'], { cwd: copy, encoding: 'utf8' }))
      const shipped = JSON.parse(execFileSync('tar', ['-xOf', filename, 'package/package.json'], { cwd: copy, encoding: 'utf8' }))
      expect(shipped).not.toHaveProperty('scripts')
      expect({ ...shipped, scripts, workspaces }).toEqual(JSON.parse(whole))
      node(join(root, 'scripts/manifest.mjs'), 'restore', copy)
      expect(readFileSync(join(copy, 'package.json'), 'utf8')).toBe(whole)
    } finally {
      rmSync(copy, { recursive: true, force: true })
    }
  })

  it('npm and pnpm let the same packages build', () => {
    const { allowScripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const rows = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8').matchAll(/^ {2}["']?([^"':]+)["']?: (true|false)$/gm)
    expect(Object.fromEntries([...rows].map(([, name, may]) => [name, may === 'true']))).toEqual(allowScripts)
  })

  it('the bill of materials names what an app gets, with its version, and nothing that only builds and tests', () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const { bomFormat, components } = JSON.parse(node(join(root, 'scripts/sbom.mjs')))
    const named = Object.fromEntries((components as { name: string; group?: string; version: string }[]).map(({ name, group, version }) => [group ? `${group}/${name}` : name, version])) // biome-ignore format: one line
    expect(bomFormat).toBe('CycloneDX')
    expect(named).toMatchObject(dependencies)
    expect(Object.keys(named)).not.toContain('vitest')
  })

  it('the lock is the one that npm 10 and npm 11 both leave as it is', () => {
    // npm 11 writes `libc`, npm 10 takes it out again; what is not there neither adds.
    expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toContain('"libc"')
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

  it('all entry points load', () => {
    expect(
      node(
        '--input-type=module',
        '-e',
        `const [app, simulator, tools] = await Promise.all([import('tapdip'), import('tapdip/simulator'), import('tapdip/tools')])
         console.log(typeof app.open, typeof simulator.virtualCounter, typeof tools.DukptDevice, typeof tools.decodeIso)`,
      ),
    ).toBe('function function function function\n')
  })

  it('`tapdip/tools` has its types, and needs no reader and no library of the machine', () => {
    expect(readFileSync(join(root, 'dist/src/tools.d.ts'), 'utf8')).toContain('aesWorkingKey')
    const out = node(
      '--import',
      absent,
      '--input-type=module',
      '-e',
      `const { fromHex, hex, initialKey, transactionKey, pinKey, des, encodeFormat0, openPinBlock, pinOf, checkValue, describe, parseDol, decodeIso, encodeIso, isoDialects } = await import('tapdip/tools')
       const [bdk, ksn] = [fromHex('0123456789ABCDEFFEDCBA9876543210'), fromHex('FFFF9876543210E00001')]
       const block = des.encryptEcb(pinKey(transactionKey(initialKey(bdk, ksn), ksn)), encodeFormat0(pinOf('1234'), '4012345678909'))
       console.log(hex(block), openPinBlock(bdk, ksn, block, '4012345678909').join(''), hex(checkValue(bdk)))
       console.log(describe(fromHex('9F36020011')).objects[0].name, parseDol(fromHex('9F3704')).length)
       const bytes = encodeIso({ type: '0800', fields: new Map([[11, '000001'], [70, '301']]) }, { dialect: isoDialects.bcd })
       console.log(hex(bytes), decodeIso(bytes, { dialect: isoDialects.bcd }).fields.get(70))`,
    )
    // The first PIN block of X9.24-1:2009, Annex A.
    expect(out).toMatch(
      /^1B9C1845EB993A7A 1234 08D7B4\nApplication Transaction Counter.* 1\n6000000000080080200000000000000400000000000000[0-9]+ 301\n$/,
    )
  })
})
