/** ID TECH ViVOtech2 on the wire: published frames in both directions, both orders of the CRC, streams and reports, payload layouts, untrusted input. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as idtech from '../../../devices/idtech/codec.ts'
import { concat, crc16, fromHex, fromText, hex } from '../../../src/bytes.ts'
import { isFault } from '../../../src/errors.ts'
import type { Decoder, Side } from '../../../src/reader/side.ts'

const HEADER = '5669564F746563683200'
const answer = (command: number, status: number, data = ''): idtech.DeviceMessage => ({
  type: 'answer',
  command,
  status,
  data: fromHex(data),
})
const other = (code: number, data = ''): idtech.HostMessage => ({ type: 'unknown', code, data: fromHex(data) })

/** [P] printed in the vendor's guide, or in logs of its SDK (docs/devices/idtech.md); [D] the layout applied, the CRC ours. */
const downlink: readonly (readonly [mark: string, frame: string, message: idtech.HostMessage])[] = [
  ['P ping', '18 01 00 00 B3 CD', idtech.command('ping')],
  ['P 03-02', '03 02 00 00 5B 91', other(0x0302)],
  ['P 61-17', '61 17 00 00 72 8D', other(0x6117)],
  ['P 83-50', '83 50 00 00 CD 7C', other(0x8350)],
  ['P 83-51', '83 51 00 00 FD 4B', other(0x8351)],
  ['P 61-13, screen 1', '61 13 00 08 53 63 72 65 65 6E 31 00 58 F8', other(0x6113, hex(fromText('Screen1\0')))],
  ['P 61-13, screen 4', '61 13 00 08 53 63 72 65 65 6E 34 00 AD 07', other(0x6113, hex(fromText('Screen4\0')))],
  ['P 60-16', '60 16 00 01 03 92 ED', other(0x6016, '03')],
]
const uplink: readonly (readonly [mark: string, frame: string, message: idtech.DeviceMessage])[] = [
  ['P pong', '18 00 00 00 FA 83', answer(0x18, 0)],
  ['P 04', '04 00 00 00 AE 16', answer(0x04, 0)],
  ['P 61-17 answered', '61 00 00 00 4B 81', answer(0x61, 0)],
  ['P 83-50 answered', '83 00 00 02 E1 01 0D 25', answer(0x83, 0, 'E101')],
  ['P 83-51 answered', '83 00 00 01 03 04 72', answer(0x83, 0, '03')],
  ['P 61-13 answered, 1', '61 00 00 01 01 5B BF', answer(0x61, 0, '01')],
  ['P 61-13 answered, 0', '61 00 00 01 00 4B 9E', answer(0x61, 0, '00')],
  ['P 60-16 answered', '60 00 00 00 3D 35', answer(0x60, 0)],
  [
    'P 61-01, show message 13',
    '61 01 00 10 03 00 00 02 00 45 4E 03 00 81 13 1C 02 00 00 00 23 0F',
    {
      ...{ type: 'request', code: 0x6101 },
      data: idtech.encodeLcd({ mode: idtech.displayModes.show, language: 'EN', lines: [{ line: 1, message: 0x13 }], backlight: 0 }),
    },
  ],
]

interface Vector {
  readonly mark: string
  readonly bytes: Uint8Array
  readonly message: unknown
  readonly to: Side<unknown, unknown>
  readonly from: Side<unknown, unknown>
}
const [host, device] = [idtech.host as Side<unknown, unknown>, idtech.device as Side<unknown, unknown>]
const vector = (mark: string, frame: string, message: unknown, to: Side<unknown, unknown>, from: Side<unknown, unknown>): Vector => ({
  ...{ mark, bytes: fromHex(HEADER + frame.replaceAll(' ', '')), message, to, from },
})
const every: readonly Vector[] = [
  ...downlink.map(([mark, frame, message]) => vector(mark, frame, message, host, device)),
  ...uplink.map(([mark, frame, message]) => vector(mark, frame, message, device, host)),
]

/** All messages of the chunks, then of the quiet line. */
function decode<T>(decoder: Decoder<T>, ...chunks: readonly Uint8Array[]): T[] {
  return [...chunks.flatMap(chunk => decoder.push(chunk)), ...decoder.idle()]
}

