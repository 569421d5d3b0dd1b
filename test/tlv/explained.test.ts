/** What a card answers, decoded without anybody saying what it is: template 80, tags of kernels, and what is told of a guess. */

import { expect, describe as group, it } from 'vitest'
import { fromHex } from '../../src/bytes.ts'
import { kernelWords } from '../../src/tlv/kernel-words.ts'
import { kernelDictionaries, kernelWordsOf } from '../../src/tlv/kernels.ts'
import { type DescribeOptions, describe, describeEither, printTree } from '../../src/tlv/print.ts'

const print = (bytes: string, options?: DescribeOptions) => printTree(describe(fromHex(bytes.replaceAll(' ', '')), options))
const first = (bytes: string, options?: DescribeOptions) => describe(fromHex(bytes.replaceAll(' ', '')), options).objects[0]
const tags = (bytes: string, options?: DescribeOptions) => first(bytes, options).children?.map(({ tag }) => tag)
const said = (bytes: string, options?: DescribeOptions) => first(bytes, options).words

group('template 80', () => {
  it('holds AIP and AFL where it answers GET PROCESSING OPTIONS, the AFL file by file', () => {
    expect(print('800A 3C00 08010100 10010502')).toBe(
      [
        '80 Response Message Template Format 1 (10)',
        '  ? the answer to GET PROCESSING OPTIONS: the values could answer EXCHANGE RELAY RESISTANCE DATA too',
        '  82 Application Interchange Profile (AIP) (2): 3C00',
        '    = DDA supported',
        '    = Cardholder verification is supported',
        '    = Terminal risk management is to be performed',
        '    = Issuer authentication is supported',
        '  94 Application File Locator (AFL) (8): 0801010010010502',
        '    = SFI 1, record 1',
        '    = SFI 2, records 1 to 5, the first 2 in offline data authentication',
      ].join('\n'),
    )
    expect(first('8006 1800 08010100').children?.map(({ offset }) => offset)).toEqual([2, 4])
  })

  it('is no guess where one command alone is answered in that many bytes', () => {
    expect(print('8006 1800 08010100')).not.toContain('?')
    expect(print('8012 80 0001 1122334455667788 06010A03A00000')).toContain('9F10 Issuer Application Data (7): 06010A03A00000')
  })

  it('holds CID, ATC, cryptogram and issuer data where it answers GENERATE AC', () => {
    expect(tags('800B 40 0007 1122334455667788')).toEqual(['9F27', '9F36', '9F26'])
    expect(print('800B 40 0007 1122334455667788')).toContain('9F36 Application Transaction Counter (ATC) (2): 0007\n    = 7')
    expect(print('8012 80 0001 1122334455667788 06010A03A00000')).toContain('= ARQC: online authorisation requested')
  })

  it('of 14 and 18 bytes is told by its values, and that it was', () => {
    const ac = first('8012 80 0001 1122334455667788 06010A03A00000')
    expect(ac.guessed).toMatch(/^the answer to GENERATE AC: .*18 bytes the values fit this one alone$/)
    const both = first('800E 0000 08010100 10010100 18010100')
    expect(both.children?.map(({ tag }) => tag)).toEqual(['82', '94'])
    expect(both.guessed).toBe('the answer to GET PROCESSING OPTIONS: the values could answer GENERATE AC too')
  })

  it('is read as the command says that it answers', () => {
    const bytes = '800E 0000 08010100 10010100 18010100'
    expect(tags(bytes, { answerTo: 0xae })).toEqual(['9F27', '9F36', '9F26', '9F10'])
    expect(first(bytes, { answerTo: 0xae }).guessed).toBeUndefined()
    expect(tags('800A 11223344 0000 00C8 0012', { answerTo: 0xea })).toEqual(['DF8302', 'DF8303', 'DF8304', 'DF8305'])
    expect(first(bytes, { answerTo: 0xca })).toMatchObject({ value: '0000080101001001010018010100' })
  })

  it('stays closed where it can answer nothing', () => {
    expect(first('8006 1800 00010100')).toMatchObject({ value: '180000010100' }) // SFI 0
    expect(first('8003 180000')).toMatchObject({ value: '180000' })
    expect(first('800E FF00 08020100 10010100 18010100').children).toBeUndefined() // records 2 to 1, a cryptogram of no type
  })

  it('cut into the values of a template, a card number stays masked in data that are nonsense', () => {
    const told = JSON.stringify(describeEither(fromHex('800B40 4761 7390010100100000 5A'.replaceAll(' ', ''))))
    expect(told).not.toContain('739001010010')
  })
})

