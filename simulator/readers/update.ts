/** New firmware in a virtual reader: an image of ours that is checked before anything is erased, taken block by block, and whole or not there at all. */

import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { concat, equal, fromHex, fromText, fromUint, text, uint } from '../../src/bytes.ts'
import type { Clock } from '../../src/clock.ts'
import { sleep } from '../../src/clock.ts'
import { Fault } from '../../src/errors.ts'

/** TEST KEY, Ed25519 in PKCS #8: whoever reads this can make firmware for the virtual readers. */
const seed = createHash('sha256').update('tapdip: TEST KEY for the firmware of virtual readers').digest()
const signingKey = createPrivateKey({
  key: Buffer.concat([fromHex('302E020100300506032B657004220420'), seed]),
  format: 'der',
  type: 'pkcs8',
})
const checkingKey = createPublicKey(signingKey)

const MAGIC = 'TAPDIPFW'
const SIGNATURE = 64
/** Magic 8 · family 8 and version 16, padded with spaces · length of the body 4 · SHA-256 of the body 32 · Ed25519 signature of all that 64. */
export const HEAD_LENGTH = 8 + 8 + 16 + 4 + 32 + SIGNATURE

export interface TestImage {
  readonly family: string
  readonly version: string
  /** Bytes of the body; 4096 when left out. */
  readonly size?: number
  /** False: the signature is another's. */
  readonly signed?: boolean
}

/** Head and body of an image for the virtual readers; each family wraps both in its own messages. The format is ours: no vendor's is public. */
export function testImage({ family, version, size = 4096, signed = true }: TestImage): {
  readonly head: Uint8Array
  readonly body: Uint8Array
} {
  const body = Uint8Array.from({ length: size }, (_, at) => (at * 31 + version.length) & 0xff)
  const digest = new Uint8Array(createHash('sha256').update(body).digest())
  const told = concat(fromText(MAGIC + family.padEnd(8) + version.padEnd(16)), fromUint(size, 4), digest)
  const signature = new Uint8Array(sign(null, told, signingKey))
  if (!signed) signature[0] ^= 1
  return { head: concat(told, signature), body }
}

export interface UpdateBayOptions {
  readonly family: string
  readonly version: string
  readonly clock: Clock
  /** Milliseconds that the reader works on each block; 0 when left out. A slow, mandatory update: 20 minutes over all of them. */
  readonly blockTime?: number | undefined
  /** Throws when no image may be begun now: the battery is too low. */
  readonly ready?: (() => void) | undefined
  /** Takes the power away; without it the update cannot be cut. */
  readonly cut?: (() => void) | undefined
}

/** Where the next update comes to nothing: once. */
export interface UpdateFailure {
  /** Of the image's body, 0 to 100: so much of it is written. */
  readonly percent: number
  /** `error`: the memory takes no more, and the reader says so; `cut`: the power is gone. */
  readonly how: 'error' | 'cut'
}

interface Taking {
  readonly head: Uint8Array
  readonly version: string
  readonly body: Uint8Array
  have: number
}

/** The firmware of one reader. It outlives links and power cuts: what was interrupted is known, and is taken up again where it stopped. */
export class UpdateBay {
  /** A knob. */
  failure: UpdateFailure | undefined
  readonly #options: UpdateBayOptions
  #version: string
  #taking: Taking | undefined

  constructor(options: UpdateBayOptions) {
    this.#options = options
    this.#version = options.version
  }

  /** What runs now; while an image is half there, still the number of the old one, of which only the loader is left. */
  get version(): string {
    return this.#version
  }

  /** As if it had left the factory with this version. @throws Fault `bad-argument` beyond 16 characters */
  install(version: string): void {
    if (!/^[\x21-\x7e]{1,16}$/.test(version))
      throw new Fault('bad-argument', `version '${version}': the rule is 1 to 16 printable characters`, { field: 'version' })
    this.#version = version
    this.#taking = undefined
  }

