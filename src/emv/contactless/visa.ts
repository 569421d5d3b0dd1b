/** Kernel 3, Visa qVSDC: one GET PROCESSING OPTIONS with the cryptogram in it, fast DDA, and the card's transaction qualifiers (EMV Contactless Book C-3). */

import { concat, equal, hex } from '../../bytes.ts'
import type { Kernel } from '../context.ts'
import { type Bit, isSet } from '../data.ts'
import { iccKey } from '../oda-keys.ts'
import { dynamicHashHolds, isFailed, recoverDynamicData } from '../oda-signature.ts'
import { isAtm } from '../restrict.ts'
import { panOf, psnOf } from '../risk.ts'
import { TRANSACTION_TYPE } from '../start.ts'
import { TTQ } from './combination.ts'
import { type LimitSet, limitsFor } from './dynamic-limits.ts'
import type { ContactlessKernel, KernelActivation } from './entry.ts'
import { updateCard } from './issuer-update.ts'
import { type ContactlessCvm, type ContactlessOutcome, UI, type UiRequest } from './outcome.ts'
import {
  cardError,
  endApplication,
  getProcessingOptions,
  type KernelEnvironment,
  keepResponse,
  lacking,
  newSession,
  panAgrees,
  pick,
  readFiles,
  recordOf,
} from './session.ts'

export interface VisaSettings {
  /** The card's Application Usage Control is looked at for cash and for cashback (5.5.1.3, 5.5.1.4). */
  readonly checkCashUsage?: boolean
  readonly checkCashbackUsage?: boolean
  /** "Available for offline spending" (9F5D) is shown where the card gives it. */
  readonly showOfflineSpending?: boolean
  /** Offline data authentication of an online transaction that fails: go online all the same, or decline. */
  readonly odaForOnlineFailure?: 'online' | 'decline'
  /** Dynamic reader limits by Application Program ID (9F5A). */
  readonly limitSets?: readonly LimitSet[]
  /** Data objects of the reader that differ from the terminal's. */
  readonly data?: ReadonlyMap<number, Uint8Array>
}

/** Card Transaction Qualifiers (9F6C). */
const CTQ = {
  onlinePinRequired: { byte: 1, bit: 8 },
  signatureRequired: { byte: 1, bit: 7 },
  onlineIfOdaFails: { byte: 1, bit: 6 },
  switchIfOdaFails: { byte: 1, bit: 5 },
  onlineIfExpired: { byte: 1, bit: 4 },
  switchForCash: { byte: 1, bit: 3 },
  switchForCashback: { byte: 1, bit: 2 },
  deviceCvmPerformed: { byte: 2, bit: 8 },
  issuerUpdate: { byte: 2, bit: 7 },
} as const satisfies Record<string, Bit>

const AIP = { dda: { byte: 1, bit: 6 }, magstripe: { byte: 2, bit: 8 } } as const satisfies Record<string, Bit>

const mandatory = [0x82, 0x9f36, 0x57, 0x9f10, 0x9f26]

/** What goes to the host (data record). */
const record = [
  0x9f02, 0x9f03, 0x9f26, 0x9f27, 0x82, 0x9f36, 0x5f34, 0x9f7c, 0x9f10, 0x9f39, 0x9f1a, 0x9f33, 0x57, 0x5f2a, 0x9a, 0x9c, 0x9f37, 0x95, 0x9f6e, 0x84,
  0x5a, 0x5f24, 0x50,
] // biome-ignore format: a list

const again: ContactlessOutcome = {
  status: 'tryAgain',
  start: 'B',
  fieldOff: 1300,
  uiOnOutcome: { message: UI.seePhone, status: 'processingError', hold: 1300 },
  uiOnRestart: { message: UI.seePhone, status: 'readyToRead' },
}

const anotherInterface = (message: number): ContactlessOutcome => ({
  status: 'tryAnotherInterface',
  uiOnOutcome: { message, status: 'notReady' },
  alternateInterface: 'contact',
})

export function visaKernel(environment: KernelEnvironment, settings: VisaSettings = {}): ContactlessKernel {
  return async activation => {
    const kernel = newSession(activation, environment, settings.data ?? new Map())
    if (activation.restart) return updateCard(kernel, activation.onlineResponse)
    try {
      return await run(kernel, activation, settings)
    } catch (fault) {
      const { error, sw } = cardError(fault)
      return endApplication(error, sw)
    }
  }
}

