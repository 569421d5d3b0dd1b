/** The virtual air for other programs: every TCP connection is the HCI of a controller of its own, spoken as H4. */

import { createServer, type Socket } from 'node:net'
import { concat } from '../../src/bytes.ts'
import { asFault } from '../../src/errors.ts'
import { h4Splitter, POWER_EVENT } from '../../src/transport/ble/h4.ts'
import { portFault } from '../port-fault.ts'
import type { Air } from './air.ts'

export interface AirSocket {
  /** What a program is given as `TAPDIP_AIR`: `tcp://127.0.0.1:6402`. */
  readonly uri: string
  /** Takes the controllers of all connections away. */
  close(): Promise<void>
}

/** Listens on 127.0.0.1, port 0 for any free one. @throws Fault `busy` (the port is taken), `link-failed` */
export async function serveAir(air: Air, port = 0): Promise<AirSocket> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, socket => {
    sockets.add(socket)
    const controller = air.controller()
    const hci = controller.open({
      packet: packet => void socket.write(packet),
      power: on => void socket.write(concat(POWER_EVENT, Uint8Array.of(on ? 1 : 0))),
    })
    const split = h4Splitter(hci.send)
    socket.on('data', chunk => {
      try {
        split(new Uint8Array(chunk))
      } catch (error) {
        socket.destroy(asFault(error))
      }
    })
    socket.on('error', () => {}) // `close` follows
    socket.on('close', () => {
      sockets.delete(socket)
      air.remove(controller)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  }).catch(error => {
    throw portFault(`127.0.0.1:${port}`, error)
  })
  const address = server.address()
  return {
    uri: `tcp://127.0.0.1:${typeof address === 'object' && address ? address.port : port}`,
    async close() {
      const stopped = new Promise<void>(resolve => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await stopped
    },
  }
}
