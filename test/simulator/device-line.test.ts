/** `serve --record` where a device sees its bytes in other pieces than its host: over Bluetooth LE (the virtual air) and HID reports; both ends record the same messages, and both play. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { families } from '../../devices/index.ts'
import { startAcquirer } from '../../simulator/acquirer/host.ts'
import { Air } from '../../simulator/air/air.ts'
import { nobleOn } from '../../simulator/air/host.ts'
import { issuerView } from '../../simulator/cards/issuer-view.ts'
import { type DeviceLine, recordTo, toldLine } from '../../simulator/device-line.ts'
import { HidDeviceLink, hidUri } from '../../simulator/readers/listen/hid-device.ts'
import { listen } from '../../simulator/readers/listen/listen.ts'
import type { VirtualReader } from '../../simulator/readers/reader.ts'
import { instant, loadCard, person, virtualReader } from '../../simulator/world.ts'
import { unitsOf } from '../../src/recording/units.ts'
import { openTrace } from '../../src/trace/writer.ts'
import { heard, hostMtu, record, reportsOf } from '../../src/transport/hid-reports.ts'
import { Inbox } from '../../src/transport/inbox.ts'
import type { Link } from '../../src/transport/link.ts'
import { parseTrace, type Trace } from '../../src/transport/replay.ts'
import { traced } from '../../src/transport/trace.ts'
import { found, secretBytes, secretNumber } from '../canaries.ts'
import { card, keeping, type Line, outcome, pan, payOver, pin, replayed, surname } from '../devices/recorded.ts'
import { bluetooth } from '../transport/bluetooth.ts'
import { deskAcquirer } from './acquirer/desk-acquirer.ts'

const canaries = [
  secretNumber('PAN', pan),
  secretNumber('the middle of the PAN', pan.slice(6, -4)),
  secretBytes('name', Buffer.from(surname)),
  secretNumber('PIN', pin),
]
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** Where a reader was put: what opens the host's end. */
type Place = (reader: VirtualReader, serve: (link: Link) => Promise<void>) => Promise<Parameters<typeof payOver>[1]>

async function recordedAt(line: Line, place: Place) {
  const reader = virtualReader({ ...line, resultTime: 0 })
  ends.push(() => reader.close(), person(reader.body, loadCard(card), { pace: instant, pins: [pin] }))
  const own: DeviceLine = { family: line.family, dialect: reader.dialect }
  const folder = mkdtempSync(join(tmpdir(), 'tapdip-device-line-'))
  ends.unshift(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'line.jsonl')
  const told: string[] = []
  const tracer = openTrace({ write: one => told.push(one), header: { reader: line } })
  const recordLine = recordTo(file, false, own)
  let served: Promise<void> | undefined
  const where = await place(reader, link => {
    served = reader.serve(toldLine(recordLine(link), own, tracer))
    return served
  })
  const acquirer = await startAcquirer({ accounts: [...issuerView(card)] })
  ends.push(() => acquirer.close())
  const answers: unknown[] = []
  const written: string[] = []
  const paid = await payOver(line, where, keeping(deskAcquirer(acquirer.desk), answers), (link, { redaction }, dialect) =>
    traced(link, { write: one => written.push(one), redaction, reader: { family: line.family, dialect } }),
  )
  await served // its host has hung up
  for (const end of ends.splice(1).reverse()) await end()
  tracer.close()
  return { ...paid, answers, host: written.join('\n'), device: readFileSync(file, 'utf8'), told: told.join('\n') }
}

function messages(trace: Trace, { family, dialect }: Line) {
  const { uri, service } = trace
  return unitsOf(trace, families.find(one => one.name === family)!.dissector!({ uri, service, dialect })).map(
    // A report is filled up with zeros on its way.
    ({ direction, name, meaning }) => `${direction} ${name} ${meaning}`.replace(/(00)+$/, ''),
  )
}

async function same(line: Line, place: Place) {
  const recorded = await recordedAt(line, place)
  expect(recorded.result).toMatchObject({ result: 'approved', interface: 'chip' })
  const host = parseTrace(recorded.host)
  const device = parseTrace(recorded.device)
  expect(device).toMatchObject({ family: line.family, uri: host.uri, end: 'close' })
  expect(device.service).toBe(host.service)
  for (const text of [recorded.device, recorded.told]) {
    expect(found(canaries, text)).toEqual([])
    const trace = { ...parseTrace(text), uri: host.uri, service: host.service! }
    expect(trace.chunks.every(({ bytes }) => bytes)).toBe(true)
    // One direction at a time, in any order: characteristics and reports overtake each other.
    for (const way of ['out ', 'in '])
      expect(
        messages(trace, line)
          .filter(one => one.startsWith(way))
          .sort(),
      ).toEqual(
        messages(host, line)
          .filter(one => one.startsWith(way))
          .sort(),
      )
  }
  for (const trace of [device, host]) {
    const again = await replayed(line, { trace, answers: recorded.answers }, { start: Date.parse(device.start) })
    expect(outcome(again.result)).toEqual(outcome(recorded.result))
  }
}

describe.skipIf(!bluetooth)('over Bluetooth LE', () => {
  const air: Place = async (reader, serve) => {
    const ether = new Air()
    ends.push(() => ether.close())
    const listening = await listen('ble', serve, { ble: { shape: reader.ble!, name: reader.serial, air: ether.controller() } })
    ends.push(() => listening.close())
    const central = nobleOn(ether.controller())
    ends.push(() => central.close())
    return { uri: listening.uri, bluetooth: central.lib }
  }
  it.each([
    ['qpos', { family: 'qpos' }],
    ['bluepad mped', { family: 'bluepad', dialect: 'mped' }],
    ['magtek v5', { family: 'magtek', dialect: 'v5' }],
    ['magtek mms', { family: 'magtek', dialect: 'mms' }],
  ] as const)('%s', (_, line) => same(line, air))
})

describe('over HID', () => {
  const cable: Place = async (reader, serve) => {
    const plug = reader.hid!
    const { shape } = plug
    const incoming = new Inbox()
    const uri = hidUri(plug)
    const device = new HidDeviceLink(uri, shape, {
      say: async report => incoming.push(heard(report, shape)),
      release: async () => incoming.close(),
    })
    const served = serve(device)
    ends.push(() => served)
    const host: Link = {
      ...{ uri, mtu: hostMtu(shape), incoming },
      async send(bytes) {
        for (const { data } of reportsOf(bytes, shape))
          if (shape.out === 'feature') {
            device.hearFeature(data)
            const answer = await device.feature()
            incoming.push(shape.tagged ? record(0, answer) : answer)
          } else device.hear(data)
      },
      async close() {
        device.hostGone()
        incoming.close()
      },
    }
    return { link: host }
  }
  it.each([
    ['idtech', { family: 'idtech' }],
    ['magtek v5', { family: 'magtek', dialect: 'v5' }],
    ['magtek mms', { family: 'magtek', dialect: 'mms' }],
  ] as const)('%s', (_, line) => same(line, cable))
})
