/** What a payment says in ISO 8583:1987: which fields carry what, and which private ones the rest. Both ends use it, client and host. */

import { concat, fromHex, hex, toCn } from '../../../bytes.ts'
import { currency } from '../../../currency.ts'
import { Fault, isFault } from '../../../errors.ts'
import { read, write } from '../../../tlv/ber.ts'
import { forTerminal } from '../../../tlv/tags.ts'
import type { AmountParts, AuthorisationMessage, PaymentType } from '../../acquirer.ts'
import { partNames } from '../../amount-parts.ts'
import { decodeMessage, encodeMessage, type Json } from '../wire.ts'
import { amountPartsOf, setAmountParts } from './amounts.ts'
import type { IsoMessage } from './codec.ts'
import { type IsoDialect, isoDialect, isoField } from './dialect.ts'

/** What is asked for: the message type says the class, the private data the rest. */
export type IsoTask = 'authorisation' | 'advice' | 'reversal' | 'increment' | 'confirmation' | 'cancellation' | 'status' | 'order' | 'echo'

/** Type of the request; `hold`: an authorisation that is confirmed later (0100, 0120), else a financial message (0200, 0220). */
export function typeOf(task: IsoTask, { hold = false, repeat = false, check = false } = {}): string {
  switch (task) {
    case 'authorisation':
      return hold || check ? '0100' : '0200'
    case 'advice':
      return hold ? '0120' : '0220'
    case 'increment':
      return '0100'
    case 'confirmation':
      return '0220'
    case 'reversal':
      return repeat ? '0421' : '0420'
    case 'cancellation':
      return '0400'
    case 'status':
    case 'order':
      return '0600'
    case 'echo':
      return '0800'
  }
}

/** The type of a repetition: 0221 of 0220. */
export function repeatOf(type: string): string {
  return `${type.slice(0, 3)}1`
}

/** The answer's type: 0110 to 0100, 0430 to 0420 and its repeat 0421. */
export function answerType(type: string): string {
  return `${type.slice(0, 2)}${Number(type[2]) + 1}0`
}

/** Whether it asks for an answer: its third digit is even (ISO 8583:1987, 4.1). */
export function isRequest(type: string): boolean {
  return /^0[1-8][024]\d$/.test(type)
}

export type IsoFields = Map<number, string | Uint8Array>

/** Data that has no field of its own, as JSON, in the private fields of the dialect; nothing where it has none. @throws Fault `bad-argument` where it is too long */
export function setPrivate(fields: IsoFields, json: Json, dialect: IsoDialect = isoDialect()): void {
  if (!dialect.own) return
  const { data } = dialect.own
  const sizes = data.map(number => isoField(dialect, number)!.size)
  const parts = ['']
  let room = sizes[0]
  for (const letter of JSON.stringify(json)) {
    const size = new TextEncoder().encode(letter).length
    if (size > room) {
      parts.push('')
      room = sizes[parts.length - 1] ?? 0
    }
    parts[parts.length - 1] += letter
    room -= size
  }
  if (parts.length > data.length)
    throw new Fault('bad-argument', `the order is too long for ISO 8583: its data take more than ${data.length} private fields`, {
      field: 'order',
    })
  for (const [at, part] of parts.entries()) fields.set(data[at], part)
}

/** The private JSON of the other end; undefined where there is none that we understand: those fields are every network's own. */
export function privateOf({ fields }: IsoMessage, { own }: IsoDialect = isoDialect()): Readonly<Record<string, unknown>> | undefined {
  if (!own) return undefined
  const joined = own.data.map(number => fields.get(number) ?? '').join('')
  try {
    const json: unknown = JSON.parse(joined)
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>
  } catch {
    // told below
  }
  return undefined
}

/** The idempotency key, where the private data are ours. */
export function keyOf({ fields }: IsoMessage, { own }: IsoDialect): string | undefined {
  const key = own && fields.get(own.key)
  return typeof key === 'string' && key !== '' ? key : undefined
}

/** Positions 1 and 2 of field 3. */
const processing = { purchase: '00', cash: '01', cashback: '09', refund: '20', check: '00' } as const satisfies Record<PaymentType, string>

/** @returns undefined where it is none that we know */
export function transactionTypeOf(code: string): PaymentType | undefined {
  return (Object.keys(processing) as PaymentType[]).find(type => code.startsWith(processing[type]))
}

/** Data objects that have a field of their own. */
const PAN = 0x5a
const TRACK2 = 0x57
const EXPIRY = 0x5f24
const SEQUENCE = 0x5f34
const ENTRY_MODE = 0x9f39

