/** Flags of `tapdip pay` and `tapdip order pay` about the parts of the amount: what comes on top of the goods. */

import type { Command } from 'commander'
import { amountOf } from '../../src/command/flags.ts'
import type { Currency } from '../../src/currency.ts'
import type { AmountParts } from '../../src/payment/acquirer.ts'

export interface AmountFlags {
  readonly cashback?: string
  readonly tip?: string
  readonly surcharge?: string
}

export function amountOptions(command: Command): Command {
  return command
    .option('--cashback <amount>', 'cash that is handed out, on top of the amount')
    .option('--tip <amount>', 'a tip, on top of the amount')
    .option('--surcharge <amount>', 'a surcharge, on top of the amount')
}

/** @throws Fault `bad-argument` */
export function readAmountFlags(flags: AmountFlags, unit: Currency): AmountParts {
  return Object.fromEntries(
    (['cashback', 'tip', 'surcharge'] as const).flatMap(name => {
      const text = flags[name]
      return text === undefined ? [] : [[name, amountOf(`--${name}`, text, unit)]]
    }),
  )
}
