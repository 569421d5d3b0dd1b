/** Contactless configuration by scheme, with one rule for verification, and the figure that each kernel needs to keep that rule. */

import { fromBcd, fromHex, toBcd } from '../../bytes.ts'
import * as door from '../../door.ts'
import type { RandomSelection } from '../config.ts'
import type { ContactlessScheme } from '../schemes.ts'
import type { TransactionType } from '../terminal.ts'
import { type Combination, checkCombination } from './combination.ts'
import type { LimitSet } from './dynamic-limits.ts'
import { type Comparison, figures, type RuleName } from './figures.ts'
import type { AmexLimits } from './kernels/amex.ts'

export { type ContactlessScheme, contactlessSchemes } from '../schemes.ts'

/** Kernel identifiers (EMV Contactless Book B, table 3-6); Mir's is the domestic 81 06 43. */
export const schemeKernels: Readonly<Record<ContactlessScheme, Uint8Array>> = {
  mastercard: fromHex('02'),
  visa: fromHex('03'),
  amex: fromHex('04'),
  jcb: fromHex('05'),
  discover: fromHex('06'),
  unionpay: fromHex('07'),
  mir: fromHex('810643'),
}

/**
 * The rules of one scheme in words that do not depend on how its kernel compares: "from" amounts are the first that the rule holds for, "up to"
 * amounts the last. Minor units of the configuration's currency.
 */
export interface SchemeRules {
  /** A payment system by name: one of the seven, one of `knownSchemes`, or one of your own. */
  readonly scheme: ContactlessScheme | (string & {})
  /** Whose kernel takes its cards; the scheme's own when left out. */
  readonly kernel?: ContactlessScheme | undefined
  /** What its cards ask for in their directory (9F2A), where that is not the kernel's own identifier. A card that asks for none is taken by its AID. */
  readonly kernelId?: Uint8Array | undefined
  /** Application Identifiers, 5–16 bytes each; a card's own may be longer. */
  readonly aids: readonly Uint8Array[]
  /** Kinds of transaction that it is taken for; every one when left out. */
  readonly types?: readonly TransactionType[] | undefined
  /** Below it nobody is verified; from it on the cardholder is: 300000 for "below 3000.00 without". */
  readonly verifyFrom: bigint
  /** From it on the scheme is not taken by tap; always taken where left out. */
  readonly refuseFrom?: bigint | undefined
  /** The same for a device that verified its holder; `refuseFrom` where left out. */
  readonly refuseOnDeviceFrom?: bigint | undefined
  /** Up to it the card may approve offline. */
  readonly offlineUpTo: bigint
  /** Zero Amount Allowed flag of Entry Point: false keeps an amount of zero from a tap. */
  readonly zeroAmountAllowed?: boolean | undefined
  /** Status Check Support flag of Entry Point: an amount of exactly one unit (1.00) goes online, to ask only how the account stands. */
  readonly statusCheck?: boolean | undefined
  /** Extended Selection Support flag of Entry Point: the AID is selected with what the card's directory adds to it (9F29). */
  readonly extendedSelection?: boolean | undefined
  /** 9F66 of the kernels that have one. */
  readonly ttq?: Uint8Array | undefined
  /** Dynamic reader limits (Visa, American Express). */
  readonly dynamicLimits?: readonly DynamicLimits[] | undefined
  /** Transactions below the floor limit that go online all the same (JCB). */
  readonly randomSelection?: RandomSelection | undefined
  /** Cards with fast DDA of the legacy version 00 are taken too (Visa, UnionPay), whose signature is not over amount and currency. */
  readonly fastDda00?: boolean | undefined
  /** Data objects of the kernel's own configuration, by tag. */
  readonly data: ReadonlyMap<number, Uint8Array>
}

/**
 * Limits for some of a scheme's cards in place of the scheme's: those whose Application Program ID (9F5A) begins so (Visa), or that name the set (American
 * Express: 9F70 byte 2, b4–b1). A limit left out is switched off for them.
 */
export interface DynamicLimits extends Pick<SchemeRules, 'refuseFrom' | 'zeroAmountAllowed' | 'statusCheck'> {
  /** The beginning of the card's Application Program ID (9F5A), for Visa. */
  readonly programId?: Uint8Array | undefined
  /** Number of the set, 0–15, for American Express. */
  readonly set?: number | undefined
  /** As in `SchemeRules`. */
  readonly verifyFrom?: bigint | undefined
  /** As in `SchemeRules`. */
  readonly offlineUpTo?: bigint | undefined
}

/** What is taken by tap, scheme by scheme. `contactlessFor` makes one, `parseContactlessConfig` checks one. */
export interface ContactlessConfig {
  /** ISO 4217 numeric of the currency that the rules are in. */
  readonly currencyCode: number
  /** One row for each payment system, or for each of its kernels. */
  readonly schemes: readonly SchemeRules[]
  /**
   * The merchant's order among the payment systems of a co-badged card, by `scheme`, best first (Regulation (EU) 2015/751, article 8 (6)); what the customer asks for
   * (`Transaction.application`) comes before it. Left out: the card's own priority decides, as it always does in roubles.
   */
  readonly routing?: readonly string[] | undefined
}

const schemeRule = door.shape({ scheme: door.anyText })
/** What a door asks of a configuration for taps: its list of schemes. */
export const contactlessRule: door.Rule = door.shape({ schemes: door.listOf(door.object) })

/** Whose kernel runs the cards of these rules. */
export function kernelOf(rules: Pick<SchemeRules, 'scheme' | 'kernel'>): ContactlessScheme {
  door.need('rules', rules, schemeRule)
  return rules.kernel ?? (rules.scheme as ContactlessScheme)
}

