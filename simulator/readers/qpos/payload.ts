/** What a QPOS makes of a payment on the wire: commands into transactions, endings into CmdIDs and EMV results (readers.md 1.1.2, 1.1.8). */

import type { CardData, DeviceMessageType, EmvResult, EmvStart, TradeRequest } from '../../../devices/qpos/codec.ts'
import {
  emvOptions,
  encodeEmvResult,
  encodeQposId,
  encodeQposInfo,
  iccTags,
  packTypes,
  tradeTypes,
  transResults,
} from '../../../devices/qpos/codec.ts'
import { concat, fromHex, fromText, hex } from '../../../src/bytes.ts'
import { currency } from '../../../src/currency.ts'
import type { Outcome } from '../../../src/emv/outcome.ts'
import type { AuthorisationRequest, PinBlock, Transaction, TransactionType } from '../../../src/emv/terminal.ts'
import { Fault, isFault } from '../../../src/errors.ts'
import type { Swipe, SwipedTracks } from '../../../src/magstripe/swipe.ts'
import { maskPan } from '../../../src/mask.ts'
import { write } from '../../../src/tlv/ber.ts'
import type { Battery } from '../body/body.ts'
import type { SealedSwipe } from '../firmware.ts'

/** The vendor's trade types by EMV transaction type; services, payment and sale are purchases as goods are. */
const types: Readonly<Record<number, TransactionType>> = {
  [tradeTypes.goods]: 'purchase',
  2: 'purchase',
  9: 'purchase',
  11: 'purchase',
  [tradeTypes.cash]: 'cash',
  [tradeTypes.cashback]: 'cashback',
  [tradeTypes.refund]: 'refund',
}

/** @throws Fault `unsupported` (trade type, forced PIN), `bad-argument` (currency, time) */
export function transactionOf({ option, tradeType, time, amount, cashback, currency: numeric }: EmvStart): Transaction {
  const type = types[tradeType]
  if (!type) throw new Fault('unsupported', `trade type ${tradeType} is no payment`, { feature: 'tradeType' })
  if (option === emvOptions.forcePin || option === emvOptions.forceOnlineAndPin)
    throw new Fault('unsupported', 'the kernel asks for a PIN by the card’s list only', { feature: 'forcePin' })
  return {
    type,
    amount: BigInt(amount),
    ...(cashback ? { otherAmount: BigInt(cashback) } : {}),
    currency: currency(numeric),
    at: localTime(time),
    forceOnline: option === emvOptions.forceOnline,
  }
}

/** What doTrade says of the payment, enough to show its amount and to pay by tap; undefined where the host left that to the EMV start. */
export function transactionOfTrade({ amount, currency: numeric, tradeType, time }: TradeRequest): Transaction | undefined {
  const type = types[tradeType]
  if (!amount || !type) return undefined
  try {
    return { type, amount: BigInt(amount), currency: currency(numeric), at: localTime(time) }
  } catch {
    return undefined // a currency that is not in the table, a time that is none
  }
}

/** yyyyMMddHHmmss of the host's own clock. */
function localTime(time: string): Date {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(time)
  const [, year, month, day, hour, minute, second] = (match ?? []).map(Number)
  const at = new Date(year, month - 1, day, hour, minute, second)
  if (!match || at.getMonth() !== month - 1 || at.getDate() !== day) throw new Fault('bad-argument', `time '${time}' is no yyyyMMddHHmmss`)
  return at
}

/** Never leaves the reader: Transaction PIN Data (EMV 4.4 Book 3, Annex A). */
const secret = new Set([0x99])

/** Data objects and PIN block as TLV in clear, the vendor's tags C1 (PIN KSN), C4 (masked PAN) and C7 (PIN block) among them. */
export function iccData(tags: ReadonlyMap<number, Uint8Array>, pinBlock?: PinBlock): Uint8Array {
  const objects = [...tags].filter(([tag]) => !secret.has(tag)).map(([tag, value]) => write(tag, value))
  const pan = tags.get(0x5a)
  if (pan) objects.push(write(iccTags.maskedPan, maskedCn(pan)))
  if (pinBlock) objects.push(write(iccTags.pinKsn, pinBlock.ksn), write(iccTags.pinBlock, pinBlock.data))
  return concat(...objects)
}

/** Those of `tags` that a list of tags (without lengths) names; all where it names none. */
export function pick(tags: ReadonlyMap<number, Uint8Array>, list: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const wanted = new Set<number>()
  for (let at = 0; at < list.length; ) {
    let tag = list[at++]
    if ((tag & 0x1f) === 0x1f) {
      do tag = tag * 256 + (list[at] ?? 0)
      while ((list[at++] ?? 0) >= 0x80 && tag <= 0xffff)
    }
    wanted.add(tag)
  }
  return wanted.size === 0 ? tags : new Map([...tags].filter(([tag]) => wanted.has(tag)))
}

/** Compressed numeric with F for what is hidden (DspreadOrg/qpos, tag C4). */
function maskedCn(pan: Uint8Array): Uint8Array {
  const masked = maskPan(hex(pan)).replaceAll('*', 'F')
  return fromHex(masked.padEnd(pan.length * 2, 'F'))
}

const empty = new Uint8Array(0)

function emvResult(transResult: number, packType: number, icc: Uint8Array, scriptResult: Uint8Array = empty): Uint8Array {
  const result: EmvResult = { reserved: 0, encMode: 0, transResult, packType, scriptResult, forceAccept: empty, icc, trailing: empty }
  return encodeEmvResult(result)
}

