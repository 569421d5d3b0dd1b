/** `tapdip refund` and `tapdip order refund --card`: money back to a card that is presented, in the words of a refund. */

import type { Command } from 'commander'
import { amountOf, textOf } from '../../../src/command/flags.ts'
import { EXIT, wholeNumber } from '../../../src/command/line.ts'
import { type Currency, currency } from '../../../src/currency.ts'
import { Fault } from '../../../src/errors.ts'
import { hostMessage } from '../../../src/messages/messages.ts'
import type { Order } from '../../../src/payment/acquirer.ts'
import { orderNumber } from '../../../src/payment/order.ts'
import { checkOrder, paymentJson } from '../../../src/payment/pay/payment.ts'
import { reasonWords } from '../../../src/payment/pay/result.ts'
import { receiptLines } from '../../../src/payment/receipt/receipt.ts'
import { moneyText, orderJson, resultLines } from '../../../src/payment/till/screen.ts'
import type { Refunded, RefundRules } from '../../../src/payment/till/till.ts'
import { usageFault } from '../../../src/refusal.ts'
import type { Assumption } from '../../index.ts'
import { type CardFlags, cardOptions, readCardFlags } from '../card-flags.ts'
import { prompts } from '../pay.ts'
import { APP, ASSUME, assumption, connectReader, sayWhoChooses } from '../reader.ts'
import { cardSubject, type ProfileFlags, profileOptions, readerProfile } from '../reader-profile.ts'
import { readerUri } from '../reader-uri.ts'
import { merchantOf, print, type Shop, type ShopFlags, type ShopNeeds, shopOptions, withShop } from './shop.ts'

export interface RefundFlags extends ShopFlags, CardFlags, ProfileFlags {
  readonly amount?: string
  readonly reader?: string
  readonly app?: string
  readonly assume?: readonly Assumption[]
  readonly sign?: string
  readonly statusTime: number
}

interface FreeFlags extends RefundFlags {
  readonly currency: string
  readonly order?: string
}

/** Flags of a refund for which a card is read. */
export function refundOptions(command: Command): Command {
  return profileOptions(cardOptions(command))
    .option('--reader <uri>', 'the last reader, or one that is found, when left out', readerUri('--reader'))
    .option('--app <label>', APP, textOf('--app', 1, 64))
    .option('--assume <name>', ASSUME, assumption, [])
    .option('--sign <text>', 'sign with this text when the card wants a signature; asked for when left out', textOf('--sign', 1, 64))
    .option('--status-time <seconds>', 'how long a silent host is asked for the result', wholeNumber('--status-time', 0, 600), 20)
}

export function addRefund(program: Command): void {
  refundOptions(shopOptions(program.command('refund'), true))
    .description(
      'gives back to a card without an order that was paid, as far as TAPDIP_REFUND_LIMIT and TAPDIP_REFUND_PASSWORD allow; exits 0 done, 10 declined, 11 not known, 12 cancelled',
    )
    .argument('<amount>', 'with a decimal point: 2500.00')
    .option('--currency <code>', 'ISO 4217', 'RUB')
    .option('--order <number>', 'number of the refund, or of a paid order that it gives back; made from date and time when left out')
    .action(async (amount: string, flags: FreeFlags) => {
      const unit = currency(flags.currency)
      const number = flags.order ?? orderNumber(new Date())
      const order = { number, amount: amountOf('<amount>', amount, unit), currency: unit }
      readCardFlags(flags)
      checkOrder(order, merchantOf(flags))
      await readerProfile(flags, unit)
      const refunds = rulesFor(unit)
      process.exitCode = await withShop(flags, shop => give(order, order.amount, shop, flags), {
        about: () => cardSubject(flags, unit),
        ...(refunds && { refunds }),
      })
    })
}

/** `order refund --card`. @throws Fault `not-found` */
export async function refundOrderByCard(number: string, flags: RefundFlags): Promise<number> {
  readCardFlags(flags)
  const about: ShopNeeds['about'] = async (journal, merchant) => {
    const order = journal.order(merchant, number)
    return order === undefined ? {} : cardSubject(flags, order.currency)
  }
  const work = async (shop: Shop) => {
    const order = shop.journal.order(shop.merchant, number)
    if (!order) throw new Fault('not-found', `the journal has no order ${number}`, { order: number })
    return give(order, flags.amount === undefined ? undefined : amountOf('--amount', flags.amount, order.currency), shop, flags)
  }
  return withShop(flags, work, { about })
}

/** Of the environment: they are the merchant's, and a password is not for a command line. @throws Fault `bad-argument` */
function rulesFor(unit: Currency): RefundRules | undefined {
  const { TAPDIP_REFUND_LIMIT: most, TAPDIP_REFUND_PASSWORD: password } = process.env
  if (most === undefined && password === undefined) return undefined
  return { ...(most !== undefined && { most: amountOf('TAPDIP_REFUND_LIMIT', most, unit) }), ...(password !== undefined && { password }) }
}

async function give(order: Order, amount: bigint | undefined, shop: Shop, flags: RefundFlags): Promise<number> {
  const { screen, lang, signal, till, journal, merchant, refunds, tracer } = shop
  const card = readCardFlags(flags)
  const paid = journal.order(merchant, order.number)?.entries.some(({ kind, result }) => kind === 'payment' && result === 'approved')
  const { config, contactless } = await readerProfile(flags, order.currency)
  if (!paid && !refunds) throw usageFault('usage.refundRules', { field: `refund ${order.number}`, order: order.number }, 'unsupported')
  const password = !paid && refunds?.password !== undefined ? await screen.ask('app.refundPassword', signal) : undefined
  if (!paid && refunds?.password !== undefined && !password) throw new Fault('aborted', 'no password was given')
  const { connection, reader } = await connectReader({
    uri: flags.reader,
    screen,
    signal,
    open: { config, contactless, assumed: flags.assume, tracer },
  })
  try {
    screen.say('app.toRefund', { amount: moneyText(amount ?? order.amount, order, lang) })
    sayWhoChooses(reader, flags.app, screen)
    const time = flags.statusTime * 1000
    const refunded = await till.refundByCard(order, {
      ...{ reader, prompts: prompts(screen, flags), signal, statusTime: time, reversalTime: time },
      ...card,
      ...(amount !== undefined && { amount }),
      ...(password !== undefined && { password }),
      ...(flags.app !== undefined && { application: flags.app }),
    })
    return report(refunded, shop, flags)
  } finally {
    await connection.close()
  }
}

function report({ result, payment, answer, order, linked }: Refunded, { screen, lang }: Shop, flags: RefundFlags): number {
  const { number } = order
  const { code = '' } = answer?.response ?? {}
  const why = payment
    ? reasonWords(payment, lang)
    : [code, code && hostMessage(code, lang), answer?.reason && `(${answer.reason})`].filter(Boolean).join(' ')
  if (result === 'in-process') screen.say('app.inProcess', { order: number })
  else if (result === 'approved') screen.say('app.refunded')
  else screen.say(`app.${result}`, { reason: why, order: number })
  if (flags.json) print(flags, { result, linked, ...(payment && { payment: paymentJson(payment) }), order: orderJson(order) }, [])
  else print(flags, null, [...(payment ? [...receiptLines(payment.receipt, lang), ''] : []), ...resultLines(order, lang)])
  return result === 'in-process' ? EXIT.unknown : EXIT[result]
}
