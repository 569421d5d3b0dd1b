/** The shop around an order command: journal, till and acquirer of this user, opened for one command; what was left is brought to its end first. */

import type { Command } from 'commander'
import { fromHex } from '../../../src/bytes.ts'
import { textOf } from '../../../src/command/flags.ts'
import { interruption } from '../../../src/command/interruption.ts'
import { language } from '../../../src/command/line.ts'
import { Fault, isFault } from '../../../src/errors.ts'
import { bookFault } from '../../../src/file-fault.ts'
import { type Language, message } from '../../../src/messages/messages.ts'
import type { Merchant, OrderAcquirer } from '../../../src/payment/acquirer.ts'
import { categories } from '../../../src/payment/estimates.ts'
import type { Json } from '../../../src/payment/host/wire-fields.ts'
import type { Journal, JournalOptions } from '../../../src/payment/journal/journal.ts'
import { type Notice, noticeText } from '../../../src/payment/journal/notice.ts'
import { openJournal } from '../../../src/payment/journal/open.ts'
import { checkMerchant } from '../../../src/payment/order.ts'
import { openTill, type RefundRules, type Till, type TillOptions } from '../../../src/payment/till/till.ts'
import { oneOf } from '../../../src/refusal.ts'
import type { Tracer, TraceSubject } from '../../../src/trace/event.ts'
import { stateFolder } from '../../memory.ts'
import { type AcquirerFlags, acquirerAt, acquirerOptions, type CommandAcquirer } from '../acquirer.ts'
import { type Console, openConsole } from '../console.ts'
import { OVERWRITE, TRACE, traceTo } from '../record.ts'

export interface ShopFlags extends Partial<Pick<AcquirerFlags, 'acquirer' | 'isoDialect'>> {
  readonly journal?: string
  readonly merchant: string
  readonly merchantId: string
  readonly terminal: string
  readonly json?: boolean
  readonly lang?: string
  /** False with `--no-sync`. */
  readonly sync?: boolean
  readonly trace?: string
  readonly overwrite?: boolean
}

export interface Shop {
  readonly journal: Journal
  readonly till: Till
  readonly acquirer: OrderAcquirer
  readonly merchant: Merchant
  readonly screen: Console
  readonly lang: Language
  readonly signal: AbortSignal
  /** Of `--trace`. */
  readonly tracer: Tracer | undefined
  /** Notices so far. */
  readonly told: readonly Notice[]
  /** What may be given back where nothing was paid. */
  readonly refunds?: RefundRules
}

/** What this user's shop sells: how far its payments may be raised. @throws Fault `bad-argument` */
function estimatesOf(category: string | undefined): Pick<TillOptions, 'estimates'> {
  return category === undefined ? {} : { estimates: { category: oneOf('TAPDIP_CATEGORY', category, categories) } }
}

/** `<number>` of an order. */
export const orderNumberText = textOf('<number>', 1, 32)

/** Milliseconds that the start may take over what was left by earlier runs. */
const START_TIME = 15_000

/** `online`: it talks to a host. */
export function shopOptions(command: Command, online = false): Command {
  if (online)
    acquirerOptions(command)
      .option('--no-sync', 'leave what earlier payments left for another time')
      .option('--trace <file>', TRACE)
      .option('--overwrite', OVERWRITE)
  return command
    .option('--journal <file>', 'the journal; orders.db in the user’s state folder when left out')
    .option('--merchant <name>', 'as on the slip', 'MobileTestMerchant')
    .option('--merchant-id <id>', 'up to 15 characters', '635459020000001')
    .option('--terminal <id>', 'up to 8 characters', '63545902')
    .option('--json', 'JSON on standard output')
}

export function merchantOf({ merchant, merchantId, terminal }: ShopFlags): Merchant {
  return { name: merchant, id: merchantId, terminal }
}

/** 32 bytes in hex in `TAPDIP_JOURNAL_KEY` let offline approvals wait for the host (docs/orders.md); they are not for a command line. @throws Fault `bad-key` */
function journalKey(): Uint8Array | undefined {
  const { TAPDIP_JOURNAL_KEY: text } = process.env
  if (text === undefined) return undefined
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new Fault('bad-key', 'TAPDIP_JOURNAL_KEY is not 64 hex digits', { field: 'TAPDIP_JOURNAL_KEY' })
  return fromHex(text)
}

