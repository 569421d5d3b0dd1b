/** The page of the bench: takes the token, finds a session, and shows the counter. */

import { render } from 'preact'
import { Counter } from './counter.tsx'
import { benchApi, Refused, takeToken } from './state/api.ts'
import { hear, openSession, readStates } from './state/line.ts'
import { BenchStore } from './state/store.ts'
import { firstLanguage, refusalText, sayIn } from './state/view.ts'
import '../../trace-view/tokens.css'
import './style/base.css'
import './style/layout.css'
import './style/device.css'
import './style/face.css'
import './style/parts.css'
import '../../trace-view/trace.css'

async function begin(root: HTMLElement): Promise<void> {
  const api = benchApi(takeToken())
  const wanted = new URLSearchParams(location.search).get('session')
  const id = await openSession(api, wanted, firstLanguage())
  const store = new BenchStore()
  const session = api.of(id)
  await readStates(session, store)
  hear(session, store)
  root.className = ''
  root.textContent = ''
  render(<Counter api={session} store={store} bench={api} />, root)
}

const root = document.getElementById('page')!
begin(root).catch(error => {
  const say = sayIn(firstLanguage())
  root.textContent = error instanceof Refused && error.status === 403 ? say('bench.noToken') : refusalText(say, error)
})
