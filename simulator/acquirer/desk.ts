/** What the acquirer does with a payment: its book, the rules of the day, the issuer's verdict, and what an observer may see of it. */

import { type Clock, sleep, systemClock } from '../../src/clock.ts'
import { currency, formatAmount } from '../../src/currency.ts'
import { maskPan } from '../../src/mask.ts'
import type { AuthorisationMessage, HostAnswer, HostState } from '../../src/payment/acquirer.ts'
import { encodeMessage } from '../../src/payment/wire.ts'
import { Book, type OrderState } from './book.ts'
import { type Check, Issuer, type IssuerOptions, type Verdict } from './issuer.ts'
import { type CheckedRule, type HostRule, ruleBook } from './rules.ts'

export interface DeskOptions extends IssuerOptions {
  readonly rules?: readonly HostRule[]
  readonly clock?: Clock
  /** Hears what the host sees, with PANs masked and PINs left out. */
  readonly onEvent?: (event: HostEvent) => void
}

export type HostEvent =
  | {
      readonly type: 'authorisation' | 'advice'
      readonly key: string
      readonly order: string
      readonly amount: bigint
      readonly currency: string
      /** First six and last four digits. */
      readonly pan: string
      readonly interface: string
      readonly cvm: string
      readonly arqc: Check
      readonly pin: Check
      /** Of a contactless stripe: CVC3 or dCVV. */
      readonly stripeCode?: Check
      readonly code: string
      readonly reason: string
    }
  | { readonly type: 'repeat' | 'status'; readonly key: string; readonly state: HostState }
  | { readonly type: 'reversal'; readonly key: string; readonly why: string; readonly charged: boolean }
  | { readonly type: 'dropped'; readonly key: string; readonly what: 'request' | 'answer' }
  | { readonly type: 'refused'; readonly status: number; readonly why: string }

/** What a rule does to the line instead of answering. */
export type Line = 'drop' | 'garbage'

/** A message that is well-formed, and still not taken. */
export class Refusal extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** A second attempt at an order that has a payment already, in the cases of the mPOS guide (seed 002). */
const alreadyHad: Partial<Record<OrderState, { readonly code: string; readonly reason: string }>> = {
  Approved: { code: '94', reason: 'the order is already paid' },
  'In Process': { code: '09', reason: 'the order is still being processed' },
}

export class Desk {
  readonly book = new Book()
  readonly issuer: Issuer
  readonly #rules: ReturnType<typeof ruleBook>
  readonly #clock: Clock
  readonly #hear: (event: HostEvent) => void
  readonly #stopping = new AbortController()

  constructor({ rules = [], clock = systemClock, onEvent = () => {}, ...issuer }: DeskOptions) {
    this.issuer = new Issuer(issuer)
    this.#rules = ruleBook(rules)
    this.#clock = clock
    this.#hear = onEvent
  }

  /** Lets go of answers that are being delayed. */
  stop(): void {
    this.#stopping.abort()
  }

  refused(status: number, why: string): void {
    this.#hear({ type: 'refused', status, why })
  }

