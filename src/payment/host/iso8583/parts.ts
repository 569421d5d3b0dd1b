/** What stands inside fields of ISO 8583:1987, part by part: 3, 22, 25, 26, 39, 43, 54, 70, 90, 95, amounts and times, and the private fields of tapdip's own host. */

import { hex } from '../../../bytes.ts'
import { currency, formatAmount } from '../../../currency.ts'
import { isFault } from '../../../errors.ts'
import { type MessageId, message, messageTexts } from '../../../messages/messages.ts'
import { starNumbers } from '../../../stars.ts'
import type { Unsure } from '../../../tlv/certainty.ts'
import type { IsoDialect } from './dialect.ts'

/** One part of a field, or of the message type. */
export interface IsoPart {
  /** What it is, as the table of messages has it behind `iso.part.`: `transactionType`. */
  readonly name: string
  /** The first character of it in the value, counted from 1. */
  readonly from: number
  /** Its last character. */
  readonly to: number
  /** As it stands; of a secret its size alone. */
  readonly value: string
  /** What the value says, in English; left out where it says itself. */
  readonly words?: string
  /** The same by its id in the table of messages; left out for words that are data: a date, an amount. */
  readonly says?: MessageId
  /** How well that is known; left out where it was seen. */
  readonly certainty?: Unsure
}

type Fields = ReadonlyMap<number, string | Uint8Array>

/** Codes that one source alone, or we, give their meaning. */
const unsure: Readonly<Record<string, Unsure>> = { 'iso.condition.51': 'assumed', 'iso.amountType.44': 'assumed' }

function part(name: string, at: number, value: string, more: Partial<IsoPart> = {}): IsoPart {
  return { name, from: at + 1, to: at + value.length, value, ...more }
}

/** A code whose meanings stand in the table of messages under `table`. */
function coded(name: string, at: number, value: string, table: string): IsoPart {
  const id = `${table}.${value}`
  const says = (Object.hasOwn(messageTexts, id) ? id : 'iso.reserved') as MessageId
  const certainty = unsure[id]
  return part(name, at, value, { says, words: message(says), ...(certainty && { certainty }) })
}

/** Version, class, function and origin of a message type (ISO 8583:1987, 4.1). */
export function typeParts(type: string): IsoPart[] {
  return (['version', 'class', 'function', 'origin'] as const).map((name, at) => coded(name, at, type[at] ?? '', `iso.${name}`))
}

/** `25.00 RUB`; undefined where nobody tells the currency. */
function money(digits: string, code: string | Uint8Array | undefined): Partial<IsoPart> {
  if (typeof code !== 'string' || !/^\d+$/.test(digits)) return {}
  try {
    const unit = currency(Number(code))
    return { words: `${formatAmount(BigInt(digits), unit)} ${unit.alpha}` }
  } catch (error) {
    if (isFault(error)) return {}
    throw error
  }
}

function currencyPart(at: number, value: string): IsoPart {
  try {
    return part('currency', at, value, { words: currency(Number(value)).alpha })
  } catch (error) {
    if (isFault(error)) return part('currency', at, value)
    throw error
  }
}

const signs: Readonly<Record<string, MessageId>> = { C: 'iso.credit', D: 'iso.debit' }

function sign(at: number, value: string): IsoPart {
  const says = signs[value] ?? 'iso.reserved'
  return part('sign', at, value, { says, words: message(says) })
}

const pairs = (digits: string) => digits.match(/\d\d/g) ?? []
const clock = (digits: string) => pairs(digits).join(':')
const day = (digits: string) => pairs(digits).join('-')

type Reads = (value: string, fields: Fields, dialect: IsoDialect) => IsoPart[]

const amountIn =
  (code: number): Reads =>
  (value, fields) => {
    const told = money(value, fields.get(code))
    return told.words ? [part('amount', 0, value, told)] : []
  }
const fee =
  (code: number): Reads =>
  (value, fields) => [sign(0, value.slice(0, 1)), part('amount', 1, value.slice(1), money(value.slice(1), fields.get(code)))]
const date: Reads = value => [part('date', 0, value, { words: day(value) })]
const code =
  (name: string, table: string): Reads =>
  value => [coded(name, 0, value, table)]

/** Blocks of account type 2, amount type 2, currency 3, sign 1, amount 12 (ISO 8583:1987, 4.4; as networks have them). */
const additional: Reads = value =>
  (value.match(/.{20}/g) ?? []).flatMap((block, index) => {
    const at = index * 20
    const [account, type, unit, way, amount] = [block.slice(0, 2), block.slice(2, 4), block.slice(4, 7), block.slice(7, 8), block.slice(8)]
    return [
      coded('accountType', at, account, 'iso.account'),
      coded('amountType', at + 2, type, 'iso.amountType'),
      currencyPart(at + 4, unit),
      sign(at + 7, way),
      part('amount', at + 8, amount, money(amount, unit)),
    ]
  })

const originals = [['originalType', 4], ['originalTrace', 6], ['originalSent', 10], ['originalAcquirer', 11], ['originalForwarder', 11]] as const // biome-ignore format: a table
const replacements = [['actualAmount', 12], ['actualSettlement', 12], ['actualFee', 9], ['actualSettlementFee', 9]] as const // biome-ignore format: a table

