/** What every part of a page that shows traces is given: texts in the language that is chosen. */

import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import { filled } from '../../src/messages/filled.ts'
import type { Language } from '../../src/messages/messages.ts'
import { reasonMessages } from '../../src/messages/reasons.ts'
import { retoldSaid, retoldStatus } from '../../src/messages/retold.ts'
import { bitName, retoldRule, stepName } from '../../src/messages/retold-rules.ts'
import { reportMessages } from '../../src/messages/tools/report.ts'
import type { SpanLevel } from '../../src/trace/event.ts'

export type Say = (id: keyof typeof reportMessages, params?: Readonly<Record<string, string | number>>) => string

export interface View {
  readonly language: Language
  readonly say: Say
  /** A step of a payment. */
  readonly step: (name: string) => string
  /** What a span is of. */
  readonly level: (level: SpanLevel) => string
  /** What a bit of TVR or TSI means. */
  readonly bit: (meaning: string) => string
  /** Why a payment was not approved; by its id in English, as files have it. */
  readonly reason: (id: string) => string
  /** A rule or an effect of a kernel. */
  readonly rule: (sentence: string) => string
  /** What a value, a status or a guess says. */
  readonly told: (words: string) => string
}

/** From its own part of the table: a page is not given what it never shows. */
export function viewIn(language: Language): View {
  return {
    language,
    say: (id, params) => filled(reportMessages[id][language === 'ru' ? 1 : 0], params),
    step: name => stepName(name, language),
    level: level => reportMessages[`report.level.${level}`][language === 'ru' ? 1 : 0],
    bit: meaning => bitName(meaning, language),
    reason: id =>
      language === 'ru' && Object.hasOwn(reasonMessages, `reason.${id}`) ? reasonMessages[`reason.${id}` as 'reason.referral'][1] : id,
    rule: sentence => retoldRule(sentence, language),
    told: words => retoldStatus(retoldSaid(words, language), language),
  }
}

export const ViewContext = createContext<View>(viewIn('en'))
export const useView = () => useContext(ViewContext)

/** A time as people read it. */
export function timeText(say: Say, ms: number): string {
  if (ms >= 10_000) return say('report.s', { s: (ms / 1000).toFixed(1) })
  return say('report.ms', { ms: ms >= 100 || Number.isInteger(ms) ? Math.round(ms) : ms.toFixed(ms >= 10 ? 1 : 2) })
}
