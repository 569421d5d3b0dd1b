/** Texts of one line: what is entered for a receipt has no character that would begin another line, command a printer or turn the order of letters. */

import { usageFault } from '../refusal.ts'

/** C0, DEL and C1 (line feed, NUL, ESC among them), the separators of lines and paragraphs, bidirectional controls, and halves of characters (Unicode 16, 23.1 and 23.2; UAX 9, 2). */
const REFUSED = /[\p{Cc}\p{Cs}\u2028\u2029\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/u
const EVERY = new RegExp(REFUSED, 'gu')

/** The first character that one line may not have: `U+000A` and its place, from 1. */
export function brokenBy(text: string): { readonly character: string; readonly at: number } | undefined {
  const found = REFUSED.exec(text)
  if (!found) return undefined
  const code = found[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
  return { character: `U+${code}`, at: [...text.slice(0, found.index)].length + 1 }
}

/** @throws Fault `bad-argument` with details.field, value (the character) and rule */
export function checkLine(field: string, text: string | undefined): void {
  const broken = text === undefined ? undefined : brokenBy(text)
  if (broken) throw usageFault('usage.oneLine', { field, value: broken.character, at: broken.at })
}

/** As it may be printed, wherever it came from: a card, a host, an old journal. What is refused above becomes a blank. */
export function printable(text: string): string {
  return text.replace(EVERY, ' ')
}
