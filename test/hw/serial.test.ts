/** Serial over USB (CDC-ACM): both ends of a port that the kernel itself emulates. Readers behind it: readers.test.ts. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../src/transport/connect.ts'
import type { Link } from '../../src/transport/link.ts'
import { listSerialPorts } from '../../src/transport/serial.ts'
import { faultOf, linkContract, read } from '../transport/link-contract.ts'
import { makeSerialGadget, plugGadget, unplugGadget } from './gadget.ts'
import { describeHere, soon } from './machine.ts'

const strings = { vendor: '03aa', product: '0001', serial: 'MPOS0000000001', manufacturer: 'Tapdip', name: 'Virtual QPOS' }
const host = 'serial:/dev/ttyACM0'
const device = 'serial:/dev/ttyGS0'

describeHere('serial over USB', () => {
  beforeAll(() => makeSerialGadget(strings))
  afterAll(unplugGadget)

  /** Both ends in raw mode before the first byte: until then the terminal of either would echo. */
  async function open(): Promise<{ host: Link; device: Link }> {
    plugGadget()
    const atDevice = await soon(() => connect(device))
    const atHost = await soon(() => connect(host))
    return { host: atHost, device: atDevice }
  }

  linkContract({
    name: 'serial over CDC-ACM',
    pieces: 100, // as far as it goes: the machine is slow
    flood: 32 << 10,
    async open() {
      const { host, device } = await open()
      const close = async () => {
        await device.close()
        unplugGadget() // a port that is closed at the device is still there for the host; a device that is gone is not
      }
      return { host, device: { ...device, incoming: device.incoming, close } }
    },
  })

  describe('of a plugged device', () => {
    afterEach(unplugGadget)

    it('the port is listed with vendor, product, serial number and manufacturer', async () => {
      plugGadget()
      const port = await soon(async () => {
        const found = (await listSerialPorts()).find(({ path }) => path === '/dev/ttyACM0')
        expect(found?.serial).toBeDefined()
        return found
      })
      expect(port).toEqual({
        uri: host,
        path: '/dev/ttyACM0',
        vendor: 0x03aa,
        product: 0x0001,
        serial: 'MPOS0000000001',
        manufacturer: 'Tapdip',
      })
    })

    it('unplugged while a read waits: link-closed by loss, and the port opens again when it is back', async () => {
      const { host: link, device: far } = await open()
      const lost = expect(read(link, 1)).rejects.toMatchObject({ code: 'link-closed', details: { by: 'loss' } })
      unplugGadget()
      await lost
      expect(await faultOf(link.send(Uint8Array.of(1)))).toBe('link-closed')
      await far.close()
      const again = await open()
      await again.host.send(Uint8Array.of(5))
      expect(await read(again.device, 1)).toEqual(Uint8Array.of(5))
      await again.host.close()
      await again.device.close()
    })
  })
})
