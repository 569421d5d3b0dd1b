/** Routes of sessions: made, seen, moved on in virtual time, kept as a file, ended. */

import { z } from 'zod'
import { advance, counterFile, sessionInput, sessionState, spoken } from '../schema/session.ts'
import { Raw, route } from './route.ts'

export const sessionRoutes = [
  route({
    ...{ method: 'get', path: '/api/sessions', name: 'listSessions', summary: 'All sessions' },
    answers: z.array(sessionState),
    run: ({ sessions }) => sessions.all.map(({ state }) => state),
  }),
  route({
    ...{ method: 'post', path: '/api/sessions', name: 'createSession', summary: 'A new session: a counter with what stands at it' },
    ...{ body: sessionInput, answers: sessionState, status: 201 },
    run: async ({ sessions, body }) => (await sessions.open(body as never)).state,
  }),
  route({
    ...{ method: 'post', path: '/api/sessions/import', name: 'importSession', summary: 'A new session from the file of a counter' },
    ...{ body: counterFile, answers: sessionState, status: 201 },
    run: async ({ sessions, body }) => (await sessions.open({ counter: body as never, ...(body.name && { name: body.name }) })).state,
  }),
  route({
    ...{ method: 'get', path: '/api/sessions/{s}', name: 'getSession', summary: 'A session' },
    answers: sessionState,
    run: ({ session }) => session.state,
  }),
  route({
    ...{ method: 'delete', path: '/api/sessions/{s}', name: 'deleteSession', summary: 'Ends a session with all that stands at it' },
    run: ({ sessions, session }) => sessions.remove(session.id),
  }),
  route({
    ...{
      method: 'get',
      path: '/api/sessions/{s}/file',
      name: 'exportSession',
      summary: 'The whole counter as one file, to be imported again',
    },
    answers: counterFile,
    run: ({ session }) => session.file,
  }),
  route({
    ...{ method: 'post', path: '/api/sessions/{s}/time', name: 'advanceTime', summary: 'Moves virtual time on, firing what falls due' },
    ...{ body: advance, answers: sessionState },
    run: async ({ session, body }) => {
      await session.advance(body.ms)
      return session.state
    },
  }),
  route({
    ...{
      method: 'post',
      path: '/api/sessions/{s}/language',
      name: 'tellLanguage',
      summary: 'The language of whoever looks first: of readers and apps that were given none. A session that has one keeps it',
    },
    ...{ body: spoken, answers: sessionState },
    run: ({ session, body }) => {
      session.speak(body.language)
      return session.state
    },
  }),
  route({
    ...{
      method: 'get',
      path: '/api/sessions/{s}/trace',
      name: 'downloadTrace',
      summary: 'The trace as a file: a header, then one event a line',
    },
    query: z.strictObject({ reader: z.string().optional().describe('Of this reader alone') }),
    media: 'application/x-ndjson',
    run: ({ session, query }) => new Raw({ type: 'application/x-ndjson', body: session.trace(query.reader), file: `${session.id}.jsonl` }),
  }),
]
