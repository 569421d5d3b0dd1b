/** A QPOS command that takes a while: what the host hears meanwhile, what it is asked, how long it may take. */

import type { DeviceMessage, HostMessage } from '../../../devices/qpos/codec.ts'
import { commandCode } from '../../../devices/qpos/codec.ts'
import type { Clock } from '../../../src/clock.ts'
import { within } from '../../../src/clock.ts'
import { Fault } from '../../../src/errors.ts'
import type { Code, PassiveLine, State } from './line.ts'

export type Command = Extract<HostMessage, { type: 'command' }>
/** What the host is asked in the middle of a payment, by the command that answers it. */
type Question = 'selectEmvApp' | 'onlineResult'
type Answer<C extends Question> = Extract<Command, { command: C }>

export const busy: State = { type: 'waiting', data: new Uint8Array(0) }

export class Job {
  readonly stop = new AbortController()
  /** What a host that asks is told. */
  state = busy
  /** Its ending is of no interest: the host has reset the reader. */
  forgotten = false
  done: Promise<void> = Promise.resolve()
  readonly #line: PassiveLine
  readonly #clock: Clock
  #code: Code
  #question: { readonly command: Question; readonly message: DeviceMessage; readonly settle: (answer: Command) => void } | undefined
  #limit = 0
  #cancelLimit = () => {}

  constructor(line: PassiveLine, clock: Clock, code: Code) {
    this.#line = line
    this.#clock = clock
    this.#code = code
  }

  /** Code and sub-code of the command that its next answer belongs to. */
  get code(): Code {
    return this.#code
  }

  /** What the host has yet to answer. */
  get question(): DeviceMessage | undefined {
    return this.#question?.message
  }

  /** From here on the reader has the `seconds` of the host's frame for its next answer; none where it names 0. */
  limit(seconds: number): void {
    this.#limit = seconds
    this.#cancelLimit()
    if (seconds === 0) return
    const late = () => new Fault('timeout', `no answer in the ${seconds} s of the host's frame`, { ms: seconds * 1000 })
    this.#cancelLimit = this.#clock.timer(seconds * 1000, () => this.stop.abort(late()))
  }

  /** Tells the host at once if it is listening, else when it asks. A cardholder at the keypad has a time of their own. */
  progress(state: State): void {
    if (state.type === 'pinEntry') this.#cancelLimit()
    else if (this.state.type === 'pinEntry') this.limit(this.#limit)
    this.state = state
    this.#line.reply({ result: 0, ...state, ...this.#code })
  }

  /** Answers with a question, and waits for the command that answers it. @throws Fault `aborted` or the signal's own */
  async ask<C extends Question>(command: C, data: Uint8Array, result: number, signal: AbortSignal): Promise<Answer<C>> {
    this.#cancelLimit()
    const message: DeviceMessage = { type: 'completed', ...this.#code, result, data }
    const answered = new Promise<Answer<C>>(resolve => {
      this.#question = { command, message, settle: answer => resolve(answer as Answer<C>) }
    })
    this.#line.reply(message)
    try {
      return await within({ signal, clock: this.#clock }, () => answered)
    } finally {
      this.#question = undefined
    }
  }

  /** The host's answer; false where that was not asked. */
  answer(command: Command): boolean {
    const question = this.#question
    if (question?.command !== command.command) return false
    this.#question = undefined
    this.#code = commandCode(command.command)
    this.limit(command.delay)
    question.settle(command)
    return true
  }

  /** No time runs any more. */
  end(): void {
    this.#cancelLimit()
  }
}
