/** A BluePad in the `emv2` dialect, over calls instead of bytes: a Reader for an app that has the vendor's library, or a virtual reader, behind an `Emv2Port`. */

import { type Clock, systemClock, within } from '../../src/clock.ts'
import * as door from '../../src/door.ts'
import type { Outcome, Reason } from '../../src/emv/outcome.ts'
import type { Terminal, Transaction } from '../../src/emv/terminal.ts'
import { asFault, Fault, type FaultCode, isFault } from '../../src/errors.ts'
import type { MessageId } from '../../src/messages/messages.ts'
import { Queue } from '../../src/queue.ts'
import type { Broadcast } from '../../src/reader/broadcast.ts'
import type { Reader, ReaderEvent, ReaderInfo, ReaderStatus } from '../../src/reader/reader.ts'
import { Relay } from '../../src/reader/relay.ts'
import { ReaderWork } from '../../src/reader/work.ts'
import type { Emv2Call, Emv2Event, Emv2Identification, Emv2Port, HostQuestion, UiMessage } from './codec.ts'
import { faultCodes, reasonOf } from './endings.ts'

export type { Emv2Call, Emv2Event, Emv2Identification, Emv2Port } from './codec.ts'

/** How the reader is opened. */
export interface Emv2Options {
  /** Gives up the opening. */
  readonly signal?: AbortSignal | undefined
  /** Times every wait; the system's when left out. */
  readonly clock?: Clock | undefined
}

/** Seconds for a card; milliseconds for an answer to a call, for the reader to be heard of again, and to end what was cancelled. */
const CARD_WAIT = 60
const ANSWER = 15_000
const SILENCE = 300_000
const SETTLE = 5000

/** @throws Fault `timeout`, `aborted`, `link-closed`, or what the port rejects with; the port is closed then */
export async function openEmv2(port: Emv2Port, { signal, clock = systemClock }: Emv2Options = {}): Promise<Reader> {
  door.need('port', port, door.having('an Emv2Port', 'call', 'close'))
  try {
    const identification = await identify(port, clock, signal)
    return new Emv2Reader(port, clock, identification)
  } catch (error) {
    await port.close()
    throw error
  }
}

async function identify(port: Emv2Port, clock: Clock, signal: AbortSignal | undefined): Promise<Emv2Identification> {
  const said = await within({ timeout: ANSWER, clock, signal, what: 'getIdentification' }, () => port.call({ type: 'getIdentification' }))
  if (!said) throw new Fault('protocol', 'the reader does not say who it is')
  return said
}

class Emv2Reader implements Reader {
  readonly info: ReaderInfo
  readonly events: Broadcast<ReaderEvent>
  readonly #port: Emv2Port
  readonly #clock: Clock
  readonly #work: ReaderWork
  #status: ReaderStatus
  #gone!: () => void

