/** The payloads of a payment: START TRANSACTION, START CONTACTLESS, CONTINUE, ONLINE PIN, and how they end. */

import { concat, fromBcd, fromHex, fromText, hex, text, toBcd } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import { write } from '../../src/tlv/ber.ts'
import { must, objectsOf, type Tags, tags, tagsOf, template } from './codec-tags.ts'

/** 9C (TransactionType.java). */
export const transactionTypes = { purchase: 0x00, cash: 0x01, cashback: 0x09, refund: 0x20 } as const

/** What a transaction is started with. The contactless one has neither of the configurations. */
export interface Start {
  /** 9C. */
  readonly type: number
  /** Minor units, 9F02 and 9F03. */
  readonly amount: bigint
  readonly otherAmount?: bigint
  /** Local time, 12 digits yyMMddHHmmss: 9A and 9F21. */
  readonly time: string
  /** ISO 4217 numeric, 5F2A. */
  readonly currency: number
  /** DFA204: 01 in the vendor's own code. */
  readonly applicationSelection?: number
  /** DFA203: 00 in the vendor's own code. */
  readonly riskManagement?: number
  /** DFA20C, two letters. */
  readonly language?: string
}

const AMOUNT = 0x9f02
const OTHER = 0x9f03

/** In the order of the vendor's own code (MpiClient.java). @throws Fault `bad-argument` */
export function encodeStart(start: Start): Uint8Array {
  const { type, amount, otherAmount, time, currency, applicationSelection, riskManagement, language } = start
  if (!/^\d{12}$/.test(time)) throw new Fault('bad-argument', `time '${time}' is not yyMMddHHmmss`, { field: 'time' })
  const byte = (tag: number, value: number | undefined): [number, Uint8Array][] =>
    value === undefined ? [] : [[tag, Uint8Array.of(value)]]
  return template(tags.commandData, [
    [0x9c, Uint8Array.of(type)],
    [AMOUNT, toBcd(amount, 6)],
    ...(otherAmount === undefined ? [] : [[OTHER, toBcd(otherAmount, 6)] as const]),
    [0x9a, fromHex(time.slice(0, 6))],
    [0x9f21, fromHex(time.slice(6))],
    ...byte(tags.applicationSelection, applicationSelection),
    ...byte(tags.riskManagement, riskManagement),
    [0x5f2a, toBcd(currency, 2)],
    ...(language === undefined ? [] : [[tags.language, fromText(language)] as const]),
  ])
}

/** @throws Fault `protocol` */
export function decodeStart(data: Uint8Array): Start {
  const what = 'start of a transaction'
  const found = tagsOf(data, what)
  const number = (tag: number) => {
    const value = fromBcd(must(found, tag, what))
    if (value === undefined) throw new Fault('protocol', `${what}: ${tag.toString(16)} has a nibble that is no digit`)
    return value
  }
  const byte = (tag: number) => found.get(tag)?.[0]
  const [applicationSelection, riskManagement, language] = [
    byte(tags.applicationSelection),
    byte(tags.riskManagement),
    found.get(tags.language),
  ]
  return {
    type: must(found, 0x9c, what)[0],
    amount: number(AMOUNT),
    ...(found.has(OTHER) && { otherAmount: number(OTHER) }),
    time: hex(concat(must(found, 0x9a, what), must(found, 0x9f21, what))),
    currency: Number(number(0x5f2a)),
    ...(applicationSelection !== undefined && { applicationSelection }),
    ...(riskManagement !== undefined && { riskManagement }),
    ...(language && { language: text(language) }),
  }
}

/** What the host tells the card, EMV 4.4 Book 4, 12.2. */
export interface Continue {
  /** Authorisation Response Code (8A), two characters. */
  readonly code: string
  /** 91. */
  readonly issuerAuthenticationData?: Uint8Array
  /** Whole issuer script templates 71 and 72, in the host's order. */
  readonly scripts?: readonly Uint8Array[]
}

/** @throws Fault `bad-argument` when the code is no two characters */
export function encodeContinue({ code, issuerAuthenticationData, scripts = [] }: Continue): Uint8Array {
  if (code.length !== 2) throw new Fault('bad-argument', `authorisation response code '${code}' is not 2 characters`, { field: 'code' })
  const arpc = issuerAuthenticationData ? [write(0x91, issuerAuthenticationData)] : []
  return write(tags.commandData, concat(write(0x8a, fromText(code)), ...arpc, ...scripts))
}

/** @throws Fault `protocol` where there is no 8A of 2 bytes */
export function decodeContinue(data: Uint8Array): Continue {
  const what = 'continuation of a transaction'
  const objects = objectsOf(must(tagsOf(data, what), tags.commandData, what), what)
  const code = objects.find(({ tag }) => tag === 0x8a)?.value
  if (code?.length !== 2) throw new Fault('protocol', `${what}: no 8A of 2 bytes`, { field: '8A' })
  const arpc = objects.find(({ tag }) => tag === 0x91)?.value
  const scripts = objects.filter(({ tag }) => tag === 0x71 || tag === 0x72).map(({ tag, value }) => write(tag, value))
  return {
    code: text(code),
    ...(arpc && { issuerAuthenticationData: arpc }),
    ...(scripts.length > 0 && { scripts }),
  }
}

const results = {
  decisionRequired: tags.decisionRequired,
  approved: tags.approved,
  onlineRequired: tags.onlineRequired,
  declined: tags.declined,
} as const
export type ResultType = keyof typeof results

