/** An app as a phone: its screen, and the settings of the phone around it. */

import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { AppAnswer, AppPhone, AppScreen, AppState } from '../../schema/app.ts'
import { useBench } from '../state/view.ts'
import { ScreenView } from './screen-view.tsx'
import './phone.css'

interface Props {
  readonly app: AppState
  /** Answers the screen that is shown. */
  readonly answer: (answer: AppAnswer) => void
  /** Another setting of the phone. */
  readonly change: (phone: AppPhone) => void
}

const languages = ['en', 'ru'] as const
/** Notices that are shown at once. */
const MOST_NOTICES = 3

export function AppView({ app, answer, change }: Props) {
  const { say } = useBench()
  const { screen, language, network, location, notices } = app
  const root = useRef<HTMLDivElement>(null)
  const title = useRef<HTMLHeadingElement>(null)
  const before = useRef<AppScreen>(screen)
  const [said, setSaid] = useState('')
  const [seen, setSeen] = useState(notices.length)
  // While it is drawn, what had the focus is still there.
  const inside = root.current?.contains(document.activeElement) === true
  useLayoutEffect(() => {
    const { n } = before.current
    // A screen that comes by itself takes the focus from nobody who works elsewhere.
    if (n !== screen.n && inside) title.current?.focus({ preventScroll: true })
    const news = newsOf(before.current, screen)
    if (news !== '') setSaid(news)
    before.current = screen
  }, [screen])
  const fresh = notices.slice(0, notices.length - seen)
  // Whoever goes on has seen what covers the screen.
  const goOn = (given: AppAnswer) => {
    if (given.action !== 'typed') setSeen(notices.length)
    answer(given)
  }
  return (
    <div class="phone-place">
      <div
        class="phone"
        ref={root}
        lang={language}
        data-screen={screen.kind}
        data-n={screen.n}
        data-revision={screen.revision}
        data-answered={screen.answered ?? false}
      >
        <div class="phone-bar">
          <b>Assist mPOS</b>
          <span class={app.reader ? 'link on' : 'link'} title={app.reader ?? ''}>
            {app.reader ?? '—'}
          </span>
          <span class={network === 'on' ? 'net on' : 'net'} aria-hidden="true">
            {network === 'on' ? '▂▄▆' : '▂✕'}
          </span>
        </div>
        <ScreenView key={screen.n} screen={screen} answer={goOn} title={title} />
        {fresh.length > 0 && (
          <div class="phone-notice">
            <ul>
              {fresh.slice(0, MOST_NOTICES).map(({ n, title, text }) => (
                <li key={n}>
                  <b>{title}</b>
                  <span>{text}</span>
                </li>
              ))}
            </ul>
            <button type="button" class="quiet" aria-label={say('bench.close')} onClick={() => setSeen(notices.length)}>
              ✕
            </button>
          </div>
        )}
        <p class="unseen" role="status" aria-live="polite">
          {[said, ...fresh.slice(0, 1).map(({ title, text }) => `${title}. ${text}`)].join(' ')}
        </p>
      </div>
      <div class="phone-settings">
        <fieldset class="languages" aria-label={say('bench.phone.language')}>
          {languages.map(one => (
            <button key={one} type="button" aria-pressed={one === language} onClick={() => change({ language: one })}>
              {one.toUpperCase()}
            </button>
          ))}
        </fieldset>
        <label>
          <input
            type="checkbox"
            checked={network === 'on'}
            onChange={event => change({ network: event.currentTarget.checked ? 'on' : 'off' })}
          />
          {say('bench.phone.network')}
        </label>
        <label>
          <input
            type="checkbox"
            checked={location !== 'off'}
            onChange={event => change({ location: event.currentTarget.checked ? 'on' : 'off' })}
          />
          {say('bench.phone.location')}
        </label>
      </div>
    </div>
  )
}

/** What a screen says that the one before it did not: for who does not see it. */
function newsOf(before: AppScreen, now: AppScreen): string {
  const known = new Set(before.n === now.n ? before.lines.map(({ text }) => text) : [])
  const lines = now.lines.filter(({ text, tone }) => tone !== 'reader' && !known.has(text)).map(({ text }) => text)
  const errors = (now.fields ?? []).flatMap(({ error }) => (error === undefined ? [] : [error]))
  return [...(before.n === now.n ? [] : [now.title]), ...lines, ...errors].join('. ')
}
