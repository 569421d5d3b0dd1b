/** A whole counter as one file: readers with their knobs and condition, cards with their memory, persons, the bank's rules, balances and orders. */

import type { CounterFile } from '../schema/session.ts'
import type { Apps } from './apps.ts'
import type { Bank } from './bank.ts'
import type { BenchCard } from './card.ts'
import type { BenchReader } from './reader.ts'
import type { Shelf } from './shelf.ts'
import type { SoftPosPhone } from './softpos.ts'

type FileReader = NonNullable<CounterFile['readers']>[number]
type FileCard = NonNullable<CounterFile['cards']>[number]

/** What stands at a session. */
interface Furniture {
  readonly name: string
  readonly virtualReaders: readonly BenchReader[]
  readonly phones: readonly SoftPosPhone[]
  readonly shelf: Shelf
  readonly bank: Bank
  readonly apps: Apps
}

export function fileOf({ name, virtualReaders, phones, shelf, bank, apps }: Furniture): CounterFile {
  return {
    ...{ tapdip: 'counter', version: 1, name },
    readers: [...virtualReaders.map(readerOf), ...phones.map(phoneOf)],
    cards: shelf.cards.map(cardOf),
    bank: bank.file,
    apps: [...apps.inputs],
  }
}

function readerOf({ id, input, reader, knobs, personInput }: BenchReader): FileReader {
  const { body, firmware, serial } = reader
  const { percent, charging } = body.battery
  return {
    ...{ ...input, id, serial, language: body.language, battery: { percent, charging }, firmware: firmware.condition.update.version },
    knobsTurned: Object.fromEntries(Object.entries(knobs).filter(([knob]) => !told.includes(knob))),
    ...{ tampered: body.tampered, on: body.isOn, ...(personInput && { person: personInput }) },
  }
}

function phoneOf({ id, serial, body: { language }, personInput }: SoftPosPhone): FileReader {
  return { ...{ family: 'softpos', id, serial, language }, ...(personInput && { person: personInput }) }
}

/** What a reader's own fields say, and what is done once. */
const told = ['battery', 'charging', 'firmware', 'tamper', 'power', 'reboot']

function cardOf({ id, input, memory }: BenchCard): FileCard {
  return { ...input, id, ...(memory && { memory }) } as FileCard
}
