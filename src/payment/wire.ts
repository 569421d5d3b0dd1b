/** The JSON that HTTP clients and hosts of this project exchange: messages to plain objects and back, checked. */

import { fromHex, hex } from '../bytes.ts'
import { currency } from '../currency.ts'
import type { AuthorisationResponse, TransactionType } from '../emv/terminal.ts'
import { Fault, isFault } from '../errors.ts'
import type { AuthorisationMessage, HostAnswer, HostState } from './acquirer.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json | undefined }

const interfaces = ['chip', 'tap', 'swipe'] as const
const cvms = ['none', 'onlinePin', 'offlinePin', 'signature', 'device'] as const
const types = ['purchase', 'cash', 'cashback', 'refund'] as const
const states = ['approved', 'declined', 'referral', 'inProcess', 'reversed', 'unknown'] as const

export function encodeMessage(message: AuthorisationMessage): Json {
  const { key, order, merchant, type, amount, currency: unit, at, tags, pinBlock } = message
  return {
    key,
    order: { number: order.number, amount: order.amount.toString(), currency: order.currency.alpha },
    merchant: { name: merchant.name, id: merchant.id, terminal: merchant.terminal, address: merchant.address },
    type,
    amount: amount.toString(),
    currency: unit.alpha,
    at: at.toISOString(),
    interface: message.interface,
    cvm: message.cvm,
    tags: Object.fromEntries([...tags].map(([tag, value]) => [tag.toString(16).toUpperCase().padStart(2, '0'), hex(value)])),
    ...(pinBlock && { pinBlock: { format: pinBlock.format, data: hex(pinBlock.data), ksn: hex(pinBlock.ksn) } }),
  }
}

/** @throws Fault `bad-argument` with details.path where a field is missing or wrong */
export function decodeMessage(json: unknown): AuthorisationMessage {
  const root = fields(json, '')
  const order = fields(root.order, 'order')
  const merchant = fields(root.merchant, 'merchant')
  const tags = Object.entries(fields(root.tags, 'tags')).map(([name, value]) => {
    if (!/^([0-9A-F]{2}){1,3}$/.test(name)) throw wrong(`tags.${name}`, 'a tag of 1 to 3 bytes in hex')
    return [Number.parseInt(name, 16), bytes(value, `tags.${name}`)] as const
  })
  const block = root.pinBlock === undefined ? undefined : fields(root.pinBlock, 'pinBlock')
  return {
    key: text(root.key, 'key', 1, 64),
    order: {
      number: text(order.number, 'order.number', 1, 32),
      amount: money(order.amount, 'order.amount'),
      currency: unit(order.currency, 'order.currency'),
    },
    merchant: {
      name: text(merchant.name, 'merchant.name', 1, 64),
      id: text(merchant.id, 'merchant.id', 1, 15),
      terminal: text(merchant.terminal, 'merchant.terminal', 1, 8),
      ...(merchant.address !== undefined && { address: text(merchant.address, 'merchant.address', 1, 128) }),
    },
    type: oneOf(root.type, types, 'type') satisfies TransactionType,
    amount: money(root.amount, 'amount'),
    currency: unit(root.currency, 'currency'),
    at: date(root.at, 'at'),
    interface: oneOf(root.interface, interfaces, 'interface'),
    cvm: oneOf(root.cvm, cvms, 'cvm'),
    tags: new Map(tags),
    ...(block && {
      pinBlock: {
        format: oneOf(block.format, [0, 3, 4] as const, 'pinBlock.format'),
        data: bytes(block.data, 'pinBlock.data'),
        ksn: bytes(block.ksn, 'pinBlock.ksn'),
      },
    }),
  }
}

export function encodeAnswer({ state, response, reason, billNumber, transaction }: HostAnswer): Json {
  return {
    state,
    reason,
    billNumber,
    transaction,
    ...(response && {
      code: response.code,
      authorisationCode: response.authorisationCode,
      rrn: response.rrn,
      issuerAuthenticationData: response.issuerAuthenticationData && hex(response.issuerAuthenticationData),
      scripts: response.scripts?.map(hex),
    }),
  }
}

/** @throws Fault `bad-argument` with details.path */
export function decodeAnswer(json: unknown): HostAnswer {
  const root = fields(json, '')
  const state: HostState = oneOf(root.state, states, 'state')
  const optional = <T>(value: unknown, read: (value: unknown) => T): T | undefined => (value === undefined ? undefined : read(value))
  const reason = optional(root.reason, value => text(value, 'reason', 0, 200))
  const billNumber = optional(root.billNumber, value => text(value, 'billNumber', 1, 32))
  const transaction = optional(root.transaction, value => text(value, 'transaction', 1, 32))
  const common = { state, ...(reason && { reason }), ...(billNumber && { billNumber }), ...(transaction && { transaction }) }
  if (state !== 'approved' && state !== 'declined' && state !== 'referral') return common
  const authorisationCode = optional(root.authorisationCode, value => text(value, 'authorisationCode', 1, 6))
  const rrn = optional(root.rrn, value => text(value, 'rrn', 1, 12))
  const issuerAuthenticationData = optional(root.issuerAuthenticationData, value => bytes(value, 'issuerAuthenticationData'))
  if (issuerAuthenticationData && (issuerAuthenticationData.length < 8 || issuerAuthenticationData.length > 16))
    throw wrong('issuerAuthenticationData', '8 to 16 bytes (EMV 4.4 Book 3, 91)')
  const scripts = optional(root.scripts, value => list(value, 'scripts').map((one, at) => bytes(one, `scripts.${at}`)))
  const response: HostAnswer['response'] & AuthorisationResponse = {
    type: state,
    code: text(root.code, 'code', 2, 2),
    ...(issuerAuthenticationData && { issuerAuthenticationData }),
    ...(scripts && { scripts }),
    ...(authorisationCode && { authorisationCode }),
    ...(rrn && { rrn }),
  }
  return { ...common, response }
}

function wrong(path: string, rule: string): Fault {
  return new Fault('bad-argument', `${path || 'the message'}: ${rule}`, { path, rule })
}

function fields(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, 'an object')
  return value as Record<string, unknown>
}

function list(value: unknown, path: string): unknown[] {
  if (!Array.isArray(value)) throw wrong(path, 'a list')
  return value
}

function text(value: unknown, path: string, min: number, max: number): string {
  if (typeof value !== 'string' || value.length < min || value.length > max) throw wrong(path, `a text of ${min} to ${max} characters`)
  return value
}

function bytes(value: unknown, path: string): Uint8Array {
  try {
    return fromHex(text(value, path, 0, 2048))
  } catch (error) {
    throw isFault(error, 'bad-hex') ? wrong(path, 'bytes in hex') : error
  }
}

function money(value: unknown, path: string): bigint {
  if (typeof value !== 'string' || !/^\d{1,12}$/.test(value)) throw wrong(path, 'minor units as a text of 1 to 12 digits')
  return BigInt(value)
}

function unit(value: unknown, path: string) {
  try {
    return currency(text(value, path, 3, 3))
  } catch (error) {
    throw isFault(error, 'bad-argument') ? wrong(path, 'an ISO 4217 code') : error
  }
}

function date(value: unknown, path: string): Date {
  const at = new Date(text(value, path, 20, 30))
  if (Number.isNaN(+at)) throw wrong(path, 'a date and time of ISO 8601')
  return at
}

function oneOf<T extends string | number>(value: unknown, values: readonly T[], path: string): T {
  if (!values.includes(value as T)) throw wrong(path, `one of ${values.join(', ')}`)
  return value as T
}
