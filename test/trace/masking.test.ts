/** Masking, beside slow and plain ways of saying the same, on whatever comes. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeCommand } from '../../src/apdu/apdu.ts'
import { concat, fromHex, fromText, hex } from '../../src/bytes.ts'
import { write as tlv } from '../../src/tlv/ber.ts'
import type { Told } from '../../src/trace/event.ts'
import { Masker } from '../../src/trace/masked.ts'
import { maskCommand, maskObject, maskObjects } from '../../src/trace/masked-bytes.ts'
import { secretCommands } from '../../src/trace/masking.ts'
import { openTrace } from '../../src/trace/writer.ts'

const PAN = '2200707364918254'
const SHOWN = '2200700000008254'
const asText = (digits: string) => hex(fromText(digits))

/** A tag, a text, a number or bytes in which that card number may stand. */
const digits = fc.constantFrom(PAN, PAN.slice(0, 12), `9${PAN}`, `${PAN}1`, '4', '')
const words = fc.tuple(fc.string({ unit: 'grapheme', maxLength: 12 }), digits, fc.string({ maxLength: 12 })).map(parts => parts.join(''))
const bytes = fc
  .tuple(fc.uint8Array({ maxLength: 8 }), fc.constantFrom(PAN, asText(PAN), asText(SHOWN), '00'), fc.uint8Array({ maxLength: 8 }))
  .map(([before, middle, after]) => concat(before, fromHex(middle), after))
const content = fc.letrec(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    words,
    bytes,
    fc.double({ noNaN: true }),
    fc.constant(Number(PAN)),
    fc.bigInt(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.constantFrom('data', 'key', 'number', '9F10', '5A', 'pan', 'note'), words), tie('value'), { maxKeys: 4 }),
  ),
})).value

const told: fc.Arbitrary<Told> = fc.oneof(
  fc.record({ kind: fc.constant('message' as const), way: fc.constantFrom('in' as const, 'out' as const), type: words, content }),
  fc.record({ kind: fc.constant('app' as const), what: fc.constant('event' as const), name: words, content }),
  fc.record({ kind: fc.constant('screen' as const), lines: fc.array(words, { maxLength: 3 }) }),
  fc.record({
    kind: fc.constant('kernel' as const),
    step: words,
    rule: words,
    inputs: fc.constant({}),
    effect: fc.array(words, { maxLength: 2 }),
  }),
  fc.record({ kind: fc.constant('light' as const), light: words }),
  fc.record({ kind: fc.constant('link' as const), way: fc.constant('in' as const), length: fc.nat(), bytes: bytes.map(hex) }),
)

/** Piece by piece: each text, name and number of what a line says, without the card number. */
function withoutPan(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll(PAN, SHOWN).replaceAll(asText(PAN), asText(SHOWN))
  if (typeof value === 'number') return JSON.parse(withoutPan(JSON.stringify(value)) as string)
  if (Array.isArray(value)) return value.map(withoutPan)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [withoutPan(name), withoutPan(one)]))
}

describe('a card number that was met', () => {
  it('is looked for in a line as a whole as it would be in each of its pieces', () => {
    fc.assert(
      fc.property(told, event => {
        const [knowing, ignorant] = [new Masker(), new Masker()]
        knowing.pans.add(PAN)
        const line = knowing.mask(event)
        expect(line).not.toContain(PAN)
        expect(line).not.toContain(asText(PAN))
        expect(JSON.parse(`{${line}}`)).toEqual(withoutPan(JSON.parse(`{${ignorant.mask(event)}}`)))
      }),
      { numRuns: 500 },
    )
  })
})

/** As `maskCommand`, with the command taken apart by its decoder. */
function slowly(command: Uint8Array): string {
  const own = command.slice()
  const found = { rules: new Set<never>(), pans: new Set<string>(), names: new Set<string>() }
  if (secretCommands.has(own[1])) return hex(own.fill(0, own.length > 5 ? 5 : 4))
  let data: Uint8Array = own.subarray(4)
  try {
    data = decodeCommand(own).data ?? new Uint8Array()
  } catch {
    // of no form that EMV has: all behind its header
  }
  if (own[1] === 0xda) maskObject(own[2] * 256 + own[3], data, found, 'card')
  else if ([0xdc, 0xe2, 0xd6].includes(own[1])) maskObjects(data, found, 'card')
  return hex(own)
}

describe('a command', () => {
  it('is masked where its decoder finds the data, whatever its form', () => {
    const ins = fc.constantFrom(0x20, 0x24, 0xda, 0xdc, 0xe2, 0xd6, 0xd8)
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.constant(tlv(0x5a, fromHex(PAN))),
      fc.constant(fromHex('2200707364918254D2612201')),
    )
    const tail = fc.uint8Array({ maxLength: 2 })
    const length = fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined })
    fc.assert(
      fc.property(
        ins,
        fc.constantFrom(0x00, 0x5a, 0x9f),
        fc.constantFrom(0x57, 0x5a),
        body,
        tail,
        length,
        (ins, p1, p2, body, tail, lc) => {
          const command = concat(Uint8Array.of(0, ins, p1, p2, lc ?? body.length), body, tail)
          const quick = command.slice()
          maskCommand(quick, { rules: new Set(), pans: new Set(), names: new Set() })
          expect(hex(quick)).toBe(slowly(command))
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('what was told', () => {
  it('stays as it was in the hands of who told it, a Buffer too', () => {
    const command = Buffer.from(`00DA005A08${PAN}`, 'hex')
    const data = Buffer.from(`5A08${PAN}`, 'hex')
    const lines: string[] = []
    const tracer = openTrace({ write: line => lines.push(line) })
    tracer.tell('card', { kind: 'apdu', interface: 'contact', name: 'PUT DATA', command, answer: Buffer.from('9000', 'hex') })
    tracer.tell('driver', { kind: 'message', way: 'in', type: 'x', content: { data, more: new Set([data]) } })
    tracer.tell('app', { kind: 'result', result: 'approved', content: { data } })
    tracer.close()
    expect(lines.join('\n')).not.toContain(PAN)
    expect(lines.join('\n').split(SHOWN)).toHaveLength(5)
    expect(hex(command)).toBe(`00DA005A08${PAN}`)
    expect(hex(data)).toBe(`5A08${PAN}`)
  })
})
