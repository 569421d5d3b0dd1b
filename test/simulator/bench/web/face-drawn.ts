/** A reader's face as the page draws it, with what the golden pictures show on it. */

import type { Face } from '../../../../simulator/bench/web/faces/face.ts'

const mir = { scheme: 'MIR', label: 'MIR', pan: '220000******0018', interfaces: ['chip', 'tap', 'swipe'] }

/** A PIN is typed with the card in the slot; a card was read at the antenna. */
export function shownBy(face: Face): readonly (readonly [what: 'chip' | 'tap', shown: object])[] {
  const asked = { lines: ['ENTER PIN:', '****'], light: 'waiting', on: true, keypad: true, ...(face.slot && { slot: mir }) }
  const held = { lines: ['CARD READ OK. PLEASE REMOVE CARD'], light: 'ok', on: true, field: [mir] }
  return [
    ['chip', asked],
    ['tap', held],
  ]
}

/** SVG as text. */
export async function drawn(face: Face, shown: object): Promise<string> {
  // TSX: this project's own settings know nothing of it
  const { FaceView } = (await import('../../../../simulator/bench/web/faces/face-view.tsx' as string)) as { FaceView: unknown }
  const { h } = await import('preact')
  const { render } = await import('preact-render-to-string')
  return render(h(FaceView as never, { face, shown } as never))
}
