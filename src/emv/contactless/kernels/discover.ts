/** Kernel 6, Discover D-PAS, EMV mode: the cryptogram in GET PROCESSING OPTIONS, CDA over it, and the card's processing requirements (EMV Contactless Book C-6). */

import { uint } from '../../../bytes.ts'
import { type Bit, isSet, TVR, type TvrBit, withBit } from '../../data.ts'
import { verifyCda } from '../../oda/combined.ts'
import { iccKey } from '../../oda/keys.ts'
import { isFailed } from '../../oda/signature.ts'
import type { Kernel } from '../../steps/context.ts'
import { templateOf } from '../../steps/fci.ts'
import { lookUpExceptionFile } from '../../steps/risk.ts'
import { TTQ } from '../combination.ts'
import { type Cryptogram, type Decision, decided, givenCryptogram } from '../decide.ts'
import type { ContactlessKernel, KernelActivation } from '../entry.ts'
import { type ContactlessCvm, type ContactlessOutcome, type OnlineResponse, UI } from '../outcome.ts'
import {
  endApplication,
  getProcessingOptions,
  type KernelEnvironment,
  keepResponse,
  lacking,
  newSession,
  orEnd,
  pick,
  type ReaderData,
  readAndRelease,
  refusesData,
  restrictions,
} from '../session.ts'
import { updateCard } from './issuer-update.ts'

export interface DiscoverSettings extends ReaderData {}

/** Card Processing Requirement (9F71). */
const CPR = {
  onlinePin: { byte: 1, bit: 8 },
  signature: { byte: 1, bit: 7 },
  loyalty: { byte: 1, bit: 6 },
  deviceCvm: { byte: 1, bit: 5 },
  switchIfNotOnline: { byte: 2, bit: 8 },
  onlineIfCdaFails: { byte: 2, bit: 7 },
  refuseIfCdaFails: { byte: 2, bit: 6 },
  issuerUpdate: { byte: 2, bit: 5 },
  onlineIfExpired: { byte: 2, bit: 4 },
  declineIfExpired: { byte: 2, bit: 3 },
  fallbackSignature: { byte: 2, bit: 2 },
  fallbackNone: { byte: 2, bit: 1 },
} as const satisfies Record<string, Bit>

/** Card Verification Results: bytes 3–10 of 9F10, kept as 9F53. */
const CVR = {
  deviceCvmFailed: { byte: 2, bit: 1 },
  deviceCvmPerformed: { byte: 2, bit: 2 },
  international: { byte: 2, bit: 4 },
  domestic: { byte: 2, bit: 5 },
} as const satisfies Record<string, Bit>
const CARD_VERIFICATION_RESULTS = 0x9f53

/** Data record of EMV mode. */
const record = [
  0x9f02, 0x9f03, 0x9f26, 0x9f06, 0x82, 0x5f34, 0x9f36, 0x9f07, 0x5f20, 0x9f27, 0x84, 0x9f10, 0x9f09, 0x9f33, 0x9f1a, 0x9f35, 0x95, 0x9f1f, 0x57, 0x9a,
  0x9c, 0x9f37, 0x9b, 0x5f2a, 0x5a, 0x5f24,
] // biome-ignore format: a list

const selectNext: ContactlessOutcome = { status: 'selectNext', start: 'C' }
const tapAgain: ContactlessOutcome = {
  status: 'tryAgain',
  start: 'B',
  fieldOff: 1300,
  uiOnOutcome: { message: UI.seePhone, status: 'processingError', hold: 1300 },
  uiOnRestart: { message: UI.seePhone, status: 'readyToRead' },
}
const anotherInterface: ContactlessOutcome = {
  status: 'tryAnotherInterface',
  alternateInterface: 'both',
  uiOnOutcome: { message: UI.insertOrSwipe, status: 'notReady' },
}

export function discoverKernel(environment: KernelEnvironment, settings: DiscoverSettings = {}): ContactlessKernel {
  return async activation => {
    const kernel = newSession(activation, environment, settings.data ?? new Map())
    return orEnd(() => (activation.restart ? update(kernel, activation.onlineResponse) : run(kernel, activation)))
  }
}

