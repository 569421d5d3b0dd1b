/** The fiscal receipt of an order, as data: items, VAT by rate, totals, how it was paid, and the marks of the cash register (seed 002; names of FFD, the Russian fiscal data formats). */

import { formatAmount } from '../../currency.ts'
import * as door from '../../door.ts'
import type { FiscalMark, Merchant, Order, OrderItem } from '../acquirer.ts'
import { fiscalAmount } from '../amount-parts.ts'
import { checkLine } from '../one-line.ts'
import { discountOf, priceParts, quantityText } from '../order.ts'
import * as rules from '../rules.ts'

/** Taxation systems (FFD 1055). */
export const taxations = ['osn', 'usnIncome', 'usnIncomeOutcome', 'eshn', 'psn'] as const
/** A taxation system of FFD (1055). */
export type Taxation = (typeof taxations)[number]

/** What a receipt says of the shop; what is not known is left out. */
export interface FiscalShop {
  /** User (1048); the merchant's name when left out. */
  readonly user?: string
  /** Taxpayer number (1018), 10 or 12 digits. */
  readonly inn?: string
  /** Taxation system (1055). */
  readonly taxation?: Taxation
  /** Place of settlement (1187), cashier (1021). */
  readonly place?: string
  /** Cashier (1021). */
  readonly cashier?: string
  /** Of orders without items: what is sold, and its VAT in percent. */
  readonly goods?: string
  /** VAT in percent of those goods. */
  readonly vat?: number
}

/** A line of what was sold. */
export interface FiscalLine {
  /** Empty where it is the surcharge: whoever prints it has the word. */
  readonly name: string
  /** `3.000`, `50.00`, `150.00`. */
  readonly quantity: string
  /** Price of one whole piece (1079), `50.00`. */
  readonly price: string
  /** What is paid for it (1043). */
  readonly amount: string
  /** Where a discount is taken off it: quantity × price, and the discount. */
  readonly full?: string
  /** What is taken off, `10.00`. */
  readonly discount?: string
  /** Percent; left out where the item bears no VAT. */
  readonly vat?: number
  /** VAT contained in the amount. */
  readonly vatAmount?: string
}

/** Amounts are texts in the currency's own units. Safe to store and to print. */
export interface FiscalReceipt {
  /** A sale, or money given back (1054). */
  readonly kind: 'sale' | 'refund'
  /** The order's number. */
  readonly order: string
  /** ISO 4217, three letters. */
  readonly currency: string
  /** What was sold (1059). */
  readonly items: readonly FiscalLine[]
  /** What was settled (1020). */
  readonly total: string
  /** By rate, highest first. */
  readonly vat: readonly {
    /** Percent. */
    readonly rate: number
    /** VAT contained. */
    readonly amount: string
  }[]
  /** What bears no VAT. */
  readonly withoutVat?: string
  /** Form of payment (1031 or 1081). */
  readonly form: 'cash' | 'cashless'
  /** Settlement method (1214): everything is paid when it is handed over. */
  readonly settlement: 'full'
  /** Of cash: what was handed over. */
  readonly received?: string
  /** Of cash: what was given back. */
  readonly change?: string
  /** User (1048). */
  readonly user: string
  /** Address of settlements (1009). */
  readonly address?: string
  /** Place of settlement (1187). */
  readonly place?: string
  /** Taxpayer number (1018). */
  readonly inn?: string
  /** Taxation system (1055). */
  readonly taxation?: Taxation
  /** Cashier (1021). */
  readonly cashier?: string
  /** The customer's e-mail (1008). */
  readonly buyer?: string
  /** ISO 8601: the mark's, or the sale's own. */
  readonly at: string
  /** Left out until the register has made the document: then this is no fiscal receipt yet, and says so. */
  readonly mark?: Omit<FiscalMark, 'kind' | 'at' | 'amount' | 'items'>
}

/** What a fiscal receipt is made of. */
export interface FiscalFacts {
  /** What was sold. */
  readonly order: Order
  /** Who sold it. */
  readonly merchant: Merchant
  /** When it was paid; the mark has its own time. */
  readonly at: Date
  /** In cash or not. */
  readonly form: FiscalReceipt['form']
  /** Of cash: minor units. */
  readonly received?: bigint
  /** What the receipt says of the shop. */
  readonly shop?: FiscalShop
  /** The document that it shows; a sale of the whole order when left out. */
  readonly mark?: FiscalMark
  /** Documents of the same order before it: they say what part of an item is meant. */
  readonly before?: readonly FiscalMark[]
}

/** VAT contained in a gross amount, rounded half up to a minor unit. Rates have at most two decimals. */
export function vatIn(amount: bigint, rate: number): bigint {
  door.need('amount', amount, door.anyAmount)
  door.need('rate', rate, door.finite(0, 100))
  const hundredths = BigInt(Math.round(rate * 100))
  const whole = 10_000n + hundredths
  return (2n * amount * hundredths + whole) / (2n * whole)
}

