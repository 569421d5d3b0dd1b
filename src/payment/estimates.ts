/** Estimated amounts: how far a payment that is held may be raised, and how much more than is held may be charged in the end, by payment system and merchant category, as data. */

import { Fault } from '../errors.ts'

/** Every `EstimateCategory`. */
export const categories = ['lodging', 'carRental', 'cruise', 'restaurant', 'taxi', 'beauty', 'fuel', 'other'] as const
/** What a merchant sells whose amounts are estimated first, as the payment systems divide them. */
export type EstimateCategory = (typeof categories)[number]

/** What one payment system lets merchants do with a payment that is held. */
export interface EstimateRule {
  /** As a slip names it: `VISA`. */
  readonly scheme: string
  /** All when left out. */
  readonly categories?: readonly EstimateCategory[]
  /** More may be held after the first authorisation. */
  readonly increments?: boolean
  /** Percent of what is held that may be charged beyond it; none when left out. */
  readonly over?: number
  /** Where it is written, and who says so: no payment system publishes its table without its members, so what processors publish of it is the best there is. */
  readonly source: string
  /** `processor`: a processor publishes it for its merchants; `assumed`: one page alone says so. */
  readonly confidence: 'processor' | 'assumed'
}

const stripe = 'docs.stripe.com/terminal/features/incremental-authorizations'
const visa = 'airwallex.com/docs, Handle Overcaptures (Visa table 7-10); docs.stripe.com/payments/overcapture'

/**
 * What is public of it (2026). Not here, and so refused unless a merchant's own rules have it: Mir, UnionPay, JCB, Maestro and every domestic system, of which nothing is
 * public; Visa's 75 USD for rented cars, which is a currency's; its 15 percent for sales without a card; Mastercard's 30 percent, which is for restaurants in the US alone;
 * fuel, which has rules of its own (a pump's limit). Nothing of it holds where the country forbids it, as the European Economic Area does for amounts over (checkout.com).
 */
export const estimateRules: readonly EstimateRule[] = [
  { scheme: 'VISA', categories: ['restaurant', 'taxi', 'beauty'], over: 20, source: visa, confidence: 'processor' },
  { scheme: 'VISA', categories: ['lodging', 'cruise', 'carRental'], over: 15, source: visa, confidence: 'processor' },
  { scheme: 'VISA', increments: true, source: stripe, confidence: 'processor' },
  { scheme: 'MASTERCARD', increments: true, source: stripe, confidence: 'processor' },
  { scheme: 'DISCOVER', categories: ['lodging', 'carRental'], increments: true, source: stripe, confidence: 'processor' },
  { scheme: 'AMERICAN EXPRESS', increments: true, source: `${stripe}, its later page alone`, confidence: 'assumed' },
]

/** What a merchant may raise and charge over what is held. */
export interface Estimates {
  /** What the merchant sells. */
  readonly category: EstimateCategory
  /** The merchant's own, by contract with the acquirer: looked at first. */
  readonly rules?: readonly EstimateRule[]
  /** Rules that are only assumed count too; they do not when left out. */
  readonly assumed?: boolean
}

/** What the rules come to for one payment. */
export interface Allowed {
  /** More may be held. */
  readonly increments: boolean
  /** Percent. */
  readonly over: number
}

/** What is allowed; nothing of what no rule names. */
export function allowedOf(scheme: string | undefined, estimates: Estimates | undefined): Allowed {
  if (scheme === undefined || estimates === undefined) return { increments: false, over: 0 }
  const { category, rules = [], assumed = false } = estimates
  const met = [...rules, ...estimateRules.filter(({ confidence }) => assumed || confidence !== 'assumed')].filter(
    one => one.scheme === scheme && (one.categories?.includes(category) ?? true),
  )
  const first = <T>(values: readonly (T | undefined)[], none: T) => values.find(value => value !== undefined) ?? none
  return { increments: first(met.map(one => one.increments), false), over: first(met.map(one => one.over), 0) } // biome-ignore format: a row
}

/** Minor units beyond `held`: whole percent, rounded down. */
export function overOf(held: bigint, { over }: Allowed): bigint {
  return (held * BigInt(Math.round(over * 100))) / 10_000n
}

/** @throws Fault `unsupported` where no rule lets `scheme` be raised */
export function needIncrements(scheme: string | undefined, estimates: Estimates | undefined, order?: string): void {
  if (allowedOf(scheme, estimates).increments) return
  const where = estimates ? `for a merchant of category ${estimates.category}` : 'for a merchant without a category'
  throw new Fault('unsupported', `no rule is known by which ${scheme ?? 'this payment'} is raised ${where}`, {
    ...{ feature: 'increment' },
    ...(order !== undefined && { order }),
  })
}
