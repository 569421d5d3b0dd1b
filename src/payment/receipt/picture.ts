/** Pictures in black and white, and PNG of them (ISO/IEC 15948): one bit a pixel, stored without compression, so that it needs no library anywhere. */

import { concat, fromText, fromUint } from '../../bytes.ts'
import * as door from '../../door.ts'
import { Fault } from '../../errors.ts'
import * as rules from '../rules.ts'

/** White until drawn on. What lies outside is not drawn. */
export class Picture {
  /** Pixels. */
  readonly width: number
  /** Pixels. */
  readonly height: number
  readonly #dots: Uint8Array

  /** @throws Fault `bad-argument` */
  constructor(width: number, height: number) {
    for (const [field, value] of [['width', width], ['height', height]] as const) // biome-ignore format: two fields
      if (!Number.isInteger(value) || value < 1 || value > 16_384)
        throw new Fault('bad-argument', `picture ${field} ${value} is not 1 to 16384`, { field })
    this.width = width
    this.height = height
    this.#dots = new Uint8Array(width * height)
  }

  /** Makes one pixel dark. */
  dot(x: number, y: number): void {
    if (x >= 0 && y >= 0 && x < this.width && y < this.height) this.#dots[y * this.width + x] = 1
  }

  /** Whether a pixel is dark; false outside. */
  isDark(x: number, y: number): boolean {
    return x >= 0 && y >= 0 && x < this.width && y < this.height && this.#dots[y * this.width + x] === 1
  }

  /** A filled rectangle. */
  fill(left: number, top: number, width: number, height: number): void {
    for (let y = top; y < top + height; y++) for (let x = left; x < left + width; x++) this.dot(x, y)
  }

  /** A line with a square pen. */
  line(fromX: number, fromY: number, toX: number, toY: number, pen: number): void {
    const steps = Math.max(1, Math.ceil(Math.max(Math.abs(toX - fromX), Math.abs(toY - fromY))))
    const half = (pen - 1) / 2
    for (let step = 0; step <= steps; step++) {
      const [x, y] = [fromX + ((toX - fromX) * step) / steps, fromY + ((toY - fromY) * step) / steps]
      this.fill(Math.round(x - half), Math.round(y - half), pen, pen)
    }
  }
}

/** The bytes of a PNG file. */
export function png(picture: Picture): Uint8Array {
  door.need('picture', picture, rules.pictureRule)
  const { width, height } = picture
  const stride = Math.ceil(width / 8) + 1
  const rows = new Uint8Array(stride * height) // each begins with its filter, 0 for none
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) if (!picture.isDark(x, y)) rows[y * stride + 1 + (x >> 3)] |= 0x80 >> (x & 7)
  const header = concat(fromUint(width, 4), fromUint(height, 4), Uint8Array.of(1, 0, 0, 0, 0)) // one bit, greyscale: 1 is white
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
  return concat(signature, chunk('IHDR', header), chunk('IDAT', stored(rows)), chunk('IEND', new Uint8Array(0)))
}

function chunk(name: string, data: Uint8Array): Uint8Array {
  const body = concat(fromText(name), data)
  return concat(fromUint(data.length, 4), body, fromUint(crc32(body), 4))
}

/** zlib (RFC 1950) with stored blocks (RFC 1951, 3.2.4). */
function stored(data: Uint8Array): Uint8Array {
  const blocks: Uint8Array[] = [Uint8Array.of(0x78, 0x01)]
  for (let at = 0; at < data.length; at += 0xffff) {
    const part = data.subarray(at, at + 0xffff)
    const { length } = part
    const last = at + 0xffff >= data.length ? 1 : 0
    blocks.push(Uint8Array.of(last, length & 0xff, length >> 8, ~length & 0xff, (~length >> 8) & 0xff), part)
  }
  return concat(...blocks, fromUint(adler32(data), 4))
}

function adler32(data: Uint8Array): number {
  let [one, two] = [1, 0]
  for (const byte of data) {
    one = (one + byte) % 65_521
    two = (two + one) % 65_521
  }
  return two * 65_536 + one
}

/** ISO 3309, as PNG wants it. */
function crc32(data: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of data) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}
