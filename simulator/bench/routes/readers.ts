/** Routes of readers: made, seen, touched, turned, waited for. */

import { z } from 'zod'
import { helpText } from '../../../src/command/help.ts'
import { knobs } from '../../readers/knobs.ts'
import { displayPng, displaySvg } from '../display/display.ts'
import {
  charge,
  insert,
  knobLine,
  knobList,
  leave,
  personInput,
  picture,
  plug,
  press,
  range,
  readerInput,
  readerState,
  switched,
  waitFor,
  withCard,
} from '../schema/reader.ts'
import { type Asked, Raw, route } from './route.ts'

const of = '/api/sessions/{s}/readers/{r}'

const deed = <Body extends z.ZodType>(
  name: string,
  word: string,
  summary: string,
  body: Body | undefined,
  run: (asked: Asked<z.output<Body>, unknown>) => void,
) =>
  route({
    ...{ method: 'post', path: `${of}/${word}`, name, summary, answers: readerState },
    ...(body && { body }),
    run: asked => {
      const { session, path } = asked
      const reader = session.reader(path.r)
      run(asked as never)
      session.did(reader.id, word, { ...(asked.body as object | undefined) })
      return reader.state
    },
  })

export const readerRoutes = [
  route({
    ...{ method: 'get', path: '/api/sessions/{s}/readers', name: 'listReaders', summary: 'All readers of a session' },
    answers: z.array(readerState),
    run: ({ session }) => session.readers.map(({ state }) => state),
  }),
  route({
    ...{
      method: 'post',
      path: '/api/sessions/{s}/readers',
      name: 'createReader',
      summary: 'A new reader; several stand beside each other',
    },
    ...{ body: readerInput, answers: readerState, status: 201 },
    run: async ({ session, body }) => {
      const { state } = await session.addReader(body)
      session.did(state.id, 'addReader', { ...(body as object) })
      return state
    },
  }),
  route({
    ...{ method: 'get', path: of, name: 'getReader', summary: 'A reader as it is now' },
    answers: readerState,
    run: ({ session, path }) => session.reader(path.r).state,
  }),
  route({
    ...{ method: 'delete', path: of, name: 'deleteReader', summary: 'Takes a reader away; what was in it is on the shelf again' },
    run: async ({ session, path }) => {
      await session.removeReader(path.r)
      session.did(path.r, 'removeReader')
    },
  }),
  deed('pressKeys', 'press', 'Presses keys; what nobody reads does nothing', press, ({ session, path, body }) =>
    session.reader(path.r).press(body.keys),
  ),
  deed('insertCard', 'insert', 'Puts a card into the slot', insert, ({ session, path, body }) =>
    session.reader(path.r).insert(body.card, body.wrongWay),
  ),
  deed('pullCard', 'pull', 'Takes the card out of the slot, whatever the reader does with it', undefined, ({ session, path }) =>
    session.reader(path.r).pull(),
  ),
  deed('tapCard', 'tap', 'Holds a card to the antenna, and what is in its wallet', withCard, ({ session, path, body }) =>
    session.reader(path.r).tap(body.card),
  ),
  deed('leaveField', 'leave', 'Takes a card from the antenna', leave, ({ session, path, body }) => session.reader(path.r).leave(body.card)),
  deed('swipeCard', 'swipe', 'Draws a card’s stripe through the reader', withCard, ({ session, path, body }) =>
    session.reader(path.r).swipe(body.card),
  ),
  deed('switchReader', 'switch', 'The switch', switched, ({ session, path, body }) => session.reader(path.r).switch(body.on)),
  deed('plugCharger', 'plug', 'The charger in, or out', plug, ({ session, path, body }) => session.reader(path.r).plug(body.charging)),
  deed('setBattery', 'battery', 'The charge; 0 switches it off', charge, ({ session, path, body }) =>
    session.reader(path.r).charge(body.percent),
  ),
  deed('tamperReader', 'tamper', 'Opens the case: it has lost its keys', undefined, ({ session, path }) => session.reader(path.r).tamper()),
  deed('setRange', 'range', 'Carries a reader on the air away, or back', range, ({ session, path, body }) =>
    session.reader(path.r).range(body.inRange),
  ),
  deed('turnKnob', 'knob', 'Turns a knob, as at `tapdip-sim serve`', knobLine, ({ session, path, body }) =>
    session.reader(path.r).knob(body.line),
  ),
  ...(['svg', 'png'] as const).map(kind =>
    route({
      ...{
        method: 'get',
        path: `${of}/screen.${kind}`,
        name: `screen${kind === 'svg' ? 'Svg' : 'Png'}`,
        summary: 'A picture of the display as it is now',
      },
      ...{ query: picture, media: kind === 'svg' ? 'image/svg+xml' : 'image/png' },
      run: ({ session, path, query: { scale = 2 } }) => {
        const { screen, on } = session.reader(path.r).state
        if (kind === 'svg') return new Raw({ type: 'image/svg+xml', body: displaySvg(screen, { scale, on }) })
        return new Raw({ type: 'image/png', body: displayPng(screen, { scale, on }) })
      },
    }),
  ),
  route({
    ...{ method: 'put', path: `${of}/person`, name: 'setPerson', summary: 'Somebody comes who does things by themselves' },
    ...{ body: personInput, answers: readerState },
    run: ({ session, path, body }) => {
      const reader = session.reader(path.r)
      reader.setPerson(body)
      session.did(reader.id, 'person', { card: body.card })
      return reader.state
    },
  }),
  route({
    ...{ method: 'delete', path: `${of}/person`, name: 'removePerson', summary: 'They leave' },
    run: ({ session, path }) => {
      const reader = session.reader(path.r)
      reader.setPerson(undefined)
      session.did(reader.id, 'personLeaves')
    },
  }),
  route({
    ...{
      method: 'post',
      path: `${of}/wait`,
      name: 'waitForReader',
      summary: 'Waits until display and lights are so; virtual time is moved meanwhile',
    },
    ...{ body: waitFor, answers: readerState, waits: true },
    run: ({ session, path, body, signal }) => session.settle(session.reader(path.r).until(body, signal)),
  }),
  route({
    ...{ method: 'get', path: '/api/knobs', name: 'listKnobs', summary: 'The knobs of a reader with what each takes' },
    query: z.strictObject({ language: z.enum(['en', 'ru']).optional() }),
    answers: knobList,
    run: ({ query }) =>
      Object.entries(knobs).map(([name, { takes, what }]) => ({
        name,
        takes,
        what: helpText(`knob ${name}`, what, query.language ?? 'en'),
      })),
  }),
]
