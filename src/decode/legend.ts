/** What the marks of a description mean, once at its end. */

import * as door from '../door.ts'
import { type Language, message } from '../messages/messages.ts'
import { unsureIn } from '../tlv/certainty.ts'

/**
 * The lines that explain `[derived]` and `[assumed]`, for those that are in a description of any kind: `describe`, `describeExchange`, `describeFrames`, `describeIso`.
 * Empty where all of it was seen.
 * @example
 * ```ts
 * const described = describe(fromHex('9F10070601010 3A40000'.replace(' ', '')))
 * console.log([printTree(described), ...certaintyLegend(described)].join('\n'))
 * ```
 */
export function certaintyLegend(described: object, language: Language = 'en'): readonly string[] {
  door.need('described', described, door.object)
  door.need('language', language, door.oneOf(['en', 'ru']))
  const unsure = unsureIn(described)
  if (unsure.size === 0) return []
  const lines = (['derived', 'assumed'] as const).filter(one => unsure.has(one))
  return [
    ...lines.map(one => `[${message(`decode.mark.${one}`, language)}]: ${message(`decode.certainty.${one}`, language)}`),
    message('decode.certainty.seen', language),
  ]
}
