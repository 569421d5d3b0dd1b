/** The payloads of a chip payment: EMV start (16 30), application list, EMV result, online result (16 40). */

import { concat, fromHex, fromText, fromUint, hex, text, toBcd, uint } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import { read, write } from '../../src/tlv/ber.ts'
import { Fields, lv } from './codec-fields.ts'
import { MAX_DATA } from './codec-frame.ts'

export interface EmvStart {
  /** 0 start, 1 force online, 2 force PIN, 3 both. */
  readonly option: number
  readonly tradeType: number
  /** Local time, 14 digits yyyyMMddHHmmss. */
  readonly time: string
  /** Minor units in 1–12 decimal digits. */
  readonly amount: string
  /** Minor units in decimal digits; empty for none. */
  readonly cashback: string
  /** ISO 4217 numeric. */
  readonly currency: number
  /** The last byte, 20 in the vendor's demo, of unknown meaning. */
  readonly last: number
}

export const emvOptions = { start: 0, forceOnline: 1, forcePin: 2, forceOnlineAndPin: 3 } as const

/** After the time comes FF where the amount takes 4 bytes (up to 8 digits), else 06: the amount takes 6. */
const SHORT = 0xff
const LONG = 0x06

/** @throws Fault `bad-argument` */
export function encodeEmvStart({ option, tradeType, time, amount, cashback, currency, last }: EmvStart): Uint8Array {
  if (!/^\d{1,12}$/.test(amount)) throw new Fault('bad-argument', `amount '${amount}' is not 1–12 digits`, { field: 'amount' })
  if (!/^\d{0,12}$/.test(cashback)) throw new Fault('bad-argument', `cashback '${cashback}' is not up to 12 digits`, { field: 'cashback' })
  if (!/^\d{14}$/.test(time)) throw new Fault('bad-argument', `time '${time}' is not yyyyMMddHHmmss`, { field: 'time' })
  const long = amount.length > 8
  return concat(
    fromUint(option, 1),
    fromUint(tradeType, 1),
    fromHex(time),
    Uint8Array.of(long ? LONG : SHORT),
    fromHex(amount.padStart(long ? 12 : 8, 'F')),
    long ? new Uint8Array(0) : new Uint8Array(2),
    toBcd(currency, 2),
    lv(concat(fromText(amount), Uint8Array.of(0)), 'amount'),
    lv(concat(fromText(cashback), Uint8Array.of(0)), 'cashback'),
    fromUint(last, 1),
  )
}

/** @throws Fault `protocol` */
export function decodeEmvStart(data: Uint8Array): EmvStart {
  const fields = new Fields(data, 'EMV start')
  const option = fields.byte('option')
  const tradeType = fields.byte('tradeType')
  const time = hex(fields.take(7, 'time'))
  fields.byte('amountForm')
  fields.take(6, 'amount in BCD') // 6 bytes of digits, or 4 and 00 00: they come again below, as text
  const currency = Number(hex(fields.take(2, 'currency')))
  const amount = text(fields.lv('amount').subarray(0, -1))
  const cashback = text(fields.lv('cashback').subarray(0, -1))
  return { option, tradeType, time, amount, cashback, currency, last: fields.byte('last') }
}

/** One row of the application list. */
export interface ListedApplication {
  /** Two bytes before the name, of unknown meaning: kept as they came. */
  readonly unknown: Uint8Array
  readonly label: string
}

/** @throws Fault `bad-argument` */
export function encodeApplications(applications: readonly ListedApplication[]): Uint8Array {
  const rows = applications.map(({ unknown, label }) => {
    if (unknown.length !== 2) throw new Fault('bad-argument', `${unknown.length} unknown bytes, an application has 2`, { field: 'unknown' })
    return concat(unknown, lv(fromText(label), 'label'))
  })
  return concat(fromUint(applications.length, 1), ...rows)
}

/** @throws Fault `protocol` */
export function decodeApplications(data: Uint8Array): ListedApplication[] {
  const fields = new Fields(data, 'application list')
  return Array.from({ length: fields.byte('count') }, (_, i) => ({
    unknown: fields.take(2, `unknown bytes of application ${i}`),
    label: text(fields.lv(`label of application ${i}`)),
  }))
}

