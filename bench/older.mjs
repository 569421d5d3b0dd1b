/** The tree of an earlier commit, built in a folder, to be measured in the same run as this one. */

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs'
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

/** Builds the commit in a new folder, with the packages of this tree, and with those that it had and this one has no more: from the registry, without their scripts. */
export function buildOf(commit, folder) {
  mkdirSync(folder)
  execFileSync('tar', ['-x', '-C', folder], { input: git('archive', commit) })
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const gone = Object.keys(dependencies).filter(name => !existsSync(join(root, 'node_modules', name)))
  const around = join(dirname(folder), 'node_modules')
  if (!existsSync(around)) symlinkSync(join(root, 'node_modules'), around)
  if (gone.length > 0) {
    const apart = `${folder}-packages`
    mkdirSync(apart)
    const named = gone.map(name => `${name}@${dependencies[name]}`)
    execFileSync('npm', ['install', '--prefix', apart, '--ignore-scripts', '--no-audit', '--no-fund', ...named], { stdio: 'ignore' })
    renameSync(join(apart, 'node_modules'), join(folder, 'node_modules'))
  }
  execFileSync(process.execPath, [join(folder, 'scripts/build.mjs')], { cwd: folder, stdio: 'inherit' })
}
