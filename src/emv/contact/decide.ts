/** Terminal action analysis: approve offline, go online or decline, by the action codes of issuer and acquirer (EMV 4.4 Book 3, 10.7). */

import { fromText, hex } from '../../bytes.ts'
import { terminalKind } from '../config.ts'
import { isSet, TVR } from '../data.ts'
import type { Kernel } from '../steps/context.ts'

export type CryptogramType = 'AAC' | 'TC' | 'ARQC'

/** Authorisation Response Codes that the terminal itself gives (8A; EMV 4.4 Book 4, Annex A6). */
export type OfflineCode = 'Y1' | 'Z1' | 'Y3' | 'Z3'

export function setResponseCode(kernel: Kernel, code: string): void {
  kernel.data.setTerminal(0x8a, fromText(code))
}

/** What to ask of the card in the first GENERATE AC. */
export function analyseActions(kernel: Kernel): CryptogramType {
  kernel.step = 'terminalActionAnalysis'
  const kind = terminalKind(kernel.config.terminalType).online
  if (matches(kernel, 'denial')) return choose(kernel, 'AAC', 'Z1')
  // An online-only terminal need not look at the online codes: it has no other way to approve.
  if (kind === 'onlineOnly' || (kind === 'offlineWithOnline' && matches(kernel, 'online'))) return choose(kernel, 'ARQC')
  // "May skip this test": a terminal that does not skip it looks at the default codes only where it would have gone online.
  const skips = !kernel.config.onlineCodesOffline
  if (kind === 'offlineOnly' && (skips || matches(kernel, 'online')) && matches(kernel, 'default')) return choose(kernel, 'AAC', 'Z1')
  return choose(kernel, 'TC', 'Y1')
}

/** What to ask of the card in the second GENERATE AC when the host could not be reached. */
export function analyseDefault(kernel: Kernel): 'AAC' | 'TC' {
  kernel.step = 'terminalActionAnalysis'
  if (terminalKind(kernel.config.terminalType).online === 'onlineOnly') {
    kernel.note({ rule: 'Book 3, 10.7: an online-only terminal skips the default codes', inputs: [0x9f35] }, () => 'AAC')
    return choose(kernel, 'AAC', 'Z3')
  }
  return matches(kernel, 'default') ? choose(kernel, 'AAC', 'Z3') : choose(kernel, 'TC', 'Y3')
}

function choose<T extends CryptogramType>(kernel: Kernel, type: T, code?: OfflineCode): T {
  if (code) setResponseCode(kernel, code)
  kernel.note(
    { rule: 'Book 3, 10.7: terminal action analysis', inputs: [0x95, 0x9f35] },
    () => `${type} asked${code ? `, 8A ${code}` : ''}`,
  )
  return type
}

/** Issuer Action Codes: where they are missing, nothing is denied, all else goes online or is declined (10.7). */
const issuerCodes = {
  denial: { tag: 0x9f0e, missing: 0x00 },
  online: { tag: 0x9f0f, missing: 0xff },
  default: { tag: 0x9f0d, missing: 0xff },
}
const acquirerCodes = { denial: 'tacDenial', online: 'tacOnline', default: 'tacDefault' } as const

/** Whether the TVR has a bit that the issuer's or the acquirer's code has too. */
function matches(kernel: Kernel, which: 'denial' | 'online' | 'default'): boolean {
  const { tag, missing } = issuerCodes[which]
  const tvr = kernel.data.terminal.get(0x95)!
  const tac = kernel.settings![acquirerCodes[which]]
  const iac = kernel.data.card.get(tag)
  const hit = tvr.map((byte, at) => byte & (tac[at] | (iac?.[at] ?? missing)))
  const found = hit.some(byte => byte !== 0)
  if (kernel.explain)
    kernel.note({ rule: `Book 3, 10.7: TVR against ${which} action codes, TAC ${hex(tac)}`, inputs: [0x95, tag] }, () =>
      found
        ? Object.entries(TVR).flatMap(([name, bit]) => (isSet(hit, bit) ? [`${which} by ${name}`] : []))
        : `no bit in common${iac ? '' : ', IAC missing'}`,
    )
  return found
}
