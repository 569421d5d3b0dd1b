/** 61-01, by which a reader without a display asks its host to show something, or to let the cardholder choose. */

import { concat, fromText, text } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import { MAX_DATA } from './codec-frame.ts'

export const displayModes = { menu: 0x01, functionKey: 0x02, show: 0x03, languageMenu: 0x08, clear: 0x10 } as const

/** A line is text, or the number of a message in ID TECH's own table. */
export interface MenuLine {
  readonly line: number
  readonly message: string | number
}

/** NEO 2 IDG, 8.4.25. */
export interface Lcd {
  /** One of `displayModes`, or another. */
  readonly mode: number
  /** Seconds, where a key is waited for. */
  readonly timeout?: number
  /** `EN`. */
  readonly language: string
  readonly lines: readonly MenuLine[]
  /** Seconds, or FFFF for always. */
  readonly backlight?: number
}

const SEPARATOR = 0x1c

function lengthFirst(value: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(value.length & 0xff, value.length >> 8), value)
}

function seconds(value: number | undefined): Uint8Array {
  return lengthFirst(value === undefined ? new Uint8Array(0) : Uint8Array.of(value & 0xff, value >> 8))
}

export function encodeLcd({ mode, timeout, language, lines, backlight }: Lcd): Uint8Array {
  if (mode === displayModes.clear) return Uint8Array.of(mode)
  const control = lines.map(({ line, message }) =>
    typeof message === 'number'
      ? Uint8Array.of(0x80 | line, message, SEPARATOR)
      : concat(Uint8Array.of(line), fromText(message), Uint8Array.of(SEPARATOR)),
  )
  const text = lengthFirst(fromText(language))
  return concat(Uint8Array.of(mode), seconds(timeout), text, lengthFirst(concat(...control)), seconds(backlight))
}

/** @throws Fault `protocol` */
export function decodeLcd(data: Uint8Array): Lcd {
  const [mode] = data
  if (mode === undefined) throw new Fault('protocol', 'display request: it is empty')
  if (data.length > MAX_DATA)
    throw new Fault('protocol', `display request: it has ${data.length} bytes, a frame carries ${MAX_DATA}`, {
      length: data.length,
      limit: MAX_DATA,
    })
  let at = 1
  const next = (field: string): Uint8Array => {
    if (at === data.length) return new Uint8Array(0)
    const length = data[at] | ((data[at + 1] ?? 0) << 8)
    const value = data.slice(at + 2, at + 2 + length)
    if (data.length - at < 2 || value.length < length) throw new Fault('protocol', `display request: ${field} is cut off`, { field })
    at += 2 + length
    return value
  }
  const time = (field: string) => {
    const [low, high = 0] = next(field)
    return low === undefined ? undefined : low | (high << 8)
  }
  const timeout = time('timeout')
  const language = text(next('language'))
  const control = next('lines')
  const lines: MenuLine[] = []
  for (let from = 0; from < control.length; ) {
    const found = control.indexOf(SEPARATOR, from + ((control[from] & 0x80) !== 0 ? 2 : 1))
    const end = found < 0 ? control.length : found
    const message = control.subarray(from + 1, end)
    lines.push({ line: control[from] & 0x7f, message: control[from] & 0x80 ? (message[0] ?? 0) : text(message) })
    from = end + 1
  }
  const backlight = time('backlight')
  return { mode, ...(timeout !== undefined && { timeout }), language, lines, ...(backlight !== undefined && { backlight }) }
}

/** The host's choice in a menu: mode, then the line in a field with its length. Assumed: the guide's page on the answer was not seen. */
export function encodeMenuChoice(line: number | undefined): Uint8Array {
  return concat(Uint8Array.of(displayModes.menu), lengthFirst(line === undefined ? new Uint8Array(0) : Uint8Array.of(line)))
}

/** Undefined where nothing was chosen. @throws Fault `protocol` */
export function decodeMenuChoice(data: Uint8Array): number | undefined {
  if (data.length < 3) throw new Fault('protocol', 'choice in a menu: it is cut off')
  return data[3]
}
