/** Recordings of a link: their lines, what they hide, and how they are played again. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, fromText, hex, lrc, text } from '../../src/bytes.ts'
import { VirtualClock } from '../../src/clock.ts'
import { maskPan } from '../../src/mask.ts'
import type { Link } from '../../src/transport/link.ts'
import { type PipeOptions, pipe } from '../../src/transport/pipe.ts'
import { parseTrace, replay } from '../../src/transport/replay.ts'
import { byFrame, type Redaction, type TraceOptions, traced, unredacted } from '../../src/transport/trace.ts'
import { faultOf, linkContract, read, sendAll } from './link-contract.ts'

const PAN = '4000001234560002'

/** The toy family of conversation.test.ts: A5, length, payload, LRC. */
const frame = (payload: string) => concat(Uint8Array.of(0xa5, payload.length), fromText(payload), Uint8Array.of(lrc(fromText(payload))))
const redaction: Redaction = byFrame(
  bytes => (bytes[0] !== 0xa5 ? 1 : bytes.length < 2 ? 0 : bytes[1] + 3),
  unit => (unit.length === 1 ? unit : frame(text(unit.subarray(2, -1)).replace(/\d{13,19}/g, maskPan))),
)

function recording(options: Partial<TraceOptions> = {}, line: PipeOptions = {}) {
  const clock = new VirtualClock(Date.UTC(2026, 2, 26, 10, 52))
  const lines: string[] = []
  const [inner, device] = pipe({ clock, ...line })
  const link = traced(inner, { write: line => lines.push(line), clock, ...options })
  return { clock, lines, link, device, text: () => lines.join('\n') }
}

/** A small talk: the host asks, the device answers with a PAN, the device goes. */
async function talk({ clock, link, device }: { clock: VirtualClock; link: Link; device: Link }): Promise<void> {
  await sendAll(link, frame('card?'))
  await read(device, frame('card?').length)
  await clock.advance(40)
  await sendAll(device, frame(`card ${PAN}`))
  await read(link, frame(`card ${PAN}`).length)
  await sendAll(link, frame(`got ${PAN}`))
  await read(device, frame(`got ${PAN}`).length)
  await clock.advance(10)
  await device.close()
  await faultOf(read(link, 1))
}

linkContract({
  name: 'a traced pipe',
  async open() {
    const [inner, device] = pipe()
    return { host: traced(inner, { write: () => {}, redaction }), device }
  },
})

describe('a recording', () => {
  it('has a version, every chunk with its direction and time, and how it ended', async () => {
    const one = recording({ redaction: unredacted })
    await talk(one)
    expect(one.lines.map(line => JSON.parse(line))).toEqual([
      { tapdip: 'trace', version: 1, uri: 'pipe:memory:a', start: '2026-03-26T10:52:00.000Z', bytes: 'all' },
      { at: 0, out: hex(frame('card?')) },
      { at: 40, in: hex(frame(`card ${PAN}`)) },
      { at: 40, out: hex(frame(`got ${PAN}`)) },
      { at: 50, end: 'peer' },
    ])
    expect(parseTrace(one.text())).toMatchObject({
      bytes: 'all',
      end: 'peer',
      chunks: [{ line: 2, at: 0, direction: 'out', length: 8 }, {}, {}],
    })
  })

  it('holds no byte at all where no redaction was given', async () => {
    const one = recording()
    await talk(one)
    expect(one.lines.slice(1).map(line => JSON.parse(line))).toEqual([
      { at: 0, out: 8 },
      { at: 40, in: 24 },
      { at: 40, out: 23 },
      { at: 50, end: 'peer' },
    ])
    const parsed = parseTrace(one.text())
    expect(parsed.bytes).toBe('none')
    expect(() => replay(parsed)).toThrow(expect.objectContaining({ code: 'unsupported', details: { feature: 'replay', line: 2 } }))
  })

  it.each([{ mtu: 1 }, { chunk: 1 }, { mtu: 3, chunk: 2 }, { mtu: 16, chunk: 5 }, {}])('hides a PAN however it is cut: %o', async line => {
    const one = recording({ redaction }, line)
    await talk(one)
    const { chunks } = parseTrace(one.text())
    const all = (direction: string) => concat(...chunks.filter(chunk => chunk.direction === direction).map(chunk => chunk.bytes!))
    expect(all('out')).toEqual(concat(frame('card?'), frame('got 400000******0002')))
    expect(all('in')).toEqual(frame('card 400000******0002'))
    expect(one.text()).not.toContain(hex(fromText('123456')))
    if (line.mtu === 1) expect(chunks.every(chunk => chunk.length === 1)).toBe(true)
  })

  it('what never became a whole frame is written as zeros; an oversize or empty send is not written', async () => {
    const one = recording({ redaction }, { mtu: 16 })
    await one.link.send(frame(`got ${PAN}`).subarray(0, 12))
    await faultOf(one.link.send(new Uint8Array(17)))
    await one.link.send(new Uint8Array())
    expect(one.lines.length).toBe(1)
    await one.link.close()
    await one.link.close()
    expect(one.lines.slice(1).map(line => JSON.parse(line))).toEqual([
      { at: 0, out: '00'.repeat(12) },
      { at: 0, end: 'close' },
    ])
  })

  it('a redaction that fails, or says too much or too little, shows no more than lengths', async () => {
    const bad: Record<string, Redaction> = {
      throws: () => () => {
        throw new Error('lost track')
      },
      'gives nothing back': () => () => new Uint8Array(),
      'cuts a frame short': byFrame(
        bytes => bytes.length,
        unit => unit.subarray(0, 3),
      ),
    }
    for (const [name, redaction] of Object.entries(bad)) {
      const one = recording({ redaction })
      await talk(one)
      expect(one.text(), name).not.toContain(hex(fromText('123456')))
      expect(
        parseTrace(one.text()).chunks.map(chunk => chunk.length),
        name,
      ).toEqual([8, 24, 23])
    }
    const more = recording({ redaction: () => bytes => concat(bytes, bytes) })
    await talk(more)
    const said = parseTrace(more.text()).chunks.at(-1)
    expect([said?.length, said?.bytes]).toEqual([23, undefined])
  })
})

