/** A file of lines that a program writes beside its work: private, nobody's file overwritten, and a disk that fails costs the recording and nothing else. Node only. */

import { closeSync, constants, lstatSync, openSync, writeSync } from 'node:fs'
import { fileFault } from './file-fault.ts'

export interface LineFileOptions {
  /** The option that named the file, for faults: `--trace`. */
  readonly option: string
  /** An existing file is emptied, and a link followed; else both are refused. */
  readonly overwrite?: boolean
  /** Hears once, in words, that a line could not be written. */
  readonly onFailure: (what: string) => void
}

/**
 * Opens `path` (mode 0600) and gives what appends one line to it, at once, so that nothing is lost when the program is stopped. It never throws: after the first line that
 * cannot be written nothing more is. A device or a pipe is written to as it is.
 * @throws Fault `bad-argument` where the file cannot be made
 */
export function lineFile(path: string, { option, overwrite = false, onFailure }: LineFileOptions): (line: string) => void {
  const there = statusOf(path, option)
  if (there && !overwrite && (there.isFile() || there.isSymbolicLink())) throw fileFault(option, path, { code: 'EEXIST' }, 'write')
  const { O_WRONLY, O_CREAT, O_EXCL, O_TRUNC, O_APPEND } = constants
  let fd: number | undefined
  try {
    fd = openSync(path, O_WRONLY | O_APPEND | (there ? O_TRUNC : O_CREAT | O_EXCL), 0o600)
  } catch (cause) {
    throw fileFault(option, path, cause, 'write')
  }
  return line => {
    if (fd === undefined) return
    try {
      writeAll(fd, new TextEncoder().encode(`${line}\n`))
    } catch (cause) {
      const broken = fd
      fd = undefined
      onFailure(`${option} ${path}: ${(cause as Error).message}; nothing more is written there`)
      try {
        closeSync(broken)
      } catch {
        // it has failed already
      }
    }
  }
}

/** @throws Fault `bad-argument` where that is no name of a file */
function statusOf(path: string, option: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (cause) {
    throw fileFault(option, path, cause, 'write')
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
}
