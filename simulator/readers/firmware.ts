/** What the firmware of every virtual reader does: waits for a card, runs the kernel, takes the PIN, keeps keys, counters and the transaction log. */

import { equal } from '../../src/bytes.ts'
import { type Clock, systemClock } from '../../src/clock.ts'
import type { Card } from '../../src/emv/card.ts'
import type { TerminalConfig } from '../../src/emv/config.ts'
import { transact } from '../../src/emv/contact/kernel.ts'
import type { ContactlessConfig } from '../../src/emv/contactless/config.ts'
import type { Explain } from '../../src/emv/explain/explain.ts'
import { type CardInterface, type Outcome, pinWasWrong } from '../../src/emv/outcome.ts'
import type { Timeouts } from '../../src/emv/steps/context.ts'
import type { Candidate, PinEntry, PinRequest, Terminal, Transaction, Waiting } from '../../src/emv/terminal.ts'
import { Fault } from '../../src/errors.ts'
import type { SwipedTracks } from '../../src/magstripe/swipe.ts'
import type { Language, MessageId } from '../../src/messages/messages.ts'
import { inOrder } from '../../src/payment/pay/wanted.ts'
import type { Body, CardWait } from './body/body.ts'
import { type Ended, EndScreens } from './body/end-screens.ts'
import { chooseOnDisplay, type PinRules, pinRules, readPin, type Typed } from './body/pin-pad.ts'
import { type Tapped, Tapping, type TapTerminal } from './body/tapping.ts'
import { askForCard, type CardAsked, unlessCancelled } from './card-wait.ts'
import { Condition, type ConditionOptions } from './condition.ts'
import { KeyStore, type SealedSwipe } from './key-store.ts'
import { type Lie, lyingAuthorise, lyingTransaction, ofAnotherCard } from './lies.ts'
import type { InitialKey, TransactionKey } from './pin-keys.ts'
import { SaleLog } from './sale-log.ts'

export type { SealedSwipe } from './key-store.ts'

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
  /** What card and terminal have approved alone is asked of the host before it is shown, and its word decides; left out where their approval stands. */
  confirm?: Terminal['authorise']
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
  /** Whether a card is on its exception file (Book 4, 6.3.5); it has none when left out. */
  readonly exceptionFile?: (pan: string) => boolean
  /** How long the kernel waits; the PIN pad has its own limit in `pin`. */
  readonly timeouts?: Partial<Timeouts>
  /** Milliseconds for a choice on the display, and for a result to be read. */
  readonly choiceTimeout?: number
  readonly resultTime?: number
  readonly explain?: Explain
  /** What is taken by tap, and the rules for it; the reader has no antenna when left out. */
  readonly contactless?: ContactlessConfig
}

/** The outcome as its host has it, where that wants to be asked. @throws what `confirm` throws */
export async function confirmed(outcome: Outcome, transaction: Transaction, { confirm }: HostSide, signal: AbortSignal): Promise<Outcome> {
  if (!confirm || outcome.result !== 'approved' || outcome.online) return outcome
  const { interface: by, cvm, tags, pinBlock } = outcome
  const response = await confirm({ transaction, interface: by, cvm, tags, ...(pinBlock && { pinBlock }) }, { signal })
  if (response.type === 'approved') return { ...outcome, online: true, response }
  return { ...outcome, result: 'declined', reason: response.type === 'declined' ? 'hostDeclined' : response.type, online: true, response }
}

const pinPrompts: readonly MessageId[] = ['reader.enterPin', 'reader.wrongPin', 'reader.lastPinTry']

