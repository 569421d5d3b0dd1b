/** The result screen: what came of an order, why, and what can be done about it; what is in process is asked for by itself until it has ended. */

import { sleep } from '../../../src/clock.ts'
import { isFault } from '../../../src/errors.ts'
import type { OrderRecord } from '../../../src/payment/journal/journal.ts'
import { moneyOf } from '../../../src/payment/journal/money.ts'
import { reasonWords } from '../../../src/payment/pay/result.ts'
import { informationText, lastPayment, resultRows } from '../../../src/payment/till/screen-rows.ts'
import type { Paid } from '../../../src/payment/till/till.ts'
import { either, type Phone } from './phone.ts'
import { qrOf } from './sbp.ts'
import type { Action, Line, Words } from './stage.ts'

/** What is done next about an order. */
export type Next = 'home' | 'retry' | 'receipt' | 'refund' | 'cancel' | 'confirm' | 'takeBack'

/** What is said above the rows, while the order stands as it did then. */
export interface Heading {
  readonly state: OrderRecord['state']
  readonly lines: (words: Words) => Line[]
}

/** Of a payment that has just ended. */
export function headingOf(paid: Paid): Heading {
  const { order, result } = paid
  const { number: order_, state } = order
  const payment = 'payment' in paid ? paid.payment : undefined
  const sale = 'sale' in paid ? paid.sale : undefined
  return {
    state,
    lines(words) {
      const { line, language } = words
      if (result === 'already-paid') return [line('app.alreadyPaid', { order: order_ }, 'good')]
      if (result === 'in-process') return [line('app.inProcess', { order: order_ }, 'warning')]
      const reason = payment ? reasonWords(payment, language) : informationText(order, language)
      const tone = result === 'approved' ? 'good' : result === 'unknown' ? 'warning' : 'error'
      return [
        line(`app.${result}`, { reason, order: order_ }, tone),
        ...(sale?.registration === 'pending' ? [line('app.cashOffline', {}, 'warning')] : []),
        ...(sale?.registration === 'done' ? [line('notice.fiscalised', { order: order_ })] : []),
        ...(sale?.registration === 'refused' ? [line('reason.notRegistered', {}, 'error')] : []),
      ]
    },
  }
}

/** Shown until something is to be done. @throws Fault `aborted` */
export async function showResult(phone: Phone, number: string, heading?: Heading): Promise<Next> {
  const { stage, signal, clock, times, till } = phone
  const left = new AbortController()
  let refresh = new AbortController()
  const poll = async () => {
    for (let pause = times.refresh; ; pause = Math.min(pause * 1.5, 30_000)) {
      await sleep(pause, clock, either(left.signal, signal, refresh.signal)).catch(() => {})
      if (left.signal.aborted || signal.aborted) return
      refresh = new AbortController()
      if (!hangs(phone.order(number))) return
      await till.status(number, either(left.signal, signal)).catch(error => {
        if (!isFault(error)) throw error // the journal's word stands
      })
      if (!left.signal.aborted) stage.update()
    }
  }
  const asking = hangs(phone.order(number)) ? poll() : undefined
  try {
    return await stage.converse(
      words => resultScreen(phone.order(number), heading, words),
      signal,
      ({ action }) => {
        if (action !== 'refresh') return action as Next
        refresh.abort()
        return undefined
      },
    )
  } finally {
    left.abort()
    await asking
  }
}

const hangs = (order: OrderRecord) => order.entries.some(({ open }) => open)

function resultScreen(order: OrderRecord, heading: Heading | undefined, words: Words) {
  const { text, action, language } = words
  const open = hangs(order)
  const payment = lastPayment(order)
  const head = heading && heading.state === order.state ? heading.lines(words) : sinceThen(order, words)
  const code = open && payment?.open && payment.method === 'sbp' ? payment.code : undefined
  const inProcess = open && order.state === 'In Process'
  return {
    kind: inProcess ? ('inProcess' as const) : ('result' as const),
    title: text('screen.result'),
    lines: [...head, words.line('screen.orderInformation', {}, 'strong')],
    rows: resultRows(order, language).map(row => ({
      ...row,
      ...(row.id === 'screen.state' && open && { tone: 'waiting' as const }),
      ...(row.id === 'screen.amount' && { tone: 'total' as const }),
    })),
    ...(code && { qr: qrOf(code.payload) }),
    actions: [...deeds(order, action), action('home', 'button.home', 'primary')],
    ...(inProcess && { busy: true }),
  }
}

/** It was asked for since. */
function sinceThen(order: OrderRecord, { line, language }: Words): Line[] {
  const result = lastPayment(order)?.result
  if (result === undefined || hangs(order)) return []
  const params = { reason: informationText(order, language), order: order.number }
  return [line(`app.${result}`, params, result === 'approved' ? 'good' : result === 'unknown' ? 'warning' : 'error')]
}

function deeds(order: OrderRecord, action: Words['action']): Action[] {
  const { paid, back, held } = moneyOf(order)
  const payment = lastPayment(order)
  if (hangs(order) && payment?.open && payment.result !== 'approved')
    return [action('refresh', 'button.refresh'), action('takeBack', payment.method === 'sbp' ? 'button.otherWay' : 'button.takeBack')]
  return [
    ...(order.entries.some(({ receipt }) => receipt) ? [action('receipt', 'button.printReceipt')] : []),
    ...(paid === 0n && !hangs(order) ? [action('retry', 'button.retry')] : []),
    ...(held > 0n ? [action('confirm', 'button.confirmOrder')] : []),
    ...(paid > back && held > 0n ? [action('cancel', 'button.cancelOrder')] : []),
    ...(paid > back && held === 0n ? [action('refund', 'button.refund')] : []),
  ]
}
