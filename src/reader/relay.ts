/** A payment that the reader's own kernel makes, as its driver knows it: what was told so far, the host's answer, and the Outcome of all that. */

import { fromText } from '../bytes.ts'
import type { Clock } from '../clock.ts'
import { within } from '../clock.ts'
import type { CardInterface, CvmName, Outcome, Reason } from '../emv/outcome.ts'
import { defaultTimeouts } from '../emv/steps/context.ts'
import { displayName } from '../emv/steps/fci.ts'
import type { AuthorisationRequest, AuthorisationResponse, PinBlock, Terminal, Transaction } from '../emv/terminal.ts'
import { isFault, throwIfAborted } from '../errors.ts'
import type { MessageId } from '../messages/messages.ts'
import { cardData } from '../tlv/card-data.ts'
import { type Approval, type Asked, checkRequest, cryptogramOf, decide, type Mismatch, type SpentCryptograms } from './binding.ts'
import type { ReaderEvent } from './reader.ts'

type Tags = ReadonlyMap<number, Uint8Array>

export interface RelayOptions {
  readonly transaction: Transaction
  readonly terminal: Terminal
  readonly clock: Clock
  /** Cancels the payment. */
  readonly signal: AbortSignal
  readonly emit: (event: ReaderEvent) => void
  /** Of the connection: see `ReaderWork`. */
  readonly spent: SpentCryptograms
}

/** One payment. Faults are the driver's to raise; what the card, the cardholder and the host come to is an Outcome here. */
export class Relay {
  readonly transaction: Transaction
  readonly terminal: Terminal
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly emit: (event: ReaderEvent) => void
  readonly tags = new Map<number, Uint8Array>()
  /** What the card was presented to, once the reader has told it. */
  by: CardInterface | undefined
  pinBlock: PinBlock | undefined
  /** How the cardholder was verified, where the reader says it in a word of its own. */
  verified: CvmName | undefined
  /** The reader asks for a signature: where the card's data, which may be enciphered, say nothing else. */
  signature = false
  /** A stripe's PIN may be among what is enciphered for the host: of it the app knows what `verified` says, and nothing else. */
  sealedPin = false
  /** As it was chosen, where the reader tells names only. */
  label: string | undefined
  /** The request has left for the host. */
  asked = false
  response: AuthorisationResponse | undefined
  /** The reader has told that the card was taken out of the slot, and not that one came after it. */
  removed = false
  /** What the reader says in an encoding of its own, no EMV tag, and that is not what was asked for. */
  foreign: Mismatch | undefined
  readonly #bound: Asked
  readonly #spent: SpentCryptograms
  /** Cryptograms of this payment. */
  readonly #own = new Set<string>()
  #sent: Approval['sent']
  /** As it left for the host. */
  #request: AuthorisationRequest | undefined

  /** `dated`: see `Asked`. */
  constructor({ transaction, terminal, clock, signal, emit, spent }: RelayOptions, dated: Asked['dated']) {
    this.#bound = { transaction, dated, begun: new Date(clock.now()), clock }
    this.#spent = spent
    this.transaction = transaction
    this.terminal = terminal
    this.clock = clock
    this.signal = signal
    this.emit = emit
  }

  learn(tags: Iterable<readonly [number, Uint8Array]>): void {
    for (const [tag, value] of tags) this.tags.set(tag, value)
  }

  show(message: MessageId): void {
    this.emit({ type: 'display', message })
    this.terminal.display?.(message)
  }

  /** How the cardholder was verified; undefined where the reader does not tell it. */
  get cvm(): CvmName | undefined {
    const { tags, pinBlock, by, verified, sealedPin, signature, asked } = this
    // A stripe that came to nothing before the host was asked: nobody has signed.
    if (by === 'swipe' && !pinBlock && !asked) return 'none'
    return cvmOf({ tags, pinBlock, by, verified, sealedPin }) ?? (signature ? 'signature' : undefined)
  }

