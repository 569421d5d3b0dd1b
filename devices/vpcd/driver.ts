/** The vpcd driver: a Reader over a Link that leads to a card program which speaks vpcd's socket protocol. */

import { parseAtr } from '../../src/apdu/atr.ts'
import { hex } from '../../src/bytes.ts'
import { systemClock, within } from '../../src/clock.ts'
import { Fault, isFault } from '../../src/errors.ts'
import { Conversation } from '../../src/reader/conversation.ts'
import { type PassthroughOptions, passthrough, type Slots } from '../../src/reader/passthrough.ts'
import type { CardSlot, OpenCardOptions, Reader, ReaderInfo, ReaderStatus } from '../../src/reader/reader.ts'
import type { Link } from '../../src/transport/link.ts'
import { host, type VpcdAnswer, type VpcdControl, type VpcdRequest } from './codec.ts'

export interface VpcdOptions extends PassthroughOptions {
  readonly signal?: AbortSignal | undefined
}

type VpcdLine = Conversation<VpcdRequest, VpcdAnswer>

/** Milliseconds for an ATR, and for a response. A card has no word for "I need more time" here, so the second is generous. */
const ATR_TIME = 3000
const RESPONSE_TIME = 10_000

/**
 * Asks the card program for its ATR, as vpcd does to see whether there is a card. One connection is one insertion: a card that is pulled closes it, and with it
 * the reader. The link belongs to the reader from here on, and is closed when this fails.
 * @throws Fault `timeout`, `link-closed`, `aborted`; `protocol` when what answers sends no ATR
 */
export async function openVpcd(link: Link, { signal, ...options }: VpcdOptions = {}): Promise<Reader> {
  const line: VpcdLine = new Conversation(link, host, { clock: options.clock, tracer: options.tracer })
  try {
    const { data } = await line.ask(control('atr'), { timeout: ATR_TIME, signal })
    if (!isAtr(data))
      throw new Fault('protocol', `${link.uri} answered the request for an ATR with ${hex(data.subarray(0, 33)) || 'nothing'}`)
    return passthrough(new VpcdSlots(line, options.clock), options)
  } catch (error) {
    await line.close()
    throw error
  }
}

const info: ReaderInfo = {
  family: 'vpcd',
  model: 'virtual smart card',
  capabilities: ['chip', 'passthrough'],
  applicationSelection: 'host',
}

class VpcdSlots implements Slots {
  readonly info = info
  readonly closed: Promise<unknown>
  readonly #line: VpcdLine
  readonly #clock: VpcdOptions['clock']
  readonly #gone = new AbortController()

  constructor(line: VpcdLine, clock: VpcdOptions['clock']) {
    this.#line = line
    this.#clock = clock
    this.closed = line.closed
    void line.closed.then(() => this.#gone.abort(new Fault('card-removed', 'the card was removed: its connection has ended')))
  }

  async openCard({ interface: wanted, signal, timeout }: OpenCardOptions): Promise<CardSlot> {
    if (wanted === 'contactless')
      throw new Fault('unsupported', 'vpcd has no field: its cards are in a slot with contacts', { feature: 'contactless' })
    const atr = await within({ timeout, signal, clock: this.#clock ?? systemClock, what: 'the reset of the card' }, inner =>
      this.#powerOn(inner),
    )
    return new VpcdSlot(this.#line, atr, this.#gone.signal)
  }

  async status({ signal }: { signal?: AbortSignal }): Promise<ReaderStatus> {
    await this.#line.ask(control('atr'), { timeout: ATR_TIME, signal, accept: ({ data }) => isAtr(data) })
    return { card: 'present' }
  }

  close(): Promise<void> {
    return this.#line.close()
  }

  /**
   * Off first, so that it is a cold reset. Answers come in the order of the questions: when the ATR is here, nothing is owed any more to a command that was
   * given up before.
   */
  async #powerOn(signal: AbortSignal): Promise<Uint8Array> {
    await this.#line.tell(control('powerOff'), { signal })
    await this.#line.tell(control('powerOn'), { signal })
    try {
      const { data } = await this.#line.ask(control('atr'), { timeout: ATR_TIME, signal, accept: answer => isAtr(answer.data) })
      return data
    } catch (error) {
      if (!isFault(error, 'timeout') || signal.aborted) throw error
      throw new Fault('card-mute', `the card gave no answer to reset in ${ATR_TIME} ms`, { ms: ATR_TIME }, { cause: error })
    }
  }
}

class VpcdSlot implements CardSlot {
  readonly interface = 'contact'
  readonly atr: Uint8Array
  readonly removed: AbortSignal
  readonly #line: VpcdLine
  readonly #closed = new AbortController()
  /** Why it transmits no more: an answer is owed that would be taken for that of the next command. */
  #spoiled: Fault | undefined
  #busy = false

  constructor(line: VpcdLine, atr: Uint8Array, removed: AbortSignal) {
    this.#line = line
    this.atr = atr
    this.removed = removed
  }

  async transmit(apdu: Uint8Array, { signal }: { signal?: AbortSignal } = {}): Promise<Uint8Array> {
    if (this.removed.aborted) throw this.removed.reason
    if (this.#spoiled) throw this.#spoiled
    if (this.#busy) throw new Fault('busy', 'the card is working on the command before')
    this.#busy = true
    const stop = signal ? AbortSignal.any([signal, this.#closed.signal]) : this.#closed.signal
    try {
      const { data } = await this.#line.ask({ type: 'apdu', apdu }, { timeout: RESPONSE_TIME, signal: stop })
      if (data.length === 0) throw new Fault('card-mute', 'the card answered with nothing')
      return data
    } catch (error) {
      if (isFault(error, 'link-closed')) throw new Fault('card-removed', 'the card was removed', {}, { cause: error })
      if (!isFault(error, 'timeout', 'aborted', 'card-mute', 'card-removed')) throw error
      this.#spoiled = new Fault('card-mute', 'the card still owes the answer to a command before: reset it')
      if (!isFault(error, 'timeout')) throw error
      throw new Fault('card-mute', `the card did not answer in ${RESPONSE_TIME} ms`, { ms: RESPONSE_TIME }, { cause: error })
    } finally {
      this.#busy = false
    }
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return
    this.#closed.abort(new Fault('aborted', 'the slot was closed'))
    await this.#line.tell(control('powerOff')).catch(() => {}) // a card that is gone has no power
  }
}

const control = (name: VpcdControl): VpcdRequest => ({ type: 'control', control: name })

function isAtr(data: Uint8Array): boolean {
  try {
    parseAtr(data)
    return true
  } catch {
    return false
  }
}
