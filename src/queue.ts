/** A first-in first-out channel: pushed from callbacks, read with `for await` or with a time limit. */

import type { Limit } from './clock.ts'
import { within } from './clock.ts'
import type { Fault } from './errors.ts'

/** Items in the order in which they came, for one reader at a time. */
export class Queue<T> implements AsyncIterable<T> {
  readonly #items: T[] = []
  readonly #waiting: { resolve: (result: IteratorResult<T, undefined>) => void; reject: (fault: Fault) => void }[] = []
  #ended: { fault: Fault | undefined } | undefined

  /** Items that wait to be read. */
  get size(): number {
    return this.#items.length
  }

  /** Nothing more can come. */
  get ended(): boolean {
    return this.#ended !== undefined
  }

  /** Adds an item; nothing after the end. */
  push(item: T): void {
    if (this.#ended) return
    const reader = this.#waiting.shift()
    if (reader) reader.resolve({ value: item, done: false })
    else this.#items.push(item)
  }

  /** No more items: readers get what is left, then the end, or `fault` thrown. */
  end(fault?: Fault): void {
    if (this.#ended) return
    this.#ended = { fault }
    for (const reader of this.#waiting.splice(0)) fault ? reader.reject(fault) : reader.resolve({ value: undefined, done: true })
  }

  /** Drops what is waiting to be read. */
  clear(): void {
    this.#items.length = 0
  }

  /** The next item, or `undefined` at the end. @throws Fault `timeout`, `aborted`, or the fault it ended with */
  async next(limit: Limit = {}): Promise<T | undefined> {
    if (this.#items.length > 0) return this.#items.shift()
    const result = await within(limit, signal => this.#read(signal))
    return result.done ? undefined : result.value
  }

  #read(signal?: AbortSignal): Promise<IteratorResult<T, undefined>> {
    if (this.#items.length > 0) return Promise.resolve({ value: this.#items.shift()!, done: false })
    if (this.#ended) return this.#ended.fault ? Promise.reject(this.#ended.fault) : Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve, reject) => {
      const reader = { resolve, reject }
      this.#waiting.push(reader)
      signal?.addEventListener('abort', () => {
        const at = this.#waiting.indexOf(reader)
        if (at >= 0) this.#waiting.splice(at, 1)
      })
    })
  }

  /** Takes item after item; leaving the loop lets a read that waits go. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    const waiting = this.#waiting
    let own: (typeof waiting)[number] | undefined
    return {
      next: () => {
        const reading = this.#read()
        own = waiting.at(-1)
        return reading
      },
      return: () => {
        const at = own ? waiting.indexOf(own) : -1
        if (at >= 0) waiting.splice(at, 1)[0].resolve({ value: undefined, done: true })
        return Promise.resolve({ value: undefined, done: true })
      },
    }
  }
}
