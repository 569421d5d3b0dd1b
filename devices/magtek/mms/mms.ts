/** A MagTek MMS reader as a Reader: DynaFlex, DynaFlex II, DynaProx. */

import type { Clock } from '../../../src/clock.ts'
import { systemClock } from '../../../src/clock.ts'
import type { CardInterface, Outcome } from '../../../src/emv/outcome.ts'
import type { Terminal, Transaction } from '../../../src/emv/terminal.ts'
import { asFault, Fault, isFault } from '../../../src/errors.ts'
import { Queue } from '../../../src/queue.ts'
import type { Broadcast } from '../../../src/reader/broadcast.ts'
import { Conversation } from '../../../src/reader/conversation.ts'
import { closeReader, progressOf } from '../../../src/reader/driver.ts'
import type { Reader, ReaderCapability, ReaderEvent, ReaderInfo, ReaderStatus, UpdateOptions } from '../../../src/reader/reader.ts'
import { ChipWork, ReaderWork } from '../../../src/reader/work.ts'
import type { Tracer } from '../../../src/trace/event.ts'
import type { Link } from '../../../src/transport/link.ts'
import { type MmsCarrier, type MmsMessage, mmsNotifications, mmsProperties, mmsSide } from '../codec.ts'
import { WORK } from '../known.ts'
import { payMms } from './payment.ts'
import { type MmsLine, property, References } from './session.ts'
import { updateMms } from './update.ts'

export interface MmsOptions {
  readonly signal?: AbortSignal | undefined
  readonly clock?: Clock | undefined
  readonly tracer?: Tracer | undefined
  readonly carrier: MmsCarrier
}

/** @throws Fault `timeout`, `link-closed`, `aborted`, `reader-error`, `tampered`, `protocol` */
export async function openMms(link: Link, { signal, clock = systemClock, carrier, tracer }: MmsOptions): Promise<Reader> {
  const work = new ChipWork(clock, WORK)
  const options = { clock, grace: 0, tracer, onLost: () => work.lost() } // responses have numbers: no grace
  const line: MmsLine = new Conversation(link, mmsSide(carrier, 'host'), options)
  const references = new References()
  try {
    const serial = await property(line, references, mmsProperties.serial, { signal })
    const firmware = await optional(property(line, references, mmsProperties.firmware, { signal }))
    const model = await optional(property(line, references, mmsProperties.product, { signal }))
    return new MmsReader(line, references, clock, work, infoOf(serial, firmware, model), firmware)
  } catch (error) {
    await line.close()
    throw error
  }
}

/** What a model may not tell. */
async function optional(asked: Promise<string>): Promise<string | undefined> {
  try {
    return await asked
  } catch (error) {
    if (isFault(error, 'reader-error', 'unsupported', 'protocol')) return undefined
    throw error
  }
}

/** DynaProx has an antenna only; the Go has no display, so that the app shows what there is to show; the others have both, and take a PIN where they are a PED. */
function infoOf(serial: string, firmware: string | undefined, model: string | undefined): ReaderInfo {
  const interfaces: readonly CardInterface[] = model?.startsWith('DynaProx') ? ['tap'] : ['chip', 'tap', 'swipe']
  const display = model !== undefined && !/DynaProx|Go\b/.test(model)
  const capabilities: ReaderCapability[] = [...interfaces, 'firmwareUpdate']
  if (display) capabilities.push('display')
  if (model && /PED|Pro\b/.test(model) && display) capabilities.push('pinPad')
  return {
    family: 'magtek',
    ...(model && { model }),
    ...(serial && { serial }),
    ...(firmware && { firmware }),
    capabilities,
    applicationSelection: display ? 'reader' : 'host',
  }
}

class MmsReader implements Reader {
  readonly info: ReaderInfo
  readonly events: Broadcast<ReaderEvent>
  readonly #line: MmsLine
  readonly #references: References
  readonly #clock: Clock
  readonly #work: ReaderWork
  readonly #chip: ChipWork
  #status: ReaderStatus = {}
  #card: ReaderStatus['card']
  /** What it said of its firmware last; empty where only the loader runs, undefined where it tells none. */
  #firmware: string | undefined
  #news: Queue<MmsMessage> | undefined

