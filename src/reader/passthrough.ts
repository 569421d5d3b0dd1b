/** A Reader out of raw card slots: the kernel runs here on the host, the reader only passes commands through. */

import { emvRemarks, parseAtr } from '../apdu/atr.ts'
import type { Clock } from '../clock.ts'
import { sleep, systemClock, within } from '../clock.ts'
import * as door from '../door.ts'
import type { TerminalConfig } from '../emv/config.ts'
import { transact } from '../emv/contact/kernel.ts'
import { withoutPinPad } from '../emv/contact/without-pin.ts'
import type { ContactlessConfig } from '../emv/contactless/config.ts'
import { TornLog } from '../emv/contactless/mastercard/torn-log.ts'
import type { UiRequest } from '../emv/contactless/outcome.ts'
import { tap } from '../emv/contactless/tap.ts'
import { withoutOnlinePin } from '../emv/contactless/without-pin.ts'
import type { CardInterface, Outcome, Reason } from '../emv/outcome.ts'
import type { KernelOptions } from '../emv/steps/context.ts'
import type { PinEntry, PinRequest, Terminal, Transaction, Waiting } from '../emv/terminal.ts'
import { Fault, isFault } from '../errors.ts'
import type { MessageId } from '../messages/messages.ts'
import { type Asked, decide } from './binding.ts'
import type { Broadcast } from './broadcast.ts'
import { invitation } from './invitation.ts'
import type { CardSlot, OpenCardOptions, Reader, ReaderEvent, ReaderInfo, ReaderStatus } from './reader.ts'
import { slotField } from './tap-slot.ts'
import { ReaderWork } from './work.ts'

/** What a driver of such a reader gives. One thing is asked of it at a time. */
export interface Slots {
  /** `capabilities` name the interfaces of its slots (`chip`, `tap`) and `passthrough`. */
  readonly info: ReaderInfo
  /** `removed` of a contactless slot fires when the card leaves, without a command: the end of a tap can be waited for. */
  readonly tellsRemoval?: boolean
  /** As `Reader.openCard`. A cardholder who presses the reader's own CANCEL ends it, and a command, with `aborted` and details.by `cardholder`. */
  openCard(options: OpenCardOptions): Promise<CardSlot>
  status(options: { signal?: AbortSignal }): Promise<ReaderStatus>
  /** Resolves when the reader is gone, by itself or by `close`. */
  readonly closed: Promise<unknown>
  close(): Promise<void>
}

export interface PassthroughOptions {
  /** What the terminal is; without it the reader opens cards, and makes no payment. */
  readonly config?: TerminalConfig | undefined
  /** The rules for taps; without them nothing is paid by tap. */
  readonly contactless?: ContactlessConfig | undefined
  readonly clock?: Clock | undefined
  /** Of the kernel: transaction log, exception file, explanations, its own time limits. */
  readonly kernel?: Omit<KernelOptions, 'signal' | 'clock'> | undefined
  /** Milliseconds a payment waits for a card; 60 000 when left out. */
  readonly cardTimeout?: number | undefined
  /** Milliseconds that a card may stay in the field after its payment before `transact` settles all the same; 5 000 when left out. */
  readonly removalTimeout?: number | undefined
  /** Sees every user interface request of a tap (EMV Contactless Book A, 6.2), for lights and sounds; its words are `display` events too. */
  readonly onUi?: ((request: UiRequest) => void) | undefined
}

