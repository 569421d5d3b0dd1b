/** What a transaction knows: data objects from the card and from the terminal, apart, so that no card can overwrite the terminal's. */

import { fromHex, fromUint, hex } from '../bytes.ts'
import { cardData } from '../tlv/card-data.ts'

/** A bit by its place in a byte string: byte 1 is the first, bit 8 the highest, as the Books count. */
export interface Bit {
  readonly byte: number
  readonly bit: number
}

/** Terminal Verification Results (95), EMV 4.4 Book 3, Annex C5. */
export const TVR = {
  odaNotPerformed: { byte: 1, bit: 8 },
  sdaFailed: { byte: 1, bit: 7 },
  iccDataMissing: { byte: 1, bit: 6 },
  cardOnExceptionFile: { byte: 1, bit: 5 },
  ddaFailed: { byte: 1, bit: 4 },
  cdaFailed: { byte: 1, bit: 3 },
  sdaSelected: { byte: 1, bit: 2 },
  versionsDiffer: { byte: 2, bit: 8 },
  expired: { byte: 2, bit: 7 },
  notYetEffective: { byte: 2, bit: 6 },
  serviceNotAllowed: { byte: 2, bit: 5 },
  newCard: { byte: 2, bit: 4 },
  cardholderVerificationFailed: { byte: 3, bit: 8 },
  unrecognisedCvm: { byte: 3, bit: 7 },
  pinTryLimitExceeded: { byte: 3, bit: 6 },
  pinPadMissingOrBroken: { byte: 3, bit: 5 },
  pinNotEntered: { byte: 3, bit: 4 },
  onlinePinEntered: { byte: 3, bit: 3 },
  floorLimitExceeded: { byte: 4, bit: 8 },
  lowerConsecutiveLimitExceeded: { byte: 4, bit: 7 },
  upperConsecutiveLimitExceeded: { byte: 4, bit: 6 },
  randomlySelectedOnline: { byte: 4, bit: 5 },
  merchantForcedOnline: { byte: 4, bit: 4 },
  biometricTypeNotSupported: { byte: 4, bit: 2 },
  defaultTdolUsed: { byte: 5, bit: 8 },
  issuerAuthenticationFailed: { byte: 5, bit: 7 },
  scriptFailedBeforeFinalAc: { byte: 5, bit: 6 },
  scriptFailedAfterFinalAc: { byte: 5, bit: 5 },
} as const satisfies Record<string, Bit>
export type TvrBit = keyof typeof TVR

/** Transaction Status Information (9B), EMV 4.4 Book 3, Annex C6. */
export const TSI = {
  odaPerformed: { byte: 1, bit: 8 },
  cardholderVerificationPerformed: { byte: 1, bit: 7 },
  cardRiskManagementPerformed: { byte: 1, bit: 6 },
  issuerAuthenticationPerformed: { byte: 1, bit: 5 },
  terminalRiskManagementPerformed: { byte: 1, bit: 4 },
  scriptProcessingPerformed: { byte: 1, bit: 3 },
} as const satisfies Record<string, Bit>
export type TsiBit = keyof typeof TSI

/** Whether `bit` is set; false where the string is too short to have it. */
export function isSet(bytes: Uint8Array | undefined, { byte, bit }: Bit): boolean {
  return bytes !== undefined && ((bytes[byte - 1] ?? 0) & (1 << (bit - 1))) !== 0
}

export function withBit(bytes: Uint8Array, { byte, bit }: Bit, on = true): Uint8Array {
  const copy = bytes.slice()
  if (on) copy[byte - 1] |= 1 << (bit - 1)
  else copy[byte - 1] &= ~(1 << (bit - 1))
  return copy
}

/** Data objects as a table has them: hex, by hex tag. */
export function dataObjects(table: Readonly<Record<string, string>>): ReadonlyMap<number, Uint8Array> {
  return new Map(Object.entries(table).map(([tag, value]) => [Number.parseInt(tag, 16), fromHex(value)]))
}

/** The data objects of one transaction. Terminal values win where both sides have a tag (EMV 4.4 Book 3, 5.4 asks the terminal's own for a DOL). */
export class EmvData {
  readonly card = new Map<number, Uint8Array>()
  readonly terminal = new Map<number, Uint8Array>()

  get(tag: number): Uint8Array | undefined {
    return this.terminal.get(tag) ?? this.card.get(tag)
  }

  has(tag: number): boolean {
    return this.get(tag) !== undefined
  }

  /** Everything, terminal values over card values. */
  all(): Map<number, Uint8Array> {
    const all = cardData(this.card)
    for (const [tag, value] of this.terminal) all.set(tag, value)
    return all
  }

  /** Sets a terminal tag from hex-free values: a number becomes `length` big-endian bytes. */
  setTerminal(tag: number, value: Uint8Array | number, length = 1): void {
    this.terminal.set(tag, typeof value === 'number' ? fromUint(value, length) : value)
  }
}

/** The tag as people write it: `9F02`. */
export function tagName(tag: number): string {
  return hex(fromUint(tag, tag > 0xffff ? 3 : tag > 0xff ? 2 : 1))
}

/** A date in BCD, YYMMDD or YYMM, as text that sorts: years 00–49 are 20xx, 50–99 are 19xx (EMV 4.4 Book 4, 6.7.3). */
export function sortableDate(date: Uint8Array): string {
  return (date[0] < 0x50 ? '20' : '19') + hex(date)
}
