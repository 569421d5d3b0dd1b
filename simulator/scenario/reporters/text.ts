/** A failure as people read it: what was expected, what was, the explanation of the bit, and the last screens; and the run in one line. */

import { type Language, message } from '../../../src/messages/messages.ts'
import { countOf, type Expectation, type RunReport, type ScenarioResult } from '../result.ts'

const SCREENS = 6

export const placeOf = ({ file, line }: ScenarioResult): string => (file === undefined ? '' : `${file}:${line ?? 1}`)

/** All that did not hold, and what helps. */
export function failureLines(result: ScenarioResult, language: Language): string[] {
  const { name, reader, card, seed, screens, expectations, fault } = result
  const broken = expectations.filter(({ passed }) => !passed)
  return [
    [name, placeOf(result)].filter(Boolean).join('  '),
    `  ${message('test.at', language, { reader, card, seed })}`,
    ...(fault ? [`  ${fault.code}: ${fault.message}`] : []),
    ...broken.flatMap(one => expectationLines(one, language)),
    ...(screens.length > 0 ? [`  ${message('test.screens', language)}`] : []),
    ...screens.slice(-SCREENS).map(({ at, lines }) => `    ${(at / 1000).toFixed(3).padStart(9)} | ${lines.join(' | ')} |`),
  ]
}

function expectationLines({ path, expected, actual, explanation = [] }: Expectation, language: Language): string[] {
  return [
    `  ${path}`,
    `    ${message('test.expected', language)}: ${shown(expected)}`,
    `    ${message('test.actual', language)}: ${shown(actual)}`,
    ...explanation.map(line => `      ${line}`),
  ]
}

export function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** `312 passed, 1 failed, 4 skipped in 12.3 s`. */
export function summary(report: RunReport, language: Language): string {
  const counts = { passed: countOf(report, 'passed', 'flaky'), failed: countOf(report, 'failed'), skipped: countOf(report, 'skipped') }
  const flaky = countOf(report, 'flaky')
  const told = message('test.summary', language, { ...counts, seconds: (report.duration / 1000).toFixed(1) })
  return flaky > 0 ? `${told} ${message('test.flaky', language, { flaky })}` : told
}
