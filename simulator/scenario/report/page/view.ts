/** What every part of the page is given: texts in the language that is chosen, and where the page is. */

import { createContext } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import { type Language, type MessageId, message } from '../../../../src/messages/messages.ts'
import type { ScenarioResult } from '../../result.ts'

export type Say = (id: Extract<MessageId, `report.${string}`>, params?: Readonly<Record<string, string | number>>) => string

export interface View {
  readonly language: Language
  readonly say: Say
}

export function viewIn(language: Language): View {
  return { language, say: (id, params) => message(id, language, params) }
}

export const ViewContext = createContext<View>(viewIn('en'))
export const useView = () => useContext(ViewContext)

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

/** A time as people read it. */
export function timeText(say: Say, ms: number): string {
  if (ms >= 10_000) return say('report.s', { s: (ms / 1000).toFixed(1) })
  return say('report.ms', { ms: ms >= 100 || Number.isInteger(ms) ? Math.round(ms) : ms.toFixed(ms >= 10 ? 1 : 2) })
}