/** The fiscal receipt of an order or of one document of it; without a mark it is none yet, and says so. */
export function makeFiscalReceipt(facts: FiscalFacts): FiscalReceipt {
  door.need('facts', facts, door.shape({ order: rules.orderRule, merchant: rules.merchantRule, at: door.date }))
  const { order, merchant, at, form, received, shop = {}, mark, before = [] } = facts
  for (const name of ['user', 'inn', 'place', 'cashier', 'goods'] as const) checkLine(`shop.${name}`, shop[name])
  const { currency } = order
  const money = (amount: bigint) => formatAmount(amount, currency)
  const items = linesOf(order, shop, mark, before)
  const total = items.reduce((sum, { amount }) => sum + amount, 0n)
  const rates = [...new Set(items.flatMap(({ vat }) => (vat === undefined ? [] : [vat])))].sort((one, other) => other - one)
  const free = items.filter(({ vat }) => vat === undefined).reduce((sum, { amount }) => sum + amount, 0n)
  const sale = (mark?.kind ?? 'sale') === 'sale'
  const cash =
    form === 'cash' && sale && received !== undefined && total === fiscalAmount(order) ? received - (order.amount - total) : undefined
  const known = {
    ...{ address: merchant.address, place: shop.place, inn: shop.inn, taxation: shop.taxation, cashier: shop.cashier, buyer: order.email },
    ...{
      withoutVat: free > 0n ? money(free) : undefined,
      received: money(cash ?? total),
      change: cash === undefined ? undefined : money(cash - total),
    },
  }
  const { kind, at: made, amount: _amount, items: _items, ...marks } = mark ?? { kind: 'sale' as const, at, amount: 0n, items: [] }
  return {
    kind,
    order: order.number,
    currency: currency.alpha,
    items: items
      .map(item => ({ item, discount: discountOf(item) }))
      .map(({ item: { name, quantity, price, amount, vat }, discount }) => ({
        ...{ name, quantity: quantityText(quantity), price: money(price), amount: money(amount) },
        ...(discount > 0n && { full: money(amount + discount), discount: money(discount) }),
        ...(vat !== undefined && { vat, vatAmount: money(vatIn(amount, vat)) }),
      })),
    total: money(total),
    vat: rates.map(rate => ({
      rate,
      amount: money(items.filter(({ vat }) => vat === rate).reduce((sum, { amount }) => sum + vatIn(amount, rate), 0n)),
    })),
    form,
    settlement: 'full',
    user: shop.user ?? merchant.name,
    ...(Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)) as Partial<typeof known>),
    at: made.toISOString(),
    ...(mark && { mark: marks as NonNullable<FiscalReceipt['mark']> }),
  } as FiscalReceipt
}

/** All items, or those that the document is about; one line of a constant name where there are none, as the host makes it then (seed 000). */
function linesOf(order: Order, shop: FiscalShop, mark: FiscalMark | undefined, before: readonly FiscalMark[]): readonly OrderItem[] {
  const whole = fiscalAmount(order)
  const amount = mark?.amount ?? whole
  const one = (name: string): OrderItem => ({
    id: '1',
    name,
    quantity: 1000n,
    price: amount,
    amount,
    ...(shop.vat !== undefined && { vat: shop.vat }),
  })
  const { items, parts: { surcharge = 0n } = {} } = order
  // A line of its own where the document is about the whole order.
  const more: OrderItem[] = surcharge > 0n && amount === whole ? [{ ...one(''), id: 'surcharge', price: surcharge, amount: surcharge }] : []
  const goods = amount - (more.length > 0 ? surcharge : 0n)
  const named = { ...one(shop.goods ?? order.number), price: goods, amount: goods }
  if (!items) return [named, ...more]
  if (!mark?.items) return amount === whole ? [...items, ...more] : [named]
  const taken = new Map<string, bigint>()
  for (const earlier of before)
    if (earlier.kind === mark.kind) for (const { id, quantity = 0n } of earlier.items ?? []) taken.set(id, (taken.get(id) ?? 0n) + quantity)
  return mark.items.flatMap(part => {
    const item = items.find(({ id }) => id === part.id)
    if (!item) return []
    const { amount: cost, parts } = priceParts(items, [part], taken)
    return [{ ...item, quantity: parts[0].quantity, amount: cost }]
  })
}

/** What the QR code of a fiscal receipt says, so that anybody can have it checked by the tax service: time, sum, FN, FD, FP, kind. */
export function fiscalQr(receipt: FiscalReceipt): string | undefined {
  door.need('receipt', receipt, door.object)
  const { mark, at, total, kind } = receipt
  if (!mark) return undefined
  const time = new Date(at)
  const two = (value: number) => String(value).padStart(2, '0')
  const stamp = `${time.getFullYear()}${two(time.getMonth() + 1)}${two(time.getDate())}T${two(time.getHours())}${two(time.getMinutes())}`
  return `t=${stamp}&s=${total}&fn=${mark.drive}&i=${mark.document}&fp=${mark.sign}&n=${kind === 'sale' ? 1 : 2}`
}
