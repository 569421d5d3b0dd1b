/** Routes of the card shelf: cards made, seen, changed, and their profiles edited as text. */

import { z } from 'zod'
import { checkProfile, profileIn, profileOut } from '../counter/profile-text.ts'
import { cardInput, cardPatch, cardState, profileCheck, profileText } from '../schema/card.ts'
import { route } from './route.ts'

const of = '/api/sessions/{s}/cards/{c}'

export const cardRoutes = [
  route({
    ...{ method: 'get', path: '/api/sessions/{s}/cards', name: 'listCards', summary: 'The shelf' },
    answers: z.array(cardState),
    run: ({ session }) => session.shelf.states(),
  }),
  route({
    ...{ method: 'post', path: '/api/sessions/{s}/cards', name: 'createCard', summary: 'A new card' },
    ...{ body: cardInput, answers: cardState, status: 201 },
    run: ({ session, body }) => {
      const { state } = session.shelf.add(body)
      session.did(state.id, 'addCard', { profile: state.profile })
      return state
    },
  }),
  route({
    ...{ method: 'get', path: of, name: 'getCard', summary: 'A card with its counters and its log' },
    answers: cardState,
    run: ({ session, path }) => session.shelf.card(path.c).state,
  }),
  route({
    ...{ method: 'patch', path: of, name: 'changeCard', summary: 'A phone around it, a wallet, PIN tries, or a new memory' },
    ...{ body: cardPatch, answers: cardState },
    run: ({ session, path, body }) => {
      const { state } = session.shelf.patch(path.c, body)
      session.did(state.id, 'changeCard', { ...body })
      return state
    },
  }),
  route({
    ...{ method: 'delete', path: of, name: 'deleteCard', summary: 'Takes a card from the shelf' },
    run: ({ session, path }) => {
      session.shelf.remove(path.c)
      session.did(path.c, 'removeCard')
    },
  }),
  route({
    ...{ method: 'post', path: `${of}/unlock`, name: 'unlockPhone', summary: 'The holder verifies themselves on their phone' },
    answers: cardState,
    run: ({ session, path }) => {
      const card = session.shelf.card(path.c)
      card.unlock()
      session.did(card.id, 'unlock')
      return card.state
    },
  }),
  route({
    ...{
      method: 'get',
      path: `${of}/profile`,
      name: 'getProfile',
      summary: 'Its profile to be edited: the one answer that has the number and PIN of a test card in clear',
    },
    answers: profileText,
    run: ({ session, path }) => ({ text: profileOut(session.shelf.card(path.c).profile) }),
  }),
  route({
    ...{
      method: 'put',
      path: `${of}/profile`,
      name: 'setProfile',
      summary: 'Another profile, with a new memory; nothing changes where it breaks a rule',
    },
    ...{ body: profileText, answers: cardState },
    run: ({ session, path, body }) => {
      const { state } = session.shelf.rewrite(path.c, { own: profileIn(body.text) })
      session.did(state.id, 'setProfile', { profile: state.profile })
      return state
    },
  }),
  route({
    ...{ method: 'post', path: '/api/check-profile', name: 'checkProfile', summary: 'What is wrong with a profile, as it is typed' },
    ...{ body: profileText, answers: profileCheck },
    run: ({ body }) => checkProfile(body.text),
  }),
]
