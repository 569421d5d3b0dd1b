/** Runs a scenario of TypeScript: what it says is checked as a file would be, then each of its cases is run, and what did not hold is told. */

import type { z } from 'zod'
import { usageFault } from '../../../src/refusal.ts'
import type { Same } from '../../same.ts'
import { casesOf } from '../matrix.ts'
import { needLine } from '../over/line.ts'
import { problems } from '../problems.ts'
import type { CaseStatus, ScenarioResult } from '../result.ts'
import { runCase } from '../run.ts'
import { type expectation, type PayPlan, type patch, type ScenarioInput, scenarioSchema } from '../schema.ts'
import type { hostFields, personFields, terminal, virtualReader } from '../schema-world.ts'
import type { ScenarioHost, ScenarioPerson, ScenarioReader, ScenarioTerminal } from './counter.ts'
import type { Scenario, ScenarioPatch } from './definition.ts'
import type { ScenarioExpect } from './expect.ts'
import type { RunScenarioOptions, ScenarioFailure, ScenarioRun } from './outcome.ts'
import type { ScenarioPayment } from './steps.ts'

type Takes<Named, Schema> = Named extends Schema ? true : 'the schema does not take what the type names'

/** The types name what the schema takes, every field of it: a difference does not compile. */
export const definitionIsWhole: readonly [
  Takes<Scenario, ScenarioInput>,
  Same<keyof Scenario, keyof ScenarioInput>,
  Same<keyof ScenarioPatch, keyof z.input<typeof patch>>,
  Same<keyof ScenarioExpect, keyof z.input<typeof expectation>>,
  Same<keyof ScenarioPayment, keyof PayPlan>,
  Same<keyof ScenarioReader, keyof z.input<typeof virtualReader>>,
  Same<keyof ScenarioPerson, keyof z.input<typeof personFields>>,
  Same<keyof ScenarioHost, keyof z.input<typeof hostFields>>,
  Same<keyof ScenarioTerminal, keyof z.input<typeof terminal>>,
] = [true, true, true, true, true, true, true, true, true]

/** @throws Fault `bad-config` with details.path, for a field that is none or takes something else */
export async function runTyped(scenario: Scenario, options: RunScenarioOptions): Promise<ScenarioRun> {
  const [problem] = problems(scenarioSchema, scenario)
  if (problem) {
    const { path, value, rule, allowed = [], meant } = problem
    const at = path.join('.') || '(scenario)'
    const said = `'${value}', it takes ${allowed.slice(0, 40).join(', ') || rule}${meant === undefined ? '' : `; did you mean '${meant}'?`}`
    throw usageFault('usage.scenario.text', { field: String(scenario.name), path: at, allowed: `${at}: ${said}` }, 'bad-config')
  }
  if (options.over !== undefined) await needLine(options.over)
  const cases: ScenarioResult[] = []
  for (const one of casesOf({ scenario })) cases.push(await runCase(one, options))
  const first = cases.find(({ status }) => status === 'failed') ?? cases[0]
  return {
    ...{ status: statusOf(cases), failures: cases.flatMap(failuresOf), cases },
    ...(first.trace && { trace: first.trace }),
  }
}

function statusOf(cases: readonly ScenarioResult[]): Exclude<CaseStatus, 'flaky'> {
  const is = (wanted: CaseStatus) => cases.some(({ status }) => status === wanted)
  return is('failed') ? 'failed' : is('passed') ? 'passed' : 'skipped'
}

function failuresOf({ name, fault, expectations }: ScenarioResult): ScenarioFailure[] {
  const broken = expectations.filter(({ passed }) => !passed)
  return [
    ...(fault ? [{ case: name, path: '(case)', expected: 'no fault', actual: fault.code, explanation: [fault.message] }] : []),
    ...broken.map(({ passed: _, ...one }) => ({ case: name, ...one })),
  ]
}
