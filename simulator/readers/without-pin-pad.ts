/** Readers that have no keys to type on. */

import { CAPABILITY, type TerminalConfig } from '../../src/emv/config.ts'
import type { ContactlessConfig } from '../../src/emv/contactless/config.ts'
import { withoutOnlinePin } from '../../src/emv/contactless/without-pin.ts'
import { withBit } from '../../src/emv/data.ts'

/** Their configuration: no PIN is asked for (EMV 4.4 Book 4, Annex A2). */
export function withoutPinPad(config: TerminalConfig, contactless: ContactlessConfig | undefined) {
  let { capabilities } = config
  for (const bit of [CAPABILITY.plaintextPin, CAPABILITY.onlinePin, CAPABILITY.encipheredPin])
    capabilities = withBit(capabilities, bit, false)
  return { config: { ...config, capabilities }, ...(contactless && { contactless: withoutOnlinePin(contactless) }) }
}
