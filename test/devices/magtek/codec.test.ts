/** MagTek on the wire: published messages in both directions, chunks, noise and false lengths, parts and blocks that are lost, payload layouts. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as magtek from '../../../devices/magtek/codec.ts'
import { concat, fromHex, fromText, hex, text } from '../../../src/bytes.ts'
import { isFault } from '../../../src/errors.ts'
import type { Decoder, Side } from '../../../src/reader/side.ts'
import { find, write } from '../../../src/tlv/ber.ts'
import captured from '../../vectors/magtek_arqc.json' with { type: 'json' }

const none = new Uint8Array(0)

/** All messages of the chunks, then of the quiet line. */
function decode<T>(decoder: Decoder<T>, ...chunks: readonly Uint8Array[]): T[] {
  return [...chunks.flatMap(chunk => decoder.push(chunk)), ...decoder.idle()]
}

const bytewise = (bytes: Uint8Array) => Array.from(bytes, byte => Uint8Array.of(byte))

const start: magtek.V5Start = {
  timeout: 60,
  cardTypes: 7,
  options: 0,
  amount: 100n,
  transactionType: 0,
  cashback: 0n,
  currency: 840,
  reporting: 1,
}

/** [S] commands as the vendor's sources spell them: Magensa/magensa-bluetooth, WebHID_Public (API_v5HID.js), readers.md 1.3.2. */
const v5Requests: readonly (readonly [what: string, bytes: string, request: magtek.V5Request])[] = [
  ['firmware id', '00 01 00', { type: 'getProperty', property: 0 }],
  ['serial number', '00 01 03', { type: 'getProperty', property: 3 }],
  ['KSN', '09 00', { type: 'getKsn' }],
  ['battery', '45 00', { type: 'getBattery' }],
  ['swipes go to Bluetooth', '48 01 01', { type: 'setOutput', output: 1 }],
  ['reset', '02 00', { type: 'reset' }],
  ['more of an answer', '4A 00', { type: 'more' }],
  ['BLE firmware', '46 04 01 00 00 00', { type: 'raw', command: 0x46, data: fromHex('01000000') }],
  [
    'start',
    '49 19 00 00 03 00 00 13 3C 07 00 00 00 00 00 01 00 00 00 00 00 00 00 00 08 40 01',
    magtek.partsOf(0x0300, magtek.encodeStart(start))[0],
  ],
  ['selection', '49 08 00 00 03 02 00 02 00 01', magtek.partsOf(0x0302, magtek.encodeSelected(0, 1))[0]],
  ['cancel', '49 06 00 00 03 04 00 00', magtek.partsOf(0x0304, none)[0]],
  [
    'date',
    '49 1E 00 00 03 0C 00 18 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 03 1A 0A 34 05 00 12',
    magtek.partsOf(0x030c, magtek.encodeDate(new Date(2026, 2, 26, 10, 52, 5)))[0],
  ],
]

describe('V5 commands', () => {
  it.each(v5Requests)('%s: %s', (_, expected, request) => {
    const bytes = fromHex(expected)
    expect(hex(magtek.v5HidHost.encode(request))).toBe(hex(bytes))
    expect(decode(magtek.v5Device('hid').decoder(), bytes)).toEqual([request])
    expect(decode(magtek.v5Device('hid').decoder(), ...bytewise(bytes))).toEqual([request])
    // as a feature report: filled with zeros
    expect(decode(magtek.v5Device('hid').decoder(), concat(bytes, new Uint8Array(61 - bytes.length)), bytes)).toEqual([request, request])
    // over Bluetooth the same bytes are one write
    expect(hex(magtek.v5BleHost.encode(request))).toBe(`0000${hex(Uint8Array.of(bytes.length))}${hex(bytes)}`)
    expect(decode(magtek.v5Device('ble').decoder(), ...bytewise(magtek.v5BleHost.encode(request)))).toEqual([request])
  })

  it('a long one goes in parts of 51 bytes, each with its place and the length of all', () => {
    const data = Uint8Array.from({ length: 120 }, (_, at) => at)
    const parts = magtek.partsOf(0x0303, data)
    expect(parts.map(({ offset, total, data: part }) => [offset, total, part.length])).toEqual([
      [0, 120, 51],
      [51, 120, 51],
      [102, 120, 18],
    ])
    expect(hex(concat(...parts.map(part => part.data)))).toBe(hex(data))
    expect(hex(magtek.v5HidHost.encode(parts[1])).slice(0, 16)).toBe('4939003303030078')
  })

  it('refuses what no command carries', () => {
    expect(() => magtek.v5HidHost.encode({ type: 'raw', command: 1, data: new Uint8Array(60) })).toThrow(/59/)
    expect(() => magtek.v5HidHost.encode({ type: 'getProperty', property: 256 })).toThrow(/fit/)
  })
})

