/** What every Link must do, whatever it is made of: one suite, run over each transport. */

import { afterEach, describe, expect, it } from 'vitest'
import { concat, equal } from '../../src/bytes.ts'
import { type FaultCode, isFault } from '../../src/errors.ts'
import type { Link } from '../../src/transport/link.ts'

export interface Pair {
  readonly host: Link
  readonly device: Link
}

export interface LinkKind {
  readonly name: string
  /** Both ends of one open line. */
  open(): Promise<Pair>
  /** Releases what `open` made besides the links. */
  done?(): Promise<void>
  /** The most pieces that are sent in a row, where the line is slow or does not hold its sender back; as many as it takes when left out. */
  readonly pieces?: number
  /** Opens the host's end of a line that is there, with a signal. */
  connect?(signal: AbortSignal): Promise<Link>
  /** Bytes of the flood both ways; 1 MiB when left out. */
  readonly flood?: number
}

/** `length` bytes in which every position is told from its neighbours. */
export function pattern(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (seed + i * 31 + (i >> 8) * 7) & 0xff)
}

/** Reads until there are `length` bytes; whatever came too much in the last chunk is there too. */
export async function read(link: Link, length: number): Promise<Uint8Array> {
  let all: Uint8Array = new Uint8Array(length)
  let size = 0
  for await (const chunk of link.incoming) {
    if (chunk.length === 0) throw new Error('an empty chunk')
    if (size + chunk.length > all.length) all = concat(all, new Uint8Array(size + chunk.length - all.length))
    all.set(chunk, size)
    size += chunk.length
    if (size >= length) break
  }
  return all.subarray(0, size)
}

/** Sends in pieces of `size` bytes, or of the link's own size where that is less. */
export async function sendAll(link: Link, bytes: Uint8Array, size = Number.POSITIVE_INFINITY): Promise<void> {
  const step = Math.min(size, link.mtu, bytes.length)
  for (let at = 0; at < bytes.length; at += step) await link.send(bytes.subarray(at, at + step))
}

/** The code of the Fault that `work` ends with; anything else fails the test. */
export async function faultOf(work: Promise<unknown>): Promise<FaultCode> {
  const error = await work.then(
    () => expect.fail('a Fault was expected'),
    (error: unknown) => error,
  )
  if (!isFault(error)) throw error
  return error.code
}

