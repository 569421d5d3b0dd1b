/** T=0 on the wire: a short command APDU as header, procedure bytes and data (EMV 4.4 Book 1, 9.2.2 and 9.3.1; ISO/IEC 7816-3, 10.3). */

import { concat } from '../bytes.ts'
import { Fault } from '../errors.ts'
import { decodeCommand } from './apdu.ts'
import type { Transmitter } from './exchange.ts'

/** Sends bytes to the card and resolves with all that it sends until it waits for the terminal again; no bytes to send means: go on receiving. */
export type TpduLine = (bytes: Uint8Array, options?: { signal?: AbortSignal }) => Promise<Uint8Array>

/** Procedure byte NULL: the card needs more time. A card that sends more of them than this in one command is stuck. */
const MAX_NULLS = 1000

/**
 * A Transmitter over a reader that only carries T=0 bytes. It does the procedure bytes and leaves 61xx and 6Cxx to `exchange`; what T=0 cannot
 * say (the Le of a case 4 command) is left out, as ISO/IEC 7816-3, 12.2.1 maps it.
 */
export function tpduCard(line: TpduLine): Transmitter {
  return { transmit: (apdu, options) => transmit(line, apdu, options) }
}

async function transmit(line: TpduLine, apdu: Uint8Array, options: { signal?: AbortSignal } | undefined): Promise<Uint8Array> {
  const { cla, ins, p1, p2, data = new Uint8Array(0), le } = decodeCommand(apdu)
  const header = Uint8Array.of(cla, ins, p1, p2, data.length > 0 ? data.length : (le ?? 0))
  const due = data.length === 0 && le !== undefined
  const received: Uint8Array[] = []
  let sent = 0
  let nulls = 0
  let buffer = await line(header, options)
  for (;;) {
    if (buffer.length === 0) throw new Fault('card-mute', 'card sent no procedure byte')
    const procedure = buffer[0]
    const single = procedure === (ins ^ 0xff)
    if (procedure === 0x60) {
      if (++nulls > MAX_NULLS) throw new Fault('card-mute', `card sent more than ${MAX_NULLS} NULL procedure bytes`)
      buffer = buffer.length > 1 ? buffer.subarray(1) : await line(new Uint8Array(0), options)
    } else if (procedure === ins || single) {
      buffer = buffer.subarray(1)
      if (sent < data.length) {
        const next = data.subarray(sent, single ? sent + 1 : data.length)
        sent += next.length
        buffer = await line(next, options)
      } else {
        // The line delivers whole bursts, so their end is where the data end: cards are met that send less, and more, than P3 says (docs/decisions.md).
        const length = single ? Math.min(1, buffer.length) : buffer.length - 2
        if (length <= 0 || !due) throw new Fault('apdu', 'card acknowledges, but data is neither due to it nor sent by it', { ins })
        received.push(buffer.subarray(0, length))
        if (received.length > 256) throw new Fault('apdu', 'card sends more than 256 bytes', { ins })
        buffer = buffer.length > length ? buffer.subarray(length) : await line(new Uint8Array(0), options)
      }
    } else if (procedure >> 4 === 6 || procedure >> 4 === 9) {
      if (buffer.length < 2) throw new Fault('card-mute', 'card sent SW1 without SW2')
      if (buffer.length > 2) throw new Fault('apdu', `${buffer.length - 2} bytes after the status bytes`, { ins })
      return concat(...received, buffer)
    } else throw new Fault('apdu', `${procedure.toString(16).toUpperCase().padStart(2, '0')} is no procedure byte`, { ins })
  }
}
