/** MPED on the wire: the vendor's own vectors in both directions, every message there and back, any chunking, noise, false lengths, repeats. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DeviceMessage, HostMessage, LineItem } from '../../../devices/bluepad/codec.ts'
import * as mped from '../../../devices/bluepad/codec.ts'
import { concat, crc16, fromHex, fromText, hex } from '../../../src/bytes.ts'
import type { Decoder, Side } from '../../../src/reader/side.ts'

const idle: HostMessage = { type: 'idle' }
const received: HostMessage = { type: 'receiveAnswer', status: 1, answer: fromHex('001020') }
const sale: HostMessage = { type: 'sale', currency: 978, amount: 1000, cardPresent: true, transactionId: '', xml: '' }

/** [V] from the unit tests of handpoint/HandpointSDK-iOS; [D] the layout applied (readers.md 1.2.3). */
const fromHost: readonly (readonly [mark: string, frame: string, message: HostMessage])[] = [
  ['V idle', '10 02 49 30 31 30 30 30 30 30 30 30 10 03 EA 69', idle],
  ['V receive answer', '10 02 48 30 32 31 30 30 30 31 30 30 30 30 30 37 00 00 00 03 00 10 10 20 10 03 40 01', received],
]
const raws: readonly (readonly [mark: string, data: string, last: boolean, frame: string])[] = [
  ['V last', '01 02 03', true, '10 02 01 02 03 10 03 2D 79'],
  ['V partial', '01 02 03', false, '10 02 01 02 03 10 17 7F CC'],
  ['V escaped', '49 10 03', true, '10 02 49 10 10 03 10 03 57 4F'],
]

function decode<T>(decoder: Decoder<T>, ...chunks: readonly Uint8Array[]): T[] {
  return [...chunks.flatMap(chunk => decoder.push(chunk)), ...decoder.idle()]
}
const bytewise = (bytes: Uint8Array) => Array.from(bytes, byte => Uint8Array.of(byte))

