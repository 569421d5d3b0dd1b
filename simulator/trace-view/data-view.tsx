/** Data objects, hex and JSON as the page shows them: nested lists, nothing of which is more than text. */

import type { ComponentChildren } from 'preact'
import { type Certainty, unsureIn } from '../../src/tlv/certainty.ts'
import type { Described, Description } from '../../src/tlv/print.ts'
import type { Json } from '../../src/trace/event.ts'
import { objectOfTag, surely } from './decode.ts'
import { useView } from './view.ts'

export function Hex({ digits }: { digits: string }) {
  return <code class="hex">{digits.replace(/(..)(?=.)/g, '$1 ')}</code>
}

/** Bytes of a value that are shown at once; a certificate is opened by who wants it. */
const FEW = 40

function LongHex({ digits }: { digits: string }) {
  if (digits.length <= FEW * 2) return <Hex digits={digits} />
  return (
    <details class="long">
      <summary>
        <Hex digits={digits.slice(0, FEW)} /> …
      </summary>
      <Hex digits={digits} />
    </details>
  )
}

/** What was not seen in a specification says so; what that means is told where the mark is pointed at, and at the end of the part (`Legend`). */
function Mark({ of }: { of: Certainty | undefined }) {
  const { say } = useView()
  if (of === undefined || of === 'seen') return null
  return (
    <small class="mark-certainty" title={say(`report.certainty.${of}`)}>
      [{say(`report.mark.${of}`)}]
    </small>
  )
}

/** The marks that some data objects have, explained. */
export function Legend({ of }: { of: unknown }) {
  const { say } = useView()
  const unsure = [...unsureIn(of)]
  return unsure.length === 0 ? null : (
    <p class="dim small">{unsure.map(one => `[${say(`report.mark.${one}`)}]: ${say(`report.certainty.${one}`)}`).join('; ')}</p>
  )
}

function Item({ one }: { one: Described }) {
  const { say, told } = useView()
  return (
    <li>
      <code class="tag">{one.tag}</code> {one.name ?? <i>{say('report.unknownTag')}</i>} <Mark of={one.certainty} />{' '}
      <small>{one.length}</small> {one.value !== undefined && one.value !== '' && <LongHex digits={one.value} />}
      {(one.words ?? []).map((word, at) => (
        <div key={at} class="word">
          {told(word)} <Mark of={one.wordsCertainty?.[at]} />
        </div>
      ))}
      {one.guessed && <div class="guess">? {told(one.guessed)}</div>}
      {one.children && <Objects of={one.children} />}
      {(one.wrong ?? []).map((word, at) => (
        <div key={at} class="wrong">
          ! {told(word)}
        </div>
      ))}
    </li>
  )
}

export function Objects({ of }: { of: readonly Described[] }) {
  return (
    <ul class="tree">
      {of.map((one, at) => (
        <Item key={at} one={one} />
      ))}
    </ul>
  )
}

export function Tree({ of: { objects, stopped } }: { of: Description }) {
  const { told } = useView()
  return (
    <>
      <Objects of={objects} />
      {stopped && <div class="wrong">! {`${told(stopped.rule)} (${stopped.offset})`}</div>}
    </>
  )
}

/** Hex, and what it says where it is surely TLV. */
export function Bytes({ digits, answerTo }: { digits: string; answerTo?: number }) {
  const tree = surely(digits, answerTo)
  return tree ? <Tree of={tree} /> : <Hex digits={digits} />
}

function Value({ name, value }: { name: string; value: Json }): ComponentChildren {
  const { told } = useView()
  if (typeof value === 'object' && value !== null) return <JsonTree value={value} />
  if (typeof value !== 'string') return <code>{String(value)}</code>
  const one = objectOfTag(name, value)
  if (one?.name)
    return (
      <>
        {one.name} <Hex digits={one.value ?? ''} />
        {(one.words ?? []).map((word, at) => (
          <div key={at} class="word">
            {told(word)}
          </div>
        ))}
      </>
    )
  const tree = value.length >= 12 ? surely(value) : undefined
  return tree ? <Tree of={tree} /> : <code class="text">{value}</code>
}

/** A value of JSON; hex under the name of a tag is that data object, and hex that is TLV is opened. */
export function JsonTree({ value }: { value: Json }) {
  if (typeof value !== 'object' || value === null) return <Value name="" value={value} />
  const entries = Array.isArray(value) ? value.map((one, at) => [String(at + 1), one] as const) : Object.entries(value)
  return (
    <ul class="tree json">
      {entries.map(([name, one]) => (
        <li key={name}>
          <code class="tag">{name}</code> <Value name={Array.isArray(value) ? '' : name} value={one as Json} />
        </li>
      ))}
    </ul>
  )
}
