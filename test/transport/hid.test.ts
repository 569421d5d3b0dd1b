/** HID links: reports, ids, padding, feature reports, records; which device is meant; and what an app is told when it does not open or goes away. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat } from '../../src/bytes.ts'
import { type HidLibrary, listHid, openHid, udevRule } from '../../src/transport/hid.ts'
import { inputSizes, packetReader, record, recordReader, reportsOf } from '../../src/transport/hid-reports.ts'
import type { Link } from '../../src/transport/link.ts'
import type { HidShape } from '../../src/transport/shape.ts'
import { parseUri, type Uri } from '../../src/transport/uri.ts'
import { FakeDevice, fakeHid } from './fake-hid.ts'
import { faultOf, pattern, read } from './link-contract.ts'

const hidUri = (uri: string) => parseUri(uri) as Uri & { scheme: 'hid' }
const plain: HidShape = { size: 64, out: 'output' }
/** ID TECH NEO2: readers.md 1.4. */
const idTech: HidShape = { size: 63, out: 'output', ids: { single: 1, first: 2, middle: 3, last: 4 } }
/** MagTek V5: readers.md 1.3.2. */
const magTek: HidShape = { size: 61, out: 'feature', tagged: true, answerAfter: 1, ids: { single: 1, first: 1, middle: 1, last: 1 } }

async function open(shape: HidShape, device = new FakeDevice(), uri = 'hid:1209:c0de'): Promise<{ link: Link; device: FakeDevice }> {
  return { link: await openHid(hidUri(uri), shape, fakeHid(device)), device }
}

const settled = () => new Promise(resolve => setTimeout(resolve, 20))

describe('reports', () => {
  it('one send is one report behind id 0, padded; a longer one is refused', async () => {
    const { link, device } = await open(plain)
    await link.send(Uint8Array.of(0xaa, 0xbb))
    expect(device.reports).toEqual([Uint8Array.from([0, 0xaa, 0xbb, ...new Array(62).fill(0)])])
    expect(link.mtu).toBe(64)
    expect(await faultOf(link.send(new Uint8Array(65)))).toBe('bad-argument')
    await link.close()
  })

  it('one send goes as single, or as first, middle … and last', async () => {
    const { link, device } = await open(idTech)
    expect(link.mtu).toBe(Number.POSITIVE_INFINITY)
    for (const size of [1, 63, 64, 126, 127, 200]) {
      device.reports.length = 0
      await link.send(pattern(size))
      const ids = device.reports.map(report => report[0])
      expect(ids).toEqual(
        { 1: [1], 63: [1], 64: [2, 4], 126: [2, 4], 127: [2, 3, 4], 200: [2, 3, 3, 4] }[size as 1 | 63 | 64 | 126 | 127 | 200],
      )
      expect(device.reports.every(report => report.length === 64)).toBe(true)
      expect(concat(...device.reports.map(report => report.subarray(1))).subarray(0, size)).toEqual(pattern(size))
    }
    await link.close()
  })

  it('reports of two sends never mix, and a send resolves when all of it was taken', async () => {
    const { link, device } = await open(idTech)
    let take = () => {}
    device.taken = new Promise(resolve => {
      take = resolve
    })
    let first = false
    const sends = [link.send(pattern(150)).then(() => (first = true)), link.send(pattern(100))]
    await settled()
    expect(first).toBe(false)
    take()
    await Promise.all(sends)
    expect(device.reports.map(report => report[0])).toEqual([2, 3, 4, 2, 4])
    await link.close()
  })

  it('what comes in follows each other without ids', async () => {
    const { link, device } = await open(idTech)
    device.say(2, ...pattern(63))
    device.say(4, ...pattern(63, 9))
    expect(await read(link, 126)).toEqual(concat(pattern(63), pattern(63, 9)))
    await link.close()

    const bare = await open(plain)
    bare.device.say(1, 2, 3)
    expect(await read(bare.link, 3)).toEqual(Uint8Array.of(1, 2, 3))
    await bare.link.close()
  })

  it('every size survives the way there and back (fast-check)', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 500 }),
        fc.integer({ min: 1, max: 64 }),
        fc.boolean(),
        (bytes, size, withIds) => {
          const reports = reportsOf(bytes, { size, out: 'output', ...(withIds && { ids: idTech.ids }) })
          expect(reports.every(({ data }) => data.length === size)).toBe(true)
          const all = concat(...reports.map(({ data }) => data))
          expect(all.subarray(0, bytes.length)).toEqual(bytes)
          expect(all.subarray(bytes.length).every(byte => byte === 0) && all.length - bytes.length < size).toBe(true)
        },
      ),
      { seed: 5 },
    )
  })

  it('records are read again however they are cut (fast-check)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ channel: fc.integer({ min: 0, max: 255 }), bytes: fc.uint8Array({ maxLength: 900 }) })),
        fc.integer({ min: 1, max: 70 }),
        (records, chunk) => {
          const stream = concat(...records.map(({ channel, bytes }) => record(channel, bytes)))
          const reader = recordReader()
          const found = []
          for (let at = 0; at < stream.length; at += chunk) found.push(...reader(stream.subarray(at, at + chunk)))
          expect(found).toEqual(records)
        },
      ),
      { seed: 5 },
    )
  })

  it('the input reports of a shape', () => {
    expect([...inputSizes(plain)]).toEqual([[0, 64]])
    expect([...inputSizes(idTech).keys()]).toEqual([1, 2, 3, 4])
    expect([...inputSizes({ ...magTek, inputs: [{ id: 1, size: 887 }] })]).toEqual([[1, 887]])
  })
})

