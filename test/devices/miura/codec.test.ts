/** Miura MPI on the wire: published and derived packets in both directions, chains, streams, resynchronisation, payload layouts, untrusted input. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as miura from '../../../devices/miura/codec.ts'
import { concat, fromHex, hex } from '../../../src/bytes.ts'
import { isFault } from '../../../src/errors.ts'
import type { Decoder, Side } from '../../../src/reader/side.ts'

const answer = (body: string, sw = 0x9000): miura.DeviceMessage => ({ type: 'answer', nad: 1, sw, body: fromHex(body) })
const event = (body: string, sw = 0x9000): miura.DeviceMessage => ({ ...answer(body, sw), type: 'event' })

/** [V] published in the vendor's tests, or captured in the field (paypal-here-sdk-ios-distribution#302); [D] the layout applied (readers.md 1.5). */
const uplink: readonly (readonly [mark: string, frame: string, message: miura.DeviceMessage])[] = [
  ['V success without data', '01 00 02 90 00 93', answer('')],
  ['V seven bytes of data', '01 00 09 5A 5B 5C 5D 5E 5F 60 90 00 F9', answer('5A5B5C5D5E5F60')],
  ['V four bytes of data', '01 00 06 10 11 12 13 90 00 97', answer('10111213')],
  ['V the same, unsolicited', '01 40 06 10 11 12 13 90 00 D7', event('10111213')],
  [
    'V PIN OK',
    '01 40 14 E6 10 C3 01 02 C4 06 50 49 4E 20 4F 4B DF A1 02 01 02 90 00 3D',
    event(hex(miura.encodeEvent({ type: 'status', status: 'pinEntry', text: 'PIN OK', pinStatus: miura.PIN_OK }))),
  ],
  [
    'V card status, captured: nothing there',
    '01 40 08 E1 04 48 02 00 00 90 00 76',
    event(
      hex(
        miura.encodeEvent({
          ...{ type: 'card', present: false, emv: false, swiped: false, data: new Map() },
          tracks: { track1: false, track2: false, track3: false },
        }),
      ),
    ),
  ],
]
const { unsolicited, atr, track1, track2, track3 } = miura.cardReports
const downlink: readonly (readonly [mark: string, frame: string, message: miura.HostMessage])[] = [
  ['D soft reset', '01 00 04 D0 00 00 00 D5', miura.command('reset', { p1: miura.resets.soft })],
  ['D battery', '01 00 04 D0 62 00 00 B7', miura.command('batteryStatus')],
  ['D abort', '01 00 04 D0 FF 00 00 2A', miura.command('abort')],
  ['D card status, all', '01 00 04 D0 60 1F 00 AA', miura.command('cardStatus', { p1: unsolicited | atr | track1 | track2 | track3 })],
  [
    'D continue 00',
    '01 00 0B DE D2 00 00 06 E0 04 8A 02 30 30 6C',
    miura.command('continueTransaction', { data: miura.encodeContinue({ code: '00' }) }),
  ],
]

const every = [
  ...downlink.map(([mark, frame, message]) => ({ mark, frame, message, to: miura.host as Side<unknown, unknown>, from: miura.device })),
  ...uplink.map(([mark, frame, message]) => ({ mark, frame, message, to: miura.device as Side<unknown, unknown>, from: miura.host })),
]

/** All messages of the chunks, then of the quiet line. */
function decode<T>(decoder: Decoder<T>, ...chunks: readonly Uint8Array[]): T[] {
  return [...chunks.flatMap(chunk => decoder.push(chunk)), ...decoder.idle()]
}

