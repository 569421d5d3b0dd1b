/** The QPOS driver: a Reader over a Link that leads to a DSPREAD QPOS. */

import { hex } from '../../src/bytes.ts'
import type { Clock } from '../../src/clock.ts'
import { systemClock } from '../../src/clock.ts'
import { type Outcome, pinWasWrong } from '../../src/emv/outcome.ts'
import type { Terminal, Transaction } from '../../src/emv/terminal.ts'
import { Fault, isFault } from '../../src/errors.ts'
import type { Broadcast } from '../../src/reader/broadcast.ts'
import { Conversation } from '../../src/reader/conversation.ts'
import { closeReader, openCardOf, progressOf, statusOf } from '../../src/reader/driver.ts'
import type {
  CardSlot,
  OpenCardOptions,
  Reader,
  ReaderCapability,
  ReaderConfiguration,
  ReaderEvent,
  ReaderInfo,
  ReaderKeys,
  ReaderStatus,
  UpdateOptions,
} from '../../src/reader/reader.ts'
import { ReaderWork, type Work } from '../../src/reader/work.ts'
import type { Tracer } from '../../src/trace/event.ts'
import type { Link } from '../../src/transport/link.ts'
import type { QposId, QposInfo } from './codec.ts'
import { decodeQposId, decodeQposInfo, host } from './codec.ts'
import { stopped } from './endings.ts'
import { openField } from './nfc.ts'
import { pay } from './payment.ts'
import type { Command, QposLine } from './session.ts'
import { cancel, run } from './session.ts'
import { configure, order, type Upkeep, update } from './upkeep.ts'

export interface QposOptions {
  readonly signal?: AbortSignal | undefined
  readonly clock?: Clock | undefined
  readonly tracer?: Tracer | undefined
  /** `qpos-nfc-apdu`: the field may be used as a raw slot, by commands that were seen in one source and never on a reader (docs/devices/qpos.md). */
  readonly assumed?: readonly string[] | undefined
}

export const NFC_APDU = 'qpos-nfc-apdu'

/**
 * Asks the reader who it is. A reader that was left in the middle of a payment by somebody else is cancelled first.
 * The link belongs to the reader from here on, and is closed when this fails.
 * @throws Fault `timeout`, `link-closed`, `aborted`, `reader-error`, `tampered`, `protocol`
 */
export async function openQpos(link: Link, { signal, clock = systemClock, assumed = [], tracer }: QposOptions = {}): Promise<Reader> {
  // No grace: a late answer is an answer, and whose it is its command tells.
  const line: QposLine = new Conversation(link, host, { clock, grace: 0, tracer })
  try {
    const id = decodeQposId(await askAnew(line, clock, 'getQposId', signal))
    const info = decodeQposInfo(await askAnew(line, clock, 'getQposInfo', signal))
    return new QposReader(line, clock, infoOf(id, info, assumed.includes(NFC_APDU)), info)
  } catch (error) {
    await line.close()
    throw error
  }
}

/** The data of an information command; tried again after a cancel when the reader is still busy with what somebody else began. */
async function askAnew(line: QposLine, clock: Clock, command: 'getQposId' | 'getQposInfo', signal?: AbortSignal): Promise<Uint8Array> {
  const request = { type: 'command', command, delay: 5 } as const
  let busy = false
  const again = async () => {
    await cancel(line, clock)
    return run(line, clock, request, { signal })
  }
  const answer = await run(line, clock, request, {
    signal,
    onProgress: () => {
      busy = true
    },
  }).catch(error => {
    if (!busy || signal?.aborted) throw error
    return again()
  })
  // Refused in the middle of a payment: a serial line does not tell the reader that its app has died.
  return dataOf(answer.type === 'notAvailable' ? await again() : answer, command)
}

function dataOf(answer: Awaited<ReturnType<typeof run>>, command: string): Uint8Array {
  if (answer.type !== 'completed' && answer.type !== 'completedEncrypted') {
    const { reason } = stopped(answer, command)
    throw new Fault('reader-error', `the reader ended ${command} with ${answer.type}`, { code: reason })
  }
  if (answer.result !== 0)
    throw new Fault('reader-error', `the reader answered ${command} with result ${answer.result}`, { code: `result ${answer.result}` })
  return answer.data
}

/** Milliseconds an opened slot waits for a card. */
const CARD_TIMEOUT = 60_000

