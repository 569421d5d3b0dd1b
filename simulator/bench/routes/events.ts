/** Routes of events: what happens in a session, as it does, from a number on. */

import { z } from 'zod'
import { eventStream } from '../listeners.ts'
import { benchEvent, eventsQuery } from '../schema/events.ts'
import { Raw, route } from './route.ts'

/**
 * @param last the Last-Event-ID of a browser that comes back to the address that it began with: what it has heard since
 * @throws Fault `not-found` with details.first where what follows is not kept any more
 */
export function startOf(
  { happenings }: { happenings: { last: number; after(n: number, most?: number): unknown } },
  after: number | undefined,
  last?: string,
): number {
  const from = last !== undefined && /^\d{1,15}$/.test(last) ? Number(last) : (after ?? happenings.last)
  happenings.after(from, 1)
  return from
}

export const eventRoutes = [
  route({
    ...{
      method: 'get',
      path: '/api/sessions/{s}/events',
      name: 'events',
      summary: 'Server-sent events; `id` is the number, and Last-Event-ID is heard; /ws is the same as a WebSocket',
    },
    ...{ query: eventsQuery, media: 'text/event-stream' },
    run: ({ session, sessions, query, header }) => {
      const after = startOf(session, query.after, header('last-event-id'))
      const listening = { happenings: session.happenings, after, together: query.together === 'yes', over: sessions.use(session) }
      return new Raw({ type: 'text/event-stream', body: eventStream(listening) })
    },
  }),
  route({
    ...{ method: 'get', path: '/api/sessions/{s}/events/list', name: 'listEvents', summary: 'Events that are kept, from a number on' },
    query: eventsQuery
      .omit({ together: true })
      .extend({ most: z.coerce.number().int().min(1).max(10_000).optional().describe('1000 when left out') }),
    answers: z.array(benchEvent),
    run: ({ session, query }) =>
      new Raw({
        type: 'application/json',
        body: `[${session.happenings.after(query.after ?? session.happenings.first - 1, query.most ?? 1000).join(',')}]`,
      }),
  }),
]
