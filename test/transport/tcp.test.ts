/** Links over TCP, listening ports, and the URIs that lead to them. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { type Listening, listen } from '../../simulator/readers/listen/listen.ts'
import { Fault, isFault } from '../../src/errors.ts'
import { connect } from '../../src/transport/connect.ts'
import type { Link } from '../../src/transport/link.ts'
import { parseUri, uriForms } from '../../src/transport/uri.ts'
import { faultOf, read } from './link-contract.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

async function server(serve: (socket: Socket) => void): Promise<string> {
  const server: Server = createServer(serve)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  undo.push(() => server.close())
  const address = server.address()
  return `tcp://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
}

async function open(uri: string): Promise<Link> {
  const link = await connect(uri)
  undo.push(() => link.close())
  return link
}

async function listening(where: string, ...rest: Parameters<typeof listen> extends [string, ...infer R] ? R : never): Promise<Listening> {
  const one = await listen(where, ...rest)
  undo.push(() => one.close())
  return one
}

const echo = async (link: Link) => {
  for await (const chunk of link.incoming) await link.send(chunk)
}

const sockets = () => process.getActiveResourcesInfo().filter(name => /TCP(Socket|Server|Connect)/.test(name)).length

describe('tcp', () => {
  it('tells a refused connection, an unknown host and a bad URI apart', async () => {
    const { uri, close } = await listen('tcp:0', echo)
    await close()
    await expect(connect(uri)).rejects.toMatchObject({ code: 'link-failed', details: { reason: 'refused' } })
    expect(await faultOf(connect('tcp://no-such-host.invalid:9100'))).toBe('not-found')
    expect(await faultOf(connect('tcp://127.0.0.1'))).toBe('bad-uri')
  })

  it('gives up on a host that does not answer, by its timeout or its signal, and leaves no socket', async () => {
    // A process that never accepts: when its backlog is full, the kernel drops what else knocks.
    const program = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
      process.stdout.write(String(this.address().port), () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)) })`
    const deaf = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    undo.push(() => deaf.kill('SIGKILL'))
    const [port] = await once(deaf.stdout, 'data')
    const uri = `tcp://127.0.0.1:${port}`
    const before = sockets()
    let silent = false
    for (let i = 0; i < 8 && !silent; i++) {
      const attempt = await connect(uri, { timeout: 100 }).catch((error: unknown) => error)
      silent = isFault(attempt, 'timeout')
      if (!silent) undo.push(() => (attempt as Link).close())
    }
    expect(silent).toBe(true)
    const open = sockets()
    const controller = new AbortController()
    const connecting = connect(uri, { signal: controller.signal })
    setTimeout(() => controller.abort(new Fault('aborted', 'the user gave up')), 20)
    await expect(connecting).rejects.toMatchObject({ code: 'aborted', message: 'the user gave up' })
    await expect.poll(sockets).toBeLessThanOrEqual(open)
    expect(before).toBeLessThanOrEqual(open)
  })

  it('tells the end of the peer from the loss of the line', async () => {
    const polite = await open(await server(socket => socket.end(Uint8Array.of(1, 2))))
    expect(await read(polite, 2)).toEqual(Uint8Array.of(1, 2))
    await expect(read(polite, 1)).rejects.toMatchObject({ code: 'link-closed', details: { by: 'peer' } })
    const rude = await open(await server(socket => socket.once('data', () => socket.resetAndDestroy())))
    await rude.send(Uint8Array.of(1))
    await expect(read(rude, 1)).rejects.toMatchObject({ code: 'link-closed', details: { by: 'loss' } })
  })

  /** A device that sends these pieces and is gone; `stays`: it hangs up only when it is hung up on. */
  const speaking = (pieces: readonly string[], stays = false) =>
    server(async socket => {
      socket.on('error', () => {})
      for (const piece of pieces) {
        socket.write(piece)
        await new Promise(resolve => setTimeout(resolve, 5))
      }
      if (!stays) socket.end()
    })

  it.each([
    ['our word and ser2net’s', ['Port already in use\r\n'], false],
    ['in pieces', ['P', 'ort already in ', 'use\r', '\n'], false],
    ['and nobody hangs up', ['Port already in use\r\n'], true],
    ['the device, by another port', ["Port's device already in use\r\n"], false],
    ['with something behind it', ['Port already in use\r\n\r\n'], true],
  ])('a device that says that it is taken is busy: %s', async (_, pieces, stays) => {
    const uri = await speaking(pieces, stays)
    const link = await open(uri)
    await expect(read(link, 1)).rejects.toMatchObject({ code: 'busy', details: { uri } })
    expect(await faultOf(link.send(Uint8Array.of(1)))).toBe('busy')
  })

  it.each([
    ['without a word', []],
    ['with half of the word', ['Port already']],
    ['with the word behind bytes of the device', ['\0Port already in use\r\n']],
    ['with another word', ['Port disabled\r\n']],
  ])('a device that hangs up %s is lost, and what it said arrives', async (_, pieces) => {
    const link = await open(await speaking(pieces))
    const said = pieces.join('')
    if (said !== '') expect(new TextDecoder().decode(await read(link, said.length))).toBe(said)
    await expect(read(link, 1)).rejects.toMatchObject({ code: 'link-closed', details: { by: 'peer' } })
  })

  it('any first bytes of a device arrive as they were sent, however they are cut', async () => {
    const word = 'Port already in use\r\n'
    const text = fc.oneof(
      fc.string({ unit: 'binary-ascii' }),
      fc.tuple(fc.nat(word.length - 1), fc.string({ unit: 'binary-ascii' })).map(([at, tail]) => word.slice(0, at) + tail),
    )
    await fc.assert(
      fc.asyncProperty(text, fc.nat(30), async (said, cut) => {
        fc.pre(said !== '' && !said.startsWith(word) && !said.startsWith("Port's device already in use\r\n"))
        const link = await connect(await speaking([said.slice(0, cut), said.slice(cut)].filter(Boolean)))
        expect(new TextDecoder().decode(await read(link, said.length))).toBe(said)
        await link.close()
      }),
      { seed: 7, numRuns: 60 },
    )
  })

  it('close takes nothing back of what was sent before it, even with unread bytes and a peer that reads late', async () => {
    let received = 0
    let peer!: Socket
    const uri = await server(socket => {
      peer = socket
      socket.on('error', () => {})
      socket.write(new Uint8Array(1 << 20))
    })
    const link = await connect(uri)
    await link.send(new Uint8Array(300_000))
    await link.close()
    peer.on('data', chunk => {
      received += chunk.length
    })
    await once(peer, 'close')
    expect(received).toBe(300_000)
  })

  it('holds the peer back while nobody reads', async () => {
    const link = await open(
      await server(socket => {
        const more = () => {
          while (socket.write(new Uint8Array(65536)));
        }
        socket.on('drain', more)
        socket.on('error', () => {})
        more()
      }),
    )
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(link.incoming).toHaveProperty('full', true)
    const { size } = link.incoming as unknown as { size: number }
    expect(size).toBeLessThan(1 << 20)
    expect((await read(link, 4 << 20)).length).toBeGreaterThanOrEqual(4 << 20)
  })

  it('leaves nothing alive after close', async () => {
    const before = sockets()
    const device = await listen('tcp:0', echo)
    const link = await connect(device.uri)
    await link.send(Uint8Array.of(1))
    await read(link, 1)
    await link.close()
    await device.close()
    await expect.poll(sockets).toBeLessThanOrEqual(before)
  })
})

