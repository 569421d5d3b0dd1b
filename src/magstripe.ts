/** Magnetic stripes: tracks 1 and 2 (ISO/IEC 7813) and 3 (ISO/IEC 4909) parsed strictly, and what a service code asks of a swipe. */

import { hex } from './bytes.ts'
import * as door from './door.ts'
import { Fault } from './errors.ts'
import { maskPan } from './mask.ts'

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
interface Masked {
  toString(): string
  toJSON(): string
}

export interface Track1 extends Masked {
  readonly pan: string
  /** Up to 26 characters as encoded: `SURNAME/FIRST.TITLE`, trailing blanks removed. */
  readonly name: string
  /** YYMM as encoded, `0000` too (`isExpired`); undefined where the issuer left it out. */
  readonly expiry: string | undefined
  readonly serviceCode: string | undefined
  readonly discretionary: string
  readonly remarks: readonly Remark[]
}

export interface Track2 extends Masked {
  readonly pan: string
  /** YYMM as encoded; undefined where the issuer left it out. */
  readonly expiry: string | undefined
  readonly serviceCode: string | undefined
  readonly discretionary: string
  readonly remarks: readonly Remark[]
}

export interface Track3 extends Masked {
  readonly formatCode: string
  readonly pan: string
  /** ISO 3166-1 and ISO 4217 numeric; undefined where the issuer left them out. */
  readonly countryCode: string | undefined
  readonly currencyCode: string | undefined
  readonly expiry: string | undefined
  readonly cardSequence: string
  /** What lies between the currency and the expiry, and after the card sequence number: for the acquirer, as encoded. */
  readonly useAndSecurity: string
  readonly additional: string
  readonly remarks: readonly Remark[]
}

function bad(track: number, rule: string): Fault {
  return new Fault('bad-swipe', `track ${track}: ${rule}`, { track, rule })
}

/** The check of ISO/IEC 7812-1, Annex B: every second digit from the right is doubled, the sum of digits is a multiple of ten. */
export function luhn(digits: string): boolean {
  door.need('digits', digits, door.anyText)
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48
    sum += i % 2 === 0 ? digit : digit * 2 > 9 ? digit * 2 - 9 : digit * 2
  }
  return digits.length > 0 && sum % 10 === 0
}

/**
 * Issuer ranges whose numbers need no check digit, by their first digits. UnionPay's members have issued numbers without one (62, and 81 of its newer range); enRoute,
 * long withdrawn, never had one. ISO/IEC 7812-1 has one for all others.
 */
export const withoutCheckDigit: readonly { readonly digits: string; readonly whose: string }[] = [
  { digits: '62', whose: 'UnionPay' },
  { digits: '81', whose: 'UnionPay' },
  { digits: '2014', whose: 'Diners Club enRoute' },
  { digits: '2149', whose: 'Diners Club enRoute' },
]

