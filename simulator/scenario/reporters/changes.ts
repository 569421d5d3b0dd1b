/** What became another between two runs, as people read it: each case that did, and in it each fact and data object, before and now. */

import { type Language, message } from '../../../src/messages/messages.ts'
import { tagInfo } from '../../../src/tlv/tags.ts'
import type { Change, Comparison } from '../report/data.ts'

/** The counts, then each case with what differs in it. */
export function changeLines({ cases, same }: Comparison, language: Language): string[] {
  return [
    message('report.compared', language, { changed: cases.length, same }),
    ...cases.flatMap(({ name, reader, card, kind, changes }) => [
      `  ${name}  (${message('report.place', language, { reader, card })})${kind === 'changed' ? '' : `: ${message(`report.against.${kind}`, language)}`}`,
      ...(kind === 'changed' ? changes.map(one => `    ${changeLine(one)}`) : []),
    ]),
  ]
}

function changeLine({ what, before, now }: Change): string {
  const tag = /^[0-9A-F]{2,6}$/.test(what) ? tagInfo(Number.parseInt(what, 16))?.name : undefined
  const [one, other] = what === 'screens' ? firstDifference(before, now) : [before, now]
  return `${tag === undefined ? what : `${what} ${tag}`}: ${one ?? '-'} → ${other ?? '-'}`
}

/** Of two rows of screens those that are not the same first. */
function firstDifference(before = '', now = ''): readonly [string | undefined, string | undefined] {
  const [earlier, later] = [before.split('\n'), now.split('\n')]
  const at = later.findIndex((screen, place) => screen !== earlier[place])
  return at < 0 ? [earlier[later.length], undefined] : [earlier[at], later[at]]
}
