/** Kernel 2, Mastercard, EMV mode: limits, relay resistance, CDA, the CVM list, GENERATE AC and torn transactions (EMV Contactless Book C-2). */

import { concat, equal, hex, uint } from '../../bytes.ts'
import { Fault, isFault } from '../../errors.ts'
import { buildDol } from '../../tlv/dol.ts'
import type { Kernel } from '../context.ts'
import { isSet, TVR, tagName } from '../data.ts'
import { single } from '../fci.ts'
import { verifyCda } from '../oda-combined.ts'
import { iccKey } from '../oda-keys.ts'
import { isFailed, recoverDynamicData } from '../oda-signature.ts'
import { TRANSACTION_TYPE } from '../start.ts'
import { walkCvmList } from './cvm-list.ts'
import { analyseActions, CRYPTOGRAM, type Cryptogram, exceeds, givenCryptogram } from './decide.ts'
import type { ContactlessKernel, KernelActivation } from './entry.ts'
import {
  AIP,
  aboveCvmLimit,
  aboveTransactionLimit,
  config,
  configured,
  giveUp,
  holdTime,
  mastercardDefaults,
  money,
  onDevice,
} from './mastercard-data.ts'
import { magstripeMode } from './mastercard-magstripe.ts'
import { seePhone } from './mastercard-phone.ts'
import { type ContactlessCvm, type ContactlessOutcome, UI } from './outcome.ts'
import { RELAY_ANSWER, resistRelay } from './relay-resistance.ts'
import {
  cardError,
  errorIndication,
  getProcessingOptions,
  type KernelEnvironment,
  keepResponse,
  type L2Error,
  lacking,
  newSession,
  panAgrees,
  pick,
  readFiles,
  recordOf,
  restrictions,
} from './session.ts'
import type { TornLog } from './torn-log.ts'

/** Data record of EMV mode (FF8105) and discretionary data (FF8106). */
const record = [
  0x9f02, 0x9f03, 0x9f26, 0x5f24, 0x82, 0x50, 0x5a, 0x5f34, 0x9f12, 0x9f36, 0x9f07, 0x9f09, 0x9f27, 0x9f34, 0x84, 0x9f1e, 0x9f10, 0x9f11, 0x9f33,
  0x9f1a, 0x9f35, 0x95, 0x57, 0x9f53, 0x5f2a, 0x9a, 0x9c, 0x9f37, 0x9f41, 0x9f7c, 0x9f6e, 0x9f39,
] // biome-ignore format: a list
const discretionary = [0x9f5d, 0x9f42, 0xdf8115, 0xdf8306, 0xdf8307]

export interface MastercardSettings {
  /** Data objects over `mastercardDefaults`; an empty value takes one away. */
  readonly data?: ReadonlyMap<number, Uint8Array>
  /** Keeps torn transactions from one tap to the next, as many as DF811D says. */
  readonly torn?: TornLog
  /** CVM Results (9F34) hold the method alone, without b8–b7 of the CVM code, as some deployed readers send it. EMV 4.4 Book 4, A4 has the whole code. */
  readonly bareCvmCode?: boolean
}

/** Data objects that switch on what is not built. */
const notBuilt = [
  [0x9f5c, 'data storage'],
  [0xdf8112, 'tags to read'],
  [0xff8102, 'tags to write'],
  [0xff8103, 'tags to write'],
  [0xdf8104, 'balance reading'],
  [0xdf8105, 'balance reading'],
] as const

/** @throws Fault `unsupported` on a configuration that asks for data storage or balance reading, which are not built */
export function mastercardKernel(environment: KernelEnvironment, settings: MastercardSettings = {}): ContactlessKernel {
  const own = new Map([...mastercardDefaults, ...(settings.data ?? [])])
  for (const [tag, feature] of notBuilt)
    if ((own.get(tag)?.length ?? 0) > 0) throw new Fault('unsupported', `Mastercard ${feature} (${tagName(tag)}) is not built`, { feature })
  return async activation => {
    const kernel = newSession(activation, environment, own)
    try {
      return await run(kernel, activation, settings)
    } catch (fault) {
      const { error, sw } = cardError(fault)
      return giveUp(kernel, error, sw)
    }
  }
}

