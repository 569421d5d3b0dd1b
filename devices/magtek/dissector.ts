/** A MagTek line for recordings, by dialect and by what carries it. */

import type { Dissector } from '../../src/recording/dissector.ts'
import { carriedOn, type MagtekLine } from './carriers.ts'
import { mmsDissector } from './recording/dissect-mms.ts'
import { v5Dissector } from './recording/dissect-v5.ts'

/** As the driver tells them apart. */
export function dissector(line: MagtekLine): Dissector {
  const carried = carriedOn(line)
  return carried.dialect === 'mms' ? mmsDissector(carried.carrier) : v5Dissector(carried.carrier)
}