const replies: readonly (readonly [string, magtek.V5Reply])[] = [
  ['an answer', { type: 'answer', result: 0, data: fromText('21042812D01') }],
  ['an extended answer', { type: 'extendedAnswer', offset: 0, result: 0x038f, total: 0, data: none }],
  ['a status', { type: 'notification', id: 0x0300, data: fromHex('0300010000') }],
  ['a long notification', { type: 'notification', id: 0x0303, data: fromHex(captured.v5) }],
  ['a swipe', { type: 'swipe', report: new Uint8Array(887).fill(0x20) }],
]
const deviceSides: readonly (readonly [string, Side<magtek.V5Reply, magtek.V5Request>, Side<magtek.V5Request, magtek.V5Reply>])[] = [
  ['HID', magtek.v5Device('hid'), magtek.v5HidHost],
  ['HID, 3 bytes a part', magtek.v5Device('hid', { part: 3 }), magtek.v5HidHost],
  ['Bluetooth', magtek.v5Device('ble'), magtek.v5BleHost],
  ['Bluetooth, RLE', magtek.v5Device('ble', { rle: true }), magtek.v5BleHost],
]

describe.each(deviceSides)('V5 replies over %s', (_, device, host) => {
  it.each(replies)('%s, whole and byte by byte', (_what, reply) => {
    const bytes = device.encode(reply)
    expect(decode(host.decoder(), bytes)).toEqual([reply])
    expect(decode(host.decoder(), ...bytewise(bytes))).toEqual([reply])
  })

  it('one after another, in any chunks', () => {
    const all = concat(...replies.map(([, reply]) => device.encode(reply)))
    fc.assert(
      fc.property(fc.array(fc.nat(all.length), { maxLength: 20 }), cuts => {
        const places = [0, ...cuts.sort((a, b) => a - b), all.length]
        const chunks = places.slice(1).map((end, at) => all.subarray(places[at], end))
        expect(decode(host.decoder(), ...chunks)).toEqual(replies.map(([, reply]) => reply))
      }),
      { seed: 5, numRuns: 50 },
    )
  })

  it('never throws on noise, and hears what follows it once the line was quiet', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), noise => {
        const decoder = host.decoder()
        decode(decoder, noise)
        const [, reply] = replies[0]
        expect(decode(decoder, device.encode(reply))).toContainEqual(reply)
      }),
      { seed: 6, numRuns: 200 },
    )
  })
})

it('V5 notifications as the vendor lays them out: part, place, id, length of all', () => {
  // readers.md 1.3.2; API_v5Parse.js reads the first byte as a result code, which is the high byte of the length
  const report = fromHex('02 000D 00 05 0000 0300 0005 01 3C 02 00 00'.replace(/ /g, ''))
  expect(magtek.v5HidHost.decoder().push(report)).toEqual([{ type: 'notification', id: 0x0300, data: fromHex('013C020000') }])
  expect(magtek.decodeStatus(fromHex('013C020000'))).toEqual({ event: 1, secondsLeft: 60, progress: 2, more: fromHex('0000') })
})

it('V5 notifications over Bluetooth: format, length, and the id at 7 and 8 of the first block’s data', () => {
  const blocks = ['00 02 000D 0005 0000 0300 0005 013C02', '01 0000', 'FF 02'].map(one => fromHex(one))
  const stream = concat(...blocks.map(bytes => magtek.encodeRecord({ channel: 3, bytes })))
  expect(magtek.v5BleHost.decoder().push(stream)).toEqual([{ type: 'notification', id: 0x0300, data: fromHex('013C020000') }])
  expect(hex(magtek.v5Device('ble', { part: 14 }).encode({ type: 'notification', id: 0x0300, data: fromHex('013C020000') }))).toBe(
    hex(stream),
  )
})

