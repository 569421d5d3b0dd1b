/** Routes of apps: phones with the guide's app, whose screens are data and whose buttons are answers. */

import { z } from 'zod'
import { appAnswer, appPhone, appState } from '../schema/app.ts'
import { appInput, appRestart, appWait } from '../schema/apps.ts'
import { route } from './route.ts'

const of = '/api/sessions/{s}/apps/{a}'

export const appRoutes = [
  route({
    ...{ method: 'get', path: '/api/sessions/{s}/apps', name: 'listApps', summary: 'All apps of a session' },
    answers: z.array(appState),
    run: ({ session }) => session.apps.states,
  }),
  route({
    ...{ method: 'post', path: '/api/sessions/{s}/apps', name: 'createApp', summary: 'A phone with the app on it' },
    ...{ body: appInput, answers: appState, status: 201 },
    run: async ({ session, body }) => {
      const state = await session.apps.add(body)
      session.did(state.id, 'addApp', { ...body })
      return state
    },
  }),
  route({
    ...{ method: 'get', path: of, name: 'getApp', summary: 'An app with its screen' },
    answers: appState,
    run: ({ session, path }) => session.apps.state(path.a),
  }),
  route({
    ...{ method: 'delete', path: of, name: 'deleteApp', summary: 'Closes an app for good' },
    run: async ({ session, path }) => {
      await session.settle(session.apps.remove(path.a))
      session.did(path.a, 'removeApp')
    },
  }),
  route({
    ...{ method: 'post', path: `${of}/answer`, name: 'answerApp', summary: 'Presses a button of the screen that is shown' },
    ...{ body: appAnswer, answers: appState },
    run: ({ session, path, body }) => {
      const state = session.apps.answer(path.a, body)
      const { strokes, ...told } = body
      session.did(path.a, 'answer', { ...told, ...(strokes && { strokes: strokes.length }) })
      return state
    },
  }),
  route({
    ...{ method: 'patch', path: of, name: 'changePhone', summary: 'The phone’s settings: language, location, network' },
    ...{ body: appPhone, answers: appState },
    run: ({ session, path, body }) => {
      const state = session.apps.set(path.a, body)
      session.did(path.a, 'phone', { ...body })
      return state
    },
  }),
  route({
    ...{ method: 'post', path: `${of}/restart`, name: 'restartApp', summary: 'It ends and is started again: its orders stay' },
    ...{ body: appRestart, answers: appState },
    run: async ({ session, path, body }) => {
      const state = await session.settle(session.apps.restart(path.a, body.how ?? 'close', body.after))
      session.did(path.a, 'restart', { ...body })
      return state
    },
  }),
  route({
    ...{ method: 'post', path: `${of}/wait`, name: 'waitForApp', summary: 'Waits for a screen; virtual time is moved meanwhile' },
    ...{ body: appWait, answers: appState, waits: true },
    run: ({ session, path, body, signal }) => session.settle(session.apps.until(path.a, body, signal)),
  }),
]
