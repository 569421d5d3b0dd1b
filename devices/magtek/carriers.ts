/** What a line to a MagTek reader carries: V5 or MMS, and in which framing. */

import { type MmsCarrier, magtekServices } from './codec.ts'

/** What a link tells of itself, and what was said of it. */
export interface MagtekLine {
  readonly uri: string
  readonly service?: string | undefined
  readonly dialect?: string | undefined
}

export type Carried =
  | { readonly dialect: 'v5'; readonly carrier: 'hid' | 'ble' }
  | { readonly dialect: 'mms'; readonly carrier: MmsCarrier }

/** The product of `hid:0801:0019`. */
export function productOf(uri: string): number | undefined {
  const match = /^hid:[0-9a-f]{4}:([0-9a-f]{4})/i.exec(uri)
  return match ? Number.parseInt(match[1], 16) : undefined
}

/** Over `ble:` and `hid:` links each dialect has its own framing; any other link is a plain stream, which carries the records of a HID line (V5) or SLIP (MMS). */
export function carriedOn({ uri, service, dialect }: MagtekLine): Carried {
  const [scheme] = uri.split(':')
  const mms = dialect === undefined ? service === magtekServices.dynaFlex || (productOf(uri) ?? 0) >= 0x2000 : dialect === 'mms'
  if (mms) return { dialect: 'mms', carrier: scheme === 'ble' || scheme === 'hid' ? scheme : 'slip' }
  return { dialect: 'v5', carrier: scheme === 'ble' ? 'ble' : 'hid' }
}
