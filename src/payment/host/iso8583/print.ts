/** ISO 8583 messages for people: type, bitmaps and every field with its parts, what is secret masked, what is wrong told with its place; nothing thrown for what a message has. */

import { fromHex, hex, text } from '../../../bytes.ts'
import * as door from '../../../door.ts'
import { maskNumbers, maskPan } from '../../../mask.ts'
import { type Language, type MessageId, message } from '../../../messages/messages.ts'
import { retold } from '../../../messages/retold.ts'
import { type Description, describe, printTree } from '../../../tlv/print.ts'
import { type IsoFrame, type IsoOptions, type IsoPlace, type IsoPlaces, readIso } from './codec.ts'
import { type IsoDialect, isoDialect, isoDialects, isoField } from './dialect.ts'
import { fieldParts, type IsoPart, isPrivate, tpduOf, typeParts } from './parts.ts'

/** A field for people. */
export interface DescribedField extends IsoPlace {
  /** 1 to 128. */
  readonly number: number
  /** The standard's. */
  readonly name: string
  /** Text, or hex of bytes; of a sensitive one what may be shown. */
  readonly value?: string
  /** Its value may not be shown whole. */
  readonly masked?: true
  /** What stands in it, where it has parts or says something. */
  readonly parts?: readonly IsoPart[]
  /** It is private, and what this network has in it is not known. */
  readonly private?: true
  /** Of field 55. */
  readonly tlv?: Description
  /** What is wrong with it, in a sentence. */
  readonly wrong?: string
}

/** A bitmap for people. */
export interface DescribedBitmap extends IsoPlace {
  /** Its 8 bytes. */
  readonly value: string
  /** Numbers of the fields that it names; 1 is the second bitmap. */
  readonly fields: readonly number[]
}

/** Where reading had to stop. */
export interface IsoStop {
  /** `field 4`, `length of field 35`, `bitmap`, `type`, `end`. */
  readonly field: string
  /** The byte, counted from the first that was given. */
  readonly offset: number
  /** The rule that was broken: `takes 12 bytes, 3 are left`. */
  readonly rule: string
}

/** A message for people. */
export interface DescribedIso {
  /** By whose rules it was read. */
  readonly dialect: string
  /** Why this dialect was taken, where nobody named one and the usual one breaks off. */
  readonly guessed?: string
  /** Message type: `0200`; left out where there is none. */
  readonly type?: string
  /** What the type says. */
  readonly words?: string
  /** Its version, class, function and origin. */
  readonly typeParts?: readonly IsoPart[]
  /** Hex of what stood before the type. */
  readonly header?: string
  /** The message came with its length in front. */
  readonly framed: boolean
  /** One, or two where there are fields above 64. */
  readonly bitmaps: readonly DescribedBitmap[]
  /** By number. */
  readonly fields: readonly DescribedField[]
  /** Why reading had to stop. */
  readonly stopped?: string
  /** The same in its parts. */
  readonly stop?: IsoStop
}

/** `financial request`, with `repeat` where it is one (ISO 8583:1987, 4.1). */
function typeWords(type: string, language: Language): string | undefined {
  const [, kind, what, origin] = typeParts(type)
  if (kind.says === 'iso.reserved' || what.says === 'iso.reserved') return undefined
  const repeat = origin.value === '1' || origin.value === '3'
  const says = (id: MessageId) => message(id, language)
  return language === 'ru'
    ? `${says(kind.says!)}: ${says(what.says!)}${repeat ? ', повтор' : ''}`
    : `${says(kind.says!)} ${says(what.says!)}${repeat ? ', repeat' : ''}`
}

/** Dialects that are tried where nobody names one: each lies otherwise than the others. */
const others = ['bcd', 'ebcdic', 'pyiso8583Ascii', 'iso_8583'] as const

/**
 * Everything that can be said of a message, with its length in front or without. Without `dialect` it is read as `tapdip`, whose fields lie as those of `ascii`; where that breaks
 * off, by another that reads all of it, else by the one that comes furthest, and `guessed` says so.
 */
export function describeIso(bytes: Uint8Array, options: IsoOptions = {}): DescribedIso {
  door.need('bytes', bytes, door.anyBytes)
  const dialect = options.dialect ?? isoDialect()
  const described = describeAs(bytes, dialect, options)
  if (options.dialect || !described.stop) return described
  let furthest = described
  for (const name of others) {
    const other = describeAs(bytes, isoDialects[name], options)
    if (!other.words) continue
    if (!other.stop && !other.fields.some(({ wrong }) => wrong))
      return { ...other, guessed: message('iso.guessed', 'en', { name, first: dialect.name }) }
    if (!furthest.words || (other.stop && furthest.stop && other.stop.offset > furthest.stop.offset)) furthest = other
  }
  return furthest === described ? described : { ...furthest, guessed: message('iso.furthest', 'en', { name: furthest.dialect }) }
}

