/** A Reader out of raw card slots: the kernel runs here on the host, the reader only passes commands through. */

import { kernels } from '#platform/kernels'
import { type Clock, systemClock } from '../clock.ts'
import * as door from '../door.ts'
import type { TerminalConfig } from '../emv/config.ts'
import { withoutPinPad } from '../emv/contact/without-pin.ts'
import type { TornLog } from '../emv/contactless/mastercard/torn-log.ts'
import type { CardInterface, Outcome } from '../emv/outcome.ts'
import type { Terminal, Transaction } from '../emv/terminal.ts'
import { Fault, isFault } from '../errors.ts'
import { type Asked, decide } from './binding.ts'
import type { Broadcast } from './broadcast.ts'
import type { HostPayment } from './host/payment.ts'
import { KernelTrace } from './kernel-trace.ts'
import { type PassthroughOptions, tellSetUp } from './passthrough-options.ts'
import type { CardSlot, OpenCardOptions, Reader, ReaderEvent, ReaderInfo, ReaderStatus } from './reader.ts'
import { OpenSlots, type Slots } from './slots.ts'
import { ReaderWork } from './work.ts'

export type { PassthroughOptions } from './passthrough-options.ts'
export type { Slots } from './slots.ts'

const slotsRule = door.shape({
  info: door.shape({ capabilities: door.listOf(door.anyText) }),
  openCard: door.callable,
  close: door.callable,
})
const readerRule = door.shape({
  info: door.shape({ capabilities: door.listOf(door.anyText) }),
  transact: door.callable,
  close: door.callable,
})

/**
 * The Reader of `slots`, which it owns from here on. A payment is `transact` of `src/emv/kernel` over the card in a slot with contacts, `tap` of
 * `src/emv/contactless` over one in the field; a reader with both waits for either. The terminal takes a PIN where the app
 * gives `enterPin` (which then must be a PIN pad: ISO 9564-1 lets no PIN be typed on a screen that is none), else its capabilities (9F33, TTQ) are without PIN.
 * A card that was left in the slot is the card of the next payment: the app asks for its removal when it hears `reader.removeCard`. One that stays in the
 * field is waited for, where the reader can tell.
 */
export function passthrough(slots: Slots, options: PassthroughOptions = {}): Reader {
  door.need('slots', slots, slotsRule)
  door.need('options', options, door.object)
  return new Passthrough(slots, options)
}

/**
 * The same for a reader that has a kernel of its own and raw slots too: payments run here, over its slots. The reader is the new one's from here on.
 * @throws Fault `unsupported` for a reader without raw slots
 */
export function hostKernel(reader: Reader, options: PassthroughOptions): Reader {
  door.need('reader', reader, readerRule)
  door.need('options', options, door.object)
  const { info } = reader
  if (!reader.openCard || !info.capabilities.includes('passthrough'))
    throw new Fault('unsupported', `${info.family} has no raw slot for a kernel on the host`, { feature: 'passthrough' })
  const has = { chip: 'contact', tap: 'contactless' } as const
  const capabilities = info.capabilities.filter(
    one => one === 'passthrough' || ((one === 'chip' || one === 'tap') && (info.slots?.includes(has[one]) ?? true)),
  )
  const closed = (async () => {
    for await (const _ of reader.events);
  })()
  return passthrough(
    {
      info: { ...info, capabilities, applicationSelection: 'host' },
      openCard: how => reader.openCard!(how),
      status: how => reader.status(how),
      closed,
      close: () => reader.close(),
    },
    options,
  )
}

class Passthrough implements Reader {
  readonly info: ReaderInfo
  readonly events: Broadcast<ReaderEvent>
  readonly #slots: Slots
  readonly #open: OpenSlots
  readonly #options: PassthroughOptions
  readonly #clock: Clock
  readonly #work: ReaderWork
  /** Made by the first payment, with the kernels. */
  #torn: TornLog | undefined
  readonly #trace: KernelTrace | undefined
  #known: ReaderStatus = {}
  #sequence = 0
  /** The chip of the last card could not be read: the card may still be there. */
  #unread = false

  constructor(slots: Slots, options: PassthroughOptions) {
    this.info = slots.info
    this.#slots = slots
    this.#options = options
    this.#clock = options.clock ?? systemClock
    tellSetUp(options)
    this.#work = new ReaderWork(slots.closed)
    this.#trace = options.tracer && new KernelTrace(options.tracer, 'driver')
    this.#open = new OpenSlots(slots, this.#work, this.#trace)
    this.events = this.#work.events
  }

