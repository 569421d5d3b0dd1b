/** Somebody between app and host who says something else than the host has said: the host's own book stays what it is, and so the truth is known. */

import { answerMoves, falsehoods, isoMoves, orderMoves, unapprovals } from '../../test/hostile/host-moves.mjs'

const ofAnswers = { ...answerMoves, ...falsehoods }
const ofOrders = { ...orderMoves, ...unapprovals }

/** What is said where the host is never asked, of `question`. */
const forged = {
  approved: ({ key, order, amount, currency }) => ({
    ...{ key, order, amount, currency, state: 'approved', code: '00', orderState: 'Approved' },
    ...{ authorisationCode: '000000', rrn: '000000000001', billNumber: '1', transaction: '1' },
  }),
  /** Of a reversal: done, and it was not. */
  reversed: ({ key }) => ({ key, state: 'reversed' }),
  /** Of a reversal: there is nothing to undo, and there is. */
  nothing: ({ key }) => ({ key, state: 'declined', code: '05' }),
}

/** One counter's. A lie is data: which question it is `on`, how `often` it is told, and what is said (`move`, `iso`, `instead`, `none`, `copies`). */
export class Liar {
  #order
  #lies = []
  /** What each key was for. */
  #asked = new Map()
  /** Approvals of each kind, by line, newest last: of two orders. */
  #before = new Map()
  /** How often each lie was told. */
  met = new Map()
  /** By order: the lies that were told of it. */
  told = new Map()

  /** @param order nothing is said of any other */
  arm(order, lies) {
    this.#order = order
    this.#lies = lies.map(lie => ({ ...lie, turn: 0 }))
  }

  /** What the app asks, with what is known of it. */
  hear(question) {
    const { kind, key } = question ?? {}
    if (kind === undefined) return question
    if (question.order !== undefined && key !== undefined)
      this.#asked.set(key, { order: question.order, amount: question.amount, currency: question.currency })
    return { ...this.#asked.get(key), ...question }
  }

  /** Bytes that answer `question` before the host hears of it; undefined where it is to be asked. */
  instead(line, tongue, question) {
    const lie = this.#lie(question, one => one.instead !== undefined)
    if (!lie) return undefined
    const said = lie.instead === 'previous' ? this.#previous(`${line} ${question.kind}`, question) : forged[lie.instead](question)
    if (!said) return undefined
    this.#count(line, question, lie)
    return [tongue.say(question, said)]
  }

  /** What becomes of the host's answer, as messages. */
  change(line, tongue, question, frame) {
    const answer = tongue.answer(frame)
    if (!answer || !question) return [frame]
    const { said } = answer
    const lie = said && this.#lie(question, one => one.instead === undefined)
    const made = lie && this.#made(lie, tongue, question, answer, frame)
    if (said?.state === 'approved') this.#remember(`${line} ${question.kind}`, question.order, said)
    if (!made) return [frame]
    this.#count(line, question, lie)
    return made
  }

  #remember(what, order, said) {
    const kept = (this.#before.get(what) ?? []).filter(one => one.order !== order)
    this.#before.set(what, [...kept, { order, said }].slice(-2))
  }

  /** What was said of another order, without what only its card takes. */
  #previous(what, { order }) {
    const { said } = (this.#before.get(what) ?? []).findLast(one => one.order !== order) ?? {}
    if (!said) return undefined
    const { issuerAuthenticationData: _arpc, scripts: _scripts, ...plain } = said
    return plain
  }

  #made({ move, iso, none, copies }, tongue, question, answer, frame) {
    if (copies) return Array.from({ length: copies }, () => frame)
    if (none) return [tongue.none(question, answer)]
    if (iso) {
      const changed = isoMoves[iso](answer.message)
      return changed && [tongue.write(changed)]
    }
    const said = (question.kind === 'order' ? ofOrders : ofAnswers)[move](answer.said)
    return said && [tongue.say(question, said, answer)]
  }

  /** The one whose turn it is. */
  #lie(question, which) {
    if (question?.order === undefined || question.order !== this.#order) return undefined
    const lie = this.#lies.find(one => one.on === question.kind && which(one) && !(one.often === 'once' && one.turn > 0))
    if (lie === undefined) return undefined
    // Now so, now otherwise.
    return lie.often === 'second' && lie.turn++ % 2 === 0 ? undefined : lie
  }

  #count(line, { kind, order }, lie) {
    if (lie.often === 'once') lie.turn++
    const { move, iso, none, instead, copies } = lie
    const what = move ?? iso ?? (none ? 'no such order' : copies ? 'said twice' : `not passed on, ${instead}`)
    const name = `${line} ${kind}: ${what}`
    this.met.set(name, (this.met.get(name) ?? 0) + 1)
    this.told.set(order, [...(this.told.get(order) ?? []), lie])
  }
}