export function selectNext(kernel: Kernel, error: L2Error, sw = 0): ContactlessOutcome {
  return {
    status: 'selectNext',
    start: 'C',
    ...(error === 'statusBytes' && { fieldOff: uint(config(kernel, 0xdf8130)) * 100 }),
    discretionaryData: new Map([[0xdf8115, errorIndication(error, sw)]]),
  }
}

async function run(kernel: Kernel, activation: KernelActivation, settings: MastercardSettings): Promise<ContactlessOutcome> {
  const { card } = kernel.data
  const { sw, data } = await getProcessingOptions(kernel)
  if (sw !== 0x9000) return selectNext(kernel, 'statusBytes', sw)
  keepResponse(kernel, data)
  if (lacking(kernel, [0x82, 0x94]).length > 0) return giveUp(kernel, 'cardDataMissing')
  if (configured(kernel, 'noEmv') || !isSet(card.get(0x82), AIP.emvMode)) {
    if (configured(kernel, 'noMagstripe')) return giveUp(kernel, 'magstripeNotSupported')
    return magstripeMode(kernel, activation, selectNext)
  }
  const relayed = await relay(kernel)
  if (relayed) return relayed
  const afl = card.get(0x94)!
  // The first entry is the mag-stripe record, which EMV mode skips when the reader has that mode too (S3.32).
  const skip = hex(afl.subarray(0, 4)) === '08010100' && !configured(kernel, 'noMagstripe')
  return emvMode(kernel, activation, skip ? afl.subarray(4) : afl, settings)
}

/** From the records to the outcome; Mir's Protocol 1 goes the same way with limits of its own. */
export async function emvMode(
  kernel: Kernel,
  activation: KernelActivation,
  afl: Uint8Array,
  { torn, bareCvmCode }: MastercardSettings,
): Promise<ContactlessOutcome> {
  const { terminal } = kernel.data
  await readFiles(kernel, afl)
  if (aboveTransactionLimit(kernel)) return selectNext(kernel, 'maxLimitExceeded')
  if (lacking(kernel, [0x5f24, 0x5a, 0x8c]).length > 0) return giveUp(kernel, 'cardDataMissing')
  if (!panAgrees(kernel)) return giveUp(kernel, 'cardDataError')
  activation.ui({ message: UI.clear, status: 'cardReadSuccessfully' })
  const cda = prepareCda(kernel)
  const capability = config(kernel, aboveCvmLimit(kernel) ? 0xdf8118 : 0xdf8119)
  terminal.set(0x9f33, concat(config(kernel, 0xdf8117), capability, config(kernel, 0xdf811f)))
  kernel.step = 'restrictions'
  restrictions(kernel)
  const cvm = verify(kernel)
  if (bareCvmCode) {
    const [code, condition, result] = terminal.get(0x9f34)!
    terminal.set(0x9f34, Uint8Array.of(code & 0x3f, condition, result))
  }
  if (kernel.transaction.amount > money(kernel, 0xdf8123))
    kernel.raise('floorLimitExceeded', { rule: 'Book C-2, S456.30: the amount is above the floor limit', inputs: [0x9f02, 0xdf8123] })
  return generate(kernel, cvm, cda, torn)
}

/** Relay resistance where both sides have it; TVR byte 5, b2–b1 say whether it was performed. */
async function relay(kernel: Kernel): Promise<ContactlessOutcome | undefined> {
  const { card, terminal } = kernel.data
  const tvr = terminal.get(0x95)!
  const both = isSet(card.get(0x82), AIP.relayResistance) && configured(kernel, 'relayResistance')
  terminal.set(0x95, Uint8Array.of(...tvr.subarray(0, 4), tvr[4] | (both ? 0x02 : 0x01)))
  if (!both) return undefined
  const result = await resistRelay(kernel)
  return result === 'ok' ? undefined : giveUp(kernel, result)
}

