/** The JSON that HTTP clients and hosts of this project exchange: messages to plain objects and back, checked. */

import { hex } from '../../bytes.ts'
import type { AuthorisationResponse } from '../../emv/terminal.ts'
import { cardData } from '../../tlv/card-data.ts'
import {
  type AnswerSubject,
  type AuthorisationMessage,
  type HostAnswer,
  type HostState,
  hostStates,
  type Order,
  orderStates,
  type PaymentType,
  type SbpCode,
} from '../acquirer.ts'
import { partsSum } from '../amount-parts.ts'
import { bytes, date, fields, flag, type Json, list, money, oneOf, optional, text, unit, upTo, wrong } from './wire-fields.ts'
import { decodeMerchant, decodeOrder, encodeMerchant, encodeOrder } from './wire-order.ts'

export type { Json } from './wire-fields.ts'

const interfaces = ['chip', 'tap', 'swipe'] as const
const cvms = ['none', 'onlinePin', 'offlinePin', 'signature', 'device'] as const
const types = ['purchase', 'cash', 'cashback', 'refund', 'check'] as const

export function encodeMessage(message: AuthorisationMessage): Json {
  const { key, order, merchant, type, amount, currency: unit, at, tags, pinBlock } = message
  return {
    key,
    order: encodeOrder(order),
    merchant: encodeMerchant(merchant),
    type,
    amount: amount.toString(),
    currency: unit.alpha,
    at: at.toISOString(),
    interface: message.interface,
    cvm: message.cvm,
    hold: message.hold,
    partial: message.partial,
    tags: Object.fromEntries([...tags].map(([tag, value]) => [tag.toString(16).toUpperCase().padStart(2, '0'), hex(value)])),
    ...(pinBlock && { pinBlock: { format: pinBlock.format, data: hex(pinBlock.data), ksn: hex(pinBlock.ksn) } }),
  }
}

/** @throws Fault `bad-argument` with details.path where a field is missing or wrong */
export function decodeMessage(json: unknown): AuthorisationMessage {
  const root = fields(json, '')
  const tags = Object.entries(fields(root.tags, 'tags')).map(([name, value]) => {
    if (!/^([0-9A-F]{2}){1,3}$/.test(name)) throw wrong(`tags.${name}`, 'a tag of 1 to 3 bytes in hex')
    return [Number.parseInt(name, 16), bytes(value, `tags.${name}`)] as const
  })
  const order = decodeOrder(root.order, 'order')
  const type = oneOf(root.type, types, 'type') satisfies PaymentType
  checkAmounts(order, type, root)
  const block = root.pinBlock === undefined ? undefined : fields(root.pinBlock, 'pinBlock')
  return {
    key: text(root.key, 'key', 1, 64),
    order,
    merchant: decodeMerchant(root.merchant, 'merchant'),
    type,
    amount: money(root.amount, 'amount'),
    currency: unit(root.currency, 'currency'),
    at: date(root.at, 'at'),
    ...optional(root, '', 'interface', (value, path) => oneOf(value, interfaces, path)),
    ...optional(root, '', 'cvm', (value, path) => oneOf(value, cvms, path)),
    ...optional(root, '', 'hold', flag),
    ...optional(root, '', 'partial', flag),
    tags: cardData(tags),
    ...(block && {
      pinBlock: {
        format: oneOf(block.format, [0, 3, 4] as const, 'pinBlock.format'),
        data: bytes(block.data, 'pinBlock.data'),
        ksn: bytes(block.ksn, 'pinBlock.ksn'),
      },
    }),
  }
}

/** Parts leave something for the goods, a cashback hands out cash, and nothing else does. */
function checkAmounts({ amount, parts }: Order, type: PaymentType, root: Record<string, unknown>): void {
  if ((type === 'check') !== (money(root.amount, 'amount') === 0n))
    throw wrong('amount', type === 'check' ? '0, for a card check' : 'more than 0')
  if (type === 'check') return
  if (parts && partsSum(parts) >= amount) throw wrong('order.parts', 'less than the amount of the order')
  if (type === 'refund' || type === 'cash') return
  if ((type === 'cashback') !== (parts?.cashback !== undefined))
    throw wrong('order.parts.cashback', 'cash that a cashback hands out, and no other payment')
  if (parts && money(root.amount, 'amount') !== amount) throw wrong('amount', 'the whole order, where it has parts')
}

