/** One stream of events, many listeners: each sees what comes after it began to listen. */

import { Queue } from '../queue.ts'

/** Events of one source for any number of listeners: `for await (const event of reader.events)`. */
export class Broadcast<T> implements AsyncIterable<T> {
  readonly #listeners = new Set<Queue<T>>()
  #ended = false

  /** How many listen: zero when nothing was leaked. */
  get listeners(): number {
    return this.#listeners.size
  }

  /** Every listener gets it; nobody keeps it for those who come later. */
  send(event: T): void {
    for (const listener of this.#listeners) listener.push(event)
  }

  /** Every listener gets what it has not read yet, then the end. */
  end(): void {
    this.#ended = true
    for (const listener of this.#listeners) listener.end()
    this.#listeners.clear()
  }

  /** Sees what is sent from this call on; leaving the loop ends it. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    const queue = new Queue<T>()
    if (this.#ended) queue.end()
    else this.#listeners.add(queue)
    const own = queue[Symbol.asyncIterator]()
    return {
      next: () => own.next(),
      return: () => {
        this.#listeners.delete(queue)
        queue.clear()
        queue.end()
        return Promise.resolve({ value: undefined, done: true })
      },
    }
  }
}
