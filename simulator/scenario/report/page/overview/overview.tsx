/** The first page: what was run and how it went, what failed, what changed, the matrix, and the times. */

import { useMemo } from 'preact/hooks'
import { timeText, useView } from '../../../../trace-view/view.ts'
import type { CaseStatus, RunReport, ScenarioResult } from '../../../result.ts'
import type { ReportData } from '../../data.ts'
import { marks } from '../view.ts'
import { ComparisonView } from './comparison.tsx'
import { Matrix, statuses } from './matrix.tsx'
import { timesOfRun } from './times.ts'
import { Times } from './times-view.tsx'

function Summary({ run, traces }: { run: RunReport; traces: boolean }) {
  const { say, language } = useView()
  const counts = statuses.map(status => ({ status, count: run.results.filter(one => one.status === status).length }))
  const events = run.results.reduce((sum, { trace }) => sum + (trace?.events.length ?? 0), 0)
  const number = (value: number) => value.toLocaleString(language)
  const rows: readonly (readonly [string, string | undefined])[] = [
    [say('report.started'), run.started],
    [say('report.took'), run.duration > 0 ? timeText(say, run.duration) : undefined],
    [say('report.cases'), number(run.results.length)],
    [say('report.events'), number(events)],
    [say('report.seed'), String(run.seed)],
    [say('report.shard'), run.shard],
    [
      say('report.versions'),
      Object.entries(run.versions)
        .map(one => one.join(' '))
        .join(', '),
    ],
  ]
  return (
    <section aria-labelledby="summary">
      <h2 id="summary">{say('report.summary')}</h2>
      {!traces && <Counts counts={counts} of={number} />}
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
    </section>
  )
}

interface CountsProps {
  readonly counts: readonly { readonly status: CaseStatus; readonly count: number }[]
  readonly of: (count: number) => string
}

function Counts({ counts, of }: CountsProps) {
  const { say } = useView()
  return (
    <>
      <div class="share" aria-hidden="true">
        {counts
          .filter(({ count }) => count > 0)
          .map(({ status, count }) => (
            <span key={status} class={status} style={{ flexGrow: count }} />
          ))}
      </div>
      <ul class="counts">
        {counts.map(({ status, count }) => (
          <li key={status} class={count > 0 ? status : 'zero'}>
            <b>{of(count)}</b> {say(`report.status.${status}`)}
          </li>
        ))}
      </ul>
    </>
  )
}

function whyOf({ reason, fault, expectations }: ScenarioResult): string {
  const first = expectations.find(({ passed }) => !passed)
  return reason ?? (fault ? `${fault.code}: ${fault.message}` : first ? `${first.path}` : '')
}

function Failures({ results }: { results: readonly ScenarioResult[] }) {
  const { say } = useView()
  const found = results.flatMap((one, at) => (one.status === 'failed' || one.status === 'flaky' ? [{ one, at }] : []))
  return (
    <section aria-labelledby="failures">
      <h2 id="failures">{say('report.failures')}</h2>
      {found.length === 0 ? (
        <p class="good">
          <span aria-hidden="true">✓</span> {say('report.noFailures')}
        </p>
      ) : (
        <ul class="failures">
          {found.map(({ one, at }) => (
            <li key={at}>
              <span class={`mark ${one.status}`} role="img" aria-label={say(`report.status.${one.status}`)}>
                {marks[one.status]}
              </span>
              <span>
                <a href={`#/case/${at}`}>{one.name}</a> <small>{[one.card, one.reader].join(' · ')}</small>
                <span class="why">{whyOf(one)}</span>
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

export function Overview({ data: { run, comparison, traces } }: { data: ReportData }) {
  const { say } = useView()
  const times = useMemo(() => timesOfRun(run.results), [run])
  return (
    <>
      <h1>{say('report.title', { suite: run.suite })}</h1>
      <div class="pair">
        <Summary run={run} traces={traces === true} />
        {!traces && <Failures results={run.results} />}
      </div>
      {comparison && <ComparisonView comparison={comparison} />}
      <Matrix results={run.results} />
      <Times times={times} id="times" />
    </>
  )
}
