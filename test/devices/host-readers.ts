/** Every reader whose payments are the kernel's in the app: the slots of one that has a kernel too, and those that have nothing else. With a person at each, and a PIN entry of the app's. */

import { open } from '../../devices/index.ts'
import { openPcscReader } from '../../devices/pcsc/driver.ts'
import { openSoftPos } from '../../devices/softpos/driver.ts'
import { openVpcd } from '../../devices/vpcd/driver.ts'
import { Body } from '../../simulator/readers/body/body.ts'
import { virtualNfc } from '../../simulator/readers/body/nfc.ts'
import type { VirtualReader } from '../../simulator/readers/reader.ts'
import { slotOf } from '../../simulator/scenario/over/slot.ts'
import { instant, loadCard, type PersonOptions, person, VpcdCard, virtualConfig, virtualReader } from '../../simulator/world.ts'
import type { VirtualClock } from '../../src/clock.ts'
import { russianContactless } from '../../src/emv/contactless/profiles.ts'
import { hostKernel } from '../../src/reader/passthrough.ts'
import type { Reader } from '../../src/reader/reader.ts'
import { pipe } from '../../src/transport/pipe.ts'
import type { Placed, PlaceOptions } from './families.ts'

/** What a condition needs of a reader. */
export type Part = 'battery' | 'firmware' | 'seal' | 'cancel key' | 'empty slot'

/** `tracer` hears of the kernel in the app, not of the reader below it. */
export interface HostRow {
  readonly name: string
  /** What it has not, and the word for that in the table. */
  readonly lacks: Partial<Record<Part, string>>
  place(options: Omit<PlaceOptions, 'clock'> & { readonly clock: VirtualClock }): Promise<Placed>
}

const none: HostRow['lacks'] = { battery: 'no battery that it could tell', seal: 'no keys of its own', 'cancel key': 'no keys' }

export const hostReaders: readonly HostRow[] = [
  {
    name: 'qpos, kernel in the app',
    lacks: {},
    async place({ person: who = {}, prepare, clock, tracer, open: _, ...made }) {
      const device = virtualReader({ ...made, clock, family: 'qpos', resultTime: 0 })
      prepare?.(device)
      const [app, line] = pipe({ clock })
      const served = device.serve(line)
      const raw = await open(app, { family: 'qpos', clock, assumed: ['qpos-nfc-apdu'] })
      const reader = hostKernel(raw, { config: virtualConfig(), contactless: russianContactless(), clock, tracer })
      return {
        ...at(reader, device.body, who, 'tap', async () => {
          await served
          await device.close()
        }),
        device,
        line,
      }
    },
  },
  {
    name: 'idtech, kernel in the app',
    lacks: { 'cancel key': 'no keys' },
    async place({ person: who = {}, prepare, clock, tracer, open: _, ...made }) {
      const device = virtualReader({ ...made, clock, family: 'idtech', resultTime: 0 })
      prepare?.(device)
      const [app, line] = pipe({ clock })
      const served = device.serve(line)
      const raw = await open(app, { family: 'idtech', clock, assumed: ['idtech-apdu'] })
      const reader = hostKernel(raw, { config: virtualConfig(), clock, tracer })
      return {
        ...at(reader, device.body, who, 'dip', async () => {
          await served
          await device.close()
        }),
        device,
        line,
      }
    },
  },
  {
    name: 'softpos',
    lacks: { ...none, firmware: 'the app itself' },
    async place({ person: who = {}, clock, tracer }) {
      const body = new Body({ clock })
      let drop = () => {}
      const closed = new Promise<void>(resolve => {
        drop = resolve
      })
      const channel = { ...virtualNfc(body), closed }
      const reader = await openSoftPos({ channel, config: virtualConfig(), contactless: russianContactless(), clock, tracer })
      return { ...at(reader, body, who, 'tap'), line: { drop } }
    },
  },
  {
    name: 'pcsc',
    lacks: { ...none, firmware: 'PC/SC tells none' },
    async place({ person: who = {}, clock, tracer }) {
      const body = new Body({ clock })
      const line = slotOf(body)
      const reader = openPcscReader(line, { config: virtualConfig(), contactless: russianContactless(), clock, tracer })
      return { ...at(reader, body, who, 'dip'), line }
    },
  },
  {
    name: 'vpcd',
    lacks: { ...none, firmware: 'vpcd tells none', 'empty slot': 'the connection is the card' },
    async place({ person: who = {}, clock, tracer }) {
      const held = cardOf(who)
      const slot = new VpcdCard(held, { clock })
      let commands = 0
      // The person pulls it at a command, as anybody's card is pulled at a body.
      const [app, line] = pipe({
        clock,
        line: (bytes, from) => {
          if (from === 'a' && bytes.length > 3 && ++commands === who.pullAt) void slot.pull()
          return [{ bytes }]
        },
      })
      const served = slot.serve(line)
      const reader = await openVpcd(app, { config: virtualConfig(), clock, tracer })
      return { ...at(reader, undefined, who, 'dip', () => served), line }
    },
  },
]

function cardOf({ card = 'mir-maestro' }: PersonOptions) {
  return typeof card === 'object' && 'contact' in card ? card : loadCard(card)
}

/** A person at the body, who sees there what the app shows. */
function at(
  reader: Reader,
  body: Body | undefined,
  who: PersonOptions,
  present: 'tap' | 'dip',
  after = async () => {},
): Omit<Placed, 'line'> {
  const leave = body ? person(body, cardOf(who), { pace: instant, pins: ['1234'], present, ...who }) : () => {}
  const events: Placed['events'][number][] = []
  const asks = ['reader.presentCard', 'reader.insertCard', 'reader.tapCard', 'reader.insertOrSwipe']
  const hearing = (async () => {
    for await (const event of reader.events) {
      events.push(event)
      // A QPOS asks for the card on its own display.
      if (event.type === 'display' && !(reader.info.family === 'qpos' && event.message === 'reader.presentCard')) body?.show(event.message)
    }
  })()
  return {
    ...{ reader, events, device: undefined as unknown as VirtualReader },
    invited: () => events.some(event => event.type === 'display' && asks.includes(event.message)),
    async close() {
      leave()
      await reader.close()
      await hearing
      await after()
    },
  }
}
