/** The Miura driver: a Reader over a Link that leads to a Miura PED (M010, Shuttle) speaking MPI. */

import type { Clock } from '../../src/clock.ts'
import { systemClock } from '../../src/clock.ts'
import type { Outcome } from '../../src/emv/outcome.ts'
import type { Terminal, Transaction } from '../../src/emv/terminal.ts'
import { Fault, isFault } from '../../src/errors.ts'
import { type Language, type ShopMessageId as MessageId, shopMessage as words } from '../../src/messages/shop.ts'
import type { Broadcast } from '../../src/reader/broadcast.ts'
import { closeReader, progressOf, statusOf } from '../../src/reader/driver.ts'
import type { CardSlot, Reader, ReaderCapability, ReaderEvent, ReaderInfo, ReaderStatus, UpdateOptions } from '../../src/reader/reader.ts'
import { ReaderWork } from '../../src/reader/work.ts'
import type { Tracer } from '../../src/trace/event.ts'
import type { Link } from '../../src/transport/link.ts'
import {
  chargingCodes,
  command,
  decodeBattery,
  decodeConfiguration,
  decodeP2peStatus,
  decodeSoftwareInfo,
  displayFlags,
  type ReaderEventMessage,
  resets,
  type SoftwareInfo,
} from './codec.ts'
import { filesOf, isFirmware, readFile, sendFiles } from './files.ts'
import { pay, reportCards } from './payment.ts'
import { PinTeller } from './pin.ts'
import { MiuraLine } from './session.ts'
import { Watch } from './watch.ts'

export interface MiuraOptions {
  readonly signal?: AbortSignal | undefined
  readonly clock?: Clock | undefined
  readonly tracer?: Tracer | undefined
  /** Of what the driver writes on the reader's display; English when left out. */
  readonly language?: Language | undefined
}

/** A Reader with the files of a Miura. */
export interface MiuraReader extends Reader {
  /** A file as the reader has it, `emv.cfg`. @throws Fault `reader-error` where there is none of that name; `busy`, `timeout`, `link-closed` */
  readFile(name: string, options?: { signal?: AbortSignal }): Promise<Uint8Array>
}

/** Milliseconds that a reader takes for a reset. */
const RESET_TIME = 10_000
/** Percent below which the vendor's example updates nothing. */
const UPDATE_BATTERY = 10
/** KEYBOARD STATUS: keys are told of, the backlight stays as it is. */
const KEYS = { p1: 0x01, p2: 0xff }

/**
 * Resets the reader softly, which ends what somebody else left in it, and asks it to tell of cards and keys.
 * The link belongs to the reader from here on, and is closed when this fails.
 * @throws Fault `timeout`, `link-closed`, `aborted`, `reader-error`, `protocol`
 */
export async function openMiura(
  link: Link,
  { signal, clock = systemClock, language = 'en', tracer }: MiuraOptions = {},
): Promise<MiuraReader> {
  let reader: MiuraReaderOf | undefined
  const line = new MiuraLine(link, clock, event => reader?.hear(event), tracer)
  try {
    const software = decodeSoftwareInfo(await line.hello({ signal, timeout: RESET_TIME }))
    const configuration = await configurationOf(line, signal)
    reader = new MiuraReaderOf(line, clock, language, software, configuration)
    await reader.start(signal)
    return reader
  } catch (error) {
    await line.close()
    throw error
  }
}

/** The version that its files of configuration share, or those of each; undefined where the reader does not say. */
async function configurationOf(line: MiuraLine, signal: AbortSignal | undefined): Promise<string | undefined> {
  try {
    const files = decodeConfiguration(await line.run(command('getConfiguration'), { signal }))
    const told = files.flatMap(({ name, version }) => (version === undefined ? [] : [{ name, version }]))
    const versions = new Set(told.map(({ version }) => version))
    if (versions.size <= 1) return told[0]?.version
    return told.map(({ name, version }) => `${name} ${version}`).join(', ')
  } catch (error) {
    if (isFault(error, 'reader-error', 'unsupported', 'protocol')) return undefined
    throw error
  }
}

const capabilities: readonly ReaderCapability[] = ['chip', 'tap', 'swipe', 'pinPad', 'display', 'firmwareUpdate']

class MiuraReaderOf implements MiuraReader {
  readonly info: ReaderInfo
  readonly events: Broadcast<ReaderEvent>
  readonly #line: MiuraLine
  readonly #clock: Clock
  readonly #language: Language
  readonly #work: ReaderWork
  readonly #watch = new Watch()
  readonly #pin: PinTeller
  #software: SoftwareInfo
  #status: ReaderStatus = {}
  #restarting = false
  /** Who is shown what the reader shows. */
  #terminal: Terminal | undefined