  constructor(line: MmsLine, references: References, clock: Clock, chip: ChipWork, info: ReaderInfo, firmware: string | undefined) {
    this.#chip = chip
    this.#firmware = firmware
    this.#line = line
    this.#references = references
    this.#clock = clock
    this.info = info
    this.#work = new ReaderWork(line.closed)
    this.events = this.#work.events
    void this.#listen()
  }

  /** What the reader has told of itself: MMS has no public question for the battery, and tells it at 15 % and when it is charged. */
  async status({ signal }: { signal?: AbortSignal } = {}): Promise<ReaderStatus> {
    if (this.#work.busy !== undefined) return this.#known()
    return this.#work.alone(
      'a status request',
      async stop => {
        this.#firmware = await optional(property(this.#line, this.#references, mmsProperties.firmware, { signal: stop }))
        return this.#known()
      },
      signal,
    )
  }

  async transact(transaction: Transaction, terminal: Terminal, { signal }: { signal?: AbortSignal } = {}): Promise<Outcome> {
    const interfaces = this.info.capabilities.filter(one => one === 'chip' || one === 'tap' || one === 'swipe')
    return this.#work.alone(
      'a payment',
      stop =>
        this.#listening(news =>
          payMms({
            ...{ line: this.#line, references: this.#references, clock: this.#clock, interfaces, news, transaction, terminal, screen: {} },
            work: this.#chip,
            pinPad: this.info.capabilities.includes('pinPad'),
            lists: this.info.applicationSelection === 'reader',
            signal: stop,
            spent: this.#work.spent,
            emit: event => this.#emit(event),
          }),
        ),
      signal,
    )
  }

  async updateFirmware(image: Uint8Array, { onProgress, signal }: UpdateOptions = {}): Promise<void> {
    const progress = progressOf(this.events, 'firmware', { onProgress })
    const { line, references, clock } = { line: this.#line, references: this.#references, clock: this.#clock }
    return this.#work.alone(
      'a firmware update',
      stop => this.#listening(news => updateMms({ line, references, clock, news, image, signal: stop, progress })),
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

  async #listening<T>(work: (news: Queue<MmsMessage>) => Promise<T>): Promise<T> {
    const news = new Queue<MmsMessage>()
    this.#news = news
    try {
      return await work(news)
    } finally {
      this.#news = undefined
      this.#card = undefined
    }
  }

  #emit(event: ReaderEvent): void {
    if (event.type === 'card') this.#card = event.event === 'removed' ? 'absent' : event.event === 'inserted' ? 'present' : this.#card
    this.events.send(event)
  }

  /** What comes unasked: of the device, always; of a payment, to the one that runs. */
  async #listen(): Promise<void> {
    try {
      for await (const message of this.#line.incoming) {
        if (message.type !== 'notification') continue
        if (message.id === mmsNotifications.device) this.#tell(message)
        else this.#news?.push(message)
      }
      this.#news?.end(new Fault('link-closed', `${this.#line.link.uri} was closed`, { uri: this.#line.link.uri, by: 'close' }))
    } catch (error) {
      this.#news?.end(asFault(error))
    }
  }

  /** Device information: category 00 power, reason 02 battery; then 00 low, 01 going off for it, 02 charged, and the percentage (D100005000, notification 0105). */
  #tell({ status }: MmsMessage): void {
    const POWER = 0x00
    const BATTERY = 0x02
    const CHARGED = 0x02
    if (status?.summary !== POWER || status.detail >> 16 !== BATTERY) return
    const charged = ((status.detail >> 8) & 0xff) === CHARGED
    const percent = charged ? 100 : status.detail & 0xff
    if (percent > 0 && percent <= 100) this.#status = this.#work.battery({ percent, ...(charged && { charging: true }) })
  }

  #known(): ReaderStatus {
    return { ...this.#status, ...(this.#card && { card: this.#card }), ...(this.#firmware === '' && { needs: 'firmware' as const }) }
  }
}
