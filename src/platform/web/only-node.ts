/** What takes Node, asked for where there is none. */

import { Fault } from '../../errors.ts'

/** @returns Fault `unsupported`: details.feature is `what`, details.api who has it in Node */
export function onlyNode(what: string, api: string): Fault {
  return new Fault('unsupported', `${what} needs ${api}, which this platform does not have`, { feature: what, api })
}
