/** What contactless kernels share in deciding: cryptogram types, terminal action analysis, and the outcome that a decision becomes. */

import { terminalKind } from '../config.ts'
import type { Kernel } from '../steps/context.ts'
import { type ContactlessCvm, type ContactlessOutcome, UI, type UiRequest } from './outcome.ts'
import { pick, recordOf } from './session.ts'

export type Cryptogram = 'AAC' | 'TC' | 'ARQC'

/** Reference control parameter of GENERATE AC, b8–b7 (EMV 4.4 Book 3, 6.5.5). */
export const CRYPTOGRAM = { AAC: 0x00, TC: 0x40, ARQC: 0x80 } as const satisfies Record<Cryptogram, number>

/** What the Cryptogram Information Data (9F27) say was given; undefined where absent or reserved. */
export function givenCryptogram({ data }: Pick<Kernel, 'data'>): Cryptogram | undefined {
  const cid = data.card.get(0x9f27)
  return cid?.length === 1 ? (['AAC', 'TC', 'ARQC', undefined] as const)[cid[0] >> 6] : undefined
}

/** A card may give less than it was asked for, never more: TC, then ARQC, then AAC. */
export function exceeds(given: Cryptogram, asked: Cryptogram): boolean {
  const rank: readonly Cryptogram[] = ['AAC', 'ARQC', 'TC']
  return rank.indexOf(given) > rank.indexOf(asked)
}

/** Absent issuer codes: any bit counts, but not those that only say whether relay resistance was performed (TVR byte 5, b2–b1). */
const ANY = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xfc)

/**
 * Terminal action analysis by the TVR, the terminal's codes (DF8120 default, DF8121 denial, DF8122 online) and the card's (9F0D–9F0F).
 * @param offline what an offline-only terminal does when nothing is denied: asks the default codes, or approves
 */
export function analyseActions({ data }: Pick<Kernel, 'data'>, offline: 'default' | 'approve' = 'default'): Cryptogram {
  const tvr = data.terminal.get(0x95)!
  const hits = (tac: number, iac: number, absent: Uint8Array) => {
    const issuer = data.card.get(iac) ?? absent
    const action = data.terminal.get(tac)!
    return tvr.some((byte, i) => (byte & (action[i] | issuer[i])) !== 0)
  }
  if (hits(0xdf8121, 0x9f0e, new Uint8Array(5))) return 'AAC'
  switch (terminalKind(data.terminal.get(0x9f35)![0]).online) {
    case 'onlineOnly':
      return 'ARQC'
    case 'offlineOnly':
      return offline === 'default' && hits(0xdf8120, 0x9f0d, ANY) ? 'AAC' : 'TC'
    default:
      return hits(0xdf8122, 0x9f0f, ANY) ? 'ARQC' : 'TC'
  }
}

const messages = { approved: UI.approved, declined: UI.declined, onlineRequest: UI.authorising } as const
export type Decision = keyof typeof messages

export interface DecisionData {
  /** The data record of an approval or an online request; what is known of it goes to the discretionary data of a decline. */
  readonly record: readonly number[]
  readonly discretionary: readonly number[]
  readonly ui?: Partial<UiRequest>
}

/** The outcome of a decision: its message, its data, a receipt for a signature. */
export function decided(
  kernel: Kernel,
  status: Decision,
  cvm: ContactlessCvm | undefined,
  { record, discretionary, ui }: DecisionData,
): ContactlessOutcome {
  const message = status === 'approved' && cvm === 'signature' ? UI.approvedSign : messages[status]
  return {
    status,
    ...(cvm && { cvm }),
    uiOnOutcome: { message, status: 'notReady', ...ui },
    ...(status !== 'declined' && { dataRecord: recordOf(kernel, record) }),
    discretionaryData: pick(kernel, [...discretionary, ...(status === 'declined' ? record : [])]),
    ...(cvm === 'signature' && { receipt: true }),
  }
}
