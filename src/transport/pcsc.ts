/** Readers of the PC/SC service (pcscd, WinSCard, CryptoTokenKit), through the optional package `smartcard`: cards, not a byte pipe. */

import { sleep, within } from '../clock.ts'
import { abortFault, asFault, Fault, isFault, throwIfAborted } from '../errors.ts'
import { missingLibrary } from '../missing-library.ts'
import type { PoweredCard, SlotLink } from './link.ts'
import { linkClosed } from './link.ts'
import type { Uri } from './uri.ts'
import { queryWord } from './uri.ts'

/** What is used of `smartcard`. */
export type PcscLibrary = typeof import('smartcard')
type Context = InstanceType<PcscLibrary['Context']>
type Monitor = InstanceType<PcscLibrary['ReaderMonitor']>
type NativeCard = import('smartcard').NativeCard
type NativeReader = import('smartcard').NativeReader
type NativeEvent = import('smartcard').NativeEvent

export interface PcscOptions {
  readonly signal?: AbortSignal | undefined
  /** Where the library comes from; the installed `smartcard` when left out. */
  readonly library?: (() => Promise<PcscLibrary>) | undefined
}

/** Milliseconds: for a reset, for a response (the reader's own waiting times are shorter), and until a removal is noticed after a failed command. */
const RESET_TIME = 5000
const RESPONSE_TIME = 30_000
const REMOVAL_TIME = 2500

/** The largest response of a short command; extended ones are not EMV's. */
const MAX_RESPONSE = 258

/** The names of the readers there are. @throws Fault `missing-library`, `link-failed` (no service) */
export async function listPcscReaders({ library }: PcscOptions = {}): Promise<string[]> {
  const context = establish(await load(library))
  try {
    return context.listReaders().map(({ name }) => name)
  } finally {
    context.close()
  }
}

/**
 * Opens the reader that `pcsc:<part of its name>?share=exclusive&protocol=any` means; without a name the first with a card in it, else the first. `share` is
 * `exclusive` (when left out: nobody else disturbs a payment) or `shared`, `protocol` is `any`, `t0` or `t1`.
 * @throws Fault `missing-library`, `link-failed` (no service), `not-found` (no such reader), `bad-uri`, `aborted`
 */
export async function openPcsc(target: Uri & { scheme: 'pcsc' }, { signal, library }: PcscOptions = {}): Promise<SlotLink> {
  const share = queryWord(target, 'share', ['exclusive', 'shared'])
  const protocol = queryWord(target, 'protocol', ['any', 't0', 't1'])
  throwIfAborted(signal)
  const pcsc = await load(library)
  const context = establish(pcsc)
  try {
    const all = context.listReaders().filter(({ name }) => name.includes(target.name))
    const reader = all.find(({ state }) => (state & pcsc.SCARD_STATE_PRESENT) !== 0) ?? all[0]
    if (!reader) throw new Fault('not-found', `${target.uri}: the PC/SC service has no such reader`, { uri: target.uri })
    return new PcscSlot(pcsc, context, reader, {
      share: share === 'shared' ? pcsc.SCARD_SHARE_SHARED : pcsc.SCARD_SHARE_EXCLUSIVE,
      protocols: (protocol === 't1' ? 0 : pcsc.SCARD_PROTOCOL_T0) | (protocol === 't0' ? 0 : pcsc.SCARD_PROTOCOL_T1),
    })
  } catch (error) {
    context.close()
    throw asFault(error, 'link-failed')
  }
}

class PcscSlot implements SlotLink {
  readonly uri: string
  readonly name: string
  readonly closed: Promise<Fault | undefined>
  readonly #pcsc: PcscLibrary
  readonly #context: Context
  #monitor: Monitor
  readonly #mode: { readonly share: number; readonly protocols: number }
  readonly #waiting = new Set<() => void>()
  #present: boolean
  #gone = new AbortController()
  #powered: PcscCard | undefined
  #over: Fault | undefined
  #end!: (fault: Fault | undefined) => void

