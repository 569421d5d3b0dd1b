/** Kernel 2's integrated data storage: reading an operator's slot, writing it with the cryptogram, and what the signed summaries prove (EMV Contactless Book C-2, 3.5 and 7.6). */

import { equal, hex } from '../../../bytes.ts'
import { owhf2, owhf2Aes } from '../../../crypto/owhf2.ts'
import { buildDol, parseDol } from '../../../tlv/dol.ts'
import { type Bit, isSet, withBit } from '../../data.ts'
import type { Kernel } from '../../steps/context.ts'
import { CRYPTOGRAM, type Cryptogram } from '../decide.ts'
import type { L2Error } from '../session.ts'
import type { Exchange } from './exchange.ts'

/** Tags that mean data storage in kernel 2 (some mean other things elsewhere). */
const TAG = {
  odsCard: 0x9f54,
  dsdol: 0x9f5b,
  operator: 0x9f5c,
  capabilities: 0x9f5d,
  id: 0x9f5e,
  slotAvailability: 0x9f5f,
  slotManagement: 0x9f6f,
  summary1: 0x9f7d,
  unpredictable: 0x9f7f,
  digest: 0xdf61,
  odsInfo: 0xdf62,
  summary2: 0xdf8101,
  summary3: 0xdf8102,
  acType: 0xdf8108,
  input: 0xdf8109,
  odsInfoForReader: 0xdf810a,
  summaryStatus: 0xdf810b,
  version: 0xdf810d,
  status: 0xdf8128,
} as const

export { TAG as STORAGE }

/** IDS Status (DF8128), DS Summary Status (DF810B). */
const READ: Bit = { byte: 1, bit: 8 }
const WRITE: Bit = { byte: 1, bit: 7 }
/** DS ODS Info For Reader (DF810A). */
const FOR_READER = {
  usableForArqc: { byte: 1, bit: 7 },
  usableForAac: { byte: 1, bit: 6 },
  stopWithoutOds: { byte: 1, bit: 3 },
  stopIfWriteFails: { byte: 1, bit: 2 },
} as const satisfies Record<string, Bit>
/** DS Slot Management Control (9F6F) and DS ODS Info (DF62). */
const PERMANENT_SLOT: Bit = { byte: 1, bit: 8 }
const LOCKED_SLOT: Bit = { byte: 1, bit: 5 }
const VOLATILE_ODS: Bit = { byte: 1, bit: 7 }

type Data = Pick<Kernel, 'data'>
const filled = ({ data }: Data, tag: number) => (data.get(tag)?.length ?? 0) > 0
/** Data storage version of the card: low half of the first byte of 9F5D. */
const versionOf = ({ data }: Data) => (data.card.get(TAG.capabilities)?.[0] ?? 0) & 0x0f

/** The slot is read: its summary has to be signed. */
export function isReading({ data }: Data): boolean {
  return isSet(data.terminal.get(TAG.status), READ)
}

/** The slot is written with the cryptogram. */
export function isWriting({ data }: Data): boolean {
  return isSet(data.terminal.get(TAG.status), WRITE)
}

function mark({ data }: Data, tag: number, bit: Bit, on = true): void {
  data.terminal.set(tag, withBit(data.terminal.get(tag) ?? new Uint8Array(1), bit, on))
}

/** After selection: an operator, a terminal with data storage (DSVN Term), and a card with it in a version that is known (S1.17–20). */
export function requestStorage(kernel: Kernel, exchange: Exchange): void {
  const { card, terminal } = kernel.data
  if (!(terminal.get(TAG.version)?.length ?? 0) || !terminal.has(TAG.operator)) return
  for (const tag of [TAG.id, TAG.capabilities]) exchange.tell(tag, card.get(tag) ?? new Uint8Array())
  const id = card.get(TAG.id)?.length ?? 0
  if (id < 8 || id > 11 || ![1, 2].includes(versionOf(kernel))) return
  mark(kernel, TAG.status, READ)
  kernel.note({ rule: 'Book C-2, S1.20: data storage is read', inputs: [TAG.operator] }, () => `version ${versionOf(kernel)}`)
}

/** After GET PROCESSING OPTIONS: the terminal is told of the slot; a card that has not given what belongs to it is not read (S3R1.10–13). */
export function slotAnswered(kernel: Kernel, exchange: Exchange): void {
  if (!isReading(kernel)) return
  for (const tag of [TAG.slotAvailability, TAG.summary1, TAG.unpredictable, TAG.slotManagement])
    if (filled(kernel, tag)) exchange.tell(tag, kernel.data.get(tag)!)
  const ods = kernel.data.card.get(TAG.odsCard)
  if (ods) exchange.tell(TAG.odsCard, ods)
  exchange.tell(0x9f37, kernel.data.terminal.get(0x9f37)!)
  const free = filled(kernel, TAG.slotAvailability) && filled(kernel, TAG.unpredictable) && !ods
  // An operator that the terminal did not name after all has no slot.
  if (!filled(kernel, TAG.operator) || !filled(kernel, TAG.summary1) || !(free || ods)) mark(kernel, TAG.status, READ, false)
}

