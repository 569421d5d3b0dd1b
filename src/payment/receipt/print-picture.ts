/** Receipts as pictures: the rows of the paper in dots, with the QR code, and the signature where it was drawn on a screen. */

import * as door from '../../door.ts'
import { LETTER, letterDots } from './font.ts'
import { Picture } from './picture.ts'
import { layout, type Row, type Width } from './print.ts'
import { qrModules } from './qr-text.ts'
import { drawSignature, type Signature } from './signature.ts'

/** How a receipt is drawn. */
export interface PictureOptions {
  /** Characters in a line; 48 when left out. */
  readonly width?: Width
  /** Under the rows. */
  readonly signature?: Signature
}

const MARGIN = 12
/** Between lines. */
const LEADING = 3
const MODULE = 3
const PAD = { width: 240, height: 80 } as const

interface Part {
  readonly modules?: readonly (readonly boolean[])[]
  readonly lines: readonly string[]
  readonly strong: boolean
}

/** The rows of a receipt as a picture, as wide as the paper: for a screen, an e-mail or a messenger. */
export function receiptPicture(rows: readonly Row[], { width = 48, signature }: PictureOptions = {}): Picture {
  door.need('rows', rows, door.listOf(door.object))
  const pitch = LETTER.height + LEADING
  const parts = rows.map(
    (row): Part =>
      row.type === 'qr'
        ? { modules: qrModules(row.text), lines: [], strong: false }
        : { lines: layout([row], width), strong: isStrong(row) },
  )
  const heightOf = (part: Part) => (part.modules ? (part.modules.length + 8) * MODULE : part.lines.length * pitch)
  const height = parts.reduce((sum, part) => sum + heightOf(part), 2 * MARGIN + (signature ? PAD.height : 0))
  const picture = new Picture(width * LETTER.width + 2 * MARGIN, height)
  let top = MARGIN
  for (const part of parts) {
    if (part.modules) {
      const left = Math.floor((picture.width - part.modules.length * MODULE) / 2)
      for (const [y, line] of part.modules.entries())
        for (const [x, dark] of line.entries()) if (dark) picture.fill(left + x * MODULE, top + (y + 4) * MODULE, MODULE, MODULE)
    } else for (const [index, line] of part.lines.entries()) write(picture, line, MARGIN, top + index * pitch, part.strong)
    top += heightOf(part)
  }
  if (signature) drawSignature(picture, signature, { left: MARGIN, top, ...PAD })
  return picture
}

function isStrong(row: Row): boolean {
  return row.type === 'title' || row.type === 'strong' || (row.type === 'sum' && row.strong === true)
}

/** Strong letters are drawn twice, a dot apart. */
function write(picture: Picture, line: string, left: number, top: number, strong: boolean): void {
  for (const [column, letter] of [...line].entries())
    for (const [y, dots] of letterDots(letter).entries())
      for (let x = 0; x < LETTER.width; x++) {
        if (!(dots & (0x80 >> x))) continue
        const at = left + column * LETTER.width + x
        picture.dot(at, top + y)
        if (strong) picture.dot(at + 1, top + y)
      }
}
