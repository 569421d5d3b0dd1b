/** The tree of an earlier commit, built in a folder, to be measured in the same run as this one. */

import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const git = (...args) => execFileSync('git', args, { cwd: root, maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] })

/** The short name of a commit; undefined where this is no clone that has it. */
export function commitOf(ref) {
  try {
    return git('rev-parse', '--short', `${ref}^{commit}`).toString().trim()
  } catch {
    return undefined
  }
}

/** Builds the commit in a new folder, with the packages of this tree. */
export function buildOf(commit, folder) {
  mkdirSync(folder)
  execFileSync('tar', ['-x', '-C', folder], { input: git('archive', commit) })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  execFileSync(process.execPath, [join(folder, 'scripts/build.mjs')], { cwd: folder, stdio: 'inherit' })
}
