/** The keys in a virtual reader: those of tracks and data, those of the PIN pad where it has its own, and what leaves enciphered under them. */

import { DukptDevice } from '../../src/crypto/dukpt.ts'
import type { PinBlock } from '../../src/emv/terminal.ts'
import type { SwipedTracks } from '../../src/magstripe/swipe.ts'
import { type DukptKeys, dukptKeys, type InitialKey, pinBlock, type TransactionKey } from './pin-keys.ts'
import { encipherTrack } from './stripe.ts'

/** A swipe as it leaves the reader. */
export interface SealedSwipe {
  readonly type: 'sealed'
  /** Of the key of its tracks: 10 bytes. */
  readonly ksn: Uint8Array
  /** Where a PIN was typed. */
  readonly pinBlock?: PinBlock
  /** Whole blocks of TDES; undefined where the stripe has no such track. */
  readonly track1: Uint8Array | undefined
  readonly track2: Uint8Array | undefined
  readonly track3: Uint8Array | undefined
}

export class KeyStore {
  readonly #random: (length: number) => Uint8Array
  #dataKeys: DukptKeys
  /** The same, where PIN and data share their keys. */
  #pinKeys: DukptKeys

  /** @param pinPad of AES, where the PIN pad has keys of its own. @throws Fault `bad-key`, `bad-argument` */
  constructor({ ipek, ksn }: InitialKey, pinPad: InitialKey | undefined, random: (length: number) => Uint8Array) {
    this.#random = random
    this.#dataKeys = new DukptDevice(ipek, ksn)
    this.#pinKeys = pinPad ? dukptKeys(pinPad) : this.#dataKeys
  }

  /** New ones of triple DES for all of it. @throws Fault `bad-key`, `bad-argument` */
  load(ipek: Uint8Array, ksn: Uint8Array): void {
    this.#dataKeys = new DukptDevice(ipek, ksn)
    this.#pinKeys = this.#dataKeys
  }

  /** Uses up one key of tracks and data. @throws Fault `bad-key` when none is left */
  next(): TransactionKey {
    return this.#dataKeys.next()
  }

  /** The key serial number of the next online PIN; undefined when the keys are used up. */
  get pinKsn(): Uint8Array | undefined {
    return this.#pinKeys.ksn
  }

  /** No PIN can be enciphered any more. */
  get pinExhausted(): boolean {
    return this.#pinKeys.exhausted
  }

  /** Enciphers and wipes the digits. @throws Fault `bad-key` when no key is left */
  pinBlock(digits: Uint8Array, pan: string): PinBlock {
    return pinBlock(digits, pan, this.#pinKeys.next(), this.#random)
  }

  /** Tracks and PIN block under variants of one key (X9.24-1:2009, A.4.1), where the PIN pad has no keys of its own. @throws Fault `bad-key` */
  seal(tracks: SwipedTracks, typed: { readonly digits: Uint8Array; readonly pan: string } | undefined): SealedSwipe {
    const key = this.#dataKeys.next()
    const own = this.#pinKeys === this.#dataKeys ? key : undefined
    return {
      type: 'sealed',
      ksn: key.ksn,
      ...(typed && { pinBlock: pinBlock(typed.digits, typed.pan, own ?? this.#pinKeys.next(), this.#random) }),
      track1: encipherTrack(tracks.track1, key.key),
      track2: encipherTrack(tracks.track2, key.key),
      track3: encipherTrack(tracks.track3, key.key),
    }
  }
}
