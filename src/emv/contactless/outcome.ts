/** What a contactless kernel gives back: an outcome with its parameters and user interface requests (EMV Contactless Book A, 6 and 7). */

import { concat, fromText, fromUint, toBcd } from '../../bytes.ts'
import type { MessageId } from '../../messages/messages.ts'

/** Where Entry Point goes on: pre-processing, protocol activation, combination selection, kernel activation. */
export type StartPoint = 'A' | 'B' | 'C' | 'D'

/** How a kernel ends (EMV Contactless Book A, 6.1). */
export type OutcomeStatus = 'approved' | 'declined' | 'onlineRequest' | 'endApplication' | 'selectNext' | 'tryAnotherInterface' | 'tryAgain'

/** `confirmationCode`: the consumer's device verified its holder. */
export type ContactlessCvm = 'none' | 'signature' | 'onlinePin' | 'confirmationCode'

/** Message identifiers of Book A, 9.4. */
export const UI = {
  approved: 0x03,
  declined: 0x07,
  enterPin: 0x09,
  processingError: 0x0f,
  removeCard: 0x10,
  welcome: 0x14,
  presentCard: 0x15,
  processing: 0x16,
  cardReadOk: 0x17,
  insertOrSwipe: 0x18,
  presentOneCard: 0x19,
  approvedSign: 0x1a,
  authorising: 0x1b,
  tryAnotherCard: 0x1c,
  insertCard: 0x1d,
  clear: 0x1e,
  seePhone: 0x20,
  presentCardAgain: 0x21,
} as const
export type UiMessage = (typeof UI)[keyof typeof UI]

const texts: Partial<Record<UiMessage, MessageId>> = {
  [UI.approved]: 'reader.approved',
  [UI.declined]: 'reader.declined',
  [UI.enterPin]: 'reader.enterPin',
  [UI.processingError]: 'reader.cardError',
  [UI.removeCard]: 'reader.removeCard',
  [UI.welcome]: 'reader.idle',
  [UI.presentCard]: 'reader.presentCard',
  [UI.processing]: 'reader.processing',
  [UI.cardReadOk]: 'reader.cardReadOk',
  [UI.insertOrSwipe]: 'reader.insertOrSwipe',
  [UI.presentOneCard]: 'reader.presentOneCard',
  [UI.approvedSign]: 'reader.approvedSign',
  [UI.authorising]: 'reader.authorising',
  [UI.tryAnotherCard]: 'reader.tryAnotherCard',
  [UI.insertCard]: 'reader.insertCard',
  [UI.seePhone]: 'reader.seePhone',
  [UI.presentCardAgain]: 'reader.presentCardAgain',
}

/** The text of a message; undefined where the display is cleared, or the identifier is none of ours. */
export function uiText(message: number): MessageId | undefined {
  return texts[message as UiMessage]
}

/** What the reader is doing, for its lights and sounds (Book A, 7.1). */
export type UiStatus =
  | 'notReady'
  | 'idle'
  | 'readyToRead'
  | 'processing'
  | 'cardReadSuccessfully'
  | 'processingError'
  | 'conditionsNotSatisfied'
  | 'collision'
  | 'cardNotRemoved'

/** User Interface Request of EMV Contactless Book A: what the reader is to show, light and sound. */
export interface UiRequest {
  /** Message identifier of Book A. */
  readonly message: number
  /** What the reader is doing, for lights and sounds. */
  readonly status: UiStatus
  /** How long it stays before the next one, in ms. */
  readonly hold?: number
  /** 5F2D as the card gave it. */
  readonly language?: string
  /** An amount to show with the message. */
  readonly value?: {
    /** Whether it is what is paid, or what is left on the card. */
    readonly qualifier: 'amount' | 'balance'
    /** Minor units. */
    readonly amount: bigint
    /** ISO 4217 numeric. */
    readonly currency: number
  }
}

