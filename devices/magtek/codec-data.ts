/** The EMV data of a payment as MagTek wraps them: ARQC and batch (F9), mostly enciphered, and the host's answer (F9 with a MAC, or FF74 without one). */

import { concat, fromText, fromUint, text, uint } from '../../src/bytes.ts'
import { Fault, isFault } from '../../src/errors.ts'
import { isConstructed, read, type Tlv, write } from '../../src/tlv/ber.ts'

/** Tags of the vendor's own (DynaFlex programmer's manual D100005000, EMV ARQC Type and EMV Batch Data Type). */
export const magtekTags = {
  transactionStatus: 0xdfdf1a,
  serial: 0xdfdf25,
  maskedTrack2Stripe: 0xdfdf33,
  encTrack1: 0xdfdf37,
  encTrack2: 0xdfdf39,
  encTrack3: 0xdfdf3b,
  pinKsn: 0xdfdf41,
  pinEncryption: 0xdfdf42,
  maskedTrack2: 0xdfdf4d,
  stripeKsn: 0xdfdf50,
  stripeEncryption: 0xdfdf51,
  cardType: 0xdfdf52,
  fallback: 0xdfdf53,
  macKsn: 0xdfdf54,
  macEncryption: 0xdfdf55,
  dataKsn: 0xdfdf56,
  dataEncryption: 0xdfdf57,
  padding: 0xdfdf58,
  sealed: 0xdfdf59,
  pinFormat: 0xdf71,
} as const

/** Encryption types: DUKPT with triple DES, data, PIN and MAC variant. */
export const tripleDes = { data: 0x80, pin: 0x81, mac: 0x82 } as const
/** DUKPT with AES-128, PIN (the programmer's manual of the MMS devices, "Encryption Type": 80 DUKPT, 10 AES128, 07 AES PIN Encrypt). */
export const aes128 = { pin: 0x97 } as const

/** DFDF1A. */
export const transactionStatus = { accepted: 0x00, declined: 0x01, error: 0x02, hostCancelled: 0x10 } as const
/** DFDF52. */
export const cardType = { other: 0x00, stripe: 0x01, chip: 0x05, tap: 0x06, stripeOfChip: 0x07 } as const

/** Data a host may have asked to be enciphered apart: its tags have 4 bytes, which BER as EMV uses it does not know. Kept whole. */
const SELECTABLE = 0xff42
const MAX_DEPTH = 10

/**
 * The data objects of an ARQC or a batch, by tag, templates left out: in clear what is in clear, DFDF59 as it came. The four bytes of MAC are the acquirer's.
 * @throws Fault `protocol` when it is none
 */
export function decodeEmvData(blob: Uint8Array): Map<number, Uint8Array> {
  const length = blob.length < 2 ? -1 : uint(blob.subarray(0, 2))
  if (length < 2 || length > blob.length - 2) throw new Fault('protocol', 'the EMV data are shorter than they say')
  const tags = new Map<number, Uint8Array>()
  collect(objects(blob.subarray(2, 2 + length)), tags, 0)
  return tags
}

/** The data objects of TLV with vendor's tags. `most`: see `ReadOptions`. @throws Fault `protocol` */
export function objects(bytes: Uint8Array, most?: number): Tlv[] {
  try {
    return read(bytes, { ff: 'tag', ...(most !== undefined && { most }) })
  } catch (error) {
    if (!isFault(error, 'tlv')) throw error
    throw new Fault('protocol', `the reader's data are no TLV: ${error.message}`, error.details, { cause: error })
  }
}

function collect(found: readonly Tlv[], tags: Map<number, Uint8Array>, depth: number): void {
  if (depth > MAX_DEPTH) throw new Fault('protocol', `the EMV data nest deeper than ${MAX_DEPTH}`)
  for (const { tag, value } of found) {
    if (isConstructed(tag) && tag !== SELECTABLE) collect(objects(value), tags, depth + 1)
    else if (!tags.has(tag)) tags.set(tag, value.slice())
  }
}

/** What a reader wraps up. */
export interface EmvData {
  readonly serial: Uint8Array
  /** Of the MAC, and of the enciphered data. */
  readonly ksn: Uint8Array
  /** DFDF59, whole blocks, and how many bytes of it only fill the last one. */
  readonly sealed: { readonly data: Uint8Array; readonly padding: number }
  /** In clear, beside it; of an ARQC fallback, card type and masked track 2, of a batch the merchant's data. */
  readonly clear: readonly (readonly [tag: number, value: Uint8Array])[]
  /** DFDF1A of a batch; an ARQC has none. */
  readonly status?: number
}

