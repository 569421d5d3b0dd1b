/** The counter of a scenario for somebody else's app: reader, person and host do their part of it at addresses of their own, until they are closed; what is the app's is told in the scenario's words. */

import { sleep, systemClock } from '../../../src/clock.ts'
import { Fault } from '../../../src/errors.ts'
import type { HostEvent } from '../../acquirer/events.ts'
import { pace } from '../../readers/body/cardholder.ts'
import type { Screen } from '../../readers/body/senses.ts'
import type { Case } from '../matrix.ts'
import type { Deed, FaultPlan, ScenarioPlan, StepPlan } from '../schema.ts'
import { type NearWorld, openWorld } from '../world.ts'

/** What only an app can do. */
const appDeeds: readonly Deed[] = ['abort', 'kill', 'diskFull']
/** Steps that are the app's; `app` is its restart. */
const appSteps = ['pay', 'confirm', 'cancel', 'refund', 'increment', 'refundByCard', 'sync', 'update', 'app']
/** Milliseconds that the reader is idle before it counts as a new beginning: a payment that asks for the card again is sooner. */
const REST = 3000

/** A scenario taken apart: who does what. */
export interface Parts {
  /** What the app is to do, a line each: `pay 2500.00 RUB`, `abort, at card`. */
  readonly app: readonly string[]
  /** A payment that `tapdip pay` makes as it stands: its words behind the address of the reader. */
  readonly pay?: readonly string[]
  /** Steps of the counter before the app begins. */
  readonly before: readonly StepPlan[]
  /** What goes wrong at the counter. */
  readonly faults: readonly FaultPlan[]
}

/** @throws Fault `unsupported` where the counter would have to know what the app does */
export function partsOf({ steps = [{ pay: {} }], faults = [], app = {}, host, ...plan }: ScenarioPlan): Parts {
  const begin = steps.findIndex(step => isApp(step))
  const before = steps.slice(0, begin < 0 ? steps.length : begin).filter(step => !isOfApp(step))
  const work = steps.slice(Math.max(0, begin))
  const late = work.find(step => !isApp(step) && !isOfApp(step))
  if (late) throw cannot(`after the app has begun it has the step ${Object.keys(late)[0]}`)
  const [own, theirs] = [faults.filter(one => !isAppFault(one)), faults.filter(isAppFault)]
  const blind = own.find(one => 'seeded' in one || seesApp(one) || [one.do].flat().some(deed => typeof deed === 'object' && 'host' in deed))
  if (blind)
    throw cannot(`it goes wrong at a moment that a counter does not see, or for a host that cannot be reached for a while: ${words(blind)}`)
  const { currency = 'RUB', amount = '2500.00' } = plan
  const of = (step: StepPlan) => stepWords(step, amount, currency)
  const told = [
    ...steps.filter(isOfApp).map(step => words(step.do)),
    ...work.filter(isApp).map(of),
    ...Object.entries(app).map(([name, value]) => `${name}: ${words(value)}`),
    ...theirs.map(one => ('seeded' in one ? words(one) : `${words(one.do)}, at ${words(one.at)}`)),
  ]
  const [first, ...others] = work
  const plain = others.length === 0 && told.length === 1 && 'pay' in first && payWords(first.pay, amount, currency)
  return { app: told, before, faults: own, ...(plain && { pay: plain }) }
}

const isApp = (step: StepPlan): boolean => appSteps.includes(Object.keys(step)[0])
const isOfApp = (step: StepPlan): step is Extract<StepPlan, { readonly do: unknown }> =>
  'do' in step && [step.do].flat().every(deed => appDeeds.includes(deed))
const isAppFault = (fault: FaultPlan): boolean => !('seeded' in fault) && [fault.do].flat().every(deed => appDeeds.includes(deed))
/** Its moment is one of the app's own. */
const seesApp = (fault: FaultPlan): boolean =>
  !('seeded' in fault) && typeof fault.at === 'object' && ('stage' in fault.at || 'journal' in fault.at || 'update' in fault.at)

