/** Where a customer signs: with a finger, a pen or a mouse. Who has a keyboard only types a name in the field beside it. */

import { useRef } from 'preact/hooks'

export type Stroke = readonly (readonly [x: number, y: number])[]

interface Props {
  readonly strokes: readonly Stroke[]
  readonly onStrokes: (strokes: readonly Stroke[]) => void
  readonly label: string
  readonly hint: string
}

/** Of the pad's own coordinates, whatever its size on the page. */
const [WIDTH, HEIGHT] = [320, 140]

export function Pad({ strokes, onStrokes, label, hint }: Props) {
  const drawing = useRef<(readonly [number, number])[]>()
  const at = (event: PointerEvent & { currentTarget: Element }): readonly [number, number] => {
    const { left, top, width, height } = event.currentTarget.getBoundingClientRect()
    const short = (value: number) => Math.round(value * 10) / 10
    return [short(((event.clientX - left) / width) * WIDTH), short(((event.clientY - top) / height) * HEIGHT)]
  }
  return (
    <svg
      class="pad"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      onPointerDown={event => {
        event.currentTarget.setPointerCapture(event.pointerId)
        drawing.current = [at(event)]
      }}
      onPointerMove={event => {
        if (!drawing.current) return
        const first = drawing.current.length === 1
        drawing.current = [...drawing.current, at(event)]
        onStrokes([...(first ? strokes : strokes.slice(0, -1)), drawing.current])
      }}
      onPointerUp={() => (drawing.current = undefined)}
      onPointerCancel={() => (drawing.current = undefined)}
    >
      {strokes.length === 0 && (
        <text x={WIDTH / 2} y={HEIGHT / 2}>
          {hint}
        </text>
      )}
      <line x1="20" x2={WIDTH - 20} y1={HEIGHT - 24} y2={HEIGHT - 24} />
      {strokes.map((stroke, at) => (
        <polyline key={at} points={stroke.map(point => point.join(',')).join(' ')} />
      ))}
    </svg>
  )
}
