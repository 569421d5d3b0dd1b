/** Runs one case of a scenario at a counter of its own, and tells all that came of it. Everything is closed when it settles, whatever happened. */

import { hex } from '../../src/bytes.ts'
import { sleep, systemClock, VirtualClock, within } from '../../src/clock.ts'
import { EXIT, exitOf } from '../../src/command/line.ts'
import { asFault, Fault } from '../../src/errors.ts'
import type { PaymentEvent } from '../../src/payment/pay/events.ts'
import { paymentJson } from '../../src/payment/pay/result.ts'
import { explanationsOf } from '../../src/reader/kernel-trace.ts'
import type { Reader } from '../../src/reader/reader.ts'
import type { Json, Tracer } from '../../src/trace/event.ts'
import { screensOf, toldScreens } from '../../src/trace/views.ts'
import { traceEvents } from '../../src/trace/writer.ts'
import type { HostEvent } from '../acquirer/events.ts'
import { type App, openApp, type Told } from './app.ts'
import { canaries, compare, type Seen } from './expect.ts'
import { type Case, casesOf, seedOf } from './matrix.ts'
import { BEGINNING } from './over/apart.ts'
import { openFar } from './over/far.ts'
import { isRaw, type Line, notOver } from './over/line.ts'
import { configurationOf, merchant } from './parts.ts'
import type { Expectation, ScenarioResult, SeenFault, StepResult } from './result.ts'
import { type Hands, openHands } from './rig/hands.ts'
import { instruction, needsTwin, whoComes } from './rig/lead.ts'
import type { ExpectPlan, ScenarioInput, StepPlan } from './schema.ts'
import { type AppDeed, type Look, openWorld, type World } from './world.ts'

/** How cases are run. */
export interface RunOptions {
  /** Of the run: each case's own is made of it and its name; 1 when left out. */
  readonly seed?: number
  /** Milliseconds by the system's clock that a case may take; 60 s when left out. */
  readonly limit?: number
  /** Ends it: cases that were not begun are skipped. */
  readonly signal?: AbortSignal
  /** The counter is another process, and its reader is opened over this line: time is the system's then. `slot`: in memory, with the kernel in the app. */
  readonly over?: Line
  /** Hears what happens as it does, beside the trace that is kept. */
  readonly tracer?: Tracer
  /** Pays with a reader that is there, instead of the scenario's own: time is the system's, and its person is whoever is led. */
  readonly rig?: Rig
}

/** A reader that is there, and who stands at it. */
export interface Rig {
  readonly uri: string
  open(tracer: Tracer): Promise<Reader>
  /** Tells what is to be done in the payment that comes, and waits until somebody is ready. */
  lead(what: string, signal: AbortSignal): Promise<void>
  /** Where a robot is called for each deed, which nobody is led to then; the scenario's own when left out. */
  readonly hands?: { readonly url: string; readonly timeout?: number }
}

/** Between two steps: the result is read, the card is out. */
const BETWEEN = 5000
/** Milliseconds of the counter's clock. */
const LONGEST = 3_600_000

/** Every case of a scenario that is written in TypeScript, one after the other. */
export async function runCases(scenario: ScenarioInput, options: RunOptions = {}): Promise<ScenarioResult[]> {
  const results: ScenarioResult[] = []
  for (const one of casesOf({ scenario })) results.push(await runCase(one, options))
  return results
}

/** What a step came to, as it is looked at. */
interface Outcome {
  readonly step: number
  readonly name: string
  readonly told?: Told
  readonly fault?: Fault
}

/** One case. It never throws: what breaks it is in the result. */
export async function runCase(one: Case, options: RunOptions = {}): Promise<ScenarioResult> {
  const { plan } = one
  const seed = plan.seed ?? seedOf(options.seed ?? 1, one.name)
  const began = performance.now()
  const common = { ...place(one), reader: options.rig?.uri ?? readerName(one), card: cardName(one), attempts: 1, seed }
  const nothing = { duration: 0, virtualDuration: 0, expectations: [], screens: [], steps: [] }
  const rig: Rig | undefined = options.rig && { ...(plan.hands !== undefined && { hands: { url: plan.hands } }), ...options.rig }
  const why =
    plan.skip ??
    (options.signal?.aborted
      ? 'the run was ended'
      : ((options.rig && needsTwin(plan, rig?.hands !== undefined)) ?? (options.over && notOver(options.over, plan))))
  if (why !== undefined) return { ...common, ...nothing, status: 'skipped', reason: why }
  try {
    const { signal, limit = 60_000 } = options
    const ended = await within({ timeout: limit, clock: systemClock, what: `the scenario '${one.name}'`, ...(signal && { signal }) }, own =>
      play(one, seed, { ...options, ...(rig && { rig }), signal: own }),
    )
    const failed = ended.expectations.find(({ passed }) => !passed)
    const reason = failed && `${failed.path}: expected ${JSON.stringify(failed.expected)}, was ${JSON.stringify(failed.actual)}`
    return {
      ...common,
      ...ended,
      status: failed ? 'failed' : 'passed',
      ...(reason !== undefined && { reason }),
      duration: performance.now() - began,
    }
  } catch (error) {
    const fault = asFault(error)
    const reason = `${fault.code}: ${fault.message}`
    return { ...common, ...nothing, status: 'failed', reason, fault: seenFault(fault), duration: performance.now() - began }
  }
}