  constructor(port: Emv2Port, clock: Clock, identification: Emv2Identification) {
    const { serial, model, firmware } = identification
    this.#port = port
    this.#clock = clock
    const closed = new Promise<void>(resolve => {
      this.#gone = resolve
    })
    this.#work = new ReaderWork(closed)
    this.events = this.#work.events
    const stop = port.listen(event => event.type === 'release' && this.#gone())
    void closed.then(stop)
    this.info = {
      ...{ family: 'bluepad', ...(model && { model }), serial, ...(firmware && { firmware }) },
      capabilities: ['chip', 'tap', 'swipe', 'pinPad', 'display'],
      applicationSelection: 'reader',
      fallback: 'reader',
    }
    this.#status = this.#learn(identification)
  }

  async status({ signal }: { signal?: AbortSignal } = {}): Promise<ReaderStatus> {
    if (this.#work.busy === 'a payment') return this.#status
    return this.#work.alone(
      'a status request',
      async stop => {
        this.#status = this.#learn(await identify(this.#port, this.#clock, stop))
        return this.#status
      },
      signal,
    )
  }

  /** A version that is told and empty: only the loader runs. */
  #learn({ battery = {}, firmware }: Emv2Identification): ReaderStatus {
    return { ...this.#work.battery(battery), ...(firmware === '' && { needs: 'firmware' }) }
  }

  async transact(transaction: Transaction, terminal: Terminal, { signal }: { signal?: AbortSignal } = {}): Promise<Outcome> {
    const emit = (event: ReaderEvent) => this.events.send(event)
    const { length } = transaction.interfaces ?? ['any']
    if (length === 0) throw new Fault('unsupported', 'a payment needs an interface', { feature: 'interfaces' })
    return this.#work.alone(
      'a payment',
      stop =>
        pay(this.#port, new Relay({ transaction, terminal, clock: this.#clock, signal: stop, emit, spent: this.#work.spent }, 'told')),
      signal,
    )
  }

  close(): Promise<void> {
    return this.#work.close(async () => {
      await this.#port.close()
      this.#gone()
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

type Happening = Emv2Event | { readonly type: 'stop' } | { readonly type: 'failed'; readonly error: unknown }

async function pay(port: Emv2Port, relay: Relay): Promise<Outcome> {
  const { signal } = relay
  if (signal.aborted) return relay.aborted()
  const happenings = new Queue<Happening>()
  const stop = () => happenings.push({ type: 'stop' })
  const asking = new AbortController()
  const deaf = port.listen(event => happenings.push(event))
  signal.addEventListener('abort', stop, { once: true })
  const failed = (error: unknown) => happenings.push({ type: 'failed', error })
  try {
    port.call(startOf(relay)).catch(failed)
    return await follow(port, relay, happenings, asking, failed)
  } catch (error) {
    if (signal.aborted && !isFault(error, 'link-closed')) return relay.aborted()
    return relay.broken(error)
  } finally {
    asking.abort(new Fault('aborted', 'the payment is over'))
    deaf()
    signal.removeEventListener('abort', stop)
  }
}

function startOf({ transaction, clock }: Relay): Emv2Call {
  const {
    type = 'purchase',
    amount,
    otherAmount,
    currency,
    interfaces = ['chip', 'tap', 'swipe'],
    forceOnline = false,
    fallback,
    prefer,
  } = transaction
  return {
    type: 'startTransaction',
    ...{ transactionType: type, amount, currency: currency.numeric, interfaces, forceOnline, timeout: CARD_WAIT },
    ...(otherAmount !== undefined && { otherAmount }),
    ...(fallback && { fallback }),
    ...(prefer && { prefer }),
    at: transaction.at ?? new Date(clock.now()),
  }
}

/** What the reader has said of card and cardholder. A PIN that came with it was entered, as far as the reader knows. */
function learn(relay: Relay, { interface: by, cvm, tags }: Pick<HostQuestion, 'interface' | 'cvm' | 'tags'>, pin: Pin): void {
  relay.by = by
  relay.verified = cvm
  relay.learn(tags)
  if (pin.asked && (cvm === 'onlinePin' || cvm === 'offlinePin')) relay.emit({ type: 'pin', event: 'ok', offline: cvm === 'offlinePin' })
  pin.asked = false
}

interface Pin {
  /** The cardholder was asked for it, and how that ended is not known yet. */
  asked: boolean
}

async function follow(
  port: Emv2Port,
  relay: Relay,
  happenings: Queue<Happening>,
  asking: AbortController,
  failed: (error: unknown) => void,
): Promise<Outcome> {
  const { clock, signal } = relay
  let deadline: number | undefined
  let waiting = false
  const pin: Pin = { asked: false }
  for (;;) {
    const timeout = deadline === undefined ? (waiting ? undefined : SILENCE) : Math.max(0, deadline - clock.now())
    const said = await happenings.next({ clock, ...(timeout !== undefined && { timeout }), what: 'the payment' })
    switch (said?.type) {
      case 'stop':
        deadline = clock.now() + SETTLE
        asking.abort(new Fault('aborted', 'the payment was cancelled'))
        port.call({ type: 'cancelTransaction' }).catch(failed)
        break
      case 'updateUserInterface':
        tell(relay, said.message, pin)
        break
      case 'onlineAuthorisationRequest':
        relay.pinBlock = said.question.pinBlock
        learn(relay, said.question, pin)
        if (signal.aborted) break // it was not asked before, and is not any more
        waiting = true
        relay
          .authorise(asking.signal)
          .then(reply => port.call({ type: 'setOnlineResult', reply }))
          .catch(error => asking.signal.aborted || failed(error))
          .finally(() => {
            waiting = false
          })
        break
      case 'transactionFinish':
        if (signal.aborted) return relay.aborted()
        learn(relay, said, pin)
        return said.fallback ? { ...(await finished(relay, said)), fallback: true } : await finished(relay, said)
      case 'transactionError':
        throw new Fault(codeOf(said.code), said.message, { code: said.code })
      case 'failed':
        port.call({ type: 'cancelTransaction' }).catch(() => {})
        throw asFault(said.error)
      default: // release, or the end of everything
        throw new Fault('link-closed', 'the reader is gone')
    }
  }
}

async function finished(relay: Relay, { result, reason, fallback }: Extract<Emv2Event, { type: 'transactionFinish' }>): Promise<Outcome> {
  if (result === 'approved') return relay.approved()
  // The reader did not wait for the host any longer: it may have approved, or may yet.
  const due = relay.asked && !relay.response ? { reversal: true } : {}
  const known: Reason | undefined = reasonOf(reason)
  if (known !== undefined && known !== 'offlineDeclined') return relay.ended(result, known, { ...(fallback && { fallback }), ...due })
  return result === 'declined' ? relay.declined(due.reversal) : relay.ended(result, 'cardholderCancelled', due)
}

function codeOf(code: string): FaultCode {
  return faultCodes.find(one => one === code) ?? 'reader-error'
}

/** What the messages are in ours; those that are not here change nothing that an app shows. */
const screens: { readonly [M in UiMessage]?: MessageId } = {
  NOT_WORKING: 'reader.outOfService',
  APPROVED: 'reader.approved',
  DECLINED: 'reader.declined',
  PLEASE_ENTER_PIN: 'reader.enterPin',
  ERROR_PROCESSING: 'reader.cardError',
  REMOVE_CARD: 'reader.removeCard',
  PRESENT_CARD: 'reader.presentCard',
  IDLE: 'reader.idle',
  PROCESSING: 'reader.processing',
  CARD_READ_OK_REMOVE: 'reader.cardReadOk',
  TRY_OTHER_INTERFACE: 'reader.insertOrSwipe',
  CARD_COLLISION: 'reader.presentOneCard',
  SIGN_APPROVED: 'reader.approvedSign',
  ONLINE_AUTHORISATION: 'reader.authorising',
  TRY_OTHER_CARD: 'reader.tryAnotherCard',
  INSERT_CARD: 'reader.insertCard',
  SEE_PHONE: 'reader.seePhone',
  PRESENT_CARD_AGAIN: 'reader.presentCardAgain',
}

/** Asked for again within one payment, the PIN before was wrong: the messages have no other word for it. */
function tell(relay: Relay, message: UiMessage, pin: Pin): void {
  if (message === 'PLEASE_ENTER_PIN') {
    if (pin.asked) relay.emit({ type: 'pin', event: 'wrong' })
    relay.emit({ type: 'pin', event: 'started' })
    pin.asked = true
  }
  const screen = screens[message]
  if (screen) relay.show(screen)
}
