/** An ID TECH reader on the line: one command at a time, long ones with progress and questions in between, cancelled by 05-01. */

import { type Clock, sleep } from '../../src/clock.ts'
import { Fault, isFault } from '../../src/errors.ts'
import { Conversation } from '../../src/reader/conversation.ts'
import { ChipWork } from '../../src/reader/work.ts'
import type { Tracer } from '../../src/trace/event.ts'
import type { Link } from '../../src/transport/link.ts'
import { type CommandName, command, commandByte, type DeviceMessage, type HostMessage, host, statuses, statusName } from './codec.ts'

export type Answer = Extract<DeviceMessage, { type: 'answer' }>
export type Request = Extract<DeviceMessage, { type: 'request' }>

/** Milliseconds for what a reader does at once, before the command is sent again; between transactions all of them may be. */
const PROMPT = 300
const REPEATS = 9
/** Milliseconds for what a card in the raw slot is asked: never sent twice. */
const SLOT = 5000
/** Milliseconds that a cancelled reader may take to say so, and after which nothing of the old command comes any more. */
const SETTLE = 3000
const QUIET = 300
/** Milliseconds for the answer to what was given up: whatever follows is preceded by a cancel, whose answer ends what was before. */
const GRACE = 100
/** The watch over silence decides, not the question's own time. */
const DAY = 86_400_000

/** Milliseconds of a command that begins or goes on with a transaction. */
export interface Times {
  /** The longest that the reader says nothing. */
  readonly silence: number
  /** How long it waits for a card: that nobody came is told by the end of it, and by nothing before (an answer to the wait before, come twice). */
  readonly wait?: number
}
/** Milliseconds in which a reader that says "accepted" (63) has said it. */
const ACCEPTED = 500
/** How often a command is said again of which nothing was heard. */
const UNHEARD = 2
/** Milliseconds in which an ordinary chip is through with a step, nobody but card and reader working. Assumed. */
const WORK = 2000
/** Milliseconds by which a reader's clock, and ours, may be wrong about a wait. */
const UNSURE = 500

/** "Not yet": the result is still to come. */
function isProgress({ status }: Answer): boolean {
  return status === statuses.accepted || status === statuses.uiEvent
}

export class IdtechLine {
  readonly closed: Promise<Fault | undefined>
  readonly #line: Conversation<HostMessage, DeviceMessage>
  readonly #clock: Clock
  /** Hears what the reader asks of its host in the middle of a command; nothing between two. */
  #onRequest: ((request: Request) => void) | undefined
  /** Hears what the reader says of a command that is still under way. */
  #onAnswer: (answer: Answer) => void = () => {}
  /** Something was said that cannot be read. */
  #onNoise = () => {}
  /** Something was heard of the transaction that runs: its silence begins anew, or pauses while the host has something to do. */
  #watch: (pause: boolean) => void = () => {}
  /** First bytes of commands that this reader has acknowledged (63) before it worked on them: a setting turns that off, so it shows what it does. */
  readonly #acknowledged = new Set<number>()
  /** What was missed, and how long the chip may work. */
  readonly #work: ChipWork
  /** The reader takes the CRC of pass-through commands in the other order. */
  #swapped = false

  constructor(link: Link, clock: Clock, tracer?: Tracer) {
    this.#line = new Conversation(link, host, { clock, grace: GRACE, onNoise: () => this.#onNoise(), tracer })
    this.#clock = clock
    this.#work = new ChipWork(clock, WORK)
    this.closed = this.#line.closed
    void this.#listen()
  }

  /** Something was lost on the way. */
  missed(): void {
    this.#work.lost()
  }

  /** Milliseconds that the reader may work with the chip in silence. */
  get chipPatience(): number {
    return this.#work.patience
  }

