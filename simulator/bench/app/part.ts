/** How much of an order is given back, let go, or charged of what is held: in full, by amount, or item by item. */

import { formatAmount, parseAmount } from '../../../src/currency.ts'
import { type Fault, isFault } from '../../../src/errors.ts'
import { hostMessage, type MessageId } from '../../../src/messages/messages.ts'
import type { ItemPart } from '../../../src/payment/acquirer.ts'
import type { OrderRecord } from '../../../src/payment/journal/journal.ts'
import { moneyOf } from '../../../src/payment/journal/money.ts'
import { parseQuantity, quantityText } from '../../../src/payment/order.ts'
import { moneyText, resultRows, stateText } from '../../../src/payment/till/screen-rows.ts'
import type { Changed, Part } from '../../../src/payment/till/till.ts'
import type { AppScreen } from '../schema/app.ts'
import type { Phone } from './phone.ts'
import type { Heading } from './result.ts'
import { type Words, wrong } from './stage.ts'

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
    try {
      const part = partOf(order, fields)
      stage.show(words => ({
        ...{ kind: 'part', title: words.text(titles[deed]), busy: true },
        lines: [words.line('app.wait', {}, 'strong')],
      }))
      return changedHeading(await till[deed](number, part, signal))
    } catch (error) {
      if (!isFault(error, 'bad-argument', 'busy', 'unsupported')) throw error
      refused = error
    }
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
        ...(refused && { error: wrong(refused, language) }),
      },
      ...items,
    ],
    actions: [action('back', 'button.back', 'cancel'), action('confirm', 'button.confirm', 'primary')],
  }
}

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