  constructor(pcsc: PcscLibrary, context: Context, reader: NativeReader, mode: { share: number; protocols: number }) {
    this.#pcsc = pcsc
    this.#context = context
    this.#mode = mode
    this.name = reader.name
    this.uri = `pcsc:${encodeURIComponent(reader.name)}`
    this.#present = (reader.state & pcsc.SCARD_STATE_PRESENT) !== 0
    this.closed = new Promise(resolve => {
      this.#end = resolve
    })
    this.#monitor = this.#watch()
  }

  /** The library's own monitor: it waits on a thread of its own, where `waitForChange` would hold one of Node's four. */
  #watch(): Monitor {
    const monitor = new this.#pcsc.ReaderMonitor()
    monitor.start(event => this.#hear(event))
    return monitor
  }

  get cardPresent(): boolean {
    return this.#present
  }

  async powerOn({ timeout, signal }: { readonly timeout?: number; readonly signal?: AbortSignal }): Promise<PoweredCard> {
    await within({ timeout, signal, what: `a card in ${this.name}` }, inner => this.#card(inner))
    const gone = this.#gone.signal
    const native = await within({ timeout: RESET_TIME, signal, what: 'the reset of the card' }, async inner => {
      const card = await this.#connect()
      if (inner.aborted) letGo(card, this.#pcsc.SCARD_UNPOWER_CARD) // it came too late for anybody
      return card
    }).catch(error => {
      if (isFault(error, 'timeout')) throw new Fault('card-mute', 'the card gave no answer to reset', {}, { cause: error })
      throw error
    })
    if (this.#over) {
      letGo(native, this.#pcsc.SCARD_UNPOWER_CARD)
      throw this.#over
    }
    const card = new PcscCard(native, gone, this.#pcsc.SCARD_UNPOWER_CARD)
    this.#powered = card
    return card
  }

  async close(): Promise<void> {
    await this.#finish(undefined)
  }

  /** Resolves when there is a card. */
  #card(signal: AbortSignal): Promise<void> {
    if (this.#over) throw this.#over
    if (this.#present) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!this.#present && !this.#over && !signal.aborted) return
        this.#waiting.delete(look)
        signal.removeEventListener('abort', look)
        if (this.#over) reject(this.#over)
        else if (signal.aborted) reject(abortFault(signal))
        else resolve()
      }
      this.#waiting.add(look)
      signal.addEventListener('abort', look)
    })
  }

  /** Connected after a cold reset: a card that somebody else left under power begins anew. */
  async #connect(): Promise<NativeCard> {
    const { share, protocols } = this.#mode
    try {
      const reader = this.#context.listReaders().find(({ name }) => name === this.name)
      if (!reader) throw this.#over ?? linkClosed(this.uri, 'loss')
      const card = await reader.connect(share, protocols)
      try {
        await card.reconnect(share, protocols, this.#pcsc.SCARD_UNPOWER_CARD)
      } catch (error) {
        letGo(card, this.#pcsc.SCARD_UNPOWER_CARD)
        throw error
      }
      return card
    } catch (error) {
      throw cardFault(error)
    }
  }

  #hear({ type, reader, state }: NativeEvent): void {
    if (this.#over) return
    if (type === 'error') {
      this.#watchAnew(reader)
      return
    }
    if (reader !== this.name) return
    if (type === 'reader-detached') {
      void this.#finish(linkClosed(this.uri, 'loss'))
      return
    }
    const present = type === 'card-inserted' || (type === 'reader-attached' && (state & this.#pcsc.SCARD_STATE_PRESENT) !== 0)
    if (present === this.#present) return
    this.#present = present
    if (present) this.#gone = new AbortController()
    else this.#gone.abort(new Fault('card-removed', 'the card was removed'))
    for (const look of [...this.#waiting]) look()
  }

  /** After an error the monitor knows its readers no more, as when another one was unplugged. It says which are there when it starts. */
  #watchAnew(words: string): void {
    try {
      if (!this.#context.listReaders().some(({ name }) => name === this.name)) throw linkClosed(this.uri, 'loss')
      this.#monitor.stop()
      this.#monitor = this.#watch()
    } catch (cause) {
      void this.#finish(new Fault('link-closed', `PC/SC: ${words}`, { uri: this.uri, by: 'loss' }, { cause }))
    }
  }

  async #finish(fault: Fault | undefined): Promise<void> {
    if (this.#over) return
    this.#over = fault ?? linkClosed(this.uri, 'close')
    this.#gone.abort(new Fault('card-removed', 'the reader was closed or has gone', {}, { cause: this.#over }))
    for (const look of [...this.#waiting]) look()
    await this.#powered?.powerOff()
    this.#monitor.stop()
    this.#context.close()
    this.#end(fault)
  }
}

class PcscCard implements PoweredCard {
  readonly atr: Uint8Array
  readonly removed: AbortSignal
  readonly #native: NativeCard
  readonly #unpower: number
  #under: Promise<unknown> | undefined
  #off = false

  constructor(native: NativeCard, removed: AbortSignal, unpower: number) {
    this.atr = new Uint8Array(native.atr ?? [])
    this.removed = removed
    this.#native = native
    this.#unpower = unpower
  }

  async transmit(apdu: Uint8Array, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Uint8Array> {
    throwIfAborted(this.removed)
    if (this.#off) throw new Fault('aborted', 'the slot was closed')
    if (this.#under) throw new Fault('busy', 'the card is working on the command before')
    const working = this.#native.transmit(Buffer.from(apdu), { maxRecvLength: MAX_RESPONSE })
    const under = working.then(
      () => {},
      () => {},
    )
    this.#under = under
    void under.then(() => {
      this.#under = undefined
    })
    const stop = signal ? AbortSignal.any([signal, this.removed]) : this.removed
    try {
      const answer = new Uint8Array(await within({ timeout: RESPONSE_TIME, signal: stop, what: 'a card command' }, () => working))
      if (answer.length < 2) throw new Error('Transaction failed: an answer without a status') // a driver's word for a card that goes under a command
      return answer
    } catch (error) {
      if (isFault(error, 'timeout')) throw new Fault('card-mute', 'the card does not answer', { ms: RESPONSE_TIME }, { cause: error })
      const fault = cardFault(error)
      // A command broken off by a removal fails before the service has noticed the removal itself.
      if (fault.code === 'card-mute' && !this.removed.aborted) await sleep(REMOVAL_TIME, undefined, this.removed).catch(() => {})
      throwIfAborted(this.removed)
      throw fault
    }
  }

  /** A command that the card still works on cannot be broken off in PC/SC; the power goes when it is over, and nobody waits for that. */
  async powerOff(): Promise<void> {
    if (this.#off) return
    this.#off = true
    if (this.#under) void this.#under.then(() => letGo(this.#native, this.#unpower))
    else letGo(this.#native, this.#unpower)
  }
}

function letGo(card: NativeCard, disposition: number): void {
  try {
    card.disconnect(disposition)
  } catch {
    // removed, or the service has gone: there is nothing to let go of
  }
}

async function load(library: PcscOptions['library']): Promise<PcscLibrary> {
  try {
    if (library) return await library()
    const loaded: PcscLibrary & { readonly default?: PcscLibrary } = await import('smartcard')
    return loaded.default ?? loaded // CommonJS
  } catch (cause) {
    throw missingLibrary('PC/SC readers need', 'smartcard', cause, ' (on Linux with libpcsclite-dev and pcscd)')
  }
}

/** @throws Fault `link-failed` where no service runs */
function establish({ Context }: PcscLibrary): Context {
  try {
    return new Context()
  } catch (cause) {
    const why = (cause as Error).message
    throw new Fault('link-failed', `the PC/SC service does not answer (${why}): is pcscd running?`, { reason: 'no-pcscd' }, { cause })
  }
}

/** The library's errors have words, no codes (pcsc_errors.h): what they mean for a card. */
function cardFault(error: unknown): Fault {
  if (isFault(error)) return error
  const words = error instanceof Error ? error.message : String(error)
  const options = { cause: error }
  if (/removed|No smart card|Reader unavailable|Unknown reader|service/i.test(words))
    return new Fault('card-removed', `PC/SC: ${words}`, {}, options)
  if (/Sharing violation/i.test(words)) return new Fault('busy', 'another program uses the card', {}, options)
  if (
    /unresponsive|Communication|Transaction failed|timed out|unpowered|not connected|Protocol mismatch|was reset|not supported/i.test(words)
  )
    return new Fault('card-mute', `PC/SC: ${words}`, {}, options)
  return new Fault('reader-error', `PC/SC: ${words}`, { code: words }, options)
}
