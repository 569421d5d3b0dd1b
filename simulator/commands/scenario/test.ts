/** `tapdip-sim test` at work: cases are chosen, run and told of. Loaded when it is asked for: schemas and reports take their time. */

import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import { open } from '../../../devices/index.ts'
import { onlyFor } from '../../../src/command/flags.ts'
import { interruption } from '../../../src/command/interruption.ts'
import { EXIT, language } from '../../../src/command/line.ts'
import { fileFault } from '../../../src/file-fault.ts'
import { type Language, message } from '../../../src/messages/messages.ts'
import { usageFault } from '../../../src/refusal.ts'
import type { Case } from '../../scenario/matrix.ts'
import { needLine } from '../../scenario/over/line.ts'
import { htmlReport } from '../../scenario/report/html.ts'
import { machineReporters } from '../../scenario/reporters/machine.ts'
import { failureLines, placeOf, shown, summary } from '../../scenario/reporters/text.ts'
import { countOf, type RunReport, type ScenarioResult } from '../../scenario/result.ts'
import type { Rig } from '../../scenario/run.ts'
import { casesIn, fileName, mergeReports, parseReport, runSuite, scenarioFiles, selected } from '../../scenario/suite.ts'
import { updated } from '../../scenario/update/update.ts'
import { canFork, openCrew } from '../../scenario/workers.ts'
import type { Reporter, TestFlags } from './flags.ts'

/** What the flags ask for; the exit code. @throws Fault `bad-argument`, `bad-config` */
export async function testCommand(files: readonly string[], flags: TestFlags): Promise<number> {
  return flags.merge ? merge(files, flags) : flags.list ? list(files, flags) : test(files, flags)
}

/** A reader that is there: at a terminal its person presses Enter when they are ready, else nobody is waited for. */
function rigAt(uri: string, hands: string | undefined, lang: Language): Rig {
  return {
    uri,
    ...(hands !== undefined && { hands: { url: hands } }),
    open: tracer => open(uri, { tracer }),
    async lead(what, signal) {
      process.stderr.write(`→ ${what}\n`)
      if (!process.stdin.isTTY) return
      process.stderr.write(message('test.ready', lang))
      const lines = createInterface({ input: process.stdin })
      await once(lines, 'line', { signal }).finally(() => lines.close())
    },
  }
}

async function test(given: readonly string[], flags: TestFlags): Promise<number> {
  const lang = language(flags.lang)
  if (flags.update && given.length === 0) throw usageFault('usage.missing', { field: '[files...]' }) // those of the package are not ours to change
  const files = scenarioFiles(given)
  const cases = casesIn(files)
  const meant = selected(cases, flags)
  if (meant.length === 0)
    throw usageFault('usage.noCases', { field: flags.grep ? '--grep' : flags.tags ? '--tags' : '[files]', value: cases.length })
  const signal = interruption()
  const { retries, seed, over, reader, hands } = flags
  if (reader !== undefined && over !== undefined) throw usageFault('usage.conflict', { field: '--reader', other: '--over' })
  if (hands !== undefined && reader === undefined) throw usageFault('usage.needs', { field: '--hands', only: '--reader' })
  if (over !== undefined) await needLine(over)
  const alone = reader !== undefined || over === 'pcsc' // the service has one slot
  const workers = alone ? 1 : Math.min(flags.workers ?? availableParallelism(), meant.length)
  const own = flags.reporter.length > 0 ? flags.reporter : [{ name: 'line' } as const]
  const told = own.some(({ name, file }) => name === 'line' && file === undefined) ? progress(lang) : undefined
  const crew = workers > 1 && canFork ? openCrew({ options: { seed, retries, ...(over && { over }) } }) : undefined
  try {
    const report = await runSuite(cases, {
      ...{ seed, retries, workers, signal, suite: given.length > 0 ? given.join(' ') : 'scenarios' },
      ...(over && { over }),
      ...(reader !== undefined && { rig: rigAt(reader, hands, lang), limit: 600_000 }),
      ...(flags.grep && { grep: flags.grep }),
      ...(flags.tags && { tags: flags.tags }),
      ...(flags.shard && { shard: flags.shard }),
      ...(crew && { elsewhere: (one: Case) => crew.run(one) }),
      ...(told && { onResult: told }),
    })
    if (flags.update && !signal.aborted) return update(files, cases, report, lang)
    return end(report, own, lang, signal.aborted)
  } finally {
    await crew?.close()
  }
}

