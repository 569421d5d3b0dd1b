/** An acquirer over ISO 8583:1987: one connection that is kept, one message at a time on it, an echo after a silence. */

import { type Clock, systemClock } from '../clock.ts'
import type { Waiting } from '../emv/terminal.ts'
import { abortFault, asFault, Fault, isFault, throwIfAborted } from '../errors.ts'
import { maskNumbers } from '../mask.ts'
import { Conversation } from '../reader/conversation.ts'
import type { Link } from '../transport/link.ts'
import type { AuthorisationMessage, HostAnswer, HostOrder, OrderAcquirer, OrderChange } from './acquirer.ts'
import { type IsoFrame, type IsoMessage, isoSide } from './iso8583.ts'
import {
  answerOf,
  answerType,
  authorisationFields,
  type IsoFields,
  type IsoTask,
  privateOf,
  setPrivate,
  typeOf,
} from './iso8583-messages.ts'
import { decodeAnswer, type Json } from './wire.ts'
import { decodeHostOrder, encodeChange } from './wire-order.ts'

export interface Iso8583Options {
  /** Opens the line to the host; `connect` of tapdip, for TCP. */
  readonly connect: (options: { signal: AbortSignal }) => Promise<Link>
  /** Terminal of messages that name none: field 41. */
  readonly terminal?: string
  /** Milliseconds for one message and its answer; 30 s when left out. */
  readonly timeout?: number
  readonly clock?: Clock
}

export interface Iso8583Acquirer extends OrderAcquirer {
  /** 0800: the host is there. @throws Fault `host-unreachable`, `host-no-answer`, `host-error` */
  echo(options?: Partial<Waiting>): Promise<void>
  /** Closes the connection; the next message opens another. Idempotent. */
  close(): Promise<void>
}

/** Milliseconds of silence after which the line is tried before something is said over it, and what the host has for that. */
const SILENCE = 60_000
const ECHO_TIME = 5000

type Line = Conversation<IsoMessage, IsoFrame>

/** Field 70: echo test. */
const ECHO = '301'

