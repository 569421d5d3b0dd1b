/** A request at the bank taken apart: its data objects in words, and nothing that is secret. */

import { fromHex } from '../../../src/bytes.ts'
import { type Currency, currency } from '../../../src/currency.ts'
import { tagInfo } from '../../../src/tlv/tags.ts'
import { words } from '../../../src/tlv/words.ts'
import { Masker } from '../../../src/trace/masked.ts'
import type { Attended } from '../../acquirer/desk/line.ts'
import type { BankRequest, BankRequestInFull } from '../schema/types.ts'

/** Of the amounts of a message; roubles where it names none. */
export function moneyOf(message: object): Currency {
  return (message as { currency?: Currency }).currency ?? currency('RUB')
}

export function inFull(request: BankRequest, { facts, message }: Attended): BankRequestInFull {
  const fields = new Masker().mask({ kind: 'host', what: 'request', name: facts.on, content: message })
  const { content } = JSON.parse(`{${fields}}`) as { content: Record<string, unknown> }
  const { tags = {}, ...rest } = content
  return { ...request, message: rest, tags: Object.entries(tags as Record<string, string>).map(([tag, value]) => dataObject(tag, value)) }
}

function dataObject(tag: string, value: string): BankRequestInFull['tags'][number] {
  const number = Number.parseInt(tag, 16)
  const info = tagInfo(number)
  const bytes = /^([0-9A-F]{2})*$/i.test(value) ? fromHex(value) : undefined
  const said = bytes && words(number, bytes, info?.format)
  return { tag, ...(info && { name: info.name }), value, ...(said && said.length > 0 && { words: said }) }
}