  /** The answer, whatever its status. @throws Fault `timeout`, `aborted`, `link-closed` */
  async ask(
    name: CommandName,
    data?: Uint8Array,
    { signal, timeout = PROMPT }: { signal?: AbortSignal | undefined; timeout?: number } = {},
  ): Promise<Answer> {
    const accept = (one: DeviceMessage): one is Answer => one.type === 'answer' && one.command === commandByte(name) && !isProgress(one)
    const asked = this.#clock.elapsed()
    try {
      return await this.#line.ask(command(name, data), { signal, timeout, retries: REPEATS, accept })
    } finally {
      if (this.#clock.elapsed() - asked >= timeout) this.missed()
    }
  }

  /**
   * A pass-through command. The guide shows two orders for its CRC: a reader that refuses the one (04) is given the other, from then on.
   * @throws Fault as `ask`
   */
  async passThrough(
    name: CommandName,
    data: Uint8Array,
    options: { signal?: AbortSignal | undefined; timeout?: number } = {},
  ): Promise<Answer> {
    for (let tried = 0; ; tried++) {
      const { signal, timeout = SLOT } = options
      const accept = (one: DeviceMessage): one is Answer => one.type === 'answer' && one.command === commandByte(name)
      const message: HostMessage = { ...command(name, data), ...(this.#swapped && { swapped: true as const }) }
      const answer = await this.#line.ask(message, { signal, timeout, accept })
      if (answer.status !== statuses.crcError || tried > 0) return answer
      this.#swapped = !this.#swapped
    }
  }

  /** The data of the answer. @throws Fault as `ask`; `unsupported`, `update-required`, `tampered`, `reader-error` with the status */
  async run(name: CommandName, data?: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    const answer = await this.ask(name, data, { signal })
    if (answer.status !== statuses.ok) throw refused(answer.status, name)
    return answer.data
  }

  /**
   * A command that begins or goes on with a transaction. It is sent again, twice at most, only where the reader, which acknowledges such commands, says nothing of it: it has not
   * heard it, or takes the second for a cancel. The reader may be silent for `silence` milliseconds: as long as it waits for a card, or
   * works; what it says meanwhile, and the answer to a question of its own (`onRequest`), begin that time anew. When `signal` fires, it is cancelled.
   * @throws Fault `timeout`, `aborted`, `link-closed`
   */
  async transact(
    name: CommandName,
    data: Uint8Array,
    { signal, silence, wait = 0, onRequest }: Times & { signal: AbortSignal; onRequest: (request: Request) => void },
  ): Promise<Answer> {
    if (signal.aborted) throw new Fault('aborted', 'aborted')
    const over = new AbortController()
    const late = (ms: number, why: string) => this.#clock.timer(ms, () => over.abort(new Fault('timeout', why, { ms })))
    let cancelled = false
    let held = false
    let stop = () => {}
    let again = () => {}
    let since = this.#clock.elapsed()
    /** Heard after so long, with nobody else at work. */
    const worked = () => {
      if (!held && !cancelled && wait === 0) this.#work.took(this.#clock.elapsed() - since)
      since = this.#clock.elapsed()
    }
    this.#watch = pause => {
      if (cancelled) return
      worked()
      held = pause
      stop()
      stop = pause ? () => {} : late(silence, `the reader said nothing of ${name} for ${silence} ms`)
    }
    const sendCancel = () => {
      this.#line.tell(command('cancel')).catch(() => {}) // a line that is lost ends the question too
      again = this.#clock.timer(PROMPT, sendCancel)
    }
    const cancel = () => {
      stop()
      cancelled = true
      stop = late(SETTLE, `the reader does not cancel in ${SETTLE} ms`)
      sendCancel()
    }
    signal.addEventListener('abort', cancel, { once: true })
    this.#onRequest = onRequest
    const own = [commandByte(name), ...(name === 'activate' ? [commandByte('contactStart')] : [])]
    // Either answers a cancelled command: itself, or the cancel.
    let heard = false
    this.#onAnswer = one => {
      if (!own.includes(one.command)) return
      heard = true
      if (one.status === statuses.accepted) this.#acknowledged.add(one.command)
    }
    // What cannot be read was its answer, or nothing that matters: then the answer is not far.
    this.#onNoise = () => {
      if (cancelled || held) return
      this.missed()
      stop()
      stop = late(Math.min(PROMPT, silence), `what the reader said of ${name} cannot be read`)
    }
    let unheard = () => {}
    const sayAgain = (times: number) => {
      unheard = this.#clock.timer(ACCEPTED, () => {
        if (heard || cancelled) return
        this.missed()
        this.#line.tell(command(name, data)).catch(() => {}) // as the cancel
        if (times > 1) sayAgain(times - 1)
      })
    }
    if (this.#acknowledged.has(commandByte(name))) sayAgain(UNHEARD)
    const begun = this.#clock.elapsed()
    const early = ({ status }: Answer) => status === statuses.timeout && this.#clock.elapsed() - begun < wait - UNSURE
    const mine = (one: Answer) =>
      (own.includes(one.command) && !isProgress(one) && !early(one)) || (cancelled && one.command === commandByte('cancel'))
    const accept = (one: DeviceMessage): one is Answer => one.type === 'answer' && mine(one)
    this.#watch(false)
    try {
      const answer = await this.#line.ask(command(name, data), { signal: over.signal, timeout: DAY, accept })
      worked()
      if (!cancelled) return answer
      again()
      await sleep(QUIET, this.#clock)
      throw new Fault('aborted', 'aborted')
    } catch (error) {
      if (signal.aborted && isFault(error, 'timeout')) throw new Fault('aborted', 'aborted', {}, { cause: error })
      throw error
    } finally {
      this.#onRequest = undefined
      this.#onAnswer = () => {}
      this.#onNoise = () => {}
      this.#watch = () => {}
      unheard()
      stop()
      again()
      signal.removeEventListener('abort', cancel)
    }
  }

  /** Ends what the reader is in the middle of, between two commands. Settles in any case. */
  async cancel(): Promise<void> {
    await this.ask('cancel').catch(() => {})
  }

  /** The host has something to do before the reader goes on: until `reply`, nobody waits for the reader. */
  hold(): void {
    this.#watch(true)
  }

  /** Answers a request of the reader's: with a command. */
  async reply(name: CommandName, data: Uint8Array): Promise<void> {
    await this.#line.tell(command(name, data))
    this.#watch(false)
  }

  async close(): Promise<void> {
    await this.#line.close()
  }

  async #listen(): Promise<void> {
    try {
      for await (const message of this.#line.incoming) {
        this.#watch(false)
        if (message.type === 'request') this.#onRequest?.(message)
        else this.#onAnswer(message)
      }
    } catch (error) {
      if (!isFault(error, 'link-closed')) throw error
    }
  }
}

/** The Fault of a command that was refused. */
export function refused(status: number, name: CommandName): Fault {
  const code = statusName(status)
  const unknown: readonly number[] = [statuses.unknownCommand, statuses.unknownSubCommand, statuses.parameterNotSupported]
  if (status === statuses.needClearFirmware || status === statuses.needEncryptedFirmware)
    return new Fault('update-required', `the reader's loader alone runs: it needs firmware (${code})`, { needs: 'firmware', code })
  if (status === statuses.noDataKey)
    return new Fault('tampered', 'the reader has no key to encipher card data: it was opened, or never given any', { needs: 'keys', code })
  if (status === statuses.ksnExhausted) return new Fault('update-required', 'the reader has used up its keys', { needs: 'keys', code })
  if (unknown.includes(status)) return new Fault('unsupported', `the reader does not know ${name} (${code})`, { feature: name, code })
  return new Fault('reader-error', `the reader answered ${name} with ${code}`, { code })
}
