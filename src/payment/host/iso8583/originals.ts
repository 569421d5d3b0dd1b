/** What a client remembers of the payments it has sent, so that a reversal can name them: field 90 and what goes with it. No card data leaves memory. */

import { Fault } from '../../../errors.ts'
import type { AuthorisationMessage, HostAnswer } from '../../acquirer.ts'
import type { IsoFields } from './messages.ts'

/** A message that was sent: what its reversal repeats. No card data. */
export interface IsoOriginal {
  /** Message type: `0200`. */
  readonly type: string
  /** The fields 3, 4, 7, 11, 12, 13, 22, 37, 41, 42 and 49 that it had. */
  readonly fields: Readonly<Record<number, string>>
  /** Merchant's number of the order. */
  readonly order: string
  /** The host has approved it; `authorisation` as field 38 had it. */
  readonly approved?: boolean
  /** Field 38 of the answer. */
  readonly authorisation?: string
}

/** Where originals are kept over a restart; memory only when left out. Without it, a host that does not know our keys cannot be told after a crash what to reverse. */
export interface IsoMemory {
  /** What was saved under this key; undefined where nothing was. */
  load(key: string): Promise<IsoOriginal | undefined>
  /** Keeps it until it is saved again. */
  save(key: string, original: IsoOriginal): Promise<void>
}

const kept = [3, 4, 7, 11, 12, 13, 22, 37, 41, 42, 49] as const
/** Payments that are kept in memory; the oldest goes. */
const MOST = 1000

/** Field 90: type, trace number and transmission time of the original, and no institutions. */
export function originalElements({ type, fields }: IsoOriginal): string {
  return `${type}${fields[11] ?? '000000'}${fields[7] ?? '0000000000'}`.padEnd(42, '0')
}

/** Field 95: the amount that is left, and no others (ISO 8583:1987, 4.4.95). */
export function replacementAmounts(left: bigint): string {
  return left.toString().padStart(12, '0').padEnd(42, '0')
}

export interface Remembered {
  readonly original: IsoOriginal
  readonly pan?: string
}

export function originals(memory: IsoMemory | undefined) {
  const known = new Map<string, Remembered>()
  const put = (key: string, one: Remembered) => {
    known.delete(key)
    known.set(key, one)
    if (known.size > MOST) known.delete(known.keys().next().value!)
  }
  const save = async (key: string, original: IsoOriginal) => {
    try {
      await memory?.save(key, original)
    } catch (cause) {
      throw new Fault('host-unreachable', `the payment cannot be remembered, so it is not sent: ${(cause as Error).message}`, {}, { cause })
    }
  }
  return {
    /** Before it is sent. @throws Fault `host-unreachable` where the memory does not take it */
    async sending(key: string, { order }: Pick<AuthorisationMessage, 'order'>, type: string, fields: IsoFields): Promise<void> {
      const own = kept.flatMap(number => (typeof fields.get(number) === 'string' ? [[number, fields.get(number) as string]] : []))
      const original: IsoOriginal = { type, fields: Object.fromEntries(own), order: order.number }
      const pan = fields.get(2)
      await save(key, original)
      put(key, { original, ...(typeof pan === 'string' && { pan }) })
    },
    /** The host has answered. */
    async answered(key: string, { state, response }: HostAnswer): Promise<void> {
      const one = known.get(key)
      if (!one || state !== 'approved') return
      const { rrn, authorisationCode } = response ?? {}
      const fields: Record<number, string> = { ...one.original.fields }
      if (rrn) fields[37] = rrn.padEnd(12)
      const original = { ...one.original, fields, approved: true, ...(authorisationCode && { authorisation: authorisationCode }) }
      put(key, { ...one, original })
      await memory?.save(key, original).catch(() => {}) // the payment stands; what was saved before it names it well enough
    },
    async find(key: string): Promise<Remembered | undefined> {
      const one = known.get(key)
      if (one) return one
      const original = await memory?.load(key).catch(() => undefined)
      return original && { original }
    },
    /** The payment of an order that the host has approved last. */
    ofOrder(merchant: string, number: string): Remembered | undefined {
      return [...known.values()].findLast(
        ({ original }) => original.approved === true && original.order === number && original.fields[42]?.trim() === merchant,
      )
    },
  }
}