/** None of them is a place to listen at. */
const places = ['', 'tcp', 'tcp:', 'tcp:65536', 'tcp:x', 'tcp://', 'tcp://127.0.0.1', 'tcp://9100', 'tcp:///127.0.0.1:0', 'tcp://u@a:0', 'tcp://a:0/x', 'tcp:a b:0', 'pty:1', 'hid:1', 'udp:9', 'ble:x', 'usbip', 'usbip:', 'pcsc:0', 'pcsc:x', ' pty', 'pty\n'] // biome-ignore format: a list

describe('listen', () => {
  const six = networkInterfaces().lo?.some(({ family }) => family === 'IPv6') ? ['tcp:[::1]:0', 'tcp://[::1]:0', 'tcp:::1:0'] : []
  it.each(['tcp:0', 'tcp:127.0.0.1:0', 'tcp:localhost:0', 'tcp://127.0.0.1:0', 'tcp://localhost:0', ...six])(
    'listens at %s',
    async where => {
      const { uri } = await listening(where, echo)
      expect(uri).toMatch(/^tcp:\/\/(127\.0\.0\.1|localhost|\[::1\]):\d+$/)
      const link = await open(uri)
      await link.send(Uint8Array.of(5))
      expect(await read(link, 1)).toEqual(Uint8Array.of(5))
    },
  )

  it('gives a client after a client its own link, and turns a second one away while the first is there', async () => {
    let served = 0
    const { uri } = await listening('tcp:0', link => {
      served++
      return echo(link)
    })
    const first = await open(uri)
    await first.send(Uint8Array.of(1))
    await read(first, 1)
    const second = await open(uri)
    await second.send(new Uint8Array(100_000)) // what nobody reads takes nothing back of the word
    await expect(read(second, 1)).rejects.toMatchObject({ code: 'busy', details: { uri } })
    await first.send(Uint8Array.of(2))
    expect(await read(first, 1)).toEqual(Uint8Array.of(2))
    await first.close()
    await expect
      .poll(async () => {
        const third = await open(uri)
        await third.send(Uint8Array.of(3)).catch(() => {})
        return (await read(third, 1).catch(() => new Uint8Array()))[0]
      })
      .toBe(3)
    expect(served).toBe(2)
  })

  it('close ends the device on its line; a device that fails ends its line and is reported', async () => {
    const faults: Fault[] = []
    const failing = await listening('tcp:0', () => Promise.reject(new Fault('internal', 'the device broke')), {
      onError: fault => faults.push(fault),
    })
    expect(await faultOf(read(await open(failing.uri), 1))).toBe('link-closed')
    expect(faults.map(({ message }) => message)).toEqual(['the device broke'])

    const good = await listen('tcp:0', echo, { onError: fault => faults.push(fault) })
    const host = await open(good.uri)
    await host.send(Uint8Array.of(1))
    await read(host, 1)
    await good.close()
    await good.close()
    expect(await faultOf(read(host, 1))).toBe('link-closed')
    expect(faults.length).toBe(1)
  })

  it('refuses a port that is taken, a place that is none, and what is not there yet', async () => {
    const { uri } = await listening('tcp:127.0.0.1:0', echo)
    expect(await faultOf(listen(`tcp:${new URL(uri).port}`, echo))).toBe('busy')
    for (const bad of places)
      await expect(listen(bad, echo)).rejects.toMatchObject({
        code: 'bad-argument',
        details: { field: 'listen', value: bad, allowed: expect.stringContaining('tcp:<host>:<port>') },
      })
    for (const none of ['ble', 'hid']) expect(await faultOf(listen(none, echo))).toBe('unsupported')
  })
})

