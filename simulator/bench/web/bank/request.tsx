/** One request at the bank, decoded; one that is held waits here for an answer by hand. */

import { useEffect, useState } from 'preact/hooks'
import type { Json } from '../../../../src/trace/event.ts'
import { JsonTree, Objects } from '../../../trace-view/data-view.tsx'
import { objectsOfTags } from '../../../trace-view/decode.ts'
import type { BankRequest, BankRequestInFull } from '../../schema/types.ts'
import { clockText, cvmText } from '../state/names.ts'
import { useBench } from '../state/view.ts'

/** Field 39 with the words that a merchant reads. */
const codes = ['05', '51', '54', '55', '61', '75', '91'] as const
const others = ['silence', 'drop', 'garbage', 'wrongArpc', 'refer'] as const
const scripts = ['blockApplication', 'blockCard', 'unblockPin'] as const

function Answers({ n }: { n: number }) {
  const { say, act } = useBench()
  const [code, setCode] = useState<string>('05')
  const answer = (body: Readonly<Record<string, unknown>>) => act(api => api.answer(n, body))
  return (
    <fieldset class="answers">
      <legend class="unseen">{say('bench.request.answer', { n })}</legend>
      <button type="button" class="approve" onClick={() => answer({ do: 'approve' })}>
        {say('bench.request.approve')}
      </button>
      <span class="decline">
        <button type="button" class="danger" onClick={() => answer({ do: 'decline', code })}>
          {say('bench.request.decline')}
        </button>
        <select aria-label={say('bench.request.code')} value={code} onChange={event => setCode(event.currentTarget.value)}>
          {codes.map(one => (
            <option key={one} value={one}>
              {one} {say(`bench.code.${one}`)}
            </option>
          ))}
        </select>
      </span>
      <details>
        <summary>{say('bench.request.more')}</summary>
        <div class="bar">
          {others.map(one => (
            <button key={one} type="button" onClick={() => answer({ do: one })}>
              {say(`bench.request.${one}`)}
            </button>
          ))}
          <button type="button" onClick={() => answer({ do: 'late', ms: 10_000 })}>
            {say('bench.request.late', { seconds: 10 })}
          </button>
          {scripts.map(script => (
            <button key={script} type="button" onClick={() => answer({ do: 'script', script })}>
              {say(`bench.script.${script}`)}
            </button>
          ))}
        </div>
      </details>
    </fieldset>
  )
}

/** All that came with it: asked for when somebody looks. */
function InFull({ n, state }: { n: number; state: BankRequest['state'] }) {
  const { say, act } = useBench()
  const [open, setOpen] = useState(false)
  const [full, setFull] = useState<BankRequestInFull>()
  useEffect(() => {
    if (open) act(api => api.request(n)).then(setFull)
  }, [open, state])
  return (
    <details onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>{say('bench.request.full')}</summary>
      {full && full.tags.length > 0 && <Objects of={objectsOfTags(full.tags.map(({ tag, value }) => [tag, value] as const))} />}
      {full && <JsonTree value={full.message as Json} />}
    </details>
  )
}

export function Request({ request }: { request: BankRequest }) {
  const { say } = useBench()
  const { n, on, at, amount, currency, pan, state, code, reason, order, interface: way, cvm, inquiries } = request
  const good = state === 'answered' && (code === undefined || code === '00')
  return (
    <li class={`request ${state}`}>
      <p class="first">
        <b>{say(`bench.on.${on as 'order'}`)}</b> {amount && `${amount} ${currency ?? ''}`} <time>{clockText(at)}</time>
        <span class={`verdict ${state === 'held' ? 'wait' : good ? 'good' : 'bad'}`}>
          {state === 'answered' ? (code ?? say('bench.request.answered')) : say(`bench.request.${state}`)}
        </span>
      </p>
      <p class="dim">
        {[
          pan,
          way && say(`bench.way.${way as 'chip'}`),
          cvm && cvmText(say, cvm),
          order,
          reason === 'approved' ? '' : reason,
          inquiries !== undefined && say('bench.request.inquiries', { count: inquiries }),
        ]
          .filter(Boolean)
          .join(' · ')}
      </p>
      {state === 'held' && <Answers n={n} />}
      <InFull n={n} state={state} />
    </li>
  )
}
