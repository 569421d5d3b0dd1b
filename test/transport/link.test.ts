/** The Link contract over each transport, and what is special to each. */

import { describe, expect, it } from 'vitest'
import { listen } from '../../simulator/readers/listen/listen.ts'
import { VirtualClock } from '../../src/clock.ts'
import { connect } from '../../src/transport/connect.ts'
import type { Link } from '../../src/transport/link.ts'
import { pipe } from '../../src/transport/pipe.ts'
import { streamLink } from '../../src/transport/stream.ts'
import { faultOf, type LinkKind, linkContract, pattern, read } from './link-contract.ts'

for (const options of [{ chunk: 1 }, { chunk: 3 }, { mtu: 1 }, { mtu: 16, chunk: 20 }, { mtu: 20, chunk: 64 }, { mtu: 64 }, {}])
  linkContract({
    name: `pipe ${JSON.stringify(options)}`,
    async open() {
      const [host, device] = pipe(options)
      return { host, device }
    },
  })

/** A line through the operating system: the device listens, the host connects. */
function listening(name: string, where: string): LinkKind {
  const done: (() => Promise<void>)[] = []
  let uri = ''
  return {
    name,
    async open() {
      let arrive!: (link: Link) => void
      let leave!: () => void
      const arrival = new Promise<Link>(resolve => {
        arrive = resolve
      })
      const left = new Promise<void>(resolve => {
        leave = resolve
      })
      const listening = await listen(where, link => {
        arrive(link)
        return left
      })
      uri = listening.uri
      const host = await connect(uri)
      const device = await arrival
      done.push(async () => {
        leave()
        await listening.close()
      })
      return { host, device }
    },
    connect: signal => connect(uri, { signal }),
    async done() {
      for (const one of done.splice(0)) await one()
    },
  }
}

linkContract(listening('tcp', 'tcp:0'))
linkContract(listening('serial over a pseudo-terminal', 'pty'))

describe('pipe', () => {
  it('cuts what arrives to the chunk size', async () => {
    const [a, b] = pipe({ chunk: 3 })
    await a.send(pattern(8))
    await a.close()
    const sizes: number[] = []
    await expect(
      (async () => {
        for await (const chunk of b.incoming) sizes.push(chunk.length)
      })(),
    ).rejects.toMatchObject({ code: 'link-closed', details: { by: 'peer' } })
    expect(sizes).toEqual([3, 3, 2])
  })

  it('holds the sender back while the other end does not read', async () => {
    const [a, b] = pipe({ capacity: 100 })
    await a.send(pattern(99))
    let taken = false
    const sending = a.send(pattern(1)).then(() => {
      taken = true
    })
    await new Promise(resolve => setImmediate(resolve))
    expect(taken).toBe(false)
    await read(b, 99)
    await sending
    expect(taken).toBe(true)
  })

  it('a drop is a loss for both ends, and settles what waits', async () => {
    const [a, b] = pipe({ capacity: 1 })
    const sending = faultOf(a.send(Uint8Array.of(1)))
    const reading = faultOf(read(a, 1))
    a.drop()
    expect(await sending).toBe('link-closed')
    expect(await reading).toBe('link-closed')
    expect(await read(b, 1)).toEqual(Uint8Array.of(1))
    await expect(read(b, 1)).rejects.toMatchObject({ code: 'link-closed', details: { by: 'loss' } })
  })

  it('the line hook delays without reordering, loses and changes pieces; nothing is left on the clock', async () => {
    const clock = new VirtualClock()
    const delays = [50, 0, 20]
    const [a, b] = pipe({
      clock,
      line: bytes => (bytes[0] === 0xff ? [] : [{ bytes: Uint8Array.of(bytes[0] ^ 0x80), after: delays.shift() ?? 0 }]),
    })
    for (const byte of [1, 0xff, 2, 3]) await a.send(Uint8Array.of(byte))
    const arrived = read(b, 3)
    await clock.advance(49)
    expect(clock.pending).toBe(3)
    await clock.advance(1)
    expect(await arrived).toEqual(Uint8Array.of(0x81, 0x82, 0x83))
    await a.close()
    expect(clock.pending).toBe(0)
  })

  it('what was on its way when the sender closed still arrives; a drop loses it', async () => {
    const clock = new VirtualClock()
    const line = (bytes: Uint8Array) => [{ bytes, after: 10 }]
    const [a, b] = pipe({ clock, line })
    await a.send(Uint8Array.of(1, 2))
    await a.close()
    const reading = read(b, 2)
    await clock.advance(10)
    expect(await reading).toEqual(Uint8Array.of(1, 2))
    expect(await faultOf(read(b, 1))).toBe('link-closed')

    const [c, d] = pipe({ clock, line })
    await c.send(Uint8Array.of(1))
    d.drop()
    expect(await faultOf(read(d, 1))).toBe('link-closed')
    expect(clock.pending).toBe(0)
  })
})

describe('a link over a stream', () => {
  it('settles a send whose end the stream never reports, by close and by loss', async () => {
    for (const by of ['close', 'loss'] as const) {
      const listeners = new Map<string, (value: never) => void>()
      let released = 0
      const link = streamLink(
        {
          on: (event: string, listener: (value: never) => void) => listeners.set(event, listener),
          write: () => true,
          pause() {},
          resume() {},
        },
        {
          uri: 'odd:stream',
          release: async () => {
            released++
          },
        },
      )
      const sending = link.send(Uint8Array.of(1))
      const settled = expect(sending).rejects.toMatchObject({ code: 'link-closed', details: { by } })
      if (by === 'close') await link.close()
      else listeners.get('close')?.(undefined as never)
      await settled
      await link.close()
      expect(released).toBe(1)
    }
  })
})
