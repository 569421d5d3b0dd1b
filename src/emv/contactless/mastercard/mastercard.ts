/** Kernel 2, Mastercard: modes, limits, relay resistance, CDA and the CVM list, up to GENERATE AC (EMV Contactless Book C-2). */

import { hex, uint } from '../../../bytes.ts'
import { isSet } from '../../data.ts'
import { iccKey } from '../../oda/keys.ts'
import { isFailed } from '../../oda/signature.ts'
import type { Kernel } from '../../steps/context.ts'
import { walkCvmList } from '../cvm-list.ts'
import type { ContactlessKernel, KernelActivation } from '../entry.ts'
import type { ContactlessCvm, ContactlessOutcome } from '../outcome.ts'
import {
  cardError,
  getProcessingOptions,
  type KernelEnvironment,
  keepResponse,
  lacking,
  panAgrees,
  readFiles,
  restrictions,
} from '../session.ts'
import { BALANCE, readBalance } from './balance.ts'
import {
  AIP,
  aboveCvmLimit,
  aboveTransactionLimit,
  config,
  configured,
  giveUp,
  mastercardDefaults,
  mastercardSession,
  money,
  onDevice,
  setCapabilities,
} from './data.ts'
import { checkExchange, type DataExchangeHandler, Exchange, isExchangeTimeout } from './exchange.ts'
import { generate } from './generate.ts'
import { magstripeMode } from './magstripe.ts'
import { selectNext } from './outcome.ts'
import { resistRelay } from './relay-resistance.ts'
import { dsIdAgrees, isReading, needForStorage, requestStorage, slotAnswered } from './storage.ts'
import { TornLog } from './torn-log.ts'

export interface MastercardSettings {
  /** Data objects over `mastercardDefaults`; an empty one takes a default away, and is "present and empty" where there is none. */
  readonly data?: ReadonlyMap<number, Uint8Array>
  /** Keeps torn transactions from one tap to the next, as many as DF811D says. */
  readonly torn?: TornLog
  /** The terminal, for data exchange: without it nobody is told what was read, nor asked. */
  readonly exchange?: DataExchangeHandler
  /** CVM Results (9F34) hold the method alone, without b8–b7 of the CVM code, as some deployed readers send it. EMV 4.4 Book 4, A4 has the whole code. */
  readonly bareCvmCode?: boolean
}

/** @throws Fault `bad-config`, `unsupported` on a configuration of data storage or data exchange that cannot be */
export function mastercardKernel(environment: KernelEnvironment, settings: MastercardSettings = {}): ContactlessKernel {
  const own = new Map([...mastercardDefaults, ...(settings.data ?? [])])
  checkExchange(own, settings.exchange !== undefined)
  const memory = settings.torn ?? new TornLog()
  return async activation => {
    const kernel = mastercardSession(activation, environment, own)
    try {
      return fieldOff(kernel, await run(kernel, activation, settings, memory))
    } catch (fault) {
      if (isExchangeTimeout(fault)) return fieldOff(kernel, noAnswer)
      const { error, sw } = cardError(fault)
      return fieldOff(kernel, giveUp(kernel, error, sw))
    }
  }
}

/** The terminal did not answer a question of data exchange (L3 "time out"; S2.3, S6.1). */
const noAnswer: ContactlessOutcome = {
  status: 'endApplication',
  discretionaryData: new Map([[0xdf8115, Uint8Array.of(0x00, 0x00, 0x01, 0x00, 0x00, 0xff)]]),
}

/** A card that detects the field being off (9F5D byte 2, b3) wants it off after each outcome (S1.8). */
function fieldOff(kernel: Kernel, outcome: ContactlessOutcome): ContactlessOutcome {
  if (!isSet(kernel.data.card.get(0x9f5d), { byte: 2, bit: 3 })) return outcome
  return { ...outcome, fieldOff: uint(config(kernel, 0xdf8130)) * 100 }
}

async function run(
  kernel: Kernel,
  activation: KernelActivation,
  settings: MastercardSettings,
  memory: TornLog,
): Promise<ContactlessOutcome> {
  const { card } = kernel.data
  const exchange = new Exchange(kernel, settings.exchange)
  requestStorage(kernel, exchange)
  if (exchange.needFor(card.get(0x9f38))) await exchange.speak()
  const { sw, data } = await getProcessingOptions(kernel)
  if (sw !== 0x9000) return selectNext(kernel, 'statusBytes', sw)
  keepResponse(kernel, data)
  if (lacking(kernel, [0x82, 0x94]).length > 0) return giveUp(kernel, 'cardDataMissing')
  if (configured(kernel, 'noEmv') || !isSet(card.get(0x82), AIP.emvMode)) {
    if (configured(kernel, 'noMagstripe')) return giveUp(kernel, 'magstripeNotSupported')
    return magstripeMode(kernel, activation, exchange, memory)
  }
  const relayed = await relay(kernel)
  if (relayed) return relayed
  const afl = card.get(0x94)!
  // The first entry is the mag-stripe record, which EMV mode skips when the reader has that mode too (S3.32).
  const skip = hex(afl.subarray(0, 4)) === '08010100' && !configured(kernel, 'noMagstripe')
  return emvMode(kernel, activation, skip ? afl.subarray(4) : afl, exchange, settings)
}

/** From the records to the outcome; Mir's Protocol 1 goes the same way with limits of its own. */
export async function emvMode(
  kernel: Kernel,
  activation: KernelActivation,
  afl: Uint8Array,
  exchange: Exchange,
  { torn, bareCvmCode }: Pick<MastercardSettings, 'torn' | 'bareCvmCode'> = {},
): Promise<ContactlessOutcome> {
  const { card, terminal } = kernel.data
  await exchange.readTags()
  slotAnswered(kernel, exchange)
  await exchange.speak()
  await readFiles(kernel, afl)
  exchange.needFor(card.get(0x8c))
  needForStorage(kernel, exchange)
  await exchange.awaitLeave()
  if (aboveTransactionLimit(kernel)) return selectNext(kernel, 'maxLimitExceeded')
  if (lacking(kernel, [0x5f24, 0x5a, 0x8c]).length > 0) return giveUp(kernel, 'cardDataMissing')
  if (!panAgrees(kernel) || (isReading(kernel) && !dsIdAgrees(kernel))) return giveUp(kernel, 'cardDataError')
  await exchange.finish()
  const cda = prepareCda(kernel)
  setCapabilities(kernel, aboveCvmLimit(kernel) ? 0xdf8118 : 0xdf8119)
  await readBalance(kernel, BALANCE.before)
  kernel.step = 'restrictions'
  restrictions(kernel)
  const cvm = verify(kernel)
  if (bareCvmCode) {
    const [code, condition, result] = terminal.get(0x9f34)!
    terminal.set(0x9f34, Uint8Array.of(code & 0x3f, condition, result))
  }
  if (kernel.transaction.amount > money(kernel, 0xdf8123))
    kernel.raise('floorLimitExceeded', { rule: 'Book C-2, S456.30: the amount is above the floor limit', inputs: [0x9f02, 0xdf8123] })
  return generate(kernel, { activation, cvm, cda, torn, exchange })
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
  // A slot of data storage is only read with a signature (S3R1.18).
  if ((!isSet(card.get(0x82), AIP.cda) || !capable) && !isReading(kernel)) {
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
