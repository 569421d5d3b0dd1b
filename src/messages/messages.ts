/** The one table of user-visible text, English and Russian, keyed by semantic id. */

import { toolWords } from '#platform/words'
import * as door from '../door.ts'
import type { Fault } from '../errors.ts'
import { appMessages } from './app.ts'
import { decodeMessages } from './decode.ts'
import { faultMessages } from './faults.ts'
import { filled } from './filled.ts'
import { isoMessages } from './iso.ts'
import { screenMessages } from './screens.ts'
import { type Language, shopMessages } from './shop.ts'
import { usageMessages } from './usage.ts'

export { hostMessage, type Language } from './shop.ts'

const table = {
  ...faultMessages,
  ...usageMessages,
  ...appMessages,
  ...shopMessages,
  ...decodeMessages,
  ...isoMessages,
  ...screenMessages,
  ...toolWords,
} as const

/** The id of a text, by who shows it: `reader.insertCard`, `app.enterPin`, `reason.cardRemoved`, `receipt.total`, `fault.link-closed`. */
export type MessageId = keyof typeof table
/** Every text, as it stands in the table: English, Russian. In a browser it has none of those that only commands, reports and the bench say. */
export const messageTexts: Readonly<Record<MessageId, readonly [english: string, russian: string]>> = table
/** Every id, in the order of the table. */
export const messageIds = Object.keys(table) as readonly MessageId[]

/**
 * The text of `id`; `{name}` in it is replaced from `params`, and stays where they have none of that name.
 * @throws Fault `bad-argument` for an id that the table has not
 * @example
 * ```ts
 * message('app.authorising', 'ru') // 'Запрос авторизации…'
 * message('app.declined', 'en', { reason: 'not enough money' }) // 'DECLINED: not enough money'
 * ```
 */
export function message(id: MessageId, language: Language = 'en', params: Readonly<Record<string, string | number>> = {}): string {
  if (!(id in table)) door.need('id', id, door.oneOf(['an id of the message table']))
  return filled(table[id][language === 'ru' ? 1 : 0], params)
}

/** A fault for people in one line: what it means in their language, then its detail, in their language where it has been said so (`details.says`). */
export function faultMessage(fault: Fault, language: Language = 'en'): string {
  door.need('fault', fault, door.shape({ code: door.anyText, message: door.anyText, details: door.object }))
  const { title, detail, foreign } = faultParts(fault, language)
  return `${title}${foreign ? `. ${message('fault.details', language)}` : ''}: ${detail}`
}

/** The same with what helps. A detail that is in another language than the rest stands apart, at the end. */
export function faultLines(fault: Fault, language: Language = 'en'): readonly string[] {
  door.need('fault', fault, door.shape({ code: door.anyText, message: door.anyText, details: door.object }))
  const { title, detail, hint, foreign } = faultParts(fault, language)
  const help = hint === undefined ? [] : [hint]
  return foreign ? [title, ...help, `${message('fault.details', language)}: ${detail}`] : [`${title}: ${detail}`, ...help]
}

/** Control characters and those that turn the order of letters, as U+001B: what somebody typed or a card says commands no terminal. */
function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu,
    one => `<U+${one.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}>`,
  )
}

function faultParts(fault: Fault, language: Language) {
  const { code, details } = fault
  const reason = `${code === 'missing-library' ? 'library' : 'link'}.${details.reason}`
  const known = (code === 'link-failed' || code === 'missing-library') && reason in table
  const ofOrder = (kind: 'fault' | 'hint') => details.order !== undefined && `${kind}-order.${code}` in table // where the common words speak of a reader
  const title = `${message((known ? reason : ofOrder('fault') ? `fault-order.${code}` : `fault.${code}`) as MessageId, language)} (${code})`
  const hint = known ? `hint.${details.reason}` : ofOrder('hint') ? `hint-order.${code}` : `hint.${code}`
  const says = String(details.says)
  const said = says in table
  return {
    title,
    detail: visible(said ? message(says as MessageId, language, Object.fromEntries(Object.entries(details).map(([name, value]) => [name, String(value)]))) : fault.message), // biome-ignore format: one line
    hint: hint in table && !(code === 'bad-uri' && said) ? message(hint as MessageId, language) : undefined,
    foreign: language !== 'en' && !said,
  }
}
