/** The slip of a card payment: its fields as data, and as lines of text in English or Russian. */

import { hex, text } from '../../bytes.ts'
import { formatAmount } from '../../currency.ts'
import * as door from '../../door.ts'
import type { CardInterface, CvmName, Outcome } from '../../emv/outcome.ts'
import { maskPan } from '../../mask.ts'
import { hostMessage, type Language, type ShopMessageId as MessageId, shopMessage as message } from '../../messages/shop.ts'
import { MASKED_PAN } from '../../reader/own-tags.ts'
import type { Merchant, Order, PaymentType } from '../acquirer.ts'
import { goodsOf, partNames } from '../amount-parts.ts'
import { printable } from '../one-line.ts'
import * as rules from '../rules.ts'
import { schemeName } from './scheme.ts'
import { cvmFailed } from './tvr.ts'

/** Every field of the slip that the mPOS guide shows (seed 002); what is not known is left out. Safe to store and to print. */
export interface Receipt {
  /** The merchant's name. */
  readonly merchant: string
  /** The merchant's, where it has one. */
  readonly address?: string
  /** Terminal identification (9F1C). */
  readonly terminal: string
  /** The order's number. */
  readonly order: string
  /** What was done, where it is no plain purchase: a refund is never a payment. */
  readonly type?: Exclude<PaymentType, 'purchase'> | 'increment' | 'completion'
  /** How it ended. */
  readonly result: Outcome['result']
  /** `150.00`; with parts their total. */
  readonly amount: string
  /** Where the amount has parts beside the goods: what the goods cost, and each part. */
  readonly purchase?: string
  /** Cash handed out, `50.00`. */
  readonly cashback?: string
  /** Tip, `5.00`. */
  readonly tip?: string
  /** Surcharge, `1.50`. */
  readonly surcharge?: string
  /** Of an increment: what is held with it. */
  readonly held?: string
  /** ISO 4217, three letters. */
  readonly currency: string
  /** As in the order. */
  readonly commission?: string
  /** AID of the application (84, 4F or 9F06), hex. */
  readonly aid?: string
  /** Label of the application (50). */
  readonly label?: string
  /** Terminal Verification Results (95), hex. */
  readonly tvr?: string
  /** Transaction Status Information (9B), hex. */
  readonly tsi?: string
  /** The payment system, by AID: `MIR`; the application's label where the AID has no name here. */
  readonly scheme?: string
  /** First six and last four digits. */
  readonly pan?: string
  /** Cardholder name (5F20), where the card gives it. */
  readonly cardholder?: string
  /** Retrieval reference number (ISO 8583 field 37). */
  readonly rrn?: string
  /** Authorisation code (field 38). */
  readonly authorisationCode?: string
  /** Response code (field 39). */
  readonly responseCode?: string
  /** `26.03.2019 10:52`, the terminal's own time. */
  readonly date: string
  /** Of a card. */
  readonly interface?: CardInterface
  /** How it was paid, where no card was read. */
  readonly method?: 'cash' | 'sbp'
  /** Of cash: `200.00`. */
  readonly received?: string
  /** Of cash: what was given back, `50.00`. */
  readonly change?: string
  /** POS entry mode (9F39), two digits: 05 chip, 07 tap, 91 tap in mag-stripe mode, 90 swipe, 80 fallback. Data of the slip, not printed. */
  readonly entryMode?: string
  /** Of a card. */
  readonly cvm?: CvmName
  /** The slip has a line to sign on: the CVM asks for it and no signature was taken on a screen. */
  readonly signatureLine: boolean
}

/** What a slip is made of. */
export interface ReceiptFacts {
  /** Who is paid. */
  readonly merchant: Merchant
  /** What is paid for. */
  readonly order: Order
  /** A purchase when left out. */
  readonly type?: PaymentType
  /** Minor units; the order's when left out. */
  readonly amount?: bigint
  /** How it ended. */
  readonly result: Outcome['result']
  /** What card and reader said; secret data is read out of it, and none is kept. */
  readonly outcome: Pick<Outcome, 'interface' | 'cvm' | 'application' | 'tags'>
  /** The host's answer, where there is one. */
  readonly response?: {
    /** Response code (ISO 8583 field 39). */
    readonly code: string
    /** Authorisation code (field 38). */
    readonly authorisationCode?: string
    /** Retrieval reference number (field 37). */
    readonly rrn?: string
  }
  /** Local date and time of the terminal. */
  readonly at: Date
  /** A signature was taken on a screen: the slip has no line for one. */
  readonly signed: boolean
}