export const transResults = { accept: 1, denial: 2, goOnline: 3 } as const
export const packTypes = { financialConfirm: 3, batch: 4, offlineAdvice: 5, onlineAdvice: 6, reversal: 7 } as const

export interface EmvResult {
  /** data[0], of unknown meaning. */
  readonly reserved: number
  /** 00, 10, 26 and 30: the ICC data is TLV in clear. */
  readonly encMode: number
  /** One of `transResults`. */
  readonly transResult: number
  /** One of `packTypes`. */
  readonly packType: number
  readonly scriptResult: Uint8Array
  readonly forceAccept: Uint8Array
  /** BER-TLV. */
  readonly icc: Uint8Array
  /** What other encryption modes put after it, as it came. */
  readonly trailing: Uint8Array
}

/** @throws Fault `bad-argument` */
export function encodeEmvResult(result: EmvResult): Uint8Array {
  const { reserved, encMode, transResult, packType, scriptResult, forceAccept, icc, trailing } = result
  return concat(
    ...[reserved, encMode, transResult, packType].map(value => fromUint(value, 1)),
    lv(scriptResult, 'scriptResult'),
    lv(forceAccept, 'forceAccept'),
    fromUint(icc.length, 2),
    icc,
    trailing,
  )
}

/** @throws Fault `protocol` */
export function decodeEmvResult(data: Uint8Array): EmvResult {
  const fields = new Fields(data, 'EMV result')
  return {
    reserved: fields.byte('reserved'),
    encMode: fields.byte('encMode'),
    transResult: fields.byte('transResult'),
    packType: fields.byte('packType'),
    scriptResult: fields.lv('scriptResult'),
    forceAccept: fields.lv('forceAccept'),
    icc: fields.take(uint(fields.take(2, 'iccLength')), 'icc'),
    trailing: fields.rest(),
  }
}

/** What the host tells the chip, EMV 4.4 Book 4, 12.2. */
export interface OnlineResult {
  /** Authorisation Response Code (8A), two characters. */
  readonly code: string
  /** 91. */
  readonly issuerAuthenticationData?: Uint8Array
  /** Whole issuer script templates 71 and 72, in the host's order. */
  readonly scripts?: readonly Uint8Array[]
}

/** The TLV of an online result. @throws Fault `bad-argument` when the code is no two characters */
export function encodeOnlineResult({ code, issuerAuthenticationData, scripts = [] }: OnlineResult): Uint8Array {
  if (code.length !== 2) throw new Fault('bad-argument', `authorisation response code '${code}' is not 2 characters`, { field: 'code' })
  const arpc = issuerAuthenticationData ? [write(0x91, issuerAuthenticationData)] : []
  return concat(write(0x8a, fromText(code)), ...arpc, ...scripts)
}

/** @throws Fault `tlv` on malformed data, `protocol` where there is no 8A */
export function decodeOnlineResult(tlv: Uint8Array): OnlineResult {
  if (tlv.length > MAX_DATA)
    throw new Fault('protocol', `online result: ${tlv.length} bytes, a frame carries ${MAX_DATA}`, { length: tlv.length, limit: MAX_DATA })
  const objects = read(tlv)
  const code = objects.find(object => object.tag === 0x8a)?.value
  if (code?.length !== 2) throw new Fault('protocol', 'online result: no 8A of 2 bytes', { field: '8A' })
  const arpc = objects.find(object => object.tag === 0x91)?.value
  const scripts = objects.filter(({ tag }) => tag === 0x71 || tag === 0x72).map(({ tag, value }) => write(tag, value))
  return {
    code: text(code),
    ...(arpc ? { issuerAuthenticationData: arpc.slice() } : {}),
    ...(scripts.length > 0 ? { scripts } : {}),
  }
}

/** Tags of the vendor's own in ICC data (DspreadOrg/qpos docs/post-transaction.md). */
export const iccTags = {
  messageKsn: 0xc0,
  pinKsn: 0xc1,
  encryptedMessage: 0xc2,
  batchKsn: 0xc3,
  maskedPan: 0xc4,
  batchData: 0xc5,
  reversalData: 0xc6,
  pinBlock: 0xc7,
} as const
