/** The tree that `tapdip decode` prints: names, meanings, masks, and what is wrong where. */

import fc from 'fast-check'
import { expect, describe as group, it } from 'vitest'
import { fromHex } from '../../../src/bytes.ts'
import { write } from '../../../src/tlv/ber.ts'
import { kernelDictionaries } from '../../../src/tlv/kernels.ts'
import { type DescribeOptions, describe, printTree } from '../../../src/tlv/print.ts'
import edgeCases from '../../vectors/tlv_edge_cases_issues.json' with { type: 'json' }

const print = (bytes: string, options?: DescribeOptions) => printTree(describe(fromHex(bytes), options))
const meaning = (bytes: string) => describe(fromHex(bytes)).objects[0].words

group('a tree', () => {
  it('has names, meanings and levels', () => {
    expect(print('6F1A840E315041592E5359532E4444463031A5088801015F2D04656E7275'.replace('A508', 'A50A').replace('6F1A', '6F1C'))).toBe(
      `6F File Control Information (FCI) Template (28)
  84 Dedicated File (DF) Name (14): 315041592E5359532E4444463031
    = "1PAY.SYS.DDF01"
  A5 File Control Information (FCI) Proprietary Template (10)
    88 Short File Identifier (SFI) (1): 01
    5F2D Language Preference (4): 656E7275
      = en, ru`,
    )
  })

  it('prints what a payment sends to the host', () => {
    expect(
      print('9F0206000000250000 5F2A020643 9A03261121 9F2103105200 9505 0000208000 9B02E800 9F2701 80 9F3403 420300 9C0100 DF7F02ABCD'),
    ).toBe(
      `9F02 Amount, Authorised (Numeric) (6): 000000250000
  = 2500.00 RUB
5F2A Transaction Currency Code (2): 0643
  = RUB (ISO 4217 643)
9A Transaction Date (3): 261121
  = 2026-11-21
9F21 Transaction Time (3): 105200
  = 10:52:00
95 Terminal Verification Results (TVR) (5): 0000208000
  = PIN Try Limit exceeded
  = Transaction exceeds floor limit
9B Transaction Status Information (TSI) (2): E800
  = Offline data authentication was performed
  = Cardholder verification was performed
  = Card risk management was performed
  = Terminal risk management was performed
9F27 Cryptogram Information Data (1): 80
  = ARQC: online authorisation requested
9F34 Cardholder Verification Method (CVM) Results (3): 420300
  = Enciphered PIN verified online, if terminal supports the CVM: unknown
9C Transaction Type (1): 00
  = purchase
DF7F unknown tag (2): ABCD`,
    )
  })

  it.each([
    [
      '82023C01',
      [
        'DDA supported',
        'Cardholder verification is supported',
        'Terminal risk management is to be performed',
        'Issuer authentication is supported',
        'Relay resistance protocol is supported',
      ],
    ],
    [
      '9F0702FF00',
      [
        'Valid for domestic cash transactions',
        'Valid for international cash transactions',
        'Valid for domestic goods',
        'Valid for international goods',
        'Valid for domestic services',
        'Valid for international services',
        'Valid at ATMs',
        'Valid at terminals other than ATMs',
      ],
    ],
    ['9408080101001003 0501'.replace(' ', ''), ['SFI 1, record 1', 'SFI 2, records 3 to 5, the first 1 in offline data authentication']],
    [
      '8E0E000003E8000000004201 5E031F00'.replace(' ', ''),
      [
        'X = 1000, Y = 0 (minor units of the application currency)',
        'Enciphered PIN verified online, if unattended cash; if it fails, next',
        'Signature, if terminal supports the CVM; if it fails, next',
        'No CVM required, always; if it fails, stop',
      ],
    ],
    ['9F3803 9F3704'.replace(' ', ''), ['9F37 Unpredictable Number: 4']],
    ['9F350122', ['attended, offline with online capability, controlled by merchant']],
    [
      '9F3303E0F0C8',
      [
        'Manual key entry',
        'Magnetic stripe',
        'IC with contacts',
        'Plaintext PIN for ICC verification',
        'Enciphered PIN for online verification',
        'Signature',
        'Enciphered PIN for offline verification',
        'SDA',
        'DDA',
        'CDA',
      ],
    ],
    ['9F5B0520 11223344'.replace(' ', ''), ['script processing successful, command not specified, script 11223344']],
    ['9F170102', ['2 tries left']],
    ['870181', ['priority 1, cardholder must confirm']],
    ['8A023030', ['"00": approved']],
    ['9F270149', ['TC: approved offline', 'Advice required', 'Service not allowed']],
    ['50034D4952', ['"MIR"']],
    ['9505 0000000001'.replace(' ', ''), ['byte 5 bit 1 (reserved)']],
    ['9F360200FF', ['255']],
    ['9F1B0400002710', ['10000 minor units']],
    ['9F420209 99'.replace(' ', ''), ['ISO 4217 999']],
  ])('%s means %j', (bytes, words) => {
    expect(meaning(bytes)).toEqual(words)
  })

  it('reads a tag as the kernel does that is asked for', () => {
    expect(print('9F6C028000', { words: kernelDictionaries.mastercard })).toBe(
      '9F6C Mag-stripe Application Version Number (Card) (2): 8000\n  = version 32768',
    )
    expect(describe(fromHex('9F6C024000'), { words: kernelDictionaries.visa }).objects[0]).toMatchObject({
      name: 'Card Transaction Qualifiers (CTQ)',
      words: ['Signature required'],
    })
    expect(print('9F6905 0102030405', { words: kernelDictionaries.visa })).toBe('9F69 Card Authentication Related Data (5): 0102030405')
    expect(print('9F69039F6A04', { words: kernelDictionaries.mastercard })).toContain('= 9F6A Unpredictable Number (Numeric): 4')
    expect(print('FF810503 9F2600', { words: kernelDictionaries.mastercard, ff: 'tag' })).toContain('  9F26 Application Cryptogram (0)')
  })
})

