/** What the events and answers of a BluePad say of a payment, and what its Outcome is. */

import { fromHex } from '../../src/bytes.ts'
import type { CardInterface, CvmName, Outcome } from '../../src/emv/outcome.ts'
import type { Transaction } from '../../src/emv/terminal.ts'
import { type Fault, isFault } from '../../src/errors.ts'
import type { MessageId } from '../../src/messages/messages.ts'
import type { Mismatch } from '../../src/reader/binding.ts'
import { invitation } from '../../src/reader/invitation.ts'
import type { Relay } from '../../src/reader/relay.ts'
import { read } from '../../src/tlv/ber.ts'
import { answerElements, cvms, type DeviceMessage, elements, eventElements, type HostQuestion, statuses } from './codec.ts'
import { type Ended, endingOf } from './endings.ts'

/** One payment, as far as it is known. */
export interface Known {
  readonly relay: Relay
  /** The XML of every message, for what it says of the reader itself. */
  readonly learn: (told: ReadonlyMap<string, string>) => void
  /** The request has left for a host that only the reader understands: its word comes with the reader's answer. */
  carried: boolean
  /** The reader understands the elements of `codec-host.ts`: its host is the app's. */
  readonly extended: boolean
  /** The host that only the reader understands has answered. */
  answered: boolean
  /** Raised by the app while it was the host, or was asked for the signature. */
  fault: Fault | undefined
  /** The reader said nothing for too long. */
  silence: Fault | undefined
  unsigned: boolean
  /** The cardholder is at the keypad; or has entered a PIN, and whether it was right is not known yet. */
  pin: 'typing' | 'entered' | undefined
  cancelAllowed: boolean
  /** Something was heard of this payment. */
  begun: boolean
  /** A card was told of. */
  presented: boolean
  /** The cardholder has something to do at the reader: it is silent for as long as that takes. */
  people: boolean
  /** The app's user signs. */
  signing: boolean
  /** The chip was not read, and what is asked for since. */
  ask?: 'chip' | 'swipe' | 'tap'
  /** The stripe was read in place of a chip that failed. */
  chipFailed?: boolean
}

/** What the reader shows while it tells of this. */
const screens = new Map<number, MessageId>([
  [statuses.CARD_INSERTED, 'reader.processing'],
  [statuses.APPLICATION_SELECTION, 'reader.selectApplication'],
  [statuses.APPLICATION_CONFIRMATION, 'reader.selectApplication'],
  [statuses.PIN_INPUT_COMPLETED, 'reader.processing'],
  [statuses.WAITING_CARD_REMOVAL, 'reader.removeCard'],
  [statuses.REMOVE_CARD, 'reader.removeCard'],
  [statuses.WAITING_SIGNATURE, 'reader.approvedSign'],
  [statuses.CONNECTING, 'reader.authorising'],
  [statuses.ICC_CARD_SWIPED, 'reader.insertCard'],
  [statuses.BATTERY_TOO_LOW, 'reader.lowBattery'],
])

/** Whether the cardholder has something to do; other events change nothing of that. */
const peopleAt = new Map<number, boolean>([
  ...[
    ...[statuses.WAITING_CARD, statuses.APPLICATION_SELECTION, statuses.APPLICATION_CONFIRMATION, statuses.PIN_INPUT],
    ...[statuses.WAITING_CARD_REMOVAL, statuses.REMOVE_CARD, statuses.WAITING_SIGNATURE],
  ].map(status => [status, true] as const),
  ...[statuses.CARD_INSERTED, statuses.PIN_INPUT_COMPLETED, statuses.CONNECTING].map(status => [status, false] as const),
])

