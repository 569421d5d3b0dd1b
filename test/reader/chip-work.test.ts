/** How long a chip may work in silence: on a good line, on one that has lost something, and with a reader that was seen to be slow. */

import { expect, it } from 'vitest'
import { VirtualClock } from '../../src/clock.ts'
import { ChipWork } from '../../src/reader/work.ts'

it('a slow chip has its time on a good line, an ordinary one on a line that has lost something', async () => {
  const clock = new VirtualClock()
  const work = new ChipWork(clock, 2000)
  expect(work.patience).toBe(15_000)
  work.lost()
  expect(work.patience).toBe(2000)
  await clock.advance(599_999)
  expect(work.patience).toBe(2000)
  await clock.advance(1)
  expect(work.patience).toBe(15_000)
})

it('a reader that was seen to work for long has twice that on a bad line; what was seen on a bad line is no measure', () => {
  const work = new ChipWork(new VirtualClock(), 2000)
  work.took(4000)
  work.took(1000)
  work.lost()
  expect(work.patience).toBe(8000)
  work.took(6000)
  expect(work.patience).toBe(8000)
})

it('it is never more than a slow chip needs', () => {
  const work = new ChipWork(new VirtualClock(), 2000)
  work.took(14_000)
  work.lost()
  expect(work.patience).toBe(15_000)
})
