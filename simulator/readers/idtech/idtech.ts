/** A virtual ID TECH reader (VP3300) without display and keypad of its own: the shared firmware behind the device side of the ViVOtech2 codec. */

import {
  type CommandName,
  type CrcOrder,
  commandByte,
  type DeviceMessage,
  decodeActivate,
  decodeContactStart,
  decodeHostAnswer,
  decodeMenuChoice,
  device,
  displayModes,
  encodeLcd,
  errorCodes,
  type HostAnswer,
  type HostMessage,
  idtechHid,
  requests,
  resultCodes,
  type Start,
  slots,
  statuses,
  tags,
} from '../../../devices/idtech/codec.ts'
import { fromHex, fromText, fromUint } from '../../../src/bytes.ts'
import { type Clock, systemClock, within } from '../../../src/clock.ts'
import type { Card } from '../../../src/emv/card.ts'
import type { CardInterface } from '../../../src/emv/outcome.ts'
import type { Candidate, Transaction, Waiting } from '../../../src/emv/terminal.ts'
import { abortFault, asFault, Fault, isFault } from '../../../src/errors.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import type { Link } from '../../../src/transport/link.ts'
import { faultySender, type LineFaults } from '../../faults.ts'
import { Body } from '../body/body.ts'
import { Firmware, type HostSide } from '../firmware.ts'
import { hearHost } from '../hear.ts'
import type { HidPlug } from '../listen/hid-device.ts'
import type { VirtualReader, VirtualReaderOptions } from '../reader.ts'
import { Seat } from '../seat.ts'
import { type Taken, takeCard, type Ways } from '../take-card.ts'
import { responseOf, withCvm } from '../told.ts'
import { withoutPinPad } from '../without-pin-pad.ts'
import {
  type Answer,
  activated,
  answerOfFault,
  contact,
  contactEnding,
  failure,
  noCard,
  ok,
  status,
  swiped,
  tapEnding,
  transactionOf,
} from './payload.ts'

export interface IdtechOptions extends Omit<VirtualReaderOptions, 'body'> {
  readonly body?: Body
  /** The host is asked for an application (61-01); the card's priority decides when left out. */
  readonly menus?: boolean
}

/** A command that takes as long as people do. */
interface Job {
  /** The command whose answer is due. */
  command: CommandName
  readonly stop: AbortController
  /** Nobody waits for its end. */
  forgotten: boolean
  applyHost?: (answer: HostAnswer) => void
  choose?: (line: number | undefined) => void
  done: Promise<void>
  /** The host was asked to show something. */
  shown?: boolean
}

/** A wait for a card that has ended with nobody, while its invitation still stands: the same command goes on with it. */
interface Standing {
  readonly asked: string
  readonly ways: Ways
  /** Nobody goes on. */
  over(): void
}

/** Milliseconds after a wait for which the invitation stands: assumed. */
const STANDS = 1500

/** What the loader answers, when nothing else runs: assumed. */
const loaderCommands: ReadonlySet<CommandName> = new Set(['ping', 'cancel', 'getProductInfo', 'getUid'])
const slotCommands: ReadonlySet<CommandName> = new Set(['getAtr', 'exchangeApdu', 'powerOff'])
const everything = ['tap', 'chip', 'swipe'] as const

export class VirtualIdtech implements VirtualReader {
  readonly family = 'idtech'
  readonly body: Body
  readonly firmware: Firmware
  /** Knobs of the line, to be turned at any time. */
  readonly faults: LineFaults
  readonly serial: string
  readonly hid: HidPlug
  /** A knob: who chooses from several applications. */
  menus: boolean
  /** A knob: how it wants the CRC of the chip slot's commands; the guide shows both. */
  passThroughOrder: CrcOrder = 'lsb'
  readonly #options: IdtechOptions
  readonly #clock: Clock
  readonly #seat = new Seat()
  #link: Link | undefined
  #send: ((frame: Uint8Array) => Promise<void>) | undefined
  #job: Job | undefined
  /** The chip of a transaction that was started, or of the raw slot. */
  #chip: { readonly card: Card; readonly transaction: Transaction; readonly asked: string } | undefined
  /** What was asked for when a chip was found that its host then wanted nothing of: for the same again, it is there already. Assumed. */
  #untouched: string | undefined
  #raw: Card | undefined
  #standing: Standing | undefined
  readonly #stopWatching: () => void

