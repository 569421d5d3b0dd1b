/** A file of lines that a program writes beside its work: private, nobody's file overwritten, and a disk that fails costs the recording and nothing else. Node only. */

import { closeSync, constants, lstatSync, openSync, writeSync } from 'node:fs'
import { fileFault } from './file-fault.ts'

export interface LineFileOptions {
  /** The option that named the file, for faults: `--trace`. */
  readonly option: string
  /** An existing file is emptied, and a link followed; else both are refused. */
  readonly overwrite?: boolean
  /** Each line is on the disk when it was taken: for who may be killed between two of them. */
  readonly each?: boolean
  /** Hears once, in words, that a line could not be written. */
  readonly onFailure: (what: string) => void
}

/** Takes lines; `flush` writes those that wait, for who ends before the turn does. */
export type LineFile = ((line: string) => void) & { flush(): void }

/** Lines that wait are written early when there are as many characters of them. */
const MOST_WAITING = 1 << 16

/** What still has lines when the program ends, by `process.exit` or by what nobody caught. */
const waiting = new Set<() => void>()
let atExit = false

/**
 * Opens `path` (mode 0600) and gives what appends one line to it. Lines are written together when the work that told them has paused, at the end of each turn of the event
 * loop and at the end of the program, for a call to the system costs more than a line: who kills the program (SIGKILL) loses what came since, unless `each` says otherwise. It never throws: after the
 * first line that cannot be written nothing more is. A device or a pipe is written to as it is.
 * @throws Fault `bad-argument` where the file cannot be made
 */
export function lineFile(path: string, { option, overwrite = false, each = false, onFailure }: LineFileOptions): LineFile {
  const there = statusOf(path, option)
  if (there && !overwrite && (there.isFile() || there.isSymbolicLink())) throw fileFault(option, path, { code: 'EEXIST' }, 'write')
  const { O_WRONLY, O_CREAT, O_EXCL, O_TRUNC, O_APPEND } = constants
  let fd: number | undefined
  try {
    fd = openSync(path, O_WRONLY | O_APPEND | (there ? O_TRUNC : O_CREAT | O_EXCL), 0o600)
  } catch (cause) {
    throw fileFault(option, path, cause, 'write')
  }
  let lines = ''
  const flush = () => {
    waiting.delete(flush)
    if (fd === undefined || lines === '') return
    const text = lines
    lines = ''
    try {
      writeText(fd, text)
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
  const take = (line: string) => {
    if (fd === undefined) return
    lines += `${line}\n`
    if (each || lines.length >= MOST_WAITING) flush()
    else if (!waiting.has(flush)) later(flush)
  }
  return Object.assign(take, { flush })
}

function later(flush: () => void): void {
  waiting.add(flush)
  listenForTheEnd()
  setImmediate(flush)
}

function listenForTheEnd(): void {
  if (!atExit) process.once('exit', () => waiting.forEach(one => void one()))
  atExit = true
}

/** Calls `work` when the program ends before the returned function was called: for who has lines that are not made yet. */
export function atTheEnd(work: () => void): () => void {
  waiting.add(work)
  listenForTheEnd()
  return () => void waiting.delete(work)
}

/** @throws Fault `bad-argument` where that is no name of a file */
function statusOf(path: string, option: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (cause) {
    throw fileFault(option, path, cause, 'write')
  }
}

/** What lines are put into on their way: three bytes for each of the characters (UTF-16 units) that wait. Kept, since a new one for each turn costs as much as the writing. */
let room: Buffer | undefined

function writeText(fd: number, text: string): void {
  room ??= Buffer.allocUnsafeSlow(MOST_WAITING * 3)
  const bytes = text.length > MOST_WAITING ? Buffer.from(text) : room.subarray(0, room.write(text))
  try {
    writeAll(fd, bytes)
  } finally {
    bytes.fill(0)
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
}
