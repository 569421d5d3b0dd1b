/** Kernel 3, Visa qVSDC: one GET PROCESSING OPTIONS with the cryptogram in it, fast DDA, and the card's transaction qualifiers (EMV Contactless Book C-3). */

import { equal, fromBcd } from '../../../bytes.ts'
import { kernelDictionaries } from '../../../tlv/kernels.ts'
import { type Bit, isSet } from '../../data.ts'
import type { Kernel } from '../../steps/context.ts'
import { isAtm } from '../../steps/restrict.ts'
import { panOf, psnOf } from '../../steps/risk.ts'
import { TRANSACTION_TYPE } from '../../steps/start.ts'
import { TTQ } from '../combination.ts'
import { type Decision, decided } from '../decide.ts'
import { type LimitSet, limitsFor } from '../dynamic-limits.ts'
import type { ContactlessKernel, KernelActivation } from '../entry.ts'
import { type ContactlessCvm, type ContactlessOutcome, UI } from '../outcome.ts'
import {
  endApplication,
  getProcessingOptions,
  type KernelEnvironment,
  keepResponse,
  lacking,
  newSession,
  orEnd,
  type ReaderData,
  readAndRelease,
  refusesData,
} from '../session.ts'
import { updateCard } from './issuer-update.ts'
import { asTheCardSawIt, CTQ, cryptogramType, fastDda, isExpired, mandatory, verifyByQualifiers } from './quick.ts'

export interface VisaSettings extends ReaderData {
  /** The card's Application Usage Control is looked at for cash and for cashback (5.5.1.3, 5.5.1.4). */
  readonly checkCashUsage?: boolean
  readonly checkCashbackUsage?: boolean
  /** "Available for offline spending" (9F5D) is shown where the card gives it. */
  readonly showOfflineSpending?: boolean
  /** Offline data authentication of an online transaction that fails: go online all the same, or decline. */
  readonly odaForOnlineFailure?: 'online' | 'decline'
  /** Cards with fast DDA of version 00 are taken too, whose signature is not over amount and currency. The Book takes version 01 alone. */
  readonly fastDda00?: boolean
  /** Dynamic reader limits by Application Program ID (9F5A). */
  readonly limitSets?: readonly LimitSet[]
}

const MAGSTRIPE_MODE: Bit = { byte: 2, bit: 8 }

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
    const kernel = newSession(activation, environment, settings.data ?? new Map(), kernelDictionaries.visa)
    if (activation.restart) return updateCard(kernel, activation.onlineResponse)
    return orEnd(() => run(kernel, activation, settings))
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
  await readAndRelease(kernel, activation)
  const ttq = terminal.get(0x9f66) ?? new Uint8Array(4)
  if (isSet(card.get(0x82), MAGSTRIPE_MODE) && isSet(ttq, TTQ.magstripeMode)) return magstripe(kernel, ttq)
  const refused = refusesData(kernel, mandatory)
  if (refused) return refused
  const deviceInfo = card.get(0x9f6e)
  if (deviceInfo?.length === 4) card.set(0x9f6e, Uint8Array.of(...deviceInfo.subarray(0, 3), deviceInfo[3] & 0xf0))
  return decide(kernel, ttq, settings)
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
    if (isExpired(kernel)) {
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
    const failed = authenticate(kernel, settings)
    if (failed) {
      kernel.raise('ddaFailed', { rule: `Book C-3, 5.6: ${failed}`, inputs: [0x9f4b, 0x9f69] })
      if (may(CTQ.onlineIfOdaFails) && !offlineOnly) online = true
      else if (may(CTQ.switchIfOdaFails) && isSet(ttq, TTQ.contactChip)) return anotherInterface(UI.insertCard)
      else declined = true
    }
  } else if (!declined && odaForOnline && card.has(0x9f4b) && authenticate(kernel, settings) && settings.odaForOnlineFailure === 'decline')
    declined = true
  const cvm = declined ? undefined : verifyByQualifiers(kernel, ttq, type === 'ARQC')
  if (!cvm) declined = true
  if (cvm === 'onlinePin') online = true
  if (online && offlineOnly) declined = true
  if (declined) return outcome(kernel, 'declined', undefined, settings)
  const result = outcome(kernel, online ? 'onlineRequest' : 'approved', cvm, settings)
  if (!online || !isSet(ttq, TTQ.issuerUpdate) || !may(CTQ.issuerUpdate)) return result
  return {
    ...result,
    start: 'B',
    onlineResponse: 'emvData',
    fieldOff: 0,
    uiOnRestart: { message: UI.presentCardAgain, status: 'readyToRead' },
  }
}

function authenticate(kernel: Kernel, { fastDda00 }: VisaSettings): string | undefined {
  const version = kernel.data.card.get(0x9f69)?.[0] ?? 0x00
  return fastDda(kernel, 'Book C-3, Annex C', fastDda00 && version === 0x00 ? 0x00 : 0x01)
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

/** Mag-stripe mode (legacy MSD): always online. */
function magstripe(kernel: Kernel, ttq: Uint8Array): ContactlessOutcome {
  if (lacking(kernel, [0x57]).length > 0) return endApplication('cardDataMissing')
  if (isSet(ttq, TTQ.offlineOnly)) return outcome(kernel, 'declined', undefined, {})
  kernel.data.setTerminal(0x9f39, 0x91)
  kernel.data.card.delete(0x9f6c) // qualifiers are qVSDC's
  const cvm = verifyByQualifiers(kernel, ttq, true)
  return outcome(kernel, cvm ? 'onlineRequest' : 'declined', cvm, {})
}

function outcome(
  kernel: Kernel,
  status: Decision,
  cvm: ContactlessCvm | undefined,
  { showOfflineSpending }: VisaSettings,
): ContactlessOutcome {
  const spending = kernel.data.card.get(0x9f5d)
  const amount = showOfflineSpending && spending?.length === 6 ? fromBcd(spending) : undefined
  const currency = kernel.transaction.currency.numeric
  const ui = amount === undefined ? {} : { value: { qualifier: 'balance' as const, amount, currency } }
  return asTheCardSawIt(decided(kernel, status, cvm, { record, discretionary: [0x9f6c, 0x9f5d, 0x95, 0x57, 0x9f34], ui }))
}
