/** What the firmware of every virtual reader does: waits for a card, runs the kernel, takes the PIN, keeps keys, counters and the transaction log. */

import { equal } from '../../src/bytes.ts'
import type { Clock, Limit } from '../../src/clock.ts'
import { systemClock, within } from '../../src/clock.ts'
import { DukptDevice } from '../../src/crypto/dukpt.ts'
import { formatAmount } from '../../src/currency.ts'
import type { Card } from '../../src/emv/card.ts'
import type { TerminalConfig } from '../../src/emv/config.ts'
import { transact } from '../../src/emv/contact/kernel.ts'
import type { ContactlessConfig } from '../../src/emv/contactless/config.ts'
import type { Explain } from '../../src/emv/explain/explain.ts'
import { type CardInterface, type Outcome, pinWasWrong } from '../../src/emv/outcome.ts'
import type { Timeouts } from '../../src/emv/steps/context.ts'
import type { Candidate, PinBlock, PinEntry, PinRequest, Terminal, Transaction, Waiting } from '../../src/emv/terminal.ts'
import { Fault, isFault } from '../../src/errors.ts'
import type { SwipedTracks } from '../../src/magstripe/swipe.ts'
import type { Language, MessageId } from '../../src/messages/messages.ts'
import { invitation } from '../../src/reader/invitation.ts'
import type { Body, CardWait, Presented } from './body/body.ts'
import { type Ended, EndScreens, fired } from './body/end-screens.ts'
import { chooseOnDisplay, type PinRules, pinRules, readPin, type Typed } from './body/pin-pad.ts'
import { type Tapped, Tapping, type TapTerminal } from './body/tapping.ts'
import { Condition, type ConditionOptions } from './condition.ts'
import { type DukptKeys, dukptKeys, type InitialKey, pinBlock, type TransactionKey } from './pin-keys.ts'
import { SaleLog } from './sale-log.ts'
import { encipherTrack } from './stripe.ts'

/** What a PIN entry has come to, for families that tell their host. */
export type PinProgress =
  | { readonly type: 'started'; readonly offline: boolean; readonly again: boolean; readonly triesLeft?: number }
  | { readonly type: 'digit'; readonly offline: boolean; readonly digits: number }
  | { readonly type: 'ended'; readonly offline: boolean; readonly as: Typed['type'] }

/** What the firmware leaves to its host. */
export interface HostSide {
  /** Left out where the reader shows the list itself. */
  selectApplication?: Terminal['selectApplication']
  authorise: Terminal['authorise']
  onPin?(progress: PinProgress): void
  /** The list is on the reader's display; the host only learns that. */
  onSelection?(candidates: readonly Candidate[]): void
}

export interface FirmwareOptions extends ConditionOptions {
  readonly config: TerminalConfig
  /** DUKPT of triple DES, for tracks and data, and for the PIN where the PIN pad has no keys of its own. */
  readonly pinDukpt: InitialKey
  /** DUKPT of AES for the PIN pad alone: its PIN blocks are of format 4. */
  readonly pinAesDukpt?: InitialKey
  readonly clock?: Clock
  /** Unpredictable bytes; `crypto.getRandomValues` when left out. */
  readonly random?: (length: number) => Uint8Array
  /** The display's language, whatever the card prefers; the card's, from English on, when left out. */
  readonly language?: Language
  readonly pin?: Partial<PinRules>
  /** How long the kernel waits; the PIN pad has its own limit in `pin`. */
  readonly timeouts?: Partial<Timeouts>
  /** Milliseconds for a choice on the display, and for a result to be read. */
  readonly choiceTimeout?: number
  readonly resultTime?: number
  readonly explain?: Explain
  /** What is taken by tap, and the rules for it; the reader has no antenna when left out. */
  readonly contactless?: ContactlessConfig
}

/** A swipe as it leaves the reader. */
export interface SealedSwipe {
  readonly type: 'sealed'
  readonly ksn: Uint8Array
  readonly pinBlock?: PinBlock
  readonly track1: Uint8Array | undefined
  readonly track2: Uint8Array | undefined
  readonly track3: Uint8Array | undefined
}