/** How a START or CONTINUE ended: what the template says, and the data objects in it. */
export interface TransactionResult {
  readonly type: ResultType
  readonly tags: Tags
}

export function encodeResult({ type, tags: own }: TransactionResult): Uint8Array {
  return template(results[type], own)
}

/** @throws Fault `protocol` where there is no such template */
export function decodeResult(body: Uint8Array): TransactionResult {
  const what = 'result of a transaction'
  const objects = objectsOf(body, what)
  for (const { tag, value } of objects) {
    const type = (Object.keys(results) as ResultType[]).find(name => results[name] === tag)
    if (type) return { type, tags: new Map(objectsOf(value, what).map(one => [one.tag, one.value])) }
  }
  throw new Fault('protocol', `${what}: it has none of E2 to E5`, {
    field: objects.map(({ tag }) => tag.toString(16)).join(' ') || 'empty',
  })
}

/** What a PIN is asked for: DE D6 (MpiClient.java, makeOnlinePinCommand). */
export interface OnlinePin {
  readonly amount: bigint
  readonly currency: number
  /** 50. */
  readonly label: string
  /** DFAE22, as the reader gave it with the swipe. */
  readonly maskedTrack2: Uint8Array
}

/** @throws Fault `bad-argument` */
export function encodeOnlinePin({ amount, currency, label, maskedTrack2 }: OnlinePin): Uint8Array {
  return template(tags.commandData, [
    [AMOUNT, toBcd(amount, 6)],
    [0x50, fromText(label)],
    [0x5f2a, toBcd(currency, 2)],
    [tags.maskedTrack2, maskedTrack2],
  ])
}

/** @throws Fault `protocol` */
export function decodeOnlinePin(data: Uint8Array): OnlinePin {
  const what = 'request for a PIN'
  const found = tagsOf(data, what)
  const amount = fromBcd(must(found, AMOUNT, what))
  const currency = fromBcd(must(found, 0x5f2a, what))
  if (amount === undefined || currency === undefined) throw new Fault('protocol', `${what}: amount or currency is no number`)
  return {
    amount,
    currency: Number(currency),
    label: text(must(found, 0x50, what)),
    maskedTrack2: must(found, tags.maskedTrack2, what),
  }
}

/** How the PIN entry ended: one byte, or the block and its key serial number. */
export type OnlinePinResult =
  | { readonly type: 'pin'; readonly block: Uint8Array; readonly ksn: Uint8Array }
  | { readonly type: 'cancelled' | 'bypassed' }
  | { readonly type: 'failed'; readonly code: number }

/** Cancelled or timed out: 08; bypassed: 0C; internal errors: 09–0B. */
const pinCodes = { cancelled: 0x08, bypassed: 0x0c } as const

export function encodeOnlinePinResult(result: OnlinePinResult): Uint8Array {
  if (result.type === 'failed') return Uint8Array.of(result.code)
  if (result.type !== 'pin') return Uint8Array.of(pinCodes[result.type])
  return template(tags.responseData, [
    [tags.pinBlock, result.block],
    [tags.pinKsn, result.ksn],
  ])
}

/** @throws Fault `protocol` */
export function decodeOnlinePinResult(body: Uint8Array): OnlinePinResult {
  if (body.length === 1) {
    const [code] = body
    const type = (Object.keys(pinCodes) as (keyof typeof pinCodes)[]).find(name => pinCodes[name] === code)
    return type ? { type } : { type: 'failed', code }
  }
  const found = tagsOf(body, 'PIN')
  return { type: 'pin', block: must(found, tags.pinBlock, 'PIN'), ksn: must(found, tags.pinKsn, 'PIN') }
}

/** SW of a transaction that did not end in a template (TransactionResponse.java, OnlinePINError), by the vendor's name. */
export const failures = {
  INVALID_PARAM: 0x9f0f,
  INVALID_DATA: 0x9f21,
  TERMINAL_NOT_READY: 0x9f22,
  NO_SMARTCARD_IN_SLOT: 0x9f23,
  INVALID_CARD_NO_MSR_ALLOWED: 0x9f25,
  COMMAND_NOT_ALLOWED: 0x9f26,
  DATA_MISSING: 0x9f27,
  UNSUPPORTED_CARD_MSR_ALLOWED: 0x9f28,
  CARD_READ_ERROR_MSR_ALLOWED: 0x9f30,
  INVALID_ISSUER: 0x9f40,
  USER_CANCELLED: 0x9f41,
  CONTACTLESS_TIMEOUT: 0x9f42,
  CONTACTLESS_ABORT_BY_CARD_INSERT: 0x9f43,
  CONTACTLESS_ABORT_BY_SWIPE: 0x9f44,
  CONTACTLESS_INSERT_OR_SWIPE: 0x9fc1,
  CONTACTLESS_INSERT_SWIPE_OR_OTHER_CARD: 0x9fc2,
  CONTACTLESS_INSERT_CARD: 0x9fc3,
  CONTACTLESS_HARDWARE_ERROR: 0x9fcf,
  NO_PIN_KEY: 0x9fe0,
} as const
export type FailureName = keyof typeof failures

/** The vendor's name of a status word; its hex digits for one that has none. */
export function failureName(sw: number): FailureName | string {
  return (Object.keys(failures) as FailureName[]).find(name => failures[name] === sw) ?? sw.toString(16).toUpperCase()
}

export const SUCCESS = 0x9000

/** What the command brought is not taken. */
export function refusesData(sw: number): boolean {
  return sw === failures.INVALID_DATA || sw === failures.INVALID_PARAM
}
