/** The counter of a case as its app sees it when there is a line between them: reader, people and host are another process. */

import { type ChildProcess, fork } from 'node:child_process'
import { families, hidShape, open } from '../../../devices/index.ts'
import { sleep, systemClock, within } from '../../../src/clock.ts'
import { contactlessFor } from '../../../src/emv/contactless/profiles.ts'
import type { PinEntry } from '../../../src/emv/terminal.ts'
import { Fault } from '../../../src/errors.ts'
import { packageFile } from '../../../src/package-file.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import { dialAir } from '../../../src/transport/ble/hci.ts'
import { connect } from '../../../src/transport/connect.ts'
import { parseUri } from '../../../src/transport/uri.ts'
import { nobleOn } from '../../air/host.ts'
import { seededBytes, streams } from '../../random.ts'
import { virtualFamilies } from '../../readers/index.ts'
import { readerOf, type Somebody, terminalOf } from '../parts.ts'
import type { Deed, ScenarioPlan } from '../schema.ts'
import { type AppDeed, heardAcquirer, hearing, type Look, type World, type WorldOptions } from '../world.ts'
import { clockFrom, isBodys } from './apart.ts'
import type { Answered, Call, Said } from './counter-process.ts'
import { isRaw, type Line, VPCD_READER } from './line.ts'
import { kernelOf } from './slot.ts'

export interface FarOptions extends Pick<WorldOptions, 'seed' | 'tracer' | 'onHost' | 'onDeed'> {
  readonly line: Line
}

/** Milliseconds by the system's clock: to begin a process, and for what it is asked at once. */
const BEGIN_TIME = 180_000
const CALL_TIME = 60_000

type Hear = (said: Extract<Said, { readonly tell: string }>) => void

/** A counter's process. It is kept for the next case: to begin one takes as long as some cases. */
class CounterProcess {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(answer: unknown): void; reject(fault: unknown): void }>()
  #calls = 0
  #over: Fault | undefined
  hear: Hear = () => {}

  constructor() {
    this.#child = fork(packageFile('dist/simulator/scenario/over/counter-process.js'), {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child.on('message', (said: Said) => {
      if ('tell' in said) return this.hear(said)
      const waiting = this.#waiting.get(said.id)
      this.#waiting.delete(said.id)
      if (said.fault)
        waiting?.reject(new Fault(said.fault.code as Fault['code'], said.fault.message, said.fault.details as Fault['details']))
      else waiting?.resolve(said.answer)
    })
    const end = (why: string) => {
      this.#over ??= new Fault('internal', `the process of the counter ended: ${why}`)
      for (const { reject } of this.#waiting.values()) reject(this.#over)
      this.#waiting.clear()
    }
    this.#child.once('error', error => end(error.message))
    this.#child.once('exit', (code, signal) => end(String(signal ?? code)))
  }

  get lives(): boolean {
    return this.#over === undefined
  }

  /** The process that began it does not wait for its end. */
  hold(held: boolean): void {
    if (held) this.#child.channel?.ref()
    else this.#child.channel?.unref()
    if (held) this.#child.ref()
    else this.#child.unref()
  }

  tell(call: string, ...args: readonly unknown[]): void {
    if (this.lives) this.#child.send({ call, args } satisfies Call)
  }

  /** @throws Fault what the call threw; `internal` where the process is gone */
  ask<T>(call: string, ...args: readonly unknown[]): Promise<T> {
    if (this.#over) return Promise.reject(this.#over)
    const id = ++this.#calls
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject })
      this.#child.send({ call, id, args } satisfies Call)
    })
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

const idle: CounterProcess[] = []

function begun(): CounterProcess {
  for (let one = idle.pop(); one; one = idle.pop()) if (one.lives) return one
  return new CounterProcess()
}

