/** `tapdip order`: orders that are entered, paid, asked for, confirmed, cancelled, refunded and synchronised, over the journal of this user. */

import type { Command } from 'commander'
import { amountOf, onlyFor, textOf } from '../../../src/command/flags.ts'
import { EXIT, wholeNumber } from '../../../src/command/line.ts'
import { type Currency, currency, formatAmount } from '../../../src/currency.ts'
import { Fault, isFault } from '../../../src/errors.ts'
import { hostMessage, message } from '../../../src/messages/messages.ts'
import type { ItemPart, Order, OrderItem } from '../../../src/payment/acquirer.ts'
import type { OrderRecord, Repaired } from '../../../src/payment/journal/journal.ts'
import { moneyOf } from '../../../src/payment/journal/money.ts'
import { fullPrice, orderNumber, parseQuantity } from '../../../src/payment/order.ts'
import { checkOrder } from '../../../src/payment/pay/payment.ts'
import { receiptLines } from '../../../src/payment/receipt/receipt.ts'
import { lastPayment, orderJson, orderLines, resultLines, stateText } from '../../../src/payment/till/screen.ts'
import type { Changed, Part } from '../../../src/payment/till/till.ts'
import { usageFault } from '../../../src/refusal.ts'
import { addOrderPay } from './pay.ts'
import { addOrderReceipt } from './receipt.ts'
import { type RefundFlags, refundOptions, refundOrderByCard } from './refund.ts'
import { showCode } from './sbp.ts'
import { merchantOf, orderNumberText, print, type ShopFlags, shopOptions, withShop } from './shop.ts'

interface NewFlags extends ShopFlags {
  readonly currency: string
  readonly number?: string
  readonly item: readonly string[]
  readonly email?: string
  readonly comment?: string
}

interface ListFlags extends ShopFlags {
  readonly days?: number
  readonly limit: number
  readonly after?: string
}

interface PartFlags extends ShopFlags {
  readonly final?: boolean
  readonly amount?: string
  readonly item: readonly string[]
}

export function addOrder(program: Command): void {
  const order = program.command('order').description('orders: paid once, whatever breaks; kept in a journal of this user')
  shopOptions(order.command('new'))
    .description('enters an order and prints its number')
    .argument('[amount]', 'with a decimal point: 2500.00; the sum of the items when left out')
    .option('--currency <code>', 'ISO 4217', 'RUB')
    .option('--number <text>', 'up to 32 characters; made from date and time when left out')
    .option('--item <text>', '"name|quantity|price", "…|VAT %", "…|VAT %|discount"; may be repeated', collect, [])
    .option('--email <address>', 'where the receipt is sent')
    .option('--comment <text>')
    .action((amount: string | undefined, flags: NewFlags) => done(enter(amount, flags)))
  addOrderPay(order)
  shopOptions(order.command('status'), true)
    .description('the order as the host has it; as the journal has it when the host cannot be reached')
    .argument('<number>', '', orderNumberText)
    .option('--qr', 'show the QR code of an SBP payment in process again')
    .action((number: string, flags: ShopFlags & { readonly qr?: boolean }) =>
      done(
        withShop(flags, async ({ till, signal, lang, screen }) => {
          const found = await till.status(number, signal)
          const payment = lastPayment(found)
          if (flags.qr && payment?.open && payment.code) showCode(screen, payment.code.payload, payment.answer?.transaction)
          print(flags, orderJson(found), resultLines(found, lang))
          return EXIT.ok
        }),
      ),
    )
  const changing = (name: 'confirm' | 'cancel' | 'refund' | 'increment', text: string): Command =>
    shopOptions(order.command(name), true)
      .description(`${text}; exits 0 done, 10 refused, 11 not answered yet`)
      .argument('<number>', '', orderNumberText)
      .option('--amount <amount>', 'only so much of it')
      .option('--item <id>', 'only this item, or "id=quantity"; may be repeated', collect, [])
      .action((number: string, flags: PartFlags) => done(change(name, number, flags)))
  changing('confirm', 'charges what a two-stage payment holds, in full, in part, or as far over it as TAPDIP_CATEGORY has a rule').option(
    '--final',
    'it is the last: what is still held is let go',
  )
  changing('increment', 'holds more on the card that a two-stage payment holds, as far as TAPDIP_CATEGORY has a rule')
  changing('cancel', 'undoes the order in full or in part, a payment that hangs included')
  refundOptions(changing('refund', 'gives back what was charged, in full or in part'))
    .option('--card', 'to a card that is presented, as domestic schemes want it')
    .action((number: string, flags: PartFlags & RefundFlags & { readonly card?: boolean }) => {
      if (flags.card && flags.item.length > 0) throw usageFault('usage.conflict', { field: '--item', other: '--card' })
      if (!flags.card) {
        const { reader, app, assume, sign, config, contactless, interfaces, prefer, fallback } = flags
        onlyFor('--card', { '--reader': reader, '--app': app, '--assume': assume, '--sign': sign, '--config': config, '--contactless': contactless, '--interfaces': interfaces, '--prefer': prefer, '--fallback': fallback }) // biome-ignore format: a list
      }
      return done(flags.card ? refundOrderByCard(number, flags) : change('refund', number, flags))
    })
  addOrderReceipt(order)
  shopOptions(order.command('sync'), true)
    .description('hands to the host what it has not heard of, and takes over what it says; exits 11 when something is still waiting')
    .option('--days <number>', 'how far back', wholeNumber('--days', 1, 365), 3)
    .action((flags: ShopFlags & { readonly days: number }) => done(synchronise(flags)))
  shopOptions(order.command('repair'))
    .description('mends rows of the journal that nobody can read, or sets them aside, and says which')
    .action((flags: ShopFlags) => done(mendJournal(flags)))
  shopOptions(order.command('list'))
    .description('the orders of the journal, newest first')
    .option('--days <number>', 'how far back', wholeNumber('--days', 1, 3650))
    .option('--limit <number>', 'at most so many', wholeNumber('--limit', 1, 1_000_000), 100)
    .option('--after <order>', 'the next page: those behind this one', textOf('--after', 1, 32))
    .action((flags: ListFlags) => done(list(flags)))
}

