/** What both kernels are given, checked at their doors. */

import * as door from '../../door.ts'
import type { TerminalConfig } from '../config.ts'
import type { Terminal, Transaction } from '../terminal.ts'

const MOST = 999_999_999_999n

export const transactionRule: door.Rule = door.shape({
  ...{
    amount: door.amount(0n, MOST),
    currency: door.currencyOf,
    otherAmount: door.maybe(door.amount(0n, MOST)),
    at: door.maybe(door.date),
  },
  type: door.maybe(door.oneOf(['purchase', 'cash', 'cashback', 'refund'])),
  application: door.maybe(door.anyText),
  interfaces: door.maybe(door.listOf(door.oneOf(['chip', 'tap', 'swipe']), 1)),
  forceOnline: door.maybe(door.flag),
})

export const terminalRule: door.Rule = door.having('a Terminal', 'authorise')
const configRule = door.shape({ capabilities: door.anyBytes })

/** @throws Fault `bad-argument` */
export function checkDoor(transaction: Transaction, config: TerminalConfig, terminal: Terminal): void {
  door.need('transaction', transaction, door.object)
  door.need('', transaction, transactionRule) // its fields by their own names, as all of the kernel's refusals
  door.need('config', config, configRule)
  door.need('terminal', terminal, terminalRule)
}
