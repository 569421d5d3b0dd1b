/** Magic amounts: the last two digits of a payment's minor units name what the host answers, as hosts of other simulators have it; 1.05 is declined with 05. On by option. */

import { type CheckedRule, parseRules, type RuleFacts } from './rules.ts'

/** What becomes of a payment. `part`: half of it is approved; `refer`: a voice call; the other words say what the line does. */
export type MagicDeed = 'decline' | 'refer' | 'part' | 'noAnswer' | 'late' | 'unknown'

/** A row of the table. */
export interface MagicAmount {
  /** The last two digits of the minor units; of a decline the response code (ISO 8583:1987, field 39) too. */
  readonly digits: string
  readonly does: MagicDeed
  /** The host's sentence for the merchant; what happens, where it says nothing. */
  readonly says: string
}

/** Milliseconds that a late answer takes: longer than our clients wait for one (30 s), shorter than they go on asking for its state. */
export const MAGIC_DELAY = 40_000
/** Milliseconds that a host says nothing of a payment that is to stay unknown: longer than a payment asks in all. */
export const MAGIC_SILENCE = 120_000

const decline = (digits: string, says: string): MagicAmount => ({ digits, does: 'decline', says })

/** Every pair of digits that means something; an amount that ends in another is decided as always. */
export const magicAmounts: readonly MagicAmount[] = [
  { digits: '01', does: 'refer', says: 'call the bank' },
  decline('03', 'no such merchant'),
  decline('04', 'keep the card'),
  decline('05', 'do not honour'),
  { digits: '10', does: 'part', says: 'half of the amount is approved' },
  decline('12', 'the transaction is not valid'),
  decline('13', 'the amount is not valid'),
  decline('14', 'no such card number'),
  decline('30', 'format error'),
  decline('41', 'the card was lost'),
  decline('43', 'the card was stolen'),
  decline('51', 'not enough money'),
  decline('54', 'the card has expired'),
  decline('55', 'the PIN is wrong'),
  decline('57', 'the card may not do this'),
  decline('58', 'the terminal may not do this'),
  decline('59', 'fraud is suspected'),
  decline('61', 'above the limit of amounts'),
  decline('62', 'the card is restricted'),
  decline('65', 'above the limit of payments'),
  decline('75', 'too many wrong PINs'),
  decline('91', 'the bank is not there'),
  decline('92', 'no way to the bank'),
  decline('94', 'sent twice'),
  decline('96', 'the system does not work'),
  { digits: '97', does: 'noAnswer', says: 'approved, and not answered; its state is told' },
  { digits: '98', does: 'late', says: `approved after ${MAGIC_DELAY / 1000} s` },
  {
    digits: '99',
    does: 'unknown',
    says: `approved, and nothing is answered for ${MAGIC_SILENCE / 1000} s, to questions for its state and to reversals neither`,
  },
]

/** What a rule of the user decides by itself: the amount says nothing then. Other rules go with it. */
const decides: readonly CheckedRule['do'][] = ['decline', 'refer', 'partial', 'dropRequest', 'dropAnswer', 'garbage', 'closeSocket', 'silence', 'duplicate', 'contradict'] // biome-ignore format: a list

/** What the amount says; undefined where it says nothing. */
export function magicOf(amount: bigint | undefined): MagicAmount | undefined {
  if (amount === undefined) return undefined
  const digits = String(amount % 100n).padStart(2, '0')
  return magicAmounts.find(one => one.digits === digits)
}

/** The row as a rule for one payment. */
export function magicRules({ digits, does, says }: MagicAmount, amount: bigint): readonly CheckedRule[] {
  switch (does) {
    case 'decline':
      return parseRules([{ do: 'decline', code: digits, reason: says }])
    case 'refer':
      return parseRules([{ do: 'refer', reason: says }])
    case 'part':
      return parseRules([{ do: 'partial', amount: amount / 2n }])
    case 'late':
      return parseRules([{ do: 'delay', ms: MAGIC_DELAY }])
    case 'noAnswer':
    case 'unknown':
      return parseRules([{ do: 'silence' }])
  }
}

/** Rules that a question meets, `key` its payment's. */
export type RulesOf = (facts: RuleFacts, key: string) => readonly CheckedRule[]

/** The user's rules, and where none of them decides, the amount's. @param now milliseconds, of the host's clock */
export function withMagic(rulesOf: RulesOf, now: () => number): RulesOf {
  /** Payments of which nothing is said until then. */
  const unknown = new Map<string, number>()
  return (facts, key) => {
    const rules = rulesOf(facts, key)
    if (rules.some(one => decides.includes(one.do))) return rules
    if (facts.on === 'status' || facts.on === 'reversal') {
      const until = unknown.get(key)
      if (until === undefined) return rules
      if (now() < until) return [...rules, ...parseRules([{ do: 'silence', on: facts.on }])]
      unknown.delete(key)
      return rules
    }
    const magic = facts.on === 'authorisation' ? magicOf(facts.amount) : undefined
    if (!magic || (magic.does === 'late' && rules.some(one => one.do === 'delay'))) return rules
    if (magic.does === 'unknown') unknown.set(key, now() + MAGIC_SILENCE)
    return [...rules, ...magicRules(magic, facts.amount!)]
  }
}
