/** A Miura on the line: commands that are answered in order, events in between, and an ABORT that may be sent while an answer is due. */

import type { Clock } from '../../src/clock.ts'
import { Fault, isFault } from '../../src/errors.ts'
import { Queue } from '../../src/queue.ts'
import { Conversation } from '../../src/reader/conversation.ts'
import type { Tracer } from '../../src/trace/event.ts'
import type { Link } from '../../src/transport/link.ts'
import {
  type Command,
  command,
  type DeviceMessage,
  decodeEvent,
  failureName,
  failures,
  host,
  PIN_OK,
  type ReaderEventMessage,
  refusesData,
  resets,
  SUCCESS,
} from './codec.ts'

/** Milliseconds for what a reader does at once. */
const PROMPT = 5000
/** What may be asked twice is asked again after so many milliseconds, so many times. */
const AGAIN = 500
const REPEATS = 5
const repeatable: readonly Command['command'][] = ['batteryStatus', 'keyboardStatus', 'getConfiguration', 'displayText', 'abort']
/** Milliseconds without a word in a transaction after which the reader is asked for its battery, to see whether it is there and at work. */
const PROBE = 1500
/** The same, as long as it is not known that the reader refuses it while it is at work: nobody has a card in hand as soon. */
const FIRST_PROBE = 200
/** Milliseconds without a word, where nobody is known to be at the reader, after which it is taken for dead. */
const SILENCE = 20_000
/** Milliseconds for which a person may do nothing: a card to present, the next key. A reader's own limits are 60 s. */
const PATIENCE = 75_000
/** Milliseconds that one command may take, whatever the reader says meanwhile: a list and three PINs, each with all the time there is. */
const LONGEST = 600_000
/** What begins with a person: a card that is to come, a PIN that is to be typed. */
const personal: readonly Command['command'][] = ['startContactless', 'onlinePin']
/** What an aborted transaction, and the ABORT, may take to say so. */
const SETTLE = 5000
/** The watch over silence decides, not the question's own time. */
const DAY = 86_400_000

export interface Answer {
  readonly sw: number
  readonly body: Uint8Array
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds; 5000 when left out. */
  readonly timeout?: number
}

export class MiuraLine {
  readonly closed: Promise<Fault | undefined>
  readonly #line: Conversation<Command, DeviceMessage>
  readonly #clock: Clock
  readonly #onEvent: (event: ReaderEventMessage) => void
  /** Answers that no command waits for: those to ABORT, and of what was given up. */
  readonly #stray = new Queue<Answer>()
  /** Told of each message; `event` where it came unasked. */
  #alive: (event?: ReaderEventMessage) => void = () => {}
  /** What this reader was seen to do with a question in the middle of a transaction. */
  #answersProbes = false
  #refusesProbes = false

  /** `onEvent` hears what the reader says unasked; what is no event is dropped. */
  constructor(link: Link, clock: Clock, onEvent: (event: ReaderEventMessage) => void, tracer?: Tracer) {
    this.#line = new Conversation<Command, DeviceMessage>(link, { encode: host.encode, decoder: host.decoder }, { clock, tracer })
    this.#clock = clock
    this.#onEvent = onEvent
    this.closed = this.#line.closed
    void this.#listen()
  }

  /** The answer, whatever its status word. @throws Fault `timeout`, `aborted`, `link-closed` */
  ask(message: Command, { signal, timeout }: RunOptions = {}): Promise<Answer> {
    const again = timeout === undefined && repeatable.includes(message.command)
    return this.#line.ask(message, { signal, timeout: timeout ?? (again ? AGAIN : PROMPT), retries: again ? REPEATS : 0, accept: isAnswer })
  }

  /**
   * Resets the reader softly, as the vendor's own code does to hear who it is; what somebody else left behind is answered first, and is not the answer.
   * @throws Fault as `run`
   */
  async hello(options: RunOptions = {}): Promise<Uint8Array> {
    const message = command('reset', { p1: resets.soft })
    const left = (one: DeviceMessage) => isEmpty(one) || one.sw === failures.USER_CANCELLED
    const accept = (one: DeviceMessage) => isAnswer(one) && !left(one)
    const { sw, body } = await this.#line.ask(message, { signal: options.signal, timeout: options.timeout ?? PROMPT, accept })
    if (sw !== SUCCESS) throw refused(sw, message)
    return body
  }