type Ended = Omit<ScenarioResult, 'name' | 'tags' | 'matrix' | 'reader' | 'card' | 'status' | 'duration' | 'attempts' | 'seed'>

/** What is heard while a case runs, from the beginning; a step looks at what came after it began. */
interface Heard {
  readonly host: HostEvent[]
  readonly stages: string[]
}

async function play(one: Case, seed: number, options: RunOptions): Promise<Ended> {
  const { plan } = one
  const heard: Heard = { host: [], stages: [] }
  const { rig, over } = options
  const far = over !== undefined && over !== 'slot'
  const virtual = rig || far ? undefined : new VirtualClock(BEGINNING)
  const [family, dialect] = readerName(one).split(' ')
  const header = {
    ...{ reader: { family, ...(dialect && { dialect }) }, card: cardName(one), seed },
    ...(!rig && { configuration: configurationOf(plan) }),
  }
  const onClock = () => (virtual ?? systemClock).elapsed()
  const opened = onClock()
  const trace = traceEvents({ clock: virtual ?? systemClock, header })
  options.tracer?.about?.(header)
  const tracer = options.tracer ? both(trace, options.tracer) : trace
  let app: App | undefined
  let stop = new AbortController()
  let died: () => void = () => {}
  let hands: Hands | undefined
  const hooks = {
    ...{ seed, tracer },
    onHost: (event: HostEvent) => heard.host.push(event),
    onDeed(deed: AppDeed) {
      if (deed === 'abort') return stop.abort(new Fault('aborted', 'the merchant ended it'))
      if (deed === 'diskFull') return app?.fillDisk()
      if (deed === 'kill') void app?.kill().then(() => died())
    },
  }
  const world = await (far ? openFar(plan, { ...hooks, line: over }) : openWorld(plan, { ...hooks, virtual, raw: isRaw(over) }))
  const { clock } = world
  const start = clock.elapsed()
  const lead = onClock() - opened
  const onEvent = (event: PaymentEvent) => {
    if (event.type === 'reader' && event.event.type === 'display') {
      const { message: id } = event.event
      if (rig) hands?.show(id)
      else world.desk?.show(id)
    }
    if (event.type !== 'stage') return
    heard.stages.push(event.stage)
    world.happen({ kind: 'stage', stage: event.stage })
  }
  const onJournal = (stage: string) => world.happen({ kind: 'journal', stage })
  app = openApp({ plan, world, tracer, onEvent, onJournal, ...(rig && { connect: () => rig.open(tracer) }) })
  const outcomes: Outcome[] = []
  const expectations: Expectation[] = []
  let seen: Look = await world.look()
  const screens = () => (rig ? toldScreens : screensOf)(trace.events)
  const text = () => JSON.stringify([trace.events, outcomes.map(stepResult), screens()])
  const seenSince = async (outcome: Outcome | undefined, payment: Outcome | undefined, from: Marks): Promise<Seen> => {
    const number = outcome?.told?.order ?? app!.lastOrder
    seen = await world.look(number)
    return seenIn(outcome, payment, from, number)
  }
  const seenIn = (outcome: Outcome | undefined, payment: Outcome | undefined, from: Marks, number: string | undefined): Seen => ({
    ...(outcome?.told && { result: outcome.told.result }),
    ...(outcome?.fault && { fault: outcome.fault }),
    exit: outcome ? exitCode(outcome) : EXIT.ok,
    ...(payment?.told?.payment && !(outcome?.fault && payment !== outcome) && { payment: payment.told.payment }),
    ...(payment?.told?.receipt !== undefined && { receipt: payment.told.receipt as Record<string, unknown> }),
    screens: screens().slice(from.screens),
    stages: heard.stages.slice(from.stages),
    host: heard.host.slice(from.host),
    explained: explanationsOf(trace.events.slice(from.events)),
    ...orderSeen(seen, app!, number),
    ...{ firmware: seen.firmware, elapsed: clock.elapsed() - from.at, currency: plan.currency ?? 'RUB', text },
  })
  const marks = (): Marks => ({
    screens: screens().length,
    stages: heard.stages.length,
    host: heard.host.length,
    events: trace.events.length,
    at: clock.elapsed(),
  })
  const whole = { screens: 0, stages: 0, host: 0, events: 0, at: start }
  try {
    const steps: readonly StepPlan[] = plan.steps ?? [{ pay: {} }]
    // Whoever ends the run, or its time, ends the payment at the reader too: nothing waits on for a card.
    options.signal?.addEventListener('abort', () => stop.abort(new Fault('aborted', 'the run was ended')), { once: true })
    for (const [at, step] of steps.entries()) {
      options.signal?.throwIfAborted()
      stop = new AbortController()
      seen = await world.look()
      const from = marks()
      const killed = new Promise<Told>(resolve => {
        died = () => resolve({ result: 'killed' })
      })
      await app.ready()
      queueFor(world, plan, step, outcomes)
      const asksCard = 'pay' in step || 'refundByCard' in step
      if (rig?.hands && asksCard) hands = handsAt(rig.hands, one, at, outcomes, options.signal, fault => stop.abort(fault))
      else if (rig && asksCard) await rig.lead(instruction(one, step, outcomes), stop.signal)
      world.happen({ kind: 'step', step: at })
      const [name] = Object.keys(step)
      const work = within({ timeout: plan.timeout ?? LONGEST, clock, what: `step ${at}, ${name}` }, () =>
        Promise.race([take(step, world, app!, stop.signal), killed]),
      )
      const outcome: Outcome = await world.settle(
        work
          .finally(() => hands?.leave())
          .then(
            told => ({ step: at, name, ...(told && { told }) }),
            error => ({ step: at, name, fault: asFault(error) }),
          ),
      )
      hands = undefined
      outcomes.push(outcome)
      const expected = expectOf(step)
      if (expected) expectations.push(...compare(expected, await seenSince(outcome, outcome, from), `steps.${at}.expect`))
      const last = isLast(steps, at)
      if (outcome.fault && !saysFault(expected) && !(last && saysFault(plan.expect)))
        expectations.push({
          path: `steps.${at}`,
          expected: 'no fault',
          actual: outcome.fault.code,
          passed: false,
          explanation: [outcome.fault.message],
        })
      if (isWork(step)) await world.rest(virtual ? BETWEEN : 1500)
    }
    const last = outcomes.findLast(({ step }) => isLast(steps, step))
    const payment = outcomes.findLast(({ told }) => told?.payment !== undefined || told?.receipt !== undefined)
    const all = await seenSince(last, payment, whole)
    if (plan.expect) expectations.push(...compare(plan.expect, all))
    const [pan, ...pans] = seen.pans
    expectations.push(...canaries(Object.fromEntries([pan, ...pans].map((one, at) => [`pan.${at}`, one])), text()))
    const results = outcomes.map(stepResult)
    return {
      virtualDuration: clock.elapsed() - start,
      expectations,
      trace: { header: { ...trace.header, clock: virtual ? 'virtual' : 'system' }, events: [...trace.events] },
      screens: screens().map(({ at, message, lines }) => ({
        at: Math.max(at - lead, 0),
        lines,
        ...(message && { message }),
      })),
      steps: results,
      ...(payment?.told?.receipt !== undefined && { receipt: plain(payment.told.receipt) }),
      ...(payment?.told?.payment && { result: plain(paymentJson(payment.told.payment)) }),
    }
  } finally {
    await world.settle(app.close())
    await world.close()
    app.end()
    trace.close()
  }
}