class QposReader implements Reader {
  readonly info: ReaderInfo
  readonly events: Broadcast<ReaderEvent>
  readonly #line: QposLine
  readonly #clock: Clock
  readonly #flipKey: boolean
  readonly #work: ReaderWork
  #status: ReaderStatus
  #card: ReaderStatus['card']
  /** A chip was paid with, and nothing has told that it was taken out. */
  #left = false
  #slot: CardSlot | undefined

  constructor(line: QposLine, clock: Clock, info: ReaderInfo, told: QposInfo) {
    this.#line = line
    this.#clock = clock
    this.info = info
    this.#flipKey = !told.hardware.startsWith('A27')
    this.#work = new ReaderWork(line.closed)
    this.events = this.#work.events
    this.#status = this.#learn(told)
  }

  async status({ signal }: { signal?: AbortSignal } = {}): Promise<ReaderStatus> {
    // The reader answers one question at a time: while a payment runs, what it said last is all there is.
    return statusOf(
      this.#work,
      () => this.#known(),
      stop => this.#ask(stop),
      signal,
    )
  }

  async transact(transaction: Transaction, terminal: Terminal, { signal }: { signal?: AbortSignal } = {}): Promise<Outcome> {
    return this.#work.alone(
      'a payment',
      stop =>
        pay({
          ...{ line: this.#line, clock: this.#clock, signal: stop, transaction, terminal, flipKey: this.#flipKey, left: this.#left },
          spent: this.#work.spent,
          emit: event => {
            if (event.type === 'card')
              this.#card = event.event === 'removed' ? 'absent' : event.event === 'inserted' ? 'present' : undefined
            this.events.send(event)
          },
        })
          .then(outcome => {
            this.#left = this.#card === 'present' && !pinWasWrong(outcome)
            return outcome
          })
          .catch(error => this.#orCondition(error))
          .finally(() => {
            this.#card = undefined // nothing tells of a card between payments
          }),
      signal,
    )
  }

  /** The field as a raw slot. @throws Fault as `Reader.openCard`; `unsupported` unless the reader was opened with `assumed: ['qpos-nfc-apdu']` */
  async openCard({ interface: wanted, signal, timeout = CARD_TIMEOUT }: OpenCardOptions = {}): Promise<CardSlot> {
    if (!this.info.capabilities.includes('passthrough'))
      throw new Fault('unsupported', `the commands for a raw slot were never seen on a reader: open it with assumed: ['${NFC_APDU}']`, {
        feature: 'passthrough',
      })
    if (wanted === 'contact') throw new Fault('unsupported', 'QPOS passes commands through to its field only', { feature: 'contact' })
    const how = {
      open: (stop: AbortSignal, onClose: () => void) => openField({ line: this.#line, clock: this.#clock, signal: stop, timeout, onClose }),
      tell: (event: ReaderEvent) => this.events.send(event),
      onClosed: () => {
        this.#slot = undefined
      },
    }
    this.#slot = await openCardOf(this.#work, how, signal)
    return this.#slot
  }

  updateFirmware(image: Uint8Array, options: UpdateOptions = {}): Promise<void> {
    return this.#keep('a firmware update', options, async upkeep => {
      await this.#ask(upkeep.signal)
      const { percent, charging } = this.#status.battery ?? {}
      // The vendor's tool wants the charger or USB (UPDATE_LOWPOWER).
      if (!charging)
        throw new Fault('low-battery', 'a firmware update wants the charger plugged in', { ...(percent === undefined ? {} : { percent }) })
      await update(upkeep, image, () => this.#need('firmware'))
      this.#need(undefined)
    })
  }

  configure(configuration: ReaderConfiguration, options: UpdateOptions = {}): Promise<void> {
    return this.#keep('a configuration', options, async upkeep => {
      await configure(upkeep, configuration, () => this.#need('configuration'))
      this.#need(undefined)
    })
  }

  loadKeys(keys: ReaderKeys, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    return this.#keep('new keys', { signal }, upkeep => order(upkeep, keyCommand(keys)))
  }

  async displayText(text: string, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    if (!/^[\n\x20-\x7e]{0,200}$/.test(text))
      throw new Fault('bad-argument', 'the display shows up to 200 ASCII characters', { field: 'text' })
    const command = { type: 'command', command: 'displayText', delay: 5, text, align: 'centre' } as const
    return this.#keep('a text', { signal }, upkeep => order(upkeep, command))
  }

  #keep(what: Work, options: UpdateOptions, work: (upkeep: Upkeep) => Promise<void>): Promise<void> {
    const onProgress = progressOf(this.events, what === 'a configuration' ? 'configuration' : 'firmware', options)
    return this.#work.alone(what, signal => work({ line: this.#line, clock: this.#clock, signal, onProgress }), options.signal)
  }

