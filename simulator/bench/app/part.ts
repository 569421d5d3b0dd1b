/** How much of an order is given back, let go, or charged of what is held: in full, by amount, or item by item. */

import { formatAmount, parseAmount } from '../../../src/currency.ts'
import { Fault, isFault, throwIfAborted } from '../../../src/errors.ts'
import { hostMessage, type MessageId, message } from '../../../src/messages/messages.ts'
import type { ItemPart } from '../../../src/payment/acquirer.ts'
import type { OrderRecord } from '../../../src/payment/journal/journal.ts'
import { moneyOf } from '../../../src/payment/journal/money.ts'
import { parseQuantity, quantityText } from '../../../src/payment/order.ts'
import { reasonWords } from '../../../src/payment/pay/result.ts'
import { lastPayment, moneyText, resultRows, stateText } from '../../../src/payment/till/screen-rows.ts'
import type { Changed, Part, Refunded } from '../../../src/payment/till/till.ts'
import type { Reader } from '../../../src/reader/reader.ts'
import type { AppScreen } from '../schema/app.ts'
import { withPayment } from './card.ts'
import type { Head } from './connect.ts'
import type { Phone } from './phone.ts'
import type { Heading } from './result.ts'
import { faultWords, type Words, wrong } from './stage.ts'
import { withReader } from './with-reader.ts'

export type Deed = 'refund' | 'cancel' | 'confirm'

const titles: Readonly<Record<Deed, MessageId>> = { refund: 'button.refund', cancel: 'button.cancelOrder', confirm: 'button.confirmOrder' }

/** What came of it, above the result screen; undefined when it was left. @throws Fault `aborted`, `journal` */
export async function changeOrder(phone: Phone, number: string, deed: Deed): Promise<Heading | undefined> {
  const { stage, till, signal } = phone
  const order = phone.order(number)
  let typed: Readonly<Record<string, string>> = {}
  let refused: Fault | undefined
  for (;;) {
    const { action, fields } = await stage.ask(words => partScreen(order, deed, typed, refused, words), signal)
    if (action === 'back') return undefined
    typed = fields
    refused = undefined
    try {
      if (action === 'card') {
        const given = await giveToCard(phone, order, amountOnly(order, fields))
        if (given) return given
        continue
      }
      const part = partOf(order, fields)
      stage.show(words => ({
        ...{ kind: 'part', title: words.text(titles[deed]), busy: true },
        lines: [words.line('app.wait', {}, 'strong')],
      }))
      return changedHeading(await till[deed](number, part, signal))
    } catch (error) {
      throwIfAborted(signal)
      if (!isFault(error) || error.code === 'journal' || error.code === 'internal') throw error
      refused = error
    }
  }
}

/** @throws Fault `bad-argument` where quantities were typed: a card is given an amount */
function amountOnly(order: OrderRecord, fields: Readonly<Record<string, string>>): bigint | undefined {
  const { items, amount } = partOf(order, fields)
  const says = 'app.refundAmountOnly'
  if (items) throw new Fault('bad-argument', message(says, 'en'), { field: 'amount', says })
  return amount
}

/** Back to a card that is presented; undefined when no reader is wanted. @throws Fault as `refundByCard` */
async function giveToCard(phone: Phone, order: OrderRecord, wanted: bigint | undefined): Promise<Heading | undefined> {
  const { till, times } = phone
  const method = lastPayment(order)?.method === 'softpos' ? 'softpos' : 'reader'
  const amount = wanted ?? leftOf(order, 'refund')
  const head: Head = words => ({
    rows: [
      words.row('screen.number', order.number),
      words.row('screen.operationAmount', moneyText(amount, order, words.language), 'total'),
    ],
  })
  const work = (reader: Reader) =>
    withPayment(
      phone,
      reader,
      head,
      ({ prompts, signal }) =>
        till.refundByCard(order.number, {
          ...{ reader, method, amount, prompts, signal, statusTime: times.status, reversalTime: times.status },
          ...(method === 'softpos' && { interfaces: ['tap'] as const }),
        }),
      'button.refund',
    )
  const refunded = await withReader(phone, method, head, work)
  return refunded && refundedHeading(refunded)
}

function refundedHeading({ result, payment, answer, order }: Refunded): Heading {
  return {
    state: order.state,
    lines({ line, language }) {
      if (result === 'in-process') return [line('app.inProcess', { order: order.number }, 'warning')]
      const code = answer?.response?.code
      const reason = payment ? reasonWords(payment, language) : [code, code && hostMessage(code, language)].filter(Boolean).join(' ')
      if (result === 'approved') return [line('app.refunded', {}, 'good')]
      return [line(`app.${result}`, { reason, order: order.number }, result === 'unknown' ? 'warning' : 'error')]
    },
  }
}

/** All that is left of it. */
function leftOf(order: OrderRecord, deed: Deed): bigint {
  const { paid, back, held } = moneyOf(order)
  return deed === 'confirm' ? held : paid - back
}

/** Items that are named, else the amount; in full when it is all that is left. @throws Fault `bad-argument` */
function partOf(order: OrderRecord, fields: Readonly<Record<string, string>>): Part {
  const items = (order.items ?? []).flatMap(({ id }): ItemPart[] => {
    const text = fields[`item:${id}`]?.trim() ?? ''
    return text === '' || /^0+([.,]0+)?$/.test(text) ? [] : [{ id, quantity: parseQuantity(text, id) }]
  })
  if (items.length > 0) return { items }
  const text = fields.amount.trim()
  return text === '' ? {} : { amount: parseAmount(text, order.currency) }
}

function partScreen(order: OrderRecord, deed: Deed, typed: Readonly<Record<string, string>>, refused: Fault | undefined, words: Words) {
  const { text, language, action } = words
  const left = leftOf(order, deed)
  type Field = NonNullable<AppScreen['fields']>[number]
  const items = (order.items ?? []).map(
    ({ id, name, quantity }): Field => ({
      ...{ id: `item:${id}`, label: `${name} (${quantityText(quantity)})`, type: 'number', value: typed[`item:${id}`] ?? '' },
    }),
  )
  return {
    kind: 'part' as const,
    title: text(titles[deed]),
    lines: [words.line('app.leftToPay', { amount: moneyText(left, order, language) })],
    rows: resultRows(order, language).filter(({ id }) => id === 'screen.number' || id === 'screen.state' || id === 'screen.amount'),
    fields: [
      {
        ...{ id: 'amount', label: text('field.amount'), type: 'money' as const },
        value: typed.amount ?? formatAmount(left, order.currency),
        ...(refused && { error: refused.code === 'bad-argument' ? wrong(refused, language) : faultWords(refused, language) }),
      },
      ...items,
    ],
    actions: [
      ...(deed === 'refund' && byCard.includes(lastPayment(order)?.method ?? '') ? [action('card', 'button.refundCard')] : []),
      ...[action('back', 'button.back', 'cancel'), action('confirm', 'button.confirm', 'primary')],
    ],
  }
}

/** Of what is paid by card a card can have it back. */
const byCard: readonly string[] = ['reader', 'softpos']

function changedHeading({ result, answer, order }: Changed): Heading {
  return {
    state: order.state,
    lines({ line, language }) {
      const { code = '' } = answer?.response ?? {}
      const reason = [code, code && hostMessage(code, language), answer?.reason && `(${answer.reason})`].filter(Boolean).join(' ')
      if (result === 'unknown') return [line('app.askedAgain', {}, 'warning')]
      const tone = result === 'approved' ? 'good' : 'error'
      return [line(`order.changed.${result}`, { order: order.number, state: stateText(order, language), reason }, tone)]
    },
  }
}
