/** The one object that every step of the kernel works on. */

import type { Command, Response } from '../apdu/apdu.ts'
import type { Clock } from '../clock.ts'
import type { Card } from './card.ts'
import type { ApplicationConfig, TerminalConfig } from './config.ts'
import type { Bit, TsiBit, TvrBit } from './data.ts'
import { type EmvData, isSet, TSI, TVR, withBit } from './data.ts'
import type { Explain, Explanation, Step } from './explain.ts'
import type { Outcome, Reason } from './outcome.ts'
import type { Candidate, Terminal, Transaction } from './terminal.ts'

/** How a step ends a transaction; a step that lets it go on returns undefined. */
export interface Stop {
  readonly result: Outcome['result']
  readonly reason: Reason
  readonly fallback?: boolean
}

/** An earlier transaction, for floor-limit checks on split sales (EMV 4.4 Book 3, 10.6.1). */
export interface LoggedTransaction {
  readonly pan: string
  readonly psn?: number
  readonly amount: bigint
}

export interface TransactionLog {
  /** The latest logged transaction of this card, or undefined. */
  latest(pan: string, psn: number | undefined): LoggedTransaction | undefined
}

export interface KernelOptions {
  readonly signal?: AbortSignal
  readonly clock?: Clock
  /** Unpredictable bytes; `crypto.getRandomValues` when left out. */
  readonly random?: (length: number) => Uint8Array
  readonly log?: TransactionLog
  /** Whether a card is on the exception file (Book 3, 10.6). */
  readonly exceptionFile?: (pan: string, psn: number | undefined) => boolean
  readonly explain?: Explain
}

/** Why a bit was set: the rule with its paragraph and the tags it looked at. */
export type Why = Pick<Explanation, 'rule'> & { readonly inputs?: readonly number[] }

export interface Kernel {
  readonly card: Card
  readonly transaction: Transaction
  readonly config: TerminalConfig
  readonly terminal: Terminal
  readonly data: EmvData
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly random: (length: number) => Uint8Array
  readonly log: TransactionLog | undefined
  readonly exceptionFile: NonNullable<KernelOptions['exceptionFile']> | undefined
  readonly explain: Explain | undefined
  step: Step
  /** The application in use, and its row of the configuration, from final selection on. */
  application: Candidate | undefined
  settings: ApplicationConfig | undefined
  /** Records read for offline data authentication, in AFL order, as Book 3, 10.3 builds the input; undefined when one was not usable. */
  odaInput: Uint8Array[] | undefined
  /** Sends a command with 61xx/6Cxx handled. @throws Fault `card-removed`, `card-mute`, `aborted` */
  exchange(command: Command): Promise<Response>
  /** Sets a TVR bit (95) and explains it. */
  raise(bit: TvrBit, why: Why): void
  /** Sets a TSI bit (9B) and explains it. */
  mark(bit: TsiBit, why: Why): void
  /** Explains something that sets no bit. `effect` is only built when somebody listens. */
  note(why: Why, effect: () => string | readonly string[]): void
}

/** Tags whose value is never explained in clear. */
const secret = new Set([0x56, 0x57, 0x5a, 0x5f20, 0x99, 0x9f1f, 0x9f20, 0x9f6b])

export function explainTo(kernel: Pick<Kernel, 'explain' | 'step' | 'data'>, why: Why, effect: readonly string[]): void {
  const inputs = new Map<number, Uint8Array>()
  for (const tag of why.inputs ?? []) {
    const value = kernel.data.get(tag)
    if (value) inputs.set(tag, secret.has(tag) ? new Uint8Array(value.length).fill(0xff) : value.slice())
  }
  kernel.explain?.({ step: kernel.step, rule: why.rule, inputs, effect })
}

/** The part of a Kernel that keeps TVR and TSI; shared by contact and contactless kernels. */
export function bitKeeper(kernel: Pick<Kernel, 'explain' | 'step' | 'data'>) {
  const set = (tag: number, length: number, bit: Bit, name: string, why: Why) => {
    const before = kernel.data.terminal.get(tag) ?? new Uint8Array(length)
    if (isSet(before, bit)) return
    kernel.data.terminal.set(tag, withBit(before, bit))
    if (kernel.explain) explainTo(kernel, why, [name])
  }
  return {
    raise: (bit: TvrBit, why: Why) => set(0x95, 5, TVR[bit], `TVR ${bit}`, why),
    mark: (bit: TsiBit, why: Why) => set(0x9b, 2, TSI[bit], `TSI ${bit}`, why),
    note: (why: Why, effect: () => string | readonly string[]) => {
      if (kernel.explain) explainTo(kernel, why, [effect()].flat())
    },
  }
}
