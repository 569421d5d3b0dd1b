/** Offline balance of a Mastercard (9F50), read before and after GENERATE AC where reader and card want it (EMV Contactless Book C-2, 7.1–7.4). */

import { fromBcd } from '../../../bytes.ts'
import { type Bit, isSet } from '../../data.ts'
import type { Kernel } from '../../steps/context.ts'
import { getData } from '../../steps/get-data.ts'
import type { UiRequest } from '../outcome.ts'

/** Balance Read Before, and After, Gen AC: in the configuration, empty or not, they ask for the balance; afterwards they hold it. */
export const BALANCE = { before: 0xdf8104, after: 0xdf8105 } as const

/** Application Capabilities Information (9F5D). */
const SUPPORTS_BALANCE: Bit = { byte: 2, bit: 2 }

/**
 * One GET DATA for the balance, kept in `tag`; a card that does not tell it leaves the tag empty, and the transaction goes on.
 * @throws Fault `card-removed`, `card-mute`
 */
export async function readBalance(kernel: Kernel, tag: (typeof BALANCE)[keyof typeof BALANCE]): Promise<void> {
  const { card, terminal } = kernel.data
  if (!terminal.has(tag) || !isSet(card.get(0x9f5d), SUPPORTS_BALANCE)) return
  const balance = await getData(kernel, 0x9f50, 6)
  if (balance) terminal.set(tag, balance)
}

/** What an approval shows: the balance left, in the card's currency (9F42); zeros where the card does not say which (S910.75). */
export function balanceShown({ data }: Pick<Kernel, 'data'>): Pick<UiRequest, 'value'> {
  const balance = data.terminal.get(BALANCE.after)
  const amount = balance?.length === 6 ? fromBcd(balance) : undefined
  if (amount === undefined) return {}
  return { value: { qualifier: 'balance', amount, currency: Number(fromBcd(data.card.get(0x9f42) ?? new Uint8Array()) ?? 0n) } }
}
