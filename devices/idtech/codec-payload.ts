/** Payloads of ID TECH commands: status, start of a transaction, its results, battery. */

import { concat, fromBcd, fromText, fromUint, text, toBcd } from '../../src/bytes.ts'
import { Fault, isFault } from '../../src/errors.ts'
import { read, write } from '../../src/tlv/ber.ts'
import { readTold, type Tags, type Telling, type Told, writeTold } from './codec-tlv.ts'

/** Status of an answer (NEO 2 IDG, table 6; 63 on its page 160). */
export const statuses = {
  ok: 0x00,
  incorrectHeader: 0x01,
  unknownCommand: 0x02,
  unknownSubCommand: 0x03,
  crcError: 0x04,
  incorrectParameter: 0x05,
  parameterNotSupported: 0x06,
  malformedData: 0x07,
  timeout: 0x08,
  failed: 0x0a,
  notAllowed: 0x0b,
  subCommandNotAllowed: 0x0c,
  overflow: 0x0d,
  uiEvent: 0x0e,
  /** Only the boot loader runs, and wants firmware in clear, or enciphered. */
  needClearFirmware: 0x10,
  needEncryptedFirmware: 0x11,
  requestOnline: 0x23,
  /** The command is good, its result is still to come. */
  accepted: 0x63,
  /** There is no key to encipher card data under, or its counter has come to its end. */
  noDataKey: 0x90,
  ksnExhausted: 0x91,
} as const
export type StatusName = keyof typeof statuses

/** The name of a status, or its hex digits. */
export function statusName(status: number): string {
  const name = (Object.keys(statuses) as StatusName[]).find(one => statuses[one] === status)
  return name ?? status.toString(16).padStart(2, '0').toUpperCase()
}

/** ID TECH's own tags. */
export const tags = {
  ksn: 0xdfee12,
  msrData: 0xdfee23,
  /** Result of a contact command: two bytes. */
  resultCode: 0xdfee25,
  /** Attribution and encryption status. */
  attribution: 0xdfee26,
  pinKsn: 0xdfee51,
  maskedPan: 0xdfef5b,
  maskedTrack2: 0xdfef5d,
  /** Error code, SW1, SW2, RF state. */
  errorCode: 0xffee1f,
  group: 0xffee01,
} as const

/** 9C. */
export const transactionTypes = { purchase: 0x00, cash: 0x01, cashback: 0x09, refund: 0x20 } as const

/** What a transaction is started with. Date and time are the reader's own: 9A and 9F21 are deprecated, and not for readers with SRED. */
export interface Start {
  readonly type: number
  /** Minor units. */
  readonly amount: bigint
  readonly otherAmount?: bigint
  /** ISO 4217 numeric. */
  readonly currency: number
  /** The chip is to go online, whatever its card would approve. */
  readonly forceOnline?: boolean
  /** The reader is to go on by itself, as if 60-11 had come. */
  readonly autoAuthenticate?: boolean
}

/** DFEF1F: whether 60-11 is done by the reader itself, and whether the chip is forced online (NEO 2 Interface Developer's Guide, p. 179). */
const CHIP_WAYS = 0xdfef1f

function encodeStart({ type, amount, otherAmount, currency, forceOnline = false, autoAuthenticate = false }: Start): Uint8Array {
  return concat(
    write(0x9f02, toBcd(amount, 6)),
    ...(otherAmount === undefined ? [] : [write(0x9f03, toBcd(otherAmount, 6))]),
    write(0x9c, Uint8Array.of(type)),
    write(0x5f2a, toBcd(currency, 2)),
    ...(forceOnline || autoAuthenticate ? [write(CHIP_WAYS, Uint8Array.of(Number(autoAuthenticate), Number(forceOnline)))] : []),
  )
}

function decodeStart(bytes: Uint8Array): Start {
  const what = 'start of a transaction'
  const found = readTold(bytes, what).tags
  const number = (tag: number) => {
    const value = fromBcd(found.get(tag) ?? new Uint8Array(0))
    if (value === undefined || !found.has(tag)) throw new Fault('protocol', `${what}: no ${tag.toString(16)}, or no number`)
    return value
  }
  const [auto, online] = found.get(CHIP_WAYS) ?? []
  return {
    type: found.get(0x9c)?.[0] ?? 0,
    amount: number(0x9f02),
    ...(found.has(0x9f03) && { otherAmount: number(0x9f03) }),
    currency: Number(number(0x5f2a)),
    ...(online === 1 && { forceOnline: true }),
    ...(auto === 1 && { autoAuthenticate: true }),
  }
}

