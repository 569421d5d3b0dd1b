/** SBP: a QR code is shown, the customer pays with their own bank's app, and the host is asked until it knows; taken back before anything else is tried. */

import { type Clock, sleep } from '../../clock.ts'
import { asFault, Fault, isFault } from '../../errors.ts'
import type { HostAnswer, Merchant, Order, OrderAcquirer, RetailAcquirer, SbpCode } from '../acquirer.ts'
import type { Journal } from '../journal/journal.ts'
import type { Ending } from '../journal/recorder.ts'
import { checkOrder } from '../pay/payment.ts'
import { makePlainReceipt } from '../receipt/receipt.ts'
import { letGo, refuseCashback, type SaleResult } from './cash.ts'

/** An order that is paid by SBP, the fast payments of the Bank of Russia: by a QR code. */
export interface BySbp {
  /** SBP. */
  readonly method: 'sbp'
  /** Shows the code, which `payload` is, until the payment has ended. */
  show(code: SbpCode): void
  /** Hears each question to the host, for the sign of refreshing in the state line; the fault where the host could not be asked. */
  onRefresh?(state: HostAnswer['state'] | undefined, fault?: Fault): void
  /** Takes the payment back: cancelled, unless the customer has paid already. */
  readonly signal?: AbortSignal
  /** Milliseconds between two questions; 3 s when left out. */
  readonly refreshTime?: number
  /** Milliseconds that are waited here; then the payment stays in process, and is looked after in the background. As long as the code is good when left out. */
  readonly waitTime?: number
  /** Milliseconds that a cancellation is repeated here until the host has confirmed it; 20 s when left out. */
  readonly reversalTime?: number
}

/** A host that opens SBP payments. */
export type SbpAcquirer = OrderAcquirer & Pick<RetailAcquirer, 'requestQr'>

export interface SbpDesk {
  readonly journal: Journal
  readonly acquirer: SbpAcquirer
  readonly merchant: Merchant
  readonly clock: Clock
  readonly newKey: () => string
}

const REFRESH = 3000
/** Between two attempts at a cancellation. */
const PAUSE = 1000
/** After the code has expired the host may still be closing the payment. */
const GRACE = 10_000

export type SbpEnd = { readonly result: Ending['result']; readonly sale: SaleResult } | 'in-process'

/**
 * `in-process`: it stays in the journal for whoever looks after what is open.
 * @throws Fault `bad-argument`, `journal`, `busy` with details.state, `host-unreachable` (nothing was sent, nothing is due)
 */
export async function takeSbp(desk: SbpDesk, order: Order, how: BySbp): Promise<SbpEnd> {
  const { journal, acquirer, merchant, clock } = desk
  const { signal, refreshTime = REFRESH, reversalTime = 20_000 } = how
  checkOrder(order, merchant)
  refuseCashback(order)
  if (signal?.aborted) throw new Fault('aborted', 'the payment was cancelled before it began')
  const key = desk.newKey()
  const at = new Date(clock.now())
  const sale = { key, order, merchant, amount: order.amount, at }
  const end = async (ending: Omit<Ending, 'receipt'>): Promise<SbpEnd> => {
    const receipt = makePlainReceipt({ order, merchant, at }, 'sbp', ending.result)
    const { rrn } = ending.answer?.response ?? {}
    const known = { ...receipt, ...(rrn && { rrn }) }
    await journal.record({ stage: 'ended', key, ...ending, receipt: known })
    return { result: ending.result, sale: { method: 'sbp', receipt: known } }
  }
  await journal.record({ stage: 'begun', key, order, merchant, method: 'sbp', amount: order.amount, at })
  try {
    return await present()
  } catch (error) {
    letGo(journal, key)
    throw error
  }

  async function present(): Promise<SbpEnd> {
    await journal.record({ stage: 'presenting', key })
    let code: SbpCode
    try {
      code = await acquirer.requestQr(sale, signal ? { signal } : {})
    } catch (error) {
      if (isFault(error, 'host-unreachable')) {
        await end({ result: 'cancelled', reason: 'unableToGoOnline' })
        throw error
      }
      return takeBack(isFault(error, 'aborted') ? 'merchantCancelled' : 'unableToGoOnline')
    }
    const { answer } = code
    if (answer.state === 'declined') return end({ result: 'declined', reason: 'hostDeclined', answer })
    if (answer.state !== 'inProcess') return takeBack('unableToGoOnline')
    await journal.record({ stage: 'presenting', key, payload: code.payload, expires: code.expires, answer })
    guarded(() => how.show(code))
    const until = clock.now() + (how.waitTime ?? Math.max(0, +code.expires - clock.now()) + GRACE)
    while (!signal?.aborted) {
      const ended = await refresh()
      if (ended) return ended
      if (clock.now() >= until) {
        journal.release(key, new Date(clock.now() + refreshTime))
        return 'in-process'
      }
      await sleep(Math.min(refreshTime, Math.max(1, until - clock.now())), clock, signal).catch(() => {})
    }
    return (await refresh(true)) ?? takeBack('merchantCancelled')
  }

  /** Asks the host once. `last`: also when the merchant wants no more of it, because the customer may have paid. */
  async function refresh(last = false): Promise<SbpEnd | undefined> {
    try {
      const said = await acquirer.status(key, last || !signal ? {} : { signal })
      guarded(() => how.onRefresh?.(said.state))
      if (said.state === 'approved') return await end({ result: 'approved', answer: said })
      if (said.state === 'declined') return await end({ result: 'declined', reason: 'hostDeclined', answer: said })
      if (said.state === 'reversed') return await end({ result: 'cancelled', reason: 'merchantCancelled', reversed: true })
    } catch (error) {
      if (isFault(error, 'host-unreachable', 'host-no-answer', 'host-error')) guarded(() => how.onRefresh?.(undefined, error))
      else if (!isFault(error, 'aborted')) throw error
    }
    return undefined
  }

  /** Until the host has confirmed: nothing else may be tried before, or both might be charged. Not confirmed in time: due. */
  async function takeBack(reason: 'merchantCancelled' | 'unableToGoOnline'): Promise<SbpEnd> {
    await journal.record({ stage: 'reversing', key, why: 'cancelled' })
    for (const stop = clock.now() + reversalTime; ; ) {
      try {
        await acquirer.reverse(key, 'cancelled')
        return await end({ result: 'cancelled', reason, reversed: true })
      } catch (error) {
        const fault = asFault(error)
        if (!isFault(fault, 'host-unreachable', 'host-no-answer', 'host-error')) throw fault
        guarded(() => how.onRefresh?.(undefined, fault))
        if (clock.now() + PAUSE >= stop) return end({ result: 'unknown', reason, due: 'reversal' })
      }
      await sleep(PAUSE, clock)
    }
  }
}

/** A listener that throws is the app's bug, and no reason to leave a payment half done: the error surfaces as uncaught. */
function guarded(tell: () => void): void {
  try {
    tell()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
