/** Tracks of a magnetic stripe: 1 and 2 (ISO/IEC 7813) and 3 (ISO/IEC 4909), parsed strictly; what is odd and no reason to lose a swipe is remarked. */

import { hex, toCn } from '../bytes.ts'
import * as door from '../door.ts'
import { hasMonth } from '../expiry.ts'
import { maskPan } from '../mask.ts'
import { bad } from './bad-swipe.ts'
import { hasCheckDigit, luhn } from './check-digit.ts'
import { hasMeaning } from './service-code.ts'

/** How strictly a track is read. */
export interface TrackOptions {
  /** The text has start and end sentinels (`%`, `;` … `?`), perhaps an LRC character after them; false for bare track data as some readers give it. */
  readonly sentinels?: boolean
  /** The PAN must satisfy its check digit (ISO/IEC 7812-1), where its issuer's range has one (`withoutCheckDigit`); true when left out. */
  readonly luhn?: boolean
}

/** What of a track is data, and not what the standard has: for a log, never a reason to lose a swipe. Fields are named, values are not. */
export type Remark =
  | 'expiry has no month 01 to 12'
  | 'service code has no meaning in ISO/IEC 7813'
  | 'PAN has blanks'
  | 'name has fewer than 2 characters'
  | "field separator is 'D'"

/** A number that was read from a card; printed it is masked. */
export interface Masked {
  /** The number masked: `track 2 400000******0002`. */
  toString(): string
  /** The same. */
  toJSON(): string
}

/** Track 1, format B (ISO/IEC 7813, 6). */
export interface Track1 extends Masked {
  /** 8 to 19 digits. */
  readonly pan: string
  /** Up to 26 characters as encoded: `SURNAME/FIRST.TITLE`, trailing blanks removed. */
  readonly name: string
  /** YYMM as encoded, `0000` too (`isExpired`); undefined where the issuer left it out. */
  readonly expiry: string | undefined
  /** Three digits; undefined where the issuer left it out. */
  readonly serviceCode: string | undefined
  /** As encoded. */
  readonly discretionary: string
  /** What is odd, and no reason to lose the swipe. */
  readonly remarks: readonly Remark[]
}

/** Track 2 (ISO/IEC 7813, 7). */
export interface Track2 extends Masked {
  /** 8 to 19 digits. */
  readonly pan: string
  /** YYMM as encoded; undefined where the issuer left it out. */
  readonly expiry: string | undefined
  /** Three digits; undefined where the issuer left it out. */
  readonly serviceCode: string | undefined
  /** As encoded. */
  readonly discretionary: string
  /** What is odd, and no reason to lose the swipe. */
  readonly remarks: readonly Remark[]
}

/** Track 3 (ISO/IEC 4909). */
export interface Track3 extends Masked {
  /** Two digits. */
  readonly formatCode: string
  /** 8 to 19 digits. */
  readonly pan: string
  /** ISO 3166-1 and ISO 4217 numeric; undefined where the issuer left them out. */
  readonly countryCode: string | undefined
  /** ISO 4217 numeric; undefined where the issuer left it out. */
  readonly currencyCode: string | undefined
  /** YYMM; undefined where the issuer left it out. */
  readonly expiry: string | undefined
  /** Card sequence number, a digit. */
  readonly cardSequence: string
  /** What lies between the currency and the expiry, and after the card sequence number: for the acquirer, as encoded. */
  readonly useAndSecurity: string
  /** As encoded: for the acquirer. */
  readonly additional: string
  /** What is odd, and no reason to lose the swipe. */
  readonly remarks: readonly Remark[]
}

/** Track layouts: the alphabet's first character (an LRC is computed over offsets from it), what is allowed between the sentinels, their longest length. */
const layouts = {
  1: { start: '%', base: 0x20, bits: 0x3f, content: /^[ -_]*$/, longest: 79 },
  2: { start: ';', base: 0x30, bits: 0x0f, content: /^[0-9=]*$/, longest: 40 },
  3: { start: ';', base: 0x30, bits: 0x0f, content: /^[0-9=]*$/, longest: 107 },
} as const

/** The LRC character of a track with its sentinels (ISO/IEC 7811-6): the XOR of the data bits of all its characters. */
export function trackLrc(track: 1 | 2 | 3, text: string): string {
  door.need('track', track, door.oneOf([1, 2, 3]))
  door.need('text', text, door.anyText)
  const { base, bits } = layouts[track]
  let sum = 0
  for (let i = 0; i < text.length; i++) sum ^= (text.charCodeAt(i) - base) & bits
  return String.fromCharCode(base + sum)
}