describe('ViVOtech2 frames', () => {
  it.each(every)('$mark', ({ bytes, message, to, from }) => {
    expect(hex(to.encode(message))).toBe(hex(bytes))
    expect(from.decoder().push(bytes)).toEqual([message])
  })

  it.each(every)('split at each byte, and byte by byte: $mark', ({ bytes, message, from }) => {
    for (let at = 0; at <= bytes.length; at++) expect(decode(from.decoder(), bytes.subarray(0, at), bytes.subarray(at))).toEqual([message])
    expect(decode(from.decoder(), ...Array.from(bytes, byte => Uint8Array.of(byte)))).toEqual([message])
  })

  it.each(every)('after noise and after a false start: $mark', ({ bytes, message, from }) => {
    // headers that break off, one that promises more than follows, one that promises what nobody has
    for (const noise of [
      '00',
      '56',
      '5669',
      '5669564F',
      HEADER,
      `${HEADER}1801`,
      `${HEADER}18010040AA`,
      `${HEADER}1801FFFF`,
      '56'.repeat(20),
    ]) {
      const decoder = from.decoder()
      expect(decode(decoder, fromHex(noise), bytes), noise).toEqual([message])
      expect(decoder.push(bytes), `${noise}, then clean`).toEqual([message])
    }
  })

  it.each(every)('a bad bit anywhere never passes: $mark', ({ bytes, from }) => {
    for (let i = 0; i < bytes.length * 8; i++) {
      const bad = bytes.slice()
      bad[i >> 3] ^= 1 << (i & 7)
      expect(decode(from.decoder(), bad)).toEqual([])
    }
  })

  it('as 64-byte reports, the guide’s ping: padded with zeros, which are nobody’s', () => {
    const report = concat(every[0].bytes, new Uint8Array(63 - every[0].bytes.length))
    expect(decode(idtech.device.decoder(), report, report)).toEqual([idtech.command('ping'), idtech.command('ping')])
    // a long answer over three reports
    const long = answer(0x02, 0x23, '5A'.repeat(150))
    const frame = idtech.device.encode(long)
    const padded = concat(frame, new Uint8Array(189 - frame.length))
    const chunks = [padded.subarray(0, 63), padded.subarray(63, 126), padded.subarray(126)]
    expect(decode(idtech.host.decoder(), ...chunks, ...chunks)).toEqual([long, long])
  })

  it('the order of the CRC tells a command from an answer; pass-through commands have it as their tables do, or swapped', () => {
    const request: idtech.DeviceMessage = { type: 'request', code: 0x6101, data: Uint8Array.of(0x10) }
    expect(decode(idtech.host.decoder(), idtech.device.encode(request))).toEqual([request])
    // … by its guide low byte first
    expect(decode(idtech.host.decoder(), idtech.host.encode(idtech.command('lcd', request.data)))).toEqual([request])
    // a refusal has no data; what a host says is no answer
    const refused = answer(0x61, 0x03)
    expect(decode(idtech.host.decoder(), idtech.device.encode(refused))).toEqual([refused])
    expect(decode(idtech.host.decoder(), idtech.host.encode(idtech.command('ping')))).toEqual([])
    const crc = (message: idtech.HostMessage) => hex(idtech.host.encode(message).slice(-2))
    for (const name of ['getAtr', 'exchangeApdu', 'powerOff', 'activate'] as const) {
      const plain = idtech.command(name, fromHex('2000A40400'))
      const swapped = { ...plain, swapped: true as const }
      const sum = crc16(idtech.host.encode(plain).slice(0, -2), 0xffff)
      const low = (sum & 0xff).toString(16).padStart(2, '0') + (sum >> 8).toString(16).padStart(2, '0')
      expect(crc(plain), name).toBe(low.toUpperCase())
      expect(crc(swapped), name).toBe(hex(fromHex(low).reverse()))
      expect(decode(idtech.device.decoder(), idtech.host.encode(swapped))).toEqual([swapped])
    }
    // other pass-through commands: high byte first (3.2.2)
    const poll = other(0x2c02, '01')
    const sum = crc16(idtech.host.encode(poll).slice(0, -2), 0xffff)
    expect(crc(poll)).toBe(sum.toString(16).padStart(4, '0').toUpperCase())
    expect(decode(idtech.device.decoder(), idtech.host.encode(poll))).toEqual([poll])
  })

  it('where both orders are right, the command decides', () => {
    // one frame in 256 has a CRC of two equal bytes
    const twins = (encode: (n: number) => Uint8Array): Uint8Array => {
      for (let n = 0; ; n++) {
        const frame = encode(n)
        const [first, last] = frame.subarray(-2)
        if (first === last) return frame
      }
    }
    const data = (n: number) => Uint8Array.of(n >> 8, n & 0xff)
    const twin = twins(n => idtech.device.encode({ type: 'answer', command: 0x02, status: 0, data: data(n) }))
    expect(decode(idtech.host.decoder(), twin)).toMatchObject([{ type: 'answer' }])
    for (const name of ['activate', 'exchangeApdu'] as const) {
      const [got] = decode(
        idtech.device.decoder(),
        twins(n => idtech.host.encode(idtech.command(name, data(n)))),
      )
      expect(got).not.toHaveProperty('swapped')
    }
  })

  it('refuses what no frame carries', () => {
    const most = idtech.command('ping', new Uint8Array(idtech.MAX_DATA))
    expect(decode(idtech.device.decoder(), idtech.host.encode(most))).toEqual([most])
    const fault = () => idtech.host.encode(idtech.command('ping', new Uint8Array(idtech.MAX_DATA + 1)))
    expect(fault).toThrow(expect.objectContaining({ code: 'bad-argument' }))
  })

  it('names statuses', () => {
    expect(idtech.statusName(0x63)).toBe('accepted')
    expect(idtech.statusName(0x04)).toBe('crcError')
    expect(idtech.statusName(0x1d)).toBe('1D')
  })
})