describe('noise before records that have no check', () => {
  const record = (channel: number, bytes: string) => magtek.encodeRecord({ channel, bytes: fromHex(bytes) })
  const reader = magtek.v5BleHost
  const answer = concat(record(0, '00057172737475'), record(0, '00058182838485'))
  const heard = (stream: Uint8Array, size = stream.length) => {
    const decoder = reader.decoder()
    const replies: unknown[] = []
    for (let at = 0; at < stream.length; at += size) replies.push(...decoder.push(stream.subarray(at, at + size)))
    return [...replies, ...decoder.idle()]
  }

  it('noise that looks like the beginning of a record swallows none', () => {
    const good = heard(answer)
    expect(good).toHaveLength(2)
    // Channel 0, and a length that ends in the middle of the first record, or of the second.
    for (const noise of ['000002', '000004', '000007', '00000E', '03000004', '0000'])
      expect(heard(concat(fromHex(noise), answer))).toEqual(good)
  })

  it('one bit wrong in what says where a record is and how long: what follows it is heard when the line is quiet, however long it is', () => {
    const device = magtek.v5Device('hid')
    const status = device.encode({ type: 'notification', id: 0x0300, data: fromHex('093B020000') })
    const shown = (length: number) => device.encode({ type: 'notification', id: 0x0301, data: new Uint8Array(length).fill(0x41) })
    const request = device.encode({ type: 'notification', id: 0x0303, data: new Uint8Array(452).fill(0x55) })
    for (let bit = 0; bit < 24; bit++)
      for (let length = 1; length < 30; length++) {
        const damaged = status.slice()
        damaged[bit >> 3] ^= 1 << (bit & 7)
        const decoder = magtek.v5HidHost.decoder()
        const said = [damaged, shown(26), shown(26), shown(23), shown(11), request, request, status, status, shown(length)]
        const replies = [...said.flatMap(one => [...decoder.push(one)]), ...decoder.idle()]
        const ids = replies.flatMap(one => (one.type === 'notification' ? [one.id] : []))
        expect(ids.slice(-5), `bit ${bit}, ${length}`).toEqual([0x0303, 0x0303, 0x0300, 0x0300, 0x0301])
      }
  })

  it('records that come in pieces are what they were', () => {
    const data = fc.uint8Array({ minLength: 1, maxLength: 12 }).map(bytes => bytes.map(byte => byte & 3))
    fc.assert(
      fc.property(fc.array(data, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 9 }), (values, size) => {
        const stream = concat(
          ...values.map(bytes => magtek.encodeRecord({ channel: 0, bytes: concat(Uint8Array.of(0, bytes.length), bytes) })),
        )
        expect(heard(stream, size)).toEqual(values.map(bytes => ({ type: 'answer', result: 0, data: bytes })))
      }),
    )
  })
})

describe('what is lost on the way', () => {
  const notification: magtek.V5Reply = { type: 'notification', id: 0x0303, data: Uint8Array.from({ length: 100 }, (_, at) => at) }
  const records = (bytes: Uint8Array) => {
    const out: Uint8Array[] = []
    for (let at = 0; at < bytes.length; ) {
      const end = at + 3 + bytes[at + 1] * 256 + bytes[at + 2]
      out.push(bytes.slice(at, end))
      at = end
    }
    return out
  }

  it('any one block: told by its number, and the next message is heard', () => {
    const all = records(magtek.v5Device('ble').encode(notification))
    expect(all).toHaveLength(7)
    for (let lost = 0; lost < all.length - 1; lost++) {
      const decoder = magtek.v5BleHost.decoder()
      const rest = all.filter((_, at) => at !== lost)
      expect(rest.flatMap(record => decoder.push(record))).toEqual([{ type: 'lost', blocks: [lost] }])
      expect(all.flatMap(record => decoder.push(record))).toEqual([notification])
    }
    // the end itself
    const decoder = magtek.v5BleHost.decoder()
    expect(all.slice(0, -1).flatMap(record => decoder.push(record))).toEqual([])
    expect(all.flatMap(record => decoder.push(record))).toEqual([{ type: 'lost', blocks: [] }, notification])
  })

  it('blocks in another order are no loss', () => {
    const [first, second, ...more] = records(magtek.v5Device('ble').encode(notification))
    const decoder = magtek.v5BleHost.decoder()
    expect([second, first, ...more].flatMap(record => decoder.push(record))).toEqual([notification])
  })

  it('any part of a notification over HID', () => {
    const all = records(magtek.v5Device('hid', { part: 30 }).encode(notification))
    for (let lost = 0; lost < all.length; lost++) {
      const decoder = magtek.v5HidHost.decoder()
      const heard = [...all.filter((_, at) => at !== lost), ...all].flatMap(record => decoder.push(record))
      expect(heard.filter(({ type }) => type === 'lost')).toHaveLength(1)
      expect(heard.filter(({ type }) => type === 'notification')).toEqual([notification])
    }
  })

  it('a length that promises more than comes ends with silence', () => {
    const good = magtek.v5Device('hid').encode(replies[0][1])
    expect(decode(magtek.v5HidHost.decoder(), concat(fromHex('000FFF'), good))).toContainEqual(replies[0][1])
  })
})