const MAX = 999_999_999_999n

/** The figure that makes `amount <sign> figure` true exactly from `rule` on (or, for `offlineUpTo`, exactly above it). */
function figure(rules: SchemeRules, rule: RuleName, sign: Comparison): bigint {
  const first =
    rule === 'offlineUpTo'
      ? rules.offlineUpTo + 1n
      : rule === 'refuseOnDeviceFrom'
        ? (rules.refuseOnDeviceFrom ?? rules.refuseFrom ?? MAX + 1n)
        : (rules[rule] ?? MAX + 1n)
  return figureOf(first, sign)
}

/** The data objects of a scheme's kernel, rules and own settings together: what a reader with a kernel of its own is loaded with too. */
export function kernelData(rules: SchemeRules): ReadonlyMap<number, Uint8Array> {
  door.need('rules', rules, schemeRule)
  const limits = (figures[kernelOf(rules)] ?? [])
    .map(([tag, rule, sign]) => [tag, figure(rules, rule, sign)] as const)
    .filter(([, value]) => value <= MAX) // a rule that is not there
    .map(([tag, value]) => [tag, toBcd(value, 6)] as const)
  return new Map([...rules.data, ...limits])
}

/** What the figures of a scheme's own say in words: `kernelData` read backwards, for a reader that was loaded with them. Undefined where the scheme has none. */
export function rulesOfFigures(
  scheme: ContactlessScheme,
  figuresOf: ReadonlyMap<number, Uint8Array>,
): Partial<Pick<SchemeRules, RuleName>> | undefined {
  const own = figures[scheme]
  return own && Object.fromEntries(own.flatMap(([tag, rule, sign]) => ruleOf(figuresOf.get(tag), rule, sign)))
}

/** A rule from its figure and the sign that it is compared with; nothing where the figure is missing. */
function ruleOf(figureOf: Uint8Array | undefined, rule: RuleName, sign: Comparison): readonly (readonly [RuleName, bigint])[] {
  const value = figureOf && fromBcd(figureOf)
  if (value === undefined) return []
  const first = sign === '>=' ? value : value + 1n
  return [[rule, rule === 'offlineUpTo' ? first - 1n : first]]
}

/** The first amount that counts, as the figure of a kernel that compares with `sign`. */
function figureOf(first: bigint, sign: Comparison): bigint {
  return sign === '>=' ? first : first - 1n
}

/** Kernel 3's sets; it pre-processes with them as Entry Point does. */
export function visaLimitSets(scheme: SchemeRules): LimitSet[] {
  door.need('scheme', scheme, door.object)
  const { dynamicLimits } = scheme
  return (dynamicLimits ?? []).map(({ programId, verifyFrom, refuseFrom, offlineUpTo, zeroAmountAllowed, statusCheck }) => ({
    programId: programId!,
    ...(verifyFrom !== undefined && { cvmRequiredLimit: figureOf(verifyFrom, '>=') }),
    ...(refuseFrom !== undefined && { transactionLimit: figureOf(refuseFrom, '>=') }),
    ...(offlineUpTo !== undefined && { floorLimit: figureOf(offlineUpTo + 1n, '>') }),
    ...(zeroAmountAllowed !== undefined && { zeroAmountAllowed }),
    ...(statusCheck !== undefined && { statusCheck }),
  }))
}

/** Kernel 4's sets, with its own signs. */
export function amexLimitSets(scheme: SchemeRules): ReadonlyMap<number, AmexLimits> {
  door.need('scheme', scheme, door.object)
  const { dynamicLimits } = scheme
  return new Map(
    (dynamicLimits ?? []).map(({ set, verifyFrom, refuseFrom, offlineUpTo }) => [
      set!,
      {
        ...(verifyFrom !== undefined && { cvm: figureOf(verifyFrom, '>=') }),
        ...(refuseFrom !== undefined && { transaction: figureOf(refuseFrom, '>') }),
        ...(offlineUpTo !== undefined && { floor: figureOf(offlineUpTo + 1n, '>') }),
      },
    ]),
  )
}

/** Entry Point's combinations. Kernels with limits of their own get none here, so that no rule is tested twice with two signs. */
export function combinationsOf(config: ContactlessConfig): Combination[] {
  door.need('config', config, contactlessRule)
  const { schemes, routing } = config
  return schemes.flatMap(rules => {
    const own = figures[kernelOf(rules)] !== undefined
    const rank = routing?.indexOf(rules.scheme) ?? -1
    const limits = own
      ? {}
      : {
          cvmRequiredLimit: figure(rules, 'verifyFrom', '>='),
          floorLimit: figure(rules, 'offlineUpTo', '>'),
          ...(rules.refuseFrom !== undefined && { transactionLimit: figure(rules, 'refuseFrom', '>=') }),
        }
    return rules.aids.map(aid =>
      checkCombination({
        aid,
        kernel: rules.kernelId ?? schemeKernels[kernelOf(rules)],
        ...(routing && { rank: rank < 0 ? routing.length : rank }),
        ...limits,
        ...(rules.types && { types: rules.types }),
        ...(rules.ttq && { ttq: rules.ttq }),
        ...(rules.zeroAmountAllowed !== undefined && { zeroAmountAllowed: rules.zeroAmountAllowed }),
        ...(rules.statusCheck !== undefined && { statusCheck: rules.statusCheck }),
        ...(rules.extendedSelection !== undefined && { extendedSelection: rules.extendedSelection }),
      }),
    )
  })
}