describe('MPI packets', () => {
  it.each(every)('$mark: $frame', ({ frame, message, to, from }) => {
    const bytes = fromHex(frame)
    expect(hex(to.encode(message))).toBe(hex(bytes))
    expect(from.decoder().push(bytes)).toEqual([message])
  })

  it.each(every)('split at each byte, and byte by byte: $mark', ({ frame, message, from }) => {
    const bytes = fromHex(frame)
    for (let at = 0; at <= bytes.length; at++)
      expect(decode<unknown>(from.decoder(), bytes.subarray(0, at), bytes.subarray(at))).toEqual([message])
    expect(decode<unknown>(from.decoder(), ...Array.from(bytes, byte => Uint8Array.of(byte)))).toEqual([message])
  })

  it.each(every)('after noise and after a false start: $mark', ({ frame, message, from }) => {
    const bytes = fromHex(frame)
    // NAD, PCB and LEN that are none; lengths 0, 1 and 255; a head that promises more than follows
    for (const noise of [
      '00',
      '01',
      '01 00',
      '01 00 00',
      '01 00 01',
      '01 00 FF',
      '01 80 04',
      '02 02 04',
      '03 00 04',
      '01 00 FE',
      '01 40 30',
      '5A 01 01',
    ]) {
      const decoder = from.decoder()
      expect(decode<unknown>(decoder, fromHex(noise), bytes), noise).toEqual([message])
      expect(decoder.push(bytes), `${noise}, then clean`).toEqual([message])
    }
  })

  it.each(every)('a bad bit anywhere never passes: $mark', ({ frame, from }) => {
    const bytes = fromHex(frame)
    for (let i = 0; i < bytes.length * 8; i++) {
      const bad = bytes.slice()
      bad[i >> 3] ^= 1 << (i & 7)
      expect(decode<unknown>(from.decoder(), bad)).toEqual([])
    }
  })

  it('routes by PCB bit 6: an event between the parts of an answer belongs to neither', () => {
    const long = answer('AA'.repeat(600))
    const packets = miura.device.encode(long)
    const pinOk = fromHex(uplink[4][1])
    expect(packets.subarray(0, 3)).toEqual(Uint8Array.of(1, 1, 254))
    const decoder = miura.host.decoder()
    const got = decode(decoder, packets.subarray(0, 258), pinOk, packets.subarray(258, 516), pinOk, packets.subarray(516))
    expect(got).toEqual([uplink[4][2], uplink[4][2], long])
    // … and the POSzle's answer is not the PED's
    const other: miura.DeviceMessage = { ...answer('BB'.repeat(300)), nad: miura.POSZLE }
    const its = miura.device.encode(other)
    expect(decode(decoder, packets.subarray(0, 258), its.subarray(0, 258), packets.subarray(258), its.subarray(258))).toEqual([long, other])
  })

  it('a chain never ends in a packet of one byte, and silence ends a broken one', () => {
    for (const size of [252, 253, 254, 505, 506, 507, 508, 761]) {
      const message = answer('5A'.repeat(size))
      const bytes = miura.device.encode(message)
      expect(decode(miura.host.decoder(), bytes), `${size}`).toEqual([message])
    }
    const decoder = miura.host.decoder()
    decoder.push(miura.device.encode(answer('AA'.repeat(600))).subarray(0, 300))
    decoder.idle()
    expect(decoder.push(fromHex(uplink[0][1]))).toEqual([uplink[0][2]])
  })

  it('bytes without framing after STREAM BINARY, however they look', () => {
    const content = concat(fromHex(downlink[0][1]), fromHex(downlink[2][1]), Uint8Array.of(1, 0, 4))
    const data = miura.encodeStreamBlock({ offset: 0x012345, size: content.length, timeout: 100 })
    const stream = miura.command('streamBinary', { data, content })
    const bytes = concat(miura.host.encode(stream), fromHex(downlink[1][1]))
    expect(decode(miura.device.decoder(), bytes)).toEqual([stream, downlink[1][2]])
    expect(decode(miura.device.decoder(), ...Array.from(bytes, byte => Uint8Array.of(byte)))).toEqual([stream, downlink[1][2]])
    // one that stops in the middle is heard as far as it came, and what follows is heard again
    const decoder = miura.device.decoder()
    expect(decoder.push(bytes.subarray(0, bytes.length - 12))).toEqual([])
    expect(decoder.idle()).toEqual([{ ...stream, content: content.subarray(0, content.length - 4) }])
    expect(decoder.push(fromHex(downlink[1][1]))).toEqual([downlink[1][2]])
  })

  it('keeps a command that the table does not know as it is', () => {
    const raw = { type: 'unknown', nad: 2, apdu: fromHex('D9990102') } as const
    expect(miura.device.decoder().push(miura.host.encode(raw))).toEqual([raw])
  })

  it('refuses what one packet cannot carry', () => {
    expect(() => miura.host.encode(miura.command('startTransaction', { data: new Uint8Array(250) }))).toThrow(/takes 249/)
    expect(() => miura.host.encode(miura.command('readBinary', { data: new Uint8Array(249), le: 1 }))).toThrow(/takes 254/)
    expect(() => miura.host.encode(miura.command('reset', { p1: 256 }))).toThrow(expect.objectContaining({ code: 'bad-argument' }))
    expect(() => miura.host.encode({ type: 'unknown', nad: 1, apdu: Uint8Array.of(1) })).toThrow(/at least 2/)
    expect(() => miura.host.encode({ ...miura.command('reset'), command: 'toString' as miura.CommandName })).toThrow(/not in the table/)
  })
})

