/** What data objects say reads in Russian: every bit and every code that a table has, of every kernel; names of tags, cryptograms and methods stay as the Books have them. */

import { expect, describe as group, it } from 'vitest'
import { fromHex, hex } from '../../src/bytes.ts'
import { isFault } from '../../src/errors.ts'
import { retoldLines, retoldSaid } from '../../src/messages/retold.ts'
import { flags } from '../../src/tlv/bits.ts'
import { issuerDataSentences } from '../../src/tlv/iad.ts'
import { kernelWords } from '../../src/tlv/kernel-words.ts'
import { describe, printTree } from '../../src/tlv/print.ts'
import { sentences } from '../../src/tlv/words.ts'
import { englishIn } from '../english.ts'

/** Each bit, each code of a table, each nibble. */
const bytes = [...new Set([...Array(36).keys(), 0x3f, 0x40, 0x80, 0xff, ...[...Array(16).keys()].map(high => high << 4)])]

/** Values of `length` bytes with each of them in each place. */
function* values(length: number): Generator<Uint8Array> {
  yield new Uint8Array(length).fill(0xff)
  for (let at = 0; at < Math.min(length, 8); at++)
    for (const byte of bytes) {
      const value = new Uint8Array(length)
      value[at] = byte
      yield value
    }
}

function saidOf(tag: number, name: string | undefined, lengths: readonly number[]): Set<string> {
  const found = new Set<string>()
  for (const length of lengths)
    for (const value of values(length))
      try {
        for (const { text } of sentences(tag, value, undefined, name === undefined ? {} : { name })) found.add(text)
      } catch (error) {
        if (!isFault(error)) throw error
      }
  return found
}

const english = (texts: Iterable<string>) => [...texts].filter(one => englishIn(retoldSaid(one, 'ru')).length > 0)

group('bits and codes', () => {
  it.each([...kernelWords.keys()])('%s', name => {
    const said = saidOf(0xdf01, name, [1, 2, 3, 4, 6, 8, 13, 16, 22])
    expect(said.size).toBeGreaterThan(0)
    expect(english(said)).toEqual([])
  })

  it.each([...flags.keys(), 0x9f27, 0x9c, 0x9f35, 0x8e, 0x9f34, 0x94, 0x87, 0x9f17, 0x9f5b, 0x9f4d, 0x8f, 0x8a, 0x9f02, 0x5f30].map(hexOf))('%s', tag => {
    const said = saidOf(Number.parseInt(tag, 16), undefined, [1, 2, 3, 4, 5, 6, 12])
    expect(said.size).toBeGreaterThan(0)
    expect(english(said)).toEqual([])
  }) // biome-ignore format: one line
})

group('Issuer Application Data', () => {
  const heads: readonly (readonly [scheme: string | undefined, head: string, length: number])[] = [
    [undefined, '0FA501', 32], [undefined, '0FA601', 32], ['visa', '1F2201', 32], ...['0A', '0E', '11', '12'].map(cvn => ['visa', `0601${cvn}03`, 8] as const),
    ...['10', '11', '14', '15'].map(cvn => ['mastercard', `01${cvn}`, 18] as const), ['unionpay', '07010103', 19], ['unionpay', '07011703', 9], ['amex', '06010103', 9],
    [undefined, '07019903', 9], [undefined, '01', 4], ['jcb', '01', 4], ['visa', '01', 4], ['mastercard', '0101', 5],
  ] // biome-ignore format: a table

  it.each(heads)('%s %s', (scheme, head, length) => {
    const texts = [0x00, 0x55, 0xaa, 0xff].flatMap(ground => {
      const value = new Uint8Array(length).fill(ground)
      value.set(fromHex(head))
      if (head.startsWith('0FA')) value[16] = 0x0f
      return issuerDataSentences(value, scheme).map(({ text }) => text)
    })
    expect(english(texts)).toEqual([])
  })
})

group('a printed description', () => {
  it('is in Russian but for names of tags', () => {
    const bytes =
      '9F2701809F3602007B950504000080008E10000000000000000042031E0302001F009F3403420302500456495341DF7F0100500A544845204341524420419F0206000000100000'
    const printed = retoldLines(printTree(describe(fromHex(bytes))), 'ru').split('\n')
    expect(printed.filter(line => line.trimStart().startsWith('=')).filter(line => englishIn(line).length > 0)).toEqual([])
    expect(printed).toContain('  = ARQC: запрошена онлайн-авторизация')
    expect(printed).toContain('  = Зашифрованный ПИН-код онлайн, если терминал поддерживает способ; если нет — следующее правило')
    expect(printed).toContain('  = "THE CARD A"') // what the card says is its own
    expect(printed.join('\n')).toContain('DF7F неизвестный тег (1)')
  })
})

function hexOf(tag: number): string {
  return hex(Uint8Array.of(tag >> 16, (tag >> 8) & 0xff, tag & 0xff)).replace(/^(00)+/, '')
}
