/** What the command line says of scenarios: words and parts, for whoever reads it before anything of scenarios is loaded. */

import { usageFault } from '../../src/refusal.ts'

/** Lines that a counter is reached over, of this machine alone. */
export const overs = ['tcp', 'pty', 'ble', 'pcsc', 'slot'] as const
export type Over = (typeof overs)[number]

/** Who tells of a run. */
export const reporterNames = ['line', 'html', 'junit', 'ctrf', 'tap', 'github', 'json'] as const

/** `1/3`. @throws Fault `bad-argument` */
export function parseShard(text: string, field = '--shard'): { readonly index: number; readonly of: number } {
  const [, index, of] = /^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? []
  const [at, all] = [Number(index), Number(of)]
  if (!index || at < 1 || at > all) throw usageFault('usage.oneOf', { field, value: text, allowed: '1/3, 2/3, 3/3' })
  return { index: at, of: all }
}
