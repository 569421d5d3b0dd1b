/** CVM Condition Codes: when a rule of the CVM List counts (EMV 4.4 Book 3, Annex C3); the same on contact and contactless. */

import { equal, uint } from '../../bytes.ts'
import { terminalKind } from '../config.ts'
import type { Kernel } from './context.ts'
import { TRANSACTION_TYPE } from './start.ts'

/**
 * Whether the condition holds. One that is not understood, or whose data are missing, does not (10.5). Amounts X and Y of `list` (8E) are in the
 * application currency (9F42).
 * @param supported whether the terminal supports the method of the rule (condition 03)
 */
export function cvmConditionHolds(
  { data, transaction }: Pick<Kernel, 'data' | 'transaction'>,
  condition: number,
  supported: boolean,
  list: Uint8Array,
): boolean {
  const type = data.terminal.get(0x9c)![0]
  const cash = type === TRANSACTION_TYPE.cash
  const cashback = type === TRANSACTION_TYPE.cashback
  const { attended } = terminalKind(data.terminal.get(0x9f35)![0])
  const currency = data.card.get(0x9f42)
  const own = currency !== undefined && equal(currency, data.terminal.get(0x5f2a)!)
  // 9F02 is n 12, amounts X and Y are 4 bytes: all are exact in a double.
  const amount = Number(transaction.amount)
  const [x, y] = [uint(list.subarray(0, 4)), uint(list.subarray(4, 8))]
  switch (condition) {
    case 0x00:
      return true
    case 0x01:
      return cash && !attended
    case 0x02:
      return !cash && !cashback
    case 0x03:
      return supported
    case 0x04:
      return cash && attended
    case 0x05:
      return cashback
    case 0x06:
      return own && amount < x
    case 0x07:
      return own && amount > x
    case 0x08:
      return own && amount < y
    case 0x09:
      return own && amount > y
    default:
      return false
  }
}
