/** The line to the server: the session's events, from where they were heard last; the states anew when too many were missed. */

import type { Language } from '../../../../src/messages/messages.ts'
import { type BenchApi, type Happening, Refused, type SessionApi } from './api.ts'
import { type BenchStore, MOST } from './store.ts'
import { firstLanguage, sayIn } from './view.ts'

/** Milliseconds until a lost line is tried again: longer each time. */
const [FIRST, LONGEST] = [250, 5_000]
/** Characters that a page which nobody sees keeps unread: what is seen needs the processor. */
const UNSEEN = 2_000_000

/** A session that is there already, or a new one; whoever looks first has their language. */
export async function openSession(api: BenchApi, wanted: string | null, language: Language): Promise<string> {
  const sessions = await api.sessions()
  const found = sessions.find(({ id }) => id === wanted) ?? (wanted === null ? sessions[0] : undefined)
  const { id } = found ?? (await api.createSession())
  await api.of(id).speak(language)
  return id
}

/** All states at once, and the event up to which they are true. */
export async function readStates(session: SessionApi, store: BenchStore): Promise<void> {
  const state = await session.state()
  const [readers, cards, bank, apps] = await Promise.all([session.readers(), session.cards(), session.bank(), session.apps()])
  // States that are newer are told once more by their events, and are whole each time.
  store.knownAt = state.events.last
  const held = store.state.held && cards.some(({ id }) => id === store.state.held) ? store.state.held : cards[0]?.id
  store.set({ session: state, readers, cards, bank, apps, held })
}

/** Hears the events until the returned function is called. */
export function hear(session: SessionApi, store: BenchStore): () => void {
  let source: EventSource | undefined
  let [ended, wait]: [boolean, number] = [false, FIRST]
  let timer: ReturnType<typeof setTimeout> | undefined
  let unseen: string[] = []
  let unread = 0
  const take = () => {
    const all = unseen.flatMap(data => JSON.parse(data) as Happening[])
    unseen = []
    unread = 0
    if (!ended && all.length > 0) store.take(all)
  }
  const seen = () => {
    if (!document.hidden) take()
  }
  document.addEventListener('visibilitychange', seen)
  const open = (after: number) => {
    if (ended) return
    source = new EventSource(session.eventsUrl(after))
    source.onopen = () => {
      wait = FIRST
      store.set({ line: 'live' })
    }
    // The server has put together what comes close to each other.
    source.onmessage = ({ data }) => {
      unseen.push(data)
      unread += data.length
      if (!document.hidden || unread > UNSEEN) take()
    }
    source.onerror = () => {
      source?.close()
      if (ended || store.state.line === 'over') return
      store.set({ line: 'lost' })
      timer = setTimeout(again, wait)
      wait = Math.min(LONGEST, wait * 2)
    }
  }
  const again = async () => {
    try {
      const { events } = await session.state()
      take()
      // What was missed is gone from the server's memory: the states tell what it came to.
      if (events.first > store.last + 1) {
        store.forget()
        store.tell(sayIn(firstLanguage())('bench.line.gap', { count: events.first - store.last - 1 }), true)
        await readStates(session, store)
        store.last = Math.max(0, events.first - 1)
      }
      open(store.last)
    } catch (error) {
      if (ended) return
      if (error instanceof Refused && (error.status === 404 || error.status === 403)) return store.set({ line: 'over' })
      timer = setTimeout(again, wait)
      wait = Math.min(LONGEST, wait * 2)
    }
  }
  // What happened before this page was opened is in its trace too, as far as the page keeps it.
  const { first, last } = store.state.session?.events ?? { first: 0, last: 0 }
  store.last = Math.max(0, first - 1, last - MOST)
  open(store.last)
  return () => {
    ended = true
    document.removeEventListener('visibilitychange', seen)
    clearTimeout(timer)
    source?.close()
  }
}
