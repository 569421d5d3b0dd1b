/** Online PINs at the card's bank: the block is opened with the key of the PIN pad, and compared. */

import { decryptEcb } from '../../../src/crypto/des.ts'
import { initialKey, pinKey, transactionKey } from '../../../src/crypto/dukpt.ts'
import { aesInitialKey, aesTransactionKey, aesWorkingKey } from '../../../src/crypto/dukpt-aes.ts'
import { decipherFormat4, decodeFormat0, decodeFormat3 } from '../../../src/crypto/pin.ts'
import type { PinBlock } from '../../../src/emv/terminal.ts'
import { isFault } from '../../../src/errors.ts'
import type { Account } from './accounts.ts'
import type { Check } from './verdict.ts'

/** Base derivation keys of the PIN pads: of triple DES, and of AES. */
export interface PinPadKeys {
  readonly pinBdk: Uint8Array
  readonly pinAesBdk: Uint8Array
}

export function checkPin(keys: PinPadKeys, { facts: { pan, pin } }: Account, block: PinBlock): Check {
  if (pin === undefined) return 'wrong'
  return typedPin(keys, pan, block) === pin ? 'right' : 'wrong'
}

/** A PIN comes out of the block, right or wrong. */
export function isPin(keys: PinPadKeys, pan: string, block: PinBlock): boolean {
  return (typedPin(keys, pan, block) ?? '').length > 0
}

/** Undefined where no PIN comes out: another key, PAN or format. */
function typedPin(keys: PinPadKeys, pan: string, block: PinBlock): string | undefined {
  try {
    return Array.from(clearPin(keys, pan, block)).join('')
  } catch (error) {
    if (isFault(error, 'bad-argument', 'bad-key')) return undefined
    throw error
  }
}

function clearPin({ pinBdk, pinAesBdk }: PinPadKeys, pan: string, { format, data, ksn }: PinBlock): Uint8Array {
  if (format === 4) {
    const transaction = aesTransactionKey(aesInitialKey(pinAesBdk, ksn.subarray(0, 8)), ksn)
    return decipherFormat4(aesWorkingKey(transaction, ksn, 'pinEncryption'), data, pan)
  }
  const clear = decryptEcb(pinKey(transactionKey(initialKey(pinBdk, ksn), ksn)), data)
  return format === 0 ? decodeFormat0(clear, pan) : decodeFormat3(clear, pan)
}
