/** What the card signed, compared with what the message asks for: ISO 8583 fields 3, 4 and 49 against EMV 9C, 9F02 and 5F2A. */

import { fromBcd, hex } from '../../../src/bytes.ts'
import type { AuthorisationMessage, PaymentType } from '../../../src/payment/acquirer.ts'

/** Field 39 of what differs: one of those for private use in ISO 8583:1987. */
export const SIGNED_OTHERWISE = '83'

/** Field 39 of an advice of what no card has approved; private use too. */
export const NO_CERTIFICATE = '84'

/** 9C; a cashback is also told as a purchase, and by MagTek's own code 02. */
const types: Readonly<Record<PaymentType, readonly number[]>> = {
  purchase: [0x00],
  cash: [0x01],
  cashback: [0x09, 0x00, 0x02],
  refund: [0x20],
  check: [0x00],
}

/** What differs, as a sentence; undefined where all agrees that is there. */
export function signedOtherwise({
  tags,
  amount,
  currency,
  type,
  order,
}: Pick<AuthorisationMessage, 'tags' | 'amount' | 'currency' | 'type' | 'order'>): string | undefined {
  const value = (tag: number) => (tags.get(tag)?.length ? tags.get(tag) : undefined)
  const [signed, money, kind] = [value(0x9f02), value(0x5f2a), value(0x9c)]
  if (signed && fromBcd(signed) !== amount) return `the card signed amount ${hex(signed)}, the message asks for ${amount}`
  if (money && fromBcd(money) !== BigInt(currency.numeric))
    return `the card signed currency ${hex(money)}, the message asks for ${currency.numeric}`
  if (kind && !types[type].includes(kind[0])) return `the card signed type ${hex(kind)}, the message asks for a ${type}`
  const other = value(0x9f03) ? (fromBcd(value(0x9f03)!) ?? 0n) : 0n
  const cashback = (type === 'cashback' && order.parts?.cashback) || 0n
  // A reader whose wire has no word for it leaves zeros there.
  if (other > 0n && other !== cashback) return `the card signed cash ${other}, the message hands out ${cashback}`
  return undefined
}

/** Cryptogram Information Data (9F27), b8–b7: an approval by card and terminal is a TC (EMV 4.4 Book 3, 6.5.5.4). */
export function isCertificate({ tags }: Pick<AuthorisationMessage, 'tags'>): boolean {
  const cid = tags.get(0x9f27)
  return cid?.length === 1 && (cid[0] & 0xc0) === 0x40 && tags.get(0x9f26)?.length === 8
}
