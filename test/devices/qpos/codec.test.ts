/** QPOS on the wire: published and derived frames in both directions, resynchronisation, payload layouts, untrusted input. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type {
  CardData,
  DeviceMessage,
  EmvResult,
  EmvStart,
  HostMessage,
  QposId,
  QposInfo,
  TradeRequest,
} from '../../../devices/qpos/codec.ts'
import * as qpos from '../../../devices/qpos/codec.ts'
import { concat, fromHex, fromText, hex } from '../../../src/bytes.ts'
import { isFault } from '../../../src/errors.ts'
import type { Decoder, Side } from '../../../src/reader/side.ts'
import { write } from '../../../src/tlv/ber.ts'

const none = new Uint8Array(0)

/** [V] published in DspreadOrg/LinuxSDK dotrade.cpp; [D] the layout applied (readers.md 1.1.1). */
const downlink: readonly (readonly [mark: string, frame: string, message: HostMessage])[] = [
  ['V user cancel', '4D 00 06 28 00 00 05 00 00 66', { type: 'cancel', delay: 5 }],
  ['V reset', '4D 00 06 20 00 00 FE 00 00 95', { type: 'reset', delay: 0xfe }],
  ['D getQposId', '4D 00 06 21 10 00 05 00 00 7F', { type: 'command', command: 'getQposId', delay: 5 }],
  ['D getQposInfo', '4D 00 06 21 11 30 05 00 00 4E', { type: 'command', command: 'getQposInfo', delay: 5 }],
  ['D query', '4D 00 06 22 00 00 5A 00 00 33', { type: 'query', delay: 0x5a }],
  ['D part data', '4D 00 06 36 00 00 5A 00 00 27', { type: 'partData', delay: 0x5a }],
  ['D reset of the JS demo', '4D 00 06 20 00 00 0F 00 00 64', { type: 'reset', delay: 0x0f }],
  ['D selectEmvApp 0', '4D 00 07 21 16 31 1E 00 01 00 53', { type: 'command', command: 'selectEmvApp', delay: 30, index: 0 }],
  ['D selectEmvApp 1', '4D 00 07 21 16 31 1E 00 01 01 52', { type: 'command', command: 'selectEmvApp', delay: 30, index: 1 }],
  [
    'D online result 00',
    '4D 00 0A 21 16 40 1E 00 04 8A 02 30 30 A2',
    { type: 'command', command: 'onlineResult', delay: 30, tlv: qpos.encodeOnlineResult({ code: '00' }) },
  ],
  [
    'D online result 05',
    '4D 00 0A 21 16 40 1E 00 04 8A 02 30 35 A7',
    { type: 'command', command: 'onlineResult', delay: 30, tlv: qpos.encodeOnlineResult({ code: '05' }) },
  ],
]

const applications = [
  { unknown: Uint8Array.of(0, 1), label: 'VISA DEBIT' },
  { unknown: Uint8Array.of(0, 2), label: 'MIR' },
]
const uplink: readonly (readonly [mark: string, frame: string, message: DeviceMessage])[] = [
  ['D busy', '4D 00 06 23 16 20 00 00 00 5E', { type: 'waiting', code: 0x16, sub: 0x20, result: 0, data: none }],
  ['D PIN entry', '4D 00 07 41 16 30 00 00 01 00 2C', { type: 'pinEntry', code: 0x16, sub: 0x30, result: 0, data: Uint8Array.of(0) }],
  [
    'D chip card',
    '4D 00 08 24 16 20 00 00 02 01 00 54',
    { type: 'completed', code: 0x16, sub: 0x20, result: 0, data: qpos.encodeTradeAnswer({ type: 'chip', reserved: 0, data: none }) },
  ],
  [
    'D application list',
    '4D 00 1A 24 16 30 02 00 14 02 00 01 0A 56 49 53 41 20 44 45 42 49 54 00 02 03 4D 49 52 6E',
    { type: 'completed', code: 0x16, sub: 0x30, result: 2, data: qpos.encodeApplications(applications) },
  ],
  ['D timeout', '4D 00 06 25 16 20 00 00 00 58', { type: 'timeout', code: 0x16, sub: 0x20, result: 0, data: none }],
  ['D user cancel', '4D 00 06 28 16 30 00 00 00 45', { type: 'userCancel', code: 0x16, sub: 0x30, result: 0, data: none }],
  ['D card removed', '4D 00 06 51 16 30 00 00 00 3C', { type: 'cardRemoved', code: 0x16, sub: 0x30, result: 0, data: none }],
]

