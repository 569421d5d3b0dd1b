/** Files of a Miura: the vendor's archives and configuration, checked, and streamed to the reader block by block. */

import { text } from '../../src/bytes.ts'
import { Fault, throwIfAborted } from '../../src/errors.ts'
import { command, decodeFileSize, encodeStreamBlock, failureName, readBinaryAt, refusesData, SUCCESS, selectModes } from './codec.ts'
import { type MiuraLine, refused } from './session.ts'

export interface MiuraFile {
  /** As the reader is told: it knows by the name what to do with the file. */
  readonly name: string
  readonly bytes: Uint8Array
}

/** Bytes of a block: the vendor's own code sends 128 KiB, which is a long time without progress over Bluetooth. */
export const BLOCK = 16_384
/** DFA303 of the vendor's own code. */
const STREAM_TIMEOUT = 100
/** Milliseconds until a block must be taken. */
const BLOCK_TIME = 120_000
/** READ BINARY of the vendor's own code. */
const READ = 0xfc

const TAR_BLOCK = 512
/** `M000-MPI-V1-47.tar.gz`, `M000-TESTOSUPDATE-V1-6.tar.gz` (Config.java of the vendor's example). */
const FIRMWARE = /^M\d{3}-(TEST)?(OS|OSUPDATE|MPI|RPI)-V[\w.-]+\.tar\.gz$/
/** What the vendor's example sends as configuration. */
const CONFIGURATION = /^[\w-]+\.(cfg|CFG|txt|bmp|png|sig)$|^[\w-]+\.cfg\.sig$/

function bad(rule: string, why: string): Fault {
  return new Fault('bad-argument', `the firmware image ${why}`, { field: 'image', rule })
}

/**
 * The files of an image: a plain tar of the vendor's own, each under its own name, in the order in which they are sent. Whether the vendor signed them only the
 * reader can say.
 * @throws Fault `bad-argument` with details.rule `tar`, `name`, `archive`, `empty`
 */
export function filesOf(image: Uint8Array): MiuraFile[] {
  const files: MiuraFile[] = []
  for (let at = 0; at + TAR_BLOCK <= image.length; ) {
    const head = image.subarray(at, at + TAR_BLOCK)
    if (head.every(byte => byte === 0)) break
    const field = (from: number, length: number) => text(head.subarray(from, from + length)).replace(/[\0 ]+$/, '')
    const size = Number.parseInt(field(124, 12), 8)
    const sum = head.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0)
    if (Number.parseInt(field(148, 8), 8) !== sum || !(size >= 0)) throw bad('tar', `is no tar of files for a Miura (at byte ${at})`)
    at += TAR_BLOCK
    const name = field(0, 100)
    if (!FIRMWARE.test(name) && !CONFIGURATION.test(name)) throw bad('name', `has '${name}', which is no file of a Miura's`)
    if (at + size > image.length) throw bad('tar', `ends in the middle of ${name}`)
    const bytes = image.slice(at, at + size)
    if (FIRMWARE.test(name) && !isArchive(bytes)) throw bad('archive', `has ${name}, which is no gzip archive`)
    files.push({ name, bytes })
    at += Math.ceil(size / TAR_BLOCK) * TAR_BLOCK
  }
  if (files.length === 0) throw bad('empty', 'has no file in it')
  return files
}

export function isFirmware({ name }: MiuraFile): boolean {
  return FIRMWARE.test(name)
}

/** gzip with deflate (RFC 1952, 2.3). Whether it is whole, and signed, the reader finds out when it installs it. */
function isArchive([first, second, method]: Uint8Array): boolean {
  return first === 0x1f && second === 0x8b && method === 0x08
}

export interface SendOptions {
  readonly signal?: AbortSignal | undefined
  /** After each block: bytes that the reader has taken of all files. */
  readonly onProgress: (done: number) => void
}

/** Writes the files, one after another. An abort is heeded between two blocks. @throws Fault `aborted`, `bad-argument` (the reader refuses the file), `reader-error`, … */
export async function sendFiles(line: MiuraLine, files: readonly MiuraFile[], { signal, onProgress }: SendOptions): Promise<void> {
  let done = 0
  for (const file of files) {
    await selectFile(line, file.name, selectModes.truncate)
    for (let offset = 0; offset < file.bytes.length; offset += BLOCK) {
      throwIfAborted(signal)
      const content = file.bytes.subarray(offset, offset + BLOCK)
      const data = encodeStreamBlock({ offset, size: content.length, timeout: STREAM_TIMEOUT })
      const message = command('streamBinary', { data, content })
      const { sw } = await line.ask(message, { timeout: BLOCK_TIME })
      if (refusesData(sw))
        throw bad(failureName(sw), `is refused by the reader: ${file.name} is not for it, or not signed (${failureName(sw)})`)
      if (sw !== SUCCESS) throw refused(sw, message)
      done += content.length
      onProgress(done)
    }
  }
}

async function selectFile(line: MiuraLine, name: string, mode: number): Promise<number> {
  const bytes = Uint8Array.from(name, char => char.charCodeAt(0) & 0x7f)
  return decodeFileSize(await line.run(command('selectFile', { p1: mode, data: bytes })))
}

/** A file as the reader has it. @throws Fault `reader-error` where it has none of that name */
export async function readFile(line: MiuraLine, name: string, signal?: AbortSignal): Promise<Uint8Array> {
  const size = await selectFile(line, name, selectModes.append)
  const bytes = new Uint8Array(size)
  for (let offset = 0; offset < size; ) {
    const le = Math.min(READ, size - offset)
    const part = await line.run(command('readBinary', { ...readBinaryAt(offset), le }), { signal })
    if (part.length === 0 || part.length > le) throw new Fault('protocol', `READ BINARY gave ${part.length} of ${le} bytes`)
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}