  constructor(options: IdtechOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.body = options.body ?? new Body({ clock: this.#clock, ...(options.language && { language: options.language }) })
    const own = withoutPinPad(options.config, options.contactless)
    this.firmware = new Firmware({ ...options, ...own, family: this.family, body: this.body, clock: this.#clock })
    this.faults = { ...options.faults }
    this.serial = options.serial ?? 'IDTECH-VP3300-00001'
    this.hid = { vendor: 0x0acd, product: 0x3530, shape: idtechHid, manufacturer: 'ID TECH', name: 'VP3300', serial: this.serial }
    this.menus = options.menus ?? false
    this.#stopWatching = this.body.on(event => {
      if (event.type === 'power' && !event.on) this.#link?.close().catch(() => {})
      if (event.type === 'tamper') this.#job?.stop.abort(new Fault('tampered', 'the reader was opened'))
      if (event.type === 'display' && this.#job && event.screen.message) this.#show(this.#job, event.screen.message)
    })
  }

  async serve(link: Link): Promise<void> {
    await this.#seat.take(link, this.serial)
    const over = new AbortController()
    this.#link = link
    this.#send = faultySender(link, { faults: this.faults, clock: this.#clock, random: this.firmware.random }, over.signal)
    try {
      if (this.body.isOn) await hearHost(link, device.decoder(), this.#clock, message => this.#hear(message))
    } finally {
      this.#seat.leaving()
      over.abort()
      this.#send = undefined
      await this.#endJob(new Fault('link-closed', 'the host is gone'))
      this.#giveCardBack()
      await link.close()
      this.#link = undefined
      this.#seat.left()
    }
  }

  async close(): Promise<void> {
    this.#stopWatching()
    await this.#link?.close()
    await this.#endJob(new Fault('aborted', 'the reader was closed'))
    this.#endStanding()
    this.firmware.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #say(message: DeviceMessage): void {
    // A line that breaks ends the connection: nothing is lost by not looking here.
    this.#send?.(device.encode(message)).catch(() => {})
  }

  #answer(name: CommandName, { status: code, data }: Answer): void {
    this.#say({ type: 'answer', command: commandByte(name), status: code, data })
  }

  // — what the host says —

  async #hear(message: HostMessage): Promise<void> {
    if (!this.body.isOn) return
    if (message.type === 'unknown')
      return this.#say({ type: 'answer', command: message.code >> 8, status: statuses.unknownCommand, data: new Uint8Array(0) })
    const { command: name, data, swapped = false } = message
    if (swapped !== (slotCommands.has(name) && this.passThroughOrder === 'msb')) return this.#answer(name, status(statuses.crcError))
    const job = this.#job
    if (name === 'cancel') return this.#cancel()
    if (!job && this.firmware.condition.needsUpdate && !loaderCommands.has(name)) {
      this.body.show('reader.updateNeeded')
      return this.#answer(name, status(statuses.needClearFirmware))
    }
    if (job?.applyHost && name === 'contactApplyHost') return this.#applyHost(job, data)
    // A choice that comes too late is nobody's.
    if (name === 'lcd') return this.#choose(job, data)
    if (job) {
      // Whatever else comes is taken for a cancel (NEO 2 IDG, 02-40).
      await this.#endJob(new Fault('aborted', 'the host said something else'))
      return this.#answer(name, status(statuses.failed))
    }
    switch (name) {
      case 'activate':
        this.#answer(name, status(statuses.accepted))
        return this.#begin(name, own => this.#activate(data, own))
      case 'contactStart':
        this.#answer(name, status(statuses.accepted))
        return this.#begin(name, own => this.#contactStart(data, own))
      case 'contactAuthenticate':
        this.#answer(name, status(this.#chip ? statuses.accepted : statuses.notAllowed))
        if (this.#chip) this.#begin(name, own => this.#authenticate(own))
        return
      default:
        return this.#answer(name, await this.#plain(name, data))
    }
  }

  async #plain(name: CommandName, data: Uint8Array): Promise<Answer> {
    switch (name) {
      case 'ping':
      case 'setUi':
      case 'setLed':
        return ok()
      case 'getVersion':
        return ok(fromText(`VP3300 FW v${this.firmware.condition.told}`))
      case 'getProductInfo':
        return ok(fromText('VP3300'))
      case 'getUid':
        return ok(fromHex(this.serial.replace(/\D/g, '').slice(-10).padStart(10, '0')))
      case 'battery':
        return data[0] === 0 ? ok(Uint8Array.of(this.body.battery.percent)) : status(statuses.incorrectParameter)
      case 'getAtr':
      case 'exchangeApdu':
      case 'powerOff':
        return this.#slot(name, data)
      default:
        return status(statuses.notAllowed)
    }
  }

  async #cancel(): Promise<void> {
    await this.#endJob(new Fault('aborted', 'the host has cancelled'))
    this.#giveCardBack()
    this.#answer('cancel', ok())
  }

  #applyHost(job: Job, data: Uint8Array): void {
    try {
      const told = decodeHostAnswer(data)
      job.command = 'contactApplyHost'
      this.#answer('contactApplyHost', status(statuses.accepted))
      job.applyHost!(told)
    } catch (error) {
      this.#options.onFault?.(asFault(error))
      this.#answer('contactApplyHost', answerOfFault(asFault(error)))
    }
  }