group('tags that several kernels use', () => {
  it('have a name, and say that it was guessed', () => {
    expect(print('9F6604B6204000')).toBe(
      [
        '9F66 Terminal Transaction Qualifiers (TTQ) (4): B6204000',
        '  ? visa; no other kernel has it in this form',
        '  = Mag-stripe mode supported',
        '  = EMV mode supported',
        '  = EMV contact chip supported',
        '  = Online PIN supported',
        '  = Signature supported',
        '  = (Contact chip) offline PIN supported',
        '  = Consumer device CVM supported',
      ].join('\n'),
    )
    expect(first('9F66020E70')).toMatchObject({ name: 'PUNATC (Track2)', guessed: 'mastercard; no other kernel has it in this form' })
    expect(first('9F66020E70').words).toBeUndefined()
    expect(first('9F6C028000')).toMatchObject({ name: 'Card Transaction Qualifiers (CTQ)', words: ['Online PIN required'] })
    expect(first('9F6C020001')).toMatchObject({ name: 'Mag-stripe Application Version Number (Card)', words: ['version 1'] })
    expect(first('9F6C020000').guessed).toBe('visa; mastercard could mean it otherwise')
  })

  it('are read by the kernel of the AID beside them, else by what the rest of the data is', () => {
    const beside = describe(fromHex('8407A00000000410109F6C020000')).objects[1]
    expect(beside).toMatchObject({
      name: 'Mag-stripe Application Version Number (Card)',
      guessed: 'mastercard, whose AID stands in the same data',
    })
    // Both are in the magnetic stripe record of a Mastercard.
    expect(describe(fromHex('9F6C0200009F6701039F66020E70')).objects[0].name).toBe('Mag-stripe Application Version Number (Card)')
  })

  it('are no guess where the kernel is named, or where none has them', () => {
    expect(first('9F6604B6204000', { words: kernelDictionaries.visa }).guessed).toBeUndefined()
    expect(print('9F6604B6204000', { words: kernelDictionaries.amex })).toBe('9F66 unknown tag (4): B6204000')
    expect(first('DF710100')).not.toHaveProperty('name')
  })

  it('what is secret in one of them is masked without a kernel too', () => {
    expect(first('9F6B13 5413330056003511D14121011067775050 0F00')).toMatchObject({ value: '541333******3511=***', masked: true })
  })
})

group('kernels by name, number and book', () => {
  it.each([
    ['6', '9F71 02 1001', 'Card Processing Requirements (CPR)', ['Consumer device CVM performed', 'CVM fallback to no CVM']],
    ['C-7', '9F66 04 26000080', 'Terminal Transaction Qualifiers (TTQ), UnionPay', ['qPBOC/qUICS supported', 'Online PIN supported', 'Signature supported', 'fDDA version 01 supported']],
    ['7', '9F6C 02 1080', 'Card Transaction Qualifiers (CTQ), UnionPay', ['End or switch interface if offline data authentication fails', 'Consumer device CVM performed']],
    ['C-8', '9F8102 01 02', 'Cardholder Verification Decision', ['online PIN']],
    ['kernel8', '95 05 0400000080', 'Terminal Verification Results (TVR), Kernel 8', ['Local authentication failed', 'Format of kernel 8']],
    ['mir', 'DF52 06 000000300000', 'Terminal No CVM Limit', undefined],
    ['4', '9F71 03 010002', 'Mobile CVM Results', ['Mobile CVM performed', 'Mobile CVM not required', 'Mobile CVM successful']],
    ['C-5', '9F53 03 A08000', 'Terminal Interchange Profile (static/dynamic)', ['CVM required by reader', 'Online PIN supported', 'Issuer update supported']],
    ['2', '9F5D 03 010203', 'Application Capabilities Information (ACI)', ['Data storage version 1', 'Balance reading supported', 'CDA supported as in EMV', 'Standalone data storage: 10 tags of 64 bytes']],
    ['contact', '95 05 0040000000', 'Terminal Verification Results (TVR)', ['Expired application']],
  ] as const)('%s: %s', (kernel, bytes, name, words) => {
    const one = first(bytes, { words: kernelWordsOf(kernel) })
    expect(one.name).toBe(name)
    expect(one.words).toEqual(words)
    expect(one).not.toHaveProperty('wrong')
  }) // biome-ignore format: a table

  it('a number and its book are the name', () => {
    expect(kernelWordsOf('3')).toBe(kernelDictionaries.visa)
    expect(kernelWordsOf('C-3')).toBe(kernelDictionaries.visa)
    expect(kernelWordsOf('8')).toBe(kernelDictionaries.kernel8)
  })

  it('kernel 8 is told by tags that nobody else has, Mir and UnionPay by their AIDs', () => {
    expect(first('9F8102 01 03')).toMatchObject({ guessed: 'kernel8; no other kernel has it in this form', words: ['CD-CVM'] })
    expect(describe(fromHex('8407A0000006581010DF5206000000300000')).objects[1]).toMatchObject({
      guessed: 'mir, whose AID stands in the same data',
    })
  })
})

