/** The USB/IP server as a kernel's client sees it: the list, an import, control requests, reports both ways, a request taken back. By test/hw over a real kernel. */

import { afterEach, describe, expect, it } from 'vitest'
import { type HidPlug, reportDescriptor } from '../../../simulator/readers/listen/hid-device.ts'
import { serveUsbip } from '../../../simulator/readers/listen/usbip.ts'
import { concat, fromUint, uint } from '../../../src/bytes.ts'
import { record } from '../../../src/transport/hid-reports.ts'
import type { Link } from '../../../src/transport/link.ts'
import { openTcp } from '../../../src/transport/tcp.ts'
import { faultOf, pattern, read } from '../../transport/link-contract.ts'

const plug: HidPlug = {
  vendor: 0x0801,
  product: 0x001c,
  manufacturer: 'Tapdip',
  name: 'Loop',
  serial: 'SN1',
  shape: { size: 61, out: 'feature', tagged: true, ids: { single: 1, first: 1, middle: 1, last: 1 }, inputs: [{ id: 1, size: 100 }] },
}
const BUS_ID = concat(new TextEncoder().encode('1-1'), new Uint8Array(29))

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function serve(): Promise<{ dial(): Promise<Link>; device: Promise<Link> }> {
  let arrive!: (link: Link) => void
  let leave!: () => void
  const device = new Promise<Link>(resolve => {
    arrive = resolve
  })
  const left = new Promise<void>(resolve => {
    leave = resolve
  })
  const served = await serveUsbip(
    plug,
    link => {
      arrive(link)
      return left
    },
    { host: '127.0.0.1', port: 0 },
  )
  ends.push(async () => {
    leave()
    await served.close()
  })
  const dial = async () => {
    const link = await openTcp({ uri: 'tcp:', scheme: 'tcp', host: '127.0.0.1', port: served.port, query: {} })
    ends.push(() => link.close())
    return link
  }
  return { dial, device }
}

/** A request to the device's pipe: its number, what it carries, and its setup packet. */
function submit(
  sequence: number,
  endpoint: number,
  incoming: boolean,
  length: number,
  setup: Uint8Array = new Uint8Array(8),
  data: Uint8Array = new Uint8Array(),
) {
  const head = [1, sequence, 0x00010002, incoming ? 1 : 0, endpoint, 0, length, 0, 0, 0].map(word => fromUint(word, 4))
  return concat(...head, setup, data)
}

/** Its length counts what follows; for what the host sent, only what was taken. */
async function answer(link: Link, incoming = true): Promise<{ command: number; sequence: number; status: number; data: Uint8Array }> {
  const some = await read(link, 48)
  const length = incoming ? uint(some.subarray(24, 28)) : 0
  const head = some.length < 48 + length ? concat(some, await read(link, 48 + length - some.length)) : some
  return {
    command: uint(head.subarray(0, 4)),
    sequence: uint(head.subarray(4, 8)),
    status: uint(head.subarray(20, 24)) | 0,
    data: head.subarray(48, 48 + length),
  }
}

describe('USB/IP', () => {
  it('lists one device, and ends the connection', async () => {
    const { dial } = await serve()
    const link = await dial()
    await link.send(Uint8Array.from([1, 0x11, 0x80, 5, 0, 0, 0, 0]))
    const reply = await read(link, 328)
    expect([...reply.subarray(0, 12)]).toEqual([1, 0x11, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1])
    expect([...reply.subarray(312, 316)]).toEqual([0x08, 0x01, 0x00, 0x1c])
    expect(await faultOf(read(link, 1))).toBe('link-closed')
  })

  it('an imported device tells what it is, takes commands, answers, and says reports in the packets that are asked for', async () => {
    const { dial, device: arriving } = await serve()
    const link = await dial()
    await link.send(concat(Uint8Array.from([1, 0x11, 0x80, 3, 0, 0, 0, 0]), BUS_ID))
    expect((await read(link, 320)).subarray(256 + 8, 256 + 11)).toEqual(new TextEncoder().encode('1-1'))
    const device = await arriving

    await link.send(submit(1, 0, true, 18, Uint8Array.from([0x80, 6, 0, 1, 0, 0, 18, 0])))
    const descriptor = await answer(link)
    expect(descriptor).toMatchObject({ command: 3, sequence: 1, status: 0 })
    expect([...descriptor.data.subarray(8, 12)]).toEqual([0x01, 0x08, 0x1c, 0x00])
    await link.send(submit(2, 0, true, 255, Uint8Array.from([0x81, 6, 0, 0x22, 0, 0, 255, 0])))
    expect((await answer(link)).data).toEqual(reportDescriptor(plug.shape))
    await link.send(submit(3, 0, true, 8, Uint8Array.from([0xc0, 1, 0, 0, 0, 0, 8, 0]))) // a vendor's request: refused
    expect(await answer(link)).toMatchObject({ sequence: 3, status: -32 })

    const command = concat(Uint8Array.of(1, 0x45), new Uint8Array(60)) // SET_REPORT and GET_REPORT of feature report 1
    await link.send(submit(4, 0, false, 62, Uint8Array.from([0x21, 9, 1, 3, 0, 0, 62, 0]), command))
    expect(await answer(link, false)).toMatchObject({ sequence: 4, status: 0 })
    expect((await read(device, 61))[0]).toBe(0x45)
    await link.send(submit(5, 0, true, 62, Uint8Array.from([0xa1, 1, 1, 3, 0, 0, 62, 0])))
    await device.send(record(0, Uint8Array.of(0, 1, 100)))
    expect([...(await answer(link)).data.subarray(0, 4)]).toEqual([1, 0, 1, 100])

    const saying = device.send(record(1, pattern(100)))
    await link.send(submit(6, 1, true, 64))
    const first = (await answer(link)).data
    await link.send(submit(7, 1, true, 64))
    expect(concat(first, (await answer(link)).data)).toEqual(concat(Uint8Array.of(1), pattern(100)))
    await saying

    await link.send(submit(8, 1, true, 64))
    await link.send(concat(...[2, 9, 0x00010002, 0, 0, 8, 0, 0, 0, 0, 0, 0].map(word => fromUint(word, 4)))) // takes 8 back
    expect(await answer(link)).toMatchObject({ command: 4, sequence: 9, status: -104 })
  })

  it('a host that talks something else is hung up on; one that goes ends the device’s link', async () => {
    const { dial, device: arriving } = await serve()
    const stranger = await dial()
    await stranger.send(new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'))
    expect(await faultOf(read(stranger, 1))).toBe('link-closed')
    const link = await dial()
    await link.send(concat(Uint8Array.from([1, 0x11, 0x80, 3, 0, 0, 0, 0]), BUS_ID))
    await read(link, 320)
    const device = await arriving
    const ended = faultOf(read(device, 1))
    await link.close()
    expect(await ended).toBe('link-closed')
  })
})