async function done(code: Promise<number>): Promise<void> {
  process.exitCode = await code
}

async function enter(amountText: string | undefined, flags: NewFlags): Promise<number> {
  const unit = currency(flags.currency)
  const items = flags.item.map((text, index) => readItem(text, String(index + 1), unit))
  if (amountText === undefined && items.length === 0) throw usageFault('usage.missing', { field: '[amount], --item' })
  const amount = amountText === undefined ? items.reduce((sum, item) => sum + item.amount, 0n) : amountOf('[amount]', amountText, unit)
  const order: Order = {
    ...{ number: flags.number ?? orderNumber(new Date()), amount, currency: unit },
    ...(items.length > 0 && { items }),
    ...(flags.email !== undefined && { email: flags.email }),
    ...(flags.comment !== undefined && { comment: flags.comment }),
  }
  const merchant = merchantOf(flags)
  checkOrder(order, merchant)
  return withShop({ ...flags, sync: false }, async ({ journal, lang }) => {
    const isTaken = (number: string) => journal.order(merchant, number) !== undefined
    const number = flags.number ?? orderNumber(new Date(), isTaken)
    const entered = journal.enter({ ...order, number }, merchant)
    for (const line of orderLines(entered, lang)) process.stderr.write(`${line}\n`)
    print(flags, orderJson(entered), [number])
    return EXIT.ok
  })
}

/** `name|quantity|price[|VAT[|discount]]`. @throws Fault `bad-argument` */
function readItem(text: string, id: string, unit: Currency): OrderItem {
  const [name, quantityText, priceText, vatText = '', discountText, ...rest] = text.split('|').map(part => part.trim())
  const bad = (allowed = 'name|quantity|price|VAT %|discount') => usageFault('usage.oneOf', { field: '--item', value: text, allowed })
  if (!name || quantityText === undefined || priceText === undefined || rest.length > 0) throw bad()
  const vat = vatText === '' ? undefined : Number(vatText)
  if (vat !== undefined && !(vat >= 0 && vat <= 100)) throw bad('VAT 0–100 %')
  const quantity = parseQuantity(quantityText, '--item')
  const price = amountOf('--item', priceText, unit)
  const discount = discountText ? amountOf('--item', discountText, unit) : 0n
  if (discount > fullPrice({ quantity, price })) throw bad(`discount ≤ ${formatAmount(fullPrice({ quantity, price }), unit)}`)
  return { id, name, quantity, price, amount: fullPrice({ quantity, price }) - discount, ...(vat !== undefined && { vat }) }
}

/** In the words of the command line: its flag, and what there is. */
function tooMuch(name: 'confirm' | 'cancel' | 'refund' | 'increment', order: OrderRecord, amount: bigint): Fault {
  const { paid, confirmed, letGo, back } = moneyOf(order)
  const left = name === 'confirm' ? paid - confirmed - letGo : paid - back
  const { currency } = order
  const allowed = left > 0n ? `${formatAmount(1n, currency)}–${formatAmount(left, currency)} ${currency.alpha}` : `0 ${currency.alpha}`
  return usageFault('usage.oneOf', { field: '--amount', value: formatAmount(amount, currency), allowed })
}