export function encodeAnswer({ about, state, approvedAmount, response, reason, billNumber, transaction, orderState }: HostAnswer): Json {
  return {
    ...(about && { key: about.key, order: about.order, amount: about.amount?.toString(), currency: about.currency }),
    state,
    approvedAmount: state === 'approved' ? approvedAmount?.toString() : undefined,
    reason,
    billNumber,
    transaction,
    orderState,
    ...(response && {
      code: response.code,
      authorisationCode: response.authorisationCode,
      rrn: response.rrn,
      issuerAuthenticationData: response.issuerAuthenticationData && hex(response.issuerAuthenticationData),
      scripts: response.scripts?.map(hex),
    }),
  }
}

export function encodeCode({ payload, expires, answer }: SbpCode): Json {
  return { ...(encodeAnswer(answer) as { readonly [name: string]: Json }), payload, expires: expires.toISOString() }
}

/** @throws Fault `bad-argument` with details.path */
export function decodeCode(json: unknown): SbpCode {
  const root = fields(json, '')
  return { payload: text(root.payload, 'payload', 0, 512), expires: date(root.expires, 'expires'), answer: decodeAnswer(json) }
}

/** @throws Fault `bad-argument` with details.path */
export function decodeAnswer(json: unknown): HostAnswer {
  const root = fields(json, '')
  const state: HostState = oneOf(root.state, hostStates, 'state')
  const common = {
    state,
    ...(root.key !== undefined && { about: decodeSubject(root) }),
    ...optional(root, '', 'reason', upTo(200, 0)),
    ...optional(root, '', 'billNumber', upTo(32)),
    ...optional(root, '', 'transaction', upTo(32)),
    ...optional(root, '', 'orderState', (value, path) => oneOf(value, orderStates, path)),
  }
  if (state !== 'approved' && state !== 'declined' && state !== 'referral') return common
  const { issuerAuthenticationData, ...rest } = {
    ...optional(root, '', 'issuerAuthenticationData', bytes),
    ...optional(root, '', 'scripts', (value, path) => list(value, path).map((one, at) => bytes(one, `${path}.${at}`))),
    ...optional(root, '', 'authorisationCode', upTo(6)),
    ...optional(root, '', 'rrn', upTo(12)),
  }
  if (issuerAuthenticationData && (issuerAuthenticationData.length < 8 || issuerAuthenticationData.length > 16))
    throw wrong('issuerAuthenticationData', '8 to 16 bytes (EMV 4.4 Book 3, 91)')
  const response: HostAnswer['response'] & AuthorisationResponse = {
    type: state,
    code: text(root.code, 'code', 2, 2),
    ...(issuerAuthenticationData && { issuerAuthenticationData }),
    ...rest,
  }
  return { ...common, ...(state === 'approved' && optional(root, '', 'approvedAmount', money)), response }
}

function decodeSubject(root: Record<string, unknown>): AnswerSubject {
  return {
    key: text(root.key, 'key', 1, 64),
    ...optional(root, '', 'order', upTo(32)),
    ...optional(root, '', 'amount', money),
    ...optional(root, '', 'currency', (value, path) => unit(value, path).alpha),
  }
}

/**
 * Of the JSON interface: an answer names the key that it answers, and an approval order, amount and currency too.
 * @throws Fault `bad-argument` with details.path
 */
export function named(answer: HostAnswer): HostAnswer {
  const { about, state } = answer
  if (!about) throw wrong('key', 'an answer names the key that it is about')
  if (state === 'approved')
    for (const name of ['order', 'amount', 'currency'] as const)
      if (about[name] === undefined) throw wrong(name, `an answer names the ${name} that it is about`)
  return answer
}