/** What some commands need of the shop. */
export interface ShopNeeds {
  readonly onRepair?: JournalOptions['onRepair']
  readonly inspect?: JournalOptions['inspect']
  readonly refunds?: RefundRules
  /** For the header of `--trace`, of a command that reads a card. */
  readonly about?: (journal: Journal, merchant: Merchant) => Promise<TraceSubject>
}

/** Opens the shop, tells what has changed since the last time, does `work`, and shuts it. @throws Fault `journal`, and what `work` throws */
export async function withShop(
  flags: ShopFlags,
  work: (shop: Shop) => Promise<number>,
  { onRepair, inspect, refunds, about }: ShopNeeds = {},
): Promise<number> {
  const lang = language(flags.lang)
  const merchant = merchantOf(flags)
  checkMerchant(merchant)
  const tracer = flags.trace === undefined ? undefined : traceTo(flags.trace, flags.overwrite)
  const screen = openConsole(lang)
  const host: CommandAcquirer =
    flags.acquirer === undefined ? { acquirer: offline, close: async () => {} } : acquirerAt({ ...flags, acquirer: flags.acquirer })
  const signal = interruption()
  const told: Notice[] = []
  try {
    const path = await journalPath(flags.journal)
    const journal = await openJournal(path, {
      ...(journalKey() && { key: journalKey()! }),
      ...(onRepair && { onRepair }),
      ...(inspect && { inspect }),
    }).catch(error => {
      throw isFault(error, 'journal') || (isFault(error, 'bad-argument') && error.details.field === 'path')
        ? bookFault('--journal', path, error, 'journal')
        : error
    })
    if (tracer && about) tracer.about?.(await about(journal, merchant))
    const { acquirer } = host
    const till = openTill({
      ...{ journal, merchant, background: false, acquirer, ...(tracer && { tracer }) },
      ...(refunds && { refunds }),
      ...estimatesOf(process.env.TAPDIP_CATEGORY),
      onNotice(notice) {
        told.push(notice)
        screen.print(`* ${message('notice.title', lang)}: ${noticeText(notice, lang)}`)
      },
      onFault: fault => screen.print(`! ${fault.message}`),
    })
    try {
      if (flags.acquirer !== undefined && flags.sync !== false) await catchUp(till, signal)
      return await work({ journal, till, acquirer, merchant, screen, lang, signal, tracer, told, ...(refunds && { refunds }) })
    } finally {
      await till.close()
      await journal.close()
      await host.close()
    }
  } finally {
    tracer?.close()
    screen.close()
  }
}

/** As the mPOS app does when it starts (seed 002): what hangs, and the last three days. A host that is not there is no reason not to start. */
async function catchUp(till: Till, signal: AbortSignal): Promise<void> {
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(START_TIME)])
  try {
    const recovered = await till.recover(inTime)
    if (!recovered.some(({ fault }) => fault)) await till.reconcile(undefined, inTime)
  } catch (error) {
    if (!isFault(error, 'aborted', 'host-unreachable', 'host-no-answer', 'host-error')) throw error
  }
}

async function journalPath(file: string | undefined): Promise<string> {
  if (file !== undefined) return file
  const { mkdir } = await import('node:fs/promises')
  const folder = stateFolder()
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new Fault(
      'journal',
      `the folder of the journal cannot be made: ${(cause as Error).message}`,
      { reason: 'no-permission' },
      { cause },
    )
  }
  return `${folder}/orders.db`
}

const away = () => Promise.reject(new Fault('host-unreachable', 'no --acquirer was given'))
/** For commands that ask no host. */
const offline: OrderAcquirer = { authorise: away, reverse: away, status: away, advise: away, confirm: away, cancel: away, order: away }

/** To standard output: the JSON where it is asked for, else the lines. */
export function print({ json }: Pick<ShopFlags, 'json'>, value: Json | object, lines: readonly string[]): void {
  if (json) process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
  else for (const line of lines) process.stdout.write(`${line}\n`)
}