group('what is secret', () => {
  const record =
    '7041 5A084761739001010010 57134761739001010010D25122010123456789000F 5F200D444F452F4A4F484E2020202020 9F1F0730313233343536 9F0206000000001000'
  it('shows six and four digits of the PAN and nothing of tracks and names', () => {
    const printed = print(record.replace('7041', '70' + (record.replace(/\s/g, '').length / 2 - 2).toString(16).padStart(2, '0')))
    expect(printed).toContain('5A Application Primary Account Number (PAN) (8): 476173******0010')
    expect(printed).toContain('57 Track 2 Equivalent Data (19): 476173******0010=***')
    expect(printed).toContain('5F20 Cardholder Name (13): ***')
    expect(printed).not.toMatch(/4761739001010010|D2512|444F45|DOE|30313233/)
    expect(JSON.stringify(describe(fromHex(record)))).not.toMatch(/4761739001010010|D2512|444F45|DOE|30313233/)
  })
  it('hides it also where the data around it are broken', () => {
    expect(print('5713 4761739001010010D251')).not.toContain('4761739001010010')
    expect(print('700E 57134761739001010010D251')).not.toContain('4761739001010010')
    expect(print('5A0C 4761739001010010FFFFFFFF')).toContain('476173******0010')
  })
})

group('what is wrong', () => {
  it('is said where it is, after what could be read', () => {
    expect(print('9F0206000000250000 9505 0000')).toBe(
      `9F02 Amount, Authorised (Numeric) (6): 000000250000
  = 250000 minor units
! value of 5 bytes exceeds the 2 that follow at offset 11; 4 bytes not read`,
    )
    expect(print('700A 9F360200FF 57820013 47')).toBe(
      `70 READ RECORD Response Message Template (10)
  9F36 Application Transaction Counter (ATC) (2): 00FF
    = 255
  ! value of 19 bytes exceeds the 1 that follow at offset 11; 5 bytes not read`,
    )
    expect(describe(fromHex('5A')).stopped).toEqual({ rule: 'length is missing', offset: 1, rest: 1 })
  })
  it.each([
    ['9A03261399', '! not a date YYMMDD'],
    ['9F0206 0000002500AA', '! not numeric: a nibble is no digit'],
    ['9503000000', '! 3 bytes, the dictionary allows 5'],
    ['94050801010008', '! not 4 bytes for each file'],
    ['8E0900000000000000004 2'.replace(' ', ''), '! not X and Y of 4 bytes each and rules of 2 bytes'],
    ['8C029F02', '! length is missing at offset 0 of the data object list'],
    ['5003410A1B', '= "A.."'],
  ])('%s: %s', (bytes, line) => expect(print(bytes)).toContain(line))

  it('prints any bytes at all without throwing', () => {
    const objects = fc
      .array(
        fc.tuple(
          fc.constantFrom(0x95, 0x94, 0x8e, 0x9a, 0x9f02, 0x8c, 0x9f34, 0x5f2a, 0x57, 0x5a, 0x9f27, 0x82, 0x9f5b, 0x70, 0x87, 0x9f36),
          fc.uint8Array({ maxLength: 20 }),
        ),
      )
      .map(all => Uint8Array.from(all.flatMap(([tag, value]) => [...write(tag, value)])))
    const run = (bytes: Uint8Array) => {
      const described = describe(bytes)
      expect(typeof printTree(described)).toBe('string')
      expect(JSON.parse(JSON.stringify(described))).toEqual(described)
    }
    fc.assert(fc.property(objects, run), { seed: 6, numRuns: 1000 })
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), run), { seed: 7, numRuns: 1000 })
  })

  it.each(edgeCases.cases)('prints $id', ({ hex }) => expect(print(hex).length).toBeGreaterThan(0))

  it('bounds the depth', () => {
    const deep = Array.from({ length: 40 }).reduce<Uint8Array>(inner => write(0xe1, inner), fromHex('5A0142'))
    expect(printTree(describe(deep))).toContain('templates nest deeper than 16')
  })
})