const CARD_TIMEOUT = 60_000
const REMOVAL_TIMEOUT = 5_000
/** Milliseconds between two looks at a slot. */
const LOOK = 250

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
  readonly #options: PassthroughOptions
  readonly #clock: Clock
  readonly #work: ReaderWork
  readonly #torn = new TornLog()
  #card: CardSlot | undefined
  #known: ReaderStatus = {}
  #sequence = 0
  /** The chip of the last card could not be read: the card may still be there. */
  #unread = false
  /** CANCEL was pressed at the reader in this payment. */
  #cancelled = false
  /** The card of this payment went because its reader did. */
  #lost = false

  constructor(slots: Slots, options: PassthroughOptions) {
    this.info = slots.info
    this.#slots = slots
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#work = new ReaderWork(slots.closed)
    this.events = this.#work.events
  }

  async status({ signal }: { signal?: AbortSignal } = {}): Promise<ReaderStatus> {
    if (this.#card) return { ...this.#known, card: this.#card.removed.aborted ? 'absent' : 'present' }
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
      return await this.#open(options, release)
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
    return this.#work.alone(
      'a payment',
      async stop => {
        this.#sequence = (this.#sequence % 9999) + 1 // 9F41 is n 4–8
        const { sequence = this.#sequence, country = config.countryCode } = transaction
        const counted = { ...transaction, sequence, country }
        const asked: Asked = { transaction: counted, dated: 'told', begun: new Date(this.#clock.now()), clock: this.#clock }
        this.#cancelled = false
        this.#lost = false
        const own = terminal.enterPin ? config : withoutPinPad(config)
        if (this.#unread && !(await this.#unreadCardOut(terminal, stop)))
          return withoutCard(new Fault('timeout', 'the card is still there'), stop)!
        const paying = ways.includes('tap') ? this.#tap(counted, terminal, own, stop, ways) : this.#insert(counted, terminal, own, stop)
        const outcome = await paying
        this.#unread = outcome.fallback === true
        if (outcome.reason === 'merchantCancelled' && this.#cancelled && !stop.aborted) return { ...outcome, reason: 'cardholderCancelled' }
        // The kernel calls every abort a cancellation, and a card that went with its reader one that was taken out: a link that is lost is neither.
        const given = outcome.reason === 'merchantCancelled' && isFault(stop.reason, 'link-closed')
        const lost = outcome.reason === 'cardRemoved' && this.#lost
        return given || lost ? { ...outcome, result: 'cancelled', reason: 'linkLost' } : this.#decided(outcome, asked)
      },
      signal,
    )
  }

  /** A payment that runs is cancelled first, and settles. */
  close(): Promise<void> {
    return this.#work.close(async () => {
      await this.#card?.close()
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

  /** A card whose chip was not read is asked away before one is asked for again: false where it stays there. */
  async #unreadCardOut(terminal: Terminal, signal: AbortSignal): Promise<boolean> {
    const there = async () => {
      try {
        return (await this.#slots.status({ signal })).card === 'present'
      } catch (error) {
        if (signal.aborted || !isFault(error, 'timeout')) throw error
        return false // a slot that cannot tell
      }
    }
    const end = this.#clock.now() + (this.#options.cardTimeout ?? CARD_TIMEOUT)
    for (let asked = false; await there(); asked = true) {
      if (!asked) this.#display(terminal, 'reader.removeCard')
      if (this.#clock.now() >= end) return false
      await sleep(LOOK, this.#clock, signal)
    }
    return true
  }

  async #insert(transaction: Transaction, terminal: Terminal, config: TerminalConfig, signal: AbortSignal): Promise<Outcome> {
    this.#display(terminal, 'reader.insertCard')
    let slot: CardSlot
    try {
      const timeout = this.#options.cardTimeout ?? CARD_TIMEOUT
      const onOtherCard = this.#inTheWay(terminal, 'reader.insertCard')
      slot = await this.#open({ interface: 'contact', signal, timeout, onOtherCard })
    } catch (error) {
      return this.#withoutCard(error, terminal, signal)
    }
    return this.#inserted(slot, transaction, terminal, config, signal)
  }

  /** A card of the other interface is asked away, and then the wanted one asked for again. */
  #inTheWay(terminal: Terminal, wanted: MessageId): NonNullable<OpenCardOptions['onOtherCard']> {
    return card => this.#display(terminal, card === 'present' ? 'reader.removeCard' : wanted)
  }

  #withoutCard(error: unknown, terminal: Terminal, signal: AbortSignal): Outcome {
    const ended = withoutCard(error, signal)
    if (!ended) throw error
    this.#display(terminal, lastWords(ended))
    return ended
  }

  async #inserted(
    slot: CardSlot,
    transaction: Transaction,
    terminal: Terminal,
    config: TerminalConfig,
    signal: AbortSignal,
  ): Promise<Outcome> {
    try {
      this.#display(terminal, 'reader.processing')
      const options = { ...this.#options.kernel, clock: this.#clock, signal }
      const outcome = await transact(slot, transaction, config, this.#terminal(terminal, slot), options)
      this.#display(terminal, lastWords(outcome))
      return outcome
    } finally {
      if (!slot.removed.aborted) this.#display(terminal, 'reader.removeCard')
      await slot.close()
    }
  }

  /** A tap, or what comes instead of it: a card that is inserted, or is to be. */
  async #tap(
    transaction: Transaction,
    terminal: Terminal,
    config: TerminalConfig,
    signal: AbortSignal,
    ways: readonly CardInterface[],
  ): Promise<Outcome> {
    const { contactless, cardTimeout = CARD_TIMEOUT, removalTimeout = REMOVAL_TIMEOUT, kernel, onUi } = this.#options
    const rules = terminal.enterPin ? contactless! : withoutOnlinePin(contactless!)
    const chip = ways.includes('chip')
    // Where a chip could be inserted and may not be, a tap is asked for by name.
    const invited = this.info.capabilities.includes('chip') ? invitation(ways) : 'reader.presentCard'
    let asked = false // from then on no other card may pay
    const field = slotField({
      clock: this.#clock,
      cardTimeout,
      chip: () => chip && !asked,
      open: options => this.#open(options),
      onOtherCard: this.#inTheWay(terminal, invited),
      removal: this.#slots.tellsRemoval
        ? { timeout: removalTimeout, signal, onWait: () => this.#display(terminal, 'reader.removeCard') }
        : undefined,
    })
    let refused = false
    const own: Terminal = {
      ...this.#terminal(terminal),
      display: (message, language) =>
        this.#display(terminal, message !== 'reader.presentCard' ? message : refused ? 'reader.tryAnotherCard' : invited, language),
      authorise: (request, waiting) => {
        asked = true
        field.restart()
        return terminal.authorise(request, waiting)
      },
    }
    const options = { ...kernel, clock: this.#clock, signal, torn: this.#torn, ...(onUi && { onUi }) }
    for (;;) {
      let outcome: Outcome
      try {
        outcome = await tap(field, transaction, config, rules, own, options)
      } catch (error) {
        return this.#withoutCard(error, terminal, signal)
      }
      if (field.muteChip) return this.#withoutCard(field.muteChip, terminal, signal)
      if (field.chip) return this.#inserted(field.chip, transaction, terminal, config, signal)
      const { reason, result } = outcome
      if (chip && !asked && !signal.aborted) {
        if (reason === 'tryAnotherInterface') return this.#insert(transaction, terminal, config, signal)
        refused = reason === 'noApplication' || reason === 'kernelUnsupported' || reason === 'cardError' // "insert, swipe or try another card" (Book A, message 1C)
        if (refused) continue
      }
      // The kernel has said how it ended, but for what was no outcome of its own.
      if (result === 'cancelled' || reason === 'cardMute') this.#display(terminal, lastWords(outcome))
      return outcome
    }
  }

  /** A slot whose close ends what is told of it, and calls `release` once. */
  async #open({ signal, ...options }: OpenCardOptions, release = () => {}): Promise<CardSlot> {
    const { closing } = this.#work
    const stop = signal ? AbortSignal.any([signal, closing]) : closing
    const heard = (error: unknown): never => {
      if (isFault(error, 'aborted') && error.details.by === 'cardholder') this.#cancelled = true
      throw error
    }
    const slot = await this.#slots.openCard({ timeout: CARD_TIMEOUT, ...options, signal: stop }).catch(heard)
    this.events.send({ type: 'card', event: slot.interface === 'contact' ? 'inserted' : 'tapped' })
    const remarks = slot.interface === 'contact' && slot.atr.length > 0 ? remarksOn(slot.atr) : []
    if (remarks.length > 0) this.events.send({ type: 'atr', remarks })
    const gone = () => {
      const { reason } = slot.removed
      if (isFault(reason) && isFault(reason.cause, 'link-closed')) this.#lost = true
      this.events.send({ type: 'card', event: 'removed' })
    }
    if (slot.removed.aborted) gone()
    else slot.removed.addEventListener('abort', gone, { once: true })
    let closed: Promise<void> | undefined
    const close = async () => {
      slot.removed.removeEventListener('abort', gone)
      await slot.close()
      this.#card = undefined
      release()
    }
    this.#card = {
      ...{ interface: slot.interface, atr: slot.atr, removed: slot.removed },
      transmit: (apdu, how) => slot.transmit(apdu, how).catch(heard),
      close: () => {
        closed ??= close()
        return closed
      },
    }
    return this.#card
  }

  /** The app's terminal, with the events of a reader told; a question to a person is over when the card in the slot is gone. */
  #terminal(terminal: Terminal, slot?: CardSlot): Terminal {
    const withCard = <T>({ signal, language }: Waiting, ask: (waiting: Waiting) => Promise<T>) =>
      within({ signal: slot ? AbortSignal.any([signal, slot.removed]) : signal, clock: this.#clock }, inner =>
        ask({ signal: inner, language }),
      )
    const { enterPin } = terminal
    return {
      selectApplication: (candidates, waiting) => {
        this.events.send({ type: 'application-selection', where: 'host', labels: candidates.map(({ label }) => label) })
        return withCard(waiting, own => terminal.selectApplication(candidates, own))
      },
      ...(enterPin && {
        enterPin: (request: PinRequest, waiting: Waiting) =>
          withCard(waiting, own => this.#enterPin(request, own, inner => enterPin.call(terminal, request, inner))),
      }),
      authorise: (request, waiting) => terminal.authorise(request, waiting),
      ...(terminal.exchangeData && { exchangeData: (exchange, waiting) => terminal.exchangeData!(exchange, waiting) }),
      ...(terminal.refer && { refer: (request, response, waiting) => terminal.refer!(request, response, waiting) }),
      display: (message, language) => this.#display(terminal, message, language),
    }
  }

  async #enterPin(request: PinRequest, waiting: Waiting, ask: (waiting: Waiting) => Promise<PinEntry>): Promise<PinEntry> {
    const offline = request.type === 'offline'
    const tell = (event: Extract<ReaderEvent, { type: 'pin' }>['event']) => this.events.send({ type: 'pin', event, offline })
    if (offline && request.again) tell('wrong')
    if (offline && request.triesLeft === 1) tell('lastTry')
    tell('started')
    const entry = await ask(waiting)
    if (entry.type === 'onlinePin')
      tell('ok') // an offline one is right when the card says so
    else if (entry.type === 'bypassed') tell('bypassed')
    return entry
  }

  #display(terminal: Terminal, message: MessageId, language?: string): void {
    this.events.send({ type: 'display', message })
    if (message === 'reader.pinOk') this.events.send({ type: 'pin', event: 'ok', offline: true })
    terminal.display?.(message, language)
  }
}

/** What EMV has against an answer to reset; that it is none at all, where it cannot be read. */
function remarksOn(atr: Uint8Array): string[] {
  try {
    return emvRemarks(parseAtr(atr))
  } catch (error) {
    if (isFault(error, 'apdu')) return [error.message]
    throw error
  }
}

/** How a payment ends that no card was opened for; undefined where the reader is at fault. */
function withoutCard(error: unknown, signal: AbortSignal): Outcome | undefined {
  const ended = (result: Outcome['result'], reason: Reason): Outcome => ({
    ...{ result, reason, online: false, tags: new Map() },
    // There was a card in the slot, as far as it came.
    ...((reason === 'cardMute' || reason === 'cardRemoved') && { interface: 'chip' as const }),
    ...(reason === 'cardMute' && { fallback: true }),
  })
  if (signal.aborted || isFault(error, 'aborted')) return ended('cancelled', 'merchantCancelled')
  if (isFault(error, 'timeout')) return ended('cancelled', 'cardTimeout')
  if (isFault(error, 'card-removed')) return ended('cancelled', 'cardRemoved')
  return isFault(error, 'card-mute') ? ended('declined', 'cardMute') : undefined
}

const lastOfReason: Partial<Record<Reason, MessageId>> = {
  cardError: 'reader.cardError',
  cardMute: 'reader.cardError',
  cardBlocked: 'reader.notAccepted',
  applicationBlocked: 'reader.notAccepted',
  noApplication: 'reader.notAccepted',
  kernelUnsupported: 'reader.notAccepted',
  notAccepted: 'reader.notAccepted',
}

function lastWords({ result, reason }: Outcome): MessageId {
  if (result === 'approved') return 'reader.approved'
  return (reason && lastOfReason[reason]) ?? (result === 'declined' ? 'reader.declined' : 'reader.cancelled')
}
