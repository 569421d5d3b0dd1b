/** Messages for the acquirer with cryptograms that a virtual card has just made. */

import { loadCard } from '../../../simulator/cards/icc.ts'
import { fromHex } from '../../../src/bytes.ts'
import { currency } from '../../../src/currency.ts'
import type { AuthorisationMessage } from '../../../src/payment/acquirer.ts'
import { generate, open, terminalData } from '../../simulator/cards/card-bench.ts'

const RUB = currency('RUB')
const card = loadCard('visa-signature')

/**
 * A payment of 2500.00 by the Visa card, with a cryptogram of its own: an ARQC, or a TC (`40`: told as one, for 9F27 is not under the
 * cryptogram, and this card goes online). What `more` changes is not under the cryptogram either, but for the type and the tags.
 */
export async function cardMessage(
  key = 'key-1',
  more: Partial<AuthorisationMessage> = {},
  cryptogram: '80' | '40' = '80',
): Promise<AuthorisationMessage> {
  const values = { ...terminalData, '9C': more.type === 'refund' ? '20' : '00' }
  const opened = await open(card, 'A0000000031010', values)
  const { objects } = await generate(opened, '80', '8C', values)
  const tags = new Map(Object.entries(values).map(([tag, value]) => [Number.parseInt(tag, 16), fromHex(value)]))
  for (const [tag, value] of [...opened.objects, ...objects]) tags.set(Number.parseInt(tag, 16), value)
  if (cryptogram === '40') tags.set(0x9f27, Uint8Array.of(0x40))
  return {
    key,
    order: { number: '20260326_1', amount: 250_000n, currency: RUB },
    merchant: { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' },
    type: 'purchase',
    amount: 250_000n,
    currency: RUB,
    at: new Date('2026-11-21T10:00:00Z'),
    interface: 'chip',
    cvm: 'none',
    tags,
    ...more,
  }
}
