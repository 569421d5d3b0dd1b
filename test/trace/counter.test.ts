/** A payment of every family as its trace tells it: all that happens at the counter, in one order, spans inside each other and closed, nothing secret. */

import { afterEach, describe, expect, it } from 'vitest'
import { open } from '../../devices/index.ts'
import { startIsoLine } from '../../simulator/acquirer/iso8583/host.ts'
import { issuerView } from '../../simulator/cards/issuer-view.ts'
import { testPinAesDukpt } from '../../simulator/keys.ts'
import { type CardProfile, type Counter, profiles, testPinDukpt, virtualCounter } from '../../simulator/world.ts'
import { systemClock, VirtualClock } from '../../src/clock.ts'
import { currency } from '../../src/currency.ts'
import { isFault } from '../../src/errors.ts'
import type { Acquirer } from '../../src/payment/acquirer.ts'
import { httpAcquirer } from '../../src/payment/host/http.ts'
import { iso8583Acquirer } from '../../src/payment/host/iso8583/client.ts'
import type { PaymentStep } from '../../src/payment/journal/recorder.ts'
import { type PaymentResult, pay } from '../../src/payment/pay/payment.ts'
import type { TraceEvent, Tracer } from '../../src/trace/event.ts'
import { parseTraceLog } from '../../src/trace/read.ts'
import { openTrace } from '../../src/trace/writer.ts'
import { connect } from '../../src/transport/connect.ts'
import { found, secretBytes, secretNumber } from '../canaries.ts'
import { everyFamily } from '../devices/families.ts'
import { deskAcquirer } from '../simulator/acquirer/desk-acquirer.ts'

const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const pin = '730916482755'
const pan = '2200707364918254'
const card: CardProfile = { ...profiles['mir-maestro'], pan, pin: { ...profiles['mir-maestro'].pin!, digits: pin } }
const canaries = [
  secretNumber('PAN', pan),
  secretNumber('the middle of the PAN', pan.slice(6, -4)),
  secretBytes('PIN key', testPinDukpt.bdk),
  secretBytes('PIN key of AES', testPinAesDukpt.bdk),
  secretNumber('PIN', pin),
]

const readers = everyFamily
  .filter(({ dialect }) => dialect !== 'emv2') // a port of calls, without bytes
  .map(({ family, dialect }) => [family, dialect] as const)

const pinPads = ['qpos undefined', 'bluepad mped', 'miura undefined', 'magtek mms']

interface Bench {
  readonly family: string
  readonly dialect: string | undefined
  readonly present: 'dip' | 'tap' | 'swipe'
  /** Ends it. */
  readonly signal?: AbortSignal
  readonly tracer?: (tracer: Tracer, counter: () => Counter) => Tracer
  /** Over a wire, on the system's clock. */
  readonly host?: (counter: Counter) => Promise<Acquirer>
}

async function traced({ family, dialect, present, signal, tracer: around = one => one, host }: Bench) {
  const clock = host ? systemClock : new VirtualClock()
  const lines: string[] = []
  const plain = openTrace({ write: line => lines.push(line), clock })
  const tracer = around(plain, () => counter)
  const made = { family, ...(dialect && { dialect }), tracer, clock }
  const counter: Counter = await virtualCounter({
    ...{ ...made, card, present, pins: [pin], resultTime: 0 },
    host: { accounts: [...issuerView(card)] },
  })
  ends.push(() => counter.close())
  const acquirer = host ? await host(counter) : deskAcquirer(counter.acquirer.desk)
  const steps: PaymentStep['stage'][] = []
  const journal = { keepsCards: false, record: ({ stage }: PaymentStep) => void steps.push(stage) }
  const run = async () => {
    const reader = await open(counter.link(), made)
    try {
      const order = { number: `o-${present}`, amount: 100_00n, currency: currency('RUB') }
      const prompts = { selectApplication: async () => 0 }
      return await pay(order, { ...{ reader, merchant, tracer, journal, acquirer, clock, prompts }, ...(signal && { signal }) })
    } catch (error) {
      return error as Error
    } finally {
      await reader.close()
    }
  }
  const working = run()
  const ended = await (clock instanceof VirtualClock ? clock.settle(working) : working)
  plain.close()
  return { ended, lines, steps, log: parseTraceLog(`${lines.join('\n')}\n`) }
}

