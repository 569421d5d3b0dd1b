/** A line that trouble runs along: a TCP relay that knows where messages begin and end, and does to each what the plan says. */

import { connect, createServer } from 'node:net'
import { device, host } from '../../dist/devices/qpos/codec.js'
import { rest } from './clock.mjs'
import { Liar } from './liar.mjs'
import { talk } from './talk.mjs'

/**
 * The wires of one counter and what is planned for them. Messages are counted from the last `arm`: those on the reader's line, QUERY and "not yet" on it
 * (`poll`), and those between app and host, whichever line carries them.
 */
export class Trouble {
  #planned = []
  #counts = { reader: 0, poll: 0, host: 0 }
  #isOut = false
  /** Says otherwise than the host. */
  liar = new Liar()
  /** Told of each message, before its fault: may kill. */
  onMessage = () => {}
  /** How often each fault met a message: `host drop` → 3. */
  met = new Map()

  arm(planned) {
    this.#planned = [...planned]
    this.#isOut = false
    this.#counts = { reader: 0, poll: 0, host: 0 }
  }

  /** Messages since `arm`. */
  get counts() {
    return { ...this.#counts }
  }

  meet(line) {
    const at = this.#counts[line]++
    this.onMessage(line, at)
    const index = this.#planned.findIndex(one => one.line === line && one.at === at)
    if (line === 'host' && this.#isOut) return { fault: 'drop' }
    if (index < 0) return undefined
    const [fault] = this.#planned.splice(index, 1)
    this.#isOut ||= fault.fault === 'outage'
    const name = `${line} ${fault.fault}`
    this.met.set(name, (this.met.get(name) ?? 0) + 1)
    return fault
  }
}

/** How each line shows where a message ends (0: not yet), which of them it is, and where a bit of noise makes it none. */
export const lines = {
  qpos: {
    length: bytes => (bytes.length < 3 ? 0 : 4 + bytes.readUInt16BE(1)),
    name: (frame, direction) => {
      const [message] = (direction === 'out' ? device : host).decoder().push(frame)
      return message?.type === 'query' || message?.type === 'waiting' ? 'poll' : 'reader'
    },
    noise: frame => frame.length - 1, // LRC
  },
  http: {
    length(bytes, direction) {
      const head = bytes.indexOf('\r\n\r\n')
      if (head < 0 || direction === 'in') return 0 // an answer ends with its connection
      return head + 4 + Number(/^content-length: *(\d+)/im.exec(bytes.subarray(0, head).toString('latin1'))?.[1] ?? 0)
    },
    name: () => 'host',
    noise: () => 0,
    /** A copy of a request comes over a connection of its own. */
    copiesApart: true,
    talk: talk.http,
  },
  iso: {
    length: bytes => (bytes.length < 2 ? 0 : 2 + bytes.readUInt16BE(0)),
    name: () => 'host',
    noise: () => 2,
    talk: talk.iso,
  },
}

/** Relays connections to `port`, which talk as `lines[name]` does; gives the port to connect to. */
export async function startWire(port, name, trouble) {
  const line = lines[name]
  const sockets = new Set()
  const open = socket => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    return socket
  }
  const server = createServer(socket => {
    const near = open(socket)
    const far = open(connect({ port, host: '127.0.0.1' }))
    /** Questions that are under way, by their trace number where the line has one. */
    const asked = new Map()
    relay(near, far, 'out', asked)
    relay(far, near, 'in', asked)
  })

  /** The messages that go on, instead of `frame`; `back`: those that go back, because the host is not asked. */
  function lied(frame, direction, asked, fault) {
    if (!line.talk || ['drop', 'outage', 'close', 'corrupt'].includes(fault?.fault)) return { frames: [frame] }
    const { liar } = trouble
    if (direction === 'out') {
      const question = liar.hear(line.talk.question(frame))
      if (question) asked.set(question.trace, question)
      const back = liar.instead(name, line.talk, question)
      return back ? { back } : { frames: [frame] }
    }
    return { frames: liar.change(name, line.talk, asked.get(line.talk.answer(frame)?.trace), frame) }
  }

  function relay(from, to, direction, asked) {
    let held = Buffer.alloc(0)
    let last = Promise.resolve()
    let silent = false
    const take = frame => {
      const fault = trouble.meet(line.name(frame, direction))
      const { frames, back } = lied(frame, direction, asked, fault)
      if (back) for (const one of back) from.write(one)
      if (back && line.copiesApart) from.end()
      for (const [copy, one] of (frames ?? []).entries()) last = last.then(() => pass(one, copy === 0 ? fault : undefined))
    }
    const pass = async (frame, fault) => {
      switch (fault?.fault) {
        case undefined:
          return void to.write(frame)
        case 'drop':
        case 'outage':
          silent = true
          return
        case 'duplicate':
          to.write(frame)
          if (!line.copiesApart) return void to.write(frame)
          if (direction === 'out') void copy(frame, fault.ms)
          return
        case 'delay':
          await rest(fault.ms)
          return void to.write(frame)
        case 'close':
          if (fault.half) to.write(frame.subarray(0, frame.length / 2))
          from.destroy()
          return void to.end()
        case 'corrupt': {
          const spoilt = Buffer.from(frame)
          spoilt[line.noise(frame)] ^= 0xff
          return void to.write(spoilt)
        }
      }
    }
    from.on('data', bytes => {
      held = Buffer.concat([held, bytes])
      for (let size = line.length(held, direction); size > 0 && size <= held.length; size = line.length(held, direction)) {
        take(held.subarray(0, size))
        held = held.subarray(size)
      }
    })
    // What was sent before the end still arrives, late as it may be; a request does not die with whoever gave up waiting.
    from.on('close', () => {
      if (held.length > 0 && !from.errored) take(held)
      held = Buffer.alloc(0)
      last = last.then(() => {
        if (!silent || direction === 'out') to.end()
      })
    })
    from.on('end', () => from.end())
  }

  async function copy(frame, ms) {
    await rest(ms)
    open(connect({ port, host: '127.0.0.1' })).end(frame)
  }

  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: server.address().port,
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
