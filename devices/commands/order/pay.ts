/** `tapdip order pay`: an order of the journal paid by the method that is chosen, in the words of the mPOS guide's screens. */

import type { Command } from 'commander'
import { amountOf, choice, onlyFor, textOf, wholeNumber } from '../../../src/command/flags.ts'
import { EXIT, errorJson } from '../../../src/command/line.ts'
import { parseAmount } from '../../../src/currency.ts'
import { asFault, Fault, isFault } from '../../../src/errors.ts'
import { faultMessage, message } from '../../../src/messages/messages.ts'
import { partsSum, withParts } from '../../../src/payment/amount-parts.ts'
import type { OrderRecord } from '../../../src/payment/journal/journal.ts'
import { standingPayments } from '../../../src/payment/journal/money.ts'
import { paymentJson } from '../../../src/payment/pay/payment.ts'
import { reasonWords } from '../../../src/payment/pay/result.ts'
import { receiptLines } from '../../../src/payment/receipt/receipt.ts'
import type { Method } from '../../../src/payment/steps.ts'
import { changeOf, type SaleResult } from '../../../src/payment/till/cash.ts'
import { informationText, lastPayment, moneyText, orderJson, orderLines, resultLines } from '../../../src/payment/till/screen.ts'
import type { ByCard, Paid, Standing } from '../../../src/payment/till/till.ts'
import type { Reader } from '../../../src/reader/reader.ts'
import type { Assumption } from '../../index.ts'
import { type AmountFlags, amountOptions, readAmountFlags } from '../amount-flags.ts'
import { type CardFlags, cardOptions, readCardFlags } from '../card-flags.ts'
import type { Console } from '../console.ts'
import { connectField } from '../field.ts'
import { prompts } from '../pay.ts'
import { APP, ASSUME, assumption, connectReader, type ReaderWish, sayPayment, sayWhoChooses } from '../reader.ts'
import { cardSubject, type ProfileFlags, profileOptions, readerProfile } from '../reader-profile.ts'
import { readerUri } from '../reader-uri.ts'
import { bySbp, showCode } from './sbp.ts'
import { orderNumberText, print, type Shop, type ShopFlags, type ShopNeeds, shopOptions, withShop } from './shop.ts'

const offered = ['cash', 'reader', 'sbp', 'softpos'] as const satisfies readonly Method[]
type Offered = (typeof offered)[number]

interface OrderPayFlags extends ShopFlags, CardFlags, ProfileFlags, AmountFlags {
  readonly method?: Offered
  readonly reader?: string
  readonly app?: string
  readonly assume?: readonly Assumption[]
  readonly sign?: string
  readonly received?: string
  readonly wait?: number
  readonly instead?: boolean
  readonly hold?: boolean
  readonly statusTime: number
}

export function addOrderPay(order: Command): void {
  profileOptions(amountOptions(cardOptions(shopOptions(order.command('pay'), true))))
    .description('pays an order; exits 0 paid, 10 declined, 11 in process, 12 cancelled')
    .argument('<number>', '', orderNumberText)
    .addOption(choice('--method <method>', 'asked for when left out', offered))
    .option('--received <amount>', 'cash handed over; asked for when left out')
    .option(
      '--wait <seconds>',
      'how long a card, or by SBP the customer, is waited for; as long as the reader waits, or the code is good, when left out',
      wholeNumber('--wait', 0, 3600),
    )
    .option('--instead', 'take back a payment that hangs, and then pay this way')
    .option(
      '--reader <uri>',
      'for a card: the last reader, or one that is found, when left out; for softpos a PC/SC reader’s field, pcsc:<name>',
      readerUri('--reader'),
    )
    .option('--app <label>', APP, textOf('--app', 1, 64))
    .option('--assume <name>', ASSUME, assumption, [])
    .option('--sign <text>', 'sign with this text when the card wants a signature; asked for when left out', textOf('--sign', 1, 64))
    .option('--hold', 'two-stage: the money is held until `order confirm`')
    .option('--status-time <seconds>', 'how long a silent host is asked for the result', wholeNumber('--status-time', 0, 600), 20)
    .action(async (number: string, flags: OrderPayFlags) => {
      process.exitCode = await payOrder(number, flags)
    })
}