/** Whether the last digit of this number is a check digit that has to be right. */
export function hasCheckDigit(pan: string): boolean {
  door.need('pan', pan, door.anyText)
  return !withoutCheckDigit.some(({ digits }) => pan.startsWith(digits))
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

function hasMonth(expiry: string): boolean {
  return /^\d\d(0[1-9]|1[0-2])$/.test(expiry)
}

/** Adds a masked text, JSON and inspection to data that may not be printed. */
function masked<T extends { pan: string }>(track: number, data: T): T & Masked {
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
  const digits = `${track.pan}D${track.expiry ?? 'D'}${track.serviceCode ?? 'D'}${track.discretionary}`
  const padded = digits.length % 2 === 0 ? digits : `${digits}F`
  return Uint8Array.from({ length: padded.length / 2 }, (_, i) => Number.parseInt(padded.slice(i * 2, i * 2 + 2), 16))
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

/**
 * Whether a card of this expiry (YYMM) is past its month on `date`; years 50–99 are 1950–1999 (EMV 4.4 Book 4, 6.7.3). One without a month, `0000`, is no date: it says
 * nothing, and the issuer decides.
 */
export function isExpired(expiry: string, date: Date): boolean {
  door.need('expiry', expiry, door.text(4, 4))
  door.need('date', date, door.date)
  if (!hasMonth(expiry)) return false
  const year = Number(expiry.slice(0, 2))
  const month = Number(expiry.slice(2))
  const lastYear = year < 50 ? 2000 + year : 1900 + year
  return date.getFullYear() > lastYear || (date.getFullYear() === lastYear && date.getMonth() + 1 > month)
}

/** What the three digits of a service code say (ISO/IEC 7813, 4.3). */
export interface ServiceCode {
  readonly interchange: 'international' | 'national' | 'private' | 'test'
  /** The card has a chip, which is to be used where possible. */
  readonly chip: boolean
  /** `online`: every transaction is authorised by the issuer. */
  readonly authorisation: 'normal' | 'online'
  readonly services: 'all' | 'goodsAndServices' | 'cash' | 'atm'
  readonly pin: 'none' | 'required' | 'whereFeasible'
}

const interchange = { 1: 'international', 2: 'international', 5: 'national', 6: 'national', 7: 'private', 9: 'test' } as const
const services = {
  0: ['all', 'required'],
  1: ['all', 'none'],
  2: ['goodsAndServices', 'none'],
  3: ['atm', 'required'],
  4: ['cash', 'none'],
  5: ['goodsAndServices', 'required'],
  6: ['all', 'whereFeasible'],
  7: ['goodsAndServices', 'whereFeasible'],
} as const

function hasMeaning([first, second, third]: string): boolean {
  return first in interchange && ['0', '2', '4'].includes(second) && third in services
}

/** Of which cards a service code says nothing: an ordinary one that the issuer is asked about. */
const UNKNOWN_SERVICE: ServiceCode = { interchange: 'private', chip: false, authorisation: 'online', services: 'all', pin: 'none' }

/**
 * The code of a stripe as a terminal goes by it: real cards have codes that no table has (000, 110, 301, 826, 909, 999). Of such a one only the first digit counts,
 * for a chip goes to the slot; services and PIN are the issuer's to say.
 */
export function serviceCodeOf(code: string): ServiceCode {
  door.need('code', code, door.anyText)
  if (hasMeaning(code)) return readServiceCode(code)
  const area = interchange[code[0] as unknown as keyof typeof interchange]
  return { ...UNKNOWN_SERVICE, ...(area && { interchange: area }), chip: /^[26]/.test(code) }
}

/** @throws Fault `bad-swipe` where a digit has no meaning */
export function readServiceCode(code: string): ServiceCode {
  door.need('code', code, door.anyText)
  const [first, second, third] = code
  const area = interchange[first as unknown as keyof typeof interchange]
  const use = services[third as unknown as keyof typeof services]
  if (code.length !== 3 || !hasMeaning(code)) throw bad(2, `service code '${code}' has no meaning in ISO/IEC 7813`)
  return {
    interchange: area,
    chip: first === '2' || first === '6',
    authorisation: second === '0' ? 'normal' : 'online',
    services: use[0],
    pin: use[1],
  }
}

/** Tracks as a reader gives them; those that it did not read are left out. */
export interface SwipedTracks {
  readonly track1?: string
  readonly track2?: string
  readonly track3?: string
}

export interface Swipe extends Masked {
  readonly pan: string
  readonly expiry: string | undefined
  readonly serviceCode: ServiceCode | undefined
  readonly track1: Track1 | undefined
  readonly track2: Track2 | undefined
  readonly track3: Track3 | undefined
  /** What of its tracks is odd, and of which track. */
  readonly remarks: readonly { readonly track: 1 | 2 | 3; readonly remark: Remark | (string & {}) }[]
}

/**
 * One swipe out of its tracks: track 1 or 2 must be good, and those that are must name the same card. A track that is not is left out, with the rule that it breaks
 * among the remarks; where expiries differ, track 2's is taken.
 * @throws Fault `bad-swipe` where neither is good, naming both rules, or where they name different cards
 */
export function readSwipe(tracks: SwipedTracks, options: TrackOptions = {}): Swipe {
  door.need('tracks', tracks, door.object)
  door.need('options', options, door.object)
  const faults: Fault[] = []
  const attempt = <T>(text: string | undefined, parse: (text: string, options: TrackOptions) => T): T | undefined => {
    if (!text) return undefined
    try {
      return parse(text, options)
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'bad-swipe') throw error
      faults.push(error)
      return undefined
    }
  }
  const track1 = attempt(tracks.track1, parseTrack1)
  const track2 = attempt(tracks.track2, parseTrack2)
  const track3 = attempt(tracks.track3, parseTrack3)
  const best = track2 ?? track1
  if (!best) throw worst(faults)
  for (const other of [track1, track3])
    if (other && other.pan !== best.pan) throw bad(other === track1 ? 1 : 3, 'names another card than track 2')
  const code = track2?.serviceCode ?? track1?.serviceCode
  const otherExpiry = track1?.expiry && track2?.expiry && track1.expiry !== track2.expiry
  return masked(2, {
    pan: best.pan,
    expiry: track2?.expiry ?? track1?.expiry,
    serviceCode: code === undefined ? undefined : serviceCodeOf(code),
    track1,
    track2,
    track3,
    remarks: [
      ...faults.map(({ details }) => ({ track: details.track as 1 | 2 | 3, remark: String(details.rule) })),
      ...([track1, track2, track3] as const).flatMap((one, at) =>
        (one?.remarks ?? []).map(remark => ({ track: (at + 1) as 1 | 2 | 3, remark })),
      ),
      ...(otherExpiry ? [{ track: 1 as const, remark: 'names another expiry than track 2' }] : []),
    ],
  })
}

/** No track of a card was good: each says why. */
function worst(faults: readonly Fault[]): Fault {
  const [first, ...more] = faults.filter(({ details }) => details.track !== 3)
  if (!first) return faults[0] ?? bad(2, 'was not read')
  if (more.length === 0) return first
  return new Fault('bad-swipe', [first, ...more].map(({ message }) => message).join('; '), first.details)
}

/** POS entry mode (9F39; ISO 8583:1987 field 22, first two digits). */
export type SwipeEntryMode = 0x90 | 0x80

/**
 * The entry mode of a stripe that a reader has taken, by its service code: one that reads chips too takes the stripe of a chip card (2xx, 6xx) only in place of
 * its chip, and that is fallback.
 */
export function entryModeOf(serviceCode: string | undefined, chipReader = true): SwipeEntryMode {
  door.need('serviceCode', serviceCode, door.maybe(door.anyText))
  return chipReader && /^[26]/.test(serviceCode ?? '') ? 0x80 : 0x90
}

/**
 * What a terminal does with a swipe. A card whose service code tells of a chip goes to the chip, unless the chip has failed before
 * (`fallback`); then the swipe is marked as fallback, 80 instead of 90.
 */
export type SwipeVerdict =
  | { readonly use: 'swipe'; readonly entryMode: SwipeEntryMode; readonly online: boolean; readonly pin: ServiceCode['pin'] }
  | { readonly use: 'chip' }
  | { readonly use: 'no'; readonly why: 'expired' | 'service' }

export interface SwipeContext {
  readonly at: Date
  readonly type?: 'purchase' | 'cash' | 'cashback' | 'refund'
  /** The terminal reads chips: without that a chip card's stripe is all there is. */
  readonly chipReader: boolean
  /** The chip of this very card has failed as often as the configuration asks. */
  readonly fallback?: boolean
}

/** Service code and expiry decide on a swipe; an absent service code is taken as 101. */
export function judgeSwipe(swipe: Pick<Swipe, 'serviceCode' | 'expiry'>, context: SwipeContext): SwipeVerdict {
  door.need('swipe', swipe, door.object)
  door.need('context', context, door.shape({ at: door.date }))
  const { at, type, chipReader, fallback } = context
  const code = swipe.serviceCode ?? readServiceCode('101')
  if (code.chip && chipReader && !fallback) return { use: 'chip' }
  if (swipe.expiry !== undefined && isExpired(swipe.expiry, at)) return { use: 'no', why: 'expired' }
  const cash = type === 'cash' || type === 'cashback'
  const allowed = code.services === 'all' || (cash ? code.services === 'cash' : code.services === 'goodsAndServices')
  if (!allowed) return { use: 'no', why: 'service' }
  return {
    use: 'swipe',
    entryMode: code.chip && fallback ? 0x80 : 0x90,
    online: code.authorisation === 'online' || code.chip,
    pin: code.pin,
  }
}