describe('reports that come as packets (libusb)', () => {
  it('are put together by the sizes of the input reports, and a short packet ends one', () => {
    const gather = packetReader({ ...magTek, inputs: [{ id: 1, size: 150 }, { id: 2, size: 40 }] }) // biome-ignore format: short
    const report = Uint8Array.from([1, ...pattern(150)])
    const packets = [report.subarray(0, 64), report.subarray(64, 128), report.subarray(128)]
    expect(packets.map(gather)).toEqual([undefined, undefined, report])
    expect(gather(Uint8Array.of(2, 7))).toEqual(Uint8Array.of(2, 7))
    expect([report.subarray(0, 64), report.subarray(64, 70)].map(gather)).toEqual([undefined, report.subarray(0, 70)])
    expect(gather(Uint8Array.of(9, 9))).toEqual(Uint8Array.of(9, 9)) // an id that the shape does not know
    const small = packetReader(plain)
    expect(small(pattern(64))).toEqual(pattern(64))
    expect(small(pattern(3))).toEqual(pattern(3))
  })

  it('a link by libusb gives whole reports, one by hidraw takes them as they are', async () => {
    const shape: HidShape = { size: 100, out: 'output' }
    const device = new FakeDevice()
    const { link } = await open({ ...shape, tagged: true }, device, 'hid:1209:c0de?driver=libusb')
    device.say(...pattern(64))
    device.say(...pattern(36, 3))
    expect(await read(link, 103)).toEqual(record(1, concat(pattern(64), pattern(36, 3))))
    await link.close()
  })
})

describe('feature reports', () => {
  it('a send is a feature report; its answer is fetched and comes as a record of channel 0, input reports as records of their ids', async () => {
    const device = new FakeDevice()
    device.answer = () => Uint8Array.of(0, 1, 0x64)
    const { link } = await open(magTek, device)
    await link.send(Uint8Array.of(0x45, 0))
    expect(device.features).toEqual([Uint8Array.from([1, 0x45, 0, ...new Array(59).fill(0)])])
    expect(device.reports).toEqual([])
    expect(await read(link, 6)).toEqual(Uint8Array.of(0, 0, 3, 0, 1, 0x64))
    device.say(2, 9, 9)
    expect(await read(link, 5)).toEqual(Uint8Array.of(2, 0, 2, 9, 9))
    expect(link.mtu).toBe(61)
    await link.close()
  })

  it('an answer is fetched before the next command goes', async () => {
    const device = new FakeDevice()
    device.answer = () => Uint8Array.of(device.features.length)
    const { link } = await open(magTek, device)
    await Promise.all([1, 2, 3].map(byte => link.send(Uint8Array.of(byte))))
    expect(await read(link, 12)).toEqual(Uint8Array.of(0, 0, 1, 1, 0, 0, 1, 2, 0, 0, 1, 3))
    await link.close()
  })

  it('a device that is not ready yet is asked again; one that never answers is lost', async () => {
    const device = new FakeDevice()
    let refusals = 2
    device.answer = () => {
      if (refusals-- > 0) throw new Error('could not get feature report from device: ioctl (GFEATURE): Broken pipe')
      return Uint8Array.of(7)
    }
    const { link } = await open({ ...magTek, tagged: false }, device)
    await link.send(Uint8Array.of(1))
    expect(await read(link, 1)).toEqual(Uint8Array.of(7))
    refusals = 1000
    await link.send(Uint8Array.of(1))
    await expect(read(link, 1)).rejects.toMatchObject({ code: 'link-closed', details: { by: 'loss' } })
    expect(device.closed).toBe(1)
  })

  it('a device without ids: its input reports are on channel 1', async () => {
    const { link, device } = await open({ size: 24, out: 'feature', tagged: true })
    await settled()
    device.say(5, 6)
    expect(await read(link, 5)).toEqual(Uint8Array.of(1, 0, 2, 5, 6))
    await link.close()
  })
})

