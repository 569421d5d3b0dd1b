/** Words that a host puts on a reader's display: a person reads them as they read the reader's own. */

import { type MessageId, message, messageIds } from '../../../src/messages/messages.ts'
import type { Body } from './body.ts'

/** Messages of a reader by their words, in every language. */
const known: ReadonlyMap<string, MessageId> = new Map(
  messageIds
    .filter(id => id.startsWith('reader.'))
    .flatMap(id => (['en', 'ru'] as const).map(language => [message(id, language), id] as const)),
)

/** Shows the lines; the message that the first of them is, where it is one. */
export function showWords(body: Body, lines: readonly string[]): MessageId | undefined {
  const [first = '', ...more] = lines
  const id = known.get(first)
  if (id) body.show(id, ...more)
  else body.showText(...lines)
  return id
}
