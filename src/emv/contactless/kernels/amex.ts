/** Kernel 4, American Express Expresspay, EMV mode: reader capabilities that change with the amount, dynamic limits, verification on a phone (EMV Contactless Book C-4). */

import { fromBcd, fromText } from '../../../bytes.ts'
import { isFault } from '../../../errors.ts'
import { buildDol, parseDol } from '../../../tlv/dol.ts'
import { kernelDictionaries } from '../../../tlv/kernels.ts'
import { CAPABILITY, terminalKind } from '../../config.ts'
import { type Bit, dataObjects, isSet, withBit } from '../../data.ts'
import { verifyCda } from '../../oda/combined.ts'
import { iccKey, issuerKey, missingData, staticData } from '../../oda/keys.ts'
import { type Failed, isFailed, verifyStaticData } from '../../oda/signature.ts'
import type { Kernel } from '../../steps/context.ts'
import { cvmConditionHolds } from '../../steps/cvm-condition.ts'
import { templateOf } from '../../steps/fci.ts'
import { lookUpExceptionFile } from '../../steps/risk.ts'
import { TRANSACTION_TYPE } from '../../steps/start.ts'
import type { Transaction } from '../../terminal.ts'
import { analyseActions, CRYPTOGRAM, type Decision, decided, exceeds, givenCryptogram } from '../decide.ts'
import type { ContactlessKernel, KernelActivation } from '../entry.ts'
import { type ContactlessCvm, type ContactlessOutcome, UI } from '../outcome.ts'
import {
  endApplication,
  getProcessingOptions,
  type KernelEnvironment,
  keepResponse,
  lacking,
  limitTags,
  newSession,
  orEnd,
  readFiles,
  refusesData,
  restrictions,
} from '../session.ts'

/** Limits in minor units; one left out is switched off. Transaction and floor limit count above the figure, the CVM limit from it on. */
export interface AmexLimits {
  readonly transaction?: bigint
  readonly cvm?: bigint
  readonly floor?: bigint
}

export interface AmexSettings {
  /** Data objects over `amexDefaults`; DFAB40–DFAB42 are the limits from `kernelData`. */
  readonly data?: ReadonlyMap<number, Uint8Array>
  /** Dynamic limits by the set number of the card (9F70 byte 2, b4–b1). */
  readonly limitSets?: ReadonlyMap<number, AmexLimits>
}

/** Enhanced Contactless Reader Capabilities (9F6E): contact, partial online, mobile; mobile CVM, online PIN, signature; kernel version 2.7. TAC as DF8120–22. */
export const amexDefaults: ReadonlyMap<number, Uint8Array> = dataObjects({
  '9F6D': 'C0', '9F6E': '98E00003', '9F09': '0001', DF8120: 'DC50840000', DF8121: '0010000000', DF8122: 'DE00FC9800',
}) // biome-ignore format: a table

/** Contactless Reader Capabilities (9F6D) and their enhanced form (9F6E). */
const READER = {
  cvmRequired: { byte: 1, bit: 4 },
  switchAfterDecline: { byte: 1, bit: 3 },
  mobileCvm: { byte: 2, bit: 8 },
  onlinePin: { byte: 2, bit: 7 },
  signature: { byte: 2, bit: 6 },
  offlineOnly: { byte: 3, bit: 8 },
  enhancedCvmRequired: { byte: 3, bit: 7 },
} as const satisfies Record<string, Bit>

const AIP = {
  sda: { byte: 1, bit: 7 },
  cardholderVerification: { byte: 1, bit: 5 },
  cda: { byte: 1, bit: 1 },
  emvMode: { byte: 2, bit: 8 },
  mobile: { byte: 2, bit: 7 },
} as const satisfies Record<string, Bit>

/** Data record. */
const record = [
  0x57, 0x5a, 0x5f20, 0x5f24, 0x5f2a, 0x5f34, 0x82, 0x95, 0x9a, 0x9c, 0x9f02, 0x9f03, 0x9f06, 0x9f09, 0x9f0d, 0x9f0e, 0x9f0f, 0x9f10, 0x9f15, 0x9f1a,
  0x9f26, 0x9f27, 0x9f33, 0x9f34, 0x9f35, 0x9f36, 0x9f37, 0x9f4e, 0x9f6d, 0x9f6e,
] // biome-ignore format: a list

const anotherInterface: ContactlessOutcome = {
  status: 'tryAnotherInterface',
  alternateInterface: 'contact',
  uiOnOutcome: { message: UI.insertCard, status: 'notReady' },
}

