/** The payloads of a V5 payment: start (0300), its status (0300), the list for the cardholder (0302), the clock (030C), the end (0304). */

import { concat, fromBcd, fromText, fromUint, text, toBcd } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import { MAX_TOTAL } from './codec-notify.ts'

export interface V5Start {
  /** Seconds that the cardholder may take for each thing. */
  readonly timeout: number
  /** Bits of `cardTypes`. */
  readonly cardTypes: number
  /** One of `startOptions`, or several of them. */
  readonly options: number
  /** Minor units. */
  readonly amount: bigint
  /** EMV 9C. */
  readonly transactionType: number
  readonly cashback: bigint
  /** ISO 4217 numeric. */
  readonly currency: number
  /** Which status it tells: 0 the end, 1 the larger steps, 2 all. */
  readonly reporting: number
}

export const cardTypes = { swipe: 0x01, chip: 0x02, tap: 0x04 } as const
export const startOptions = { normal: 0x00, bypassPin: 0x01, forceOnline: 0x02, quickChip: 0x80 } as const

const START = 19

/** @throws Fault `bad-argument` */
export function encodeStart(start: V5Start): Uint8Array {
  return concat(
    ...[start.timeout, start.cardTypes, start.options].map(value => fromUint(value, 1)),
    toBcd(start.amount, 6),
    fromUint(start.transactionType, 1),
    toBcd(start.cashback, 6),
    toBcd(start.currency, 2),
    fromUint(start.reporting, 1),
  )
}

/** Which field of a start a reader refuses, by the result code it then answers (0384–038E). */
export type StartField = 'timeout' | 'cardTypes' | 'options' | 'amount' | 'transactionType' | 'cashback' | 'currency' | 'reporting'

/** @throws Fault `protocol` with details.field */
export function decodeStart(data: Uint8Array): V5Start {
  if (data.length !== START) throw wrong('timeout', `a start has ${START} bytes, not ${data.length}`)
  const bcd = (from: number, to: number, field: StartField) => {
    const value = fromBcd(data.subarray(from, to))
    if (value === undefined) throw wrong(field, `${field} is no BCD`)
    return value
  }
  return {
    timeout: data[0],
    cardTypes: data[1],
    options: data[2],
    amount: bcd(3, 9, 'amount'),
    transactionType: data[9],
    cashback: bcd(10, 16, 'cashback'),
    currency: Number(bcd(16, 18, 'currency')),
    reporting: data[18],
  }
}

function wrong(field: StartField, why: string): Fault {
  return new Fault('protocol', `V5 start: ${why}`, { field })
}

/** First byte of a status notification: what has happened. */
export const v5Events = {
  idle: 0x00,
  inserted: 0x01,
  error: 0x02,
  progress: 0x03,
  waitingForUser: 0x04,
  timeout: 0x05,
  complete: 0x06,
  hostCancelled: 0x07,
  removed: 0x08,
  tapped: 0x09,
  swiped: 0x0a,
} as const

/** Third byte: how far it is. */
export const v5Progress = {
  none: 0x00,
  waitingForCard: 0x01,
  poweringCard: 0x02,
  selectingApplication: 0x03,
  waitingForLanguage: 0x04,
  waitingForApplication: 0x05,
  initiatingApplication: 0x06,
  readingData: 0x07,
  authenticating: 0x08,
  restrictions: 0x09,
  cardholderVerification: 0x0a,
  riskManagement: 0x0b,
  actionAnalysis: 0x0c,
  firstCryptogram: 0x0d,
  cardAction: 0x0e,
  online: 0x0f,
  waitingForResponse: 0x10,
  complete: 0x11,
  error: 0x12,
  approved: 0x13,
  declined: 0x14,
  cancelledBySwipe: 0x15,
  conditionsNotSatisfied: 0x16,
  cardBlocked: 0x17,
  selectionFailed: 0x18,
  cardNotAccepted: 0x19,
  emptyCandidateList: 0x1a,
  applicationBlocked: 0x1b,
  tapSelectionFailed: 0x28,
  removeCard: 0x29,
  collision: 0x2a,
  seePhone: 0x2b,
  tapComplete: 0x2c,
  switchInterface: 0x2d,
  wrongCardType: 0x2e,
  noInterchangeProfile: 0x2f,
  stripeError: 0x31,
  hostCancelledEarly: 0x91,
} as const

