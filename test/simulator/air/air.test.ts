/** The virtual air at its HCI: what a Bluetooth stack sees of a controller, packet by packet, on a virtual clock. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Air, type AirOptions } from '../../../simulator/air/air.ts'
import type { Controller } from '../../../simulator/air/controller.ts'
import { op } from '../../../simulator/air/hci.ts'
import { serveAir } from '../../../simulator/air/socket.ts'
import { concat, fromHex, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { h4Splitter } from '../../../src/transport/ble/h4.ts'
import { dialHci, type HciPort } from '../../../src/transport/ble/hci.ts'
import { faultOf } from '../../transport/link-contract.ts'

/** A host that writes commands and keeps what it hears, as hex. */
class Host {
  readonly heard: string[] = []
  readonly power: boolean[] = []
  readonly port: HciPort

  constructor(controller: Controller) {
    this.port = controller.open({
      packet: packet => this.heard.push(hex(packet)),
      power: on => this.power.push(on),
    })
  }

  /** Sends a command; gives what was heard since. */
  command(opcode: number, parameters = ''): string[] {
    const data = fromHex(parameters)
    return this.send(concat(Uint8Array.of(1, opcode & 0xff, opcode >> 8, data.length), data))
  }

  send(packet: Uint8Array): string[] {
    this.heard.length = 0
    this.port.send(packet)
    return this.take()
  }

  take(): string[] {
    return this.heard.splice(0)
  }
}

const [A, B] = ['00AA01000001', '00AA01000002']
const colons = (address: string) => address.match(/../g)!.join(':')
const reversed = (address: string) => hex(fromHex(address).reverse())

function bench(options: AirOptions = {}) {
  const clock = new VirtualClock()
  const air = new Air({ clock, ...options })
  const controllers = [A, B].map(address => air.controller(colons(address)))
  const [reader, app] = controllers.map(one => new Host(one))
  return { clock, air, radio: controllers[0], adapter: controllers[1], reader, app }
}

type Bench = ReturnType<typeof bench>

/** Connectable, every 100 ms, with these data. */
function advertise({ reader }: Bench, data = '020106', response = '030841 42'): void {
  reader.command(op.leSetAdvertisingParameters, 'A000A000 00 00 00 000000000000 07 00')
  reader.command(op.leSetAdvertisingData, `03${data}`)
  reader.command(op.leSetScanResponse, `04${response}`)
  reader.command(op.leSetAdvertisingEnable, '01')
}

/** Interval 6 to 18, no latency, supervision 420 ms: as noble asks. */
const connectTo = (address: string) => `6000 3000 00 00 ${reversed(address)} 00 0600 1200 0000 2A00 0400 0600`

async function connect(here: Bench): Promise<void> {
  advertise(here)
  here.app.command(op.leCreateConnection, connectTo(A))
  await here.clock.advance(20)
  here.app.take()
  here.reader.take()
}

describe('a controller', () => {
  it('says who it is, what it can, and which buffers it has', () => {
    const { app } = bench({ buffers: { length: 27, count: 3 } })
    expect(app.power).toEqual([true])
    expect(app.command(op.reset)).toEqual(['040E0401030C00'])
    expect(app.command(op.readAddress)).toEqual([`040E0A01091000${reversed(B)}`])
    expect(app.command(op.readLocalVersion)).toEqual(['040E0C010110000900000 9FFFF0000'.replaceAll(' ', '')])
    expect(app.command(op.leReadBufferSize)).toEqual(['040E07010220001B0003'])
    expect(app.command(0xfc01)).toEqual(['040E040101FC01'])
  })

  it('has one host', () => {
    const { adapter, app } = bench()
    expect(() => new Host(adapter)).toThrow(expect.objectContaining({ code: 'busy' }))
    app.port.close()
    app.port.close()
    expect(new Host(adapter).command(op.reset)).toHaveLength(1)
  })

  it('is silent while it is switched off, and forgets what it was doing', async () => {
    const here = bench()
    advertise(here)
    here.radio.power(false)
    expect(here.reader.power).toEqual([true, false])
    expect(here.reader.command(op.readAddress)).toEqual([])
    here.radio.power(true)
    here.app.command(op.leSetScanEnable, '0100')
    await here.clock.advance(100)
    expect(here.app.take()).toEqual([])
    expect(here.clock.pending).toBe(0)
  })

  it('of a strange address or buffers is refused', () => {
    expect(() => new Air().controller('nowhere')).toThrow(expect.objectContaining({ code: 'bad-argument' }))
    expect(() => new Air({ buffers: { length: 20, count: 1 } })).toThrow(expect.objectContaining({ code: 'bad-argument' }))
  })

  it('answers any command with any parameters, and never throws', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff }), fc.uint8Array({ maxLength: 40 }), (opcode, data) => {
        const { app } = bench()
        const answers = app.command(opcode, hex(data))
        expect(answers.length).toBeGreaterThan(0)
        expect(answers[0]).toMatch(/^040[EF]/)
      }),
      { seed: 5, numRuns: 300 },
    )
  })
})