  #choose(job: Job | undefined, data: Uint8Array): void {
    try {
      job?.choose?.(decodeMenuChoice(data))
    } catch (error) {
      job?.stop.abort(asFault(error))
    }
  }

  /**
   * Waits for a card as long as the host wants. One that comes back at once for the same payment goes on where it was: display, light and whoever stands there hear
   * nothing of it.
   */
  async #take(
    start: Start,
    { timeout, interfaces, signal }: { timeout: number; interfaces: readonly CardInterface[]; signal: AbortSignal },
  ): Promise<Taken> {
    const transaction = transactionOf(start)
    const asked = askedFor(start)
    if (this.#untouched === asked) this.body.reuseCard()
    this.#untouched = undefined
    const { asked: stands, ways } = this.#standing ?? {}
    const before = stands === asked && ways?.interfaces.every(one => interfaces.includes(one)) ? ways : undefined
    this.#endStanding(before !== undefined)
    const options = { interfaces, timeout: timeout * 1000, signal, host: {}, goesOn: true, ...(before && { standing: before }) }
    const taken = await takeCard(this.firmware, transaction, options)
    if (taken.type !== 'none') return taken
    const end = () => {
      this.body.shine('off')
      this.firmware.showEnd({ result: 'cancelled', cvm: 'none' })
    }
    if (taken.why !== 'timeout') {
      end()
      return taken
    }
    const stop = this.#clock.timer(STANDS, () => {
      this.#standing = undefined
      end()
    })
    this.#standing = { asked, ways: taken.ways, over: stop }
    return taken
  }

  /** `goesOn`: it is taken up again, and nothing of its end is seen. */
  #endStanding(goesOn = false): void {
    if (!this.#standing) return
    this.#standing.over()
    this.#standing = undefined
    if (goesOn) return
    this.body.shine('off')
    this.firmware.showEnd({ result: 'cancelled', cvm: 'none' })
  }

  /** A card that waits for a payment which does not come. */
  #giveCardBack(): void {
    this.#endStanding()
    if (!this.#chip && !this.#raw) return
    this.#untouched = this.#chip?.asked
    this.#chip = undefined
    this.#raw = undefined
    this.firmware.showEnd({ result: 'cancelled', cvm: 'none' })
  }

  /** The chip slot for the host's own commands. */
  async #slot(name: 'getAtr' | 'exchangeApdu' | 'powerOff', [slot, ...apdu]: Uint8Array): Promise<Answer> {
    if (name === 'powerOff') {
      if (this.#raw) this.firmware.linger()
      this.#raw = undefined
      return ok()
    }
    if (slot !== slots.icc) return status(statuses.parameterNotSupported)
    try {
      if (name === 'getAtr') {
        this.firmware.checkReady()
        this.firmware.stop()
        if (!this.body.cardInSlot && this.body.screen.message !== 'reader.insertCard') this.body.show('reader.insertCard')
        this.#raw = this.body.powerOn('chip')
        this.body.show('reader.processing')
        return ok(this.#raw.atr)
      }
      if (!this.#raw) return status(statuses.failed)
      return ok(await this.#raw.transmit(Uint8Array.from(apdu)))
    } catch (error) {
      if (!isFault(error)) throw error
      if (name === 'exchangeApdu' && isFault(error, 'card-mute')) return status(statuses.timeout)
      return answerOfFault(error)
    }
  }

  // — what takes a while —

  #begin(name: CommandName, work: (job: Job) => Promise<Answer>): void {
    const job: Job = { command: name, stop: new AbortController(), forgotten: false, done: Promise.resolve() }
    this.#job = job
    job.done = this.#run(job, work)
  }

  async #run(job: Job, work: (job: Job) => Promise<Answer>): Promise<void> {
    const { signal } = job.stop
    let answer: Answer
    try {
      answer = await work(job)
    } catch (error) {
      const fault = signal.aborted ? abortFault(signal) : asFault(error)
      if (!signal.aborted) this.#options.onFault?.(fault)
      answer = answerOfFault(fault)
      this.#chip = undefined
      // A refusal stays on the display as the firmware put it there.
      if (!isFault(fault, 'low-battery', 'update-required', 'tampered')) this.firmware.showEnd({ result: 'cancelled', cvm: 'none' })
    }
    this.#job = undefined
    if (!job.forgotten) this.#answer(job.command, answer)
  }

  /** Ends it without an answer of its own: who ended it is answered instead. */
  async #endJob(why: Fault): Promise<void> {
    if (!this.#job) return
    this.#job.forgotten = true
    this.#job.stop.abort(why)
    await this.#job.done
  }

  async #activate(data: Uint8Array, job: Job): Promise<Answer> {
    const { timeout, interfaces: allowed = everything, ...start } = decodeActivate(data)
    const { signal } = job.stop
    const transaction = transactionOf(start)
    this.firmware.checkReady(transaction)
    const taken = await this.#take(start, { interfaces: allowed, timeout, signal })
    switch (taken.type) {
      case 'none':
        return noCard(taken.why)
      case 'mute':
        this.firmware.showEnd({ result: 'cancelled', reason: 'cardError', cvm: 'none' })
        return failure('contact', errorCodes.cardDidNotRespond)
      case 'chip':
        this.#chip = { card: taken.card, transaction, asked: askedFor(start) }
        this.body.show('reader.processing')
        return activated(statuses.ok, 'contact', new Map([[tags.resultCode, fromUint(resultCodes.authenticate, 2)]]))
      case 'swipe': {
        const sealed = await this.firmware.seal(taken.tracks, undefined, this.#hostSide(job), { signal })
        if (sealed.type !== 'sealed') throw new Fault('internal', 'no PIN was asked for')
        this.firmware.showHandedOver()
        return swiped(taken.swipe, sealed)
      }
      case 'tap': {
        const { ended } = taken
        if (ended.type === 'onlineRequest') {
          this.firmware.showHandedOver()
          return activated(statuses.requestOnline, 'contactless', withCvm(ended.request))
        }
        this.firmware.showEnd(ended.outcome)
        return tapEnding(ended.outcome, withCvm(ended.outcome))
      }
    }
  }

  async #contactStart(data: Uint8Array, job: Job): Promise<Answer> {
    const { cardTimeout, fallback: _, nextTimeout: __, ...start } = decodeContactStart(data)
    const transaction = transactionOf(start)
    this.firmware.checkReady(transaction)
    const taken = await this.#take(start, { interfaces: ['chip'], timeout: cardTimeout, signal: job.stop.signal })
    if (taken.type === 'chip') {
      this.#chip = { card: taken.card, transaction, asked: askedFor(start) }
      this.body.show('reader.processing')
      return contact(resultCodes.authenticate)
    }
    if (taken.type === 'mute') {
      this.firmware.showEnd({ result: 'cancelled', reason: 'cardError', cvm: 'none' })
      return contact(resultCodes.fallback)
    }
    return taken.type === 'none' && taken.why === 'timeout' ? status(statuses.timeout) : contact(resultCodes.cancelled)
  }

  /** A reader without a display asks its host for one; that a card is wanted at all the host has said itself. */
  #show(job: Job, message: MessageId): void {
    const text = shownByHost[message]
    if (!text || (message === 'reader.presentCard' && !job.shown)) return
    job.shown = true
    const data = encodeLcd({ mode: displayModes.show, language: 'EN', lines: [{ line: 1, message: text }] })
    this.#say({ type: 'request', code: requests.lcd, data })
  }

  async #authenticate(job: Job): Promise<Answer> {
    const { card, transaction } = this.#chip!
    const outcome = await this.firmware.pay(card, transaction, this.#hostSide(job), job.stop)
    this.#chip = undefined
    return contactEnding(outcome)
  }

  #hostSide(job: Job): HostSide {
    return {
      selectApplication: (candidates, waiting) =>
        this.menus ? this.#menu(job, candidates, waiting) : Promise.resolve(preferred(candidates)),
      authorise: async ({ tags }, { signal }) => {
        const answered = new Promise<HostAnswer>(resolve => {
          job.applyHost = resolve
        })
        this.#answer(job.command, contact(resultCodes.goOnline, tags))
        try {
          return responseOf(await within({ signal, clock: this.#clock }, () => answered))
        } finally {
          delete job.applyHost
        }
      },
    }
  }

  /** The host shows the list, and answers with a line, from 1. */
  async #menu(job: Job, candidates: readonly Candidate[], { signal }: Waiting): Promise<number | undefined> {
    const chosen = new Promise<number | undefined>(resolve => {
      job.choose = resolve
    })
    const lines = candidates.map(({ label }, index) => ({ line: index + 1, message: label.slice(0, 16) }))
    const data = encodeLcd({ mode: displayModes.menu, timeout: 30, language: 'EN', lines })
    this.#say({ type: 'request', code: requests.lcd, data })
    try {
      const line = await within({ signal, clock: this.#clock, timeout: 30_000, what: 'a choice' }, () => chosen)
      return line === undefined || !candidates[line - 1] ? undefined : line - 1
    } catch (error) {
      if (isFault(error, 'timeout')) return undefined
      throw error
    } finally {
      delete job.choose
    }
  }
}

/** A payment, for whether it is the one of before. */
function askedFor(start: Start): string {
  return Object.values(start).join()
}

/** What its host shows while it waits for a card. That it sends these as text, and these words, is assumed. */
const shownByHost: { readonly [M in MessageId]?: string } = {
  'reader.removeCard': 'REMOVE CARD',
  'reader.presentCard': 'PRESENT CARD',
  'reader.insertCard': 'USE CHIP READER',
  'reader.insertOrSwipe': 'INSERT OR SWIPE',
  'reader.swipeCard': 'SWIPE CARD',
  'reader.tapCard': 'TAP CARD',
  'reader.tryAgain': 'TRY AGAIN',
  'reader.tryAnotherCard': 'TRY OTHER CARD',
  'reader.presentOneCard': 'ONE CARD ONLY',
  'reader.presentCardAgain': 'PRESENT AGAIN',
  'reader.seePhone': 'SEE PHONE',
}

/** A terminal that offers no choice takes the application of highest priority (EMV 4.4 Book 1, 12.4): 1 before 15, those without one last. */
function preferred(candidates: readonly Candidate[]): number {
  const rank = ({ priority }: Candidate) => priority || 16
  return candidates.reduce((best, one, index) => (rank(one) < rank(candidates[best]) ? index : best), 0)
}
