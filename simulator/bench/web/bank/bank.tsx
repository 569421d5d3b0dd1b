/** The bank: requests as they arrive, answered by its rules or by hand; accounts, and orders with what was done with them. */

import { useState } from 'preact/hooks'
import type { BankState } from '../../schema/types.ts'
import { useBench, useSelect } from '../state/view.ts'
import { Accounts, Orders } from './book.tsx'
import { Request } from './request.tsx'
import { Rules } from './rules.tsx'

const tabs = ['requests', 'rules', 'accounts', 'orders'] as const
type Tab = (typeof tabs)[number]

function Mode({ bank }: { bank: BankState }) {
  const { say, act } = useBench()
  const { answer, delay } = bank.mode
  return (
    <div class="mode">
      <fieldset class="choice">
        <legend>{say('bench.bank.answers')}</legend>
        {(['auto', 'hand'] as const).map(one => (
          <label key={one}>
            <input
              type="radio"
              name="bank-mode"
              checked={answer === one}
              onChange={() => act(api => api.setMode({ answer: one, ...(delay && { delay }) }))}
            />{' '}
            {say(`bench.bank.${one}`)}
          </label>
        ))}
      </fieldset>
      <label class="delay">
        {say('bench.bank.delay')}{' '}
        <input
          type="number"
          min="0"
          max="600"
          step="0.5"
          value={(delay ?? 0) / 1000}
          onChange={event => act(api => api.setMode({ answer, delay: Math.round(Number(event.currentTarget.value) * 1000) }))}
        />
      </label>
      <label>
        <input type="checkbox" checked={bank.gone} onChange={event => act(api => api.setGone(event.currentTarget.checked))} />{' '}
        {say('bench.bank.gone')}
      </label>
    </div>
  )
}

export function Bank() {
  const { say } = useBench()
  const bank = useSelect(state => state.bank)
  const [tab, setTab] = useState<Tab>('requests')
  const held = bank?.requests.filter(({ state }) => state === 'held').length ?? 0
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (!step) return
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length]
    setTab(next)
    document.getElementById(`bank-${next}`)?.focus()
  }
  return (
    <section class="bank" id="bank" aria-labelledby="bank-title">
      <div class="title">
        <h2 id="bank-title">{say('bench.bank')}</h2>
        {held > 0 && <span class="held-count">{say('bench.bank.held', { count: held })}</span>}
      </div>
      {bank && (
        <>
          <Mode bank={bank} />
          <div class="tabs" role="tablist" aria-labelledby="bank-title" onKeyDown={move}>
            {tabs.map(one => (
              <button
                key={one}
                id={`bank-${one}`}
                type="button"
                role="tab"
                aria-selected={tab === one}
                aria-controls="bank-content"
                tabIndex={tab === one ? 0 : -1}
                onClick={() => setTab(one)}
              >
                {say(`bench.bank.${one}`)}
                {one === 'rules' && bank.rules.length > 0 && <b class="count">{bank.rules.length}</b>}
              </button>
            ))}
          </div>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so keys must reach it */}
          <div id="bank-content" class="content" role="tabpanel" aria-labelledby={`bank-${tab}`} tabIndex={0}>
            {tab === 'requests' &&
              (bank.requests.length > 0 ? (
                <ol class="requests">
                  {bank.requests.map(one => (
                    <Request key={one.n} request={one} />
                  ))}
                </ol>
              ) : (
                <p class="dim">{say('bench.bank.quiet')}</p>
              ))}
            {tab === 'rules' && <Rules key={JSON.stringify(bank.rules)} bank={bank} />}
            {tab === 'accounts' && <Accounts bank={bank} />}
            {tab === 'orders' && <Orders bank={bank} />}
          </div>
        </>
      )}
    </section>
  )
}
