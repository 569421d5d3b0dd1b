/** One contactless payment: Entry Point with the kernels of a configuration, PIN and host in between, and the Outcome an app knows. */

import { hex, text } from '../../bytes.ts'
import { systemClock, within } from '../../clock.ts'
import * as door from '../../door.ts'
import { Fault, isFault } from '../../errors.ts'
import { cardData } from '../../tlv/card-data.ts'
import type { TerminalConfig } from '../config.ts'
import type { CvmName, Outcome, Reason } from '../outcome.ts'
import { defaultTimeouts, type KernelOptions } from '../steps/context.ts'
import { commonLanguage } from '../steps/fci.ts'
import { checkDoor } from '../steps/given.ts'
import type { AuthorisationRequest, AuthorisationResponse, PinBlock, Terminal, Transaction } from '../terminal.ts'
import { type ContactlessConfig, combinationsOf, contactlessRule } from './config.ts'
import { EntryPoint, type Field } from './entry.ts'
import { kernelsOf } from './kernels-of.ts'
import type { DataExchangeHandler } from './mastercard/exchange.ts'
import type { TornLog } from './mastercard/torn-log.ts'
import { type ContactlessCvm, type ContactlessOutcome, type OnlineResponse, UI, type UiRequest, uiText } from './outcome.ts'
import { askedFor, namedOf } from './routing.ts'

/** What `tap` may be told beside what every kernel takes. */
export interface TapOptions extends KernelOptions {
  /** Keeps torn transactions of a reader from one payment to the next. */
  readonly torn?: TornLog
  /** Sees every user interface request, holds and values included; texts go to `terminal.display`. */
  readonly onUi?: (request: UiRequest) => void
}

const cvmNames: Record<ContactlessCvm, CvmName> = {
  none: 'none',
  signature: 'signature',
  onlinePin: 'onlinePin',
  confirmationCode: 'device',
}

interface Payment {
  /** A card has come into the field. */
  presented: boolean
  readonly transaction: Transaction
  readonly terminal: Terminal
  readonly options: TapOptions
  readonly signal: AbortSignal
  cvm: CvmName
  pinBlock?: PinBlock
  response?: Exclude<AuthorisationResponse, { type: 'unableToGoOnline' }>
  online: boolean
  language: string | undefined
  /** The request may have left, and no answer came. */
  unanswered: boolean
  tags: ReadonlyMap<number, Uint8Array>
}

/**
 * Waits for a card in the field and pays with it. No list of applications is ever shown: the card's priority decides (Book B, 3.3.3). An abort by
 * `options.signal` is an Outcome; the field is off afterwards.
 * @throws Fault `bad-argument`; `unsupported` for what a configuration asks of a kernel that is not built
 * @example
 * const field = { activate: async ({ signal }) => waitForCard(signal), off: async () => {} }
 * const transaction = { amount: 99_900n, currency: currency('EUR') }
 * const outcome = await tap(field, transaction, mposFor('EUR', site), contactlessFor('EUR'), terminal)
 */
export function tap(
  field: Field,
  transaction: Transaction,
  config: TerminalConfig,
  contactless: ContactlessConfig,
  terminal: Terminal,
  options: TapOptions = {},
): Promise<Outcome> {
  checkDoor(transaction, config, terminal)
  door.need('field', field, door.object)
  door.need('contactless', contactless, contactlessRule)
  return play(field, transaction, config, contactless, terminal, options, goOnline)
}

/** How a tap ends for a reader that does not go online itself: an outcome, or what its host is to ask, the PIN taken. */
export type TapEnd =
  | { readonly type: 'outcome'; readonly outcome: Outcome }
  | { readonly type: 'onlineRequest'; readonly request: AuthorisationRequest }

/** `tap` up to where the host is asked, which somebody else does: no answer comes back to the card. @throws Fault as `tap` */
export async function tapToHost(
  field: Field,
  transaction: Transaction,
  config: TerminalConfig,
  contactless: ContactlessConfig,
  terminal: Pick<Terminal, 'enterPin' | 'display' | 'exchangeData'>,
  options: TapOptions = {},
): Promise<TapEnd> {
  let asked: AuthorisationRequest | undefined
  const own: Terminal = { ...terminal, selectApplication: nobody, authorise: nobody }
  const outcome = await play(field, transaction, config, contactless, own, options, async (payment, request) => {
    asked = request
    return outcomeOf(payment, 'unknown') // the host's word is still out: nobody sees this outcome
  })
  return asked ? { type: 'onlineRequest', request: asked } : { type: 'outcome', outcome }
}

const nobody = () => Promise.reject(new Fault('internal', 'this tap ends before the host is asked'))

type Online = (
  payment: Payment,
  request: AuthorisationRequest,
  entry: EntryPoint,
  outcome: ContactlessOutcome,
  ui: ShowUi,
) => Promise<Outcome>
type ShowUi = (request: UiRequest) => void

