/** One case: what was expected, how it ended, and its trace. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Json } from '../../../../../src/trace/event.ts'
import { LineContext } from '../../../../trace-view/detail.tsx'
import { stepsOf } from '../../../../trace-view/model.ts'
import { Outcome, ReceiptPaper } from '../../../../trace-view/outcome.tsx'
import { TraceView } from '../../../../trace-view/trace-view.tsx'
import { timeText, useView } from '../../../../trace-view/view.ts'
import { Wide } from '../../../../trace-view/wide.tsx'
import type { Expectation, ScenarioResult } from '../../../result.ts'
import type { ReportData } from '../../data.ts'
import { Changes } from '../overview/comparison.tsx'
import { timesOf } from '../overview/times.ts'
import { CaseTimes } from '../overview/times-view.tsx'
import { marks } from '../view.ts'

const text = (value: Json) => (typeof value === 'string' ? value : JSON.stringify(value))

function Row({ one: { path, expected, actual, passed, explanation } }: { one: Expectation }) {
  const { say } = useView()
  return (
    <tr class={passed ? 'passed' : 'failed'}>
      <th scope="row">
        <span class={`mark ${passed ? 'passed' : 'failed'}`} role="img" aria-label={say(`report.status.${passed ? 'passed' : 'failed'}`)}>
          {passed ? marks.passed : marks.failed}
        </span>{' '}
        <code>{path}</code>
        {(explanation ?? []).map((line, at) => (
          <div key={at} class="word">
            {line}
          </div>
        ))}
      </th>
      <td>
        <code class="text">{text(expected)}</code>
      </td>
      <td>{actual === null ? <span class="dim">{say('report.nothingThere')}</span> : <code class="text">{text(actual)}</code>}</td>
    </tr>
  )
}

function Table({ rows, label }: { rows: readonly Expectation[]; label: string }) {
  const { say } = useView()
  return (
    <Wide label={label}>
      <table>
        <thead>
          <tr>
            <th scope="col">{say('report.expectation')}</th>
            <th scope="col">{say('report.expected')}</th>
            <th scope="col">{say('report.actual')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((one, at) => (
            <Row key={at} one={one} />
          ))}
        </tbody>
      </table>
    </Wide>
  )
}

function Expectations({ of }: { of: readonly Expectation[] }) {
  const { say } = useView()
  const [held, not] = [of.filter(one => one.passed), of.filter(one => !one.passed)]
  if (of.length === 0) return null
  return (
    <section aria-labelledby="expectations">
      <h2 id="expectations">{say('report.expectations')}</h2>
      {not.length > 0 && <Table rows={not} label={say('report.status.failed')} />}
      {held.length > 0 && (
        <details open={held.length <= 4}>
          <summary>{say('report.expectations.passed', { count: held.length })}</summary>
          <Table rows={held} label={say('report.status.passed')} />
        </details>
      )}
    </section>
  )
}

function Facts({ one }: { one: ScenarioResult }) {
  const { say } = useView()
  const header = one.trace?.header
  const { reader } = header ?? {}
  const device = [reader?.model, reader?.dialect, reader?.firmware, reader?.serial].filter(Boolean).join(' · ')
  const rows: readonly (readonly [string, string | undefined])[] = [
    [say('report.reader'), [one.reader, device].filter(Boolean).join(': ')],
    [say('report.card'), one.card || header?.card],
    [say('report.file'), one.file && `${one.file}${one.line === undefined ? '' : `:${one.line}`}`],
    ...Object.entries(one.matrix),
    [say('report.tags'), one.tags.join(', ')],
    [say('report.took'), one.duration > 0 ? timeText(say, one.duration) : undefined],
    [say('report.counterTime'), timeText(say, one.virtualDuration)],
    [say('report.attempts'), one.attempts > 1 ? String(one.attempts) : undefined],
    [say('report.seed'), String(one.seed)],
    [say('report.configuration'), header?.configuration?.slice(0, 16)],
    [say('report.masked'), header?.masked.join(', ')],
  ]
  return (
    <dl class="facts">
      {rows
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}

export function Case({ data, place, event }: { data: ReportData; place: number; event: number | undefined }) {
  const { say } = useView()
  const one = data.run.results[place]
  const [selected, setSelected] = useState(event)
  const [focus, setFocus] = useState(0)
  const title = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    setSelected(event)
    title.current?.focus()
  }, [place])
  const events = one.trace?.events ?? []
  const times = useMemo(() => timesOf(stepsOf(events)), [events])
  const select = (at: number) => {
    setSelected(at)
    history.replaceState(null, '', `#/case/${place}/event/${at}`)
  }
  const lead = (at: number) => {
    select(at)
    setFocus(turn => turn + 1)
  }
  const saidAt = (at: number) => data.lines.said[data.lines.at[place]?.[at] ?? -1]
  const changed = data.comparison?.cases.filter(({ at }) => at === place) ?? []
  return (
    <>
      <h1 ref={title} tabIndex={-1}>
        {!data.traces && (
          <span class={`mark ${one.status}`} aria-hidden="true">
            {marks[one.status]}
          </span>
        )}{' '}
        {one.name} {!data.traces && <span class={`status ${one.status}`}>{say(`report.status.${one.status}`)}</span>}
      </h1>
      {one.reason && <p class="why">{one.reason}</p>}
      {one.fault && (
        <p class="why">
          {say('report.fault')}: <code>{one.fault.code}</code> {one.fault.message}
        </p>
      )}
      <Facts one={one} />
      <Expectations of={one.expectations} />
      {changed.length > 0 && data.comparison && (
        <section aria-labelledby="against">
          <h2 id="against">{say('report.against', { started: data.comparison.started })}</h2>
          <Changes cases={changed} />
        </section>
      )}
      <Outcome events={events} onStep={lead} />
      {!events.some(({ kind }) => kind === 'result') && <ReceiptPaper receipt={one.receipt} />}
      {events.length > 0 ? (
        <LineContext.Provider value={saidAt}>
          <TraceView key={place} events={events} selected={selected} focus={focus} onSelect={select} />
        </LineContext.Provider>
      ) : (
        <p class="dim">{say('report.trace.none')}</p>
      )}
      <CaseTimes times={times} />
    </>
  )
}
