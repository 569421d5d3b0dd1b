/** A face with what it shows now: words, lights, the cards at it; and the places that a hand reaches. */

import type { ComponentChildren, JSX } from 'preact'
import { CardArt, type CardLook } from './card-art.tsx'
import { type Box, CARD, type Face, ROOM } from './face.ts'
import { fitted } from './fit.ts'

export type Target = 'slot' | 'antenna' | 'swipe'

/** What a face shows. */
export interface Shown {
  readonly lines: readonly string[]
  readonly light: 'off' | 'waiting' | 'ok' | 'error'
  readonly on: boolean
  readonly slot?: CardLook | undefined
  readonly field?: readonly CardLook[]
  /** Somebody reads the keys: those of a phone are there only then. */
  readonly keypad?: boolean
}

interface Props {
  readonly face: Face
  readonly shown: Shown
  /** Names of keys and places, for those who do not see them. */
  readonly names?: { readonly keys: Readonly<Record<string, string>>; readonly targets: Readonly<Record<Target, string>> }
  /** Left out of a picture that nobody touches. */
  readonly onKey?: (key: string) => void
  readonly onTarget?: (target: Target) => void
  /** The place over which a card is held now. */
  readonly over?: Target | undefined
  /** The places where the card in the hand may go. */
  readonly open?: readonly Target[]
  /** The card that is drawn through just now, counted: each count is drawn anew. */
  readonly swiping?: { readonly look: CardLook; readonly count: number } | undefined
}

const round = (one: number) => Math.round(one * 100) / 100
const letters: Readonly<Record<string, string>> = { cancel: '✕', clear: '‹', enter: '○' }

function Key({
  name,
  label,
  box: [x, y, width, height],
  onKey,
}: {
  name: string
  label: string | undefined
  box: Box
  onKey: Props['onKey']
}) {
  const press = onKey && {
    role: 'button' as const,
    tabIndex: -1,
    'aria-label': label ?? name,
    'data-key': name,
    onPointerDown: (event: PointerEvent) => {
      if (event.button !== 0) return
      event.preventDefault()
      onKey(name)
    },
    // A screen reader clicks without a pointer.
    onClick: (event: MouseEvent) => event.detail === 0 && onKey(name),
  }
  return (
    <g class={`key ${/\d/.test(name) ? 'digit' : name}`} {...(press as JSX.IntrinsicElements['g'])}>
      <rect x={round(x)} y={round(y)} width={round(width)} height={round(height)} rx={round(Math.min(2.4, height / 4))} />
      <text x={round(x + width / 2)} y={round(y + height / 2 + 1.9)} font-size="5.4" text-anchor="middle">
        {letters[name] ?? name}
      </text>
    </g>
  )
}

function Lights({ face: { lights }, light }: { face: Face; light: Shown['light'] }) {
  const { x, y, gap } = lights
  const lit = { off: 0, waiting: 1, ok: 4, error: 4 }[light]
  return (
    <g class={`lights ${light}`}>
      {[0, 1, 2, 3].map(at => (
        <ellipse key={at} class={at < lit ? 'lit' : 'dark'} cx={round(x + (at - 1.5) * gap)} cy={y} rx="2" ry="1.2" />
      ))}
    </g>
  )
}

function Display({ face: { display, glass: whole }, shown: { lines, on } }: Pick<Props, 'face' | 'shown'>) {
  if (!display) return null
  const { box, glass, columns } = display
  const [x, y, width, height] = whole ?? box
  const words = on ? fitted(lines, box, columns) : { size: 1, lines: [] }
  return (
    <g class={`display ${glass}${on ? '' : ' dark'}`}>
      <rect class="bezel" x={x - 1.6} y={y - 1.6} width={width + 3.2} height={height + 3.2} rx="2.4" />
      <rect class="glass" x={x} y={y} width={width} height={height} rx="1.2" />
      {words.lines.map((line, at) => (
        <text key={at} class="words" x={round(line.x)} y={round(line.y)} font-size={round(words.size)} text-anchor="middle">
          {line.text}
        </text>
      ))}
    </g>
  )
}

/** Behind the upper edge, a little turned, so that the display stays free. */
function Field({ face, cards }: { face: Face; cards: readonly CardLook[] }) {
  return (
    <>
      {cards.map((look, at) => {
        const turn = cards.length > 1 ? (at - (cards.length - 1) / 2) * 9 : -4
        const left = face.width / 2 - CARD.long / 2
        return (
          <g
            key={at}
            class="at-field"
            transform={`rotate(${round(turn)} ${face.width / 2} 30) translate(${round(left)} ${-ROOM.above + 4})`}
          >
            <CardArt look={look} />
          </g>
        )
      })}
    </>
  )
}

