/** BER-TLV: what is read, what is refused and where, the strings that broke other parsers, and a million hostile inputs. */

import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, hex } from '../../src/bytes.ts'
import { type Fault, isFault } from '../../src/errors.ts'
import { find, findDeep, isConstructed, MAX_DEPTH, read, readOne, readTemplate, tagBytes, tagHex, walk, write } from '../../src/tlv/ber.ts'
import edgeCases from '../vectors/tlv_edge_cases_issues.json' with { type: 'json' }

interface ForeignTlv {
  tag: number
  value: Buffer | ForeignTlv[]
  encode(): Buffer
}
const foreign = createRequire(import.meta.url)('tlv') as {
  parse(bytes: Buffer): ForeignTlv
  TLV: new (tag: number, value: Buffer | ForeignTlv[]) => ForeignTlv
}

const flat = (bytes: string, options?: Parameters<typeof read>[1]) =>
  read(fromHex(bytes), options).map(({ tag, value }) => `${tagHex(tag)}=${hex(value)}`)
const tree = (bytes: string) =>
  walk(fromHex(bytes)).map(({ tag, value }) => (isConstructed(tag) ? tagHex(tag) : `${tagHex(tag)}=${hex(value)}`))

function fault(work: () => unknown): Fault {
  try {
    work()
  } catch (error) {
    if (isFault(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('reading', () => {
  it('reads tags of one, two and three bytes and lengths of one to five', () => {
    expect(flat('5A0142 9F02020102 DF810C0107 57810155 5F20820001AA 5083000001BB 508400000001CC')).toEqual([
      '5A=42',
      '9F02=0102',
      'DF810C=07',
      '57=55',
      '5F20=AA',
      '50=BB',
      '50=CC',
    ])
  })

  it('is zero-copy: the value is a view into the input', () => {
    const bytes = fromHex('5A0242 43')
    const { value } = readOne(bytes)
    bytes[2] = 0x99
    expect(hex(value)).toBe('9943')
    expect(value.buffer).toBe(bytes.buffer)
  })

  it('skips 00 and FF between objects and never inside', () => {
    expect(flat('00FF 5A0142 0000FFFF 570100 FF00')).toEqual(['5A=42', '57=00'])
    expect(flat('5A0400FF00FF')).toEqual(['5A=00FF00FF'])
    expect(flat('0000FF')).toEqual([])
  })

  it('takes FF for a tag where the caller says so', () => {
    expect(flat('FF810503DF8129', { ff: 'tag' })).toEqual(['FF8105=DF8129'])
    expect(findDeep(fromHex('FFEE0105DF290201AA'), 0xdf29, { ff: 'tag' })).toEqual(fromHex('01AA'))
  })

  it.each([
    ['9F', 'tag is truncated', 0],
    ['5A0142 9F81', 'tag is truncated', 3],
    ['9F818101 00', 'tag is longer than 3 bytes', 0],
    ['5A', 'length is missing', 1],
    ['5A80 0102 0000', 'indefinite length is not allowed', 1],
    ['5A82 01', 'length is truncated', 1],
    ['5A85 0000000001 AA', 'length byte 85 is no usable form (81 to 84)', 1],
    ['5AFF', 'length byte FF is no usable form (81 to 84)', 1],
    ['5A03 0102', 'value of 3 bytes exceeds the 2 that follow', 2],
    ['5A84FFFFFFFF 01', 'value of 4294967295 bytes exceeds the 1 that follow', 6],
    ['500141 5A0142 57', 'length is missing', 7],
  ])('refuses %s: %s', (bytes, rule, offset) => {
    const { code, details, message } = fault(() => read(fromHex(bytes)))
    expect({ code, ...details }).toEqual({ code: 'tlv', rule, offset })
    expect(message).toBe(`${rule} at offset ${offset}`)
  })

  it('readOne refuses nothing and more than one, with the place', () => {
    expect(fault(() => readOne(fromHex('00FF'))).details).toEqual({ rule: 'no data object', offset: 0 })
    expect(fault(() => readOne(fromHex('5A0142 00 570100'))).details).toEqual({ rule: 'data after the object', offset: 4 })
    expect(hex(readOne(fromHex('00 5A0142 FF')).value)).toBe('42')
  })

  it('readTemplate gives the objects inside, with offsets into the whole', () => {
    expect(readTemplate(fromHex('00 70 81 06 5A0142 9F3600 00'), 0x70).map(({ tag, offset }) => [tag, offset])).toEqual([
      [0x5a, 4],
      [0x9f36, 7],
    ])
    expect(fault(() => readTemplate(fromHex('77035A0142'), 0x70)).details.rule).toBe('template 70 expected, 77 found')
    expect(fault(() => readTemplate(fromHex('70035A0242'), 0x70)).details).toEqual({
      rule: 'value of 2 bytes exceeds the 1 that follow',
      offset: 4,
    })
  })

  it('walks nested templates with their path and finds a tag at any depth', () => {
    const fci = fromHex('6F1A840E315041592E5359532E4444463031A5088801015F2D02656E')
    expect(walk(fci).map(({ tag, path, offset, valueOffset }) => [tagHex(tag), path.map(tagHex), offset, valueOffset])).toEqual([
      ['6F', [], 0, 2],
      ['84', ['6F'], 2, 4],
      ['A5', ['6F'], 18, 20],
      ['88', ['6F', 'A5'], 20, 22],
      ['5F2D', ['6F', 'A5'], 23, 26],
    ])
    expect(findDeep(fci, 0x5f2d)).toEqual(fromHex('656E'))
    expect(find(fci, 0x5f2d)).toBeUndefined()
    expect(findDeep(fci, 0x9f38)).toBeUndefined()
  })

  it('bounds the depth of nesting', () => {
    const nested = (depth: number) =>
      Array.from({ length: depth }).reduce<Uint8Array>(inner => write(0xe1, inner), write(0x5a, fromHex('42')))
    expect(findDeep(nested(MAX_DEPTH), 0x5a)).toEqual(fromHex('42'))
    expect(fault(() => walk(nested(MAX_DEPTH + 1))).details.rule).toBe(`templates nest deeper than ${MAX_DEPTH}`)
    expect(fault(() => walk(nested(2000))).code).toBe('tlv')
  })
})

it('what is longer than any message is refused before it is read', () => {
  expect(read(new Uint8Array(65_538))).toEqual([])
  expect(fault(() => read(new Uint8Array(65_539)))).toMatchObject({ code: 'tlv', details: { length: 65_539, limit: 65_538 } })
})

describe('writing', () => {
  it.each([
    [0x5a, 0, '5A00'],
    [0x9f02, 127, '9F027F'],
    [0xdf810c, 128, 'DF810C8180'],
    [0x70, 255, '7081FF'],
    [0x70, 256, '70820100'],
    [0x70, 65_536, '7083010000'],
  ])('tag %i with %i bytes has the shortest length', (tag, length, head) => {
    const bytes = write(tag, new Uint8Array(length))
    expect(hex(bytes.subarray(0, bytes.length - length))).toBe(head)
    expect(readOne(bytes, { most: bytes.length }).value.length).toBe(length)
  })

  it('puts several objects into a template', () => {
    expect(hex(write(0x77, [write(0x82, fromHex('5800')), write(0x94, fromHex('08010100'))]))).toBe('770A82025800940408010100')
  })

  it.each([0, 0x1f, 0x5a01, 0x9f80, 0x9f0201, 0x9f8180, 0x1000000, 1.5, -1, Number.NaN])('refuses %s as a tag', tag => {
    expect(fault(() => tagBytes(tag)).code).toBe('bad-argument')
  })
})

describe('strings that broke other parsers', () => {
  const bytesOf = (id: string) => edgeCases.cases.find(one => one.id === id)!.hex
  it.each(edgeCases.cases.filter(one => 'expectTags' in one))('$id', ({ hex: bytes, expectTags }) => {
    expect(walk(fromHex(bytes)).map(({ tag }) => tagHex(tag))).toEqual(expectTags)
  })
  it('ff-padding-inside-70', () => expect(tree(bytesOf('ff-padding-inside-70'))).toEqual(['70', '5F34=01', '9F57=0840']))
  it('ff-padding-fci keeps the label behind the padding', () =>
    expect(findDeep(fromHex(bytesOf('ff-padding-fci')), 0x50)).toEqual(fromHex('564953412054455354203031')))
  it('length-91-without-81 is refused: a card that cannot code a length is not trusted', () =>
    expect(fault(() => read(fromHex(bytesOf('length-91-without-81')))).details).toEqual({
      rule: 'length byte 91 is no usable form (81 to 84)',
      offset: 1,
    }))
  it.each([0, 1, 2, 50])('trailing-zero-after-template with %i more zeros', zeros => {
    const bytes = bytesOf('trailing-zero-after-template')
    expect(tree(bytes + '00'.repeat(zeros))).toEqual(tree(bytes))
    expect(tree(bytes)).toContain('5F7D=')
    expect(tree(bytes)).toContain('5F7B=')
  })
  it('constructed-tag-with-non-tlv-value: FF is padding by default; as a tag its value is refused, not followed', () => {
    const bytes = fromHex(bytesOf('constructed-tag-with-non-tlv-value'))
    expect(walk(bytes).map(({ tag, value }) => [tag, hex(value)])).toEqual([[0x01, '4C']])
    expect(read(bytes, { ff: 'tag' }).map(({ tag, value }) => [tag, hex(value)])).toEqual([[0xff01, '4C']])
    expect(fault(() => walk(bytes, { ff: 'tag' })).details).toEqual({ rule: 'length is missing', offset: 4 })
  })
  it('df-tags-with-zero-length', () =>
    expect(flat(bytesOf('df-tags-with-zero-length'))).toEqual(['DF02=81', 'DF00=41424354455354', 'DF01=4D4F443132', 'DF05=312E322E30']))
  it('zero-length-two-byte-tag', () => expect(flat(bytesOf('zero-length-two-byte-tag'))).toEqual(['9F42=']))
  it('zero-length-one-byte-tag', () => expect(flat(bytesOf('zero-length-one-byte-tag'))).toEqual(['91=']))
  it('proprietary-9FA2 is the first half of a three-byte tag', () => expect(flat(bytesOf('proprietary-9FA2'))).toEqual(['9FA201=']))
  it('long-70-with-81-length', () => {
    const bytes = bytesOf('long-70-with-81-length')
    const expected = edgeCases.cases.find(one => one.id === 'long-70-with-81-length')!.lenientParserTags
    expect(walk(fromHex(bytes)).map(({ tag }) => tagHex(tag))).toEqual(expected)
    expect(findDeep(fromHex(bytes), 0x50)).toEqual(fromHex('50424F43204445424954'))
  })
  it('zero-length-92-in-real-card is present and empty', () => expect(flat(bytesOf('zero-length-92-in-real-card'))).toEqual(['92=']))
  it('covers all twelve', () => expect(edgeCases.cases).toHaveLength(12))
})

/** Tags that both codecs can carry: `tlv` skips neither FF nor 00, so a first byte of 00 or FF is left out. */
const tags = fc.oneof(
  fc.integer({ min: 0x01, max: 0xfe }).filter(tag => (tag & 0x1f) !== 0x1f && (tag & 0x20) === 0),
  fc.tuple(fc.constantFrom(0x1f, 0x5f, 0x9f, 0xdf), fc.integer({ min: 0x1f, max: 0x7f })).map(([a, b]) => a * 256 + b),
  fc
    .tuple(fc.constantFrom(0x9f, 0xdf), fc.integer({ min: 0x81, max: 0xff }), fc.integer({ min: 0, max: 0x7f }))
    .map(([a, b, c]) => (a * 256 + b) * 256 + c),
)
const templates = fc.constantFrom(0x70, 0x77, 0xa5, 0xe1, 0x6f, 0xbf0c, 0x7f21)
interface Node {
  tag: number
  value: Uint8Array | Node[]
}
const { node } = fc.letrec<{ node: Node }>(tie => ({
  node: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.record({ tag: tags, value: fc.uint8Array({ maxLength: 300 }) }),
    fc.record({ tag: templates, value: fc.array(tie('node'), { maxLength: 4 }) }),
  ),
}))
const ours = ({ tag, value }: Node): Uint8Array => write(tag, value instanceof Uint8Array ? value : value.map(ours))
const theirs = ({ tag, value }: Node): ForeignTlv =>
  new foreign.TLV(tag, value instanceof Uint8Array ? Buffer.from(value) : value.map(theirs))
const shape = (one: { tag: number; value: Uint8Array | ForeignTlv[] }): unknown =>
  Array.isArray(one.value) ? [one.tag, one.value.map(shape)] : [one.tag, hex(one.value)]
const reread = (bytes: Uint8Array): unknown[] => read(bytes).map(({ tag, value }) => [tag, isConstructed(tag) ? reread(value) : hex(value)])

describe('against the tlv package', () => {
  it('writes the same bytes', () => {
    fc.assert(
      fc.property(node, one => {
        expect(hex(ours(one))).toBe(hex(theirs(one).encode()))
      }),
      { seed: 2, numRuns: 500 },
    )
  })
  it('reads what it writes, and it reads what we write', () => {
    fc.assert(
      fc.property(node, one => {
        const bytes = theirs(one).encode()
        expect(reread(bytes)).toEqual([shape(foreign.parse(Buffer.from(ours(one))))])
      }),
      { seed: 3, numRuns: 500 },
    )
  })
})

describe('hostile input', () => {
  it('1,000,000 random and mutated inputs: nothing but Fault tlv, no hang, memory bounded', () => {
    const seeds = [
      ...edgeCases.cases.map(one => fromHex(one.hex)),
      ...fc
        .sample(node, { seed: 5, numRuns: 200 })
        .map(ours)
        .filter(bytes => bytes.length > 0),
    ]
    const scratch = new Uint8Array(160)
    let refused = 0
    const heap = process.memoryUsage().heapUsed
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0 // the stacks of half a million faults are what would take the time
    const tryOne = (run: number, random: () => number) => {
      let input: Uint8Array
      if (run % 2 === 0) {
        input = scratch.subarray(0, random() % 48)
        for (let i = 0; i < input.length; i++) input[i] = random()
      } else {
        const seed = seeds[random() % seeds.length]
        const from = random() % seed.length
        input = scratch.subarray(0, Math.min(seed.length - (random() % 4 === 0 ? from : 0), scratch.length))
        input.set(seed.subarray(seed.length > input.length ? seed.length - input.length : 0, seed.length).subarray(0, input.length))
        for (let flips = 1 + (random() % 3); flips > 0 && input.length > 0; flips--) input[random() % input.length] = random()
      }
      try {
        const objects = run % 4 < 2 ? read(input) : walk(input)
        let total = 0
        for (const { value, offset } of objects) {
          if (offset < 0 || value.byteOffset < input.byteOffset || value.byteOffset + value.length > input.byteOffset + input.length)
            throw new Error(`a value outside the input: ${hex(input)}`)
          total += value.length
        }
        if (total > input.length * (MAX_DEPTH + 1)) throw new Error(`more data than came in: ${hex(input)}`)
      } catch (error) {
        if (!isFault(error, 'tlv')) throw error
        refused++
      }
    }
    // fast-check draws the seeds and reports the one that fails; each makes a thousand inputs.
    fc.assert(
      fc.property(fc.integer({ min: 1 }), seed => {
        const random = xorshift(seed)
        for (let run = 0; run < 1000; run++) tryOne(run, random)
      }),
      { seed: 20260326, numRuns: 1000, endOnFailure: true },
    )
    Error.stackTraceLimit = stackTraceLimit
    expect(refused).toBeGreaterThan(100_000)
    expect(refused).toBeLessThan(1_000_000)
    expect(process.memoryUsage().heapUsed - heap).toBeLessThan(256 * 1024 * 1024)
  }, 60_000)
})

/** A small seeded generator (Marsaglia's xorshift32): fast-check's own is too slow for a million inputs. */
function xorshift(state: number): () => number {
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
