/** Both commands as a user runs them: a process each, what it says line by line, and how it ends. Needs `npm run build`. */

import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { ends } from '../../ends.ts'

export const root = resolve(import.meta.dirname, '../../..')
export const tapdip = join(root, 'dist/devices/cli.js')
export const tapdipSim = join(root, 'dist/simulator/cli.js')

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
  readonly ms: number
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves when standard output or error matches. */
  says(pattern: RegExp): Promise<RegExpMatchArray>
}

/** `input` is all of standard input; with `open` it stays open behind that. */
export function start(file: string, args: readonly string[], input?: string, { open = false }: { readonly open?: boolean } = {}): Running {
  const began = Date.now()
  const child = spawn(process.execPath, [file, ...args], { cwd: root, env: { ...process.env, LANG: 'C.UTF-8' } })
  let out = ''
  let err = ''
  const watchers = new Set<() => void>()
  const hear = () => {
    for (const look of [...watchers]) look()
  }
  child.stdout.setEncoding('utf8').on('data', text => {
    out += text
    hear()
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    err += text
    hear()
  })
  child.stdin.on('error', () => {}) // it may be gone before it reads
  if (input !== undefined) child.stdin.write(input)
  if (!open) child.stdin.end()
  const ended = new Promise<Ended>(done => child.once('close', code => done({ code, out, err, ms: Date.now() - began })))
  ends.push(() => child.kill('SIGKILL'))
  const says = (pattern: RegExp) =>
    new Promise<RegExpMatchArray>((found, lost) => {
      const look = () => {
        const match = pattern.exec(out + err)
        if (match) {
          watchers.delete(look)
          found(match)
        }
      }
      watchers.add(look)
      look()
      void ended.then(({ code }) => lost(new Error(`ended with ${code} before it said ${pattern}: ${out}${err}`)))
    })
  return { child, ended, says }
}

export const run = (args: readonly string[], input?: string) => start(tapdip, args, input).ended