const pinPrompts: readonly MessageId[] = ['reader.enterPin', 'reader.wrongPin', 'reader.lastPinTry']

/** How a card is asked for. */
interface CardAsked extends Waiting {
  readonly amount?: Pick<Transaction, 'amount' | 'currency'>
  /** Instead of the usual invitation. */
  readonly message?: MessageId
  /** Milliseconds. */
  readonly timeout: number
  /** The invitation of the wait before stands: nothing is shown anew. */
  readonly standing?: boolean
  /** Another wait may follow at once: the light stays when nobody came. */
  readonly goesOn?: boolean
}

export class Firmware {
  readonly body: Body
  config: TerminalConfig
  readonly clock: Clock
  readonly random: (length: number) => Uint8Array
  readonly #options: FirmwareOptions
  #dataKeys: DukptKeys
  /** The same, where PIN and data share their keys. */
  #pinKeys: DukptKeys
  readonly #log = new SaleLog()
  readonly #ownLanguage: Language
  #sequence = 0
  /** What is still shown after a payment. */
  readonly #screens: EndScreens
  /** Fires when the card goes whose online PIN the issuer has just found wrong; undefined where that did not happen. */
  #refusedPin: AbortSignal | undefined
  /** The application that was chosen from the list on the display last. */
  #chosen: Uint8Array | undefined
  #tapping: Tapping | undefined
  /** Whether it can pay at all, and the new firmware it is given. */
  readonly condition: Condition

  constructor(options: FirmwareOptions & { readonly family: string }) {
    this.body = options.body
    this.config = options.config
    this.clock = options.clock ?? systemClock
    this.random = options.random ?? (length => crypto.getRandomValues(new Uint8Array(length)))
    this.#options = options
    this.#ownLanguage = options.language ?? options.body.language
    this.body.language = this.#ownLanguage
    this.#screens = new EndScreens(options.body, options.resultTime ?? 1500, () => this.#idle())
    this.#tapping = options.contactless && new Tapping(options.body, options.config, options.contactless)
    this.#dataKeys = new DukptDevice(options.pinDukpt.ipek, options.pinDukpt.ksn)
    this.#pinKeys = options.pinAesDukpt ? dukptKeys(options.pinAesDukpt) : this.#dataKeys
    this.condition = new Condition(options)
  }

  /** New rules for all payments from now on; no taps without contactless ones. */
  configure(config: TerminalConfig, contactless: ContactlessConfig | undefined): void {
    this.config = config
    this.#tapping = contactless && new Tapping(this.body, config, contactless)
  }

  /** New keys of triple DES for the PIN pad, and for all that goes under them. @throws Fault `bad-key`, `bad-argument` */
  loadPinKey(ipek: Uint8Array, ksn: Uint8Array): void {
    this.#dataKeys = new DukptDevice(ipek, ksn)
    this.#pinKeys = this.#dataKeys
  }

  /** Uses up one DUKPT key, for what a family enciphers in a way of its own. @throws Fault `bad-key` when none is left */
  nextKey(): TransactionKey {
    return this.#dataKeys.next()
  }

  /** The key serial number of the next online PIN; undefined when the keys are used up. */
  get nextPinKsn(): Uint8Array | undefined {
    return this.#pinKeys.ksn
  }

  get batteryLevel(): 'ok' | 'low' | 'critical' {
    return this.condition.battery
  }

  /** Before a payment. Shows on the display why there can be none. @throws Fault `tampered`, `update-required`, `low-battery`; `bad-argument` (field currency) */
  checkReady(transaction?: Pick<Transaction, 'currency'>): void {
    this.condition.check()
    const { currencyCode } = this.config
    if (transaction && transaction.currency.numeric !== currencyCode)
      throw new Fault('bad-argument', `the reader is configured for currency ${currencyCode}, not for ${transaction.currency.alpha}`, {
        field: 'currency',
      })
  }

