/** The families of readers: all that are known, and which of them a device belongs to. */

import * as door from '../src/door.ts'
import { bluepadFamily } from './families/bluepad.ts'
import { idtechFamily } from './families/idtech.ts'
import { magtekFamily } from './families/magtek.ts'
import { miuraFamily } from './families/miura.ts'
import { qposFamily } from './families/qpos.ts'
import { softposFamily } from './families/softpos.ts'
import { vpcdFamily } from './families/vpcd.ts'
import { bleShapes, type Family, type Sighting } from './family.ts'

/** Every family that is known, in the order in which a device is looked at. */
export const families: readonly Family[] = [qposFamily, bluepadFamily, miuraFamily, idtechFamily, magtekFamily, vpcdFamily, softposFamily]

/** The family a device belongs to by its name, else its USB ids, else a service that no other family has; undefined when nothing tells. */
export function identify(sighting: Sighting): Family | undefined {
  door.need('sighting', sighting, door.object)
  const { name, services = [], usb } = sighting
  const own = services.map(service => service.toLowerCase())
  return (
    families.find(({ bluetoothNames }) => bluetoothNames.some(prefix => name?.startsWith(prefix))) ??
    families.find(one =>
      one.usb.some(({ vendor, product }) => usb?.vendor === vendor && (product === undefined || usb.product === product)),
    ) ??
    families.find(one => bleShapes(one).some(({ shared, service }) => !shared && own.includes(service)))
  )
}
