/** Screens as pictures: the reader's display, drawn from its lines. */

import { useState } from 'preact/hooks'
import type { TraceEvent } from '../../src/trace/event.ts'
import { timeText, useView } from './view.ts'

const [LINE, LEFT, WIDTH] = [20, 12, 196]
const CHARACTERS = 21
/** Screens that are drawn until all are asked for. */
const FEW = 60

/** The display with its lines; a line that is wider than the glass is drawn smaller. */
export function ScreenPicture({ lines, label }: { lines: readonly string[]; label: string }) {
  const height = Math.max(4, lines.length) * LINE + 2 * LEFT
  return (
    <svg class="screen" role="img" aria-label={label} viewBox={`0 0 ${WIDTH + 24} ${height + 24}`} width={WIDTH + 24} height={height + 24}>
      <rect class="case" x="0" y="0" width={WIDTH + 24} height={height + 24} rx="12" />
      <rect class="glass" x="12" y="12" width={WIDTH} height={height} rx="3" />
      {lines.map((line, at) => (
        <text
          key={at}
          x={12 + WIDTH / 2}
          y={12 + LEFT + at * LINE + 14}
          {...(line.length > CHARACTERS && { textLength: WIDTH - 12, lengthAdjust: 'spacingAndGlyphs' })}
        >
          {line}
        </text>
      ))}
    </svg>
  )
}

/** All screens in their order; each leads to its event. */
export function Screens({ events, onSelect }: { events: readonly TraceEvent[]; onSelect: (at: number) => void }) {
  const { say } = useView()
  const [whole, setWhole] = useState(false)
  const all = events.flatMap((event, at) => (event.kind === 'screen' ? [{ event, at }] : []))
  if (all.length === 0) return null
  const shown = whole ? all : all.slice(0, FEW)
  return (
    <>
      <h3>{say('report.screens')}</h3>
      <ol class="film">
        {shown.map(({ event, at }) => {
          const text = event.lines.filter(line => line.trim()).join(' / ') || say('report.screen.empty')
          const label = say('report.screen', { at: timeText(say, event.at), text })
          return (
            <li key={at}>
              <button type="button" class="shot" onClick={() => onSelect(at)}>
                <ScreenPicture lines={event.lines} label={label} />
              </button>
              <small>{timeText(say, event.at)}</small>
            </li>
          )
        })}
        {shown.length < all.length && (
          <li>
            <button type="button" class="more" onClick={() => setWhole(true)}>
              {say('report.more', { count: all.length })}
            </button>
          </li>
        )}
      </ol>
    </>
  )
}
