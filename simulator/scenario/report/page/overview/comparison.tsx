/** What became another since an earlier run: cases that changed, with each thing that did. */

import { setBits } from '../../../../../src/emv/explain/bit-rules.ts'
import { bytesOf, objectOfTag } from '../../../../trace-view/decode.ts'
import { type Say, useView } from '../../../../trace-view/view.ts'
import { Wide } from '../../../../trace-view/wide.tsx'
import type { Change, ChangedCase, Comparison } from '../../data.ts'

const fields = ['status', 'result', 'reason', 'cvm', 'interface', 'screens', 'payments'] as const

function nameOf(say: Say, what: string): string {
  const field = fields.find(one => one === what)
  return field ? say(`report.field.${field}`) : (objectOfTag(what, '')?.name ?? '')
}

/** A value with what it says: of TVR and TSI the bits that are set. */
function Told({ what, value }: { what: string; value: string | undefined }) {
  const { say, bit: named, told } = useView()
  if (value === undefined) return <span class="dim">{say('report.nothingThere')}</span>
  const bytes = what === '95' || what === '9B' ? bytesOf(value) : undefined
  const words = bytes ? setBits(what === '95' ? 'TVR' : 'TSI', bytes).map(({ byte, bit, meaning }) => `${byte}.${bit} ${named(meaning ?? '')}`) : (objectOfTag(what, value)?.words ?? []).map(told) // biome-ignore format: one line
  return (
    <>
      <code class="text">{value}</code>
      {words.map((word, at) => (
        <div key={at} class="word">
          {word}
        </div>
      ))}
    </>
  )
}

function Row({ one, change, rows, first }: { one: ChangedCase; change: Change; rows: number; first: boolean }) {
  const { say } = useView()
  const name = (
    <>
      {one.name} <small>{[one.card, one.reader].filter(Boolean).join(' · ')}</small>
    </>
  )
  const isTag = !fields.some(field => field === change.what)
  return (
    <tr class={first ? 'first' : ''}>
      {first && (
        <th scope="rowgroup" rowSpan={rows}>
          {one.at === undefined ? name : <a href={`#/case/${one.at}`}>{name}</a>}
          {one.kind !== 'changed' && <span class="note">{say(`report.against.${one.kind}`)}</span>}
        </th>
      )}
      <td>
        {isTag && <code class="tag">{change.what}</code>} {nameOf(say, change.what)}
      </td>
      <td>
        <Told what={change.what} value={change.before} />
      </td>
      <td>
        <Told what={change.what} value={change.now} />
      </td>
    </tr>
  )
}

export function Changes({ cases }: { cases: readonly ChangedCase[] }) {
  const { say } = useView()
  return (
    <Wide of="against">
      <table class="changes">
        <thead>
          <tr>
            <th scope="col">{say('report.case')}</th>
            <th scope="col">{say('report.against.what')}</th>
            <th scope="col">{say('report.against.before')}</th>
            <th scope="col">{say('report.against.now')}</th>
          </tr>
        </thead>
        {cases.map((one, at) => (
          <tbody key={at}>
            {one.changes.map((change, row) => (
              <Row key={change.what} one={one} change={change} rows={one.changes.length} first={row === 0} />
            ))}
          </tbody>
        ))}
      </table>
    </Wide>
  )
}

export function ComparisonView({ comparison }: { comparison: Comparison }) {
  const { say } = useView()
  const { cases, same, started, varies } = comparison
  const count = (kind: ChangedCase['kind']) => cases.filter(one => one.kind === kind).length
  const counts = { changed: count('changed'), added: count('added'), gone: count('gone'), same }
  return (
    <section aria-labelledby="against">
      <h2 id="against">{say('report.against', { started })}</h2>
      <p>{cases.length === 0 ? say('report.against.same') : say('report.against.counts', counts)}</p>
      {cases.length > 0 && <Changes cases={cases} />}
      <p class="dim small">{say('report.against.varies', { tags: varies.join(', ') })}</p>
    </section>
  )
}
