/** A recorded reader, played for an app: by what is said, not byte by byte, so that date, amount and numbers may be those of today. */

import { concat, fromHex, hex } from '../bytes.ts'
import { type Clock, localTime, systemClock } from '../clock.ts'
import * as door from '../door.ts'
import { Fault } from '../errors.ts'
import { Inbox } from '../transport/inbox.ts'
import { type Link, linkClosed } from '../transport/link.ts'
import { needBytes } from '../transport/need-bytes.ts'
import type { Trace } from '../transport/replay.ts'
import { type Dissector, dissectorRule } from './dissector.ts'
import type { RecordedKind } from './field.ts'
import { follow, type Unit, unitsOf } from './units.ts'

/** How a recording is played by message. */
export interface PlaybackOptions {
  /** Of the family, dialect and carrier that was recorded. */
  readonly dissector: Dissector
  /** Tells today's date; the system's when left out. */
  readonly clock?: Clock | undefined
  /** Keeps the recorded pauses before what is received, on this clock; without one everything comes as soon as its turn is there. */
  readonly pace?: Clock | undefined
  /** The most that one `send` takes; no limit when left out. */
  readonly mtu?: number | undefined
}

/** A recorded reader as a Link. */
export interface Playback extends Link {
  /** Whether all that was recorded has been asked for and said. */
  readonly finished: boolean
}

/**
 * Plays the reader's part of a recording. What the app sends is compared by what it means: dates, times, amounts, random and serial numbers are its own, and the answers
 * repeat its date, time and references. What asks only how the reader is may be asked at any time, or not at all. Anything else that was not next in the recording is a
 * Fault `protocol` with details.expected, details.came and details.line, for that `send` and for everything after it.
 * What the answers say of amount and card is as it was: a driver refuses it for a payment of another amount.
 * @throws Fault `unsupported` when only lengths were recorded
 */
export function playback(trace: Trace, options: PlaybackOptions): Playback {
  door.need('trace', trace, door.shape({ chunks: door.listOf(door.object) }))
  door.need('options', options, door.shape({ dissector: dissectorRule }))
  needBytes(trace)
  return new Player(trace, options)
}

/** What an answer repeats. */
const repeated: readonly RecordedKind[] = ['date', 'time', 'reference']

class Player implements Playback {
  readonly uri: string
  readonly mtu: number
  readonly service?: string
  readonly incoming = new Inbox()
  readonly #trace: Trace
  readonly #dissector: Dissector
  readonly #clock: Clock
  readonly #pace: Clock | undefined
  readonly #units: readonly Unit[]
  readonly #hear: ReturnType<typeof follow>
  /** Place of the next message. */
  #next = 0
  /** Place of the message of the host that was answered last. */
  #last = -1
  #pieces: Uint8Array = new Uint8Array()
  /** What today's session has in place of what was recorded, by kind and hex. */
  readonly #today = new Map<string, string>()
  /** Messages that wait for their recorded pause, and when the one before them was said. */
  readonly #due: Unit[] = []
  #saidAt = 0
  #cancel: (() => void) | undefined
  #over: Fault | undefined

  constructor(trace: Trace, { dissector, clock = systemClock, pace, mtu = Number.POSITIVE_INFINITY }: PlaybackOptions) {
    this.uri = `${trace.uri}#recorded`
    this.mtu = mtu
    if (trace.service !== undefined) this.service = trace.service
    this.#trace = trace
    this.#dissector = dissector
    this.#clock = clock
    this.#pace = pace
    this.#units = unitsOf(trace, dissector)
    this.#hear = follow(dissector, 'out')
    this.#advance()
  }

  get finished(): boolean {
    return this.#next === this.#units.length && this.#due.length === 0
  }

