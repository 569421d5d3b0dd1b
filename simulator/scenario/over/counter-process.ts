/** The counter as a process of its own: reader, people and host of one case after another. The app is its parent, and reaches the reader by its line alone. */

import type { Clock } from '../../../src/clock.ts'
import type { PinRequest } from '../../../src/emv/terminal.ts'
import { asFault, Fault } from '../../../src/errors.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import type { Tracer } from '../../../src/trace/event.ts'
import type { Happening } from '../moments.ts'
import type { Somebody } from '../parts.ts'
import type { Deed, ScenarioPlan } from '../schema.ts'
import { type NearWorld, openWorld } from '../world.ts'
import { clockFrom, farPace, isBodys } from './apart.ts'
import { isRaw, type Line, listenAt } from './line.ts'
import { intoVpcd } from './slot.ts'

/** What the parent says: a call, which is answered where it has a number. */
export interface Call {
  readonly call: string
  readonly id?: number
  readonly args: readonly unknown[]
}

/** What the process says: the answer to a call, or what happened. */
export type Said =
  | {
      readonly id: number
      readonly answer?: unknown
      readonly fault?: { readonly code: string; readonly message: string; readonly details: object }
    }
  | { readonly tell: 'trace' | 'host' | 'deed' | 'spanEnd'; readonly args: readonly unknown[] }
  | { readonly tell: 'span'; readonly args: readonly [number, ...Parameters<Tracer['span']>] }

/** A question to the host, and what came of it. */
export interface Asked {
  readonly url: string
  readonly method: string
  readonly body?: string | undefined
}
export type Answered = { readonly status: number; readonly text: string } | { readonly code: string }

/** How a counter is opened. */
export interface Opening {
  readonly seed: number
  readonly line: Line
  /** When the case began, by the wall clock of this machine. */
  readonly began: number
}

const say = (said: Said) => void process.send?.(said)
const tell = (what: 'trace' | 'host' | 'deed' | 'spanEnd', ...args: readonly unknown[]) => say({ tell: what, args })

let world: NearWorld | undefined
let unplug: (() => Promise<void>) | undefined
const questions = new Map<number, AbortController>()
const here = (): NearWorld => {
  if (world) return world
  throw new Fault('internal', 'no counter is open')
}

let spans = 0
const tracer: Tracer = {
  tell: (from, told) => tell('trace', from, told),
  span(level, name, from) {
    const id = ++spans
    say({ tell: 'span', args: [id, level, name, from] })
    return fault => tell('spanEnd', id, fault)
  },
}

const calls = {
  async open(plan: ScenarioPlan, { seed, line, began }: Opening) {
    const clock: Clock = clockFrom(began)
    world = await openWorld(plan, {
      ...{ seed, virtual: undefined, clock, tracer, raw: isRaw(line), rules: isBodys, pace: farPace },
      listen: listenAt(line),
      onHost: event => tell('host', event),
      onDeed: deed => tell('deed', deed),
    })
    const { counter } = world
    if (line === 'pcsc') unplug = intoVpcd(counter.reader.body, fault => process.stderr.write(`counter: ${String(fault)}\n`))
    return listenAt(line) === undefined ? {} : { uri: counter.uri, ...(counter.air && { air: counter.air }) }
  },
  next: (somebody: Somebody) => here().next(somebody),
  act: (deed: Deed) => here().act(deed),
  happen: (happening: Happening) => here().happen(happening),
  endDay: () => here().endDay(),
  payQr: (code: string) => here().payQr(code),
  look: (order?: string) => here().look(order),
  show: (message: MessageId) => here().desk?.show(message),
  async enterPin(id: number, request: PinRequest) {
    return asking(id, signal => here().desk!.enterPin(request, { signal } as never))
  },
  async ask(id: number, { url, method, body }: Asked): Promise<Answered> {
    return asking(id, async signal => {
      try {
        const answer = await here().fetch(url, { method, signal, ...(body !== undefined && { body }) })
        return { status: answer.status, text: await answer.text() }
      } catch (error) {
        const { code } = ((error as Error).cause ?? {}) as { readonly code?: string }
        if (code === undefined) throw error
        return { code }
      }
    })
  },
  abort: (id: number) => questions.get(id)?.abort(),
  async close() {
    const [open, slot] = [world, unplug]
    world = undefined
    unplug = undefined
    await slot?.()
    await open?.close()
  },
}

async function asking<T>(id: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  questions.set(id, stop)
  try {
    return await work(stop.signal)
  } finally {
    questions.delete(id)
  }
}

process.on('message', async ({ call, id, args }: Call) => {
  try {
    const answer = await (calls[call as keyof typeof calls] as (...args: readonly unknown[]) => unknown)(...args)
    if (id !== undefined) say({ id, answer })
  } catch (error) {
    const { code, message, details } = asFault(error)
    if (id !== undefined) say({ id, fault: { code, message, details } })
    else process.stderr.write(`counter: ${call}: ${code}: ${message}\n`)
  }
})
process.on('disconnect', () => process.exit())
