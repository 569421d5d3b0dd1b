/** The runner: what steps, faults and people come to, the same every time for the same seed, and nothing left behind. */

import { describe, expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import { json } from '../../../simulator/scenario/reporters/machine.ts'
import { runCases } from '../../../simulator/scenario/run.ts'
import { mergeReports, parseReport, runSuite, selected } from '../../../simulator/scenario/suite.ts'
import { listen, loadCard, person, virtualReader } from '../../../simulator/world.ts'
import type { Tracer } from '../../../src/trace/event.ts'
import { casesOfText, only } from './bench.ts'

describe('a case', () => {
  it('is the same for the same seed, and another for another', async () => {
    const traces = async (seed: number) => {
      const [{ trace, seed: own, status, expectations, virtualDuration }] = await runCases(
        { name: 'x', reader: 'miura', card: 'mir', faults: [{ seeded: ['pull', 'cut', 'abort'] }] },
        { seed },
      )
      return { events: JSON.stringify(trace?.events), own, status, expectations, virtualDuration }
    }
    const [one, again, other] = [await traces(5), await traces(5), await traces(6)]
    expect(again).toEqual(one)
    expect(other.own).not.toBe(one.own)
    expect(other.events).not.toBe(one.events)
  })

  it('takes no real pauses: a silent host is asked for 20 s, and nobody waits', async () => {
    const { status, duration, virtualDuration } = await only({
      card: 'mir',
      host: [{ do: 'silence' }, { do: 'silence', on: 'status' }],
      expect: { result: ['unknown', 'declined', 'cancelled'] },
    })
    expect(status).toBe('passed')
    expect(virtualDuration).toBeGreaterThan(20_000)
    expect(duration).toBeLessThan(virtualDuration)
  })

  it('that hangs is ended by its time, and says so', async () => {
    const { status, expectations } = await only({ person: 'nobody', timeout: 1000 })
    expect(status).toBe('failed')
    expect(expectations[0]).toMatchObject({ path: 'steps.0', actual: 'timeout' })
  })

  it('whose card is none breaks, and tells why', async () => {
    const { status, fault } = await only({ card: { profile: 'mir', with: { pan: '1' } } })
    expect([status, fault?.code]).toEqual(['failed', 'bad-config'])
  })

  it('changes of a card and of the terminal are those of the payment', async () => {
    const { expectations, status } = await only({
      card: {
        profile: 'mir',
        with: { effective: '190101', expires: '200131', applications: { 0: { cvm: { rules: [{ method: 'noCvm' }] } } } },
      },
      terminal: { applications: { A000000658: { tacDenial: '0040000000' } } },
      expect: { result: 'declined', reason: 'offlineDeclined', bits: ['TVR.expired'], host: [] },
    })
    expect([status, expectations.filter(({ passed }) => !passed)]).toEqual(['passed', []])
  })

  it('a key that a screen rule presses ends the payment', async () => {
    const { status } = await only({
      card: 'mir',
      person: { pace: { think: 60_000 } },
      screen: [{ says: 'reader.enterPin', press: 'cancel', times: 1 }],
      expect: { result: ['cancelled', 'declined'], order: {} },
    })
    expect(status).toBe('passed')
  })

  it('that an order is none at the host is expected with null, and an order there breaks it', async () => {
    const none = await only({ card: 'mir', person: { cancelAt: 'card' }, expect: { result: 'cancelled', order: null } })
    expect([none.status, none.reason]).toEqual(['passed', undefined])
    const paid = await only({ card: 'mir', expect: { order: null } })
    expect([paid.status, paid.expectations[0]]).toEqual(['failed', expect.objectContaining({ path: 'expect.order', expected: null })])
  })

  it('an app that dies and a till that has been paid are endings that a scenario expects', async () => {
    const killed = await only({
      card: 'mir',
      faults: [{ at: 'cryptogram', do: 'kill', step: 0 }],
      steps: [
        { pay: { order: 'A', expect: { result: 'killed' } } },
        { app: 'start' },
        { sync: { expect: { result: 'done' } } },
        { pay: { order: 'A', expect: { result: 'approved' } } },
        { pay: { order: 'A', expect: { result: 'already-paid' } } },
      ],
    })
    expect([killed.status, killed.reason]).toEqual(['passed', undefined])
    expect(killed.steps.map(({ exit }) => exit)).toEqual([undefined, 0, 0, 0, 0]) // what is killed has no exit code
    const exits = await only({ card: 'mir', faults: [{ at: 'cryptogram', do: 'kill' }], expect: { exit: 0 } })
    expect([exits.status, exits.expectations[0]]).toEqual(['failed', expect.objectContaining({ path: 'expect.exit', actual: 'none' })])
    const other = await only({ card: 'mir', expect: { result: 'killed' } })
    expect([other.status, other.expectations[0]]).toEqual([
      'failed',
      expect.objectContaining({ path: 'expect.result', actual: 'approved' }),
    ])
  })

  it('skipped is not run, and says why', async () => {
    const [{ status, reason, trace }] = await runCases({ name: 'x', skip: 'not built yet' })
    expect([status, reason, trace]).toEqual(['skipped', 'not built yet', undefined])
  })

  it('no secret of its card is in its result: trace, screens, slips', async () => {
    const result = await only({ card: 'visa-signature', reader: 'bluepad', steps: [{ pay: {} }, { refund: { amount: 1 } }] })
    expect(JSON.stringify(result)).not.toMatch(/4761739001\d{6}/)
    expect(result.trace!.events.some(({ kind }) => kind === 'apdu')).toBe(true)
  })
})

describe('the same scenario', () => {
  const families = ['qpos', 'bluepad', 'miura', 'magtek v5', 'magtek mms', 'idtech'] as const
  /** What a trace tells but for the line, the times and what is random. */
  const told = ({ trace }: Awaited<ReturnType<typeof only>>) =>
    trace!.events.flatMap(event => {
      if (event.kind === 'apdu') return [`${event.interface} ${event.name}`]
      if (event.kind === 'kernel') return [`${event.rule} ${event.effect}`]
      return event.kind === 'screen' ? [event.lines.join('|')] : []
    })

  it.each(families)('%s: over a socket as in memory', { timeout: 120_000 }, async reader => {
    const scenario = { reader, card: 'mir', expect: { result: 'approved' as const, interface: 'chip' as const } }
    const [memory, socket] = [await only(scenario), await only(scenario, { over: 'tcp' })]
    expect([memory.status, socket.status, socket.reason]).toEqual(['passed', 'passed', undefined])
    expect(told(socket)).toEqual(told(memory))
    expect(socket.trace!.header.clock).toBe('system')
  })

  it('a raw slot and Bluetooth pass over what they have not, and say why', async () => {
    const over = async (line: 'slot' | 'ble', scenario: Parameters<typeof only>[0]) => {
      const { status, reason } = await only(scenario, { over: line })
      return [status, reason]
    }
    expect(await over('ble', { reader: 'idtech' })).toEqual(['skipped', 'a reader of family idtech has no Bluetooth LE'])
    const wrong = { card: 'mir' as const, person: { pins: ['4321', '1234'] } }
    const asked = [{ type: 'authorisation' as const, pin: 'wrong', code: '55' }]
    expect(await over('slot', { ...wrong, expect: { result: 'declined', host: asked } })).toEqual(['passed', undefined]) // one prompt, one PIN
    expect(await over('slot', { person: 'swipe' })).toEqual(['skipped', 'nobody swipes at a raw slot'])
    expect(await over('slot', { steps: [{ update: { to: '2.0.0' } }] })).toEqual(['skipped', 'a raw slot has no update'])
    expect(await over('slot', { faults: [{ at: 'pin', do: 'cut' }] })).toEqual(['skipped', expect.stringContaining('cut is for a reader')])
    expect(
      await over('slot', { card: 'mir', expect: { result: 'approved', cvm: 'onlinePin', screens: ['reader.enterPin', '****'] } }),
    ).toEqual(['passed', undefined])
  })

  it('a fault of the app, and one of the counter, are acted on across the line', { timeout: 120_000 }, async () => {
    const aborted = await only(
      {
        card: 'mir',
        faults: [{ at: 'card', do: 'abort' }],
        person: 'nobody',
        expect: { result: 'cancelled', reason: 'merchantCancelled' },
      },
      { over: 'tcp' },
    )
    expect([aborted.status, aborted.reason]).toEqual(['passed', undefined])
    const killed = await only(
      {
        card: 'mir',
        faults: [{ at: { journal: 'answered' }, do: 'kill' }],
        steps: [{ pay: {} }, { sync: {} }],
        expect: { order: { charged: 0 } },
      },
      { over: 'tcp' },
    )
    expect([killed.status, killed.reason]).toEqual(['passed', undefined])
  })

  it('at a reader that is there: its person is told what to do, and what only a twin can do is skipped', { timeout: 120_000 }, async () => {
    const device = virtualReader({ family: 'miura', resultTime: 0 })
    const leave = person(device.body, loadCard('mir'))
    const listening = await listen('tcp:0', link => device.serve(link))
    const led: string[] = []
    const uri = `${listening.uri}?family=miura`
    const rig = { uri, open: (tracer: Tracer) => open(uri, { tracer }), lead: async (what: string) => void led.push(what) }
    try {
      const good = await only(
        { card: 'mir', person: { pins: ['1234'] }, expect: { result: 'approved', cvm: 'onlinePin', screens: ['reader.enterPin'] } },
        { rig },
      )
      expect([good.status, good.reason, good.reader, led]).toEqual(['passed', undefined, uri, ['a case: dip mir; PIN 1234']])
      const skipped = await only({ faults: [{ at: 'pin', do: 'pull' }] }, { rig })
      expect([skipped.status, skipped.reason]).toEqual(['skipped', expect.stringMatching(/virtual counter/)])
    } finally {
      leave()
      await listening.close()
      await device.close()
    }
  })
})

describe('a suite', () => {
  const cases = () =>
    casesOfText(
      'scenarios:\n  - { name: one, tags: [a], card: mir }\n  - { name: two, tags: [b, slow], card: mir }\n  - { name: three, tags: [a, slow], card: mir, expect: { result: declined } }\n',
    )
  const names = (selection: Parameters<typeof selected>[1], all = cases()) => selected(all, selection).map(({ name }) => name)

  it('is chosen from by name, tag, part and only', () => {
    expect(names({ grep: /t/ })).toEqual(['two', 'three'])
    expect(names({ tags: ['a'] })).toEqual(['one', 'three'])
    expect(names({ tags: ['a', '!slow'] })).toEqual(['one'])
    expect(names({ shard: { index: 1, of: 2 } })).toEqual(['one', 'three'])
    expect(names({ shard: { index: 2, of: 2 } })).toEqual(['two'])
    expect(names({}, casesOfText('scenarios:\n  - { name: one }\n  - { name: two, only: I am at work on it }\n'))).toEqual(['two'])
  })

  it('in shards and merged it is the whole', async () => {
    const of = 2
    const parts = [await runSuite(cases(), { shard: { index: 1, of } }), await runSuite(cases(), { shard: { index: 2, of } })]
    const merged = mergeReports(parts.map(part => parseReport(json(part), 'part.json')))
    const statuses = Object.fromEntries(merged.results.map(({ name, status }) => [name, status]))
    expect(statuses).toEqual({ one: 'passed', two: 'passed', three: 'failed' })
    expect(parts.map(({ shard }) => shard)).toEqual(['1/2', '2/2'])
    expect(() => mergeReports([parts[0], parts[0]])).toThrow(/each case once/)
  })

  it('a case that failed is tried again as often as asked', async () => {
    const { results } = await runSuite(cases(), { retries: 2 })
    expect(results.map(({ attempts }) => attempts)).toEqual([1, 1, 3])
  })

  it('ends when it is interrupted: what was not begun is skipped', async () => {
    const stop = new AbortController()
    const { results } = await runSuite(cases(), { signal: stop.signal, onResult: () => stop.abort() })
    expect(results.map(({ status }) => status)).toEqual(['passed', 'skipped', 'skipped'])
  })
})
