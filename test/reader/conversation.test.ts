/** Conversation over a pipe, with a toy family: A5, length, payload, LRC. */

import { afterEach, describe, expect, it } from 'vitest'
import { concat, fromText, lrc, text } from '../../src/bytes.ts'
import { VirtualClock } from '../../src/clock.ts'
import { Fault } from '../../src/errors.ts'
import type { AskOptions, ConversationOptions } from '../../src/reader/conversation.ts'
import { Conversation } from '../../src/reader/conversation.ts'
import type { Side } from '../../src/reader/side.ts'
import type { PipeOptions } from '../../src/transport/pipe.ts'
import { pipe } from '../../src/transport/pipe.ts'
import { faultOf } from '../transport/link-contract.ts'

const toy: Side<string, string> = {
  encode(message) {
    if (message.length > 255) throw new Fault('bad-argument', `message of ${message.length} bytes, 255 fit`)
    return concat(Uint8Array.of(0xa5, message.length), fromText(message), Uint8Array.of(lrc(fromText(message))))
  },
  decoder() {
    let rest: Uint8Array = new Uint8Array()
    const scan = (quiet: boolean) => {
      const found: string[] = []
      for (let at = 0; at < rest.length; ) {
        const end = at + 2 + rest[at + 1]
        if (rest[at] !== 0xa5) at++
        else if (!(end < rest.length)) {
          if (!quiet) return keep(at, found)
          at++
        } else if (lrc(rest.subarray(at + 2, end)) === rest[end]) {
          found.push(text(rest.subarray(at + 2, end)))
          at = end + 1
        } else at++
      }
      return keep(rest.length, found)
    }
    const keep = (from: number, found: string[]) => {
      rest = rest.slice(from)
      return found
    }
    return {
      push(chunk) {
        rest = concat(rest, chunk)
        return scan(false)
      },
      idle: () => scan(true),
    }
  },
}

