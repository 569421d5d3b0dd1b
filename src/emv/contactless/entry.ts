/** Entry Point: it prepares combinations, finds the card's best application, runs its kernel and processes the outcome (EMV Contactless Book B). */

import { exchange } from '../../apdu/exchange.ts'
import { concat, equal, fromText, hex } from '../../bytes.ts'
import { Fault, isFault, throwIfAborted } from '../../errors.ts'
import type { Card } from '../card.ts'
import { type Fci, parseFci } from '../steps/fci.ts'
import type { Transaction } from '../terminal.ts'
import { type ContactlessCandidate, candidatesOf, type DirectoryEntry, parsePpse, refusesKernel3, unsupportedAmong } from './candidates.ts'
import { type Combination, checkCombination, nothingAllowed, type PreProcessed, preProcess, withoutPreProcessing } from './combination.ts'
import { bringsEmvData, type ContactlessOutcome, type OnlineResponse, type StartPoint, UI, type UiRequest } from './outcome.ts'

/** The contactless field (EMV Contactless Book D), as a reader's hardware or a simulation gives it. */
export interface Field {
  /**
   * Switches the field on and polls until exactly one card is there and active; the field may be on already.
   * @throws Fault `aborted`, `timeout`
   */
  activate(options: {
    /** Ends the polling. */
    signal: AbortSignal
    /** `several`: more than one card is in the field. `none`: they were all taken away, polling goes on. */
    onCollision(cards: 'several' | 'none'): void
  }): Promise<Card>
  /** Switches the field off; for `hold` ms at least before it comes back. */
  off(options?: {
    /** Milliseconds. */
    readonly hold?: number
  }): Promise<void>
}

/** What a kernel is started with (Book B, 3.4). */
export interface KernelActivation {
  /** The card in the field, its application selected. */
  readonly card: Card
  /** What is to be paid. */
  readonly transaction: Transaction
  /** What pre-processing found out about the combination: its limits, and the TTQ. */
  readonly prepared: PreProcessed
  /** The final SELECT's answer, read. */
  readonly fci: Fci
  /** The same as the card gave it, without status word. */
  readonly response: Uint8Array
  /** Status word of the final SELECT. */
  readonly sw: number
  /** Where Entry Point was last started. */
  readonly start: StartPoint
  /** The transaction goes on after an online request. */
  readonly restart: boolean
  /** What the host answered, on a restart. */
  readonly onlineResponse: OnlineResponse | undefined
  /** Ends the run. */
  readonly signal: AbortSignal
  /** Shows something while the kernel runs, such as "card read OK". */
  ui(request: UiRequest): void
}

/**
 * A kernel: one run, from after the final SELECT to an outcome.
 * @throws Fault `card-removed`, `card-mute`, which Entry Point takes as a communication error; `aborted`
 */
export type ContactlessKernel = (activation: KernelActivation) => Promise<ContactlessOutcome>

export interface EntryPointSettings {
  readonly combinations: readonly Combination[]
  /** The kernel of a combination, by its identifier and AID. */
  readonly kernel: (id: Uint8Array, aid: Uint8Array) => ContactlessKernel | undefined
  /** What the customer has asked for: it comes first where the merchant has an order of their own (`Combination.rank`). */
  readonly asked?: ((entry: DirectoryEntry) => boolean) | undefined
  readonly field: Field
  readonly ui: (request: UiRequest) => void
  /** What "try another interface" points to when no combination is allowed. */
  readonly alternateInterface?: ContactlessOutcome['alternateInterface']
}

export interface Restart {
  readonly outcome: ContactlessOutcome
  readonly response: OnlineResponse | undefined
}

const PPSE = fromText('2PAY.SYS.DDF01')
const noCard: ContactlessOutcome = { status: 'endApplication', uiOnOutcome: { message: UI.tryAnotherCard, status: 'readyToRead' } }

