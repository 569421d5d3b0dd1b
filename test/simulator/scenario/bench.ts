/** Scenarios as text or as objects, run, for the tests of the runner. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Case, casesOf } from '../../../simulator/scenario/matrix.ts'
import { parseScenarios } from '../../../simulator/scenario/read.ts'
import type { ScenarioResult } from '../../../simulator/scenario/result.ts'
import { type RunOptions, runCases } from '../../../simulator/scenario/run.ts'
import type { ScenarioInput } from '../../../simulator/scenario/schema.ts'
import { Fault } from '../../../src/errors.ts'

/** The cases of a file with this text. */
export const casesOfText = (text: string): Case[] => parseScenarios(text, 'case.yaml').flatMap(casesOf)

/** The only case of a scenario, run. */
export async function only(scenario: Omit<ScenarioInput, 'name'>, options: RunOptions = {}): Promise<ScenarioResult> {
  const [result] = await runCases({ name: 'a case', ...scenario }, options)
  return result
}

/** What a text is refused with. */
export function refusal(text: string): Fault {
  try {
    casesOfText(text)
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  throw new Error('it was taken')
}

const folder = mkdtempSync(join(tmpdir(), 'tapdip-scenarios-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
/** A place for files that is gone afterwards. */
export const place = (name: string): string => join(folder, name)