/** Rewrites what the files expect. Exits with 1 where something did not hold and was left. */
function update(files: readonly string[], cases: readonly Case[], report: RunReport, lang: Language): number {
  let left = report.results.filter(({ fault }) => fault !== undefined).length
  for (const file of files) {
    const name = fileName(file)
    const own = <T extends { readonly file?: string }>(all: readonly T[]) => all.filter(one => one.file === name)
    const before = readFileSync(file, 'utf8')
    const { text, updates } = updated(before, file, own(cases), own(report.results))
    if (text !== before) write(file, text, '[files]')
    for (const { line, path, before, now, left: why } of updates) {
      const place = `${name}:${line}`
      const told =
        now === undefined
          ? message('test.left', lang, { place, path, why: message(`test.left.${why!}`, lang) })
          : message('test.updated', lang, { place, path, before: shown(before), now })
      process.stdout.write(`${told}\n`)
      if (why) left++
    }
  }
  process.stdout.write(`${summary(report, lang)}\n`)
  return left > 0 ? EXIT.fault : EXIT.ok
}

function list(given: readonly string[], flags: TestFlags): number {
  onlyFor('tapdip-sim test', { '--reporter': flags.reporter, '--update': flags.update })
  for (const one of selected(casesIn(scenarioFiles(given)), flags)) process.stdout.write(`${one.name}\n`)
  return EXIT.ok
}

/** @throws Fault `bad-argument` where a file is no report */
function merge(files: readonly string[], flags: TestFlags): number {
  onlyFor('tapdip-sim test', { '--update': flags.update })
  if (files.length === 0) throw usageFault('usage.missing', { field: '[files...]' })
  const reports = files.map(file => {
    try {
      return parseReport(readFileSync(file, 'utf8'), file)
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? usageFault('usage.file.missing', { field: '[files]', value: file }) : error
    }
  })
  const own = flags.reporter.length > 0 ? flags.reporter : [{ name: 'line' } as const]
  return end(mergeReports(reports), own, language(flags.lang), false)
}

/** Writes every report, and says how the run ended. */
function end(report: RunReport, own: readonly Reporter[], lang: Language, interrupted: boolean): number {
  for (const { name, file } of own) {
    const text =
      name === 'line' ? lineReport(report, lang) : name === 'html' ? htmlReport(report, { language: lang }) : machineReporters[name](report)
    if (file === undefined) process.stdout.write(text)
    else write(file, text)
  }
  if (interrupted) return EXIT.cancelled
  return countOf(report, 'failed') > 0 ? EXIT.fault : EXIT.ok
}

/** The first failure whole, the others in a line each. */
function lineReport(report: RunReport, lang: Language): string {
  const [first, ...others] = report.results.filter(({ status }) => status === 'failed')
  const lines = first ? ['', ...failureLines(first, lang), ''] : []
  const rest = others.map(one => `  ${[one.name, placeOf(one)].filter(Boolean).join('  ')}\n    ${one.reason}`)
  return [...lines, ...rest, summary(report, lang), ''].join('\n')
}

function write(file: string, text: string, field = '--reporter'): void {
  try {
    writeFileSync(file, text)
  } catch (error) {
    throw fileFault(field, file, error, 'write')
  }
}

/** On a terminal one line that is written over; elsewhere a line for each case that failed. */
function progress(lang: Language): (result: ScenarioResult, done: number, all: number) => void {
  const { stderr } = process
  return ({ name, status, reason }, done, all) => {
    if (stderr.isTTY) stderr.write(`\r\x1b[K${done === all ? '' : `[${done}/${all}] ${name}`.slice(0, (stderr.columns ?? 80) - 1)}`)
    if (status === 'failed') stderr.write(`${stderr.isTTY ? '\r\x1b[K' : ''}${message('test.failed', lang)}: ${name}: ${reason}\n`)
  }
}
