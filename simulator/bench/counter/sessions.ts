/** The sessions of a bench, each with a life time: one that nobody asks anything is closed. */

import { Fault } from '../../../src/errors.ts'
import { noSuch } from '../failure.ts'
import type { SessionInput } from '../schema/session.ts'
import { openSession, type Session } from './session.ts'

/** How many there may be at once. */
const MOST = 50

export class Sessions {
  readonly #sessions = new Map<string, Session>()
  readonly #timers = new Map<string, NodeJS.Timeout>()
  /** Requests under way, and those who listen. */
  readonly #users = new Map<string, number>()
  #count = 0
  #opening = 0

  get all(): readonly Session[] {
    return [...this.#sessions.values()]
  }

  /** @throws Fault `busy` where there are too many; as what stands at it */
  async open(input: SessionInput): Promise<Session> {
    if (this.#sessions.size + this.#opening >= MOST)
      throw new Fault('busy', `there are ${MOST} sessions: close one first`, {
        field: 'sessions',
        value: String(MOST),
        rule: `at most ${MOST}`,
      })
    this.#opening++
    try {
      const session = await openSession(`s${++this.#count}`, input)
      this.#sessions.set(session.id, session)
      this.#rest(session)
      return session
    } finally {
      this.#opening--
    }
  }

  /** @throws Fault `not-found` */
  session(id: string): Session {
    const session = this.#sessions.get(id)
    if (!session) throw noSuch('session', id)
    return session
  }

  /** Its life begins anew when the function is called: while somebody asks or listens, it does not end. */
  use({ id }: Session): () => void {
    this.#users.set(id, (this.#users.get(id) ?? 0) + 1)
    clearTimeout(this.#timers.get(id))
    let over = false
    return () => {
      if (over) return
      over = true
      const left = (this.#users.get(id) ?? 1) - 1
      this.#users.set(id, left)
      const session = this.#sessions.get(id)
      if (left === 0 && session) this.#rest(session)
    }
  }

  #rest(session: Session): void {
    const { id, ttl } = session
    clearTimeout(this.#timers.get(id))
    if (ttl > 0) this.#timers.set(id, setTimeout(() => void this.remove(id).catch(() => {}), ttl * 1000).unref())
  }

  /** @throws Fault `not-found` */
  async remove(id: string): Promise<void> {
    const session = this.session(id)
    this.#sessions.delete(id)
    this.#users.delete(id)
    clearTimeout(this.#timers.get(id))
    this.#timers.delete(id)
    await session.close()
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map(({ id }) => this.remove(id)))
  }
}
