// Compiles src, devices and simulator to dist, from nothing, makes the pages of reports and of the bench, and makes the two command files executable.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildBenchPage } from './bench-page.mjs'
import { buildBundle } from './bundle.mjs'
import { buildPage } from './page.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
rmSync(join(root, 'dist'), { recursive: true, force: true })
const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)

// Declarations that TypeScript from 5.4 on reads, whatever libraries an app names: no generic Uint8Array (5.7), no `.ts` in imports, and the library of `await using` where it
// is used. Lines stay where they are, for the declaration maps.
for (const name of readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8' }).filter(one => one.endsWith('.d.ts'))) {
  const file = join(root, 'dist', name)
  const text = readFileSync(file, 'utf8')
  const plain = text.replace(/\bUint8Array<ArrayBuffer(Like)?>/g, 'Uint8Array').replace(/(from '\.[^']*|import\('\.[^']*)\.ts'/g, "$1.js'")
  const disposable = /\b(AsyncDisposable|asyncDispose)\b/.test(plain)
  writeFileSync(file, disposable ? plain.replace(/(\r?\n|$)/, ' /// <reference lib="esnext.disposable" />$1') : plain)
}

for (const bin of ['devices/cli.js', 'simulator/cli.js']) {
  const file = join(root, 'dist', bin)
  if (existsSync(file)) chmodSync(file, 0o755)
}
await buildBundle(root)
await buildPage()
await buildBenchPage()
