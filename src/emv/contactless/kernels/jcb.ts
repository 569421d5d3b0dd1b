/** Kernel 5, JCB, EMV mode: limits, GENERATE AC with CDA, the card's choice of verification, issuer update (EMV Contactless Book C-5). */

import type { Response } from '../../../apdu/apdu.ts'
import { equal, fromBcd, fromText } from '../../../bytes.ts'
import { isFault } from '../../../errors.ts'
import { buildDol, parseDol } from '../../../tlv/dol.ts'
import { kernelDictionaries } from '../../../tlv/kernels.ts'
import { CAPABILITY, type RandomSelection, terminalKind } from '../../config.ts'
import { type Bit, dataObjects, isSet, withBit } from '../../data.ts'
import { verifyCda } from '../../oda/combined.ts'
import { iccKey } from '../../oda/keys.ts'
import { isFailed } from '../../oda/signature.ts'
import type { Kernel } from '../../steps/context.ts'
import { templateOf } from '../../steps/fci.ts'
import { lookUpExceptionFile, selectAtRandom } from '../../steps/risk.ts'
import { parseScripts, performScripts } from '../../steps/scripts.ts'
import { TRANSACTION_TYPE } from '../../steps/start.ts'
import type { Transaction } from '../../terminal.ts'
import { analyseActions, CRYPTOGRAM, type Cryptogram, type Decision, decided, givenCryptogram } from '../decide.ts'
import type { ContactlessKernel, KernelActivation } from '../entry.ts'
import { type ContactlessCvm, type ContactlessOutcome, type OnlineResponse, UI } from '../outcome.ts'
import {
  endApplication,
  errorIndication,
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
import { updateCard } from './issuer-update.ts'

/** Terminal Interchange Profile (9F53). */
const TIP = {
  cvmRequired: { byte: 1, bit: 8 },
  signature: { byte: 1, bit: 7 },
  onlinePin: { byte: 1, bit: 6 },
  onDeviceCvm: { byte: 1, bit: 5 },
  issuerUpdate: { byte: 2, bit: 8 },
} as const satisfies Record<string, Bit>

const EMV_MODE: Bit = { byte: 2, bit: 8 }
const CDA: Bit = { byte: 1, bit: 1 }
/** Taken from kernel 2, where the bit has a name (assumed). */
const ON_DEVICE_CVM: Bit = { byte: 1, bit: 2 }

/** Limits by the tags of a terminal vendor; the kernel compares all of them with >=. TAC as DF8120–DF8122 (default, denial, online). */
export const jcbDefaults: ReadonlyMap<number, Uint8Array> = dataObjects({
  ...{ '9F52': '02', '9F53': '728000', DF8120: '9040008000', DF8121: '0410000000', DF8122: '9060009000' },
})
const LIMITS = { ...limitTags, transactionOnDevice: 0xdfab5b } as const

/** Data record of EMV mode. */
const record = [
  0x9f02, 0x9f03, 0x9f26, 0x82, 0x5f34, 0x9f36, 0x5f20, 0x9f27, 0x9f10, 0x9f39, 0x9f1a, 0x95, 0x9f1f, 0x57, 0x5f2a, 0x9a, 0x9f21, 0x9c, 0x9f37, 0x9f50,
  0x8d, 0x9f34, 0x84, 0x5f28, 0x9f57, 0x5a, 0x5f24, 0x9f33,
] // biome-ignore format: a list

export interface JcbSettings {
  /** Data objects over `jcbDefaults`. */
  readonly data?: ReadonlyMap<number, Uint8Array>
  /** How long a card is held in the field for the issuer's answer, in ms; 5000 when left out. */
  readonly removalTimeout?: number
  /** Random selection below the floor limit. */
  readonly randomSelection?: RandomSelection
  /** How long a card that left during GENERATE AC can be asked for the answer (ECHO), in ms; 60000 when left out, 0 for never. */
  readonly recoverFor?: number
}

/** A payment whose card left during GENERATE AC: what it was asked, and the terminal's data as they were then. */
interface Torn extends Pick<Kernel, 'pdolData'> {
  readonly at: number
  readonly pan: Uint8Array
  readonly psn: Uint8Array | undefined
  readonly request: Cryptogram
  readonly cda: boolean
  readonly cdolData: Uint8Array
  readonly terminal: ReadonlyMap<number, Uint8Array>
}

/** What one payment remembers from tap to tap. */
interface Payment {
  torn?: Torn | undefined
}

/** Only EMV mode is built: a card that offers mag-stripe or legacy mode alone is refused by that name, and leads to Select Next. */
export function jcbKernel(environment: KernelEnvironment, settings: JcbSettings = {}): ContactlessKernel {
  const own = new Map([...jcbDefaults, ...(settings.data ?? [])])
  /** What the first tap leaves for the issuer's answer: a restart at D finds the card as it was. */
  let held: Kernel | undefined
  const payments = new WeakMap<Transaction, Payment>()
  return async activation => {
    const before = activation.restart && activation.start === 'D' ? held : undefined
    held = undefined
    return orEnd(async () => {
      if (before) return complete(before, activation.onlineResponse)
      const kernel = newSession(activation, environment, own, kernelDictionaries.jcb)
      if (activation.restart) return updateCard(kernel, activation.onlineResponse)
      const payment = payments.get(activation.transaction) ?? {}
      payments.set(activation.transaction, payment)
      const outcome = await run(kernel, activation, settings, payment)
      if (outcome.start === 'D') held = kernel
      return outcome
    })
  }
}

const selectNext: ContactlessOutcome = { status: 'selectNext', start: 'C' }

function reaches(kernel: Kernel, tag: number): boolean {
  const limit = kernel.data.terminal.get(tag)
  return limit !== undefined && kernel.transaction.amount >= fromBcd(limit)!
}

/** A mode of the Book that is not built, by its name. */
function notBuilt(kernel: Kernel, mode: string): ContactlessOutcome {
  kernel.note({ rule: `Book C-5: the card is for ${mode}, which is not built`, inputs: [0x9f38, 0x82] }, () => 'select next')
  return { ...selectNext, discretionaryData: new Map([[0xdf8115, errorIndication('magstripeNotSupported')]]) }
}

async function run(kernel: Kernel, activation: KernelActivation, settings: JcbSettings, payment: Payment): Promise<ContactlessOutcome> {
  const { card, terminal } = kernel.data
  const pdol = card.get(0x9f38)
  if (!pdol || !parseDol(pdol).some(({ tag }) => tag === 0x9f52)) return notBuilt(kernel, 'legacy mode')
  // The higher of both limits, before the card is asked; which of them is its own it says then.
  const limit = {
    plain: LIMITS.transaction,
    onDevice: terminal.has(LIMITS.transactionOnDevice) ? LIMITS.transactionOnDevice : LIMITS.transaction,
  }
  if (reaches(kernel, limit.plain) && reaches(kernel, limit.onDevice)) return selectNext
  const refund = terminal.get(0x9c)![0] === TRANSACTION_TYPE.refund
  terminal.set(0x9f53, withBit(terminal.get(0x9f53)!, TIP.cvmRequired, !refund && reaches(kernel, LIMITS.cvm)))
  const { sw, data } = await getProcessingOptions(kernel)
  // A card that remembers a torn transaction may say so by a warning.
  if (sw !== 0x9000 && !(sw === 0x6200 && payment.torn)) return selectNext
  try {
    templateOf(data, 0x77)
    keepResponse(kernel, data)
  } catch (fault) {
    if (isFault(fault, 'tlv')) return selectNext
    throw fault
  }
  if (lacking(kernel, [0x82, 0x94]).length > 0) return selectNext
  if (!isSet(card.get(0x82), EMV_MODE)) return notBuilt(kernel, 'mag-stripe mode')
  const onDevice = isSet(card.get(0x82), ON_DEVICE_CVM) && isSet(terminal.get(0x9f53), TIP.onDeviceCvm)
  if (reaches(kernel, onDevice ? limit.onDevice : limit.plain)) return selectNext
  await readFiles(kernel, card.get(0x94)!)
  const refused = refusesData(kernel, [0x5a, 0x5f24, 0x8c])
  if (refused) return refused
  const combined = prepareCda(kernel)
  const floor = floorRule(kernel, activation)
  const figure = terminal.get(LIMITS.floor)
  if (!floor) selectAtRandom(kernel, settings.randomSelection, figure && fromBcd(figure))
  else kernel.raise('floorLimitExceeded', { rule: `Book C-5, 5.5: ${floor}`, inputs: [0x9f02, 0x9f35] })
  lookUpExceptionFile(kernel, 'Book C-5, 5.5: exception file')
  // The issuer's country may have a tag of JCB's own.
  const country = card.has(0x5f28) ? undefined : card.get(0x9f57)
  if (country) card.set(0x5f28, country)
  restrictions(kernel)
  if (country) card.delete(0x5f28)
  return generate(kernel, refund ? 'AAC' : analyseActions(kernel), combined, { activation, settings, payment, warned: sw === 0x6200 })
}

/** Why a transaction counts as above the floor limit; undefined where it does not. */
function floorRule(kernel: Kernel, { prepared }: KernelActivation): string | undefined {
  if (reaches(kernel, LIMITS.floor)) return 'the amount reaches the floor limit'
  if (prepared.statusCheckRequested) return 'a status check'
  return terminalKind(kernel.data.terminal.get(0x9f35)![0]).online === 'onlineOnly' ? 'the terminal is online only' : undefined
}

function prepareCda(kernel: Kernel): boolean {
  if (!isSet(kernel.data.card.get(0x82), CDA) || !isSet(kernel.data.terminal.get(0x9f33), CAPABILITY.cda)) {
    kernel.raise('odaNotPerformed', { rule: 'Book C-5, 5.4: CDA is not common to card and reader', inputs: [0x82, 0x9f33] })
    return false
  }
  kernel.oda = { method: 'cda' }
  const key = iccKey(kernel)
  if (!isFailed(key)) return true
  if (key.missing) kernel.raise('iccDataMissing', { rule: key.failed })
  kernel.raise('cdaFailed', { rule: `Book C-5, 5.4: ${key.failed}`, inputs: [0x8f, 0x90, 0x9f46] })
  return false
}

interface Tap {
  readonly activation: KernelActivation
  readonly settings: JcbSettings
  readonly payment: Payment
  /** GET PROCESSING OPTIONS was answered with 6200. */
  readonly warned: boolean
}

async function generate(kernel: Kernel, request: Cryptogram, combined: boolean, tap: Tap): Promise<ContactlessOutcome> {
  kernel.step = 'cardActionAnalysis'
  const { card, terminal } = kernel.data
  const recovered = await echo(kernel, tap)
  if (recovered) return recovered
  const cda = combined && request !== 'AAC'
  const cdolData = buildDol(card.get(0x8c)!, tag => kernel.data.get(tag), kernel.words)
  const torn: Torn = {
    at: kernel.clock.now(),
    pan: card.get(0x5a)!,
    psn: card.get(0x5f34),
    request,
    cda,
    pdolData: kernel.pdolData!,
    cdolData,
    terminal: new Map(terminal),
  }
  try {
    const command = { cla: 0x80, ins: 0xae, p1: CRYPTOGRAM[request] | (cda ? 0x10 : 0), p2: 0x00, data: cdolData, le: 0 }
    return conclude(kernel, await kernel.exchange(command), torn, tap)
  } catch (fault) {
    if (isFault(fault, 'card-removed', 'card-mute')) tap.payment.torn = torn
    throw fault
  }
}

/**
 * Transaction recovery (5.10): a card that left during GENERATE AC is asked for that answer (ECHO) when it comes back for the same payment in time. One
 * that does not have it begins anew: with this tap's GENERATE AC, unless it has warned of a torn transaction, then from selection on.
 * @throws Fault `card-removed`, `card-mute`; it can be asked again then
 */
async function echo(kernel: Kernel, tap: Tap): Promise<ContactlessOutcome | undefined> {
  const { card, terminal } = kernel.data
  const { torn } = tap.payment
  if (!torn) return undefined
  const psn = card.get(0x5f34) ?? new Uint8Array()
  const same = equal(torn.pan, card.get(0x5a)!) && equal(torn.psn ?? new Uint8Array(), psn)
  if (!same || kernel.clock.now() - torn.at > (tap.settings.recoverFor ?? RECOVER_FOR)) {
    tap.payment.torn = undefined
    return undefined
  }
  const answer = await kernel.exchange({ cla: 0x80, ins: 0xdf, p1: 0x00, p2: 0x00, le: 0 })
  tap.payment.torn = undefined
  kernel.note({ rule: 'Book C-5, 5.10: ECHO' }, () => (answer.sw === 0x9000 ? 'torn transaction recovered' : 'begun anew'))
  if (answer.sw !== 0x9000) return tap.warned ? { status: 'tryAgain', start: 'B' } : undefined
  for (const [tag, value] of torn.terminal) terminal.set(tag, value)
  return conclude(kernel, answer, torn, tap)
}

/** How long a torn transaction can be recovered, in ms. */
const RECOVER_FOR = 60_000

/** The answer to GENERATE AC or ECHO. */
function conclude(kernel: Kernel, { sw, data }: Response, { request, cda, pdolData, cdolData }: Torn, tap: Tap): ContactlessOutcome {
  const { card } = kernel.data
  if (sw === 0x6986)
    return {
      status: 'endApplication',
      start: 'B',
      fieldOff: 1300,
      uiOnOutcome: { message: UI.seePhone, status: 'notReady', hold: 1300 },
      uiOnRestart: { message: UI.presentCardAgain, status: 'readyToRead' },
    }
  if (sw === 0x6984)
    return { status: 'tryAnotherInterface', alternateInterface: 'contact', uiOnOutcome: { message: UI.insertCard, status: 'notReady' } }
  if (sw !== 0x9000) return selectNext
  templateOf(data, 0x77) // no other format is allowed
  keepResponse(kernel, data)
  tap.activation.ui({ message: UI.cardReadOk, status: 'cardReadSuccessfully' })
  if (lacking(kernel, [0x9f27, 0x9f36]).length > 0) return endApplication('cardDataMissing')
  const given = givenCryptogram(kernel)
  if (given === undefined || given === 'AAC' || request === 'AAC' || (request === 'ARQC' && given === 'TC'))
    return outcome(kernel, 'declined')
  if (cda && !(card.has(0x9f4b) && verifyCda(kernel, templateOf(data, 0x77), [pdolData!, cdolData]).verified)) {
    kernel.raise('cdaFailed', { rule: 'Book C-5, 5.8: the signature is missing or wrong', inputs: [0x9f4b] })
    return outcome(kernel, 'declined')
  }
  if (lacking(kernel, [0x9f26]).length > 0) return endApplication('cardDataMissing')
  const cvm = verify(kernel)
  if (!cvm) return outcome(kernel, 'declined')
  const result = outcome(kernel, given === 'TC' ? 'approved' : 'onlineRequest', cvm)
  return given === 'ARQC' ? withUpdate(kernel, result, tap.settings) : result
}

/** The card's wish (9F50) against the reader's means (9F53); undefined where verification fails (5.8). Sets 9F34. */
function verify(kernel: Kernel): ContactlessCvm | undefined {
  const { card, terminal } = kernel.data
  const tip = terminal.get(0x9f53)!
  const required = isSet(tip, TIP.cvmRequired)
  const results = (...bytes: [number, number, number]) => terminal.set(0x9f34, Uint8Array.from(bytes))
  switch ((card.get(0x9f50)?.[0] ?? 0xff) >> 4) {
    case 0:
      if (required) return undefined
      results(0x1f, 0x00, 0x02)
      return 'none'
    case 1:
      if (!isSet(tip, TIP.signature)) return undefined
      results(0x1e, 0x00, 0x00)
      return 'signature'
    case 2:
      if (!isSet(tip, TIP.onlinePin)) return undefined
      // The TVR stays as the card has seen it: its cryptogram is over it, and goes to the issuer with it.
      results(0x02, 0x00, 0x00)
      return 'onlinePin'
    case 3:
      if (!isSet(tip, TIP.onDeviceCvm)) return undefined
      results(0x01, 0x00, 0x02)
      return 'confirmationCode'
    default: {
      // No preference: the strongest that the reader has, where it needs one.
      if (!required) {
        results(0x1f, 0x00, 0x02)
        return 'none'
      }
      const own = isSet(tip, TIP.onlinePin) ? 'onlinePin' : isSet(tip, TIP.signature) ? 'signature' : undefined
      results(own === 'onlinePin' ? 0x02 : 0x1e, 0x00, 0x00)
      return own
    }
  }
}

/** Issuer Update Parameter (9F60): 1 holds the card in the field for the answer, 2 asks for it again. */
function withUpdate(kernel: Kernel, result: ContactlessOutcome, { removalTimeout = 5000 }: JcbSettings): ContactlessOutcome {
  const wish = kernel.data.card.get(0x9f60)?.[0]
  if (!isSet(kernel.data.terminal.get(0x9f53), TIP.issuerUpdate)) return result
  if (wish === 1) return { ...result, start: 'D', onlineResponse: 'any', removalTimeout }
  if (wish !== 2) return result
  return { ...result, start: 'B', onlineResponse: 'emvData', uiOnRestart: { message: UI.presentCardAgain, status: 'readyToRead' } }
}

/** Present and hold: scripts 71, second GENERATE AC, scripts 72, and the outcome by its cryptogram (5.11). */
async function complete(kernel: Kernel, response: OnlineResponse | undefined): Promise<ContactlessOutcome> {
  const { card, terminal } = kernel.data
  const approved = response?.code !== undefined && ['00', '10', '11', '01', '02'].includes(response.code)
  const cdol2 = card.get(0x8d)
  const scripts = parseScripts(response?.scripts ?? [])
  if (!cdol2) return endApplication('cardDataMissing')
  if (response?.issuerAuthenticationData) terminal.set(0x91, response.issuerAuthenticationData)
  terminal.set(0x8a, fromText(response?.code ?? 'Z3'))
  await performScripts(kernel, scripts, 0x71)
  const data = buildDol(cdol2, tag => kernel.data.get(tag), kernel.words)
  const { sw, data: answer } = await kernel.exchange({ cla: 0x80, ins: 0xae, p1: approved ? 0x40 : 0x00, p2: 0x00, data, le: 0 })
  for (const tag of [0x9f27, 0x9f36, 0x9f26, 0x9f10, 0x9f4b]) card.delete(tag)
  if (sw === 0x9000) keepResponse(kernel, answer)
  await performScripts(kernel, scripts, 0x72)
  const tc = sw === 0x9000 && givenCryptogram(kernel) === 'TC'
  return outcome(kernel, tc ? 'approved' : 'declined', tc ? 'none' : undefined)
}

/** An online PIN shows "enter PIN" at once; an approval always asks for a receipt. */
function outcome(kernel: Kernel, status: Decision, cvm?: ContactlessCvm): ContactlessOutcome {
  const ui = status === 'onlineRequest' && cvm === 'onlinePin' ? { message: UI.enterPin } : {}
  const result = decided(kernel, status, cvm, { record, discretionary: [0x9f53, 0x9f5b], ui })
  return status === 'approved' ? { ...result, receipt: true } : result
}
