/** Workers of a suite: processes of their own, one case at a time each; a case whose worker dies has failed, and another worker goes on. */

import { type ChildProcess, fork } from 'node:child_process'
import { Fault } from '../../src/errors.ts'
import { packageFile } from '../../src/package-file.ts'
import type { Case } from './matrix.ts'
import type { ScenarioResult } from './result.ts'
import type { WorkerTask } from './worker.ts'

/** Workers that are running. */
export interface Crew {
  run(one: Case): Promise<ScenarioResult>
  close(): Promise<void>
}

/** Processes can be begun from compiled files alone. */
export const canFork = import.meta.url.endsWith('.js')

/** Each case is run by a worker that is free; a worker that dies is replaced. */
export function openCrew(task: WorkerTask): Crew {
  const free: ChildProcess[] = []
  const all = new Set<ChildProcess>()
  const begin = async (): Promise<ChildProcess> => {
    const child = fork(packageFile('dist/simulator/scenario/worker.js'), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced', // amounts are bigint
    })
    all.add(child)
    child.once('exit', () => all.delete(child))
    child.send(task)
    await answer(child)
    return child
  }
  return {
    async run(one) {
      const child = free.pop() ?? (await begin())
      try {
        child.send({ one })
        const { result } = (await answer(child)) as { readonly result: ScenarioResult }
        free.push(child)
        return result
      } catch (error) {
        const { name, plan, file, line, matrix } = one
        const reason = (error as Error).message
        return {
          ...{ name, ...(file !== undefined && { file }), ...(line !== undefined && { line }), tags: plan.tags ?? [], matrix },
          ...{ reader: '', card: '', status: 'failed', reason, duration: 0, virtualDuration: 0, attempts: 1, seed: 0 },
          ...{ expectations: [], screens: [], steps: [], fault: { code: 'internal', message: reason, details: {} } },
        }
      }
    },
    async close() {
      const ended = [...all].map(child => new Promise(resolve => child.once('exit', resolve)))
      for (const child of all) child.disconnect()
      await Promise.all(ended)
    },
  }
}

/** The next thing that a worker says. @throws Fault `internal` when it dies before */
function answer(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      child.off('message', hear)
      child.off('exit', end)
      act()
    }
    const hear = (said: unknown) => settle(() => resolve(said))
    const end = (code: number | null, signal: string | null) =>
      settle(() => reject(new Fault('internal', `the worker died (${signal ?? code})`)))
    child.once('message', hear)
    child.once('exit', end)
  })
}
