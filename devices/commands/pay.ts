/** `tapdip pay`: one payment from the command line; progress in the reader's and the app's words, then a receipt or one JSON object. */

import type { Command } from 'commander'
import { amountOf, textOf } from '../../src/command/flags.ts'
import { interruption } from '../../src/command/interruption.ts'
import { EXIT, errorJson, language, wholeNumber } from '../../src/command/line.ts'
import { currency } from '../../src/currency.ts'
import { Fault } from '../../src/errors.ts'
import { message } from '../../src/messages/messages.ts'
import type { Order } from '../../src/payment/acquirer.ts'
import { withParts } from '../../src/payment/amount-parts.ts'
import { orderNumber } from '../../src/payment/order.ts'
import type { PaymentEvent } from '../../src/payment/pay/events.ts'
import { type AppPrompts, checkOrder, type PaymentResult, pay, paymentJson } from '../../src/payment/pay/payment.ts'
import { reasonWords } from '../../src/payment/pay/result.ts'
import { receiptLines } from '../../src/payment/receipt/receipt.ts'
import { typedSignature } from '../../src/payment/receipt/typed-signature.ts'
import { paymentWords } from '../../src/payment/till/payment-words.ts'
import { partsText } from '../../src/payment/till/screen.ts'
import type { Assumption } from '../index.ts'
import { type AcquirerFlags, acquirerAt, acquirerOptions } from './acquirer.ts'
import { type AmountFlags, amountOptions, readAmountFlags } from './amount-flags.ts'
import { type CardFlags, cardOptions, readCardFlags } from './card-flags.ts'
import { type Console, openConsole } from './console.ts'
import { APP, ASSUME, assumption, connectReader, sayPayment, sayWhoChooses } from './reader.ts'
import { cardSubject, type ProfileFlags, profileOptions, readerProfile } from './reader-profile.ts'
import { readerUri } from './reader-uri.ts'
import { recordTo, TRACE, traceTo } from './record.ts'

interface PayFlags extends CardFlags, ProfileFlags, AmountFlags, AcquirerFlags {
  readonly currency: string
  readonly reader?: string
  readonly app?: string
  readonly assume?: readonly Assumption[]
  readonly sign?: string
  readonly order?: string
  readonly merchant: string
  readonly merchantId: string
  readonly terminal: string
  readonly wait?: number
  readonly statusTime: number
  readonly check?: boolean
  readonly trace?: string
  readonly record?: string
  readonly overwrite?: boolean
  readonly json?: boolean
  readonly lang?: string
}

/** What `--wait` says. */
const CARD_TIME = 'how long a card is waited for, at most: then the payment is cancelled; the reader’s own time when left out'

export function addPay(program: Command): void {
  acquirerOptions(profileOptions(amountOptions(cardOptions(program.command('pay')))))
    .description('one payment through a reader; exits 0 approved, 10 declined, 11 not known, 12 cancelled')
    .argument('<amount>', 'with a decimal point: 2500.00')
    .requiredOption('--currency <code>', 'ISO 4217: RUB')
    .option(
      '--reader <uri>',
      'serial:/dev/ttyACM0?family=qpos, ble:MPOS0000000001; the last one, or one that is found, when left out',
      readerUri('--reader'),
    )
    .option('--app <label>', APP, textOf('--app', 1, 64))
    .option('--assume <name>', ASSUME, assumption, [])
    .option('--sign <text>', 'sign with this text when the card wants a signature; asked for when left out', textOf('--sign', 1, 64))
    .option('--order <number>', 'order number; made from date and time when left out')
    .option('--merchant <name>', 'as on the slip', 'MobileTestMerchant')
    .option('--merchant-id <id>', 'up to 15 characters', '635459020000001')
    .option('--terminal <id>', 'up to 8 characters', '63545902')
    .option('--wait <seconds>', CARD_TIME, wholeNumber('--wait', 1, 3600))
    .option(
      '--status-time <seconds>',
      'how long a silent host is asked for the result, and again told of a reversal',
      wholeNumber('--status-time', 0, 600),
      20,
    )
    .option('--check', 'ask the bank whether the card is good: the amount is 0, and nothing is charged')
    .option('--trace <file>', TRACE)
    .option('--record <file>', 'the line to the reader, without card data, to be played again: --reader replay:<file>')
    .option('--overwrite', 'the files of --trace and --record may be there already')
    .option('--json', 'one JSON object on standard output')
    .action(async (amount: string, flags: PayFlags) => {
      process.exitCode = await payOnce(amount, flags)
    })
}

