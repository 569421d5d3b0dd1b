/** The ID TECH driver: a Reader over a Link that leads to a NEO 2 reader (VP3300) speaking ViVOtech2. */

import { hex, text } from '../../src/bytes.ts'
import type { Clock } from '../../src/clock.ts'
import { systemClock } from '../../src/clock.ts'
import type { Outcome } from '../../src/emv/outcome.ts'
import type { Terminal, Transaction } from '../../src/emv/terminal.ts'
import { Fault, isFault } from '../../src/errors.ts'
import type { Broadcast } from '../../src/reader/broadcast.ts'
import { closeReader, openCardOf, statusOf } from '../../src/reader/driver.ts'
import type { CardSlot, OpenCardOptions, Reader, ReaderEvent, ReaderInfo, ReaderStatus } from '../../src/reader/reader.ts'
import { ReaderWork } from '../../src/reader/work.ts'
import type { Tracer } from '../../src/trace/event.ts'
import type { Link } from '../../src/transport/link.ts'
import { type CommandName, decodeBattery, statuses } from './codec.ts'
import { pay } from './payment.ts'
import { IdtechLine, refused } from './session.ts'
import { openSlot } from './slot.ts'

/** The chip slot for raw commands: 2C-12, 2C-13 and 2C-18 as the guide has them, never tried. */
export const IDTECH_APDU = 'idtech-apdu'
/** The app's choice of an application: the guide's page on the answer to 61-01 was not seen. */
export const IDTECH_MENU = 'idtech-menu'

export interface IdtechOptions {
  readonly signal?: AbortSignal | undefined
  readonly clock?: Clock | undefined
  readonly tracer?: Tracer | undefined
  /** `idtech-apdu`, `idtech-menu` (docs/devices/idtech.md). */
  readonly assumed?: readonly string[] | undefined
}

/** Milliseconds an opened slot waits for a card. */
const CARD_TIMEOUT = 60_000

/**
 * Cancels what somebody else left in the reader, and asks it who it is. The link belongs to the reader from here on, and is closed when this fails.
 * @throws Fault `timeout`, `link-closed`, `aborted`, `reader-error`, `protocol`
 */
export async function openIdtech(link: Link, { signal, clock = systemClock, assumed = [], tracer }: IdtechOptions = {}): Promise<Reader> {
  const line = new IdtechLine(link, clock, tracer)
  try {
    await line.cancel()
    await line.run('ping', undefined, signal)
    const [version, product, uid] = [
      await told(line, 'getVersion', signal),
      await told(line, 'getProductInfo', signal),
      await told(line, 'getUid', signal),
    ]
    const model = product && words(product)
    const raw = assumed.includes(IDTECH_APDU)
    const menus = assumed.includes(IDTECH_MENU)
    const info: ReaderInfo = {
      family: 'idtech',
      ...(model && { model }),
      ...(uid && uid.length > 0 && { serial: hex(uid) }),
      ...(version && version.length > 0 && { firmware: words(version) }),
      capabilities: ['chip', 'tap', 'swipe', ...(raw ? (['passthrough'] as const) : [])],
      applicationSelection: menus ? 'host' : 'reader',
      ...(raw && { slots: ['contact'] as const }),
    }
    const reader = new IdtechReader(line, clock, info, menus)
    await reader.start(signal)
    return reader
  } catch (error) {
    await line.close()
    throw error
  }
}

/** The data of a question that not every reader knows. */
async function told(line: IdtechLine, name: CommandName, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
  try {
    return await line.run(name, undefined, signal)
  } catch (error) {
    if (isFault(error, 'reader-error', 'unsupported', 'update-required', 'tampered')) return undefined
    throw error
  }
}

/** Text without the control characters that may end it. */
function words(bytes: Uint8Array): string {
  return text(bytes)
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
}

