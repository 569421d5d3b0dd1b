/** The words of the guide's rows, looked for in what an app and a display said; and what a family of readers cannot show. */

import type { Language } from '../../../src/messages/messages.ts'
import type { FamilyRow } from '../families.ts'
import type { Row, Word } from './mpos-rows.ts'

/** `app`: all that its screens, or its terminal, showed; `reader`: the display, a screen a line. */
export interface Seen {
  readonly app: string
  readonly reader: string
}

/** Why a family does not show a row, or undefined. */
export function reasonOf({ row }: Row, { family, name }: FamilyRow): string | undefined {
  const noPinPad = family === 'idtech' || name === 'magtek v5'
  if (noPinPad && ['24', '24a', '25', '26', '26a'].includes(row)) return 'no PIN pad'
  if (row === '45a' && family === 'magtek') return 'the card’s data are enciphered for the host: nobody here is told the name'
  const list = lists[name]
  if (row === '37' && list !== 'app') return list === 'nobody' ? NO_LIST : 'the list is on the reader: row 38'
  if (row.startsWith('38') && list !== 'reader') return list === 'nobody' ? NO_LIST : 'the list is in the app: row 37'
  if (row === '38' && name === 'magtek mms') return 'the wire does not tell that the customer is asked'
  return undefined
}

const NO_LIST = 'the card’s first application is taken: no list'
/** Who shows a co-badged card's list. */
const lists: Readonly<Record<string, 'app' | 'reader' | 'nobody'>> = {
  ...{ qpos: 'app', 'magtek v5': 'app', 'bluepad mped': 'reader', miura: 'reader', 'magtek mms': 'reader', idtech: 'nobody' },
}

/** The words that are missing. */
export function missing(words: readonly Word[], { app, reader }: Seen, lang: Language): string[] {
  return words.filter(word => !pattern(word, lang).test(word[0].startsWith('reader.') ? `${reader}\n${app}` : app)).map(([id]) => id)
}

function pattern([, english, russian]: Word, lang: Language): RegExp {
  const words = lang === 'ru' ? russian : english
  const text = words.replace(/^\^/, '')
  const source = text
    .split(/\{\w+\}/)
    .map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*')
  const [before, after] = [text !== words ? '^' : /^\p{L}/u.test(text) ? '(?<!\\p{L})' : '', /\p{L}$/u.test(text) ? '(?!\\p{L})' : '']
  return new RegExp(`${before}${source}${after}`, 'mu')
}
