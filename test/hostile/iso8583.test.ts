/** ISO 8583 against a host that answers for something else, and against clients that hold the line: nothing wrong is approved, and no line is held for ever. */

import { connect as connectSocket, type Socket } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { startAcquirer } from '../../simulator/acquirer/host.ts'
import { type IsoLineOptions, startIsoLine } from '../../simulator/acquirer/iso8583/host.ts'
import { fromHex, hex } from '../../src/bytes.ts'
import { VirtualClock } from '../../src/clock.ts'
import { iso8583Acquirer } from '../../src/payment/host/iso8583/client.ts'
import { encodeIso, type IsoMessage, isoSide, readIso } from '../../src/payment/host/iso8583/codec.ts'
import { isoDialects } from '../../src/payment/host/iso8583/dialect.ts'
import { connect } from '../../src/transport/connect.ts'
import { type PipeEnd, pipe } from '../../src/transport/pipe.ts'
import { cardMessage } from '../payment/host/host-bench.ts'
import { bank, type PeerFields } from '../payment/host/iso8583-bank.ts'
import { isoFieldMoves } from './host-moves.mjs'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function clientOf(port: number, timeout = 800) {
  const client = iso8583Acquirer({ connect: how => connect(`tcp://127.0.0.1:${port}`, how), timeout })
  ends.push(() => client.close())
  return client
}

/** A client, a real host, and somebody between them who changes what the host says. */
async function between(change: (answer: IsoMessage, asked: IsoMessage) => IsoMessage) {
  const host = await startAcquirer()
  const line = await startIsoLine(host.desk)
  const asked: IsoMessage[] = []
  const client = iso8583Acquirer({
    timeout: 600,
    connect: async ({ signal }) => {
      const real = await connect(`tcp://127.0.0.1:${line.port}`, { signal })
      const [app, wire] = pipe()
      const [up, down] = [isoSide.decoder(), isoSide.decoder()]
      void (async () => {
        for await (const chunk of wire.incoming)
          for (const frame of up.push(chunk)) {
            asked.push(frame as IsoMessage)
            await real.send(isoSide.encode(frame as IsoMessage))
          }
        await real.close()
      })().catch(() => {})
      void (async () => {
        for await (const chunk of real.incoming)
          for (const frame of down.push(chunk)) await (wire as PipeEnd).send(isoSide.encode(change(frame as IsoMessage, asked.at(-1)!)))
      })().catch(() => {})
      return app
    },
  })
  ends.push(
    () => host.close(),
    () => line.close(),
    () => client.close(),
  )
  return { client, host, asked }
}

/** Those of an answer that belongs to the question by its trace number, and is about something else. */
const other = Object.entries(isoFieldMoves)
  .filter(([, [number]]) => ![7, 11, 37].includes(number))
  .map(([what, [number, value]]) => [what, number, value] as const)