const bytes = (max: number, min = 0) => fc.uint8Array({ minLength: min, maxLength: max }).map(value => value.slice())
const nad = fc.constantFrom<miura.Address>(1, 2)
const commandNames: miura.CommandName[] = [
  'reset',
  'selectFile',
  'readBinary',
  'displayText',
  'startTransaction',
  'p2peStatus',
  'spoolPrint',
  'emvHashes',
]
const command = fc.record({
  command: fc.constantFrom(...commandNames),
  nad,
  p1: fc.nat(255),
  p2: fc.nat(255),
  data: bytes(248),
  le: fc.option(fc.nat(255), { nil: undefined }),
})
const device = fc.record({
  type: fc.constantFrom('answer' as const, 'event' as const),
  nad,
  sw: fc.constantFrom(0x9000, 0x9f41, 0x9fc1, 0x6a82),
  body: bytes(700),
})

describe('round trips', () => {
  it('every command', () => {
    fc.assert(
      fc.property(command, ({ le, ...rest }) => {
        const message: miura.HostMessage = { type: 'command', ...rest, ...(le !== undefined && { le }) }
        expect(decode(miura.device.decoder(), miura.host.encode(message))).toEqual([message])
      }),
      { seed: 5, numRuns: 300 },
    )
  })

  it('every answer and event, in any chunks, one behind the other', () => {
    fc.assert(
      fc.property(
        fc.array(device, { minLength: 1, maxLength: 3 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (all, cuts) => {
          const stream = concat(...all.map(one => miura.device.encode(one)))
          const decoder = miura.host.decoder()
          const got: miura.DeviceMessage[] = []
          for (let at = 0, i = 0; at < stream.length; i++) {
            const size = cuts[i % cuts.length]
            got.push(...decoder.push(stream.subarray(at, at + size)))
            at += size
          }
          expect([...got, ...decoder.idle()]).toEqual(all)
        },
      ),
      { seed: 6, numRuns: 200 },
    )
  })

  const digits = (length: number) => fc.array(fc.nat(9), { minLength: length, maxLength: length }).map(all => all.join(''))
  const amount = fc.bigInt({ min: 0n, max: 999_999_999_999n })
  const opt = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
  const known = <T extends object>(value: T): T => Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T

  it('the start of a transaction', () => {
    const start = fc.record({
      ...{ type: fc.constantFrom(...Object.values(miura.transactionTypes)), amount, otherAmount: opt(amount), time: digits(12) },
      ...{ currency: fc.nat(999), applicationSelection: opt(fc.nat(255)), riskManagement: opt(fc.nat(255)) },
      language: opt(fc.constantFrom('ru', 'en')),
    })
    fc.assert(
      fc.property(start, one => void expect(miura.decodeStart(miura.encodeStart(known(one)))).toEqual(known(one))),
      { seed: 7 },
    )
  })

  it('continuation, results, PIN', () => {
    const script = bytes(20, 1).map(value => concat(Uint8Array.of(0x71, value.length), value))
    const end = fc.record({
      code: fc.constantFrom('00', '05', 'Z3'),
      issuerAuthenticationData: opt(bytes(16, 8)),
      scripts: opt(fc.array(script, { minLength: 1, maxLength: 2 })),
    })
    fc.assert(
      fc.property(end, one => void expect(miura.decodeContinue(miura.encodeContinue(known(one)))).toEqual(known(one))),
      { seed: 8 },
    )
    const type = fc.constantFrom<miura.ResultType>('decisionRequired', 'approved', 'onlineRequired', 'declined')
    const tags = fc
      .uniqueArray(fc.tuple(fc.constantFrom(0x95, 0x9b, 0x9f26, 0xdfae04, 0x57), bytes(40)), { selector: ([tag]) => tag })
      .map(all => new Map(all))
    fc.assert(
      fc.property(fc.record({ type, tags }), one => void expect(miura.decodeResult(miura.encodeResult(one))).toEqual(one)),
      { seed: 9 },
    )
    const pin = fc.record({ amount, currency: fc.nat(999), label: fc.constantFrom('MIR', 'VISA DEBIT'), maskedTrack2: bytes(40, 1) })
    fc.assert(
      fc.property(pin, one => void expect(miura.decodeOnlinePin(miura.encodeOnlinePin(one))).toEqual(one)),
      { seed: 10 },
    )
    const typed: miura.OnlinePinResult[] = [
      { type: 'pin', block: new Uint8Array(8).fill(7), ksn: new Uint8Array(10).fill(1) },
      ...[{ type: 'cancelled' } as const, { type: 'bypassed' } as const, { type: 'failed', code: 0x0a } as const],
    ]
    for (const one of typed) expect(miura.decodeOnlinePinResult(miura.encodeOnlinePinResult(one))).toEqual(one)
  })

  it('events', () => {
    const byte = opt(fc.nat(255))
    const status = fc.record({
      ...{
        type: fc.constant('status' as const),
        status: fc.constantFrom<miura.StatusEvent['status']>('poweredOn', 'pinEntry', 'applicationSelection', 0x77),
      },
      ...{ text: fc.string({ unit: 'grapheme-ascii', maxLength: 30 }), pinDigits: byte, pinStatus: byte, pinTries: byte },
    })
    const flag = fc.boolean()
    const card = fc.record({
      ...{ type: fc.constant('card' as const), present: flag, emv: flag, swiped: flag },
      tracks: fc.record({ track1: flag, track2: flag, track3: flag }),
      data: fc
        .uniqueArray(fc.tuple(fc.constantFrom(0x63, 0xdfae02, 0xdfae03, 0xdfae22, 0x5f22), bytes(30)), { selector: ([tag]) => tag })
        .map(all => new Map(all)),
    })
    const key = fc.record({ type: fc.constant('key' as const), key: fc.nat(255) })
    const other = fc.record({ type: fc.constant('other' as const), data: bytes(20).map(value => new Map([[0xdfab01, value]])) })
    fc.assert(
      fc.property(
        fc.oneof(status, card, key, other),
        one => void expect(miura.decodeEvent(miura.encodeEvent(known(one)))).toEqual(known(one)),
      ),
      { seed: 11, numRuns: 300 },
    )
  })

  it('software, configuration, battery, files', () => {
    const name = fc.string({ unit: 'grapheme-ascii', maxLength: 20 })
    const software = fc.array(fc.record({ name, version: opt(name) }).map(known), { maxLength: 3 })
    fc.assert(
      fc.property(name, software, (serial, all) => {
        expect(miura.decodeSoftwareInfo(miura.encodeSoftwareInfo({ serial, software: all }))).toEqual({ serial, software: all })
        expect(miura.decodeConfiguration(miura.encodeConfiguration(all))).toEqual(all)
      }),
      { seed: 12 },
    )
    fc.assert(
      fc.property(fc.nat(255), fc.nat(255), fc.nat(0x7fffff), (a, b, size) => {
        expect(miura.decodeBattery(miura.encodeBattery({ charging: a, percent: b }))).toEqual({ charging: a, percent: b })
        expect(miura.decodeFileSize(miura.encodeFileSize(size))).toBe(size)
        const block = { offset: size, size: a, timeout: b }
        expect(miura.decodeStreamBlock(miura.encodeStreamBlock(block))).toEqual(block)
        expect(miura.readBinaryOffset(miura.readBinaryAt(size))).toBe(size)
      }),
      { seed: 13 },
    )
    // The example in the vendor's code (MpiClient.java), and its rule for RPI 1-1, which names its version like a second identifier.
    const example = 'E1309F1E083034303030323033EF11DF0D084D3130302D525049DF7F03312D31EF10DF0D074D3130302D4F53DF7F03312D36'
    const told = {
      serial: '04000203',
      software: [
        { name: 'M100-RPI', version: '1-1' },
        { name: 'M100-OS', version: '1-6' },
      ],
    }
    expect(miura.decodeSoftwareInfo(fromHex(example))).toEqual(told)
    expect(hex(miura.encodeSoftwareInfo(told))).toBe(example)
    expect(miura.decodeSoftwareInfo(fromHex(example.replace('DF7F03312D36', 'DF0D03312D36')))).toEqual(told)
  })
})

describe('untrusted input', () => {
  it('no bytes make a decoder throw, or lose the good packet behind them', () => {
    fc.assert(
      fc.property(bytes(300), fc.constantFrom(...every), (noise, { frame, message, from }) => {
        const decoder = from.decoder()
        decoder.push(noise)
        decoder.idle()
        expect(decode<unknown>(decoder, fromHex(frame))).toEqual([message])
      }),
      { seed: 14, numRuns: 500 },
    )
  })

  it('payloads are refused by a Fault, never by anything else', () => {
    const readers = [
      miura.decodeStart,
      miura.decodeContinue,
      miura.decodeResult,
      miura.decodeOnlinePin,
      miura.decodeOnlinePinResult,
      miura.decodeEvent,
    ] as const
    const more = [
      miura.decodeSoftwareInfo,
      miura.decodeConfiguration,
      miura.decodeBattery,
      miura.decodeFileSize,
      miura.decodeStreamBlock,
    ] as const
    fc.assert(
      fc.property(bytes(60), input => {
        for (const read of [...readers, ...more])
          try {
            read(input)
          } catch (error) {
            expect(isFault(error, 'protocol'), String(error)).toBe(true)
          }
      }),
      { seed: 15, numRuns: 500 },
    )
  })
})