  /** `signal`: nobody waits for the answer any more. @throws Fault `mismatch` (nothing is sent), `aborted`, or what the app's `authorise` throws */
  async authorise(signal = this.signal): Promise<AuthorisationResponse> {
    checkRequest(this, this.#bound)
    this.#spent.spend(this.tags, this.#own)
    this.#sent = cryptogramOf(this.tags)
    this.asked = true
    const { transaction, terminal, clock, by, cvm, pinBlock } = this
    const known = { ...(by && { interface: by }), ...(cvm && { cvm }), tags: cardData(this.tags) }
    const request = { transaction, ...known, ...(pinBlock && { pinBlock }) }
    this.#request = request
    this.response = await within({ signal, clock, what: 'the authorisation' }, inner => terminal.authorise(request, { signal: inner }))
    if (this.response.type !== 'unableToGoOnline') this.tags.set(0x8a, fromText(this.response.code))
    return this.response
  }

  outcome(result: Outcome['result'], reason?: Reason, more: Partial<Outcome> = {}): Outcome {
    const { tags, pinBlock, asked, response, cvm, label } = this
    const by = this.by ?? (more.fallback ? 'chip' : undefined) // fallback is from a chip
    const application = applicationOf(tags, label)
    const cid = tags.get(0x9f27)?.[0]
    return {
      result,
      ...(reason && { reason }),
      ...(by && { interface: by }),
      ...(cvm && { cvm }),
      online: asked,
      ...(application && { application }),
      tags: cardData(tags),
      ...(pinBlock && { pinBlock }),
      ...(response && { response }),
      // Cryptogram Information Data b4: advice required (EMV 4.4 Book 3, 6.5.5.4)
      ...(cid !== undefined && (cid & 0x08) !== 0 && { advice: true }),
      ...more,
    }
  }

  /** The reader says no: whose no that is depends on the host. */
  declined(reversal = false): Outcome {
    const { response } = this
    const due = reversal || response?.type === 'approved' ? { reversal: true } : {}
    if (response?.type === 'approved') return this.outcome('declined', this.removed ? 'cardRemoved' : 'cardDeclined', due)
    if (response?.type === 'declined') return this.outcome('declined', 'hostDeclined', due)
    return this.outcome('declined', response?.type ?? 'offlineDeclined', due)
  }

  /**
   * The reader says yes, `online`: because a host has. It cannot overrule the host, nor the card; what nothing proves is asked of the host. Where that comes to something else,
   * the cardholder is told, who may have read it otherwise.
   * @throws Fault `mismatch`, what `authorise` throws
   */
  async approved(online = false): Promise<Outcome> {
    const outcome = await this.#judged(online)
    if (outcome.result !== 'approved') this.show('reader.declined')
    return outcome
  }

  /** @throws Fault as `approved` */
  async #judged(online: boolean): Promise<Outcome> {
    const { response, asked } = this
    if (response && response.type !== 'approved' && response.type !== 'unableToGoOnline') return this.declined()
    const { tags, by, foreign } = this
    const verdict = decide({ tags, by, foreign, asked, sent: this.#sent, response, online }, this.#bound)
    switch (verdict.result) {
      case 'approved':
        return this.#spend() ? this.outcome('approved') : this.outcome('declined', 'readerError', { reversal: true })
      case 'declined':
        return this.outcome('declined', verdict.reason, verdict.reversal ? { reversal: true } : {})
      case 'askHost':
        throwIfAborted(this.signal)
        this.show('reader.authorising')
        await this.authorise()
        return this.byHost()
    }
  }

  /** The last cryptogram is used up too, so that the certificate of a payment makes no second one. False after the host's approval. @throws Fault `mismatch` before */
  #spend(): boolean {
    try {
      this.#spent.spend(this.tags, this.#own)
      return true
    } catch (error) {
      if (!this.asked) throw error
      return false
    }
  }

  /** The reader's own host has approved, past the app, which cannot read what went there; `answered`: something came back. What does not fit may have been charged all the same. */
  approvedElsewhere(answered: boolean): Outcome {
    const { tags, by, foreign } = this
    if (!answered) return this.outcome('unknown', 'readerError', { online: true })
    const verdict = decide({ tags, by, foreign, asked: true, response: { type: 'approved', code: '00' } }, this.#bound)
    if (verdict.result === 'approved') return this.outcome('approved')
    return verdict.result === 'declined' && verdict.reason === 'cardDeclined'
      ? this.outcome('declined', 'cardDeclined')
      : this.outcome('unknown', 'readerError')
  }

  /**
   * A stripe that the reader has no more part in, so that nobody waits: a referral is the attendant's to settle on the telephone, where the app has one (Book 4, 6.5.2.2).
   * @throws Fault `aborted`, what the app's `refer` throws
   */
  async byHostOrCall(): Promise<Outcome> {
    const { terminal, response, signal, clock } = this
    const request = this.#request
    if (response?.type !== 'referral' || !request || !terminal.refer) return this.byHost()
    const limit = { timeout: defaultTimeouts.referral, signal, clock, what: 'the voice referral' }
    const call = within(limit, inner => terminal.refer!(request, response, { signal: inner }))
    const decision = await call.catch(error => {
      if (signal.aborted || !isFault(error, 'timeout')) throw error
      return 'declined' as const
    })
    return decision === 'approved' ? this.outcome('approved') : this.declined()
  }

  /** A swipe, or a tap that is over, ends with the host's word: no card is there to contradict. */
  byHost(): Outcome {
    return this.response?.type === 'approved' ? this.outcome('approved') : this.declined()
  }

  /** An ending of the card's or the cardholder's making; after the host approved, the card has not completed what is approved. */
  ended(result: 'declined' | 'cancelled', reason: Reason, more: Partial<Outcome> = {}): Outcome {
    if (this.response && this.response.type !== 'approved') return this.declined()
    if (this.response) return this.outcome('declined', reason, { reversal: true })
    return this.outcome(result, reason, more)
  }

  /**
   * The merchant's cancellation: while the host was deciding, nobody knows; what it approved must be reversed, what it declined stays declined. A reader that is given up
   * because its link is lost is no cancellation.
   */
  aborted(): Outcome {
    const { asked, response } = this
    if (isFault(this.signal.reason, 'link-closed')) return this.broken(this.signal.reason)
    if (response?.type === 'declined' || response?.type === 'referral') return this.declined()
    if (response) return this.outcome('cancelled', 'merchantCancelled', response.type === 'approved' ? { reversal: true } : {})
    return this.outcome(asked ? 'unknown' : 'cancelled', 'merchantCancelled')
  }

  /** The reader is lost, or broke: once the host was asked, that is no fault but an outcome. What the host declined stays declined. @throws `error` before */
  broken(error: unknown): Outcome {
    if (!this.asked || (!this.response && !isFault(error, 'link-closed'))) throw error
    if (this.response?.type === 'declined' || this.response?.type === 'referral') return this.declined()
    return this.outcome('unknown', isFault(error, 'link-closed') ? 'linkLost' : 'readerError')
  }
}

/** What a reader has told of one verification. */
export interface Verification {
  readonly tags: Tags
  readonly pinBlock?: PinBlock | undefined
  readonly by?: CardInterface | undefined
  /** In a word of the reader's own. */
  readonly verified?: CvmName | undefined
  /** A stripe's PIN may be among what is enciphered. */
  readonly sealedPin?: boolean | undefined
}

/**
 * How the cardholder was verified, for every reader alike; undefined where nothing that the reader tells says so. In this order: a PIN block that travels to the
 * issuer is an online PIN, whatever else is said; a stripe without one is signed for, but where a PIN may be among what is enciphered; the reader's own word; CVM Results (9F34: method, condition, result; EMV 4.4
 * Book 4, Annex A4 and Book 3, Annex C3), of which a method that failed (result 1) verified nobody, and PIN and signature together count as the signature that is
 * still to be taken; over contactless the offline PIN's code is the holder's device (Book C-2, CDCVM); a card's qualifiers.
 */
export function cvmOf({ tags, pinBlock, by, verified, sealedPin }: Verification): CvmName | undefined {
  if (pinBlock) return 'onlinePin'
  if (by === 'swipe' && !sealedPin) return 'signature'
  if (by === 'swipe' || verified) return verified
  const results = tags.get(0x9f34)
  if (results?.length !== 3) return by === 'tap' ? byQualifiers(tags) : undefined
  const [method, , result] = results
  if (result === 1) return 'none'
  switch (method & 0x3f) {
    case 0x01:
      return by === 'tap' ? 'device' : 'offlinePin'
    case 0x04:
      return 'offlinePin'
    case 0x02:
      return 'onlinePin'
    case 0x03:
    case 0x05:
    case 0x1e:
      return 'signature'
    default:
      return 'none'
  }
}

/**
 * Without CVM Results, what a card of kernel 3 or 7 and its terminal have said, after an online PIN was ruled out (Book C-3, 5.7): Card Transaction Qualifiers
 * (9F6C), and that none was asked for (9F66 byte 2 b7).
 */
function byQualifiers(tags: Tags): CvmName | undefined {
  const [card, terminal] = [tags.get(0x9f6c), tags.get(0x9f66)]
  if (card?.length === 2 && card[1] & 0x80) return 'device'
  if (card?.length === 2 && card[0] & 0x40) return 'signature'
  return terminal?.length === 4 && !(terminal[1] & 0x40) ? 'none' : undefined
}

/** All parts of ISO 8859 that 9F11 can name: whether to show them is for the app. */
const codeTables = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

/** AID (84, else 4F, else 9F06) and what to call it: the label as it was chosen, else 9F12 in its code table, 50, or the AID. */
export function applicationOf(tags: Tags, chosen?: string): { readonly aid: Uint8Array; readonly label: string } | undefined {
  const aid = tags.get(0x84) ?? tags.get(0x4f) ?? tags.get(0x9f06)
  if (!aid && !chosen && !tags.has(0x50) && !tags.has(0x9f12)) return undefined
  const own = aid ?? new Uint8Array(0)
  return { aid: own, label: chosen ?? displayName(tags, tags.get(0x9f11), codeTables, own) }
}