const every = [
  ...downlink.map(([mark, frame, message]) => ({ mark, frame, message, to: qpos.host as Side<unknown, unknown>, from: qpos.device })),
  ...uplink.map(([mark, frame, message]) => ({ mark, frame, message, to: qpos.device as Side<unknown, unknown>, from: qpos.host })),
]

/** All messages of the chunks, then of the quiet line. */
function decode<T>(decoder: Decoder<T>, ...chunks: readonly Uint8Array[]): T[] {
  return [...chunks.flatMap(chunk => decoder.push(chunk)), ...decoder.idle()]
}

describe('QPOS frames', () => {
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
    const starts = [
      '00',
      '4D',
      '4D 4D',
      '4D FF FF',
      '4D 00 06',
      '4D 00 06 24 16 20 00 00 01',
      'FF 4D 27 F0 24',
      '4D 00 05 21 10 00 05 FF FF',
    ]
    for (const noise of starts) {
      const decoder = from.decoder()
      expect(decode<unknown>(decoder, fromHex(noise), bytes), noise).toEqual([message])
      expect(decoder.push(bytes), `${noise}, then clean`).toEqual([message])
    }
    // A head whose lengths agree and promise more than follows: only silence shows that it is none.
    const believable = fromHex('4D 13 8E 24 16 20 00 13 88')
    const decoder = from.decoder()
    expect(decoder.push(concat(believable, bytes))).toEqual([])
    expect(decoder.idle()).toEqual([message])
    expect(decoder.push(bytes)).toEqual([message])
    // … or its LRC, once it has swallowed as much as it promised.
    const short = fromHex('4D 00 1A 24 16 20 00 00 14')
    expect(decode<unknown>(from.decoder(), concat(short, bytes, bytes, bytes))).toEqual([message, message, message])
  })

  it.each(every)('a bad bit anywhere never passes: $mark', ({ frame, from }) => {
    const bytes = fromHex(frame)
    for (let i = 0; i < bytes.length * 8; i++) {
      const bad = bytes.slice()
      bad[i >> 3] ^= 1 << (i & 7)
      expect(decode<unknown>(from.decoder(), bad)).toEqual([])
    }
  })

  it('two frames in one chunk are two messages, in order', () => {
    const [busy, card] = [fromHex(uplink[0][1]), fromHex(uplink[2][1])]
    expect(qpos.host.decoder().push(concat(busy, card, busy.subarray(0, 3)))).toEqual([uplink[0][2], uplink[2][2]])
  })

  it('keeps what the tables do not know raw, and writes it back the same', () => {
    const frame = fromHex('4D 00 07 99 16 20 03 00 01 AA')
    const unknown = concat(frame, Uint8Array.of(frame.reduce((sum, byte) => sum ^ byte, 0)))
    const raw = { type: 'raw', id: 0x99, code: 0x16, sub: 0x20, data: Uint8Array.of(0xaa) } as const
    expect(qpos.host.decoder().push(unknown)).toEqual([{ ...raw, result: 3 }])
    expect(hex(qpos.device.encode({ ...raw, result: 3 }))).toBe(hex(unknown))
    expect(qpos.device.decoder().push(unknown)).toEqual([{ ...raw, delay: 3 }])
    expect(hex(qpos.host.encode({ ...raw, delay: 3 }))).toBe(hex(unknown))
  })

  it('refuses what no frame can carry', () => {
    const tlv = new Uint8Array(qpos.MAX_DATA)
    expect(qpos.host.encode({ type: 'command', command: 'onlineResult', delay: 30, tlv })).toHaveLength(qpos.MAX_FRAME)
    const over = { type: 'command', command: 'onlineResult', delay: 30, tlv: new Uint8Array(qpos.MAX_DATA + 1) } as const
    expect(() => qpos.host.encode(over)).toThrow(expect.objectContaining({ code: 'bad-argument' }))
    expect(() => qpos.host.encode({ type: 'query', delay: 256 })).toThrow(/parameter 256 is no byte/)
  })
})

