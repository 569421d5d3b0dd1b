/** How a transaction begins: the context that the steps share, with the terminal's own data objects in it. */

import { exchange } from '../../apdu/exchange.ts'
import { fromText, fromUint, toBcd } from '../../bytes.ts'
import { systemClock, within } from '../../clock.ts'
import { Fault, isFault } from '../../errors.ts'
import type { Card } from '../card.ts'
import { type ApplicationConfig, CAPABILITY, type TerminalConfig } from '../config.ts'
import { EmvData, withBit } from '../data.ts'
import type { Candidate, Terminal, Transaction, TransactionType } from '../terminal.ts'
import { bitKeeper, defaultTimeouts, type Kernel, type KernelOptions } from './context.ts'

/** Transaction Type (9C): the first two digits of the ISO 8583:1987 processing code. */
export const TRANSACTION_TYPE = { purchase: 0x00, cash: 0x01, cashback: 0x09, refund: 0x20 } as const satisfies Record<
  TransactionType,
  number
>

const MAX_AMOUNT = 999_999_999_999n

/** Nobody aborts it. One for all: an AbortSignal costs more than the rest of a kernel's beginning. */
const never = new AbortController().signal

/** @throws Fault `bad-argument` when the transaction is none that 9F02, 9F03 and the configuration can hold */
export function newKernel(
  card: Card,
  transaction: Transaction,
  config: TerminalConfig,
  terminal: Terminal,
  options: KernelOptions = {},
): Kernel {
  checkTransaction(transaction, config)
  const clock = options.clock ?? systemClock
  const signal = options.signal ?? never
  const random = options.random ?? (length => crypto.getRandomValues(new Uint8Array(length)))
  const timeouts = { ...defaultTimeouts, ...options.timeouts }
  const controller = new AbortController() // a card that did not answer in time, or was given up, is asked no more
  const context: Omit<Kernel, 'raise' | 'mark' | 'note'> = {
    explain: options.explain,
    step: 'selection',
    data: new EmvData(),
    card,
    transaction,
    config,
    terminal,
    signal,
    clock,
    random,
    log: options.log,
    exceptionFile: options.exceptionFile,
    selection: undefined,
    language: undefined,
    application: undefined,
    settings: undefined,
    odaInput: undefined,
    cdolData: [],
    timeouts,
    progress: {
      initiated: false,
      cvm: 'none' as const,
      pinBlock: undefined,
      online: false,
      unanswered: false,
      response: undefined,
      hostApproved: false,
      advice: false,
    },
    exchange: async (command: Parameters<Kernel['exchange']>[0]) => {
      try {
        return await within({ timeout: timeouts.card, signal, clock, controller, what: 'a card command' }, inner =>
          exchange(card, command, { signal: inner }),
        )
      } catch (error) {
        if (isFault(error, 'timeout')) throw new Fault('card-mute', 'the card does not answer', { ms: timeouts.card }, { cause: error })
        throw error
      }
    },
  }
  setTerminalData(context)
  return Object.assign(context, bitKeeper(context))
}

function checkTransaction({ amount, otherAmount = 0n, type = 'purchase', currency }: Transaction, config: TerminalConfig): void {
  const refuse = (field: string, value: string, rule: string) => {
    throw new Fault('bad-argument', `transaction.${field} ${value}: ${rule}`, { field, rule })
  }
  if (amount < 0n || amount > MAX_AMOUNT) refuse('amount', `${amount}`, `0 to ${MAX_AMOUNT} minor units (n 12)`)
  if (otherAmount < 0n || otherAmount > amount) refuse('otherAmount', `${otherAmount}`, 'part of the amount')
  if (otherAmount > 0n && type !== 'cashback') refuse('otherAmount', `${otherAmount}`, 'only a transaction of type cashback has one')
  if (currency.numeric !== config.currencyCode)
    refuse('currency', currency.alpha, `the configuration's limits are in currency ${config.currencyCode}`)
}

/** The data objects whose source is the terminal (EMV 4.4 Book 3, Annex A), before an application is chosen. */
function setTerminalData({
  data,
  transaction,
  config,
  clock,
  random,
}: Pick<Kernel, 'data' | 'transaction' | 'config' | 'clock' | 'random'>): void {
  const set = (tag: number, value: Uint8Array | number, length?: number) => data.setTerminal(tag, value, length)
  const { amount, otherAmount = 0n, type = 'purchase', currency, at = new Date(clock.now()), sequence = 1 } = transaction
  set(0x9f02, toBcd(amount, 6))
  set(0x9f03, toBcd(otherAmount, 6))
  // 81 and 9F04 are 4 bytes: a larger amount is only in 9F02, and a DOL that asks for 81 gets zeros.
  if (amount <= 0xffff_ffffn) set(0x81, fromUint(amount, 4))
  if (otherAmount <= 0xffff_ffffn) set(0x9f04, fromUint(otherAmount, 4))
  const digits = (part: number) => Math.floor(part / 10) * 16 + (part % 10)
  set(0x9a, Uint8Array.of(digits(at.getFullYear() % 100), digits(at.getMonth() + 1), digits(at.getDate())))
  set(0x9f21, Uint8Array.of(digits(at.getHours()), digits(at.getMinutes()), digits(at.getSeconds())))
  set(0x9c, TRANSACTION_TYPE[type])
  set(0x5f2a, toBcd(currency.numeric, 2))
  set(0x5f36, currency.exponent)
  set(0x9f1a, toBcd(config.countryCode, 2))
  const verified = config.verifyFrom !== undefined && amount >= config.verifyFrom && type !== 'refund'
  set(0x9f33, verified ? withBit(config.capabilities, CAPABILITY.noCvm, false) : config.capabilities)
  set(0x9f35, config.terminalType)
  set(0x9f40, config.additionalCapabilities)
  set(0x9f15, toBcd(Number(config.merchantCategoryCode), 2))
  set(0x9f16, fromText(config.merchantId.padEnd(15)))
  set(0x9f1c, fromText(config.terminalId.padEnd(8)))
  set(0x9f4e, fromText(config.merchantName))
  set(0x9f01, toBcd(BigInt(config.acquirerId), 6))
  set(0x9f1e, fromText(config.ifdSerial.padEnd(8)))
  set(0x9f37, random(4))
  set(0x9f41, toBcd(sequence, 4))
  set(0x9f39, 0x05) // ISO 8583:1987 field 22: integrated circuit card
  set(0x95, new Uint8Array(5))
  set(0x9b, new Uint8Array(2))
}

/** The data objects that depend on the application: set when one is chosen, before its PDOL is read. */
export function useApplication(kernel: Kernel, application: Candidate, settings: ApplicationConfig): void {
  kernel.application = application
  kernel.settings = settings
  kernel.data.setTerminal(0x9f06, application.aid)
  if (settings.versions[0]) kernel.data.setTerminal(0x9f09, settings.versions[0])
  else kernel.data.terminal.delete(0x9f09)
  for (const row of kernel.config.applications) for (const tag of row.data?.keys() ?? []) kernel.data.terminal.delete(tag)
  for (const [tag, value] of settings.data ?? []) kernel.data.setTerminal(tag, value)
  // 9F1B: without a floor limit everything goes online, as a limit of zero has it.
  kernel.data.setTerminal(0x9f1b, fromUint(settings.floorLimit ?? 0n, 4))
}
