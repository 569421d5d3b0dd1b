/** The counter of one case as its app sees it: in this process, in memory, on its clock. Elsewhere, on a line: `over/far.ts`. */

import { open } from '../../devices/index.ts'
import { openPcscReader } from '../../devices/pcsc/driver.ts'
import { toldReader } from '../../devices/told-reader.ts'
import type { Clock } from '../../src/clock.ts'
import { sleep, systemClock, type VirtualClock, within } from '../../src/clock.ts'
import { contactlessFor } from '../../src/emv/contactless/profiles.ts'
import type { PinEntry, PinRequest, Waiting } from '../../src/emv/terminal.ts'
import { isFault } from '../../src/errors.ts'
import type { MessageId } from '../../src/messages/messages.ts'
import type { HostOrder } from '../../src/payment/acquirer.ts'
import { httpAcquirer } from '../../src/payment/host/http.ts'
import type { Reader } from '../../src/reader/reader.ts'
import type { Tracer } from '../../src/trace/event.ts'
import { type PipeEnd, pipe } from '../../src/transport/pipe.ts'
import { hostOrder } from '../acquirer/book.ts'
import type { HostEvent } from '../acquirer/events.ts'
import { deskFetch } from '../acquirer/host.ts'
import { VirtualCard } from '../cards/icc.ts'
import { type Counter, virtualCounter } from '../counter.ts'
import type { PersonOptions } from '../person.ts'
import { seededBytes, seededNumbers, streams } from '../random.ts'
import type { Pace } from '../readers/body/cardholder.ts'
import { virtualFamilies } from '../readers/index.ts'
import { turnKnob } from '../readers/knobs.ts'
import { type Happening, momentsOf, type Rule, rulesOf } from './moments.ts'
import { kernelOf, pinKeysOf, pinPrompts, slotOf, typePin, withoutCommands } from './over/slot.ts'
import { type CardPlan, given, hostOf, merchant, profileOf, readerOf, type Somebody, scriptOf, terminalOf } from './parts.ts'
import type { Deed, ScenarioPlan } from './schema.ts'

/** Deeds that are the app's, or those of its line. */
export type AppDeed = 'abort' | 'kill' | 'diskFull' | 'cut'

/** What the world is made with, beside the scenario. */
export interface WorldOptions {
  readonly seed: number
  /** Left out where time is the system's. */
  readonly virtual: VirtualClock | undefined
  /** Where time is the system's; the system's own when left out. */
  readonly clock?: Clock | undefined
  readonly tracer: Tracer
  /** The kernel is the app's, over the reader's slot and field. */
  readonly raw?: boolean | undefined
  /** Where other programs reach the reader. */
  readonly listen?: string | undefined
  /** Of the acquirer, on loopback; any free one when left out. */
  readonly port?: number | undefined
  /** How long people take where the scenario does not say; no time when left out. */
  readonly pace?: Pace | undefined
  /** Of the scenario's faults and keys, those that are acted on here; all of them when left out. */
  readonly rules?: ((rule: Rule) => boolean) | undefined
  readonly onHost: (event: HostEvent) => unknown
  /** Hears what the reader's kernel does, and why. */
  readonly onDeed: (deed: AppDeed) => void
}

/** What can be seen of a counter at one moment. */
export interface Look {
  /** The version that runs. */
  readonly firmware: string
  /** Of every card that somebody has brought. */
  readonly pans: readonly string[]
  /** The order that was asked for, as the host has it. */
  readonly order?: HostOrder
}

/** A counter of a case. Close it, and nothing is left running. */
export interface World {
  readonly clock: Clock
  /** The app's own. */
  readonly random: (length: number) => Uint8Array
  readonly family: string
  readonly acquirer: ReturnType<typeof httpAcquirer>
  /** What the person at the counter says at a list. */
  readonly chooses: PersonOptions['choose']
  readonly cancelsAt: PersonOptions['cancelAt']
  /** On virtual time, moved until it settles. */
  settle<T>(work: Promise<T>): Promise<T>
  rest(ms: number): Promise<void>
  /** The reader, on a new line. */
  open(): Promise<Reader>
  /** Somebody else comes to the counter. */
  next(somebody: Somebody): void
  act(deed: Deed): void
  happen(happening: Happening): void
  /** Where the kernel is the app's: the display and the PIN pad that the person stands at. */
  readonly desk?: { show(message: MessageId): void; enterPin(request: PinRequest, waiting: Waiting): Promise<PinEntry> } | undefined
  /** The host's day is over. */
  endDay(): void
  /** The customer pays the code. */
  payQr(code: string): void
  /** After all that was told until now has been heard. */
  look(order?: string): Promise<Look>
  close(): Promise<void>
}

