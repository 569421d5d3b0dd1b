/** How a kernel at work is told to a trace, wherever it runs: the presentation of a card, the kernel's steps in it, and the commands in these. */

import { commandName } from '../apdu/names.ts'
import { fromHex } from '../bytes.ts'
import type { Card } from '../emv/card.ts'
import type { Explain, Explanation, Step } from '../emv/explain/explain.ts'
import { isFault } from '../errors.ts'
import type { TraceEvent, Tracer, TraceSource } from '../trace/event.ts'

/** The step that a command belongs to; what is missing belongs to the step that is under way. */
const stepOf: ReadonlyMap<number, string> = new Map([
  [0xa4, 'selection'],
  [0xa8, 'initiation'],
  [0xb2, 'records'],
  [0x88, 'dataAuthentication'],
  [0x20, 'cardholderVerification'],
  [0xae, 'cardActionAnalysis'],
  [0x82, 'issuerAuthentication'],
  [0x16, 'scripts'],
  [0x18, 'scripts'],
  [0x1e, 'scripts'],
  [0x24, 'scripts'],
  [0xda, 'scripts'],
  [0xdc, 'scripts'],
])

/** One for each reader. */
export class KernelTrace {
  readonly #tracer: Tracer
  readonly #from: TraceSource
  /** A card is presented. */
  #end: ((fault?: string) => void) | undefined
  #step: { readonly name: string; readonly end: (fault?: string) => void } | undefined
  /** The fault of the last command; and the same as long as its step is the last. */
  #lost: string | undefined
  #broken: string | undefined
  /** The first cryptogram is there: the next one completes. */
  #signed = false

  constructor(tracer: Tracer, from: TraceSource) {
    this.#tracer = tracer
    this.#from = from
  }

  /**
   * Runs what is done with one card. A kernel that is given up, or whose card is gone, ends with an outcome: what broke it is told all the same, of the presentation and the step
   * that were open then. `signal`: what gives it up.
   */
  async presented<T>(how: 'chip' | 'tap' | 'swipe', work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.#end?.()
    this.#signed = false
    this.#broken = this.#lost = undefined
    const end = this.#tracer.span('presentation', how, this.#from)
    this.#end = end
    this.#step = undefined
    let fault: string | undefined
    try {
      return await work()
    } catch (error) {
      fault = codeOf(error)
      throw error
    } finally {
      end(fault ?? (signal?.aborted ? codeOf(signal.reason) : this.#lost))
      if (this.#end === end) {
        this.#end = undefined
        this.#step = undefined
      }
    }
  }

  /** What the kernel explains, also to whom the app has named. */
  explain(own?: Explain): Explain {
    return entry => {
      const { step, rule, inputs, effect } = entry
      this.#begin(step)
      this.#tracer.tell(this.#from, { kind: 'kernel', step, rule, inputs, effect })
      own?.(entry)
    }
  }

  /** Sends a command, and tells it with its answer. */
  async command(through: Card['interface'], apdu: Uint8Array, send: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const name = commandName(apdu)
    const step = apdu[1] === 0xae && this.#signed ? 'completion' : stepOf.get(apdu[1])
    if (step) this.#begin(step)
    if (apdu[1] === 0xae) this.#signed = true
    const end = this.#tracer.span('command', name, 'card')
    let answer: Uint8Array | undefined
    let fault: string | undefined
    try {
      answer = await send()
      return answer
    } catch (error) {
      fault = codeOf(error)
      throw error
    } finally {
      this.#broken = this.#lost = fault
      this.#tracer.tell('card', { kind: 'apdu', interface: through, name, command: apdu, ...(answer && { answer }) })
      end(fault)
    }
  }

  #begin(name: string): void {
    if (!this.#end || this.#step?.name === name) return
    this.#step?.end(this.#broken)
    this.#broken = undefined
    this.#step = { name, end: this.#tracer.span('step', name, this.#from) }
  }
}

/** What kernels have explained, of a trace: values as it was masked. */
export function explanationsOf(events: readonly TraceEvent[]): Explanation[] {
  return events.flatMap(event => {
    if (event.kind !== 'kernel') return []
    const { step, rule, inputs, effect } = event
    const values = Object.entries(inputs).map(([tag, value]) => [Number.parseInt(tag, 16), fromHex(value)] as const)
    return [{ step: step as Step, rule, inputs: new Map(values), effect }]
  })
}

function codeOf(error: unknown): string {
  return isFault(error) ? error.code : 'internal'
}
