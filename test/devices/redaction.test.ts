/** What may be written of a line: as many bytes as passed it, still a message of its family, and nothing of card, PIN and keys, whatever the pieces. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as bluepad from '../../devices/bluepad/codec.ts'
import { families } from '../../devices/index.ts'
import * as magtek from '../../devices/magtek/codec.ts'
import * as qpos from '../../devices/qpos/codec.ts'
import { concat, fromHex, fromText, hex } from '../../src/bytes.ts'
import { redactionOf } from '../../src/recording/dissector.ts'
import { harmless } from '../../src/recording/harmless.ts'
import { write } from '../../src/tlv/ber.ts'
import type { Direction } from '../../src/transport/trace.ts'
import { lines } from './recorded.ts'

const all = [
  ...lines.map(({ name, family, dialect }) => ({ name, family, dialect, uri: 'pipe:' })),
  { name: 'vpcd', family: 'vpcd', dialect: undefined, uri: 'tcp://127.0.0.1:1' },
  { name: 'magtek v5 over Bluetooth', family: 'magtek', dialect: 'v5', uri: 'ble:x' },
  { name: 'magtek mms over Bluetooth', family: 'magtek', dialect: 'mms', uri: 'ble:x' },
  { name: 'magtek mms over HID', family: 'magtek', dialect: 'mms', uri: 'hid:0801:2020' },
] as const

const redactionFor = (name: string, dialect: string | undefined, uri: string) =>
  redactionOf(families.find(one => one.name === name)!.dissector!({ uri, dialect }))

describe.each(all)('$name', ({ family, dialect, uri }) => {
  const redaction = redactionFor(family, dialect, uri)

  it('gives as many bytes as it got, whatever they are, in any pieces', () => {
    const starts = fc.constantFrom('4D0010210000', '1002', '0100', '5669564F7465636832', 'C000', '000500', '0009', 'AA008104', '00000A')
    const noise = fc.tuple(starts, fc.uint8Array({ maxLength: 60 })).map(([start, rest]) => concat(fromHex(start), rest))
    fc.assert(
      fc.property(fc.array(fc.oneof(noise, fc.uint8Array({ maxLength: 60 }))), fc.constantFrom<Direction>('in', 'out'), (chunks, way) => {
        const hide = redaction(way)
        const given = [...chunks.map(chunk => hide(chunk.slice(), false)), hide(new Uint8Array(), true)]
        expect(concat(...given).length).toBe(concat(...chunks).length)
      }),
      { seed: 4 },
    )
  })
})

describe('values', () => {
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 12, maxLength: 19 })

  it('of a card number six and four digits stay, and a check digit that was right is right again', () => {
    expect(hex(harmless('pan', fromHex('4000001234567899')))).toMatch(/^400000\d{6}7899$/)
    fc.assert(
      fc.property(digits, number => {
        const cn = number.padEnd(20, 'F')
        const shown = hex(harmless('pan', fromHex(cn)))
        expect([shown.length, shown.slice(0, 6), shown.slice(number.length - 4)]).toEqual([20, cn.slice(0, 6), cn.slice(number.length - 4)])
        expect(shown.slice(6, number.length - 4)).toMatch(/^0*\d?0*$/)
      }),
    )
  })

  it('of tracks the number so, expiry and service code', () => {
    expect(hex(harmless('track', fromHex('4000001234567899D2512201123456789F')))).toMatch(/^400000\d{6}7899D25122010{9}F$/)
    expect(
      Buffer.from(
        harmless('trackText', fromText('%B4000001234567899^IVANOV/IVAN^2512201987654?;4000001234567899=2512201987654?')),
      ).toString(),
    ).toMatch(/^%B400000\d{6}7899\^X{6}\/X{4}\^25122010{6}\?;400000\d{6}7899=25122010{6}\?$/)
  })

  it('what is masked stays masked', () => {
    for (const cn of ['400000FFFFFF7899', '400000CCCCCC7899']) expect(hex(harmless('pan', fromHex(cn)))).toBe(cn)
  })
})

describe('messages', () => {
  const secret = fromHex('10DB10C0105A10')

  it('frames keep their escapes: doubled in MPED, SLIP around MMS', () => {
    const data = bluepad.encodeQuestion({
      interface: 'chip',
      cvm: 'onlinePin',
      tags: new Map([[0x5a, fromHex('2200101010101010')]]),
      pinBlock: { format: 0, data: secret, ksn: new Uint8Array(10).fill(1) },
    })
    const post = { type: 'hostPost', port: 1, secondPort: 0, timeout: 5, address: bluepad.APP_HOST, secondAddress: '', data } as const
    const frames = bluepad.device.encode(post)
    const shown = redactionFor('bluepad', 'mped', 'pipe:')('in')(frames, false)
    expect(shown.length).toBe(frames.length)
    expect(bluepad.host.decoder().push(shown)).toMatchObject([{ type: 'hostPost' }])
    expect(hex(shown)).not.toContain('DB1010C0')
    const payload = magtek.payloadOf(
      0x0101,
      write(0x81, Uint8Array.of(1)),
      write(0x84, concat(Uint8Array.of(0, 2 + 4 + secret.length), write(0xf9, write(0xdfdf59, secret)).subarray(0), new Uint8Array(8))),
    )
    const message = { type: 'notification', from: 'device', reference: 0, id: 0x0101, payload } as const
    for (const carrier of ['slip', 'hid', 'ble'] as const) {
      const bytes = magtek.mmsSide(carrier, 'device').encode(message)
      const uri = carrier === 'slip' ? 'pipe:' : carrier === 'hid' ? 'hid:0801:2020' : 'ble:x'
      const told = redactionFor('magtek', 'mms', uri)('in')(bytes, false)
      expect(told.length, carrier).toBe(bytes.length)
      expect(magtek.mmsSide(carrier, 'host').decoder().push(told), carrier).toMatchObject([{ type: 'notification', id: 0x0101 }])
      expect(hex(told), carrier).not.toContain(hex(secret))
    }
  })

  it('keys are zeros, amounts and choices stay', () => {
    const hide = redactionFor('qpos', undefined, 'pipe:')('out')
    const key = { key: new Uint8Array(16).fill(7), kcv: new Uint8Array(8).fill(9) }
    const shown = hide(qpos.host.encode({ type: 'command', command: 'setMasterKey', delay: 5, key: { ...key, index: 1 } }), false)
    expect(hex(shown)).not.toContain('0707')
    expect(qpos.device.decoder().push(shown)).toMatchObject([{ command: 'setMasterKey' }])
    const choice = qpos.host.encode({ type: 'command', command: 'selectEmvApp', delay: 30, index: 1 })
    expect(hide(choice, false)).toEqual(choice)
  })

  it('a notification of several reports, and a swipe, over what carries V5', () => {
    const data = concat(Uint8Array.of(0, 70), write(0xf9, write(0xdfdf59, new Uint8Array(64).fill(0x5b))), new Uint8Array(4))
    for (const over of ['hid', 'ble'] as const) {
      const uri = over === 'ble' ? 'ble:x' : 'pipe:'
      const bytes = magtek.v5Device(over, { part: 19 }).encode({ type: 'notification', id: 0x0303, data })
      const shown = redactionFor('magtek', 'v5', uri)('in')(bytes, false)
      const side = over === 'ble' ? magtek.v5BleHost : magtek.v5HidHost
      expect(side.decoder().push(shown), over).toMatchObject([{ type: 'notification', id: 0x0303 }])
      expect(hex(shown), over).not.toContain('5B5B')
    }
  })

  it('a command of a card shows no PIN, its answer no number', () => {
    const redaction = redactionFor('vpcd', undefined, 'tcp:')
    const verify = fromHex('000D0020008008241234FFFFFFFFFF')
    expect(hex(redaction('out')(verify, false))).toBe(`000D0020008008${'00'.repeat(8)}`)
    const record = concat(write(0x70, [write(0x5a, fromHex('2200707364918254')), write(0x5f24, fromHex('301231'))]), fromHex('9000'))
    const shown = redaction('in')(concat(Uint8Array.of(0, record.length), record), false)
    expect(hex(shown)).toMatch(/^001470105A08220070\d{6}82545F24033012319000$/)
  })
})
