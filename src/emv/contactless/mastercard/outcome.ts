/** Kernel 2, what an EMV mode run ends with: data record, discretionary data, the outcome by the cryptogram, errors (EMV Contactless Book C-2, S910). */

import { uint } from '../../../bytes.ts'
import { isSet } from '../../data.ts'
import type { Kernel } from '../../steps/context.ts'
import { TRANSACTION_TYPE } from '../../steps/start.ts'
import type { Cryptogram } from '../decide.ts'
import { type ContactlessCvm, type ContactlessOutcome, UI } from '../outcome.ts'
import { errorIndication, type L2Error, pick, recordOf } from '../session.ts'
import { BALANCE, balanceShown } from './balance.ts'
import { aboveCvmLimit, config, giveUp, holdTime } from './data.ts'
import { EXCHANGE } from './exchange.ts'
import { isWriting, STORAGE } from './storage.ts'
import { TORN_RECORD, type Torn, tornRecord } from './torn-log.ts'

/** Data record of EMV mode (FF8105) and discretionary data (FF8106). */
const record = [
  0x9f02, 0x9f03, 0x9f26, 0x5f24, 0x82, 0x50, 0x5a, 0x5f34, 0x9f12, 0x9f36, 0x9f07, 0x9f09, 0x9f27, 0x9f34, 0x84, 0x9f1e, 0x9f10, 0x9f11, 0x9f33,
  0x9f1a, 0x9f35, 0x95, 0x57, 0x9f53, 0x5f2a, 0x9a, 0x9c, 0x9f37, 0x9f41, 0x9f7c, 0x9f6e, 0x9f39,
] // biome-ignore format: a list
const discretionary = [
  0x9f5d, 0x9f42, BALANCE.before, BALANCE.after, STORAGE.summary3, STORAGE.summaryStatus, EXCHANGE.putAfter, EXCHANGE.putBefore, 0xdf8306, 0xdf8307,
] // biome-ignore format: a list

export function dataOf(kernel: Kernel) {
  return { dataRecord: recordOf(kernel, record), discretionaryData: pick(kernel, discretionary) }
}

/** "Select next": the reader looks for another application of this card. */
export function selectNext(kernel: Kernel, error: L2Error, sw = 0): ContactlessOutcome {
  return {
    status: 'selectNext',
    start: 'C',
    ...(error === 'statusBytes' && { fieldOff: uint(config(kernel, 0xdf8130)) * 100 }),
    discretionaryData: new Map([[0xdf8115, errorIndication(error, sw)]]),
  }
}

/**
 * An answer to GENERATE AC or RECOVER AC that is none (S910.50–62, S11.90–101): with the data record where a slot may have been written, and with the
 * record of a torn transaction that was writing and can no more be recovered.
 */
export function failed(kernel: Kernel, error: L2Error, sw = 0, lost?: Torn): ContactlessOutcome {
  const outcome = giveUp(kernel, error, sw)
  const record = lost?.writing && error !== 'idsWriteError' ? ([[TORN_RECORD, tornRecord(lost)]] as const) : []
  return {
    ...outcome,
    ...(isWriting(kernel) && error !== 'idsWriteError' && { dataRecord: dataOf(kernel).dataRecord }),
    discretionaryData: new Map([...pick(kernel, discretionary), ...outcome.discretionaryData!, ...record]),
  }
}

/** A signature that is missing or wrong (S910.7). */
export function camFailed(kernel: Kernel, lost?: Torn): ContactlessOutcome {
  kernel.raise('cdaFailed', { rule: 'Book C-2, S910: the signature is missing or wrong', inputs: [0x9f4b] })
  return failed(kernel, 'camFailed', 0, lost)
}

/** The outcome by the cryptogram (S910.74–81). */
export function outcomeOf(kernel: Kernel, given: Cryptogram, cvm: ContactlessCvm): ContactlessOutcome {
  const hold = holdTime(kernel)
  const data = dataOf(kernel)
  const receipt = cvm === 'signature' || aboveCvmLimit(kernel) ? { receipt: true } : {}
  const show = (message: number, hold: number) => ({ message, status: 'notReady' as const, hold })
  if (given === 'TC') {
    const message = cvm === 'signature' ? UI.approvedSign : UI.approved
    return { status: 'approved', cvm, uiOnOutcome: { ...show(message, hold), ...balanceShown(kernel) }, ...data, ...receipt }
  }
  if (given === 'ARQC') return { status: 'onlineRequest', cvm, uiOnOutcome: show(UI.authorising, 0), ...data, ...receipt }
  const type = kernel.data.terminal.get(0x9c)![0]
  const purchase = [TRANSACTION_TYPE.purchase, TRANSACTION_TYPE.cash, TRANSACTION_TYPE.cashback, 0x17].includes(type)
  if (!purchase) return { status: 'endApplication', uiOnOutcome: show(UI.clear, 0), ...data }
  const contact = isSet(config(kernel, 0xdf8117), { byte: 1, bit: 6 })
  if (contact && isPlasticCard(kernel.data.card.get(0x9f6e)))
    return { status: 'tryAnotherInterface', alternateInterface: 'contact', uiOnOutcome: show(UI.insertCard, hold), ...data }
  return { status: 'declined', uiOnOutcome: show(UI.declined, hold), ...data }
}

/** Third Party Data (9F6E): its device type, where it has one, is "card" (3030). */
function isPlasticCard(thirdParty: Uint8Array | undefined): boolean {
  if (!thirdParty || thirdParty.length < 5 || (thirdParty[2] & 0x80) !== 0) return true
  return uint(thirdParty.subarray(4, 6)) === 0x3030
}
