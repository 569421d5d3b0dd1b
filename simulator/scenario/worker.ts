/** A worker of a suite: reads the same files as its parent, and runs the cases whose places it is told. */

import { casesIn, runWithRetries, type SuiteOptions } from './suite.ts'

/** What the parent says first: the files, and how cases are run. */
export interface WorkerTask {
  readonly files: readonly string[]
  readonly options: Pick<SuiteOptions, 'seed' | 'retries' | 'limit' | 'over'>
}

let cases: ReturnType<typeof casesIn> = []
let options: WorkerTask['options'] = {}

process.on('message', async (said: WorkerTask | { readonly at: number }) => {
  if ('files' in said) {
    cases = casesIn(said.files)
    options = said.options
    process.send?.({ ready: true })
  } else process.send?.({ at: said.at, result: await runWithRetries(cases[said.at], options) })
})
process.on('disconnect', () => process.exit())
