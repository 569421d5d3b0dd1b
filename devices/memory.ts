/** The last reader, kept in a file over the runs of a program: where it was, and which it was. */

import { Fault } from '../src/errors.ts'
import type { ReaderMemory, RememberedReader } from '../src/reader/reconnect.ts'

/** `$TAPDIP_STATE`, else the place of the user's state (XDG Base Directory), else `~/.local/state/tapdip`. */
export function stateFolder(): string {
  const { TAPDIP_STATE, XDG_STATE_HOME, HOME, USERPROFILE } = process.env
  return TAPDIP_STATE ?? `${XDG_STATE_HOME ?? `${HOME ?? USERPROFILE ?? '.'}/.local/state`}/tapdip`
}

/** Loaded when it is used: this page is part of the package that a browser loads too. */
const files = () => import('node:fs/promises')

/** A file that is not there, or cannot be understood, remembers nothing. `save` replaces it whole. @throws Fault `bad-argument` where it cannot be written */
export function fileMemory(file = `${stateFolder()}/reader.json`): ReaderMemory {
  return {
    async load() {
      try {
        const { readFile } = await files()
        const { uri, serial, name } = JSON.parse(await readFile(file, 'utf8')) as Partial<RememberedReader>
        if (typeof uri !== 'string') return undefined
        return { uri, ...(typeof serial === 'string' && { serial }), ...(typeof name === 'string' && { name }) }
      } catch {
        return undefined
      }
    },
    async save(reader) {
      try {
        const { mkdir, rename, rm, writeFile } = await files()
        if (!reader) return await rm(file, { force: true })
        await mkdir(file.replace(/[^/\\]*$/, '') || '.', { recursive: true })
        const half = `${file}.${process.pid}`
        await writeFile(half, `${JSON.stringify(reader)}\n`)
        await rename(half, file)
      } catch (cause) {
        throw new Fault('bad-argument', `the last reader cannot be remembered: ${(cause as Error).message}`, { field: 'memory' }, { cause })
      }
    },
  }
}
