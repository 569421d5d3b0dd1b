/** A trace for people: each event on a line, with its time, where it was seen, and spans as indentation. */

import { statusWords } from '../apdu/status.ts'
import * as door from '../door.ts'
import type { Json, TraceContent } from './event.ts'
import type { TraceLog } from './read.ts'

/** Characters of a line's content. */
const MOST = 160

/** Lines for people: time in milliseconds, lane, what happened; inside a span two blanks deeper. */
export function printTrace(log: TraceLog): string {
  door.need('log', log, door.shape({ header: door.object, events: door.listOf(door.object) }))
  const { header, events } = log
  const { reader, card, start, clock, seed } = header
  const subject = [reader && [reader.family, reader.dialect].filter(Boolean).join(' '), card, start, `${clock} clock`]
  const lines = [[...subject, typeof seed === 'number' ? `seed ${seed}` : ''].filter(Boolean).join(', ')]
  const open = new Map<number, string>()
  for (const event of events) {
    if (event.kind === 'spanEnd') {
      const name = open.get(event.id) ?? `span ${event.id}`
      open.delete(event.id)
      if (event.fault === undefined) continue // the indentation says it
      lines.push(row(event.at, event.from, open.size, `${name} ended: ${event.fault}`))
      continue
    }
    lines.push(row(event.at, event.from, open.size, wordsOf(event)))
    if (event.kind === 'span') open.set(event.id, `${event.level} ${event.name}`)
  }
  return lines.map(line => `${line}\n`).join('')
}

function row(at: number, from: string, depth: number, words: string): string {
  const short = words.length > MOST ? `${words.slice(0, MOST - 1)}…` : words
  return `${at.toFixed(3).padStart(11)} ${from.padEnd(6)} ${'  '.repeat(Math.min(depth, 8))}${short}`
}

/** What a status other than 9000 means as the answer to this command; nothing for 9000. */
function refusal(command: string, answer: string): string {
  const sw = answer.slice(-4)
  if (sw.length < 4 || sw === '9000') return ''
  return ` (${statusWords(Number.parseInt(sw, 16), Number.parseInt(command.slice(2, 4), 16)).slice(5)})`
}

const arrow = { out: '→', in: '←' } as const

function wordsOf(event: TraceContent): string {
  switch (event.kind) {
    case 'span':
      return `${event.level} ${event.name}`
    case 'spanEnd':
      return `end of ${event.id}`
    case 'link':
      return 'end' in event ? `line closed: ${event.end}` : `${arrow[event.way]} ${event.length} bytes ${event.bytes ?? ''}`.trimEnd()
    case 'message':
      return `${arrow[event.way]} ${event.type} ${jsonOf(event.content)}`.trimEnd()
    case 'apdu':
      return `${event.name} ${event.command} ${event.answer === undefined ? 'no answer' : `→ ${event.answer}${refusal(event.command, event.answer)}`}`
    case 'kernel':
      return [event.rule, ...event.effect].join(' → ')
    case 'screen':
      return `| ${event.lines.join(' | ')} |`
    case 'light':
      return `light ${event.light}`
    case 'sound':
      return `sound ${event.sound}`
    case 'key':
      return `key ${event.key}`
    case 'card':
      return `card ${event.event}`
    case 'reader':
      return `reader ${event.event} ${jsonOf(event.content)}`.trimEnd()
    case 'app':
    case 'host':
      return `${event.kind} ${event.what} ${event.name} ${jsonOf(event.content)}`.trimEnd()
    case 'journal':
      return `journal ${event.stage} ${jsonOf(event.content)}`.trimEnd()
    case 'result':
      return [`result ${event.result}`, event.reason].filter(Boolean).join(' ')
  }
}

function jsonOf(content: Json | undefined): string {
  const text = content === undefined ? '' : JSON.stringify(content)
  return text === '{}' ? '' : text
}
