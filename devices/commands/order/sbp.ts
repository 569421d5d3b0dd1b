/** SBP on a console: the code as text, the state refreshed under it, and three keys: show it again, another way to pay, cancel. */

import { message } from '../../../src/messages/messages.ts'
import type { SbpCode } from '../../../src/payment/acquirer.ts'
import type { OrderRecord } from '../../../src/payment/journal/journal.ts'
import { qrText } from '../../../src/payment/receipt/qr-text.ts'
import type { BySbp } from '../../../src/payment/till/sbp.ts'
import type { Paid } from '../../../src/payment/till/till.ts'
import type { Console } from '../console.ts'
import type { Shop } from './shop.ts'

export function showCode(screen: Console, payload: string, transaction?: string): void {
  if (transaction !== undefined) screen.print(`${message('screen.transaction', screen.language)}: ${transaction}`)
  screen.say('app.sbpCode')
  for (const line of qrText(payload)) screen.print(line)
  screen.print(payload)
}

/** `another`: nothing is charged, and the merchant wants the order paid another way. */
export async function bySbp(
  order: OrderRecord,
  { screen, signal, till, lang }: Shop,
  times: Pick<BySbp, 'waitTime' | 'reversalTime'>,
): Promise<Paid | 'another'> {
  const stop = new AbortController()
  const over = new AbortController()
  let another = false
  screen.say('app.sbpWait')
  let last = ''
  const keys = async ({ payload, answer }: SbpCode) => {
    for (;;) {
      const key = await screen.line(over.signal)
      if (key === undefined) return // no keyboard: the payment goes on without one
      if (key.trim() === '') showCode(screen, payload, answer.transaction)
      else if (key.trim() === 'o' || key.trim() === 'x') {
        another = key.trim() === 'o'
        screen.say('app.sbpTakingBack')
        stop.abort()
        return
      }
    }
  }
  let typing: Promise<void> | undefined
  try {
    const paid = await till.payOrder(order, {
      method: 'sbp',
      signal: AbortSignal.any([signal, stop.signal]),
      ...times,
      refreshTime: 1000,
      show(code) {
        showCode(screen, code.payload, code.answer.transaction)
        screen.say('app.sbpScan')
        screen.say('app.sbpKeys')
        typing = keys(code)
      },
      onRefresh(state, fault) {
        const words = fault ? message('order.noNetwork', lang) : message(state === 'approved' ? 'state.Approved' : 'state.In Process', lang)
        if (words !== last) screen.say('app.sbpState', { state: words })
        last = words
      },
    })
    if (another && paid.result === 'cancelled') return 'another'
    if (another && paid.result === 'unknown') screen.say('app.sbpNotTakenBack')
    return paid
  } finally {
    over.abort()
    await typing
  }
}