describe('QPOS payloads', () => {
  it('doTrade: fields, and the XOR fold that the vendor calls MAC', () => {
    const request = qpos.tradeRequest({ amount: '250000', time: '20260326105200', currency: 643, cardMode: 8 })
    const body = fromHex('06 323530303030 08 00 00 07 20260326105200 00 00 00 00 01 01 06 43 00 00 00 00 00 01 00 06 313431323137')
    const data = concat(body, qpos.xorFold(body))
    expect(hex(qpos.encodeTradeRequest(request))).toBe(hex(data))
    // The vendor pads with zeros to len+1+(8-(len+1)%8) first: zeros change nothing.
    const padded = new Uint8Array(body.length + 1 + (8 - ((body.length + 1) % 8)))
    padded.set(body)
    expect(hex(qpos.xorFold(padded))).toBe(hex(qpos.xorFold(body)))
    expect(qpos.decodeTradeRequest(data)).toEqual(request)
    const forged = data.slice()
    forged[1] ^= 1
    expect(() => qpos.decodeTradeRequest(forged)).toThrow(expect.objectContaining({ code: 'protocol', details: { field: 'mac' } }))
    const frame = qpos.host.encode({ type: 'raw', id: 0x21, code: 0x16, sub: 0x20, delay: 60, data: forged })
    expect(qpos.device.decoder().push(frame)).toMatchObject([{ type: 'raw', code: 0x16, sub: 0x20, data: forged }])
  })

  it('EMV start: up to 8 digits in 4 bytes, more in 6', () => {
    const start: EmvStart = { option: 0, tradeType: 1, time: '20260326105200', amount: '250000', cashback: '', currency: 643, last: 20 }
    const short = '00 01 20260326105200 FF FF250000 0000 0643 07 323530303030 00 01 00 14'
    expect(hex(qpos.encodeEmvStart(start))).toBe(hex(fromHex(short)))
    const long = '01 04 20260326105200 06 FFF123456789 0643 0A 313233343536373839 00 04 313030 00 14'
    const cash: EmvStart = { ...start, option: 1, tradeType: 4, amount: '123456789', cashback: '100' }
    expect(hex(qpos.encodeEmvStart(cash))).toBe(hex(fromHex(long)))
    expect(qpos.decodeEmvStart(fromHex(long))).toEqual(cash)
  })

  it('EMV result: script result, force accept, ICC data, and what trails', () => {
    const data = fromHex('00 30 03 00 02 2000 01 01 00 09 9F2608 AA01020304 0506 C7')
    expect(() => qpos.decodeEmvResult(data.subarray(0, 10))).toThrow(expect.objectContaining({ code: 'protocol' }))
    const result = qpos.decodeEmvResult(data)
    expect(result).toMatchObject({ reserved: 0, encMode: 0x30, transResult: qpos.transResults.goOnline, packType: 0 })
    expect([result.scriptResult, result.forceAccept, result.icc, result.trailing].map(hex)).toEqual([
      '2000',
      '01',
      '9F2608AA0102030405',
      '06C7',
    ])
    expect(hex(qpos.encodeEmvResult(result))).toBe(hex(data))
  })

  it('online result: 8A, 91 and scripts in the host’s order', () => {
    const scripts = [write(0x72, fromHex('9F180400000001')), write(0x71, fromHex('860384240000'))]
    const tlv = qpos.encodeOnlineResult({ code: '00', issuerAuthenticationData: fromHex('11223344556677883030'), scripts })
    expect(hex(tlv)).toBe('8A023030910A1122334455667788303072079F1804000000017106860384240000')
    expect(qpos.decodeOnlineResult(tlv)).toEqual({ code: '00', issuerAuthenticationData: fromHex('11223344556677883030'), scripts })
    expect(() => qpos.decodeOnlineResult(fromHex('9100'))).toThrow(expect.objectContaining({ code: 'protocol' }))
  })

  it('info: millivolts, percent, charging; a reader that says less is known less, never 0', () => {
    const data = fromHex('03 312E30 04 322E3031 05 4132374241 02 0F3C 01 01 01 00 01 00 01 01 01 01 01 00 01 01 01 01 01 57')
    expect(qpos.decodeQposInfo(data)).toEqual({
      ...{ bootloader: '1.0', firmware: '2.01', hardware: 'A27BA', millivolts: 3900, charging: true, usb: false },
      ...{ track1: false, track2: true, track3: true, encryptionMode: Uint8Array.of(0), workKeyUpdated: true, keyboard: true, percent: 87 },
    })
    const less = qpos.decodeQposInfo(fromHex('01 31 01 32 03 413237 00 00 00 00 00 00'))
    expect(less).toEqual({ bootloader: '1', firmware: '2', hardware: 'A27' })
    expect(qpos.decodeQposInfo(concat(data.subarray(0, -1), Uint8Array.of(0xff))).percent).toBe(100)
    expect(() => qpos.decodeQposInfo(data.subarray(0, 4))).toThrow(/QPOS info: firmware|QPOS info: hardware/)
  })

  it('PIN entry tells offline from online by data[0]', () => {
    expect([none, Uint8Array.of(0), Uint8Array.of(1)].map(qpos.isOfflinePin)).toEqual([false, false, true])
  })
})

