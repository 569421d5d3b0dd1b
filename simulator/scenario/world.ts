/** The counter of one case: the reader, the people in their queue, the terminal's configuration and the host, as the scenario has them; in this process, on its clock. */

import type { Clock } from '../../src/clock.ts'
import { sleep, systemClock, type VirtualClock, within } from '../../src/clock.ts'
import { currency } from '../../src/currency.ts'
import type { TerminalConfig } from '../../src/emv/config.ts'
import { parseTerminalConfig } from '../../src/emv/config-schema.ts'
import { contactlessFor } from '../../src/emv/contactless/profiles.ts'
import type { Explanation } from '../../src/emv/explain/explain.ts'
import { mposFor } from '../../src/emv/profiles.ts'
import { Fault, isFault } from '../../src/errors.ts'
import { httpAcquirer } from '../../src/payment/host/http.ts'
import type { Tracer } from '../../src/trace/event.ts'
import { connect } from '../../src/transport/connect.ts'
import type { Link } from '../../src/transport/link.ts'
import { type PipeEnd, pipe } from '../../src/transport/pipe.ts'
import type { HostEvent } from '../acquirer/events.ts'
import { deskFetch } from '../acquirer/host.ts'
import { VirtualCard } from '../cards/icc.ts'
import type { CardProfile } from '../cards/profile/card-profile.ts'
import { profiles } from '../cards/profiles/index.ts'
import { VirtualPhone } from '../cards/tap/phone.ts'
import { type Counter, virtualCounter } from '../counter.ts'
import { instant, type PersonOptions } from '../person.ts'
import { virtualFamilies } from '../readers/index.ts'
import { turnKnob } from '../readers/knobs.ts'
import { virtualConfig } from '../virtual-reader.ts'
import { type Happening, momentsOf, rulesOf } from './moments.ts'
import { seededBytes, seededNumbers } from './random.ts'
import { merged } from './read.ts'
import type { Deed, ScenarioPlan } from './schema.ts'

type CardPlan = NonNullable<ScenarioPlan['card']>
type PersonPlan = NonNullable<ScenarioPlan['person']>
type Somebody = { readonly card?: CardPlan | undefined; readonly person?: PersonPlan | undefined }

/** When a case began: every case of every run on the same day. */
export const BEGINNING = new Date('2026-03-26T10:52:00')

/** Nobody comes; as long as timers can be set. */
const NEVER = 2_000_000_000

/** Lines that a reader is served on, of this machine alone. */
export const overs = ['tcp', 'pty'] as const
export type Over = (typeof overs)[number]

/** What the world is made with, beside the scenario. */
export interface WorldOptions {
  readonly seed: number
  /** Left out where time is the system's. */
  readonly virtual: VirtualClock | undefined
  readonly tracer: Tracer
  /** On which line the reader is served; in memory when left out. */
  readonly over?: Over | undefined
  readonly onHost: (event: HostEvent) => unknown
  /** Hears what the reader's kernel does, and why. */
  readonly explain: (entry: Explanation) => unknown
  /** Deeds that are the app's: `abort`, `kill`, `diskFull`. */
  readonly onDeed: (deed: 'abort' | 'kill' | 'diskFull') => void
}

/** A counter of a case. Close it, and nothing is left running. */
export interface World {
  readonly counter: Counter
  readonly clock: Clock
  readonly random: (length: number) => Uint8Array
  readonly family: string
  readonly dialect: string | undefined
  readonly acquirer: ReturnType<typeof httpAcquirer>
  /** Every card that somebody has brought. */
  readonly cards: readonly VirtualCard[]
  /** What the person at the counter says at a list. */
  readonly chooses: PersonOptions['choose']
  readonly cancelsAt: PersonOptions['cancelAt']
  /** On virtual time, moved until it settles. */
  settle<T>(work: Promise<T>): Promise<T>
  rest(ms: number): Promise<void>
  /** A new line to the reader. */
  link(): Promise<Link>
  /** Somebody else comes to the counter. */
  next(somebody: Somebody): void
  act(deed: Deed): void
  happen(happening: Happening): void
  close(): Promise<void>
}

