/** What HID links must do over the kernel, by either driver. */

import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { HidPlug } from '../../simulator/readers/listen/hid-device.ts'
import { hidUri } from '../../simulator/readers/listen/hid-device.ts'
import { type HidDriver, listHid } from '../../src/transport/hid.ts'
import { record } from '../../src/transport/hid-reports.ts'
import type { Link } from '../../src/transport/link.ts'
import type { HidShape } from '../../src/transport/shape.ts'
import { faultOf, type LinkKind, linkContract, pattern, read } from '../transport/link-contract.ts'
import { counted, describeHere, HidBench, openSoon, run, soon } from './machine.ts'

const plain: HidShape = { size: 64, out: 'output' }
const withIds: HidShape = { size: 63, out: 'output', ids: { single: 1, first: 2, middle: 3, last: 4 } }
const features: HidShape = {
  size: 61,
  out: 'feature',
  tagged: true,
  ids: { single: 1, first: 1, middle: 1, last: 1 },
  inputs: [
    { id: 1, size: 400 },
    { id: 2, size: 40 },
  ],
}

const openFiles = () => readdirSync('/proc/self/fd').length

/** `how` the device comes into the kernel, and by which `driver` it is reached; with `pieces` reports in a row the contract of links too, and permissions. */
export function hidSuite(how: 'uhid' | 'usbip', driver: HidDriver, pieces?: number): void {
  describeHere(`HID in the kernel by ${how}, reached by ${driver}`, () => {
    let bench: HidBench
    const links: Link[] = []
    const device = (shape: HidShape): HidPlug => ({
      vendor: 0x1209,
      product: 0xc0de,
      shape,
      manufacturer: 'Tapdip',
      name: 'Loop',
      serial: 'SN-1',
    })
    const open = async (shape: HidShape, block?: number): Promise<{ readonly host: Link; readonly device: Link }> => {
      const plug = device(shape)
      const atDevice = await bench.plug(plug, block === undefined ? {} : { block })
      links.push(atDevice)
      const host = await openSoon(`${hidUri(plug)}?driver=${driver}`, plug)
      links.unshift(host) // closed first: a device that goes with its host open is another test
      return { host, device: atDevice }
    }
    const close = async () => {
      for (const link of links.splice(0)) await link.close()
      await soon(async () => expect((await listHid({ driver })).filter(({ vendor }) => vendor === 0x1209)).toEqual([]))
    }
    beforeAll(() => {
      bench = new HidBench(how)
    })
    afterEach(close)
    afterAll(() => bench.stop())

    const contract: LinkKind = {
      name: `${driver} over ${how}`,
      pieces, // the kernel's queue for a device of uhid holds 32 reports, and drops what is more; a bus holds the host back
      async open() {
        const pair = await open(plain, 64)
        return { host: counted(pair.host, 64), device: counted(pair.device, 64) }
      },
      done: close,
    }
    if (pieces !== undefined) linkContract(contract)

    it('is listed with its ids and names, and the URI of the list leads to it', async () => {
      const plug = device(plain)
      links.push(await bench.plug(plug))
      const found = await soon(async () => {
        const [one] = (await listHid({ driver })).filter(({ vendor }) => vendor === 0x1209)
        expect(one?.serial).toBe('SN-1')
        return one
      })
      expect(found).toMatchObject({ vendor: 0x1209, product: 0xc0de, name: expect.stringContaining('Loop') })
      const host = await openSoon(found.uri, plug)
      links.unshift(host)
      expect(host.uri).toContain('serial=SN-1')
    })

    it('long messages go as first, middle and last, both ways', async () => {
      const { host, device } = await open(withIds)
      await host.send(pattern(200))
      expect((await read(device, 252)).subarray(0, 200)).toEqual(pattern(200))
      await device.send(pattern(150, 7))
      expect((await read(host, 189)).subarray(0, 150)).toEqual(pattern(150, 7))
    })

    it('a command as a feature report, its answer fetched, and long input reports, as records', async () => {
      const { host, device } = await open(features)
      for (let round = 0; round < 5; round++) {
        await host.send(Uint8Array.of(0x45, round))
        expect((await read(device, 61)).subarray(0, 2)).toEqual(Uint8Array.of(0x45, round))
        await device.send(record(0, Uint8Array.of(0, 1, round)))
        expect((await read(host, 64)).subarray(0, 6)).toEqual(Uint8Array.of(0, 0, 61, 0, 1, round))
      }
      await device.send(record(1, pattern(400)))
      const swipe = await read(host, 403)
      expect(swipe).toEqual(record(1, pattern(400)))
      await device.send(record(2, Uint8Array.of(9)))
      expect((await read(host, 43)).subarray(0, 4)).toEqual(Uint8Array.of(2, 0, 40, 9))
    })

    it('unplugged while a read waits: link-closed by loss, soon', async () => {
      const { host, device } = await open(plain)
      const reading = read(host, 1)
      const lost = expect(reading).rejects.toMatchObject({ code: 'link-closed', details: { by: 'loss' } })
      const start = performance.now()
      await device.close()
      await lost
      expect(performance.now() - start).toBeLessThan(10_000) // 20 to 250 ms where nothing else runs
      expect(await faultOf(host.send(Uint8Array.of(1)))).toBe('link-closed')
    })

    it('opened and closed 20 times, with data each time: every handle is given back', async () => {
      const plug = device(plain)
      const uri = `${hidUri(plug)}?driver=${driver}`
      const atDevice = await bench.plug(plug, { block: 64, keep: true })
      links.push(atDevice)
      await (await openSoon(uri, plug)).close()
      const files = openFiles()
      for (let round = 0; round < 20; round++) {
        const host = await openSoon(uri, plug)
        await host.send(Uint8Array.of(round))
        expect((await read(atDevice, 64))[0]).toBe(round)
        await host.close()
      }
      expect(openFiles()).toBeLessThanOrEqual(files)
    })

    if (pieces !== undefined)
      it('who may not open it is given a udev rule, and the rule helps', async () => {
        const plug = device(plain)
        links.push(await bench.plug(plug))
        const uri = `${hidUri(plug)}?driver=${driver}`
        await soon(async () => expect((await listHid({ driver })).some(({ vendor }) => vendor === 0x1209)).toBe(true))
        // Everything is loaded while root may read it; then a user in the group plugdev tries.
        const program = `
        import { readFileSync } from 'node:fs'
        import { connect } from './dist/src/transport/connect.js'
        import { listHid } from './dist/src/transport/hid.js'
        await listHid({ driver: '${driver}' })
        process.setgroups([])
        process.setgid(Number(/^plugdev:[^:]*:(\\d+)/m.exec(readFileSync('/etc/group', 'utf8'))[1]))
        process.setuid(65534)
        try {
          await (await connect('${uri}')).close()
          console.log('opened')
        } catch ({ code, details }) {
          console.log(JSON.stringify({ code, ...details }))
        }
      `
        const tried = async () => (await run(process.execPath, '--input-type=module', '-e', program)).output.trim()
        const refused = JSON.parse(await tried())
        expect(refused).toMatchObject({ code: 'link-failed', reason: 'permission' })
        writeFileSync('/etc/udev/rules.d/70-tapdip.rules', `${refused.rule}\n`)
        try {
          for (const args of [
            ['control', '--reload'],
            ['trigger', '--action=add', '--subsystem-match=hidraw', '--subsystem-match=usb'],
            ['settle'],
          ])
            await run('udevadm', ...args)
          expect(await tried()).toBe('opened')
        } finally {
          rmSync('/etc/udev/rules.d/70-tapdip.rules')
          await run('udevadm', 'control', '--reload')
        }
      })

    it('a program that read, wrote and closed ends by itself', async () => {
      const plug = device(plain)
      links.push(await bench.plug(plug, { block: 64 }))
      const uri = `${hidUri(plug)}?driver=${driver}`
      await soon(async () => expect((await listHid({ driver })).some(({ vendor }) => vendor === 0x1209)).toBe(true))
      const program = `
        import { connect } from './dist/src/transport/connect.js'
        const link = await connect(${JSON.stringify(uri)})
        await link.send(Uint8Array.of(7))
        const reading = link.incoming[Symbol.asyncIterator]().next()
        await link.close()
        console.log((await reading).done)
      `
      expect(await run(process.execPath, '--input-type=module', '-e', program)).toEqual({ code: 0, output: 'true\n' })
    })
  })
}
