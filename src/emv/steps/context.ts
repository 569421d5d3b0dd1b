/** The one object that every step of the kernel works on. */

import type { Command, Response } from '../../apdu/apdu.ts'
import type { Clock } from '../../clock.ts'
import type { RsaPublicKey } from '../../crypto/rsa.ts'
import type { Fault } from '../../errors.ts'
import { type Dictionary, isSensitive } from '../../tlv/tags.ts'
import type { Card } from '../card.ts'
import type { ApplicationConfig, TerminalConfig } from '../config.ts'
import type { Bit, TsiBit, TvrBit } from '../data.ts'
import { type EmvData, isSet, TSI, TVR, withBit } from '../data.ts'
import type { Explain, Explanation, Step } from '../explain/explain.ts'
import type { CvmName, Outcome, Reason } from '../outcome.ts'
import type { AuthorisationResponse, Candidate, PinBlock, Terminal, Transaction } from '../terminal.ts'

/** How a step ends a transaction; a step that lets it go on returns undefined. */
export interface Stop {
  readonly result: Outcome['result']
  /** Undefined only on approval. */
  readonly reason: Reason | undefined
}

/** An earlier transaction, for floor-limit checks on split sales (EMV 4.4 Book 3, 10.6.1). */
export interface LoggedTransaction {
  /** The card's number, digits. */
  readonly pan: string
  /** PAN Sequence Number (5F34); left out where the card has none. */
  readonly psn?: number
  /** Minor units. */
  readonly amount: bigint
}

/** Where a terminal looks up what a card has paid here before. */
export interface TransactionLog {
  /** The latest logged transaction of this card, or undefined. */
  latest(pan: string, psn: number | undefined): LoggedTransaction | undefined
}

/** What a kernel may be told; everything has a default. */
export interface KernelOptions {
  /** Cancels the transaction: the Outcome is `merchantCancelled`. */
  readonly signal?: AbortSignal
  /** Date, time and limits come from it; the system's when left out. */
  readonly clock?: Clock
  /** Unpredictable bytes; `crypto.getRandomValues` when left out. */
  readonly random?: (length: number) => Uint8Array
  /** Split sales count together against the floor limit; each for itself when left out. */
  readonly log?: TransactionLog
  /** Whether a card is on the exception file (Book 3, 10.6). */
  readonly exceptionFile?: (pan: string, psn: number | undefined) => boolean
  /** Hears each rule as it is applied. */
  readonly explain?: Explain
  /** Those given replace the defaults. */
  readonly timeouts?: Partial<Timeouts>
}

/** How long the kernel waits, in milliseconds. */
export interface Timeouts {
  /** For one command and its response; then the card counts as mute. A Card has a shorter limit of its own (work waiting time), this is the last resort. */
  readonly card: number
  /** For the cardholder to choose an application. */
  readonly selection: number
  /** For one PIN entry. */
  readonly pin: number
  /** For the host's answer; then the terminal is unable to go online. */
  readonly host: number
  /** For the attendant to end a voice referral. */
  readonly referral: number
}

export const defaultTimeouts: Timeouts = { card: 30_000, selection: 60_000, pin: 60_000, host: 90_000, referral: 300_000 }

/** What the ending of a transaction needs to know of its steps. */
export interface Progress {
  /** GET PROCESSING OPTIONS was sent: from then on a chip that fails is no reason to read the stripe. */
  initiated: boolean
  cvm: CvmName
  pinBlock: PinBlock | undefined
  /** The host was asked. */
  online: boolean
  /** No answer came although the request may have left: the host may have approved. */
  unanswered: boolean
  /** What the host said; `unableToGoOnline` is no answer and not kept here. */
  response: Exclude<AuthorisationResponse, { type: 'unableToGoOnline' }> | undefined
  /** The approval stands: that of the host, or of the attendant after a referral. */
  hostApproved: boolean
  advice: boolean
}

/** Why a bit was set: the rule with its paragraph and the tags it looked at. */
export type Why = Pick<Explanation, 'rule'> & { readonly inputs?: readonly number[] }

/** An application on the candidate list, with what the card said about it (EMV 4.4 Book 1, 12.3). */
export interface CandidateApplication extends Candidate {
  /** The row of the configuration that matches it: the longest AID where several do. */
  readonly settings: ApplicationConfig
  /** Application Selection Registered Proprietary Data (9F0A, Book 1, 12.5): values by Proprietary Data Identifier. Kept, not interpreted. */
  readonly registeredData: ReadonlyMap<number, Uint8Array>
}

/** The offline data authentication of a transaction (EMV 4.4 Book 3, 10.3). */
export interface Oda {
  readonly method: 'sda' | 'dda' | 'cda'
  /** Recovered from its certificate; undefined where that failed. */
  issuerKey?: RsaPublicKey
  iccKey?: RsaPublicKey
}