const bytes = (maxLength: number, minLength = 0) => fc.uint8Array({ minLength, maxLength })

describe('round trips', () => {
  it('any messages, in any pieces, with noise between them', () => {
    const data = bytes(300)
    const up = fc.oneof(
      fc.record({ type: fc.constant('answer' as const), command: fc.nat(255), status: fc.nat(255), data }),
      fc.record({ type: fc.constant('request' as const), code: fc.constantFrom(0x6101, 0x6102, 0x6103), data: bytes(300, 1) }),
    )
    const pieces = fc.integer({ min: 1, max: 70 })
    const noise = bytes(20).map(all => all.filter(byte => byte !== 0x56))
    fc.assert(
      fc.property(fc.array(up, { maxLength: 4 }), pieces, noise, (all, size, between) => {
        // An answer to 61-xx with such a status has no data.
        const known = all.filter(one => one.type === 'request' || one.command !== 0x61 || one.data.length === 0)
        const stream = concat(...known.flatMap(message => [between, idtech.device.encode(message)]))
        const chunks: Uint8Array[] = []
        for (let at = 0; at < stream.length; at += size) chunks.push(stream.slice(at, at + size))
        expect(decode(idtech.host.decoder(), ...chunks)).toEqual(known)
      }),
      { seed: 1, numRuns: 300 },
    )
    const names = fc.constantFrom<idtech.CommandName>(
      'ping',
      'activate',
      'contactStart',
      'contactApplyHost',
      'exchangeApdu',
      'lcd',
      'cancel',
    )
    fc.assert(
      fc.property(names, data, pieces, (name, content, size) => {
        const message = idtech.command(name, content)
        const stream = idtech.host.encode(message)
        const chunks: Uint8Array[] = []
        for (let at = 0; at < stream.length; at += size) chunks.push(stream.slice(at, at + size))
        expect(decode(idtech.device.decoder(), ...chunks)).toEqual([message])
      }),
      { seed: 2, numRuns: 300 },
    )
  })

  const amount = fc.bigInt({ min: 0n, max: 999_999_999_999n })
  const start = {
    ...{ type: fc.constantFrom(...Object.values(idtech.transactionTypes)), amount, currency: fc.nat(999) },
    otherAmount: fc.option(amount, { nil: undefined }),
    forceOnline: fc.constantFrom(true, undefined),
  }
  const known = <T extends object>(value: T): T => Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T

  it('starts of a transaction', () => {
    fc.assert(
      fc.property(fc.record({ ...start, timeout: fc.integer({ min: 1, max: 255 }) }), one => {
        expect(idtech.decodeActivate(idtech.encodeActivate(known(one)))).toEqual(known(one))
      }),
      { seed: 3 },
    )
    const seconds = fc.nat(0xffff)
    fc.assert(
      fc.property(fc.record({ ...start, fallback: fc.boolean(), cardTimeout: seconds, nextTimeout: seconds }), one => {
        expect(idtech.decodeContactStart(idtech.encodeContactStart(known(one)))).toEqual(known(one))
      }),
      { seed: 4 },
    )
    const told = { type: 0, amount: 100n, currency: 643, timeout: 60 }
    const plain = '3C9F0206000000000100' + '9C0100' + '5F2A020643'
    expect(hex(idtech.encodeActivate(told))).toBe(plain)
    // DFEF37 in the vendor's scripts: 01 stripe, 02 contactless, 04 contact, 07 all
    for (const [bits, interfaces] of [
      ['01', ['swipe']],
      ['02', ['tap']],
      ['04', ['chip']],
      ['07', ['chip', 'tap', 'swipe']],
    ] as const) {
      // biome-ignore format: a table
      expect(hex(idtech.encodeActivate({ ...told, interfaces }))).toBe(`${plain}DFEF3701${bits}`)
      expect(idtech.decodeActivate(fromHex(`${plain}DFEF3701${bits}`))).toEqual({ ...told, interfaces })
    }
    // DFEF1F of the guide (p. 179): byte 1 auto authenticate, byte 2 force online
    expect(hex(idtech.encodeActivate({ ...told, forceOnline: true }))).toBe(`${plain}DFEF1F020001`)
    for (const [value, ways] of [['0001', { forceOnline: true }], ['0100', { autoAuthenticate: true }], ['0000', {}]] as const)
      expect(idtech.decodeActivate(fromHex(`${plain}DFEF1F02${value}`))).toEqual({ ...told, ...ways }) // biome-ignore format: a table
    // … and 60-10 there
    const contact = '0100780078' + '9C0100' + '5F570100' + '9F0206000000000200' + '9F0306000000000000' + '5F2A020840'
    expect(idtech.decodeContactStart(fromHex(contact))).toEqual({
      ...{ fallback: true, cardTimeout: 120, nextTimeout: 120, type: 0, amount: 200n, otherAmount: 0n, currency: 840 },
    })
    expect(hex(idtech.encodeAuthenticate(120))).toBe('000078')
  })

  const tags = fc
    .uniqueArray(fc.tuple(fc.constantFrom(0x95, 0x9b, 0x9f26, 0xdfee12, 0xdfee23, 0xffee1f, 0xdfef5d, 0x57), bytes(140)), {
      selector: ([tag]) => tag,
    })
    .map(all => new Map(all))

  const told = {
    ...{ tags, masked: tags },
    enciphered: fc
      .array(fc.tuple(fc.constantFrom(0x57, 0x5a, 0x5f20, 0xdfee23), bytes(300)), { maxLength: 3 })
      .map(all => concat(...all.map(([tag, value]) => idtech.writeEnciphered(tag, value)))),
  }

  it('data objects in clear, masked and enciphered', () => {
    fc.assert(
      fc.property(fc.record(told), one => void expect(idtech.readTold(idtech.writeTold(one), 'test')).toEqual(one)),
      { seed: 12 },
    )
    // As the vendor's scripts expect a test card: masked and enciphered, with zeros for the cryptograms that nobody can know
    const [track2, pan] = ['4761CCCCCCCC0010D2012CCCCCCCCCCCCC', '4761CCCCCCCC0010']
    const enciphered = `57C120${'00'.repeat(32)}5AC110${'00'.repeat(16)}`
    const read = idtech.readTold(fromHex(`57A111${track2}5AA108${pan}${enciphered}9F390105`), 'test')
    expect(read).toEqual({
      tags: new Map([[0x9f39, Uint8Array.of(5)]]),
      masked: new Map([
        [0x57, fromHex(track2)],
        [0x5a, fromHex(pan)],
      ]),
      enciphered: fromHex(enciphered),
    })
    // BER as it is elsewhere
    expect(idtech.readTold(fromHex(`0000DFEE23820104${'AA'.repeat(260)}`), 'test').tags.get(0xdfee23)).toHaveLength(260)
    for (const broken of ['57', '5F', '5711', '57A1', '57A11147', '5780', '5783000001', '1F8181818181'])
      expect(() => idtech.readTold(fromHex(broken), 'test'), broken).toThrow(expect.objectContaining({ code: 'protocol' }))
  })

  it('results', () => {
    const activated = fc.record({
      captured: fc.constantFrom<idtech.Captured>('contact', 'contactless', 'contactlessMsd', 'swipe'),
      encrypted: fc.record({ stripe: fc.boolean(), emv: fc.boolean() }),
      ...told,
    })
    fc.assert(
      fc.property(activated, one => void expect(idtech.decodeActivated(idtech.encodeActivated(one))).toEqual(one)),
      { seed: 5 },
    )
    // Attribution (p. 232): bit 0 contactless, 3 swipe, 4 MSD, 6 stripe and 7 EMV data enciphered
    for (const [attribution, captured] of [['00', 'contact'], ['01', 'contactless'], ['11', 'contactlessMsd'], ['48', 'swipe']] as const) // biome-ignore format: a table
      expect(idtech.decodeActivated(fromHex(attribution))).toMatchObject({
        captured,
        encrypted: { stripe: attribution === '48', emv: false },
      })
    fc.assert(
      fc.property(fc.record({ code: fc.constantFrom(...Object.values(idtech.resultCodes)), ...told }), one => {
        expect(idtech.decodeContactResult(idtech.encodeContactResult(one))).toEqual(one)
      }),
      { seed: 6 },
    )
    const battery = fc.nat(255)
    fc.assert(
      fc.property(battery, percent => void expect(idtech.decodeBattery(Uint8Array.of(percent))).toBe(percent)),
      { seed: 7 },
    )
  })

  it('the host’s word', () => {
    const script = bytes(20, 1).map(value => concat(Uint8Array.of(0x71, value.length), value))
    const word = fc.record({
      code: fc.constantFrom('00', '05', 'Z3'),
      issuerAuthenticationData: fc.option(bytes(16, 8), { nil: undefined }),
      scripts: fc.option(fc.array(script, { minLength: 1, maxLength: 2 }), { nil: undefined }),
    })
    fc.assert(
      fc.property(word, one => void expect(idtech.decodeHostAnswer(idtech.encodeHostAnswer(known(one)))).toEqual(known(one))),
      { seed: 8 },
    )
    const vendors = '018A023030910A11223344556677883030'
    expect(hex(idtech.encodeHostAnswer({ code: '00', issuerAuthenticationData: fromHex('11223344556677883030') }))).toBe(vendors)
    expect(() => idtech.encodeHostAnswer({ code: '0' })).toThrow(expect.objectContaining({ code: 'bad-argument' }))
  })

  it('menus, and the choice in one', () => {
    const text = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 16 }).filter(one => !one.includes('\x1c'))
    const line = fc.record({ line: fc.integer({ min: 1, max: 0x7f }), message: fc.oneof(text, fc.nat(255)) })
    const lcd = fc.record({
      ...{
        mode: fc.constantFrom(0x01, 0x02, 0x03, 0x08),
        timeout: fc.option(fc.nat(0xffff), { nil: undefined }),
        language: fc.constantFrom('EN', 'ES', 'FR'),
      },
      lines: fc.array(line, { maxLength: 5 }),
      backlight: fc.option(fc.nat(0xffff), { nil: undefined }),
    })
    fc.assert(
      fc.property(lcd, one => void expect(idtech.decodeLcd(idtech.encodeLcd(known(one)))).toEqual(known(one))),
      { seed: 9, numRuns: 300 },
    )
    const clear = { mode: idtech.displayModes.clear, language: '', lines: [] }
    expect(idtech.decodeLcd(idtech.encodeLcd(clear))).toEqual(clear)
    for (const choice of [1, 2, 127, undefined]) expect(idtech.decodeMenuChoice(idtech.encodeMenuChoice(choice))).toBe(choice)
  })
})

