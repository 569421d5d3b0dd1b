/** What a report is made of: files of runs, which are put together, and traces, each of which is a case. */

import { readFileSync } from 'node:fs'
import * as door from '../../../src/door.ts'
import { type Fault, isFault } from '../../../src/errors.ts'
import { fileFault } from '../../../src/file-fault.ts'
import { usageFault } from '../../../src/refusal.ts'
import type { Json } from '../../../src/trace/event.ts'
import { PACKAGE_VERSION } from '../../../src/trace/package.ts'
import { parseTraceLog, type TraceLog } from '../../../src/trace/read.ts'
import type { RunReport, ScenarioResult } from '../result.ts'
import { mergeReports } from '../suite.ts'

const { anyText, listOf, maybe, object, oneOf, shape } = door

const resultRule = shape({
  ...{ name: anyText, reader: anyText, card: anyText, tags: listOf(anyText), matrix: object, reason: maybe(anyText) },
  status: oneOf(['passed', 'failed', 'skipped', 'flaky']),
  expectations: listOf(shape({ path: anyText, passed: door.flag, explanation: maybe(listOf(anyText)) })),
  screens: listOf(shape({ lines: listOf(anyText) })),
  steps: listOf(object),
  trace: maybe(shape({ header: object, events: listOf(shape({ at: door.milliseconds, kind: anyText })) })),
})
const runRule = shape({
  ...{ tapdip: oneOf(['run']), format: oneOf([1]), suite: anyText, started: anyText, duration: door.milliseconds, versions: object },
  results: listOf(resultRule),
})

/** What was read of one file: a run, or a trace. */
type Input = { readonly run: RunReport } | { readonly trace: ScenarioResult; readonly start: string }

/** Files of runs and traces as one run. `traces`: there are only traces, which nothing was expected of. @throws Fault `bad-argument` naming the file, its line or member, and the rule */
export function readInputs(field: string, files: readonly string[]): { readonly run: RunReport; readonly traces: boolean } {
  const inputs = files.map(file => read(field, file))
  const runs = inputs.flatMap(one => ('run' in one ? [one.run] : []))
  const traces = inputs.flatMap(one => ('trace' in one ? [one] : []))
  const told = traces.map(({ trace, start }) => ofTraces(files.join(', '), [trace], start))
  return { run: merged(field, [...runs, ...told]), traces: runs.length === 0 }
}

function merged(field: string, [first, ...others]: readonly RunReport[]): RunReport {
  try {
    return others.length === 0 ? first : mergeReports([first, ...others])
  } catch (error) {
    if (!isFault(error, 'bad-argument')) throw error
    const { value, allowed } = error.details
    throw usageFault('usage.oneOf', { field, value: String(value), allowed: String(allowed) }) // of `report`, which has no --merge
  }
}

/** One run, as `--against` takes it. @throws Fault `bad-argument` */
export function readRun(field: string, file: string): RunReport {
  return readInputs(field, [file]).run
}

function read(field: string, file: string): Input {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw fileFault(field, file, cause, 'read')
  }
  const whole = jsonOf(text)
  if (whole !== undefined && (whole as { tapdip?: unknown }).tapdip === 'run') {
    const broken = runRule.broken(whole, '')
    if (broken) throw usageFault('usage.part', { field, value: file, path: broken.path, allowed: broken.takes })
    return { run: whole as RunReport }
  }
  try {
    const log = parseTraceLog(text)
    return { trace: caseOf(file, log), start: log.header.start }
  } catch (error) {
    throw isFault(error) ? refused(field, file, error) : error
  }
}

function refused(field: string, file: string, fault: Fault): Fault {
  const { line, field: path, rule } = fault.details
  const refusal =
    typeof rule === 'string'
      ? usageFault('usage.part', { field, value: file, path: `${line}: ${path}`, allowed: rule })
      : usageFault('usage.noTrace', { field, value: file, at: String(line ?? 1) })
  return Object.assign(refusal, { cause: fault })
}

function jsonOf(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined // lines
  }
}

/** A trace as a case that nothing was expected of. */
function caseOf(file: string, { header, events }: TraceLog): ScenarioResult {
  const last = events.findLast(({ kind }) => kind === 'result')
  const content = last?.kind === 'result' ? (last.content as Readonly<Record<string, Json>>) : undefined
  const { family, dialect } = header.reader ?? {}
  return {
    ...{ name: file, file, tags: [], matrix: {}, reader: [family ?? header.uri, dialect].filter(Boolean).join(' '), card: header.card ?? '' },
    ...{ status: 'passed', duration: 0, virtualDuration: events.at(-1)?.at ?? 0, attempts: 1, seed: header.seed ?? 0, expectations: [] },
    trace: { header, events },
    screens: events.flatMap(one => (one.kind === 'screen' ? [{ at: one.at, lines: one.lines, ...(one.message && { message: one.message }) }] : [])),
    steps: [],
    ...(content && { result: content, ...(content.receipt !== undefined && { receipt: content.receipt }) }),
  } // biome-ignore format: short
}

function ofTraces(suite: string, results: readonly ScenarioResult[], started: string): RunReport {
  const versions = { tapdip: PACKAGE_VERSION, node: process.version, platform: process.platform }
  return { ...{ tapdip: 'run', format: 1, suite, seed: 0, started, duration: 0, versions }, results }
}
