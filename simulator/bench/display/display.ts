/** The display of a reader as a picture: the words that stand on it now, as SVG and as PNG in the letters of receipts. */

import { LETTER, letterDots } from '../../../src/payment/receipt/font.ts'
import { Picture, png } from '../../../src/payment/receipt/picture.ts'
import type { ScreenState } from '../schema/types.ts'

/** Letters of one line, at least; a longer one makes the display wider. */
const WIDTH = 20
/** Lines, at least. */
const HEIGHT = 4
/** Dots around the words. */
const MARGIN = 4

interface Size {
  readonly columns: number
  readonly rows: number
}

function sizeOf({ lines }: ScreenState): Size {
  return { columns: Math.max(WIDTH, ...lines.map(line => [...line].length)), rows: Math.max(HEIGHT, lines.length) }
}

/** One bit a dot, `scale` dots a dot. A display that is off is dark. */
export function displayPng(screen: ScreenState, { scale, on }: { readonly scale: number; readonly on: boolean }): Uint8Array {
  const { columns, rows } = sizeOf(screen)
  const picture = new Picture((columns * LETTER.width + 2 * MARGIN) * scale, (rows * LETTER.height + 2 * MARGIN) * scale)
  if (!on) picture.fill(0, 0, picture.width, picture.height)
  for (const [row, line] of screen.lines.entries())
    for (const [column, letter] of [...line].entries())
      draw(picture, letter, MARGIN + column * LETTER.width, MARGIN + row * LETTER.height, scale)
  return png(picture)
}

function draw(picture: Picture, letter: string, left: number, top: number, scale: number): void {
  for (const [y, dots] of letterDots(letter).entries())
    for (let x = 0; x < LETTER.width; x++) if (dots & (0x80 >> x)) picture.fill((left + x) * scale, (top + y) * scale, scale, scale)
}

/** Text is text: it can be selected, searched and read aloud. */
export function displaySvg(screen: ScreenState, { scale, on }: { readonly scale: number; readonly on: boolean }): string {
  const { columns, rows } = sizeOf(screen)
  const [width, height] = [columns * LETTER.width + 2 * MARGIN, rows * LETTER.height + 2 * MARGIN]
  const size = `width="${width * scale}" height="${height * scale}" viewBox="0 0 ${width} ${height}"`
  const words = screen.lines.map((line, row) => {
    const [x, y] = [MARGIN, MARGIN + (row + 1) * LETTER.height - 3]
    // Every letter has its own place, whatever font is there.
    return `<text x="${x}" y="${y}" textLength="${[...line].length * LETTER.width}" lengthAdjust="spacingAndGlyphs">${escaped(line)}</text>`
  })
  const label = escaped(screen.lines.join(' / '))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="${label}">`,
    `<rect width="${width}" height="${height}" fill="${on ? '#dfe6d5' : '#1c1f1a'}"/>`,
    `<g font-family="monospace" font-size="12" fill="#101410" xml:space="preserve">${words.join('')}</g>`,
    '</svg>\n',
  ].join('\n')
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, char => `&#${char.charCodeAt(0)};`)
}