  /** The data of the answer. @throws Fault as `ask`; `reader-error` with the vendor's name, `unsupported` */
  async run(message: Command, options: RunOptions = {}): Promise<Uint8Array> {
    const { sw, body } = await this.ask(message, options)
    if (sw !== SUCCESS) throw refused(sw, message)
    return body
  }

  /** Only sent: what comes of it is an event. */
  tell(message: Command, signal?: AbortSignal): Promise<void> {
    return this.#line.tell(message, signal ? { signal } : {})
  }

  /**
   * A command that takes as long as people take, and is never sent twice. Two limits are kept apart: the silence of the line, where nobody is at the reader, and the
   * patience with a cardholder, which only what the reader tells unasked begins anew (a list is shown, a key was pressed, a card has moved), no answer to a probe.
   * When `signal` fires, the reader is told to abort, and the Fault
   * `aborted` is thrown when it has. A silent reader is reset.
   *
   * Its answer may be lost. The reader is asked for its battery meanwhile: one that is at work refuses that (9F26), and when it tells its battery later, it is not at work
   * any more. What a reader does not do in a transaction is not taken for a sign: such a one is waited for.
   * @throws Fault `timeout`, `protocol` when its answer was lost, `aborted`, `link-closed`
   */
  async transact(message: Command, signal: AbortSignal): Promise<Answer> {
    if (signal.aborted) throw new Fault('aborted', 'aborted')
    this.#stray.clear()
    const over = new AbortController()
    const end = (fault: Fault) => over.abort(fault)
    const late = (ms: number, why: string) => this.#clock.timer(ms, () => end(new Fault('timeout', why, { ms })))
    const clock = this.#clock
    let cancel = () => {}
    let cancelProbe = () => {}
    /** Probes that were not answered yet, and whether a refusal came that may be a copy's. */
    let probes = 0
    let refusal: DeviceMessage | undefined
    const probe = () => {
      if (signal.aborted) return
      if (probes > (this.#answersProbes ? REPEATS : 2)) {
        if (this.#answersProbes) end(new Fault('timeout', `the reader says nothing of ${message.command}`, { ms: PROBE + REPEATS * AGAIN }))
        return
      }
      probes++
      this.#line.tell(command('batteryStatus')).catch(() => {})
      cancelProbe = clock.timer(this.#answersProbes ? AGAIN : PROBE, probe)
    }
    let cancelPatience = () => {}
    let somebody = personal.includes(message.command)
    const watch = (event?: ReaderEventMessage) => {
      if (event) {
        somebody = actingAfter(event) ?? somebody
        cancelPatience()
        cancelPatience = late(PATIENCE, `nothing happened at the reader for ${PATIENCE} ms`)
      }
      cancel()
      cancel = somebody ? () => {} : late(SILENCE, `the reader said nothing for ${SILENCE} ms`)
      cancelProbe()
      cancelProbe = clock.timer(this.#answersProbes ? PROBE : FIRST_PROBE, probe)
    }
    const abort = () => {
      this.#alive = () => {}
      cancel()
      cancelPatience()
      cancelProbe()
      cancel = late(SETTLE, `the reader does not abort in ${SETTLE} ms`)
      const tell = () => {
        this.#line.tell(command('abort')).catch(() => {}) // a line that is lost ends the question too
        cancelProbe = clock.timer(AGAIN, tell)
      }
      tell()
    }
    /** What is no answer to this command. */
    const aside = (one: DeviceMessage): boolean => {
      if (isEmpty(one)) return true // to a text on the display, or to ABORT
      if (isBattery(one)) {
        if (refusal) over.abort(refusal)
        else if (probes > 0 && this.#refusesProbes && !signal.aborted)
          end(new Fault('protocol', `the answer to ${message.command} was lost on the way`, { what: message.command }))
        if (probes > 0) this.#answersProbes = true
        probes = 0
        return true
      }
      if (one.sw !== failures.COMMAND_NOT_ALLOWED) return false
      if (probes > 0) {
        this.#answersProbes = this.#refusesProbes = true
        probes = 0
        refusal = undefined
      } else {
        refusal = one // of this command, or of a copy of it
        cancelProbe()
        probe()
      }
      return true
    }
    this.#alive = watch
    cancelPatience = late(PATIENCE, `nothing happened at the reader for ${PATIENCE} ms`)
    const cancelLongest = late(LONGEST, `the reader did not end ${message.command} in ${LONGEST} ms`)
    watch()
    signal.addEventListener('abort', abort, { once: true })
    try {
      const answer = await this.#line.ask(message, { signal: over.signal, timeout: DAY, accept: one => isAnswer(one) && !aside(one) })
      if (!signal.aborted) return answer
      // ABORT has an answer of its own, which must not be taken for that of the next command.
      await this.#stray.next({ timeout: AGAIN, clock, what: "'abort'" }).catch(() => {})
      if (answer.sw === SUCCESS) return answer // it was over before the ABORT came
      throw new Fault('aborted', 'aborted')
    } catch (error) {
      if (over.signal.aborted && over.signal.reason === refusal && refusal) return refusal
      if (isFault(error, 'timeout', 'protocol')) this.#reset()
      if (signal.aborted && isFault(error, 'timeout')) throw new Fault('aborted', 'aborted', {}, { cause: error })
      throw error
    } finally {
      this.#alive = () => {}
      cancel()
      cancelPatience()
      cancelLongest()
      cancelProbe()
      signal.removeEventListener('abort', abort)
    }
  }

  /** Ends what the reader is in the middle of, between two commands. Settles in any case. */
  async abort(): Promise<void> {
    await this.ask(command('abort')).catch(error => {
      if (isFault(error, 'timeout')) this.#reset()
    })
  }

  async close(): Promise<void> {
    await this.#line.close()
  }

  /** Tells a silent reader to reset itself, and waits for nothing. */
  #reset(): void {
    this.#line.ask(command('reset'), { timeout: AGAIN, retries: REPEATS, accept: isAnswer }).catch(() => {})
  }

  async #listen(): Promise<void> {
    try {
      for await (const message of this.#line.incoming) {
        if (message.type === 'answer') {
          this.#alive()
          this.#stray.push(message)
        } else this.#hear(message)
        if (this.#stray.size > 1) void this.#stray.next()
      }
    } catch (error) {
      if (!isFault(error, 'link-closed')) throw error
    } finally {
      this.#stray.end()
    }
  }

  #hear({ body }: DeviceMessage): void {
    let event: ReaderEventMessage
    try {
      event = decodeEvent(body)
    } catch (error) {
      if (!isFault(error, 'protocol')) throw error
      this.#alive() // no TLV: nobody can say what it was
      return
    }
    this.#alive(event)
    this.#onEvent(event)
  }
}

/** Whether somebody is at the reader after that: a list to choose from, a PIN to type, until the PIN is known. Undefined where it does not tell. */
function actingAfter(event: ReaderEventMessage): boolean | undefined {
  if (event.type !== 'status') return undefined
  if (event.status === 'applicationSelection') return true
  return event.status === 'pinEntry' ? event.pinStatus !== PIN_OK : undefined
}

function isAnswer({ type }: DeviceMessage): boolean {
  return type === 'answer'
}

/** What ABORT is answered with; no transaction ends so. */
function isEmpty({ sw, body }: Answer): boolean {
  return sw === SUCCESS && body.length === 0
}

/** The answer to BATTERY STATUS: E1 that begins with DFA209 or DFA20A. */
function isBattery({ type, sw, body }: DeviceMessage): boolean {
  const [template, , ...tag] = body.subarray(0, 5)
  return type === 'answer' && sw === SUCCESS && template === 0xe1 && /^223,162,(9|10)$/.test(tag.join())
}

/** The Fault of a command that was refused. */
export function refused(sw: number, { command: name }: Pick<Command, 'command'>): Fault {
  const code = failureName(sw)
  if (sw === 0x6d00 || sw === 0x6e00) return new Fault('unsupported', `the reader does not know ${name}`, { feature: name })
  // 9F21, 9F0F: the amount, the type or the currency is none that it is configured for.
  if (name.startsWith('start') && refusesData(sw))
    return new Fault('unsupported', `the reader refuses ${name} with these values: ${code}`, { feature: name, code })
  if (sw === failures.TERMINAL_NOT_READY) return new Fault('reader-error', `the reader is not ready for ${name}`, { code })
  return new Fault('reader-error', `the reader answered ${name} with ${code}`, { code })
}
