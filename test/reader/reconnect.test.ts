/** A reader that is wanted: opened, lost, opened again; remembered; given away; and nothing left over. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openQpos } from '../../devices/qpos/driver.ts'
import { testCaKeys } from '../../simulator/keys.ts'
import { VirtualQpos } from '../../simulator/readers/qpos/qpos.ts'
import { virtualCounter } from '../../simulator/world.ts'
import { fromHex } from '../../src/bytes.ts'
import { VirtualClock } from '../../src/clock.ts'
import { initialKey } from '../../src/crypto/dukpt.ts'
import { russianMpos } from '../../src/emv/profiles.ts'
import { Fault, isFault } from '../../src/errors.ts'
import { Broadcast } from '../../src/reader/broadcast.ts'
import type { Reader, ReaderEvent } from '../../src/reader/reader.ts'
import { type ConnectionState, ReaderConnection, type ReaderMemory, type RememberedReader } from '../../src/reader/reconnect.ts'
import { type PipeEnd, pipe } from '../../src/transport/pipe.ts'
import { faultOf } from '../transport/link-contract.ts'

const URI = 'serial:/dev/ttyACM0?family=qpos'

let clock: VirtualClock
let connection: ReaderConnection
let states: ConnectionState[]
let watching: Promise<void>

/** Readers that were opened and are not closed yet. */
let alive: Set<Reader>
let opened: number
/** What the next openings do; a reader when there is nothing. */
let openings: (Fault | 'hang' | { readonly serial: string })[]
let memory: ReaderMemory & { kept: RememberedReader | undefined }

function toyReader(serial: string | undefined): Reader & { lose(): void } {
  const events = new Broadcast<ReaderEvent>()
  const reader: Reader & { lose(): void } = {
    info: { family: 'toy', capabilities: ['chip'], applicationSelection: 'host', ...(serial ? { serial } : {}) },
    status: async () => ({}),
    events,
    transact: () => Promise.reject(new Fault('unsupported', 'a toy takes no money')),
    lose() {
      events.send({ type: 'state', state: 'disconnected' })
      events.end()
    },
    async close() {
      events.end()
      alive.delete(reader)
    },
    [Symbol.asyncDispose]: () => reader.close(),
  }
  alive.add(reader)
  opened++
  return reader
}

async function open(): Promise<Reader> {
  const next = openings.shift()
  if (next instanceof Fault) throw next
  if (next === 'hang') await new Promise(resolve => clock.timer(60_000, () => resolve(undefined))) // deaf to its signal
  return toyReader(typeof next === 'object' ? next.serial : 'MPOS0000000001')
}

const lose = () => (connection.reader as ReturnType<typeof toyReader>).lose()
const types = () => states.map(({ type }) => type)

function begin(options: Partial<ConstructorParameters<typeof ReaderConnection>[0]> = {}): void {
  connection = new ReaderConnection({ open, clock, memory, ...options })
  states = []
  watching = (async () => {
    for await (const state of connection.states) states.push(state)
  })()
}

beforeEach(() => {
  clock = new VirtualClock()
  alive = new Set()
  opened = 0
  openings = []
  memory = {
    kept: undefined,
    load: async () => memory.kept,
    save: async reader => {
      memory.kept = reader
    },
  }
  begin()
})

afterEach(async () => {
  await connection.close()
  await watching
  await clock.advance(120_000)
  expect(clock.pending).toBe(0)
  expect([...alive]).toEqual([])
  expect(connection.states.listeners).toBe(0)
})

describe('a reader whose battery is empty', () => {
  const tells = (level: 'ok' | 'low' | 'critical', percent: number) =>
    (connection.reader!.events as Broadcast<ReaderEvent>).send({ type: 'battery', level, percent })

  it('is not tried again and again: the app is told why, and one word of it tries anew', async () => {
    await connection.use(URI)
    await connection.ready()
    tells('critical', 2)
    lose()
    await clock.advance(600_000)
    expect(opened).toBe(1)
    expect(connection.state).toMatchObject({ type: 'failed', uri: URI, fault: { code: 'low-battery', details: { percent: 2 } } })
    expect(await faultOf(connection.ready())).toBe('low-battery')
    connection.retry()
    await clock.advance(0)
    expect((await connection.ready()).info.family).toBe('toy')
    expect(types()).toEqual(['connecting', 'ready', 'failed', 'connecting', 'ready'])
  })

  it('one that is low, or on its charger by then, is waited for as ever', async () => {
    await connection.use(URI)
    for (const last of ['low', 'ok'] as const) {
      await connection.ready()
      tells('critical', 4)
      tells(last, 12)
      lose()
      await clock.advance(0)
      expect(connection.state.type).toBe('waiting')
      await clock.advance(60_000)
    }
    expect(opened).toBe(3)
  })

  it('a virtual one that runs down to nothing, after it has told so', async () => {
    const counter = await virtualCounter({ clock, resultTime: 0 })
    begin({ open: (_, { signal }) => openQpos(counter.link(), { clock, signal }) })
    await connection.use(URI)
    const reader = await clock.settle(connection.ready())
    counter.reader.body.setBattery({ percent: 3 })
    await clock.settle(reader.status())
    counter.reader.body.setBattery({ percent: 0 })
    await clock.advance(120_000)
    expect(connection.state).toMatchObject({ type: 'failed', fault: { code: 'low-battery' } })
    await clock.settle(connection.close())
    await clock.settle(counter.close())
  })
})

