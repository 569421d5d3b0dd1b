/** What a card says about its applications: File Control Information, directory entries, and the text to show for them (EMV 4.4 Book 1, 11.3.4 and 12.2). */

import { hex, text } from '../../bytes.ts'
import { Fault } from '../../errors.ts'
import { isConstructed, read, readFirst } from '../../tlv/ber.ts'

/** Data objects by tag. */
export type Objects = ReadonlyMap<number, Uint8Array>

/** A file as SELECT describes it. `objects` holds the primitive objects of A5 and BF0C; proprietary ones stay among them. */
export interface Fci {
  readonly dfName: Uint8Array
  readonly objects: Objects
}

function formatError(rule: string): Fault {
  return new Fault('tlv', rule, { rule })
}

/** Objects whose format errors never stop a selection: they are for the eye of the cardholder only (Book 1, 12.2.4). */
const lenient = new Set([0x50, 0x9f12, 0x9f11, 0x5f2d])

function put(objects: Map<number, Uint8Array>, tag: number, value: Uint8Array): void {
  if (!objects.has(tag)) objects.set(tag, value)
  else if (!lenient.has(tag)) throw formatError(`${tag.toString(16).toUpperCase()} comes twice`)
}

/** Primitive objects of a template. Those of the templates in `open` join in; a first occurrence wins there, as issuers put there what they like. */
function collect(template: Uint8Array, open: readonly number[]): Map<number, Uint8Array> {
  const objects = new Map<number, Uint8Array>()
  const inner: Uint8Array[] = []
  for (const { tag, value } of read(template)) {
    if (!isConstructed(tag)) put(objects, tag, value)
    else if (open.includes(tag)) inner.push(value)
  }
  for (const value of inner)
    for (const object of read(value)) if (!isConstructed(object.tag) && !objects.has(object.tag)) objects.set(object.tag, object.value)
  return objects
}

/**
 * The FCI of a PSE or an application (Tables 8–10): 6F with a DF Name of 5–16 bytes and a proprietary template A5. Padding is accepted.
 * @throws Fault `tlv` on a format error that Book 1, 12.2.4 does not forgive
 */
export function parseFci(data: Uint8Array): Fci {
  const template = templateOf(data, 0x6f)
  const outer = read(template)
  const names = outer.filter(({ tag }) => tag === 0x84)
  const proprietary = outer.filter(({ tag }) => tag === 0xa5)
  if (names.length !== 1) throw formatError(names.length === 0 ? 'DF Name (84) is missing' : '84 comes twice')
  if (proprietary.length !== 1) throw formatError(proprietary.length === 0 ? 'A5 is missing' : 'A5 comes twice')
  const dfName = names[0].value
  checkName(dfName, 'DF Name (84)')
  const objects = collect(proprietary[0].value, [0xbf0c])
  checkPriority(objects)
  return { dfName, objects }
}

/**
 * The application entries (61) of a directory record, in order. Entries for a DDF (9D) and other objects are skipped (12.2.3).
 * @throws Fault `tlv` on a format error
 */
export function parseDirectoryRecord(data: Uint8Array): { name: Uint8Array; objects: Objects }[] {
  return read(recordTemplate(data, 'directory record'))
    .filter(({ tag }) => tag === 0x61)
    .flatMap(({ value }) => {
      const objects = collect(value, [0x73])
      const name = objects.get(0x4f)
      if (!name && objects.has(0x9d)) return []
      if (!name) throw formatError('directory entry without an ADF Name (4F)')
      checkName(name, 'ADF Name (4F)')
      checkPriority(objects)
      return [{ name, objects }]
    })
}

/** The value of the template that an answer begins with. What stands behind it is the card's own affair, and is not looked at. @throws Fault `tlv` */
export function templateOf(answer: Uint8Array, tag: number): Uint8Array {
  const first = readFirst(answer)
  if (first.tag !== tag) throw formatError(`a template ${tag.toString(16).toUpperCase()} is expected`)
  return first.value
}

/** The value of the template 70 that a record of SFI 1–10 is: 00 alone may follow it (Book 3, 6.5.11.4 and 7.1, Annex B1). @throws Fault `tlv` */
export function recordTemplate(record: Uint8Array, what: string): Uint8Array {
  const objects = record[0] === 0x70 ? read(record) : []
  if (objects.length !== 1) throw formatError(`${what} is not one template 70`)
  const { value } = objects[0]
  const end = value.byteOffset - record.byteOffset + value.length
  if (record.subarray(end).some(byte => byte !== 0)) throw formatError(`${what} has data behind its template`)
  return value
}

function checkName(name: Uint8Array, what: string): void {
  if (name.length < 5 || name.length > 16) throw formatError(`${what} has ${name.length} bytes, not 5 to 16`)
}

function checkPriority(objects: Objects): void {
  const priority = objects.get(0x87)
  if (priority && priority.length !== 1) throw formatError(`Application Priority Indicator (87) has ${priority.length} bytes, not 1`)
}

/**
 * What to show for an application: the preferred name where its code table is one of `codeTables`, else the label, else the AID (12.4).
 * Characters that no display has become spaces (12.2.4).
 */
export function displayName(objects: Objects, codeTable: Uint8Array | undefined, codeTables: readonly number[], name: Uint8Array): string {
  const part = codeTable?.length === 1 ? Number(hex(codeTable)) : Number.NaN // n 2, 01–10
  const preferred = objects.get(0x9f12)
  if (preferred?.length && part >= 1 && part <= 10 && codeTables.includes(part)) {
    const shown = printable(new TextDecoder(`iso-8859-${part}`).decode(preferred))
    if (shown) return shown
  }
  return printable(text(objects.get(0x50) ?? new Uint8Array(0))) || hex(name)
}

function printable(string: string): string {
  return string
    .replace(/\p{Cc}/gu, ' ')
    .replace(/ +/g, ' ')
    .trim()
}

/** The first language of the card (5F2D: ISO 639-1 codes, either case) that the terminal has too (Book 4, 11.1). */
export function commonLanguage(preference: Uint8Array | undefined, languages: readonly string[]): string | undefined {
  const codes = text(preference ?? new Uint8Array(0)).toLowerCase()
  if (codes.length > 8 || codes.length % 2 !== 0) return undefined
  return codes.match(/../gs)?.find(code => languages.includes(code))
}

/** The values of 9F0A by Proprietary Data Identifier; empty where a length does not fit (12.5: then as if it were not there). */
export function registeredData(value: Uint8Array | undefined): ReadonlyMap<number, Uint8Array> {
  const found = new Map<number, Uint8Array>()
  if (!value) return found
  for (let at = 0; at < value.length; ) {
    const length = value[at + 2]
    if (length === undefined || at + 3 + length > value.length) return new Map()
    found.set(value[at] * 256 + value[at + 1], value.subarray(at + 3, at + 3 + length))
    at += 3 + length
  }
  return found
}
