/** What the app keeps: its orders, and the notifications that came while nobody looked. */

import { moneyText, stateText } from '../../../src/payment/till/screen-rows.ts'
import type { Phone } from './phone.ts'

/** At most so many are listed. */
const SHOWN = 50

/** The number of the one that is chosen. @throws Fault `aborted` */
export async function chooseOrder(phone: Phone): Promise<string | undefined> {
  const { stage, till, signal } = phone
  const { action } = await stage.ask(words => {
    const { text, language } = words
    const orders = till.orders({ limit: SHOWN })
    return {
      kind: 'orders',
      title: text('screen.orders'),
      lines: orders.length === 0 ? [words.line('screen.none')] : [],
      choices: orders.map(order => ({
        id: `order:${order.number}`,
        label: `${order.number}  ${moneyText(order.amount, order, language)}`,
        note: [stateText(order, language), order.offline ? text('order.offline') : ''].filter(Boolean).join(', '),
      })),
      actions: [words.action('back', 'button.back', 'cancel')],
    }
  }, signal)
  return action === 'back' ? undefined : action.slice('order:'.length)
}

/** Newest first, until they are left. @throws Fault `aborted` */
export async function showNotices(phone: Phone): Promise<void> {
  phone.readNotices()
  await phone.stage.ask(
    words => ({
      kind: 'notifications',
      title: words.text('screen.notifications'),
      lines:
        phone.notices.length === 0
          ? [words.line('screen.noNotifications')]
          : phone.notices.flatMap(({ title, text }) => [
              { id: 'notice.title', text: title, tone: 'strong' as const },
              { id: 'notice', text },
            ]),
      actions: [words.action('back', 'button.back', 'cancel')],
    }),
    phone.signal,
  )
}
