/** The app beside the readers, as a phone; or word of the one that comes from outside. */

import { AppView } from './app/app-view.tsx'
import { useBench, useSelect } from './state/view.ts'

export function Apps() {
  const { say, act, language } = useBench()
  const apps = useSelect(state => state.apps)
  const readers = useSelect(state => state.readers)
  const app = apps[0]
  const outside = readers.find(({ connected }) => connected === 'outside')
  return (
    <section class="app" id="app" aria-labelledby="app-title">
      <div class="title">
        <h2 id="app-title">{say('bench.app')}</h2>
        {app ? (
          <button type="button" class="quiet" onClick={() => act(api => api.removeApp(app.id))}>
            {say('bench.app.remove')}
          </button>
        ) : (
          <button type="button" onClick={() => act(api => api.addApp({ language, ...(readers[0] && { reader: readers[0].id }) }))}>
            {say('bench.app.add')}
          </button>
        )}
      </div>
      {app ? (
        <AppView
          app={app}
          answer={answer => act(api => api.answerApp(app.id, answer))}
          change={phone => act(api => api.changeApp(app.id, phone))}
        />
      ) : (
        <div class="no-app">
          <p>{outside ? say('bench.app.outside', { serial: outside.serial }) : say('bench.app.none')}</p>
          {readers
            .filter(({ uri }) => uri !== undefined)
            .map(({ id, uri, serial }) => (
              <p key={id}>
                <small>{serial}</small> <code>{uri}</code>
              </p>
            ))}
        </div>
      )}
    </section>
  )
}
