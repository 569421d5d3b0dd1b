/** What opening a link may be told, whatever its transport. */

import type { BleLibrarySource } from './ble/radio.ts'
import type { BleShape, HidShape } from './shape.ts'

/** How a link is opened; everything has a default. */
export interface ConnectOptions {
  /** Gives the opening up: Fault `aborted`. */
  signal?: AbortSignal | undefined
  /** Milliseconds until the link must be open; 10 000 when left out, 15 000 over Bluetooth LE. */
  timeout?: number | undefined
  /** How the family's bytes lie in HID reports; 64 bytes without ids when left out. */
  hid?: HidShape | undefined
  /** The GATT services of the family, one of which the device has; `ble:` needs it. */
  ble?: BleShape | readonly BleShape[] | undefined
  /** A noble-like library of the caller's for Bluetooth LE; `@abandonware/noble` when left out. */
  bluetooth?: BleLibrarySource | undefined
}
