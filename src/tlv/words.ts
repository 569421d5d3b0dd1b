/** What a data object's value says, in words: dates, amounts, text, flags, lists. */

import { fromBcd, hex, text, uint } from '../bytes.ts'
import { type Currency, currency, formatAmount } from '../currency.ts'
import { Fault, isFault } from '../errors.ts'
import { fullYear } from '../expiry.ts'
import { serviceCodeWords } from '../magstripe/service-code.ts'
import { cidWords, cvmWords, flagWords, terminalTypeWords, transactionTypes } from './bits.ts'
import { known, markOf, type Sentence } from './certainty.ts'
import { issuerDataSentences } from './iad.ts'
import { kernelWords } from './kernel-words.ts'
import type { TagFormat } from './tags.ts'

/** Values of the same data that change how others read. */
export interface Surroundings {
  /** 5F2A. */
  readonly currency?: Uint8Array
  /** The object's name in the dictionary that it is read by: kernels use one tag for different things. */
  readonly name?: string
  /** The dictionary of the card's kernel, where its AID or somebody told it: schemes use one object differently. */
  readonly scheme?: string
}

/** Lines that say what `value` means, each with how well that is known; none where the hex says it all. @throws Fault `tlv` where the value breaks its format */
export function sentences(tag: number, value: Uint8Array, format: TagFormat | undefined, around: Surroundings = {}): Sentence[] {
  if (value.length === 0) return []
  const own = around.name === undefined ? undefined : kernelWords.get(around.name)
  if (own) return known(own.certainty, own.words(value))
  if (tag === 0x9f10) return issuerDataSentences(value, around.scheme)
  return known('seen', standardWords(tag, value, format, around))
}

/** The same as text, with a mark behind what was not seen. @throws Fault `tlv` where the value breaks its format */
export function words(tag: number, value: Uint8Array, format: TagFormat | undefined, around: Surroundings = {}): string[] {
  return sentences(tag, value, format, around).map(({ text, certainty }) => text + markOf(certainty))
}

/** What the Books and ISO standards say. */
function standardWords(tag: number, value: Uint8Array, format: TagFormat | undefined, around: Surroundings): string[] {
  const flagged = flagWords(tag, value)
  if (flagged) return flagged
  const special = specials.get(tag)
  if (special) return special(value, around)
  switch (format) {
    case 'a':
    case 'an':
    case 'ans':
      return [`"${printable(value)}"`]
    case 'n':
      numeric(value)
      return []
    case 'cn':
      if (!/^\d*F*$/.test(hex(value))) throw malformed('not compressed numeric: digits, then F')
      return []
    default:
      return []
  }
}

type Special = (value: Uint8Array, around: Surroundings) => string[]

const amount: Special = (value, around) => [money(numeric(value), around)]
const binaryAmount: Special = (value, around) => [money(BigInt(uint(value)), around)]
const date: Special = value => {
  const [year, month, day] = pairs(value, 3)
  if (month < 1 || month > 12 || day < 1 || day > 31) throw malformed('not a date YYMMDD')
  return [`${fullYear(year)}-${two(month)}-${two(day)}`]
}
const time: Special = value => {
  const [hour, minute, second] = pairs(value, 3)
  if (hour > 23 || minute > 59 || second > 59) throw malformed('not a time HHMMSS')
  return [`${two(hour)}:${two(minute)}:${two(second)}`]
}
const currencyCode: Special = value => {
  const known = knownCurrency(value)
  return known ? [`${known.alpha} (ISO 4217 ${known.numeric})`] : [`ISO 4217 ${numeric(value)}`]
}
const counter: Special = value => [String(uint(value))]
const scripts: Special = value => {
  // EMV 4.4 Book 4, Annex A5: one result of 5 bytes for each script.
  if (value.length % 5 !== 0) throw malformed('not 5 bytes for each script')
  return Array.from({ length: value.length / 5 }, (_, at) => {
    const one = value.subarray(at * 5, at * 5 + 5)
    const result = ['script not performed', 'script processing failed', 'script processing successful'][one[0] >> 4] ?? 'reserved'
    return `${result}, command ${one[0] & 0x0f || 'not specified'}, script ${hex(one.subarray(1))}`
  })
}