/** @throws Fault `bad-config` for a card or a configuration that is none */
export async function openWorld(plan: ScenarioPlan, options: WorldOptions): Promise<World> {
  const { virtual, tracer } = options
  const clock: Clock = virtual ?? systemClock
  const random = seededBytes(options.seed)
  const unit = plan.currency ?? 'RUB'
  const { family, dialect, fields } = readerOf(plan.reader ?? 'qpos')
  const cards = new Map<string, VirtualCard>()
  const cardOf = (card: CardPlan) => {
    const name = JSON.stringify(card)
    const known = cards.get(name) ?? new VirtualCard(profileOf(card), { random, clock })
    cards.set(name, known)
    return known
  }
  const first: Somebody = plan.people?.[0] ?? plan
  let person = first.person
  let card: CardPlan = first.card ?? 'mir-maestro'
  const { rules, balance, gone, merchants } = hostOf(plan.host)
  let hostGone = gone
  const config = terminalOf(plan.terminal, unit, fields.serial ?? virtualFamilies[family].serial)
  const tapRules = contactlessFor(unit, plan.terminal?.taps ?? {})
  const counter = await virtualCounter({
    ...{ family, clock, random, config, rules, card: cardOf(card), ...scriptOf(person, cardOf) },
    contactless: tapRules,
    ...(dialect !== undefined && { dialect }),
    ...(options.over && { listen: options.over === 'tcp' ? 'tcp:0' : options.over }),
    ...(fields.serial && { serial: fields.serial }),
    ...{ language: fields.language ?? plan.language ?? 'en', resultTime: fields.resultTime ?? (virtual ? 1500 : 200) },
    ...(fields.battery !== undefined && {
      battery: typeof fields.battery === 'number' ? { percent: fields.battery } : given(fields.battery),
    }),
    ...(fields.pinKeys && { pinKeys: fields.pinKeys }),
    ...(balance !== undefined && { balance }),
    ...{ onHost: (event: HostEvent) => void options.onHost(event), explain: (entry: Explanation) => void options.explain(entry), tracer },
    host: { clock, ...(merchants && { merchants }) },
  })
  const { reader, acquirer: host } = counter
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
    const { body } = reader
    if (deed === 'abort' || deed === 'kill' || deed === 'diskFull') options.onDeed(deed)
    else if (deed === 'cut') line?.drop()
    else if (deed === 'rival') rivals.push(piped())
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
  const later = (deed: Deed, after: number) => {
    if (after === 0) act(deed)
    else clock.timer(after, () => act(deed))
  }
  const happen = momentsOf(rulesOf(plan.faults ?? [], plan.screen ?? [], seededNumbers(options.seed ^ 0x5eed)), later)
  const deaf = reader.body.on(event => {
    if (event.type === 'display') happen({ kind: 'screen', screen: event.screen })
    if (event.type === 'apdu') happen({ kind: 'apdu', count: event.count, instruction: event.instruction })
  })
  const overDesk = httpAcquirer('http://127.0.0.1/', { clock, fetch: deskFetch(host.desk, () => hostGone) })
  const settle = <T>(work: Promise<T>): Promise<T> => (virtual ? virtual.settle(work) : work)
  const script = () => scriptOf(person, cardOf)
  const world: World = {
    ...{ counter, clock, random, family, dialect, settle, act, happen },
    get cards() {
      return [...cards.values()]
    },
    get chooses() {
      return script().choose
    },
    get cancelsAt() {
      return script().cancelAt
    },
    acquirer: {
      ...overDesk,
      async authorise(message, waiting) {
        happen({ kind: 'asked' })
        const answer = await overDesk.authorise(message, waiting)
        happen({ kind: 'answered' })
        return answer
      },
    },
    rest: ms => (virtual ? virtual.advance(ms) : sleep(ms, clock)),
    async link() {
      if (options.over) {
        const socket = await connect(counter.uri)
        line = { drop: () => void socket.close() }
        return socket
      }
      const pipe = piped()
      line = pipe
      return pipe
    },
    next(somebody) {
      card = somebody.card ?? card
      person = somebody.person ?? person
      counter.next({ card: cardOf(card), ...script() })
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

/** Fields that are there. */
function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}

type Fields = Omit<Extract<ScenarioPlan['reader'], { readonly family: string }>, 'family' | 'dialect'>

/** @throws Fault `unsupported` for a reader that is not made here */
export function readerOf(reader: NonNullable<ScenarioPlan['reader']>): {
  readonly family: string
  readonly dialect: string | undefined
  readonly fields: Fields
} {
  if (typeof reader === 'string') {
    const [family, dialect] = reader.split(' ')
    return { family, dialect, fields: {} }
  }
  if ('family' in reader) return { family: reader.family, dialect: reader.dialect, fields: reader }
  throw new Fault('unsupported', `a reader by ${'uri' in reader ? 'URI' : 'labels'} is not made here: --reader says where it is`, {
    feature: 'reader',
  })
}

/** A card's profile with what is changed in it. @throws Fault `bad-config` where it has no such application */
export function profileOf(card: CardPlan): CardProfile {
  if (typeof card === 'string') return profiles[card as keyof typeof profiles]
  if ('own' in card) return card.own as unknown as CardProfile
  const base = profiles[card.profile as keyof typeof profiles] as CardProfile
  const { applications, ...changes } = (card.with ?? {}) as Record<string, unknown>
  const profile = merged(base, changes) as CardProfile
  if (applications === undefined || Array.isArray(applications)) return applications ? { ...profile, applications } : profile
  for (const key of Object.keys(applications as object))
    if (key !== '*' && !(key in profile.applications))
      throw new Fault('bad-config', `card.with.applications.${key}: ${card.profile} has ${profile.applications.length}`, {
        path: `card.with.applications.${key}`,
      })
  const changed = applications as Readonly<Record<string, unknown>>
  return {
    ...profile,
    applications: profile.applications.map((one, at) => merged(merged(one, changed['*']), changed[String(at)]) as typeof one),
  }
}

function scriptOf(person: PersonPlan | undefined, cardOf: (card: CardPlan) => VirtualCard): Omit<PersonOptions, 'card'> {
  if (person === undefined) return { pace: instant }
  if (person === 'nobody') return { pace: { ...instant, present: NEVER } }
  if (typeof person === 'string') return { pace: instant, present: person as 'dip' }
  const { present, pins, choose, pullAt, cancelAt, phone, wallet, pace } = person
  const turns = present === undefined ? undefined : [present].flat().map(turn => {
    if (typeof turn === 'string') return turn
    return { how: turn.how, ...(turn.card !== undefined && { card: cardOf(turn.card) }), ...(turn.leave !== undefined && { leave: turn.leave }) }
  }) // biome-ignore format: a list
  return {
    pace: { ...instant, ...(pace && given(pace)) },
    ...(turns && { present: turns }),
    ...(pins && { pins }),
    ...(choose !== undefined && { choose }),
    ...(pullAt !== undefined && { pullAt }),
    ...(cancelAt !== undefined && { cancelAt }),
    ...(phone !== undefined && { phone }),
    ...(wallet && { wallet: wallet.map(one => (phone ? new VirtualPhone(cardOf(one)) : cardOf(one))) }),
  }
}

function hostOf(host: ScenarioPlan['host']) {
  const fields = Array.isArray(host) ? { rules: host } : (host ?? {})
  const { rules = [], balance, gone = false, merchants } = fields as Exclude<typeof host, unknown[] | undefined>
  return { rules: rules as never[], balance, gone, merchants: merchants as never[] | undefined }
}

const configs = new Map<string, TerminalConfig>()

/** The currency's ready configuration with the scenario's changes. @throws Fault `bad-config` */
function terminalOf(terminal: ScenarioPlan['terminal'], unit: string, serial: string): TerminalConfig {
  const name = `${unit} ${serial}`
  const ready = configs.get(name) ?? virtualConfig(serial, site => mposFor(currency(unit).alpha, site))
  configs.set(name, ready)
  const { set, applications: changes, caKeys } = terminal ?? {}
  if (!set && !changes && !caKeys) return ready
  const applications = ready.applications.flatMap(one => {
    const aid = Buffer.from(one.aid).toString('hex').toUpperCase()
    const meant = Object.entries(changes ?? {}).filter(([prefix]) => prefix === '*' || aid.startsWith(prefix.toUpperCase()))
    if (meant.some(([, { accept }]) => accept === false)) return []
    return [Object.assign({}, one, ...meant.map(([, { accept: _, ...fields }]) => given(fields)))]
  })
  return parseTerminalConfig({ ...ready, ...(set && given(set)), applications, ...(caKeys === 'none' && { caKeys: [], revoked: [] }) })
}
