/** Payments by card: what is asked of the issuer, and what is told of an approval that took place without it. */

import { hex, uint } from '../../../src/bytes.ts'
import { maskPan } from '../../../src/mask.ts'
import type { AuthorisationMessage, HostAnswer } from '../../../src/payment/acquirer.ts'
import { approvingCodes } from '../../../src/payment/host/agreement.ts'
import { schemeName } from '../../../src/payment/receipt/scheme.ts'
import { type BonusOptions, cancelAward, earnBonus } from '../bonus.ts'
import { type Found, payments, standing } from '../book.ts'
import type { BookedOrder } from '../booked.ts'
import type { riskBook } from '../issuer/risk.ts'
import type { Verdict } from '../issuer/verdict.ts'
import type { CheckedRule } from '../rules.ts'
import type { Turn } from './line.ts'
import type { Merchants } from './merchants.ts'
import type { Records } from './records.ts'
import type { Refused } from './reply.ts'

/** A message with what the issuer reads out of it, and a retrieval reference number that the terminal has made. */
export interface CardAsked {
  readonly message: AuthorisationMessage
  readonly pan: string | undefined
  readonly rrn: string | undefined
}

export interface CardDesk {
  readonly records: Records
  readonly merchants: Merchants
  readonly risk: ReturnType<typeof riskBook>
  readonly bonus: BonusOptions | undefined
}

/** @throws Refusal 409 when the key belongs to another payment */
export async function authorise(desk: CardDesk, asked: CardAsked, { rules, wait }: Turn): Promise<HostAnswer> {
  const { records, merchants } = desk
  const { message, pan } = asked
  const { key } = message
  const repeated = records.repeated(key, message)
  if (repeated) return records.named(key, repeated)
  const refused = merchants.refuse(message) ?? desk.risk(message, pan, records.book.orders, +records.now)
  const found = begin(desk, asked, 'authorisation')
  records.keep({ order: found.order, keys: [key] })
  await wait()
  records.expire(found.order)
  // Overtaken by a reversal or by time while the host was busy.
  if (found.operation.state !== 'In Process') return records.named(key, found.transaction.answer)
  return records.named(key, decide(desk, found, asked, rules, refused ?? merchants.refuseRefund(found, message.merchant.id)))
}

/** @throws Refusal 409 when the key belongs to another payment */
export async function advise(desk: CardDesk, asked: CardAsked, { rules, wait }: Turn): Promise<HostAnswer> {
  const { records, merchants } = desk
  const { message, pan, rrn } = asked
  const { key } = message
  await wait()
  const repeated = records.repeated(key, message)
  if (repeated) return records.named(key, repeated)
  const found = begin(desk, asked, 'advice')
  const refused = merchants.refuseRefund(found, message.merchant.id)
  if (refused) {
    const { code, reason } = refused
    const declined = records.book.finish(found, { state: 'declined', reason, response: { type: 'declined', code } })
    records.keep({ order: found.order, keys: [key] })
    return records.named(key, declined)
  }
  const referred = records.book.find(key.replace(/-voice$/, ''))?.transaction.answer.state === 'referral'
  const verdict = records.issuer.advise(message, pan, { referred, rules })
  const { account, code, reason } = verdict
  if (account) Object.assign(found.operation, { account })
  tell(records, 'advice', asked, verdict)
  const state = code === '00' ? 'approved' : 'declined'
  const response = { type: state, code, rrn: rrn ?? records.book.rrn(message.at) } as const
  const answer = records.book.finish(found, { state, reason, response })
  if (state === 'approved') reward(desk, found, asked)
  records.keep({ order: found.order, keys: [key] }, account)
  return records.named(key, answer)
}

/** In the book, and in process. */
function begin({ records, merchants }: CardDesk, { message, pan }: CardAsked, kind: 'authorisation' | 'advice'): Found {
  const check = message.type === 'check'
  const hold = !check && (message.hold ?? merchants.of(message.merchant.id)?.stages === 2)
  const at = kind === 'advice' ? message.at : records.now
  const aid = message.tags.get(0x84) ?? message.tags.get(0x9f06) ?? message.tags.get(0x4f)
  const scheme = schemeName({ ...(aid && { aid: hex(aid) }), pan, interface: message.interface })
  return records.book.begin(message, kind, {
    at,
    ...(scheme && { scheme }),
    ...(hold && { hold }),
    ...((message.type === 'refund' || check) && { gives: true, ...(paidBy(records, message) && { linked: true }) }),
    ...(pan && { pan: maskPan(pan), card: records.book.names.card(pan) }),
  })
}

/** The order whose payments a refund gives back; undefined where it stands by itself. */
function paidBy({ book }: Records, { type, merchant, order: { number } }: AuthorisationMessage): BookedOrder | undefined {
  const order = type === 'refund' ? book.order(number, merchant.id) : undefined
  return order && payments(order).length > 0 ? order : undefined
}

/** The issuer's word, unless the host has refused before; the money is moved, and all of it is in the book. */
function decide(desk: CardDesk, found: Found, asked: CardAsked, rules: readonly CheckedRule[], refused: Refused | undefined): HostAnswer {
  const { book, issuer } = desk.records
  const { message, pan, rrn = book.rrn(message.at) } = asked
  const verdict: Verdict = refused ? { ...refused, arqc: 'none', pin: 'none' } : issuer.authorise(message, pan, rules)
  const { code, reason, account, approvedAmount, issuerAuthenticationData, scripts } = verdict
  tell(desk.records, 'authorisation', asked, verdict)
  const state = approvingCodes.includes(code) ? 'approved' : code === '01' ? 'referral' : 'declined'
  if (account) Object.assign(found.operation, { account })
  if (approvedAmount !== undefined) found.operation.amount = approvedAmount
  const answer = book.finish(found, {
    state,
    ...(approvedAmount !== undefined && { approvedAmount }),
    ...(state !== 'approved' && { reason }),
    response: {
      type: state,
      code,
      rrn,
      ...(state === 'approved' && { authorisationCode: book.authorisationCode() }),
      ...(issuerAuthenticationData && { issuerAuthenticationData }),
      ...(scripts && { scripts }),
    },
  })
  if (state === 'approved') reward(desk, found, asked)
  if (state === 'approved' && found.operation.linked) {
    const { paid, cancelled } = standing(found.order)
    cancelAward(book, issuer, found.order, message.key, found.operation.at, cancelled, paid)
  }
  desk.records.keep({ order: found.order }, account)
  return answer
}

function reward({ records, bonus }: CardDesk, found: Found, { message: { type }, pan }: CardAsked): void {
  if (bonus && type !== 'refund' && type !== 'check' && pan?.startsWith(bonus.pan ?? ''))
    earnBonus(records.book, records.issuer, found, bonus)
}

/** An observer hears of it, without card number and PIN. */
function tell(records: Records, type: 'authorisation' | 'advice', { message, pan }: CardAsked, verdict: Verdict): void {
  const { arqc, pin, stripeCode, code, reason } = verdict
  const { key, order, amount, currency, interface: through, tags } = message
  const facts = {
    key,
    order: order.number,
    amount,
    currency: currency.alpha,
    pan: pan ? maskPan(pan) : 'none',
    ...{ interface: through ?? 'unknown', cvm: records.issuer.cvmOf(message) ?? 'unknown' },
  }
  const counter = tags.get(0x9f36)
  const atc = counter?.length === 2 && { atc: uint(counter) }
  records.hear({ type, ...facts, arqc, pin, ...(stripeCode && { stripeCode }), ...atc, code, reason })
}
