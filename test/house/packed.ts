/** The package as npm ships it, in an empty folder: what an app gets. */

import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../..')

export interface PackedApp {
  /** The app's folder; `node_modules/tapdip` is the package. */
  readonly folder: string
  /** The tarball that was installed. */
  readonly tarball: string
  readonly remove: () => void
}

/**
 * Packs `dist` as it stands, with the package.json that is shipped, and lays it out in an empty folder as npm does: the package, and beside it the dependencies that it
 * names, those of this checkout; optional ones are left out; its commands in `.bin`. No registry is asked, and nothing is built: other tests run from the same `dist`.
 */
export function packedApp(): PackedApp {
  const folder = mkdtempSync(join(tmpdir(), 'tapdip-app-'))
  const stage = join(folder, 'stage')
  const modules = join(folder, 'node_modules')
  mkdirSync(stage)
  mkdirSync(modules)
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  for (const file of ['package.json', ...files]) cpSync(join(root, file), join(stage, file), { recursive: true })
  execFileSync(process.execPath, [join(root, 'scripts/manifest.mjs'), 'strip', stage])
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const [{ filename }] = JSON.parse(execFileSync('npm', pack, { cwd: stage, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }))
  rmSync(stage, { recursive: true })
  execFileSync('tar', ['-xf', join(folder, filename), '-C', modules])
  renameSync(join(modules, 'package'), join(modules, 'tapdip'))
  const { dependencies, bin } = JSON.parse(readFileSync(join(modules, 'tapdip/package.json'), 'utf8'))
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  mkdirSync(join(modules, '.bin'))
  for (const [name, file] of Object.entries<string>(bin)) {
    chmodSync(join(modules, 'tapdip', file), 0o755)
    symlinkSync(join('../tapdip', file), join(modules, '.bin', name))
  }
  writeFileSync(join(folder, 'package.json'), '{ "name": "app", "private": true, "type": "module" }')
  return { folder, tarball: join(folder, filename), remove: () => rmSync(folder, { recursive: true, force: true }) }
}
