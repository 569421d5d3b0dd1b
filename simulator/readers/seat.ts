/** A reader has one line: the host that comes while another is being let go of waits for it, one that comes while another is there is refused. */

import { Fault } from '../../src/errors.ts'
import type { Link } from '../../src/transport/link.ts'

export class Seat {
  #link: Link | undefined
  #leaving: Promise<void> | undefined
  #left = () => {}

  /** `leaving` and `left` are to be called when its link is over, and when nothing of it is left. @throws Fault `busy` */
  async take(link: Link, serial: string): Promise<void> {
    // A link that was closed in this very tick is seen to be over in the next.
    if (this.#link && !this.#leaving) await new Promise<void>(resolve => setImmediate(resolve))
    while (this.#leaving) await this.#leaving
    if (this.#link) throw new Fault('busy', `${serial} is connected to ${this.#link.uri}`, { uri: this.#link.uri })
    this.#link = link
  }

  leaving(): void {
    this.#leaving = new Promise(resolve => {
      this.#left = resolve
    })
  }

  left(): void {
    this.#link = undefined
    this.#leaving = undefined
    this.#left()
  }
}
