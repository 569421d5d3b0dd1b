/** The fault of a stripe: which track breaks which rule. Its digits are not in it. */

import { Fault } from '../errors.ts'

/** @param rule as a sentence that goes on from "track 2:" */
export function bad(track: number, rule: string): Fault {
  return new Fault('bad-swipe', `track ${track}: ${rule}`, { track, rule })
}
