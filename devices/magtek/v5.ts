/** A MagTek V5 reader as a Reader: eDynamo, tDynamo, mDynamo, iDynamo 6, DynaMag. */

import { text } from '../../src/bytes.ts'
import type { Clock } from '../../src/clock.ts'
import type { CardInterface, Outcome } from '../../src/emv/outcome.ts'
import type { Terminal, Transaction } from '../../src/emv/terminal.ts'
import { asFault, Fault, isFault } from '../../src/errors.ts'
import { Queue } from '../../src/queue.ts'
import type { Broadcast } from '../../src/reader/broadcast.ts'
import { Conversation } from '../../src/reader/conversation.ts'
import { closeReader } from '../../src/reader/driver.ts'
import type { Reader, ReaderCapability, ReaderEvent, ReaderInfo, ReaderStatus } from '../../src/reader/reader.ts'
import { ChipWork, ReaderWork } from '../../src/reader/work.ts'
import type { Tracer } from '../../src/trace/event.ts'
import type { Link } from '../../src/transport/link.ts'
import { percentOf, type V5Reply, v5BleHost, v5HidHost, v5Properties } from './codec.ts'
import { WORK } from './known.ts'
import { payV5 } from './v5-payment.ts'
import { type AskLimits, ask, type V5Line } from './v5-session.ts'

export interface V5Options {
  readonly signal?: AbortSignal | undefined
  readonly clock: Clock
  readonly tracer?: Tracer | undefined
  readonly carrier: 'hid' | 'ble'
  /** By USB product or Bluetooth service, where they tell. */
  readonly model?: V5Model | undefined
}

export interface V5Model {
  readonly name: string
  readonly interfaces: readonly CardInterface[]
}

/** Milliseconds for an answer before the command is sent again: a feature report is fetched after a few; over Bluetooth it is said to be ready first (Magensa's library gives it 15 s in all). */
const answerTimes = { hid: 400, ble: 3000 } as const
/** Milliseconds for which the next command is held back after one that was given up: answers name no command. */
const GRACE = 100

/**
 * Asks the reader who it is; one that somebody else left in the middle of a payment is cancelled when the first is started.
 * @throws Fault `timeout`, `link-closed`, `aborted`, `reader-error`, `protocol`
 */
export async function openV5(link: Link, { signal, clock, carrier, model, tracer }: V5Options): Promise<Reader> {
  const work = new ChipWork(clock, WORK)
  const options = { clock, grace: GRACE, tracer, onLost: () => work.lost() }
  const line: V5Line = new Conversation(link, carrier === 'ble' ? v5BleHost : v5HidHost, options)
  const limits = { timeout: answerTimes[carrier], signal }
  try {
    const serial = words(await ask(line, { type: 'getProperty', property: v5Properties.serial }, limits))
    const firmware = await firmwareOf(line, limits)
    // Swipes come where the commands go; readers that have one way out only do not know the command (48: seen for eDynamo).
    if (carrier === 'ble') await ask(line, { type: 'setOutput', output: 1 }, limits).catch(onlyUnknown)
    const reader = new V5Reader(line, clock, work, limits.timeout, infoOf(serial, firmware, model), model?.interfaces ?? ['chip', 'swipe'])
    await reader.status(signal ? { signal } : {})
    return reader
  } catch (error) {
    await line.close()
    throw error
  }
}

/** The firmware id; empty where only the loader runs: assumed. */
async function firmwareOf(line: V5Line, limits: AskLimits): Promise<string> {
  return words(await ask(line, { type: 'getProperty', property: v5Properties.firmwareId }, limits))
}

/** Text of a property, without the zeros that fill it. */
function words(data: Uint8Array): string {
  return text(data).replace(/\0.*$/s, '')
}

function onlyUnknown(error: unknown): void {
  if (!isFault(error, 'unsupported')) throw error
}

function infoOf(serial: string, firmware: string, model: V5Model | undefined): ReaderInfo {
  const capabilities: ReaderCapability[] = [...(model?.interfaces ?? (['chip', 'swipe'] as const))]
  return {
    family: 'magtek',
    ...(model && { model: model.name }),
    ...(serial && { serial }),
    ...(firmware && { firmware }),
    capabilities,
    applicationSelection: 'host',
  }
}

