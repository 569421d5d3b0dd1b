/** What payments take from an app, as rules of the door (door.ts). */

import {
  amount,
  anyAmount,
  anyBytes,
  anyText,
  callable,
  clock,
  currencyOf,
  date,
  finite,
  flag,
  having,
  listOf,
  maybe,
  milliseconds,
  object,
  oneOf,
  type Rule,
  shape,
  signal,
  tracer,
  whole,
} from '../door.ts'
import { orderStates } from './acquirer.ts'
import { categories } from './estimates.ts'
import { type Method, methods } from './steps.ts'

/** n 12, as field 4 of ISO 8583 and 9F02 hold it. */
export const MOST = 999_999_999_999n

const itemRule: Rule = shape({
  ...{ id: anyText, name: anyText, quantity: anyAmount, price: anyAmount, amount: anyAmount },
  vat: maybe(finite(0, 100)),
})

/** Of what type; how long and how much is for `checkOrder` to say, in the user's language. */
export const orderRule: Rule = shape({
  ...{ number: anyText, amount: anyAmount, currency: currencyOf },
  items: maybe(listOf(itemRule, 1)),
  parts: maybe(shape({ cashback: maybe(amount(1n, MOST)), tip: maybe(amount(1n, MOST)), surcharge: maybe(amount(1n, MOST)) })),
  email: maybe(anyText),
  comment: maybe(anyText),
})

/** Some of it is for people only: what of it is printed must be text. How long `id` and `terminal` may be is looked at with the order (`checkOrder`). */
export const merchantRule: Rule = shape({ name: anyText, id: anyText, terminal: anyText, address: maybe(anyText) })

/** An order as a till knows it. */
export const recordRule: Rule = shape({
  number: anyText,
  amount: anyAmount,
  currency: currencyOf,
  state: anyText,
  entries: listOf(object),
  createdAt: date,
})

export const noticeRule: Rule = shape({ order: anyText, type: anyText })

export const receiptRule: Rule = shape({
  merchant: anyText,
  order: anyText,
  result: anyText,
  amount: anyText,
  currency: anyText,
  date: anyText,
})

const pointRule: Rule = shape({ x: finite(-1e9, 1e9), y: finite(-1e9, 1e9) })
export const signatureRule: Rule = shape({ strokes: listOf(listOf(pointRule)) })

export const sizeRule: Rule = shape({ width: whole(1, 16_384), height: whole(1, 16_384) })
export const pictureRule: Rule = having('a Picture', 'dot', 'isDark')

const interfaces = ['chip', 'tap', 'swipe']
const types = ['purchase', 'cash', 'cashback', 'refund', 'check']

export const readerRule: Rule = having('a Reader', 'transact', 'status', 'close')
export const acquirerRule: Rule = having('an Acquirer', 'authorise', 'reverse', 'status')

/** What `pay` takes beside its order. */
const byCard = {
  reader: readerRule,
  prompts: maybe(object),
  hold: maybe(flag),
  amount: maybe(amount(0n, MOST)),
  otherAmount: maybe(amount(0n, MOST)),
  tip: maybe(amount(0n, MOST)),
  surcharge: maybe(amount(0n, MOST)),
  country: maybe(whole(1, 999)),
  partial: maybe(flag),
  type: maybe(oneOf(types)),
  interfaces: maybe(listOf(oneOf(interfaces), 1)),
  prefer: maybe(listOf(anyText, 1)),
  forceOnline: maybe(flag),
  fallback: maybe(object),
  firmware: maybe(object),
  minimumBattery: maybe(finite(0, 100)),
  newKey: maybe(callable),
  waitTime: maybe(milliseconds),
  statusTime: maybe(milliseconds),
  reversalTime: maybe(milliseconds),
  signal: maybe(signal),
  tracer: maybe(tracer),
}

export const payRule: Rule = shape({
  ...byCard,
  acquirer: acquirerRule,
  merchant: merchantRule,
  journal: maybe(having('a Recorder', 'record')),
  method: maybe(oneOf(methods)),
  clock: maybe(clock),
})

export const tillRule: Rule = shape({
  ...{ journal: having('a Journal', 'record', 'order', 'open'), acquirer: acquirerRule, merchant: merchantRule },
  ...{ clock: maybe(clock), onNotice: maybe(callable), onFault: maybe(callable), newKey: maybe(callable) },
  ...{ attemptTime: maybe(milliseconds), background: maybe(flag) },
  estimates: maybe(
    shape({
      category: oneOf(categories),
      rules: maybe(
        listOf(
          shape({ scheme: anyText, categories: maybe(listOf(oneOf(categories), 1)), increments: maybe(flag), over: maybe(finite(0, 100)) }),
        ),
      ),
      assumed: maybe(flag),
    }),
  ),
  tracer: maybe(tracer),
  refunds: maybe(shape({ most: maybe(amount(0n, MOST)), password: maybe(anyText) })),
})

/** A refund with the card present. */
export const refundRule: Rule = shape({ ...byCard, reader: readerRule, password: maybe(anyText) })

const ways = { method: maybe(oneOf(methods)) }

/** How an order is paid: what the method takes. */
export const howRule: Rule = {
  takes: 'how an order is paid: { method, … }',
  broken(value, path) {
    const wrong = shape(ways).broken(value, path)
    if (wrong) return wrong
    const { method = 'reader' } = value as { readonly method?: Method }
    if (method === 'reader' || method === 'softpos') return shape(byCard).broken(value, path)
    return shape({
      received: maybe(amount(0n, MOST)),
      signal: maybe(signal),
      waitTime: maybe(milliseconds),
      reversalTime: maybe(milliseconds),
    }).broken(value, path)
  },
}

export const partRule: Rule = shape({
  amount: maybe(amount(1n, MOST)),
  items: maybe(listOf(shape({ id: anyText, quantity: maybe(anyAmount) }), 1)),
  final: maybe(flag),
})

/** Which orders of a journal. */
export const filterRule: Rule = shape({
  ...{ since: maybe(date), merchant: maybe(merchantRule), states: maybe(listOf(oneOf(orderStates))), unsettled: maybe(flag) },
  ...{ limit: maybe(whole(1, Number.MAX_SAFE_INTEGER)), after: maybe(shape({ merchant: merchantRule, number: anyText, createdAt: date })) },
})

export const journalRule: Rule = shape({
  ...{ clock: maybe(clock), key: maybe(anyBytes), busyTime: maybe(milliseconds), leaseTime: maybe(milliseconds) },
  ...{ maxSize: maybe(whole(1, Number.MAX_SAFE_INTEGER)), onRepair: maybe(callable), inspect: maybe(oneOf(['all', 'needed'])) },
})
