/** The readers of a bench (`tapdip-sim bench`), as its API tells where other programs reach them. */

import { benchAddress } from '../src/bench-address.ts'
import { systemClock, within } from '../src/clock.ts'
import { Fault, isFault } from '../src/errors.ts'

/** A reader of a bench that is on. */
export interface BenchReaderSeen {
  /** What `open` takes. */
  readonly uri: string
  readonly family: string
  readonly serial: string
  readonly model: string
  /** Of one on the virtual air. */
  readonly air?: string
}

interface Told {
  readonly uri?: string
  readonly air?: string
  readonly family: string
  readonly serial: string
  readonly model: string
  readonly on: boolean
  readonly real: boolean
}

/** Milliseconds for one question. */
const PATIENCE = 5000

/** Those of every session that other programs reach. @throws Fault `bad-argument`; `link-failed` where there is no bench, or the token is another's */
export async function listBench(url: string): Promise<readonly BenchReaderSeen[]> {
  const { origin, token } = benchAddress(url)
  const ask = async <T>(path: string): Promise<T> => {
    const limit = { timeout: PATIENCE, clock: systemClock, what: `the bench at ${origin}` }
    const response = await within(limit, signal =>
      fetch(`${origin}${path}`, { headers: { authorization: `Bearer ${token}` }, signal }),
    ).catch(error => {
      if (isFault(error)) throw error
      throw new Fault('link-failed', `there is no bench at ${origin}`, { reason: 'not-found', uri: origin }, { cause: error })
    })
    if (response.status === 403)
      throw new Fault('link-failed', `the bench at ${origin} does not know this token`, { reason: 'forbidden', uri: origin })
    if (!response.ok) throw new Fault('link-failed', `the bench at ${origin} answers ${response.status}`, { reason: 'other', uri: origin })
    return (await response.json()) as T
  }
  const sessions = await ask<readonly { readonly id: string }[]>('/api/sessions')
  const readers = await Promise.all(sessions.map(({ id }) => ask<readonly Told[]>(`/api/sessions/${id}/readers`)))
  return readers
    .flat()
    .flatMap(({ uri, air, family, serial, model, on, real }) =>
      uri === undefined || !on || real ? [] : [{ uri, family, serial, model, ...(air !== undefined && { air }) }],
    )
}