/** CDA is tried when the card and the reader have it; missing data are told in the TVR, a broken chain fails CDA before the card is asked. */
function prepareCda(kernel: Kernel): boolean {
  const { card, terminal } = kernel.data
  const capable = isSet(terminal.get(0xdf811f), { byte: 1, bit: 4 })
  if (!isSet(card.get(0x82), AIP.cda) || !capable) {
    kernel.raise('odaNotPerformed', { rule: 'Book C-2, S3.40: CDA is not common to card and reader', inputs: [0x82, 0xdf811f] })
    return false
  }
  kernel.oda = { method: 'cda' }
  const missing = lacking(kernel, [0x8f, 0x90, 0x9f32, 0x9f46, 0x9f47, 0x9f4a])
  const list = card.get(0x9f4a)
  if (missing.length > 0 || list?.length !== 1 || list[0] !== 0x82) {
    const why = { rule: 'Book C-2, S456.23: data for CDA are missing or the SDA tag list names other than the AIP', inputs: [0x9f4a] }
    kernel.raise('iccDataMissing', why)
    kernel.raise('cdaFailed', why)
    return false
  }
  const key = iccKey(kernel)
  if (!isFailed(key)) return true
  kernel.raise('cdaFailed', { rule: `Book C-2, S910: ${key.failed}`, inputs: [0x8f, 0x90, 0x9f46] })
  return false
}

/** CVM selection (procedure CVM): on the device, none, or by the card's list. Sets 9F34 and the TVR. */
function verify(kernel: Kernel): ContactlessCvm {
  const results = (...bytes: [number, number, number]) => kernel.data.terminal.set(0x9f34, Uint8Array.from(bytes))
  if (onDevice(kernel)) {
    if (aboveCvmLimit(kernel)) {
      results(0x01, 0x00, 0x02)
      return 'confirmationCode'
    }
    results(0x3f, 0x00, 0x02)
    return 'none'
  }
  if (!isSet(kernel.data.card.get(0x82), AIP.cardholderVerification)) {
    results(0x3f, 0x00, 0x00)
    return 'none'
  }
  return walkCvmList(kernel)
}

async function generate(kernel: Kernel, cvm: ContactlessCvm, cda: boolean, torn: TornLog | undefined): Promise<ContactlessOutcome> {
  kernel.step = 'cardActionAnalysis'
  const { card, terminal } = kernel.data
  let request = analyseActions(kernel)
  const failed = isSet(terminal.get(0x95), TVR.cdaFailed)
  if (failed && onDevice(kernel)) request = 'AAC'
  // An AAC is signed only where the card says that it can (9F5D byte 2 b1).
  const combined = cda && !failed && (request !== 'AAC' || isSet(card.get(0x9f5d), { byte: 2, bit: 1 }))
  const recovered = torn && (await torn.recover(kernel))
  if (recovered)
    return conclude(kernel, recovered.response, recovered.cvm, recovered.request, recovered.combined, [
      recovered.pdolData,
      recovered.cdolData,
    ])
  const cdolData = buildDol(card.get(0x8c)!, tag => kernel.data.get(tag))
  try {
    const { sw, data } = await kernel.exchange({
      cla: 0x80,
      ins: 0xae,
      p1: CRYPTOGRAM[request] | (combined ? 0x10 : 0),
      p2: 0,
      data: cdolData,
      le: 0,
    })
    if (sw !== 0x9000) return giveUp(kernel, 'statusBytes', sw)
    return conclude(kernel, data, cvm, request, combined, [kernel.pdolData!, cdolData])
  } catch (fault) {
    if (!isFault(fault, 'card-removed', 'card-mute')) throw fault
    torn?.keep(kernel, { request, combined, pdolData: kernel.pdolData!, cdolData, cvm })
    return {
      status: 'endApplication',
      start: 'B',
      uiOnRestart: { message: UI.presentCardAgain, status: 'readyToRead' },
      discretionaryData: new Map([[0xdf8115, Uint8Array.of(fault.code === 'card-mute' ? 0x01 : 0x02, 0, 0, 0, 0, UI.presentCardAgain)]]),
    }
  }
}