async function play(
  field: Field,
  transaction: Transaction,
  config: TerminalConfig,
  contactless: ContactlessConfig,
  terminal: Terminal,
  options: TapOptions,
  online: Online,
): Promise<Outcome> {
  const signal = options.signal ?? new AbortController().signal
  if (transaction.currency.numeric !== contactless.currencyCode)
    throw new Fault(
      'bad-argument',
      `transaction.currency ${transaction.currency.alpha}: the rules are in currency ${contactless.currencyCode}`,
      {
        field: 'currency',
      },
    )
  const payment: Payment = {
    presented: false,
    transaction,
    terminal,
    options,
    signal,
    cvm: 'none',
    online: false,
    language: undefined,
    unanswered: false,
    tags: cardData(),
  }
  const ui = (request: UiRequest) => {
    options.onUi?.(request)
    const words = uiText(request.message)
    if (words) terminal.display?.(words, payment.language)
  }
  const { signal: _, ...kernelOptions } = options
  const exchange: DataExchangeHandler | undefined = terminal.exchangeData && ((dek, waiting) => terminal.exchangeData!(dek, waiting))
  const entry = new EntryPoint(
    {
      combinations: combinationsOf(contactless),
      kernel: kernelsOf(contactless, { config, options: kernelOptions }, options.torn, exchange),
      field,
      ui,
      alternateInterface: 'both',
      ...(transaction.application !== undefined && { asked: askedFor(transaction.application, contactless) }),
    },
    transaction,
    signal,
  )
  try {
    const outcome = await entry.run('A')
    payment.presented = entry.presented
    payment.language = commonLanguage(entry.languagePreference, config.languages)
    return await conclude(payment, entry, outcome, ui, online)
  } catch (error) {
    payment.presented = entry.presented
    const aborted = signal.aborted || isFault(error, 'aborted')
    if (aborted && payment.unanswered) return outcomeOf(payment, 'unknown', 'merchantCancelled')
    if (aborted) return outcomeOf(payment, payment.online ? 'declined' : 'cancelled', 'merchantCancelled')
    if (isFault(error, 'card-mute', 'card-removed') && !payment.online) return outcomeOf(payment, 'declined', 'cardMute')
    if (isFault(error, 'timeout') && !payment.online) return outcomeOf(payment, 'cancelled', 'cardTimeout')
    throw error
  } finally {
    await field.off()
  }
}

async function conclude(payment: Payment, entry: EntryPoint, outcome: ContactlessOutcome, ui: ShowUi, online: Online): Promise<Outcome> {
  payment.tags = cardData([...(outcome.discretionaryData ?? []), ...(outcome.dataRecord ?? [])])
  payment.cvm = cvmNames[outcome.cvm ?? 'none']
  switch (outcome.status) {
    case 'approved':
      return outcomeOf(payment, 'approved')
    case 'onlineRequest': {
      const request = await onlineRequest(payment, outcome, ui)
      return 'result' in request ? request : online(payment, request, entry, outcome, ui)
    }
    case 'tryAnotherInterface':
      return outcomeOf(payment, 'declined', 'tryAnotherInterface')
    case 'endApplication':
      if (outcome.unsupported) return { ...outcomeOf(payment, 'declined', 'kernelUnsupported'), application: namedOf(outcome.unsupported) }
      if (outcome.discretionaryData?.has(0xdf8115)) return outcomeOf(payment, 'declined', 'cardError')
      // With a data record the card has given its cryptogram: one that declines.
      return outcomeOf(payment, 'declined', outcome.dataRecord ? 'offlineDeclined' : 'noApplication')
    default:
      return outcomeOf(payment, 'declined', 'offlineDeclined')
  }
}

/** What the host is asked, with the PIN where one is due; an outcome where the cardholder does not enter it. */
async function onlineRequest(payment: Payment, outcome: ContactlessOutcome, ui: ShowUi): Promise<AuthorisationRequest | Outcome> {
  const { terminal, transaction, signal, options } = payment
  const { clock = systemClock } = options
  const timeouts = { ...defaultTimeouts, ...options.timeouts }
  if (outcome.cvm === 'onlinePin' && terminal.enterPin) {
    ui({ message: UI.enterPin, status: 'notReady' })
    const pan = panOf(payment.tags)
    const entered = await within({ timeout: timeouts.pin, signal, clock, what: 'PIN entry' }, inner =>
      terminal.enterPin!({ type: 'online', pan }, { signal: inner, language: undefined }),
    ).catch(error => {
      if (isFault(error, 'timeout')) return { type: 'timeout' as const }
      throw error
    })
    if (entered.type === 'timeout') return outcomeOf(payment, 'cancelled', 'pinTimeout')
    if (entered.type !== 'onlinePin') return outcomeOf(payment, 'cancelled', 'cardholderCancelled')
    payment.pinBlock = entered.block
  }
  return {
    transaction,
    interface: 'tap',
    cvm: payment.cvm,
    tags: payment.tags,
    ...(payment.pinBlock && { pinBlock: payment.pinBlock }),
  }
}