describe('the line', () => {
  it.each([
    ['00 01 02 03 04 05 06 07 08 09', 100, 0x47b2],
    ['01 02 03 04 05 06 07 08 09', 100, 0xa1ad],
    ['00 01 02 03 04 05 06 07 08 09', 0, 0x2378],
  ])('CRC of %s, seed %i', (bytes, seed, crc) => {
    expect(crc16(fromHex(bytes), seed)).toBe(crc)
  })

  it.each(raws)('%s: %s', (_, data, last, frame) => {
    const item: LineItem = { type: 'frame', data: fromHex(data), last }
    expect(hex(mped.line.encode(item))).toBe(hex(fromHex(frame)))
    expect(mped.line.decoder().push(fromHex(frame))).toEqual([item])
  })

  it('idle in frames of at most 10 bytes, as the vendor cuts it', () => {
    const frames = mped.host.frames(idle, 10)
    expect(hex(frames[0])).toBe(hex(fromHex('10 02 49 30 31 30 10 17 D0 41')))
    expect(hex(frames.at(-1)!)).toBe(hex(fromHex('10 02 30 30 10 03 DA 5C')))
    expect(decode<HostMessage>(mped.device.decoder(), ...frames)).toEqual([idle])
  })

  it('no frame is longer than asked, however many 10s there are, and nothing is lost', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.integer({ min: mped.MIN_FRAME, max: 60 }), fc.boolean(), (bytes, max, tens) => {
        const payload = tens ? bytes.map(byte => (byte & 1 ? 0x10 : byte)) : bytes
        const frames = mped.framesOf(payload, max)
        const items = decode(mped.line.decoder(), ...frames)
        expect(frames.every(({ length }) => length <= max)).toBe(true)
        expect(items.map(item => item.type === 'frame' && item.last)).toEqual(frames.map((_, at) => at === frames.length - 1))
        expect(hex(concat(...items.map(item => (item.type === 'frame' ? item.data : fromHex('')))))).toBe(hex(payload))
      }),
      { seed: 1 },
    )
  })

  it.each([mped.MIN_FRAME - 1, 0, -1, 10.5, Number.NaN])('a frame size of %s is refused', max => {
    expect(() => mped.framesOf(fromHex('00'), max)).toThrow(/frame size/)
  })

  it('sequences that stand alone, in any order and any chunks', () => {
    const items: LineItem[] = (['ack', 'nak', 'end', 'poll', 'ack'] as const).map(type => ({ type }))
    const bytes = concat(...items.map(item => mped.line.encode(item as never)))
    expect(hex(bytes)).toBe('10061015100410051006')
    expect(decode(mped.line.decoder(), ...bytewise(bytes))).toEqual(items)
  })

  it('a frame with a wrong CRC is damaged, and only that one', () => {
    const frame = mped.line.encode({ type: 'frame', data: fromHex('0102'), last: true })
    const wrong = frame.slice()
    wrong[wrong.length - 1] ^= 1
    expect(decode(mped.line.decoder(), wrong, frame).map(({ type }) => type)).toEqual(['damaged', 'frame'])
  })

  it('a frame that was cut short does not swallow the next, nor an ACK', () => {
    const frame = mped.line.encode({ type: 'frame', data: fromHex('01021003'), last: true })
    const ack = mped.line.encode({ type: 'ack' })
    for (let at = 2; at < frame.length - 2; at++) {
      const items = decode(mped.line.decoder(), frame.subarray(0, at), frame)
      expect(items.at(-1)).toEqual({ type: 'frame', data: fromHex('01021003'), last: true })
    }
    expect(decode(mped.line.decoder(), frame.subarray(0, 4), ack)).toEqual([{ type: 'ack' }])
    expect(decode(mped.line.decoder(), fromHex('10 02 AA 10 03'), frame).map(({ type }) => type)).toEqual(['damaged', 'frame'])
  })

  it('data behind a false start is no ACK', () => {
    // 10 02 01, then noise breaks the frame; its escaped data 10 10 06 must not be taken for an ACK.
    const noise = fromHex('10 02 01 10 99 10 10 06')
    expect(decode(mped.line.decoder(), noise)).toEqual([])
    expect(decode(mped.line.decoder(), ...bytewise(noise))).toEqual([])
  })

  it('an end that never comes is given up when the line is quiet', () => {
    const decoder = mped.line.decoder()
    const frame = mped.line.encode({ type: 'frame', data: fromHex('AA'), last: true })
    expect(decoder.push(fromHex('10 02 01 02'))).toEqual([])
    expect(decoder.idle()).toEqual([])
    expect(decoder.push(frame)).toHaveLength(1)
  })

  it('false starts in false starts cost no time', () => {
    const hostile = concat(fromHex('1002'), ...Array.from({ length: 400 }, () => fromHex('101002')), fromHex('1003AAAA'))
    expect(decode(mped.line.decoder(), hostile).map(({ type }) => type)).toEqual(['damaged'])
  })

  it('random bytes never throw and never keep a good frame from being seen after silence', () => {
    const frame = mped.line.encode({ type: 'frame', data: fromHex('3031'), last: true })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 40 }), (noise, size) => {
        const decoder = mped.line.decoder()
        for (let at = 0; at < noise.length; at += size) decoder.push(noise.subarray(at, at + size))
        decoder.idle()
        expect(decoder.push(frame)).toEqual([{ type: 'frame', data: fromHex('3031'), last: true }])
      }),
      { seed: 2 },
    )
  })
})