/** Upright below the lower edge: what is in the slot is hidden by the case. */
function Slotted({ face, look }: { face: Face; look: CardLook }) {
  if (!face.slot) return null
  const x = face.slot.x + (face.slot.width - CARD.short) / 2
  return (
    <g class="in-slot" transform={`translate(${round(x)} ${face.height - 20})`}>
      <g transform={`translate(${CARD.short} 0) rotate(90)`}>
        <CardArt look={look} />
      </g>
    </g>
  )
}

function Place({ target, of, children, class: more = '' }: { target: Target; of: Props; children: ComponentChildren; class?: string }) {
  const { onTarget, names, open = [], over } = of
  const act = onTarget && { 'data-target': target, onClick: () => onTarget(target) }
  return (
    <g
      class={`target ${target}${open.includes(target) ? ' open' : ''}${over === target ? ' over' : ''} ${more}`}
      {...(act as JSX.IntrinsicElements['g'])}
    >
      {names && <title>{names.targets[target]}</title>}
      {children}
    </g>
  )
}

function SwipeEdge({ face, of }: { face: Face; of: Props }) {
  if (!face.swipe) return null
  const right = face.swipe.edge === 'right'
  const x = right ? face.width - 1.6 : -0.4
  return (
    <Place target="swipe" of={of}>
      <rect class="reach" x={right ? face.width - 4 : -ROOM.side} y="2" width={ROOM.side + 4} height={face.height - 4} rx="3" />
      <rect class="groove" x={x} y="10" width="2" height={face.height - 20} rx="1" />
      <path
        class="hint"
        d={`M${right ? face.width + 5 : -5} ${face.height - 14}V14m-2.4 3.4l2.4-3.4l2.4 3.4`}
        fill="none"
        stroke-width="1"
        stroke-linecap="round"
      />
    </Place>
  )
}

/** The whole face with the room around it. */
export function FaceView(props: Props) {
  const { face, shown, names, onKey, swiping } = props
  const { width, height, radius, shell, slot, antenna, keys } = face
  const pad = shell !== 'handset' || shown.keypad ? keys : []
  const box = [-ROOM.side, -ROOM.above, width + 2 * ROOM.side, height + ROOM.above + ROOM.below]
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: what it stands in has a name, and its keys have theirs
    <svg class={`face ${shell}`} xmlns="http://www.w3.org/2000/svg" viewBox={box.join(' ')} aria-hidden={onKey ? undefined : 'true'}>
      <Field face={face} cards={shown.field ?? []} />
      {shown.slot && <Slotted face={face} look={shown.slot} />}
      <rect class="shell" width={width} height={height} rx={radius} />
      <rect class="rim" x=".6" y=".6" width={width - 1.2} height={height - 1.2} rx={radius - 0.6} />
      {slot && (
        <Place target="slot" of={props}>
          <rect class="reach" x={slot.x - 2} y={height - 9} width={slot.width + 4} height={9 + ROOM.below} rx="3" />
          <rect class="mouth" x={slot.x} y={height - 3.4} width={slot.width} height="1.8" rx=".9" />
          <path
            class="hint"
            d={`M${width / 2} ${height + 14}V${height + 4}m-2.4 3.4l2.4-3.4l2.4 3.4`}
            fill="none"
            stroke-width="1"
            stroke-linecap="round"
          />
        </Place>
      )}
      <Place target="antenna" of={props}>
        <rect
          class="reach"
          x="-2"
          y={-ROOM.above}
          width={width + 4}
          height={ROOM.above + antenna.y + Math.min(antenna.radius, 14)}
          rx="4"
        />
      </Place>
      <SwipeEdge face={face} of={props} />
      <Display face={face} shown={shown} />
      {(!face.display || (shell === 'handset' && pad.length === 0)) && <FieldSign x={antenna.x} y={antenna.y} />}
      <Lights face={face} light={shown.on ? shown.light : 'off'} />
      {pad.map(({ key, box: place }) => (
        <Key key={key} name={key} label={names?.keys[key]} box={place} onKey={onKey} />
      ))}
      {swiping && face.swipe && (
        <g key={swiping.count} class="swiping" style={{ '--far': `${height + 40}px` }}>
          <g
            transform={`translate(${face.swipe.edge === 'right' ? width - 16 : 16 - CARD.short} 10) translate(${CARD.short} 0) rotate(90)`}
          >
            <CardArt look={swiping.look} />
          </g>
        </g>
      )}
    </svg>
  )
}

/** Four waves: where a card is held on a reader without a display. */
function FieldSign({ x, y }: { x: number; y: number }) {
  const waves = [3, 6.5, 10, 13.5].map(r => `M${round(x - 7 + r * 0.72)} ${round(y - r * 0.72)}a${r} ${r} 0 0 1 0 ${round(r * 1.44)}`)
  return <path class="sign" d={waves.join('')} fill="none" stroke-width="1.6" stroke-linecap="round" />
}
