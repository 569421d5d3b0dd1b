/** How each payment of a case ended: bits of TVR and TSI with the step that set each, data objects, and the receipt. */

import { useId, useMemo, useRef, useState } from 'preact/hooks'
import { setBits } from '../../src/emv/explain/bit-rules.ts'
import { bitName, stepName } from '../../src/messages/retold-rules.ts'
import { layout, slipRows } from '../../src/payment/receipt/print.ts'
import type { Receipt } from '../../src/payment/receipt/receipt.ts'
import type { Json, TraceEvent } from '../../src/trace/event.ts'
import { Legend, Objects } from './data-view.tsx'
import { bytesOf, objectsOfTags } from './decode.ts'
import { useGrowing } from './growing.ts'
import { objectOf, type Payment, setterOf, takePayment, textsOf } from './model.ts'
import { type Say, useView, type View } from './view.ts'
import { Wide } from './wide.tsx'

interface Props {
  readonly events: readonly TraceEvent[]
  readonly onStep: (at: number) => void
}

function Bits({ field, value, payment, events, onStep }: Props & { field: 'TVR' | 'TSI'; value: string; payment: Payment }) {
  const view = useView()
  const { say, language, rule } = view
  const bytes = bytesOf(value)
  if (!bytes) return null
  const bits = setBits(field, bytes).map(bit => ({
    ...bit,
    place: `${bit.byte}.${bit.bit}`,
    setter: bit.name === undefined ? undefined : setterOf(events, `${field} ${bit.name}`, payment),
  }))
  return (
    <section class="bits">
      <h4>{say('report.bits', { field, value })}</h4>
      <Grid bytes={bytes} />
      {bits.length === 0 && <p class="dim">{say('report.bits.none')}</p>}
      <ul>
        {bits.map(({ place, meaning, setter, rules }) => (
          <li key={place}>
            {setter === undefined ? (
              <>
                <code class="tag">{place}</code> <b>{meaning ? bitName(meaning, language) : say('report.bits.reserved')}</b>
                {rules.length > 0 && (
                  <small>{say('report.bits.noStep', { rules: rules.map(one => rule(`${one.paragraph}: ${one.when}`)).join('; ') })}</small>
                )}
              </>
            ) : (
              <button type="button" class="bit" data-bit={`${field}.${place}`} onClick={() => onStep(setter)}>
                <code class="tag">{place}</code> <b>{meaning && bitName(meaning, language)}</b>
                <small>{stepWords(view, events[setter])}</small>
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}

function stepWords({ say, language, rule }: View, event: TraceEvent): string {
  return event.kind === 'kernel' ? say('report.bits.step', { step: stepName(event.step, language), rule: rule(event.rule) }) : ''
}

/** All bits as a picture, byte by byte; the list beside it says the same in words. */
function Grid({ bytes }: { bytes: Uint8Array }) {
  return (
    <svg class="grid" aria-hidden="true" width={8 * 14 + 14} height={bytes.length * 14} viewBox={`0 0 ${8 * 14 + 14} ${bytes.length * 14}`}>
      {[...bytes].map((byte, row) => (
        <g key={row}>
          <text x="0" y={row * 14 + 10}>
            {row + 1}
          </text>
          {[8, 7, 6, 5, 4, 3, 2, 1].map((bit, column) => (
            <rect
              key={bit}
              class={byte & (1 << (bit - 1)) ? 'on' : 'off'}
              x={14 + column * 14}
              y={row * 14 + 1}
              width="12"
              height="12"
              rx="2"
            />
          ))}
        </g>
      ))}
    </svg>
  )
}

/** A slip as it would be printed; what is none is shown as it is. */
export function ReceiptPaper({ receipt }: { receipt: Json | undefined }) {
  const { say, language } = useView()
  const lines = receiptLines(receipt, language)
  if (!lines) return null
  return (
    <section class="paper">
      <h4>{say('report.receipt')}</h4>
      <pre>{lines.join('\n')}</pre>
    </section>
  )
}

function receiptLines(receipt: Json | undefined, language: 'en' | 'ru'): readonly string[] | undefined {
  if (typeof receipt === 'string') return [receipt]
  if (Array.isArray(receipt)) return receipt.map(line => (typeof line === 'string' ? line : JSON.stringify(line)))
  if (Object.keys(objectOf(receipt)).length === 0) return undefined
  try {
    return layout(slipRows(receipt as unknown as Receipt, language), 32)
  } catch {
    return Object.entries(objectOf(receipt)).map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
  }
}

const facts = ['interface', 'cvm', 'responseCode', 'hostReason', 'reversal', 'advice'] as const

/** In words; one that the table does not have as it stands. */
function resultName(say: Say, result: string): string {
  const known = results.find(one => one === result)
  return known ? say(`report.result.${known}`) : result
}

const results = ['approved', 'declined', 'cancelled', 'unknown'] as const

function Ending({ payment, number, of, events, onStep }: Props & { payment: Payment; number: number; of: number }) {
  const { say, told, reason: why } = useView()
  const { content, result, reason } = payment
  const tags = textsOf(content.tags)
  const receipt = objectOf(content.receipt)
  const [tvr, tsi] = [tags['95'] ?? receipt.tvr, tags['9B'] ?? receipt.tsi]
  const objects = objectsOfTags(Object.entries(tags))
  const said = facts.flatMap(name => (content[name] === undefined ? [] : [[name, String(content[name])] as const]))
  return (
    <>
      <h3>
        {of > 1 && `${say('report.payment', { number })}: `}
        <span class={`result ${result}`}>{resultName(say, result)}</span> {reason && why(reason)}
      </h3>
      {said.length > 0 && (
        <p class="facts">
          {said.map(([name, value]) => (
            <span key={name}>
              <small>{say(`report.fact.${name}`)}</small> {told(value)}
            </span>
          ))}
        </p>
      )}
      <div class="ending">
        <div>
          {typeof tvr === 'string' && <Bits field="TVR" value={tvr} payment={payment} events={events} onStep={onStep} />}
          {typeof tsi === 'string' && <Bits field="TSI" value={tsi} payment={payment} events={events} onStep={onStep} />}
        </div>
        {objects.length > 0 && (
          <Wide class="objects" label={say('report.data')}>
            <h4>{say('report.data')}</h4>
            <Objects of={objects} />
            <Legend of={objects} />
          </Wide>
        )}
        <ReceiptPaper receipt={content.receipt} />
      </div>
    </>
  )
}

/** @param few the last ones that are shown until all are asked for; all when left out */
export function Outcome({ events, few, onStep }: Props & { few?: number }) {
  const view = useView()
  const { say } = view
  const title = useId()
  const [whole, setWhole] = useState(false)
  const step = useRef(onStep)
  step.current = onStep
  const payments = useGrowing(events, (): Payment[] => [], takePayment)
  const from = whole || few === undefined ? 0 : Math.max(0, payments.length - few)
  // Of a payment that has ended nothing changes.
  const endings = useMemo(
    () =>
      payments
        .slice(from)
        .map((payment, at) => (
          <Ending
            key={payment.at}
            payment={payment}
            number={from + at + 1}
            of={payments.length}
            events={events}
            onStep={place => step.current(place)}
          />
        )),
    [payments, payments.length, from, view],
  )
  if (payments.length === 0) return null
  return (
    <section aria-labelledby={title}>
      <h2 id={title}>{say('report.outcome')}</h2>
      {from > 0 && (
        <button type="button" class="more" onClick={() => setWhole(true)}>
          {say('report.more', { count: payments.length })}
        </button>
      )}
      {endings}
    </section>
  )
}
