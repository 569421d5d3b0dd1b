/** The ring of events: numbers without gaps, the oldest forgotten by count and by size, never one between two; who asks for one that is gone is told the first that is there. */

import { afterEach, describe, expect, it, vi } from 'vitest'
import { Happenings } from '../../../simulator/bench/happenings.ts'
import { isFault } from '../../../src/errors.ts'

const numbers = (lines: readonly string[]) => lines.map(line => JSON.parse(line).n)

describe('what happens', () => {
  it('is kept up to a count, and up to a size', () => {
    const few = new Happenings({ events: 4, size: 1_000_000 })
    expect([few.first, few.last, few.after(0)]).toEqual([0, 0, []])
    for (let n = 1; n <= 10; n++) few.push(`{"is":${n}}`)
    expect([few.first, few.last, numbers(few.after(6))]).toEqual([7, 10, [7, 8, 9, 10]])
    const small = new Happenings({ events: 1000, size: 200 })
    for (let n = 1; n <= 50; n++) small.push(`{"is":"${'x'.repeat(n)}"}`)
    expect(small.last).toBe(50)
    expect(numbers(small.after(small.first - 1))).toEqual(Array.from({ length: small.last - small.first + 1 }, (_, at) => small.first + at))
    expect(small.after(small.first - 1).join('').length).toBeLessThanOrEqual(200)
    small.push(`{"is":"${'x'.repeat(500)}"}`) // longer than all that is kept: it is kept alone
    expect([small.first, small.last]).toEqual([51, 51])
  })

  it('is asked for from a number on: part of it, none, or one that is gone', () => {
    const ring = new Happenings({ events: 4, size: 1_000_000 })
    for (let n = 1; n <= 10; n++) ring.push('{}', 'r1')
    expect(ring.after(8)).toEqual(['{"n":9,"reader":"r1","event":{}}', '{"n":10,"reader":"r1","event":{}}'])
    expect(numbers(ring.after(6, 2))).toEqual([7, 8])
    expect(ring.after(10)).toEqual([])
    expect(ring.after(99)).toEqual([])
    expect(() => ring.after(5)).toThrow(expect.toSatisfy(error => isFault(error, 'not-found') && error.details.first === 7))
  })

  it('wakes who waits, once, and lets go of who has left and of everybody at the end', async () => {
    const ring = new Happenings()
    const stay = new AbortController()
    const leave = new AbortController()
    const told: string[] = []
    const waiting = [
      ring.beyond(0, stay.signal).then(() => told.push('stays')),
      ring.beyond(0, leave.signal).then(() => told.push('leaves')),
    ]
    leave.abort()
    await waiting[1]
    expect(told).toEqual(['leaves'])
    ring.push('{}')
    ring.push('{}')
    await waiting[0]
    expect(told).toEqual(['leaves', 'stays'])
    const last = ring.beyond(2, stay.signal)
    ring.end()
    await last
    ring.push('{}')
    expect([ring.last, ring.ended]).toEqual([2, true])
  })

  describe('to those who hear it in company', () => {
    afterEach(() => void vi.useRealTimers())

    it('is told together, some 30 ms apart; what somebody sees waits for nothing, and takes with it what came before', async () => {
      vi.useFakeTimers()
      const ring = new Happenings()
      const { signal } = new AbortController()
      const told: number[] = []
      const hear = async () => {
        for (let at = 0; !ring.ended; at = ring.together) {
          await ring.beyond(at, signal, true)
          told.push(ring.together)
        }
      }
      const hearing = [hear(), hear()]
      const within = async (ms: number) => {
        await vi.advanceTimersByTimeAsync(ms)
        return told.splice(0)
      }
      ring.push('{}') // alone: at once
      expect(await within(2)).toEqual([1, 1])
      for (let n = 2; n <= 20; n++) ring.push('{}')
      expect(await within(20)).toEqual([])
      ring.push('{}')
      expect(await within(10)).toEqual([21, 21])
      ring.push('{}')
      ring.push('{}', undefined, true)
      expect(await within(5)).toEqual([23, 23])
      expect(await within(1000)).toEqual([])
      expect(vi.getTimerCount()).toBe(0)
      ring.push('{}')
      ring.end()
      expect(await within(1)).toEqual([24, 24])
      await Promise.all(hearing)
    })

    it('is told in the same pieces to all, from whichever number they come', async () => {
      const ring = new Happenings()
      for (let n = 1; n <= 30; n++) ring.push('{}')
      await ring.beyond(0, new AbortController().signal, true)
      ring.push('{}')
      expect([ring.together, ring.last]).toEqual([30, 31])
      expect(numbers(ring.after(27, undefined, ring.together))).toEqual([28, 29, 30])
      expect(ring.after(30, undefined, ring.together)).toEqual([])
    })
  })
})
