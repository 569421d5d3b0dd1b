/** Two runs beside each other: what of them differs by nature is left out and told; what is another is named, with the rule that made it so. */

import { describe, expect, it } from 'vitest'
import { loadCard } from '../../simulator/cards/icc.ts'
import { type RunOptions, runCard } from '../../simulator/commands/run.ts'
import { commandName } from '../../src/apdu/names.ts'
import { hex } from '../../src/bytes.ts'
import { VirtualClock } from '../../src/clock.ts'
import { diffTraces } from '../../src/trace/diff.ts'
import type { Told, TraceSource } from '../../src/trace/event.ts'
import { printTrace } from '../../src/trace/print.ts'
import { printDiff } from '../../src/trace/print-diff.ts'
import { parseTraceLog, type TraceLog } from '../../src/trace/read.ts'
import { openTrace } from '../../src/trace/writer.ts'

/** One payment of a card in the kernel, as a trace that was written and read again. */
async function run(profile: string, options: RunOptions = {}, spoil: (answer: Uint8Array, command: Uint8Array) => Uint8Array = one => one): Promise<TraceLog> {
  const lines: string[] = []
  const clock = new VirtualClock()
  const tracer = openTrace({ write: line => lines.push(line), clock, header: { card: profile } })
  const end = tracer.span('payment', 'order-1')
  const card = loadCard(profile)
  const contact = card.contact()
  const heard = Object.create(card, {
    contact: {
      value: () => ({
        ...contact,
        atr: contact.atr,
        async transmit(command: Uint8Array) {
          const answer = spoil(await contact.transmit(command), command)
          tracer.tell('reader', { kind: 'apdu', interface: 'contact', name: commandName(command), command, answer })
          return answer
        },
      }),
    },
  }) as typeof card
  const rules: Told[] = []
  const hear = { tell: (_: TraceSource, told: Told) => void (told.kind === 'kernel' && rules.push(told)), span: () => () => {} }
  const outcome = await runCard(heard, { ...options, tracer: hear })
  for (const told of rules) tracer.tell('reader', told)
  tracer.tell('app', { kind: 'result', result: outcome.result, ...(outcome.reason && { reason: outcome.reason }), content: { cvm: outcome.cvm } })
  end()
  tracer.close()
  return parseTraceLog(`${lines.join('\n')}\n`)
} // biome-ignore format: one line

