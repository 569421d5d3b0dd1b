/** Issuer Application Data by scheme, and the marks of what is not seen: none may be shown as a fact that is not. */

import fc from 'fast-check'
import { expect, describe as group, it } from 'vitest'
import { fromHex } from '../../src/bytes.ts'
import { certaintyLegend } from '../../src/decode/legend.ts'
import { retoldLines } from '../../src/messages/retold.ts'
import { write } from '../../src/tlv/ber.ts'
import { issuerDataSentences } from '../../src/tlv/iad.ts'
import { kernelWords } from '../../src/tlv/kernel-words.ts'
import { kernelDictionaries, kernelWordsOf } from '../../src/tlv/kernels.ts'
import { type DescribeOptions, describe, printTree } from '../../src/tlv/print.ts'

const first = (bytes: string, options?: DescribeOptions) => describe(fromHex(bytes.replaceAll(' ', '')), options).objects[0]
const said = (bytes: string, options?: DescribeOptions) => first(bytes, options).words
/** As they are printed, with their marks. */
const lines = (bytes: string) =>
  printTree({ objects: [first(bytes)] })
    .split('\n')
    .slice(1)
    .map(line => line.slice(4))

group('Issuer Application Data', () => {
  it.each([
    // The results as emv-bertlv's own test reads them.
    ['9F1007 06010A 03A4B800', ['Derivation key index 01', "CVN 10: under the card's own key, padding of method 1", 'second GENERATE AC not requested', 'ARQC in first GENERATE AC', 'Offline PIN verification performed', 'Last online transaction not completed', 'Velocity checking counters exceeded', 'New card', 'Issuer authentication failed on last online transaction']],
    // The results as jPOS's own test reads them.
    ['9F1012 0110 250000044000 0000 0000000000000000', ['Derivation key index 01', 'CVN 16 (hex 10): session keys of Mastercard, without counters', 'AAC in second GENERATE AC', 'ARQC in first GENERATE AC', 'Offline PIN verification performed', 'Offline PIN verification successful', 'International transaction', 'Upper consecutive offline limit exceeded', 'Script counter 0, PIN tries left 0 (low nibbles)', 'DAC or ICC dynamic number: 0000', 'Counters, plaintext or enciphered: 0000000000000000']],
    ['9F1020 0FA501 A838002000 0001000000000000 0F 000000000000000000000000000000', ['Common core identifier A5: format A, cryptogram version 5 (TDES)', 'Derivation key index 01', 'second GENERATE AC not requested', 'ARQC in first GENERATE AC', 'PIN tries left: 3', 'CDA performed', 'Offline PIN verification performed', '2 issuer script commands processed', 'Counters: 0001000000000000', 'Issuer discretionary data: 000000000000000000000000000000']],
    ['9F1020 1F2201 00A0000002 000000000000000000000000000000000000000000000000', ['CVN 22: session keys of EMV, ARPC of method 2', 'Derivation key index 01', 'second GENERATE AC not requested', 'ARQC in first GENERATE AC', 'Consumer device CVM performed', 'Issuer discretionary data: 000000000000000000000000000000000000000000000000']],
  ])('%s', (bytes, rows) => {
    expect(said(bytes)?.slice(1)).toEqual(rows)
    expect(said(bytes)?.[0]).toMatch(/^Layout, told by its form: .+ \(.+\)$/)
  }) // biome-ignore format: a table

  it('of UnionPay is read down to bits and balance', () => {
    expect(lines('9F1013 07010103A0A002010A0100000000003FC7493F')).toEqual([
      'Layout, told by its form: UnionPay (PBOC) (PBOC 3.0 (JR/T 0025) as public pages quote it and three programs read it)',
      'Derivation key index 01',
      'CVN 01: over the transaction and the results, session keys of the ATC and its complement',
      'second GENERATE AC not requested',
      'ARQC in first GENERATE AC',
      'Last online transaction not completed',
      'Velocity checking counters exceeded',
      'DDA performed [assumed]',
      'Algorithm indicator 01',
      'Issuer discretionary data 01: amount 0000000000, MAC 3FC7493F',
    ])
  })

  it('of American Express has one version that one program knows: all of it is assumed', () => {
    const { words, wordsCertainty } = first('9F1007 06010103A40000')
    expect(words?.[0]).toContain('American Express, CVN 01')
    expect(words).toContain('Card Verification Results 03A40000: their bits are not public')
    expect(new Set(wordsCertainty)).toEqual(new Set(['assumed']))
  })

  it.each([
    ['A000000025', 'American Express'],
    ['A000000065', 'JCB'],
    ['A000000152', 'Discover'],
    ['A000000658', 'Mir'],
  ])('of an application %s names the scheme whose layout is not public', (rid, name) => {
    const lengths = (bytes: string) => `4F05${rid}9F10${bytes}`
    expect(printTree(describe(fromHex(lengths('050102030405'))))).toContain(`= ${name}: the layout is not public`)
    // Whose two lengths agree is parted as two programs part any card's, and each part is marked.
    const parted = describe(fromHex(lengths('0807011504FFFFFFFF'))).objects[1]
    expect(parted.words?.[0]).toBe(`${name}: the layout is not public`)
    expect(parted.words).toContain('CVN 15 (hex): its rules are not public')
    expect(parted.wordsCertainty?.slice(1).every(one => one === 'assumed')).toBe(true)
  })

  it('is told by the scheme before the form, and by the kernel that somebody named', () => {
    expect(printTree(describe(fromHex('4F05A0000000049F100706010A03A4B800')))).toContain('= Mastercard: none of its public layouts fits')
    expect(said('9F1007 06010A03A4B800', { words: kernelWordsOf('visa') })?.[0]).toContain('told by the scheme and its form: Visa')
    expect(said('9F1003 010203')).toEqual([
      "No public layout fits: an issuer's own, or that of a scheme that has published none (American Express, JCB, Discover, Mir)",
    ])
  })

  it('of Visa CVN 14 is read, and its rules are said to be not public', () => {
    expect(lines('9F1007 06010E03A00000')).toContain('CVN 14: its rules are not public')
  })

  it('says never more of a row than of its layout', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 32 }), fc.constantFrom(undefined, ...Object.keys(kernelDictionaries)), (value, scheme) => {
        const [layout, ...rows] = issuerDataSentences(value, scheme).filter(({ text }) => !/not public$|No public|none of its/.test(text) || /^CVN|^Card/.test(text)) // biome-ignore format: one line
        const order = ['seen', 'derived', 'assumed']
        for (const { certainty } of rows) expect(order.indexOf(certainty)).toBeGreaterThanOrEqual(order.indexOf(layout.certainty))
      }),
    )
  })
})

