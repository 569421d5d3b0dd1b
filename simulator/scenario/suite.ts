/** Runs many cases: which of them, by how many workers, how often again; and merges the reports of shards. */

import { readdirSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { Fault } from '../../src/errors.ts'
import { packageFile } from '../../src/package-file.ts'
import { usageFault } from '../../src/refusal.ts'
import { PACKAGE_VERSION } from '../../src/trace/package.ts'
import { type Case, casesOf, distinct } from './matrix.ts'
import { readScenarios } from './read.ts'
import type { RunReport, ScenarioResult } from './result.ts'
import { type RunOptions, runCase } from './run.ts'

/** Which cases are run. */
export interface Selection {
  /** Names that it matches. */
  readonly grep?: RegExp
  /** Cases that have one of these tags; with `!` before it, none that has it. */
  readonly tags?: readonly string[]
  /** Of the cases that are left, the i-th of n parts. */
  readonly shard?: { readonly index: number; readonly of: number }
}

export interface SuiteOptions extends RunOptions, Selection {
  /** How often a case that failed is tried again; not at all when left out. */
  readonly retries?: number
  /** Hears each result as it comes. */
  readonly onResult?: (result: ScenarioResult, done: number, all: number) => void
  /** Runs a case elsewhere: in a worker. */
  readonly elsewhere?: (one: Case) => Promise<ScenarioResult>
  /** Cases at a time; 1 when left out. */
  readonly workers?: number
  /** For people. */
  readonly suite?: string
}

/** The scenarios that the package brings. */
export function shippedScenarios(): string {
  return packageFile('scenarios')
}

/** Files and folders as files, in the order of their names; those of the package when none is named. @throws Fault `bad-argument` */
export function scenarioFiles(named: readonly string[]): string[] {
  const places = named.length > 0 ? named : [shippedScenarios()]
  return places.flatMap(place => {
    let folder: boolean
    try {
      folder = statSync(place).isDirectory()
    } catch {
      throw usageFault('usage.file.missing', { field: '[files]', value: place })
    }
    if (!folder) return [place]
    const inside = readdirSync(place, { recursive: true, encoding: 'utf8' }).filter(isScenario).sort()
    return inside.map(name => join(place, name))
  })
}

/** The JSON Schema lies beside them. */
function isScenario(name: string): boolean {
  return /\.(ya?ml|json)$/.test(name) && !/(^|\/)schema\.json$/.test(name)
}

/** Every case of these files. Their names are told from where the run stands. @throws Fault `bad-config` */
export function casesIn(files: readonly string[]): Case[] {
  const cases = files.flatMap(file => readScenarios(file).flatMap(one => casesOf({ ...one, file: fileName(file) })))
  distinct(cases)
  return cases
}

/** A file as its cases tell it: from where the run stands. */
export function fileName(file: string): string {
  const short = relative(resolve('.'), resolve(file))
  return short.startsWith('..') ? file : short
}

/** The cases that are meant: where one says `only`, no other. */
export function selected(cases: readonly Case[], { grep, tags = [], shard }: Selection): Case[] {
  const alone = cases.some(({ plan }) => plan.only !== undefined)
  const [without, some] = [tags.filter(tag => tag.startsWith('!')).map(tag => tag.slice(1)), tags.filter(tag => !tag.startsWith('!'))]
  const meant = cases.filter(({ name, plan }) => {
    const own = plan.tags ?? []
    if (alone && plan.only === undefined) return false
    if (grep && !grep.test(name)) return false
    if (own.some(tag => without.includes(tag))) return false
    return some.length === 0 || own.some(tag => some.includes(tag))
  })
  return shard ? meant.filter((_, place) => place % shard.of === shard.index - 1) : meant
}

/** Runs the cases that are meant; their results in the order of the files, whoever ran them. */
export async function runSuite(cases: readonly Case[], options: SuiteOptions = {}): Promise<RunReport> {
  const { seed = 1, workers = 1, onResult, elsewhere, shard, suite = 'scenarios' } = options
  const meant = selected(cases, options)
  const [started, began] = [new Date(), performance.now()]
  const results: ScenarioResult[] = []
  let [next, done] = [0, 0]
  const work = async () => {
    while (next < meant.length) {
      const place = next++
      const one = meant[place]
      const result = await (elsewhere ? elsewhere(one) : runWithRetries(one, options))
      results[place] = result
      onResult?.(result, ++done, meant.length)
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, Math.min(workers, meant.length)) }, work))
  return {
    ...{ tapdip: 'run', format: 1, suite, seed, started: started.toISOString(), duration: performance.now() - began },
    ...(shard && { shard: `${shard.index}/${shard.of}` }),
    versions: versions(),
    results,
  }
}

/** A case that failed and then passes is `flaky`. */
export async function runWithRetries(one: Case, options: SuiteOptions): Promise<ScenarioResult> {
  const { retries = 0 } = options
  for (let attempts = 1; ; attempts++) {
    const result = await runCase(one, options)
    if (result.status === 'passed' && attempts > 1) return { ...result, status: 'flaky', attempts }
    if (result.status !== 'failed' || attempts > retries || options.signal?.aborted) return { ...result, attempts }
  }
}

function versions(): RunReport['versions'] {
  return { tapdip: PACKAGE_VERSION, node: process.versions.node, platform: `${process.platform} ${process.arch}` }
}

/** Reports of shards as one. @throws Fault `bad-argument` where a case is in two of them */
export function mergeReports(reports: readonly RunReport[]): RunReport {
  const [first, ...others] = reports
  if (!first) throw new Fault('bad-argument', 'no report to merge', { field: '--merge' })
  const seen = new Set<string>()
  const results = reports.flatMap(({ results }) => results)
  for (const { name } of results) {
    if (seen.has(name)) throw usageFault('usage.oneOf', { field: '--merge', value: name, allowed: 'each case once' })
    seen.add(name)
  }
  const { shard: _, ...rest } = first
  return {
    ...rest,
    started: [first, ...others].map(({ started }) => started).sort()[0],
    duration: Math.max(...reports.map(({ duration }) => duration)),
    results,
  }
}

/** A report as the `json` reporter has written it. @throws Fault `bad-argument` for what is none */
export function parseReport(text: string, file: string): RunReport {
  let value: Partial<RunReport> | null
  try {
    value = JSON.parse(text)
  } catch {
    throw usageFault('usage.json', { field: '--merge', value: file })
  }
  if (value?.tapdip !== 'run' || value.format !== 1 || !Array.isArray(value.results))
    throw usageFault('usage.part', { field: '--merge', value: file, path: 'tapdip', allowed: 'a report of --reporter json' })
  return value as RunReport
}