  async send(bytes: Uint8Array): Promise<void> {
    if (this.#over) throw this.#over
    if (bytes.length > this.mtu) throw new Fault('bad-argument', `${bytes.length} bytes, this link takes ${this.mtu}`, { field: 'bytes' })
    this.#acknowledge(bytes)
    for (const unit of this.#hear(bytes.slice())) this.#take(unit)
  }

  async close(): Promise<void> {
    this.#cancel?.()
    this.#over ??= linkClosed(this.uri, 'close')
    this.incoming.close()
  }

  /** What the line itself owes for each piece of a message. */
  #acknowledge(bytes: Uint8Array): void {
    const { acknowledge } = this.#dissector
    if (!acknowledge) return
    this.#pieces = Uint8Array.from([...this.#pieces, ...bytes])
    while (this.#pieces.length > 0) {
      const { length, answer } = acknowledge(this.#pieces)
      if (length <= 0) return
      this.#pieces = this.#pieces.slice(length)
      if (answer) this.incoming.push(answer)
    }
  }

  #take(came: Pick<Unit, 'bytes' | 'name' | 'meaning'>): void {
    const units = this.#units
    const { queries } = this.#dissector
    const same = (at: number) => came.meaning !== undefined && units[at].direction === 'out' && units[at].meaning === came.meaning
    let at = this.#next
    while (at < units.length && !same(at) && (units[at].direction === 'in' || queries.includes(units[at].name))) at++
    if (at < units.length && same(at)) {
      this.#learn(units[at], came)
      this.#last = at
      this.#next = at + 1
      this.#advance()
      return
    }
    // Said again, since its answer was late or lost; or how the reader is, which it may be asked at any time.
    const before =
      this.#last >= 0 && same(this.#last) ? this.#last : queries.includes(came.name) ? units.findIndex((_, place) => same(place)) : -1
    if (before < 0) throw this.#fail(this.#unexpected(came))
    this.#learn(units[before], came)
    for (let place = before + 1; place < units.length && units[place].direction === 'in'; place++) this.#say(units[place])
  }

  #unexpected({ name }: Pick<Unit, 'name'>): Fault {
    const expected = this.#units[this.#next]
    if (!expected) return new Fault('protocol', `'${name}' is sent, and the recording is at its end`, { came: name })
    const how = expected.name === name ? 'with other values' : 'there'
    return new Fault('protocol', `'${name}' is sent; line ${expected.line} of the recording has '${expected.name}' ${how}`, {
      expected: expected.name,
      came: name,
      line: expected.line,
    })
  }

  /** What of this session stands where something of the recorded one stood. */
  #learn(recorded: Unit, came: Pick<Unit, 'bytes'>): void {
    const values = (bytes: Uint8Array) => {
      const found: [RecordedKind, string][] = []
      this.#dissector.edit(bytes, 'out', (kind, value) => {
        if (repeated.includes(kind)) found.push([kind, hex(value)])
        return value
      })
      return found
    }
    const now = values(came.bytes)
    for (const [index, [kind, value]] of values(recorded.bytes).entries())
      if (now[index]?.[0] === kind) this.#today.set(`${kind} ${value}`, now[index][1])
  }

  /** Up to the next message that has to be sent. */
  #advance(): void {
    const units = this.#units
    for (; this.#next < units.length && units[this.#next].direction === 'in'; this.#next++) this.#say(units[this.#next])
    if (!this.#cancel) this.#end()
  }

  #say(unit: Unit): void {
    this.#due.push(unit)
    if (!this.#cancel) this.#sayNext()
  }

  #sayNext(): void {
    this.#cancel = undefined
    for (let unit = this.#due[0]; unit && !this.#over; unit = this.#due[0]) {
      const pause = unit.at - Math.max(this.#saidAt, this.#units[this.#last]?.at ?? 0)
      if (this.#pace && pause > 0) {
        this.#saidAt = unit.at
        this.#cancel = this.#pace.timer(pause, () => this.#sayNext())
        return
      }
      this.#due.shift()
      this.incoming.push(this.#asToday(unit))
    }
    this.#end()
  }

  #asToday({ bytes, parts = [bytes] }: Unit): Uint8Array {
    const start = localTime(new Date(this.#trace.start)).slice(2, 8)
    const whole = concat(...parts)
    const edited = this.#dissector.edit(whole, 'in', (kind, value) => {
      if (!repeated.includes(kind)) return value
      const told = this.#today.get(`${kind} ${hex(value)}`)
      if (told?.length === value.length * 2) return fromHex(told)
      return kind === 'date' && hex(value) === start ? fromHex(localTime(new Date(this.#clock.now())).slice(2, 8)) : value
    })
    const place = concat(...parts.slice(0, parts.indexOf(bytes))).length
    return edited?.length === whole.length ? edited.subarray(place, place + bytes.length) : parts.length === 1 && edited ? edited : bytes
  }

  #end(): void {
    const { end } = this.#trace
    if (this.finished && !this.#over && (end === 'peer' || end === 'loss')) this.#fail(linkClosed(this.uri, end))
  }

  #fail(fault: Fault): Fault {
    this.#cancel?.()
    this.#over ??= fault
    this.incoming.end(fault)
    return fault
  }
}
