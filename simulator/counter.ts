/** A counter for tests and demonstrations: one reader, one person after another, one acquirer. */

import * as door from '../src/door.ts'
import { Fault } from '../src/errors.ts'
import type { Tracer } from '../src/trace/event.ts'
import type { Link } from '../src/transport/link.ts'
import { type AcquirerHost, type AcquirerOptions, type HostEvent, startAcquirer } from './acquirer/host.ts'
import type { HostRule } from './acquirer/host-rule.ts'
import type { Controller } from './air/controller.ts'
import type { VirtualCard } from './cards/icc.ts'
import { MemoryLine } from './memory-line.ts'
import { instant, type PersonOptions, person, toCard } from './person.ts'
import { drawnSeed, seededBytes, streams } from './random.ts'
import { bodyRule } from './readers/body/body.ts'
import { type Listening, type ListenOptions, listen } from './readers/listen/listen.ts'
import type { VirtualReader } from './readers/reader.ts'
import { type ReaderOptions, readerOptions, virtualReader } from './virtual-reader.ts'

/** Reader, person and acquirer of one counter; everything may be left out. */
export interface CounterOptions extends PersonOptions, Omit<ReaderOptions, 'onFault'> {
  /** How the host misbehaves; not at all when left out. */
  readonly rules?: readonly HostRule[]
  /** The last two digits of a payment's minor units say what the host answers, where no rule does: 1.05 is declined with 05. Not when left out. */
  readonly magicAmounts?: boolean
  /** Minor units on each account; 1,000,000.00 when left out. */
  readonly balance?: bigint
  /** Where other programs reach the reader: `pty`, `tcp:<port>`. Left out: only `link()`. */
  readonly listen?: string
  /** Hears what the host sees, with PANs masked and PINs left out. */
  readonly onHost?: (event: HostEvent) => void
  /** What else the acquirer is told: merchants, risk, bonus points, a file for its state. */
  readonly host?: Omit<AcquirerOptions, 'rules' | 'magicAmounts' | 'balance' | 'onEvent'>
}

const counterRule = door.shape({
  ...readerOptions,
  ...{
    rules: door.maybe(door.listOf(door.object)),
    magicAmounts: door.maybe(door.flag),
    balance: door.maybe(door.anyAmount),
    listen: door.maybe(door.anyText),
  },
  ...{ onHost: door.maybe(door.callable), host: door.maybe(door.object), pins: door.maybe(door.listOf(door.anyText)) },
})

/** Everything at the counter: reader, person, acquirer. Close it, and nothing is left running. */
export class Counter implements AsyncDisposable {
  /** It has a `body` to touch, and knobs. */
  readonly reader: VirtualReader
  /** With its issuer; its `url` is for `httpAcquirer`. */
  readonly acquirer: AcquirerHost
  readonly #listening: Listening | undefined
  readonly #line: MemoryLine
  #card: VirtualCard
  #leave: () => void

  /** Use `virtualCounter`. */
  constructor(reader: VirtualReader, acquirer: AcquirerHost, listening: Listening | undefined, card: VirtualCard, leave: () => void) {
    this.reader = reader
    this.acquirer = acquirer
    this.#listening = listening
    this.#card = card
    this.#leave = leave
    this.#line = new MemoryLine(reader)
  }

  /** What the person at the counter holds. */
  get card(): VirtualCard {
    return this.#card
  }

