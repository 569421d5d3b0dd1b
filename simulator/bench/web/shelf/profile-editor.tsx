/** A profile is edited: as a form of what it has, and as text; the server checks it while it is typed. */

import { useEffect, useRef, useState } from 'preact/hooks'
import type { CardState } from '../../schema/types.ts'
import type { ProfileProblem } from '../state/api.ts'
import { useBench } from '../state/view.ts'
import { type Leaf, leavesOf, withLeaf } from './profile-form.ts'

/** Milliseconds of silence before what was typed is checked. */
const PAUSE = 250

function Field({ leaf, problem, onChange }: { leaf: Leaf; problem: string | undefined; onChange: (text: string) => void }) {
  const id = `field-${leaf.path}`
  return (
    <div class={`field${problem ? ' wrong' : ''}`}>
      <label for={id}>{leaf.path}</label>
      {typeof leaf.value === 'boolean' ? (
        <input id={id} type="checkbox" checked={leaf.value} onChange={event => onChange(String(event.currentTarget.checked))} />
      ) : (
        <input
          id={id}
          value={String(leaf.value)}
          {...(problem && { 'aria-invalid': 'true', 'aria-describedby': `${id}-why` })}
          onInput={event => onChange(event.currentTarget.value)}
          autoComplete="off"
        />
      )}
      {problem && (
        <small id={`${id}-why`} class="bad">
          {problem}
        </small>
      )}
    </div>
  )
}

/** What the server finds wrong with `text`, a moment after it was typed. */
function useCheck(text: string | undefined): readonly ProfileProblem[] {
  const { api } = useBench()
  const [problems, setProblems] = useState<readonly ProfileProblem[]>([])
  useEffect(() => {
    if (text === undefined) return
    let over = false
    const timer = setTimeout(() => {
      api.checkProfile(text).then(
        told => !over && setProblems(told.problems),
        error => !over && setProblems([{ path: '', rule: String(error.message) }]),
      )
    }, PAUSE)
    return () => {
      over = true
      clearTimeout(timer)
    }
  }, [text])
  return problems
}

export function ProfileEditor({ card, close }: { card: CardState; close: () => void }) {
  const { say, act, store } = useBench()
  const [text, setText] = useState<string>()
  const [asText, setAsText] = useState(false)
  const dialog = useRef<HTMLDialogElement>(null)
  const problems = useCheck(text)
  useEffect(() => {
    dialog.current?.showModal()
    act(api => api.profile(card.id)).then(told => told && setText(told.text))
  }, [])
  const leaves = text === undefined ? undefined : leavesOf(text)
  const formable = leaves !== undefined
  const save = () =>
    act(api => api.setProfile(card.id, text ?? '')).then(done => {
      if (!done) return
      store.tell(say('bench.profile.saved', { label: done.label }))
      close()
    })
  return (
    <dialog ref={dialog} class="editor" aria-labelledby="editor-title" onClose={close}>
      <h2 id="editor-title">{say('bench.profile.of', { label: card.label })}</h2>
      <fieldset class="choice">
        <legend class="unseen">{say('bench.profile.view')}</legend>
        {([false, true] as const).map(one => (
          <label key={String(one)}>
            <input
              type="radio"
              name="view"
              checked={(asText || !formable) === one}
              disabled={!one && !formable}
              onChange={() => setAsText(one)}
            />{' '}
            {say(one ? 'bench.profile.text' : 'bench.profile.form')}
          </label>
        ))}
      </fieldset>
      {text === undefined ? (
        <p class="dim">…</p>
      ) : asText || !formable ? (
        <textarea
          aria-label={say('bench.profile.text')}
          spellcheck={false}
          rows={22}
          value={text}
          aria-invalid={problems.length > 0}
          onInput={event => setText(event.currentTarget.value)}
        />
      ) : (
        <div class="form">
          {leaves.map(leaf => (
            <Field
              key={leaf.path}
              leaf={leaf}
              problem={problems.find(({ path }) => path === leaf.path)?.rule}
              onChange={value => setText(withLeaf(text, leaf, value))}
            />
          ))}
        </div>
      )}
      <ul class="problems" aria-live="polite">
        {problems.map((one, at) => (
          <li key={at} class="bad">
            {one.line !== undefined && `${say('bench.profile.line', { line: one.line })}: `}
            {one.path && <code>{one.path}</code>} {one.rule}
          </li>
        ))}
        {problems.length === 0 && text !== undefined && <li class="good">{say('bench.profile.good')}</li>}
      </ul>
      <div class="bar end">
        <button type="button" onClick={close}>
          {say('bench.cancel')}
        </button>
        <button type="button" class="primary" disabled={problems.length > 0 || text === undefined} onClick={save}>
          {say('bench.save')}
        </button>
      </div>
    </dialog>
  )
}