/** Field 25 of a card check, as Visa has it for the verification of an account (assumed: other banks say it by a private field). Both ends go by the amount of 0. */
const CARD_CHECK = '51'
/** PIN entry capability: a terminal that can take one. */
const CAN_PIN = '1'
/** Field 22 of a card that was entered nobody knows how. */
const UNSPECIFIED = '00'

const two = (value: number) => String(value).padStart(2, '0')

/** Field 12 and 13: the terminal's own clock. */
export function localTime(at: Date): { readonly time: string; readonly date: string } {
  return {
    time: two(at.getHours()) + two(at.getMinutes()) + two(at.getSeconds()),
    date: two(at.getMonth() + 1) + two(at.getDate()),
  }
}

/** Field 7: month, day, hour, minute, second of UTC. */
export function transmissionTime(at: Date): string {
  return [at.getUTCMonth() + 1, at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(two).join('')
}

/** Field 37 as acquirers make it: last digit of the year, day of the year, hour, trace number. */
export function retrievalReference(at: Date, stan: string): string {
  const day = Math.floor((Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()) - Date.UTC(at.getFullYear(), 0, 0)) / 86_400_000)
  return `${at.getFullYear() % 10}${String(day).padStart(3, '0')}${two(at.getHours())}${stan}`
}

/** @throws Fault `bad-argument` where a value does not fit its field; `unsupported` for a PIN block of 16 bytes in a dialect that has no place for it */
export function authorisationFields(message: AuthorisationMessage, dialect: IsoDialect = isoDialect()): IsoFields {
  const { tags, merchant, currency: unit } = message
  const { tags: _tags, pinBlock: _pin, amount: _amount, ...rest } = encodeMessage(message) as Record<string, Json>
  const fields: IsoFields = new Map()
  const digits = (tag: number) => hex(tags.get(tag)!).replace(/F+$/, '')
  const { time, date } = localTime(message.at)
  if (tags.has(PAN)) fields.set(2, digits(PAN))
  fields.set(3, `${processing[message.type]}0000`)
  fields.set(4, amountField(message.amount))
  fields.set(12, time).set(13, date)
  if (tags.has(EXPIRY)) fields.set(14, hex(tags.get(EXPIRY)!).slice(0, 4))
  const entry = tags.get(ENTRY_MODE)
  fields.set(
    22,
    `${entry ? hex(entry) : message.interface ? { chip: '05', tap: '07', swipe: '90' }[message.interface] : UNSPECIFIED}${CAN_PIN}`,
  )
  if (tags.has(SEQUENCE)) fields.set(23, digits(SEQUENCE).padStart(3, '0'))
  fields.set(25, message.type === 'check' ? CARD_CHECK : '00')
  if (tags.has(TRACK2)) fields.set(35, digits(TRACK2).replace('D', dialect.separator))
  fields.set(41, merchant.terminal.padEnd(8))
  fields.set(42, merchant.id.padEnd(15))
  fields.set(49, String(unit.numeric).padStart(3, '0'))
  setAmountParts(fields, partsIn(message), unit.numeric)
  setPin(fields, message, dialect)
  const own = [PAN, TRACK2, EXPIRY, SEQUENCE]
  // What was padded or coded otherwise would not come back the same: those stay in field 55.
  const icc = dialect.icc
    ? dialect.icc.flatMap(tag => (tags.has(tag) ? [[tag, tags.get(tag)!] as const] : []))
    : [...tags].filter(([tag]) => !own.includes(tag) || !comesBack(tag, fields, tags.get(tag)!))
  const objects = (some: typeof icc) => concat(...some.map(([tag, value]) => write(tag, value)))
  const all = objects(icc)
  if (icc.length > 0) fields.set(55, all.length <= MOST_ICC ? all : objects(icc.filter(([tag]) => !forTerminal.has(tag))))
  if (dialect.own) fields.set(dialect.own.key, message.key)
  setPrivate(fields, rest, dialect)
  return fields
}

/** Bytes of field 55 (LLLVAR). */
const MOST_ICC = 999

/** A payment's; what gives money back or hands out cash alone has none. */
function partsIn({ type, order }: Pick<AuthorisationMessage, 'type' | 'order'>): AmountParts | undefined {
  return type === 'purchase' || type === 'cashback' ? order.parts : undefined
}

export function amountField(amount: bigint): string {
  return amount.toString().padStart(12, '0')
}

