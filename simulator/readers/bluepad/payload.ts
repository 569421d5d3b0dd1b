/** What a virtual BluePad makes of a payment on the wire: requests into transactions, outcomes into statuses, amounts and XML. */

import {
  answerElements,
  elements,
  type Finance,
  type FinanceAnswer,
  type FinancialStatus,
  financialStatuses,
  requestElements,
  statuses,
  xml,
} from '../../../devices/bluepad/codec.ts'
import { concat, hex } from '../../../src/bytes.ts'
import { currency } from '../../../src/currency.ts'
import type { CardInterface, Outcome, Reason } from '../../../src/emv/outcome.ts'
import { displayName } from '../../../src/emv/steps/fci.ts'
import type { Transaction } from '../../../src/emv/terminal.ts'
import { type Fault, isFault } from '../../../src/errors.ts'
import { maskPan } from '../../../src/mask.ts'
import { write } from '../../../src/tlv/ber.ts'
import type { Battery } from '../body/body.ts'
import { withCvm } from '../told.ts'

const everything: readonly CardInterface[] = ['chip', 'tap', 'swipe']

/** @throws Fault `bad-argument` for a currency that is not known */
export function transactionOf(
  type: 'sale' | 'refund',
  { currency: numeric, amount, xml }: Finance,
): Transaction & { readonly interfaces: readonly CardInterface[] } {
  const told = elements(xml)
  const wanted = told.get(requestElements.interfaces)?.split(' ')
  const [tries, ...to] = told.get(requestElements.fallback)?.split(' ') ?? []
  const prefer = told.get(requestElements.prefer)?.split('|')
  return {
    type: type === 'sale' ? 'purchase' : 'refund',
    amount: BigInt(amount),
    currency: currency(numeric),
    forceOnline: told.get(requestElements.forceOnline) === 'true',
    interfaces: wanted ? everything.filter(one => wanted.includes(one)) : everything,
    ...(prefer && { prefer }),
    ...(tries !== undefined && { fallback: { tries: Number(tries), to: to.filter(one => one === 'swipe' || one === 'tap') } }),
  }
}

/** The status of an answer by why the payment ended so; success where the financial status says all. */
const reasons: { readonly [R in Reason]?: number } = {
  cardholderCancelled: statuses.USER_CANCELLED,
  merchantCancelled: statuses.POS_CANCELLED,
  cardTimeout: statuses.INPUT_TIMEOUT,
  pinTimeout: statuses.INPUT_TIMEOUT,
  cardRemoved: statuses.CARD_READING_FAILED,
  cardMute: statuses.CARD_READING_FAILED,
  cardError: statuses.CARD_CANCELLED,
  cardBlocked: statuses.CARD_BLOCKED,
  applicationBlocked: statuses.CARD_BLOCKED,
  noApplication: statuses.INVALID_CARD,
  notAccepted: statuses.TRANS_NOT_ALLOWED,
  unableToGoOnline: statuses.CONNECT_ERROR,
}

/** What a fault inside the reader looks like from outside. */
export function statusOfFault(fault: Fault): number {
  if (isFault(fault, 'low-battery')) return statuses.BATTERY_TOO_LOW
  if (isFault(fault, 'tampered')) return statuses.NOT_INITIALISED
  if (isFault(fault, 'update-required')) return statuses.COMMAND_NOT_ALLOWED
  if (isFault(fault, 'bad-argument')) return statuses.UNSUPPORTED_CURRENCY
  if (isFault(fault, 'unsupported')) return statuses.TRANS_NOT_ALLOWED
  if (isFault(fault, 'aborted', 'link-closed')) return statuses.POS_CANCELLED
  return statuses.PROCESSING_ERROR
}

/** Never leaves the reader: Transaction PIN Data (EMV 4.4 Book 3, Annex A). */
const secret = 0x99

const methods = { none: 'NOT_REQUIRED', onlinePin: 'PIN', offlinePin: 'PIN', signature: 'SIGNATURE', device: 'MOBILE_PASS_CODE' } as const
const scenarios = { chip: 'CHIP', tap: 'CHIPCONTACTLESS', swipe: 'MAGSTRIPE' } as const
const words = { approved: 'AUTHORISED', declined: 'DECLINED', cancelled: 'CANCELLED' } as const

/** What every XML of the reader says of itself. */
export type SelfElements = Readonly<Record<string, string | number | boolean | undefined>>

export function selfElements({ percent, millivolts, charging }: Battery, serial: string): SelfElements {
  const digits = serialDigits(serial)
  return {
    SerialNumber: digits,
    BatteryStatus: `${percent}%`,
    BatterymV: millivolts,
    BatteryCharging: charging,
    ExternalPower: charging,
    BluetoothName: serial,
  }
}

/** Twelve digits. */
export function serialDigits(serial: string): string {
  return serial.replace(/\D/g, '').slice(-12).padStart(12, '0')
}

export interface Answered {
  readonly status: number
  readonly answer: FinanceAnswer
}

const codeTables = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

export function answerOf(outcome: Outcome, transaction: Transaction, transactionId: string, self: SelfElements): Answered {
  const { result, reason, interface: by, cvm, fallback, response } = outcome
  const tags = withCvm(outcome)
  const status = (result !== 'approved' && reason && reasons[reason]) || statuses.SUCCESS
  const financial: FinancialStatus = result === 'approved' || result === 'declined' ? result : 'cancelled'
  const aid = tags.get(0x84) ?? tags.get(0x4f)
  const pan = tags.get(0x5a)
  const host = response && response.type !== 'unableToGoOnline' ? response : undefined
  const told = xml('FinancialTransactionResponse', {
    ...self,
    StatusMessage: words[financial],
    TransactionType: transaction.type === 'refund' ? 'REFUND' : 'SALE',
    FinancialStatus: words[financial],
    CVM: cvm && methods[cvm],
    CardEntryType: !by ? 'UNDEFINED' : by === 'swipe' ? 'MSR' : 'ICC',
    paymentScenario: !by ? 'UNKNOWN' : by === 'swipe' && fallback ? 'CHIPFAILMAGSTRIPE' : scenarios[by],
    CardSchemeName: aid && displayName(tags, tags.get(0x9f11), codeTables, aid),
    MaskedCardNumber: pan && maskPan(hex(pan).replace(/F+$/, '')),
    Currency: transaction.currency.numeric,
    RequestedAmount: String(transaction.amount),
    TotalAmount: String(transaction.amount),
    EFTTransactionID: transactionId,
    AuthorisationCode: host?.authorisationCode,
    [answerElements.reason]: reason,
    [answerElements.cvm]: cvm,
    [answerElements.fallback]: fallback,
    [answerElements.data]: hex(concat(...[...tags].filter(([tag]) => tag !== secret).map(([tag, value]) => write(tag, value)))),
  })
  const amount = result === 'approved' ? Number(transaction.amount) : 0
  return {
    status,
    answer: { financial: financialStatuses[financial], amount, transactionId, merchantReceipt: '', customerReceipt: '', xml: told },
  }
}

/** No payment was made of it. */
export function answerOfFault(fault: Fault, self: SelfElements): Answered {
  const status = statusOfFault(fault)
  const financial = status === statuses.POS_CANCELLED ? financialStatuses.cancelled : financialStatuses.notProcessed
  const named = isFault(fault, 'tampered', 'unsupported', 'update-required') ? fault.code : undefined
  const told = xml('FinancialTransactionResponse', { ...self, StatusMessage: fault.code, [answerElements.fault]: named })
  return { status, answer: { financial, amount: 0, transactionId: '', merchantReceipt: '', customerReceipt: '', xml: told } }
}
