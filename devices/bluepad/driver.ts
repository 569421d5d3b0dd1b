/** The BluePad driver: a Reader over a Link that leads to a Datecs BluePad with MPED firmware (Handpoint HiLite, HiPro). */

import { type Clock, localTime, systemClock } from '../../src/clock.ts'
import type { Outcome } from '../../src/emv/outcome.ts'
import type { Terminal, Transaction } from '../../src/emv/terminal.ts'
import { Fault, isFault } from '../../src/errors.ts'
import type { Broadcast } from '../../src/reader/broadcast.ts'
import type { Reader, ReaderEvent, ReaderInfo, ReaderStatus, UpdateOptions } from '../../src/reader/reader.ts'
import { ReaderWork } from '../../src/reader/work.ts'
import type { Tracer } from '../../src/trace/event.ts'
import type { Link } from '../../src/transport/link.ts'
import {
  answerElements,
  COM_BUFFER,
  EXTENSIONS,
  elements,
  type InitAnswer,
  MAX_FRAME,
  MIN_FRAME,
  statuses,
  statusName,
  xmlDocument,
} from './codec.ts'
import type { CarryToHost } from './host-link.ts'
import { pay } from './payment.ts'
import { MpedLine } from './session.ts'
import { update } from './update.ts'

export interface BluepadOptions {
  readonly signal?: AbortSignal | undefined
  readonly clock?: Clock | undefined
  readonly tracer?: Tracer | undefined
  /** `mped` when left out. `emv2`, the vendor's own host-driven dialect, has no public bytes: see `openEmv2`. */
  readonly dialect?: string | undefined
  /** Takes the reader's requests to its own host and brings the answers. Left out: the reader is told that there is no way to it. */
  readonly carry?: CarryToHost | undefined
}

/**
 * Introduces the terminal (I000) and learns who the reader is. The link belongs to the reader from here on, and is closed when this fails.
 * @throws Fault `timeout`, `link-closed`, `aborted`, `reader-error`, `protocol`; `unsupported` for a dialect without bytes, `bad-argument` for one that is not known
 */
export async function openBluepad(link: Link, options: BluepadOptions = {}): Promise<Reader> {
  const { signal, clock = systemClock, dialect = 'mped', carry, tracer } = options
  if (dialect !== 'mped') {
    await link.close()
    if (dialect === 'emv2')
      throw new Fault('unsupported', 'the bytes of the emv2 dialect are not public: give its calls to openEmv2', { feature: 'emv2' })
    throw new Fault('bad-argument', `dialect '${dialect}' is not known (mped, emv2)`, { field: 'dialect' })
  }
  const line = new MpedLine(link, clock, tracer)
  try {
    const { answer } = await introduce(line, clock, signal)
    line.maxFrame = answer.bufferSize >= MIN_FRAME ? Math.min(answer.bufferSize, COM_BUFFER) : MAX_FRAME
    return new BluepadReader(line, clock, answer, carry)
  } catch (error) {
    await line.close()
    throw error
  }
}

/** With XML, as the vendor's library does, and without it where a reader does not know that yet. */
async function introduce(line: MpedLine, clock: Clock, signal: AbortSignal | undefined): Promise<{ readonly answer: InitAnswer }> {
  const at = localTime(new Date(clock.now()))
  const request = xmlDocument('InitRequest', { ComBufSize: COM_BUFFER, SDKName: 'tapdip' })
  let said = await line.ask({ type: 'init', at, xml: request }, 'initAnswer', { signal })
  if (said.status === statuses.INVALID_DATA) said = await line.ask({ type: 'init', at, xml: '' }, 'initAnswer', { signal })
  const { status, answer } = said
  if (status === statuses.SUCCESS && answer) return { answer }
  throw new Fault('reader-error', `the reader answered the introduction with ${statusName(status)}`, { code: statusName(status) })
}

class BluepadReader implements Reader {
  readonly info: ReaderInfo
  readonly events: Broadcast<ReaderEvent>
  readonly #line: MpedLine
  readonly #clock: Clock
  readonly #carry: CarryToHost | undefined
  readonly #work: ReaderWork
  readonly #extended: boolean
  #status: ReaderStatus = {}
  #card: ReaderStatus['card']

  constructor(line: MpedLine, clock: Clock, init: InitAnswer, carry: CarryToHost | undefined) {
    this.#line = line
    this.#clock = clock
    this.#carry = carry
    this.#work = new ReaderWork(line.closed)
    this.events = this.#work.events
    const told = elements(init.xml)
    this.#extended = told.has(EXTENSIONS)
    this.info = infoOf(init, told)
    this.#learn(told)
  }

