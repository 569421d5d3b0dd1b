/** What is recorded of a line: nothing secret, and enough to pay again, by the same messages, screens and slip; in every family that has bytes, by chip, tap and stripe. */

import { describe, expect, it } from 'vitest'
import { families } from '../../devices/index.ts'
import * as miura from '../../devices/miura/codec.ts'
import { testPinAesDukpt } from '../../simulator/keys.ts'
import { testPinDukpt } from '../../simulator/world.ts'
import { concat } from '../../src/bytes.ts'
import { VirtualClock } from '../../src/clock.ts'
import { Fault } from '../../src/errors.ts'
import { playApp } from '../../src/recording/app.ts'
import { playback } from '../../src/recording/playback.ts'
import { unitsOf } from '../../src/recording/units.ts'
import { openTrace } from '../../src/trace/writer.ts'
import { parseTrace } from '../../src/transport/replay.ts'
import { found, secretBytes, secretNumber } from '../canaries.ts'
import { appAgain, lines, outcome, pan, pin, presentations, record, replayed, START, signerPan, surname, wrongPin } from './recorded.ts'

const canaries = [
  secretNumber('PAN', pan),
  secretNumber('the middle of the PAN', pan.slice(6, -4)),
  secretBytes('name', Buffer.from(surname)),
  secretNumber('PAN of the card that is signed for', signerPan),
  secretNumber('the middle of it', signerPan.slice(6, -4)),
  secretNumber('PIN', pin),
  secretNumber('wrong PIN', wrongPin),
  secretBytes('PIN key', testPinDukpt.bdk),
  secretBytes('PIN key of AES', testPinAesDukpt.bdk),
]
const cases = lines.flatMap(line => presentations.map(present => [`${line.name} by ${present}`, line, present] as const))

/** Kinds of screens that the app was told, over all cases. */
const seen = new Set<string>()

describe.each([['unlimited', Number.POSITIVE_INFINITY] as const, ['1', 1] as const])('at an mtu of %s', (_, mtu) => {
  it.each(cases)('%s', async (_, { family, dialect }, present) => {
    const line = { family, ...(dialect && { dialect }) }
    const recorded = await record(line, present, mtu)
    expect(found(canaries, recorded.text)).toEqual([])
    expect(recorded.trace.chunks.every(({ bytes }) => bytes)).toBe(true)
    // The same messages as were on the line.
    const dissector = families.find(one => one.name === family)!.dissector!({ uri: recorded.trace.uri, dialect })
    const chunk = (direction: 'in' | 'out') => ({ at: 0, line: 0, direction, bytes: concat(...recorded.bytes[direction]), length: 0 })
    for (const direction of ['in', 'out'] as const) {
      const one = (trace: typeof recorded.trace) =>
        unitsOf(trace, dissector)
          .filter(unit => unit.direction === direction)
          .map(({ name }) => name)
      expect(one(recorded.trace)).toEqual(one({ ...recorded.trace, chunks: [chunk(direction)] }))
    }
    const again = await replayed(line, recorded, { mtu })
    expect(outcome(again.result)).toEqual(outcome(recorded.result))
    expect(again.events).toEqual(recorded.events)
    for (const event of recorded.events) seen.add(kindOf(event))
    expect(again.finished).toBe(true)
    if (mtu === 1) return
    // On another day, with the recorded pauses.
    const later = await replayed(line, recorded, { start: START + 40 * 86_400_000 + 3 * 3600_000, paced: true })
    expect(outcome(later.result)).toEqual(outcome(recorded.result))
    expect(later.events).toEqual(recorded.events)
    // A stripe says nothing of an amount; a chip has signed it.
    if (present === 'swipe') return
    const other = await replayed(line, recorded, { amount: 250_100n }).catch((fault: Fault) => fault)
    // A driver that gives the payment up may say what it did not say then.
    if (other instanceof Fault) expect(['mismatch', 'protocol']).toContain(other.code)
    else expect(other.result).toMatchObject({ result: expect.not.stringMatching('approved') })
  })
})

it('among the screens that were compared are all that a card payment has', () => {
  const kinds = ['asked application', 'asked signature', 'asked wrongPin', 'stage', 'host', 'reader card', 'reader pin', 'reader display']
  expect(kinds.filter(kind => !seen.has(kind))).toEqual([])
})