describe('run-length coding', () => {
  it('a doubled byte is followed by how often it comes', () => {
    expect(hex(magtek.encodeRle(fromHex('01 02 02 02 03 04 04')))).toBe('010202030304' + '0402')
    expect(hex(magtek.decodeRle(fromHex('01 0202 03 03 0404 02')))).toBe('010202020304' + '04')
    expect(hex(magtek.decodeRle(fromHex('01 0505')))).toBe('010505')
  })

  it('there and back', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(0, 1, 0x41), fc.nat(300)), { maxLength: 12 }), runs => {
        const bytes = concat(...runs.map(([byte, count]) => new Uint8Array(count).fill(byte)))
        expect(hex(magtek.decodeRle(magtek.encodeRle(bytes)))).toBe(hex(bytes))
      }),
      { seed: 7 },
    )
  })
})

describe('swipe reports', () => {
  const track = (byte: number, length: number) => new Uint8Array(length).fill(byte)
  const sealed: magtek.SealedSwipe = {
    type: 'sealed',
    decodeStatus: [0, 0, 1],
    encodeType: 0,
    tracks: [track(0xa1, 80), track(0xa2, 40), none],
    cardStatus: 0,
    magnePrintStatus: fromHex('61403000'),
    magnePrint: track(0xab, 56),
    serial: concat(fromText('B4F2A61'), new Uint8Array(9)),
    encryptionStatus: fromHex('0600'),
    ksn: fromHex('9070020B571AF20000A8'),
    masked: [fromText('%B5312000020008112^DOE/JOHN^0000000?'), fromText(';5312000020008112=0000?'), none],
    session: new Uint8Array(8),
    absoluteLengths: [79, 40, 0],
    magnePrintAbsoluteLength: 54,
  }
  const more = { swipesLeft: fromHex('0F4240'), magneSafeVersion: fromText('V05     '), reportVersion: new Uint8Array(20) }
  const clear: magtek.OpenSwipe = {
    type: 'open',
    decodeStatus: [1, 0, 1],
    encodeType: 0,
    tracks: [none, fromText(';4111111111111111=3012?'), none],
  }

  it.each([[856, sealed] as const, [887, { ...sealed, more }] as const, [337, clear] as const])('%i bytes', (length, swipe) => {
    const report = magtek.encodeSwipe(swipe)
    expect(report).toHaveLength(length)
    expect(magtek.decodeSwipe(report)).toEqual(swipe)
  })

  it('each field at its published place', () => {
    const report = magtek.encodeSwipe({ ...sealed, more })
    const at = (from: number, to = from) => hex(report.subarray(from, to + 1))
    expect(at(0, 6)).toBe('00000150280000')
    expect(at(7, 8)).toBe('A1A1')
    expect(at(119, 120)).toBe('A2A2')
    expect(at(231)).toBe('00')
    expect(at(344, 348)).toBe('6140300038')
    expect(at(349)).toBe('AB')
    expect(text(report.subarray(477, 484))).toBe('B4F2A61')
    expect(at(493, 504)).toBe('06009070020B571AF20000A8')
    expect(at(505, 507)).toBe(hex(Uint8Array.from(sealed.masked, one => one.length)))
    expect(text(report.subarray(620, 628))).toBe(';5312000')
    expect(at(852, 855)).toBe('4F280036')
    expect(at(856, 858)).toBe('0F4240')
    const open = magtek.encodeSwipe(clear)
    expect(text(open.subarray(117, 122))).toBe(';4111')
  })

  it('a length that exceeds its field, and one of another report, are refused', () => {
    const report = magtek.encodeSwipe(sealed)
    report[3] = 113
    expect(() => magtek.decodeSwipe(report)).toThrow(/113/)
    expect(() => magtek.decodeSwipe(new Uint8Array(400))).toThrow(/337, 856, 887/)
    expect(() => magtek.encodeSwipe({ ...sealed, tracks: [track(1, 113), none, none] })).toThrow(/113/)
  })
})

describe('V5 payloads', () => {
  it('start, there and back; one that is none names its field', () => {
    const full: magtek.V5Start = { ...start, amount: 999_999_999_999n, cashback: 500n, currency: 643, options: 0x82 }
    expect(magtek.decodeStart(magtek.encodeStart(full))).toEqual(full)
    const bytes = magtek.encodeStart(full)
    bytes[4] = 0xaa
    expect(() => magtek.decodeStart(bytes)).toThrow(/amount/)
    expect(() => magtek.decodeStart(bytes.subarray(1))).toThrow(/19/)
  })

  it('a list of applications: title first, seconds that are left', () => {
    const selection: magtek.Selection = {
      kind: 'application',
      secondsLeft: 30,
      title: 'SELECT APPLICATION',
      items: ['VISA DEBIT', 'MIR'],
    }
    const bytes = magtek.encodeSelection(selection)
    expect(hex(bytes.subarray(0, 4))).toBe('001E5345')
    expect(magtek.decodeSelection(bytes)).toEqual(selection)
    expect(() => magtek.decodeSelection(fromHex('051E00'))).toThrow(/kind/)
  })

  it('date and time, as local as they are', () => {
    const at = new Date(2026, 10, 22, 3, 4, 5)
    expect(magtek.decodeDate(magtek.encodeDate(at))).toEqual(at)
    expect(() => magtek.encodeDate(new Date(2007, 1, 1))).toThrow(/2007/)
    expect(() => magtek.decodeDate(new Uint8Array(24))).toThrow(/date/)
  })

  it('battery in percent', () => {
    expect(magtek.percentOf(Uint8Array.of(43))).toBe(43)
    expect(() => magtek.percentOf(Uint8Array.of(101))).toThrow(/percentage/)
  })
})