async function run(kernel: Kernel, activation: KernelActivation, settings: VisaSettings): Promise<ContactlessOutcome> {
  const { card, terminal } = kernel.data
  const limits = limitsFor(settings.limitSets, card.get(0x9f5a), activation)
  if (limits?.notAllowed) return { status: 'selectNext', start: 'C' }
  if (limits?.ttq) terminal.set(0x9f66, limits.ttq)
  const { sw, data } = await getProcessingOptions(kernel)
  if (sw === 0x6984) return anotherInterface(UI.insertCard)
  if (sw === 0x6985) return { status: 'selectNext', start: 'C' }
  if (sw === 0x6986) return again
  if (sw !== 0x9000) return endApplication('statusBytes', sw)
  keepResponse(kernel, data)
  const afl = card.get(0x94)
  if (afl && afl.length > 0) await readFiles(kernel, afl)
  activation.ui({ message: UI.cardReadOk, status: 'cardReadSuccessfully' })
  const ttq = terminal.get(0x9f66) ?? new Uint8Array(4)
  if (isSet(card.get(0x82), AIP.magstripe) && isSet(ttq, TTQ.magstripeMode)) return magstripe(kernel, ttq)
  if (lacking(kernel, mandatory).length > 0) return endApplication('cardDataMissing')
  if (!panAgrees(kernel)) return endApplication('cardDataError')
  const deviceInfo = card.get(0x9f6e)
  if (deviceInfo?.length === 4) card.set(0x9f6e, Uint8Array.of(...deviceInfo.subarray(0, 3), deviceInfo[3] & 0xf0))
  return decide(kernel, ttq, settings)
}

/** The cryptogram's type: 9F27, or the one in the card verification results (9F10 byte 5, b6–b5). */
function cryptogramType({ data }: Kernel): 'AAC' | 'TC' | 'ARQC' | undefined {
  const own = data.card.get(0x9f27)
  const cid = own ? own[0] : (data.card.get(0x9f10)![4] ?? 0) << 2
  data.card.set(0x9f27, Uint8Array.of(cid & 0xc0))
  return (['AAC', 'TC', 'ARQC', undefined] as const)[(cid >> 6) & 0x03]
}

/** Restrictions, offline data authentication, cardholder verification, in this order (5.5–5.8). */
function decide(kernel: Kernel, ttq: Uint8Array, settings: VisaSettings): ContactlessOutcome {
  const { card } = kernel.data
  const ctq = card.get(0x9f6c)
  const may = (bit: Bit) => isSet(ctq, bit)
  const offlineOnly = isSet(ttq, TTQ.offlineOnly)
  const type = cryptogramType(kernel)
  const refund = kernel.data.terminal.get(0x9c)![0] === TRANSACTION_TYPE.refund
  let declined = type === undefined || (type === 'AAC' && !refund)
  let online = type === 'ARQC' || (type === 'TC' && isSet(ttq, TTQ.onlineCryptogramRequired))
  const odaForOnline = isSet(ttq, TTQ.odaForOnline)
  if (type === 'TC') {
    if (expired(kernel)) {
      if (may(CTQ.onlineIfExpired) && !offlineOnly) online = true
      else declined = true
    }
    if (kernel.exceptionFile?.(panOf(kernel), psnOf(kernel))) declined = true
    const usage = usageRefused(kernel, settings)
    if (usage) {
      if (may(usage === 'cash' ? CTQ.switchForCash : CTQ.switchForCashback)) return anotherInterface(UI.insertOrSwipe)
      declined = true
    }
  }
  if (!declined && type === 'TC' && !online) {
    const failed = fastDda(kernel)
    if (failed) {
      kernel.raise('ddaFailed', { rule: `Book C-3, 5.6: ${failed}`, inputs: [0x9f4b, 0x9f69] })
      if (may(CTQ.onlineIfOdaFails) && !offlineOnly) online = true
      else if (may(CTQ.switchIfOdaFails) && isSet(ttq, TTQ.contactChip)) return anotherInterface(UI.insertCard)
      else declined = true
    }
  } else if (!declined && odaForOnline && card.has(0x9f4b) && fastDda(kernel) && settings.odaForOnlineFailure === 'decline') declined = true
  const cvm = declined ? undefined : verify(kernel, ttq, ctq, type === 'ARQC')
  if (cvm?.method === undefined) declined = true
  if (cvm?.online) online = true
  if (online && offlineOnly) declined = true
  if (declined) return outcome(kernel, 'declined', undefined, settings)
  const result = outcome(kernel, online ? 'onlineRequest' : 'approved', cvm!.method, settings)
  if (!online || !isSet(ttq, TTQ.issuerUpdate) || !may(CTQ.issuerUpdate)) return result
  return {
    ...result,
    start: 'B',
    onlineResponse: 'emvData',
    fieldOff: 0,
    uiOnRestart: { message: UI.presentCardAgain, status: 'readyToRead' },
  }
}

function expired({ data }: Kernel): boolean {
  const expiry = data.card.get(0x5f24)
  return expiry?.length !== 3 || hex(expiry) < hex(data.terminal.get(0x9a)!)
}

/** Cash and cashback that the card's usage control does not allow, where the reader looks (5.5.1.3). */
function usageRefused(kernel: Kernel, { checkCashUsage, checkCashbackUsage }: VisaSettings): 'cash' | 'cashback' | undefined {
  const { card, terminal } = kernel.data
  const type = terminal.get(0x9c)![0]
  const usage = card.get(0x9f07)
  const country = card.get(0x5f28)
  const home = country !== undefined && equal(country, terminal.get(0x9f1a)!)
  const allowed = (domestic: Bit, international: Bit) =>
    usage !== undefined && country !== undefined && isSet(usage, home ? domestic : international)
  if (type === TRANSACTION_TYPE.cash && checkCashUsage && !isAtm(kernel) && !allowed({ byte: 1, bit: 8 }, { byte: 1, bit: 7 }))
    return 'cash'
  if (type === TRANSACTION_TYPE.cashback && checkCashbackUsage && !allowed({ byte: 2, bit: 8 }, { byte: 2, bit: 7 })) return 'cashback'
  return undefined
}

