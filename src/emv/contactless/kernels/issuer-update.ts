/** Issuer update on a second tap: the issuer's authentication data and scripts go to the card (EMV Contactless Book C-3, 5.9). */

import type { Kernel } from '../../steps/context.ts'
import { parseScripts, performScripts } from '../../steps/scripts.ts'
import type { ContactlessOutcome, OnlineResponse } from '../outcome.ts'
import { pick } from '../session.ts'

/**
 * EXTERNAL AUTHENTICATE with 91, whose result decides nothing, then the scripts. The application ends without a message; the results are in the
 * discretionary data (9F5B).
 * @throws Fault `card-removed`, `card-mute`
 */
export async function updateCard(kernel: Kernel, response: OnlineResponse | undefined): Promise<ContactlessOutcome> {
  const { issuerAuthenticationData, scripts = [] } = response ?? {}
  if (issuerAuthenticationData) await kernel.exchange({ cla: 0x00, ins: 0x82, p1: 0x00, p2: 0x00, data: issuerAuthenticationData })
  const parsed = parseScripts(scripts)
  await performScripts(kernel, parsed, 0x71)
  await performScripts(kernel, parsed, 0x72)
  return { status: 'endApplication', discretionaryData: pick(kernel, [0x9f5b, 0x95]) }
}