  /** Where the reader is for other programs: `serial:/dev/pts/4?family=qpos`. @throws Fault `bad-argument` when the counter listens nowhere */
  get uri(): string {
    if (!this.#listening)
      throw new Fault('bad-argument', "the counter listens nowhere: give listen: 'pty' or 'tcp:0', or use link()", { field: 'listen' })
    const { family, dialect } = this.reader
    return `${this.#listening.uri}?family=${family}${dialect ? `&dialect=${dialect}` : ''}`
  }

  /** Of `listen: 'ble:<port>'`: what other programs, and `open` here, are given as the environment's `TAPDIP_AIR`. */
  get air(): string | undefined {
    return this.#listening?.air
  }

  /** The reader's radio on the virtual air: signal, range, link loss. */
  get radio(): Controller | undefined {
    return this.#listening?.radio
  }

  /**
   * A new connection to the reader in memory: `open(counter.link(), { family: counter.reader.family })`.
   * @throws Fault `busy` while the one before is open
   */
  link(): Link {
    return this.#line.link()
  }

  /** The next person comes, with this card; the one before takes theirs away. */
  next({ card, ...script }: PersonOptions = {}): VirtualCard {
    this.#leave()
    this.reader.body.pull()
    this.reader.body.leave()
    if (card !== undefined) this.#card = toCard(card)
    this.#leave = person(this.reader.body, this.#card, { pace: instant, ...script })
    return this.#card
  }

  /** Ends reader, line and acquirer. Idempotent. @throws Fault what went wrong on a line in memory that nobody has heard of */
  async close(): Promise<void> {
    this.#leave()
    await this.#listening?.close()
    await this.reader.close()
    await this.acquirer.close()
    const [fault] = this.#line.faults
    if (fault) throw fault
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** A reader that is switched off is not on the air. */
export function switchRadio(reader: VirtualReader, listening: Listening | undefined): void {
  door.need('reader', reader, door.shape({ body: bodyRule }))
  door.need('listening', listening, door.maybe(door.object))
  const { body } = reader
  body.on(event => event.type === 'power' && listening?.radio?.power(event.on))
}

/** What the host decides, and why, is told as it is to who listens. */
function hostListener(onHost: CounterOptions['onHost'], tracer: Tracer | undefined): (event: HostEvent) => void {
  return event => {
    const { type, ...content } = event
    tracer?.tell('host', { kind: 'host', what: 'decision', name: type, content })
    onHost?.(event)
  }
}

/** How a reader shows itself where it does not sit on a plain line. */
export function plugsOf({ hid, ble, serial }: VirtualReader): Pick<ListenOptions, 'hid' | 'ble'> {
  return { ...(hid && { hid }), ...(ble && { ble: { shape: ble, name: serial } }) }
}

/**
 * A counter with a reader, a person with a card, and an acquirer on a loopback port.
 *
 * @example
 * ```ts
 * import { currency, httpAcquirer, open, pay } from 'tapdip'
 * import { virtualCounter } from 'tapdip/simulator'
 *
 * await using counter = await virtualCounter({ family: 'qpos', card: 'mir' })
 * const reader = await open(counter.link(), { family: 'qpos' })
 * const order = { number: '20260326_105200_001', amount: 100_00n, currency: currency('RUB') }
 * const acquirer = httpAcquirer(counter.acquirer.url)
 * const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
 * const { result } = await pay(order, { reader, acquirer, merchant })
 * console.log(result) // approved
 * await reader.close()
 * ```
 * @throws Fault `bad-argument` or `bad-config` for a card or a rule; `busy` when the port is taken
 */
export async function virtualCounter(options: CounterOptions = {}): Promise<Counter> {
  door.need('options', options, counterRule)
  const {
    card = 'mir-maestro',
    rules,
    magicAmounts,
    balance,
    listen: where,
    onHost,
    host,
    clock,
    family,
    dialect,
    serial,
    language,
    battery,
    pinKeys,
    pin,
    exceptionFile,
    currency,
    config,
    contactless,
    explain,
    tracer,
    resultTime,
    random,
    seed = random ? undefined : drawnSeed(),
    ...script
  } = options
  const chance = (stream: number) => random ?? seededBytes(seed! ^ stream)
  const holding = toCard(card, { random: chance(streams.card) })
  tracer?.about?.({ card: holding.plan.name })
  const acquirerOptions: AcquirerOptions = {
    ...host,
    ...(rules && { rules }),
    ...(magicAmounts && { magicAmounts }),
    ...(balance !== undefined && { balance }),
    ...((onHost || tracer) && { onEvent: hostListener(onHost, tracer) }),
    random: chance(streams.host),
  }
  const acquirer = await startAcquirer(acquirerOptions)
  try {
    const reader = virtualReader({
      ...(clock && { clock }),
      ...(family && { family }),
      ...(dialect && { dialect }),
      ...(serial && { serial }),
      ...(language && { language }),
      ...(battery && { battery }),
      ...(pinKeys && { pinKeys }),
      ...(pin && { pin }),
      ...(exceptionFile && { exceptionFile }),
      ...(currency && { currency }),
      ...(config && { config }),
      ...(contactless && { contactless }),
      ...(explain && { explain }),
      ...(tracer && { tracer }),
      ...(resultTime !== undefined && { resultTime }),
      ...(seed === undefined ? { random } : { seed }),
    })
    const listening = where === undefined ? undefined : await listen(where, link => reader.serve(link), plugsOf(reader))
    switchRadio(reader, listening)
    return new Counter(reader, acquirer, listening, holding, person(reader.body, holding, { pace: instant, ...script }))
  } catch (error) {
    await acquirer.close()
    throw error
  }
}
