/** Contactless rules for a terminal that takes no PIN: every place where a kernel reads that it could. */

import { withBit } from '../data.ts'
import { TTQ } from './combination.ts'
import { type ContactlessConfig, type ContactlessScheme, kernelOf, type SchemeRules } from './config.ts'
import { amexDefaults } from './kernels/amex.ts'
import { jcbDefaults } from './kernels/jcb.ts'
import { mastercardDefaults } from './mastercard/data.ts'

/** Mag-stripe CVM Capability (DF811E, DF812C; Book C-2, A.1): what the high nibble 2 and 1 say. */
const MAGSTRIPE_ONLINE_PIN = 0x20
const MAGSTRIPE_SIGNATURE = 0x10

/** What a kernel has where the rules say nothing; Mir's runs on kernel 2's. */
const defaults: Partial<Record<ContactlessScheme, ReadonlyMap<number, Uint8Array>>> = {
  mastercard: mastercardDefaults,
  mir: mastercardDefaults,
  jcb: jcbDefaults,
  amex: amexDefaults,
}

/** The data objects that say "online PIN", by scheme, with the bit. 9F53 is C-5's Terminal Interchange Profile, 9F6E C-4's Enhanced Reader Capabilities. */
const pinBits: Partial<Record<ContactlessScheme, readonly (readonly [tag: number, byte: number, bit: number])[]>> = {
  mastercard: [[0xdf8118, 1, 7], [0xdf8119, 1, 7]],
  mir: [[0xdf8118, 1, 7], [0xdf8119, 1, 7]],
  jcb: [[0x9f53, 1, 6]],
  amex: [[0x9f6e, 2, 7]],
} // biome-ignore format: a table

/**
 * The same rules where no PIN can be entered: no online PIN in TTQ and in the kernels' own capabilities. Above the limit a card then asks for a signature,
 * or its holder's device, or is declined. (Offline PINs are never taken by tap.)
 */
export function withoutOnlinePin(config: ContactlessConfig): ContactlessConfig {
  return { ...config, schemes: config.schemes.map(withoutPinOf) }
}

function withoutPinOf(rules: SchemeRules): SchemeRules {
  const data = new Map(rules.data)
  const kernel = kernelOf(rules)
  for (const [tag, byte, bit] of pinBits[kernel] ?? []) {
    const value = data.get(tag) ?? defaults[kernel]?.get(tag)
    if (value && value.length >= byte) data.set(tag, withBit(value, { byte, bit }, false))
  }
  if (kernel === 'mastercard')
    for (const tag of [0xdf811e, 0xdf812c]) {
      const value = data.get(tag) ?? defaults.mastercard?.get(tag)
      if (value?.[0] === MAGSTRIPE_ONLINE_PIN) data.set(tag, Uint8Array.of(MAGSTRIPE_SIGNATURE))
    }
  return { ...rules, ...(rules.ttq && { ttq: withBit(rules.ttq, TTQ.onlinePin, false) }), data }
}
