/** The faces of the readers: what each shows and where a hand reaches it, compared with golden pictures. `UPDATE_FACES=1` draws these anew: look at them. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Face } from '../../../../simulator/bench/web/faces/face.ts'
import { CARD } from '../../../../simulator/bench/web/faces/face.ts'
import { faceOf, faces } from '../../../../simulator/bench/web/faces/faces.ts'
import { fitted } from '../../../../simulator/bench/web/faces/fit.ts'
import { keys } from '../../../../simulator/readers/body/keys.ts'
import { virtualFamilies } from '../../../../simulator/readers/index.ts'
import { readerMessages } from '../../../../src/messages/reader.ts'
import { drawn, shownBy } from './face-drawn.ts'

const golden = join(import.meta.dirname, 'golden')
/** So that a picture can be opened as it lies there. */
const style = '<?xml-stylesheet href="../../../../../simulator/bench/web/style/face.css"?>'
/** A line for each element: a difference is seen. */
const text = async (face: Face, shown: object) => `${style}\n${(await drawn(face, shown)).replaceAll('><', '>\n<')}\n`

describe('faces', () => {
  it('every family and dialect that can be virtual has a face of its own', () => {
    const each = Object.entries(virtualFamilies).flatMap(([family, { dialects }]) =>
      (dialects ?? [undefined]).map(dialect => faceOf({ family, dialect })),
    )
    expect(new Set(each).size).toBe(each.length)
    expect(each).not.toContain('slot')
    expect(faceOf({ family: 'magtek', dialect: 'mms', model: 'DynaFlex II Go' })).toBe('dynaflex-go')
    expect(faceOf({ family: 'pcsc' })).toBe('slot')
  })

  it.each(Object.entries(faces) as [string, Face][])('%s: nothing overlaps or hangs out, a card fits into the slot', (_, face) => {
    const { width, height, display, slot, keys: pad } = face
    const boxes = [...(display ? [display.box] : []), ...pad.map(({ box }) => box)]
    for (const [x, y, wide, high] of boxes) {
      expect(x).toBeGreaterThanOrEqual(0)
      expect(y).toBeGreaterThanOrEqual(0)
      expect(x + wide).toBeLessThanOrEqual(width)
      expect(y + high).toBeLessThanOrEqual(height)
    }
    for (const [at, [x, y, wide, high]] of boxes.entries())
      for (const [left, top, across, down] of boxes.slice(at + 1))
        expect(x + wide <= left + 0.01 || left + across <= x + 0.01 || y + high <= top + 0.01 || top + down <= y + 0.01).toBe(true)
    if (slot) expect(slot.width).toBeGreaterThanOrEqual(CARD.short)
    if (pad.length > 0) expect(new Set(pad.map(({ key }) => key))).toEqual(new Set(keys))
  })

  it.each(Object.entries(faces) as [string, Face][])('%s: every message of the display fits, in both languages', (_, { display }) => {
    if (!display) return
    const [, , width, height] = display.box
    for (const text of Object.values(readerMessages).flat()) {
      const { size, lines } = fitted([text, '2 500.00 RUB', '****'], display.box, display.columns)
      expect(size).toBeGreaterThan(2)
      for (const line of lines) expect(line.text.length * size * 0.6).toBeLessThanOrEqual(width)
      expect(lines.length * size * 1.28).toBeLessThanOrEqual(height)
      expect(lines.map(one => one.text).join(' ')).toBe(`${text} 2 500.00 RUB ****`)
    }
  })

  it.each(Object.entries(faces) as [string, Face][])('%s looks as it did', async (name, face) => {
    mkdirSync(golden, { recursive: true })
    for (const [what, shown] of shownBy(face)) {
      const file = join(golden, `${name}-${what}.svg`)
      const svg = await text(face, shown)
      if (process.env.UPDATE_FACES) writeFileSync(file, svg)
      expect(svg).toBe(readFileSync(file, 'utf8'))
    }
  })
})
