/** What a payment on an ID TECH reader is begun with, and what it learns of the card from the reader's answers. */

import { hex, toCn } from '../../src/bytes.ts'
import type { Transaction } from '../../src/emv/terminal.ts'
import { entryModeOf } from '../../src/magstripe/swipe.ts'
import { needN12 } from '../../src/reader/driver.ts'
import { MASKED_PAN } from '../../src/reader/own-tags.ts'
import type { Relay } from '../../src/reader/relay.ts'
import { type Activated, type Start, type Told, tags, transactionTypes } from './codec.ts'

/** Enciphered data objects, one after the other as they came: a tag of ours. */
const ENCIPHERED = 0xdfff01

/** @throws Fault `bad-argument` where an amount does not fit n 12 */
export function startOf({ type = 'purchase', amount, otherAmount, currency, forceOnline }: Transaction): Start {
  needN12({ amount, ...(otherAmount !== undefined && { otherAmount }) })
  return {
    ...{ type: transactionTypes[type], amount, currency: currency.numeric },
    ...(otherAmount !== undefined && { otherAmount }),
    ...(forceOnline && { forceOnline }),
  }
}

/** What is in clear; the PAN for the receipt, and what is enciphered for whoever has the key, of the last answer. */
export function learn(relay: Relay, { tags: told, masked, enciphered }: Told): void {
  relay.learn(told)
  const pan = masked.get(0x5a) ?? masked.get(0x57)
  if (pan) learnPan(relay, hex(pan))
  if (enciphered.length > 0) relay.tags.set(ENCIPHERED, enciphered)
}

/** From digits and Cs, up to a separator. */
function learnPan(relay: Relay, masked: string): void {
  const [pan] = masked.split(/[DF]/)
  if (pan) relay.tags.set(MASKED_PAN, toCn(pan.replaceAll('C', 'F')))
}

/** What is known of a stripe whose tracks are enciphered: masked track 2, in the digits and Cs of ID TECH. */
export function stripe(relay: Relay, { tags: told }: Activated): void {
  const masked = hex(told.get(tags.maskedTrack2) ?? new Uint8Array(0))
  learnPan(relay, masked)
  const [, rest = ''] = masked.split('D')
  if (!relay.tags.has(0x9f39)) relay.tags.set(0x9f39, Uint8Array.of(entryModeOf(rest.slice(4))))
}