describe('a wanted reader', () => {
  it('is opened, remembered, and found again by the next run of the app without being named', async () => {
    expect(await faultOf(connection.ready())).toBe('not-found')
    expect(await faultOf(connection.use())).toBe('not-found')
    await connection.use(URI)
    expect((await connection.ready()).info.family).toBe('toy')
    expect(memory.kept).toEqual({ uri: URI, serial: 'MPOS0000000001' })
    await connection.close()
    await watching
    expect(states).toEqual([
      { type: 'connecting', uri: URI, attempt: 1 },
      { type: 'ready', uri: URI, info: expect.objectContaining({ family: 'toy' }) },
      { type: 'off' },
      { type: 'closed' },
    ])
    begin()
    await connection.use()
    expect((await connection.ready()).info.serial).toBe('MPOS0000000001')
  })

  it('that does not open is tried again with pauses that double up to half a minute; then the count begins anew', async () => {
    openings = Array.from({ length: 8 }, () => new Fault('not-found', 'no such port'))
    await connection.use(URI)
    const ready = connection.ready()
    await clock.settle(ready)
    const waits = states.filter(state => state.type === 'waiting')
    expect(waits.map(({ retryIn }) => retryIn)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
    expect(waits.every(({ fault }) => fault.code === 'not-found')).toBe(true)
    await clock.advance(10_000)
    lose()
    await clock.advance(499)
    expect(connection.state).toMatchObject({ type: 'waiting', attempt: 1, retryIn: 500, fault: { code: 'link-closed' } })
    await clock.advance(1)
    expect(connection.state.type).toBe('ready')
  })

  it('that comes and goes is given longer pauses, not a storm of attempts', async () => {
    await connection.use(URI)
    for (let i = 0; i < 10; i++) {
      await clock.settle(connection.ready())
      lose()
      await clock.advance(0)
    }
    const waits = states.flatMap(state => (state.type === 'waiting' ? [state.retryIn] : []))
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000, 30_000])
  })

  it('that is used by another app is waited for; retry does not wait', async () => {
    openings = [new Fault('busy', 'used by another program'), new Fault('busy', 'used by another program')]
    await connection.use(URI)
    const ready = connection.ready()
    await clock.advance(1000)
    expect(connection.state).toMatchObject({ type: 'waiting', attempt: 3, fault: { code: 'busy' } })
    connection.retry()
    expect((await ready).info.family).toBe('toy')
    connection.retry()
    await clock.advance(0)
    expect(opened).toBe(1)
  })

  it.each([
    new Fault('missing-library', 'npm install serialport'),
    new Fault('bad-uri', 'forms'),
    new Fault('tampered', 'opened'),
    new Fault('link-failed', 'no permission', { reason: 'permission' }),
  ])('that cannot open is not tried again until somebody asks: $code', async fault => {
    openings = [fault]
    await connection.use(URI)
    await expect(connection.ready()).rejects.toBe(fault)
    await clock.advance(3_600_000)
    expect(types()).toEqual(['connecting', 'failed'])
    await expect(connection.ready()).rejects.toBe(fault)
    connection.retry()
    await clock.advance(0)
    expect(types()).toEqual(['connecting', 'failed', 'connecting', 'ready'])
    expect(states[2]).toMatchObject({ attempt: 1 })
  })

  it('whose opening hangs is given up, and closed when it opens too late', async () => {
    openings = ['hang', 'hang']
    await connection.use(URI)
    await clock.advance(20_000)
    expect(connection.state).toMatchObject({ type: 'waiting', fault: { code: 'timeout', details: { ms: 20_000 } } })
    await connection.release()
    await clock.advance(60_000)
    expect(opened).toBe(1)
    expect(alive.size).toBe(0)
  })

  it('another at the same place is told by its serial number', async () => {
    memory.kept = { uri: URI, serial: 'MPOS0000000001' }
    openings = [{ serial: 'MPOS0000000002' }]
    await connection.use()
    await connection.ready()
    expect(connection.state).toMatchObject({ type: 'ready', replaces: 'MPOS0000000001' })
    lose()
    openings = [{ serial: 'MPOS0000000002' }]
    await clock.settle(connection.ready())
    expect(connection.state).not.toHaveProperty('replaces')
  })

  it('is released for another app, forgotten, and wanted again', async () => {
    await connection.use(URI)
    await connection.ready()
    await connection.release()
    expect(connection.state).toEqual({ type: 'off' })
    expect(connection.reader).toBeUndefined()
    expect(alive.size).toBe(0)
    await clock.advance(3_600_000)
    expect(opened).toBe(1)
    await connection.use()
    await connection.ready()
    await connection.forget()
    expect(memory.kept).toBeUndefined()
    expect(await faultOf(connection.use())).toBe('not-found')
  })

  it('changes of mind in one breath end with the last, and one reader', async () => {
    await Promise.all([connection.use('tcp://a:1'), connection.release(), connection.use('tcp://b:1'), connection.use('tcp://c:1')])
    await connection.ready()
    expect(connection.state).toMatchObject({ type: 'ready', uri: 'tcp://c:1' })
    expect(alive.size).toBe(1)
    expect(memory.kept?.uri).toBe('tcp://c:1')
  })

  it('close settles who waits; signals and time limits do too', async () => {
    openings = ['hang']
    await connection.use(URI)
    const controller = new AbortController()
    const aborted = faultOf(connection.ready({ signal: controller.signal }))
    const timed = faultOf(connection.ready({ timeout: 100 }))
    const waiting = faultOf(connection.ready())
    controller.abort()
    expect(await aborted).toBe('aborted')
    await clock.advance(100)
    expect(await timed).toBe('timeout')
    await connection.close()
    await connection.close()
    expect(await waiting).toBe('not-found')
    expect(await faultOf(connection.ready())).toBe('link-closed')
    expect(await faultOf(connection.use(URI))).toBe('link-closed')
  })

  it('a memory that takes its time hands out no reader that is gone, and one that never ends holds nobody up', async () => {
    await connection.close()
    await watching
    let written = () => {}
    begin({ memory: { load: async () => undefined, save: () => new Promise(resolve => (written = () => resolve())) } })
    await connection.use(URI)
    const first = await connection.ready()
    lose()
    await clock.advance(0)
    expect(connection.state.type).toBe('waiting')
    expect(await clock.settle(connection.ready())).not.toBe(first)
    written()
    const released = connection.release()
    await clock.advance(40_000)
    await released
    expect(alive.size).toBe(0)
  })

  it('a memory that cannot be written costs no reader', async () => {
    await connection.close()
    await watching
    begin({ memory: { load: async () => undefined, save: () => Promise.reject(new Error('disk full')) } })
    await connection.use(URI)
    await connection.ready()
    await clock.advance(1000)
    expect(connection.state.type).toBe('ready')
  })
})

