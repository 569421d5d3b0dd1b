/** VERIFY, plaintext and enciphered, and GET CHALLENGE of a virtual card. */

import { equal, hex } from '../../../src/bytes.ts'
import { rsaPrivate } from '../../keys.ts'
import { type Answer, type CardCommand, ok, refuse, SW } from '../command.ts'
import type { Session } from './run.ts'

/** Book 3, 6.5.6: 8 bytes, good for the next command only. */
export function getChallenge(session: Session): Answer {
  session.challenge = session.random(8)
  return ok(session.challenge)
}

/** Book 3, 6.5.12. P2 80: the PIN block; 88: the block enciphered for the card's key (Book 2, 7.2). */
export function verify(session: Session, { p2, data }: CardCommand): Answer {
  const { pin } = session.memory
  if (session.selected.type !== 'application' || session.run?.phase !== 'initiated') return refuse(SW.conditions)
  if (!pin) return refuse(SW.pinNotUsable)
  if (pin.triesLeft === 0) return refuse(SW.pinBlocked)
  let block = data
  if (p2 === 0x88) {
    const key = session.selected.application.image.pinKey
    if (!key || !session.challenge) return refuse(SW.pinNotUsable)
    if (data.length !== key.modulus.length) return refuse(SW.wrongLength)
    const clear = decipher(() => rsaPrivate(key, data))
    // A block that does not decipher costs no try: nothing was learnt about the PIN.
    if (clear?.[0] !== 0x7f || !equal(clear.subarray(9, 17), session.challenge)) return refuse(SW.pinNotUsable)
    block = clear.subarray(1, 9)
  } else if (data.length !== 8) return refuse(SW.wrongLength)
  const right = hex(block) === `2${pin.digits.length.toString(16)}${pin.digits}`.toUpperCase().padEnd(16, 'F')
  session.run.pin = { right, enciphered: p2 === 0x88 }
  pin.triesLeft = right ? pin.tryLimit : pin.triesLeft - 1
  return right ? ok() : refuse(0x63c0 | pin.triesLeft)
}

function decipher(make: () => Uint8Array): Uint8Array | undefined {
  try {
    return make()
  } catch {
    return undefined // not below the modulus
  }
}
