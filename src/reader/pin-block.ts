/** The enciphered PIN of a reader whose protocol has no word for its format. */

import type { PinBlock } from '../emv/terminal.ts'

/** A block of AES: format 4, the only one of 16 bytes (ISO 9564-1:2017, 9.2). */
const AES_BLOCK = 16

/** By its length: 16 bytes are format 4, anything else is taken for format 0. Undefined where block or key serial number is missing or empty. */
export function pinBlockByLength(data: Uint8Array | undefined, ksn: Uint8Array | undefined): PinBlock | undefined {
  return data?.length && ksn?.length ? { format: data.length === AES_BLOCK ? 4 : 0, data, ksn } : undefined
}
