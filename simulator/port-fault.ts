/** Why a virtual reader, acquirer or air cannot listen: one code for a port that is taken, whoever wants it. */

import { Fault } from '../src/errors.ts'

/** @returns Fault `busy` where another program has the port, else `link-failed`; details.reason is the system's code */
export function portFault(where: string, error: NodeJS.ErrnoException): Fault {
  const taken = error.code === 'EADDRINUSE'
  const what = taken ? 'the port is taken' : error.message
  return new Fault(taken ? 'busy' : 'link-failed', `cannot listen at ${where}: ${what}`, { reason: error.code }, { cause: error })
}
