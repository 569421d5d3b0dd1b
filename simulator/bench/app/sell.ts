/** An order is paid: method, payment, result, and again where it is wanted. */

import { asFault, type Fault, isFault, throwIfAborted } from '../../../src/errors.ts'
import type { Order } from '../../../src/payment/acquirer.ts'
import type { OrderRecord } from '../../../src/payment/journal/journal.ts'
import { orderRows } from '../../../src/payment/till/screen-rows.ts'
import type { Paid } from '../../../src/payment/till/till.ts'
import { withPayment } from './card.ts'
import { byCash } from './cash.ts'
import type { Head } from './connect.ts'
import { itemList } from './order.ts'
import { changeOrder } from './part.ts'
import type { Phone } from './phone.ts'
import { showReceipts } from './receipts.ts'
import { type Heading, headingOf, showResult } from './result.ts'
import { bySbp } from './sbp.ts'
import { faultWords, type Line, type Words } from './stage.ts'
import { type ByCardMethod, withReader } from './with-reader.ts'

const methods = ['cash', 'reader', 'sbp', 'softpos'] as const
type Method = (typeof methods)[number]

/** What an attempt came to: a payment, something that is told above the methods, or another method is wanted. */
type Attempt = { readonly paid: Paid; readonly more?: (words: Words) => Line[] } | { readonly told?: (words: Words) => Line[] }

/** Until somebody goes back to the first screen. @throws Fault `aborted`, `journal` */
export async function sell(phone: Phone, order: Order): Promise<void> {
  const { till, merchant } = phone
  const known = till.journal.order(merchant, order.number) ?? till.journal.enter(order, merchant)
  const standing = till.standing(order.number)
  if (standing) return standingScreen(phone, standing.result, known)
  await payAndShow(phone, known)
}

/** An order of the list: as it stands. @throws Fault `aborted`, `journal` */
export async function lookAt(phone: Phone, number: string): Promise<void> {
  await results(phone, number)
}

async function payAndShow(phone: Phone, order: OrderRecord): Promise<void> {
  const heading = await choosePayment(phone, order)
  if (heading) await results(phone, order.number, heading)
}

/** Result, and what is done about it, until somebody goes home. */
async function results(phone: Phone, number: string, first?: Heading): Promise<void> {
  let heading = first
  for (;;) {
    const next = await showResult(phone, number, heading)
    if (next === 'home') return
    if (next === 'receipt') await showReceipts(phone, number)
    else if (next === 'refund' || next === 'cancel' || next === 'confirm') heading = (await changeOrder(phone, number, next)) ?? heading
    else {
      const standing = next === 'takeBack' ? await takenBack(phone, number) : phone.till.standing(number)
      if (standing) return standingScreen(phone, standing.result, phone.order(number))
      return payAndShow(phone, phone.order(number))
    }
  }
}

/** What hangs is asked for, and taken back; how the order stands where that is not possible. */
async function takenBack(phone: Phone, number: string) {
  const { stage, till, signal } = phone
  const sbp = phone.order(number).entries.some(({ open, method }) => open && method === 'sbp')
  stage.show(words => ({
    ...{ kind: 'inProcess', title: words.text('screen.result'), busy: true },
    lines: [words.line(sbp ? 'app.sbpTakingBack' : 'app.takingBack', {}, 'warning')],
  }))
  await till.status(number, signal)
  if (till.standing(number)?.result !== 'in-process') return till.standing(number)
  await till.cancel(number, {}, signal)
  return till.standing(number)
}

/** «Платёж уже выполнен», «ещё обрабатывается»: nobody is asked anything. */
async function standingScreen(phone: Phone, result: 'already-paid' | 'in-process', order: OrderRecord): Promise<void> {
  const paid = result === 'already-paid'
  const { action } = await phone.stage.ask(
    words => ({
      kind: paid ? 'alreadyPaid' : 'stillProcessing',
      title: words.text('screen.result'),
      lines: headingOf({ result, order }).lines(words),
      rows: orderRows(order, words.language),
      actions: [words.action('state', 'button.showState'), words.action('home', 'button.home', 'primary')],
    }),
    phone.signal,
  )
  if (action === 'state') await results(phone, order.number)
}

