/** Rules of an unhappy host as people write them: the named shape of what `parseRules` checks and fills in. */

import type { TvrBit } from '../../src/emv/data.ts'

/** What an acquirer is asked. */
export const questions = [
  'authorisation',
  'advice',
  'reversal',
  'status',
  'increment',
  'confirmation',
  'cancellation',
  'order',
  'cash',
  'qr',
] as const
/** One of the questions that an acquirer is asked. */
export type Question = (typeof questions)[number]

/** Minor units of the payment's currency; as text, up to 12 digits. */
export type MinorUnits = bigint | number | string

/** Amounts that a rule meets: all that is named must be true. */
export interface RuleAmount {
  /** Just so much. */
  is?: MinorUnits | undefined
  /** More than that. */
  above?: MinorUnits | undefined
  /** Less than that. */
  below?: MinorUnits | undefined
}

/** Which payments a rule meets; a field that is left out is true of all. */
export interface RuleCondition {
  /** Of the payment. */
  amount?: RuleAmount | undefined
  /** The PAN begins with these digits, up to 19. */
  pan?: string | undefined
  /** How the card was read. */
  interface?: 'chip' | 'tap' | 'swipe' | undefined
  /** How the cardholder was verified. */
  cvm?: 'none' | 'onlinePin' | 'offlinePin' | 'signature' | 'device' | undefined
  /** The number of the order. */
  order?: string | undefined
}

/** When a rule applies, and how often. */
export interface RuleScope {
  /** Which questions it meets; authorisations when left out. A decline is for authorisations, confirmations, cancellations, cash and QR codes. */
  on?: Question | Question[] | undefined
  /** Which payments it meets; all of them when left out. */
  when?: RuleCondition | undefined
  /** How many payments it meets before it is spent; every one when left out. */
  times?: number | undefined
  /** How probable it is that it meets a payment that it is for: above 0, at most 1; always when left out. One that it lets pass does not count for `times`. */
  probability?: number | undefined
  /** What chance throws, 1 to 4294967295: the same seed meets the same payments. Each rule has a chance of its own; seed 1 when left out. */
  seed?: number | undefined
}

/** The host says no. */
export interface DeclineRule extends RuleScope {
  /** What the rule does. */
  do: 'decline'
  /** ISO 8583:1987, field 39: two digits or capital letters, not 00. */
  code: string
  /** The host's sentence for the merchant, up to 200 characters. */
  reason: string
  /** An issuer script that goes with it; none when left out. */
  script?: 'blockApplication' | 'blockCard' | undefined
}

/** The issuer approves a part of a larger amount (response code 10), whether the app takes a part or not. */
export interface PartialRule extends RuleScope {
  /** What the rule does. */
  do: 'partial'
  /** How much it approves. */
  amount: MinorUnits
}

/** What the issuer answers where the terminal's TVR (95) has this bit, in place of its own table. */
export interface TvrRule extends RuleScope {
  /** What the rule does. */
  do: 'tvr'
  /** By name (EMV 4.4 Book 3, Annex C5). */
  bit: TvrBit
  /** ISO 8583:1987, field 39: two digits or capital letters; 00 passes the bit over. */
  code: string
  /** The host's sentence for the merchant; the table's own, or the bit's name, when left out. */
  reason?: string | undefined
}

/** The issuer wants a voice call (response code 01). */
export interface ReferRule extends RuleScope {
  /** What the rule does. */
  do: 'refer'
  /** The host's sentence for the merchant. */
  reason: string
}

/** The issuer resets the card's PIN try counter by script. */
export interface UnblockPinRule extends RuleScope {
  /** What the rule does. */
  do: 'unblockPin'
  /** Issuer Script Template: 71 is for before the last cryptogram, 72 for after it; 72 when left out. */
  template?: 71 | 72 | undefined
}

/** What the issuer does besides its verdict. */
export interface IssuerRule extends RuleScope {
  /**
   * `wrongArpc`: answers with an ARPC that the card must not accept; `believe`: does not compare what
   * the card signed with what is asked for, nor an advice with its certificate.
   */
  do: 'wrongArpc' | 'believe'
}

/** The host takes its time; the payment is in process meanwhile. */
export interface DelayRule extends RuleScope {
  /** What the rule does. */
  do: 'delay'
  /** Milliseconds before the host decides, up to 600 000. */
  ms: number
}

/** What becomes of the connection. */
export interface LineRule extends RuleScope {
  /**
   * `dropRequest`: it closes before the host has taken the payment, and nothing is charged; `dropAnswer`: it closes after the host has decided, and it may be
   * charged; `garbage`: something that is no answer of this protocol, after the host has decided; `closeSocket`: it breaks in the middle of the answer; `silence`:
   * the host has decided and says nothing, while the connection stays open; `duplicate`: the network brings the request twice; `contradict`: the answer
   * names another amount than what was asked for.
   */
  do: 'dropRequest' | 'dropAnswer' | 'garbage' | 'closeSocket' | 'silence' | 'duplicate' | 'contradict'
}

/**
 * How the virtual host misbehaves: what it does, to which payments, how often. Rules are checked when the acquirer starts, and a mistake names its field
 * (`bad-config`).
 *
 * @example
 * ```ts
 * import { type HostRule, virtualCounter } from 'tapdip/simulator'
 *
 * const rules: HostRule[] = [
 *   { do: 'decline', code: '51', reason: 'Not enough money', when: { amount: { above: 1000_00n } } },
 *   { do: 'dropAnswer', times: 1 },
 *   { do: 'delay', ms: 2000, on: ['reversal', 'status'] },
 *   { do: 'silence', probability: 0.1, seed: 7 }, // one payment in ten, the same ones every time
 * ]
 * await using counter = await virtualCounter({ rules })
 * ```
 */
export type HostRule = DeclineRule | PartialRule | TvrRule | ReferRule | UnblockPinRule | IssuerRule | DelayRule | LineRule
