/** Reports for machines: JUnit XML, CTRF, TAP, annotations of GitHub, and the whole run as JSON. */

import { countOf, type RunReport, type ScenarioResult } from '../result.ts'
import type { reporterNames } from '../words.ts'
import { failureLines } from './text.ts'

const seconds = (ms: number) => (ms / 1000).toFixed(3)
const failed = ({ status }: ScenarioResult) => status === 'failed'

/** Characters that XML 1.0 has, the five of mark-up by their names. */
function xml(text: string): string {
  const allowed = text.replace(/[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '?')
  return allowed.replace(/[&<>"']/g, one => `&#${one.charCodeAt(0)};`)
}

/** JUnit as Jenkins, GitLab and GitHub read it: a suite for each file. */
export function junit(report: RunReport): string {
  const files = new Map<string, ScenarioResult[]>()
  for (const result of report.results) {
    const name = result.file ?? report.suite
    files.set(name, [...(files.get(name) ?? []), result])
  }
  const counts = (results: readonly ScenarioResult[]) => {
    const time = results.reduce((sum, { duration }) => sum + duration, 0)
    const skipped = countOf({ results }, 'skipped')
    return `tests="${results.length}" failures="${countOf({ results }, 'failed')}" errors="0" skipped="${skipped}" time="${seconds(time)}"`
  }
  const suites = [...files].flatMap(([name, results]) => [
    `  <testsuite name="${xml(name)}" ${counts(results)} timestamp="${report.started.slice(0, 19)}">`,
    ...results.flatMap(result => junitCase(name, result)),
    '  </testsuite>',
  ])
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${xml(report.suite)}" ${counts(report.results)}>`,
    ...suites,
    '</testsuites>',
    '',
  ].join('\n')
}

function junitCase(suite: string, result: ScenarioResult): string[] {
  const { name, file, line, duration, status, reason = '', reader, card, seed, tags, matrix } = result
  const at = file === undefined ? '' : ` file="${xml(file)}" line="${line ?? 1}"`
  const told = { reader, card, seed, ...(tags.length > 0 && { tags: tags.join(' ') }), ...matrix }
  const inner = [
    '      <properties>',
    ...Object.entries(told).map(([key, value]) => `        <property name="${xml(key)}" value="${xml(String(value))}"/>`),
    '      </properties>',
    ...(status === 'skipped' ? [`      <skipped message="${xml(reason)}"/>`] : []),
    ...(status === 'failed'
      ? [`      <failure message="${xml(reason)}" type="expectation">${xml(failureLines(result, 'en').join('\n'))}</failure>`]
      : []),
  ]
  return [`    <testcase name="${xml(name)}" classname="${xml(suite)}" time="${seconds(duration)}"${at}>`, ...inner, '    </testcase>']
}

/** Common Test Report Format (ctrf.io). */
export function ctrf(report: RunReport): string {
  const { results, versions } = report
  const start = Date.parse(report.started)
  const tests = results.map(result => {
    const { name, status, duration, reason, file, line, tags, attempts, reader, card, seed, matrix } = result
    return {
      name,
      status: status === 'flaky' ? 'passed' : status,
      duration: Math.round(duration),
      ...(reason !== undefined && { message: reason }),
      ...(failed(result) && { trace: failureLines(result, 'en').join('\n') }),
      ...(file !== undefined && { filePath: file, line: line ?? 1 }),
      suite: [file ?? report.suite],
      ...(tags.length > 0 && { tags }),
      ...(attempts > 1 && { retries: attempts - 1 }),
      ...(status === 'flaky' && { flaky: true }),
      parameters: { reader, card, seed, ...matrix },
    }
  })
  const summary = {
    ...{ tests: results.length, passed: countOf(report, 'passed', 'flaky'), failed: countOf(report, 'failed'), pending: 0 },
    ...{ skipped: countOf(report, 'skipped'), other: 0, flaky: countOf(report, 'flaky') },
    ...{ start, stop: start + Math.round(report.duration) },
  }
  const environment = { appName: 'tapdip', appVersion: versions.tapdip, osPlatform: versions.platform }
  return `${JSON.stringify({ reportFormat: 'CTRF', specVersion: '0.0.0', results: { tool: { name: 'tapdip-sim', version: versions.tapdip }, summary, tests, environment } }, null, 2)}\n` // biome-ignore format: one line
}

/** Test Anything Protocol, version 14. */
export function tap({ results }: RunReport): string {
  const lines = results.flatMap((result, at) => {
    const { name, status, reason = '', duration } = result
    const head = `${failed(result) ? 'not ok' : 'ok'} ${at + 1} - ${tapText(name)}${status === 'skipped' ? ` # SKIP ${tapText(reason)}` : ''}`
    const more = failed(result)
      ? [`  message: ${JSON.stringify(reason)}`, '  trace: |', ...failureLines(result, 'en').map(line => `    ${line}`)]
      : []
    return [head, '  ---', `  duration_ms: ${Math.round(duration)}`, ...more, '  ...']
  })
  return ['TAP version 14', `1..${results.length}`, ...lines, ''].join('\n')
}

/** `#` begins a directive, and a backslash says that it does not. */
function tapText(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').replace(/[\\#]/g, one => `\\${one}`)
}

/** Annotations of a workflow: one for each case that failed, at its place in the file. */
export function github({ results }: RunReport): string {
  const data = (text: string) => text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A')
  const property = (text: string) => data(text).replace(/:/g, '%3A').replace(/,/g, '%2C')
  return results
    .filter(failed)
    .map(result => {
      const { file, line, name } = result
      const at = file === undefined ? '' : `file=${property(file)},line=${line ?? 1},`
      return `::error ${at}title=${property(name)}::${data(failureLines(result, 'en').join('\n'))}\n`
    })
    .join('')
}

/** Everything, for `--merge` and for the page of HTML. */
export function json(report: RunReport): string {
  return `${JSON.stringify(report)}\n`
}

export const machineReporters = { junit, ctrf, tap, github, json } as const satisfies Record<
  Exclude<(typeof reporterNames)[number], 'line' | 'html'>,
  unknown
>