/** What application selection remembers between its rounds (EMV 4.4 Book 1, 12.3–12.4). */
export interface Selection {
  /** In the order they are offered. `finalSelect` takes out the one it tries, so none is tried twice. */
  readonly candidates: CandidateApplication[]
  /** The cardholder chose or confirmed the application last tried. */
  asked: boolean
  /** The cardholder's choice had to be dropped: from then on nothing is selected without the cardholder. */
  confirm: boolean
  /** What it means when no candidate is left: none was there, or those that were are blocked or refused the transaction. */
  exhausted: 'noApplication' | 'applicationBlocked' | 'notAccepted'
}

export interface Kernel {
  readonly card: Card
  readonly transaction: Transaction
  readonly config: TerminalConfig
  readonly terminal: Terminal
  readonly data: EmvData
  /** What tags mean to a contactless kernel, where some mean other things to others; \`general\` when left out. */
  words?: Dictionary | undefined
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly random: (length: number) => Uint8Array
  readonly log: TransactionLog | undefined
  readonly exceptionFile: NonNullable<KernelOptions['exceptionFile']> | undefined
  readonly explain: Explain | undefined
  step: Step
  /** The candidate list; undefined before `buildCandidateList`. */
  selection: Selection | undefined
  /** ISO 639-1 language that card (5F2D) and terminal share, best first; undefined where they share none (Book 4, 11.1). */
  language: string | undefined
  /** The application in use, and its row of the configuration, from final selection on. */
  application: Candidate | undefined
  settings: ApplicationConfig | undefined
  /** Records read for offline data authentication, in AFL order, as Book 3, 10.3 builds the input; undefined when one was not usable. */
  odaInput: Uint8Array[] | undefined
  /** The values that the PDOL asked for, as they were sent in GET PROCESSING OPTIONS (empty without a PDOL); CDA signs them (Book 2, 6.6). */
  pdolData?: Uint8Array
  /** Offline data authentication as it was chosen, with the keys it recovered so far (Book 3, 10.3); undefined where none is performed. */
  oda?: Oda | undefined
  /** The values that CDOL1 and CDOL2 asked for, as they were sent in GENERATE AC; CDA signs them (Book 2, 6.6). */
  readonly cdolData: Uint8Array[]
  readonly progress: Progress
  readonly timeouts: Timeouts
  /** Sends a command with 61xx/6Cxx handled. @throws Fault `card-removed`, `card-mute`, `aborted` */
  exchange(command: Command): Promise<Response>
  /** Sets a TVR bit (95) and explains it. */
  raise(bit: TvrBit, why: Why): void
  /** Sets a TSI bit (9B) and explains it. */
  mark(bit: TsiBit, why: Why): void
  /** Explains something that sets no bit. `effect` is only built when somebody listens. */
  note(why: Why, effect: () => string | readonly string[]): void
}

/** Tells the listener; what is sensitive goes as FF. A listener that fails (a full disk) cannot stop a payment. */
export function explainTo(kernel: Pick<Kernel, 'explain' | 'step' | 'data'>, why: Why, effect: readonly string[]): void {
  const inputs = new Map<number, Uint8Array>()
  for (const tag of why.inputs ?? []) {
    const value = kernel.data.get(tag)
    if (value) inputs.set(tag, isSensitive(tag) ? new Uint8Array(value.length).fill(0xff) : value.slice())
  }
  try {
    kernel.explain?.({ step: kernel.step, rule: why.rule, inputs, effect })
  } catch {
    // its own affair
  }
}

/** The part of a Kernel that keeps TVR and TSI; shared by contact and contactless kernels. */
export function bitKeeper(kernel: Pick<Kernel, 'explain' | 'step' | 'data'>) {
  const set = (tag: number, length: number, bit: Bit, name: string, why: Why) => {
    const before = kernel.data.terminal.get(tag) ?? new Uint8Array(length)
    if (isSet(before, bit)) return
    kernel.data.terminal.set(tag, withBit(before, bit))
    if (kernel.explain) explainTo(kernel, why, [name])
  }
  return {
    raise: (bit: TvrBit, why: Why) => set(0x95, 5, TVR[bit], `TVR ${bit}`, why),
    mark: (bit: TsiBit, why: Why) => set(0x9b, 2, TSI[bit], `TSI ${bit}`, why),
    note: (why: Why, effect: () => string | readonly string[]) => {
      if (kernel.explain) explainTo(kernel, why, [effect()].flat())
    },
  }
}

/** Ends the transaction because of what the card answered; the fault says what was wrong with it. */
export function stopForCardError(kernel: Pick<Kernel, 'note'>, rule: string, fault: Fault): Stop {
  kernel.note({ rule: `${rule}: ${fault.message}` }, () => 'transaction terminated')
  return { result: 'declined', reason: 'cardError' }
}