/** DFEF37: what may be used for this transaction. */
const INTERFACES = 0xdfef37
const interfaceBits = { swipe: 0x01, tap: 0x02, chip: 0x04 } as const

/** 02-40. */
export interface Activate extends Start {
  /** Seconds, 1–255. */
  readonly timeout: number
  /** All that the reader is set up for when left out. */
  readonly interfaces?: readonly (keyof typeof interfaceBits)[]
}

/** @throws Fault `bad-argument` */
export function encodeActivate({ timeout, interfaces, ...start }: Activate): Uint8Array {
  const only = interfaces ? [write(INTERFACES, Uint8Array.of(interfaces.reduce((bits, one) => bits | interfaceBits[one], 0)))] : []
  return concat(fromUint(timeout, 1), encodeStart(start), ...only)
}

/** @throws Fault `protocol` */
export function decodeActivate(data: Uint8Array): Activate {
  if (data.length === 0) throw new Fault('protocol', 'activate: no timeout')
  const bits = readTold(data.subarray(1), 'activate').tags.get(INTERFACES)?.[0]
  const interfaces = bits === undefined ? undefined : (['chip', 'tap', 'swipe'] as const).filter(one => bits & interfaceBits[one])
  return { timeout: data[0], ...decodeStart(data.subarray(1)), ...(interfaces && { interfaces }) }
}

/** 60-10: the chip only, or its stripe instead where `fallback` is set. */
export interface ContactStart extends Start {
  readonly fallback: boolean
  /** Seconds until a card is there, and until 60-11 comes: two bytes each. */
  readonly cardTimeout: number
  readonly nextTimeout: number
}

/** @throws Fault `bad-argument` */
export function encodeContactStart({ fallback, cardTimeout, nextTimeout, ...start }: ContactStart): Uint8Array {
  return concat(Uint8Array.of(fallback ? 1 : 0), fromUint(cardTimeout, 2), fromUint(nextTimeout, 2), encodeStart(start))
}

/** @throws Fault `protocol` */
export function decodeContactStart(data: Uint8Array): ContactStart {
  if (data.length < 5) throw new Fault('protocol', 'contact start: it ends before its TLV')
  const [fallback, a, b, c, d] = data
  return { fallback: fallback === 1, cardTimeout: a * 256 + b, nextTimeout: c * 256 + d, ...decodeStart(data.subarray(5)) }
}

/** 60-11. `timeout`: seconds, until 60-12 comes. */
export function encodeAuthenticate(timeout: number): Uint8Array {
  return concat(Uint8Array.of(0), fromUint(timeout, 2))
}

/** Which card it was: bits 4, 3 and 0 of the attribution byte. */
export type Captured = 'contact' | 'contactless' | 'contactlessMsd' | 'swipe'
const captures = { contact: 0x00, contactless: 0x01, contactlessMsd: 0x11, swipe: 0x08 } as const

/** The answer to 02-40 and 03-40. */
export interface Activated extends Told {
  readonly captured: Captured
  /** Bits 6 and 7: MSR or MSD data, EMV data is enciphered, in a format that is not public. */
  readonly encrypted: { readonly stripe: boolean; readonly emv: boolean }
}

export function encodeActivated({ captured, encrypted, ...told }: Telling<Activated>): Uint8Array {
  const attribution = captures[captured] | (encrypted.stripe ? 0x40 : 0) | (encrypted.emv ? 0x80 : 0)
  return concat(Uint8Array.of(attribution), writeTold(told))
}

/** @throws Fault `protocol` */
export function decodeActivated(data: Uint8Array): Activated {
  if (data.length === 0) throw new Fault('protocol', 'result of a transaction: no attribution')
  const [attribution] = data
  const captured = attribution & 0x08 ? 'swipe' : attribution & 0x01 ? (attribution & 0x10 ? 'contactlessMsd' : 'contactless') : 'contact'
  return {
    captured,
    encrypted: { stripe: (attribution & 0x40) !== 0, emv: (attribution & 0x80) !== 0 },
    ...readTold(data.subarray(1), 'result of a transaction'),
  }
}

/** Error codes in FFEE1F (NEO 2 IDG, table 8), those that tell an app something. */
export const errorCodes = {
  collision: 0x21,
  amountOverLimit: 0x22,
  requestOnline: 0x23,
  cardCommunication: 0x24,
  cardBlocked: 0x25,
  cardExpired: 0x26,
  unsupportedCard: 0x27,
  cardDidNotRespond: 0x30,
  aac: 0x42,
  arqcOffline: 0x43,
} as const

