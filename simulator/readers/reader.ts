/** What every virtual reader is, whatever its family: a body that people touch, the shared firmware, and a line that a host talks to. */

import type { Fault } from '../../src/errors.ts'
import type { Link } from '../../src/transport/link.ts'
import type { BleShape } from '../../src/transport/shape.ts'
import type { LineFaults } from '../faults.ts'
import type { Body } from './body/body.ts'
import type { Firmware, FirmwareOptions } from './firmware.ts'
import type { HidPlug } from './listen/hid-device.ts'

/** As a reader of any family is made. */
export interface VirtualReaderOptions extends FirmwareOptions {
  /** The name on the case and in Bluetooth; the family's customary one when left out. */
  readonly serial?: string
  /** Which of the family's languages it speaks, where there are several; the first when left out. */
  readonly dialect?: string
  /** What is wrong with its line at the start; nothing when left out. */
  readonly faults?: LineFaults
  /** Hears of what goes wrong inside the reader; the host only gets the family's own error. */
  readonly onFault?: (fault: Fault) => void
}

/** A reader that is made of software: people touch its `body`, a host talks to it over the link that it is served. */
export interface VirtualReader extends AsyncDisposable {
  /** Name of its row in the family table. */
  readonly family: string
  /** What its family's driver is told, where the family has several languages. */
  readonly dialect?: string
  /** The name on the case. */
  readonly serial: string
  /** How it shows itself on USB, where its family has a HID interface: `--listen hid`. */
  readonly hid?: HidPlug
  /** How its bytes lie in GATT, where its family has Bluetooth LE: `--listen ble`. */
  readonly ble?: BleShape
  /** What a person touches and sees. */
  readonly body: Body
  /** What runs in it: kernel, keys, condition. */
  readonly firmware: Firmware
  /** A knob, where its family leaves it open who chooses from several applications: its host, or the card's own order. */
  menus?: boolean
  /** Knobs of the line, to be turned at any time. */
  readonly faults: LineFaults
  /**
   * Answers one host until the link ends; keys, counters and the body live on for the next. A payment that is under way ends with the link.
   * @throws Fault `busy` while another host is connected
   */
  serve(link: Link): Promise<void>
  /** Ends the connection and all that is shown or timed. Idempotent. */
  close(): Promise<void>
}