async function payOrder(number: string, flags: OrderPayFlags): Promise<number> {
  const wanted = flags.method
  checkMethod(flags)
  readCardFlags(flags)
  const about: ShopNeeds['about'] = async (journal, merchant) => {
    const order = journal.order(merchant, number)
    const byHand = wanted === 'cash' || wanted === 'sbp'
    return order === undefined || byHand ? {} : cardSubject(flags, order.currency)
  }
  const work = async (shop: Shop) => {
    const { journal, merchant, screen, lang, signal, till } = shop
    const known = journal.order(merchant, number)
    if (!known) throw new Fault('not-found', `the journal has no order ${number}: enter it with \`tapdip order new\``, { order: number })
    // What an attempt that failed had on top counts for that attempt alone.
    const parts = readAmountFlags(flags, known.currency)
    const order = standingPayments(known).length > 0 && partsSum(parts) === 0n ? known : withParts(known, parts)
    for (const line of orderLines(order, lang)) screen.print(line)
    const standing = flags.instead ? await takenBack(number, shop) : till.standing(number)
    if (standing) {
      const { code, answer } = lastPayment(standing.order) ?? {}
      if (standing.result === 'in-process' && code) showCode(screen, code.payload, answer?.transaction)
      return report(standing, shop, flags)
    }
    try {
      for (let method = wanted ?? (await choose(shop)); ; method = await choose(shop)) {
        if (method === undefined) throw new Fault('aborted', 'no method was chosen')
        const paid = await by(method, order, shop, flags)
        if (paid !== 'another') return report(paid, shop, flags)
      }
    } catch (error) {
      if (!isFault(error, 'aborted') && !signal.aborted) throw error
      if (flags.json) print(flags, errorJson(asFault(error)), [])
      screen.say('app.cancelled', { reason: message('reason.merchantCancelled', lang) })
      return EXIT.cancelled
    }
  }
  return withShop(flags, work, { about })
}

/** What hangs is asked for, and taken back; how the order stands where that is not possible. */
async function takenBack(number: string, { till, screen, signal }: Shop): Promise<Standing | undefined> {
  const hangs = till.standing(number)
  if (hangs?.result !== 'in-process') return hangs
  await till.status(number, signal)
  if (till.standing(number)?.result !== 'in-process') return till.standing(number)
  screen.say(lastPayment(hangs.order)?.method === 'sbp' ? 'app.sbpTakingBack' : 'app.takingBack')
  await till.cancel(number, {}, signal)
  return till.standing(number)
}

async function by(method: Offered, order: OrderRecord, shop: Shop, flags: OrderPayFlags): Promise<Paid | 'another'> {
  if (flags.hold && (method === 'cash' || method === 'sbp')) onlyFor('--method reader, --method softpos', { '--hold': true })
  switch (method) {
    case 'cash':
      return byCash(order, shop, flags)
    case 'sbp':
      return bySbp(order, shop, {
        reversalTime: flags.statusTime * 1000,
        ...(flags.wait !== undefined && { waitTime: flags.wait * 1000 }),
      })
    default:
      return byCard(order, method, shop, flags)
  }
}

/** What is said for another method than the one that is named would be lost without a word. @throws Fault `bad-argument` */
function checkMethod({ method, received, wait, reader, app, prefer, sign, config, contactless, hold, cashback }: OrderPayFlags): void {
  if (method === undefined) return
  if (method !== 'cash') onlyFor('--method cash', { '--received': received })
  if (method === 'cash') onlyFor('--method sbp, --method reader', { '--wait': wait })
  if (method === 'cash' || method === 'sbp')
    onlyFor('--method reader, --method softpos', { '--reader': reader, '--app': app, '--prefer': prefer, '--sign': sign, '--config': config, '--contactless': contactless, '--hold': hold, '--cashback': cashback }) // biome-ignore format: a list
}

async function choose({ screen, lang, signal }: Shop): Promise<Offered | undefined> {
  screen.print(message('screen.methods', lang))
  for (const [index, method] of offered.entries()) screen.print(`  ${index + 1}. ${message(`method.${method}`, lang)}`)
  for (;;) {
    const line = await screen.ask('app.choicePrompt', signal)
    if (line === undefined || line.trim() === '') return undefined
    const method = offered[Number(line) - 1]
    if (method) return method
  }
}

/** The change window of the guide: what was received, and what is given back. @throws Fault `aborted` */
async function byCash(order: OrderRecord, { screen, lang, signal, till }: Shop, flags: OrderPayFlags): Promise<Paid> {
  screen.say('app.change')
  const received =
    flags.received === undefined ? await askForCash(order, screen, signal) : amountOf('--received', flags.received, order.currency)
  if (received === undefined) throw new Fault('aborted', 'no cash was handed over')
  const change = changeOf(order, received)
  screen.say('app.received', { amount: moneyText(received, order, lang) })
  screen.say('app.changeDue', { amount: moneyText(change, order, lang) })
  return till.payOrder(order, { method: 'cash', received })
}