/** Results of 60-10, 60-11 and 60-12 (EMV_RESULT_CODE of the SDK). */
export const resultCodes = {
  approvedOffline: 0x0000,
  declinedOffline: 0x0001,
  approved: 0x0002,
  declined: 0x0003,
  goOnline: 0x0004,
  callBank: 0x0005,
  notAccepted: 0x0006,
  fallback: 0x0007,
  timeout: 0x0008,
  /** The card was read: 60-11 is next. */
  authenticate: 0x0010,
  swipedNoChip: 0x0011,
  cancelled: 0x0012,
  /** The card does not go on: most often it was pulled. */
  cardFailed: 0x3002,
  /** From here on the words of the SDK's list. */
  fallbackSituation: 0x3004,
  cardAbsent: 0x3005,
  cardSilent: 0x3006,
  malformedTags: 0x5001,
  malformedData: 0x5003,
  noMatchingApplication: 0x5005,
  missingData: 0x5006,
  serviceNotAllowed: 0x5021,
  cardBlocked: 0x5023,
} as const

export interface ContactResult extends Told {
  /** One of `resultCodes`, or another: DFEE25. */
  readonly code: number
}

export function encodeContactResult({ code, tags: objects, ...told }: Telling<ContactResult>): Uint8Array {
  return writeTold({ ...told, tags: new Map([[tags.resultCode, fromUint(code, 2)], ...objects]) })
}

/** @throws Fault `protocol` */
export function decodeContactResult(data: Uint8Array): ContactResult {
  const what = 'result of a contact command'
  const told = readTold(data, what)
  const code = resultCodeOf(told.tags)
  if (code === undefined) throw new Fault('protocol', `${what}: no result code`, { field: 'DFEE25' })
  const rest = new Map(told.tags)
  rest.delete(tags.resultCode)
  return { ...told, code, tags: rest }
}

export function resultCodeOf(told: Tags): number | undefined {
  const value = told.get(tags.resultCode)
  return value?.length === 2 ? value[0] * 256 + value[1] : undefined
}

/** Battery level, F0-02 with 00: percent, 5 to 100. */
export function decodeBattery(data: Uint8Array): number {
  if (data.length !== 1) throw new Fault('protocol', `battery: ${data.length} bytes, not 1`)
  return data[0]
}

/** Interface of a pass-through command. */
export const slots = { contactless: 0x00, icc: 0x20 } as const

/** What the host tells the card: 60-12, EMV 4.4 Book 4, 12.2. */
export interface HostAnswer {
  /** Authorisation Response Code (8A), two characters. */
  readonly code: string
  readonly issuerAuthenticationData?: Uint8Array
  /** Whole issuer script templates 71 and 72, in the host's order. */
  readonly scripts?: readonly Uint8Array[]
}

/** A host has answered; what else this byte may be is not known. */
const ANSWERED = 0x01

/** @throws Fault `bad-argument` when the code is no two characters */
export function encodeHostAnswer({ code, issuerAuthenticationData, scripts = [] }: HostAnswer): Uint8Array {
  if (code.length !== 2) throw new Fault('bad-argument', `authorisation response code '${code}' is not 2 characters`, { field: 'code' })
  const arpc = issuerAuthenticationData ? [write(0x91, issuerAuthenticationData)] : []
  return concat(Uint8Array.of(ANSWERED), write(0x8a, fromText(code)), ...arpc, ...scripts)
}

/** @throws Fault `protocol` where there is no 8A of 2 bytes */
export function decodeHostAnswer(data: Uint8Array): HostAnswer {
  const what = 'answer of the host'
  const found = readTold(data.subarray(1), what).tags
  const code = found.get(0x8a)
  if (data[0] !== ANSWERED || code?.length !== 2) throw new Fault('protocol', `${what}: no 8A of 2 bytes`, { field: '8A' })
  const arpc = found.get(0x91)
  const scripts = readTemplates(data.subarray(1), what)
  return { code: text(code), ...(arpc && { issuerAuthenticationData: arpc }), ...(scripts.length > 0 && { scripts }) }
}

function readTemplates(bytes: Uint8Array, what: string): Uint8Array[] {
  try {
    return read(bytes)
      .filter(({ tag }) => tag === 0x71 || tag === 0x72)
      .map(({ tag, value }) => write(tag, value))
  } catch (error) {
    if (!isFault(error, 'tlv')) throw error
    throw new Fault('protocol', `${what}: ${error.message}`, error.details, { cause: error })
  }
}