function setPin(fields: IsoFields, { pinBlock }: AuthorisationMessage, { own, ksn }: IsoDialect): void {
  if (!pinBlock) return
  const fits = pinBlock.data.length === 8
  if (!fits && !own)
    throw new Fault('unsupported', 'field 52 of ISO 8583:1987 takes 8 bytes: no PIN block of AES', { feature: 'pinBlockFormat4' })
  if (fits) fields.set(52, pinBlock.data)
  if (own) fields.set(own.pin, [pinBlock.format, hex(pinBlock.ksn), ...(fits ? [] : [hex(pinBlock.data)])].join(':'))
  else if (ksn !== undefined) fields.set(ksn, hex(pinBlock.ksn))
}

/** The data object as the host makes it out of its field. */
function fromField(tag: number, fields: ReadonlyMap<number, string | Uint8Array>): Uint8Array | undefined {
  const value = fields.get({ [PAN]: 2, [TRACK2]: 35, [EXPIRY]: 14, [SEQUENCE]: 23 }[tag]!)
  if (typeof value !== 'string') return undefined
  if (tag === SEQUENCE) return fromHex(value.slice(1))
  return toCn(value.replace('=', 'D'))
}

function comesBack(tag: number, fields: IsoFields, value: Uint8Array): boolean {
  const back = fromField(tag, fields)
  return back !== undefined && hex(back) === hex(value)
}

/** A field that is wrong, by its number. */
export function formatFault(number: number, why: string): Fault {
  return new Fault('bad-argument', `field ${number}: ${why}`, { path: `field ${number}`, field: number })
}

/** The text of a field; undefined where it is not there. @throws Fault `bad-argument` with details.field where it breaks its rule */
export function textOf({ fields, wrong }: IsoMessage, number: number): string | undefined {
  const broken = wrong?.get(number)
  if (broken) throw formatFault(number, broken)
  const value = fields.get(number)
  return typeof value === 'string' ? value : undefined
}

/** @throws Fault `bad-argument` with details.field */
export function needed(message: IsoMessage, number: number): string {
  const value = textOf(message, number)
  if (value === undefined) throw formatFault(number, 'it is missing')
  return value
}

/**
 * The data objects of field 55, raw or as text of hex digits, whichever was sent: no TLV of a card is made of hex digits alone.
 * @throws Fault `tlv`
 */
export function iccOf({ fields }: IsoMessage): readonly { readonly tag: number; readonly value: Uint8Array }[] {
  const icc = fields.get(55)
  if (!(icc instanceof Uint8Array) || icc.length === 0) return []
  const digits = String.fromCharCode(...icc)
  return read(/^([\dA-Fa-f]{2})+$/.test(digits) ? fromHex(digits) : icc, { ff: 'tag' })
}

/** What names a message without a key of ours: terminal, transmission time, trace number (ISO 8583:1987, 4.4.11). */
export function traceKey(terminal: string, sent: string, stan: string): string {
  return `iso:${terminal.trim()}:${sent}:${stan}`
}

/** A payment out of its fields, with our private data or without. @param now for what names no year. @throws Fault `bad-argument` with details.field */
export function authorisationOf(message: IsoMessage, dialect: IsoDialect = isoDialect(), now = new Date()): AuthorisationMessage {
  const { fields } = message
  const tags = new Map<number, Uint8Array>()
  for (const [tag, number] of [
    [PAN, 2],
    [TRACK2, 35],
    [SEQUENCE, 23],
  ] as const) {
    // biome-ignore format: a table
    textOf(message, number)
    const value = fromField(tag, fields)
    if (value) tags.set(tag, value)
  }
  try {
    for (const { tag, value } of iccOf(message)) tags.set(tag, value)
  } catch (error) {
    throw isFault(error, 'tlv') ? formatFault(55, error.message) : error
  }
  const amount = needed(message, 4)
  const said = privateOf(message, dialect)
  const decoded = decodeMessage({
    ...(said?.order === undefined ? plain(message, now) : said),
    amount: String(BigInt(amount)),
    tags: Object.fromEntries([...tags].map(([tag, value]) => [tag.toString(16).toUpperCase().padStart(2, '0'), hex(value)])),
    ...pinOf(message, dialect),
  })
  agreeWithFields(decoded, message)
  return decoded
}

/** What private data say must be what the standard's fields say. */
function agreeWithFields({ type, currency: unit, merchant, order }: AuthorisationMessage, message: IsoMessage): void {
  const other = (number: number, is: string) => {
    const said = textOf(message, number)?.trim()
    if (said !== undefined && said !== is) throw formatFault(number, 'the private data say something else')
  }
  if (!needed(message, 3).startsWith(processing[type])) throw formatFault(3, 'the private data say something else')
  const told = amountPartsOf(textOf(message, 54), textOf(message, 28)) ?? {}
  const parts = partsIn({ type, order }) ?? {}
  for (const name of partNames)
    if (told[name] !== parts[name]) throw formatFault(name === 'surcharge' ? 28 : 54, 'the private data say something else')
  other(49, String(unit.numeric).padStart(3, '0'))
  other(41, merchant.terminal.trim())
  other(42, merchant.id.trim())
}

