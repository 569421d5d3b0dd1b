/** What ties a reader's word to the payment that was asked for: its data are compared with the transaction, and no approval stands without a proof. */

import { equal, fromUint, hex, toBcd } from '../bytes.ts'
import { type Clock, localTime } from '../clock.ts'
import type { CardInterface, Reason } from '../emv/outcome.ts'
import type { AuthorisationResponse, Transaction, TransactionType } from '../emv/terminal.ts'
import { Fault } from '../errors.ts'
import { tagHex } from '../tlv/ber.ts'

type Tags = ReadonlyMap<number, Uint8Array>

/** A datum of the reader's that is not what was asked for. */
export interface Mismatch {
  /** Hex of the tag, or the name of a field that the vendor has instead. */
  readonly tag: string
  /** As the reader has it. */
  readonly value: string
  readonly rule: string
}

/**
 * The transaction as it was asked for. `dated`: `told` where the reader was given the transaction's date and time, `own` where it goes by a clock of its own, which
 * may be a day off, and whose time says nothing.
 */
export interface Asked {
  readonly transaction: Transaction
  readonly dated: 'told' | 'own'
  /** When the payment began. */
  readonly begun: Date
  readonly clock: Clock
}

/** Transaction Type (9C): by the first two digits of the ISO 8583:1987 processing code; a cashback is also told as a purchase, and by MagTek's own code 02. */
const types: Readonly<Record<TransactionType, readonly number[]>> = {
  purchase: [0x00],
  cash: [0x01],
  cashback: [0x09, 0x00, 0x02],
  refund: [0x20],
}

const DAY = 24 * 3600_000
/** Amount, Authorised (81) and Amount, Other (9F04) in binary hold no more. */
const MAX_BINARY = 0xffff_ffffn

/**
 * The first of the data that differs from what was asked for; undefined where none does. What is not there, or empty, differs from nothing. An Amount, Other (9F03) of
 * zero is that of a reader whose wire has no word for it: the total (9F02) is what is paid.
 */
export function mismatchOf(tags: Tags, { transaction, dated, begun, clock }: Asked): Mismatch | undefined {
  const { amount, otherAmount = 0n, currency, type = 'purchase', country } = transaction
  const at = transaction.at ?? begun
  const now = new Date(clock.now())
  const days = dated === 'told' ? [at, ...(transaction.at ? [] : [now])] : [at, now].flatMap(near)
  const bcd = (value: bigint | number, length: number) => [toBcd(value, length)]
  const binary = (value: bigint) => (value <= MAX_BINARY ? [fromUint(value, 4)] : undefined)
  const none = (value: Uint8Array) => value.every(byte => byte === 0)
  const rules: readonly [tag: number, allowed: readonly Uint8Array[] | undefined, rule: string, passes?: (value: Uint8Array) => boolean][] =
    [
      [0x9f02, bcd(amount, 6), `the amount asked for, ${amount} minor units`],
      [0x81, binary(amount), `the amount asked for, ${amount} minor units`, none],
      [0x9f03, bcd(otherAmount, 6), `the cashback asked for, ${otherAmount} minor units, or none`, none],
      [0x9f04, binary(otherAmount), `the cashback asked for, ${otherAmount} minor units, or none`, none],
      [0x5f2a, bcd(currency.numeric, 2), `the currency asked for, ${currency.alpha}`],
      [0x9c, types[type].map(one => Uint8Array.of(one)), `the type asked for, ${type}`],
      [0x9a, days.map(dateOf), `the date of the payment, ${hex(dateOf(at))}`],
      [0x9f1a, country === undefined ? undefined : bcd(country, 2), `the country asked for, ${country}`],
    ]
  for (const [tag, allowed, rule, passes] of rules) {
    const value = tags.get(tag)
    if (!value?.length || !allowed || passes?.(value) || allowed.some(one => equal(one, value))) continue
    return { tag: tagHex(tag), value: hex(value), rule }
  }
  return undefined
}

function near(at: Date): Date[] {
  return [-DAY, 0, DAY].map(shift => new Date(+at + shift))
}

function dateOf(at: Date): Uint8Array {
  return Uint8Array.from({ length: 3 }, (_, index) => Number.parseInt(localTime(at).slice(2 + index * 2, 4 + index * 2), 16))
}

/** A fault of the reader: nothing is sent, and nothing is approved. */
export function mismatchFault({ tag, value, rule }: Mismatch): Fault {
  return new Fault('mismatch', `the reader's ${tag} is ${value || 'empty'}; the rule is ${rule}`, { tag, value, rule })
}

/** Cryptogram Information Data (9F27), b8–b7 (EMV 4.4 Book 3, 6.5.5.4); undefined where the reader does not tell it in clear. */
export function cryptogramOf(tags: Tags): 'TC' | 'ARQC' | 'AAC' | 'none' | undefined {
  const cid = tags.get(0x9f27)
  if (cid?.length !== 1) return undefined
  return ({ 0: 'AAC', 64: 'TC', 128: 'ARQC' } as const)[cid[0] & 0xc0] ?? 'none'
}

/** What must be in clear, and agree, for a TC to be that of this payment. */
const TIES = [0x9f02, 0x5f2a, 0x9c, 0x9a, 0x9f26, 0x9f27, 0x9f36, 0x9f37, 0x9f21]

