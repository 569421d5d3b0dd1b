/** Bytes of the line in the words of the reader's family, for a page that cannot read them itself: the codecs are too much for it, and some need Node. */

import { describeFrames, type FrameKind, frameKinds } from '../../../devices/anatomy.ts'
import { fromHex } from '../../../src/bytes.ts'
import { printFields } from '../../../src/decode/fields.ts'
import type { TraceEvent, TraceHeader } from '../../../src/trace/event.ts'
import type { LineSaid, SaidMessage } from '../../trace-view/said.ts'
import type { RunReport, ScenarioResult } from '../result.ts'
import type { SaidOfLines } from './data.ts'

/** Characters that are told in all: those of cases that did not pass come first, and what is beyond stays bytes. */
const MOST = 4_000_000

type Piece = Extract<TraceEvent, { way: 'in' | 'out'; length: number }>
const isPiece = (event: TraceEvent): event is Piece => event.kind === 'link' && 'way' in event

function kindOf({ family, dialect }: NonNullable<TraceHeader['reader']>): FrameKind | undefined {
  const known = (name: string) => frameKinds.find(kind => kind === name)
  return dialect === undefined ? known(family) : (known(`${family}/${dialect}`) ?? known(family))
}

/** What the line says in each case, by case and event. */
export function saidOfLines({ results }: RunReport): SaidOfLines {
  const said: LineSaid[] = []
  const known = new Map<string, number | undefined>()
  const at: Record<number, Record<number, number>> = {}
  let left = MOST
  const placeOf = (kind: FrameKind, way: Piece['way'], pieces: readonly string[]): number | undefined => {
    const bytes = pieces.join('')
    const name = `${kind} ${way} ${pieces.length} ${bytes}`
    if (known.has(name)) return known.get(name)
    const messages = left > 0 ? messagesIn(kind, bytes, way) : undefined
    const place = messages && said.push({ messages, ...(pieces.length > 1 && { pieces: pieces.length }) }) - 1
    left -= (messages ?? []).reduce((sum, { text, type }) => sum + text.length + type.length, 0)
    known.set(name, place)
    return place
  }
  const worst = (one: ScenarioResult) => (one.status === 'passed' || one.status === 'skipped' ? 1 : 0)
  for (const [place, { trace }] of [...results.entries()].sort(([, one], [, other]) => worst(one) - worst(other))) {
    const kind = trace?.header.reader && kindOf(trace.header.reader)
    if (!trace || !kind) continue
    const found: Record<number, number> = {}
    for (const turn of turnsOf(trace.events)) {
      const { way } = turn[0].piece
      const each = turn.map(({ piece }) => piece.bytes ?? '')
      const alone = each.map(bytes => placeOf(kind, way, [bytes]))
      // A message in several pieces is that of each of them.
      const together = turn.length > 1 && alone.includes(undefined) ? placeOf(kind, way, each) : undefined
      for (const [index, { event }] of turn.entries()) {
        const one = alone[index] ?? together
        if (one !== undefined) found[event] = one
      }
    }
    if (Object.keys(found).length > 0) at[place] = found
  }
  return { said, at }
}

/** Pieces that go the same way without a word between. */
function turnsOf(events: readonly TraceEvent[]): { readonly piece: Piece; readonly event: number }[][] {
  const turns: { readonly piece: Piece; readonly event: number }[][] = []
  for (const [event, piece] of events.entries()) {
    if (!isPiece(piece)) continue
    const last = turns.at(-1)
    if (last?.[0].piece.way === piece.way) last.push({ piece, event })
    else turns.push([{ piece, event }])
  }
  return turns
}

function messagesIn(kind: FrameKind, digits: string, way: Piece['way']): readonly SaidMessage[] | undefined {
  try {
    const { parts } = describeFrames(kind, fromHex(digits), way === 'out' ? 'host' : 'reader')
    return parts.flatMap(part =>
      part.kind === 'message' ? [{ from: part.from, type: part.type, text: printFields(part.fields).join('\n') }] : [],
    )
  } catch {
    return undefined // no frame, a part of one, or bytes that were masked out of their form
  }
}
