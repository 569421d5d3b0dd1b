/** `open` and the family table: from a URI, a link or a sighting to a reader. */

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, it } from 'vitest'
import { bleShapes, families, identify, open } from '../../devices/index.ts'
import * as qpos from '../../devices/qpos/codec.ts'
import { VirtualClock } from '../../src/clock.ts'
import type { Link } from '../../src/transport/link.ts'
import { info, say, scripted } from './qpos/script.ts'

it('identifies a reader by its name or USB ids, not by a radio module’s service', () => {
  expect(identify({ name: 'MPOS0000000001' })?.name).toBe('qpos')
  expect(identify({ usb: { vendor: 0x03aa, product: 1 } })?.name).toBe('qpos')
  expect(identify({ services: [bleShapes(families[0])[0].service] })).toBeUndefined()
  expect(identify({ name: 'Keyboard' })).toBeUndefined()
  expect(identify({})).toBeUndefined()
})

it('takes no dialect that the family does not have', async () => {
  const { link } = scripted({}, new VirtualClock())
  await expect(open(link, { family: 'qpos', dialect: 'v5' })).rejects.toMatchObject({ code: 'bad-argument', details: { field: 'dialect' } })
})

it('opens over a link, and tells who it is', async () => {
  const clock = new VirtualClock()
  const { link } = scripted({}, clock)
  const sent: Uint8Array[] = []
  const trace = (inner: Link): Link => ({
    uri: inner.uri,
    mtu: inner.mtu,
    incoming: inner.incoming,
    close: () => inner.close(),
    send: bytes => {
      sent.push(bytes)
      return inner.send(bytes)
    },
  })
  await using reader = await clock.settle(open(link, { family: 'qpos', clock, trace }))
  expect(reader.info).toMatchObject({ family: 'qpos', model: 'QPOS mini' })
  expect(sent).toHaveLength(2)
})

it('opens over TCP by its URI', async () => {
  const server = createServer(socket => {
    const decoder = qpos.device.decoder()
    socket.on('data', chunk => {
      for (const message of decoder.push(chunk)) {
        const id = message.type === 'command' && message.command === 'getQposId'
        const answer = id ? say('completed', 'getQposId', '00 02 1234 00 00') : say('completed', 'getQposInfo', qpos.encodeQposInfo(info))
        socket.write(qpos.device.encode(answer))
      }
    })
    socket.on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const reader = await open(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}?family=qpos`)
  expect(reader.info.serial).toBe('1234')
  expect(await reader.status()).toEqual({ battery: { percent: 87, millivolts: 3900, charging: false } })
  await reader.close()
  server.close()
  await once(server, 'close')
})

it('says what is missing', async () => {
  await expect(open('tcp://127.0.0.1:9')).rejects.toMatchObject({ code: 'bad-argument', details: { field: 'family' } })
  await expect(open('tcp://127.0.0.1:9?family=abacus')).rejects.toThrow(/'abacus' is not known \(qpos, .*bluepad, .*softpos\)/)
  await expect(open('carrier:pigeon')).rejects.toMatchObject({ code: 'bad-uri' })
  await expect(open('ble:MPOS0000000001?family=vpcd')).rejects.toMatchObject({ code: 'unsupported' }) // the family is clear, this transport is not there yet
  await expect(open('serial:/dev/does-not-exist?family=qpos')).rejects.toMatchObject({ code: 'not-found' })
  await expect(open(scripted({}, new VirtualClock()).link, {})).rejects.toMatchObject({ code: 'bad-argument' })
})