/** The data between the sentinels. */
function unwrap(track: 1 | 2 | 3, text: string, options: TrackOptions): string {
  const { start, content, longest } = layouts[track]
  if (text.length === 0) throw bad(track, 'is empty')
  let inner = text
  if (options.sentinels ?? true) {
    if (text[0] !== start) throw bad(track, `does not begin with '${start}'`)
    const end = text.indexOf('?')
    if (end < 0) throw bad(track, "has no end sentinel '?'")
    const rest = text.slice(end + 1)
    if (rest.length > 1) throw bad(track, `${rest.length} characters follow the end sentinel, the rule is an LRC at most`)
    if (rest.length === 1 && rest !== trackLrc(track, text.slice(0, end + 1))) throw bad(track, 'the LRC does not match')
    inner = text.slice(1, end)
  }
  if (inner.length + 3 > longest)
    throw bad(track, `has ${inner.length + 3} characters with sentinels and LRC, the rule is at most ${longest}`)
  if (!content.test(inner)) throw bad(track, 'has a character outside its alphabet')
  return inner
}

function checkPan(track: number, pan: string, options: TrackOptions): string {
  if (!/^\d{8,19}$/.test(pan)) throw bad(track, `the PAN has ${pan.length} characters, the rule is 8 to 19 digits`)
  if ((options.luhn ?? true) && hasCheckDigit(pan) && !luhn(pan)) throw bad(track, 'the PAN does not satisfy its check digit')
  return pan
}

/** Expiry and service code at the head of `text`; a separator stands for one that is left out (ISO/IEC 7813, 6 and 7). */
function dates(track: number, text: string, separator: string) {
  let at = 0
  const field = (length: number, name: string) => {
    if (text[at] === separator) {
      at++
      return undefined
    }
    const value = text.slice(at, at + length)
    if (value.length !== length || !/^\d+$/.test(value)) throw bad(track, `the ${name} is not ${length} digits`)
    at += length
    return value
  }
  const expiry = field(4, 'expiry')
  const serviceCode = field(3, 'service code')
  const remarks: Remark[] = [
    ...remarkOn(expiry),
    ...(serviceCode !== undefined && !hasMeaning(serviceCode) ? (['service code has no meaning in ISO/IEC 7813'] as const) : []),
  ]
  return { expiry, serviceCode, discretionary: text.slice(at), remarks }
}

function remarkOn(expiry: string | undefined): Remark[] {
  return expiry === undefined || hasMonth(expiry) ? [] : ['expiry has no month 01 to 12']
}

/** Adds a masked text, JSON and inspection to data that may not be printed. */
export function masked<T extends { pan: string }>(track: number, data: T): T & Masked {
  const shown = () => `track ${track} ${maskPan(data.pan)}`
  const hidden = { value: shown, enumerable: false }
  return Object.defineProperties(data, {
    toString: hidden,
    toJSON: hidden,
    [Symbol.for('nodejs.util.inspect.custom')]: hidden,
  }) as T & Masked
}

/**
 * Track 1, format B (ISO/IEC 7813, 6): `%B<PAN>^<name>^<YYMM><service code><discretionary>?`. Blanks in the PAN, as some issuers encode it for embossing, are no part
 * of it. @throws Fault `bad-swipe`
 */
export function parseTrack1(text: string, options: TrackOptions = {}): Track1 {
  door.need('text', text, door.anyText)
  door.need('options', options, door.object)
  const inner = unwrap(1, text, options)
  if (inner[0] !== 'B') throw bad(1, `has format '${inner[0] ?? ''}', the rule is B (financial)`)
  const [given, name, ...rest] = inner.slice(1).split('^')
  if (name === undefined || rest.length === 0) throw bad(1, "has not two field separators '^'")
  if (name.length > 26) throw bad(1, `the name has ${name.length} characters, the rule is 2 to 26`)
  const pan = given.replaceAll(' ', '')
  const { remarks, ...more } = dates(1, rest.join('^'), '^')
  const odd: Remark[] = [
    ...(pan === given ? [] : (['PAN has blanks'] as const)),
    ...(name.length < 2 ? (['name has fewer than 2 characters'] as const) : []),
  ]
  return masked(1, { pan: checkPan(1, pan, options), name: name.trimEnd(), ...more, remarks: [...odd, ...remarks] })
}