// ---- round trips -------------------------------------------------------------------------------------------------------------------------

const byte = fc.integer({ min: 0, max: 255 })
const bytes = (max = 40, min = 0) => fc.uint8Array({ minLength: min, maxLength: max })
const ascii = (max: number) =>
  fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map(code => String.fromCharCode(code)), maxLength: max })
const digits = (min: number, max: number) => fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: min, maxLength: max })
const currency = fc.integer({ min: 0, max: 999 })

const tradeRequest: fc.Arbitrary<TradeRequest> = fc.record({
  ...{ amount: digits(0, 12), cardMode: byte, amountIcon: bytes(8), tradeMode: byte, time: digits(14, 14), random: bytes(8) },
  ...{ extra: bytes(8), keyIndex: fc.integer({ min: 0, max: 9 }), inputAmount: fc.boolean(), displayAmount: fc.boolean(), tradeType: byte },
  ...{ currency, customDisplay: bytes(255), formatId: bytes(4), batchId: bytes(4), decimalPoint: bytes(1), saveLog: bytes(1) },
  ...{ returnPan: bytes(1), panSalt: bytes(8), more: bytes(20) },
})
const emvStart: fc.Arbitrary<EmvStart> = fc.record({
  ...{ option: byte, tradeType: byte, time: digits(14, 14), amount: digits(1, 12), cashback: digits(0, 12), currency, last: byte },
})
const delay = byte
const hostMessage: fc.Arbitrary<HostMessage> = fc.oneof(
  fc.record({ type: fc.constantFrom('query', 'partData', 'cancel', 'reset'), delay }),
  fc.record({ type: fc.constant('command'), command: fc.constantFrom('getQposId', 'getQposInfo', 'nfcPowerOn', 'nfcPowerOff'), delay }),
  fc.record({ type: fc.constant('command'), command: fc.constant('nfcApdu'), delay, apdu: bytes(300) }),
  fc.record({ type: fc.constant('command'), command: fc.constant('doTrade'), delay, request: tradeRequest }),
  fc.record({ type: fc.constant('command'), command: fc.constant('startEmv'), delay, start: emvStart }),
  fc.record({ type: fc.constant('command'), command: fc.constant('selectEmvApp'), delay, index: byte }),
  fc.record({ type: fc.constant('command'), command: fc.constant('onlineResult'), delay, tlv: bytes(300) }),
  fc.record({
    ...{ type: fc.constant('command'), command: fc.constant('getIccTag'), delay, cardType: byte, tagCount: byte },
    tags: bytes(20).filter(tags => !(tags.length === 1 && tags[0] === 0)),
  }),
  fc.record({ type: fc.constant('raw'), id: fc.integer({ min: 0x60, max: 0x6f }), code: byte, sub: byte, delay, data: bytes() }),
  fc.record({ type: fc.constant('raw'), id: fc.constant(0x21), code: fc.constant(0x19), sub: byte, delay, data: bytes() }),
) as fc.Arbitrary<HostMessage>
const outcomes = Object.keys({
  ...{ old: 0, reset: 0, waiting: 0, completed: 0, timeout: 0, destruct: 0, crcError: 0, userCancel: 0, macError: 0, iccInitError: 0 },
  ...{ iccPowerOnError: 0, iccTradeError: 0, emvTerminated: 0, emvDenied: 0, notAvailable: 0, partData: 0, emvAppConfigError: 0 },
  ...{ emvCapkConfigError: 0, writeDataError: 0, noWorkKey: 0, pinEntry: 0, magToIcc: 0, cardNo: 0, cardBlockedOrNoApplications: 0 },
  ...{ selectAppFailed: 0, capkFailed: 0, fallback: 0, nfcTerminated: 0, emvKernelPc: 0, cardRemoved: 0, msrDataReady: 0 },
  ...{ tryAnotherInterface: 0, completedEncrypted: 0, checkHaveCard: 0 },
} satisfies Record<qpos.DeviceMessageType, 0>) as qpos.DeviceMessageType[]
const deviceMessage: fc.Arbitrary<DeviceMessage> = fc.oneof(
  fc.record({ type: fc.constantFrom(...outcomes), code: byte, sub: byte, result: byte, data: bytes(400) }),
  fc.record({
    type: fc.constant('raw' as const),
    id: fc.integer({ min: 0x90, max: 0xff }),
    code: byte,
    sub: byte,
    result: byte,
    data: bytes(),
  }),
)
const cardData: fc.Arbitrary<CardData> = fc
  .record(
    {
      ...{
        encTrack1: bytes(80, 1),
        encTrack2: bytes(40, 1),
        encTrack3: bytes(120, 1),
        formatId: ascii(2),
        maskedPan: ascii(19),
        expiry: ascii(4),
      },
      ...{ serviceCode: ascii(3), cardholderName: ascii(26), pinBlock: bytes(8, 8), trackKsn: bytes(10, 10), pinKsn: bytes(10, 10) },
      ...{ trackRandom: bytes(8, 1), pinRandom: bytes(8, 1), psamNo: bytes(8, 1), trackLengths: fc.tuple(byte, byte, byte) },
      ...{ encPan: bytes(16, 1), more: bytes(10, 1) },
    },
    { requiredKeys: ['formatId', 'maskedPan', 'expiry', 'serviceCode', 'cardholderName'] },
  )
  .map(card => (card.encPan || card.more ? { ...card, trackLengths: card.trackLengths ?? [0, 0, 0] } : card))
