/** The line of a counter's reader: one host at a time, in memory as over TCP, and the next at once when the one before has closed it. */

import { createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import { type Counter, virtualCounter } from '../../../simulator/world.ts'
import { dialects } from '../../devices/bad-lines.ts'

const counters: Counter[] = []
afterEach(async () => {
  for (const counter of counters.splice(0)) await counter.close()
})

async function counterOf(options: Parameters<typeof virtualCounter>[0]): Promise<Counter> {
  const counter = await virtualCounter(options)
  counters.push(counter)
  return counter
}

describe.each(dialects)('$family $dialect', named => {
  it('a second link while one is open is refused at once, and the first goes on', async () => {
    const counter = await counterOf(named)
    const reader = await open(counter.link(), named)
    expect(() => counter.link()).toThrow(expect.objectContaining({ code: 'busy' }))
    expect(await reader.status()).toBeDefined()
    await reader.close()
  })

  it('opened in the tick after it was closed, ten times over: it answers', async () => {
    const counter = await counterOf(named)
    for (let round = 0; round < 10; round++) {
      const reader = await open(counter.link(), named)
      await reader.close()
    }
  })

  it('opened in the very tick in which it is closed, with a payment under way', async () => {
    const counter = await counterOf({ ...named, pace: { present: 60_000 } })
    const first = await open(counter.link(), named)
    const events = first.events[Symbol.asyncIterator]()
    const paying = first.transact(
      { amount: 100n, currency: { alpha: 'RUB', numeric: 643, exponent: 2 } },
      { selectApplication: async () => 0, authorise: async () => ({ type: 'unableToGoOnline' }) },
    )
    await events.next()
    const closing = first.close()
    await paying.catch(() => {})
    await closing
    const second = await open(counter.link(), named)
    expect(second.info.family).toBe(named.family)
    await second.close()
  })

  it('over TCP: turned away while another host is there, taken in the tick after that has closed', async () => {
    const counter = await counterOf({ ...named, listen: 'tcp:0' })
    const first = await open(counter.uri)
    await expect(open(counter.uri)).rejects.toMatchObject({ code: 'busy', details: { uri: counter.uri } })
    // In memory too, while the one over TCP is there.
    await expect(open(counter.link(), named)).rejects.toMatchObject({ code: 'busy' })
    await first.close()
    for (let round = 0; round < 5; round++) {
      const next = await open(counter.uri)
      await next.close()
    }
    const inMemory = await open(counter.link(), named)
    await expect(open(counter.uri)).rejects.toMatchObject({ code: 'busy' })
    expect(await inMemory.status()).toBeDefined()
    await inMemory.close()
  })

  it('over TCP: one that is gone while it is opened is lost, not busy', async () => {
    for (const goes of [(socket: Socket) => socket.end(), (socket: Socket) => socket.resetAndDestroy()]) {
      const server = createServer(socket => socket.on('error', () => {}).once('data', () => goes(socket)))
      await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
      const { port } = server.address() as { port: number }
      await expect(open(`tcp://127.0.0.1:${port}`, named)).rejects.toMatchObject({ code: 'link-closed' })
      server.close()
    }
  })
})
