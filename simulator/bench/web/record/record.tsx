/** What was done as a scenario: from a mark on, saved, looked at, and run again. */

import { useEffect, useRef, useState } from 'preact/hooks'
import type { Ran } from '../state/api.ts'
import { useBench } from '../state/view.ts'

/** A file for the person who asked for it. */
export function download(name: string, text: string, type = 'text/plain'): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type }))
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1_000)
}

export function Record({ close }: { close: () => void }) {
  const { say, act, store } = useBench()
  const [text, setText] = useState('')
  const [ran, setRan] = useState<readonly Ran[]>()
  const [running, setRunning] = useState(false)
  const dialog = useRef<HTMLDialogElement>(null)
  const read = () => act(api => api.scenario()).then(told => told !== undefined && setText(told))
  useEffect(() => {
    dialog.current?.showModal()
    read()
  }, [])
  /** Its steps are gone through in the trace, beside those of the bench. */
  const beside = ({ name, trace }: Ran) => {
    store.set({ other: { name, events: trace?.events ?? [] } })
    close()
    document.getElementById('trace-panel')?.scrollIntoView()
  }
  const run = async () => {
    setRunning(true)
    const told = await act(api => api.runScenario(text))
    setRunning(false)
    if (told) setRan(told.results)
  }
  return (
    <dialog ref={dialog} class="editor record" aria-labelledby="record-title" onClose={close}>
      <h2 id="record-title">{say('bench.record')}</h2>
      <p class="dim">{say('bench.record.what')}</p>
      <textarea
        aria-label={say('bench.record.scenario')}
        spellcheck={false}
        rows={20}
        value={text}
        onInput={event => setText(event.currentTarget.value)}
      />
      <ul class="problems" aria-live="polite">
        {ran?.map((one, at) => (
          <li key={at} class={one.status === 'passed' ? 'good' : 'bad'}>
            {one.name}: {say(`bench.record.${one.status}`)} {one.reason}{' '}
            {one.trace && (
              <button type="button" class="quiet" onClick={() => beside(one)}>
                {say('bench.record.look')}
              </button>
            )}
          </li>
        ))}
      </ul>
      <div class="bar end">
        <button type="button" onClick={() => act(api => api.mark()).then(read)}>
          {say('bench.record.mark')}
        </button>
        <button type="button" disabled={running || text === ''} onClick={run}>
          {say(running ? 'bench.record.running' : 'bench.record.run')}
        </button>
        <button type="button" disabled={text === ''} onClick={() => download('bench.yaml', text, 'application/yaml')}>
          {say('bench.record.save')}
        </button>
        <button type="button" class="primary" onClick={close}>
          {say('bench.close')}
        </button>
      </div>
    </dialog>
  )
}
