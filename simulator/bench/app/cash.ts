/** The change window of the guide: what was received, and at once what is given back. */

import { parseAmount } from '../../../src/currency.ts'
import { type Fault, isFault } from '../../../src/errors.ts'
import { type Language, message } from '../../../src/messages/messages.ts'
import type { OrderRecord } from '../../../src/payment/journal/journal.ts'
import { changeOf } from '../../../src/payment/till/cash.ts'
import { moneyText } from '../../../src/payment/till/screen-rows.ts'
import type { Paid } from '../../../src/payment/till/till.ts'
import type { Phone } from './phone.ts'
import { wrong } from './stage.ts'

/** `cancelled`: the cross. @throws Fault `aborted`, `journal` */
export async function byCash(phone: Phone, order: OrderRecord): Promise<Paid | 'cancelled'> {
  const { stage, till, currency } = phone
  const exact = moneyText(order.amount, order).split(' ')[0]
  let typed = exact
  let received: bigint | undefined = order.amount
  let refused: Fault | undefined
  /** What the field says, as far as it is an amount that is enough. */
  const read = (text: string): void => {
    typed = text
    received = undefined
    refused = undefined
    try {
      const given = text.trim() === '' ? order.amount : parseAmount(text.trim(), currency)
      changeOf(order, given)
      received = given
    } catch (error) {
      if (!isFault(error, 'bad-argument')) throw error
      refused = error
    }
  }
  const done = await stage.converse(
    words => {
      const { language, text, row, action } = words
      const money = (amount: bigint) => moneyText(amount, order, language)
      const error = refused && tooLittle(refused, order, language)
      return {
        kind: 'change',
        title: text('app.change'),
        rows: [
          row('screen.toPay', money(order.amount), 'total'),
          ...(received === undefined ? [] : [row('screen.received', money(received))]),
          row('screen.change', money(received === undefined ? 0n : received - order.amount), 'total'),
        ],
        fields: [{ id: 'received', label: text('screen.received'), type: 'money', value: typed, live: true, ...(error && { error }) }],
        actions: [action('cancel', 'button.cancel', 'cancel'), action('confirm', 'button.confirm', 'primary')],
      }
    },
    phone.signal,
    ({ action, fields }) => {
      read(fields.received)
      if (action === 'cancel') return action
      return action === 'confirm' && received !== undefined ? action : undefined
    },
  )
  if (done === 'cancel') return 'cancelled'
  return till.payOrder(order, { method: 'cash', received: received! })
}

/** In the app's own money. */
function tooLittle(fault: Fault, order: OrderRecord, language: Language): string {
  const { received } = fault.details
  if (fault.details.says !== 'app.tooLittle') return wrong(fault, language)
  const [less] = String(received).split(' ')
  return message('app.tooLittle', language, {
    received: moneyText(parseAmount(less, order.currency), order, language),
    amount: moneyText(order.amount, order, language),
  })
}
