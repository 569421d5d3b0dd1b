/** One payment whose kernel runs here: over the card in the slot with contacts, or over one in the field, whichever comes. */

import { sleep } from '../../clock.ts'
import type { TerminalConfig } from '../../emv/config.ts'
import { transact } from '../../emv/contact/kernel.ts'
import { TornLog } from '../../emv/contactless/mastercard/torn-log.ts'
import { tap } from '../../emv/contactless/tap.ts'
import { withoutOnlinePin } from '../../emv/contactless/without-pin.ts'
import type { CardInterface, Outcome, Reason } from '../../emv/outcome.ts'
import type { Terminal, Transaction } from '../../emv/terminal.ts'
import { Fault, isFault } from '../../errors.ts'
import type { MessageId } from '../../messages/messages.ts'
import { invitation } from '../invitation.ts'
import type { KernelTrace } from '../kernel-trace.ts'
import type { PassthroughOptions } from '../passthrough-options.ts'
import type { CardSlot, OpenCardOptions } from '../reader.ts'
import { CARD_TIMEOUT, type OpenSlots } from '../slots.ts'
import { display, type Teller, toldTerminal } from '../told-terminal.ts'
import { type SlotField, slotField } from './tap-slot.ts'

export { TornLog }

/** What a payment works with. */
export interface HostPayment extends Teller {
  readonly slots: OpenSlots
  readonly options: PassthroughOptions
  /** Of the reader, for the next tap. */
  readonly torn: TornLog
  readonly transaction: Transaction
  /** The app's own. */
  readonly terminal: Terminal
  /** As the terminal is for this app: without a PIN pad where that has none. */
  readonly config: TerminalConfig
  /** What the payment may be made by, of what the reader has. */
  readonly ways: readonly CardInterface[]
  /** The reader has a slot with contacts, whether or not it may be used. */
  readonly hasChip: boolean
  readonly trace: KernelTrace | undefined
  readonly signal: AbortSignal
}

const REMOVAL_TIMEOUT = 5_000
/** Milliseconds between two looks at a slot. */
const LOOK = 250

/** Runs it to an outcome. @throws Fault of the reader's */
export function payOverSlots(payment: HostPayment): Promise<Outcome> {
  return payment.ways.includes('tap') ? byTap(payment) : inserting(payment)
}

function show(payment: HostPayment, message: MessageId, language?: string): void {
  display(payment, payment.terminal, message, language)
}

/** A card whose chip was not read is asked away before one is asked for again. Where it stays there, the payment ends so. @throws Fault of the reader's */
export async function unreadCardOut(payment: HostPayment): Promise<Outcome | undefined> {
  const { slots, options, clock, signal } = payment
  const there = async () => {
    try {
      return (await slots.status(signal)).card === 'present'
    } catch (error) {
      if (signal.aborted || !isFault(error, 'timeout')) throw error
      return false // a slot that cannot tell
    }
  }
  const end = clock.now() + (options.cardTimeout ?? CARD_TIMEOUT)
  for (let asked = false; await there(); asked = true) {
    if (!asked) show(payment, 'reader.removeCard')
    if (clock.now() >= end) return withoutCard(new Fault('timeout', 'the card is still there'), signal)
    await sleep(LOOK, clock, signal)
  }
  return undefined
}

async function inserting(payment: HostPayment): Promise<Outcome> {
  const { slots, options, signal } = payment
  show(payment, 'reader.insertCard')
  let slot: CardSlot
  try {
    const timeout = options.cardTimeout ?? CARD_TIMEOUT
    slot = await slots.open({ interface: 'contact', signal, timeout, onOtherCard: inTheWay(payment, 'reader.insertCard') })
  } catch (error) {
    return noCard(payment, error)
  }
  return inserted(payment, slot)
}

/** A card of the other interface is asked away, and then the wanted one asked for again. */
function inTheWay(payment: HostPayment, wanted: MessageId): NonNullable<OpenCardOptions['onOtherCard']> {
  return card => show(payment, card === 'present' ? 'reader.removeCard' : wanted)
}

function noCard(payment: HostPayment, error: unknown): Outcome {
  const ended = withoutCard(error, payment.signal)
  if (!ended) throw error
  show(payment, lastWords(ended))
  return ended
}

async function inserted(payment: HostPayment, slot: CardSlot): Promise<Outcome> {
  const { transaction, terminal, config, trace, clock, signal } = payment
  try {
    show(payment, 'reader.processing')
    const how = { ...kernelOf(payment), clock, signal }
    const run = () => transact(slot, transaction, config, toldTerminal(payment, terminal, slot), how)
    const outcome = await (trace ? trace.presented('chip', run, signal) : run())
    show(payment, lastWords(outcome))
    return outcome
  } finally {
    if (!slot.removed.aborted) show(payment, 'reader.removeCard')
    await slot.close()
  }
}

