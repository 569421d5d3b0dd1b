/** Words on a display: broken into lines that it holds, in the largest letters that fit. */

import type { Box } from './face.ts'

/** Of a letter of the display, in parts of its height. */
const [ADVANCE, LEADING] = [0.6, 1.28]

function broken(line: string, columns: number): readonly string[] {
  if (line.length <= columns) return [line]
  const lines: string[] = []
  let open = ''
  for (const word of line.split(' ')) {
    for (let rest = word; rest !== ''; rest = rest.slice(columns)) {
      const part = rest.slice(0, columns)
      if (open === '') open = part
      else if (open.length + 1 + part.length <= columns) open += ` ${part}`
      else {
        lines.push(open)
        open = part
      }
    }
  }
  return open === '' ? lines : [...lines, open]
}

/** Lines with the height of their letters, and where the first one stands: all in the units of `box`. */
export function fitted(
  lines: readonly string[],
  [x, y, width, height]: Box,
  columns: number,
): { readonly size: number; readonly lines: readonly { readonly text: string; readonly x: number; readonly y: number }[] } {
  const all = lines.flatMap(line => broken(line.trim(), columns))
  const widest = Math.max(columns * 0.72, ...all.map(line => line.length))
  const size = Math.min((width * 0.94) / (widest * ADVANCE), (height * 0.92) / (Math.max(3, all.length) * LEADING))
  const top = y + (height - all.length * size * LEADING) / 2
  return { size, lines: all.map((text, at) => ({ text, x: x + width / 2, y: top + (at + 0.78) * size * LEADING })) }
}
