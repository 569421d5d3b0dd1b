/** A card whose chip cannot be read does not end a payment: it is asked for again, and then for its stripe or a tap, as the merchant's rules say. */

import { hex } from '../../bytes.ts'
import type { CardInterface, Outcome } from '../../emv/outcome.ts'
import type { Fallback, Transaction } from '../../emv/terminal.ts'
import { Fault } from '../../errors.ts'
import { MASKED_PAN } from '../../reader/own-tags.ts'
import type { Reader } from '../../reader/reader.ts'
import type { PaymentEvent } from './events.ts'

/** The merchant's rules, which are the acquirer's and the schemes'; `{ to: [] }` where nothing may stand in for a chip. */
export interface FallbackRules {
  /** How often a card whose chip cannot be read is asked for once more, 0 to 9; 2 when left out. */
  readonly tries?: number
  /** What may stand in for the chip, the first that reader and payment have first; the stripe when left out. */
  readonly to?: readonly ('swipe' | 'tap')[]
  /** Cards whose scheme or issuer takes no stripe in place of a chip, by the first 2 to 6 digits of their number; none when left out. */
  readonly notFor?: readonly string[]
}

const usual = { tries: 2, to: ['swipe'], notFor: [] } as const satisfies Required<FallbackRules>

/** @throws Fault `bad-argument` with details.field */
export function fallbackRules(given: FallbackRules = {}): Required<FallbackRules> {
  const rules = { ...usual, ...given }
  const refuse = (field: keyof FallbackRules, value: unknown, rule: string): never => {
    throw new Fault('bad-argument', `fallback.${field} is ${value}, the rule is ${rule}`, { field: `fallback.${field}`, rule })
  }
  if (!Number.isInteger(rules.tries) || rules.tries < 0 || rules.tries > 9) refuse('tries', rules.tries, 'a whole number from 0 to 9')
  for (const one of rules.to) if (one !== 'swipe' && one !== 'tap') refuse('to', one, 'swipe or tap')
  for (const digits of rules.notFor) if (!/^\d{2,6}$/.test(digits)) refuse('notFor', digits, 'the first 2 to 6 digits of card numbers')
  return rules
}

/** What of the rules a reader is told that asks again by itself. */
function toldTo(reader: Reader, { tries, to }: Required<FallbackRules>, ways: readonly CardInterface[]): Fallback {
  return { tries, to: to.filter(one => ways.includes(one) && reader.info.capabilities.includes(one)) }
}

/**
 * Makes the payment by `run`, and again within the same payment as long as the chip cannot be read and the rules have something left. `fallback` in the
 * outcome: the chip could not be read, however it went on.
 */
export async function withFallback(
  {
    reader,
    rules,
    signal,
    say,
  }: { reader: Reader; rules: Required<FallbackRules>; signal: AbortSignal; say: (event: PaymentEvent) => void },
  transaction: Transaction,
  run: (transaction: Transaction) => Promise<Outcome>,
): Promise<Outcome> {
  const fallback = toldTo(reader, rules, transaction.interfaces ?? ['chip', 'tap', 'swipe'])
  const rest = [...fallback.to]
  let left = reader.info.fallback === 'reader' ? 0 : fallback.tries
  let failed = false
  for (let next: Transaction = { ...transaction, fallback }; ; ) {
    const outcome = await run(next)
    if (!mayGoOn(outcome) || signal.aborted) return failed ? { ...outcome, fallback: true } : outcome
    failed = true
    if (left > 0) {
      left--
      say({ type: 'fallback', ask: 'chip', left })
      continue
    }
    const instead = rest.shift()
    if (!instead) return outcome
    say({ type: 'fallback', ask: instead, left: 0 })
    next = { ...transaction, fallback, interfaces: [instead] }
  }
}

/** Nobody but the chip has had a part in it. */
function mayGoOn({ fallback, result, online }: Outcome): boolean {
  return fallback === true && result === 'declined' && !online
}

/** POS entry mode 80 (9F39): the stripe in place of a chip. */
const FALLBACK = 0x80

/** Whether the rules take no stripe in place of this card's chip. */
export function isBarred({ notFor }: Required<FallbackRules>, tags: ReadonlyMap<number, Uint8Array>): boolean {
  if (tags.get(0x9f39)?.[0] !== FALLBACK) return false
  const pan = [0x5a, 0x57, MASKED_PAN].map(tag => tags.get(tag)).find(value => value?.length)
  return pan !== undefined && notFor.some(digits => hex(pan).startsWith(digits))
}
