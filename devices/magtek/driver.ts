/** The MagTek driver: a Reader over a Link that leads to a V5 reader (eDynamo, tDynamo …) or to one that speaks MMS (DynaFlex, DynaProx). */

import type { Clock } from '../../src/clock.ts'
import { systemClock } from '../../src/clock.ts'
import type { Reader } from '../../src/reader/reader.ts'
import type { Tracer } from '../../src/trace/event.ts'
import type { Link } from '../../src/transport/link.ts'
import { carriedOn, productOf } from './carriers.ts'
import { magtekServices } from './codec.ts'
import { openMms } from './mms/mms.ts'
import { openV5, type V5Model } from './v5.ts'

export interface MagtekOptions {
  readonly signal?: AbortSignal | undefined
  readonly clock?: Clock | undefined
  readonly tracer?: Tracer | undefined
  /** What it speaks; what the link tells (USB product, Bluetooth service) when left out, else V5. */
  readonly dialect?: string | undefined
}

/** USB products below 2000 are V5 readers, from there on MMS. Two of the vendor's lists disagree about 1C to 1E: a hint for people. */
const products: Readonly<Record<number, V5Model>> = {
  1: { name: 'DynaMag', interfaces: ['swipe'] },
  2: { name: 'DynaMag', interfaces: ['swipe'] },
  3: { name: 'DynaMag', interfaces: ['swipe'] },
  17: { name: 'DynaMag', interfaces: ['swipe'] },
  25: { name: 'eDynamo', interfaces: ['chip', 'swipe'] },
  26: { name: 'mDynamo', interfaces: ['chip'] },
  28: { name: 'tDynamo', interfaces: ['chip', 'tap', 'swipe'] },
  30: { name: 'eDynamo', interfaces: ['chip', 'swipe'] },
  31: { name: 'iDynamo 6', interfaces: ['chip', 'tap', 'swipe'] },
}

const services: Readonly<Record<string, V5Model>> = {
  [magtekServices.eDynamo]: { name: 'eDynamo', interfaces: ['chip', 'swipe'] },
  [magtekServices.tDynamo]: { name: 'tDynamo', interfaces: ['chip', 'tap', 'swipe'] },
}

/** A link that tells nothing of the reader behind it leads to one that can do all that a V5 reader can. */
const unknownModel: V5Model = { name: 'V5', interfaces: ['chip', 'tap', 'swipe'] }

/**
 * Asks the reader who it is. The link belongs to the reader from here on, and is closed when this fails. Over `ble:` and `hid:` links each dialect has its own
 * framing; any other link is a plain stream, which carries the records of a HID line (V5) or SLIP (MMS).
 * @throws Fault `timeout`, `link-closed`, `aborted`, `reader-error`, `tampered`, `protocol`
 */
export async function openMagtek(link: Link, { signal, clock = systemClock, dialect, tracer }: MagtekOptions = {}): Promise<Reader> {
  const { uri, service } = link
  const carried = carriedOn({ uri, service, dialect })
  if (carried.dialect === 'mms') return openMms(link, { signal, clock, tracer, carrier: carried.carrier })
  const product = productOf(uri)
  const model = services[service ?? ''] ?? (product === undefined ? unknownModel : products[product])
  return openV5(link, { signal, clock, tracer, carrier: carried.carrier, model })
}