describe('the life of a HID link', () => {
  it('reads with one listener for all of it', async () => {
    const { link, device } = await open(plain)
    for (let i = 0; i < 10; i++) {
      device.say(i)
      expect(await read(link, 1)).toEqual(Uint8Array.of(i))
    }
    expect(device.readStarts).toBe(1)
    await link.close()
    expect(device.closed).toBe(1)
    await link.close()
    expect(device.closed).toBe(1)
  })

  it('closed in the moment in which it was opened: nothing is thrown into nowhere', async () => {
    const device = new FakeDevice()
    const link = await openHid(hidUri('hid:1209:c0de'), plain, fakeHid(device))
    await link.close()
    expect([device.readStarts, device.closed]).toEqual([1, 1])
  })

  it('unplugged: reads and sends end as link-closed by loss, with the words of the library, and the handle is freed', async () => {
    const { link, device } = await open(plain)
    device.say(1)
    const reading = read(link, 65)
    device.unplug()
    await expect(reading).rejects.toMatchObject({
      code: 'link-closed',
      details: { by: 'loss' },
      cause: expect.objectContaining({ message: expect.stringContaining('device disconnected') }),
    })
    expect(await faultOf(link.send(Uint8Array.of(1)))).toBe('link-closed')
    await settled()
    expect(device.closed).toBe(1)
  })

  it('unplugged while a send waits, or noticed by a send first', async () => {
    const { link, device } = await open(plain)
    let take = () => {}
    device.taken = new Promise(resolve => {
      take = resolve
    })
    const sends = [faultOf(link.send(Uint8Array.of(1))), faultOf(link.send(Uint8Array.of(2)))]
    device.unplug()
    expect(await Promise.all(sends)).toEqual(['link-closed', 'link-closed'])
    take()

    const silent = await open(plain)
    silent.device.handle?.removeAllListeners('error')
    silent.device.handle?.on('error', () => {})
    silent.device.unplug()
    expect(await faultOf(silent.link.send(Uint8Array.of(1)))).toBe('link-closed')
  })

  it('closed while a send waits: it settles at once, what was not written is not, and the handle is free when close resolves', async () => {
    const { link, device } = await open(plain)
    let take = () => {}
    device.taken = new Promise(resolve => {
      take = resolve
    })
    const sends = [faultOf(link.send(Uint8Array.of(1))), faultOf(link.send(Uint8Array.of(2)))]
    await settled()
    const closing = link.close()
    expect(await Promise.all(sends)).toEqual(['link-closed', 'link-closed'])
    expect(device.closed).toBe(0)
    take()
    await closing
    expect(device.closed).toBe(1)
    expect(device.reports.length).toBe(1)
  })

  it('a device that floods an app which does not read is lost, not kept in memory', async () => {
    const { link, device } = await open(plain)
    const flood = new Uint8Array(1 << 20)
    for (let i = 0; i < 6; i++) device.handle?.read(flood)
    await settled()
    expect(device.closed).toBe(1)
    expect(await faultOf(link.send(Uint8Array.of(1)))).toBe('link-closed')
  })
})

describe('which device', () => {
  const a = () => new FakeDevice({ path: '/dev/hidraw1', serialNumber: 'A', manufacturer: 'ACME', product: 'Reader' })
  const b = () => new FakeDevice({ path: '/dev/hidraw2', serialNumber: 'B' })
  const keyboard = () => new FakeDevice({ path: '/dev/hidraw0', serialNumber: 'A', usagePage: 1 })
  const vendors = () => new FakeDevice({ path: '/dev/hidraw3', serialNumber: 'A', usagePage: 0xff00 })

  it.each([
    ['hid:1209:c0de', [a, b], 0],
    ['hid:1209:c0de?serial=B', [a, b], 1],
    ['hid:1209:c0de?path=/dev/hidraw2', [a, b], 1],
    ['hid:1209:C0DE?family=magtek', [keyboard, vendors], 1],
  ] as const)('%s', async (uri, makers, chosen) => {
    const devices = makers.map(make => make())
    const link = await openHid(hidUri(uri), plain, fakeHid(...devices))
    expect(devices.map(({ opened }) => opened)).toEqual(devices.map((_, i) => Number(i === chosen)))
    await link.close()
  })

  it('none: not-found, and how many there are of its kind', async () => {
    await expect(openHid(hidUri('hid:1209:c0de?serial=C'), plain, fakeHid(a(), b()))).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('there are 2 of this vendor and product'),
    })
    expect(await faultOf(openHid(hidUri('hid:1209:0001'), plain, fakeHid(a())))).toBe('not-found')
  })

  it('the list leads back to each device', async () => {
    const twin = new FakeDevice({ path: '/dev/hidraw7', serialNumber: '' })
    const other = new FakeDevice({ vendorId: 0x0801, productId: 0x19, path: '/dev/hidraw8', serialNumber: '' })
    const lib = fakeHid(a(), b(), twin, other, keyboard())
    const seen = await listHid(lib)
    expect(seen.map(({ uri }) => uri)).toEqual([
      'hid:1209:c0de?path=%2Fdev%2Fhidraw1', // the keyboard has its serial number too
      'hid:1209:c0de?serial=B',
      'hid:1209:c0de?path=%2Fdev%2Fhidraw7',
      'hid:0801:0019',
      'hid:1209:c0de?path=%2Fdev%2Fhidraw0',
    ])
    expect(seen[0]).toEqual({
      uri: seen[0].uri,
      path: '/dev/hidraw1',
      vendor: 0x1209,
      product: 0xc0de,
      serial: 'A',
      manufacturer: 'ACME',
      name: 'Reader',
    })
    for (const { uri, path } of seen) {
      const link = await openHid(hidUri(uri), plain, lib)
      expect(parseUri(uri)).toMatchObject({ scheme: 'hid' })
      await link.close()
      expect(path).toBeDefined()
    }
  })

  it('an interface that the library lists once for each usage is one device', async () => {
    const lib = fakeHid(new FakeDevice({ usagePage: 1 }), new FakeDevice({ usagePage: 0xff00 }))
    expect(await listHid(lib)).toHaveLength(1)
  })
})