export function heard(known: Known, { status, xml }: Extract<DeviceMessage, { type: 'event' }>): void {
  const { relay } = known
  const { emit } = relay
  const told = elements(xml)
  known.learn(told)
  known.people = peopleAt.get(status) ?? (known.begun ? known.people : true)
  known.begun = true
  known.cancelAllowed = told.get('CancelAllowed') === 'true'
  const again = known.pin === 'entered' && status === statuses.PIN_INPUT
  // The wire has no word for a wrong PIN, nor for a right one: the PIN is asked again, or it is not.
  if (known.pin === 'entered' && status !== statuses.PIN_INPUT_COMPLETED) {
    emit({ type: 'pin', event: again ? 'wrong' : 'ok' })
    known.pin = undefined
  }
  if (status === statuses.CARD_INSERTED) presented(known, 'chip')
  if (status === statuses.CARD_READING_FAILED) failedChip(known, told.get(eventElements.ask))
  if (status === statuses.APPLICATION_SELECTION || status === statuses.APPLICATION_CONFIRMATION)
    emit({ type: 'application-selection', where: 'reader' })
  if (status === statuses.PIN_INPUT) {
    known.pin = 'typing'
    emit({ type: 'pin', event: 'started' })
  }
  if (status === statuses.PIN_INPUT_COMPLETED) known.pin = 'entered'
  if (status === statuses.WAITING_CARD) relay.show(invited(known))
  const screen = status === statuses.PIN_INPUT ? (again ? 'reader.wrongPin' : 'reader.enterPin') : screens.get(status)
  if (screen) relay.show(screen)
}

/** What the cardholder is asked to do. */
function invited({ ask, relay }: Known): MessageId {
  if (ask === 'chip') return 'reader.tryAgain'
  return invitation(ask ? [ask] : (relay.transaction.interfaces ?? ['chip', 'tap', 'swipe']))
}

/** A reader in the middle of a payment goes on by itself; what it asks for then only ours says. */
function failedChip(known: Known, element: string | undefined): void {
  const [, ask, left] = /^(chip|swipe|tap) (\d)$/.exec(element ?? '') ?? []
  known.relay.show('reader.cardError')
  known.presented = false
  if (ask === undefined) return
  known.ask = ask as NonNullable<Known['ask']>
  known.relay.emit({ type: 'fallback', ask: known.ask, left: Number(left) })
}

export function learnQuestion(known: Known, { interface: by, cvm, tags, pinBlock }: HostQuestion): void {
  const { relay } = known
  relay.verified = cvm
  relay.pinBlock = pinBlock
  relay.learn(tags)
  presented(known, by)
}

/** The reader's events know of a card that was inserted only; what else came is told when it is known. */
function presented(known: Known, by: CardInterface | undefined): void {
  if (!by) return
  known.relay.by = by
  if (known.presented) return
  known.presented = true
  known.relay.emit({ type: 'card', event: by === 'chip' ? 'inserted' : by === 'tap' ? 'tapped' : 'swiped' })
}

export type Answer = Extract<DeviceMessage, { type: 'saleAnswer' | 'refundAnswer' }>

/** @throws Fault as `endingOf` */
export async function final(known: Known, { status, answer }: Answer): Promise<Outcome> {
  const { relay } = known
  const told = elements(answer?.xml ?? '')
  known.learn(told)
  if (known.pin === 'entered') relay.emit({ type: 'pin', event: 'ok' })
  learnAnswer(known, told)
  const ended = ending(known, status, answer, told)
  if (known.unsigned)
    return relay.outcome('cancelled', 'cardholderCancelled', relay.response?.type === 'approved' ? { reversal: true } : {})
  if (ended.reason === 'cardRemoved') relay.emit({ type: 'card', event: 'removed' })
  if (ended.fallback && !relay.asked) relay.by = 'chip'
  const outcome = await (ended.result === 'approved'
    ? approved(known, answer?.amount ?? 0, told)
    : refused(known, { ...ended, result: ended.result }))
  return known.ask || known.chipFailed ? { ...outcome, fallback: true } : outcome
}

/** A reader of the vendor's has a host of its own: its word is believed when that host has answered through the app. */
async function approved({ relay, carried, extended, answered }: Known, paid: number, told: ReadonlyMap<string, string>): Promise<Outcome> {
  relay.foreign = differing(relay.transaction, paid, told)
  return carried || !extended ? relay.approvedElsewhere(answered) : relay.approved()
}

