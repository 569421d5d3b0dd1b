/** The contactless part of the firmware: whether a payment can be tapped, the tap itself, and what torn ones leave for the next. */

import type { TerminalConfig } from '../../../src/emv/config.ts'
import { preProcess } from '../../../src/emv/contactless/combination.ts'
import { type ContactlessConfig, combinationsOf } from '../../../src/emv/contactless/config.ts'
import { TornLog } from '../../../src/emv/contactless/mastercard/torn-log.ts'
import type { UiStatus } from '../../../src/emv/contactless/outcome.ts'
import { type TapEnd, type TapOptions, tapToHost } from '../../../src/emv/contactless/tap.ts'
import type { Terminal, Transaction } from '../../../src/emv/terminal.ts'
import { antenna } from './antenna.ts'
import type { Body, CardWait } from './body.ts'

/** How a tap ended: as a payment, with a question for the host, or with a card over another interface, or none. */
export type Tapped = TapEnd | { readonly type: 'other'; readonly found: CardWait }
export type TapTerminal = Pick<Terminal, 'enterPin' | 'display'>

export interface TapRun {
  readonly transaction: Transaction
  readonly terminal: TapTerminal
  /** On the body's clock. */
  readonly deadline: number
  /** Waits for a card over every interface of the payment, or for CANCEL. */
  readonly wait: (signal: AbortSignal) => Promise<CardWait>
  readonly options: Omit<TapOptions, 'torn' | 'onUi'>
}

export class Tapping {
  readonly #body: Body
  readonly #config: TerminalConfig
  readonly #contactless: ContactlessConfig
  /** Transactions whose card went too early, for its next tap. */
  readonly #torn = new TornLog()

  constructor(body: Body, config: TerminalConfig, contactless: ContactlessConfig) {
    this.#body = body
    this.#config = config
    this.#contactless = contactless
  }

  /** Rules in the currency of the payment, and one of them that allows its amount and type. */
  allows({ amount, currency, type = 'purchase' }: Transaction): boolean {
    if (this.#contactless.currencyCode !== currency.numeric) return false
    const combinations = combinationsOf(this.#contactless).filter(({ types }) => types === undefined || types.includes(type))
    return combinations.some(one => !preProcess(one, amount, currency).notAllowed)
  }

  async run({ transaction, terminal, deadline, wait, options }: TapRun): Promise<Tapped> {
    let other: CardWait | undefined
    const field = antenna(this.#body, {
      deadline,
      wait,
      onOther: found => {
        other = found
      },
    })
    const ended = await tapToHost(field, transaction, this.#config, this.#contactless, terminal, {
      ...options,
      torn: this.#torn,
      onUi: ({ status }) => this.#sound(status),
    })
    return other && !options.signal?.aborted ? { type: 'other', found: other } : inWordsOfReaders(ended)
  }

  #sound(status: UiStatus): void {
    if (status === 'cardReadSuccessfully') this.#body.sound('ok')
    else if (status === 'processingError' || status === 'collision') this.#body.sound('error')
  }
}

/** No reader with a kernel of its own is known to tell a payment system whose kernel it lacks from one that it does not accept. */
function inWordsOfReaders(ended: TapEnd): TapEnd {
  if (ended.type !== 'outcome' || ended.outcome.reason !== 'kernelUnsupported') return ended
  return { type: 'outcome', outcome: { ...ended.outcome, reason: 'noApplication' } }
}