class IdtechReader implements Reader {
  readonly info: ReaderInfo
  readonly events: Broadcast<ReaderEvent>
  readonly #line: IdtechLine
  readonly #clock: Clock
  readonly #menus: boolean
  readonly #work: ReaderWork
  #status: ReaderStatus = {}
  #slot: CardSlot | undefined
  /** A chip is being worked with. That it was taken out afterwards is told by nothing. */
  #inserted = false

  constructor(line: IdtechLine, clock: Clock, info: ReaderInfo, menus: boolean) {
    this.#line = line
    this.#clock = clock
    this.info = info
    this.#menus = menus
    this.#work = new ReaderWork(line.closed)
    this.events = this.#work.events
  }

  async start(signal?: AbortSignal): Promise<void> {
    await this.#ask(signal)
  }

  async status({ signal }: { signal?: AbortSignal } = {}): Promise<ReaderStatus> {
    // Any command but a cancel is taken for one while a transaction runs (NEO 2 IDG, 02-40): what it said last is all there is.
    return statusOf(
      this.#work,
      () => this.#known,
      stop => this.#ask(stop),
      signal,
    )
  }

  async transact(transaction: Transaction, terminal: Terminal, { signal }: { signal?: AbortSignal } = {}): Promise<Outcome> {
    return this.#work.alone(
      'a payment',
      async stop => {
        await this.#ask()
        if (this.#status.needs) throw refused(statuses.needClearFirmware, 'activate')
        const percent = this.#status.battery?.percent
        if (this.#work.level === 'critical')
          throw new Fault('low-battery', `the battery is at ${percent} %: too low for a payment`, { percent })
        try {
          return await pay({
            ...{ line: this.#line, clock: this.#clock, signal: stop, transaction, terminal, menus: this.#menus },
            spent: this.#work.spent,
            emit: event => this.#emit(event),
          })
        } finally {
          this.#inserted = false
        }
      },
      signal,
    )
  }

  /** The chip slot. @throws Fault as `Reader.openCard`; `unsupported` unless the reader was opened with `assumed: ['idtech-apdu']` */
  async openCard({ interface: wanted, signal, timeout = CARD_TIMEOUT }: OpenCardOptions = {}): Promise<CardSlot> {
    if (!this.info.capabilities.includes('passthrough'))
      throw new Fault('unsupported', `raw commands were never tried on a reader: open it with assumed: ['${IDTECH_APDU}']`, {
        feature: 'passthrough',
      })
    if (wanted === 'contactless') throw new Fault('unsupported', 'raw commands go to the chip slot only', { feature: 'contactless' })
    const how = {
      open: (stop: AbortSignal, onClose: () => void) => openSlot({ line: this.#line, clock: this.#clock, signal: stop, timeout, onClose }),
      tell: (event: ReaderEvent) => this.#emit(event),
      onClosed: () => {
        this.#slot = undefined
        this.#inserted = false
      },
    }
    this.#slot = await openCardOf(this.#work, how, signal)
    return this.#slot
  }

  /** A payment that runs is cancelled first, and settles; an open card is closed. */
  close(): Promise<void> {
    return closeReader(this.#work, this.#line, () => this.#slot)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #known(): ReaderStatus {
    return { ...this.#status, ...(this.#inserted && { card: 'present' as const }) }
  }

  #emit(event: ReaderEvent): void {
    if (event.type === 'card') this.#inserted = event.event === 'inserted'
    this.events.send(event)
  }

  /** The battery, where the reader has one: it says nothing of a charger. A loader that runs alone says that it needs firmware. */
  async #ask(signal?: AbortSignal): Promise<void> {
    const answer = await this.#line.ask('battery', Uint8Array.of(0), { signal })
    if (answer.status === statuses.needClearFirmware || answer.status === statuses.needEncryptedFirmware) {
      this.#status = { needs: 'firmware' }
      return
    }
    this.#status = answer.status === 0 ? this.#work.battery({ percent: decodeBattery(answer.data) }) : {}
  }
}
