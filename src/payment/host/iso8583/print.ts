/** ISO 8583 messages for people: every field with its name, what is secret masked, what is wrong told; nothing thrown for what a message has. */

import { hex } from '../../../bytes.ts'
import { maskNumbers, maskPan } from '../../../mask.ts'
import { type Description, describe, printTree } from '../../../tlv/print.ts'
import { type IsoFrame, type IsoOptions, readIso } from './codec.ts'
import { type IsoDialect, isoDialect, isoField } from './dialect.ts'

/** A field for people. */
export interface DescribedField {
  /** 1 to 128. */
  readonly number: number
  /** The standard's. */
  readonly name: string
  /** Text, or hex of bytes; of a sensitive one what may be shown. */
  readonly value?: string
  /** Its value may not be shown whole. */
  readonly masked?: true
  /** Of field 55. */
  readonly tlv?: Description
  /** What is wrong with it, in a sentence. */
  readonly wrong?: string
}

/** A message for people. */
export interface DescribedIso {
  /** Message type: `0200`; left out where there is none. */
  readonly type?: string
  /** What the type says. */
  readonly words?: string
  /** Hex of what stood before the type. */
  readonly header?: string
  /** The message came with its length in front. */
  readonly framed: boolean
  /** By number. */
  readonly fields: readonly DescribedField[]
  /** Why reading had to stop. */
  readonly stopped?: string
}

const classes = [
  '',
  'authorization',
  'financial',
  'file action',
  'reversal',
  'reconciliation',
  'administrative',
  'fee collection',
  'network management',
]
const functions = ['request', 'response', 'advice', 'advice response', 'notification'] // biome-ignore format: a list

/** `financial request`, with `repeat` where it is one (ISO 8583:1987, 4.1). */
export function typeWords(type: string): string | undefined {
  const [kind, what] = [classes[Number(type[1])], functions[Number(type[2])]]
  return kind && what && `${kind} ${what}${type[3] === '1' || type[3] === '3' ? ', repeat' : ''}`
}

/** Everything that can be said of a message, with its length in front or without. */
export function describeIso(bytes: Uint8Array, options: IsoOptions = {}): DescribedIso {
  const dialect = options.dialect ?? isoDialect()
  const framed = isFramed(bytes, dialect)
  const frame: IsoFrame = readIso(framed ? bytes.subarray(dialect.frame.bytes) : bytes, options)
  const message = 'fields' in frame ? frame : frame.partial
  const stopped = 'fault' in frame ? frame.fault.message : undefined
  const words = message && typeWords(message.type)
  return {
    ...(message && { type: message.type }),
    ...(words && { words }),
    ...(message?.header && { header: hex(message.header) }),
    framed,
    fields: message ? [...message.fields].map(([number, value]) => fieldOf(dialect, number, value, message.wrong?.get(number))) : [],
    ...(stopped && { stopped }),
  }
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

function fieldOf(dialect: IsoDialect, number: number, value: string | Uint8Array, wrong: string | undefined): DescribedField {
  const head = { number, name: isoField(dialect, number)?.name ?? 'unknown', ...(wrong && { wrong }) }
  if (secrets.has(number))
    return {
      ...head,
      value: `${typeof value === 'string' ? value.length : value.length} ${typeof value === 'string' ? 'characters' : 'bytes'}`,
      masked: true,
    }
  if (value instanceof Uint8Array) return number === 55 ? { ...head, tlv: describe(value, { ff: 'tag' }) } : { ...head, value: hex(value) }
  if (pans.has(number)) return { ...head, value: maskPan(value), masked: true }
  if (tracks.has(number)) return { ...head, value: maskTrack(value), masked: true }
  const shown = free.has(number) ? maskNumbers(value) : value
  return { ...head, value: shown, ...(shown !== value && { masked: true as const }) }
}

/** The card number of a track, masked; nothing of the rest. */
function maskTrack(track: string): string {
  const [, pan] = /(\d{8,19})/.exec(track) ?? []
  return pan ? `${maskPan(pan)}…` : `${track.length} characters`
}

/** As lines: `  4  Amount, transaction  000000250000`; `!` before what is wrong. */
export function printIso({ type, words, header, fields, stopped }: DescribedIso): string {
  return [
    ...(header ? [`header  ${header}`] : []),
    ...(type ? [`${type}  ${words ?? 'unknown type'}`] : []),
    ...fields.flatMap(({ number, name, value, tlv, wrong }) => [
      `${String(number).padStart(3)}  ${name}${value === undefined ? '' : `  ${value}`}`,
      ...(tlv ? [printTree(tlv, '     ')] : []),
      ...(wrong ? [`     ! ${wrong}`] : []),
    ]),
    ...(stopped ? [`! ${stopped}`] : []),
  ].join('\n')
}