describe('uri', () => {
  it('every form that a message offers is accepted', () => {
    for (const [scheme, form] of Object.entries(uriForms)) expect(parseUri(form).scheme).toBe(scheme)
  })

  it('takes each scheme apart', () => {
    const uri = (text: string) => ({ uri: text, query: {} })
    expect(parseUri('tcp://127.0.0.1:9100?family=qpos&x=')).toMatchObject({
      host: '127.0.0.1',
      port: 9100,
      query: { family: 'qpos', x: '' },
    })
    expect(parseUri('tcp://[::1]:9100/')).toMatchObject({ host: '::1', port: 9100 })
    expect(parseUri('serial:/dev/ttyACM0?baud=9600')).toMatchObject({ path: '/dev/ttyACM0', query: { baud: '9600' } })
    expect(parseUri('serial:COM3')).toEqual({ ...uri('serial:COM3'), scheme: 'serial', path: 'COM3' })
    expect(parseUri('serial:/dev/my%20port')).toMatchObject({ path: '/dev/my port' })
    expect(parseUri('hid:0801:0019')).toEqual({ ...uri('hid:0801:0019'), scheme: 'hid', vendor: 0x0801, product: 0x0019 })
    expect(parseUri('ble:PP0918900518')).toMatchObject({ scheme: 'ble', name: 'PP0918900518' })
    expect(parseUri('pcsc:ACS ACR122U')).toMatchObject({ scheme: 'pcsc', name: 'ACS ACR122U' })
  })

  it.each([
    '',
    'qpos',
    '/dev/ttyACM0',
    'usb:1',
    'TCP://a:1',
    'tcp:a:1',
    'tcp://a',
    'tcp://a:0',
    'tcp://a:65536',
    'tcp://u@a:1',
    'tcp://:1',
    'serial:',
    'serial:?baud=1',
    'hid:801:19',
    'hid:08010019',
    'ble:%zz',
    'tcp://a:1?family',
    'tcp://a:1?=x',
    'constructor:x',
  ])('refuses %j and shows the forms', bad => {
    expect(() => parseUri(bad)).toThrow(expect.objectContaining({ code: 'bad-uri', message: expect.stringContaining(uriForms.serial) }))
  })

  it('gives a Uri or bad-uri for any text, and nothing odd in the query', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.constantFrom(...Object.values(uriForms)).chain(form => fc.string().map(tail => `${form}?${tail}`)),
        ),
        text => {
          try {
            expect(parseUri(text).uri).toBe(text)
          } catch (error) {
            expect(isFault(error, 'bad-uri')).toBe(true)
          }
        },
      ),
      { seed: 5, numRuns: 2000 },
    )
    expect(Object.getPrototypeOf(parseUri('pcsc:?__proto__=x').query)).toBeNull()
  })

  it('schemes that lead to no link yet say so', async () => {
    for (const later of [uriForms.ble, uriForms.pcsc]) expect(await faultOf(connect(later))).toBe('unsupported')
  })
})
