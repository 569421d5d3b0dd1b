/** A transaction in the vendor's terms: what doTrade and EMV start are told of it. */

import { localTime } from '../../src/clock.ts'
import type { Transaction } from '../../src/emv/terminal.ts'
import { Fault } from '../../src/errors.ts'
import { needN12 } from '../../src/reader/driver.ts'
import type { EmvStart, TradeRequest } from './codec.ts'
import { cardModes, emvOptions, tradeRequest, tradeTypes } from './codec.ts'

/**
 * Both requests, checked before the first is sent. `flipKey`: the reader has the key that NOTUP card modes leave out.
 * @throws Fault `bad-argument` (amounts), `unsupported` (interfaces)
 */
export function requestsFor(
  transaction: Transaction,
  now: number,
  flipKey: boolean,
): { readonly request: TradeRequest; readonly start: EmvStart } {
  const { type = 'purchase', otherAmount, forceOnline, interfaces, fallback } = transaction
  needN12(transaction)
  const same = {
    amount: transaction.amount.toString(),
    time: localTime(transaction.at ?? new Date(now)),
    currency: transaction.currency.numeric,
    tradeType: tradeTypes[type === 'purchase' ? 'goods' : type],
  }
  const cashback = otherAmount === undefined ? '' : otherAmount.toString()
  const option = forceOnline ? emvOptions.forceOnline : emvOptions.start
  return {
    request: tradeRequest({ ...same, cardMode: modeFor(interfaces, flipKey, fallback?.to.includes('swipe')) }),
    start: { ...same, option, cashback, last: 20 },
  }
}

/**
 * The vendor's card mode that allows exactly these interfaces; with chip and stripe, `fallback` says whether the stripe may stand in for the chip.
 * @throws Fault `unsupported`
 */
export function modeFor(interfaces: Transaction['interfaces'], flipKey: boolean, fallback = true): number {
  const wanted = new Set(interfaces ?? ['chip', 'tap', 'swipe'])
  const rows = Object.entries(cardModes).filter(([, mode]) => {
    const both = mode.interfaces.length === wanted.size && mode.interfaces.every(one => wanted.has(one))
    return both && mode.fallback === (fallback && wanted.has('chip') && wanted.has('swipe'))
  })
  const row = rows.find(([, mode]) => mode.flipKey === flipKey) ?? rows[0]
  if (!row) {
    const feature = [...wanted].join(' and ')
    throw new Fault('unsupported', `QPOS has no card mode for ${feature || 'no interface at all'}`, { feature })
  }
  return Number(row[0])
}
