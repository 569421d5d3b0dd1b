/** What every part of the page is given: its texts, the store, the API. */

import { createContext } from 'preact'
import { useContext, useEffect, useRef, useState } from 'preact/hooks'
import { filled } from '../../../../src/messages/filled.ts'
import type { Language } from '../../../../src/messages/messages.ts'
import { benchMessages } from '../../../../src/messages/tools/bench.ts'
import { Refused, type SessionApi } from './api.ts'
import type { BenchState, BenchStore } from './store.ts'

export type Say = (id: keyof typeof benchMessages, params?: Readonly<Record<string, string | number>>) => string

/** From its own part of the table: the page is not given what it never shows. */
export function sayIn(language: Language): Say {
  return (id, params) => filled(benchMessages[id][language === 'ru' ? 1 : 0], params)
}

export interface Bench {
  readonly say: Say
  readonly language: Language
  readonly store: BenchStore
  readonly api: SessionApi
  /** Does it, and tells what was refused; undefined where it was. */
  readonly act: <T>(deed: (api: SessionApi) => Promise<T>) => Promise<T | undefined>
}

export const BenchContext = createContext<Bench>(undefined as unknown as Bench)
export const useBench = (): Bench => useContext(BenchContext)

/** A part of the state; renders anew when that part is another. */
export function useSelect<T>(select: (state: BenchState) => T): T {
  const { store } = useBench()
  const [, turn] = useState(0)
  const kept = useRef<T>(undefined as T)
  kept.current = select(store.state)
  const latest = useRef(select)
  latest.current = select
  useEffect(() => {
    const changed = () => {
      if (!Object.is(kept.current, latest.current(store.state))) turn(one => one + 1)
    }
    changed()
    return store.on(changed)
  }, [store])
  return kept.current
}

/** A refusal for people. */
export function refusalText(say: Say, error: unknown): string {
  if (!(error instanceof Refused)) return say('bench.lost')
  const { field, rule } = error.details
  return [error.message, field !== undefined && rule !== undefined && !error.message.includes(String(rule)) && `${field}: ${rule}`]
    .filter(Boolean)
    .join(' · ')
}

const LANGUAGE = 'tapdip-language'

/** The one that was chosen last, or the browser's. */
export function firstLanguage(): Language {
  const kept = localStorage.getItem(LANGUAGE)
  if (kept === 'en' || kept === 'ru') return kept
  return navigator.language.toLowerCase().startsWith('ru') ? 'ru' : 'en'
}

export function keepLanguage(language: Language): void {
  localStorage.setItem(LANGUAGE, language)
}