async function payOnce(amountText: string, flags: PayFlags): Promise<number> {
  const lang = language(flags.lang)
  const unit = currency(flags.currency)
  const amount = amountOf('<amount>', amountText, unit)
  const goods: Order = { number: flags.order ?? orderNumber(new Date()), amount, currency: unit }
  const order = withParts(goods, readAmountFlags(flags, unit))
  const merchant = { name: flags.merchant, id: flags.merchantId, terminal: flags.terminal }
  checkOrder(order, merchant, flags.check ? 0n : 1n)
  const card = readCardFlags(flags)
  const host = acquirerAt(flags)
  const { config, contactless } = await readerProfile(flags, unit)
  const subject = flags.trace === undefined && flags.record === undefined ? {} : await cardSubject(flags, unit)
  const tracer = flags.trace === undefined ? undefined : traceTo(flags.trace, flags.overwrite, subject)
  const screen = openConsole(lang)
  const signal = interruption()
  try {
    const { connection, reader } = await connectReader({
      uri: flags.reader,
      screen,
      signal,
      open: {
        config,
        contactless,
        assumed: flags.assume,
        tracer,
        ...(flags.record !== undefined && { trace: recordTo(flags.record, flags.overwrite, subject) }),
      },
    })
    try {
      sayPayment(screen)
      sayWhoChooses(reader, flags.app, screen)
      if (order.parts) for (const line of partsText(order, lang)) screen.print(line)
      const result = await pay(order, {
        reader,
        ...(flags.app !== undefined && { application: flags.app }),
        acquirer: host.acquirer,
        merchant,
        ...(flags.check && { type: 'check' as const }),
        prompts: prompts(screen, flags),
        ...(tracer && { tracer }),
        signal,
        ...card,
        ...(flags.wait !== undefined && { waitTime: flags.wait * 1000 }),
        statusTime: flags.statusTime * 1000,
        reversalTime: flags.statusTime * 1000,
      })
      report(result, screen, flags)
      return EXIT[result.result]
    } finally {
      await connection.close()
    }
  } catch (error) {
    if (error instanceof Fault && error.code === 'aborted') {
      if (flags.json) process.stdout.write(`${JSON.stringify(errorJson(error), null, 2)}\n`)
      screen.say('app.cancelled', { reason: message('reason.merchantCancelled', lang) })
      return EXIT.cancelled
    }
    throw error
  } finally {
    await host.close()
    tracer?.close()
    screen.close()
  }
}

export function prompts(screen: Console, { sign }: Pick<PayFlags, 'sign'>): AppPrompts {
  return {
    async selectApplication(candidates, { signal }) {
      const labels = candidates.map(({ label }) => label)
      showList(screen, labels)
      const chosen = await askForNumber(screen, labels.length, signal)
      if (chosen === undefined && screen.ended && !signal.aborted) return nobody(screen, '--app')
      if (chosen !== undefined) screen.say('app.chosen', { label: labels[chosen] })
      return chosen
    },
    async captureSignature(_, { signal }) {
      screen.say('app.signature')
      if (sign !== undefined) return typedSignature(sign)
      for (;;) {
        const line = await screen.ask('app.signaturePrompt', signal)
        if (line === undefined && screen.ended && !signal.aborted) return nobody(screen, '--sign')
        if (line === undefined || line === 'x') return undefined
        if (line === 'c') continue
        const signature = typedSignature(line)
        if (signature) return signature
        screen.say('app.signatureEmpty')
      }
    },
    tryAgain: async () => {
      screen.say('app.pinWrong')
      return true
    },
    onEvent: event => tell(event, screen),
  }
}

function nobody(screen: Console, flag: string): 'nobody' {
  screen.say('app.nobody', { flag })
  return 'nobody'
}

function showList(screen: Console, labels: readonly string[]): void {
  screen.say('app.selectApplication')
  screen.print(`  ${message('app.selectApplicationHelp', screen.language)}`)
  for (const [index, label] of labels.entries()) screen.print(`  ${index + 1}. ${label}`)
}

async function askForNumber(screen: Console, count: number, signal: AbortSignal): Promise<number | undefined> {
  for (;;) {
    const line = await screen.ask('app.choicePrompt', signal)
    if (line === undefined || line.trim() === '') return undefined
    const number = Number(line)
    if (Number.isInteger(number) && number >= 1 && number <= count) return number - 1
  }
}

function tell(event: PaymentEvent, screen: Console): void {
  for (const said of paymentWords(event)) {
    if (said.by === 'reader') screen.reader(said.id)
    else if (said.by === 'list') showList(screen, said.labels)
    else screen.say(said.id, said.params)
  }
}

/** A check pays nothing, and is not told as a payment. */
const checked = { approved: 'app.checked', unknown: 'app.unknownCheck', declined: 'app.declined', cancelled: 'app.cancelled' } as const

function report(result: PaymentResult, screen: Console, { json, check }: Pick<PayFlags, 'json' | 'check'>): void {
  const lang = screen.language
  if (json) {
    process.stdout.write(`${JSON.stringify(paymentJson(result), null, 2)}\n`)
    return
  }
  const reason = reasonWords(result, lang)
  screen.say(check ? checked[result.result] : `app.${result.result}`, { reason, order: result.receipt.order })
  process.stdout.write(`${receiptLines(result.receipt, lang).join('\n')}\n`)
}