  /** @throws Refusal 409 when the key belongs to another payment */
  async authorise(message: AuthorisationMessage): Promise<HostAnswer | Line> {
    const { key } = message
    const repeated = this.#repeated(message)
    if (repeated) return repeated
    const pan = this.issuer.panOf(message)
    const rules = this.#rules({
      amount: message.amount,
      pan,
      interface: message.interface,
      cvm: message.cvm,
      order: message.order.number,
    })
    if (rules.some(one => one.do === 'dropRequest')) return this.#drop(key, 'request')
    const before = this.book.order(message.order.number)?.state
    this.book.begin(message, pan, 'authorisation')
    for (const one of rules) if (one.do === 'delay') await sleep(one.ms, this.#clock, this.#stopping.signal)
    const overtaken = this.book.isVoided(key) // by a reversal, while the host was busy
    const answer = overtaken ? this.book.find(key)!.transaction.answer : this.#decide(message, pan, rules, before)
    if (rules.some(one => one.do === 'dropAnswer')) return this.#drop(key, 'answer')
    return rules.some(one => one.do === 'garbage') ? 'garbage' : answer
  }

  #decide(
    message: AuthorisationMessage,
    pan: string | undefined,
    rules: readonly CheckedRule[],
    before: OrderState | undefined,
  ): HostAnswer {
    const { key, at } = message
    const refused = before && alreadyHad[before]
    const verdict = refused ? { ...refused, arqc: 'none' as const, pin: 'none' as const } : this.issuer.authorise(message, pan, rules)
    const { code, reason } = verdict
    this.#tell('authorisation', message, pan, verdict)
    const state = code === '00' ? 'approved' : code === '01' ? 'referral' : 'declined'
    return this.book.finish(key, {
      state,
      ...(state !== 'approved' && { reason }),
      response: {
        type: state,
        code,
        rrn: this.book.rrn(at),
        ...(state === 'approved' && { authorisationCode: this.book.authorisationCode() }),
        ...('issuerAuthenticationData' in verdict && { issuerAuthenticationData: verdict.issuerAuthenticationData }),
        ...('scripts' in verdict && { scripts: verdict.scripts }),
      },
    })
  }

  /** @throws Refusal 409 when the key belongs to another payment */
  advise(message: AuthorisationMessage): HostAnswer {
    const repeated = this.#repeated(message)
    if (repeated) return repeated
    const pan = this.issuer.panOf(message)
    this.book.begin(message, pan, 'advice')
    const verdict = this.issuer.advise(message, pan)
    this.#tell('advice', message, pan, verdict)
    const response = { type: 'approved', code: verdict.code, rrn: this.book.rrn(message.at) } as const
    return this.book.finish(message.key, { state: 'approved', reason: verdict.reason, response })
  }

  /** The answer to a key that was seen before. @throws Refusal 409 when the same key comes with another payment */
  #repeated(message: AuthorisationMessage): HostAnswer | undefined {
    const known = this.book.find(message.key)
    if (known && JSON.stringify(encodeMessage(known.transaction.message)) !== JSON.stringify(encodeMessage(message)))
      throw new Refusal(409, `key ${message.key} belongs to another payment`)
    const answer = known?.transaction.answer ?? (this.book.isVoided(message.key) ? { state: 'reversed' as const } : undefined)
    if (answer) this.#hear({ type: 'repeat', key: message.key, state: answer.state })
    return answer
  }

  status(key: string): HostAnswer {
    const answer = this.book.find(key)?.transaction.answer ?? {
      state: this.book.isVoided(key) ? ('reversed' as const) : ('unknown' as const),
    }
    this.#hear({ type: 'status', key, state: answer.state })
    return answer
  }

  reverse(key: string, why: string): HostAnswer {
    const charged = this.book.reverse(key, why, new Date(this.#clock.now()))
    if (charged) this.issuer.undo(charged.message, charged.pan)
    this.#hear({ type: 'reversal', key, why, charged: charged !== undefined })
    const answer = this.book.find(key)?.transaction.answer
    return { ...answer, state: answer?.state === 'declined' ? 'declined' : 'reversed' }
  }

  #drop(key: string, what: 'request' | 'answer'): Line {
    this.#hear({ type: 'dropped', key, what })
    return 'drop'
  }

  #tell(
    type: 'authorisation' | 'advice',
    { key, order, amount, currency, interface: through, cvm }: AuthorisationMessage,
    pan: string | undefined,
    { arqc, pin, stripeCode, code, reason }: Pick<Verdict, 'arqc' | 'pin' | 'stripeCode' | 'code' | 'reason'>,
  ): void {
    const facts = { key, order: order.number, amount, currency: currency.alpha, pan: pan ? maskPan(pan) : 'none', interface: through, cvm }
    this.#hear({ type, ...facts, arqc, pin, ...(stripeCode && { stripeCode }), code, reason })
  }
}

/** An event as one line for a console. */
export function hostEventLine(event: HostEvent): string {
  switch (event.type) {
    case 'authorisation':
    case 'advice': {
      const { type, order, pan, amount, currency: alpha, interface: through, cvm, arqc, pin, stripeCode, code, reason } = event
      const what = `${order} ${pan} ${formatAmount(amount, currency(alpha))} ${alpha}`
      const proof = stripeCode ? `stripe code ${stripeCode}` : `ARQC ${arqc}`
      return `${type} ${what} (${through}, CVM ${cvm}): ${proof}, PIN ${pin}, ${code} ${reason}`
    }
    case 'repeat':
    case 'status':
      return `${event.type} ${event.key}: ${event.state}`
    case 'reversal':
      return `reversal ${event.key} (${event.why}): ${event.charged ? 'money given back' : 'nothing was charged'}`
    case 'dropped':
      return `dropped the ${event.what} of ${event.key}`
    case 'refused':
      return `refused (${event.status}): ${event.why}`
  }
}
