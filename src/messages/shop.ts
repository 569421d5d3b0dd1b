/** The part of the table of messages that drivers, payments and tills say themselves: what they make of it needs no more of the table. */

import * as door from '../door.ts'
import { filled } from './filled.ts'
import { orderMessages } from './orders.ts'
import { readerMessages } from './reader.ts'
import { reasonMessages } from './reasons.ts'
import { receiptMessages } from './receipt.ts'

/** The languages of every text that a user sees: English and Russian. */
export type Language = 'en' | 'ru'

export const shopMessages = { ...readerMessages, ...reasonMessages, ...receiptMessages, ...orderMessages } as const

export type ShopMessageId = keyof typeof shopMessages

/** As `message` of the whole table. */
export function shopMessage(id: ShopMessageId, language: Language = 'en', params: Readonly<Record<string, string | number>> = {}): string {
  return filled(shopMessages[id][language === 'ru' ? 1 : 0], params)
}

/** What a host's response code says, in words (ISO 8583:1987, field 39): `51` is `not enough money`. One that the table has not is told as it is. */
export function hostMessage(code: string, language: Language = 'en'): string {
  door.need('code', code, door.anyText)
  const id = `host.${code}`
  return Object.hasOwn(reasonMessages, id) ? shopMessage(id as ShopMessageId, language) : shopMessage('host.other', language, { code })
}
