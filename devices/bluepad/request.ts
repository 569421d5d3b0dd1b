/** A transaction in the terms of MPED, checked before the first byte is sent. */

import type { Transaction } from '../../src/emv/terminal.ts'
import { Fault } from '../../src/errors.ts'
import { type HostMessage, requestElements, xmlDocument } from './codec.ts'

const commands = { purchase: 'sale', refund: 'refund' } as const

/**
 * `extended`: the reader understands the elements of `codec-host.ts`.
 * @throws Fault `unsupported` for what MPED has no word for, `bad-argument` for an amount beyond four bytes
 */
export function requestFor(
  { type = 'purchase', amount, otherAmount, currency, interfaces, forceOnline, fallback, prefer }: Transaction,
  extended: boolean,
): HostMessage {
  if (type !== 'purchase' && type !== 'refund') throw unsupported(`a payment of type ${type}`)
  if (otherAmount !== undefined) throw unsupported('a second amount')
  if (amount < 0n || amount > 0xffff_ffffn)
    throw new Fault('bad-argument', `amount ${amount} is not 0 to 4294967295 minor units, what four bytes hold`, { field: 'amount' })
  if (!extended && interfaces && interfaces.length < 3) throw unsupported('a choice of interfaces')
  if (!extended && forceOnline) throw unsupported('a payment forced online')
  const more = {
    [requestElements.interfaces]: interfaces && interfaces.length < 3 ? interfaces.join(' ') : undefined,
    [requestElements.forceOnline]: forceOnline || undefined,
    // How an MPED reader goes on is set up in it; only ours can be told.
    [requestElements.fallback]: extended && fallback ? [fallback.tries, ...fallback.to].join(' ') : undefined,
    [requestElements.prefer]: extended && prefer ? prefer.join('|') : undefined,
  }
  return {
    type: commands[type],
    currency: currency.numeric,
    amount: Number(amount),
    cardPresent: true,
    transactionId: '',
    xml: xmlDocument('FinancialTransactionRequest', more),
  }
}

function unsupported(what: string): Fault {
  return new Fault('unsupported', `MPED has no word for ${what}`, { feature: what })
}