describe('an answer for something else is never approved', () => {
  it.each(other)('%s (field %s), by a bank and by our own host', async (_, number, value) => {
    const there = await bank((answer, asked) => (asked['0'] === '0200' ? { ...answer, [number]: value } : answer))
    ends.push(() => there.close())
    const client = await clientOf(there.port)
    await expect(client.authorise(await cardMessage('k'))).rejects.toMatchObject({ code: 'host-error', details: { field: number } })

    const ours = await between(answer => ({ ...answer, fields: new Map([...answer.fields, [number, value]]) }))
    await expect(ours.client.authorise(await cardMessage('k'))).rejects.toMatchObject({ code: 'host-error', details: { field: number } })
    // The inquiry is no way round it.
    if (number !== 2 && number !== 3)
      await expect(ours.client.status('k')).rejects.toMatchObject({ code: 'host-error', details: { field: number } })
  })

  it.each([
    ['trace number', 11, '999999'],
    ['transmission time', 7, '0101000000'],
  ])('another %s is no answer to this at all', async (_, number, value) => {
    const there = await bank((answer, asked) => (asked['0'] === '0200' ? { ...answer, [number]: value } : answer))
    ends.push(() => there.close())
    await expect((await clientOf(there.port)).authorise(await cardMessage('k'))).rejects.toMatchObject({ code: 'host-no-answer' })
  })

  it('another key, another retrieval reference number of our own host', async () => {
    for (const [number, value] of [
      [62, 'another'],
      [37, '000000000001'],
    ] as const) {
      // biome-ignore format: a table
      const { client } = await between(answer => ({ ...answer, fields: new Map([...answer.fields, [number, value]]) }))
      await expect(client.authorise(await cardMessage('k'))).rejects.toMatchObject({ code: 'host-error', details: { field: number } })
    }
  })

  it('a bank that numbers payments itself is taken; one that must not is refused', async () => {
    const there = await bank()
    ends.push(() => there.close())
    const line = { connect: (how: { signal: AbortSignal }) => connect(`tcp://127.0.0.1:${there.port}`, how), timeout: 300 }
    const lenient = iso8583Acquirer({ ...line, dialect: 'ascii' })
    const strict = iso8583Acquirer({ ...line, dialect: { ...isoDialects.ascii, rrn: 'terminal', answers: [4, 41, 49] } })
    ends.push(
      () => lenient.close(),
      () => strict.close(),
    )
    expect(await lenient.authorise(await cardMessage('k'))).toMatchObject({ state: 'approved' })
    await expect(strict.authorise(await cardMessage('k'))).rejects.toMatchObject({ code: 'host-error', details: { field: 37 } })
  })

  const stated = (state: string, code: string) => (answer: IsoMessage) => {
    const fields = new Map(answer.fields).set(39, code)
    if (typeof fields.get(48) === 'string') fields.set(48, String(fields.get(48)).replace(/"state":"\w+"/, `"state":"${state}"`))
    return { ...answer, fields }
  }
  it.each([
    ['approved', '51'],
    ['approved', '05'],
    ['declined', '00'],
    ['reversed', '00'],
    ['approved', '10'],
    ['approved', '  '],
  ])('state %s with field 39 %s is a contradiction', async (state, code) => {
    const { client } = await between(stated(state, code))
    await expect(client.authorise(await cardMessage('k'))).rejects.toMatchObject({ code: 'host-error' })
  })

  it.each([
    ['10: a part that nobody asked for', { 39: '10', 4: '000000250000' }, 'host-error'],
    ['no response code', { 39: '' }, 'host-error'],
    ['an answer to a reversal', { 0: '0430' }, 'host-no-answer'],
    ['an answer to an inquiry', { 0: '0610' }, 'host-no-answer'],
  ] as const)('%s', async (_, wrong, code) => {
    const there = await bank((answer, asked) => {
      const { ...changed }: PeerFields = { ...answer, ...wrong }
      if (changed['39'] === '') delete changed['39']
      return asked['0'] === '0200' ? changed : answer
    })
    ends.push(() => there.close())
    await expect((await clientOf(there.port)).authorise(await cardMessage('k'))).rejects.toMatchObject({ code })
  })

  it('an inquiry that a bank answers 00 says nothing of the payment', async () => {
    const there = await bank((answer, asked) => (asked['0'] === '0600' ? { ...answer, 39: '00', 38: 'A1B2C3' } : answer))
    ends.push(() => there.close())
    expect(await (await clientOf(there.port)).status('k')).toEqual({ state: 'unknown' })
  })

  it('a bank that sends back all that it was sent, our private data too, is understood', async () => {
    // What iso_8583 has read of the bytes of 55 it cannot write again.
    const there = await bank((answer, { 55: _, ...asked }) => ({ ...asked, ...answer }))
    ends.push(() => there.close())
    expect(await (await clientOf(there.port)).authorise(await cardMessage('k'))).toEqual({
      state: 'approved',
      response: { type: 'approved', code: '00', authorisationCode: 'A1B2C3', rrn: '433409000001' },
    })
  })

  it('any change of any field of an answer: approved only where what matters is unchanged', async () => {
    const sent = await cardMessage('k')
    let now: (answer: IsoMessage) => IsoMessage = answer => answer
    const { client, asked } = await between(answer => now(answer))
    const matters = [2, 3, 4, 7, 11, 37, 39, 41, 42, 48, 49, 62]
    let key = 0
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...matters), fc.nat(5), fc.constantFrom('0', '1', '7', '9'), async (number, at, letter) => {
        let changed = false
        now = answer => {
          const value = answer.fields.get(number)
          if (typeof value !== 'string' || answer.type !== '0210') return answer
          const place = Math.min(at, value.length - 1)
          const made = value.slice(0, place) + letter + value.slice(place + 1)
          changed = made !== value && !(number === 3 && place > 1)
          return { ...answer, fields: new Map([...answer.fields, [number, made]]) }
        }
        const order = { ...sent.order, number: `o${++key}` }
        const said = await client.authorise(await cardMessage(`k${key}`, { order })).catch((error: unknown) => error)
        const approved = typeof said === 'object' && said !== null && 'state' in said && said.state === 'approved'
        if (changed && number !== 48) expect({ number, at, letter, said, approved }).toMatchObject({ approved: false })
        else if (!changed) expect(said).not.toBeInstanceOf(Error)
      }),
      { numRuns: 40 },
    )
    expect(asked.length).toBeGreaterThan(30)
  }, 40_000)
})

