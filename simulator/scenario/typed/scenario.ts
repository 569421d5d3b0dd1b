/** Scenarios in TypeScript, for a test runner such as vitest: written with completion, run on virtual time in this process. */

import * as door from '../../../src/door.ts'
import { overs } from '../words.ts'
import type { Scenario } from './definition.ts'
import type { RunScenarioOptions, ScenarioRun } from './outcome.ts'

const definitionRule = door.shape({ name: door.text(1, 200) })
const optionsRule = door.shape({
  ...{ over: door.maybe(door.oneOf(overs)), seed: door.maybe(door.whole(0, 0xffffffff)), limit: door.maybe(door.milliseconds) },
  ...{ signal: door.maybe(door.signal), tracer: door.maybe(door.tracer) },
})

/**
 * A scenario that an editor completes, as it is. Its fields are checked when it is run.
 *
 * @example
 * ```ts
 * import { runScenario, scenario } from 'tapdip/simulator'
 *
 * const limit = scenario({
 *   name: 'A tap below the limit asks no question, one from there asks for the PIN',
 *   matrix: {
 *     reader: ['qpos', 'miura'],
 *     amount: { below: { amount: 2999.99, expect: { cvm: 'none' } }, 'from there': { amount: 3000, expect: { cvm: 'onlinePin' } } },
 *   },
 *   card: 'mir',
 *   person: 'tap',
 *   expect: { result: 'approved', interface: 'tap' },
 * })
 * console.log((await runScenario(limit)).cases.length) // 4
 * ```
 * @throws Fault `bad-argument` for what is no object with a name
 */
export function scenario(definition: Scenario): Scenario {
  door.need('definition', definition, definitionRule)
  return definition
}

/**
 * Runs every case of a scenario, one after the other, each at a counter of its own: reader, card, person, host. Nobody waits for a slow host, since the
 * counter has a clock of its own. A case that fails is no Fault: it is in the result. What a file would be refused for is refused before anything runs.
 *
 * @example
 * ```ts
 * import { runScenario } from 'tapdip/simulator'
 *
 * const { failures, trace } = await runScenario({
 *   name: 'An expired card is declined by its bank',
 *   card: 'expired',
 *   expect: { result: 'declined', bits: ['TVR.expired'], screens: ['reader.declined'] },
 * })
 * console.log(failures.length, trace?.events.some(({ kind }) => kind === 'apdu')) // 0 true
 * ```
 * @throws Fault `bad-argument` for options; `bad-config`, with details.path, for a scenario that says what is none
 */
export async function runScenario(definition: Scenario, options: RunScenarioOptions = {}): Promise<ScenarioRun> {
  door.need('definition', definition, definitionRule)
  door.need('options', options, optionsRule)
  const { runTyped } = await import('./run.ts')
  return runTyped(definition, options)
}
