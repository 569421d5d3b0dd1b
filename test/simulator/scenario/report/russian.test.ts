/** A report in Russian says nothing in English but names: of data objects, of commands, and those that the field has in English alone. What stands as code (hex, JSON, a family's message) is data. */

import type { ComponentType } from 'preact'
import { beforeAll, describe, expect, it } from 'vitest'
import { kernelDictionaries } from '../../../../src/tlv/kernels.ts'
import { general } from '../../../../src/tlv/tags.ts'
import type { TraceEvent } from '../../../../src/trace/event.ts'
import { englishIn } from '../../../english.ts'
import { payment } from './payments.ts'

const names = [general, ...Object.values(kernelDictionaries)]
  .flatMap(dictionary => [...dictionary.values()].map(({ name }) => name))
  .toSorted((one, other) => other.length - one.length)

/** Text of a page without what is code, without the names of data objects, and those of messages and events, which head what is said of one. */
function textOf(html: string, kind?: TraceEvent['kind']): string[] {
  const told = kind === undefined || kind === 'kernel' || kind === 'span' || kind === 'result' || kind === 'apdu'
  return (told ? html : html.replace(/<h3>[\s\S]*?<\/h3>/g, ''))
    .replace(/<(code|pre|canvas|svg)\b[\s\S]*?<\/\1>/g, '<i>')
    .replace(/<\/?(?:small|b|span)\b[^>]*>/g, ' ')
    .split(/<[^>]*>/)
    .map(text => text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&lt;', '<').trim())
    .map(text => names.reduce((left, name) => left.replace(name, ''), text))
    .filter(text => text !== '' && !/^[a-z]{2}(?:, [a-z]{2})*$|^[a-z]+\.\w+$/.test(text)) // languages; the id of a message
}

describe('a report in Russian', () => {
  let draw: (what: 'Detail' | 'Outcome', props: object) => string
  const cases: (readonly TraceEvent[])[] = []

  beforeAll(async () => {
    const view = '../../../../simulator/trace-view'
    const [{ Detail }, { Outcome }, { ViewContext, viewIn }] = (await Promise.all(['detail.tsx', 'outcome.tsx', 'view.ts'].map(file => import(`${view}/${file}` as string)))) as Record<string, unknown>[] // biome-ignore format: one line
    const { h } = await import('preact')
    const { render } = await import('preact-render-to-string')
    const parts: Readonly<Record<string, unknown>> = { Detail, Outcome }
    draw = (what, props) =>
      render(h((ViewContext as { Provider: ComponentType<never> }).Provider, { value: (viewIn as (language: string) => unknown)('ru'), children: h(parts[what] as ComponentType, props as never) } as never)) // biome-ignore format: one line
    for (const one of [{}, { card: 'visa-signature', present: 'tap' }, { card: 'cb-mastercard', present: 'tap', amount: 90_000n }] as const)
      cases.push((await payment(one)).trace!.events) // biome-ignore format: one line
  })

  it.each([0, 1, 2])('of payment %i: how it ended, and each event', number => {
    const events = cases[number]
    const left = new Set<string>()
    const look = (html: string, kind?: TraceEvent['kind']) => {
      for (const text of textOf(html, kind)) if (englishIn(text).length > 0) left.add(text)
    }
    look(draw('Outcome', { events, onStep: () => {} }))
    for (const [at, { kind }] of events.entries()) look(draw('Detail', { events, at }), kind)
    expect([...left]).toEqual([])
  })
})
