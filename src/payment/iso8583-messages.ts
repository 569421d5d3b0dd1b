/** What a payment says in ISO 8583:1987: which fields carry what, and which private ones the rest. Both ends use it, client and host. */

import { concat, fromHex, hex } from '../bytes.ts'
import { Fault } from '../errors.ts'
import { read, write } from '../tlv/ber.ts'
import type { AuthorisationMessage } from './acquirer.ts'
import type { IsoMessage } from './iso8583.ts'
import { decodeMessage, encodeMessage, type Json } from './wire.ts'

/** What is asked for: the message type says the class, the private data the rest. */
export type IsoTask = 'authorisation' | 'advice' | 'reversal' | 'confirmation' | 'cancellation' | 'status' | 'order' | 'echo'

/** Type of the request; `hold`: an authorisation that is confirmed later (0100, 0120), else a financial message (0200, 0220). */
export function typeOf(task: IsoTask, { hold = false, repeat = false } = {}): string {
  switch (task) {
    case 'authorisation':
      return hold ? '0100' : '0200'
    case 'advice':
      return hold ? '0120' : '0220'
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

/** The answer's type: 0110 to 0100, 0430 to 0420 and its repeat 0421. */
export function answerType(type: string): string {
  return `${type.slice(0, 2)}${Number(type[2]) + 1}0`
}

export type IsoFields = Map<number, string | Uint8Array>

/** What the private fields 48, 60 and 61 hold together, in bytes of UTF-8. */
const PRIVATE = [48, 60, 61] as const
const PRIVATE_SIZE = 999

/** Data that has no field of its own, as JSON. @throws Fault `bad-argument` where it is too long for one message */
export function setPrivate(fields: IsoFields, json: Json): void {
  const parts = ['']
  let room = PRIVATE_SIZE
  for (const letter of JSON.stringify(json)) {
    const size = new TextEncoder().encode(letter).length
    if (size > room) {
      parts.push('')
      room = PRIVATE_SIZE
    }
    parts[parts.length - 1] += letter
    room -= size
  }
  if (parts.length > PRIVATE.length)
    throw new Fault(
      'bad-argument',
      `the order is too long for ISO 8583: its data take ${parts.length} private fields of ${PRIVATE.length}`,
      {
        field: 'order',
      },
    )
  for (const [at, part] of parts.entries()) fields.set(PRIVATE[at], part)
}

/** @throws Fault `protocol` */
export function privateOf({ fields }: IsoMessage): Readonly<Record<string, unknown>> {
  const joined = PRIVATE.map(number => fields.get(number) ?? '').join('')
  try {
    const json: unknown = joined === '' ? {} : JSON.parse(joined)
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>
  } catch {
    // told below
  }
  throw new Fault('protocol', 'ISO 8583: the private data is no JSON object', { field: 'field 48' })
}

const processingCodes = { purchase: '000000', cash: '010000', cashback: '090000', refund: '200000' } as const
/** Data objects that have a field of their own. */
const PAN = 0x5a
const TRACK2 = 0x57
const EXPIRY = 0x5f24
const SEQUENCE = 0x5f34
const ENTRY_MODE = 0x9f39

/** PIN entry capability: a terminal that can take one. */
const CAN_PIN = '1'
/** Field 22 of a card that was entered nobody knows how. */
const UNSPECIFIED = '00'

/** @throws Fault `bad-argument` where a value does not fit its field; `unsupported` for a PIN block of 16 bytes */
export function authorisationFields(message: AuthorisationMessage): IsoFields {
  const { tags, pinBlock, merchant, currency } = message
  const { tags: _tags, pinBlock: _pin, amount: _amount, ...rest } = encodeMessage(message) as Record<string, Json>
  const fields: IsoFields = new Map()
  const digits = (tag: number) => hex(tags.get(tag)!).replace(/F+$/, '')
  if (tags.has(PAN)) fields.set(2, digits(PAN))
  fields.set(3, processingCodes[message.type])
  fields.set(4, message.amount.toString().padStart(12, '0'))
  if (tags.has(EXPIRY)) fields.set(14, hex(tags.get(EXPIRY)!).slice(0, 4))
  const entry = tags.get(ENTRY_MODE)
  fields.set(
    22,
    `${entry ? hex(entry) : message.interface ? { chip: '05', tap: '07', swipe: '90' }[message.interface] : UNSPECIFIED}${CAN_PIN}`,
  )
  if (tags.has(SEQUENCE)) fields.set(23, digits(SEQUENCE).padStart(3, '0'))
  fields.set(25, '00')
  if (tags.has(TRACK2)) fields.set(35, digits(TRACK2))
  fields.set(41, merchant.terminal.padEnd(8))
  fields.set(42, merchant.id.padEnd(15))
  fields.set(49, String(currency.numeric).padStart(3, '0'))
  if (pinBlock) {
    if (pinBlock.data.length !== 8)
      throw new Fault('unsupported', 'field 52 of ISO 8583:1987 takes 8 bytes: no PIN block of AES', { feature: 'pinBlockFormat4' })
    fields.set(52, pinBlock.data)
    fields.set(63, `${pinBlock.format}:${hex(pinBlock.ksn)}`)
  }
  const own = [PAN, TRACK2, EXPIRY, SEQUENCE]
  // What was padded or coded otherwise would not come back the same: those stay in field 55.
  const icc = [...tags].filter(([tag]) => !own.includes(tag) || !comesBack(tag, fields, tags.get(tag)!))
  if (icc.length > 0) fields.set(55, concat(...icc.map(([tag, value]) => write(tag, value))))
  setPrivate(fields, rest)
  return fields
}

/** The data object as the host makes it out of its field. */
function fromField(tag: number, fields: ReadonlyMap<number, string | Uint8Array>): Uint8Array | undefined {
  const value = fields.get({ [PAN]: 2, [TRACK2]: 35, [EXPIRY]: 14, [SEQUENCE]: 23 }[tag]!)
  if (typeof value !== 'string') return undefined
  if (tag === SEQUENCE) return fromHex(value.slice(1))
  return fromHex(value.length % 2 === 0 ? value : `${value}F`)
}

function comesBack(tag: number, fields: IsoFields, value: Uint8Array): boolean {
  const back = fromField(tag, fields)
  return back !== undefined && hex(back) === hex(value)
}

/** @throws Fault `protocol`, `bad-argument` with details.path */
export function authorisationOf(message: IsoMessage): AuthorisationMessage {
  const { fields } = message
  const tags = new Map<number, Uint8Array>()
  for (const tag of [PAN, TRACK2, EXPIRY, SEQUENCE]) {
    const value = fromField(tag, fields)
    if (value && tag !== EXPIRY) tags.set(tag, value)
  }
  const icc = fields.get(55)
  if (icc instanceof Uint8Array) for (const { tag, value } of read(icc, { ff: 'tag' })) tags.set(tag, value)
  const [format, ksn] = String(fields.get(63) ?? '').split(':')
  const pin = fields.get(52)
  return decodeMessage({
    ...privateOf(message),
    amount: String(BigInt(String(fields.get(4) ?? ''))),
    tags: Object.fromEntries([...tags].map(([tag, value]) => [tag.toString(16).toUpperCase().padStart(2, '0'), hex(value)])),
    ...(pin instanceof Uint8Array && { pinBlock: { format: Number(format), data: hex(pin), ksn } }),
  })
}

/** An answer, as the JSON interface has it, in fields. */
export function answerFields(answer: Json): IsoFields {
  const { code, authorisationCode, rrn, issuerAuthenticationData, scripts, ...rest } = answer as Record<string, Json>
  const fields: IsoFields = new Map()
  if (typeof rrn === 'string') fields.set(37, rrn.padStart(12, '0'))
  if (typeof authorisationCode === 'string') fields.set(38, authorisationCode.padEnd(6))
  fields.set(39, typeof code === 'string' ? code : '00')
  const icc = [
    ...(typeof issuerAuthenticationData === 'string' ? [write(0x91, fromHex(issuerAuthenticationData))] : []),
    ...(Array.isArray(scripts) ? scripts.map(one => fromHex(String(one))) : []),
  ]
  if (icc.length > 0) fields.set(55, concat(...icc))
  setPrivate(fields, { ...rest, ...(code === undefined && { noCode: true }) })
  return fields
}

/** The JSON of the answer again. @throws Fault `protocol` */
export function answerOf(message: IsoMessage): Json {
  const { fields } = message
  const { noCode, ...rest } = privateOf(message)
  const icc = fields.get(55)
  const objects = icc instanceof Uint8Array ? read(icc) : []
  const authentication = objects.find(({ tag }) => tag === 0x91)
  const scripts = objects.filter(({ tag }) => tag === 0x71 || tag === 0x72).map(({ tag, value }) => hex(write(tag, value)))
  const text = (number: number) => {
    const value = fields.get(number)
    return typeof value === 'string' ? value.trimEnd() : undefined
  }
  return {
    ...(rest as Record<string, Json>),
    ...(!noCode && { code: text(39) }),
    rrn: text(37),
    authorisationCode: text(38),
    ...(authentication && { issuerAuthenticationData: hex(authentication.value) }),
    ...(scripts.length > 0 && { scripts }),
  }
}
