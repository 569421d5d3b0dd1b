/** What the bytes of the line say in a report: each message of a payment, in one piece or in several, and nothing where nobody can tell. */

import { describe, expect, it } from 'vitest'
import { saidOfLines } from '../../../../simulator/scenario/report/line.ts'
import type { ScenarioResult } from '../../../../simulator/scenario/result.ts'
import type { TraceEvent } from '../../../../src/trace/event.ts'
import { payment, runOf } from './payments.ts'

const withEvents = (one: ScenarioResult, events: readonly TraceEvent[]): ScenarioResult => ({ ...one, trace: { ...one.trace!, events } })
const isPiece = (event: TraceEvent) => event.kind === 'link' && 'way' in event

describe('what the line says', () => {
  it.each(['qpos', 'bluepad', 'miura', 'idtech', 'magtek'])('%s: by the family’s own words', async family => {
    const one = await payment({ family, card: 'visa-signature' })
    const { said, at } = saidOfLines(runOf([one]))
    const { events } = one.trace!
    const pieces = events.flatMap((event, place) => (isPiece(event) ? [place] : []))
    const told = pieces.filter(place => at[0][place] !== undefined)
    expect(told.length / pieces.length).toBeGreaterThan(0.9)
    for (const place of told) {
      const event = events[place] as { way: string }
      for (const { from, type } of said[at[0][place]].messages) {
        expect(from).toBe(event.way === 'out' ? 'host' : 'reader')
        expect(type).not.toBe('')
      }
    }
    // The same bytes are told once.
    expect(said.length).toBeLessThanOrEqual(told.length)
  })

  it('a message in several pieces is that of each', async () => {
    const one = await payment({ family: 'miura', card: 'visa-signature' })
    const { events } = one.trace!
    const whole = events.findIndex(event => isPiece(event) && 'length' in event && event.length > 20)
    const piece = events[whole] as Extract<TraceEvent, { way: 'in' | 'out'; length: number }>
    const bytes = piece.bytes!
    const parts = [bytes.slice(0, 8), bytes.slice(8, 16), bytes.slice(16)].map(part => ({ ...piece, length: part.length / 2, bytes: part }))
    const [before, split] = [withEvents(one, [piece]), withEvents(one, parts)].map(each => saidOfLines(runOf([each])))
    expect(before.said).toEqual([{ messages: [expect.objectContaining({ text: expect.stringMatching(/\w/) })] }])
    expect(split).toEqual({ said: [{ ...before.said[0], pieces: 3 }], at: { 0: { 0: 0, 1: 0, 2: 0 } } })
  })

  it('nothing of a family that is not known, of noise, and of bytes that are not told', async () => {
    const one = await payment({ family: 'miura', card: 'visa-signature' })
    const noise: TraceEvent[] = [
      { at: 0, from: 'link', kind: 'link', way: 'in', length: 2, bytes: 'FFFF' },
      { at: 0, from: 'link', kind: 'link', way: 'out', length: 9 },
      { at: 0, from: 'link', kind: 'link', end: 'peer' },
    ] as never
    expect(saidOfLines(runOf([withEvents(one, noise)]))).toEqual({ said: [], at: {} })
    const other = { ...one, trace: { ...one.trace!, header: { ...one.trace!.header, reader: { family: 'another' } } } }
    expect(saidOfLines(runOf([other]))).toEqual({ said: [], at: {} })
  })
})