group('the words of kernel 2 and its neighbours', () => {
  it.each([
    [
      'DF8129 08 30F0F020B8F0FF05',
      ['Status: online request', 'Start: N/A', 'Online response data: N/A', 'CVM: online PIN', 'UI request on outcome present', 'Data record present', 'Discretionary data present', 'Receipt: yes', 'Alternate interface: N/A', 'Field off: N/A', 'Removal timeout: 0.5 s'],
    ],
    [
      'DF8116 16 1C00000013656E000000000000100000000025000643',
      ['Message: insert, swipe or try another card', 'Status: not ready', 'Hold time: 1.3 s', 'Language preference: "en"', 'Value: amount 2500, currency 643'],
    ],
    ['DF8115 06 000300698521', ['L1: OK', 'L2: status bytes', 'L3: OK', 'SW12: 6985', 'Message on error: present card again']],
    ['DF8115 06 02100400FFEE', ['L1: transmission error', 'L2: 10 (reserved)', 'L3: 04 (reserved)', 'SW12: 00FF', 'Message on error: EE (reserved)']],
    ['DF811B 01 B0', ['Mag-stripe mode not supported', 'On device cardholder verification supported', 'Relay resistance protocol supported']],
    ['DF8118 01 60', ['Enciphered PIN for online verification', 'Signature']],
    ['DF811F 01 08', ['CDA']],
    ['DF8114 01 90', ['ARQC', 'CDA signature requested']],
    ['DF4B 03 001001', ['On device cardholder verification successful', 'Wallet requires second tap']],
    ['DF811E 01 10', ['obtain signature']],
    ['DF812D 03 000013', ['1.3 s']],
    ['DF8132 02 0014', ['2 ms']],
    ['9F6E 07 06430000303000', ['Country: ISO 3166 643', 'Unique identifier: 0000', 'Device type: "00" (card)', 'Proprietary data: 1 bytes']],
    ['9F6E 07 02208001303000', ['Country: ISO 3166 220', 'Unique identifier: 8001', 'Proprietary data: 3 bytes']],
    ['9F6E 04 23880000', ['Version 1', 'Form factor: consumer mobile phone', 'Passcode capable', 'Two-way messaging', 'Technology: proximity contactless (ISO/IEC 14443)']],
    ['9F6E 04 D8E00003', ['Contact mode supported', 'Mag-stripe mode supported', 'EMV partial online mode supported', 'Mobile supported', 'Mobile CVM supported', 'Online PIN supported', 'Signature supported', 'Kernel 2.7']],
  ])('%s', (bytes, words) => {
    expect(said(bytes)).toEqual(words)
    expect(first(bytes).wrong).toBeUndefined()
  }) // biome-ignore format: a table

  it('belong to names that a dictionary has', () => {
    const names = new Set(Object.values(kernelDictionaries).flatMap(one => [...one.values()].map(({ name }) => name)))
    expect([...kernelWords.keys()].filter(name => !names.has(name))).toEqual([])
  })
})
