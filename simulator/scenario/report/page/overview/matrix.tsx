/** The matrix of a run, with its filter; each mark leads to its case. */

import { useMemo, useState } from 'preact/hooks'
import { Filter } from '../../../../trace-view/choices.tsx'
import { useView } from '../../../../trace-view/view.ts'
import { Wide } from '../../../../trace-view/wide.tsx'
import type { CaseStatus, ScenarioResult } from '../../../result.ts'
import { marks } from '../view.ts'
import { type MatrixRow, matrixOf, type Placed } from './matrix-plan.ts'

/** Rows that are shown until all are asked for. */
const FEW = 400
export const statuses = ['passed', 'failed', 'flaky', 'skipped'] as const satisfies readonly CaseStatus[]

function Mark({ at, result }: Placed) {
  const { say } = useView()
  const values = Object.values(result.matrix).join(', ')
  const told = `${say(`report.status.${result.status}`)}: ${result.name}${values ? '' : `, ${result.card}, ${result.reader}`}`
  return (
    <a class={`mark ${result.status}`} href={`#/case/${at}`} aria-label={told} title={told}>
      {marks[result.status]}
    </a>
  )
}

function Row({ name, card, cells, first }: MatrixRow & { first: boolean }) {
  const { say } = useView()
  return (
    <tr class={first ? 'first' : ''}>
      <th scope="row">
        <span class={first ? '' : 'again'}>{name}</span>
      </th>
      <td class="card">{card}</td>
      {cells.map((cell, at) => (
        <td key={at} class="cell">
          {cell.map(one => (
            <Mark key={one.at} {...one} />
          ))}
          {cell.length === 0 && (
            <span class="dim" role="img" aria-label={say('report.status.none')}>
              ·
            </span>
          )}
        </td>
      ))}
    </tr>
  )
}

export function Matrix({ results }: { results: readonly ScenarioResult[] }) {
  const { say } = useView()
  const [text, setText] = useState('')
  const [status, setStatus] = useState<CaseStatus | undefined>()
  const [whole, setWhole] = useState(false)
  const matrix = useMemo(() => matrixOf(results, text, status), [results, text, status])
  const rows = whole ? matrix.rows : matrix.rows.slice(0, FEW)
  return (
    <section aria-labelledby="matrix">
      <h2 id="matrix">{say('report.matrix')}</h2>
      <div class="bar">
        <Filter label={say('report.filter')} placeholder={say('report.filter.cases')} text={text} onText={setText} />
        <fieldset class="choice">
          <legend>{say('report.field.status')}</legend>
          {[undefined, ...statuses].map(one => (
            <label key={one ?? 'all'}>
              <input type="radio" name="status" checked={status === one} onChange={() => setStatus(one)} />{' '}
              {one ? say(`report.status.${one}`) : say('report.all')}
            </label>
          ))}
        </fieldset>
        <output class="dim">{say('report.shown', { shown: matrix.count, count: results.length })}</output>
      </div>
      {rows.length === 0 ? (
        <p class="dim">{say('report.nothing')}</p>
      ) : (
        <Wide class="matrix" of="matrix">
          <table>
            <thead>
              <tr>
                <th scope="col">{say('report.case')}</th>
                <th scope="col">{say('report.card')}</th>
                {matrix.readers.map(reader => (
                  <th key={reader} scope="col" class="cell">
                    {reader}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, at) => (
                <Row key={`${row.name}\n${row.card}`} {...row} first={rows[at - 1]?.name !== row.name} />
              ))}
            </tbody>
          </table>
        </Wide>
      )}
      {rows.length < matrix.rows.length && (
        <button type="button" onClick={() => setWhole(true)}>
          {say('report.more', { count: matrix.rows.length })}
        </button>
      )}
    </section>
  )
}