/** The slip of a payment by card, of any ending. The PAN in it is masked. */
export function makeReceipt(facts: ReceiptFacts): Receipt {
  door.need('facts', facts, door.shape({ order: rules.orderRule, merchant: rules.merchantRule, at: door.date, outcome: door.object }))
  const { merchant, order, type, amount = order.amount, result, outcome, response, at, signed } = facts
  const { tags, application } = outcome
  const hexOf = (tag: number) => (tags.get(tag)?.length ? hex(tags.get(tag)!) : undefined)
  const aid = application?.aid.length ? hex(application.aid) : (hexOf(0x84) ?? hexOf(0x9f06) ?? hexOf(0x4f))
  const pan = shownPan(tags)
  const name = tags.get(0x5f20) && text(tags.get(0x5f20)!).trim()
  const fields = {
    address: merchant.address,
    commission: order.commission,
    entryMode: hexOf(0x9f39),
    aid,
    label: application?.label,
    tvr: hexOf(0x95),
    tsi: hexOf(0x9b),
    scheme: schemeName({ aid, label: application?.label, pan, interface: outcome.interface }),
    pan,
    cardholder: name || undefined,
    rrn: response?.rrn,
    authorisationCode: response?.authorisationCode,
    responseCode: response?.code ?? (tags.get(0x8a)?.length === 2 ? text(tags.get(0x8a)!) : undefined),
  }
  return {
    merchant: merchant.name,
    terminal: merchant.terminal,
    order: order.number,
    ...(type && type !== 'purchase' && { type }),
    result,
    amount: formatAmount(amount, order.currency),
    ...partTexts(order, amount, type),
    currency: order.currency.alpha,
    ...(Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<typeof fields>),
    date: slipDate(at),
    ...(outcome.interface && { interface: outcome.interface }),
    ...(outcome.cvm && { cvm: outcome.cvm }),
    signatureLine: outcome.cvm === 'signature' && !signed && result === 'approved',
  } as Receipt
}

/** The slip of a payment that no card was read for. `received`: of cash, minor units. */
export function makePlainReceipt(
  facts: { readonly order: Order; readonly merchant: Merchant; readonly at: Date },
  method: 'cash' | 'sbp',
  result: Outcome['result'],
  received?: bigint,
): Receipt {
  door.need('facts', facts, door.shape({ order: rules.orderRule, merchant: rules.merchantRule, at: door.date }))
  const { order, merchant, at } = facts
  const { amount, currency, number, commission } = order
  return {
    merchant: merchant.name,
    ...(merchant.address && { address: merchant.address }),
    terminal: merchant.terminal,
    order: number,
    result,
    amount: formatAmount(amount, currency),
    ...partTexts(order, amount),
    currency: currency.alpha,
    ...(commission && { commission }),
    method,
    ...(received !== undefined && { received: formatAmount(received, currency), change: formatAmount(received - amount, currency) }),
    date: slipDate(at),
    signatureLine: false,
  }
}

/** The parts of a payment of the whole order. */
function partTexts(order: Order, amount: bigint, type: PaymentType = 'purchase'): Partial<Receipt> {
  const { parts, currency } = order
  if (!parts || amount !== order.amount || type === 'refund' || type === 'cash' || type === 'check') return {}
  const known = partNames.flatMap(name => (parts[name] ? [[name, formatAmount(parts[name], currency)]] : []))
  return { purchase: formatAmount(goodsOf(order), currency), ...Object.fromEntries(known) }
}

/** The PAN of a card's data, from 5A or the track of 57. */
export function panOf(tags: ReadonlyMap<number, Uint8Array>): string | undefined {
  door.need('tags', tags, door.having('data objects by tag', 'get'))
  const own = tags.get(0x5a)
  const digits = own?.length ? hex(own).replace(/F+$/, '') : hex(tags.get(0x57) ?? new Uint8Array(0)).split('D')[0]
  return /^\d{8,19}$/.test(digits) ? digits : undefined
}

/** First six and last four digits. Readers that encipher a swipe give the PAN masked, in the vendor's C4: digits, and F for what is hidden. */
export function shownPan(tags: ReadonlyMap<number, Uint8Array>): string | undefined {
  const pan = panOf(tags)
  if (pan) return maskPan(pan)
  const masked = hex(tags.get(MASKED_PAN) ?? new Uint8Array(0)).replace(/F+$/, '')
  return /^\d{6}F+\d{4}$/.test(masked) ? masked.replaceAll('F', '*') : undefined
}

/** `26.03.2019 10:52`, the terminal's own time. */
export function slipDate(at: Date): string {
  door.need('at', at, door.date)
  const two = (number: number) => String(number).padStart(2, '0')
  return `${two(at.getDate())}.${two(at.getMonth() + 1)}.${at.getFullYear()} ${two(at.getHours())}:${two(at.getMinutes())}`
}