/** Only EMV mode is built: a card for mag-stripe mode ends the application. */
export function amexKernel(environment: KernelEnvironment, settings: AmexSettings = {}): ContactlessKernel {
  const own = new Map([...amexDefaults, ...(settings.data ?? [])])
  /** Payments whose holder has been sent to the phone, or tapped again, once already. */
  const retried = new WeakSet<Transaction>()
  return async activation => {
    const once = (outcome: ContactlessOutcome): ContactlessOutcome | undefined => {
      if (retried.has(activation.transaction)) return undefined
      retried.add(activation.transaction)
      return outcome
    }
    const kernel = newSession(activation, environment, own, kernelDictionaries.amex)
    return orEnd(() => run(kernel, activation, settings, once))
  }
}

type Once = (outcome: ContactlessOutcome) => ContactlessOutcome | undefined

function configuredLimits({ data }: Kernel): AmexLimits {
  const limit = (tag: number) => {
    const value = data.terminal.get(tag)
    return value && fromBcd(value)
  }
  const [transaction, cvm, floor] = [limitTags.transaction, limitTags.cvm, limitTags.floor].map(limit)
  return { ...(transaction !== undefined && { transaction }), ...(cvm !== undefined && { cvm }), ...(floor !== undefined && { floor }) }
}

/** The bits of 9F6D and 9F6E that the amount decides. */
function setCvmRequired({ data, transaction }: Kernel, { cvm }: AmexLimits): boolean {
  const required = cvm !== undefined && transaction.amount >= cvm
  data.terminal.set(0x9f6d, withBit(data.terminal.get(0x9f6d)!, READER.cvmRequired, required))
  data.terminal.set(0x9f6e, withBit(data.terminal.get(0x9f6e)!, READER.enhancedCvmRequired, required))
  return required
}

async function run(kernel: Kernel, activation: KernelActivation, settings: AmexSettings, once: Once): Promise<ContactlessOutcome> {
  const { card, terminal } = kernel.data
  const terminalType = terminal.get(0x9f35)![0]
  const offline = terminalKind(terminalType).online === 'offlineOnly'
  terminal.set(0x9f6e, withBit(terminal.get(0x9f6e)!, READER.offlineOnly, offline))
  setCvmRequired(kernel, configuredLimits(kernel))
  const asked = parseDol(card.get(0x9f38) ?? new Uint8Array()).map(({ tag }) => tag)
  // An older card learns of the reader's capabilities through the terminal type.
  const merged = asked.includes(0x9f35) && !asked.includes(0x9f6e)
  if (merged) terminal.set(0x9f35, Uint8Array.of(terminalType | terminal.get(0x9f6d)![0]))
  const { sw, data } = await getProcessingOptions(kernel)
  terminal.set(0x9f35, Uint8Array.of(terminalType))
  if (sw !== 0x9000) return endApplication('statusBytes', sw)
  keepResponse(kernel, data)
  if (lacking(kernel, [0x82, 0x94]).length > 0) return endApplication('cardDataMissing')
  if (!isSet(terminal.get(0x9f6d), { byte: 1, bit: 8 }) || !isSet(card.get(0x82), AIP.emvMode))
    return endApplication('magstripeNotSupported')
  await readFiles(kernel, card.get(0x94)!)
  const refused = refusesData(kernel, [0x5a, 0x5f24, 0x8c])
  if (refused) return refused
  const mobile = isSet(card.get(0x82), AIP.mobile)
  if (mobile && card.get(0x9f71)?.[2] === 0x03)
    kernel.raise('pinTryLimitExceeded', { rule: 'Book C-4: mobile CVM is blocked', inputs: [0x9f71] })
  const combined = authenticate(kernel)
  restrictions(kernel)

  const set = settings.limitSets?.get((card.get(0x9f70)?.[1] ?? 0) & 0x0f)
  const limits = card.has(0x9f70) && set ? set : configuredLimits(kernel)
  const contact = isSet(terminal.get(0x9f33), CAPABILITY.icc) && (!card.has(0x9f70) || isSet(card.get(0x9f70), { byte: 1, bit: 6 }))
  if (limits.transaction !== undefined && kernel.transaction.amount > limits.transaction)
    return contact ? anotherInterface : endApplication('maxLimitExceeded')
  const required = setCvmRequired(kernel, limits)
  const cvm = verify(kernel, required, mobile, once)
  if (typeof cvm === 'object') return cvm
  if (cvm === undefined) {
    kernel.raise('cardholderVerificationFailed', { rule: 'Book C-4, CVM: no method was possible', inputs: [0x8e, 0x9f34] })
    if (contact) return anotherInterface
  }
  if (limits.floor !== undefined && kernel.transaction.amount > limits.floor)
    kernel.raise('floorLimitExceeded', { rule: 'Book C-4: the amount is above the floor limit', inputs: [0x9f02] })
  lookUpExceptionFile(kernel, 'Book C-4: exception file')
  return generate(kernel, activation, { cvm: cvm ?? 'none', combined, mobile, contact, once })
}