function cannot(why: string): Fault {
  return new Fault('unsupported', `this scenario is not for another app: ${why}`, { feature: 'serve' })
}

function stepWords(step: StepPlan, amount: string, currency: string): string {
  const [[name, what]] = Object.entries(step) as [[string, string | Readonly<Record<string, unknown>>]]
  if (typeof what === 'string') return `${name} ${what}`
  const { expect: _, amount: own, to, ...more } = what
  const first = name === 'pay' || own !== undefined ? [`${own ?? amount} ${currency}`] : to !== undefined ? [`to ${to}`] : []
  return [[name, ...first].join(' '), ...Object.entries(more).map(([field, value]) => `${field}: ${words(value)}`)].join(', ')
}

/** As YAML has it on one line. */
function words(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(words).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  return `{ ${Object.entries(value)
    .map(([name, one]) => `${name}: ${words(one)}`)
    .join(', ')} }`
}

/** What `tapdip pay` is told; undefined where it has no word for a field. */
function payWords(
  { expect: _, amount: own, application, ...more }: Extract<StepPlan, { pay: unknown }>['pay'],
  amount: string,
  currency: string,
) {
  if (Object.keys(more).length > 0) return undefined
  return [own ?? amount, '--currency', currency, ...(application === undefined ? [] : ['--app', application])]
}

/** Where a counter is for other programs. */
export interface Served {
  /** As `tapdip-sim serve --listen`. */
  readonly listen: string
  /** Of the acquirer, on loopback; 0 takes a free one. */
  readonly port: number
}

/** A counter that others can reach. */
export interface ServedCounter {
  /** Of the reader: what `open` and `tapdip pay --reader` take. */
  readonly uri: string
  /** Of the acquirer. */
  readonly acquirer: string
  close(): Promise<void>
}

/** Hears what happens at the counter. */
export interface ServedEvents {
  readonly onScreen: (screen: Screen) => void
  readonly onHost: (event: HostEvent) => void
  /** All is as it was at the beginning: the next payment ends the same way. */
  readonly onAgain: () => void
}

/** Puts the counter of a case up. @throws Fault `unsupported`, `busy` where a port is taken */
export async function serveCase({ plan }: Case, where: Served, { onScreen, onHost, onAgain }: ServedEvents): Promise<ServedCounter> {
  const { before, faults } = partsOf(plan)
  const world: NearWorld = await openWorld(
    { ...plan, faults: [...faults] },
    {
      ...{ seed: plan.seed ?? 1, virtual: undefined, pace, ...where, tracer: { tell() {}, span: () => () => {} } },
      onHost(event) {
        onHost(event)
        if (event.type !== 'authorisation') return
        world.happen({ kind: 'asked' })
        world.happen({ kind: 'answered' })
      },
      onDeed(deed) {
        if (deed !== 'cut') return // the others are the app's
        // The line is the app's; what the reader can do to it is to go off and on.
        world.counter.reader.body.switchOff()
        world.counter.reader.body.switchOn()
      },
    },
  )
  const { clock, counter } = world
  let rest = () => {}
  let used = false
  const deaf = counter.reader.body.on(event => {
    if (event.type !== 'display') return
    onScreen(event.screen)
    rest()
    if (event.screen.message !== 'reader.idle') used = true
    else if (used)
      rest = clock.timer(REST, () => {
        used = false
        world.again()
        onAgain()
      })
  })
  try {
    for (const step of before) await prepare(step, world)
    if (!Array.isArray(plan.host) && plan.host?.gone) await counter.acquirer.close()
  } catch (error) {
    rest()
    deaf()
    await world.close()
    throw error
  }
  return {
    ...{ uri: counter.uri, acquirer: counter.acquirer.url },
    async close() {
      rest()
      deaf()
      await world.close()
    },
  }
}

async function prepare(step: StepPlan, world: NearWorld): Promise<void> {
  if ('knob' in step) world.act({ knob: step.knob })
  else if ('do' in step) for (const deed of [step.do].flat()) world.act(deed)
  else if ('settle' in step) world.counter.acquirer.settle()
  else if ('wait' in step) await sleep(step.wait, systemClock)
}
