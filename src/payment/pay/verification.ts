/** Cardholder verification as far as it is a payment's: the signature on the app's screen, and the limit from which on nobody pays unverified. */

import type { CvmName, Outcome } from '../../emv/outcome.ts'
import type { Waiting } from '../../emv/terminal.ts'
import { verificationLimits } from '../../emv/verification-limit.ts'
import type { Order, PaymentType } from '../acquirer.ts'
import type { Ended } from '../journal/recorder.ts'
import { checkSignature, type Signature } from '../receipt/signature.ts'
import type { PaymentEvent } from './events.ts'
import type { AskedAmount } from './options.ts'

export interface SigningOptions {
  readonly order: Order
  readonly amount: bigint
  /** Left out where the app has no screen for it: the slip gets a line to sign on. */
  readonly capture?: ((request: AskedAmount, options: Waiting) => Promise<Signature | undefined>) | undefined
  readonly say: (event: PaymentEvent) => void
}

/** The signature of one payment: asked for once, whoever asks. */
export class Signing {
  readonly #options: SigningOptions
  signature: Signature | undefined
  refused = false

  constructor(options: SigningOptions) {
    this.#options = options
  }

  /** False when the customer will not sign. @throws Fault `bad-argument` for what is no signature, what the app throws */
  async ask(waiting: Waiting): Promise<boolean> {
    const { order, amount, capture, say } = this.#options
    if (!capture || this.signature || this.refused) return !this.refused
    say({ type: 'stage', stage: 'signature' })
    const drawn = await capture({ amount, order }, waiting)
    if (drawn) this.signature = checkSignature(drawn)
    else this.refused = true
    return !this.refused
  }

  /**
   * The signature that an approved payment still needs, where the reader tells of it only at the end, or nobody asked the host. Nothing may be thrown any more:
   * whatever stops the signature takes the payment back. An error of the app's surfaces as uncaught.
   */
  async afterwards(outcome: Outcome, signal: AbortSignal | undefined): Promise<Ended> {
    if (outcome.result !== 'approved' || outcome.cvm !== 'signature') return outcome
    try {
      const signed = await this.ask({ signal: signal ?? new AbortController().signal })
      return signed ? outcome : { ...outcome, result: 'cancelled', reason: 'cardholderCancelled' }
    } catch (error) {
      if (!signal?.aborted)
        queueMicrotask(() => {
          throw error
        })
      return { ...outcome, result: 'cancelled', reason: 'merchantCancelled' }
    }
  }
}

/** Whether `cvm` is known to be no verification where there must be one. `from`: minor units; as in `verificationLimits` when left out. */
export function lacksVerification(
  cvm: CvmName | undefined,
  {
    order,
    amount,
    type,
    from,
  }: { readonly order: Order; readonly amount: bigint; readonly type: PaymentType; readonly from?: bigint | undefined },
): boolean {
  const limit = from ?? verificationLimits[order.currency.alpha]
  return cvm === 'none' && type !== 'refund' && limit !== undefined && amount >= limit
}
