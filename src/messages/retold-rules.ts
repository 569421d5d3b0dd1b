/** Rules and effects of a kernel's explanation in the user's language: they are made in English, deep below the table of messages, and stand so in traces. */

import { decodeMessages } from './decode.ts'
import type { Language } from './messages.ts'
import { phrasesOf } from './phrases.ts'
import { reasonMessages } from './reasons.ts'
import { retold } from './retold.ts'
import { ruleMessages } from './rules/rules.ts'
import { ruleWords } from './rules/words.ts'

const table: Readonly<Record<string, readonly [english: string, russian: string]>> = { ...ruleMessages, ...ruleWords }
const phrases = phrasesOf(table)

/** `Book 3, 10.6.1`, `Book 2, 6.5.2 step 7`, `Book C-4, CVM`, `Mir`, with what follows it. */
const headed = /^((?:Book [0-9A-C](?:-\d)?|Mir|Mastercard)(?:[^:]*)): (.+)$/

/** Books keep their names. */
function place(head: string): string {
  return head
    .replace(/ steps? (?=\d)/g, ', шаг ')
    .replace(/ and (?=Book|\d)/g, ' и ')
    .replace('Annex ', 'приложение ')
    .replace(/^Mir(?=$|, as )/, 'Мир')
    .replace(/(?<=^Мир, )as /, 'как ')
    .replace(/\[(derived|assumed)\]$/, (_, unsure: 'derived' | 'assumed') => `[${decodeMessages[`decode.mark.${unsure}`][1]}]`)
}

/** What nobody translates: codes, hex, numbers, tags, names of cryptograms and of labels. */
const asItIs = /^[A-Z0-9 ,./:-]*$/

function told(sentence: string): string | undefined {
  const known = phrases.whole(sentence)
  if (known !== undefined) return known
  const bit = /^(TVR|TSI) (\w+)$/.exec(sentence)
  if (bit)
    return Object.hasOwn(table, `bit.${bit[2]}`) ? `${sentence}: ${table[`bit.${bit[2]}`][1]}` : `${bit[1]} ${told(bit[2]) ?? bit[2]}`
  const head = headed.exec(sentence)
  if (head) {
    const rest = told(head[2])
    return rest && `${place(head[1])}: ${rest}`
  }
  const filled = phrases.filled(sentence, part)
  if (filled !== undefined) return filled
  const ended = /^(\w+): (\w+)$/.exec(sentence) // result and reason of a payment
  if (ended && Object.hasOwn(reasonMessages, `reason.${ended[2]}`)) {
    const [, because] = reasonMessages[`reason.${ended[2]}` as keyof typeof reasonMessages]
    return `${told(ended[1]) ?? ended[1]}: ${because}`
  }
  const other = retold(sentence, 'ru')
  if (other !== sentence) return other
  return asItIs.test(sentence) ? sentence : undefined
}

/** What stands in the place of `{}`: told again where it is a sentence, or the name of a bit. */
function part(text: string): string {
  return told(text) ?? (Object.hasOwn(table, `bit.${text}`) ? `${text} (${table[`bit.${text}`][1]})` : text)
}

/** A rule or an effect of an Explanation for people; in English as it stands. What is not known, as a card's own label, stays as it is. */
export function retoldRule(sentence: string, language: Language): string {
  return language === 'en' ? sentence : (told(sentence) ?? sentence)
}

/** Whether a rule or an effect has a Russian text. */
export function hasRussian(sentence: string): boolean {
  return told(sentence) !== undefined
}

/** A step of a payment in words. */
export function stepName(step: string, language: Language): string {
  return language === 'en' ? step : (table[`step.${step}`]?.[1] ?? step)
}

/** What a bit of TVR or TSI means, in the words of the Book, in the user's language. */
export function bitName(meaning: string, language: Language): string {
  return language === 'en' ? meaning : (phrases.whole(meaning) ?? meaning)
}
