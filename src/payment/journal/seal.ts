/** Card data that must outlive the process, enciphered with the app's key: AES-256-GCM, bound to the payment it belongs to. Node only. */

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { concat, fromText } from '../../bytes.ts'
import { Fault } from '../../errors.ts'
import type { AuthorisationMessage } from '../acquirer.ts'
import { decodeMessage, encodeMessage } from '../host/wire.ts'

const NONCE = 12
const TAG = 16

/** @throws Fault `bad-key` when it has not 32 bytes */
export function sealer(key: Uint8Array) {
  if (key.length !== 32) throw new Fault('bad-key', `the journal's key has ${key.length} bytes, it takes 32`)
  const secret = Uint8Array.from(key)
  return {
    /** Nonce, cipher text, tag. `owner`, the entry's key, is authenticated: a sealed message moved to another entry does not open. */
    seal(message: AuthorisationMessage, owner: string): Uint8Array {
      const nonce = randomBytes(NONCE)
      const cipher = createCipheriv('aes-256-gcm', secret, nonce).setAAD(fromText(owner))
      return concat(nonce, cipher.update(JSON.stringify(encodeMessage(message)), 'utf8'), cipher.final(), cipher.getAuthTag())
    },
    /** @throws Fault `bad-key` when it was sealed with another key, for another entry, or is damaged */
    open(sealed: Uint8Array, owner: string): AuthorisationMessage {
      try {
        const decipher = createDecipheriv('aes-256-gcm', secret, sealed.subarray(0, NONCE)).setAAD(fromText(owner))
        decipher.setAuthTag(sealed.subarray(-TAG))
        const clear = decipher.update(sealed.subarray(NONCE, -TAG), undefined, 'utf8') + decipher.final('utf8')
        return decodeMessage(JSON.parse(clear))
      } catch (cause) {
        throw new Fault('bad-key', `what is kept of payment ${owner} does not open with the journal's key`, { key: owner }, { cause })
      }
    },
  }
}

export type Sealer = ReturnType<typeof sealer>