async function askForCash(order: OrderRecord, screen: Console, signal: AbortSignal): Promise<bigint | undefined> {
  for (;;) {
    const line = await screen.askTyped('app.receivedPrompt', typed => soFar(typed, order, screen), signal)
    if (line === undefined || line.trim() === 'x') return undefined
    if (line.trim() === '') return order.amount
    try {
      const received = parseAmount(line, order.currency)
      if (received >= order.amount) return received
      const [less, more] = [received, order.amount].map(amount => moneyText(amount, order, screen.language))
      screen.print(`! ${message('app.tooLittle', screen.language, { received: less, amount: more })}`)
    } catch (error) {
      if (!isFault(error, 'bad-argument')) throw error
      screen.print(`! ${faultMessage(error, screen.language)}`)
    }
  }
}

/** What is given back of a sum that is still being typed; nothing while it is none, or less than the order. */
function soFar(typed: string, order: OrderRecord, screen: Console): string {
  const received = typed.trim() === '' ? order.amount : typedAmount(typed, order)
  if (received === undefined) return ''
  const change = received < order.amount ? 0n : received - order.amount
  return message('app.changeDue', screen.language, { amount: moneyText(change, order, screen.language) })
}

function typedAmount(text: string, { currency }: OrderRecord): bigint | undefined {
  try {
    return parseAmount(text.trim(), currency)
  } catch (error) {
    if (!isFault(error, 'bad-argument')) throw error
    return undefined
  }
}

async function byCard(order: OrderRecord, method: 'reader' | 'softpos', shop: Shop, flags: OrderPayFlags): Promise<Paid> {
  const { screen, signal, till, tracer } = shop
  const { config, contactless } = await readerProfile(flags, order.currency)
  const wish = { uri: flags.reader, screen, signal, open: { config, contactless, assumed: flags.assume, tracer } }
  const { reader, close } = method === 'softpos' ? await field(wish) : await lastReader(wish)
  try {
    const time = flags.statusTime * 1000
    sayPayment(screen)
    sayWhoChooses(reader, flags.app, screen)
    const how: ByCard = {
      ...{ reader, method, prompts: prompts(screen, flags), signal, statusTime: time, reversalTime: time },
      ...readCardFlags(flags),
      ...(method === 'softpos' && { interfaces: ['tap'] }),
      ...(flags.app !== undefined && { application: flags.app }),
      ...(flags.hold && { hold: true }),
      ...(flags.wait !== undefined && { waitTime: flags.wait * 1000 }),
    }
    return await till.payOrder(order, how)
  } finally {
    await close()
  }
}

interface Held {
  readonly reader: Reader
  readonly close: () => Promise<void>
}

async function lastReader(wish: ReaderWish): Promise<Held> {
  const { connection, reader } = await connectReader(wish)
  return { reader, close: () => connection.close() }
}

/** It is not remembered: the last reader stays the card reader. */
async function field(wish: ReaderWish): Promise<Held> {
  const reader = await connectField(wish)
  return { reader, close: () => reader.close() }
}

function report(paid: Paid, { screen, lang }: Shop, flags: OrderPayFlags): number {
  const { order, result } = paid
  const payment = 'payment' in paid ? paid.payment : undefined
  const sale = 'sale' in paid ? paid.sale : undefined
  if (flags.json) {
    const how = { ...(payment && { payment: paymentJson(payment) }), ...(sale && { sale: saleJson(sale) }) }
    print(flags, { result, ...how, order: orderJson(order) }, [])
  }
  const { number } = order
  switch (result) {
    case 'already-paid':
      screen.say('app.alreadyPaid', { order: number })
      break
    case 'in-process':
      screen.say('app.inProcess', { order: number })
      break
    default:
      screen.say(`app.${result}`, { reason: payment ? reasonWords(payment, lang) : informationText(order, lang), order: number })
      if (sale?.registration === 'pending') screen.say('app.cashOffline')
      if (sale?.registration === 'done') screen.say('notice.fiscalised', { order: number })
      if (sale?.registration === 'refused') screen.print(`! ${message('reason.notRegistered', lang)}`)
      if (!flags.json) print(flags, {}, [...receiptLines((payment ?? sale!).receipt, lang), ''])
  }
  if (!flags.json) print(flags, {}, resultLines(order, lang))
  if (result === 'approved') screen.say('app.printReceipt', { order: number })
  return result === 'already-paid' ? EXIT.ok : result === 'in-process' ? EXIT.unknown : EXIT[result]
}

function saleJson({ received, change, ...sale }: SaleResult) {
  return { ...sale, ...(received !== undefined && { received: received.toString(), change: `${change}` }) }
}
