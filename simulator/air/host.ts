/** Unmodified Bluetooth libraries on controllers of a virtual air in this process: `@abandonware/noble` as central, `@abandonware/bleno` as peripheral. */

import { hciSocketOver, loadOwn, type OpenHci, startLibrary } from '../../src/transport/ble/hci.ts'
import type { BleLibrary } from '../../src/transport/ble/radio.ts'
import type { Controller } from './controller.ts'

export interface VirtualCentral {
  /** For `openBle` and `scanBle` as `lib`. */
  readonly lib: BleLibrary
  close(): void
}

/** A copy of noble of its own, on this controller. @throws Fault `missing-library`, `busy` */
export function nobleOn(controller: Pick<Controller, 'open'>): VirtualCentral {
  const open: OpenHci = host => controller.open(host)
  return loadOwn<(options: object) => BleLibrary & { state: string }, VirtualCentral>(
    '@abandonware/noble/with-custom-binding',
    hciSocketOver(open),
    make => {
      const lib = make({})
      const stop = startLibrary(lib, () => void lib.state)
      return { lib, close: () => stop?.() }
    },
  )
}
