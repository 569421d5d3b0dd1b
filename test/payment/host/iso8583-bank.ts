/** A bank, and a client of banks, written with npm `iso_8583`: nothing of ours on that end of the line. */

import { createRequire } from 'node:module'
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net'

/** Fields by number, as `iso_8583` has them: everything is text, bytes are hex. */
export type PeerFields = Record<string, string>
interface Message {
  getBufferMessage(): Buffer | { error: string }
  getIsoJSON(bytes: Buffer): PeerFields & { error?: string }
}
type IsoPackage = new (fields?: PeerFields) => Message
const Iso8583 = createRequire(import.meta.url)('iso_8583') as IsoPackage

function pack(fields: PeerFields): Buffer {
  const bytes = new Iso8583(fields).getBufferMessage()
  if (!Buffer.isBuffer(bytes)) throw new Error(bytes.error)
  return bytes
}

/** Whole messages, length in front, in the order they come. */
function onMessages(socket: Socket, hear: (fields: PeerFields) => void): void {
  let held = Buffer.alloc(0)
  socket.on('data', chunk => {
    held = Buffer.concat([held, chunk])
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const size = 2 + held.readUInt16BE(0)
      const fields = new Iso8583().getIsoJSON(held.subarray(0, size))
      held = held.subarray(size)
      if (fields.error) throw new Error(fields.error)
      hear(fields)
    }
  })
  socket.on('error', () => {})
}

export interface Bank {
  readonly port: number
  /** What it was asked, oldest first. */
  readonly heard: PeerFields[]
  /** Payments that stand, by trace number. */
  readonly charged: Map<string, bigint>
  close(): Promise<void>
}

const echoed = ['2', '3', '4', '7', '11', '12', '13', '37', '41', '42', '49', '70']

/**
 * It pays what it is asked, but for 51.00, which it declines (51); takes back what field 90 names, or answers 25.
 * @param change what it answers, made wrong
 */
export async function bank(change: (answer: PeerFields, asked: PeerFields) => PeerFields | undefined = answer => answer): Promise<Bank> {
  const heard: PeerFields[] = []
  const charged = new Map<string, bigint>()
  const sockets = new Set<Socket>()

  function decide(asked: PeerFields): PeerFields {
    const type = asked['0']
    const amount = BigInt(asked['4'] ?? 0)
    if (type === '0100' || type === '0200') {
      if (amount === 5100n) return { 39: '51' }
      charged.set(asked['11'], asked['3'].startsWith('20') ? -amount : amount)
      return { 37: '433409000001', 38: 'A1B2C3', 39: '00', 15: '1129', 32: '12345678901', 44: 'THANK YOU', 54: '0040643C000000010000' }
    }
    if (type === '0120' || type === '0220') {
      charged.set(asked['11'], amount)
      return { 39: '00' }
    }
    if (type === '0400' || type === '0420' || type === '0421') {
      const original = asked['90']?.slice(4, 10)
      if (original === undefined || !charged.has(original)) return { 39: '25' }
      const left = BigInt(asked['95']?.slice(0, 12) ?? 0)
      if (left > 0n) charged.set(original, left)
      else charged.delete(original)
      return { 39: '00' }
    }
    return { 39: type === '0800' ? '00' : '40' }
  }

  const server = createServer(socket => {
    sockets.add(socket)
    onMessages(socket, asked => {
      heard.push(asked)
      const type = `${asked['0'].slice(0, 2)}${Number(asked['0'][2]) + 1}0`
      const back = Object.fromEntries(echoed.flatMap(number => (asked[number] === undefined ? [] : [[number, asked[number]]])))
      const answer = change({ ...back, ...decide(asked), 0: type }, asked)
      if (answer) socket.write(pack(answer))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    heard,
    charged,
    close: () =>
      new Promise(resolve => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

/** A client made with `iso_8583`: one message, one answer. */
export async function peerClient(port: number): Promise<{ ask(fields: PeerFields): Promise<PeerFields>; close(): void }> {
  const socket = connectSocket(port, '127.0.0.1')
  const waiting: ((fields: PeerFields | Error) => void)[] = []
  onMessages(socket, fields => waiting.shift()?.(fields))
  socket.on('close', () => {
    for (const one of waiting.splice(0)) one(new Error('the line was closed'))
  })
  await new Promise<void>(resolve => socket.once('connect', () => resolve()))
  return {
    ask: async fields => {
      const said = await new Promise<PeerFields | Error>(resolve => {
        waiting.push(resolve)
        socket.write(pack(fields))
      })
      if (said instanceof Error) throw said
      return said
    },
    close: () => socket.destroy(),
  }
}