  /** Asks for a card over one of `interfaces`, until one comes, CANCEL is pressed or the time is over. @throws Fault `aborted` or the signal's own */
  async waitForCard(interfaces: readonly CardInterface[], wait: CardAsked): Promise<CardWait> {
    this.#screens.stop()
    this.body.language = this.#ownLanguage
    const message = wait.message ?? invitation(interfaces)
    const amount = wait.amount ? [`${formatAmount(wait.amount.amount, wait.amount.currency)} ${wait.amount.currency.alpha}`] : []
    const deadline = this.clock.now() + wait.timeout
    const card = async (signal: AbortSignal) => {
      const standing = wait.standing && this.body.screen.message !== 'reader.removeCard'
      const old = await this.#oldCardOut({ signal, timeout: wait.timeout }, wait.standing)
      const next = this.body.nextCard(interfaces, { signal, timeout: deadline - this.clock.now() })
      this.body.shine('waiting')
      if (!(standing && !old) && (wait.message || !this.#pinToRepeat)) this.body.show(message, ...amount)
      return next
    }
    return this.#unlessCancelled(wait.signal, card, wait.goesOn)
  }

  /** A card, unless CANCEL is pressed or the time is over before; then the light stays where the wait `goesOn`. @throws Fault `aborted` or the signal's own */
  async #unlessCancelled(outer: AbortSignal, card: (signal: AbortSignal) => Promise<Presented>, goesOn = false): Promise<CardWait> {
    const stop = new AbortController()
    const signal = AbortSignal.any([outer, stop.signal])
    const keypad = this.body.keypad()
    const cancelled = async (): Promise<CardWait> => {
      while ((await keypad.next({ signal })) !== 'cancel') this.body.sound('error')
      return { interface: 'none', why: 'cancelled' }
    }
    const waits: Promise<CardWait>[] = [card(signal), cancelled()]
    for (const one of waits) one.catch(() => {}) // the one that comes second is aborted
    let light = false
    try {
      return await Promise.race(waits)
    } catch (error) {
      light = goesOn && isFault(error, 'timeout')
      if (isFault(error, 'timeout')) return { interface: 'none', why: 'timeout' }
      throw error
    } finally {
      stop.abort()
      keypad.close()
      if (!light) this.body.shine('off')
    }
  }

  /** The card in the slot is the one whose online PIN was refused: it may stay there, and the person is told why they are asked again. */
  get #pinToRepeat(): boolean {
    return this.#refusedPin?.aborted === false
  }

