/** The page of a report: reads the data that stand in it, and shows the place that its address names. */

import { render } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks'
import type { Language } from '../../../../src/messages/messages.ts'
import { Languages } from '../../../trace-view/choices.tsx'
import { type View, ViewContext, viewIn } from '../../../trace-view/view.ts'
import type { ReportData } from '../data.ts'
import { Case } from './case/case.tsx'
import { Overview } from './overview/overview.tsx'
import { usePlace } from './view.ts'

const themes = ['auto', 'light', 'dark'] as const
type Theme = (typeof themes)[number]

function Switches({ view, onLanguage }: { view: View; onLanguage: (language: Language) => void }) {
  const { say, language } = view
  const [theme, setTheme] = useState<Theme>('auto')
  useLayoutEffect(() => {
    document.documentElement.dataset.theme = theme
  }, [theme])
  return (
    <div class="switches">
      <span>
        <label for="language">{say('report.language')}</label> <Languages id="language" language={language} onLanguage={onLanguage} />
      </span>
      <label>
        {say('report.theme')}{' '}
        <select value={theme} onChange={event => setTheme(event.currentTarget.value as Theme)}>
          {themes.map(one => (
            <option key={one} value={one}>
              {say(`report.theme.${one}`)}
            </option>
          ))}
        </select>
      </label>
    </div>
  )
}

function Page({ data }: { data: ReportData }) {
  const [language, setLanguage] = useState(data.language)
  const view = useMemo(() => viewIn(language), [language])
  const { say } = view
  const { place, event } = usePlace()
  const { results } = data.run
  // Of one case alone there is nothing to overlook.
  const shown = place !== undefined && results[place] ? place : results.length === 1 ? 0 : undefined
  const title = shown === undefined ? say('report.title', { suite: data.run.suite }) : results[shown].name
  useLayoutEffect(() => {
    document.documentElement.lang = language
    document.title = title
  }, [language, title])
  useEffect(() => scrollTo(0, 0), [shown])
  const parts = [
    ['summary', 'report.summary'],
    ...(data.comparison ? ([['against', 'report.comparison']] as const) : []),
    ['matrix', 'report.matrix'],
    ['times', 'report.times'],
  ] as const
  const jump = (id: string) => (click: Event) => {
    click.preventDefault()
    const target = document.getElementById(id)
    target?.scrollIntoView()
    target?.setAttribute('tabindex', '-1')
    target?.focus()
  }
  return (
    <ViewContext.Provider value={view}>
      {/* biome-ignore lint/a11y/useValidAnchor: it leads there; the hash is the page’s place */}
      <a class="skip" href="#content" onClick={jump('content')}>
        {say('report.skip')}
      </a>
      <header>
        <nav aria-label={say('report.overview')}>
          <a class="home" href="#/">
            tapdip <span>{say('report.overview')}</span>
          </a>
          {shown !== undefined && results.length > 1 && (
            <>
              {results[shown - 1] && (
                <a href={`#/case/${shown - 1}`} rel="prev">
                  ← {results[shown - 1].name}
                </a>
              )}
              {results[shown + 1] && (
                <a href={`#/case/${shown + 1}`} rel="next">
                  {results[shown + 1].name} →
                </a>
              )}
            </>
          )}
          {shown === undefined &&
            parts.map(([part, id]) => (
              <a key={part} href={`#${part}`} onClick={jump(part)}>
                {say(id)}
              </a>
            ))}
        </nav>
        <Switches view={view} onLanguage={setLanguage} />
      </header>
      <main id="content">{shown === undefined ? <Overview data={data} /> : <Case data={data} place={shown} event={event} />}</main>
    </ViewContext.Provider>
  )
}

/** The data as they stand in the page: JSON, or JSON that was deflated, in base 64. */
async function dataOf(element: HTMLElement): Promise<ReportData> {
  const text = element.textContent ?? ''
  if (element.dataset.form !== 'deflate') return JSON.parse(text)
  const bytes = Uint8Array.from(atob(text), one => one.charCodeAt(0))
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'))).json()
}

const root = document.getElementById('page')!
dataOf(document.getElementById('data')!).then(
  data => {
    root.textContent = ''
    render(<Page data={data} />, root)
  },
  error => {
    root.textContent = viewIn('en').say('report.broken', { why: String(error) })
  },
)
