/** A family of readers: how it shows itself, and how it is opened. */

import type { Clock } from '../src/clock.ts'
import * as door from '../src/door.ts'
import type { PassthroughOptions } from '../src/reader/passthrough-options.ts'
import type { Reader } from '../src/reader/reader.ts'
import { type Dissector, redactionOf } from '../src/recording/dissector.ts'
import type { Tracer } from '../src/trace/event.ts'
import type { BleLibrarySource } from '../src/transport/ble/radio.ts'
import type { Link } from '../src/transport/link.ts'
import type { BleShape, HidShape } from '../src/transport/shape.ts'
import type { Redaction } from '../src/transport/trace.ts'
import type { CarryToHost } from './bluepad/host-link.ts'
import type { IDTECH_APDU, IDTECH_MENU } from './idtech/driver.ts'
import type { NFC_APDU } from './qpos/driver.ts'

/** What a USB device tells of itself. */
export interface UsbIds {
  /** Vendor id, 16 bits. */
  readonly vendor: number
  /** Product id, 16 bits. */
  readonly product: number
}

/** USB devices of a family. */
export interface UsbRow extends Pick<UsbIds, 'vendor'>, Partial<Pick<UsbIds, 'product'>> {
  /** The product's own shape, where it is not the family's. */
  readonly hid?: HidShape
}

/** What is known of a line. */
export interface LineFacts {
  /** Of its Link. */
  readonly uri: string
  /** GATT service, over Bluetooth LE. */
  readonly service?: string | undefined
  /** Language that the reader was said to speak. */
  readonly dialect?: string | undefined
}

/** How a kind of reader shows itself, and how it is opened. */
export interface Family {
  /** `qpos`, `bluepad`, …: `?family=` of a URI. */
  readonly name: string
  /** The readers it stands for. */
  readonly readers: string
  /** Where its bytes come from: see `docs/devices/<name>.md`. */
  readonly provenance: 'vendor-source' | 'vendor-tests' | 'third-party-transcription' | 'specification'
  /** What advertised Bluetooth names begin with. */
  readonly bluetoothNames: readonly string[]
  /** Several, where its readers have different services: the first that a device has is its own, and its Link tells which (`Link.service`). */
  readonly ble?: BleShape | readonly BleShape[]
  /** How its HID reports lie, where it has any. */
  readonly hid?: HidShape
  /** Of its USB devices. */
  readonly usb: readonly UsbRow[]
  /** What its readers speak, where that is not one language: `?dialect=` of a URI. */
  readonly dialects?: readonly string[]
  /** Of its serial port, where it has one and the URI names none. */
  readonly baud?: number
  /** How its bytes are taken apart for recordings: for what may be written of them, and for playing them again. */
  readonly dissector?: (line: LineFacts) => Dissector
  /** What of its bytes may be recorded, where `open` hands the family to `trace`; only their number where it is left out. */
  readonly redaction?: Redaction
  /** Its driver: the link is its own from then on. */
  readonly open: (link: Link, options: OpenOptions) => Promise<Reader>
}

/** What is seen of a device before it is opened. */
export interface Sighting {
  /** The advertised or paired Bluetooth name. */
  readonly name?: string | undefined
  /** Bluetooth services that it advertises or has. */
  readonly services?: readonly string[] | undefined
  /** Its USB ids. */
  readonly usb?: UsbIds | undefined
}

/** What may be written of a line of this family; undefined where nobody knows, and only lengths are. */
export function lineRedaction(family: Family, line: LineFacts): Redaction | undefined {
  door.need('family', family, door.object)
  door.need('line', line, door.shape({ uri: door.anyText }))
  const { dissector, redaction } = family
  return dissector ? redactionOf(dissector(line)) : redaction
}

/** How bytes lie in the Bluetooth services of a family, the likeliest first. */
export function bleShapes(family: Family): readonly BleShape[] {
  door.need('family', family, door.object)
  const { ble } = family
  return ble === undefined ? [] : 'service' in ble ? [ble] : ble
}

/** How the reports of a family's product lie. */
export function hidShape(family: Family, at: { readonly vendor: number; readonly product: number }): HidShape | undefined {
  door.need('family', family, door.shape({ usb: door.listOf(door.object) }))
  door.need('at', at, door.object)
  const { usb, hid } = family
  return usb.find(({ vendor, product }) => vendor === at.vendor && product === at.product)?.hid ?? hid
}

/** `qpos-nfc-apdu`: the field of a QPOS as a raw card slot. `idtech-apdu`: the chip slot of an ID TECH; `idtech-menu`: its list, shown by the app. */
export const assumptions = ['qpos-nfc-apdu', 'idtech-apdu', 'idtech-menu'] as const satisfies readonly [
  typeof NFC_APDU,
  typeof IDTECH_APDU,
  typeof IDTECH_MENU,
]
/** Something that may be used although nobody has seen it work on a reader. */
export type Assumption = (typeof assumptions)[number]

/** How a reader is opened. */
export interface OpenOptions extends Omit<PassthroughOptions, 'clock'> {
  /** Name of the family; else the URI's `family=`, else what its name or USB ids tell. */
  readonly family?: string | undefined
  /** Which of the family's languages it speaks; else the URI's `dialect=`, else what its USB ids or its service tell, else the first. */
  readonly dialect?: string | undefined
  /** Gives up the opening; an open reader is closed by `close`. */
  readonly signal?: AbortSignal | undefined
  /** Times every wait; the system's when left out. */
  readonly clock?: Clock | undefined
  /** What may be used although nobody has seen it work on a reader, by name: `docs/devices/<family>.md` says what it is. Nothing when left out. */
  readonly assumed?: readonly Assumption[] | undefined
  /** For readers that ask a host of their own (`bluepad`): takes their requests there, and brings the answers. Without it they are told that there is no way. */
  readonly carry?: CarryToHost | undefined
  /** Wraps the link before the first byte: to record it (`traced`, with the family's own redaction), to delay it, to break it. */
  readonly trace?: ((link: Link, family: Family, dialect?: string) => Link) | undefined
  /** Is told of what passes the line (as far as the family's redaction lets it), of messages, reader events, and of kernels here: `openTrace`. */
  readonly tracer?: Tracer | undefined
  /** A noble-like library of your own for `ble:`; `@abandonware/noble` when left out. */
  readonly bluetooth?: BleLibrarySource | undefined
}
