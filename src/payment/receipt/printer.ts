/** Receipts for ESC/POS printers: rows as the printer's commands, with Cyrillic in code page 866, and their way over any Link. */

import ReceiptPrinterEncoder from '@point-of-sale/receipt-printer-encoder'
import * as door from '../../door.ts'
import { throwIfAborted } from '../../errors.ts'
import type { Link } from '../../transport/link.ts'
import { layout, type Row, type Width } from './print.ts'

/** What the printer is. */
export interface PrinterOptions {
  /** Characters in a line: 32 on paper of 58 mm, 48 on 80 mm (when left out). */
  readonly width?: Width
  /** Whose numbers of code pages (ESC t) the printer has; Epson's when left out, 17 for page 866. */
  readonly codepages?: 'epson' | 'bixolon' | 'citizen' | 'star' | 'sunmi' | 'xprinter'
  /** Left out: it is cut. */
  readonly cut?: boolean
}

/** What page 866 has not, as what it has. */
const instead: readonly (readonly [RegExp, string])[] = [[/[«»“”„]/g, '"'], [/[–—]/g, '-'], [/…/g, '...'], [/[‘’]/g, "'"], [/≡/g, '='], [/×/g, 'x'], [/₽/g, 'руб.']] // biome-ignore format: a table

/** The bytes of one receipt. */
export function escPos(rows: readonly Row[], options: PrinterOptions = {}): Uint8Array {
  door.need('rows', rows, door.listOf(door.object))
  door.need('options', options, door.object)
  const { width = 48, codepages = 'epson', cut = true } = options
  const encoder = new ReceiptPrinterEncoder({ language: 'esc-pos', columns: width, codepageMapping: codepages })
  encoder.initialize().codepage('cp866')
  for (const row of rows) {
    if (row.type === 'qr') {
      encoder
        .align('center')
        .qrcode(row.text, { errorlevel: 'm', size: width === 32 ? 4 : 6 })
        .align('left')
      continue
    }
    const strong = row.type === 'title' || row.type === 'strong' || (row.type === 'sum' && row.strong === true)
    if (strong) encoder.bold(true)
    for (const line of layout([row], width)) encoder.line(instead.reduce((text, [pattern, plain]) => text.replace(pattern, plain), line))
    if (strong) encoder.bold(false)
  }
  encoder.newline(3)
  if (cut) encoder.cut('partial')
  return encoder.encode().slice()
}

/**
 * Sends it in pieces that the link takes. The printer says nothing back. @throws Fault `link-closed`, `aborted`
 * @example
 * ```ts
 * import { connect, escPos, type PaymentResult, printOver, slipRows } from 'tapdip'
 *
 * async function print({ receipt }: PaymentResult) {
 *   const printer = await connect('tcp://192.168.1.20:9100')
 *   await printOver(printer, escPos(slipRows(receipt, 'ru', 'merchant'), { width: 32 }))
 *   await printer.close()
 * }
 * ```
 */
export async function printOver(link: Link, bytes: Uint8Array, { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
  door.need('link', link, door.linkRule)
  door.need('bytes', bytes, door.anyBytes)
  const piece = Math.min(link.mtu, 4096)
  for (let at = 0; at < bytes.length; at += piece) {
    throwIfAborted(signal)
    await link.send(bytes.subarray(at, at + piece))
  }
}