/** One Entry Point lives as long as one transaction: what an outcome leaves for its restart stays in it. */
export class EntryPoint {
  readonly #settings: EntryPointSettings
  readonly #transaction: Transaction
  readonly #signal: AbortSignal
  #prepared: readonly PreProcessed[] = []
  #candidates: ContactlessCandidate[] = []
  /** The application of the last final SELECT: `D` and restarts at `C` go on with it. */
  #chosen: { candidate: ContactlessCandidate; fci: Fci; response: Uint8Array; sw: number } | undefined
  #card: Card | undefined
  /** Of the last card's directory: why it had no candidate. */
  #unsupported: DirectoryEntry | undefined

  /** @throws Fault `bad-config` on a combination that cannot be, or whose kernel is missing */
  constructor(settings: EntryPointSettings, transaction: Transaction, signal: AbortSignal) {
    for (const { aid, kernel } of settings.combinations.map(checkCombination))
      if (!settings.kernel(kernel, aid))
        throw new Fault('bad-config', `combination ${hex(aid)}/${hex(kernel)}: there is no such kernel`, {
          path: `combination ${hex(aid)}`,
        })
    this.#settings = settings
    this.#transaction = transaction
    this.#signal = signal
  }

  /** A card has come into the field. */
  get presented(): boolean {
    return this.#card !== undefined
  }

  /** 5F2D of the application last selected. */
  get languagePreference(): Uint8Array | undefined {
    return this.#chosen?.fci.objects.get(0x5f2d)
  }

  /**
   * Runs from `start` to an outcome that is for the terminal: all but Select Next, Try Again and End Application with a start, which lead back
   * in here.
   * Start A is a new transaction, start B one that the reader began before it knew the amount. An online request whose outcome has a start
   * is entered there again, with `restart`.
   * @throws Fault `aborted`, `timeout` of the field
   */
  async run(start: StartPoint, restart?: Restart): Promise<ContactlessOutcome> {
    if (!restart) {
      this.#chosen = undefined
      if (start === 'B') this.#prepared = this.#combinations().map(withoutPreProcessing)
    }
    let invitation: UiRequest | undefined = restart?.outcome.uiOnRestart ?? present(UI.presentCard)
    for (;;) {
      throwIfAborted(this.#signal)
      const allowed = start !== 'A' || this.#prepare()
      this.#show(invitation)
      if (!allowed) return this.#finish(nothingAllowed(this.#settings.alternateInterface))
      const outcome = await this.#finish(await this.#attempt(start, restart))
      if (outcome.status === 'selectNext') {
        this.#drop()
        start = 'C'
        invitation = undefined
      } else if (outcome.status === 'tryAgain' || (outcome.status === 'endApplication' && outcome.start)) {
        start = outcome.start ?? 'B'
        invitation = outcome.uiOnRestart
      } else return outcome
    }
  }

  /** Activation, selection and kernel, as far as `start` asks for them. A communication error lets the card be presented again (3.3.1). */
  async #attempt(start: StartPoint, restart: Restart | undefined): Promise<ContactlessOutcome> {
    if (start === 'A' || start === 'B')
      this.#card = await this.#settings.field.activate({ signal: this.#signal, onCollision: cards => this.#collision(cards) })
    try {
      if (start === 'A' || start === 'B') {
        // With data from the issuer the very application of before is selected again (3.3.2.1).
        if (!(start === 'B' && restart && bringsEmvData(restart.response) && this.#chosen)) {
          this.#chosen = undefined
          if (!(await this.#buildCandidates())) return this.#unsupported ? { ...noCard, unsupported: this.#unsupported } : noCard
        }
      }
      if (start !== 'D' || !this.#chosen) {
        const selected = await this.#select(restart)
        if (!selected) return noCard
      }
      const { candidate, fci, response, sw } = this.#chosen!
      const { combination } = candidate.prepared
      const kernel = this.#settings.kernel(combination.kernel, combination.aid)!
      return await kernel({
        card: this.#card!,
        transaction: this.#transaction,
        prepared: candidate.prepared,
        fci,
        response,
        sw,
        start,
        restart: restart !== undefined,
        onlineResponse: restart?.response,
        signal: this.#signal,
        ui: request => this.#show(request),
      })
    } catch (error) {
      if (!isFault(error, 'card-removed', 'card-mute')) throw error
      return { status: 'tryAgain', start: 'B', uiOnRestart: present(UI.presentCardAgain) }
    }
  }

  #combinations(): Combination[] {
    const type = this.#transaction.type ?? 'purchase'
    return this.#settings.combinations.filter(({ types }) => types === undefined || types.includes(type))
  }

  /** Pre-processing (3.1); false when no combination may be used. */
  #prepare(): boolean {
    const { amount, currency } = this.#transaction
    this.#prepared = this.#combinations().map(combination => preProcess(combination, amount, currency))
    return this.#prepared.some(({ notAllowed }) => !notAllowed)
  }

  async #exchange(name: Uint8Array) {
    const command = { cla: 0x00, ins: 0xa4, p1: 0x04, p2: 0x00, data: name, le: 0 }
    try {
      const { data, sw } = await exchange(this.#card!, command, { signal: this.#signal })
      return { response: data, sw }
    } catch (error) {
      if (!isFault(error, 'apdu')) throw error
      throw new Fault('card-mute', `the card answered SELECT with what is no response: ${error.message}`, {}, { cause: error })
    }
  }

  /** The PPSE's entries, matched and in order (3.3.2); false when nothing is left. */
  async #buildCandidates(): Promise<boolean> {
    const { response, sw } = await this.#exchange(PPSE)
    const entries = sw === 0x9000 ? readable(() => parsePpse(response)) : undefined
    this.#candidates = entries ? candidatesOf(entries, this.#prepared, this.#settings.asked) : []
    this.#unsupported = entries && this.#candidates.length === 0 ? unsupportedAmong(entries, this.#settings.combinations) : undefined
    return this.#candidates.length > 0
  }