  /** An image was begun and is not whole: the reader pays no more until it is. */
  get needed(): boolean {
    return this.#taking !== undefined
  }

  /** Bytes of the body that are there; where a second try goes on. */
  get have(): number {
    return this.#taking?.have ?? 0
  }

  /**
   * Checks the head; nothing is erased when it is refused. The same head as of an image that was interrupted goes on where that stopped.
   * @throws Fault `bad-argument` with details.rule `magic`, `family`, `signature`; `low-battery` from `ready`
   */
  begin(head: Uint8Array): void {
    const refuse = (rule: string, why: string): never => {
      throw new Fault('bad-argument', `the firmware image is refused: ${why}`, { field: 'image', rule })
    }
    this.#options.ready?.()
    if (head.length !== HEAD_LENGTH || text(head.subarray(0, 8)) !== MAGIC) refuse('magic', 'it is no image for this reader')
    const family = text(head.subarray(8, 16)).trim()
    if (family !== this.#options.family) refuse('family', `it is for ${family}, not for ${this.#options.family}`)
    const told = head.subarray(0, HEAD_LENGTH - SIGNATURE)
    if (!verify(null, told, checkingKey, head.subarray(HEAD_LENGTH - SIGNATURE))) refuse('signature', 'its signature is not ours')
    if (this.#taking && equal(this.#taking.head, head)) return
    const body = new Uint8Array(uint(head.subarray(32, 36)))
    this.#taking = { head: head.slice(), version: text(head.subarray(16, 32)).trim(), body, have: 0 }
  }

  /**
   * Takes the next block; one that is there already is taken again.
   * @throws Fault `bad-argument` when it leaves a gap or goes beyond the image, or none was begun; `reader-error`, `link-closed` where it was set to fail
   */
  async write(offset: number, block: Uint8Array, signal?: AbortSignal): Promise<void> {
    const taking = this.#begun()
    if (offset > taking.have || offset + block.length > taking.body.length)
      throw new Fault('bad-argument', `block ${offset}+${block.length} does not follow the ${taking.have} bytes that are there`, {
        field: 'offset',
      })
    const { blockTime = 0, clock } = this.#options
    if (blockTime > 0) await sleep(blockTime, clock, signal)
    const end = this.failure ? Math.floor((taking.body.length * this.failure.percent) / 100) : Number.POSITIVE_INFINITY
    const part = block.subarray(0, Math.max(0, end - offset))
    taking.body.set(part, offset)
    taking.have = Math.max(taking.have, offset + part.length)
    if (this.failure && end <= offset + block.length) this.#fail(this.failure)
  }

  #fail({ percent, how }: UpdateFailure): never {
    this.failure = undefined
    if (how === 'error') throw new Fault('reader-error', `the memory took no more than ${percent} % of the image`, { percent })
    this.#options.cut?.()
    throw new Fault('link-closed', `the power was gone at ${percent} % of the image`)
  }

  /** The image is whole: from now on it runs. @throws Fault `bad-argument` with details.rule `length`, `hash`; after a wrong hash it begins from the start */
  commit(): void {
    const taking = this.#begun()
    if (taking.have < taking.body.length)
      throw new Fault('bad-argument', `the image has ${taking.body.length} bytes, ${taking.have} are there`, {
        field: 'image',
        rule: 'length',
      })
    const digest = createHash('sha256').update(taking.body).digest()
    if (!digest.equals(taking.head.subarray(36, 68))) {
      taking.have = 0
      throw new Fault('bad-argument', 'the firmware image is damaged: its SHA-256 is another', { field: 'image', rule: 'hash' })
    }
    this.#version = taking.version
    this.#taking = undefined
  }

  #begun(): Taking {
    if (!this.#taking) throw new Fault('bad-argument', 'no firmware image was begun', { field: 'image', rule: 'order' })
    return this.#taking
  }
}