/** Above what comes of it; undefined when it was left unpaid. */
async function choosePayment(phone: Phone, order: OrderRecord): Promise<Heading | undefined> {
  let told: (words: Words) => Line[] = () => []
  for (;;) {
    const { action, fields } = await phone.stage.ask(words => methodScreen(phone, order, told, words), phone.signal)
    if (action === 'back') return undefined
    const attempt = await attemptBy(phone, order, action as Method, fields.hold === 'yes')
    if ('paid' in attempt) {
      const { lines, state } = headingOf(attempt.paid)
      return { state, lines: words => [...lines(words), ...(attempt.more?.(words) ?? [])] }
    }
    told = attempt.told ?? (() => [])
  }
}

function methodScreen({ host, currency }: Phone, order: OrderRecord, told: (words: Words) => Line[], words: Words) {
  const { text, action, language } = words
  const offered = methods.filter(one => (one === 'cash' ? host.registerCash : one === 'sbp' ? host.requestQr : true))
  return {
    kind: 'method' as const,
    title: text('screen.orderData'),
    lines: [...told(words), words.line('screen.methods', {}, 'strong')],
    ...(order.items && { items: itemList(order.items, currency, words) }),
    rows: orderRows(order, language).map(row => ({ ...row, ...(row.id === 'screen.toPay' && { tone: 'total' as const }) })),
    choices: offered.map(one => ({ id: one, label: text(`method.${one}`) })),
    fields: [{ id: 'hold', label: text('field.hold'), type: 'check' as const, value: '' }],
    actions: [action('back', 'button.back', 'cancel')],
  }
}

async function attemptBy(phone: Phone, order: OrderRecord, method: Method, hold: boolean): Promise<Attempt> {
  const head: Head = ({ language }) => ({
    rows: orderRows(order, language).filter(({ id }) => id === 'screen.number' || id === 'screen.toPay'),
  })
  try {
    if (method === 'cash') {
      const paid = await byCash(phone, order)
      return paid === 'cancelled' ? { told: cancelled } : { paid }
    }
    if (method === 'sbp') {
      const { paid, another } = await bySbp(phone, order, head)
      if (another && paid.result === 'cancelled') return {}
      return another && paid.result === 'unknown' ? { paid, more: words => [words.line('app.sbpNotTakenBack', {}, 'warning')] } : { paid }
    }
    return await byCard(phone, order, method, hold, head)
  } catch (error) {
    throwIfAborted(phone.signal)
    if (isFault(error, 'aborted')) return { told: cancelled }
    const fault = asFault(error)
    if (fault.code === 'journal' || fault.code === 'internal') throw fault
    return { told: ({ language }) => [{ id: `fault.${fault.code}`, text: faultWords(fault, language), tone: 'error' }] }
  }
}

function cancelled({ line, text }: Words): Line[] {
  return [line('app.cancelled', { reason: text('reason.merchantCancelled') }, 'warning')]
}

async function byCard(phone: Phone, order: OrderRecord, method: ByCardMethod, hold: boolean, head: Head): Promise<Attempt> {
  const { till, times, field } = phone
  if (method === 'softpos' && !field) return { told: words => [words.line('app.noSoftPos', {}, 'error')] }
  const paid = await withReader(phone, method, head, reader =>
    withPayment(phone, reader, head, ({ prompts, signal }) =>
      till.payOrder(order, {
        ...{ reader, method, prompts, signal, statusTime: times.status, reversalTime: times.status },
        ...(method === 'softpos' && { interfaces: ['tap'] as const }),
        ...(hold && { hold }),
      }),
    ),
  )
  return paid ? { paid } : {}
}

/** @throws Fault `aborted` */
export async function faultScreen(phone: Phone, fault: Fault): Promise<void> {
  await phone.stage.ask(
    words => ({
      kind: 'fault',
      title: words.text('screen.error'),
      lines: [{ id: `fault.${fault.code}`, text: faultWords(fault, words.language), tone: 'error' }],
      actions: [words.action('home', 'button.home', 'primary')],
    }),
    phone.signal,
  )
}
