/** The virtual acquirer's other line: ISO 8583:1987 over TCP on loopback, in front of the same desk. */

import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { asFault, Fault, isFault } from '../../src/errors.ts'
import type { HostAnswer } from '../../src/payment/acquirer.ts'
import { type IsoMessage, isoSide } from '../../src/payment/iso8583.ts'
import { answerFields, answerType, authorisationOf, type IsoFields, privateOf, setPrivate } from '../../src/payment/iso8583-messages.ts'
import { encodeAnswer } from '../../src/payment/wire.ts'
import { decodeChange, encodeHostOrder } from '../../src/payment/wire-order.ts'
import { type Desk, Refusal, type Reply } from './desk.ts'

export interface IsoLine extends AsyncDisposable {
  readonly port: number
  /** `iso8583://127.0.0.1:<port>`. */
  readonly url: string
  /** Idempotent; open connections are cut. The desk stays open. */
  close(): Promise<void>
}

/** @throws Fault `link-failed` when the port cannot be had */
export async function startIsoLine(desk: Desk, { port = 0 }: { readonly port?: number } = {}): Promise<IsoLine> {
  const sockets = new Set<Socket>()
  const server: Server = createServer({ noDelay: true }, socket => {
    sockets.add(socket)
    const decoder = isoSide.decoder()
    socket.on('data', chunk => {
      for (const frame of decoder.push(chunk)) {
        if ('fields' in frame) void answer(desk, frame, socket)
        else {
          desk.refused(30, frame.fault.message)
          socket.destroy() // nothing in it says whom to answer
        }
      }
    })
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => reject(new Fault('link-failed', `port ${port}: ${error.message}`, { reason: error.message })))
    server.listen(port, '127.0.0.1', resolve)
  })
  const bound = (server.address() as AddressInfo).port
  const close = async () => {
    if (!server.listening) return
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return { port: bound, url: `iso8583://127.0.0.1:${bound}`, close, [Symbol.asyncDispose]: close }
}

async function answer(desk: Desk, request: IsoMessage, socket: Socket): Promise<void> {
  const say = (fields: IsoFields, copies = 1) => {
    if (socket.destroyed) return
    const echoed = [7, 11, 41].flatMap(number => (request.fields.has(number) ? [[number, request.fields.get(number)!] as const] : []))
    const bytes = isoSide.encode({ type: answerType(request.type), fields: new Map([...fields, ...echoed]) })
    for (let copy = 0; copy < copies; copy++) socket.write(bytes)
  }
  try {
    const { answer: fields, line } = await route(desk, request)
    switch (line) {
      case 'drop':
        return void socket.destroy()
      case 'silence':
        return
      case 'garbage':
        return void socket.write(Uint8Array.from([0, 5, 0x3c, 0x68, 0x74, 0x6d, 0x6c]))
      case 'closeSocket': {
        const whole = isoSide.encode({ type: answerType(request.type), fields: fields ?? new Map() })
        socket.write(whole.subarray(0, whole.length / 2), () => socket.destroy())
        return
      }
      default:
        say(fields ?? new Map(), line === 'twice' ? 2 : 1)
    }
  } catch (error) {
    if (isFault(error, 'aborted')) return void socket.destroy()
    const refused = error instanceof Refusal
    const code = refused ? (error.status === 404 ? '25' : '94') : '30' // no such record, duplicate, format error
    const why = asFault(error).message
    desk.refused(refused ? error.status : 400, why)
    const fields: IsoFields = new Map([[39, code]])
    setPrivate(fields, { error: why.slice(0, 200) })
    say(fields)
  }
}

async function route(desk: Desk, message: IsoMessage): Promise<Reply<IsoFields>> {
  const { type, fields } = message
  if (type === '0800') return { answer: new Map([[39, '00']]) }
  const told = privateOf(message)
  const key = String(fields.get(62) ?? '')
  if (type === '0100' || type === '0200') return asFields(await desk.authorise(authorisationOf(message)))
  if (type === '0420' || type === '0421') return asFields(await desk.reverse(key, String(told.why ?? 'not said').slice(0, 40)))
  if (told.task === 'confirmation' || told.task === 'cancellation') return asFields(await desk.change(told.task, decodeChange(told.change)))
  if (type === '0120' || type === '0220') return asFields(await desk.advise(authorisationOf(message)))
  if (type === '0600' && told.task === 'status') return asFields(await desk.status(key))
  if (type === '0600' && told.task === 'order') {
    const { answer: order, line } = await desk.order(String(told.number), String(fields.get(42) ?? '').trimEnd() || undefined)
    const answer: IsoFields = new Map([[39, '00']])
    if (order) setPrivate(answer, encodeHostOrder(order))
    return { answer, ...(line && { line }) }
  }
  throw new Refusal(400, `no ${type} here`)
}

function asFields({ answer, line }: Reply<HostAnswer>): Reply<IsoFields> {
  return { ...(answer && { answer: answerFields(encodeAnswer(answer)) }), ...(line && { line }) }
}
