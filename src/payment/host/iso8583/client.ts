/** An acquirer over ISO 8583:1987: one connection that is kept, one message at a time on it, an echo after a silence; any bank's, by dialect. */

import { type Clock, systemClock } from '../../../clock.ts'
import * as door from '../../../door.ts'
import type { Waiting } from '../../../emv/terminal.ts'
import { abortFault, asFault, Fault, isFault, throwIfAborted } from '../../../errors.ts'
import { Conversation } from '../../../reader/conversation.ts'
import type { Link } from '../../../transport/link.ts'
import type { AuthorisationMessage, ChangeKind, HostOrder, OrderAcquirer, OrderChange } from '../../acquirer.ts'
import { agreed, askedBy, askedByChange, contradiction } from '../agreement.ts'
import type { Json } from '../wire.ts'
import { decodeHostOrder, encodeChange } from '../wire-order.ts'
import { checkAgreement, codeOf, NO_ORIGINAL, paymentAnswer, reversalConfirmed, statusAnswer, toldBy } from './answers.ts'
import { type IsoFrame, type IsoMac, type IsoMessage, isoSideOf } from './codec.ts'
import { type IsoDialect, type IsoDialectName, isoDialect } from './dialect.ts'
import {
  amountField,
  answerType,
  authorisationFields,
  type IsoFields,
  type IsoTask,
  privateOf,
  repeatOf,
  retrievalReference,
  setPrivate,
  transmissionTime,
  typeOf,
} from './messages.ts'
import { type IsoMemory, originalElements, originals, type Remembered, replacementAmounts } from './originals.ts'

/** The line to the host, and how the host has its messages. */
export interface Iso8583Options {
  /** Opens the line to the host; `connect` of tapdip, for TCP. */
  readonly connect: (options: Pick<Waiting, 'signal'>) => Promise<Link>
  /** Terminal of messages that name none: field 41. */
  readonly terminal?: string
  /** Milliseconds for one message and its answer; 30 s when left out. */
  readonly timeout?: number
  /** How this bank has its messages; tapdip's own host, or any that speaks plain ASCII, when left out. */
  readonly dialect?: IsoDialectName | IsoDialect
  /** Every message has a MAC (field 64 or 128), and no answer is taken without a right one. */
  readonly mac?: IsoMac
  /** Keeps what was sent over a restart: for hosts that do not know our keys. */
  readonly memory?: IsoMemory
  /** Times the waits and dates messages; the system's when left out. */
  readonly clock?: Clock
}

/** An acquirer that keeps a line of its own. */
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

const lineRule = door.shape({
  connect: door.callable,
  terminal: door.maybe(door.text(1, 8)),
  timeout: door.maybe(door.milliseconds),
  clock: door.maybe(door.clock),
})

/** What identifies a message on the line: a repeat has the same. */
interface Trace {
  readonly stan: string
  readonly sent: string
}

/**
 * A client of ISO 8583:1987 (docs/acquirer.md). The connection is opened with the first message, and again after a loss; one message is on
 * it at a time. @throws Fault `bad-argument`
 * @example
 * ```ts
 * import { connect, iso8583Acquirer } from 'tapdip'
 *
 * const acquirer = iso8583Acquirer({
 *   connect: ({ signal }) => connect('tcp://10.0.0.7:5000', { signal }),
 *   terminal: '63545902',
 *   dialect: 'ebcdic',
 * })
 * await acquirer.echo() // 0800: the host is there
 * await acquirer.close()
 * ```
 */
