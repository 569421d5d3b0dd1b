/** Command and response over a card: 61xx fetched with GET RESPONSE, 6Cxx sent again with the exact length (EMV 4.4 Book 1, 9.3.1). */

import { concat } from '../bytes.ts'
import { Fault, throwIfAborted } from '../errors.ts'
import { type Command, decodeResponse, encodeCommand, type Response } from './apdu.ts'

/** What sends one short command APDU and resolves with the response: a Card, or anything shaped like one. */
export interface Transmitter {
  transmit(apdu: Uint8Array, options?: { signal?: AbortSignal }): Promise<Uint8Array>
}

/** A card that chains more than this is not answering but looping. */
const MAX_ROUNDS = 64

/**
 * Sends a command and collects its whole response.
 *
 * | Status | What is done (EMV 4.4 Book 1, 9.3.1 and Annex A; ISO/IEC 7816-4, 5.3.4) |
 * |---|---|
 * | `61xx` | GET RESPONSE for xx bytes, data concatenated, until another status comes |
 * | `6Cxx` | the command again with Le = xx, once for each command sent |
 * | `62xx`, `63xx` without data, to a case 4 command | GET RESPONSE with Le = 00; the status reported is the warning |
 *
 * `63Cx` is a counter with nothing to fetch and is reported as it is. `6283` has the FCI of a blocked application behind it, which selection needs to
 * tell a whole name from a partial one (Book 1, 12.3.3 step 3). A failing GET RESPONSE after a warning leaves the warning without data.
 * @throws Fault `apdu` when the response is no response or never ends, and what `transmit` throws
 */
export async function exchange(card: Transmitter, command: Command, options: { signal?: AbortSignal } = {}): Promise<Response> {
  const parts: Uint8Array[] = []
  let warning: number | undefined
  let pending = command
  let corrected = false
  for (let round = 0; round < MAX_ROUNDS; round++) {
    throwIfAborted(options.signal)
    const { data, sw } = decodeResponse(await card.transmit(encodeCommand(pending), options))
    const sw1 = sw >> 8
    const fetching = pending !== command && pending.ins === GET_RESPONSE.ins
    if (sw1 === 0x6c && !corrected) {
      pending = { ...pending, le: sw & 0xff }
      corrected = true
      continue
    }
    corrected = false
    parts.push(data)
    if (sw1 === 0x61) {
      pending = { ...GET_RESPONSE, le: sw & 0xff }
      continue
    }
    if (isFetchableWarning(sw) && !fetching && data.length === 0 && command.data?.length && command.le !== undefined) {
      warning = sw
      pending = { ...GET_RESPONSE, le: 0 }
      continue
    }
    if (warning !== undefined && fetching && sw !== 0x9000 && sw1 !== 0x62 && sw1 !== 0x63) return { data: new Uint8Array(0), sw: warning }
    return { data: parts.length === 1 ? parts[0] : concat(...parts), sw: warning ?? sw }
  }
  throw new Fault('apdu', `card chains more than ${MAX_ROUNDS} responses to one command`, { ins: command.ins })
}

/** ISO/IEC 7816-4, 7.6.1; the class is 00 as in EMV 4.4 Book 1, 9.3.1.3. */
const GET_RESPONSE: Command = { cla: 0x00, ins: 0xc0, p1: 0x00, p2: 0x00 }

function isFetchableWarning(sw: number): boolean {
  return sw >> 8 === 0x62 || (sw >> 8 === 0x63 && (sw & 0xf0) !== 0xc0)
}
