// package.json as it is shipped: without `scripts` and `workspaces`, which are for the checkout (`prepare` would build what is built). `npm pack` strips before and restores after.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const [what, root = join(dirname(fileURLToPath(import.meta.url)), '..')] = process.argv.slice(2)
const manifest = join(root, 'package.json')
const whole = join(root, 'package.json.whole')

if (what !== 'strip' && what !== 'restore') {
  console.error('manifest.mjs takes strip or restore')
  process.exit(2)
}
// Also before stripping: a pack that was killed left it behind.
if (existsSync(whole)) renameSync(whole, manifest)
if (what === 'strip') {
  const text = readFileSync(manifest, 'utf8')
  const { scripts: _, workspaces: __, ...shipped } = JSON.parse(text)
  writeFileSync(whole, text)
  writeFileSync(manifest, `${JSON.stringify(shipped, null, 2)}\n`)
}