/**
 * Whether the data prove that the card approved this payment, and no other before it: a TC over its amount, currency, type and date, with an unpredictable number, and
 * with the time that the reader was told. Where time and unpredictable number are the reader's alone, what was recorded an hour ago looks the same.
 */
export function isProven(tags: Tags, asked: Asked): boolean {
  const { transaction, dated, begun, clock } = asked
  if (dated === 'own' || cryptogramOf(tags) !== 'TC' || mismatchOf(tags, asked)) return false
  if (!TIES.every(tag => tags.get(tag)?.length) || tags.get(0x9f26)?.length !== 8) return false
  const time = hex(tags.get(0x9f21)!)
  const [from, until] = [transaction.at ?? begun, transaction.at ?? new Date(clock.now())].map(at => localTime(at).slice(8))
  return from <= until ? from <= time && time <= until : from <= time || time <= until // over midnight
}

/** Cryptograms that have been taken for a payment over one connection to a reader: none counts twice. */
export class SpentCryptograms {
  readonly #spent: string[] = []

  /** @param own those of the payment itself, to which this one is added. @throws Fault `mismatch` */
  spend(tags: Tags, own: Set<string>): void {
    const cryptogram = tags.get(0x9f26)
    if (cryptogram?.length !== 8) return
    const once = `${hex(tags.get(0x9f36) ?? new Uint8Array(0))} ${hex(cryptogram)}`
    if (own.has(once)) return
    if (this.#spent.includes(once))
      throw mismatchFault({ tag: '9F26', value: hex(cryptogram), rule: 'a cryptogram counts once, and a payment before had this one' })
    own.add(once)
    this.#spent.push(once)
    if (this.#spent.length > MEMORY) this.#spent.shift()
  }
}

const MEMORY = 1000

/** What is known when a reader, or the kernel in the app, says that the payment is approved. */
export interface Approval {
  readonly tags: Tags
  /** Undefined where no card is known. */
  readonly by?: CardInterface | undefined
  /** As the reader has it in encodings of its own. */
  readonly foreign?: Mismatch | undefined
  /** The host was asked. */
  readonly asked: boolean
  /** The cryptogram that went to the host. */
  readonly sent?: ReturnType<typeof cryptogramOf>
  readonly response?: AuthorisationResponse | undefined
  /** The reader says that a host has approved. */
  readonly online?: boolean
}

export type Verdict =
  | { readonly result: 'approved' }
  | { readonly result: 'declined'; readonly reason: Reason; readonly reversal?: true }
  /** Nothing proves it, and the host has not been asked: its word decides. */
  | { readonly result: 'askHost' }

/**
 * The one place where a payment becomes approved, whatever reader or kernel says so.
 *
 * | Host | Card | Verdict |
 * |---|---|---|
 * | approved | did not refuse | approved |
 * | approved | AAC, and that is not what the host was sent (a refund's) | declined, to be reversed |
 * | approved | its last data are of another payment | declined, to be reversed |
 * | not asked, or silent | AAC | declined |
 * | not asked, or silent | data of another payment, or "approved online" | a fault of the reader |
 * | not asked, or silent | TC that is proven to be this payment's (`isProven`) | approved offline |
 * | not asked | anything else | the host is asked |
 * | silent | anything else | declined |
 *
 * @throws Fault `mismatch`
 */
export function decide({ tags, by, foreign, asked: hostAsked, sent, response, online = false }: Approval, asked: Asked): Verdict {
  const mismatch = foreign ?? mismatchOf(tags, asked)
  const refused = by !== 'swipe' && cryptogramOf(tags) === 'AAC'
  if (response?.type === 'approved') {
    if (mismatch) return { result: 'declined', reason: 'readerError', reversal: true }
    return refused && sent !== 'AAC' ? { result: 'declined', reason: 'cardDeclined', reversal: true } : { result: 'approved' }
  }
  if (mismatch) throw mismatchFault(mismatch)
  if (refused && asked.transaction.type !== 'refund')
    return { result: 'declined', reason: hostAsked ? 'unableToGoOnline' : 'offlineDeclined' }
  if (online && !hostAsked)
    throw mismatchFault({ tag: 'result', value: 'approved online', rule: 'a host that was not asked has approved nothing' })
  if (by !== 'swipe' && isProven(tags, asked)) return { result: 'approved' }
  if (!hostAsked) return { result: 'askHost' }
  // A reader that did not wait for the host: it may have approved, or may yet.
  return { result: 'declined', reason: 'unableToGoOnline', ...(!response && { reversal: true }) }
}

/** Before the host is asked. @throws Fault `mismatch`: nothing is sent */
export function checkRequest({ tags, by, foreign }: Pick<Approval, 'tags' | 'by' | 'foreign'>, asked: Asked): void {
  const mismatch = foreign ?? mismatchOf(tags, asked)
  if (mismatch) throw mismatchFault(mismatch)
  // A refund may be asked for with one: the card has nothing to agree to (Book C-3, Kernel 4 and 5).
  if (by !== 'swipe' && cryptogramOf(tags) === 'AAC' && asked.transaction.type !== 'refund')
    throw mismatchFault({ tag: '9F27', value: hex(tags.get(0x9f27)!), rule: 'an AAC is the card’s refusal, and no request to a host' })
}