describe('EMV data', () => {
  it.each(['mms', 'v5'] as const)('a captured ARQC (%s): what is in clear, and what is enciphered with its key serial number', which => {
    const tags = magtek.decodeEmvData(fromHex(captured[which]))
    const { magtekTags: own } = magtek
    expect(hex(tags.get(own.dataKsn)!)).toBe(hex(tags.get(own.macKsn)!))
    expect(tags.get(own.sealed)!.length % 8).toBe(0)
    expect(hex(tags.get(own.dataEncryption)!)).toBe('80')
    expect(text(tags.get(own.maskedTrack2)!)).toMatch(/^;53\d{14}=/)
    expect(hex(tags.get(own.cardType)!)).toBe(which === 'mms' ? '06' : '05')
    expect(text(tags.get(own.serial)!)).toBe(which === 'mms' ? 'B571AF2' : '1111000000002FEA')
  })

  const data: magtek.EmvData = {
    serial: fromText('B571AF2'),
    ksn: fromHex('9070020B571AF20000A8'),
    sealed: { data: new Uint8Array(304).fill(0x5a), padding: 2 },
    clear: [
      [0x82, fromHex('1980')],
      [magtek.magtekTags.cardType, Uint8Array.of(6)],
    ],
  }

  it('is wrapped as the captured one is, MAC over whole blocks', () => {
    const seen: Uint8Array[] = []
    const blob = magtek.encodeEmvData(data, bytes => {
      seen.push(bytes)
      return fromHex('F9D4AEE8FFFF')
    })
    expect(seen[0].length % 8).toBe(0)
    expect(hex(blob.subarray(-4))).toBe('F9D4AEE8')
    expect([...magtek.decodeEmvData(blob).keys()]).toEqual(
      [...magtek.decodeEmvData(fromHex(captured.mms)).keys()].filter(tag => ![0x9f6e, 0xdfdf53, 0xdfdf4d].includes(tag)),
    )
    const batch = magtek.decodeEmvData(magtek.encodeEmvData({ ...data, status: 1 }, () => new Uint8Array(4)))
    expect(hex(batch.get(magtek.magtekTags.transactionStatus)!)).toBe('01')
    expect(hex(batch.get(0x82)!)).toBe('1980')
  })

  it('a blob that is cut off anywhere is refused or read, never more', () => {
    const blob = fromHex(captured.mms)
    for (let length = 0; length < blob.length - 11; length++) expect(() => magtek.decodeEmvData(blob.subarray(0, length))).toThrow()
  })

  it('never anything but a fault of its own, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        for (const read of [magtek.decodeEmvData, magtek.decodeHostAnswer, magtek.decodeUi, magtek.decodeMmsStart, magtek.decodeSelection])
          try {
            read(bytes)
          } catch (error) {
            if (!isFault(error, 'protocol')) throw error
          }
      }),
      { seed: 8, numRuns: 500 },
    )
  })

  const answer: magtek.HostData = {
    code: '00',
    issuerAuthenticationData: fromHex('11223344556677883030'),
    scripts: [write(0x72, fromHex('860400DA0000'))],
  }

  it('the host’s answer, with and without a MAC', () => {
    const arqc = magtek.decodeEmvData(fromHex(captured.v5))
    expect(magtek.decodeHostAnswer(magtek.encodeHostAnswer(answer, fromText('B571AF2')))).toEqual(answer)
    const v5 = magtek.encodeHostAnswerV5(answer, arqc)
    expect(magtek.decodeHostAnswer(v5)).toEqual(answer)
    expect((v5.length - 4) % 8).toBe(0)
    expect(hex(v5)).toContain('DFDF540A950002000F51A82000C3DFDF550182DFDF2510')
    expect(() => magtek.encodeHostAnswer({ code: '0' }, none)).toThrow(/2 characters/)
  })
})

