/** A QR code as modules and as text for a terminal. The symbol itself (ISO/IEC 18004) is made by `qrcode-generator`: small, without dependencies, and long kept. */

import qrcode from 'qrcode-generator'
import * as door from '../../door.ts'
import { Fault } from '../../errors.ts'

/** Dark modules by row, without the quiet zone. Error correction M, as for codes on screens. @throws Fault `bad-argument` when the text fits no symbol */
export function qrModules(text: string): readonly (readonly boolean[])[] {
  door.need('text', text, door.anyText)
  const code = qrcode(0, 'M')
  // The library takes one character for one byte.
  code.addData(Array.from(new TextEncoder().encode(text), byte => String.fromCharCode(byte)).join(''), 'Byte')
  try {
    code.make()
  } catch (cause) {
    throw new Fault('bad-argument', `${text.length} characters fit no QR code`, { field: 'text' }, { cause })
  }
  const indices = [...Array(code.getModuleCount()).keys()]
  return indices.map(row => indices.map(column => code.isDark(row, column)))
}

/** Two rows in a line of half blocks, light on dark as terminals are, with the quiet zone of four modules that scanners need. */
export function qrText(text: string): string[] {
  door.need('text', text, door.anyText)
  const modules = qrModules(text)
  const quiet = 4
  const light = (row: number, column: number) => !modules[row - quiet]?.[column - quiet]
  const width = modules.length + 2 * quiet
  const lines: string[] = []
  for (let row = 0; row < width; row += 2) {
    const line = [...Array(width).keys()].map(column => {
      const [upper, lower] = [light(row, column), row + 1 < width && light(row + 1, column)]
      return upper ? (lower ? '█' : '▀') : lower ? '▄' : ' '
    })
    lines.push(line.join(''))
  }
  return lines
}