const emvResult: fc.Arbitrary<EmvResult> = fc.record({
  ...{ reserved: byte, encMode: byte, transResult: byte, packType: byte, scriptResult: bytes(255), forceAccept: bytes(3), icc: bytes(700) },
  trailing: bytes(60),
})
const qposId: fc.Arbitrary<QposId> = fc.record(
  {
    ...{ psamId: bytes(8), posId: bytes(10), merchantId: bytes(15), vendorCode: bytes(4), deviceNumber: bytes(8, 1), psamNo: bytes(8, 1) },
    ...{ csn: bytes(8, 1), more: bytes(10, 1) },
  },
  { requiredKeys: ['psamId', 'posId', 'merchantId', 'vendorCode'] },
)
const yes = fc.boolean()
const qposInfo: fc.Arbitrary<QposInfo> = fc.record(
  {
    ...{
      bootloader: ascii(8),
      firmware: ascii(20),
      hardware: ascii(10),
      millivolts: fc.integer({ min: 0, max: 0xffff }),
      charging: yes,
      usb: yes,
    },
    ...{ track1: yes, track2: yes, track3: yes, encryptionMode: bytes(2, 1), workKeyUpdated: yes, keyboard: yes },
    ...{
      percent: fc.integer({ min: 0, max: 100 }),
      pciHardware: bytes(8, 1),
      pciFirmware: bytes(8, 1),
      compileTime: bytes(20, 1),
      more: bytes(8, 1),
    },
  },
  { requiredKeys: ['bootloader', 'firmware', 'hardware'] },
)
const seed = 20260326

