/** Completion: from the first GENERATE AC to the end, offline or by way of the host (EMV 4.4 Book 3, 10.8–10.11). */

import type { Kernel, Stop } from '../steps/context.ts'
import { parseScripts, performScripts } from '../steps/scripts.ts'
import { analyseActions, type CryptogramType, setResponseCode } from './decide.ts'
import { generateAc, isStop } from './generate.ts'
import { authenticateIssuer, goOnline } from './online.ts'

export async function complete(kernel: Kernel): Promise<Stop> {
  const first = await generateAc(kernel, 'first', analyseActions(kernel))
  if (isStop(first)) return first
  if (first.type === 'AAC') return declinedOffline(kernel)
  if (first.cdaFailed) return declineForCda(kernel, first.type)
  if (first.type === 'TC') return { result: 'approved', reason: undefined }
  const decision = await goOnline(kernel)
  await authenticateIssuer(kernel)
  const scripts = parseScripts(kernel.progress.response?.scripts ?? [])
  await performScripts(kernel, scripts, 0x71)
  const last = await generateAc(kernel, 'second', decision)
  if (isStop(last)) return hostSaidNo(kernel) ?? last
  await performScripts(kernel, scripts, 0x72)
  kernel.step = 'completion'
  return conclude(kernel, decision, last)
}

function conclude(kernel: Kernel, decision: 'TC' | 'AAC', last: { type: CryptogramType; cdaFailed: boolean }): Stop {
  const { response, hostApproved } = kernel.progress
  if (decision === 'TC' && last.type === 'TC' && !last.cdaFailed) return { result: 'approved', reason: undefined }
  const no = hostSaidNo(kernel)
  if (no) return no
  if (response === undefined) setResponseCode(kernel, 'Z3')
  kernel.note({ rule: 'Book 3, 10.11: the card does not complete the transaction', inputs: [0x9f27, 0x8a] }, () =>
    hostApproved ? 'declined, a reversal is due' : 'declined',
  )
  return { result: 'declined', reason: hostApproved ? 'cardDeclined' : 'unableToGoOnline' }
}

/** The host's refusal is the reason, whatever the card did after it. */
export function hostSaidNo({ progress }: Pick<Kernel, 'progress'>): Stop | undefined {
  if (!progress.response || progress.hostApproved) return undefined
  return { result: 'declined', reason: progress.response.type === 'referral' ? 'referral' : 'hostDeclined' }
}

/** Reason code 1 of the CID: the card does not give this service (Book 3, 10.8). */
function declinedOffline(kernel: Kernel): Stop {
  setResponseCode(kernel, 'Z1')
  const serviceNotAllowed = (kernel.data.get(0x9f27)![0] & 0x07) === 1
  return { result: 'declined', reason: serviceNotAllowed ? 'notAccepted' : 'offlineDeclined' }
}

/** Book 2, 6.6.2: a wrong signature declines; where the card waits for the host's answer, it is told by a second GENERATE AC. */
async function declineForCda(kernel: Kernel, type: CryptogramType): Promise<Stop> {
  setResponseCode(kernel, 'Z1')
  kernel.note({ rule: 'Book 2, 6.6.2: combined data authentication failed', inputs: [0x95] }, () => 'declined offline')
  if (type === 'ARQC') {
    const last = await generateAc(kernel, 'second', 'AAC')
    if (isStop(last)) return last
  }
  return { result: 'declined', reason: 'offlineDeclined' }
}