/** A robot at the reader for one payment: what it cannot do ends it. */
function handsAt(
  robot: NonNullable<Rig['hands']>,
  { name, plan }: Case,
  step: number,
  before: readonly Outcome[],
  signal: AbortSignal | undefined,
  onFault: (fault: Fault) => void,
): Hands {
  const who = whoComes(plan, (plan.steps ?? [{ pay: {} }])[step], before)
  return openHands({ ...robot, who, case: name, step, ...(signal && { signal }), onFault })
}

function both(one: Tracer, other: Tracer): Tracer {
  return {
    tell(from, content) {
      one.tell(from, content)
      other.tell(from, content)
    },
    span(...asked) {
      const [end, endOther] = [one.span(...asked), other.span(...asked)]
      return fault => {
        end(fault)
        endOther(fault)
      }
    },
  }
}

interface Marks {
  readonly screens: number
  readonly stages: number
  readonly host: number
  readonly events: number
  readonly at: number
}

/** The next of the queue comes to each payment; or whoever the step names. */
function queueFor(world: World, { people }: Case['plan'], step: StepPlan, before: readonly Outcome[]): void {
  const named = 'pay' in step ? step.pay : 'refundByCard' in step ? step.refundByCard : undefined
  if (!named) return
  const paid = before.filter(({ name }) => name === 'pay' || name === 'refundByCard').length
  if (named.card !== undefined || named.person !== undefined) world.next(named)
  else if (people && paid > 0) world.next(people[Math.min(paid, people.length - 1)])
}