  /** The final SELECT (3.3.3): the first candidate that the card accepts; false when none is left, or when a restart may not look further. */
  async #select(restart: Restart | undefined): Promise<boolean> {
    for (;;) {
      const candidate = this.#candidates[0]
      if (!candidate) return false
      const { extendedSelection } = candidate.prepared.combination
      const name = extendedSelection && candidate.extension ? concat(candidate.name, candidate.extension) : candidate.name
      const { response, sw } = await this.#exchange(name)
      const fci = sw === 0x9000 ? readable(() => parseFci(response)) : undefined
      const usable = fci && (refusesKernel3(candidate, fci) ? this.#asKernel1(candidate) : candidate)
      if (fci && usable) {
        this.#chosen = { candidate: usable, fci, response, sw }
        return true
      }
      if (restart) return false
      this.#drop()
    }
  }

  /** The same application under kernel 1, where the reader has that combination. */
  #asKernel1(candidate: ContactlessCandidate): ContactlessCandidate | undefined {
    const { aid } = candidate.prepared.combination
    const prepared = this.#prepared.find(
      ({ combination, notAllowed }) => !notAllowed && equal(combination.aid, aid) && equal(combination.kernel, Uint8Array.of(0x01)),
    )
    return prepared && { ...candidate, prepared }
  }

  #drop(): void {
    this.#candidates.shift()
    this.#chosen = undefined
  }

  #show(request: UiRequest | undefined): void {
    if (request) this.#settings.ui(request)
  }

  #collision(cards: 'several' | 'none'): void {
    this.#show({ message: UI.presentOneCard, status: cards === 'several' ? 'processingError' : 'readyToRead' })
  }

  /** Outcome processing (3.5.1): the outcome's message, and the field off when asked for. */
  async #finish(outcome: ContactlessOutcome): Promise<ContactlessOutcome> {
    this.#show(outcome.uiOnOutcome)
    if (outcome.fieldOff !== undefined) await this.#settings.field.off({ hold: outcome.fieldOff })
    return outcome
  }
}

function present(message: typeof UI.presentCard | typeof UI.presentCardAgain): UiRequest {
  return { message, status: 'readyToRead' }
}

/** What `parse` makes of a card's answer; undefined where it is malformed. */
function readable<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (isFault(error, 'tlv', 'dol')) return undefined
    throw error
  }
}
