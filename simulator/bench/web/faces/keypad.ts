/** Keypads as rows of words: a dot is a gap, a word that is repeated is a wide key. */

import type { Key } from '../../../readers/body/keys.ts'
import type { Box, KeyPlace } from './face.ts'

/** `rows` laid out in `box`, `gap` millimetres between them. */
export function keypad([left, top, width, height]: Box, gap: number, rows: readonly string[]): readonly KeyPlace[] {
  const down = (height + gap) / rows.length
  return rows.flatMap((row, line) => {
    const words = row.split(' ')
    const across = (width + gap) / words.length
    const box = (from: number, count: number): Box => [left + from * across, top + line * down, count * across - gap, down - gap]
    return words.flatMap((word, at) => {
      if (word === '.' || word === words[at - 1]) return []
      const count = words.slice(at).findIndex(one => one !== word)
      return [{ key: word as Key, box: box(at, count < 0 ? words.length - at : count) }]
    })
  })
}
