/** The virtual acquirer's other line: ISO 8583:1987 over TCP on loopback, in front of the same desk; for our client and for anybody else's. */

import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type Clock, systemClock } from '../../../src/clock.ts'
import { asFault, isFault } from '../../../src/errors.ts'
import type { HostAnswer, HostOrder } from '../../../src/payment/acquirer.ts'
import { answerFields, NO_ORIGINAL } from '../../../src/payment/host/iso8583/answers.ts'
import { type IsoFrame, type IsoMac, type IsoMessage, isoSideOf } from '../../../src/payment/host/iso8583/codec.ts'
import { type IsoDialect, type IsoDialectName, isoDialect } from '../../../src/payment/host/iso8583/dialect.ts'
import {
  amountField,
  answerType,
  authorisationOf,
  formatFault,
  type IsoFields,
  isRequest,
  keyOf,
  needed,
  privateOf,
  setPrivate,
  textOf,
} from '../../../src/payment/host/iso8583/messages.ts'
import { encodeAnswer } from '../../../src/payment/host/wire.ts'
import { decodeChange, encodeHostOrder } from '../../../src/payment/host/wire-order.ts'
import { portFault } from '../../port-fault.ts'
import type { Desk } from '../desk/desk.ts'
import { Refusal, type Reply } from '../desk/reply.ts'
import { isoIndex } from './index.ts'

/** A running ISO 8583 line. It holds a port until closed. */
export interface IsoLine extends AsyncDisposable {
  /** The TCP port on 127.0.0.1. */
  readonly port: number
  /** `iso8583://127.0.0.1:<port>`. */
  readonly url: string
  /** Connections that are open. */
  readonly connections: number
  /** Idempotent; open connections are cut. The desk stays open. */
  close(): Promise<void>
}

/** How the line is to be. */
export interface IsoLineOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** How fields are laid out; ISO 8583:1987 as this package's client speaks it when left out. */
  readonly dialect?: IsoDialectName | IsoDialect
  /** Every message has one; a message without, or with a wrong one, is answered 30 and not taken. */
  readonly mac?: IsoMac
  /** Milliseconds without a message after which a connection is closed; 5 minutes when left out. */
  readonly idleTime?: number
  /** Milliseconds for a message that has begun to be whole; 10 s when left out. */
  readonly frameTime?: number
  /** Connections at once; beyond them the one that has been silent the longest is closed. 64 when left out. */
  readonly connections?: number
  /** Times the line; the system's when left out. */
  readonly clock?: Clock
}

/** Bytes of answers that a peer may leave unread. */
const MOST_UNREAD = 1 << 20

/**
 * Starts the acquirer's other line, ISO 8583:1987 over TCP on loopback, in front of a desk that `startAcquirer` has opened.
 * @throws Fault `link-failed` when the port cannot be had, `bad-argument` for a dialect that is none
 *
 * @example
 * ```ts
 * import { startAcquirer, startIsoLine } from 'tapdip/simulator'
 *
 * await using host = await startAcquirer()
 * await using line = await startIsoLine(host.desk)
 * console.log(line.url)
 * ```
 */