/** `mac` gives the four bytes over everything before them. */
export function encodeEmvData({ serial, ksn, sealed, clear, status }: EmvData, mac: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const { macKsn, macEncryption, dataKsn, dataEncryption, padding } = magtekTags
  const secret = write(0xf8, [
    write(magtekTags.sealed, sealed.data),
    write(dataKsn, ksn),
    write(dataEncryption, Uint8Array.of(tripleDes.data)),
    write(padding, Uint8Array.of(sealed.padding)),
  ])
  const plain = clear.map(([tag, value]) => write(tag, value))
  const inner =
    status === undefined
      ? write(0x70, [...plain, secret])
      : write(0xf0, [write(0xf1, [write(magtekTags.transactionStatus, Uint8Array.of(status))]), secret, write(0xf7, plain)])
  const head = [write(macKsn, ksn), write(macEncryption, Uint8Array.of(tripleDes.mac)), write(magtekTags.serial, serial)]
  return withMac(write(0xf9, [...head, write(0xfa, inner)]), mac)
}

/** Length (2) · data · zeros up to whole blocks of 8 · MAC (4). */
function withMac(data: Uint8Array, mac: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const plain = concat(fromUint(data.length, 2), data)
  const filled = new Uint8Array(Math.ceil(plain.length / 8) * 8)
  filled.set(plain)
  return concat(filled, mac(filled).subarray(0, 4))
}

/** What the host tells the chip, EMV 4.4 Book 4, 12.2. */
export interface HostData {
  /** Authorisation Response Code (8A), two characters. */
  readonly code: string
  /** 91. */
  readonly issuerAuthenticationData?: Uint8Array
  /** Whole issuer script templates 71 and 72. */
  readonly scripts?: readonly Uint8Array[]
}

function hostObjects({ code, issuerAuthenticationData, scripts = [] }: HostData): Uint8Array {
  if (code.length !== 2) throw new Fault('bad-argument', `authorisation response code '${code}' is not 2 characters`, { field: 'code' })
  const arpc = issuerAuthenticationData ? [write(0x91, issuerAuthenticationData)] : []
  return write(0xfa, write(0x70, [write(0x8a, fromText(code)), ...arpc, ...scripts]))
}

/** For MMS readers: FF74, without a MAC. */
export function encodeHostAnswer(answer: HostData, serial: Uint8Array): Uint8Array {
  return write(0xff74, [write(magtekTags.serial, serial), hostObjects(answer)])
}

/**
 * For V5 readers: F9, with KSN and encryption type of the ARQC's MAC, and in place of a MAC the four bytes of the vendor's own demonstration: the key is the
 * acquirer's, and a driver has none.
 */
export function encodeHostAnswerV5(answer: HostData, arqc: ReadonlyMap<number, Uint8Array>): Uint8Array {
  const { macKsn, macEncryption, serial } = magtekTags
  const head = [macKsn, macEncryption, serial].map(tag => write(tag, arqc.get(tag) ?? new Uint8Array(0)))
  return withMac(write(0xf9, [...head, hostObjects(answer)]), () => Uint8Array.of(0x01, 0x23, 0x45, 0x67))
}

/** Either. @throws Fault `protocol` */
export function decodeHostAnswer(bytes: Uint8Array): HostData {
  const begins = bytes[0] === 0xff ? bytes : bytes.subarray(2, 2 + (bytes.length < 2 ? 0 : uint(bytes.subarray(0, 2))))
  let inner: readonly Tlv[] = objects(begins)
  for (const wanted of [[0xff74, 0xf9], [0xfa], [0x70]]) {
    const found = inner.find(({ tag }) => wanted.includes(tag))
    if (!found) throw new Fault('protocol', 'the answer of the host has no FA/70')
    inner = objects(found.value)
  }
  const value = (tag: number) => inner.find(one => one.tag === tag)?.value
  const code = value(0x8a)
  if (code?.length !== 2) throw new Fault('protocol', 'the answer of the host has no 8A of 2 bytes')
  const arpc = value(0x91)
  const scripts = inner.filter(({ tag }) => tag === 0x71 || tag === 0x72).map(one => write(one.tag, one.value))
  return {
    code: text(code),
    ...(arpc && { issuerAuthenticationData: arpc.slice() }),
    ...(scripts.length > 0 && { scripts }),
  }
}