export class Firmware {
  readonly body: Body
  config: TerminalConfig
  readonly clock: Clock
  readonly random: (length: number) => Uint8Array
  readonly #options: FirmwareOptions
  readonly #keys: KeyStore
  readonly #log = new SaleLog()
  #ownLanguage: Language
  #sequence = 0
  /** What is still shown after a payment. */
  readonly #screens: EndScreens
  /** Fires when the card goes whose online PIN the issuer has just found wrong; undefined where that did not happen. */
  #refusedPin: AbortSignal | undefined
  /** The application that was chosen from the list on the display last. */
  #chosen: Uint8Array | undefined
  #tapping: Tapping | undefined
  /** The card was tapped: what is enciphered is no swipe. */
  #tapped = false
  /** A knob: what it says that is not so. */
  lie: Lie | undefined
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
    this.#keys = new KeyStore(options.pinDukpt, options.pinAesDukpt, this.random)
    this.condition = new Condition(options)
  }

  /** Of its display from now on, as at a reader that is set up anew: one that is idle says so at once. */
  set language(language: Language) {
    this.#ownLanguage = language
    this.body.language = language
    if (this.body.screen.message === 'reader.idle') this.body.show('reader.idle')
  }

  /** New rules for all payments from now on; no taps without contactless ones. */
  configure(config: TerminalConfig, contactless: ContactlessConfig | undefined): void {
    this.config = config
    this.#tapping = contactless && new Tapping(this.body, config, contactless)
  }

  /** New keys of triple DES for the PIN pad, and for all that goes under them. @throws Fault `bad-key`, `bad-argument` */
  loadPinKey(ipek: Uint8Array, ksn: Uint8Array): void {
    this.#keys.load(ipek, ksn)
  }

  /** Uses up one DUKPT key, for what a family enciphers in a way of its own. @throws Fault `bad-key` when none is left */
  nextKey(): TransactionKey {
    return this.#keys.next()
  }

  /** The key serial number of the next online PIN; undefined when the keys are used up. */
  get nextPinKsn(): Uint8Array | undefined {
    return this.#keys.pinKsn
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
  async waitForCard(interfaces: readonly CardInterface[], asked: CardAsked): Promise<CardWait> {
    this.#screens.stop()
    this.body.language = this.#ownLanguage
    this.#tapped = false
    return askForCard(this, interfaces, asked, () => this.#pinToRepeat)
  }

  /** The card in the slot is the one whose online PIN was refused: it may stay there, and the person is told why they are asked again. */
  get #pinToRepeat(): boolean {
    return this.#refusedPin?.aborted === false
  }

  /** One payment with the chip in the slot. Its end is on the display when this resolves; the card may still be in the slot. */
  async pay(card: Card, transaction: Transaction, host: HostSide, { signal }: Waiting): Promise<Outcome> {
    this.#screens.stop()
    this.body.show('reader.processing')
    const counted = this.#counted(transaction)
    const terminal = this.#terminal(host, transaction.prefer)
    const alone = await this.#presented('chip', () => transact(card, counted, this.config, terminal, this.#kernel(signal)), signal)
    const outcome = await confirmed(alone, transaction, host, signal)
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
    this.#screens.stop()
    const deadline = this.clock.now() + timeout
    const counted = this.#counted(transaction)
    const tapping = this.#tapping
    const run = () =>
      tapping.run({
        transaction: counted,
        terminal: this.#tapTerminal(host),
        deadline,
        wait: outer =>
          unlessCancelled(this.body, outer, inner => {
            this.body.shine('waiting')
            return this.body.nextCard(interfaces, { signal: inner, timeout: deadline - this.clock.now() })
          }),
        options: this.#kernel(signal),
      })
    const ended = await this.#presented('tap', run, signal)
    this.#tapped = ended.type !== 'other'
    if (ended.type === 'outcome') this.#log.remember(ended.outcome, transaction)
    if (this.lie === 'pan' && ended.type === 'onlineRequest')
      return { ...ended, request: { ...ended.request, tags: ofAnotherCard(ended.request.tags) } }
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

  #presented<T>(how: 'chip' | 'tap' | 'swipe', work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.body.trace ? this.body.trace.presented(how, work, signal) : work()
  }

  /** What the kernel runs with, over any interface. */
  #kernel(signal: AbortSignal) {
    const { clock, random } = this
    const { timeouts, exceptionFile } = this.#options
    const explain = this.body.trace?.explain(this.#options.explain) ?? this.#options.explain
    return {
      ...{ signal, clock, random, log: this.#log },
      ...(timeouts && { timeouts }),
      ...(exceptionFile && { exceptionFile }),
      ...(explain && { explain }),
    }
  }

  /** What the kernel is given. */
  #counted(transaction: Transaction): Transaction {
    return lyingTransaction(this.lie, { ...transaction, sequence: transaction.sequence ?? this.#nextSequence() }, this.clock.now())
  }

  #nextSequence(): number {
    this.#sequence = (this.#sequence % 9999) + 1 // 9F41 is n 4–8
    return this.#sequence
  }

  /** `prefer`: what comes first on its own list. */
  #terminal(host: HostSide, prefer?: Transaction['prefer']): Terminal {
    /** A question to a person is over when the card is gone. */
    const withCard = <T>(waiting: Waiting, ask: (waiting: Waiting) => Promise<T>) => {
      this.#speak(waiting.language)
      const signal = AbortSignal.any([waiting.signal, this.body.cardGone('chip')])
      return ask({ ...waiting, signal })
    }
    return {
      selectApplication: (candidates, waiting) =>
        withCard(waiting, async own => {
          if (host.selectApplication) return host.selectApplication(candidates, own)
          // The card is still the one whose PIN was refused: what was chosen holds for its next PIN.
          const chosen = this.#pinToRepeat ? this.#chosen : undefined
          const again = chosen ? candidates.findIndex(({ aid }) => equal(aid, chosen)) : -1
          if (again >= 0) return again
          const order = inOrder(candidates, prefer)
          const shown = order.map(one => candidates[one])
          host.onSelection?.(shown)
          const index = await this.choose(shown, own)
          return index === undefined ? undefined : order[index]
        }),
      enterPin: (request, waiting) => withCard(waiting, own => this.#enterPin(request, host, own)),
      authorise: (request, waiting) => {
        this.body.show('reader.processing')
        return lyingAuthorise(this.lie, host.authorise)(request, waiting)
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
    if (request.type === 'online' && this.#keys.pinExhausted) return { type: 'notWorking' }
    const typed = await this.#typePin(request, host, waiting)
    if (typed.type !== 'digits') return typed
    if (request.type === 'offline') return { type: 'offlinePin', pin: typed.digits }
    return { type: 'onlinePin', block: this.#keys.pinBlock(typed.digits, request.pan) }
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

  /** Enciphers a swipe, with a PIN where a PAN is given. @throws Fault `bad-key` */
  async seal(
    tracks: SwipedTracks,
    pan: string | undefined,
    host: HostSide,
    waiting: Waiting,
  ): Promise<SealedSwipe | { readonly type: 'cancelled' | 'timeout' }> {
    const run = async () => {
      const typed = pan === undefined ? undefined : await this.#typePin({ type: 'online', pan }, host, waiting)
      if (typed?.type === 'cancelled' || typed?.type === 'timeout') return typed
      return this.#keys.seal(tracks, pan && typed?.type === 'digits' ? { digits: typed.digits, pan } : undefined)
    }
    return this.#tapped ? run() : this.#presented('swipe', run, waiting.signal)
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
