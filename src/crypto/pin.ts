/** PIN blocks of ISO 9564-1: formats 0, 1, 2, 3 and the AES format 4. A PIN is its digits, one a byte, 0–9. */

import { fromHex, hex, xor } from '../bytes.ts'
import { Fault } from '../errors.ts'
import * as aes from './aes.ts'

/** Fresh unpredictable bytes, `crypto.getRandomValues` where nothing else is handed in. */
export type Random = (length: number) => Uint8Array

const systemRandom: Random = length => crypto.getRandomValues(new Uint8Array(length))

/** @throws Fault `bad-argument` unless `pin` is 4 to 12 digits, one a byte */
export function checkPin(pin: Uint8Array, field = 'PIN'): Uint8Array {
  if (pin.length < 4 || pin.length > 12)
    throw new Fault('bad-argument', `${field} has ${pin.length} digits, the rule is 4 to 12 (ISO 9564-1)`, { field, length: pin.length })
  if (pin.some(digit => digit > 9)) throw new Fault('bad-argument', `${field} has a byte that is no digit 0 to 9`, { field })
  return pin
}

/** The PIN of decimal text. @throws Fault `bad-argument` */
export function pinOf(digits: string): Uint8Array {
  if (!/^\d*$/.test(digits)) throw new Fault('bad-argument', 'PIN has a character that is no digit 0 to 9', { field: 'PIN' })
  return checkPin(Uint8Array.from(digits, Number))
}

/** `<format><length><digits>` in hex, before the fill. */
function head(format: number, pin: Uint8Array): string {
  return `${format}${checkPin(pin).length.toString(16)}${Array.from(pin).join('')}`
}

function checkPan(pan: string): string {
  if (!/^\d{8,19}$/.test(pan))
    throw new Fault('bad-argument', `PAN has ${pan.length} characters, the rule is 8 to 19 digits`, { field: 'pan', length: pan.length })
  return pan
}

/** 0000 and the 12 rightmost digits of the PAN without its check digit (formats 0 and 3). */
function panField(pan: string): Uint8Array {
  return fromHex(checkPan(pan).slice(0, -1).slice(-12).padStart(16, '0'))
}

function malformed(format: number, rule: string): Fault {
  return new Fault('bad-argument', `no ISO 9564 format ${format} PIN block: ${rule} (wrong key or PAN?)`, { field: 'PIN block', format })
}

/** Reads format, length, digits and fill of a PIN field in hex. */
function readField(format: number, field: string, fill: RegExp): Uint8Array {
  if (field[0] !== String(format)) throw malformed(format, 'the control nibble differs')
  const length = Number.parseInt(field[1], 16)
  if (length < 4 || length > 12) throw malformed(format, 'the PIN length is not 4 to 12')
  const digits = field.slice(2, 2 + length)
  if (!/^\d+$/.test(digits)) throw malformed(format, 'a PIN digit is no digit')
  if (!fill.test(field.slice(2 + length))) throw malformed(format, 'the fill is not as the format has it')
  return Uint8Array.from(digits, Number)
}

function blockOf(format: number, block: Uint8Array, length = 8): Uint8Array {
  if (block.length !== length) throw malformed(format, `it has ${block.length} bytes, the rule is ${length}`)
  return block
}

/** Format 0 (ANSI X9.8): PIN filled with F, over the PAN. 8 bytes, to be enciphered. @throws Fault `bad-argument` */
export function encodeFormat0(pin: Uint8Array, pan: string): Uint8Array {
  return xor(fromHex(head(0, pin).padEnd(16, 'F')), panField(pan))
}

/** @throws Fault `bad-argument` when the block is not one of this PAN */
export function decodeFormat0(block: Uint8Array, pan: string): Uint8Array {
  return readField(0, hex(xor(blockOf(0, block), panField(pan))), /^F*$/)
}

/** Format 1: PIN filled with unpredictable nibbles, for where no PAN is known. @param random as many bytes as asked; its nibbles fill in order */
export function encodeFormat1(pin: Uint8Array, random: Random = systemRandom): Uint8Array {
  return fromHex((head(1, pin) + hex(random(6))).slice(0, 16))
}

/** @throws Fault `bad-argument` */
export function decodeFormat1(block: Uint8Array): Uint8Array {
  return readField(1, hex(blockOf(1, block)), /^/)
}

/** Format 2: for the ICC, in VERIFY (EMV 4.4 Book 3, 6.5.12). @throws Fault `bad-argument` */
export function encodeFormat2(pin: Uint8Array): Uint8Array {
  return fromHex(head(2, pin).padEnd(16, 'F'))
}

/** @throws Fault `bad-argument` */
export function decodeFormat2(block: Uint8Array): Uint8Array {
  return readField(2, hex(blockOf(2, block)), /^F*$/)
}

/** Format 3: as 0, filled with unpredictable nibbles A to F. @param random one byte a fill nibble is taken, modulo 6 */
export function encodeFormat3(pin: Uint8Array, pan: string, random: Random = systemRandom): Uint8Array {
  const start = head(3, pin)
  const fill = Array.from(random(16 - start.length), byte => (10 + (byte % 6)).toString(16)).join('')
  return xor(fromHex(start + fill), panField(pan))
}

/** @throws Fault `bad-argument` when the block is not one of this PAN */
export function decodeFormat3(block: Uint8Array, pan: string): Uint8Array {
  return readField(3, hex(xor(blockOf(3, block), panField(pan))), /^[A-F]*$/)
}

/** The plain PIN field of format 4: 16 bytes, PIN filled with A, then 8 unpredictable bytes. @throws Fault `bad-argument` */
export function format4PinField(pin: Uint8Array, random: Random = systemRandom): Uint8Array {
  return fromHex(head(4, pin).padEnd(16, 'A') + hex(random(8)))
}

/** The plain PAN field of format 4: 16 bytes; a PAN under 12 digits is filled with zeros on the left. @throws Fault `bad-argument` */
export function format4PanField(pan: string): Uint8Array {
  if (!/^\d{1,19}$/.test(pan))
    throw new Fault('bad-argument', `PAN has ${pan.length} characters, the rule is 1 to 19 digits`, { field: 'pan' })
  return fromHex((Math.max(0, pan.length - 12) + pan.padStart(12, '0')).padEnd(32, '0'))
}

/** Format 4, enciphered with AES: 16 bytes. @throws Fault `bad-key`, `bad-argument` */
export function encipherFormat4(key: Uint8Array, pin: Uint8Array, pan: string, random: Random = systemRandom): Uint8Array {
  const first = aes.encryptEcb(key, format4PinField(pin, random))
  return aes.encryptEcb(key, xor(first, format4PanField(pan)))
}

/** The PIN of a format 4 block. @throws Fault `bad-key`, `bad-argument` when the block is not one of this key and PAN */
export function decipherFormat4(key: Uint8Array, block: Uint8Array, pan: string): Uint8Array {
  const first = xor(aes.decryptEcb(key, blockOf(4, block, 16)), format4PanField(pan))
  return readField(4, hex(aes.decryptEcb(key, first)).slice(0, 16), /^A*$/)
}
