/** A page hears no Bluetooth device that its user has not chosen: whoever searches, or names one, is told so. */

import { onlyNode } from './only-node.ts'

const none = () => onlyNode('ble', 'the package @abandonware/noble')

/** @throws Fault `unsupported` */
export async function openBle(): Promise<never> {
  throw none()
}

/** @throws Fault `unsupported` */
// biome-ignore lint/correctness/useYield: it ends before the first device
export async function* scanBle(): AsyncGenerator<never> {
  throw none()
}
