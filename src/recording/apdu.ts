/** Commands to a card, and its answers, for recordings: by the data objects of EMV, and by where a PIN stands. */

import { kernelDictionaries } from '../tlv/kernels.ts'
import { isSensitive, tagInfo } from '../tlv/tags.ts'
import type { Cursor } from './cursor.ts'
import { byTag, type Vendor } from './tlv.ts'

/** SELECT, READ RECORD, GET DATA, GET RESPONSE: what is asked for is in the command, and the same every time. */
const asking: readonly number[] = [0xa4, 0xb2, 0xca, 0xc0]
/** GET PROCESSING OPTIONS, GENERATE AC, INTERNAL and EXTERNAL AUTHENTICATE, COMPUTE CRYPTOGRAPHIC CHECKSUM, EXCHANGE RELAY RESISTANCE DATA: the terminal's data of this session. */
const telling: readonly number[] = [0xa8, 0xae, 0x88, 0x82, 0x2a, 0xea]
const GENERATE_AC = 0xae
/** Request for a combined signature, in P1. */
const SIGNED = 0x10

/** A command; one byte, or nothing, is a signal of the line. */
export function editCommand(cursor: Cursor): void {
  if (cursor.left < 4) return void (cursor.left > 0 && cursor.rest('plain'))
  const [, ins] = cursor.take(2, 'plain')
  if (ins === GENERATE_AC) {
    // Whether the answer is to be signed follows from what the terminal could check; which cryptogram is asked for must be the same.
    const place = cursor.skip(1)
    cursor.tell('plain', Uint8Array.of(place[0] & ~SIGNED))
    cursor.take(1, 'plain')
  } else cursor.take(2, 'plain')
  if (cursor.left === 0) return
  if (asking.includes(ins)) cursor.rest('plain')
  else if (telling.includes(ins)) cursor.rest('free')
  else {
    // A PIN, or a script with one; the length before it is none.
    cursor.skip(1)
    if (cursor.left > 0) cursor.rest('secret')
  }
}

/** Templates of an answer; anything else that is not known for a number of the card is hidden. */
const templates: readonly number[] = [0x6f, 0x70, 0x77, 0x9f, 0x5f]
const FORMAT_1 = 0x80
/** Objects that only one contactless kernel knows by this tag: as well known as those of EMV, where they hold no number. */
const vendor: Vendor = byTag({
  plain: [
    FORMAT_1,
    ...Object.values(kernelDictionaries).flatMap(words => [...words.keys()].filter(tag => !tagInfo(tag) && !isSensitive(tag))),
  ],
})

export function editResponse(cursor: Cursor): void {
  const length = cursor.left - 2
  if (length < 0) return void cursor.rest('plain')
  const first = cursor.bytes[cursor.at]
  if (length === 0) return void cursor.rest('plain')
  if (templates.includes(first)) cursor.tlv(length, { vendor })
  else if (first === FORMAT_1 || length <= 8) cursor.take(length, 'plain')
  // An ATR begins with the convention of its bits, and is no answer to a command.
  else cursor.take(length, first === 0x3b || first === 0x3f ? 'plain' : 'secret')
  cursor.rest('plain')
}
