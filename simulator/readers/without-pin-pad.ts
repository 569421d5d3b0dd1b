/** Readers that have no keys to type on. */

import type { TerminalConfig } from '../../src/emv/config.ts'
import { withoutPinPad as contactWithoutPinPad } from '../../src/emv/contact/without-pin.ts'
import type { ContactlessConfig } from '../../src/emv/contactless/config.ts'
import { withoutOnlinePin } from '../../src/emv/contactless/without-pin.ts'

/** Their configuration: no PIN is asked for, over any interface. */
export function withoutPinPad(config: TerminalConfig, contactless: ContactlessConfig | undefined) {
  return { config: contactWithoutPinPad(config), ...(contactless && { contactless: withoutOnlinePin(contactless) }) }
}