  async status({ signal }: { signal?: AbortSignal } = {}): Promise<ReaderStatus> {
    const { card } = this.#open
    if (card) return { ...this.#known, card: card.removed.aborted ? 'absent' : 'present' }
    if (this.#work.busy === 'a payment') return this.#known
    return this.#work.alone(
      'a status request',
      async stop => {
        this.#known = await this.#slots.status({ signal: stop })
        return this.#known
      },
      signal,
    )
  }

  async openCard(options: OpenCardOptions = {}): Promise<CardSlot> {
    const release = this.#work.claim('an open card')
    try {
      return await this.#open.open(options, release)
    } catch (error) {
      release()
      throw error
    }
  }

  async transact(transaction: Transaction, terminal: Terminal, { signal }: { signal?: AbortSignal } = {}): Promise<Outcome> {
    const { config } = this.#options
    if (!config)
      throw new Fault('bad-argument', 'this reader has no kernel of its own: open it with a terminal configuration (config)', {
        field: 'config',
      })
    const ways = this.#ways(transaction)
    this.#needCurrency(transaction, config, ways)
    return this.#work.alone('a payment', stop => this.#pay(transaction, terminal, config, ways, stop), signal)
  }

  async #pay(
    transaction: Transaction,
    terminal: Terminal,
    config: TerminalConfig,
    ways: readonly CardInterface[],
    signal: AbortSignal,
  ): Promise<Outcome> {
    this.#sequence = (this.#sequence % 9999) + 1 // 9F41 is n 4–8
    const { sequence = this.#sequence, country = config.countryCode } = transaction
    const counted = { ...transaction, sequence, country }
    const asked: Asked = { transaction: counted, dated: 'told', begun: new Date(this.#clock.now()), clock: this.#clock }
    const { payOverSlots, TornLog, unreadCardOut } = await kernels()
    const torn = (this.#torn ??= new TornLog())
    this.#open.begin()
    const payment: HostPayment = {
      ...{ events: this.events, clock: this.#clock, slots: this.#open, options: this.#options, torn },
      ...{ transaction: counted, terminal, config: terminal.enterPin ? config : withoutPinPad(config), ways, signal, trace: this.#trace },
      hasChip: this.info.capabilities.includes('chip'),
    }
    const still = this.#unread ? await unreadCardOut(payment) : undefined
    if (still) return still
    const outcome = await payOverSlots(payment)
    this.#unread = outcome.fallback === true
    return this.#settled(outcome, asked, signal)
  }

  /** The kernel calls every abort a cancellation, and a card that went with its reader one that was taken out: a link that is lost is neither. */
  #settled(outcome: Outcome, asked: Asked, signal: AbortSignal): Outcome {
    const { cancelled, lost } = this.#open
    if (outcome.reason === 'merchantCancelled' && cancelled && !signal.aborted) return { ...outcome, reason: 'cardholderCancelled' }
    const given = outcome.reason === 'merchantCancelled' && isFault(signal.reason, 'link-closed')
    const gone = outcome.reason === 'cardRemoved' && lost
    return given || gone ? { ...outcome, result: 'cancelled', reason: 'linkLost' } : this.#decided(outcome, asked)
  }

  /** A payment that runs is cancelled first, and settles. */
  close(): Promise<void> {
    return this.#work.close(async () => {
      await this.#open.card?.close()
      await this.#slots.close()
      await this.#slots.closed
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The kernel's yes is looked at as any reader's is. @throws Fault `mismatch` */
  #decided(outcome: Outcome, asked: Asked): Outcome {
    if (outcome.result !== 'approved') return outcome
    const { tags, interface: by, online, response } = outcome
    // What the host was sent is the kernel's to know; of a refund it may be an AAC.
    const sent = asked.transaction.type === 'refund' ? 'AAC' : undefined
    const verdict = decide({ tags, by, asked: online, sent, response }, asked)
    if (verdict.result === 'approved') {
      if (!online) this.#work.spent.spend(tags, new Set())
      return outcome
    }
    if (verdict.result === 'askHost') return { ...outcome, result: 'declined', reason: 'offlineDeclined' }
    return { ...outcome, ...verdict }
  }

  /** The interfaces of a payment. @throws Fault `unsupported` where the reader, or its configuration, has none of them */
  #ways({ interfaces = ['chip', 'tap', 'swipe'] }: Transaction): CardInterface[] {
    const { capabilities, slots } = this.info
    const has = (one: CardInterface) =>
      one !== 'swipe' && capabilities.includes(one) && (slots?.includes(one === 'chip' ? 'contact' : 'contactless') ?? true)
    const ways = interfaces.filter(one => has(one) && (one !== 'tap' || this.#options.contactless))
    if (ways.length > 0) return ways
    const why = interfaces.includes('tap') && has('tap') ? 'it has no rules for taps (contactless)' : 'it has no such slot'
    throw new Fault('unsupported', `this reader does not pay by ${interfaces.join(' or ')}: ${why}`, { feature: interfaces.join(',') })
  }

  /** As a reader with a kernel of its own says it, before a card is asked for. @throws Fault `unsupported` */
  #needCurrency({ currency }: Transaction, { currencyCode }: TerminalConfig, ways: readonly CardInterface[]): void {
    const taps = ways.includes('tap') ? this.#options.contactless!.currencyCode : currencyCode
    const other = [currencyCode, taps].find(one => one !== currency.numeric)
    if (other !== undefined)
      throw new Fault('unsupported', `this reader is configured for currency ${other}, not for ${currency.alpha}`, {
        ...{ feature: 'currency', currency: currency.alpha, configured: other },
      })
  }
}
