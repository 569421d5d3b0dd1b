/** A command line run in this process. */

import { vi } from 'vitest'
import { tapdipProgram } from '../../../devices/program.ts'
import { simulatorProgram } from '../../../simulator/program.ts'
import { run } from '../../../src/command/line.ts'

export const programs = { tapdip: tapdipProgram, 'tapdip-sim': simulatorProgram } as const
export type Name = keyof typeof programs

/** What a line that ends at once writes, and its exit code. */
export async function line(name: Name, words: readonly string[]): Promise<{ out: string; err: string; code: number }> {
  const written = { out: '', err: '' }
  const spies = (['stdout', 'stderr'] as const).map(stream =>
    vi.spyOn(process[stream], 'write').mockImplementation(text => {
      written[stream === 'stdout' ? 'out' : 'err'] += text
      return true
    }),
  )
  const before = process.exitCode
  const signals = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map(name => [name, process.listeners(name)] as const)
  process.exitCode = 0
  try {
    await run(await programs[name](words), ['node', name, ...words])
    return { ...written, code: Number(process.exitCode) }
  } finally {
    process.exitCode = before
    for (const spy of spies) spy.mockRestore()
    for (const [name, known] of signals) for (const one of process.listeners(name)) if (!known.includes(one)) process.off(name, one)
    for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error')
  }
}