describe('two runs', () => {
  it('of one card are the same, and what is made of chance is told as not compared', async () => {
    const diff = diffTraces(await run('mir-maestro'), await run('mir-maestro'))
    expect(diff).toMatchObject({ same: true, events: 0, values: [] })
    const ignored = new Map(diff.ignored.map(({ name, why }) => [name, why]))
    expect(ignored.get('9F37')).toBe('unpredictable')
    expect(ignored.get('9F26')).toBe('made of what is ignored: counter, date or unpredictable number')
    expect(printDiff(diff, 'ru')).toMatch(/^Прогоны одинаковы\.\nНе сравнивалось:\n/)
  })

  it('of which one has an expired card part at its record, and the bit of the TVR has its rule', async () => {
    const diff = diffTraces(await run('mir-maestro'), await run('mir-maestro', {}, expired))
    expect(diff.first).toMatchObject({
      left: { what: 'apdu READ RECORD', within: ['payment'] },
      values: [{ name: '5F24', meaning: 'Application Expiration Date', left: '401231', right: '201231' }],
    })
    const tvr = diff.values.find(({ name }) => name === '95')
    expect(tvr).toMatchObject({ leftBits: [], where: 'apdu GENERATE AC' })
    expect(tvr?.rightBits).toContain('Expired application')
    expect(tvr?.rules).toContainEqual({ side: 'right', rule: expect.stringMatching(/^Book 3, 10\.4\.3/), effect: ['TVR expired'] })
    const printed = printDiff(diff)
    expect(printed).toContain('right alone: DDA failed, Expired application')
    expect(printed).toMatch(/right Book 3, 10\.4\.3.* → TVR expired/)
  })

  it('of which one was declined by the host part there, and the amount is told by the list that asked for it', async () => {
    const declined = diffTraces(await run('mir-maestro'), await run('mir-maestro', { host: 'decline' }))
    expect(declined.values.map(({ name }) => name)).toContain('result')
    const dearer = diffTraces(await run('mir-maestro'), await run('mir-maestro', { amount: '2600.00' }))
    expect(dearer.first?.left?.what).toBe('apdu GENERATE AC')
    expect(dearer.first?.values).toEqual([
      { name: '9F02', meaning: 'Amount, Authorised (Numeric)', left: '000000250000', right: '000000260000' },
    ])
  })

  it('of which one ends early: what follows is told as missing, and both are walked to their ends', async () => {
    const [whole, part] = [await run('mir-maestro'), await run('mir-maestro')]
    const cut = { ...part, events: part.events.slice(0, 6), lines: part.lines.slice(0, 6) }
    const diff = diffTraces(whole, cut)
    expect(diff.first?.right).toBeUndefined()
    expect(diff.first?.left).toBeDefined()
    expect(printDiff(diff)).toContain('the right run has no such event')
  })

  it('an event more is one difference, not a shift of all that follows', async () => {
    const [one, other] = [await run('mir-maestro'), await run('mir-maestro')]
    const events = [...other.events]
    events.splice(4, 0, { at: 0, from: 'person', kind: 'card', event: 'left' })
    const diff = diffTraces(one, { ...other, events, lines: events.map((_, at) => at + 2) })
    expect(diff.events).toBe(1)
    expect(diff.first).toEqual({ right: expect.objectContaining({ what: 'card left' }), values: [] })
  })

  it('a counter and key serial numbers are ignored when told, and only then', () => {
    const log = (atc: string, ksn: string): TraceLog => ({
      format: 2,
      header: {} as TraceLog['header'],
      events: [
        { at: 0, from: 'driver', kind: 'message', way: 'in', type: 'completed', content: { pinKsn: ksn, tags: { '9F36': atc } } },
        { at: 5, from: 'driver', kind: 'link', way: 'in', length: 5, bytes: atc },
      ],
      lines: [2, 3],
    })
    const [left, right] = [log('0001', 'FFFF9876543210E00001'), log('0002', 'FFFF9876543210E00002')]
    expect(diffTraces(left, right).values.map(({ name }) => name)).toEqual(['pinKsn', '9F36'])
    expect(diffTraces(left, right, { ignore: ['atc', 'ksn'] })).toMatchObject({
      same: true,
      ignored: [{ name: 'pinKsn' }, { name: '9F36' }],
    })
  })

  it('of 20,000 events that have nothing in common are compared in seconds', () => {
    const log = (name: string): TraceLog => ({
      format: 2,
      header: {} as TraceLog['header'],
      events: Array.from({ length: 20_000 }, (_, at) => ({ at, from: 'driver', kind: 'sound', sound: `${name} ${at % 7}` }) as const),
      lines: Array.from({ length: 20_000 }, (_, at) => at + 2),
    })
    const begin = process.cpuUsage().user
    expect(diffTraces(log('a'), log('b')).events).toBe(40_000)
    expect(process.cpuUsage().user - begin).toBeLessThan(10_000_000)
  })
})

/** 5F24 of a record, twenty years earlier. */
function expired(answer: Uint8Array, command: Uint8Array): Uint8Array {
  const at = command[1] === 0xb2 ? hex(answer).indexOf('5F240340') / 2 : -1
  return at < 0 ? answer : answer.map((byte, place) => (place === at + 3 ? 0x20 : byte))
}

it('the view of a trace says what a status means to its command', () => {
  const event = {
    at: 0,
    from: 'reader',
    kind: 'apdu',
    interface: 'contact',
    name: 'GET PROCESSING OPTIONS',
    command: '80A8000002830000',
  } as const
  const log: TraceLog = {
    format: 2,
    header: { tapdip: 'trace', version: 2, package: '0.1.0', start: '2026-01-01T00:00:00.000Z', clock: 'virtual', masked: [] },
    events: [{ ...event, answer: '6985' }, { ...event, answer: '9000' }, event],
    lines: [2, 3, 4],
  }
  const printed = printTrace(log)
  expect(printed).toContain('→ 6985 (the application declines this transaction before it begins')
  expect(printed).toMatch(/→ 9000$/m)
  expect(printed).toMatch(/no answer$/m)
})
