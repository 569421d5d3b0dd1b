/** How a question comes to its answer on a line that the rules of the day may spoil: late, twice, or not at all. */

import { type Clock, sleep } from '../../../src/clock.ts'
import type { HostAnswer } from '../../../src/payment/acquirer.ts'
import type { RulesOf } from '../magic.ts'
import type { CheckedRule, RuleFacts } from '../rules.ts'
import type { Records } from './records.ts'
import type { Reply } from './reply.ts'

/** A question that has come, for whoever answers by hand. */
export interface Attended {
  readonly key: string
  readonly facts: RuleFacts
  /** As the client sent it. */
  readonly message: object
}

/** Hears of each new question. What it resolves with are further rules for this question alone, before which nothing is decided; undefined: the rules of the day decide. */
export type Attend = (asked: Attended, signal: AbortSignal) => Promise<readonly CheckedRule[]> | undefined

/** What a question is worked on with. */
export interface Turn {
  /** Those that it meets. */
  readonly rules: readonly CheckedRule[]
  /** Where the host takes its time. @throws Fault `aborted` when the host goes down */
  wait(): Promise<void>
}

export class DeskLine {
  readonly #records: Records
  /** Those of the day: they may be others from the next question on. */
  rules: RulesOf
  /** Somebody who answers by hand; nobody when left out. */
  attend: Attend | undefined
  readonly #clock: Clock
  readonly #stopping = new AbortController()
  readonly #turns = new Map<string, Promise<void>>()

  constructor(records: Records, rules: RulesOf, clock: Clock) {
    this.#records = records
    this.rules = rules
    this.#clock = clock
  }

  /** Lets go of answers that are being delayed. */
  stop(): void {
    this.#stopping.abort()
  }

  /** `work` as the rules of the day let the line bring it about. */
  async answer<T>(key: string, facts: RuleFacts, message: object, work: (turn: Turn) => Promise<T>): Promise<Reply<T>> {
    const { book } = this.#records
    const known = facts.on === 'authorisation' && (book.find(key) !== undefined || book.isVoided(key)) // a repetition is no new payment for a rule
    const rules = known ? [] : [...this.rules(facts, key)]
    const has = (what: CheckedRule['do']) => rules.some(one => one.do === what)
    if (has('dropRequest')) return this.#drop(key, 'request')
    const { signal } = this.#stopping
    const byHand = known ? undefined : this.attend?.({ key, facts, message }, signal)
    // What somebody says while the question waits joins the rules that it is decided by.
    const joined = byHand?.then(said => void rules.push(...said))
    joined?.catch(() => {}) // who waits for it is told
    const wait = async () => {
      await joined
      for (const one of rules) if (one.do === 'delay') await sleep(one.ms, this.#clock, signal)
    }
    const turn = { rules, wait }
    const copies = has('duplicate') ? [work(turn), work(turn)] : [work(turn)]
    const [said] = await Promise.all(copies)
    const answer = has('contradict') ? contradicting(said) : said
    if (has('dropAnswer')) return this.#drop(key, 'answer')
    const line = (['silence', 'closeSocket', 'garbage'] as const).find(has) ?? (has('duplicate') ? 'twice' : undefined)
    return { answer, ...(line && { line }) }
  }

  #drop(key: string, what: 'request' | 'answer'): { readonly line: 'drop' } {
    this.#records.hear({ type: 'dropped', key, what })
    return { line: 'drop' }
  }

  /** Changes of one order go one after the other, in the order in which they came. */
  inTurn<T>(order: readonly string[], work: () => Promise<T>): Promise<T> {
    const name = JSON.stringify(order)
    const before = this.#turns.get(name) ?? Promise.resolve()
    const mine = before.then(work)
    const settled = mine.then(
      () => {},
      () => {},
    )
    this.#turns.set(name, settled)
    void settled.then(() => {
      if (this.#turns.get(name) === settled) this.#turns.delete(name)
    })
    return mine
  }
}

/** The same answer, for one minor unit more. */
function contradicting<T>(answer: T): T {
  const { about } = answer as Partial<HostAnswer>
  return about?.amount === undefined ? answer : { ...answer, about: { ...about, amount: about.amount + 1n } }
}
