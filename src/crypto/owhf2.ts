/** One-way functions of Mastercard's integrated data storage, OWHF2 and OWHF2AES: the digest that lets an operator write to its slot (EMV Contactless Book C-2, 8.2 and 8.3). */

import { concat, xor } from '../bytes.ts'
import { Fault } from '../errors.ts'
import * as aes from './aes.ts'
import { ofLength } from './cryptogram.ts'
import * as des from './des.ts'

/** DS ID (9F5E, n 16–22), DS Requested Operator ID (9F5C, 8 bytes; zeros for a volatile slot), and what is digested (8 bytes). */
export interface Digested {
  readonly dsId: Uint8Array
  readonly operator: Uint8Array
  readonly input: Uint8Array
}

const MOST_DS_ID = 11

/** Two digits as a number, doubled: a byte of the data storage partial key. */
function doubled(byte: number): number {
  return ((byte >> 4) * 10 + (byte & 0x0f)) * 2
}

/** The data storage partial key: 6 bytes of the beginning of the DS ID, 6 of its end (8.2). */
export function dsPartialKey(dsId: Uint8Array): { readonly left: Uint8Array; readonly right: Uint8Array } {
  return { left: dsId.slice(0, 6).map(doubled), right: dsId.slice(-6).map(doubled) }
}

/** Data storage version 1: DES, by the partial key and the second half of the operator. 8 bytes. @throws Fault `bad-argument` */
export function owhf2({ dsId, operator, input }: Digested): Uint8Array {
  check({ dsId, operator, input })
  const { left, right } = dsPartialKey(dsId)
  const key = concat(left, operator.subarray(4, 6), right, operator.subarray(6, 8))
  return xor(des.encryptEcb(key, xor(operator, input)), input)
}

/** Data storage version 2: AES. 8 bytes. @throws Fault `bad-argument` */
export function owhf2Aes({ dsId, operator, input }: Digested): Uint8Array {
  check({ dsId, operator, input })
  const message = concat(input, operator)
  const key = concat(new Uint8Array(MOST_DS_ID - dsId.length), dsId, operator.subarray(4, 8), Uint8Array.of(0x3f))
  return xor(aes.encryptEcb(key, message), message).slice(0, 8)
}

function check({ dsId, operator, input }: Digested): void {
  if (dsId.length < 8 || dsId.length > MOST_DS_ID)
    throw new Fault('bad-argument', `DS ID (9F5E) has ${dsId.length} bytes, the rule is 8 to ${MOST_DS_ID}`, { length: dsId.length })
  ofLength(operator, 8, 'DS Requested Operator ID (9F5C)')
  ofLength(input, 8, 'DS Input (Term) (DF8109)')
}