/** Fast DDA (5.6, Annex C): what is wrong with it, or undefined. Only version 01 of 9F69 is taken. */
function fastDda(kernel: Kernel): string | undefined {
  const { card, terminal } = kernel.data
  const related = card.get(0x9f69)
  const signature = card.get(0x9f4b)
  if (!isSet(card.get(0x82), AIP.dda)) return 'the card does not support fDDA'
  if (!signature || !related) return '9F4B or 9F69 is missing'
  if (related[0] !== 0x01 || related.length < 5) return `9F69 has version ${hex(related.subarray(0, 1))}, the rule is 01`
  if (!card.has(0x5a)) card.set(0x5a, panFromTrack2(card.get(0x57)!))
  const key = iccKey(kernel)
  if (isFailed(key)) return key.failed
  const dynamic = recoverDynamicData(key, signature, 'Book C-3, Annex C')
  if (isFailed(dynamic)) return dynamic.failed
  const signed = concat(terminal.get(0x9f37)!, terminal.get(0x9f02)!, terminal.get(0x5f2a)!, related)
  return dynamicHashHolds(dynamic, signed) ? undefined : 'the signature does not match the transaction'
}

function panFromTrack2(track2: Uint8Array): Uint8Array {
  const digits = hex(track2).split('D')[0]
  const padded = digits.length % 2 === 0 ? digits : `${digits}F`
  return Uint8Array.from({ length: padded.length / 2 }, (_, i) => Number.parseInt(padded.slice(i * 2, i * 2 + 2), 16))
}

/** Cardholder verification (5.7): the method, and whether it asks for an online transaction; no method where verification fails. */
function verify(
  kernel: Kernel,
  ttq: Uint8Array,
  ctq: Uint8Array | undefined,
  arqc: boolean,
): { method?: ContactlessCvm; online?: boolean } {
  const can = (bit: Bit) => isSet(ttq, bit)
  if (!ctq) {
    if (!can(TTQ.cvmRequired)) return { method: 'none' }
    if (can(TTQ.signature)) return { method: 'signature' }
    return can(TTQ.onlinePin) ? { method: 'onlinePin', online: true } : {}
  }
  if (isSet(ctq, CTQ.onlinePinRequired) && can(TTQ.onlinePin)) return { method: 'onlinePin', online: true }
  if (isSet(ctq, CTQ.deviceCvmPerformed)) {
    const related = kernel.data.card.get(0x9f69)
    const proven = related && related.length >= 7 ? equal(related.subarray(5, 7), ctq.subarray(0, 2)) : arqc
    return proven ? { method: 'confirmationCode' } : {}
  }
  if (isSet(ctq, CTQ.signatureRequired) && can(TTQ.signature)) return { method: 'signature' }
  return can(TTQ.cvmRequired) ? {} : { method: 'none' }
}

/** Mag-stripe mode (legacy MSD): always online. */
function magstripe(kernel: Kernel, ttq: Uint8Array): ContactlessOutcome {
  if (lacking(kernel, [0x57]).length > 0) return endApplication('cardDataMissing')
  if (isSet(ttq, TTQ.offlineOnly)) return outcome(kernel, 'declined', undefined, {})
  kernel.data.setTerminal(0x9f39, 0x91)
  const cvm = verify(kernel, ttq, undefined, true).method
  return outcome(kernel, cvm ? 'onlineRequest' : 'declined', cvm, {})
}

const messages = { approved: UI.approved, declined: UI.declined, onlineRequest: UI.authorising } as const

function outcome(
  kernel: Kernel,
  status: keyof typeof messages,
  cvm: ContactlessCvm | undefined,
  { showOfflineSpending }: VisaSettings,
): ContactlessOutcome {
  const spending = kernel.data.card.get(0x9f5d)
  const balance = showOfflineSpending && spending?.length === 6 && /^\d+$/.test(hex(spending)) ? BigInt(hex(spending)) : undefined
  const ui: UiRequest = {
    message: status === 'approved' && cvm === 'signature' ? UI.approvedSign : messages[status],
    status: 'notReady',
    ...(balance !== undefined && {
      value: { qualifier: 'balance' as const, amount: balance, currency: kernel.transaction.currency.numeric },
    }),
  }
  return {
    status,
    ...(cvm && { cvm }),
    uiOnOutcome: ui,
    ...(status !== 'declined' && { dataRecord: recordOf(kernel, record) }),
    discretionaryData: pick(kernel, [0x9f6c, 0x9f5d, 0x95, 0x57, 0x9f34, ...(status === 'declined' ? record : [])]),
    ...(cvm === 'signature' && { receipt: true }),
  }
}