/** The response to GENERATE AC or RECOVER AC, its signature, and the outcome (S910). */
function conclude(
  kernel: Kernel,
  response: Uint8Array,
  cvm: ContactlessCvm,
  request: Cryptogram,
  combined: boolean,
  sent: readonly Uint8Array[],
): ContactlessOutcome {
  const { card } = kernel.data
  if (response[0] === 0x80) {
    const value = single(response, 0x80)
    if (combined || value.length < 11 || value.length > 43) return giveUp(kernel, combined ? 'cardDataError' : 'parsingError')
    for (const [tag, from, to] of [[0x9f27, 0, 1], [0x9f36, 1, 3], [0x9f26, 3, 11], [0x9f10, 11, undefined]] as const) // biome-ignore format: a table
      if (value.length > from) card.set(tag, value.slice(from, to))
  } else keepResponse(kernel, response)
  if (lacking(kernel, [0x9f27, 0x9f36]).length > 0) return giveUp(kernel, 'cardDataMissing')
  const given = givenCryptogram(kernel)
  if (!given || exceeds(given, request)) return giveUp(kernel, 'cardDataError')
  if (combined && card.has(0x9f4b)) {
    if (!verifyCda(kernel, single(response, 0x77), sent).verified || !relayDataSigned(kernel)) return camFailed(kernel)
  } else if (combined && given !== 'AAC') return camFailed(kernel)
  else if (lacking(kernel, [0x9f26]).length > 0) return giveUp(kernel, 'cardDataMissing')
  return seePhone(kernel, dataOf(kernel)) ?? outcomeOf(kernel, given, cvm)
}

/** With relay resistance the card signs at the end of its dynamic data what it said then: entropy and times, 10 bytes. */
function relayDataSigned(kernel: Kernel): boolean {
  const said = kernel.data.terminal.get(RELAY_ANSWER)
  if (!said) return true
  const dynamic = recoverDynamicData(kernel.oda!.iccKey!, kernel.data.card.get(0x9f4b)!, 'Book C-2, S910')
  return !isFailed(dynamic) && dynamic.rest.length >= 39 && equal(dynamic.rest.subarray(-10), said)
}

function camFailed(kernel: Kernel): ContactlessOutcome {
  kernel.raise('cdaFailed', { rule: 'Book C-2, S910: the signature is missing or wrong', inputs: [0x9f4b] })
  return {
    ...outcomeOf(kernel, 'AAC', 'none', true),
    discretionaryData: new Map([...pick(kernel, discretionary), [0xdf8115, errorIndication('camFailed')]]),
  }
}

function dataOf(kernel: Kernel) {
  return { dataRecord: recordOf(kernel, record), discretionaryData: pick(kernel, discretionary) }
}

/** S910.70–81. */
function outcomeOf(kernel: Kernel, given: Cryptogram, cvm: ContactlessCvm, camFailed = false): ContactlessOutcome {
  const hold = holdTime(kernel)
  const data = dataOf(kernel)
  const receipt = cvm === 'signature' ? { receipt: true } : {}
  const show = (message: number, hold: number) => ({ uiOnOutcome: { message, status: 'notReady' as const, hold } })
  if (given === 'TC')
    return { status: 'approved', cvm, ...show(cvm === 'signature' ? UI.approvedSign : UI.approved, hold), ...data, ...receipt }
  if (given === 'ARQC') return { status: 'onlineRequest', cvm, ...show(UI.authorising, 0), ...data, ...receipt }
  const type = kernel.data.terminal.get(0x9c)![0]
  const purchase = [TRANSACTION_TYPE.purchase, TRANSACTION_TYPE.cash, TRANSACTION_TYPE.cashback, 0x17].includes(type)
  if (!purchase) return { status: 'endApplication', ...show(UI.clear, 0), ...data }
  const contact = isSet(config(kernel, 0xdf8117), { byte: 1, bit: 6 })
  if (contact && !camFailed && isPlasticCard(kernel.data.card.get(0x9f6e)))
    return { status: 'tryAnotherInterface', alternateInterface: 'contact', ...show(UI.insertCard, hold), ...data }
  return { status: 'declined', ...show(UI.declined, hold), ...data }
}

/** Third Party Data (9F6E): its device type, where it has one, is "card" (3030). */
function isPlasticCard(thirdParty: Uint8Array | undefined): boolean {
  if (!thirdParty || thirdParty.length < 5 || (thirdParty[2] & 0x80) !== 0) return true
  return uint(thirdParty.subarray(4, 6)) === 0x3030
}

/** Kept for RECOVER AC: what GENERATE AC was asked. */
export interface Asked {
  readonly request: Cryptogram
  readonly combined: boolean
  readonly pdolData: Uint8Array
  readonly cdolData: Uint8Array
  readonly cvm: ContactlessCvm
}
