/** "See phone": what a mobile card says about its holder's verification, and the message it leads to (EMV Contactless Book C-2, DF4B and DF8131). */

import { fromHex, uint } from '../../../bytes.ts'
import type { Kernel } from '../../steps/context.ts'
import type { ContactlessOutcome } from '../outcome.ts'
import { holdTime } from './data.ts'

/** Rows of mask (3), value (3), message (1), status (1); the first that matches wins. */
const defaultTable = fromHex('0000010000012000 0008000008002000 0004000004002000 0001000001002000 0002000002002000 0000000000000700')

/** The outcome that sends the holder to the phone, or undefined where the card asks for nothing of the kind. */
export function seePhone(
  kernel: Kernel,
  data: Pick<ContactlessOutcome, 'dataRecord' | 'discretionaryData'>,
): ContactlessOutcome | undefined {
  const information = kernel.data.card.get(0xdf4b)
  if (information?.length !== 3 || ((information[1] & 0x03) === 0 && (information[2] & 0x0f) === 0)) return undefined
  const table = kernel.data.terminal.get(0xdf8131) ?? defaultTable
  const value = uint(information)
  for (let at = 0; at + 8 <= table.length; at += 8) {
    // A bitwise AND of 24 bits is exact in 32.
    if ((value & uint(table.subarray(at, at + 3))) !== uint(table.subarray(at + 3, at + 6))) continue
    const message = table[at + 6]
    return {
      status: 'endApplication',
      start: 'B',
      uiOnOutcome: { message, status: 'notReady', hold: holdTime(kernel) },
      uiOnRestart: { message, status: 'readyToRead' },
      ...data,
    }
  }
  return undefined
}