describe('QPOS round trips', () => {
  const chunked = (whole: Uint8Array, cuts: readonly number[]) => {
    const at = [0, ...cuts.map(cut => cut % (whole.length + 1)), whole.length].sort((a, b) => a - b)
    return at.slice(1).map((end, i) => whole.subarray(at[i], end))
  }

  it('every host message, in any chunking', () => {
    const stream = fc.tuple(fc.array(hostMessage, { minLength: 1, maxLength: 4 }), fc.array(fc.nat(), { maxLength: 6 }))
    fc.assert(
      fc.property(stream, ([messages, cuts]) => {
        const whole = concat(...messages.map(message => qpos.host.encode(message)))
        expect(decode(qpos.device.decoder(), ...chunked(whole, cuts))).toEqual(messages)
      }),
      { seed, numRuns: 3000 },
    )
  })

  it('every device message, in any chunking', () => {
    const stream = fc.tuple(fc.array(deviceMessage, { minLength: 1, maxLength: 4 }), fc.array(fc.nat(), { maxLength: 6 }))
    fc.assert(
      fc.property(stream, ([messages, cuts]) => {
        const whole = concat(...messages.map(message => qpos.device.encode(message)))
        expect(decode(qpos.host.decoder(), ...chunked(whole, cuts))).toEqual(messages)
      }),
      { seed, numRuns: 3000 },
    )
  })

  const both = <T>(arbitrary: fc.Arbitrary<T>, encode: (value: T) => Uint8Array, read: (data: Uint8Array) => T) =>
    fc.assert(
      fc.property(arbitrary, value => {
        expect(read(encode(value))).toEqual(value)
      }),
      { seed, numRuns: 2000 },
    )

  it('doTrade answer', () => {
    const raw = fc.constantFrom('chip' as const, 'tapApplications' as const, 'tapDeclined' as const, 'pinRequest' as const)
    both(fc.record({ type: raw, reserved: byte, data: bytes() }), qpos.encodeTradeAnswer, qpos.decodeTradeAnswer as never)
    const card = fc.constantFrom('swipe' as const, 'tapOnline' as const, 'tapOffline' as const)
    both(fc.record({ type: card, reserved: byte, card: cardData }), qpos.encodeTradeAnswer, qpos.decodeTradeAnswer as never)
  })
  it('EMV result', () => both(emvResult, qpos.encodeEmvResult, qpos.decodeEmvResult))
  it('application list', () => {
    const rows = fc.array(fc.record({ unknown: bytes(2, 2), label: ascii(16) }), { maxLength: 9 })
    both(rows, qpos.encodeApplications, qpos.decodeApplications)
  })
  it('id', () => both(qposId, qpos.encodeQposId, qpos.decodeQposId))
  it('info', () => both(qposInfo, qpos.encodeQposInfo, qpos.decodeQposInfo))
})