/** What the terminal has to give for DSDOL, unless the slot is locked (S4.30). */
export function needForStorage(kernel: Kernel, exchange: Exchange): void {
  const { card } = kernel.data
  if (isReading(kernel) && !isSet(card.get(TAG.slotManagement), LOCKED_SLOT)) exchange.needFor(card.get(TAG.dsdol))
}

/** DS ID (9F5E) is the PAN with its sequence number, zeros on the left (S456.18). */
export function dsIdAgrees({ data }: Data): boolean {
  const digits = (value: string) => value.replace(/^0+/, '')
  const pan = hex(data.card.get(0x5a)!).replace(/F+$/, '')
  return digits(hex(data.card.get(TAG.id)!)) === digits(pan + hex(data.card.get(0x5f34) ?? Uint8Array.of(0)))
}

/** What GENERATE AC does for the slot: which cryptogram is asked for, and whether the slot is written with it; or the error that ends the run. */
export type StoragePlan = { readonly request: Cryptogram; readonly write: boolean } | { readonly error: L2Error }

/** GAC.3–11; only where the slot is read and CDA has not failed. */
export function planStorage(kernel: Kernel, request: Cryptogram): StoragePlan {
  const { terminal } = kernel.data
  if (!filled(kernel, TAG.odsInfo) || !filled(kernel, TAG.dsdol)) return { request, write: false }
  if (!filled(kernel, TAG.acType) || !filled(kernel, TAG.odsInfoForReader)) return { error: 'idsDataError' }
  const wanted = (Object.keys(CRYPTOGRAM) as Cryptogram[]).find(one => CRYPTOGRAM[one] === (terminal.get(TAG.acType)![0] & 0xc0))
  // A cryptogram may only become weaker for the sake of the slot: TC, ARQC, AAC.
  if (wanted && (wanted === 'AAC' || wanted === request || (wanted === 'ARQC' && request === 'TC'))) return { request: wanted, write: true }
  const forReader = terminal.get(TAG.odsInfoForReader)
  if (request === 'AAC' && isSet(forReader, FOR_READER.usableForAac)) return { request, write: true }
  if (request === 'ARQC' && isSet(forReader, FOR_READER.usableForArqc)) return { request, write: true }
  return isSet(forReader, FOR_READER.stopWithoutOds) ? { error: 'idsNoMatchingAc' } : { request, write: false }
}

/** The data for DSDOL, which GENERATE AC carries behind CDOL1's: digest and operator data set (GAC.40–47). The last object is not padded. */
export function storageData(kernel: Kernel): Uint8Array {
  const { card, terminal } = kernel.data
  const entries = parseDol(card.get(TAG.dsdol)!)
  const input = terminal.get(TAG.input)
  if (input?.length && entries.some(({ tag }) => tag === TAG.digest)) {
    const volatile = isSet(card.get(TAG.slotManagement), PERMANENT_SLOT) && isSet(terminal.get(TAG.odsInfo), VOLATILE_ODS)
    const operator = volatile ? new Uint8Array(8) : terminal.get(TAG.operator)!
    const digested = { dsId: card.get(TAG.id)!, operator, input }
    terminal.set(TAG.digest, versionOf(kernel) === 1 ? owhf2(digested) : owhf2Aes(digested))
  }
  mark(kernel, TAG.status, WRITE)
  const last = entries.at(-1)
  const value = last && kernel.data.get(last.tag)
  const list = last && value && value.length < last.length ? [...entries.slice(0, -1), { ...last, length: value.length }] : entries
  return buildDol(list, tag => kernel.data.get(tag), kernel.words)
}

/**
 * What the signed summaries say (S910.8–19): DS Summary 2 is that of the slot as it was read, DS Summary 3 differs from it where the slot was written.
 * @param signed what the card signed behind the transaction data hash
 * @param before DS Summary 1 of a torn transaction that was writing, when this one follows it (S11.47–49)
 */
export function checkSummaries(kernel: Kernel, signed: Uint8Array, before?: Uint8Array): L2Error | undefined {
  const { card, terminal } = kernel.data
  const summary1 = card.get(TAG.summary1) ?? new Uint8Array()
  if (before && !equal(before, summary1)) return 'idsReadError'
  const length = versionOf(kernel) === 1 ? 8 : 16
  const [summary2, summary3] = [0, length].map(at => signed.subarray(at, at + length)).map(one => (one.length === length ? one : undefined))
  if (!summary2) return 'cardDataMissing'
  card.set(TAG.summary2, summary2.slice())
  if (!equal(summary1, summary2)) return 'idsReadError'
  mark(kernel, TAG.summaryStatus, READ)
  if (!isWriting(kernel)) return undefined
  if (!summary3) return 'cardDataMissing'
  card.set(TAG.summary3, summary3.slice())
  if (!equal(summary2, summary3)) mark(kernel, TAG.summaryStatus, WRITE)
  else if (isSet(terminal.get(TAG.odsInfoForReader), FOR_READER.stopIfWriteFails)) return 'idsWriteError'
  return undefined
}
