/** Every reader family that has a virtual twin, in each of its languages, with the twin, a person and the driver: a family joins by being in both family tables. */

import { families, type OpenOptions, open, openEmv2 } from '../../devices/index.ts'
import { virtualFamilies } from '../../simulator/readers/index.ts'
import type { VirtualReader } from '../../simulator/readers/reader.ts'
import { instant, loadCard, type PersonOptions, person, type ReaderOptions, virtualEmv2, virtualReader } from '../../simulator/world.ts'
import { type Clock, systemClock } from '../../src/clock.ts'
import type { Reader, ReaderEvent } from '../../src/reader/reader.ts'
import { type PipeEnd, pipe } from '../../src/transport/pipe.ts'

export interface FamilyRow {
  readonly name: string
  readonly family: string
  readonly dialect?: string
}

/** One row for each language of a family: `magtek v5`, `bluepad emv2`. */
export const everyFamily: readonly FamilyRow[] = families
  .filter(({ name }) => Object.hasOwn(virtualFamilies, name))
  .flatMap(({ name, dialects }): readonly FamilyRow[] =>
    dialects ? dialects.map(dialect => ({ name: `${name} ${dialect}`, family: name, dialect })) : [{ name, family: name }],
  )

export interface Placed {
  readonly device: VirtualReader
  readonly reader: Reader
  readonly events: readonly ReaderEvent[]
  /** The reader's end of the line; of a reader that is called and has no line, its switch. */
  readonly line: Pick<PipeEnd, 'drop'>
  /** Whether anybody was asked for a card: on the reader's display or by the app. */
  readonly invited: () => boolean
  readonly close: () => Promise<void>
}

export interface PlaceOptions extends Omit<ReaderOptions, 'family' | 'dialect'> {
  readonly person?: PersonOptions | undefined
  readonly open?: Omit<OpenOptions, 'family' | 'dialect'>
  /** Turns knobs of the virtual reader before it is opened. */
  readonly prepare?: (device: VirtualReader) => void
}

const invitations = ['reader.presentCard', 'reader.insertCard', 'reader.insertOrSwipe'] as const

/** A virtual reader of this family with a person at it, opened by its driver. */
export async function place({ family, dialect }: FamilyRow, options: PlaceOptions = {}): Promise<Placed> {
  const { person: who = {}, open: how, prepare, clock = systemClock, ...made } = options
  const called = dialect === 'emv2'
  const device = virtualReader({ ...made, clock, family, ...(dialect && !called && { dialect }), resultTime: 0 })
  prepare?.(device)
  const { card = 'mir-maestro', ...script } = who
  const held = typeof card === 'object' && 'contact' in card ? card : loadCard(card)
  const leave = person(device.body, held, { pace: instant, pins: ['1234'], ...script })
  const { reader, line, served } = await (called
    ? call(device, clock)
    : connect(device, { family, ...(dialect && { dialect }) }, clock, how))
  const events: ReaderEvent[] = []
  const hearing = (async () => {
    for await (const event of reader.events) events.push(event)
  })()
  const asked = (message: string | undefined) => (invitations as readonly (string | undefined)[]).includes(message)
  return {
    ...{ device, reader, events, line },
    invited: () =>
      device.body.screens.some(({ message }) => asked(message)) || events.some(event => event.type === 'display' && asked(event.message)),
    async close() {
      leave()
      await reader.close()
      await hearing
      await served
      await device.close()
    },
  }
}

async function connect(device: VirtualReader, row: Pick<FamilyRow, 'family' | 'dialect'>, clock: Clock, how: PlaceOptions['open']) {
  const [host, line] = pipe({ clock })
  const served = device.serve(line)
  return { reader: await open(host, { ...row, clock, ...how }), line, served }
}

/** `emv2` has no bytes: its port is called. */
async function call(device: VirtualReader, clock: Clock) {
  const reader = await openEmv2(virtualEmv2(device.firmware, device.serial), { clock })
  return { reader, line: { drop: () => device.body.switchOff() }, served: undefined }
}
