/** Read application data: the records that the AFL names, what they must hold, and which of them are authenticated (EMV 4.4 Book 3, 10.2). */

import { fromUint, hex } from '../../bytes.ts'
import { Fault, isFault } from '../../errors.ts'
import { isConstructed, read } from '../../tlv/ber.ts'
import { general } from '../../tlv/tags.ts'
import { tagName } from '../data.ts'
import { belongsIn, FROM } from './card-data.ts'
import { type Kernel, type Stop, stopForCardError } from './context.ts'
import { recordTemplate } from './fci.ts'

/** One element of the AFL (94). */
export interface AflEntry {
  readonly sfi: number
  readonly first: number
  readonly last: number
  /** How many records from `first` on take part in offline data authentication. */
  readonly authenticated: number
}

/** @throws Fault `tlv` naming the rule of Book 3, 7.5 and 10.2 that the four bytes break */
export function aflEntry(bytes: Uint8Array): AflEntry {
  const [head, first, last, authenticated] = bytes
  const sfi = head >> 3
  const broken =
    (head & 0x07) !== 0
      ? 'RFU bits of the SFI byte are set'
      : sfi === 0 || sfi > 30
        ? `SFI ${sfi} is not 1 to 30`
        : first === 0
          ? 'first record is 0'
          : last < first
            ? 'last record is before the first'
            : authenticated > last - first + 1
              ? 'more records authenticated than read'
              : undefined
  if (broken) throw new Fault('tlv', `AFL entry ${hex(bytes)}: ${broken}`)
  return { sfi, first, last, authenticated }
}

/** Objects that must be there (7.2, Table 28). */
const mandatory = [0x5f24, 0x5a, 0x8c, 0x8d]

/** Objects whose length is fixed and whose meaning depends on it; another length is a format error (7.5). */
const lengths = new Map([
  [0x5f24, 3], [0x5f25, 3], [0x5f28, 2], [0x5f30, 2], [0x5f34, 1], [0x8f, 1], [0x9f07, 2], [0x9f08, 2],
  [0x9f0d, 5], [0x9f0e, 5], [0x9f0f, 5], [0x9f14, 1], [0x9f23, 1], [0x9f42, 2], [0x9f44, 1],
]) // biome-ignore format: a table

/** Reads the records into `kernel.data.card`, and what is to be authenticated into `kernel.odaInput`. */
export async function readRecords(kernel: Kernel): Promise<Stop | undefined> {
  kernel.step = 'records'
  const { card } = kernel.data
  const seen = new Set<number>()
  const authenticated: Uint8Array[] = []
  let usable = true
  let count = 0
  try {
    const afl = card.get(0x94)
    if (!afl || afl.length === 0 || afl.length % 4 !== 0) throw new Fault('tlv', 'AFL (94) has no entries of four bytes')
    for (let at = 0; at < afl.length; at += 4) {
      const entry = aflEntry(afl.subarray(at, at + 4))
      for (let record = entry.first; record <= entry.last; record++, count++) {
        const data = await readRecord(kernel, entry.sfi, record)
        const value = entry.sfi <= 10 ? recordTemplate(data, `record ${record} of SFI ${entry.sfi}`) : proprietaryTemplate(data)
        if (value) keep(value, card, seen)
        if (record - entry.first >= entry.authenticated) continue
        if (value) {
          // The template's tag and length take part only for SFIs above 10 (10.3).
          authenticated.push(entry.sfi <= 10 ? data.subarray(value.byteOffset - data.byteOffset) : data)
        } else {
          usable = false
          kernel.note({ rule: 'Book 3, 10.3: a record to be authenticated is no template 70' }, () => `SFI ${entry.sfi} record ${record}`)
        }
      }
    }
    const missing = mandatory.filter(tag => !card.has(tag))
    if (missing.length > 0) throw new Fault('tlv', `mandatory data missing: ${missing.map(tagName).join(', ')} (Book 3, 7.2)`)
    checkFormats(card)
  } catch (fault) {
    if (!isFault(fault, 'tlv', 'apdu')) throw fault
    return stopForCardError(kernel, 'Book 3, 10.2', fault)
  }
  kernel.odaInput = usable ? authenticated : undefined
  kernel.note(
    { rule: 'Book 3, 10.2: application data read', inputs: [0x94] },
    () => `${count} records, ${authenticated.length} authenticated`,
  )
  return undefined
}

async function readRecord(kernel: Kernel, sfi: number, record: number): Promise<Uint8Array> {
  const { sw, data } = await kernel.exchange({ cla: 0x00, ins: 0xb2, p1: record, p2: (sfi << 3) | 4, le: 0 })
  if (sw !== 0x9000) throw new Fault('apdu', `record ${record} of SFI ${sfi} answered ${hex(fromUint(sw, 2))}`)
  return data
}

/** The value of a record of SFI 11–30 that is a template 70 of data objects; files of others' making may hold anything else (10.2). */
function proprietaryTemplate(data: Uint8Array): Uint8Array | undefined {
  try {
    const objects = data[0] === 0x70 ? read(data) : []
    if (objects.length !== 1) return undefined
    read(objects[0].value)
    return objects[0].value
  } catch (fault) {
    if (isFault(fault, 'tlv')) return undefined
    throw fault
  }
}

/**
 * Keeps the primitive objects of a record. None may come twice, nor one that GET PROCESSING OPTIONS returned already (10.2). Templates in a record are
 * proprietary.
 */
function keep(record: Uint8Array, card: Map<number, Uint8Array>, seen: Set<number>): void {
  for (const { tag, value } of read(record)) {
    if (isConstructed(tag) || !belongsIn(tag, FROM.record)) continue
    if (seen.has(tag) || (general.has(tag) && card.has(tag))) throw new Fault('tlv', `${tagName(tag)} comes twice`)
    seen.add(tag)
    card.set(tag, value)
  }
}

/** @throws Fault `tlv` for data that no step could use (7.5) */
function checkFormats(card: ReadonlyMap<number, Uint8Array>): void {
  for (const [tag, length] of lengths) {
    const value = card.get(tag)
    if (value && value.length !== length) throw new Fault('tlv', `${tagName(tag)} has ${value.length} bytes, not ${length}`)
  }
  for (const tag of [0x5f24, 0x5f25]) {
    const date = card.get(tag)
    if (date && !isDate(date)) throw new Fault('tlv', `${tagName(tag)} is no date`)
  }
  if (!/^\d{1,19}F*$/.test(hex(card.get(0x5a)!))) throw new Fault('tlv', '5A is no number of at most 19 digits')
}

/** YYMMDD in BCD with a month and day that exist in some year. */
function isDate(date: Uint8Array): boolean {
  const match = /^\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])$/.exec(hex(date))
  return match !== null && match[2] !== '00'
}