class V5Reader implements Reader {
  readonly info: ReaderInfo
  readonly events: Broadcast<ReaderEvent>
  readonly #line: V5Line
  readonly #clock: Clock
  readonly #timeout: number
  readonly #interfaces: readonly CardInterface[]
  readonly #work: ReaderWork
  readonly #chip: ChipWork
  #status: ReaderStatus = {}
  #card: ReaderStatus['card']
  #needs: ReaderStatus['needs']
  #news: Queue<V5Reply> | undefined

  constructor(line: V5Line, clock: Clock, chip: ChipWork, timeout: number, info: ReaderInfo, interfaces: readonly CardInterface[]) {
    this.#line = line
    this.#chip = chip
    this.#clock = clock
    this.#timeout = timeout
    this.#interfaces = interfaces
    this.info = info
    this.#work = new ReaderWork(line.closed)
    this.events = this.#work.events
    void this.#listen()
  }

  async status({ signal }: { signal?: AbortSignal } = {}): Promise<ReaderStatus> {
    // One question at a time: while a payment runs, what is known is all there is.
    if (this.#work.busy === 'a payment') return this.#known()
    return this.#work.alone('a status request', stop => this.#ask(stop).then(() => this.#known()), signal)
  }

  async transact(transaction: Transaction, terminal: Terminal, { signal }: { signal?: AbortSignal } = {}): Promise<Outcome> {
    return this.#work.alone(
      'a payment',
      async stop => {
        const news = new Queue<V5Reply>()
        this.#news = news
        const payment = {
          line: this.#line,
          clock: this.#clock,
          timeout: this.#timeout,
          interfaces: this.#interfaces,
          news,
          transaction,
          terminal,
          screen: {},
          work: this.#chip,
          spent: this.#work.spent,
        }
        try {
          return await payV5({ ...payment, signal: stop, emit: event => this.#emit(event) }).catch(error => this.#refused(error))
        } finally {
          this.#news = undefined
          this.#card = undefined // nothing is known of a card between payments
        }
      },
      signal,
    )
  }

  /** A payment that runs is cancelled first, and settles. */
  close(): Promise<void> {
    return closeReader(this.#work, this.#line)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #emit(event: ReaderEvent): void {
    if (event.type === 'card') this.#card = event.event === 'removed' ? 'absent' : event.event === 'inserted' ? 'present' : this.#card
    this.events.send(event)
  }

  /** What comes unasked belongs to the payment that runs; without one it is nobody's. */
  async #listen(): Promise<void> {
    try {
      for await (const reply of this.#line.incoming) this.#news?.push(reply)
      this.#news?.end(new Fault('link-closed', `${this.#line.link.uri} was closed`, { uri: this.#line.link.uri, by: 'close' }))
    } catch (error) {
      this.#news?.end(asFault(error))
    }
  }

  async #askBattery(signal?: AbortSignal): Promise<void> {
    try {
      const percent = percentOf(await ask(this.#line, { type: 'getBattery' }, { timeout: this.#timeout, signal }))
      this.#status = this.#work.battery({ percent })
    } catch (error) {
      if (!isFault(error, 'unsupported')) throw error // a reader that lives on the cable has none
      this.#status = {}
    }
  }

  async #ask(signal?: AbortSignal): Promise<void> {
    await this.#askBattery(signal)
    this.#needs = (await firmwareOf(this.#line, { timeout: this.#timeout, signal })) ? undefined : 'firmware'
  }

  /** A reader that refuses to pay for want of power is asked how much it has left; one that does not say why, whether it has firmware. */
  async #refused(error: unknown): Promise<never> {
    if (!isFault(error, 'low-battery', 'reader-error')) throw error
    await this.#ask().catch(() => {})
    if (isFault(error, 'reader-error')) {
      if (!this.#needs) throw error
      throw new Fault('update-required', 'the reader refuses a payment: it needs firmware', { needs: this.#needs }, { cause: error })
    }
    const percent = this.#status.battery?.percent
    throw new Fault('low-battery', `the reader refuses a payment with its battery at ${percent} %`, { percent }, { cause: error })
  }

  #known(): ReaderStatus {
    return { ...this.#status, ...(this.#card && { card: this.#card }), ...(this.#needs && { needs: this.#needs }) }
  }
}
