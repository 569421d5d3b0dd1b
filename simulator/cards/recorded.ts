/** A card made of a recording: it answers what it answered then, in whatever order it is asked. Counters, cryptograms and signatures are those of the recording. */

import { equal, hex } from '../../src/bytes.ts'
import type { Card } from '../../src/emv/card.ts'
import { Fault, throwIfAborted } from '../../src/errors.ts'

/** A command and the answer that was recorded. */
export interface Exchange {
  readonly command: Uint8Array
  readonly answer: Uint8Array
}

/** What is asked for is in the command itself: SELECT, READ RECORD, GET DATA. */
const asking: readonly number[] = [0xa4, 0xb2, 0xca]
/** T=0: the answer to the command before. */
const GET_RESPONSE = 0xc0
const GENERATE_AC = 0xae
const SIGNED = 0x10
/** File not found; record not found; referenced data not found. */
const missing: ReadonlyMap<number, number> = new Map([
  [0xa4, 0x6a82],
  [0xb2, 0x6a83],
  [0xca, 0x6a88],
])
const OUT_OF_PLACE = 0x6985
const UNKNOWN = 0x6d00

export class RecordedCard {
  readonly atr: Uint8Array
  /** For whoever holds it. */
  readonly plan: { readonly name: string; readonly chip: 'works' }
  /** In their order. */
  readonly exchanges: readonly Exchange[]

  constructor(name: string, atr: Uint8Array, exchanges: readonly Exchange[]) {
    this.plan = { name, chip: 'works' }
    this.atr = atr
    this.exchanges = exchanges
  }

  /** It was in a field: its ATR is one that a PC/SC reader makes up for those (PC/SC part 3, 3.1.3.2.3). */
  get tapped(): boolean {
    const { atr } = this
    return atr[0] === 0x3b && atr[1] >> 4 === 0x8 && atr[2] === 0x80 && atr[3] === 0x01
  }

  /** Powered, from the beginning of the recording: in a slot, whatever that is to its reader. */
  contact(): RecordedSession {
    return new RecordedSession(this.exchanges)
  }

  /** For a virtual reader: into its slot, or its field, as it was recorded. */
  get plastic(): RecordedPlastic {
    const side = this.tapped ? ('contactless' as const) : ('contact' as const)
    const power = () => {
      const session = this.contact()
      return { interface: side, atr: this.atr, transmit: (command: Uint8Array) => session.transmit(command) }
    }
    return side === 'contact' ? { contact: power } : { contactless: power }
  }
}

/** Has the side that was recorded, and no other. */
export interface RecordedPlastic {
  contact?(): Card
  contactless?(): Card
}

export class RecordedSession {
  readonly #exchanges: readonly Exchange[]
  /** How often each kind of command came. */
  readonly #times = new Map<string, number>()
  /** Place of the exchange that was answered last. */
  #last: number | undefined
  readonly #gone = new AbortController()

  constructor(exchanges: readonly Exchange[]) {
    this.#exchanges = exchanges
  }

  remove(): void {
    this.#gone.abort(new Fault('card-removed', 'the card was removed'))
  }

  /** The answer to this command; of those that are meant for one terminal's data the next in turn. @throws Fault `card-removed` */
  async transmit(command: Uint8Array): Promise<Uint8Array> {
    throwIfAborted(this.#gone.signal)
    const kind = kindOf(command)
    if (command[1] === GET_RESPONSE) return this.#rest()
    const same = [...this.#exchanges.keys()].filter(place => kindOf(this.#exchanges[place].command) === kind)
    const time = this.#times.get(kind) ?? 0
    this.#times.set(kind, time + 1)
    this.#last = same[Math.min(time, same.length - 1)]
    if (this.#last !== undefined) return this.#exchanges[this.#last].answer
    const known = this.#exchanges.some(one => equal(one.command.subarray(0, 2), command.subarray(0, 2)))
    return status(missing.get(command[1]) ?? (known ? OUT_OF_PLACE : UNKNOWN))
  }

  /** What was fetched behind that answer then. */
  #rest(): Uint8Array {
    const next = this.#last === undefined ? undefined : this.#exchanges[this.#last + 1]
    if (next?.command[1] !== GET_RESPONSE) return status(OUT_OF_PLACE)
    this.#last!++
    return next.answer
  }
}

const status = (sw: number) => Uint8Array.of(sw >> 8, sw & 0xff)

/** What two commands have in common that get the same answer. */
function kindOf(command: Uint8Array): string {
  const [cla, ins, p1, p2] = command
  if (asking.includes(ins)) return hex(command)
  return hex(Uint8Array.of(cla, ins, ins === GENERATE_AC ? p1 & ~SIGNED : p1, p2))
}