function describeAs(bytes: Uint8Array, dialect: IsoDialect, options: IsoOptions): DescribedIso {
  const framed = isFramed(bytes, dialect)
  const before = framed ? dialect.frame.bytes : 0
  const places: IsoPlaces = new Map()
  const frame: IsoFrame = readIso(bytes.subarray(before), { ...options, dialect }, places)
  const read = 'fields' in frame ? frame : frame.partial
  const stop = 'fault' in frame ? frame.fault.details : undefined
  const words = read && typeWords(read.type, 'en')
  const place = (name: Parameters<IsoPlaces['get']>[0]): IsoPlace => {
    const { offset, length } = places.get(name) ?? { offset: 0, length: 0 }
    return { offset: offset + before, length }
  }
  const bitmaps = (['bitmap', 'secondary bitmap'] as const).flatMap((name, at) =>
    places.has(name) ? bitmapsOf(bytes, place(name), at * 64, dialect) : [],
  )
  return {
    dialect: dialect.name,
    ...(read && { type: read.type, typeParts: typeParts(read.type) }),
    ...(words && { words }),
    ...(read?.header && { header: hex(read.header) }),
    framed,
    bitmaps,
    fields: read
      ? [...read.fields].map(([number, value]) => ({
          ...fieldOf(dialect, number, value, read.fields, read.wrong?.get(number)),
          ...place(number),
        }))
      : [],
    ...('fault' in frame && { stopped: frame.fault.message }),
    ...(stop && { stop: { field: String(stop.field), offset: Number(stop.offset) + before, rule: String(stop.rule) } }),
  }
}

/** None where its text is no hex: that is what is wrong with the message. */
function bitmapsOf(bytes: Uint8Array, place: IsoPlace, first: number, { bitmap }: IsoDialect): DescribedBitmap[] {
  const lies = bytes.subarray(place.offset, place.offset + place.length)
  const digits =
    bitmap === 'ebcdic' ? String.fromCharCode(...Array.from(lies, byte => (byte >= 0xf0 ? byte - 0xc0 : byte - 0x80))) : text(lies)
  if (bitmap !== 'raw' && !/^[\dA-Fa-f]{16}$/.test(digits)) return []
  const value = bitmap === 'raw' ? lies : fromHex(digits)
  const fields = Array.from({ length: 64 }, (_, at) => first + at + 1).filter((_, at) => value[at >> 3] & (0x80 >> (at & 7)))
  return [{ ...place, value: hex(value), fields }]
}

/** Whether what comes first is the length of the rest. */
function isFramed(bytes: Uint8Array, { frame }: IsoDialect): boolean {
  if (bytes.length < frame.bytes) return false
  const front = bytes.subarray(0, frame.bytes)
  const said =
    frame.form === 'binary'
      ? front.reduce((sum, byte) => sum * 256 + byte, 0)
      : Number(frame.form === 'bcd' ? hex(front) : String.fromCharCode(...front.map(byte => (byte > 0x7f ? byte - 0xc0 : byte))))
  return said === bytes.length - (frame.inclusive ? 0 : frame.bytes)
}

/** Card numbers, of which first six and last four may be shown. */
const pans = new Set([2, 34, 102, 103])
const tracks = new Set([35, 36, 45])
/** Enciphered PIN, security data: nothing is shown. */
const secrets = new Set([52, 53, 96])
/** Texts of anybody's, which may repeat a card number. */
const free = new Set([43, 44, 46, 47, 48, 54, 56, 57, 58, 59, 60, 61, 62, 63, 104, ...Array.from({ length: 23 }, (_, at) => 105 + at)])

type Content = Omit<DescribedField, keyof IsoPlace>