/** What the app gives its kernel; who explains, explains to the trace too. */
function kernelOf({ options: { kernel }, trace }: HostPayment): PassthroughOptions['kernel'] {
  return trace ? { ...kernel, explain: trace.explain(kernel?.explain) } : kernel
}

/** How far a payment by tap has come. */
interface Tapping {
  readonly field: SlotField
  /** What a card is asked for with: where a chip could be inserted and may not be, a tap is asked for by name. */
  readonly invited: MessageId
  /** The host was asked: from then on no other card may pay. */
  asked: boolean
  /** The last card was not taken, and another may come: "insert, swipe or try another card" (Book A, message 1C). */
  refused: boolean
}

/** A tap, or what comes instead of it: a card that is inserted, or is to be. */
async function byTap(payment: HostPayment): Promise<Outcome> {
  const { transaction, config, ways, signal, clock, torn, options, trace } = payment
  const { contactless, onUi } = options
  const rules = payment.terminal.enterPin ? contactless! : withoutOnlinePin(contactless!)
  const chip = ways.includes('chip')
  const tapping = beginTap(payment, chip)
  const { field } = tapping
  const terminal = tapTerminal(payment, tapping)
  const how = { ...kernelOf(payment), clock, signal, torn, ...(onUi && { onUi }) }
  for (;;) {
    let outcome: Outcome
    try {
      const run = () => tap(field, transaction, config, rules, terminal, how)
      outcome = await (trace ? trace.presented('tap', run, signal) : run())
    } catch (error) {
      return noCard(payment, error)
    }
    if (field.muteChip) return noCard(payment, field.muteChip)
    if (field.chip) return inserted(payment, field.chip)
    const { reason, result } = outcome
    if (chip && !tapping.asked && !signal.aborted) {
      if (reason === 'tryAnotherInterface') return inserting(payment)
      tapping.refused = reason === 'noApplication' || reason === 'kernelUnsupported' || reason === 'cardError'
      if (tapping.refused) continue
    }
    // The kernel has said how it ended, but for what was no outcome of its own.
    if (result === 'cancelled' || reason === 'cardMute') show(payment, lastWords(outcome))
    return outcome
  }
}

function beginTap(payment: HostPayment, chip: boolean): Tapping {
  const { slots, options, clock, signal, ways, hasChip } = payment
  const { cardTimeout = CARD_TIMEOUT, removalTimeout = REMOVAL_TIMEOUT } = options
  const invited = hasChip ? invitation(ways) : 'reader.presentCard'
  const field = slotField({
    clock,
    cardTimeout,
    chip: () => chip && !tapping.asked,
    open: how => slots.open(how),
    onOtherCard: inTheWay(payment, invited),
    removal: slots.tellsRemoval ? { timeout: removalTimeout, signal, onWait: () => show(payment, 'reader.removeCard') } : undefined,
  })
  const tapping: Tapping = { field, invited, asked: false, refused: false }
  return tapping
}

function tapTerminal(payment: HostPayment, tapping: Tapping): Terminal {
  const { terminal } = payment
  return {
    ...toldTerminal(payment, terminal),
    display(message, language) {
      const { refused, invited } = tapping
      show(payment, message !== 'reader.presentCard' ? message : refused ? 'reader.tryAnotherCard' : invited, language)
    },
    authorise(request, waiting) {
      tapping.asked = true
      tapping.field.restart()
      return terminal.authorise(request, waiting)
    },
  }
}

/** How a payment ends that no card was opened for; undefined where the reader is at fault. */
function withoutCard(error: unknown, signal: AbortSignal): Outcome | undefined {
  const ended = (result: Outcome['result'], reason: Reason): Outcome => ({
    ...{ result, reason, online: false, tags: new Map() },
    // There was a card in the slot, as far as it came.
    ...((reason === 'cardMute' || reason === 'cardRemoved') && { interface: 'chip' as const }),
    ...(reason === 'cardMute' && { fallback: true }),
  })
  if (signal.aborted || isFault(error, 'aborted')) return ended('cancelled', 'merchantCancelled')
  if (isFault(error, 'timeout')) return ended('cancelled', 'cardTimeout')
  if (isFault(error, 'card-removed')) return ended('cancelled', 'cardRemoved')
  return isFault(error, 'card-mute') ? ended('declined', 'cardMute') : undefined
}

const lastOfReason: Partial<Record<Reason, MessageId>> = {
  cardError: 'reader.cardError',
  cardMute: 'reader.cardError',
  cardBlocked: 'reader.notAccepted',
  applicationBlocked: 'reader.notAccepted',
  noApplication: 'reader.notAccepted',
  kernelUnsupported: 'reader.notAccepted',
  notAccepted: 'reader.notAccepted',
}

function lastWords({ result, reason }: Outcome): MessageId {
  if (result === 'approved') return 'reader.approved'
  return (reason && lastOfReason[reason]) ?? (result === 'declined' ? 'reader.declined' : 'reader.cancelled')
}