export async function startIsoLine(desk: Desk, options: IsoLineOptions = {}): Promise<IsoLine> {
  const { port = 0, mac, idleTime = 300_000, frameTime = 10_000, connections = 64, clock = systemClock } = options
  const dialect = isoDialect(options.dialect)
  const side = isoSideOf({ dialect, ...(mac && { mac }) })
  const index = isoIndex(desk)
  /** Oldest word first. */
  const sockets = new Set<Socket>()
  const server: Server = createServer({ noDelay: true }, socket => {
    const decoder = side.decoder()
    let tail = 0
    let cancel = () => {}
    /** What it may take until something must be heard. */
    const limit = () => {
      cancel()
      cancel = clock.timer(tail > 0 ? frameTime : idleTime, () => {
        desk.refused(408, tail > 0 ? 'a message was begun and not ended' : 'nothing was said for too long')
        socket.destroy()
      })
    }
    sockets.add(socket)
    if (sockets.size > connections) {
      desk.refused(429, `more than ${connections} connections: the one that was silent the longest is closed`)
      for (const oldest of sockets) {
        oldest.destroy()
        sockets.delete(oldest)
        break
      }
    }
    limit()
    socket.on('data', chunk => {
      const frames = decoder.push(chunk)
      const begun = tail > 0
      tail = frames.length > 0 ? 0 : tail + chunk.length
      if (frames.length > 0) {
        sockets.delete(socket)
        sockets.add(socket)
        limit()
      } else if (!begun) limit() // its time runs from its first byte
      for (const frame of frames)
        hear(frame, socket).catch(error => {
          desk.refused(500, asFault(error).message)
          socket.destroy()
        })
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      cancel()
      sockets.delete(socket)
    })
  })
  const work = { desk, dialect, index }

  async function hear(frame: IsoFrame, socket: Socket): Promise<void> {
    if ('fields' in frame && isRequest(frame.type)) return answer(frame, socket)
    if ('fields' in frame) return desk.refused(400, `a ${frame.type} is no request`)
    const { fault, partial } = frame
    desk.refused(30, fault.message)
    if (!partial || !isRequest(partial.type)) return void socket.destroy() // nothing in it says whom to answer
    say(partial, refusal(partial, '30', String(fault.details.field ?? ''), fault.message), socket)
  }

  function say(request: IsoMessage, fields: IsoFields, socket: Socket, copies = 1): void {
    if (socket.destroyed) return
    const bytes = side.encode(replyTo(request, fields, dialect))
    for (let copy = 0; copy < copies; copy++) socket.write(bytes)
    if (socket.writableLength > MOST_UNREAD) socket.destroy() // it asks and does not listen
  }

  /** What was wrong, in 39 and 44, and to our own client in words. */
  function refusal(request: IsoMessage, code: string, what: string, why: string): IsoFields {
    const fields: IsoFields = new Map([[39, code]])
    if (what !== '') fields.set(44, what.replace(/[^\x20-\x7e]/g, '?').slice(0, 25))
    if (privateOf(request, dialect)) setPrivate(fields, { error: why.slice(0, 200) }, dialect)
    return fields
  }

  async function answer(request: IsoMessage, socket: Socket): Promise<void> {
    try {
      const { answer: fields, line } = await route(work, request)
      switch (line) {
        case 'drop':
          return void socket.destroy()
        case 'silence':
          return
        case 'garbage':
          return void socket.write(Uint8Array.from([0, 5, 0x3c, 0x68, 0x74, 0x6d, 0x6c]))
        case 'closeSocket': {
          const whole = side.encode(replyTo(request, fields ?? new Map(), dialect))
          socket.write(whole.subarray(0, whole.length / 2), () => socket.destroy())
          return
        }
        default:
          say(request, fields ?? new Map([[39, '96']]), socket, line === 'twice' ? 2 : 1)
      }
    } catch (error) {
      if (isFault(error, 'aborted')) return void socket.destroy()
      const { status, code, what } = refusalOf(error)
      const why = asFault(error).message
      desk.refused(status, why)
      say(request, refusal(request, code, what, why), socket)
    }
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', error => reject(portFault(`127.0.0.1:${port}`, error)))
    server.listen(port, '127.0.0.1', resolve)
  })
  const bound = (server.address() as AddressInfo).port
  const close = async () => {
    if (!server.listening) return
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return {
    port: bound,
    url: `iso8583://127.0.0.1:${bound}`,
    get connections() {
      return sockets.size
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Fields that an answer brings back as they came (ISO 8583:1987, table 6: mandatory echo). */
const echoed = [2, 3, 4, 7, 11, 12, 13, 37, 41, 42, 49, 70]

function replyTo(request: IsoMessage, fields: IsoFields, dialect: IsoDialect): IsoMessage {
  const back: IsoFields = new Map()
  const key = dialect.own?.key
  for (const number of [...echoed, ...(key !== undefined && privateOf(request, dialect) ? [key] : [])])
    if (request.fields.has(number) && !request.wrong?.has(number)) back.set(number, request.fields.get(number)!)
  if (back.has(70) && request.type !== '0800') back.delete(70)
  const all = new Map([...back, ...fields])
  const { header } = request
  return { type: answerType(request.type), fields: all, ...(header && { header: dialect.header?.tpdu ? exchanged(header) : header }) }
}

/** A TPDU goes back with its addresses exchanged: identifier, destination (2), origin (2). */
function exchanged(header: Uint8Array): Uint8Array {
  const [id, to1, to2, from1, from2] = header
  return Uint8Array.of(id, from1, from2, to1, to2)
}

function refusalOf(error: unknown): { status: number; code: string; what: string } {
  // 25 no such record, 94 duplicate, 40 function not supported, 12 invalid transaction, 30 format error, 96 system malfunction.
  if (error instanceof Refusal)
    return { status: error.status, code: error.status === 404 ? NO_ORIGINAL : error.status === 409 ? '94' : '40', what: '' }
  if (isFault(error, 'unsupported')) return { status: 400, code: '12', what: 'field 3' }
  if (isFault(error)) {
    const { field, path } = error.details
    return { status: 400, code: '30', what: typeof field === 'number' ? `field ${field}` : String(path ?? '') }
  }
  return { status: 500, code: '96', what: '' }
}

interface Work {
  readonly desk: Desk
  readonly dialect: IsoDialect
  readonly index: ReturnType<typeof isoIndex>
}

async function route({ desk, dialect, index }: Work, message: IsoMessage): Promise<Reply<IsoFields>> {
  const { type } = message
  const told = privateOf(message, dialect)
  // Only where the private data are ours is field 62 our key: it is every network's own.
  const ours = told !== undefined && (told.task !== undefined || told.order !== undefined)
  const key = ours ? keyOf(message, dialect) : undefined
  const icc = message.fields.get(55)
  const hexIcc = icc instanceof Uint8Array && /^([\dA-Fa-f]{2})+$/.test(String.fromCharCode(...icc))
  const asFields = ({ answer, line }: Reply<HostAnswer>, reversing = false): Reply<IsoFields> => ({
    ...(answer && { answer: answerFields(encodeAnswer(answer), { dialect, ours, reversing, hexIcc }) }),
    ...(line && { line }),
  })
  switch (type) {
    case '0800': {
      const code = textOf(message, 70) ?? dialect.network.echo
      const { echo, signOn = '001', signOff = '002' } = dialect.network
      return { answer: new Map([[39, [echo, signOn, signOff].includes(code) ? '00' : '40']]) }
    }
    case '0100':
    case '0101':
    case '0200':
    case '0201': {
      if (ours && told.task === 'increment') return asFields(await desk.change('increment', decodeChange(told.change)))
      const raised = !ours && type.startsWith('010') && message.fields.has(90) ? index.find(message, undefined) : undefined
      if (raised?.known) return asFields(await desk.change('increment', raised.change(message, BigInt(needed(message, 4)))))
      if (raised) return { answer: new Map([[39, NO_ORIGINAL]]) }
      const asked = authorisationOf(message, dialect)
      if (key !== undefined && key !== asked.key) throw formatFault(dialect.own!.key, 'the private data say something else')
      index.add(message, asked)
      return asFields(await desk.authorise(asked, given(message)))
    }
    case '0420':
    case '0421':
    case '0400':
    case '0401': {
      if (ours && told.task === 'cancellation') return asFields(await desk.change('cancellation', decodeChange(told.change)))
      const why = String(told?.why ?? 'not said').slice(0, 40)
      const found = index.find(message, key)
      if (!found.known) {
        // It may still be on its way: what a reversal has named is not charged any more.
        const { line } = await desk.reverse(found.key, why)
        const none = answerFields({ state: 'reversed' }, { dialect, ours }).set(39, NO_ORIGINAL)
        return line === 'drop' ? { line } : { answer: none, ...(line && { line }) }
      }
      const left = found.left(message)
      if (left === undefined) return asFields(await desk.reverse(found.key, why), true)
      return asFields(await desk.change('cancellation', found.change(message, left)))
    }
    case '0120':
    case '0121':
    case '0220':
    case '0221': {
      if (ours && (told.task === 'confirmation' || told.task === 'cancellation'))
        return asFields(await desk.change(told.task, decodeChange(told.change)))
      const found = message.fields.has(90) ? index.find(message, undefined) : undefined
      if (found?.known) return asFields(await desk.change('confirmation', found.change(message, BigInt(needed(message, 4)))))
      if (found) return { answer: new Map([[39, NO_ORIGINAL]]) }
      const asked = authorisationOf(message, dialect)
      index.add(message, asked)
      return asFields(await desk.advise(asked, given(message)))
    }
    case '0600': {
      if (ours && told.task === 'status' && key !== undefined) return withOriginal(asFields(await desk.status(key)), desk, key)
      if (!ours || told.task !== 'order') break
      const { answer: order, line } = await desk.order(String(told.number), textOf(message, 42)?.trimEnd() || undefined)
      const answer: IsoFields = new Map([[39, '00']])
      if (order) setOrder(answer, order, dialect)
      return { answer, ...(line && { line }) }
    }
  }
  throw new Refusal(400, `no ${type} here`)
}

/** An order with as much of its history as the private fields hold: documents go first, then the oldest operations. Its money and its state are always there. */
function setOrder(answer: IsoFields, order: HostOrder, dialect: IsoDialect): void {
  const { fiscal: _, ...plain } = order
  const shorter = [
    order,
    ...order.operations.map((_one, gone) => ({ ...plain, operations: order.operations.slice(gone) })),
    { ...plain, operations: [] },
  ]
  for (const [index, shown] of shorter.entries())
    try {
      setPrivate(answer, encodeHostOrder(shown), dialect)
      return
    } catch (error) {
      if (!isFault(error, 'bad-argument') || index === shorter.length - 1) throw error
    }
}

/** The terminal's own number of the payment. */
function given(message: IsoMessage): { readonly rrn?: string } {
  const rrn = textOf(message, 37)?.trim()
  return rrn ? { rrn } : {}
}

/** What the payment was for, so that whoever asks can compare. */
function withOriginal(reply: Reply<IsoFields>, desk: Desk, key: string): Reply<IsoFields> {
  const { answer } = reply
  const found = desk.book.find(key)
  if (!answer || found?.operation.type !== 'payment') return reply
  if (!answer.has(4)) answer.set(4, amountField(found.transaction.amount))
  answer.set(49, String(found.order.currency.numeric).padStart(3, '0'))
  return reply
}