const specials: ReadonlyMap<number, Special> = new Map<number, Special>([
  [0x9f02, amount],
  [0x9f03, amount],
  ...[0xdf8123, 0xdf8124, 0xdf8125, 0xdf8126, 0xdf8104, 0xdf8105, 0x9f820d, 0x9f820e].map(tag => [tag, amount] as const),
  [0x81, binaryAmount],
  [0x9f04, binaryAmount],
  [0x9f1b, binaryAmount],
  [0x5f24, date],
  [0x5f25, date],
  [0x9a, date],
  [0x9f21, time],
  [0x5f2a, currencyCode],
  [0x9f42, currencyCode],
  [0x9f36, counter],
  [0x9f13, counter],
  [0x9f14, counter],
  [0x9f23, counter],
  [0x9f17, value => [`${value[0]} ${value[0] === 1 ? 'try' : 'tries'} left`]],
  [0x9f27, value => cidWords(value[0])],
  [0x9c, value => [transactionTypes[value[0]] ?? 'reserved or proprietary']],
  [0x9f35, value => [terminalTypeWords(value[0])]],
  [0x8f, value => [`CA key index ${hex(value)}`]],
  [0x87, value => [`priority ${value[0] & 0x0f || 'none'}${value[0] & 0x80 ? ', cardholder must confirm' : ''}`]],
  [0x9f11, value => [`ISO/IEC 8859-${numeric(value)}`]],
  [0x5f2d, value => [(printable(value).match(/../g) ?? []).join(', ')]],
  [0x5f30, value => (numeric(value) < 1000n ? serviceCodeWords(String(numeric(value)).padStart(3, '0')) : [])],
  [0x9f4d, value => [`SFI ${value[0]}, ${value[1] ?? 0} records`]],
  [0x9f5b, scripts],
  [0x8a, value => [`"${printable(value)}"${printable(value) === '00' ? ': approved' : ''}`]],
  [0x84, aidText],
  [0x9d, aidText],
  [0x8e, cvmList],
  [0x9f34, cvmResults],
  [0x94, locator],
])

function aidText(value: Uint8Array): string[] {
  return /^[\x20-\x7e]+$/.test(text(value)) ? [`"${text(value)}"`] : []
}

/** EMV 4.4 Book 3, 10.5: amounts X and Y in 4 bytes each, then rules of 2 bytes. */
function cvmList(value: Uint8Array): string[] {
  if (value.length < 10 || value.length % 2 !== 0) throw malformed('not X and Y of 4 bytes each and rules of 2 bytes')
  const [x, y] = [uint(value.subarray(0, 4)), uint(value.subarray(4, 8))]
  const lines = x || y ? [`X = ${x}, Y = ${y} (minor units of the application currency)`] : []
  for (let at = 8; at < value.length; at += 2)
    lines.push(`${cvmWords(value[at], value[at + 1])}${value[at] & 0x40 ? '; if it fails, next' : '; if it fails, stop'}`)
  return lines
}

/** EMV 4.4 Book 4, Annex A4. */
function cvmResults(value: Uint8Array): string[] {
  if (value.length !== 3) throw malformed('not 3 bytes')
  const result = ['unknown', 'failed', 'successful'][value[2]] ?? `result ${value[2]} (reserved)`
  return [value[0] === 0x3f ? `No CVM performed: ${result}` : `${cvmWords(value[0], value[1])}: ${result}`]
}

/** EMV 4.4 Book 3, 10.2. */
function locator(value: Uint8Array): string[] {
  if (value.length % 4 !== 0) throw malformed('not 4 bytes for each file')
  return Array.from({ length: value.length / 4 }, (_, at) => {
    const [sfi, first, last, signed] = value.subarray(at * 4, at * 4 + 4)
    const which = first === last ? `record ${first}` : `records ${first} to ${last}`
    return `SFI ${sfi >> 3}, ${which}${signed ? `, the first ${signed} in offline data authentication` : ''}`
  })
}

function money(minor: bigint, { currency: code }: Surroundings): string {
  const known = code && knownCurrency(code)
  return known ? `${formatAmount(minor, known)} ${known.alpha}` : `${minor} minor units`
}

function knownCurrency(code: Uint8Array): Currency | undefined {
  try {
    return currency(Number(numeric(code)))
  } catch (error) {
    if (isFault(error, 'bad-argument')) return undefined
    throw error
  }
}

function numeric(value: Uint8Array): bigint {
  const number = fromBcd(value)
  if (number === undefined) throw malformed('not numeric: a nibble is no digit')
  return number
}

function pairs(value: Uint8Array, count: number): number[] {
  numeric(value)
  if (value.length !== count) throw malformed(`not ${count} bytes`)
  return [...value].map(byte => (byte >> 4) * 10 + (byte & 0x0f))
}

/** Control characters would move the cursor of a terminal: shown as dots. */
function printable(value: Uint8Array): string {
  return text(value).replace(/[^\x20-\x7e\xa0-\xff]/g, '.')
}

const two = (number: number) => String(number).padStart(2, '0')

function malformed(rule: string): Fault {
  return new Fault('tlv', rule, { rule })
}