/** CDA where both sides have it (its keys), else SDA; the TVR tells of failures. True when GENERATE AC shall be signed. */
function authenticate(kernel: Kernel): boolean {
  const { card, terminal } = kernel.data
  const both = (aip: Bit, capability: Bit) => isSet(card.get(0x82), aip) && isSet(terminal.get(0x9f33), capability)
  const fail = ({ failed, missing }: Failed, bit: 'cdaFailed' | 'sdaFailed') => {
    if (missing) kernel.raise('iccDataMissing', { rule: failed })
    kernel.raise(bit, { rule: `Book C-4, ODA: ${failed}` })
  }
  if (both(AIP.cda, CAPABILITY.cda)) {
    kernel.oda = { method: 'cda' }
    const key = iccKey(kernel)
    if (isFailed(key)) fail(key, 'cdaFailed')
    return !isFailed(key)
  }
  if (!both(AIP.sda, CAPABILITY.sda)) {
    kernel.raise('odaNotPerformed', { rule: 'Book C-4, ODA: no method in common', inputs: [0x82, 0x9f33] })
    return false
  }
  kernel.oda = { method: 'sda' }
  kernel.raise('sdaSelected', { rule: 'Book C-4, ODA: SDA', inputs: [0x82, 0x9f33] })
  const result = signedData(kernel)
  if (isFailed(result)) fail(result, 'sdaFailed')
  return false
}

function signedData(kernel: Kernel): Failed | { readonly code: Uint8Array } {
  const missing = missingData(kernel, [0x93])
  if (missing) return missing
  const input = staticData(kernel)
  if ('failed' in input) return input
  const key = issuerKey(kernel)
  return isFailed(key) ? key : verifyStaticData(key, kernel.data.card.get(0x93)!, input)
}

/** Mobile CVM is the list's code 01, a PIN that the phone has checked already. */
const MOBILE_CVM = 0x01

/** The list by the reader's capabilities (9F6E): a method, an outcome that sends the holder to the phone, or undefined where nothing is possible. */
function verify(kernel: Kernel, required: boolean, mobile: boolean, once: Once): ContactlessCvm | ContactlessOutcome | undefined {
  kernel.step = 'cardholderVerification'
  const { card, terminal } = kernel.data
  const results = (...bytes: [number, number, number]) => terminal.set(0x9f34, Uint8Array.from(bytes))
  const can = (bit: Bit) => isSet(terminal.get(0x9f6e), bit)
  const [performed, , result] = card.get(0x9f71) ?? []
  const seePhone = () =>
    once({
      status: 'tryAgain',
      start: 'B',
      fieldOff: 1500,
      uiOnOutcome: { message: UI.seePhone, status: 'processingError', hold: 1500 },
      uiOnRestart: { message: UI.presentCardAgain, status: 'readyToRead' },
    })
  results(0x3f, 0x00, 0x00)
  if (!required && mobile && performed === 0x01 && result === 0x01) {
    const again = seePhone()
    if (again) return again
  }
  const list = card.get(0x8e)
  if (!isSet(card.get(0x82), AIP.cardholderVerification) || !list || list.length < 10 || list.length % 2 !== 0)
    return required ? undefined : 'none'
  const rules = Array.from({ length: (list.length - 8) / 2 }, (_, i) => ({ code: list[8 + i * 2], condition: list[9 + i * 2] }))
  const method = (code: number): ContactlessCvm | undefined => {
    switch (code & 0x3f) {
      case MOBILE_CVM:
        return mobile && can(READER.mobileCvm) ? 'confirmationCode' : undefined
      case 0x02:
        return can(READER.onlinePin) ? 'onlinePin' : undefined
      case 0x1e:
        return can(READER.signature) ? 'signature' : undefined
      case 0x1f:
        return required ? undefined : 'none'
      default:
        return undefined
    }
  }
  const holds = ({ code, condition }: (typeof rules)[number]) => cvmConditionHolds(kernel, condition, method(code) !== undefined, list)
  const free = required ? undefined : rules.find(rule => (rule.code & 0x3f) === 0x1f && holds(rule))
  if (free) {
    results(free.code, free.condition, 0x02)
    return 'none'
  }
  for (const rule of rules) {
    if (!holds(rule)) continue
    const found = method(rule.code)
    if ((rule.code & 0x3f) === 0x02 && !found)
      kernel.raise('pinPadMissingOrBroken', { rule: 'Book C-4, CVM: online PIN is not supported', inputs: [0x8e, 0x9f6e] })
    if (found === 'confirmationCode') {
      if (performed === 0x01 && result === 0x02) {
        results(rule.code, rule.condition, 0x02)
        return found
      }
      // Not performed, or failed: once to the phone. Absent or blocked: the next rule.
      if (performed !== undefined && result !== 0x03) {
        const again = seePhone()
        if (again) return again
      }
      results(rule.code, rule.condition, 0x01)
    } else if (found) {
      results(rule.code, rule.condition, found === 'none' ? 0x02 : 0x00)
      if (found === 'onlinePin') kernel.raise('onlinePinEntered', { rule: 'Book C-4, CVM: online PIN', inputs: [0x8e] })
      return found
    }
    if ((rule.code & 0x40) === 0) return undefined
  }
  return undefined
}