describe('messages', () => {
  it.each(fromHost)('%s: %s', (_, frame, message) => {
    const bytes = fromHex(frame)
    expect(hex(mped.host.encode(message))).toBe(hex(bytes))
    expect(mped.device.decoder().push(bytes)).toEqual([message])
    for (let at = 0; at <= bytes.length; at++)
      expect(decode(mped.device.decoder(), bytes.subarray(0, at), bytes.subarray(at))).toEqual([message])
    for (const noise of ['00', '10', '10 10', '10 02', '10 02 31', '10 06', '10 02 10', 'FF 10 02 AA 10 03'])
      expect(decode(mped.device.decoder(), fromHex(noise), bytes)).toEqual([message])
  })

  it('[D] sale of EUR 10.00 with the card present', () => {
    const frame = fromHex('10 02 46 30 30 30 30 30 30 30 30 37 09 78 00 00 03 E8 00 10 03 71 04')
    expect(mped.device.decoder().push(frame)).toEqual([{ ...sale, cardPresent: false }])
    expect(hex(mped.host.encode({ ...sale, cardPresent: false } as HostMessage))).toBe(hex(frame))
  })

  it('of a sale: the length of the transaction id stands before XML even where there is none', () => {
    const payload = (message: HostMessage) => hex(mped.host.frames(message, 1000)[0].slice(12, -4))
    expect(payload(sale)).toBe('0978000003E801')
    expect(payload({ ...sale, transactionId: 'ab' } as HostMessage)).toBe('0978000003E801' + '026162')
    expect(payload({ ...sale, xml: '<a/>' } as HostMessage)).toBe('0978000003E801' + '00' + '000000043C612F3E')
  })

  it.each([
    [{ ...sale, amount: 2 ** 32 }, /4294967296/],
    [{ ...sale, amount: -1 }, /-1/],
    [{ ...sale, currency: 10000 }, /10000/],
    [{ type: 'init', at: '2026-03-26', xml: '' }, /at '2026-03-26'/],
    [{ type: 'nonsense' }, /nonsense/],
  ])('%j is refused', (message, words) => {
    expect(() => mped.host.encode(message as HostMessage)).toThrow(words)
  })

  it.each([
    ['a length that is too long', 'F000000008' + '0978', '3'],
    ['a length that is too short', 'I010000000' + '00', ''],
    ['no length', 'I010xxxxxx', ''],
    ['a command that nobody knows', 'Z990000000', ''],
    ['less than a command', 'I0', ''],
    ['an answer without a status', 'H0010', ''],
    ['a currency that is no BCD', 'F000000007\xab\xcd\x00\x00\x00\x01\x01', ''],
    ['an XML length beyond the data', 'F00000000C\x09\x78\x00\x00\x00\x01\x01\x00\x00\x00\xff\xff', ''],
  ])('%s stays raw, and goes back as it came', (_, head, tail) => {
    const payload = fromText(head + tail)
    const message = mped.device.read(payload)
    expect(message).toEqual({ type: 'raw', payload })
    const frames = mped.host.encode({ type: 'raw', payload })
    expect(mped.device.decoder().push(frames)).toEqual([message])
  })

  it('a part that came twice, because its ACK was lost, is taken once', () => {
    const long: HostMessage = { type: 'command', xml: `<a>${'0123456789'.repeat(9)}</a>` }
    const frames = mped.host.frames(long, 40)
    expect(frames.length).toBeGreaterThan(3)
    for (const [at, frame] of frames.slice(0, -1).entries()) {
      const line = [...frames.slice(0, at), frame, ...frames.slice(at)]
      expect(decode(mped.device.decoder(), ...line)).toEqual([long])
    }
  })

  it('parts without an end are not kept for ever', () => {
    const assemble = mped.assembler(mped.payloadLength)
    for (let part = 0; part < 300; part++) assemble(new Uint8Array(10_000).fill(part), false)
    assemble(new Uint8Array(1), true)
    expect(assemble(fromText('I010000000'), true)).toEqual(fromText('I010000000'))
  })

  const u = (bytes: 1 | 2 | 4) => fc.integer({ min: 0, max: 2 ** (8 * bytes) - 1 })
  const string = (max: number) => fc.string({ unit: 'grapheme', maxLength: max }).filter(text => !text.includes('\uFFFD'))
  const data = fc.uint8Array({ maxLength: 300 })
  const xml = string(200)
  const numeric = (length: number) => fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: length, maxLength: length })
  const finance = {
    currency: fc.integer({ min: 0, max: 9999 }),
    amount: u(4),
    cardPresent: fc.boolean(),
    transactionId: string(20),
    xml,
  }
  const status = u(2)
  const message = (type: string, fields: Record<string, fc.Arbitrary<unknown>> = {}) => fc.record({ type: fc.constant(type), ...fields })
  const optional = (answer: fc.Arbitrary<unknown>) => ({ status, answer: fc.option(answer, { nil: undefined }) })
  const financeAnswer = optional(
    fc.record({ financial: u(1), amount: u(4), transactionId: string(20), merchantReceipt: xml, customerReceipt: xml, xml }),
  )
  const said = fc.oneof(
    message('init', { at: numeric(14), xml }),
    message('command', { xml }),
    message('tokenize', { xml }),
    message('logLevel', { level: u(1) }),
    ...['idle', 'startDay', 'endDay', 'hostInit', 'logReset', 'logInfo'].map(type => message(type)),
    ...['sale', 'refund', 'saleVoid', 'refundVoid', 'recover'].map(type => message(type, finance)),
    ...['startParameters', 'parameterData', 'endParameters', 'softwareRequest', 'fileHeader', 'fileData', 'softwareConfirm'].map(type =>
      message(type, { data }),
    ),
    ...['debugEnable', 'debugDisable', 'debugReset', 'debugInfo'].map(type => message(type, { data })),
    ...['connectAnswer', 'sendAnswer', 'disconnectAnswer', 'postAnswer', 'signatureAnswer'].map(type => message(type, { status })),
    message('receiveAnswer', optional(data)),
    message('challengeAnswer', optional(fc.record({ random: data, mac: data }))),
  )
  const answered = fc.oneof(
    message(
      'initAnswer',
      optional(
        fc.record({
          ...{ bufferSize: u(2), serial: numeric(12), publicKeyVersion: u(2), emvVersion: u(2), generalVersion: u(2) },
          ...{ manufacturer: u(1), model: u(1), application: fc.constantFrom('', 'mPOS', 'Simulate'), applicationVersion: u(2), xml },
        }),
      ),
    ),
    ...['idleAnswer', 'commandAnswer', 'tokenizeAnswer', 'event'].map(type => message(type, { status, xml })),
    ...['softwareRequestAnswer', 'fileHeaderAnswer', 'fileDataAnswer', 'softwareConfirmAnswer', 'logInfoAnswer', 'logLevelAnswer'].map(
      type => message(type, { status, data }),
    ),
    ...['startParametersAnswer', 'parameterDataAnswer', 'endParametersAnswer', 'logResetAnswer'].map(type =>
      message(type, { status, data }),
    ),
    ...['debugEnableAnswer', 'debugDisableAnswer', 'debugResetAnswer', 'debugInfoAnswer'].map(type => message(type, { status, data })),
    ...['sale', 'refund', 'saleVoid', 'refundVoid', 'startDay', 'endDay', 'hostInit', 'recover'].map(type =>
      message(`${type}Answer`, financeAnswer),
    ),
    message('hostConnect', { address: string(30), port: u(2), timeout: u(2) }),
    message('hostSend', { timeout: u(2), data }),
    message('hostReceive', { size: u(2), timeout: u(2) }),
    message('hostDisconnect'),
    message('hostPost', { port: u(2), secondPort: u(2), timeout: u(2), address: string(30), secondAddress: string(30), data }),
    message('signature', { receipt: xml, xml }),
    message('challenge', { random: data, xml }),
  )

  const round = <T>(side: mped.MpedSide<T, unknown>, other: Side<unknown, T>) => ({
    test: (one: T, max: number, cut: number) => {
      const bytes = concat(...side.frames(one, max))
      expect(decode(other.decoder(), bytes)).toEqual([one])
      const chunks = Array.from({ length: Math.ceil(bytes.length / cut) }, (_, at) => bytes.subarray(at * cut, at * cut + cut))
      expect(decode(other.decoder(), ...chunks)).toEqual([one])
    },
  })
  const max = fc.integer({ min: mped.MIN_FRAME, max: 300 })
  const cut = fc.integer({ min: 1, max: 64 })

  it('each message of the host there and back, in frames and chunks of any size', () => {
    const { test } = round(mped.host as mped.MpedSide<HostMessage, unknown>, mped.device as Side<unknown, HostMessage>)
    fc.assert(
      fc.property(said as fc.Arbitrary<HostMessage>, max, cut, (one, ...sizes) => test(one, ...sizes)),
      { seed: 3, numRuns: 300 },
    )
  })

  it('each message of the reader there and back, in frames and chunks of any size', () => {
    const { test } = round(mped.device as mped.MpedSide<DeviceMessage, unknown>, mped.host as Side<unknown, DeviceMessage>)
    fc.assert(
      fc.property(answered as fc.Arbitrary<DeviceMessage>, max, cut, (one, ...sizes) => test(one, ...sizes)),
      { seed: 4, numRuns: 300 },
    )
  })

  it('any payload of either side is a message or raw, and never throws', () => {
    const ids = fc.constantFrom('I000', 'I001', 'F000', 'F001', 'H000', 'H021', 'R001', 'R010', 'R020', 'R021', 'H040', 'S020', 'L021')
    fc.assert(
      fc.property(ids, fc.uint8Array({ maxLength: 60 }), (id, rest) => {
        const size = (length: number) => length.toString(16).padStart(6, '0')
        for (const payload of [
          concat(fromText(id), rest),
          concat(fromText(`${id}${id.endsWith('1') ? '0001' : ''}${size(rest.length)}`), rest),
        ])
          for (const side of [mped.host, mped.device]) expect(side.read(payload)).toHaveProperty('type')
      }),
      { seed: 5, numRuns: 1000 },
    )
  })
})

describe('numbers', () => {
  it('statuses by the vendor’s words, and those without one', () => {
    expect(mped.statusName(0x16)).toBe('APPLICATION_SELECTION')
    expect(mped.statusName(0x31)).toBe('BATTERY_TOO_LOW')
    expect(mped.statusName(0x1f4)).toBe('status 1F4')
  })

  it('a financial status, the reader’s restart beside it', () => {
    expect(mped.financialStatus(1)).toBe('approved')
    expect(mped.financialStatus(0x82)).toBe('declined')
    expect(mped.financialStatus(9)).toBeUndefined()
  })
})