/** Every span lies in its parent, ends once, and events name the innermost one. */
function checkOrder(events: readonly TraceEvent[]): void {
  const openSpans: number[] = []
  let last = 0
  for (const event of events) {
    expect(event.at).toBeGreaterThanOrEqual(last)
    last = event.at
    if (event.kind === 'spanEnd') expect(openSpans.pop()).toBe(event.id)
    expect(event.span).toBe(openSpans.at(-1))
    if (event.kind === 'span') {
      expect(event.parent).toBe(openSpans.at(-1))
      openSpans.push(event.id)
    }
  }
  expect(openSpans).toEqual([])
}

const named = (events: readonly TraceEvent[], level: string) =>
  events.flatMap(one => (one.kind === 'span' && one.level === level ? [one.name] : []))

describe.each(readers)('%s %s', (family, dialect) => {
  it.each(['dip', 'tap', 'swipe'] as const)('%s', async present => {
    const { ended, lines, log, steps } = await traced({ family, dialect, present })
    const { events } = log
    checkOrder(events)
    expect(found(canaries, lines.join('\n'))).toEqual([])
    const kinds = new Set<string>(events.map(({ kind }) => kind))
    for (const kind of ['span', 'spanEnd', 'link', 'message', 'screen', 'light', 'card', 'reader', 'app', 'journal'])
      expect(kinds, kind).toContain(kind)
    expect(events.find(({ kind }) => kind === 'card')).toMatchObject({ from: 'person' })
    expect(named(events, 'payment')).toEqual([`o-${present}`])
    expect(events.flatMap(one => (one.kind === 'journal' ? [one.stage] : []))).toEqual(steps)
    if (!(ended instanceof Error)) {
      expect(events.findLast(({ kind }) => kind === 'result')).toMatchObject({ result: ended.result })
      expect(events.at(-1)).toBeDefined()
    }
    if (present === 'swipe') return
    expect(ended).toMatchObject({ result: 'approved' })
    if (present === 'dip' && pinPads.includes(`${family} ${dialect}`))
      expect(events.filter(one => one.kind === 'key' && one.key === '*')).not.toHaveLength(0)
    for (const kind of ['apdu', 'kernel', 'host', 'sound', 'result']) expect(kinds, kind).toContain(kind)
    expect(named(events, 'presentation')).toEqual([present === 'dip' ? 'chip' : 'tap'])
    expect(named(events, 'step')).toEqual(expect.arrayContaining(['selection', 'initiation', 'records', 'cardActionAnalysis']))
    expect(named(events, 'command')).toEqual(expect.arrayContaining(['SELECT', 'GET PROCESSING OPTIONS', 'READ RECORD', 'GENERATE AC']))
    const host = events.flatMap(one => (one.kind === 'host' ? [`${one.from} ${one.what} ${one.name}`] : []))
    expect(host).toEqual(['driver request authorise', 'host decision authorisation', 'driver answer authorise'])
    expect(lines.join('\n')).toContain('2200700000008254') // it was looked at: what may be shown is there
  })

  it('an app that gives up: told, closed', async () => {
    const stop = new AbortController()
    const { ended, log } = await traced({
      ...{ family, dialect, present: 'dip', signal: stop.signal },
      tracer: plain => ({
        ...plain,
        tell(from, told) {
          plain.tell(from, told)
          if (told.kind === 'apdu' && told.name === 'READ RECORD') stop.abort()
        },
      }),
    })
    checkOrder(log.events)
    checkBroken(log.events, 'aborted')
    if (!(ended instanceof Error)) expect(log.events.findLast(({ kind }) => kind === 'result')).toMatchObject({ result: 'cancelled' })
  })
})

