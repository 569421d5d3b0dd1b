/** Dynamic QR codes as EMVCo writes them (EMV QR Code Specification for Payment Systems, Merchant-Presented Mode 1.1): a text of nested data objects with a CRC. */

import { crc16 } from '../../bytes.ts'
import type { Currency } from '../../currency.ts'
import { currency as currencyOf, formatAmount, parseAmount } from '../../currency.ts'
import * as door from '../../door.ts'
import { Fault } from '../../errors.ts'

/** What a code says. Lengths count characters (4.1). */
export interface MerchantCode {
  /** Point of Initiation Method (01): dynamic codes are for one payment. */
  readonly dynamic: boolean
  /**
   * Merchant Account Information. Of a template (26 to 51): whose system it is (00, a reversed domain name or an AID), and the payment's number there (01). Of a
   * code that has only objects 02 to 25, which hold a merchant's number in a card scheme: `visa`, `mastercard`, …, and that number.
   */
  readonly system: string
  /** What the payment system knows the payment by. */
  readonly reference: string
  /** Merchant Category Code (52), ISO 18245. */
  readonly category: string
  /** ISO 4217 (53). */
  readonly currency: Currency
  /** Minor units (54). */
  readonly amount?: bigint
  /** ISO 3166-1 alpha 2 (58). */
  readonly country: string
  /** Up to 25 characters (59) and 15 (60), in English letters. */
  readonly name: string
  /** Up to 15 characters (60), in English letters. */
  readonly city: string
  /** Name in another language (64): the language's ISO 639 code, and up to 25 characters. */
  readonly localName?: {
    /** ISO 639, two letters. */
    readonly language: string
    /** Up to 25 characters. */
    readonly name: string
  }
  /** Additional Data (62): bill number (01), terminal label (07); up to 25 characters. */
  readonly bill?: string
  /** Terminal label (62, 07), up to 25 characters. */
  readonly terminal?: string
}

/** Whose merchant's number an object 02 to 25 holds (Merchant Account Information by identifier). */
const schemeObjects: Readonly<Record<string, string>> = {
  ...{ '02': 'visa', '03': 'visa', '04': 'mastercard', '05': 'mastercard', '09': 'discover', '10': 'discover' },
  ...{ '11': 'amex', '12': 'amex', '13': 'jcb', '14': 'jcb', '15': 'unionpay', '16': 'unionpay' },
}

/** One data object: id `00` to `99`, and its value. */
export type CodeObject = readonly [id: string, value: string]

/** CRC-16 of ISO/IEC 13239 with polynomial 1021 and initial value FFFF, over the code up to and with `6304` (4.7.3). */
export function codeCrc(text: string): string {
  door.need('text', text, door.anyText)
  return crc16(new TextEncoder().encode(text), 0xffff).toString(16).toUpperCase().padStart(4, '0')
}

/** @throws Fault `bad-argument` with details.field */
export function encodeMerchantCode(code: MerchantCode): string {
  door.need('code', code, door.shape({ system: door.anyText, reference: door.anyText, name: door.anyText, city: door.anyText }))
  const { dynamic, system, reference, category, currency, amount, country, name, city, localName, bill, terminal } = code
  const additional = objects([
    ['01', bill && limited('bill', bill, 25)],
    ['07', terminal && limited('terminal', terminal, 25)],
  ])
  const own =
    localName &&
    objects([
      ['00', limited('localName.language', localName.language, 2)],
      ['01', limited('localName.name', localName.name, 25)],
    ])
  const body = objects([
    ['00', '01'],
    ['01', dynamic ? '12' : '11'],
    [
      '26',
      objects([
        ['00', limited('system', system, 32)],
        ['01', limited('reference', reference, 64)],
      ]),
    ],
    ['52', matching('category', category, /^\d{4}$/)],
    ['53', String(currency.numeric).padStart(3, '0')],
    ['54', amount === undefined ? undefined : formatAmount(amount, currency)],
    ['58', matching('country', country, /^[A-Z]{2}$/)],
    ['59', matching('name', name, /^[\x20-\x7e]{1,25}$/)],
    ['60', matching('city', city, /^[\x20-\x7e]{1,15}$/)],
    ['62', additional || undefined],
    ['64', own],
  ])
  return `${body}6304${codeCrc(`${body}6304`)}`
}