describe('with the QPOS driver and a virtual QPOS', () => {
  it('survives 1,000 losses of its link: ready each time, nothing left on the clock, memory level', async () => {
    const config = russianMpos({
      ...{ merchantId: 'M1', terminalId: 'T1', merchantName: 'Test', acquirerId: '123456', ifdSerial: 'MPOS0001' },
      caKeys: testCaKeys,
    })
    const ksn = fromHex('FFFF9876543210E00000')
    const pinDukpt = { ipek: initialKey(fromHex('0123456789ABCDEFFEDCBA9876543210'), ksn), ksn }
    const device = new VirtualQpos({ clock, config, pinDukpt })
    let line: PipeEnd
    let hosts = 0
    await connection.close()
    await watching
    begin({
      open: (_, { signal }) => {
        const [host, other] = pipe({ mtu: 64 })
        line = host
        hosts++
        void device.serve(other).finally(() => hosts--)
        return openQpos(host, { signal, clock })
      },
    })
    await connection.use(URI)
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    const heap: number[] = []
    for (let round = 0; round < 1000; round++) {
      const reader = await clock.settle(connection.ready())
      if (round % 100 === 0) expect((await clock.settle(reader.status())).battery).toBeDefined()
      if (round >= 200 && round % 100 === 0) {
        collect()
        heap.push(process.memoryUsage().heapUsed)
      }
      await clock.advance(10_000)
      states.length = 0
      line!.drop()
      await clock.advance(0)
      expect(connection.state.type).toBe('waiting')
      expect(clock.pending).toBe(1)
      expect(hosts).toBe(0)
    }
    await device.close()
    expect(Math.min(...heap.slice(-2)) - heap[0]).toBeLessThan(2 << 20)
    expect(isFault((states.at(-1) as { fault: unknown }).fault, 'link-closed')).toBe(true)
  })
})
