/** The device's end of a HID cable: what it says it is, and what goes through it, byte for byte. */

import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { HidDeviceLink, type HidPlug, hidUri, reportDescriptor } from '../../../simulator/readers/listen/hid-device.ts'
import { listen } from '../../../simulator/readers/listen/listen.ts'
import { fromHex, hex } from '../../../src/bytes.ts'
import { record } from '../../../src/transport/hid-reports.ts'
import type { HidShape } from '../../../src/transport/shape.ts'
import { faultOf, pattern, read } from '../../transport/link-contract.ts'

const plain: HidShape = { size: 64, out: 'output' }
const idTech: HidShape = { size: 63, out: 'output', ids: { single: 1, first: 2, middle: 3, last: 4 } }
const magTek: HidShape = {
  size: 61,
  out: 'feature',
  tagged: true,
  ids: { single: 1, first: 1, middle: 1, last: 1 },
  inputs: [
    { id: 1, size: 887 },
    { id: 2, size: 70 },
  ],
}

function plugged(shape: HidShape): { readonly link: HidDeviceLink; readonly said: Uint8Array[] } {
  const said: Uint8Array[] = []
  const link = new HidDeviceLink('test:', shape, { say: async report => void said.push(report), release: async () => {} })
  return { link, said }
}

describe('report descriptor (HID 1.11, 6.2.2)', () => {
  it.each([
    ['without ids: one input and one output report', plain, '06 00ff 0901 a101 1500 26ff00 7508 964000 0920 8102 964000 0921 9102 c0'],
    [
      'feature reports and input reports of other sizes',
      magTek,
      '06 00ff 0901 a101 1500 26ff00 7508 8501 967703 0920 8102 8502 964600 0920 8102 8501 963d00 0922 b102 c0',
    ],
  ])('%s', (_, shape, bytes) => {
    expect(hex(reportDescriptor(shape))).toBe(hex(fromHex(bytes.replaceAll(' ', ''))))
  })

  it('with ids: each in both directions', () => {
    const text = hex(reportDescriptor(idTech)).toLowerCase()
    for (const id of [1, 2, 3, 4]) expect(text.split(`850${id}963f00`)).toHaveLength(3)
  })
})

describe('the device', () => {
  it('hears what comes without its id, and says padded reports', async () => {
    const { link, said } = plugged(plain)
    link.hear(Uint8Array.of(1, 2, 3))
    expect(await read(link, 3)).toEqual(Uint8Array.of(1, 2, 3))
    await link.send(Uint8Array.of(9))
    expect(said).toEqual([Uint8Array.from([9, ...new Array(63).fill(0)])])
    expect(await faultOf(link.send(new Uint8Array(65)))).toBe('bad-argument')
  })

  it('says long messages as first, middle and last', async () => {
    const { link, said } = plugged(idTech)
    await link.send(pattern(150))
    expect(said.map(report => [report[0], report.length])).toEqual([
      [2, 64],
      [3, 64],
      [4, 64],
    ])
  })

  it('sorts records: channel 0 is the answer to a feature report, others are input reports', async () => {
    const { link, said } = plugged(magTek)
    link.hearFeature(Uint8Array.of(0x45, 0))
    const asked = link.feature()
    const stream = Uint8Array.from([...record(2, Uint8Array.of(7)), ...record(0, Uint8Array.of(0, 1, 100))])
    await link.send(stream.subarray(0, 5))
    await link.send(stream.subarray(5))
    expect(hex((await asked).subarray(0, 4)).toLowerCase()).toBe('00016400')
    expect(said.map(report => [report.length, report[0], report[1]])).toEqual([[71, 2, 7]])
    expect(await faultOf(link.send(record(3, Uint8Array.of(1))))).toBe('bad-argument')
  })

  it('an answer that never comes is refused; a host that goes takes the question with it', async () => {
    const { link } = plugged(magTek)
    link.hearFeature(Uint8Array.of(1))
    const asked = faultOf(link.feature())
    link.hostGone()
    expect(await asked).toBe('link-closed')
    expect(
      await read(link, 61).then(
        () => undefined,
        error => error.code,
      ),
    ).toBe('link-closed')
  })

  it('where there is no /dev/uhid, what is missing is said', async () => {
    const hid: HidPlug = { vendor: 0x1209, product: 0xc0de, shape: plain, manufacturer: 'Tapdip', name: 'Loop', serial: 'SN1' }
    expect(hidUri(hid)).toBe('hid:1209:c0de')
    if (existsSync('/dev/uhid')) return
    await expect(listen('hid', async () => {}, { hid })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('modprobe uhid'),
    })
  })
})
