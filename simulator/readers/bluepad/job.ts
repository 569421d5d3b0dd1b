/** One payment in a virtual BluePad: it takes the lead, tells its host what happens, and asks it for the way to the issuer and for a signature. */

import {
  APP_HOST,
  type DeviceMessage,
  decodeReply,
  encodeQuestion,
  eventElements,
  type Finance,
  statuses,
  xml,
} from '../../../devices/bluepad/codec.ts'
import type { Outcome } from '../../../src/emv/outcome.ts'
import type { AuthorisationRequest, AuthorisationResponse, Transaction, Waiting } from '../../../src/emv/terminal.ts'
import { abortFault, asFault, Fault, isFault } from '../../../src/errors.ts'
import type { Firmware, HostSide } from '../firmware.ts'
import { leadPayment } from './lead.ts'
import type { DeviceLine } from './mped-line.ts'
import { type Answered, answerOf, answerOfFault, type SelfElements, transactionOf } from './payload.ts'

/** Milliseconds for the host's answer; seconds for a signature (the vendor's simulator). */
const HOST_WAIT = 120_000
const SIGNATURE_WAIT = 90
const PORT = 443

export interface JobOptions {
  readonly firmware: Firmware
  readonly line: DeviceLine
  readonly self: () => SelfElements
  /** Of this payment, in the reader's own counting. */
  readonly transactionId: string
  readonly onFault: (fault: Fault) => void
}

export class BluepadJob {
  readonly stop = new AbortController()
  readonly #options: JobOptions
  /** What the host is told with each event: not in the middle of a PIN or of the talk with the issuer. */
  #cancelAllowed = true

  constructor(options: JobOptions) {
    this.#options = options
  }