describe('advertising and scanning', () => {
  it('an active scan hears the advertisement and its response, with address and signal; duplicates only where they are wanted', async () => {
    const here = bench()
    here.radio.rssi = -60
    advertise(here)
    here.app.command(op.leSetScanParameters, '01 1200 1200 00 00')
    here.app.command(op.leSetScanEnable, '0101')
    await here.clock.advance(100)
    const report = `043E0F020100 00${reversed(A)}03020106C4`.replaceAll(' ', '')
    const response = `043E10020104 00${reversed(A)}0403084142C4`.replaceAll(' ', '')
    expect(here.app.take()).toEqual([report, response])
    here.app.command(op.leSetScanEnable, '0100')
    await here.clock.advance(100)
    expect(here.app.take().filter(one => one === report)).toHaveLength(5)
    here.reader.command(op.leSetAdvertisingEnable, '00')
    await here.clock.advance(100)
    expect(here.app.take()).toEqual([])
    expect(here.clock.pending).toBe(0)
  })

  it('a passive scan hears no response; out of range nothing is heard', async () => {
    const here = bench()
    advertise(here)
    here.app.command(op.leSetScanParameters, '00 1200 1200 00 00')
    here.app.command(op.leSetScanEnable, '0100')
    await here.clock.advance(20)
    expect(here.app.take().every(one => one.startsWith('043E0F0201 00'.replaceAll(' ', '')))).toBe(true)
    here.radio.inRange = false
    await here.clock.advance(100)
    expect(here.app.take()).toEqual([])
  })
})

