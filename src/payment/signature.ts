/** A cardholder's signature as strokes on a screen. */

import { Fault } from '../errors.ts'

export interface Point {
  readonly x: number
  readonly y: number
}

/** In the order they were drawn; coordinates in any unit, y downwards. */
export interface Signature {
  readonly strokes: readonly (readonly Point[])[]
}

/** A signature that has something in it. @throws Fault `bad-argument` when it is empty or a coordinate is no number */
export function checkSignature(signature: Signature): Signature {
  const points = signature.strokes.flat()
  if (points.length < 2) throw new Fault('bad-argument', 'the signature is empty: it has no stroke', { field: 'signature' })
  if (!points.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)))
    throw new Fault('bad-argument', 'a point of the signature is no pair of numbers', { field: 'signature' })
  return signature
}
