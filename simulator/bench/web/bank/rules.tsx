/** Rules of the bank: ready ones by a click, and all of them as text. */

import { useState } from 'preact/hooks'
import type { BankState } from '../../schema/types.ts'
import { useBench } from '../state/view.ts'

type Rule = Readonly<Record<string, unknown>>

/** What is often wanted, by the words that name it. */
const ready = {
  noMoney: { do: 'decline', code: '51', reason: 'Not sufficient funds' },
  lost: { do: 'dropAnswer', times: 1 },
  silent: { do: 'silence', on: ['authorisation', 'status'] },
  slow: { do: 'delay', ms: 15_000 },
  wrongArpc: { do: 'wrongArpc' },
  unblock: { do: 'unblockPin' },
} as const satisfies Readonly<Record<string, Rule>>

const names = Object.keys(ready) as (keyof typeof ready)[]

export function Rules({ bank }: { bank: BankState }) {
  const { say, act } = useBench()
  const before = JSON.stringify(bank.rules, null, 2)
  const [text, setText] = useState(before)
  const set = (rules: readonly Rule[], magicAmounts = bank.magicAmounts) => act(api => api.setRules({ rules, magicAmounts }))
  const parsed = (() => {
    try {
      const value: unknown = JSON.parse(text)
      return Array.isArray(value) ? (value as Rule[]) : undefined
    } catch {
      return undefined
    }
  })()
  return (
    <div class="rules">
      <div class="bar">
        {names.map(name => (
          <button key={name} type="button" onClick={() => set([...bank.rules, ready[name]])}>
            + {say(`bench.rule.${name}`)}
          </button>
        ))}
        <button type="button" disabled={bank.rules.length === 0} onClick={() => set([])}>
          {say('bench.rule.none')}
        </button>
      </div>
      <label>
        <input type="checkbox" checked={bank.magicAmounts} onChange={event => set(bank.rules, event.currentTarget.checked)} />{' '}
        {say('bench.rule.magic')}
      </label>
      <form
        onSubmit={event => {
          event.preventDefault()
          if (parsed) set(parsed)
        }}
      >
        <label class="block">
          {say('bench.rule.text')}
          <textarea rows={9} spellcheck={false} value={text} aria-invalid={!parsed} onInput={event => setText(event.currentTarget.value)} />
        </label>
        <button type="submit" disabled={!parsed || text === before}>
          {say('bench.rule.take')}
        </button>
      </form>
    </div>
  )
}
