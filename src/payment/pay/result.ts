/** How a payment ended: as data for the app, as JSON, and as a sentence for the merchant. */

import { hex } from '../../bytes.ts'
import * as door from '../../door.ts'
import type { CardInterface, CvmName, Outcome } from '../../emv/outcome.ts'
import { hostMessage, type Language, shopMessage as message } from '../../messages/shop.ts'
import { tagBytes, tagHex } from '../../tlv/ber.ts'
import { isSensitive } from '../../tlv/tags.ts'
import type { HostAnswer, Merchant, Order, PaymentType } from '../acquirer.ts'
import type { PaymentReason } from '../journal/recorder.ts'
import { makeReceipt, type Receipt } from '../receipt/receipt.ts'
import type { Signature } from '../receipt/signature.ts'
import { cvmFailed } from '../receipt/tvr.ts'
import type { Settled } from './dialogue.ts'

/** How a payment ended. Safe to show but for `outcome`; `paymentJson` is what may be logged. */
export interface PaymentResult {
  /** `unknown`: the host may have charged; ask for the state of `key` before paying again. */
  readonly result: Outcome['result']
  /** `refund`: the money went to the card. */
  readonly type: PaymentType
  /** Minor units of a partial approval: what was approved, less than what was asked. */
  readonly approvedAmount?: bigint
  /** Why it was not approved; `reasonWords` has the words. */
  readonly reason?: PaymentReason
  /** Left out: no card was presented, or nobody tells. */
  readonly interface?: CardInterface | undefined
  /** Left out: nobody tells. */
  readonly cvm?: CvmName | undefined
  /** The application that paid; left out where nobody tells. */
  readonly application?: {
    /** Hex. */
    readonly aid: string
    /** As the card has it. */
    readonly label: string
  }
  /** Data objects of EMV by hex tag; those that hold PAN (also signed, in a certificate), track, name or PIN, and the vendor's own, are left out. */
  readonly tags: Readonly<Record<string, string>>
  /** The slip as data, of any ending. */
  readonly receipt: Receipt
  /** The chip could not be read: see `Outcome.fallback`. */
  readonly fallback?: boolean
  /** Key of the attempt that this is the result of. */
  readonly key: string
  /** How often the card was asked for: more than one after a wrong online PIN. */
  readonly attempts: number
  /** Response code (ISO 8583:1987, field 39), where the host gave one. */
  readonly responseCode?: string
  /** The host's own words. */
  readonly hostReason?: string
  /** The host's number of the order. */
  readonly billNumber?: string
  /** The host's number of the transaction. */
  readonly transaction?: string
  /** As it was drawn on the screen, where it was. */
  readonly signature?: Signature
  /** What the host said last. */
  readonly answer?: HostAnswer
  /** An approval that must not stand: `done` when the host has confirmed the reversal. */
  readonly reversal?: 'done' | 'pending'
  /** An offline approval that the host must hear of. */
  readonly advice?: 'done' | 'pending'
  /** As the reader or the kernel gave it, secret data included: not for logs. */
  readonly outcome: Outcome
}

export interface ResultFacts {
  readonly order: Order
  readonly type: PaymentType
  /** Minor units that were asked for. */
  readonly amount: bigint
  readonly merchant: Merchant
  readonly at: Date
  readonly key: string
  readonly attempt: number
  readonly signature: Signature | undefined
  readonly settled: Settled & { readonly outcome: Outcome }
}

/** Everything that is known at the end, put together; what is not known is left out. */
export function describeResult({ order, type, amount, merchant, at, key, attempt, signature, settled }: ResultFacts): PaymentResult {
  const { result, reason, outcome, answer, reversal, advice } = settled
  const response = answer?.response ?? (outcome.response?.type === 'unableToGoOnline' ? undefined : outcome.response)
  const { application } = outcome
  const part = result === 'approved' ? answer?.approvedAmount : undefined
  return {
    result,
    type,
    ...(part !== undefined && { approvedAmount: part }),
    ...(reason && { reason }),
    ...(outcome.interface && { interface: outcome.interface }),
    ...(outcome.cvm && { cvm: outcome.cvm }),
    ...(application && { application: { aid: hex(application.aid), label: application.label } }),
    tags: safeTags(outcome.tags),
    receipt: makeReceipt({
      merchant,
      order,
      type,
      amount: part ?? amount,
      result,
      outcome,
      at,
      signed: signature !== undefined,
      ...(response && { response }),
    }),
    ...(outcome.fallback && { fallback: true }),
    key,
    attempts: attempt,
    ...(response && { responseCode: response.code }),
    ...(answer?.reason && { hostReason: answer.reason }),
    ...(answer?.billNumber && { billNumber: answer.billNumber }),
    ...(answer?.transaction && { transaction: answer.transaction }),
    ...(signature && { signature }),
    ...(answer && { answer }),
    ...(reversal && { reversal }),
    ...(advice && { advice }),
    outcome,
  }
}

/** Tags of the private class are the vendor's own: PIN block, key serial numbers, enciphered tracks. */
function safeTags(tags: ReadonlyMap<number, Uint8Array>): Record<string, string> {
  return Object.fromEntries(
    [...tags].filter(([tag]) => !isSensitive(tag) && tagBytes(tag)[0] < 0xc0).map(([tag, value]) => [tagHex(tag), hex(value)]),
  )
}

/** What `tapdip pay --json` prints: the result without the outcome's secret data. */
export function paymentJson(payment: PaymentResult): PaymentJson {
  door.need('payment', payment, door.object)
  const { outcome: _secret, answer: _raw, approvedAmount, ...result } = payment
  return { ...result, ...(approvedAmount !== undefined && { approvedAmount: `${approvedAmount}` }) }
}

/** What of a payment is put into words. */
const spoken = door.shape({ result: door.anyText, reason: door.maybe(door.anyText), receipt: door.object })

/** A payment as JSON: without the outcome's secret data and the host's answer; amounts are texts of minor units. */
export type PaymentJson = Omit<PaymentResult, 'outcome' | 'answer' | 'approvedAmount'> & {
  /** Minor units. */
  readonly approvedAmount?: string
}

/** Why a payment ended so: of one that is not known, what that means for who takes money. */
export function reasonMessage(result: string | undefined, reason: PaymentReason, language: Language): string {
  const unanswered = result === 'unknown' && reason === 'unableToGoOnline'
  return message(unanswered ? 'unknown.unableToGoOnline' : `reason.${reason}`, language)
}

/** Why, in the app's language: the reason; for what the host declined its code and meaning; for what nobody was asked about, a verification that failed. Empty for a plain approval. */
export function reasonWords(payment: PaymentResult, language: Language = 'en'): string {
  door.need('payment', payment, spoken)
  door.need('language', language, door.oneOf(['en', 'ru']))
  const { reason, result, responseCode, receipt } = payment
  const whose = reason === 'kernelUnsupported' && receipt.scheme ? ` (${receipt.scheme})` : ''
  const why = reason ? reasonMessage(result, reason, language) + whose : ''
  const unverified = reason === 'offlineDeclined' && cvmFailed(receipt) ? message('reason.notVerified', language) : ''
  const host =
    result === 'declined' && responseCode !== undefined && responseCode !== '00'
      ? `${responseCode} ${hostMessage(responseCode, language)}`
      : ''
  return [why, unverified || host].filter(Boolean).join(': ')
}
