/** Records of fixed size, as the wire has them. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, hex } from '../../src/bytes.ts'
import { blob, struct, u8, u16be } from '../../src/tlv/layout.ts'

const record = struct([u8('start'), u16be('length'), blob(3, 'serial'), u8('check')])

describe('layout', () => {
  it('reads and writes each field at its place, the higher byte first', () => {
    expect(record.span).toBe(7)
    expect(record.decode(fromHex('FF 4D 0102 A1B2C3 5A FF'), 1)).toEqual({
      start: 0x4d,
      length: 258,
      serial: fromHex('A1B2C3'),
      check: 0x5a,
    })
    const bytes = new Uint8Array(9).fill(0xee)
    record.encode({ start: 0x4d, length: 258, serial: fromHex('A1B2C3'), check: 0x5a }, bytes, 1)
    expect(hex(bytes)).toBe('EE4D0102A1B2C35AEE')
  })

  it('gives back any record that it wrote, and touches nothing beside it', () => {
    const byte = fc.integer({ min: 0, max: 255 })
    const any = fc.record({ start: byte, length: fc.integer({ min: 0, max: 65_535 }), serial: fc.uint8Array({ minLength: 3, maxLength: 3 }), check: byte }) // biome-ignore format: one line
    fc.assert(
      fc.property(any, fc.nat(5), (value, at) => {
        const bytes = new Uint8Array(at + record.span + 2).fill(0x55)
        record.encode(value, bytes, at)
        expect(record.decode(bytes, at)).toEqual(value)
        expect([...bytes.subarray(0, at), ...bytes.subarray(at + record.span)].every(one => one === 0x55)).toBe(true)
      }),
    )
  })
})