/**
 * Track 2 (ISO/IEC 7813, 7): `;<PAN>=<YYMM><service code><discretionary>?`. Some readers write the separator as `D`, as it stands in Track 2 Equivalent Data.
 * @throws Fault `bad-swipe`
 */
export function parseTrack2(text: string, options: TrackOptions = {}): Track2 {
  door.need('text', text, door.anyText)
  door.need('options', options, door.object)
  const plain = text.replace(/^(;?\d+)D/, '$1=')
  const inner = unwrap(2, plain, options)
  const separator = inner.indexOf('=')
  if (separator < 0) throw bad(2, "has no field separator '='")
  const { remarks, ...more } = dates(2, inner.slice(separator + 1), '=')
  const odd: readonly Remark[] = plain === text ? [] : ["field separator is 'D'"]
  return masked(2, { pan: checkPan(2, inner.slice(0, separator), options), ...more, remarks: [...odd, ...remarks] })
}

/** Track 2 Equivalent Data (57; EMV 4.4 Book 3, Annex A): BCD, `D` for the separator, padded with `F`. @throws Fault `bad-swipe` */
export function parseTrack2Equivalent(bytes: Uint8Array, options: TrackOptions = {}): Track2 {
  door.need('bytes', bytes, door.anyBytes)
  door.need('options', options, door.object)
  if (bytes.length > 19) throw bad(2, `equivalent data have ${bytes.length} bytes, the rule is at most 19`)
  const digits = hex(bytes).replace(/F$/, '')
  if (!/^\d*D[\dD]*$/.test(digits)) throw bad(2, 'equivalent data are not digits with D between the fields')
  return parseTrack2(digits.replaceAll('D', '='), { ...options, sentinels: false })
}

/** Track 2 Equivalent Data of track 2, as a chip would give them. */
export function track2Equivalent(track: Track2): Uint8Array {
  door.need('track', track, door.shape({ pan: door.anyText, discretionary: door.anyText }))
  return toCn(`${track.pan}D${track.expiry ?? 'D'}${track.serviceCode ?? 'D'}${track.discretionary}`.replaceAll('=', 'D'))
}

/**
 * Track 3 (ISO/IEC 4909): `;<format code><PAN>=<country><currency><use and security fields><expiry><card sequence>…?`.
 * The fixed head is checked field by field; what only the issuer reads is kept as encoded. @throws Fault `bad-swipe`
 */
export function parseTrack3(text: string, options: TrackOptions = {}): Track3 {
  door.need('text', text, door.anyText)
  door.need('options', options, door.object)
  const inner = unwrap(3, text, options)
  let at = 0
  const take = (length: number, name: string) => {
    const value = inner.slice(at, at + length)
    if (value.length !== length || !/^\d+$/.test(value)) throw bad(3, `the ${name} is not ${length} digits`)
    at += length
    return value
  }
  const takeOr = (length: number, name: string) => {
    if (inner[at] !== '=') return take(length, name)
    at++
    return undefined
  }
  const formatCode = take(2, 'format code')
  const separator = inner.indexOf('=', at)
  if (separator < 0) throw bad(3, "has no field separator '='")
  const pan = checkPan(3, inner.slice(at, separator), options)
  at = separator + 1
  const countryCode = takeOr(3, 'country code')
  const currencyCode = takeOr(3, 'currency code')
  const use = at
  take(1, 'currency exponent')
  take(4, 'amount authorised per cycle')
  take(4, 'amount remaining this cycle')
  take(4, 'cycle begin')
  take(2, 'cycle length')
  take(1, 'retry count')
  takeOr(6, 'PIN control parameters')
  take(1, 'interchange control')
  take(2, 'type of account and service restriction of the PAN')
  take(2, 'type of account and service restriction of the first account')
  take(2, 'type of account and service restriction of the second account')
  const useAndSecurity = inner.slice(use, at)
  const expiry = takeOr(4, 'expiry')
  const cardSequence = take(1, 'card sequence number')
  return masked(3, {
    formatCode,
    pan,
    countryCode,
    currencyCode,
    useAndSecurity,
    expiry,
    cardSequence,
    additional: inner.slice(at),
    remarks: remarkOn(expiry),
  })
}
