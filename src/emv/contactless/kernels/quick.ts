/** What kernels 3 and 7 share: the cryptogram in GET PROCESSING OPTIONS, fast DDA, and verification by card and terminal qualifiers. */

import { concat, equal, hex, toCn } from '../../../bytes.ts'
import { type Bit, isSet } from '../../data.ts'
import { iccKey } from '../../oda/keys.ts'
import { dynamicHashHolds, isFailed, recoverDynamicData } from '../../oda/signature.ts'
import type { Kernel } from '../../steps/context.ts'
import { TTQ } from '../combination.ts'
import type { ContactlessCvm, ContactlessOutcome } from '../outcome.ts'

/** What the card must have given, with its cryptogram. */
export const mandatory = [0x82, 0x9f36, 0x57, 0x9f10, 0x9f26]

/** AIP (82): the card signs with fDDA. */
const DDA: Bit = { byte: 1, bit: 6 }

/** Card Transaction Qualifiers (9F6C); UnionPay has no bits for switching at cash or cashback, nor for issuer update. */
export const CTQ = {
  onlinePinRequired: { byte: 1, bit: 8 },
  signatureRequired: { byte: 1, bit: 7 },
  onlineIfOdaFails: { byte: 1, bit: 6 },
  switchIfOdaFails: { byte: 1, bit: 5 },
  onlineIfExpired: { byte: 1, bit: 4 },
  switchForCash: { byte: 1, bit: 3 },
  switchForCashback: { byte: 1, bit: 2 },
  deviceCvmPerformed: { byte: 2, bit: 8 },
  issuerUpdate: { byte: 2, bit: 7 },
} as const satisfies Record<string, Bit>

/**
 * The TVR that goes to the host is the one that the card has seen, all zeros (Book C-3, 4.1): its cryptogram was made before anything was known. What
 * failed since is in the discretionary data.
 */
export function asTheCardSawIt(outcome: ContactlessOutcome): ContactlessOutcome {
  return outcome.dataRecord ? { ...outcome, dataRecord: new Map([...outcome.dataRecord, [0x95, new Uint8Array(5)]]) } : outcome
}

/** The cryptogram's type: 9F27, or the one in the card verification results (9F10 byte 5, b6–b5). */
export function cryptogramType({ data }: Kernel): 'AAC' | 'TC' | 'ARQC' | undefined {
  const own = data.card.get(0x9f27)
  const cid = own ? own[0] : (data.card.get(0x9f10)![4] ?? 0) << 2
  data.card.set(0x9f27, Uint8Array.of(cid & 0xc0))
  return (['AAC', 'TC', 'ARQC', undefined] as const)[(cid >> 6) & 0x03]
}

/** Whether the card is past its expiration date, or has none. */
export function isExpired({ data }: Kernel): boolean {
  const expiry = data.card.get(0x5f24)
  return expiry?.length !== 3 || hex(expiry) < hex(data.terminal.get(0x9a)!)
}

/** Versions of fast DDA: 01 signs number, amount, currency and Card Authentication Related Data (9F69), the legacy 00 the number alone. */
export type FastDdaVersion = 0x00 | 0x01

/**
 * Fast DDA (5.6, Annex C): what is wrong with it, or undefined.
 * @param version the one that is taken; a card of version 00 may have no 9F69
 */
export function fastDda(kernel: Kernel, rule: string, version: FastDdaVersion = 0x01): string | undefined {
  const { card, terminal } = kernel.data
  const related = card.get(0x9f69)
  const signature = card.get(0x9f4b)
  if (!isSet(card.get(0x82), DDA)) return 'the card does not support fDDA'
  if (!signature || (!related && version === 0x01)) return '9F4B or 9F69 is missing'
  if (related && (related[0] !== version || related.length < 5))
    return `9F69 has version ${hex(related.subarray(0, 1))}, the rule is ${hex(Uint8Array.of(version))}`
  if (!card.has(0x5a)) card.set(0x5a, panFromTrack2(card.get(0x57)!))
  const key = iccKey(kernel)
  if (isFailed(key)) return key.failed
  const dynamic = recoverDynamicData(key, signature, rule)
  if (isFailed(dynamic)) return dynamic.failed
  const number = terminal.get(0x9f37)!
  const signed = version === 0x00 ? number : concat(number, terminal.get(0x9f02)!, terminal.get(0x5f2a)!, related!)
  return dynamicHashHolds(dynamic, signed) ? undefined : 'the signature does not match the transaction'
}

function panFromTrack2(track2: Uint8Array): Uint8Array {
  return toCn(hex(track2).split('D')[0])
}

/**
 * Cardholder verification by qualifiers, in order: online PIN, the consumer's device, signature, none; without CTQ signature, then online PIN.
 * Undefined: verification fails. An online PIN asks for an online transaction. A device proves itself by the CTQ in its signed data (9F69), or by an ARQC.
 */
export function verifyByQualifiers(kernel: Kernel, ttq: Uint8Array, arqc: boolean): ContactlessCvm | undefined {
  const ctq = kernel.data.card.get(0x9f6c)
  const can = (bit: Bit) => isSet(ttq, bit)
  if (!ctq) {
    if (!can(TTQ.cvmRequired)) return 'none'
    return can(TTQ.signature) ? 'signature' : can(TTQ.onlinePin) ? 'onlinePin' : undefined
  }
  if (isSet(ctq, CTQ.onlinePinRequired) && can(TTQ.onlinePin)) return 'onlinePin'
  if (isSet(ctq, CTQ.deviceCvmPerformed)) {
    const related = kernel.data.card.get(0x9f69)
    const proven = related && related.length >= 7 ? equal(related.subarray(5, 7), ctq.subarray(0, 2)) : arqc
    return proven ? 'confirmationCode' : undefined
  }
  if (isSet(ctq, CTQ.signatureRequired) && can(TTQ.signature)) return 'signature'
  return can(TTQ.cvmRequired) ? undefined : 'none'
}
