/** How a reader is set up whose kernel runs here, and how a trace is told of it. */

import type { Clock } from '../clock.ts'
import type { TerminalConfig } from '../emv/config.ts'
import type { ContactlessConfig } from '../emv/contactless/config.ts'
import type { UiRequest } from '../emv/contactless/outcome.ts'
import type { KernelOptions } from '../emv/steps/context.ts'
import { configurationDigest } from '../trace/digest.ts'
import type { Tracer } from '../trace/event.ts'

/** What the kernels over raw slots are given. */
export interface PassthroughOptions {
  /** What the terminal is; without it the reader opens cards, and makes no payment. */
  readonly config?: TerminalConfig | undefined
  /** The rules for taps; without them nothing is paid by tap. */
  readonly contactless?: ContactlessConfig | undefined
  /** Dates payments and times the waits; the system's when left out. */
  readonly clock?: Clock | undefined
  /** Of the kernel: transaction log, exception file, explanations, its own time limits. */
  readonly kernel?: Omit<KernelOptions, 'signal' | 'clock'> | undefined
  /** Milliseconds a payment waits for a card; 60 000 when left out. */
  readonly cardTimeout?: number | undefined
  /** Milliseconds that a card may stay in the field after its payment before `transact` settles all the same; 5 000 when left out. */
  readonly removalTimeout?: number | undefined
  /** Hears of the kernels here: presentations, steps, rules, commands and answers. */
  readonly tracer?: Tracer | undefined
  /** Sees every user interface request of a tap (EMV Contactless Book A, 6.2), for lights and sounds; its words are `display` events too. */
  readonly onUi?: ((request: UiRequest) => void) | undefined
}

/** Puts into a trace's header what the kernel here is configured with. */
export function tellSetUp({ tracer, config, contactless }: Pick<PassthroughOptions, 'tracer' | 'config' | 'contactless'>): void {
  if (!config) return
  tracer?.about?.({
    get configuration() {
      return configurationDigest(config, contactless)
    },
  })
}