  constructor(line: MiuraLine, clock: Clock, language: Language, software: SoftwareInfo, configuration: string | undefined) {
    this.#line = line
    this.#clock = clock
    this.#language = language
    this.#software = software
    this.#work = new ReaderWork(line.closed)
    this.events = this.#work.events
    this.#pin = new PinTeller(event => this.#tellPin(event))
    const [application] = software.software
    const model = application && /^[A-Z]\d{3}(?=-)/.exec(application.name)?.[0]
    this.info = {
      family: 'miura',
      ...(model && { model }),
      ...(software.serial && { serial: software.serial }),
      ...(application?.version !== undefined && { firmware: application.version }),
      ...(configuration !== undefined && { configuration }),
      capabilities,
      applicationSelection: 'reader',
    }
  }

  /** Cards and keys are told of from here on. */
  async start(signal?: AbortSignal): Promise<void> {
    await this.#report(signal)
    await this.#ask(signal)
  }

  async #report(signal?: AbortSignal): Promise<void> {
    await this.#line.tell(reportCards, signal)
    await this.#line.run(command('keyboardStatus', KEYS), { signal }).catch(error => {
      if (!isFault(error, 'reader-error', 'unsupported')) throw error // a reader without keys
    })
  }

  hear(event: ReaderEventMessage): void {
    switch (event.type) {
      case 'card': {
        const change = this.#watch.hear(event)
        if (change) this.events.send({ type: 'card', event: change })
        break
      }
      case 'key':
        this.#watch.press(event.key)
        break
      case 'status':
        if (event.status === 'pinEntry') this.#pin.hear(event)
        else if (event.status === 'applicationSelection') {
          this.events.send({ type: 'application-selection', where: 'reader' })
          this.#show('reader.selectApplication')
        } else if (event.status === 'seePhone') this.#show('reader.seePhone')
        else if (event.status === 'rebooting') this.#restarting = true
        break
      case 'other': // printer, barcode, serial data: nothing of a payment
    }
  }

  async status({ signal }: { signal?: AbortSignal } = {}): Promise<ReaderStatus> {
    return statusOf(
      this.#work,
      () => this.#known(),
      async stop => {
        await this.#ask(stop)
        if (!this.#needsFirmware) return
        // Whether it has its firmware by now is told by a RESET alone.
        await this.#identify(stop)
        await this.#report(stop)
      },
      signal,
    )
  }

  async transact(transaction: Transaction, terminal: Terminal, { signal }: { signal?: AbortSignal } = {}): Promise<Outcome> {
    return this.#work.alone(
      'a payment',
      async stop => {
        await this.#ready()
        this.#terminal = terminal
        try {
          return await pay({
            ...{ line: this.#line, watch: this.#watch, clock: this.#clock, signal: stop, transaction, terminal },
            spent: this.#work.spent,
            emit: event => this.events.send(event),
            display: (...messages) => this.#display(messages),
          })
        } catch (error) {
          throw await this.#reasonOf(error)
        } finally {
          this.#terminal = undefined
          this.#pin.end()
        }
      },
      signal,
    )
  }

  /** @throws Fault `unsupported`: MPI has no command for a card's own APDUs */
  async openCard(): Promise<CardSlot> {
    throw new Fault('unsupported', 'MPI passes no commands through to a card', { feature: 'passthrough' })
  }

  /**
   * The image is a plain tar of the vendor's files, as they are to be sent: archives of firmware (`M000-MPI-V1-47.tar.gz`), files of configuration
   * (`emv.cfg`), or both. After the last one the reader restarts, and installs them.
   * @throws Fault as `Reader.updateFirmware`
   */
  async updateFirmware(image: Uint8Array, { onProgress, signal }: UpdateOptions = {}): Promise<void> {
    return this.#work.alone(
      'a firmware update',
      async stop => {
        const files = filesOf(image)
        const total = files.reduce((sum, { bytes }) => sum + bytes.length, 0)
        const told = progressOf(this.events, files.some(isFirmware) ? 'firmware' : 'configuration', { onProgress })
        await this.#ask(stop)
        this.#charged(UPDATE_BATTERY, 'an update')
        try {
          await sendFiles(this.#line, files, { signal: stop, onProgress: done => told(done, total) })
        } catch (error) {
          if (isFault(error, 'link-closed')) throw error
          await this.#identify().catch(() => {}) // what it needs now is told by `status`
          throw await this.#reasonOf(error, 100)
        }
        await this.#line.run(command('reset', { p1: resets.hard }), { timeout: RESET_TIME }).catch(error => {
          if (!this.#restarting) throw error // else it was quicker than its answer
        })
        await this.#line.close()
      },
      signal,
    )
  }

  readFile(name: string, { signal }: { signal?: AbortSignal } = {}): Promise<Uint8Array> {
    return this.#work.alone('a status request', stop => readFile(this.#line, name, stop), signal)
  }

  /** A payment that runs is cancelled first, and settles. */
  close(): Promise<void> {
    return closeReader(this.#work, this.#line)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #ask(signal?: AbortSignal): Promise<void> {
    const { charging, percent } = decodeBattery(await this.#line.run(command('batteryStatus'), { signal }))
    const plugged = charging === chargingCodes.charging || charging === chargingCodes.charged
    const known = plugged || charging === chargingCodes.battery
    this.#status = this.#work.battery({ percent, ...(known && { charging: plugged }) })
  }

  async #identify(signal?: AbortSignal): Promise<void> {
    this.#software = decodeSoftwareInfo(await this.#line.hello({ timeout: RESET_TIME, signal }))
  }

  /** Before a payment. @throws Fault `low-battery`, `update-required` */
  async #ready(): Promise<void> {
    await this.#ask()
    if (this.#work.level === 'critical') this.#charged(100, 'a payment')
    if (this.#needsFirmware) throw updateRequired()
  }

  /** @throws Fault `low-battery` */
  #charged(least: number, what: string): void {
    const { percent, charging } = this.#status.battery ?? {}
    if (percent !== undefined && percent < least && !charging)
      throw new Fault('low-battery', `the battery is at ${percent} %: too low for ${what}`, { percent })
  }

  /** "Not ready" is all that the wire says of a flat battery, and of an application that is missing. */
  async #reasonOf(error: unknown, least = 0): Promise<unknown> {
    if (!isFault(error, 'reader-error') || error.details.code !== 'TERMINAL_NOT_READY') return error
    try {
      await this.#ask()
      if (this.#work.level !== 'ok') this.#charged(100, 'that')
      this.#charged(least, 'that')
      await this.#identify()
    } catch (other) {
      return isFault(other, 'low-battery') ? other : error
    }
    if (this.#needsFirmware) return updateRequired(error)
    return (await this.#hasKeys()) ? error : noKeys(error)
  }

  /** P2PE STATUS: a key for PINs, or one for card data. True where the reader does not tell. */
  async #hasKeys(): Promise<boolean> {
    try {
      const { pinKey, dataKey } = decodeP2peStatus(await this.#line.run(command('p2peStatus')))
      return pinKey || dataKey
    } catch {
      return true
    }
  }

  /** It names its application, and no version of it: there is none to run. */
  get #needsFirmware(): boolean {
    const [application] = this.#software.software
    return application !== undefined && application.version === undefined
  }

  #known(): ReaderStatus {
    const { present } = this.#watch
    return {
      ...this.#status,
      ...(present !== undefined && { card: present ? ('present' as const) : ('absent' as const) }),
      ...(this.#needsFirmware && { needs: 'firmware' as const }),
    }
  }

  #tellPin(event: ReaderEvent): void {
    this.events.send(event)
    if (event.type !== 'pin') return
    if (event.event === 'started') this.#show('reader.enterPin')
    else if (event.event === 'ok') this.#show('reader.pinOk')
  }

  #show(message: MessageId): void {
    this.events.send({ type: 'display', message })
    this.#terminal?.display?.(message)
  }

  /** Words on the reader's display; a payment does not end for want of them. */
  async #display(messages: readonly MessageId[]): Promise<void> {
    const text = messages.map(id => words(id, this.#language)).join('\n')
    const data = new TextEncoder().encode(text)
    await this.#line.run(command('displayText', { p2: displayFlags.backlight | displayFlags.utf8, data })).catch(() => {})
  }
}

function noKeys(cause: unknown): Fault {
  return new Fault('tampered', 'the reader has no keys: it was opened, or never given any', { needs: 'keys' }, { cause })
}

function updateRequired(cause?: unknown): Fault {
  return new Fault('update-required', 'the reader has no application: it needs firmware', { needs: 'firmware' }, { cause })
}