/** [V] literal messages of the manual (D100005000) and of the vendor's demonstrations (WebHID_Public). */
const request = (reference: number, id: number, payload: string): magtek.MmsMessage => ({
  type: 'request',
  from: 'host',
  reference,
  id,
  payload: fromHex(payload),
})
const response = (reference: number, id: number, summary: number, detail = 0): magtek.MmsMessage => ({
  type: 'response',
  from: 'device',
  reference,
  id,
  status: { summary, detail },
})
const notification = (id: number, summary: number, detail: number): magtek.MmsMessage => ({
  type: 'notification',
  from: 'device',
  reference: 0,
  id,
  status: { summary, detail },
})
const mms: readonly (readonly [what: string, bytes: string, message: magtek.MmsMessage])[] = [
  ['echo', 'AA0081040101DF018407DF018103010203', request(1, 0xdf01, 'DF018103010203')],
  ['its response', 'AA0081048201DF018204000000008407DF018103010203', { ...response(1, 0xdf01, 0), payload: fromHex('DF018103010203') }],
  [
    'start',
    'AA008104010010018430100182010AA30981010082010183010084020003861A9C01009F02060000000001009F03060000000000005F2A020840',
    request(0, 0x1001, '100182010AA30981010082010183010084020003861A9C01009F02060000000001009F03060000000000005F2A020840'),
  ],
  ['started', 'AA00810482011001820401000000', response(1, 0x1001, 1)],
  ['a start refused: battery', 'AA00810482011001820480020316', response(1, 0x1001, 0x80, magtek.mmsDetails.lowBattery)],
  ['cancel', 'AA008104011310088402 1008', request(0x13, 0x1008, '1008')],
  ['cancelled', 'AA00810482131008820400000000', response(0x13, 0x1008, 0)],
  [
    'resume, with the host’s answer',
    'AA008104010010048421100481010082017884 17FF7414DFDF2508992690E116120710FA0670048A023030',
    request(0, 0x1004, '1004810100820178 8417FF7414DFDF2508992690E116120710FA0670048A023030'),
  ],
  ['a choice', 'AA008104010018028408 180281010082 0100', request(0, 0x1802, '1802810100820100')],
  ['a property', 'AA0081040155D101840FD1018501018704020701018902C100', request(0x55, 0xd101, 'D1018501018704020701018902C100')],
  [
    'its value, with a length of three bytes',
    'AA0081048255D10182040000000084820010D1018501018704020701018903C10100',
    { ...response(0x55, 0xd101, 0), payload: fromHex('D1018501018704020701018903C10100'), wide: true },
  ],
  [
    'commit',
    'AA0081040102D901842ED9018101038201008502000186 20DFC71E09A3CE8E86B0F5B675BEB77A0E8233BFF18ACD8F3834B0DB20D9404B28',
    request(2, 0xd901, 'D90181010382010085020001 8620DFC71E09A3CE8E86B0F5B675BEB77A0E8233BFF18ACD8F3834B0DB20D9404B28'),
  ],
  ['update done', 'AA008104830009058204 08010A03', notification(0x0905, 8, 0x010a03)],
  ['a transaction is over', 'AA008104830001058204 20000000', notification(0x0105, 0x20, 0)],
  ['a text for its display', 'AA00 810401551803 8408 1803 810102 820116', request(0x55, 0x1803, '1803810102820116')],
  ['it stands there', 'AA00 810482551803 820400000000 84021803', { ...response(0x55, 0x1803, 0), payload: fromHex('1803') }],
]
const carriers = ['slip', 'hid', 'ble'] as const