/** Characters of a code (EMVCo QR Code Specification, Merchant-Presented Mode). */
const LONGEST = 512

/** The objects of a code or of a template in it, in their order. @throws Fault `bad-argument` with details.offset */
export function codeObjects(text: string): CodeObject[] {
  door.need('text', text, door.anyText)
  if (text.length > LONGEST) throw bad(`it has ${text.length} characters, a code has at most ${LONGEST}`, LONGEST)
  const found: CodeObject[] = []
  const characters = [...text]
  for (let at = 0; at < characters.length; ) {
    const head = characters.slice(at, at + 4).join('')
    if (!/^\d{4}$/.test(head)) throw bad(`offset ${at}: no id and length of two digits each`, at)
    const value = characters.slice(at + 4, at + 4 + Number(head.slice(2)))
    if (value.length < Number(head.slice(2))) throw bad(`offset ${at}: object ${head.slice(0, 2)} is longer than the code`, at)
    found.push([head.slice(0, 2), value.join('')])
    at += 4 + value.length
  }
  return found
}

/** @throws Fault `bad-argument` where it is no code, its CRC is wrong, or what every code has is missing */
export function parseMerchantCode(text: string): MerchantCode {
  door.need('text', text, door.anyText)
  const all = codeObjects(text)
  if (all.at(-1)?.[0] !== '63') throw bad('its last object is no CRC (63)')
  const crc = codeCrc(text.slice(0, -4))
  if (all.at(-1)![1].toUpperCase() !== crc) throw bad(`CRC ${all.at(-1)![1]} is wrong, ${crc} is right`)
  if (all[0][0] !== '00' || all[0][1] !== '01') throw bad('its first object is no payload format indicator (00) of 01')
  if (new Set(all.map(([id]) => id)).size < all.length) throw bad('an object comes twice')
  const values = new Map(all)
  const need = (id: string) => values.get(id) ?? missing(id)
  const additional = new Map(codeObjects(values.get('62') ?? ''))
  const local = new Map(codeObjects(values.get('64') ?? ''))
  const currency = currencyOf(Number(need('53')))
  const [amount, bill, terminal, language, localName] = [
    values.get('54'),
    additional.get('01'),
    additional.get('07'),
    local.get('00'),
    local.get('01'),
  ]
  return {
    dynamic: values.get('01') === '12',
    ...accountOf(all),
    category: need('52'),
    currency,
    ...(amount !== undefined && { amount: parseAmount(amount, currency) }),
    country: need('58'),
    name: need('59'),
    city: need('60'),
    ...(bill && { bill }),
    ...(terminal && { terminal }),
    ...(language && localName && { localName: { language, name: localName } }),
  }
}

/** The first template, for one of them is a payment; else the first scheme's number. */
function accountOf(all: readonly CodeObject[]): Pick<MerchantCode, 'system' | 'reference'> {
  const template = all.find(([id]) => id >= '26' && id <= '51')
  if (template) {
    const inside = new Map(codeObjects(template[1]))
    return { system: inside.get('00') ?? missing(`${template[0]}.00`), reference: inside.get('01') ?? '' }
  }
  const number = all.find(([id]) => id >= '02' && id <= '25')
  if (!number) throw bad('it has no merchant account information (02 to 51)')
  return { system: schemeObjects[number[0]] ?? `emvco-${number[0]}`, reference: number[1] }
}

function objects(list: readonly (readonly [id: string, value: string | undefined])[]): string {
  return list.map(([id, value]) => (value === undefined ? '' : `${id}${String([...value].length).padStart(2, '0')}${value}`)).join('')
}

function limited(field: string, value: string, most: number): string {
  const { length } = [...value]
  if (length < 1 || length > most) throw new Fault('bad-argument', `${field} has ${length} characters, the rule is 1 to ${most}`, { field })
  return value
}

function matching(field: string, value: string, rule: RegExp): string {
  if (!rule.test(value)) throw new Fault('bad-argument', `${field} '${value}' does not match ${rule.source}`, { field })
  return value
}

function missing(id: string): never {
  throw bad(`object ${id} is missing`)
}

function bad(rule: string, offset?: number): Fault {
  return new Fault('bad-argument', `QR code: ${rule}`, { field: 'code', ...(offset !== undefined && { offset }) })
}