/** With what a line needs beside it. */
export interface NearWorld extends World {
  readonly counter: Counter
  readonly fetch: typeof fetch
  /** All as it was: the same person comes with the same card, and it is new; what went wrong may go wrong again. */
  again(): void
}

/** @throws Fault `bad-config` for a card or a configuration that is none */
export async function openWorld(plan: ScenarioPlan, options: WorldOptions): Promise<NearWorld> {
  const { virtual, raw, port } = options
  const clock: Clock = virtual ?? options.clock ?? systemClock
  const tracer = raw ? withoutCommands(options.tracer) : options.tracer
  const random = seededBytes(options.seed ^ streams.app)
  const ofCards = seededBytes(options.seed ^ streams.card)
  const ofReader = seededBytes(options.seed ^ streams.reader)
  const ofKernel = seededBytes(options.seed ^ streams.kernel)
  const unit = plan.currency ?? 'RUB'
  const { family, dialect, fields } = readerOf(plan.reader ?? 'qpos')
  const cards = new Map<string, VirtualCard>()
  const cardOf = (card: CardPlan) => {
    const name = JSON.stringify(card)
    const known = cards.get(name) ?? new VirtualCard(profileOf(card), { random: ofCards, clock })
    cards.set(name, known)
    return known
  }
  const first: Somebody = plan.people?.[0] ?? plan
  let person = first.person
  let card: CardPlan = first.card ?? 'mir-maestro'
  const script = () => scriptOf(person, cardOf, options.pace)
  const { rules, magicAmounts, balance, gone, merchants } = hostOf(plan.host)
  let hostGone = gone
  const config = terminalOf(plan.terminal, unit, fields.serial ?? virtualFamilies[family].serial)
  const contactless = contactlessFor(unit, plan.terminal?.taps ?? {})
  const counter = await virtualCounter({
    ...{ family, clock, random: ofReader, config, contactless, rules, magicAmounts, card: cardOf(card), ...script() },
    ...(dialect !== undefined && { dialect }),
    ...(options.listen !== undefined && { listen: options.listen }),
    ...(fields.serial && { serial: fields.serial }),
    ...{ language: fields.language ?? plan.language ?? 'en', resultTime: fields.resultTime ?? (virtual ? 1500 : 800) },
    ...(fields.battery !== undefined && {
      battery: typeof fields.battery === 'number' ? { percent: fields.battery } : given(fields.battery),
    }),
    ...(fields.pinKeys && { pinKeys: fields.pinKeys }),
    ...(plan.terminal?.pinBypass !== undefined && { pin: { bypass: plan.terminal.pinBypass } }),
    ...(plan.terminal?.exceptionFile && { exceptionFile: plan.terminal.exceptionFile }),
    ...(balance !== undefined && { balance }),
    ...{ onHost: (event: HostEvent) => void options.onHost(event), tracer },
    host: { clock, ...(merchants && { merchants }), ...(port !== undefined && { port }) },
  })
  const { reader, acquirer: host } = counter
  const { body } = reader
  let line: { drop(): void } | undefined
  const lines: Promise<unknown>[] = []
  const rivals: PipeEnd[] = []
  const piped = (): PipeEnd => {
    const [host, device] = pipe({ clock })
    lines.push(reader.serve(device).catch(fault => (isFault(fault, 'busy') ? device.drop(fault) : device.close())))
    return host
  }
  const turn = (knob: string) => turnKnob({ reader }, knob)
  const act = (deed: Deed): void => {
    if (deed === 'abort' || deed === 'kill' || deed === 'diskFull') options.onDeed(deed)
    else if (deed === 'cut') {
      line?.drop()
      options.onDeed(deed)
    } else if (deed === 'rival') rivals.push(piped())
    else if (deed === 'cancel') body.press('cancel')
    else if (deed === 'powerOff') body.switchOff()
    else if (deed === 'tamper') body.tamper()
    else if (deed === 'pull') {
      body.pull()
      body.leave()
    } else if ('press' in deed) body.press(...[deed.press].flat())
    else if ('knob' in deed) turn(deed.knob)
    else if ('host' in deed) hostGone = deed.host === 'gone'
    else if ('insert' in deed) body.insert(cardOf(deed.insert))
    else if ('tap' in deed) body.tap(cardOf(deed.tap))
    else body.swipe(cardOf(deed.swipe))
  }
  let hear = hearing(plan, options, clock, act)
  const happen = (happening: Happening) => hear(happening)
  const deaf = body.on(event => {
    if (event.type === 'display') happen({ kind: 'screen', screen: event.screen })
    if (event.type === 'apdu') happen({ kind: 'apdu', count: event.count, instruction: event.instruction })
  })
  const ownFetch = deskFetch(host.desk, () => hostGone)
  const settle = <T>(work: Promise<T>): Promise<T> => (virtual ? virtual.settle(work) : work)
  const keys = raw ? pinKeysOf(ofReader) : undefined
  const world: NearWorld = {
    ...{ counter, fetch: ownFetch, clock, random, family, settle, act, happen },
    get chooses() {
      return script().choose
    },
    get cancelsAt() {
      return script().cancelAt
    },
    acquirer: heardAcquirer(httpAcquirer('http://127.0.0.1/', { clock, fetch: ownFetch }), happen),
    rest: ms => (virtual ? virtual.advance(ms) : sleep(ms, clock)),
    async open() {
      if (keys)
        return toldReader(
          openPcscReader((line = slotOf(body)), {
            ...{ config, contactless, clock, tracer: options.tracer },
            kernel: kernelOf(plan, ofKernel),
          }),
          options.tracer,
        )
      const pipe = piped()
      line = pipe
      return open(pipe, { family, ...(dialect && { dialect }), clock, tracer: options.tracer })
    },
    next(somebody) {
      card = somebody.card ?? card
      person = somebody.person ?? person
      counter.next({ card: cardOf(card), ...script() })
    },
    again() {
      cards.clear()
      hear = hearing(plan, options, clock, act)
      counter.next({ card: cardOf(card), ...script() })
    },
    ...(keys && {
      desk: {
        show: (message: MessageId) => void (pinPrompts.includes(message) || body.show(message)),
        enterPin: (request, waiting) => typePin(body, keys, request, waiting),
      },
    }),
    endDay: () => void host.settle(),
    payQr: code => void host.payQr(code),
    async look(number) {
      const booked = number === undefined ? undefined : host.order(number, merchant.id)
      return {
        firmware: reader.firmware.condition.update.version,
        pans: [...cards.values()].map(({ plan }) => plan.pan),
        ...(booked && { order: hostOrder(booked) }),
      }
    },
    async close() {
      deaf()
      for (const one of [line, ...rivals]) one?.drop()
      await settle(within({ timeout: 60_000, clock: systemClock, what: 'the end of the counter' }, () => counter.close()))
      await settle(Promise.all(lines))
    },
  }
  for (const knob of [...(fields.firmware ? [`firmware ${fields.firmware}`] : []), ...(fields.knobs ?? [])]) turn(knob)
  return world
}

/** Hears what happens, and acts where the moment of a fault, or of a key, has come. */
export function hearing(
  plan: ScenarioPlan,
  { seed, rules = () => true }: Pick<WorldOptions, 'seed' | 'rules'>,
  clock: Clock,
  act: (deed: Deed) => void,
): (happening: Happening) => void {
  const all = rulesOf(plan.faults ?? [], plan.screen ?? [], seededNumbers(seed ^ 0x5eed))
  return momentsOf(all.filter(rules), (deed, after) => {
    if (after === 0) act(deed)
    else clock.timer(after, () => act(deed))
  })
}

/** The moments of the dialogue with the host. */
export function heardAcquirer(acquirer: World['acquirer'], happen: World['happen']): World['acquirer'] {
  return {
    ...acquirer,
    async authorise(message, waiting) {
      happen({ kind: 'asked' })
      const answer = await acquirer.authorise(message, waiting)
      happen({ kind: 'answered' })
      return answer
    },
  }
}