async function run(kernel: Kernel, activation: KernelActivation): Promise<ContactlessOutcome> {
  const { card, terminal } = kernel.data
  if (card.has(0x9f7d)) return selectNext // mag-stripe mode
  const { sw, data } = await getProcessingOptions(kernel)
  if (sw === 0x6984) return anotherInterface
  if (sw === 0x6986) return tapAgain
  if (sw !== 0x9000 || data[0] !== 0x77) return selectNext
  keepResponse(kernel, data)
  if (lacking(kernel, [0x82, 0x9f36, 0x9f10, 0x9f27, 0x9f71]).length > 0) return selectNext
  card.set(CARD_VERIFICATION_RESULTS, card.get(0x9f10)!.slice(2, 10))
  const requirement = card.get(0x9f71)!
  const type = givenCryptogram(kernel)
  const loyalty = isSet(requirement, CPR.loyalty)
  const signed = type === 'TC' || loyalty
  if (signed ? lacking(kernel, [0x94, 0x9f4b]).length > 0 || card.has(0x9f26) : lacking(kernel, [0x9f26]).length > 0) return selectNext
  await readAndRelease(kernel, activation)
  const refused = refusesData(kernel, [0x57])
  if (refused) return refused
  if (signed) authenticate(kernel, data)
  const floor = terminal.get(0x9f1b)
  if (floor && kernel.transaction.amount > BigInt(uint(floor)))
    kernel.raise('floorLimitExceeded', { rule: 'Book C-6: the amount is above the floor limit', inputs: [0x9f02, 0x9f1b] })
  lookUpExceptionFile(kernel, 'Book C-6: exception file')
  usageWhere(kernel)
  const ttq = terminal.get(0x9f66) ?? new Uint8Array(4)
  const cvm = verify(kernel, ttq, requirement)
  if (typeof cvm !== 'string') return cvm
  return decide(kernel, { type, loyalty, ttq, requirement, cvm })
}

/**
 * Second tap: one script at most, more is none (6.3). A card that refuses it for its authentication says so in the TVR too, whichever template it was.
 */
async function update(kernel: Kernel, response: OnlineResponse | undefined): Promise<ContactlessOutcome> {
  const { scripts = [] } = response ?? {}
  let last = 0x9000
  const heard: Kernel = {
    ...kernel,
    exchange: async command => {
      const answer = await kernel.exchange(command)
      last = answer.sw
      return answer
    },
  }
  await updateCard(heard, scripts.length > 1 ? {} : { scripts })
  const why = { rule: 'Book C-6, 6.3: the script failed', inputs: [0x9f5b] }
  const failed = ![0x90, 0x62, 0x63].includes(last >> 8)
  if (failed) kernel.raise('scriptFailedBeforeFinalAc', why)
  if (last === 0x6982) kernel.raise('issuerAuthenticationFailed', why)
  kernel.data.terminal.set(0x95, withBit(kernel.data.terminal.get(0x95)!, TVR.scriptFailedAfterFinalAc, false))
  return { status: 'endApplication', discretionaryData: pick(kernel, [0x9f5b, 0x95]) }
}

/** Restrictions; at home or abroad is what the card's verification results say, for they know the card's own country. */
function usageWhere(kernel: Kernel): void {
  const { card, terminal } = kernel.data
  const results = card.get(CARD_VERIFICATION_RESULTS)
  const own = card.get(0x5f28)
  const here = terminal.get(0x9f1a)!
  if (isSet(results, CVR.domestic)) card.set(0x5f28, here)
  else if (isSet(results, CVR.international)) card.set(0x5f28, ABROAD)
  restrictions(kernel)
  if (own) card.set(0x5f28, own)
  else card.delete(0x5f28)
}

/** No country's code. */
const ABROAD = new Uint8Array(2)

/** CDA over the PDOL's data and the response itself. */
function authenticate(kernel: Kernel, response: Uint8Array): void {
  kernel.oda = { method: 'cda' }
  const key = iccKey(kernel)
  if (isFailed(key)) {
    if (key.missing) kernel.raise('iccDataMissing', { rule: key.failed })
    kernel.raise('cdaFailed', { rule: `Book C-6, CDA: ${key.failed}`, inputs: [0x8f, 0x90, 0x9f46] })
  } else verifyCda(kernel, templateOf(response, 0x77), [kernel.pdolData!])
}

