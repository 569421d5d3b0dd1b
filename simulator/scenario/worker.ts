/** A worker of a suite: runs the cases that it is told, one at a time. It reads no files, since its parent has. */

import type { Case } from './matrix.ts'
import { runWithRetries, type SuiteOptions } from './suite.ts'

/** What the parent says first: how cases are run. */
export interface WorkerTask {
  readonly options: Pick<SuiteOptions, 'seed' | 'retries' | 'limit' | 'over'>
}

let options: WorkerTask['options'] = {}

process.on('message', async (said: WorkerTask | { readonly one: Case }) => {
  if ('options' in said) {
    options = said.options
    process.send?.({ ready: true })
  } else process.send?.({ result: await runWithRetries(said.one, options) })
})
process.on('disconnect', () => process.exit())
