/** A trace for people: each event on a line, with its time, where it was seen, and spans as indentation. */

import { statusWords } from '../apdu/status.ts'
import * as door from '../door.ts'
import { type Language, type MessageId, message, messageTexts } from '../messages/messages.ts'
import { retoldStatus } from '../messages/retold.ts'
import { retoldRule, stepName } from '../messages/retold-rules.ts'
import type { Json, SpanLevel, TraceContent } from './event.ts'
import type { TraceLog } from './read.ts'

/** Characters of a line's content. */
const MOST = 160

type Say = (id: MessageId, params?: Readonly<Record<string, string | number>>) => string

/** Lines for people: time in milliseconds, lane, what happened; inside a span two blanks deeper. Rules, effects, statuses and reasons in the user's language; names of messages, and JSON, as they are. */
export function printTrace(log: TraceLog, language: Language = 'en'): string {
  door.need('log', log, door.shape({ header: door.object, events: door.listOf(door.object) }))
  const { header, events } = log
  const { reader, card, start, clock, seed } = header
  const say: Say = (id, params) => message(id, language, params)
  const subject = [reader && [reader.family, reader.dialect].filter(Boolean).join(' '), card, start, say(`trace.clock.${clock}`)]
  const lines = [[...subject, typeof seed === 'number' ? say('trace.seed', { seed }) : ''].filter(Boolean).join(', ')]
  const open = new Map<number, string>()
  for (const event of events) {
    if (event.kind === 'spanEnd') {
      const name = open.get(event.id) ?? say('trace.span', { id: event.id })
      open.delete(event.id)
      if (event.fault === undefined) continue // the indentation says it
      lines.push(row(event.at, event.from, open.size, say('trace.ended', { name, fault: event.fault })))
      continue
    }
    lines.push(row(event.at, event.from, open.size, wordsOf(event, language, say)))
    if (event.kind === 'span') open.set(event.id, spanWords(event, language, say))
  }
  return lines.map(line => `${line}\n`).join('')
}

function spanWords({ level, name }: { readonly level: SpanLevel; readonly name: string }, language: Language, say: Say): string {
  return `${say(`trace.level.${level}`)} ${level === 'step' ? stepName(name, language) : name}`
}

function row(at: number, from: string, depth: number, words: string): string {
  const short = words.length > MOST ? `${words.slice(0, MOST - 1)}…` : words
  return `${at.toFixed(3).padStart(11)} ${from.padEnd(6)} ${'  '.repeat(Math.min(depth, 8))}${short}`
}

/** What a status other than 9000 means as the answer to this command; nothing for 9000. */
function refusal(command: string, answer: string, language: Language): string {
  const sw = answer.slice(-4)
  if (sw.length < 4 || sw === '9000') return ''
  const words = statusWords(Number.parseInt(sw, 16), Number.parseInt(command.slice(2, 4), 16))
  return ` (${retoldStatus(words, language).slice(5)})`
}

const arrow = { out: '→', in: '←' } as const

function wordsOf(event: TraceContent, language: Language, say: Say): string {
  switch (event.kind) {
    case 'span':
      return spanWords(event, language, say)
    case 'spanEnd':
      return say('trace.end', { id: event.id })
    case 'link':
      return 'end' in event
        ? say('trace.closed', { end: event.end })
        : `${arrow[event.way]} ${say('trace.bytes', { count: event.length })} ${event.bytes ?? ''}`.trimEnd()
    case 'message':
      return `${arrow[event.way]} ${event.type} ${jsonOf(event.content)}`.trimEnd()
    case 'apdu':
      return `${event.name} ${event.command} ${event.answer === undefined ? say('trace.noAnswer') : `→ ${event.answer}${refusal(event.command, event.answer, language)}`}`
    case 'kernel':
      return [event.rule, ...event.effect].map(one => retoldRule(one, language)).join(' → ')
    case 'screen':
      return `| ${event.lines.join(' | ')} |`
    case 'light':
      return `${say('trace.light')} ${event.light}`
    case 'sound':
      return `${say('trace.sound')} ${event.sound}`
    case 'key':
      return `${say('trace.key')} ${event.key}`
    case 'card':
      return `${say('trace.card')} ${event.event}`
    case 'reader':
      return `${say('trace.reader')} ${event.event} ${jsonOf(event.content)}`.trimEnd()
    case 'app':
    case 'host':
      return `${say(`trace.${event.kind}`)} ${event.what} ${event.name} ${jsonOf(event.content)}`.trimEnd()
    case 'journal':
      return `${say('trace.journal')} ${event.stage} ${jsonOf(event.content)}`.trimEnd()
    case 'result':
      return [say('trace.result'), event.result, event.reason && reasonWords(event.reason, language)].filter(Boolean).join(' ')
  }
}

/** By its id in English, which `pay --json` has; in words otherwise. */
function reasonWords(reason: string, language: Language): string {
  const id = `reason.${reason}`
  return language === 'en' || !Object.hasOwn(messageTexts, id) ? reason : message(id as MessageId, language)
}

function jsonOf(content: Json | undefined): string {
  const text = content === undefined ? '' : JSON.stringify(content)
  return text === '{}' ? '' : text
}
