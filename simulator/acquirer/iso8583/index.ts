/** Which payment a message of ISO 8583 means: by our key, by field 90, else by terminal, time and trace number of its own. */

import { maskPan } from '../../../src/mask.ts'
import type { AuthorisationMessage, OrderChange } from '../../../src/payment/acquirer.ts'
import type { IsoMessage } from '../../../src/payment/host/iso8583/codec.ts'
import { formatFault, textOf, traceKey } from '../../../src/payment/host/iso8583/messages.ts'
import type { Desk } from '../desk/desk.ts'

interface Entry {
  readonly key: string
  readonly sent: string
}

export interface FoundPayment {
  readonly key: string
  readonly known: true
  /** What of the payment is to be given back, where field 95 leaves a part of it; undefined for all. */
  left(message: IsoMessage): bigint | undefined
  change(message: IsoMessage, amount: bigint): OrderChange
}

/** Messages that are remembered by their trace; the oldest goes. A restart forgets them, but not those without a key of ours: those are named by their trace itself. */
const MOST = 10_000

export function isoIndex(desk: Desk) {
  const byTrace = new Map<string, Entry>()
  const place = (terminal: string, stan: string) => `${terminal.trim()} ${stan}`

  const known = (key: string, message: IsoMessage): FoundPayment | { readonly known: false; readonly key: string } => {
    const found = desk.book.find(key)
    if (!found) return { known: false, key }
    const { order, operation, transaction } = found
    const replaced = textOf(message, 95)
    const capture = message.type.startsWith('022') || message.type.startsWith('010')
    const facts: Readonly<Record<number, (said: string) => boolean>> = {
      2: said => transaction.pan === undefined || maskPan(said) === transaction.pan,
      // What was asked for, or what became of it: a part approved, points beside the money.
      4: said => capture || BigInt(said) === transaction.amount || BigInt(said) === operation.amount,
      42: said => said.trim() === order.merchant || said.trim() === '',
      49: said => Number(said) === order.currency.numeric,
    }
    for (const [number, agrees] of Object.entries(facts)) {
      const said = textOf(message, Number(number))
      if (said !== undefined && !agrees(said)) throw formatFault(Number(number), 'it is not that of the original')
    }
    return {
      known: true,
      key,
      left() {
        const kept = replaced === undefined ? 0n : BigInt(replaced.slice(0, 12).replace(/\D/g, '') || '0')
        if (kept === 0n) return undefined
        if (kept > operation.amount) throw formatFault(95, 'it is more than the amount of the original')
        return operation.amount - kept
      },
      change: (asked, part) => ({
        key: `${key}/${textOf(asked, 11) ?? ''}`.slice(-64),
        merchant: { name: order.merchant, id: order.merchant, terminal: textOf(asked, 41)?.trim() || '0' },
        number: order.number,
        at: new Date(),
        amount: part,
      }),
    }
  }

  return {
    add(message: IsoMessage, { key }: AuthorisationMessage): void {
      const [terminal, stan] = [textOf(message, 41), textOf(message, 11)]
      if (terminal === undefined || stan === undefined) return
      const at = place(terminal, stan)
      byTrace.delete(at)
      byTrace.set(at, { key, sent: textOf(message, 7) ?? '' })
      if (byTrace.size > MOST) byTrace.delete(byTrace.keys().next().value!)
    },

    /** @throws Fault `bad-argument` where nothing names an original, or it is another than it says */
    find(message: IsoMessage, key: string | undefined): FoundPayment | { readonly known: false; readonly key: string } {
      if (key !== undefined) return known(key, message)
      const original = textOf(message, 90)
      const terminal = textOf(message, 41)
      const stan = original === undefined ? textOf(message, 11) : original.slice(4, 10)
      const sent = original === undefined ? textOf(message, 7) : original.slice(10, 20)
      if (stan === undefined || terminal === undefined || /^0+$/.test(stan)) throw formatFault(90, 'nothing names the original')
      const entry = byTrace.get(place(terminal, stan))
      const sameTime = sent === undefined || /^0+$/.test(sent) || entry?.sent === sent
      if (entry && sameTime) return known(entry.key, message)
      return known(traceKey(terminal, sent ?? '', stan), message)
    },
  }
}
