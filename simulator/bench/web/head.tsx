/** The head of the page: which session, how the line is, and what concerns all: record, file, sound, language, colours. */

import { useLayoutEffect, useState } from 'preact/hooks'
import type { Language } from '../../../src/messages/messages.ts'
import { Languages } from '../../trace-view/choices.tsx'
import { download, Record } from './record/record.tsx'
import type { BenchApi } from './state/api.ts'
import { useBench, useSelect } from './state/view.ts'

const themes = ['auto', 'light', 'dark'] as const
type Theme = (typeof themes)[number]
const THEME = 'tapdip-theme'
const firstTheme = (): Theme => themes.find(one => one === localStorage.getItem(THEME)) ?? 'auto'

interface Props {
  readonly bench: BenchApi
  readonly onLanguage: (language: Language) => void
  readonly sounds: boolean
  readonly onSounds: (on: boolean) => void
}

function Theme() {
  const { say } = useBench()
  const [theme, setTheme] = useState<Theme>(firstTheme)
  useLayoutEffect(() => {
    document.documentElement.dataset.theme = theme
    localStorage.setItem(THEME, theme)
  }, [theme])
  return (
    <select aria-label={say('bench.theme')} value={theme} onChange={event => setTheme(event.currentTarget.value as Theme)}>
      {themes.map(one => (
        <option key={one} value={one}>
          {say(`bench.theme.${one}`)}
        </option>
      ))}
    </select>
  )
}

function Sessions({ bench }: { bench: BenchApi }) {
  const { say, store, act, api } = useBench()
  const session = useSelect(state => state.session)
  const go = (id: string) => {
    location.search = `?session=${id}`
  }
  const open = (input: HTMLInputElement) => {
    const [file] = input.files ?? []
    file
      ?.text()
      .then(text => bench.importSession(JSON.parse(text)))
      .then(
        ({ id }) => go(id),
        error => store.tell(String(error.message), true),
      )
  }
  return (
    <details class="menu">
      <summary>{session?.name ?? '…'}</summary>
      <div class="list-of">
        <button
          type="button"
          onClick={() =>
            bench.createSession().then(
              ({ id }) => go(id),
              error => store.tell(String(error.message), true),
            )
          }
        >
          {say('bench.session.new')}
        </button>
        <button
          type="button"
          onClick={() =>
            act(() => api.file()).then(file => file && download('counter.json', JSON.stringify(file, null, 2), 'application/json'))
          }
        >
          {say('bench.session.save')}
        </button>
        <label class="button">
          {say('bench.session.open')}
          <input type="file" class="unseen" accept="application/json,.json" onChange={event => open(event.currentTarget)} />
        </label>
      </div>
    </details>
  )
}

export function Head({ bench, onLanguage, sounds, onSounds }: Props) {
  const { say, language } = useBench()
  const line = useSelect(state => state.line)
  const [recording, setRecording] = useState(false)
  const places = ['app', 'readers', 'cards', 'bank', 'trace-panel'] as const
  return (
    <>
      <header class="head">
        <h1>
          tapdip <span>{say('bench.title')}</span>
        </h1>
        <span class={`line ${line}`} role="status">
          {say(`bench.line.${line}`)}
        </span>
        <Sessions bench={bench} />
        <button type="button" onClick={() => setRecording(true)}>
          {say('bench.record.short')}
        </button>
        <span class="gap" />
        <label class="sound">
          <input type="checkbox" checked={sounds} onChange={event => onSounds(event.currentTarget.checked)} /> {say('bench.sound')}
        </label>
        <Languages language={language} onLanguage={onLanguage} label={say('bench.language')} />
        <Theme />
      </header>
      <nav class="places" aria-label={say('bench.places')}>
        {places.map(one => (
          <a key={one} href={`#${one}`}>
            {say(`bench.place.to.${one}`)}
          </a>
        ))}
      </nav>
      {recording && <Record close={() => setRecording(false)} />}
    </>
  )
}
