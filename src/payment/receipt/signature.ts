/** A cardholder's signature as strokes on a screen: taken, cleared, and drawn as a picture. */

import * as door from '../../door.ts'
import { Fault } from '../../errors.ts'
import * as rules from '../rules.ts'
import { Picture, png } from './picture.ts'

/** Where the pen was, in any unit. */
export interface Point {
  /** To the right. */
  readonly x: number
  /** Downwards. */
  readonly y: number
}

/** In the order they were drawn; coordinates in any unit, y downwards. */
export interface Signature {
  /** Each from where the pen touched to where it left. */
  readonly strokes: readonly (readonly Point[])[]
}

/** A signature that has something in it. @throws Fault `bad-argument` when it is empty or a coordinate is no number */
export function checkSignature(signature: Signature): Signature {
  door.need('signature', signature, rules.signatureRule)
  const points = signature.strokes.flat()
  if (points.length < 2) throw new Fault('bad-argument', 'the signature is empty: it has no stroke', { field: 'signature' })
  if (!points.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)))
    throw new Fault('bad-argument', 'a point of the signature is no pair of numbers', { field: 'signature' })
  return signature
}

/** Where a signature is being drawn. The button that confirms it is active while `ready`. */
export interface SignaturePad {
  /** Something is drawn. */
  readonly ready: boolean
  /** The pen touches the screen, moves on it, and leaves it. What moves without touching draws nothing. */
  down(point: Point): void
  /** The pen is at `point`; drawn only while it touches. */
  move(point: Point): void
  /** The pen has left the screen: the stroke is over. */
  up(): void
  /** For another try. */
  clear(): void
  /** What is drawn. @throws Fault `bad-argument` when it is empty */
  signature(): Signature
}

/** A pad that nothing is drawn on. */
export function signaturePad(): SignaturePad {
  let strokes: Point[][] = []
  let stroke: Point[] | undefined
  const drawn = (): Signature => ({ strokes: strokes.filter(({ length }) => length > 1).map(points => [...points]) })
  return {
    get ready() {
      return drawn().strokes.length > 0
    },
    down(point) {
      stroke = [point]
      strokes.push(stroke)
    },
    move: point => void stroke?.push(point),
    up() {
      stroke = undefined
    },
    clear() {
      strokes = []
      stroke = undefined
    },
    signature: () => checkSignature(drawn()),
  }
}

/** In pixels. */
export interface Size {
  /** Pixels. */
  readonly width: number
  /** Pixels. */
  readonly height: number
}

const SIZE: Size = { width: 320, height: 120 }
const BORDER = 6

/** The strokes in a box, as large as they fit, not distorted. */
function scaled({ strokes }: Signature, { width, height }: Size): readonly (readonly Point[])[] {
  const points = strokes.flat()
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)]
  const least = (values: readonly number[]) => values.reduce((one, other) => Math.min(one, other))
  const most = (values: readonly number[]) => values.reduce((one, other) => Math.max(one, other))
  const [left, top, right, bottom] = [least(xs), least(ys), most(xs), most(ys)]
  const scale = Math.min((width - 2 * BORDER) / (right - left || 1), (height - 2 * BORDER) / (bottom - top || 1))
  const [marginX, marginY] = [(width - (right - left) * scale) / 2, (height - (bottom - top) * scale) / 2]
  return strokes.map(stroke => stroke.map(({ x, y }) => ({ x: (x - left) * scale + marginX, y: (y - top) * scale + marginY })))
}

/** @throws Fault `bad-argument` when it is empty */
export function drawSignature(picture: Picture, signature: Signature, box: Size & { readonly left: number; readonly top: number }): void {
  door.need('picture', picture, rules.pictureRule)
  door.need('signature', signature, rules.signatureRule)
  door.need('box', box, rules.sizeRule)
  for (const stroke of scaled(checkSignature(signature), box))
    for (const [index, { x, y }] of stroke.entries()) {
      const { x: fromX, y: fromY } = stroke[Math.max(0, index - 1)]
      picture.line(box.left + fromX, box.top + fromY, box.left + x, box.top + y, 2)
    }
}

/** The bytes of a PNG file. @throws Fault `bad-argument` when it is empty */
export function signaturePng(signature: Signature, size: Size = SIZE): Uint8Array {
  door.need('signature', signature, rules.signatureRule)
  door.need('size', size, rules.sizeRule)
  const picture = new Picture(size.width, size.height)
  drawSignature(picture, signature, { ...size, left: 0, top: 0 })
  return png(picture)
}

/** @throws Fault `bad-argument` when it is empty */
export function signatureSvg(signature: Signature, size: Size = SIZE): string {
  door.need('signature', signature, rules.signatureRule)
  door.need('size', size, rules.sizeRule)
  const { width, height } = size
  const short = (value: number) => String(Math.round(value * 100) / 100)
  const path = scaled(checkSignature(signature), size)
    .map(stroke => stroke.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${short(x)} ${short(y)}`).join(''))
    .join('')
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`
  return `${head}<path d="${path}" fill="none" stroke="#000" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/></svg>`
}