  #need(needs: ReaderStatus['needs']): void {
    const { needs: _, ...rest } = this.#status
    this.#status = needs ? { ...rest, needs } : rest
  }

  /** A payment that runs is cancelled first, and settles; an open card is closed. */
  close(): Promise<void> {
    return closeReader(this.#work, this.#line, () => this.#slot)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** What the reader has told; a configuration that was begun here and not ended is known here alone. */
  #learn(told: QposInfo): ReaderStatus {
    const kept = this.#status?.needs === 'configuration' ? { needs: 'configuration' as const } : {}
    return { ...this.#work.battery(batteryOf(told)), ...kept, ...needsOf(told) }
  }

  /** It has answered this on opening: one that refuses it is in the middle of something that nobody waits for. */
  async #ask(signal?: AbortSignal): Promise<void> {
    const request = { type: 'command', command: 'getQposInfo', delay: 5 } as const
    let answer = await run(this.#line, this.#clock, request, { signal })
    if (answer.type === 'notAvailable') {
      await cancel(this.#line, this.#clock)
      answer = await run(this.#line, this.#clock, request, { signal })
    }
    if (answer.type === 'notAvailable') throw new Fault('busy', 'the reader is busy with something else', { code: 'CMD_NOT_AVAILABLE' })
    this.#status = this.#learn(decodeQposInfo(dataOf(answer, 'getQposInfo')))
  }

  /** The wire has no word for a flat battery or half an image: a reader that refuses to pay and is in that condition is taken to mean it. */
  async #orCondition(error: unknown): Promise<never> {
    if (!isFault(error, 'unsupported', 'reader-error') || error.details.code !== 'CMD_NOT_AVAILABLE') throw error
    await this.#ask().catch(() => {})
    const { needs } = this.#status
    if (needs) throw new Fault('update-required', `the reader refuses a payment: it needs ${needs}`, { needs }, { cause: error })
    if (this.#work.level === 'ok') throw error
    const percent = this.#status.battery?.percent
    throw new Fault('low-battery', `the reader refuses a payment with its battery at ${percent} %`, { percent }, { cause: error })
  }

  #known(): ReaderStatus {
    return { ...this.#status, ...(this.#card ? { card: this.#card } : {}) }
  }
}

/** No version of the firmware: only the loader runs. Assumed; an image that was not sent whole leaves no other sign. */
function needsOf({ firmware }: QposInfo): Pick<ReaderStatus, 'needs'> {
  return firmware === '' ? { needs: 'firmware' } : {}
}

function keyCommand(keys: ReaderKeys): Command {
  if (keys.type === 'master') return { type: 'command', command: 'setMasterKey', delay: 15, key: { ...keys.key, index: keys.index } }
  const { group, track, emv, pin } = keys
  return { type: 'command', command: 'updateIpek', delay: 15, keys: { group, keys: [track, emv, pin] } }
}

function batteryOf({ millivolts, percent, charging }: QposInfo): NonNullable<ReaderStatus['battery']> {
  return {
    ...(percent === undefined ? {} : { percent }),
    ...(millivolts === undefined ? {} : { millivolts }),
    ...(charging === undefined ? {} : { charging }),
  }
}

/** Models by the first three characters of the hardware version (readers.md 1.1.9). */
const models: Readonly<Record<string, string>> = { A27: 'QPOS mini', A29: 'QPOS Cute', A30: 'QPOS Plus', D20: 'D20', CR1: 'CR100' }

function infoOf(id: QposId, info: QposInfo, raw: boolean): ReaderInfo {
  const model = models[info.hardware.slice(0, 3)]
  const swipe = [info.track1, info.track2, info.track3].some(track => track !== false)
  // Older firmware does not tell of its keyboard: QPOS mini has one, CR100 has none.
  const keys = info.keyboard ?? (model !== undefined && model !== 'CR100')
  const capabilities: ReaderCapability[] = [
    'chip',
    'tap',
    'firmwareUpdate',
    'configuration',
    'keys',
    ...(swipe ? ['swipe' as const] : []),
    ...(keys ? (['pinPad', 'display'] as const) : []),
    ...(raw ? ['passthrough' as const] : []),
  ]
  return {
    family: 'qpos',
    ...(model ? { model } : {}),
    ...(id.posId.length > 0 ? { serial: hex(id.posId) } : {}),
    ...(info.firmware && { firmware: info.firmware }),
    hardware: info.hardware,
    capabilities,
    applicationSelection: 'host',
    ...(raw && { slots: ['contactless'] as const }),
  }
}