describe('a connection', () => {
  it('is told to both ends, each with its own handle and role; advertising ends', async () => {
    const here = bench()
    advertise(here)
    expect(here.app.command(op.leCreateConnection, connectTo(A))).toEqual(['040F0400010D20'])
    expect(here.app.command(op.leCreateConnection, connectTo(A))).toEqual(['040F040C010D20']) // one wish at a time
    here.reader.take()
    await here.clock.advance(20)
    expect(here.app.take()).toEqual([`043E130100 0100 00 00 ${reversed(A)} 1200 0000 2A00 00`.replaceAll(' ', '')])
    expect(here.reader.take()).toEqual([`043E130100 0200 01 00 ${reversed(B)} 1200 0000 2A00 00`.replaceAll(' ', '')])
    expect([here.radio.links, here.adapter.links]).toEqual([1, 1])
    expect(here.clock.pending).toBe(0)
  })

  it('a wish that nobody fulfils is taken back', () => {
    const { app } = bench()
    expect(app.command(op.leCancelConnection)).toEqual(['040E04010E200C'])
    app.command(op.leCreateConnection, connectTo(A))
    const [taken, told] = app.command(op.leCancelConnection)
    expect(taken).toBe('040E04010E2000')
    expect(told).toMatch(/^043E130102/)
  })

  it('carries fragments as they are, flagged for a host, and confirms each', async () => {
    const here = bench()
    await connect(here)
    expect(here.app.send(fromHex('02 0100 0500 1100040001'))).toEqual(['0413050101000100'])
    expect(here.reader.take()).toEqual(['02022005001100040001']) // start: 2
    here.app.send(fromHex('02 0110 0200 AABB'))
    expect(here.reader.take()).toEqual(['0202100200AABB']) // continued: 1
    here.adapter.dropAcl = true
    expect(here.app.send(fromHex('02 0100 0100 01'))).toEqual(['0413050101000100'])
    expect(here.reader.take()).toEqual([])
    expect(here.app.send(fromHex('02 0300 0100 01'))).toEqual([]) // no such handle
    expect(here.app.command(op.readRssi, '0100')).toEqual(['040E0701051400 0100 CC'.replaceAll(' ', '')])
  })

  it('ends by either side, with the reasons of either', async () => {
    const here = bench()
    await connect(here)
    expect(here.app.command(op.disconnect, '0100 13')).toEqual(['040F0400010604', '04050400010016'])
    expect(here.reader.take()).toEqual(['04050400020013'])
    expect(here.app.command(op.disconnect, '0100 13')).toEqual(['040F0402010604'])
    advertise(here)
    here.app.command(op.leCreateConnection, connectTo(A))
    await here.clock.advance(20)
    here.app.take()
    here.reader.take()
    here.radio.linkLoss()
    expect(here.app.take()).toEqual(['04050400030008'])
    expect(here.reader.take()).toEqual(['04050400040008'])
  })

  it('out of range: what is sent waits without being confirmed, and comes when the ends hear each other again in time', async () => {
    const here = bench()
    await connect(here)
    here.radio.inRange = false
    expect(here.app.send(fromHex('02 0100 0100 07'))).toEqual([])
    await here.clock.advance(400)
    here.radio.inRange = true
    expect(here.app.take()).toEqual(['0413050101000100'])
    expect(here.reader.take()).toEqual(['020220010007'])
    here.adapter.inRange = false
    await here.clock.advance(420)
    expect(here.app.take()).toEqual(['04050400010008'])
    expect(here.reader.take()).toEqual(['04050400020008'])
    expect(here.clock.pending).toBe(0)
  })

  it('an adapter that is switched off or taken away loses its links; only the other end hears of it', async () => {
    const here = bench()
    await connect(here)
    here.adapter.power(false)
    expect(here.app.take()).toEqual([])
    expect(here.reader.take()).toEqual(['04050400020008'])
    here.adapter.power(true)
    await connect(here)
    here.air.remove(here.adapter)
    expect(here.reader.take()).toEqual([expect.stringMatching(/^040504000[0-9A-F]0008$/)])
  })

  it('is encrypted where both ends have the same key', async () => {
    const here = bench()
    await connect(here)
    const key = '00112233445566778899AABBCCDDEEFF'
    const ask = () => here.app.command(op.leStartEncryption, `0100 0000000000000000 0000 ${key}`)
    expect(ask()).toEqual(['040F0400011920'])
    expect(here.reader.take()).toEqual(['043E0D050200 0000000000000000 0000'.replaceAll(' ', '')])
    expect(here.reader.command(op.leLongTermKeyReply, `0200 ${key}`)).toEqual(['040E06011A20000200', '04080400020001'])
    expect(here.app.take()).toEqual(['04080400010001'])
    ask()
    here.reader.command(op.leLongTermKeyNegativeReply, '0200')
    expect(here.app.take()).toEqual(['04080405010000'])
  })
})

describe('H4 on a stream', () => {
  const packets = ['01030C00', '040E0401030C00', '0202200500110004 0001'].map(one => fromHex(one))

  it('is cut into packets however it arrives', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 30 }), sizes => {
        const stream = concat(...packets, ...packets)
        const taken: string[] = []
        const push = h4Splitter(packet => taken.push(hex(packet)))
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length]
          push(stream.slice(at, at + size))
          at += size
        }
        expect(taken).toEqual([...packets, ...packets].map(hex))
      }),
      { seed: 7 },
    )
  })

  it('that is none is refused', () => {
    expect(() => h4Splitter(() => {})(Uint8Array.of(9, 9))).toThrow(expect.objectContaining({ code: 'protocol' }))
  })

  it('over TCP each connection is a controller; nonsense ends it; when the air goes, the adapter is off', async () => {
    const air = new Air()
    const socket = await serveAir(air)
    const port = Number(socket.uri.split(':').at(-1))
    await expect(faultOf(serveAir(air, port))).resolves.toBe('busy')
    const { open } = await dialHci('127.0.0.1', port)
    const heard: string[] = []
    const power: boolean[] = []
    const hci = open({ packet: packet => heard.push(hex(packet)), power: on => power.push(on) })
    hci.send(fromHex('01091000'))
    await expect.poll(() => heard).toEqual([expect.stringMatching(/^040E0A01091000/)])
    const [controller] = air.controllers
    controller.power(false)
    await expect.poll(() => power.at(-1)).toBe(false)
    controller.power(true)
    await expect.poll(() => power.at(-1)).toBe(true)
    hci.send(Uint8Array.of(0x77))
    await expect.poll(() => power.at(-1)).toBe(false)
    await expect.poll(() => air.controllers.size).toBe(0)
    await socket.close()
    await expect(dialHci('127.0.0.1', port)).rejects.toMatchObject({ code: 'link-failed', details: { reason: 'no-adapter' } })
  })
})