describe('MMS messages', () => {
  it.each(mms)('%s, both ways and over every carrier', (_, expected, message) => {
    const bytes = fromHex(expected)
    expect(hex(magtek.encodeMms(message))).toBe(hex(bytes))
    expect(magtek.decodeMms(bytes)).toEqual(message)
    for (const carrier of carriers) {
      const [own, other] = message.from === 'host' ? (['host', 'device'] as const) : (['device', 'host'] as const)
      const frames = magtek.mmsSide(carrier, own).encode(message)
      expect(decode(magtek.mmsSide(carrier, other).decoder(), frames)).toEqual([message])
      expect(decode(magtek.mmsSide(carrier, other).decoder(), ...bytewise(frames))).toEqual([message])
      // what one says oneself is no message to oneself
      expect(decode(magtek.mmsSide(carrier, own).decoder(), frames)).toEqual([])
    }
  })

  it('what is no message', () => {
    for (const bad of ['', 'AA', 'AB008104', 'AA0082040101DF01', 'AA0081040501DF01', 'AA0081040101DF018408DF01', 'AA038104 0101DF01'])
      expect(magtek.decodeMms(fromHex(bad))).toBeUndefined()
  })

  it('packets of HID: one, and head, middles, tail', () => {
    const side = magtek.mmsSide('hid', 'host')
    const echo = side.encode(mms[0][2])
    expect(hex(echo)).toBe(`0011${mms[0][1]}${'00'.repeat(45)}`)
    const long = request(1, 0xdf01, 'DF01' + '55'.repeat(300))
    const packets = side.encode(long)
    expect(packets.length % 64).toBe(0)
    const types = Array.from({ length: packets.length / 64 }, (_, at) => hex(packets.subarray(at * 64, at * 64 + 3)))
    expect(types).toEqual(['010000', '020001', '020002', '020003', '020004', '030B55'])
    expect(decode(magtek.mmsSide('hid', 'device').decoder(), packets)).toEqual([long])
    // a packet that is lost costs this message, not the next
    for (let lost = 0; lost < types.length; lost++) {
      const rest = concat(packets.subarray(0, lost * 64), packets.subarray((lost + 1) * 64), echo)
      expect(decode(magtek.mmsSide('hid', 'device').decoder(), rest)).toEqual([mms[0][2]])
    }
  })

  it('PDUs of Bluetooth: 9 bytes in one, 512 in three of 244, 244 and 35', () => {
    const side = magtek.mmsSide('ble', 'device')
    const sizes = (bytes: Uint8Array) => {
      const out: string[] = []
      for (let at = 0; at < bytes.length; at += 3 + bytes[at + 2]) out.push(`${hex(bytes.subarray(at + 3, at + 5))}:${bytes[at + 2]}`)
      return out
    }
    expect(sizes(side.encode({ type: 'notification', from: 'device', reference: 0, id: 0x1001 }))).toEqual(['0000:15'])
    const payload = new Uint8Array(512 - 12)
    const long: magtek.MmsMessage = { type: 'notification', from: 'device', reference: 0, id: 0x1001, payload }
    expect(magtek.encodeMms(long)).toHaveLength(512)
    expect(sizes(side.encode(long))).toEqual(['0100:244', '0101:244', '0102:35'])
  })

  it('PDUs: counters that run over, and one that is lost', () => {
    const host = magtek.mmsSide('ble', 'host').decoder()
    const device = magtek.mmsSide('ble', 'device')
    const long = { ...response(9, 0xd101, 0), payload: new Uint8Array(70_000).fill(3) }
    for (let n = 0; n < 300; n++) expect(host.push(device.encode(response(n & 0xff, 1, 0)))).toHaveLength(1)
    const pdus = device.encode(long)
    expect(host.push(pdus)).toEqual([long])
    const second = 3 + 244
    expect(host.push(concat(pdus.subarray(0, second), pdus.subarray(second + 3 + 244)))).toEqual([])
    expect(host.push(device.encode(response(1, 1, 0)))).toEqual([response(1, 1, 0)])
  })

  it('SLIP: C0 and DB are escaped, direction and length are in front', () => {
    const side = magtek.mmsSide('slip', 'host')
    const message = request(0xc0, 0xdf01, 'DF01C0DB')
    expect(hex(side.encode(message))).toBe('C000' + '0000000E' + 'AA00810401DBDCDF018404DF01DBDCDBDD' + 'C0')
    expect(hex(magtek.mmsSide('slip', 'device').encode(response(1, 0xdf01, 0))).slice(0, 12)).toBe('C0020000000E')
  })

  it.each(carriers)('noise before a message, over %s: it is heard once the line was quiet', carrier => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 150 }), noise => {
        const decoder = magtek.mmsSide(carrier, 'device').decoder()
        decode(decoder, noise)
        expect(decode(decoder, magtek.mmsSide(carrier, 'host').encode(mms[0][2]))).toContainEqual(mms[0][2])
      }),
      { seed: 9, numRuns: 200 },
    )
  })

  it.each(carriers)('any message there and back, over %s', carrier => {
    const any = fc.record({
      type: fc.constantFrom('request', 'response', 'notification', 'file'),
      from: fc.constant('host'),
      reference: fc.nat(255),
      id: fc.nat(0xffff),
      status: fc.record({ summary: fc.nat(255), detail: fc.nat(0xffffff) }),
      payload: fc.uint8Array({ maxLength: 700 }),
    }) as fc.Arbitrary<magtek.MmsMessage>
    const host = magtek.mmsSide(carrier, 'host')
    const device = magtek.mmsSide(carrier, 'device').decoder()
    fc.assert(
      fc.property(any, message => {
        expect(decode(device, host.encode(message))).toEqual([message])
      }),
      { seed: 10, numRuns: 100 },
    )
  })
})