interface Facts {
  readonly cvm: ContactlessCvm
  readonly combined: boolean
  readonly mobile: boolean
  readonly contact: boolean
  readonly once: Once
}

async function generate(
  kernel: Kernel,
  activation: KernelActivation,
  { cvm, combined, mobile, contact, once }: Facts,
): Promise<ContactlessOutcome> {
  kernel.step = 'cardActionAnalysis'
  const { card, terminal } = kernel.data
  const request = terminal.get(0x9c)![0] === TRANSACTION_TYPE.refund ? 'AAC' : analyseActions(kernel, 'approve')
  if (request !== 'ARQC') terminal.set(0x8a, fromText(request === 'TC' ? 'Y1' : 'Z1'))
  const cda = combined && request !== 'AAC'
  const cdolData = buildDol(card.get(0x8c)!, tag => kernel.data.get(tag), kernel.words)
  const again: ContactlessOutcome = {
    status: 'tryAgain',
    start: 'B',
    uiOnRestart: { message: UI.presentCardAgain, status: 'readyToRead' },
  }
  let answer: { sw: number; data: Uint8Array }
  try {
    answer = await kernel.exchange({ cla: 0x80, ins: 0xae, p1: CRYPTOGRAM[request] | (cda ? 0x10 : 0), p2: 0x00, data: cdolData, le: 0 })
  } catch (fault) {
    if (!isFault(fault, 'card-removed', 'card-mute')) throw fault
    return again
  }
  const { sw, data } = answer
  if (sw === 0x6984 && mobile) return once(again) ?? endApplication('statusBytes', sw)
  if (sw !== 0x9000) return endApplication('statusBytes', sw)
  activation.ui({ message: UI.cardReadOk, status: 'cardReadSuccessfully' })
  if (data[0] === 0x80) {
    const value = templateOf(data, 0x80)
    if (cda || value.length < 11) return endApplication('cardDataError')
    card.set(0x9f27, value.slice(0, 1)).set(0x9f36, value.slice(1, 3)).set(0x9f26, value.slice(3, 11))
    if (value.length > 11) card.set(0x9f10, value.slice(11))
  } else keepResponse(kernel, data)
  if (lacking(kernel, [0x9f27, 0x9f36]).length > 0) return endApplication('cardDataMissing')
  const given = givenCryptogram(kernel)
  if (!given || exceeds(given, request)) return endApplication('cardDataError')
  if (cda && given !== 'AAC' && !(card.has(0x9f4b) && verifyCda(kernel, templateOf(data, 0x77), [kernel.pdolData!, cdolData]).verified)) {
    kernel.raise('cdaFailed', { rule: 'Book C-4, ODA: the signature is missing or wrong', inputs: [0x9f4b] })
    return outcome(kernel, 'declined')
  }
  if (lacking(kernel, [0x9f26]).length > 0) return endApplication('cardDataMissing')
  if (given === 'TC') return outcome(kernel, 'approved', cvm)
  if (given === 'ARQC') return outcome(kernel, 'onlineRequest', cvm)
  return isSet(terminal.get(0x9f6e), READER.switchAfterDecline) && contact ? anotherInterface : outcome(kernel, 'declined')
}

function outcome(kernel: Kernel, status: Decision, cvm?: ContactlessCvm): ContactlessOutcome {
  return decided(kernel, status, cvm, { record, discretionary: [0x9f71, 0x95, 0x8a] })
}