describe('a replay', () => {
  async function record(options: Partial<TraceOptions> = { redaction: unredacted }) {
    const one = recording(options, { mtu: 5 })
    await talk(one)
    return parseTrace(one.text())
  }

  it('says what was received when what came before it has been sent, in pieces of any size', async () => {
    const trace = await record()
    for (const size of [1, 4, 100]) {
      const link = replay(trace)
      expect(link.uri).toBe('replay:pipe:memory:a')
      const answer = read(link, 24)
      await sendAll(link, frame('card?').subarray(0, 7))
      expect(link.incoming).toHaveProperty('size', 0)
      await link.send(frame('card?').subarray(7))
      expect(await answer).toEqual(frame(`card ${PAN}`))
      expect(link.finished).toBe(false)
      await sendAll(link, frame(`got ${PAN}`), size)
      expect(link.finished).toBe(true)
      await expect(read(link, 1)).rejects.toMatchObject({ code: 'link-closed', details: { by: 'peer' } })
      await link.close()
    }
  })

  it('names the first byte that differs, for this send and for everything after', async () => {
    const link = replay(await record())
    await sendAll(link, frame('card?'))
    const wrong = frame(`got ${PAN}`)
    wrong[6] ^= 1
    await expect(link.send(wrong)).rejects.toMatchObject({ code: 'protocol', details: { offset: 8 + 6 } })
    expect(await faultOf(link.send(Uint8Array.of(1)))).toBe('protocol')
    await read(link, 24)
    expect(await faultOf(read(link, 1))).toBe('protocol')
  })

  it('refuses to hear more than was recorded', async () => {
    const one = recording({ redaction: unredacted })
    await one.link.send(Uint8Array.of(1, 2))
    await one.link.close()
    const link = replay(parseTrace(one.text()))
    await link.send(Uint8Array.of(1, 2))
    await expect(link.send(Uint8Array.of(3))).rejects.toMatchObject({ code: 'protocol', details: { offset: 2 } })
  })

  it('a recording that was redacted replays with its redaction, whatever the PAN is now', async () => {
    const trace = await record({ redaction })
    const link = replay(trace, { redaction })
    await sendAll(link, frame('card?'))
    expect(await read(link, 24)).toEqual(frame('card 400000******0002'))
    await sendAll(link, frame('got 4000009999990002'), 3)
    expect(link.finished).toBe(true)
    expect(await faultOf(replay(trace, { redaction }).send(frame('card!')))).toBe('protocol')
  })

  it('keeps the recorded pauses on a clock, and leaves nothing on it', async () => {
    const pace = new VirtualClock()
    const link = replay(await record(), { pace })
    await sendAll(link, frame('card?'))
    const answer = read(link, 24)
    await pace.advance(39)
    expect(pace.pending).toBe(1)
    await pace.advance(1)
    expect(await answer).toEqual(frame(`card ${PAN}`))
    expect(pace.pending).toBe(0)
    const other = replay(await record(), { pace })
    await sendAll(other, frame('card?'))
    expect(pace.pending).toBe(1)
    await other.close()
    expect(pace.pending).toBe(0)
    expect(await read(other, 1)).toEqual(new Uint8Array())
  })
})

describe('reading a recording', () => {
  const head = '{"tapdip":"trace","version":1,"uri":"u","start":"s","bytes":"all"}'

  it.each([
    ['', 1],
    ['{}', 1],
    ['{"tapdip":"trace","version":1}', 1],
    [`${head}\n{"at":0,"out":"0"}`, 2],
    [`${head}\n{"at":0,"out":"00"}\n\n{"at":0}`, 4],
    [`${head}\n{"out":"00"}`, 2],
    [`${head}\n{"at":0,"in":-1}`, 2],
    [`${head}\nnull`, 2],
  ])('refuses %j with its line', (text, line) => {
    expect(() => parseTrace(text)).toThrow(expect.objectContaining({ code: 'bad-argument', details: { line } }))
  })

  it('refuses another version by its number', () => {
    expect(() => parseTrace('{"tapdip":"trace","version":3}')).toThrow(expect.objectContaining({ code: 'unsupported' }))
  })

  it('reads one that breaks off, and Windows line ends', () => {
    expect(parseTrace(`${head}\r\n{"at":0,"out":"00"}\r\n`)).toMatchObject({ chunks: [{ length: 1 }] })
  })

  it('any conversation is read back as it was recorded', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ out: fc.boolean(), bytes: fc.uint8Array({ minLength: 1, maxLength: 9 }) }), { maxLength: 20 }),
        async chunks => {
          const one = recording({ redaction: unredacted })
          for (const { out, bytes } of chunks) {
            await (out ? one.link : one.device).send(bytes)
            if (!out) await read(one.link, bytes.length)
          }
          await one.link.close()
          const trace = parseTrace(one.text())
          expect(trace.chunks.map(({ direction, bytes }) => ({ out: direction === 'out', bytes }))).toEqual(chunks)
          const link = replay(trace)
          for (const { out, bytes } of chunks) {
            if (out) await link.send(bytes)
            else expect((await read(link, bytes.length)).subarray(0, bytes.length)).toEqual(bytes)
          }
          expect(link.finished).toBe(true)
        },
      ),
      { seed: 4, numRuns: 200 },
    )
  })
})