describe('untrusted input', () => {
  it('no bytes make a decoder throw, or lose the good frame behind them', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          bytes(300),
          bytes(60).map(rest => concat(fromHex(HEADER), rest)),
        ),
        fc.constantFrom(...every),
        (noise, one) => {
          const decoder = one.from.decoder()
          decoder.push(noise)
          decoder.idle()
          expect(decode(decoder, one.bytes)).toEqual([one.message])
        },
      ),
      { seed: 10, numRuns: 1000 },
    )
  })

  it('payloads are refused by a Fault, never by anything else', () => {
    const readers = [
      ...[idtech.decodeActivate, idtech.decodeContactStart, idtech.decodeActivated, idtech.decodeContactResult],
      ...[idtech.decodeHostAnswer, idtech.decodeLcd, idtech.decodeMenuChoice, idtech.decodeBattery],
    ]
    const whole = fc.constantFrom(
      idtech.encodeActivate({ type: 0, amount: 1n, currency: 643, timeout: 9 }),
      idtech.encodeContactResult({ code: 4, tags: new Map([[0x9f26, new Uint8Array(8)]]) }),
      idtech.encodeHostAnswer({ code: '00', issuerAuthenticationData: new Uint8Array(10) }),
      idtech.encodeLcd({ mode: 1, timeout: 30, language: 'EN', lines: [{ line: 1, message: 'MIR' }] }),
    )
    const bent = fc.tuple(whole, fc.nat(40), fc.nat(255)).map(([one, at, byte]) => {
      const copy = one.slice(0, Math.max(1, one.length - (at & 7)))
      copy[at % copy.length] = byte
      return copy
    })
    fc.assert(
      fc.property(fc.oneof(bytes(60), bent), input => {
        for (const read of readers)
          try {
            read(input)
          } catch (error) {
            expect(isFault(error, 'protocol'), String(error)).toBe(true)
          }
      }),
      { seed: 11, numRuns: 2000 },
    )
  })
})