  /** The host wants no payment any more; false where it may not be cancelled now. */
  cancel(): boolean {
    if (this.#cancelAllowed) this.stop.abort(new Fault('aborted', 'the host has cancelled'))
    return this.#cancelAllowed
  }

  /** Works to the answer, whatever happens. */
  async run(type: 'sale' | 'refund', finance: Finance): Promise<Answered> {
    const { firmware, self, transactionId, onFault } = this.#options
    const { signal } = this.stop
    try {
      const transaction = transactionOf(type, finance)
      firmware.checkReady(transaction)
      const outcome = await this.#signed(await this.#pay(transaction), transaction)
      // The kernel calls every abort a cancellation: here it is known whose it was.
      if (signal.aborted && (outcome.result === 'cancelled' || outcome.result === 'unknown') && !isFault(abortFault(signal), 'aborted'))
        throw abortFault(signal)
      if (firmware.body.cardInSlot) this.event(statuses.REMOVE_CARD)
      return answerOf(outcome, transaction, transactionId, self())
    } catch (error) {
      const fault = asFault(error)
      if (!signal.aborted) onFault(fault)
      // A refusal stays on the display as the firmware put it there.
      if (!isFault(fault, 'low-battery', 'update-required', 'tampered')) firmware.showEnd({ result: 'cancelled', cvm: 'none' })
      if (isFault(fault, 'low-battery')) this.event(statuses.BATTERY_TOO_LOW)
      return answerOfFault(fault, self())
    }
  }

  /** Tells the host, in the order in which it happens; nobody waits for it to be taken. */
  event(status: number, cancelAllowed = this.#cancelAllowed, more: SelfElements = {}): void {
    this.#cancelAllowed = cancelAllowed
    const told = xml('EventInfoResponse', { ...this.#options.self(), CancelAllowed: cancelAllowed, ...more })
    this.#options.line.say({ type: 'event', status, xml: told }).catch(() => {}) // a host that does not take it is found out at the next question
  }

  #pay(transaction: Transaction & Required<Pick<Transaction, 'interfaces'>>): Promise<Outcome> {
    const { firmware } = this.#options
    const { body } = firmware
    let removing = false
    /** A card that is still in the slot is asked away first: it has paid, or its chip was not read. */
    const wait = () => {
      removing = body.cardUsed
      this.event(removing ? statuses.WAITING_CARD_REMOVAL : statuses.WAITING_CARD, true)
    }
    const stop = body.on(event => {
      if (event.type !== 'card' || event.event !== 'removed' || !removing) return
      removing = false
      this.event(statuses.WAITING_CARD, true)
    })
    wait()
    return leadPayment(firmware, transaction, {
      ...{ interfaces: transaction.interfaces, fallback: transaction.fallback, host: this.#hostSide(), signal: this.stop.signal },
      onInserted: () => this.event(statuses.CARD_INSERTED),
      onChipSwiped: () => this.event(statuses.ICC_CARD_SWIPED),
      onChipFailed: (ask, left) => {
        this.event(statuses.CARD_READING_FAILED, true, { [eventElements.ask]: `${ask} ${left}` })
        wait()
      },
    }).finally(stop)
  }

  /** Paper or screen, the signature is the host's to take, once the issuer has approved. */
  async #signed(outcome: Outcome, { amount, currency }: Transaction): Promise<Outcome> {
    if (outcome.result !== 'approved' || outcome.cvm !== 'signature') return outcome
    this.event(statuses.WAITING_SIGNATURE, false)
    const request: DeviceMessage = {
      type: 'signature',
      receipt: `${amount} ${currency.alpha}`,
      xml: xml('SignatureRequiredRequest', { timeout: SIGNATURE_WAIT }),
    }
    const { line } = this.#options
    const { status } = await line.ask(request, 'signatureAnswer', { timeout: SIGNATURE_WAIT * 1000, signal: this.stop.signal })
    if (status === statuses.SUCCESS) return outcome
    return { ...outcome, result: 'declined', reason: 'cardholderCancelled', reversal: true }
  }

  #hostSide(): HostSide {
    return {
      // The list is on the reader's own display: the host hears of it, and never sees it.
      onSelection: () => this.event(statuses.APPLICATION_SELECTION),
      authorise: (request, waiting) => this.#authorise(request, waiting),
      // Nothing on this wire ties an approval to its payment, so that the driver would ask the host when the reader has shown it.
      confirm: (request, waiting) => this.#authorise(request, waiting),
      onPin: progress => {
        if (progress.type === 'started') this.event(statuses.PIN_INPUT, false)
        else if (progress.type === 'ended') {
          if (progress.as === 'digits') this.event(statuses.PIN_INPUT_COMPLETED, true)
          else this.#cancelAllowed = true
        }
      },
    }
  }

  /** Connect, send, receive, disconnect. Whatever fails on the way, no answer is known. */
  async #authorise(request: AuthorisationRequest, { signal }: Waiting): Promise<AuthorisationResponse> {
    const { line } = this.#options
    const none = { type: 'unableToGoOnline' } as const
    try {
      this.event(statuses.CONNECTING, false)
      const connected = await line.ask({ type: 'hostConnect', address: APP_HOST, port: PORT, timeout: 30 }, 'connectAnswer', { signal })
      if (connected.status !== statuses.SUCCESS) return none
      this.event(statuses.SENDING)
      const sent = await line.ask({ type: 'hostSend', timeout: 30, data: encodeQuestion(request) }, 'sendAnswer', { signal })
      if (sent.status !== statuses.SUCCESS) return none
      this.event(statuses.RECEIVING)
      const limit = { timeout: HOST_WAIT, signal }
      const { status, answer } = await line.ask({ type: 'hostReceive', size: 0xffff, timeout: HOST_WAIT / 1000 }, 'receiveAnswer', limit)
      await line.ask({ type: 'hostDisconnect' }, 'disconnectAnswer', { signal })
      this.event(statuses.DISCONNECTING)
      return status === statuses.SUCCESS && answer ? decodeReply(answer) : none
    } catch (error) {
      if (signal.aborted || isFault(error, 'link-closed')) throw error
      this.#options.onFault(asFault(error))
      return none
    }
  }
}