const results = {
  approved: 'receipt.paid',
  declined: 'receipt.declined',
  cancelled: 'receipt.cancelled',
  unknown: 'receipt.unknown',
} as const

/** The lines that say what was done and how it ended: only a purchase is "paid". */
export function headlines(receipt: Pick<Receipt, 'type' | 'result'>, language: Language): readonly string[] {
  door.need('receipt', receipt, door.shape({ result: door.anyText }))
  const { type, result } = receipt
  if (!type) return [message(results[result], language)]
  if (type === 'cashback') return [message('receipt.type.cashback', language), message(results[result], language)]
  return [message(`receipt.type.${type}`, language), message(result === 'approved' ? 'receipt.approved' : results[result], language)]
}

/** Response codes that say of a verification that it failed: wrong PIN, too many of them, none at all (ISO 8583:1987; 70 by payment systems). */
const unverified: readonly (string | undefined)[] = ['55', '70', '75']

/** Purchase and each part, a line each; nothing where the amount is all goods. */
function partLines(receipt: Receipt, language: Language): string[] {
  return (['purchase', ...partNames] as const).flatMap(name =>
    receipt[name] === undefined ? [] : [`${message(`receipt.${name}`, language)}: ${receipt[name]} ${receipt.currency}`],
  )
}

/** How the cardholder was verified, or that it failed; nothing where nobody tells, and "not needed" only of what was approved so. */
function verification(receipt: Receipt, language: Language): string | undefined {
  const { cvm, result, responseCode } = receipt
  if (result === 'declined' && (cvmFailed(receipt) || unverified.includes(responseCode))) return message('receipt.cvm.failed', language)
  if (!cvm || (cvm === 'none' && (result !== 'approved' || cvmFailed(receipt)))) return undefined
  return message(`receipt.cvm.${cvm}`, language)
}

/**
 * The slip as lines, in the order of the seed's. A line that would be empty is left out.
 * @example
 * ```ts
 * import { type PaymentResult, receiptLines } from 'tapdip'
 *
 * const print = ({ receipt }: PaymentResult) => console.log(receiptLines(receipt, 'ru').join('\n'))
 * ```
 */
export function receiptLines(receipt: Receipt, language: Language = 'en'): string[] {
  door.need('receipt', receipt, rules.receiptRule)
  const line = (id: MessageId, value: string | undefined) => (value ? [`${message(id, language)}: ${value}`] : [])
  const application = receipt.aid && [receipt.aid, receipt.label].filter(Boolean).join(' ')
  const { responseCode: code, result } = receipt
  const words = code === undefined || code === '00' ? '' : hostMessage(code, language)
  // A code that has no words of its own, as a terminal's Z1, stands alone.
  const why = result === 'declined' && words !== message('host.other', language, { code: code ?? '' }) ? ` ${words}`.trimEnd() : ''
  const lines = [
    `${message('receipt.merchant', language)}:`,
    receipt.merchant,
    ...(receipt.address ? [receipt.address] : []),
    ...line('receipt.terminal', receipt.terminal),
    ...line('receipt.order', receipt.order),
    ...headlines(receipt, language),
    ...partLines(receipt, language),
    ...line(receipt.purchase === undefined ? 'receipt.amount' : 'receipt.total', `${receipt.amount} ${receipt.currency}`),
    ...line('receipt.held', receipt.held && `${receipt.held} ${receipt.currency}`),
    ...line('receipt.method', receipt.method && message(`method.${receipt.method}`, language)),
    ...line('receipt.received', receipt.received && `${receipt.received} ${receipt.currency}`),
    ...line('receipt.change', receipt.change && `${receipt.change} ${receipt.currency}`),
    ...line('receipt.commission', receipt.commission),
    ...line('receipt.aid', application),
    ...line('receipt.tvr', receipt.tvr),
    ...line('receipt.tsi', receipt.tsi),
    ...line('receipt.card', receipt.scheme),
    ...line('receipt.pan', receipt.pan),
    ...line('receipt.cardholder', receipt.cardholder),
    ...line('receipt.cvm', verification(receipt, language)),
    ...line('receipt.rrn', receipt.rrn),
    ...line('receipt.authorisationCode', receipt.authorisationCode),
    ...line('receipt.responseCode', code && `${code}${why}`),
    ...line('receipt.date', receipt.date),
    ...(receipt.signatureLine ? ['', `${message('receipt.signature', language)}: ____________________`] : []),
  ]
  return lines.map(printable)
}
