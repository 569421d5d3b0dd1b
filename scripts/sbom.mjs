/**
 * The bill of materials of what an app gets, CycloneDX on standard output: `npm sbom` over the lock without what only builds and tests. (`npm sbom --omit dev` of npm 11
 * also leaves out what a tool of ours needs too, zod for one.)
 */

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const read = name => JSON.parse(readFileSync(join(root, name), 'utf8'))
const without = ({ devDependencies: _, scripts: __, workspaces: ___, ...rest }) => rest
const lock = read('package-lock.json')
const kept = Object.entries(lock.packages).filter(([path, one]) => !one.dev && !one.link && /^(node_modules\/|$)/.test(path))
const packages = Object.fromEntries(kept.map(([path, one]) => [path, path === '' ? without(one) : one]))

const folder = mkdtempSync(join(tmpdir(), 'tapdip-sbom-'))
try {
  const cwd = join(folder, lock.name) // npm names the whole by its folder
  mkdirSync(cwd)
  writeFileSync(join(cwd, 'package.json'), JSON.stringify(without(read('package.json'))))
  writeFileSync(join(cwd, 'package-lock.json'), JSON.stringify({ ...lock, packages }))
  execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], { cwd, stdio: ['ignore', 'inherit', 'inherit'] })
} finally {
  rmSync(folder, { recursive: true, force: true })
}
