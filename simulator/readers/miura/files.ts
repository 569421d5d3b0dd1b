/** The files of a virtual Miura: configuration that can be read and written, and archives of firmware that it installs when it restarts. */

import { decodeStreamBlock, encodeFileSize, failures, readBinaryOffset, selectModes } from '../../../devices/miura/codec.ts'
import { concat, fromText, fromUint, text, uint } from '../../../src/bytes.ts'
import { isFault } from '../../../src/errors.ts'
import { HEAD_LENGTH, type TestImage, testImage, type UpdateBay } from '../update.ts'
import { type Answer, done, endingOfFault, failed } from './payload.ts'

/** An archive of firmware by its name. */
const FIRMWARE = /^M\d{3}-.+\.tar\.gz$/

interface Selected {
  readonly name: string
  /** Where the image of a firmware archive begins, once its head has come. */
  body?: { readonly from: number; readonly length: number }
}

interface Parameters {
  readonly p1: number
  readonly p2: number
  readonly data: Uint8Array
}

export class MiuraFiles {
  readonly #files: Map<string, Uint8Array>
  readonly #bay: UpdateBay
  #selected: Selected | undefined

  constructor(files: ReadonlyMap<string, Uint8Array>, bay: UpdateBay) {
    this.#files = new Map(files)
    this.#bay = bay
  }

  get names(): string[] {
    return [...this.#files.keys()]
  }

  select({ p1, data }: Parameters): Answer {
    const name = text(data)
    if (name.length === 0) return failed(failures.INVALID_DATA)
    this.#selected = { name }
    if (FIRMWARE.test(name)) return done(encodeFileSize(0))
    if (p1 === selectModes.truncate) this.#files.set(name, new Uint8Array(0))
    const file = this.#files.get(name)
    if (!file) {
      this.#selected = undefined
      return failed(failures.INVALID_DATA)
    }
    return done(encodeFileSize(file.length))
  }

  read(parameters: Parameters, le = 0): Answer {
    const file = this.#selected && this.#files.get(this.#selected.name)
    if (!file) return failed(failures.COMMAND_NOT_ALLOWED)
    const offset = readBinaryOffset(parameters)
    return done(file.slice(offset, offset + (le || 256)))
  }

  /** A block of the selected file. @throws nothing: what is wrong with it is in the answer */
  async stream({ data }: Parameters, content: Uint8Array, signal: AbortSignal): Promise<Answer> {
    const selected = this.#selected
    if (!selected) return failed(failures.COMMAND_NOT_ALLOWED)
    try {
      const { offset, size } = decodeStreamBlock(data)
      if (content.length !== size) return failed(failures.INVALID_DATA) // the line went quiet before its end
      if (FIRMWARE.test(selected.name)) await this.#firmware(selected, offset, content, signal)
      else {
        const file = this.#files.get(selected.name) ?? new Uint8Array(0)
        if (offset > file.length) return failed(failures.INVALID_DATA)
        this.#files.set(selected.name, concat(file.subarray(0, offset), content))
      }
      return done()
    } catch (error) {
      if (isFault(error)) return endingOfFault(error)
      throw error
    }
  }

  async #firmware(selected: Selected, offset: number, content: Uint8Array, signal: AbortSignal): Promise<void> {
    if (offset === 0) {
      const { head, from } = openArchive(content)
      this.#bay.begin(head)
      selected.body = { from, length: lengthOf(head) }
    }
    const { from, length } = selected.body ?? { from: 0, length: 0 }
    const [start, end] = [Math.max(from, offset), Math.min(from + length, offset + content.length)]
    if (start < end) await this.#bay.write(start - from, content.subarray(start - offset, end - offset), signal)
  }

  /** What it does when it restarts: an archive that is whole runs from now on; one that is not leaves the reader without an application. */
  install(): void {
    if (!this.#bay.needed) return
    try {
      this.#bay.commit()
    } catch (error) {
      if (!isFault(error, 'bad-argument')) throw error
    }
  }
}

/** Bytes of the image's body, as its head tells (update.ts). */
function lengthOf(head: Uint8Array): number {
  return uint(head.subarray(32, 36))
}

/** gzip with FEXTRA (RFC 1952, 2.3.1), the head of the image in a subfield of ours, the body as one stored block (RFC 1951, 3.2.4). */
const GZIP = [0x1f, 0x8b, 0x08, 0x04, 0, 0, 0, 0, 0, 0xff]
const SUBFIELD = fromText('td')
const EXTRA = 4 + HEAD_LENGTH
const BODY = GZIP.length + 2 + EXTRA + 5

/** Nothing of an image where the archive is none of ours: the bay refuses it. */
function openArchive(bytes: Uint8Array): { readonly head: Uint8Array; readonly from: number } {
  const ours = GZIP.every((byte, at) => bytes[at] === byte) && text(bytes.subarray(12, 14)) === text(SUBFIELD)
  return { head: ours ? bytes.slice(16, 16 + HEAD_LENGTH) : new Uint8Array(0), from: BODY }
}

const little = (value: number, length: number) => fromUint(value, length).reverse()

/** A firmware image for the virtual Miura, as `updateFirmware` takes it: a tar with one archive in it. `size` is at most 65535. */
export function miuraImage({ version, ...more }: Omit<TestImage, 'family'>): Uint8Array {
  const { head, body } = testImage({ family: 'miura', version, ...more })
  const extra = concat(SUBFIELD, little(HEAD_LENGTH, 2), head)
  const stored = concat(Uint8Array.of(1), little(body.length, 2), little(~body.length & 0xffff, 2), body)
  const archive = concat(Uint8Array.from(GZIP), little(extra.length, 2), extra, stored, little(crc32(body), 4), little(body.length, 4))
  return tarOf([{ name: `M000-MPI-V${version.replaceAll('.', '-')}.tar.gz`, bytes: archive }])
}

/** A POSIX tar of plain files. */
export function tarOf(files: readonly { readonly name: string; readonly bytes: Uint8Array }[]): Uint8Array {
  const parts = files.flatMap(({ name, bytes }) => {
    const head = new Uint8Array(512)
    const put = (at: number, value: string) => head.set(fromText(value), at)
    put(0, name)
    put(100, '0000644\0')
    put(124, `${bytes.length.toString(8).padStart(11, '0')}\0`)
    put(148, '        ')
    put(156, '0')
    put(257, 'ustar\x0000')
    const sum = head.reduce((total, byte) => total + byte, 0)
    put(148, `${sum.toString(8).padStart(6, '0')}\0 `)
    return [head, bytes, new Uint8Array((512 - (bytes.length % 512)) % 512)]
  })
  return concat(...parts, new Uint8Array(1024))
}

/** CRC-32 of RFC 1952, 8. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}
