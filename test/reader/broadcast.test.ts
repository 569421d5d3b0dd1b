/** Broadcast: every listener sees what comes after it began, and nothing of it outlives the listening. */

import { expect, it } from 'vitest'
import { Broadcast } from '../../src/reader/broadcast.ts'

it('each listener has its own stream, from the moment it listens', async () => {
  const events = new Broadcast<number>()
  const first = events[Symbol.asyncIterator]()
  events.send(1)
  const second = events[Symbol.asyncIterator]()
  events.send(2)
  expect([await first.next(), await first.next(), await second.next()].map(({ value }) => value)).toEqual([1, 2, 2])
})

it('leaving the loop ends the listening, also while it waits', async () => {
  const events = new Broadcast<number>()
  const waiting = events[Symbol.asyncIterator]()
  const next = waiting.next()
  expect(events.listeners).toBe(1)
  await waiting.return?.()
  expect(await next).toEqual({ value: undefined, done: true })
  events.send(1)
  expect(events.listeners).toBe(0)

  const seen: number[] = []
  const loop = (async () => {
    for await (const event of events) {
      seen.push(event)
      if (event === 2) break
    }
  })()
  for (const event of [1, 2, 3]) events.send(event)
  await loop
  expect([seen, events.listeners]).toEqual([[1, 2], 0])
})

it('the end comes after what was sent, and at once for who comes later', async () => {
  const events = new Broadcast<number>()
  const listener = events[Symbol.asyncIterator]()
  events.send(1)
  events.end()
  events.send(2)
  expect([await listener.next(), await listener.next()]).toEqual([
    { value: 1, done: false },
    { value: undefined, done: true },
  ])
  expect(await events[Symbol.asyncIterator]().next()).toEqual({ value: undefined, done: true })
  expect(events.listeners).toBe(0)
})
