/** An ID TECH reader on the line: one command at a time, long ones with progress and questions in between, cancelled by 05-01. */

import { type Clock, sleep } from '../../src/clock.ts'
import { Fault, isFault } from '../../src/errors.ts'
import { Conversation } from '../../src/reader/conversation.ts'
import type { Link } from '../../src/transport/link.ts'
import { type CommandName, command, commandByte, type DeviceMessage, type HostMessage, host, statuses, statusName } from './codec.ts'

export type Answer = Extract<DeviceMessage, { type: 'answer' }>
export type Request = Extract<DeviceMessage, { type: 'request' }>

/** Milliseconds for what a reader does at once. */
const PROMPT = 5000
/** Milliseconds that a cancelled reader may take to say so, and after which nothing of the old command comes any more. */
const SETTLE = 5000
const QUIET = 300

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
  /** The reader takes the CRC of pass-through commands in the other order. */
  #swapped = false

  constructor(link: Link, clock: Clock) {
    this.#line = new Conversation(link, host, { clock })
    this.#clock = clock
    this.closed = this.#line.closed
    void this.#listen()
  }

  /** The answer, whatever its status. @throws Fault `timeout`, `aborted`, `link-closed` */
  ask(
    name: CommandName,
    data?: Uint8Array,
    { signal, timeout = PROMPT }: { signal?: AbortSignal | undefined; timeout?: number } = {},
  ): Promise<Answer> {
    const accept = (one: DeviceMessage): one is Answer => one.type === 'answer' && one.command === commandByte(name) && !isProgress(one)
    return this.#line.ask(command(name, data), { signal, timeout, accept })
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
      const { signal, timeout = PROMPT } = options
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
   * A command that takes as long as people take, `time` milliseconds at most. `onRequest` hears what the reader asks meanwhile. When `signal` fires, it is cancelled.
   * @throws Fault `timeout`, `aborted`, `link-closed`
   */
  async transact(
    name: CommandName,
    data: Uint8Array,
    { signal, time, onRequest }: { signal: AbortSignal; time: number; onRequest: (request: Request) => void },
  ): Promise<Answer> {
    if (signal.aborted) throw new Fault('aborted', 'aborted')
    const over = new AbortController()
    let cancelled = false
    let stop = () => {}
    const cancel = () => {
      cancelled = true
      stop = this.#clock.timer(SETTLE, () => over.abort(new Fault('timeout', `the reader does not cancel in ${SETTLE} ms`, { ms: SETTLE })))
      this.#line.tell(command('cancel')).catch(() => {}) // a line that is lost ends the question too
    }
    signal.addEventListener('abort', cancel, { once: true })
    this.#onRequest = onRequest
    const own = [commandByte(name), ...(name === 'activate' ? [commandByte('contactStart')] : [])]
    // Either answers a cancelled command: itself, or the cancel.
    const mine = (one: Answer) => (own.includes(one.command) && !isProgress(one)) || (cancelled && one.command === commandByte('cancel'))
    const accept = (one: DeviceMessage): one is Answer => one.type === 'answer' && mine(one)
    try {
      const answer = await this.#line.ask(command(name, data), { signal: over.signal, timeout: time + SETTLE, accept })
      if (!cancelled) return answer
      await sleep(QUIET, this.#clock)
      throw new Fault('aborted', 'aborted')
    } catch (error) {
      if (signal.aborted && isFault(error, 'timeout')) throw new Fault('aborted', 'aborted', {}, { cause: error })
      if (isFault(error, 'timeout')) void this.#line.tell(command('cancel')).catch(() => {}) // told, and not waited for
      throw error
    } finally {
      this.#onRequest = undefined
      stop()
      signal.removeEventListener('abort', cancel)
    }
  }

  /** Ends what the reader is in the middle of, between two commands. Settles in any case. */
  async cancel(): Promise<void> {
    await this.ask('cancel', undefined, { timeout: SETTLE }).catch(() => {})
  }

  /** Answers a request of the reader's: with a command. */
  async reply(name: CommandName, data: Uint8Array): Promise<void> {
    await this.#line.tell(command(name, data))
  }

  async close(): Promise<void> {
    await this.#line.close()
  }

  async #listen(): Promise<void> {
    try {
      for await (const message of this.#line.incoming) if (message.type === 'request') this.#onRequest?.(message)
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