function fieldOf(
  dialect: IsoDialect,
  number: number,
  value: string | Uint8Array,
  fields: ReadonlyMap<number, string | Uint8Array>,
  wrong: string | undefined,
): Content {
  const head = { number, name: isoField(dialect, number)?.name ?? 'unknown', ...(wrong && { wrong }) }
  if (secrets.has(number)) return { ...head, value: `${value.length} ${typeof value === 'string' ? 'characters' : 'bytes'}`, masked: true }
  if (value instanceof Uint8Array) return number === 55 ? { ...head, tlv: describe(iccBytes(value), { ff: 'tag' }) } : { ...head, value: hex(value) }
  if (pans.has(number)) return { ...head, value: maskPan(value), masked: true }
  if (tracks.has(number)) return { ...head, value: maskTrack(value), masked: true }
  const parts = wrong ? [] : fieldParts(number, value, fields, dialect)
  // A key serial number stands beside a PIN block there: its parts say what may be shown.
  if (number === dialect.own?.pin) return { ...head, ...(parts.length === 0 ? { value: `${value.length} characters` } : { parts }), masked: true }
  const shown = free.has(number) && !(number === 54 && blocks.test(value)) ? maskNumbers(value) : value
  const closed = isPrivate(number) && parts.length === 0
  return {
    ...head,
    value: shown,
    ...(shown !== value && { masked: true as const }),
    ...(parts.length > 0 && { parts }),
    ...(closed && { private: true as const }),
  }
} // biome-ignore format: one line each

/** Some send it as text of hex digits; no TLV of a card is made of those alone. */
function iccBytes(value: Uint8Array): Uint8Array {
  const digits = text(value)
  return /^([\dA-Fa-f]{2})+$/.test(digits) ? fromHex(digits) : value
}

/** Field 54 as networks have it: amounts, and no number of a card. */
const blocks = /^(\d{4}\w{3}[CD]\d{12})+$/

/** The card number of a track, masked; nothing of the rest. */
function maskTrack(track: string): string {
  const [, pan] = /(\d{8,19})/.exec(track) ?? []
  return pan ? `${maskPan(pan)}…` : `${track.length} characters`
}

/** As lines: `  4  Amount, transaction  000000250000`, its parts after `=`; `!` before what is wrong, with its byte; `?` before a guess. In the user's language, but for the names of fields. */
export function printIso(described: DescribedIso, language: Language = 'en'): string {
  door.need('described', described, door.shape({ fields: door.listOf(door.object) }))
  const { dialect, guessed, type, typeParts: parts = [], header, bitmaps = [], fields, stop, stopped } = described
  const say = (id: MessageId, params?: Readonly<Record<string, string | number>>) => message(id, language, params)
  const tpdu = header && tpduOf(fromHex(header))
  const lines = (of: readonly IsoPart[] = [], whole = '') => of.map(one => `     = ${partWords(one, whole, language)}`)
  return [
    ...(guessed ? [`? ${say(stopped ? 'iso.furthest' : 'iso.guessed', { name: dialect, first: isoDialect().name })}`] : []),
    ...(header ? [`${say('iso.header')}  ${header}${tpdu ? `  ${say('iso.tpdu', tpdu)}` : ''}`] : []),
    ...(type ? [`${type}  ${typeWords(type, language) ?? say('iso.unknownType')}`, ...lines(parts)] : []),
    ...bitmaps.map(({ value, fields: named }, at) => `${say(at === 0 ? 'iso.bitmap' : 'iso.bitmap2')}  ${value}  ${named.join(', ')}`),
    ...fields.flatMap(({ number, name, value, parts: own, private: closed, tlv, wrong, offset }) => [
      `${String(number).padStart(3)}  ${name}${value === undefined ? '' : `  ${shownValue(value, language)}`}`,
      ...lines(own, value),
      ...(closed ? [`     = ${say('iso.private')}`] : []),
      ...(tlv ? [printTree(tlv, '     ')] : []),
      ...(wrong ? [`     ! ${retold(wrong, language)} (${say('iso.atByte', { at: offset })})`] : []),
    ]),
    ...(stopped ? [`! ${retold(stopped, language)}${stop ? ` (${say('iso.atByte', { at: stop.offset })})` : ''}`] : []),
  ].join('\n')
}

/** What is hidden is told by its size. */
function shownValue(value: string, language: Language): string {
  const [, count, kind] = /^(\d+) (bytes|characters)$/.exec(value) ?? []
  return count === undefined ? value : message(`iso.${kind as 'bytes' | 'characters'}`, language, { count })
}

/** `1–2 transaction type 00: goods and services`; what is the whole value is not said twice. */
function partWords({ name, from, to, value, words, says, certainty }: IsoPart, whole: string, language: Language): string {
  const what = message(`iso.part.${name}` as MessageId, language)
  const told = says ? message(says, language) : words
  const head = value === whole ? what : `${from === to ? from : `${from}–${to}`} ${what} ${value}`
  return `${head}${told === undefined ? '' : `: ${told}`}${certainty ? ` [${message(`decode.mark.${certainty}`, language)}]` : ''}`
}