/** @throws Fault `unsupported` for a processing code that is none of ours */
function plain(message: IsoMessage, now: Date): Record<string, Json> {
  const code = needed(message, 3)
  const said = transactionTypeOf(code)
  if (!said) throw new Fault('unsupported', `processing code ${code}`, { feature: 'processingCode' })
  const type = said === 'purchase' && BigInt(needed(message, 4)) === 0n ? 'check' : said
  const unit = unitOf(needed(message, 49))
  const stan = needed(message, 11)
  const terminal = needed(message, 41).trim()
  const sent = textOf(message, 7) ?? ''
  const id = textOf(message, 42)?.trim() || terminal
  const parts = amountPartsOf(textOf(message, 54), textOf(message, 28))
  const by = interfaceOf(message)
  const number = [terminal, sent, stan].filter(Boolean).join('-').slice(-32)
  return {
    key: traceKey(terminal, sent, stan),
    order: {
      number,
      amount: String(BigInt(needed(message, 4))),
      currency: unit,
      ...(parts && { parts: Object.fromEntries(partNames.flatMap(name => (parts[name] ? [[name, parts[name].toString()]] : []))) }),
    },
    merchant: { name: textOf(message, 43)?.trim() || id, id, terminal },
    type,
    currency: unit,
    at: timeOf(message, now).toISOString(),
    ...(by && { interface: by }),
    cvm: message.fields.has(52) ? 'onlinePin' : 'none',
    ...(message.type.startsWith('01') && type !== 'check' && { hold: true }),
  }
}

function unitOf(code: string): string {
  try {
    return currency(Number(code)).alpha
  } catch {
    throw formatFault(49, 'the currency is not known')
  }
}

/** Fields 12 and 13, else 7, else now; of the year that is nearest. */
function timeOf(message: IsoMessage, now: Date): Date {
  const [time, date, sent] = [textOf(message, 12), textOf(message, 13), textOf(message, 7)]
  const digits = date !== undefined && time !== undefined ? date + time : sent
  if (digits === undefined) return now
  const [month, day, hour, minute, second] = digits.match(/\d\d/g)!.map(Number)
  const years = [now.getFullYear() - 1, now.getFullYear(), now.getFullYear() + 1]
  const make = (year: number) =>
    date === undefined
      ? new Date(Date.UTC(year, month - 1, day, hour, minute, second))
      : new Date(year, month - 1, day, hour, minute, second)
  const [nearest] = years.map(make).sort((a, b) => Math.abs(+a - +now) - Math.abs(+b - +now))
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23) throw formatFault(date === undefined ? 7 : 13, 'it is no date and time')
  return nearest
}

/** Positions 1 and 2 of field 22 (ISO 8583:1987, as EMV networks code it). A key-entered PAN is taken as a stripe that nobody has read. */
function interfaceOf(message: IsoMessage): 'chip' | 'tap' | 'swipe' | undefined {
  const mode = textOf(message, 22)?.slice(0, 2)
  if (mode === UNSPECIFIED) return undefined
  if (mode === '07' || mode === '91') return 'tap'
  if (mode === '05' || mode === '95') return 'chip'
  return mode === undefined && message.fields.has(55) ? 'chip' : 'swipe'
}

/** The PIN block of 52 with its key serial number, or one of 16 bytes out of the private field. @throws Fault `bad-argument` with details.field */
function pinOf(message: IsoMessage, { own, ksn: ksnField }: IsoDialect): { pinBlock?: Json } {
  const pin = message.fields.get(52)
  const said = own ? textOf(message, own.pin) : undefined
  const [, format, ksn, long] = /^([034]):([\dA-F]{20,24})(?::([\dA-F]{32}))?$/.exec(said ?? '') ?? []
  if (long !== undefined) return { pinBlock: { format: Number(format), data: long, ksn } }
  if (!(pin instanceof Uint8Array)) return {}
  if (ksn !== undefined) return { pinBlock: { format: Number(format), data: hex(pin), ksn } }
  const told = ksnField === undefined ? undefined : textOf(message, ksnField)?.trim()
  if (told === undefined || !/^([\dA-Fa-f]{2})+$/.test(told)) throw formatFault(52, 'nothing tells the key serial number of its key')
  return { pinBlock: { format: 0, data: hex(pin), ksn: told } }
}