const acceptor = [['acceptorAddress', 23], ['acceptorCity', 13], ['acceptorState', 2], ['acceptorCountry', 2]] as const // biome-ignore format: a table

/** Name and place as ISO 8583:1987 cuts its 40 characters, where they end in a country's letters; other texts, as our own host's name alone, have no parts. Networks that cut after 25 and 38 have the country at the same place. */
const acceptorParts: Reads = value => {
  const shown = starNumbers(value) // anybody's text, which may repeat a card number
  if (value.length !== 40 || shown.length !== 40 || !/[A-Z]{2}$/.test(value)) return []
  return cut(shown, acceptor).map(one => (one.name === 'acceptorCountry' ? one : { ...one, certainty: 'derived' as const }))
}

function cut(value: string, sizes: readonly (readonly [name: string, size: number])[]): IsoPart[] {
  let at = 0
  return sizes.map(([name, size]) => {
    at += size
    return part(name, at - size, value.slice(at - size, at))
  })
}

/** By number of the field. */
const reads: Readonly<Record<number, Reads>> = {
  3: value => [
    coded('transactionType', 0, value.slice(0, 2), 'iso.type'),
    coded('accountFrom', 2, value.slice(2, 4), 'iso.account'),
    coded('accountTo', 4, value.slice(4), 'iso.account'),
  ],
  4: amountIn(49),
  5: amountIn(50),
  6: amountIn(51),
  7: value => [
    part('date', 0, value.slice(0, 4), { words: day(value.slice(0, 4)) }),
    part('time', 4, value.slice(4), { words: `${clock(value.slice(4))} UTC` }),
  ],
  12: value => [part('time', 0, value, { words: clock(value) })],
  13: date,
  14: value => [part('month', 0, value, { words: `20${value.slice(0, 2)}-${value.slice(2)}` })],
  15: date,
  16: date,
  17: date,
  22: value => [coded('entryMode', 0, value.slice(0, 2), 'iso.entry'), coded('pinCapability', 2, value.slice(2), 'iso.pin')],
  25: code('condition', 'iso.condition'),
  26: value => [part('pinDigits', 0, value)],
  28: fee(49),
  29: fee(50),
  30: fee(49),
  31: fee(50),
  39: value => [Object.hasOwn(messageTexts, `host.${value}`) ? coded('response', 0, value, 'host') : part('response', 0, value, { says: 'iso.reserved', words: message('iso.reserved') })], // biome-ignore format: one line
  43: acceptorParts,
  49: value => [currencyPart(0, value)],
  50: value => [currencyPart(0, value)],
  51: value => [currencyPart(0, value)],
  54: additional,
  70: code('management', 'iso.management'),
  90: value => cut(value, originals),
  95: value => cut(value, replacements),
}

function isJson(joined: string): boolean {
  try {
    return typeof JSON.parse(joined) === 'object'
  } catch {
    return false
  }
}

/** Private fields (48, 60 to 63, 120 to 127): those of tapdip's own host, where the dialect has them; of others it is said that they are each network's own. */
function privateParts(number: number, value: string, fields: Fields, { own, ksn }: IsoDialect): IsoPart[] | undefined {
  if (number === ksn) return [part('ksn', 0, value)]
  if (!own) return undefined
  if (number === own.key) return [part('key', 0, starNumbers(value))]
  if (own.data.includes(number))
    return isJson(own.data.map(one => fields.get(one) ?? '').join('')) ? [part('json', 0, starNumbers(value))] : undefined
  const found = number === own.pin ? /^([034]):([\dA-F]{20,24})(?::([\dA-F]{32}))?$/.exec(value) : null
  if (!found) return undefined
  const [, format, serial, block] = found
  return [
    part('pinFormat', 0, format),
    part('ksn', 2, serial),
    ...(block ? [{ name: 'pinBlock', from: 4 + serial.length, to: value.length, value: `${block.length / 2}`, words: message('iso.hidden'), says: 'iso.hidden' as const }] : []),
  ] // biome-ignore format: one line
}

/** Fields that the standard leaves to each network. */
export const isPrivate = (number: number): boolean => number === 48 || (number >= 60 && number <= 63) || (number >= 120 && number <= 127)

/** What the parts of a field are; none for one that is a single thing. Of a value that breaks its rule nothing is told. */
export function fieldParts(number: number, value: string | Uint8Array, fields: Fields, dialect: IsoDialect): IsoPart[] {
  if (typeof value !== 'string' || value === '') return []
  if (isPrivate(number)) return privateParts(number, value, fields, dialect) ?? []
  return reads[number]?.(value, fields, dialect) ?? []
}

/** Where a TPDU goes and comes from: identifier, destination, source (ISO 8583 over X.25 terminals, as those of the Hypercom kind). */
export function tpduOf(header: Uint8Array): { readonly to: string; readonly from: string } | undefined {
  return header.length === 5 && header[0] === 0x60 ? { to: hex(header.subarray(1, 3)), from: hex(header.subarray(3)) } : undefined
}