export function iso8583Acquirer({
  connect,
  terminal = '00000000',
  timeout = 30_000,
  clock = systemClock,
}: Iso8583Options): Iso8583Acquirer {
  let line: Promise<Line> | undefined
  let heard = 0
  let trace = Math.floor(clock.now() / 1000) % 1_000_000
  /** Reversals that were sent before: the next one is a repeat. */
  const reversed = new Set<string>()

  /** The connection, opened when there is none. @throws Fault `host-unreachable` */
  async function connected(signal: AbortSignal): Promise<Line> {
    line ??= (async () => {
      const made: Line = new Conversation(await connect({ signal }), isoSide, { clock, timeout })
      heard = clock.now()
      void made.closed.then(() => {
        line = undefined
      })
      return made
    })()
    try {
      return await line
    } catch (error) {
      line = undefined
      if (signal.aborted) throw abortFault(signal)
      throw new Fault('host-unreachable', `cannot connect to the host: ${asFault(error).message}`, {}, { cause: error })
    }
  }

  /** A line that answers: one that was silent for long is asked first, and opened anew when it says nothing. */
  async function ready(signal: AbortSignal): Promise<Line> {
    const open = await connected(signal)
    if (clock.now() - heard < SILENCE) return open
    try {
      await exchange(open, '0800', new Map([[70, ECHO]]), ECHO_TIME, signal)
      return open
    } catch {
      throwIfAborted(signal)
      await open.close()
      line = undefined
      return connected(signal)
    }
  }

  async function exchange(open: Line, type: string, fields: IsoFields, limit: number, signal: AbortSignal): Promise<IsoMessage> {
    trace = (trace % 999_999) + 1
    const stan = String(trace).padStart(6, '0')
    const now = new Date(clock.now())
    const two = (value: number) => String(value).padStart(2, '0')
    const sent = `${two(now.getUTCMonth() + 1)}${two(now.getUTCDate())}${two(now.getUTCHours())}${two(now.getUTCMinutes())}${two(now.getUTCSeconds())}`
    const all: IsoFields = new Map([[41, terminal.padEnd(8)], ...fields, [7, sent], [11, stan]])
    const answer = answerType(type)
    const reply = await open.ask<IsoFrame>(
      { type, fields: all },
      {
        timeout: limit,
        signal,
        accept: frame =>
          frame.type === 'malformed' ||
          ('fields' in frame && frame.type === answer && frame.fields.get(11) === stan && frame.fields.get(7) === sent),
      },
    )
    heard = clock.now()
    if ('fault' in reply) throw reply.fault
    return reply
  }

  /** @throws Fault `host-unreachable`, `host-no-answer`, `host-error`, `aborted`, `bad-argument` */
  async function call(type: string, fields: IsoFields, outer: AbortSignal | undefined): Promise<IsoMessage> {
    throwIfAborted(outer)
    const signal = outer ?? new AbortController().signal
    const open = await ready(signal)
    try {
      return await exchange(open, type, fields, timeout, signal)
    } catch (error) {
      if (signal.aborted) throw abortFault(signal)
      if (isFault(error, 'bad-argument', 'unsupported')) throw error
      if (isFault(error, 'timeout', 'link-closed'))
        throw new Fault('host-no-answer', `the host did not answer ${type}: ${error.message}`, {}, { cause: error })
      throw new Fault('host-error', `the host answered ${type} with no message: ${asFault(error).message}`, {}, { cause: error })
    }
  }

  async function answered(type: string, fields: IsoFields, signal: AbortSignal | undefined): Promise<HostAnswer> {
    const message = await call(type, fields, signal)
    return decoded(message, () => decodeAnswer(answerOf(message)))
  }

  /** @throws Fault `host-error` where the host refuses the message, or its answer is none */
  function decoded<T>(message: IsoMessage, decode: () => T): T {
    try {
      const { error } = privateOf(message)
      if (error !== undefined)
        throw new Fault('host-error', `host refuses the message: ${maskNumbers(String(error)).slice(0, 200)}`, {
          code: String(message.fields.get(39)),
        })
      return decode()
    } catch (error) {
      if (isFault(error, 'host-error')) throw error
      throw new Fault('host-error', `answer is malformed: ${asFault(error).message}`, {}, { cause: error })
    }
  }

  const task = (what: IsoTask, json: Record<string, Json>, key?: string): IsoFields => {
    const fields: IsoFields = new Map()
    if (key !== undefined) fields.set(62, key)
    setPrivate(fields, { task: what, ...json })
    return fields
  }
  const payment = (what: 'authorisation' | 'advice') => {
    return async (message: AuthorisationMessage, { signal }: Partial<Waiting> = {}) =>
      answered(typeOf(what, { hold: message.hold === true }), authorisationFields(message), signal)
  }
  const change = (what: 'confirmation' | 'cancellation') => {
    return async (asked: OrderChange, { signal }: Partial<Waiting> = {}) => {
      const fields = task(what, { change: encodeChange(asked) }, asked.key)
      if (asked.amount !== undefined) fields.set(4, asked.amount.toString().padStart(12, '0'))
      return answered(typeOf(what), fields.set(41, asked.merchant.terminal.padEnd(8)).set(42, asked.merchant.id.padEnd(15)), signal)
    }
  }
  return {
    authorise: payment('authorisation'),
    advise: payment('advice'),
    confirm: change('confirmation'),
    cancel: change('cancellation'),
    status: async (key, { signal } = {}) => answered(typeOf('status'), task('status', {}, key), signal),
    async reverse(key, why, { signal } = {}) {
      const repeat = reversed.has(key)
      reversed.add(key)
      const { state } = await answered(typeOf('reversal', { repeat }), task('reversal', { why }, key), signal)
      if (state !== 'reversed' && state !== 'declined')
        throw new Fault('host-error', `host did not confirm the reversal: the state is ${state}`, { state })
      reversed.delete(key)
    },
    async order({ id, terminal: own }, number, { signal } = {}): Promise<HostOrder | undefined> {
      const fields = task('order', { number }).set(41, own.padEnd(8)).set(42, id.padEnd(15))
      const message = await call(typeOf('order'), fields, signal)
      if (message.fields.get(39) === '25') return undefined
      return decoded(message, () => decodeHostOrder(privateOf(message)))
    },
    async echo({ signal } = {}) {
      await call('0800', new Map([[70, ECHO]]), signal)
    },
    async close() {
      const open = await line?.catch(() => undefined)
      line = undefined
      await open?.close()
    },
  }
}