/** What the answer says in words of its own. An amount of zero is none; a total may have a tip in it, which is not the app's. */
function differing(
  { amount, currency, type = 'purchase' }: Transaction,
  paid: number,
  told: ReadonlyMap<string, string>,
): Mismatch | undefined {
  const rules: readonly [tag: string, value: string | undefined, allowed: readonly (string | RegExp)[], rule: string][] = [
    ['amount', paid === 0 ? undefined : `${paid}`, [`${amount}`], `the amount asked for, ${amount} minor units`],
    ['RequestedAmount', told.get('RequestedAmount'), [`${amount}`, /\D/], `the amount asked for, ${amount} minor units`],
    [
      'Currency',
      told.get('Currency'),
      [currency.alpha, `${currency.numeric}`, `${currency.numeric}`.padStart(3, '0')],
      `the currency asked for, ${currency.alpha}`,
    ],
    ['TransactionType', told.get('TransactionType'), [type === 'refund' ? 'REFUND' : /^(?!REFUND$)/], `the type asked for, ${type}`],
  ]
  const found = rules.find(
    ([, value, allowed]) => value && !allowed.some(one => (typeof one === 'string' ? one === value : one.test(value))),
  )
  return found && { tag: found[0], value: found[1] ?? '', rule: found[3] }
}

/** After the host was asked, a reader's own error is no fault any more: money may have moved. */
function ending({ relay }: Known, ...given: Parameters<typeof endingOf>): Ended {
  try {
    return endingOf(...given)
  } catch (error) {
    if (!relay.response) throw error
    return { result: 'declined', reason: 'readerError' }
  }
}

/** Without a reason of its own, whose no it is depends on who was asked. */
function refused(
  { relay, carried, pin }: Known,
  { result, reason, fallback }: Ended & { readonly result: 'declined' | 'cancelled' },
): Outcome {
  // The reader did not wait for the app's host any longer: it may have approved, or may yet.
  const due = relay.asked && !carried && !relay.response ? { reversal: true } : {}
  if (reason === 'cardTimeout' && pin === 'typing') return relay.ended(result, 'pinTimeout')
  if (reason !== undefined && reason !== 'offlineDeclined') return relay.ended(result, reason, { ...(fallback && { fallback }), ...due })
  if (result === 'cancelled') return relay.ended(result, 'cardholderCancelled', due)
  return carried ? relay.outcome('declined', 'hostDeclined') : relay.declined(due.reversal)
}

const CHIP_FAILED = 'CHIPFAILMAGSTRIPE'
/** `paymentScenario`, else `CardEntryType`, where the reader says them. */
const scenarios: Readonly<Record<string, CardInterface>> = {
  ...{ CHIP: 'chip', ICC: 'chip', CHIPCONTACTLESS: 'tap', MAGSTRIPECONTACTLESS: 'tap' },
  ...{ MAGSTRIPE: 'swipe', [CHIP_FAILED]: 'swipe', MSR: 'swipe' },
}
/** `CVM` (VerificationMethod). PIN may be either: an offline one is told by the card's own data. */
const methods: Readonly<Record<string, CvmName>> = {
  ...{
    SIGNATURE: 'signature',
    PIN_SIGNATURE: 'signature',
    PIN: 'onlinePin',
    MOBILE_PASS_CODE: 'device',
    NOT_REQUIRED: 'none',
    FAILED: 'none',
  },
}

function learnAnswer(known: Known, told: ReadonlyMap<string, string>): void {
  const { relay } = known
  relay.learn(dataOf(told.get(answerElements.data)))
  const by = scenarios[told.get('paymentScenario') ?? ''] ?? scenarios[told.get('CardEntryType') ?? '']
  if (by) presented(known, by)
  if (told.get('paymentScenario') === CHIP_FAILED) known.chipFailed = true
  relay.verified = cvms.find(one => one === told.get(answerElements.cvm)) ?? relay.verified ?? methods[told.get('CVM') ?? '']
  relay.label ??= relay.tags.has(0x84) ? undefined : told.get('CardSchemeName')
}

/** Data objects as hex; none where it is something else. */
function dataOf(hexadecimal: string | undefined): ReadonlyMap<number, Uint8Array> {
  try {
    return new Map(read(fromHex(hexadecimal ?? '')).map(({ tag, value }) => [tag, value.slice()]))
  } catch (error) {
    if (isFault(error, 'bad-hex', 'tlv')) return new Map()
    throw error
  }
}