group('marks', () => {
  it('are a field in JSON and a word behind the line, and nothing where all was seen', () => {
    const { words, wordsCertainty } = first('9F1020 1F2201 00A0000002 000000000000000000000000000000000000000000000000')
    expect(words?.length).toBe(wordsCertainty?.length)
    expect(wordsCertainty?.[0]).toBe('derived')
    expect(lines('9F1020 1F2201 00A0000002 000000000000000000000000000000000000000000000000')).toContain(
      'Consumer device CVM performed [assumed]',
    )
    expect(first('9F02 06 000000002500').wordsCertainty).toBeUndefined()
  })

  it('of a name stand behind it: kernel 8 is known from one program', () => {
    expect(printTree(describe(fromHex('9F8105080011223344556677')))).toContain(
      '9F8105 Enhanced Data Authentication MAC (EDA-MAC) [assumed] (8)',
    )
    expect(first('9F8104 05 8000000000', { words: kernelWordsOf('kernel8') })).toMatchObject({
      certainty: 'assumed',
      words: ['Local authentication was not performed'],
      wordsCertainty: ['assumed'],
    })
  })

  it('stand in every table: words of a name that is not seen are not seen either', () => {
    for (const dictionary of Object.values(kernelDictionaries))
      for (const { tag, name, certainty, min } of dictionary.values()) {
        const row = kernelWords.get(name)
        if (!row || !certainty) continue
        const [one] = describe(write(tag, new Uint8Array(Math.max(min, 1)).fill(0x80)), { words: dictionary }).objects
        expect(one.wordsCertainty?.every(each => each !== 'seen') ?? one.words === undefined, name).toBe(true)
      }
  })

  it('are explained once, at the end, in both languages; nothing to explain where nothing is marked', () => {
    const [unsure, sure] = ['9F1007 06010103A40000', '9F0206 000000002500'].map(bytes => describe(fromHex(bytes.replaceAll(' ', ''))))
    expect(certaintyLegend(sure)).toEqual([])
    expect(certaintyLegend(unsure)).toHaveLength(2)
    expect(certaintyLegend(unsure)[0]).toMatch(/^\[assumed\]: one source/)
    expect(certaintyLegend(unsure, 'ru').join()).not.toMatch(/[a-z]/)
    const russian = retoldLines(printTree(unsure), 'ru')
    expect(russian).toContain('Структура, по виду: American Express, CVN 01')
    expect(russian.match(/\[предположительно\]/g)).toHaveLength(4)
    expect(retoldLines(printTree(describe(fromHex('9F8105080011223344556677'))), 'ru')).toContain('(EDA-MAC) [предположительно] (8)')
  })
})
