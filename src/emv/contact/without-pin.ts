/** The configuration of a terminal that has no PIN pad. */

import { CAPABILITY, type TerminalConfig } from '../config.ts'
import { TVR, withBit } from '../data.ts'

/**
 * No PIN among its capabilities (9F33; EMV 4.4 Book 4, Annex A2). Where then no method of the card's list is left, cardholder verification fails, which is in the
 * TVR; and as no cardholder can do better at such a terminal, its denial codes have that bit: it asks for an AAC and no host (Book 3, 10.7).
 */
export function withoutPinPad(config: TerminalConfig): TerminalConfig {
  let { capabilities } = config
  for (const bit of [CAPABILITY.plaintextPin, CAPABILITY.onlinePin, CAPABILITY.encipheredPin])
    capabilities = withBit(capabilities, bit, false)
  const applications = config.applications.map(one => ({ ...one, tacDenial: withBit(one.tacDenial, TVR.cardholderVerificationFailed) }))
  return { ...config, capabilities, applications }
}