/** "Go online": the cryptogram is an ARQC. */
export function onlineRequest({ tags, pinBlock }: AuthorisationRequest): Uint8Array {
  return emvResult(transResults.goOnline, packTypes.financialConfirm, iccData(tags, pinBlock))
}

export interface Ending {
  readonly type: DeviceMessageType
  readonly data: Uint8Array
}

/** Where an ending is no EMV result: the CmdID that says so. */
const reasons: Readonly<Record<NonNullable<Outcome['reason']>, DeviceMessageType>> = {
  offlineDeclined: 'emvDenied',
  hostDeclined: 'completed',
  cardDeclined: 'completed',
  unableToGoOnline: 'completed',
  referral: 'completed',
  cardholderCancelled: 'userCancel',
  merchantCancelled: 'userCancel',
  cardRemoved: 'cardRemoved',
  cardTimeout: 'timeout',
  cardMute: 'iccTradeError',
  cardError: 'emvTerminated',
  cardBlocked: 'cardBlockedOrNoApplications',
  applicationBlocked: 'cardBlockedOrNoApplications',
  noApplication: 'cardBlockedOrNoApplications',
  kernelUnsupported: 'cardBlockedOrNoApplications',
  notAccepted: 'emvTerminated',
  pinTimeout: 'timeout',
  tryAnotherInterface: 'tryAnotherInterface',
  linkLost: 'timeout',
  readerError: 'iccTradeError',
}

/** A payment's last message. A reversal that is due comes before everything else but a card that is gone, which says as much: the host must learn of it. */
export function endingOf(outcome: Outcome): Ending {
  const { result, reason, online, tags, reversal, fallback } = outcome
  const icc = iccData(tags)
  const scripts = tags.get(0x9f5b)
  const completed = (transResult: number, packType: number): Ending => ({
    type: 'completed',
    data: emvResult(transResult, packType, icc, scripts),
  })
  if (reversal && reason !== 'cardRemoved') return completed(transResults.denial, packTypes.reversal)
  if (result === 'approved') return completed(transResults.accept, online ? packTypes.financialConfirm : packTypes.batch)
  if (fallback) return { type: 'fallback', data: icc }
  const type = reason ? reasons[reason] : 'emvTerminated'
  if (type !== 'completed') return { type, data: icc }
  return completed(transResults.denial, reason === 'unableToGoOnline' ? packTypes.offlineAdvice : packTypes.onlineAdvice)
}

/** What a fault inside the reader looks like from outside. */
export function endingOfFault(fault: Fault): Ending {
  if (isFault(fault, 'tampered')) return { type: 'destruct', data: empty }
  if (isFault(fault, 'card-removed')) return { type: 'cardRemoved', data: empty }
  if (isFault(fault, 'bad-key')) return { type: 'noWorkKey', data: empty }
  if (isFault(fault, 'card-mute')) return { type: 'iccPowerOnError', data: empty }
  if (isFault(fault, 'aborted', 'link-closed')) return { type: 'userCancel', data: empty }
  if (isFault(fault, 'timeout')) return { type: 'timeout', data: empty }
  if (isFault(fault, 'unsupported', 'bad-argument', 'low-battery', 'update-required', 'bad-config'))
    return { type: 'notAvailable', data: empty }
  return { type: 'iccTradeError', data: empty }
}

export interface Versions {
  readonly bootloader: string
  readonly firmware: string
  /** A27… is a QPOS mini. */
  readonly hardware: string
}

export function infoOf(versions: Versions, { percent, millivolts, charging }: Battery): Uint8Array {
  const tracks = { track1: true, track2: true, track3: true }
  return encodeQposInfo({ ...versions, millivolts, charging, usb: charging, ...tracks, keyboard: true, percent })
}

/** The digits of what stands on the case, in BCD: hosts show a posId in hex. */
export function idOf(serial: string, merchantId: string): Uint8Array {
  const digits = serial.replace(/\D/g, '').slice(-20)
  const posId = fromHex(digits.padStart(Math.max(10, digits.length + (digits.length % 2)), '0'))
  return encodeQposId({ psamId: posId, posId, merchantId: fromText(merchantId), vendorCode: fromText('tapdip') })
}

/** A swipe as doTrade answers it: tracks and PIN enciphered, the rest masked or harmless. */
export function cardDataOf(
  swipe: Pick<Swipe, 'pan'> & Partial<Swipe>,
  tracks: SwipedTracks,
  { ksn, pinBlock, track1, track2, track3 }: SealedSwipe,
): CardData {
  return {
    ...(track1 && { encTrack1: track1 }),
    ...(track2 && { encTrack2: track2 }),
    ...(track3 && { encTrack3: track3 }),
    formatId: '',
    maskedPan: maskPan(swipe.pan).replaceAll('*', 'X'),
    expiry: swipe.expiry ?? '',
    serviceCode: swipe.track2?.serviceCode ?? swipe.track1?.serviceCode ?? '',
    cardholderName: swipe.track1?.name ?? '',
    ...(pinBlock && { pinBlock: pinBlock.data, pinKsn: pinBlock.ksn }),
    trackKsn: ksn,
    trackLengths: [tracks.track1?.length ?? 0, tracks.track2?.length ?? 0, tracks.track3?.length ?? 0],
  }
}