/** At the third command to the card, and so with a presentation, a step and a command open; the fault that ends what lies in the payment. */
const disasters: Readonly<Record<string, readonly [string, (counter: Counter) => void]>> = {
  'the line is lost': ['link-closed', counter => counter.reader.body.switchOff()],
  'the case is opened': ['tampered', counter => counter.reader.body.tamper()],
  'the card is pulled': ['card-removed', counter => counter.reader.body.pull()],
}

/** The presentation, and the step that was open in it, end with the fault that broke them, though the kernel ends with an outcome. */
function checkBroken(events: readonly TraceEvent[], fault: string): void {
  const ended = (level: string) => {
    const ids = events.flatMap(one => (one.kind === 'span' && one.level === level ? [one.id] : []))
    return events.flatMap(one => (one.kind === 'spanEnd' && ids.includes(one.id) ? [one.fault] : []))
  }
  expect(ended('presentation')).toEqual([fault])
  expect(new Set(ended('step').filter(one => one !== undefined))).toEqual(new Set([fault]))
  expect(ended('command').filter(one => one !== undefined)).toEqual(fault === 'card-removed' ? [fault] : [])
}

describe.each(readers)('%s %s, a payment that breaks', (family, dialect) => {
  it.each(Object.entries(disasters))('%s: the trace is whole to its end, and says where it broke', async (_, [fault, happens]) => {
    let commands = 0
    const { ended, lines, log } = await traced({
      ...{ family, dialect, present: 'dip' },
      tracer: (plain, counter) => ({
        ...plain,
        tell(from, told) {
          plain.tell(from, told)
          if (told.kind === 'apdu' && ++commands === 3) happens(counter())
        },
      }),
    })
    const { events } = log
    checkOrder(events)
    expect(found(canaries, lines.join('\n'))).toEqual([])
    expect(named(events, 'presentation')[0]).toBe('chip')
    checkBroken(events, fault)
    const [payment] = events.filter(one => one.kind === 'span' && one.level === 'payment') as { readonly id: number }[]
    const end = events.find(one => one.kind === 'spanEnd' && one.id === payment.id) as { readonly fault?: string }
    expect(end).toBeDefined()
    if (isFault(ended)) expect(end.fault).toBe(ended.code)
    else expect(events.findLast(({ kind }) => kind === 'result')).toMatchObject({ result: (ended as PaymentResult).result })
    const seen = fault === 'card-removed' ? 'removed' : { tampered: 'tampered', 'link-closed': 'switchedOff' }[fault]
    expect(events.some(one => (one.kind === 'reader' || one.kind === 'card') && one.event === seen)).toBe(true)
  })
})

describe('over a wire', () => {
  const hosts: Readonly<Record<string, (counter: Counter) => Promise<Acquirer>>> = {
    http: async counter => httpAcquirer(counter.acquirer.url),
    async iso8583(counter) {
      const host = await startIsoLine(counter.acquirer.desk)
      const acquirer = iso8583Acquirer({ connect: how => connect(`tcp://127.0.0.1:${host.port}`, how) })
      ends.push(
        () => host.close(),
        () => acquirer.close(),
      )
      return acquirer
    },
  }
  it.each(Object.entries(hosts))('%s', async (_, host) => {
    const { lines, log, ended } = await traced({ family: 'qpos', dialect: undefined, present: 'dip', host })
    expect(ended).toMatchObject({ result: 'approved' })
    checkOrder(log.events)
    expect(log.header.clock).toBe('system')
    expect(found(canaries, lines.join('\n'))).toEqual([])
    expect(log.events.find(({ kind }) => kind === 'host')).toMatchObject({ what: 'request', name: 'authorise' })
  })
})

describe('off', () => {
  it('nothing is made of what nobody hears', async () => {
    const clock = new VirtualClock()
    const counter = await virtualCounter({ family: 'qpos', card, pins: [pin], resultTime: 0, clock })
    ends.push(() => counter.close())
    expect(counter.reader.body.trace).toBeUndefined()
    expect(counter.reader.body.powerOn).toBeTypeOf('function')
  })
})