describe('what an app is told', () => {
  it('no permission: the udev rule for this device', async () => {
    const device = new FakeDevice({ vendorId: 0x0801, productId: 0x001e })
    device.refusal = "Failed to open a device with path '/dev/hidraw9': Permission denied"
    const rule = udevRule(0x0801, 0x001e)
    expect(rule.split('\n')).toEqual([
      'KERNEL=="hidraw*", KERNELS=="*:0801:001E.*", MODE="0660", GROUP="plugdev", TAG+="uaccess"',
      'SUBSYSTEM=="usb", ATTR{idVendor}=="0801", ATTR{idProduct}=="001e", MODE="0660", GROUP="plugdev", TAG+="uaccess"',
    ])
    await expect(openHid(hidUri('hid:0801:001e'), plain, fakeHid(device))).rejects.toMatchObject({
      code: 'link-failed',
      details: { reason: 'permission', rule },
      message: expect.stringContaining(rule),
    })
  })

  it.each([
    ["Failed to open a device with path '/dev/hidraw9': No such file or directory", 'not-found'],
    ["Failed to open a device with path '/dev/hidraw9': Device or resource busy", 'busy'],
  ])('%s: %s', async (words, code) => {
    const device = new FakeDevice()
    device.refusal = words
    expect(await faultOf(openHid(hidUri('hid:1209:c0de'), plain, fakeHid(device)))).toBe(code)
  })

  it('the package to install', async () => {
    const missing = 'node-hid-that-is-not-installed'
    const library = () => import(missing) as Promise<HidLibrary>
    await expect(openHid(hidUri('hid:1209:c0de'), plain, { library })).rejects.toMatchObject({
      code: 'missing-library',
      message: expect.stringContaining('npm install node-hid'),
    })
    expect(await faultOf(listHid({ library }))).toBe('missing-library')
  })

  it('one process has one driver', async () => {
    const lib = fakeHid(new FakeDevice())
    const link = await openHid(hidUri('hid:1209:c0de?driver=libusb'), plain, lib)
    expect(lib.drivers).toEqual(['libusb'])
    await (await openHid(hidUri('hid:1209:c0de'), plain, lib)).close()
    expect((await listHid(lib))[0].uri).toBe('hid:1209:c0de?serial=SN1&driver=libusb')
    expect(await faultOf(openHid(hidUri('hid:1209:c0de?driver=hidraw'), plain, lib))).toBe('unsupported')
    expect(await faultOf(openHid(hidUri('hid:1209:c0de?driver=serial'), plain, lib))).toBe('bad-uri')
    await link.close()
  })

  it('an opening that was given up closes the device', async () => {
    const device = new FakeDevice()
    const controller = new AbortController()
    const opening = openHid(hidUri('hid:1209:c0de'), plain, { ...fakeHid(device), signal: controller.signal })
    setImmediate(() => controller.abort())
    await opening.then(
      link => link.close(),
      error => expect(error).toMatchObject({ code: 'aborted' }),
    )
    await settled()
    expect(device.closed).toBe(device.opened)
    expect(await faultOf(openHid(hidUri('hid:1209:c0de'), plain, { ...fakeHid(device), signal: AbortSignal.abort() }))).toBe('aborted')
  })
})
