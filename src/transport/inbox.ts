/** What has arrived on a Link and was not read yet, counted, so that a transport can hold its peer back. */

import { Fault } from '../errors.ts'

/** Throws where `bytes` may not be sent in one piece. @throws Fault `bad-argument` */
export function checkMtu(bytes: Uint8Array, mtu: number): void {
  if (bytes.length > mtu) throw new Fault('bad-argument', `send of ${bytes.length} bytes, the link takes ${mtu} at once`)
}

export interface InboxOptions {
  /** The largest chunk that is handed out, in bytes. */
  chunk?: number | undefined
  /** From so many unread bytes on it is `full`. */
  capacity?: number | undefined
  /** Called when it was full and half of it has been read. */
  onRoom?: (() => void) | undefined
}

type Result = IteratorResult<Uint8Array, undefined>

interface Waiting {
  readonly resolve: (result: Result) => void
  readonly reject: (fault: Fault) => void
}

/** The `incoming` of a Link. A read that is given up (`break` in a loop) loses nothing: the next loop goes on where it stopped. */
export class Inbox implements AsyncIterable<Uint8Array> {
  readonly #chunk: number
  readonly #capacity: number
  readonly #onRoom: (() => void) | undefined
  readonly #waiting: Waiting[] = []
  #parts: Uint8Array[] = []
  #first = 0
  #size = 0
  #held = false
  #ended: { fault: Fault | undefined } | undefined

  constructor({ chunk = Number.POSITIVE_INFINITY, capacity = 65536, onRoom }: InboxOptions = {}) {
    if (!(chunk >= 1)) throw new Fault('bad-argument', `chunk of ${chunk} bytes: at least 1`)
    if (!(capacity >= 1)) throw new Fault('bad-argument', `capacity of ${capacity} bytes: at least 1`)
    this.#chunk = chunk
    this.#capacity = capacity
    this.#onRoom = onRoom
  }

  /** Unread bytes. */
  get size(): number {
    return this.#size
  }

  get full(): boolean {
    return this.#held
  }

  get ended(): boolean {
    return this.#ended !== undefined
  }

  /** Takes bytes over (they are not copied); nothing after the end. */
  push(bytes: Uint8Array): void {
    if (this.#ended || bytes.length === 0) return
    this.#parts.push(bytes)
    this.#size += bytes.length
    while (this.#waiting.length > 0 && this.#size > 0) this.#waiting.shift()!.resolve({ value: this.#take(), done: false })
    if (this.#size >= this.#capacity) this.#held = true
  }

  /** Nothing more comes: a reader gets what is left, then the end, or `fault` thrown. */
  end(fault?: Fault): void {
    if (this.#ended) return
    this.#ended = { fault }
    for (const { resolve, reject } of this.#waiting.splice(0)) fault ? reject(fault) : resolve({ value: undefined, done: true })
  }

  /** Ends it here and now: what is unread is gone. */
  close(): void {
    this.#parts = []
    this.#first = this.#size = 0
    this.end()
    this.#ended = { fault: undefined }
  }

  #take(): Uint8Array {
    const part = this.#parts[this.#first]
    const bytes = part.length > this.#chunk ? part.subarray(0, this.#chunk) : part
    if (bytes.length < part.length) this.#parts[this.#first] = part.subarray(bytes.length)
    else if (++this.#first * 2 > this.#parts.length) {
      this.#parts = this.#parts.slice(this.#first)
      this.#first = 0
    }
    this.#size -= bytes.length
    if (this.#held && this.#size * 2 <= this.#capacity) {
      this.#held = false
      this.#onRoom?.()
    }
    return bytes
  }

  #read(): Promise<Result> {
    if (this.#size > 0) return Promise.resolve({ value: this.#take(), done: false })
    if (this.#ended) return this.#ended.fault ? Promise.reject(this.#ended.fault) : Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
    })
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    let mine: Waiting | undefined
    return {
      next: () => {
        const reading = this.#read()
        mine = this.#waiting.at(-1)
        return reading
      },
      return: () => {
        const at = mine ? this.#waiting.indexOf(mine) : -1
        if (at >= 0) this.#waiting.splice(at, 1)[0].resolve({ value: undefined, done: true })
        return Promise.resolve({ value: undefined, done: true })
      },
    }
  }
}
