/** Where the page of a report is, and what its parts say alike. */

import { useEffect, useState } from 'preact/hooks'
import type { ScenarioResult } from '../../result.ts'

/** Where the page is: `#/case/12` with one event of it, or the overview. The hash alone, so that a file has places too. */
export interface Place {
  readonly place?: number
  readonly event?: number
}

export function placeOf(hash: string): Place {
  const [, place, event] = /^#\/case\/(\d+)(?:\/event\/(\d+))?$/.exec(hash) ?? []
  return { ...(place !== undefined && { place: Number(place) }), ...(event !== undefined && { event: Number(event) }) }
}

export function usePlace(): Place {
  const [hash, setHash] = useState(location.hash)
  useEffect(() => {
    const changed = () => setHash(location.hash)
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  return placeOf(hash)
}

/** The name without the values of the matrix, which stand in its end. */
export function bareName({ name, matrix }: Pick<ScenarioResult, 'name' | 'matrix'>): string {
  return Object.keys(matrix).length > 0 ? name.replace(/ \[[^\]]*\]$/, '') : name
}

/** What the eyes see beside the words. */
export const marks = { passed: '✓', failed: '✕', skipped: '–', flaky: '≈' } as const
