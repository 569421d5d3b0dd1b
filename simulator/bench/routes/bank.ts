/** Routes of the bank: what came, what it is to do, and answers by hand. */

import { z } from 'zod'
import {
  balanceInput,
  bankOrder,
  bankRequest,
  bankRequestInFull,
  bankState,
  goneInput,
  handAnswer,
  modeInput,
  qrInput,
  rulesInput,
} from '../schema/bank.ts'
import { route } from './route.ts'

const of = '/api/sessions/{s}/bank'

export const bankRoutes = [
  route({
    ...{ method: 'get', path: of, name: 'getBank', summary: 'Mode, rules, balances, the last requests and orders' },
    answers: bankState,
    run: ({ session }) => session.bank.state,
  }),
  route({
    ...{ method: 'put', path: `${of}/rules`, name: 'setRules', summary: 'How it misbehaves, in place of the rules of before' },
    ...{ body: rulesInput, answers: bankState },
    run: ({ session, body }) => {
      session.bank.setRules(body.rules, body.magicAmounts)
      session.did('bank', 'rules', { rules: session.bank.state.rules })
      return session.bank.state
    },
  }),
  route({
    ...{ method: 'put', path: `${of}/mode`, name: 'setMode', summary: 'By its rules, or by hand' },
    ...{ body: modeInput, answers: bankState },
    run: ({ session, body }) => {
      session.bank.setMode(body)
      session.did('bank', 'mode', { ...body })
      return session.bank.state
    },
  }),
  route({
    ...{ method: 'put', path: `${of}/gone`, name: 'setGone', summary: 'It cannot be reached, or again' },
    ...{ body: goneInput, answers: bankState },
    run: ({ session, body }) => {
      session.bank.setGone(body.gone)
      session.did('bank', 'gone', { ...body })
      return session.bank.state
    },
  }),
  route({
    ...{ method: 'get', path: `${of}/requests`, name: 'listRequests', summary: 'What came, newest first' },
    answers: z.array(bankRequest),
    run: ({ session }) => session.bank.requests,
  }),
  route({
    ...{ method: 'get', path: `${of}/requests/{n}`, name: 'getRequest', summary: 'A request decoded, with all that came with it' },
    answers: bankRequestInFull,
    run: ({ session, path }) => session.bank.request(Number(path.n)),
  }),
  route({
    ...{ method: 'post', path: `${of}/requests/{n}/answer`, name: 'answerRequest', summary: 'Answers a request that is held' },
    ...{ body: handAnswer, answers: bankState },
    run: ({ session, path, body }) => {
      session.bank.answer(Number(path.n), body)
      session.did('bank', 'answer', { n: Number(path.n), ...body })
      return session.bank.state
    },
  }),
  route({
    ...{ method: 'get', path: `${of}/orders`, name: 'listOrders', summary: 'Orders with their operations and transactions, newest first' },
    answers: z.array(bankOrder),
    run: ({ session }) => session.bank.orders,
  }),
  route({
    ...{ method: 'put', path: `${of}/balance`, name: 'setBalance', summary: 'What is left on the account of a card' },
    ...{ body: balanceInput, answers: bankState },
    run: ({ session, body }) => {
      session.bank.setBalance(session.shelf.card(body.card), body.balance)
      session.did('bank', 'balance', { ...body })
      return session.bank.state
    },
  }),
  route({
    ...{
      method: 'post',
      path: `${of}/settle`,
      name: 'settleDay',
      summary: 'Its day is over: what was charged until now is refunded from here on, not reversed',
    },
    answers: bankState,
    run: ({ session }) => {
      session.bank.settle()
      session.did('bank', 'settle')
      return session.bank.state
    },
  }),
  route({
    ...{ method: 'post', path: `${of}/qr`, name: 'payQr', summary: 'The customer pays an SBP code with their bank’s app' },
    ...{ body: qrInput, answers: bankState },
    run: ({ session, body }) => {
      session.bank.payQr(body.payload)
      session.did('bank', 'payQr', {})
      return session.bank.state
    },
  }),
]
