/** Issuer update on a second tap: the issuer's authentication data and scripts go to the card (EMV Contactless Book C-3, 5.9). */

import { concat, fromUint } from '../../bytes.ts'
import { isFault } from '../../errors.ts'
import { read } from '../../tlv/ber.ts'
import type { Kernel } from '../context.ts'
import type { ContactlessOutcome, OnlineResponse } from './outcome.ts'

/** Issuer Script Results of one script, 5 bytes (EMV 4.4 Book 4, Annex A5): result and sequence number, script identifier. */
function scriptResult(result: 0 | 1 | 2, sequence: number, identifier: Uint8Array): Uint8Array {
  return concat(Uint8Array.of((result << 4) | Math.min(sequence, 0x0f)), identifier)
}

/**
 * EXTERNAL AUTHENTICATE with 91, whose result decides nothing, then every script until a command of it fails. The application ends without a
 * message; the results are in the discretionary data (9F5B).
 * @throws Fault `card-removed`, `card-mute`
 */
export async function updateCard(kernel: Kernel, response: OnlineResponse | undefined): Promise<ContactlessOutcome> {
  kernel.step = 'scripts'
  const { issuerAuthenticationData, scripts = [] } = response ?? {}
  if (issuerAuthenticationData) await kernel.exchange({ cla: 0x00, ins: 0x82, p1: 0x00, p2: 0x00, data: issuerAuthenticationData })
  const results: Uint8Array[] = []
  for (const script of scripts) results.push(await runScript(kernel, script))
  return { status: 'endApplication', ...(results.length > 0 && { discretionaryData: new Map([[0x9f5b, concat(...results)]]) }) }
}

async function runScript(kernel: Kernel, script: Uint8Array): Promise<Uint8Array> {
  let identifier: Uint8Array = new Uint8Array(4)
  let sequence = 0
  try {
    const template = read(script).find(({ tag }) => tag === 0x71 || tag === 0x72)
    const objects = template ? read(template.value) : []
    const named = objects.find(({ tag }) => tag === 0x9f18)?.value
    if (named?.length === 4) identifier = named
    for (const { tag, value } of objects) {
      if (tag !== 0x86 || value.length < 4) continue
      sequence++
      const [cla, ins, p1, p2] = value
      const { sw } = await kernel.exchange({ cla, ins, p1, p2, data: value.subarray(5, 5 + (value[4] ?? 0)) })
      // 90xx, 62xx and 63xx let a script go on.
      if (![0x90, 0x62, 0x63].includes(sw >> 8)) return scriptResult(1, sequence, identifier)
    }
    return sequence > 0 ? scriptResult(2, 0, identifier) : scriptResult(0, 0, identifier)
  } catch (error) {
    if (!isFault(error, 'tlv', 'apdu')) throw error
    kernel.note({ rule: 'Book C-3, 5.9: a script that cannot be read' }, () => `${fromUint(sequence, 1)[0]} commands sent`)
    return scriptResult(1, sequence, identifier)
  }
}
