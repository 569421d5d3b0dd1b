/** What a status means is told by the command that it answers; what a command and its answer hold is opened, and no PIN is shown. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commandWords } from '../../src/apdu/names.ts'
import { statusWords } from '../../src/apdu/status.ts'
import { fromHex } from '../../src/bytes.ts'
import { describeExchange, printExchange } from '../../src/decode/exchange.ts'
import { describeTrack } from '../../src/decode/track.ts'
import { isFault } from '../../src/errors.ts'
import { serviceCodeWords } from '../../src/magstripe/service-code.ts'
import { retold, retoldLines } from '../../src/messages/retold.ts'
import { describe as describeTlv, printTree } from '../../src/tlv/print.ts'

const bytes = (digits: string) => fromHex(digits.replaceAll(' ', ''))

describe('status words', () => {
  it.each([
    [0x6985, 0xa8, /^6985 the application declines this transaction before it begins.*Book 3, 10\.1/],
    [0x6985, 0xae, /^6985 the card gives no cryptogram of this type now.*the transaction ends/],
    [0x6985, 0x82, /^6985 the second one of a transaction/],
    [0x6985, undefined, /^6985 conditions of use not satisfied$/],
    [0x6283, 0xa4, /^6283 the application is blocked/],
    [0x6a81, 0xa4, /^6A81 the card is blocked/],
    [0x6a82, 0xa4, /^6A82 no such file/],
    [0x6a83, 0xb2, /^6A83 no such record/],
    [0x63c2, 0x20, /^63C2 verification failed, 2 tries left$/],
    [0x6983, 0x20, /^6983 the PIN is blocked/],
    [0x6300, 0x82, /^6300 issuer authentication failed/],
    [0x6300, 0x20, /^6300 the PIN is wrong$/],
    [0x6a88, 0xca, /^6A88 the card has no such data object/],
    [0x6300, 0x24, /^6300 a warning: the script goes on/],
    [0x6a80, 0x18, /^6A80 the script ends here and has failed/],
    [0x9000, 0x18, /^9000 done$/],
    [0x6d00, 0xae, /^6D00 instruction not supported$/],
  ] as const)('%i to INS %i', (sw, ins, words) => expect(statusWords(sw, ins)).toMatch(words))
})

describe('an exchange', () => {
  it('of GET PROCESSING OPTIONS opens its template 80 without a guess', () => {
    expect(printExchange(describeExchange(bytes('80A8000002830000'), bytes('800618000801010090 00')))).toBe(
      [
        '> GET PROCESSING OPTIONS',
        '  80A8000002830000',
        '  83 Command Template (0)',
        '80 Response Message Template Format 1 (6)',
        '  82 Application Interchange Profile (AIP) (2): 1800',
        '    = Cardholder verification is supported',
        '    = Terminal risk management is to be performed',
        '  94 Application File Locator (AFL) (4): 08010100',
        '    = SFI 1, record 1',
        '< 9000 done',
      ].join('\n'),
    )
  })

  it('of VERIFY shows no PIN, and of a record no card number', () => {
    const verify = describeExchange(bytes('0020008008 241234FFFFFFFFFF'), bytes('63C2'))
    expect(verify).toMatchObject({ name: 'VERIFY: plaintext PIN', command: '0020008008 (8 bytes not shown)', status: { sw: '63C2' } })
    const record = printExchange(describeExchange(bytes('00B2010C00'), bytes('700A5A084761739001010010 9000')))
    expect(record).toContain('> READ RECORD: record 1 of SFI 1')
    expect(record).toContain('476173******0010')
    expect(record).not.toContain('4761739001010010')
    expect(describeExchange(bytes('80AE8000 0A 4761739001010010 0000 00')).command).not.toContain('4761739001010010')
  })

  it.each([
    ['00A4040007A000000003101000', 'SELECT: by name'],
    ['80AE9000020000', 'GENERATE AC: ARQC, CDA'],
    ['80CA9F1700', 'GET DATA: 9F17'],
    ['0020008808', 'VERIFY: enciphered PIN'],
    ['00FF0000', 'INS FF'],
  ])('%s is %s', (command, name) => {
    const [, ins, p1, p2] = bytes(command)
    expect(commandWords({ ins, p1, p2 })).toBe(name)
  })

  it('is refused where it is none, with a fault, whatever it is', () => {
    expect(() => describeExchange(bytes('00A4'))).toThrow(/header takes 4/)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 60 }), (command, answer) => {
        try {
          printExchange(describeExchange(command, answer))
        } catch (error) {
          if (!isFault(error, 'apdu', 'unsupported')) throw error
        }
      }),
      { numRuns: 500, seed: 4 },
    )
  })
})

describe('a track', () => {
  const track2 = ';4761739001010010=22122011143878089?'
  it.each([
    [track2, 2],
    [track2.slice(1, -1), 2],
    ['4761739001010010D22122011143878089', 2],
    [Buffer.from(track2).toString('hex'), 2],
    ['%B4761739001010010^TESTOV/TEST^22122011143878089?', 1],
  ])('%s', (given, track) => {
    const told = describeTrack(given)
    expect(told.track).toBe(track)
    expect(told.fields).toContainEqual({ name: 'pan', value: '476173******0010', masked: true })
    expect(told.fields).toContainEqual({ name: 'expiry', value: '2212', words: ['2022-12'] })
    expect(told.fields).toContainEqual({
      name: 'serviceCode',
      value: '201',
      words: ['international, with a chip', 'authorised normally', 'no restriction'],
    })
    expect(JSON.stringify(told)).not.toMatch(/TESTOV|4761739001010010|1143878089/)
  })

  it('that is none is refused by its rule', () => {
    expect(() => describeTrack(';4761739001010011=2212201?')).toThrow(/check digit/)
    expect(() => describeTrack('hello')).toThrow(/outside its alphabet/)
  })

  it('every digit of a service code has its words, or says that it has none', () => {
    expect(serviceCodeWords('221')).toEqual(['international, with a chip', 'authorised by the issuer, online', 'no restriction'])
    expect(serviceCodeWords('390')[0]).toMatch(/digit 1 \(3\) has no meaning/)
    expect(printTree(describeTlv(fromHex('5F30020201')))).toContain('= international, with a chip')
  })
})

it('sentences of ours are Russian where they are asked for so', () => {
  const guessed = printTree(describeTlv(fromHex('800A3C000801010010010502')))
  expect(retoldLines(guessed, 'ru')).toContain('? ответ на GET PROCESSING OPTIONS: значения подошли бы и к EXCHANGE RELAY RESISTANCE DATA')
  expect(retoldLines(printTree(describeTlv(fromHex('9F0206'))), 'ru')).toBe(
    '! значение в 6 байт, а есть только 0, смещение 3; не прочитано байт: 3',
  )
  expect(retoldLines(guessed, 'en')).toBe(guessed)
  const refused = (command: string, sw: string) =>
    retoldLines(printExchange(describeExchange(bytes(command), bytes(sw))), 'ru')
      .split('\n')
      .at(-1)
  expect(refused('80A8000002830000', '6985')).toMatch(/^< 6985 приложение отказывается от операции до её начала/)
  expect(refused('0020008008241234FFFFFFFFFF', '63C2')).toBe('< 63C2 проверка не пройдена, осталось попыток: 2')
  // No sentence is left in English, whatever the command answers.
  for (const ins of ['A4', 'B2', 'A8', 'AE', '20', '82', 'CA', '88', 'EA', '24'])
    for (const sw of ['9000', '6283', '6300', '6983', '6984', '6985', '6986', '6A81', '6A82', '6A83', '6A88', '6D00'].filter(one =>
      /^(?:9000|6300|6985|6A8[123]|6D00|6983)$/.test(one),
    ))
      expect(refused(`00${ins}0000`, sw), `${ins} ${sw}`).toMatch(/[а-яё]/)
  expect(retoldLines('    = international, with a chip', 'ru')).toBe('    = международная, с чипом')
  expect(retold('the LRC is 7E, 7F is right', 'ru')).toBe('LRC 7E, верно 7F')
})