function kindOf(event: unknown): string {
  const { asked, type, event: inner } = event as { asked?: string; type?: string; event?: { type: string } }
  return asked ? `asked ${asked}` : inner ? `${type} ${inner.type}` : String(type)
}

describe('another order', () => {
  it('of questions is survived; of a payment it is told what was expected and what came', async () => {
    const line = { family: 'miura' }
    const recorded = await record(line, 'dip')
    const { uri } = recorded.trace
    const dissector = families.find(one => one.name === 'miura')!.dissector!({ uri })
    const link = playback(recorded.trace, { dissector })
    const heard: Uint8Array[] = []
    const hearing = (async () => {
      for await (const chunk of link.incoming) heard.push(chunk)
    })().catch((fault: Fault) => fault)
    const ask = (name: miura.CommandName, more: Parameters<typeof miura.command>[1] = {}) =>
      link.send(miura.host.encode(miura.command(name, more)))
    await ask('batteryStatus')
    await ask('batteryStatus')
    const [first, second] = miura.host.decoder().push(concat(...heard))
    expect(first).toMatchObject({ type: 'answer', sw: 0x9000 })
    expect(second).toEqual(first)
    const fault = await ask('onlinePin').catch((error: Fault) => error)
    expect(fault).toMatchObject({
      code: 'protocol',
      details: { came: 'onlinePin', expected: expect.any(String), line: expect.any(Number) },
    })
    expect(await hearing).toMatchObject({ code: 'protocol' })
    await link.close()
  })

  it('of the link events of a trace the same is played', async () => {
    const line = { family: 'magtek', dialect: 'v5' }
    const lines: string[] = []
    const tracer = openTrace({ write: one => lines.push(one) })
    const recorded = await record(line, 'dip', undefined, undefined, tracer)
    tracer.close()
    const trace = parseTrace(lines.join('\n'))
    expect(trace).toMatchObject({ family: 'magtek', bytes: 'redacted' })
    const again = await replayed(line, { trace: { ...trace, start: recorded.trace.start }, answers: recorded.answers })
    expect(outcome(again.result)).toEqual(outcome(recorded.result))
  })

  const apps = lines.flatMap(line => (['dip', 'tap'] as const).map(present => [line.name, present, line] as const))
  it.each(apps)('a recorded app pays at a %s with the card in it, by %s', async (name, present, { family, dialect }) => {
    const line = { family, ...(dialect && { dialect }) }
    const recorded = await record(line, present)
    const dissector = families.find(one => one.name === family)!.dissector!({ uri: recorded.trace.uri, dialect })
    const units = unitsOf(recorded.trace, dissector).map(unit => unit.name)
    const said: string[] = []
    const playing = appAgain(line, present, (link, clock) =>
      playApp(link, recorded.trace, { dissector, clock, onMessage: one => said.push(one.name) }),
    )
    if (name === 'idtech' && present === 'dip') {
      // The issuer's recorded answer proves nothing to a card that has made another cryptogram: it declines, and this reader does not ask for it to be removed.
      await expect(playing).rejects.toMatchObject({ code: 'timeout', message: expect.stringContaining("'answer to 61'") })
      expect(said).toEqual(units.slice(0, said.length))
      expect(said).toContain('contactApplyHost')
    } else {
      await playing
      expect(said).toEqual(units)
    }
  })

  it('a recorded app pays at a reader again', async () => {
    const line = { family: 'qpos' }
    const recorded = await record(line, 'swipe')
    const dissector = families.find(one => one.name === 'qpos')!.dissector!({ uri: recorded.trace.uri })
    const clock = new VirtualClock(START)
    const reader = playback(recorded.trace, { dissector, clock })
    const said: string[] = []
    await clock.settle(playApp(reader, recorded.trace, { dissector, clock, onMessage: ({ name }) => said.push(name) }))
    expect(said).toEqual(unitsOf(recorded.trace, dissector).map(({ name }) => name))
    const other = playback(recorded.trace, { dissector, clock })
    const changed = { ...recorded.trace, chunks: recorded.trace.chunks.filter(({ direction }) => direction === 'in') }
    await expect(clock.settle(playApp(other, changed, { dissector, clock, patience: 1000 }))).rejects.toMatchObject({ code: 'timeout' })
  })
})