async function hostLine(options: IsoLineOptions) {
  const clock = new VirtualClock()
  const host = await startAcquirer()
  const line = await startIsoLine(host.desk, { ...options, clock })
  ends.push(
    () => host.close(),
    () => line.close(),
  )
  const sockets: Socket[] = []
  const socket = async (): Promise<Socket> => {
    const one = connectSocket(line.port, '127.0.0.1')
    sockets.push(one)
    one.on('error', () => {})
    await new Promise<void>(resolve => one.once('connect', () => resolve()))
    return one
  }
  ends.push(() => {
    for (const one of sockets) one.destroy()
  })
  return { line, clock, socket, sockets }
}

const closed = (socket: Socket) => new Promise<void>(resolve => (socket.destroyed ? resolve() : socket.once('close', () => resolve())))
const echo = encodeIso({ type: '0800', fields: new Map([[7, '1129101500'], [11, '000001'], [41, '63545902'], [70, '301']]) }) // biome-ignore format: a message
const framed = isoSide.encode({ type: '0800', fields: new Map([[7, '1129101500'], [11, '000001'], [41, '63545902'], [70, '301']]) }) // biome-ignore format: a message

describe('lines that are held', () => {
  const answered = (socket: Socket) => new Promise<Buffer>(resolve => socket.once('data', resolve))

  it('300 connections that say nothing: no more than the limit stay, and those are closed when their time is over', async () => {
    const { line, clock, socket, sockets } = await hostLine({ connections: 20, idleTime: 60_000 })
    for (let count = 0; count < 300; count++) await socket()
    const last = sockets.at(-1)!
    last.write(framed)
    expect((await answered(last)).subarray(2, 6).toString()).toBe('0810')
    expect(line.connections).toBeLessThanOrEqual(20)
    const all = Promise.all(sockets.map(closed))
    await clock.advance(60_000)
    await all
    expect(line.connections).toBe(0)
  })

  it('a length that never comes, byte by byte: the time runs from its first byte', async () => {
    const { clock, socket, line } = await hostLine({ frameTime: 10_000 })
    const slow = await socket()
    const over = closed(slow)
    const other = await socket()
    other.write(framed)
    await answered(other)
    for (let second = 0; second < 11; second++) {
      slow.write(Uint8Array.of(0xff))
      other.write(framed)
      await answered(other) // what was written before is read by now
      await clock.advance(1000)
    }
    await over
    expect(line.connections).toBe(1)
  })

  it('a message that is no ISO 8583 is answered 30 as far as it can be read, and the line stays', async () => {
    const { socket } = await hostLine({})
    const one = await socket()
    const cut = echo.subarray(0, echo.length - 2) // field 70 is cut off
    one.write(Buffer.concat([Buffer.from([0, cut.length]), cut]))
    const answer = readIso((await answered(one)).subarray(2))
    expect(answer).toMatchObject({ type: '0810' })
    expect(Object.fromEntries((answer as IsoMessage).fields)).toMatchObject({ 11: '000001', 39: '30', 44: 'field 70' })
    one.write(framed)
    expect((await answered(one)).subarray(2, 6).toString()).toBe('0810')
    one.write(Uint8Array.of(0, 3, 1, 2, 3))
    await closed(one)
  })

  it('answers are not answered: no two hosts talk for ever', async () => {
    const { socket } = await hostLine({})
    const one = await socket()
    one.write(isoSide.encode({ type: '0810', fields: new Map([[11, '000009'], [39, '00']]) })) // biome-ignore format: a message
    one.write(framed)
    expect(hex((await answered(one)).subarray(2, 6))).toBe('30383130')
  })

  it('a host that sends no length that is one: the line is opened anew', async () => {
    let opened = 0
    const client = iso8583Acquirer({
      timeout: 200,
      dialect: { ...isoDialects.ascii, frame: { bytes: 4, form: 'ascii' } },
      connect: async () => {
        opened++
        const [app, wire] = pipe()
        void (async () => {
          for await (const _ of wire.incoming) await wire.send(fromHex('3C68746D6C3E'))
        })().catch(() => {})
        return app
      },
    })
    ends.push(() => client.close())
    for (let count = 1; count <= 3; count++) {
      await expect(client.echo()).rejects.toMatchObject({ code: expect.stringMatching(/^host-/) })
      expect(opened).toBe(count)
    }
  })
})