export function iso8583Acquirer(options: Iso8583Options): Iso8583Acquirer {
  door.need('options', options, lineRule)
  const { connect, terminal = '00000000', timeout = 30_000, mac, memory, clock = systemClock } = options
  const dialect = isoDialect(options.dialect)
  const side = isoSideOf({ dialect, ...(mac && { mac }) })
  let line: Promise<Line> | undefined
  let heard = 0
  let count = Math.floor(clock.now() / 1000) % 1_000_000
  /** Reversals that were sent before: the next one is a repeat, with the same trace number and time. */
  const reversed = new Map<string, Trace>()
  const known = originals(memory)

  function nextTrace(): Trace {
    count = (count % 999_999) + 1
    return { stan: String(count).padStart(6, '0'), sent: transmissionTime(new Date(clock.now())) }
  }

  /** The connection, opened when there is none, and signed on where the bank wants that. @throws Fault `host-unreachable` */
  async function connected(signal: AbortSignal): Promise<Line> {
    line ??= (async () => {
      const made: Line = new Conversation(await connect({ signal }), side, { clock, timeout, backlog: 16 })
      heard = clock.now()
      void made.closed.then(() => {
        line = undefined
      })
      void answerManagement(made)
      const { signOn } = dialect.network
      if (signOn) await manage(made, signOn, timeout, signal)
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

  async function manage(open: Line, code: string, limit: number, signal: AbortSignal): Promise<void> {
    const answer = await exchange(open, '0800', new Map([[70, code]]), nextTrace(), limit, signal)
    const said = codeOf(answer)
    if (said !== '00') throw new Fault('host-error', `the host answered 0800 (${code}) with ${said}`, { code: said })
  }

  /** A line that answers: one that was silent for long is asked first, and opened anew when it says nothing. */
  async function ready(signal: AbortSignal): Promise<Line> {
    const open = await connected(signal)
    if (clock.now() - heard < SILENCE) return open
    try {
      await manage(open, dialect.network.echo, ECHO_TIME, signal)
      return open
    } catch {
      throwIfAborted(signal)
      await open.close()
      line = undefined
      return connected(signal)
    }
  }

  async function exchange(open: Line, type: string, fields: IsoFields, { stan, sent }: Trace, limit: number, signal: AbortSignal) {
    const all: IsoFields = new Map([[41, terminal.padEnd(8)], ...fields, [7, sent], [11, stan]])
    const wanted = answerType(type)
    const reply = await open.ask<IsoFrame>(
      { type, fields: all },
      {
        timeout: limit,
        signal,
        accept: frame =>
          frame.type === 'malformed' ||
          ('fields' in frame && frame.type === wanted && frame.fields.get(11) === stan && sameTime(frame, sent)),
      },
    )
    heard = clock.now()
    if ('fault' in reply) {
      if (reply.fault.details.field === 'length') void open.close() // nothing tells where its next message begins
      throw reply.fault
    }
    checkAgreement(all, reply, dialect)
    return reply
  }

  /** @throws Fault `host-unreachable`, `host-no-answer`, `host-error`, `aborted`, `bad-argument` */
  async function call(type: string, fields: IsoFields, outer: AbortSignal | undefined, trace = nextTrace()): Promise<IsoMessage> {
    throwIfAborted(outer)
    const signal = outer ?? new AbortController().signal
    const open = await ready(signal)
    try {
      return await exchange(open, type, fields, trace, timeout, signal)
    } catch (error) {
      if (signal.aborted) throw abortFault(signal)
      if (isFault(error, 'bad-argument', 'unsupported', 'host-error')) throw error
      if (isFault(error, 'timeout', 'link-closed'))
        throw new Fault('host-no-answer', `the host did not answer ${type}: ${error.message}`, {}, { cause: error })
      throw new Fault('host-error', `the host answered ${type} with no message: ${asFault(error).message}`, {}, { cause: error })
    }
  }

  const task = (what: IsoTask, json: Record<string, Json>, key?: string): IsoFields => {
    const fields: IsoFields = new Map()
    if (key !== undefined && dialect.own) fields.set(dialect.own.key, key)
    setPrivate(fields, { task: what, ...json }, dialect)
    return fields
  }

  const payment = (what: 'authorisation' | 'advice') => {
    return async (message: AuthorisationMessage, { signal }: Partial<Waiting> = {}) => {
      const type = typeOf(what, { hold: message.hold === true, check: message.type === 'check' })
      const fields = authorisationFields(message, dialect)
      const before = (await known.find(message.key))?.original
      // An advice is repeated as it was: hosts know it by its trace. Asked again, an authorisation is the same payment under a new trace number.
      const again = what === 'advice' && before?.type === type
      const trace = again ? { stan: before.fields[11], sent: before.fields[7] } : nextTrace()
      fields.set(37, before?.fields[37] ?? retrievalReference(message.at, trace.stan))
      await known.sending(message.key, message, type, new Map([...fields, [7, trace.sent], [11, trace.stan]]))
      const answer = agreed(paymentAnswer(await call(again ? repeatOf(type) : type, fields, signal, trace), dialect), askedBy(message))
      await known.answered(message.key, answer)
      return answer
    }
  }

  const change = (what: ChangeKind) => {
    return async (asked: OrderChange, { signal }: Partial<Waiting> = {}) => {
      const { merchant, number, amount } = asked
      const original = known.ofOrder(merchant.id, number)
      if (!dialect.own && (!original || asked.items))
        throw new Fault(
          'unsupported',
          `a ${what} of ${asked.items ? 'items' : 'a payment that is not remembered'} has no form in this dialect`,
          {
            feature: what,
          },
        )
      if (asked.final && !dialect.own)
        throw new Fault('unsupported', 'that a confirmation is the last has no form in this dialect: cancel what is left', {
          feature: 'final',
        })
      const fields = task(what, { change: encodeChange(asked) }, asked.key)
      if (original) nameOriginal(fields, original)
      if (dialect.own) fields.delete(37) // the change has a number of its own, and our host knows the payment by its order
      if (what !== 'cancellation' || !dialect.own) partOf(fields, what, original, amount)
      else if (amount !== undefined) fields.set(4, amountField(amount))
      else fields.delete(4)
      fields.set(41, merchant.terminal.padEnd(8)).set(42, merchant.id.padEnd(15))
      return agreed(paymentAnswer(await call(typeOf(what), fields, signal), dialect), askedByChange(asked))
    }
  }

  return {
    authorise: payment('authorisation'),
    advise: payment('advice'),
    increment: change('increment'),
    confirm: change('confirmation'),
    cancel: change('cancellation'),
    async status(key, { signal } = {}) {
      // Networks have no inquiry for it: there the reversal is the question.
      if (!dialect.own) return { state: 'unknown' }
      const one = await known.find(key)
      const fields = task('status', {}, key)
      for (const number of [41, 42]) if (one?.original.fields[number] !== undefined) fields.set(number, one.original.fields[number])
      const message = await call(typeOf('status'), fields, signal)
      if (one) checkAgreement(new Map([...namesOf(one), [11, String(message.fields.get(11))]]), message, dialect)
      const answer = agreed(statusAnswer(message, dialect), { key })
      await known.answered(key, answer)
      return answer
    },
    async reverse(key, why, { signal, approved = false } = {}) {
      const one = await known.find(key)
      if (!one && !dialect.own)
        throw new Fault('host-error', 'the payment is not remembered: nothing names it to this host', { feature: 'originalDataElements' })
      const before = reversed.get(key)
      const trace = before ?? nextTrace()
      reversed.set(key, trace)
      const fields = task('reversal', { why }, key)
      if (one) nameOriginal(fields, one)
      const message = await call(typeOf('reversal', { repeat: before !== undefined }), fields, signal, trace)
      reversalConfirmed(message, dialect, { named: one !== undefined, approved: approved || one?.original.approved === true })
      reversed.delete(key)
    },
    async order({ id, terminal: own }, number, { signal } = {}): Promise<HostOrder | undefined> {
      if (!dialect.own) throw new Fault('unsupported', 'this dialect has no inquiry for an order', { feature: 'orders' })
      const fields = task('order', { number }).set(41, own.padEnd(8)).set(42, id.padEnd(15))
      const message = await call(typeOf('order'), fields, signal)
      if (message.fields.get(39) === NO_ORIGINAL) return undefined
      toldBy(message, dialect)
      let order: HostOrder
      try {
        order = decodeHostOrder(privateOf(message, dialect))
      } catch (error) {
        throw new Fault('host-error', `answer is malformed: ${asFault(error).message}`, {}, { cause: error })
      }
      if (order.number !== number) throw contradiction('order', `it is about order ${order.number}, asked was ${number}`)
      return order
    },
    async echo({ signal } = {}) {
      const said = codeOf(await call('0800', new Map([[70, dialect.network.echo]]), signal))
      if (said !== '00') throw new Fault('host-error', `the host answered the echo with ${said}`, { code: said })
    },
    async close() {
      const open = await line?.catch(() => undefined)
      line = undefined
      const { signOff } = dialect.network
      if (open && signOff) await manage(open, signOff, ECHO_TIME, new AbortController().signal).catch(() => {})
      await open?.close()
    },
  }
}

/** Banks try the line too: their 0800 gets its 0810. Ends with the line. */
async function answerManagement(line: Line): Promise<void> {
  try {
    for await (const frame of line.incoming) {
      if (frame.type !== '0800' || !('fields' in frame)) continue
      const echoed = [...frame.fields].filter(([number]) => [7, 11, 41, 70].includes(number))
      await line.tell({ type: '0810', fields: new Map([...echoed, [39, '00']]) })
    }
  } catch {
    // the line is over: whoever asks next is told
  }
}

function sameTime({ fields }: IsoMessage, sent: string): boolean {
  const back = fields.get(7)
  return back === undefined || back === sent
}

/** What an answer about a payment must repeat of it. */
function namesOf({ original, pan }: Remembered): IsoFields {
  const fields: IsoFields = new Map()
  for (const number of [3, 4, 37, 41, 42, 49]) if (original.fields[number] !== undefined) fields.set(number, original.fields[number])
  if (pan !== undefined) fields.set(2, pan)
  return fields
}

/** A reversal repeats what its original said, and names it in field 90 (ISO 8583:1987, 4.4.90). */
function nameOriginal(fields: IsoFields, one: Remembered): void {
  const { original, pan } = one
  for (const number of [3, 4, 12, 13, 22, 37, 41, 42, 49])
    if (original.fields[number] !== undefined) fields.set(number, original.fields[number])
  if (pan !== undefined) fields.set(2, pan)
  fields.set(25, '00')
  if (original.authorisation !== undefined) fields.set(38, original.authorisation.padEnd(6))
  fields.set(90, originalElements(original))
}

/** How much of a payment: the amount of a confirmation in 4; of a cancellation what is left in 95, where something is. */
function partOf(fields: IsoFields, what: ChangeKind, one: Remembered | undefined, amount: bigint | undefined): void {
  if (what !== 'cancellation') {
    if (amount !== undefined) fields.set(4, amountField(amount))
    return
  }
  const whole = BigInt(one?.original.fields[4] ?? 0)
  if (amount !== undefined && amount < whole) fields.set(95, replacementAmounts(whole - amount))
}
