/** The last reader, kept in a file over the runs of a program: where it was, and which it was. */

import { removeFile, replaceFile, stateFolder, textOfFileLater } from '#platform/files'
import { Fault, isFault } from '../src/errors.ts'
import type { ReaderMemory, RememberedReader } from '../src/reader/reconnect.ts'

export { stateFolder }

/** A file that is not there, or cannot be understood, remembers nothing. `save` replaces it whole. @throws Fault `bad-argument` where it cannot be written */
export function fileMemory(file = `${stateFolder()}/reader.json`): ReaderMemory {
  return {
    async load() {
      try {
        const { uri, serial, name } = JSON.parse(await textOfFileLater(file)) as Partial<RememberedReader>
        if (typeof uri !== 'string') return undefined
        return { uri, ...(typeof serial === 'string' && { serial }), ...(typeof name === 'string' && { name }) }
      } catch {
        return undefined
      }
    },
    async save(reader) {
      try {
        if (reader) await replaceFile(file, `${JSON.stringify(reader)}\n`)
        else await removeFile(file)
      } catch (cause) {
        if (isFault(cause)) throw cause
        throw new Fault('bad-argument', `the last reader cannot be remembered: ${(cause as Error).message}`, { field: 'memory' }, { cause })
      }
    },
  }
}