/** Does what the step says. Undefined where it comes to nothing that could be expected. */
async function take(step: StepPlan, world: World, app: App, signal: AbortSignal): Promise<Told | undefined> {
  if ('pay' in step) return app.pay(step.pay, signal)
  if ('confirm' in step) return app.change('confirm', step.confirm, signal)
  if ('cancel' in step) return app.change('cancel', step.cancel, signal)
  if ('refund' in step) return app.change('refund', step.refund, signal)
  if ('increment' in step) return app.change('increment', step.increment, signal)
  if ('refundByCard' in step) return app.refundByCard(step.refundByCard, signal)
  if ('sync' in step) return app.sync()
  if ('update' in step) return app.update(step.update, signal)
  if ('wait' in step) await sleep(step.wait, world.clock)
  else if ('knob' in step) world.act({ knob: step.knob })
  else if ('do' in step) for (const deed of [step.do].flat()) world.act(deed)
  else if ('settle' in step) world.endDay()
  else if ('payQr' in step) world.payQr(app.code ?? '')
  else if (step.app === 'kill') await app.kill()
  else if (step.app === 'restart') await app.close()
  return undefined
}

function expectOf(step: StepPlan): ExpectPlan | undefined {
  const [what] = Object.values(step) as readonly { readonly expect?: ExpectPlan }[]
  return typeof what === 'object' && !Array.isArray(what) ? what.expect : undefined
}

const isWork = (step: StepPlan) =>
  !('wait' in step || 'knob' in step || 'do' in step || 'app' in step || 'settle' in step || 'payQr' in step)
/** The step that the scenario's own `expect` is about: the last that does something for somebody. */
const isLast = (steps: readonly StepPlan[], at: number) => at === steps.findLastIndex(step => isWork(step) && !('sync' in step))
const saysFault = (expected: ExpectPlan | undefined) =>
  expected?.fault !== undefined || expected?.exit !== undefined || expected?.result !== undefined

function orderSeen({ order }: Look, app: App, number: string | undefined): Pick<Seen, 'hostOrder' | 'journalOrder'> {
  const kept = number === undefined ? undefined : app.journal?.order(merchant, number)
  return { ...(order && { hostOrder: order }), ...(kept && { journalOrder: kept }) }
}

function exitCode({ told, fault }: Outcome): number | undefined {
  if (fault) return exitOf(fault)
  const result = told?.result ?? 'ok'
  if (result === 'killed') return undefined
  if (result === 'in-process') return EXIT.unknown
  return result in EXIT ? EXIT[result as keyof typeof EXIT] : EXIT.ok
}

function stepResult(outcome: Outcome): StepResult {
  const { name, told, fault } = outcome
  const exit = exitCode(outcome)
  const content = told?.payment ? paymentJson(told.payment) : (told?.content ?? (told && { result: told.result }))
  return {
    step: name,
    ...(content !== undefined && { result: plain(content) }),
    ...(told?.receipt !== undefined && { receipt: plain(told.receipt) }),
    ...(fault && { fault: seenFault(fault) }),
    ...(exit !== undefined && { exit }),
  }
}

function seenFault({ code, message, details }: Fault): SeenFault {
  return { code, message, details: plain(details) }
}

/** As JSON holds it: amounts as digits, bytes as hex, times as ISO 8601. */
function plain(value: unknown): Json {
  return JSON.parse(
    JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one instanceof Uint8Array ? hex(one) : one)) ?? 'null',
  )
}

function place({ name, plan, file, line, matrix }: Case): Pick<ScenarioResult, 'name' | 'file' | 'line' | 'tags' | 'matrix'> {
  return { name, ...(file !== undefined && { file }), ...(line !== undefined && { line }), tags: plan.tags ?? [], matrix }
}

function readerName({ plan }: Case): string {
  const { reader = 'qpos' } = plan
  if (typeof reader === 'string') return reader
  if ('family' in reader) return [reader.family, reader.dialect].filter(Boolean).join(' ')
  return 'uri' in reader ? reader.uri : reader.labels.join(', ')
}

function cardName({ plan }: Case): string {
  const card = plan.people?.[0].card ?? plan.card ?? 'mir-maestro'
  if (typeof card === 'string') return card
  return 'own' in card ? String(card.own.name ?? 'own') : card.profile
}