export interface V5Status {
  readonly event: number
  /** Seconds that the reader still waits. */
  readonly secondsLeft: number
  readonly progress: number
  /** Two bytes of unknown meaning, as they came. */
  readonly more: Uint8Array
}

export function encodeStatus({ event, secondsLeft, progress, more }: V5Status): Uint8Array {
  return concat(Uint8Array.of(event, secondsLeft, progress), more)
}

/** @throws Fault `protocol` */
export function decodeStatus(data: Uint8Array): V5Status {
  if (data.length < 3) throw new Fault('protocol', `a status of ${data.length} bytes`)
  return { event: data[0], secondsLeft: data[1], progress: data[2], more: data.slice(3) }
}

export interface Selection {
  readonly kind: 'application' | 'language'
  readonly secondsLeft: number
  readonly title: string
  /** What the cardholder may choose, by place from 0. */
  readonly items: readonly string[]
}

const kinds = ['application', 'language'] as const

/** Kind, seconds, and texts that each end with 00: the title first. */
export function encodeSelection({ kind, secondsLeft, title, items }: Selection): Uint8Array {
  const texts = [title, ...items].map(one => concat(fromText(one), Uint8Array.of(0)))
  return concat(Uint8Array.of(kinds.indexOf(kind), secondsLeft), ...texts)
}

/** @throws Fault `protocol` */
export function decodeSelection(data: Uint8Array): Selection {
  if (data.length > MAX_TOTAL)
    throw new Fault('protocol', `a selection of ${data.length} bytes, a notification has ${MAX_TOTAL}`, {
      length: data.length,
      limit: MAX_TOTAL,
    })
  const kind = kinds[data[0]]
  if (data.length < 3 || !kind) throw new Fault('protocol', 'a selection of unknown kind')
  const [title, ...items] = text(data.subarray(2)).replace(/\0$/, '').split('\0')
  return { kind, secondsLeft: data[1], title, items }
}

/** How a selection was answered (vendor's SDK: SELECTION_STATUS_…). */
export const selectionStatus = { completed: 0x00, cancelled: 0x01, timedOut: 0x02 } as const

export function encodeSelected(status: number, index: number): Uint8Array {
  return Uint8Array.of(status, index)
}

/** MAC and serial number are left zero: most readers take the time without (Magensa/magensa-bluetooth). `at` in local time. */
export function encodeDate(at: Date): Uint8Array {
  const year = at.getFullYear() - YEAR_ZERO
  if (year < 0 || year > 255) throw new Fault('bad-argument', `the year ${at.getFullYear()} is none of a V5 clock`, { field: 'at' })
  return concat(
    new Uint8Array(17),
    Uint8Array.of(at.getMonth() + 1, at.getDate(), at.getHours(), at.getMinutes(), at.getSeconds(), 0, year),
  )
}

const YEAR_ZERO = 2008

/** @throws Fault `protocol` */
export function decodeDate(data: Uint8Array): Date {
  const [month, day, hour, minute, second, , year] = data.subarray(17)
  const at = new Date(year + YEAR_ZERO, month - 1, day, hour, minute, second)
  if (data.length < 24 || at.getMonth() !== month - 1 || at.getDate() !== day) throw new Fault('protocol', 'no date and time')
  return at
}

/** The first byte of a batch: 1 when a signature is wanted. */
export interface Batch {
  readonly signature: number
  /** As `decodeEmvData` reads it. */
  readonly blob: Uint8Array
}

export function encodeBatch({ signature, blob }: Batch): Uint8Array {
  return concat(fromUint(signature, 1), blob)
}

/** @throws Fault `protocol` */
export function decodeBatch(data: Uint8Array): Batch {
  if (data.length < 3) throw new Fault('protocol', `a batch of ${data.length} bytes`)
  return { signature: data[0], blob: data.slice(1) }
}

/** The text of a display message (0301). */
export function decodeDisplay(data: Uint8Array): string {
  return text(data).replace(/\0+$/, '')
}

/** What `getBattery` answers. @throws Fault `protocol` */
export function percentOf(data: Uint8Array): number {
  if (data.length !== 1 || data[0] > 100) throw new Fault('protocol', 'the battery answer is no percentage')
  return data[0]
}
