/** A line of vpcd for recordings: commands to a card and its answers, by the data objects in them. */

import { concat, uint } from '../../src/bytes.ts'
import { editCommand, editResponse } from '../../src/recording/apdu.ts'
import { cursorOver } from '../../src/recording/cursor.ts'
import type { Dissector } from '../../src/recording/dissector.ts'
import { device } from './codec.ts'

const HEAD = 2

/** A length is believed: there is nothing else to tell a message by. */
export const dissector: Dissector = {
  queries: [],
  length(bytes) {
    if (bytes.length < HEAD) return 0
    const total = HEAD + uint(bytes.subarray(0, HEAD))
    return bytes.length < total ? 0 : total
  },
  name(unit, direction) {
    if (direction === 'in') return 'answer'
    const [message] = device.decoder().push(unit)
    if (message?.type !== 'apdu') return message?.type === 'control' ? message.control : message?.type
    return commandName(message.apdu)
  },
  edit(unit, direction, edit) {
    const body = unit.slice(HEAD)
    const data = cursorOver(body, edit, direction === 'out' ? editCommand : editResponse)
    return data && concat(unit.subarray(0, HEAD), data)
  },
}

/** Instructions of EMV 4.4 Book 3, 6.5 and Book 1, 11. */
const names: ReadonlyMap<number, string> = new Map([
  [0xa4, 'SELECT'],
  [0xb2, 'READ RECORD'],
  [0xa8, 'GET PROCESSING OPTIONS'],
  [0xae, 'GENERATE AC'],
  [0xca, 'GET DATA'],
  [0x84, 'GET CHALLENGE'],
  [0x20, 'VERIFY'],
  [0x88, 'INTERNAL AUTHENTICATE'],
  [0x82, 'EXTERNAL AUTHENTICATE'],
  [0xc0, 'GET RESPONSE'],
  [0x2a, 'COMPUTE CRYPTOGRAPHIC CHECKSUM'],
])

function commandName(apdu: Uint8Array): string {
  return names.get(apdu[1]) ?? 'command'
}
