/** Discovery: every transport at once, each reader as it is seen, what cannot be searched named, and nothing left running. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type DiscoverOptions, type Discovery, discover, type FoundReader, type Sources } from '../../devices/discover.ts'
import { fileMemory } from '../../devices/memory.ts'
import { sleep, VirtualClock } from '../../src/clock.ts'
import { Fault } from '../../src/errors.ts'

const bluepad: FoundReader = {
  uri: 'ble:PP0918900518',
  transport: 'ble',
  family: 'bluepad',
  name: 'PP0918900518',
  serial: 'PP0918900518',
  rssi: -60,
}
const unknownDevice: FoundReader = { uri: 'ble:Headphones', transport: 'ble', name: 'Headphones', rssi: -40 }
const cable: FoundReader = { uri: 'serial:/dev/ttyACM0?family=qpos', transport: 'serial', family: 'qpos', serial: 'MPOS0000000001' }

function world(sources: Partial<Sources> = {}) {
  const clock = new VirtualClock()
  const none = async () => []
  const all: Sources = {
    async *ble({ signal, clock: own }) {
      await sleep(500, own, signal)
      yield unknownDevice
      yield bluepad
      await sleep(1_000_000, own, signal).catch(() => {})
    },
    serial: async () => [cable],
    hid: none,
    pcsc: none,
    bench: none,
    ...sources,
  }
  return { clock, sources: all }
}

async function search(options: DiscoverOptions & { clock: VirtualClock }, forMs = 60_000): Promise<Discovery[]> {
  const seen: Discovery[] = []
  const searching = (async () => {
    for await (const one of discover(options)) seen.push(one)
  })()
  for (let at = 0; at < forMs; at += 500) await options.clock.advance(500)
  await searching
  expect(options.clock.pending).toBe(0)
  return seen
}

describe('discover', () => {
  it('tells of each reader as it is seen, once, over all transports, until the time is over', async () => {
    const seen = await search({ ...world(), timeout: 10_000 })
    expect(seen).toEqual([
      { type: 'found', reader: cable },
      { type: 'found', reader: unknownDevice },
      { type: 'found', reader: bluepad },
    ])
  })

  it('filters by family, and by transport', async () => {
    expect(await search({ ...world(), timeout: 5000, families: ['bluepad'] })).toEqual([{ type: 'found', reader: bluepad }])
    expect(await search({ ...world(), once: true, transports: ['serial', 'hid'] })).toEqual([{ type: 'found', reader: cable }])
    const odd = discover({ transports: ['usb' as never] }).next()
    await expect(odd).rejects.toMatchObject({ code: 'bad-argument', details: { field: 'transports' } })
  })

  it('one look at the cables is finished, though it takes longer than Bluetooth is listened to', async () => {
    const { clock, sources } = world()
    const serial = async () => {
      await sleep(20_000, clock)
      return [cable]
    }
    const seen = await search({ clock, sources: { ...sources, serial }, once: true, timeout: 4000 })
    expect(seen.at(-1)).toEqual({ type: 'found', reader: cable })
  })

  it('a cable that is plugged in later is found, one that is pulled is lost', async () => {
    const { clock, sources } = world()
    const begun = clock.now()
    const serial = async () => (clock.now() - begun >= 3000 && clock.now() - begun < 6000 ? [cable] : [])
    const seen = await search({ clock, sources: { ...sources, serial }, transports: ['serial'], timeout: 10_000 })
    expect(seen).toEqual([
      { type: 'found', reader: cable },
      { type: 'lost', uri: cable.uri },
    ])
  })

  it.each(['bluetooth-off', 'no-adapter', 'permission'])('%s: told by its code, and the cables are searched', async reason => {
    const ble = () => {
      throw new Fault('link-failed', 'Bluetooth cannot be used', { reason })
    }
    const seen = await search({ ...world({ ble }), timeout: 2000 })
    expect(seen).toEqual(
      expect.arrayContaining([
        { type: 'unavailable', transport: 'ble', fault: expect.objectContaining({ code: 'link-failed', details: { reason } }) },
        { type: 'found', reader: cable },
      ]),
    )
  })

  it('a library that is not installed takes only its own transport away', async () => {
    const hid = async () => {
      throw new Fault('missing-library', 'HID needs the package node-hid', { library: 'node-hid' })
    }
    const seen = await search({ ...world({ hid }), once: true, transports: ['hid', 'serial'] })
    expect(seen.map(one => one.type).sort()).toEqual(['found', 'unavailable'])
  })

  it.each([
    ['off', 'location-off'],
    ['denied', 'location-denied'],
  ] as const)('location %s: Bluetooth is not searched, and the app knows why', async (state, reason) => {
    const seen = await search({ ...world(), timeout: 2000, transports: ['ble'], location: async () => state })
    expect(seen).toEqual([{ type: 'unavailable', transport: 'ble', fault: expect.objectContaining({ details: { reason } }) }])
  })

  it('cancelled, or left by the caller, it stops the search and leaves nothing', async () => {
    const { clock, sources } = world()
    const stop = new AbortController()
    const searching = search({ clock, sources, signal: stop.signal }, 3000)
    await clock.advance(1000)
    stop.abort()
    expect(await searching).toHaveLength(3)
    const left = world()
    const leaving = (async () => {
      for await (const one of discover({ ...left })) if (one.type === 'found' && one.reader.family === 'bluepad') break
    })()
    await left.clock.advance(500)
    await leaving
    expect(left.clock.pending).toBe(0)
  })
})

describe('the last reader', () => {
  it('is remembered in a file, replaced whole, and forgotten', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tapdip-'))
    try {
      const file = join(folder, 'deep', 'reader.json')
      const memory = fileMemory(file)
      expect(await memory.load()).toBeUndefined()
      await memory.save({ uri: 'ble:PP0918900518', serial: 'PP0918900518' })
      expect(await fileMemory(file).load()).toEqual({ uri: 'ble:PP0918900518', serial: 'PP0918900518' })
      await memory.save(undefined)
      expect(await memory.load()).toBeUndefined()
      await expect(fileMemory('/etc/passwd/none/reader.json').save({ uri: 'x' })).rejects.toMatchObject({ code: 'bad-argument' })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
