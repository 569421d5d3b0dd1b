/** Screens as pictures: the reader's display, drawn from its lines. */

import { useMemo, useRef, useState } from 'preact/hooks'
import type { TraceEvent } from '../../src/trace/event.ts'
import { useGrowing } from './growing.ts'
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

interface ScreensProps {
  readonly events: readonly TraceEvent[]
  /** The trace grows: the last ones are shown, else the first. */
  readonly follow?: boolean
  readonly onSelect: (at: number) => void
}

type Shown = Extract<TraceEvent, { kind: 'screen' }>

/** Screens in their order; each leads to its event. */
export function Screens({ events, follow = false, onSelect }: ScreensProps) {
  const { say } = useView()
  const [whole, setWhole] = useState(false)
  const select = useRef(onSelect)
  select.current = onSelect
  const all = useGrowing(
    events,
    (): { event: Shown; at: number }[] => [],
    (screens, event, at) => void (event.kind === 'screen' && screens.push({ event, at })),
  )
  return useMemo(() => film(all), [all, all.length, whole, follow, say])

  function film(all: readonly { readonly event: Shown; readonly at: number }[]) {
    if (all.length === 0) return null
    const shown = whole ? all : follow ? all.slice(-FEW) : all.slice(0, FEW)
    return (
      <>
        <h3>{say('report.screens')}</h3>
        <ol class="film">
          {shown.map(({ event, at }) => {
            const text = event.lines.filter(line => line.trim()).join(' / ') || say('report.screen.empty')
            const label = say('report.screen', { at: timeText(say, event.at), text })
            return (
              <li key={at}>
                <button type="button" class="shot" onClick={() => select.current(at)}>
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
}