  /** Nobody pays twice for having left the card in the slot. Whether there was one. @throws Fault `timeout`, `aborted` or the signal's own */
  async #oldCardOut(limit: Limit, asked = false): Promise<boolean> {
    if (!this.body.cardUsed) return false
    const gone = this.body.cardGone('chip')
    if (!asked || this.body.screen.message !== 'reader.removeCard') {
      this.body.show('reader.removeCard')
      this.body.sound('error')
    }
    await within({ clock: this.clock, what: 'the removal of a card', ...limit }, () => fired(gone))
    return true
  }

  /** One payment with the chip in the slot. Its end is on the display when this resolves; the card may still be in the slot. */
  async pay(card: Card, transaction: Transaction, host: HostSide, { signal }: Waiting): Promise<Outcome> {
    const { explain, timeouts } = this.#options
    this.#screens.stop()
    this.body.show('reader.processing')
    const outcome = await transact(
      card,
      { ...transaction, sequence: transaction.sequence ?? this.#nextSequence() },
      this.config,
      this.#terminal(host),
      {
        signal,
        clock: this.clock,
        random: this.random,
        log: this.#log,
        ...(timeouts && { timeouts }),
        ...(explain && { explain }),
      },
    )
    this.#log.remember(outcome, transaction)
    const wrongPin = pinWasWrong(outcome)
    this.#refusedPin = wrongPin ? this.body.cardGone('chip') : undefined
    if (wrongPin) this.body.reuseCard()
    this.showEnd(outcome)
    return outcome
  }

  /** It has an antenna, and rules for what is tapped. */
  get takesTaps(): boolean {
    return this.#tapping !== undefined
  }

  /** Whether `transaction` can be paid by tap at all: an antenna, rules in its currency, and a limit that it does not exceed. */
  canTap(transaction: Transaction): boolean {
    return this.#tapping?.allows(transaction) ?? false
  }

  /**
   * One payment with the card in the field, up to the question for the host: the reader goes no further, and the card is free to go. When the card
   * must come again and another interface is used instead, or nobody comes, that is the end of the tap.
   * @throws Fault `unsupported` without contactless rules
   */
  async tap(
    transaction: Transaction,
    host: Pick<HostSide, 'onPin'>,
    { signal, interfaces, timeout }: Waiting & { readonly interfaces: readonly CardInterface[]; readonly timeout: number },
  ): Promise<Tapped> {
    if (!this.#tapping) throw new Fault('unsupported', 'the reader has no antenna', { feature: 'tap' })
    const { explain, timeouts } = this.#options
    this.#screens.stop()
    const deadline = this.clock.now() + timeout
    const ended = await this.#tapping.run({
      transaction: { ...transaction, sequence: transaction.sequence ?? this.#nextSequence() },
      terminal: this.#tapTerminal(host),
      deadline,
      wait: outer =>
        this.#unlessCancelled(outer, inner => {
          this.body.shine('waiting')
          return this.body.nextCard(interfaces, { signal: inner, timeout: deadline - this.clock.now() })
        }),
      options: {
        signal,
        clock: this.clock,
        random: this.random,
        log: this.#log,
        ...(timeouts && { timeouts }),
        ...(explain && { explain }),
      },
    })
    if (ended.type === 'outcome') this.#log.remember(ended.outcome, transaction)
    return ended
  }

  #tapTerminal(host: Pick<HostSide, 'onPin'>): TapTerminal {
    return {
      enterPin: (request, waiting) => this.#enterPin(request, host, waiting),
      display: (message, language) => {
        this.#speak(language)
        // The card is there: it was invited with the amount. PIN prompts come with the keypad behind them.
        if (message !== 'reader.presentCard' && !pinPrompts.includes(message)) this.body.show(message)
      },
    }
  }

  #nextSequence(): number {
    this.#sequence = (this.#sequence % 9999) + 1 // 9F41 is n 4–8
    return this.#sequence
  }

  #terminal(host: HostSide): Terminal {
    /** A question to a person is over when the card is gone. */
    const withCard = <T>(waiting: Waiting, ask: (waiting: Waiting) => Promise<T>) => {
      this.#speak(waiting.language)
      const signal = AbortSignal.any([waiting.signal, this.body.cardGone('chip')])
      return ask({ ...waiting, signal })
    }
    return {
      selectApplication: (candidates, waiting) =>
        withCard(waiting, own => {
          if (host.selectApplication) return host.selectApplication(candidates, own)
          // The card is still the one whose PIN was refused: what was chosen holds for its next PIN.
          const chosen = this.#pinToRepeat ? this.#chosen : undefined
          const again = chosen ? candidates.findIndex(({ aid }) => equal(aid, chosen)) : -1
          if (again >= 0) return Promise.resolve(again)
          host.onSelection?.(candidates)
          return this.choose(candidates, own)
        }),
      enterPin: (request, waiting) => withCard(waiting, own => this.#enterPin(request, host, own)),
      authorise: (request, waiting) => {
        this.body.show('reader.processing')
        return host.authorise(request, waiting)
      },
      // PIN prompts come with the keypad behind them: see #typePin.
      display: (message, language) => {
        this.#speak(language)
        if (!pinPrompts.includes(message)) this.body.show(message)
      },
    }
  }

  /** The cardholder is spoken to in the language of the card, where the reader has it (EMV 4.4 Book 4, 11.1). */
  #speak(language: string | undefined): void {
    if (!this.#options.language && (language === 'en' || language === 'ru')) this.body.language = language
  }

  /** The list of applications on the reader's own display. */
  async choose(candidates: readonly Candidate[], { signal }: Waiting): Promise<number | undefined> {
    const labels = candidates.map(({ label }) => label)
    const limit = { signal, timeout: this.#options.choiceTimeout ?? 30_000 }
    const index = await chooseOnDisplay(this.body, 'reader.selectApplication', labels, limit)
    this.#chosen = index === undefined ? undefined : candidates[index]?.aid
    return index
  }

  async #enterPin(request: PinRequest, host: Pick<HostSide, 'onPin'>, waiting: Waiting): Promise<PinEntry> {
    // Without keys there is no PIN pad for the host to believe.
    if (request.type === 'online' && this.#pinKeys.exhausted) return { type: 'notWorking' }
    const typed = await this.#typePin(request, host, waiting)
    if (typed.type !== 'digits') return typed
    if (request.type === 'offline') return { type: 'offlinePin', pin: typed.digits }
    return { type: 'onlinePin', block: pinBlock(typed.digits, request.pan, this.#pinKeys.next(), this.random) }
  }

  async #typePin(request: PinRequest, host: Pick<HostSide, 'onPin'>, waiting: Waiting): Promise<Typed> {
    const offline = request.type === 'offline'
    const triesLeft = offline ? request.triesLeft : undefined
    const again = offline ? request.again : this.#pinToRepeat
    const prompt: MessageId = triesLeft === 1 ? 'reader.lastPinTry' : again ? 'reader.wrongPin' : 'reader.enterPin'
    if (again) this.body.sound('error')
    host.onPin?.({ type: 'started', offline, again, ...(triesLeft === undefined ? {} : { triesLeft }) })
    const rules = { ...pinRules, ...this.#options.pin }
    const typed = await readPin(this.body, prompt, rules, waiting, digits => host.onPin?.({ type: 'digit', offline, digits }))
    host.onPin?.({ type: 'ended', offline, as: typed.type })
    this.body.show('reader.processing')
    return typed
  }

  /** Enciphers a swipe, with a PIN where a PAN is given: tracks and PIN block under variants of one key (X9.24-1:2009, A.4.1), where the PIN pad has no keys of its own. @throws Fault `bad-key` */
  async seal(
    tracks: SwipedTracks,
    pan: string | undefined,
    host: HostSide,
    waiting: Waiting,
  ): Promise<SealedSwipe | { readonly type: 'cancelled' | 'timeout' }> {
    const typed = pan === undefined ? undefined : await this.#typePin({ type: 'online', pan }, host, waiting)
    if (typed?.type === 'cancelled' || typed?.type === 'timeout') return typed
    const key = this.#dataKeys.next()
    const own = this.#pinKeys === this.#dataKeys ? key : undefined
    return {
      type: 'sealed',
      ksn: key.ksn,
      ...(pan && typed?.type === 'digits' ? { pinBlock: pinBlock(typed.digits, pan, own ?? this.#pinKeys.next(), this.random) } : {}),
      track1: encipherTrack(tracks.track1, key.key),
      track2: encipherTrack(tracks.track2, key.key),
      track3: encipherTrack(tracks.track3, key.key),
    }
  }

  /** Shows how it ended and asks for the card, without keeping anybody waiting: the next payment cuts it short. */
  showEnd(ended: Ended): void {
    this.#screens.show(ended)
  }

  /** The card has been read and the reader has no more part in it. */
  showHandedOver(): void {
    this.#screens.showHandedOver()
  }

  /** The host has said how it ended: its words stay for their time. */
  linger(): void {
    this.#screens.linger()
  }

  /** Nothing is shown any more of what has ended; no timer is left. */
  stop(): void {
    this.#screens.stop()
  }

  #idle(): void {
    this.body.language = this.#ownLanguage
    this.body.show('reader.idle')
  }
}
