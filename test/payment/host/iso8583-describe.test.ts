/** A message of ISO 8583 taken apart for people: type, bitmaps, parts of fields, in every dialect; what is wrong with element, byte and rule; nothing secret. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { fromHex, hex } from '../../../src/bytes.ts'
import { encodeIso, isoSideOf } from '../../../src/payment/host/iso8583/codec.ts'
import { type IsoDialectName, isoDialects } from '../../../src/payment/host/iso8583/dialect.ts'
import { authorisationFields } from '../../../src/payment/host/iso8583/messages.ts'
import { describeIso, printIso } from '../../../src/payment/host/iso8583/print.ts'
import { cardMessage } from './host-bench.ts'

const names = Object.keys(isoDialects) as IsoDialectName[]
const pinBlock = { format: 0, data: fromHex('1122334455667788'), ksn: fromHex('FFFF9876543210E00001') } as const

async function payment(name: IsoDialectName): Promise<Uint8Array> {
  const dialect = isoDialects[name]
  const fields = authorisationFields({ ...(await cardMessage('k')), pinBlock }, dialect)
  fields.set(7, '1129101500').set(11, '000001').set(28, 'D00000150').set(39, '51').set(70, '301')
  fields.set(54, '0040643D0000000010000044643D000000000500').set(90, '020000000111291015000000001234500000000000')
  return isoSideOf({ dialect }).encode({ type: '0210', fields })
}

describe.each(names)('%s', name => {
  it('every field has its place, and its parts say what it means', async () => {
    const bytes = await payment(name)
    const described = describeIso(bytes, { dialect: isoDialects[name] })
    expect(described).toMatchObject({ dialect: name, framed: true, type: '0210', words: 'financial response' })
    expect(described.typeParts?.map(({ name: what, words }) => `${what} ${words}`)).toEqual([
      ...['version ISO 8583:1987', 'class financial', 'function response', 'origin acquirer'],
    ])
    const said = (number: number) => described.fields.find(one => one.number === number)?.parts?.map(one => `${one.value} ${one.words}`)
    expect(said(3)).toEqual(['00 goods and services', '00 default, not specified', '00 default, not specified'])
    expect(said(4)).toEqual(['000000250000 2500.00 RUB'])
    expect(said(22)).toEqual(['05 chip', '1 the terminal can take a PIN'])
    expect(said(25)).toEqual(['00 normal presentment'])
    expect(said(28)).toEqual(['D debit', '00000150 1.50 RUB'])
    expect(said(39)).toEqual(['51 not enough money'])
    expect(said(54)?.slice(5)).toEqual(['00 default, not specified', '44 tip', '643 RUB', 'D debit', '000000000500 5.00 RUB'])
    expect(said(70)).toEqual(['301 echo test'])
    expect(described.fields.find(({ number }) => number === 55)?.tlv?.objects.map(({ tag }) => tag)).toContain('9F26')
    // Bitmaps name the fields, and the places are one behind the other to the end.
    const numbers = described.bitmaps.flatMap(({ fields }) => fields).filter(number => number !== 1)
    expect(described.fields.map(({ number }) => number)).toEqual(numbers)
    const ends = [...described.bitmaps, ...described.fields].map(({ offset, length }) => offset + length)
    expect([...described.bitmaps.slice(1), ...described.fields].map(({ offset }) => offset)).toEqual(ends.slice(0, -1))
    expect(ends.at(-1)).toBe(bytes.length)
  })

  it('name and place of the acceptor, and the longest PIN, are told apart; another text is one text', () => {
    const dialect = isoDialects[name]
    const partsOf = (number: number, value: string) =>
      describeIso(isoSideOf({ dialect }).encode({ type: '0200', fields: new Map([[11, '000001'], [number, value]]) }), { dialect }).fields.find(one => one.number === number)?.parts // biome-ignore format: a message
    expect(partsOf(26, '12')).toMatchObject([{ name: 'pinDigits', value: '12' }])
    const place = 'CORNER SHOP, MAIN ST 1'.padEnd(23) + 'SPRINGFIELD'.padEnd(13) + 'ILUS'
    expect(partsOf(43, place)?.map(one => [one.name, one.from, one.to, one.value.trim(), one.certainty])).toEqual([
      ['acceptorAddress', 1, 23, 'CORNER SHOP, MAIN ST 1', 'derived'],
      ['acceptorCity', 24, 36, 'SPRINGFIELD', 'derived'],
      ['acceptorState', 37, 38, 'IL', 'derived'],
      ['acceptorCountry', 39, 40, 'US', undefined],
    ])
    expect(partsOf(43, 'MobileTestMerchant'.padEnd(40))).toBeUndefined()
    const { pan } = profiles['visa-signature']
    expect(JSON.stringify(partsOf(43, `${pan}`.padEnd(38) + 'US'))).not.toContain(pan)
  })

  it('without a name it is read all the same, and said as what', async () => {
    const described = describeIso(await payment(name))
    expect(described.stopped).toBeUndefined()
    expect(described.fields.find(({ number }) => number === 11)?.value).toBe('000001')
    if (['bcd', 'ebcdic', 'pyiso8583Ascii'].includes(name))
      expect(described).toMatchObject({ dialect: name, guessed: expect.stringContaining(name) })
  })

  it('no number, track, PIN block or key is in it, in any language', async () => {
    const { pan } = profiles['visa-signature']
    const described = describeIso(await payment(name))
    for (const text of [JSON.stringify(described), printIso(described), printIso(described, 'ru')]) {
      expect(text).toContain(`${pan.slice(0, 6)}******${pan.slice(-4)}`)
      expect(text).not.toContain(pan)
      expect(text).not.toContain('1122334455667788')
    }
  })

  it('what is cut is told by element, byte and rule, after what came before', async () => {
    const bytes = encodeIso({ type: '0800', fields: new Map([[7, '1129101500'], [11, '000001'], [70, '301']]) }, { dialect: isoDialects[name] }) // biome-ignore format: a message
    const { stop, fields } = describeIso(bytes.subarray(0, bytes.length - 1), { dialect: isoDialects[name] })
    const size = name === 'bcd' ? 2 : 3
    expect(stop).toEqual({ field: 'field 70', offset: bytes.length - size, rule: `takes ${size} bytes, ${size - 1} are left` })
    expect(fields.map(({ number }) => number)).toEqual([7, 11])
  })
})

it('the command’s text has place and rule, in Russian too', () => {
  const bytes = encodeIso({ type: '0800', fields: new Map([[7, '1129101500'], [11, '000001'], [70, '301']]) }) // biome-ignore format: a message
  const cut = describeIso(bytes.subarray(0, bytes.length - 1))
  expect(printIso(cut).split('\n').at(-1)).toBe('! ISO 8583: field 70 takes 3 bytes, 2 are left (byte 36)')
  expect(printIso(cut, 'ru').split('\n').at(-1)).toBe('! ISO 8583: поле 70: нужно байт: 3, осталось: 2 (байт 36)')
  const wrong = describeIso(fromHex(hex(bytes).replace(hex(new TextEncoder().encode('000001')), hex(new TextEncoder().encode('0000x1')))))
  expect(printIso(wrong)).toContain('! it has characters that the field does not take (byte 30)')
  expect(printIso(wrong, 'ru')).toContain('! есть символы, которых поле не принимает (байт 30)')
})

it('private fields of a network that is not ours are said to be its own; a TPDU has its addresses', async () => {
  const fields = new Map<number, string>([[11, '000001'], [48, 'X1'], [62, 'Y'], [63, 'Z']]) // biome-ignore format: a message
  const bytes = encodeIso({ type: '0800', fields, header: fromHex('6000120034') }, { dialect: isoDialects.bcd })
  const described = describeIso(bytes, { dialect: isoDialects.bcd })
  expect(described.fields.filter(one => one.private).map(({ number }) => number)).toEqual([48, 62, 63])
  expect(printIso(described)).toContain('header  6000120034  TPDU: to 0012, from 0034')
  expect(printIso(described)).toContain('each network’s own')
})

it('bytes of any kind are described, and never thrown at', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(undefined, ...names), (bytes, name) => {
      const described = describeIso(bytes, name ? { dialect: isoDialects[name] } : {})
      expect(typeof printIso(described, 'ru')).toBe('string')
      if (described.stop) expect(described.stop.offset).toBeLessThanOrEqual(bytes.length)
    }),
  )
})