  async status({ signal }: { signal?: AbortSignal } = {}): Promise<ReaderStatus> {
    // An idle request would cancel what is under way: while there is something, what the reader said last is all there is.
    const { busy } = this.#work
    if (busy && busy !== 'a status request') return this.#known()
    return this.#work.alone(
      'a status request',
      async stop => {
        const { xml } = await this.#line.ask({ type: 'idle' }, 'idleAnswer', { signal: stop })
        this.#learn(elements(xml))
        return this.#known()
      },
      signal,
    )
  }

  async transact(transaction: Transaction, terminal: Terminal, { signal }: { signal?: AbortSignal } = {}): Promise<Outcome> {
    return this.#work.alone('a payment', stop => this.#pay(transaction, terminal, stop), signal)
  }

  /** @throws Fault as `Reader.updateFirmware`; `unsupported` for a reader that does not say it takes our own test image */
  async updateFirmware(image: Uint8Array, { signal, onProgress }: UpdateOptions = {}): Promise<void> {
    if (!this.#extended)
      throw new Fault('unsupported', 'how a BluePad takes an image is not public; it fetches its firmware from its own host', {
        feature: 'firmwareUpdate',
      })
    const emit = (done: number, total: number) => {
      this.events.send({ type: 'update', what: 'firmware', done, total })
      onProgress?.(done, total)
    }
    await this.#work.alone('a firmware update', stop => update(this.#line, image, emit, stop), signal)
    await this.close() // the reader restarts
  }

  /** A payment that runs is cancelled first, and settles. */
  close(): Promise<void> {
    return this.#work.close(async () => {
      await this.#line.close()
      await this.#line.closed
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #pay(transaction: Transaction, terminal: Terminal, signal: AbortSignal): Promise<Outcome> {
    if (this.#line.unsettled) await this.#settle()
    try {
      return await pay({
        ...{ line: this.#line, clock: this.#clock, signal, transaction, terminal, carry: this.#carry, extended: this.#extended },
        spent: this.#work.spent,
        learn: told => this.#learn(told),
        emit: event => {
          if (event.type === 'card') this.#card = event.event === 'removed' ? 'absent' : event.event === 'inserted' ? 'present' : undefined
          this.events.send(event)
        },
      })
    } catch (error) {
      if (!isFault(error, 'low-battery')) throw error
      const { percent } = this.#status.battery ?? {}
      throw new Fault(
        'low-battery',
        'the reader refuses a payment: its battery is too low',
        { ...error.details, percent },
        { cause: error },
      )
    } finally {
      this.#card = undefined // nothing tells of a card between payments
    }
  }

  /** The last word of the payment before, if it still comes, comes before the answer to this. */
  async #settle(): Promise<void> {
    await this.#line.ask({ type: 'idle' }, 'idleAnswer')
    this.#line.unsettled = false
  }

  #known(): ReaderStatus {
    return { ...this.#status, ...(this.#card && { card: this.#card }) }
  }

  /** Every XML of the reader says how its battery is (the vendor's simulator). */
  #learn(told: ReadonlyMap<string, string>): void {
    const percent = number(told.get('BatteryStatus')?.replace(/%$/, ''))
    const millivolts = number(told.get('BatterymV'))
    const charging = told.has('BatteryCharging') ? told.get('BatteryCharging') === 'true' : undefined
    const needs = told.get(answerElements.needs)
    const battery = {
      ...(percent !== undefined && { percent }),
      ...(millivolts !== undefined && { millivolts }),
      ...(charging !== undefined && { charging }),
    }
    if (Object.keys(battery).length > 0) this.#status = { ...this.#work.battery(battery), ...(needs === 'firmware' && { needs }) }
  }
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : undefined
}

/** `SerialNumber` of HiLite and BluePad alike is 12 digits; what stands on the case is the Bluetooth name, which begins with PP for every BluePad: which one (50, 55, 500) it does not say. */
function infoOf(init: InitAnswer, told: ReadonlyMap<string, string>): ReaderInfo {
  const { application, applicationVersion, emvVersion } = init
  const version = told.get('ApplicationVersion') ?? `${applicationVersion >> 8}.${applicationVersion & 0xff}`
  const name = told.get('BluetoothName')
  return {
    family: 'bluepad',
    ...(name?.startsWith('PP') && { model: 'BluePad' }),
    serial: name || init.serial,
    firmware: [application, version].filter(Boolean).join(' '),
    hardware: `${init.manufacturer}.${init.model}`,
    configuration: String(emvVersion),
    capabilities: ['chip', 'tap', 'swipe', 'pinPad', 'display', ...(told.has(EXTENSIONS) ? (['firmwareUpdate'] as const) : [])],
    applicationSelection: 'reader',
    fallback: 'reader',
  }
}