describe('Conversation', () => {
  let clock: VirtualClock
  const opened: Conversation<string, string>[] = []

  function counter(options: ConversationOptions<string> = {}, line: PipeOptions = {}) {
    clock = new VirtualClock()
    const [hostLink, deviceLink] = pipe({ clock, ...line })
    const host = new Conversation(hostLink, toy, { clock, ...options })
    const device = new Conversation(deviceLink, toy, { clock })
    opened.push(host, device)
    return { host, device, hostLink, deviceLink }
  }

  /** Everything a device hears, answered by `answer`, where it gives one. */
  async function respond(device: Conversation<string, string>, answer: (heard: string) => string | undefined): Promise<void> {
    for await (const heard of device.incoming) {
      const reply = answer(heard)
      if (reply !== undefined) await device.tell(reply)
    }
  }

  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close()
    expect(clock.pending).toBe(0)
  })

  it.each([1, 2, 20, undefined])('asks and is answered, with an mtu of %s', async mtu => {
    const { host, device } = counter({}, { mtu })
    const responding = respond(device, heard => `${heard}!`)
    expect(await host.ask('hello')).toBe('hello!')
    expect(await Promise.all(['a', 'b', 'c'].map(one => host.ask(one)))).toEqual(['a!', 'b!', 'c!'])
    await host.close()
    await expect(responding).rejects.toMatchObject({ code: 'link-closed' })
  })

  it('puts one ask on the line at a time; a tell does not wait for it', async () => {
    const { host, device } = counter()
    const first = host.ask('one')
    const second = host.ask('two')
    await host.tell('cancel')
    expect(await device.incoming.next()).toBe('one')
    expect(await device.incoming.next()).toBe('cancel')
    await clock.advance(1000)
    expect(device.incoming.size).toBe(0)
    await device.tell('1')
    expect(await first).toBe('1')
    expect(await device.incoming.next()).toBe('two')
    await device.tell('2')
    expect(await second).toBe('2')
  })

  it('gives what no ask accepts to incoming, in order', async () => {
    const { host, device } = counter()
    await device.tell('boot')
    const asking = host.ask('status', { accept: message => message.startsWith('status') })
    await device.incoming.next()
    await device.tell('card inserted')
    await device.tell('status ok')
    await device.tell('card removed')
    expect(await asking).toBe('status ok')
    expect(await host.incoming.next()).toBe('boot')
    expect(await host.incoming.next()).toBe('card inserted')
    expect(await host.incoming.next()).toBe('card removed')
  })

  it('times out each ask after its own time on the line', async () => {
    const { host } = counter({ grace: 0 })
    const start = clock.now()
    const ends = [1000, 700].map(timeout => faultOf(host.ask('one', { timeout })).then(code => [code, clock.now() - start]))
    expect(await clock.settle(Promise.all(ends))).toEqual([
      ['timeout', 1000],
      ['timeout', 1700],
    ])
  })

  it('holds the next ask back until the late answer came, and never gives it that answer', async () => {
    const late: string[] = []
    const { host, device } = counter({ onLate: message => late.push(message) })
    const first = host.ask('one', { timeout: 1000 })
    const second = host.ask('two')
    const failed = faultOf(first)
    await clock.advance(1000)
    expect(await failed).toBe('timeout')
    expect(await device.incoming.next()).toBe('one')
    await clock.advance(200)
    expect(device.incoming.size).toBe(0)
    await device.tell('answer to one')
    expect(await device.incoming.next()).toBe('two')
    await device.tell('answer to two')
    expect(await second).toBe('answer to two')
    expect(late).toEqual(['answer to one'])
    expect(host.incoming.size).toBe(0)
  })

  it('lets the next ask go when no late answer came within the grace', async () => {
    const { host, device } = counter({ grace: 250 })
    const controller = new AbortController()
    const first = faultOf(host.ask('one', { signal: controller.signal }))
    expect(await device.incoming.next()).toBe('one')
    controller.abort()
    expect(await first).toBe('aborted')
    const second = host.ask('two')
    await clock.advance(249)
    expect(device.incoming.size).toBe(0)
    await clock.advance(1)
    expect(await device.incoming.next()).toBe('two')
    await device.tell('2')
    expect(await second).toBe('2')
  })

  it('with an exact accept a late answer after the grace goes to incoming, not to another ask', async () => {
    const { host, device } = counter({ grace: 0 })
    const numbered = (number: number): AskOptions<string> => ({ timeout: 100, accept: message => message.startsWith(`${number}:`) })
    const first = faultOf(host.ask('1', numbered(1)))
    await clock.advance(100)
    expect(await first).toBe('timeout')
    const second = host.ask('2', numbered(2))
    await device.tell('1:late')
    await device.tell('2:right')
    expect(await second).toBe('2:right')
    expect(await host.incoming.next()).toBe('1:late')
  })

  it('an ask aborted in the queue was never sent and holds nobody back', async () => {
    const { host, device } = counter()
    const controller = new AbortController()
    const first = host.ask('one')
    const second = faultOf(host.ask('two', { signal: controller.signal }))
    const third = host.ask('three')
    controller.abort()
    expect(await second).toBe('aborted')
    expect(await faultOf(host.ask('four', { signal: AbortSignal.abort() }))).toBe('aborted')
    const responding = respond(device, heard => heard.toUpperCase())
    expect(await first).toBe('ONE')
    expect(await third).toBe('THREE')
    await host.close()
    await responding.catch(() => {})
  })

  it('sends again after a timeout where it may, and keeps a second answer from the next ask', async () => {
    const late: string[] = []
    const { host, device } = counter({ onLate: message => late.push(message) })
    const asking = host.ask('status', { timeout: 500, retries: 2 })
    await clock.advance(500)
    expect(await device.incoming.next()).toBe('status')
    expect(await device.incoming.next()).toBe('status')
    await clock.advance(400)
    await device.tell('first')
    expect(await asking).toBe('first')
    const next = host.ask('next')
    await device.tell('second')
    expect(await device.incoming.next()).toBe('next')
    await device.tell('third')
    expect(await next).toBe('third')
    expect(late).toEqual(['second'])
    const given = faultOf(host.ask('dead', { timeout: 100, retries: 2 }))
    await clock.advance(300)
    expect(await given).toBe('timeout')
    expect(device.incoming.size).toBe(3)
  })

  it('an abort in the middle of a frame does not leave half a frame on the line', async () => {
    clock = new VirtualClock()
    const [hostLink, deviceLink] = pipe({ mtu: 1, capacity: 3 })
    const host = new Conversation(hostLink, toy, { clock })
    const controller = new AbortController()
    const asking = faultOf(host.ask('a long message', { signal: controller.signal }))
    await clock.advance(0) // three bytes are on the line, which takes no more
    controller.abort()
    expect(await asking).toBe('aborted')
    const telling = host.tell('after')
    const device = new Conversation(deviceLink, toy, { clock })
    opened.push(host, device)
    await telling
    expect(await device.incoming.next()).toBe('a long message')
    expect(await device.incoming.next()).toBe('after')
  })

  it('what was said before the first byte of an ask is not its answer', async () => {
    clock = new VirtualClock()
    const [hostLink, deviceLink] = pipe({ capacity: 4 })
    const host = new Conversation(hostLink, toy, { clock })
    opened.push(host)
    void host.tell('fills the line')
    const asking = host.ask('question') // behind it
    await deviceLink.send(toy.encode('event'))
    await clock.advance(0)
    expect(await host.incoming.next()).toBe('event')
    const device = new Conversation(deviceLink, toy, { clock })
    opened.push(device)
    expect(await device.incoming.next()).toBe('fills the line')
    expect(await device.incoming.next()).toBe('question')
    await device.tell('answer')
    expect(await asking).toBe('answer')
  })

  it('an ask given up before its first byte is never sent and holds nobody back', async () => {
    const { host, device } = counter()
    const controller = new AbortController()
    const asking = faultOf(host.ask('one', { signal: controller.signal }))
    controller.abort()
    const next = host.ask('two')
    expect(await asking).toBe('aborted')
    expect(await device.incoming.next()).toBe('two')
    await device.tell('2')
    expect(await next).toBe('2')
  })

  it('after noise with a false start the frames behind it come when the line goes quiet', async () => {
    const { host, deviceLink } = counter({ quiet: 250 })
    const asking = host.ask('status')
    await deviceLink.send(concat(Uint8Array.of(0x00, 0xa5, 0xf0), toy.encode('status ok')))
    let answer: string | undefined
    void asking.then(message => {
      answer = message
    })
    await clock.advance(249)
    expect(answer).toBeUndefined()
    await clock.advance(1)
    expect(answer).toBe('status ok')
  })

  it('each byte puts the quiet moment off, so that a slow frame is not cut', async () => {
    const { host, deviceLink } = counter({ quiet: 250 })
    for (const byte of toy.encode('slow')) {
      await deviceLink.send(Uint8Array.of(byte))
      await clock.advance(249)
    }
    expect(await host.incoming.next()).toBe('slow')
    await deviceLink.send(toy.encode('cut').subarray(0, 3))
    await clock.advance(250)
    await deviceLink.send(toy.encode('whole'))
    await clock.advance(0)
    expect(await host.incoming.next()).toBe('whole')
    expect(host.incoming.size).toBe(0)
  })

  it('a lost link rejects the ask on the line and those in the queue; incoming throws after what was left', async () => {
    const { host, device, hostLink } = counter()
    await device.tell('last words')
    const asks = [host.ask('one', { accept: () => false }), host.ask('two')].map(faultOf)
    await clock.advance(0)
    hostLink.drop()
    expect(await Promise.all(asks)).toEqual(['link-closed', 'link-closed'])
    expect(await host.incoming.next()).toBe('last words')
    expect(await faultOf(host.incoming.next())).toBe('link-closed')
    expect(await faultOf(host.ask('three'))).toBe('link-closed')
    expect(await faultOf(host.tell('four'))).toBe('link-closed')
    expect(await host.closed).toMatchObject({ code: 'link-closed', details: { by: 'loss' } })
  })

  it('frames behind a false start still come out when the peer closes at once', async () => {
    const { host, deviceLink } = counter()
    await deviceLink.send(concat(Uint8Array.of(0xa5, 0xf0), toy.encode('result')))
    await deviceLink.close()
    expect(await host.incoming.next()).toBe('result')
    expect(await host.closed).toMatchObject({ code: 'link-closed', details: { by: 'peer' } })
  })

  it('close drops what is unread; a loss closes the link that was lost', async () => {
    const { host, device } = counter()
    await device.tell('unread')
    await clock.advance(0)
    expect(host.incoming.size).toBe(1)
    await host.close()
    expect(await host.incoming.next()).toBeUndefined()

    let closed = 0
    const [inner, other] = pipe()
    const close = () => {
      closed++
      return inner.close()
    }
    const lost = new Conversation(
      { uri: inner.uri, mtu: inner.mtu, incoming: inner.incoming, send: bytes => inner.send(bytes), close },
      toy,
      { clock },
    )
    other.drop()
    await lost.closed
    await clock.advance(0)
    expect(closed).toBe(1)
  })

  it('close settles everything at once and twice is once; the peer learns it', async () => {
    const { host, device } = counter()
    const asks = [host.ask('one'), host.ask('two')].map(faultOf)
    const reading = host.incoming.next()
    await clock.advance(0)
    await Promise.all([host.close(), host.close()])
    expect(await Promise.all(asks)).toEqual(['link-closed', 'link-closed'])
    expect(await reading).toBeUndefined()
    expect(await host.closed).toBeUndefined()
    expect(await device.closed).toMatchObject({ code: 'link-closed', details: { by: 'peer' } })
    expect(clock.pending).toBe(0)
  })

  it('a line that takes nothing ends a tell by its timeout, and close ends the rest', async () => {
    clock = new VirtualClock()
    const [hostLink] = pipe({ capacity: 4 }) // nobody reads the other end
    const host = new Conversation(hostLink, toy, { clock })
    opened.push(host)
    const stuck = faultOf(host.tell('fills the line', { timeout: 200 }))
    const behind = faultOf(host.tell('behind it'))
    await clock.advance(200)
    expect(await stuck).toBe('timeout')
    await host.close()
    expect(await behind).toBe('link-closed')
  })

  it('refuses what cannot be encoded, before anything is sent', async () => {
    const { host, device } = counter()
    expect(await faultOf(host.ask('x'.repeat(256)))).toBe('bad-argument')
    expect(await faultOf(host.tell('x'.repeat(256)))).toBe('bad-argument')
    await clock.advance(10)
    expect(device.incoming.size).toBe(0)
  })

  it('an accept that throws fails its ask and nothing else', async () => {
    const { host, device } = counter({ grace: 0 })
    const bad = host.ask('one', {
      accept: () => {
        throw new Fault('protocol', 'no such answer')
      },
    })
    await device.incoming.next()
    await device.tell('1')
    expect(await faultOf(bad)).toBe('protocol')
    const good = host.ask('two')
    await device.incoming.next()
    await device.tell('2')
    expect(await good).toBe('2')
  })

  it('keeps a bounded number of unread messages, the newest', async () => {
    const { host, device } = counter({ backlog: 3 })
    for (const one of ['1', '2', '3', '4', '5']) await device.tell(one)
    await clock.advance(0)
    expect(host.incoming.size).toBe(3)
    expect(await host.incoming.next()).toBe('3')
  })

  it('leaves no listener on a signal it was given', async () => {
    const { host, device } = counter()
    const { signal } = new AbortController()
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--
      remove(...args)
    }
    const responding = respond(device, heard => heard)
    await Promise.all([1, 2, 3].map(one => host.ask(`${one}`, { signal })))
    await host.tell('bye', { signal })
    expect(listeners).toBe(0)
    await host.close()
    await responding.catch(() => {})
  })
})