async function change(name: 'confirm' | 'cancel' | 'refund' | 'increment', number: string, flags: PartFlags): Promise<number> {
  return withShop(flags, async ({ till, signal, screen, lang }) => {
    const order = till.order(number)
    if (!order) throw new Fault('not-found', `the journal has no order ${number}`, { order: number })
    const part: Part = {
      ...(flags.amount !== undefined && { amount: amountOf('--amount', flags.amount, order.currency) }),
      ...(flags.item.length > 0 && { items: flags.item.map(readPart) }),
      ...(flags.final && { final: true }),
    }
    if (name === 'increment' && part.items) throw usageFault('usage.noOption', { field: '--item', allowed: '--amount' })
    if (name === 'increment' && part.amount === undefined) throw usageFault('usage.missing', { field: '--amount' })
    const changed = await (name === 'increment' ? till.increment(number, part.amount!, signal) : till[name](number, part, signal)).catch(
      error => {
        throw isFault(error, 'bad-argument') && error.details.field === 'part.amount' ? tooMuch(name, order, part.amount!) : error
      },
    )
    if (flags.json) print(flags, { result: changed.result, ...answerJson(changed), order: orderJson(changed.order) }, [])
    else {
      const { code = '' } = changed.answer?.response ?? {}
      const reason = [code, code && hostMessage(code, lang), changed.answer?.reason && `(${changed.answer.reason})`]
        .filter(Boolean)
        .join(' ')
      screen.say(`order.changed.${changed.result}`, { order: number, state: stateText(changed.order, lang), reason })
      if (name === 'increment' || flags.final) print(flags, null, [...receiptLines(till.receipt(number), lang), ''])
      print(flags, null, resultLines(changed.order, lang))
    }
    return EXIT[changed.result]
  })
}

function answerJson({ answer }: Changed) {
  const { code, rrn } = answer?.response ?? {}
  return { ...(code && { code }), ...(rrn && { rrn }), ...(answer?.reason && { reason: answer.reason }) }
}

function readPart(text: string): ItemPart {
  const [id, quantity] = text.split('=')
  return { id, ...(quantity !== undefined && { quantity: parseQuantity(quantity, '--item') }) }
}

async function synchronise(flags: ShopFlags & { readonly days: number }): Promise<number> {
  return withShop({ ...flags, sync: false }, async ({ till, journal, merchant, signal, screen, told }) => {
    const recovered = await till.recover(signal)
    const fault = recovered.find(one => one.fault)?.fault
    if (fault) screen.print(`! ${message('order.noNetwork', screen.language)}: ${fault.message}`)
    else await till.reconcile(flags.days, signal)
    const waiting = journal.open(merchant).length
    if (flags.json) print(flags, { notices: told.map(one => ({ ...one, at: one.at.toISOString() })), waiting }, [])
    else if (waiting > 0) screen.say('order.stillWaiting', { count: waiting })
    else screen.say('order.nothingToSync')
    return waiting > 0 ? EXIT.unknown : EXIT.ok
  })
}

async function mendJournal(flags: ShopFlags): Promise<number> {
  const repaired: Repaired[] = []
  return withShop(
    { ...flags, sync: false },
    async ({ lang }) => {
      const lines = repaired.map(one =>
        message(`journal.${one.became}`, lang, {
          row: [one.table, one.name ?? one.row ?? '', one.column ?? ''].filter(Boolean).join(' '),
          why: one.why,
        }),
      )
      print(flags, repaired, lines.length > 0 ? lines : [message('journal.whole', lang)])
      return EXIT.ok
    },
    { inspect: 'all', onRepair: found => repaired.push(...found) },
  )
}

async function list(flags: ListFlags): Promise<number> {
  const { days, limit, after: behind } = flags
  return withShop({ ...flags, sync: false }, async ({ till, screen, lang }) => {
    const after = behind === undefined ? undefined : till.order(behind)
    if (behind !== undefined && !after) throw new Fault('not-found', `the journal has no order ${behind}`, { order: behind })
    const since = days === undefined ? {} : { since: new Date(Date.now() - days * 86_400_000) }
    const found = till.orders({ ...since, ...(after && { after }), limit: limit + 1 })
    const orders = found.slice(0, limit)
    const rows = orders.map(
      one =>
      [one.number, `${formatAmount(one.amount, one.currency)} ${one.currency.alpha}`, stateText(one, lang), one.offline ? message('order.offline', lang) : ''].join('  ').trimEnd(), // biome-ignore format: a row
    )
    print(flags, orders.map(orderJson), rows.length > 0 ? rows : [message('screen.none', lang)])
    if (found.length > limit) screen.say('order.more', { option: `--after ${orders.at(-1)!.number}` })
    return EXIT.ok
  })
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value]
}