describe('MMS payloads', () => {
  const mmsStart: magtek.MmsStart = {
    timeout: 10,
    ...{ swipe: false, chip: true, tap: true },
    amount: 100n,
    cashback: 0n,
    transactionType: 0,
    currency: 840,
    quickChip: true,
  }

  it('the published start is this one', () => {
    expect(hex(magtek.encodeMmsStart(mmsStart))).toBe(hex(mms[2][2].payload!).replace('820101830100', '820101830101'))
    expect(magtek.decodeMmsStart(mms[2][2].payload!)).toEqual({ ...mmsStart, tap: false })
    expect(hex(magtek.encodeMmsStart({ ...mmsStart, quickChip: false }))).toContain('84020002')
  })

  it('the published resume and choice', () => {
    const payload = mms[7][2].payload!
    expect(magtek.decodeHostAnswer(find(payload.subarray(2), 0x84)!)).toEqual({ code: '00' })
    expect(hex(magtek.encodeResume({ code: '00' }, fromHex('992690E116120710')))).toBe(hex(payload).replace('820178', ''))
    expect(hex(magtek.encodeReport(0, 0))).toBe(hex(mms[8][2].payload!))
    expect(hex(magtek.encodeReport(1))).toBe('1802810101')
  })

  it('a request to show lines, to choose from where they are numbered', () => {
    const lines = magtek.selectionLines('APPLICATION SELECT', ['VISA CREDIT', 'VISA DEBIT'])
    expect(lines).toEqual(['APPLICATION SELECT', '1 - VISA CREDIT', '2 - VISA DEBIT'])
    expect(magtek.decodeUi(magtek.encodeUi({ seconds: 30, lines }))).toEqual({ seconds: 30, lines })
    expect(magtek.labelsOf(lines)).toEqual(['VISA CREDIT', 'VISA DEBIT'])
    // the manual's own "PROCESSING", in the place of its later layout
    expect(magtek.decodeUi(fromHex('1803 810100 820101 8382000B50524F43455353494E4700'))).toEqual({ seconds: 0, lines: ['PROCESSING'] })
  })

  it('a text on its display, by the vendor’s number', () => {
    expect(hex(magtek.encodeShow({ seconds: 2, text: 'PROCESSING' }))).toBe('1803810102820116') // published
    expect(magtek.decodeShow(magtek.encodeShow({ seconds: 0, text: 'DECLINED' }))).toEqual({ seconds: 0, text: 'DECLINED' })
    expect(() => magtek.encodeShow({ seconds: 0, text: 'SOLD OUT' })).toThrow(/none of the reader/)
    expect(() => magtek.decodeShow(fromHex('18038201FE'))).toThrow(/254/)
  })

  it('properties: the question of the vendor’s demonstration, and the published answer', () => {
    const { serial, firmware, product } = magtek.mmsProperties
    expect(hex(magtek.encodeGetProperty(serial))).toBe('D10181072B06010401F609850102890AE208E106E104E102C100')
    expect(hex(magtek.encodeGetProperty(firmware))).toBe('D10181072B06010401F609850102890AE108E206E204E202C200')
    expect(magtek.decodeGetProperty(magtek.encodeGetProperty(serial)).path).toEqual(serial)
    expect(magtek.decodeGetProperty(mms[9][2].payload!).path).toEqual([1, 2, 7, 1, 1, 1])
    const told = fromHex(
      'D10185010287020102 89820049 E2820045 E1820004 C100 C200 E2820039 C10D44796E61466C65782050726F00 C213313030303030373138332D41352D5043490000 C300 C40B3130303030303731383300 C500 C602FF00',
    )
    expect(magtek.propertyText(magtek.propertyOf(told, firmware))).toBe('1000007183-A5-PCI')
    expect(magtek.propertyText(magtek.propertyOf(told, product))).toBe('DynaFlex Pro')
    expect(() => magtek.propertyOf(fromHex('D101850102'), serial)).toThrow(/2\.2\.1/)
  })

  it('firmware: type, hash and content', () => {
    const load = { image: magtek.imageTypes.main, hash: new Uint8Array(32).fill(7), content: new Uint8Array(3000).fill(1) }
    expect(magtek.decodeFirmware(magtek.mmsCommands.loadFirmware, magtek.encodeLoad(load))).toEqual(load)
    const hash = fromHex('DFC71E09A3CE8E86B0F5B675BEB77A0E8233BFF18ACD8F3834B0DB20D9404B28')
    expect(hex(magtek.encodeCommit({ image: 1, hash }))).toBe(hex(mms[11][2].payload!))
  })
})