/** What a kernel ends with, and what Entry Point is to do then (EMV Contactless Book A). */
export interface ContactlessOutcome {
  /** How the kernel ended. */
  readonly status: OutcomeStatus
  /** Where Entry Point is entered again: after the host answered an online request, at once for the others. */
  readonly start?: StartPoint
  /** With a start: which answer leads there. `any`: every one, even none; `emvData`: one that brings 91, 71 or 72. */
  readonly onlineResponse?: 'any' | 'emvData'
  /** How the cardholder is to be verified; left out where that does not apply. */
  readonly cvm?: ContactlessCvm
  /** Shown with the outcome. */
  readonly uiOnOutcome?: UiRequest
  /** Shown when the field comes back. */
  readonly uiOnRestart?: UiRequest
  /** Data objects for the host (and the receipt). */
  readonly dataRecord?: ReadonlyMap<number, Uint8Array>
  /** Data objects about how it went, for logs and for the terminal: never in clear where they are sensitive. */
  readonly discretionaryData?: ReadonlyMap<number, Uint8Array>
  /** Where the card is sent with `tryAnotherInterface`. */
  readonly alternateInterface?: 'contact' | 'magstripe' | 'both'
  /** The card asks for a receipt. */
  readonly receipt?: boolean
  /** The field is off for this long, in ms. */
  readonly fieldOff?: number
  /** How long the card may be asked to stay in the field while the host is asked, in ms. */
  readonly removalTimeout?: number
  /** With no candidate: an application of the card whose kernel is not here. */
  readonly unsupported?: {
    /** ADF Name (4F). */
    readonly name: Uint8Array
    /** Application Label (50), as text. */
    readonly label?: string
  }
}

/** The host's answer as Entry Point and kernels take it: 91, the templates 71 and 72, and 8A. */
export interface OnlineResponse {
  /** 91. */
  readonly issuerAuthenticationData?: Uint8Array
  /** Templates 71 and 72, whole. */
  readonly scripts?: readonly Uint8Array[]
  /** 8A, two characters; undefined when no host could be reached. */
  readonly code?: string
}

export function bringsEmvData(response: OnlineResponse | undefined): boolean {
  return response !== undefined && (response.issuerAuthenticationData !== undefined || (response.scripts?.length ?? 0) > 0)
}

const statusCodes: Record<OutcomeStatus, number> = {
  approved: 1,
  declined: 2,
  onlineRequest: 3,
  endApplication: 4,
  selectNext: 5,
  tryAnotherInterface: 6,
  tryAgain: 7,
}
const cvmCodes: Record<ContactlessCvm, number> = { none: 0, signature: 1, onlinePin: 2, confirmationCode: 3 }
const uiStatuses: readonly UiStatus[] = [
  'notReady',
  'idle',
  'readyToRead',
  'processing',
  'cardReadSuccessfully',
  'processingError',
  'conditionsNotSatisfied',
  'collision',
  'cardNotRemoved',
]

/** Outcome Parameter Set (DF8129), 8 bytes, codes in the high nibbles; N/A is F (Book C-2, A.1.117). */
export function encodeOutcome(outcome: ContactlessOutcome): Uint8Array {
  const { start, cvm, fieldOff, removalTimeout = 0 } = outcome
  const flags = [outcome.uiOnOutcome, outcome.uiOnRestart, outcome.dataRecord, outcome.discretionaryData, outcome.receipt]
  return Uint8Array.of(
    statusCodes[outcome.status] << 4,
    (start === undefined ? 0xf : 'ABCD'.indexOf(start)) << 4,
    0xf0,
    (cvm === undefined ? 0xf : cvmCodes[cvm]) << 4,
    flags.reduce((byte: number, flag, i) => (flag ? byte | (0x80 >> i) : byte), 0),
    0xf0,
    fieldOff === undefined ? 0xff : Math.round(fieldOff / 100),
    Math.round(removalTimeout / 100),
  )
}

/** User Interface Request Data (DF8116), 22 bytes (Book C-2, A.1.194). */
export function encodeUiRequest({ message, status, hold = 0, language = '', value }: UiRequest): Uint8Array {
  const preference = new Uint8Array(8)
  preference.set(fromText(language.slice(0, 8)))
  return concat(
    Uint8Array.of(message, uiStatuses.indexOf(status)),
    toBcd(Math.round(hold / 100), 3),
    preference,
    Uint8Array.of(value === undefined ? 0 : value.qualifier === 'amount' ? 0x10 : 0x20),
    toBcd(value?.amount ?? 0n, 6),
    fromUint(Number.parseInt(String(value?.currency ?? 0), 16), 2),
  )
}