/** @throws Fault what the counter, or the line, is not opened by */
export async function openFar(plan: ScenarioPlan, { seed, line, tracer, onHost, onDeed }: FarOptions): Promise<World> {
  const process = begun()
  process.hold(true)
  const began = Date.now()
  const clock = clockFrom(began)
  const spans = new Map<number, (fault?: string) => void>()
  const ends: (() => unknown)[] = []
  let link: { close(): Promise<void> } | undefined
  const act = (deed: Deed): void => {
    if (deed === 'abort' || deed === 'kill' || deed === 'diskFull') onDeed(deed)
    else if (deed === 'cut') cut()
    else process.tell('act', deed)
  }
  const cut = () => {
    void link?.close()
    onDeed('cut')
  }
  process.hear = said => {
    const [first, ...rest] = said.args as readonly never[]
    if (said.tell === 'span') {
      const [id, ...span] = said.args
      spans.set(id, tracer.span(...span))
    } else if (said.tell === 'spanEnd') spans.get(first)?.(...rest)
    else if (said.tell === 'trace') tracer.tell(first, rest[0])
    else if (said.tell === 'host') onHost(first)
    else if ((first as AppDeed) === 'cut') cut()
    else onDeed(first)
  }
  const ask = <T>(call: string, ...args: readonly unknown[]) =>
    within({ timeout: CALL_TIME, clock: systemClock, what: `${call} of the counter` }, () => process.ask<T>(call, ...args))
  const close = async () => {
    try {
      for (const end of ends.splice(0).reverse()) await end()
      await ask('close')
      idle.push(process)
    } catch (error) {
      process.kill()
      throw error
    } finally {
      process.hear = () => {}
      process.hold(false)
    }
  }
  const { family, dialect, fields } = readerOf(plan.reader ?? 'qpos')
  const heard = hearing(plan, { seed, rules: rule => !isBodys(rule) }, clock, act)
  let person: Somebody['person'] = (plan.people?.[0] ?? plan).person
  const said = () => (typeof person === 'object' ? person : {})
  let questions = 0
  /** Something that takes its time there, and can be given up here. */
  const asking = async <T>(call: string, what: unknown, signal?: AbortSignal | null): Promise<T> => {
    const id = ++questions
    const stop = () => process.tell('abort', id)
    signal?.addEventListener('abort', stop, { once: true })
    try {
      return await process.ask<T>(call, id, what)
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }
  const happen: World['happen'] = happening => {
    heard(happening)
    if (happening.kind === 'step' || happening.kind === 'list') process.tell('happen', happening)
  }
  try {
    const place = await within({ timeout: BEGIN_TIME, clock: systemClock, what: 'the process of the counter' }, () =>
      process.ask<{ readonly uri?: string; readonly air?: string }>('open', plan, { seed, line, began }),
    )
    const unit = plan.currency ?? 'RUB'
    const ofKernel = seededBytes(seed ^ streams.kernel)
    const config = terminalOf(plan.terminal, unit, fields.serial ?? virtualFamilies[family].serial)
    const contactless = contactlessFor(unit, plan.terminal?.taps ?? {})
    const ownUri = typeof line === 'object' ? line.uri : undefined
    const openReader = async () => {
      if (line === 'pcsc') {
        const reader = await open(`pcsc:${encodeURIComponent(VPCD_READER)}`, {
          ...{ config, contactless, clock, tracer },
          kernel: kernelOf(plan, ofKernel),
        })
        link = reader // the service ends with its program what that has connected
        return reader
      }
      const uri = parseUri(ownUri ?? place.uri!)
      const row = families.find(({ name }) => name === family)!
      const bluetooth = place.air === undefined ? undefined : await radioOn(place.air, ends)
      const opened = await connect(uri, { ble: row.ble, bluetooth, hid: uri.scheme === 'hid' ? hidShape(row, uri) : undefined })
      link = opened
      return open(opened, { family, ...(dialect && { dialect }), clock, tracer })
    }
    return {
      ...{ clock, family, act, happen, close, open: openReader },
      random: seededBytes(seed ^ streams.app),
      get chooses() {
        return said().choose
      },
      get cancelsAt() {
        return said().cancelAt
      },
      acquirer: heardAcquirer(
        httpAcquirer('http://127.0.0.1/', {
          clock,
          async fetch(url, { method = 'GET', body, signal } = {}) {
            const answer = await asking<Answered>('ask', { url: String(url), method, ...(body != null && { body: String(body) }) }, signal)
            if ('code' in answer) throw new TypeError('fetch failed', { cause: Object.assign(new Error(answer.code), answer) })
            return new Response(answer.text, { status: answer.status })
          },
        }),
        happen,
      ),
      settle: work => work,
      rest: ms => sleep(ms, clock),
      next(somebody) {
        person = somebody.person ?? person
        process.tell('next', somebody)
      },
      ...(isRaw(line) && {
        desk: {
          show: message => process.tell('show', message),
          enterPin: (request, { signal }) => asking<PinEntry>('enterPin', request, signal),
        },
      }),
      endDay: () => process.tell('endDay'),
      payQr: code => process.tell('payQr', code),
      look: order => ask<Look>('look', order),
    }
  } catch (error) {
    await close().catch(() => {})
    throw error
  }
}

/** A Bluetooth library on a controller of the counter's air. */
async function radioOn(air: string, ends: (() => unknown)[]) {
  const { open, close } = await dialAir(air, { timeout: 3000 })
  const { lib, close: end } = nobleOn({ open })
  ends.push(() => {
    end()
    close()
  })
  return lib
}
