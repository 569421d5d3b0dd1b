/** QR codes of payments: EMVCo's text format and its CRC, hostile texts, and the symbol as a terminal shows it. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { currency } from '../../../src/currency.ts'
import { isFault } from '../../../src/errors.ts'
import { codeCrc, codeObjects, encodeMerchantCode, type MerchantCode, parseMerchantCode } from '../../../src/payment/receipt/qr-code.ts'
import { qrModules, qrText } from '../../../src/payment/receipt/qr-text.ts'

/** The example of EMV QR Code Specification, Merchant-Presented Mode, Annex B: its CRC is theirs. */
const example =
  '00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A' // biome-ignore format: as it is printed

const code: MerchantCode = {
  ...{ dynamic: true, system: 'test.tapdip.sbp', reference: '5635459200000001', category: '5999', currency: currency('RUB') },
  ...{ amount: 150_00n, country: 'RU', name: 'SHOP', city: 'MOSCOW', bill: '123', terminal: '63545902' },
}

describe('the text of a code', () => {
  it("EMVCo's example: every field, with its CRC", () => {
    expect(codeCrc(example.slice(0, -4))).toBe('A13A')
    expect(parseMerchantCode(example)).toMatchObject({
      ...{ dynamic: true, system: 'D15600000000', category: '4111', amount: 2372n, country: 'CN', name: 'BEST TRANSPORT', city: 'BEIJING' },
      ...{ currency: { alpha: 'CNY' }, localName: { language: 'ZH', name: '最佳运输' }, terminal: 'A6008667' },
    })
    expect(codeObjects(example).map(([id]) => id)).toEqual(['00', '01', '29', '31', '52', '58', '59', '60', '64', '54', '53', '55', '62', '91', '63']) // biome-ignore format: a list
  })

  it('is read as it was written', () => {
    const any = fc.record({
      dynamic: fc.boolean(),
      amount: fc.bigInt(1n, 999_999_999n),
      name: fc.stringMatching(/^[A-Z0-9 ]{1,25}$/),
      bill: fc.stringMatching(/^[0-9]{1,25}$/),
      localName: fc.record({ language: fc.constant('RU'), name: fc.stringMatching(/^[А-я]{1,25}$/) }),
    })
    fc.assert(
      fc.property(any, some => {
        const given = { ...code, ...some }
        expect(parseMerchantCode(encodeMerchantCode(given))).toEqual(given)
      }),
      { seed: 6 },
    )
  })

  it('a CRC in lower case is the same CRC', () => {
    expect(parseMerchantCode(`${example.slice(0, -4)}a13a`)).toEqual(parseMerchantCode(example))
    expect(() => parseMerchantCode(`${example.slice(0, -4)}a13b`)).toThrowError(/CRC a13b is wrong, A13A is right/)
  })

  it.each([
    ['02164000000000000002', { system: 'visa', reference: '4000000000000002' }],
    ['04155000000000000020415', undefined], // an identifier comes twice
    ['0415500000000000002', { system: 'mastercard', reference: '500000000000002' }],
    ['15310000000000000000000000000000001', { system: 'unionpay', reference: '0000000000000000000000000000001' }],
    ['1704ABCD', { system: 'emvco-17', reference: 'ABCD' }],
    ['02164000000000000002' + '26270015test.tapdip.sbp01049999', { system: 'test.tapdip.sbp', reference: '9999' }], // a payment's own template comes first
  ])('merchant accounts of card schemes, objects 02 to 25: %s', (accounts, expected) => {
    const body = `000201010211${accounts}520459995303036540510.005802AU5904SHOP6006SYDNEY6304`
    const text = `${body}${codeCrc(body)}`
    if (!expected) expect(() => parseMerchantCode(text)).toThrowError(expect.objectContaining({ code: 'bad-argument' }))
    else expect(parseMerchantCode(text)).toMatchObject({ ...expected, currency: { alpha: 'AUD' }, amount: 1000n, country: 'AU' })
  })

  it('any one character changed is found, and never more than a Fault', () => {
    const text = encodeMerchantCode(code)
    for (let at = 0; at < text.length; at++) {
      const changed = `${text.slice(0, at)}${text[at] === '7' ? '8' : '7'}${text.slice(at + 1)}`
      expect(() => parseMerchantCode(changed), `${at}`).toThrowError(expect.objectContaining({ code: 'bad-argument' }))
    }
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^(\d{4}[A-Z0-9]{0,9}){0,9}$/)), noise => {
        try {
          parseMerchantCode(noise)
        } catch (error) {
          expect(isFault(error, 'bad-argument')).toBe(true)
        }
      }),
      { seed: 7, numRuns: 500 },
    )
  })

  it.each([
    [{ name: 'x'.repeat(26) }, 'name'],
    [{ name: 'Магазин' }, 'name'],
    [{ city: 'x'.repeat(16) }, 'city'],
    [{ category: '59' }, 'category'],
    [{ country: 'ru' }, 'country'],
    [{ bill: 'x'.repeat(26) }, 'bill'],
    [{ reference: '' }, 'reference'],
  ])('%o is refused by its name', (wrong, field) => {
    expect(() => encodeMerchantCode({ ...code, ...wrong })).toThrowError(expect.objectContaining({ code: 'bad-argument', details: { field } })) // biome-ignore format: one line
  })
})

describe('the symbol', () => {
  /** ISO/IEC 18004, 7.9: format information of level M, masked with 101010000010010, by mask pattern. */
  const formatM = ['101010000010010', '101000100100101', '101111001111100', '101101101001011', '100010111111001', '100000011001110', '100111110010111', '100101010100000'] // biome-ignore format: a table

  it('has finders, timing and the format of level M', () => {
    const modules = qrModules(encodeMerchantCode(code))
    const size = modules.length
    expect((size - 17) % 4).toBe(0)
    for (const [top, left] of [[0, 0], [0, size - 7], [size - 7, 0]]) // biome-ignore format: corners
      for (let i = 0; i < 7; i++) {
        expect([modules[top][left + i], modules[top + 6][left + i], modules[top + i][left], modules[top + i][left + 6], modules[top + 3][left + 3]]).toEqual([true, true, true, true, true]) // biome-ignore format: one line
      }
    for (let i = 8; i < size - 8; i++) expect([modules[6][i], modules[i][6]]).toEqual([i % 2 === 0, i % 2 === 0])
    const format = [0, 1, 2, 3, 4, 5, 7, 8].map(column => modules[8][column]).concat([7, 5, 4, 3, 2, 1, 0].map(row => modules[row][8])) // biome-ignore format: the path of 7.9.1
    expect(formatM).toContain(format.map(Number).join(''))
  })

  it('as text: two rows a line, light around it, and nothing lost', () => {
    const modules = qrModules('Оплата')
    const lines = qrText('Оплата')
    const width = modules.length + 8
    expect(lines).toHaveLength(Math.ceil(width / 2))
    expect(lines[0]).toBe('█'.repeat(width))
    const back = lines.flatMap(line => [[...line].map(c => c === ' ' || c === '▄'), [...line].map(c => c === ' ' || c === '▀')])
    expect(back.slice(4, 4 + modules.length).map(row => row.slice(4, 4 + modules.length))).toEqual(modules)
  })

  it('what fits no symbol is refused', () => {
    expect(() => qrModules('x'.repeat(3000))).toThrowError(expect.objectContaining({ code: 'bad-argument' }))
  })
})