describe('QPOS decoder on untrusted input', () => {
  it('1,000,000 random and mutated inputs: no crash, no hang, bounded memory, good frames still found', () => {
    const good = every.map(({ frame }) => fromHex(frame))
    const sides = [qpos.host.decoder(), qpos.device.decoder()] as Decoder<unknown>[]
    const before = process.memoryUsage()
    let messages = 0
    // fast-check draws the seeds and reports the one that fails; each makes a thousand inputs.
    fc.assert(
      fc.property(fc.integer({ min: 1 }), start => {
        const next = random(start)
        for (let i = 0; i < 1000; i++) {
          const decoder = sides[i & 1]
          messages += decoder.push(next() % 3 === 0 ? noise(next) : mutated(good[next() % good.length], next)).length
          if (next() % 5 === 0) messages += decoder.idle().length
        }
      }),
      { seed, numRuns: 1000, endOnFailure: true },
    )
    for (const decoder of sides) messages += decoder.idle().length
    expect(messages).toBeGreaterThan(100_000) // the unharmed ones got through
    expect(process.memoryUsage().arrayBuffers - before.arrayBuffers).toBeLessThan(64 * 2 ** 20)
    for (const [i, decoder] of sides.entries()) expect(decoder.push(good[i === 0 ? good.length - 1 : 0])).toHaveLength(1) // still in its senses
  }, 60_000)

  it('payload readers answer any bytes with a value or a Fault', () => {
    const readers = [
      ...[qpos.decodeTradeRequest, qpos.decodeTradeAnswer, qpos.decodeEmvStart, qpos.decodeEmvResult, qpos.decodeApplications],
      ...[qpos.decodeOnlineResult, qpos.decodeQposId, qpos.decodeQposInfo],
    ]
    fc.assert(
      fc.property(bytes(120), data => {
        for (const read of readers) {
          try {
            read(data)
          } catch (error) {
            if (!isFault(error)) throw error
          }
        }
      }),
      { seed, numRuns: 20_000 },
    )
  })

  it('a stream made of nothing but believable false starts is worked off in time', () => {
    const start = fromHex('4D 27 00 24 16 20 00 26 FA')
    const decoder = qpos.host.decoder()
    const begun = process.cpuUsage() // the processor's time: other programs' load is not the decoder's
    for (let i = 0; i < 20; i++) decoder.push(concat(...Array.from({ length: 1000 }, () => start)))
    decoder.idle()
    expect(process.cpuUsage(begun).user / 1000).toBeLessThan(5000)
    expect(decoder.push(fromHex(uplink[0][1]))).toHaveLength(1)
  })
})

/** A small generator (mulberry32): a million draws of fast-check's own would take longer than the decoder. */
function random(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
}

function noise(next: () => number): Uint8Array {
  return Uint8Array.from({ length: next() % 24 }, () => (next() % 6 === 0 ? 0x4d : next()))
}

/** Nothing, a changed byte, a cut, a doubled piece, or another piece in the middle. */
function mutated(frame: Uint8Array, next: () => number): Uint8Array {
  const at = next() % frame.length
  const copy = frame.slice()
  switch (next() % 6) {
    case 0:
      copy[at] = next()
      return copy
    case 1:
      return copy.subarray(0, at)
    case 2:
      return concat(copy.subarray(0, at), copy)
    case 3:
      return concat(copy.subarray(0, at), fromText('M'), copy.subarray(at))
    default:
      return copy
  }
}