/** The card's wish, with its fallbacks; an outcome where the reader can do nothing with it. */
function verify(kernel: Kernel, ttq: Uint8Array, requirement: Uint8Array): ContactlessCvm | ContactlessOutcome {
  const can = (bit: Bit) => isSet(ttq, bit)
  const wants = (bit: Bit) => isSet(requirement, bit)
  if (!can(TTQ.cvmRequired) && !wants(CPR.onlinePin) && !wants(CPR.signature)) return 'none'
  if (wants(CPR.onlinePin)) {
    if (can(TTQ.onlinePin)) {
      kernel.raise('onlinePinEntered', { rule: 'Book C-6, CVM: online PIN', inputs: [0x9f71, 0x9f66] })
      return 'onlinePin'
    }
    if (wants(CPR.fallbackSignature) && can(TTQ.signature)) return 'signature'
  } else if (wants(CPR.signature) && can(TTQ.signature)) return 'signature'
  else if (can(TTQ.consumerDeviceCvm) && wants(CPR.deviceCvm)) {
    const results = kernel.data.card.get(CARD_VERIFICATION_RESULTS)
    if (isSet(results, CVR.deviceCvmPerformed) && !isSet(results, CVR.deviceCvmFailed)) return 'confirmationCode'
    if (wants(CPR.fallbackSignature) && can(TTQ.signature)) return 'signature'
    if (wants(CPR.fallbackNone)) return 'none'
    kernel.raise('cardholderVerificationFailed', { rule: 'Book C-6, CVM: the device did not verify its holder', inputs: [0x9f10, 0x9f71] })
    return endApplication('cardDataError')
  }
  if (wants(CPR.fallbackNone)) return 'none'
  return can(TTQ.contactChip) || can(TTQ.magstripeMode) ? anotherInterface : endApplication('cardDataError')
}

interface Facts {
  readonly type: Cryptogram | undefined
  readonly loyalty: boolean
  readonly ttq: Uint8Array
  readonly requirement: Uint8Array
  readonly cvm: ContactlessCvm
}

function decide(kernel: Kernel, { type, loyalty, ttq, requirement, cvm }: Facts): ContactlessOutcome {
  const raised = (bit: TvrBit) => isSet(kernel.data.terminal.get(0x95), TVR[bit])
  const wants = (bit: Bit) => isSet(requirement, bit)
  const offlineOnly = isSet(ttq, TTQ.offlineOnly)
  const elsewhere = () => (isSet(ttq, TTQ.magstripeMode) || isSet(ttq, TTQ.contactChip) ? anotherInterface : outcome(kernel, 'declined'))
  const online = () => {
    if (!offlineOnly) return withUpdate(outcome(kernel, 'onlineRequest', cvm), ttq, requirement)
    return wants(CPR.switchIfNotOnline) ? elsewhere() : outcome(kernel, 'declined')
  }
  if (type === undefined || type === 'AAC') return loyalty ? outcome(kernel, 'approved', cvm) : outcome(kernel, 'declined')
  const failed = raised('cdaFailed')
  if (failed && wants(CPR.refuseIfCdaFails)) return elsewhere()
  if (failed && wants(CPR.onlineIfCdaFails)) return online()
  if (raised('serviceNotAllowed') || raised('cardOnExceptionFile') || raised('iccDataMissing')) return outcome(kernel, 'declined')
  if (raised('expired')) {
    if (wants(CPR.declineIfExpired)) return outcome(kernel, 'declined')
    if (wants(CPR.onlineIfExpired)) return online()
  }
  if (raised('notYetEffective')) return online()
  if (type === 'ARQC') return online()
  if (isSet(ttq, TTQ.onlineCryptogramRequired) || failed) return outcome(kernel, 'declined')
  return cvm === 'onlinePin' ? online() : outcome(kernel, 'approved', cvm)
}

function withUpdate(result: ContactlessOutcome, ttq: Uint8Array, requirement: Uint8Array): ContactlessOutcome {
  if (!isSet(ttq, TTQ.issuerUpdate) || !isSet(requirement, CPR.issuerUpdate)) return result
  return { ...result, start: 'B', onlineResponse: 'emvData', uiOnRestart: { message: UI.presentCardAgain, status: 'readyToRead' } }
}

function outcome(kernel: Kernel, status: Decision, cvm?: ContactlessCvm): ContactlessOutcome {
  return decided(kernel, status, cvm, { record, discretionary: [0x9f71, 0x95] })
}
