/** A signature for who has a keyboard and no pen: letters as strokes, each its own zigzag. */

import type { Signature } from './signature.ts'

/** Undefined when there is nothing to be drawn. */
export function typedSignature(text: string): Signature | undefined {
  const letters = [...text.trim()]
  if (letters.length === 0) return undefined
  return {
    strokes: letters.map((letter, index) =>
      [...letter.codePointAt(0)!.toString(2)].map((bit, step) => ({ x: index * 20 + step * 2, y: bit === '1' ? 0 : 20 })),
    ),
  }
}