export function linkContract(kind: LinkKind): void {
  describe(`link contract: ${kind.name}`, () => {
    const links: Link[] = []
    const open = async () => {
      const pair = await kind.open()
      links.push(pair.host, pair.device)
      return pair
    }
    afterEach(async () => {
      for (const link of links.splice(0)) await link.close()
      await kind.done?.()
    })

    const { pieces = Number.POSITIVE_INFINITY } = kind

    it.each([1, 3, 20, 64, Number.POSITIVE_INFINITY])('pieces of %d bytes arrive complete and in order, both ways', async size => {
      const { host, device } = await open()
      const length = Math.min(1000, pieces * Math.min(size, host.mtu))
      const there = pattern(length)
      const back = pattern(length, 99)
      const [atDevice, atHost] = await Promise.all([
        read(device, there.length),
        read(host, back.length),
        sendAll(host, there, size),
        sendAll(device, back, size),
      ])
      expect(atDevice).toEqual(there)
      expect(atHost).toEqual(back)
    })

    it('sends that are not awaited keep their order', async () => {
      const { host, device } = await open()
      const bytes = pattern(Math.min(256, pieces))
      const sends = Array.from(bytes, byte => host.send(Uint8Array.of(byte)))
      expect(await read(device, bytes.length)).toEqual(bytes)
      await Promise.all(sends)
    })

    it('every byte value passes unchanged', async () => {
      const { host, device } = await open()
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
      await sendAll(host, bytes)
      expect(await read(device, 256)).toEqual(bytes)
      await sendAll(device, bytes)
      expect(await read(host, 256)).toEqual(bytes)
    })

    it('what was sent is not changed by what the sender does with its bytes afterwards', async () => {
      const { host, device } = await open()
      const bytes = pattern(Math.min(16, host.mtu))
      await host.send(bytes)
      bytes.fill(0)
      expect(await read(device, bytes.length)).toEqual(pattern(bytes.length))
    })

    it('an empty send is nothing', async () => {
      const { host, device } = await open()
      await host.send(new Uint8Array())
      await host.send(Uint8Array.of(7))
      expect(await read(device, 1)).toEqual(Uint8Array.of(7))
    })

    it('a piece longer than the mtu is refused whole', async () => {
      const { host, device } = await open()
      if (host.mtu !== Number.POSITIVE_INFINITY) expect(await faultOf(host.send(new Uint8Array(host.mtu + 1)))).toBe('bad-argument')
      await sendAll(host, Uint8Array.of(1, 2))
      expect(await read(device, 2)).toEqual(Uint8Array.of(1, 2))
    })

    it('a reader that stops and comes back goes on where it was', async () => {
      const { host, device } = await open()
      const bytes = pattern(300)
      const seen: Uint8Array[] = []
      await sendAll(host, bytes, 100)
      for (let size = 0; size < bytes.length; ) {
        const one = await read(device, 1)
        seen.push(one)
        size += one.length
      }
      expect(concat(...seen)).toEqual(bytes)
    })

    it('a read that is given up while it waits takes nothing with it', async () => {
      const { host, device } = await open()
      const chunks = device.incoming[Symbol.asyncIterator]()
      const reading = chunks.next()
      await chunks.return?.()
      expect((await reading).done).toBe(true)
      await sendAll(host, Uint8Array.of(1, 2, 3))
      expect(await read(device, 3)).toEqual(Uint8Array.of(1, 2, 3))
    })

    it('a flood both ways at once', async () => {
      const { host, device } = await open()
      const flood = Math.min(kind.flood ?? 1 << 20, pieces * Math.min(host.mtu, 4096))
      const there = pattern(flood)
      const back = pattern(flood, 5)
      const [atDevice, atHost] = await Promise.all([
        read(device, flood),
        read(host, flood),
        sendAll(host, there, 4096),
        sendAll(device, back, 4096),
      ])
      expect(equal(atDevice, there) && equal(atHost, back)).toBe(true)
    })

    it('after the peer closed: what it had sent, then link-closed, for reads and sends', async () => {
      const { host, device } = await open()
      await sendAll(device, Uint8Array.of(1, 2, 3))
      expect(await read(host, 3)).toEqual(Uint8Array.of(1, 2, 3))
      await device.close()
      expect(await faultOf(read(host, 1))).toBe('link-closed')
      expect(await faultOf(read(host, 1))).toBe('link-closed')
      expect(await faultOf(host.send(Uint8Array.of(1)))).toBe('link-closed')
    })

    it('a local close ends a pending read without an error', async () => {
      const { host } = await open()
      const reading = read(host, 1)
      await host.close()
      expect(await reading).toEqual(new Uint8Array())
    })

    it('after a local close: sends are refused, reads are over, another close is nothing', async () => {
      const { host } = await open()
      await Promise.all([host.close(), host.close()])
      await host.close()
      expect(await faultOf(host.send(Uint8Array.of(1)))).toBe('link-closed')
      expect(await faultOf(host.send(new Uint8Array()))).toBe('link-closed')
      expect(await read(host, 1)).toEqual(new Uint8Array())
    })

    it('a close settles a send that nobody takes', async () => {
      const { host } = await open()
      const flood = (async () => {
        for (;;) await host.send(pattern(Math.min(host.mtu, 4096)))
      })()
      const ended = faultOf(flood)
      await new Promise(resolve => setTimeout(resolve, 30)) // a real line needs real time to fill
      await host.close()
      expect(await ended).toBe('link-closed')
    })

    if (kind.connect) {
      const connect = kind.connect.bind(kind)
      it('an abort before and while connecting ends it as aborted', async () => {
        await open()
        expect(await faultOf(connect(AbortSignal.abort()))).toBe('aborted')
        const controller = new AbortController()
        const connecting = connect(controller.signal)
        controller.abort()
        expect(await faultOf(connecting)).toBe('aborted')
      })
    }
  })
}