async function goOnline(
  payment: Payment,
  request: AuthorisationRequest,
  entry: EntryPoint,
  outcome: ContactlessOutcome,
  ui: ShowUi,
): Promise<Outcome> {
  const timeouts = { ...defaultTimeouts, ...payment.options.timeouts }
  payment.online = true
  payment.unanswered = true
  const removal = removalTimer(outcome, payment, ui)
  const response = await ask(payment, request, timeouts.host).finally(() => removal.cancel())
  if (response.type === 'unableToGoOnline') {
    ui({ message: UI.declined, status: 'notReady' })
    return outcomeOf(payment, 'declined', 'unableToGoOnline')
  }
  payment.response = response
  const refused = removal.over ? false : await tellCard(entry, outcome, response)
  if (response.type === 'approved' && refused) {
    ui({ message: UI.declined, status: 'notReady' })
    return { ...outcomeOf(payment, 'declined', 'cardDeclined'), reversal: true }
  }
  if (response.type === 'approved') {
    ui({ message: payment.cvm === 'signature' ? UI.approvedSign : UI.approved, status: 'notReady' })
    return outcomeOf(payment, 'approved')
  }
  ui({ message: UI.declined, status: 'notReady' })
  return outcomeOf(payment, 'declined', response.type === 'referral' ? 'referral' : 'hostDeclined')
}

/** A card that is held in the field for the answer is let go when its time is over: the answer then comes too late for it (Book A, 6.2). */
function removalTimer({ removalTimeout = 0 }: ContactlessOutcome, { options }: Payment, ui: ShowUi) {
  const state = { over: false, cancel: () => {} }
  if (removalTimeout > 0)
    state.cancel = (options.clock ?? systemClock).timer(removalTimeout, () => {
      state.over = true
      ui({ message: UI.removeCard, status: 'notReady' })
    })
  return state
}

/** An answer, or `unableToGoOnline`: then `unanswered` stays, unless the request certainly did not leave. */
async function ask(payment: Payment, request: AuthorisationRequest, timeout: number): Promise<AuthorisationResponse> {
  const { terminal, signal, options, language } = payment
  try {
    const response = await within({ timeout, signal, clock: options.clock, what: 'the authorisation request' }, inner =>
      terminal.authorise(request, { signal: inner, language }),
    )
    payment.unanswered = false
    return response
  } catch (error) {
    if (signal.aborted) throw error
    if (isFault(error, 'host-unreachable')) payment.unanswered = false
    return { type: 'unableToGoOnline' }
  }
}

/**
 * The answer goes to the card where the outcome asks for it. On a second tap the host's decision stands whatever comes of it (Book C-3, 5.9); a card
 * that was held in the field decides itself (Book C-5, 5.11): true when it declined.
 */
async function tellCard(
  entry: EntryPoint,
  outcome: ContactlessOutcome,
  answer: Exclude<AuthorisationResponse, { type: 'unableToGoOnline' }>,
): Promise<boolean> {
  if (!outcome.start) return false
  const response: OnlineResponse = {
    code: answer.code,
    ...(answer.issuerAuthenticationData && { issuerAuthenticationData: answer.issuerAuthenticationData }),
    ...(answer.scripts && { scripts: answer.scripts }),
  }
  if (outcome.onlineResponse === 'emvData' && !response.issuerAuthenticationData && !response.scripts?.length) return false
  try {
    const end = await entry.run(outcome.start, { outcome, response })
    return outcome.start === 'D' && end.status === 'declined'
  } catch (error) {
    // Nobody came back with the card, or the reader has gone.
    if (!isFault(error, 'timeout', 'aborted', 'card-removed', 'card-mute', 'link-closed', 'reader-error', 'protocol')) throw error
    return false
  }
}

/** The PAN's digits, from 5A or 57. */
function panOf(tags: ReadonlyMap<number, Uint8Array>): string {
  const pan = tags.get(0x5a)
  return pan ? hex(pan).replace(/F+$/, '') : hex(tags.get(0x57) ?? new Uint8Array()).split('D')[0]
}

function outcomeOf(
  { presented, cvm, online, unanswered, pinBlock, response, tags }: Payment,
  result: Outcome['result'],
  reason?: Reason,
): Outcome {
  const aid = tags.get(0x84)
  const label = tags.get(0x50)
  return {
    result,
    ...(reason && { reason }),
    ...(presented && { interface: 'tap' }),
    cvm,
    online,
    ...(aid && { application: { aid, label: text(label ?? new Uint8Array()) } }),
    tags,
    ...(pinBlock && { pinBlock }),
    ...(response && { response }),
    ...(result === 'declined' && unanswered && { reversal: true }),
  }
}
