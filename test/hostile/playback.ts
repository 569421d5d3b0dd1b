/** A reader that plays a recorded payment back, and may change, drop, repeat or invent whatever it says; with the host behind the app in the same process. */

import { line as mpedLine } from '../../devices/bluepad/codec.ts'
import * as idtech from '../../devices/idtech/codec.ts'
import { open } from '../../devices/index.ts'
import * as magtek from '../../devices/magtek/codec.ts'
import * as miura from '../../devices/miura/codec.ts'
import * as qpos from '../../devices/qpos/codec.ts'
import * as vpcd from '../../devices/vpcd/codec.ts'
import { Desk } from '../../simulator/acquirer/desk/desk.ts'
import type { HostEvent } from '../../simulator/acquirer/events.ts'
import type { HostRule } from '../../simulator/acquirer/rules.ts'
import { openStore } from '../../simulator/acquirer/store.ts'
import type { VirtualCard } from '../../simulator/cards/icc.ts'
import { issuerView } from '../../simulator/cards/issuer-view.ts'
import type { Pace } from '../../simulator/readers/body/cardholder.ts'
import { VpcdCard } from '../../simulator/readers/vpcd.ts'
import { instant, loadCard, type PersonOptions, person, profiles, virtualConfig, virtualReader } from '../../simulator/world.ts'
import { sleep, VirtualClock } from '../../src/clock.ts'
import { currency } from '../../src/currency.ts'
import type { TerminalConfig } from '../../src/emv/config.ts'
import type { CardInterface } from '../../src/emv/outcome.ts'
import type { TransactionType } from '../../src/emv/terminal.ts'
import { isFault } from '../../src/errors.ts'
import type { Acquirer } from '../../src/payment/acquirer.ts'
import { type PaymentResult, pay } from '../../src/payment/pay/payment.ts'
import type { Decoder } from '../../src/reader/side.ts'
import type { Link } from '../../src/transport/link.ts'
import { type PipeEnd, pipe } from '../../src/transport/pipe.ts'

/** A message of the reader's, as its codec has it. */
export type Said = { readonly type?: string } & Record<string, unknown>

interface Wire {
  readonly said: () => Decoder<unknown>
  readonly heard: () => Decoder<unknown>
  readonly encode: (said: never) => Uint8Array
}

const wires: Readonly<Record<string, Wire>> = {
  qpos: { said: qpos.host.decoder, heard: qpos.device.decoder, encode: qpos.device.encode },
  miura: { said: miura.host.decoder, heard: miura.device.decoder, encode: miura.device.encode },
  idtech: { said: idtech.host.decoder, heard: idtech.device.decoder, encode: idtech.device.encode },
  bluepad: { said: mpedLine.decoder, heard: mpedLine.decoder, encode: mpedLine.encode },
  'magtek v5': { said: magtek.v5HidHost.decoder, heard: magtek.v5Device('hid').decoder, encode: magtek.v5Device('hid').encode },
  'magtek mms': {
    said: magtek.mmsSide('slip', 'host').decoder,
    heard: magtek.mmsSide('slip', 'device').decoder,
    encode: magtek.mmsSide('slip', 'device').encode,
  },
  vpcd: { said: vpcd.host.decoder, heard: vpcd.device.decoder, encode: vpcd.device.encode },
}

export interface Row {
  readonly name: string
  readonly family: string
  readonly dialect?: string
  /** `offline`: a chip that card and terminal approve by themselves. */
  readonly how: CardInterface | 'offline'
}

const readers = [['qpos'], ['miura'], ['idtech'], ['bluepad'], ['magtek', 'v5'], ['magtek', 'mms']] as const
/** A card whose service code tells of no chip. */
const striped = { ...profiles['visa-signature'], serviceCode: '101' }
const cards = { chip: 'mir-maestro', tap: 'visa-signature', swipe: striped, offline: 'offline-approve' } as const
const ways: readonly Row['how'][] = ['chip', 'tap', 'swipe', 'offline']

/** Every family over every interface; vpcd is the kernel in the app, with the card itself at the far end. */
export const rows: readonly Row[] = [
  ...readers.flatMap(([family, dialect]) =>
    ways.map((how): Row => ({ name: `${family}${dialect ? ` ${dialect}` : ''}, ${how}`, family, ...(dialect && { dialect }), how })),
  ),
  { name: 'vpcd, chip', family: 'vpcd', how: 'chip' },
  { name: 'vpcd, offline', family: 'vpcd', how: 'offline' },
]

export const RUB = currency('RUB')
export const AMOUNT = 250_000n
const BEGIN = new Date(2026, 10, 21, 12, 0, 0)
const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
/** Minor units on every account. */
const FULL = 100_000_000n
const accounts = [striped, ...(['mir-maestro', 'visa-signature', 'offline-approve'] as const).map(name => profiles[name])].flatMap(
  issuerView,
)

/** What was heard opens a group; what the reader said then is in it. The first group is what it said before it heard anything. */
export type Recording = readonly (readonly Said[])[]

export interface Asked {
  readonly amount: bigint
  readonly currency: string
  readonly type: TransactionType
}
export const honest: Asked = { amount: AMOUNT, currency: 'RUB', type: 'purchase' }

const believe = { do: 'believe', on: ['authorisation', 'advice'] } as const satisfies HostRule

/** A host without a line: the desk itself. */
export class Bank {
  readonly desk: Desk
  readonly heard: HostEvent[] = []
  #orders = 0

  private constructor(desk: (hear: (event: HostEvent) => void) => Desk) {
    this.desk = desk(event => this.heard.push(event))
  }

  /** `careless`: it does not look at what was signed, nor for a certificate in an advice. */
  static async open(clock: VirtualClock, careless = false): Promise<Bank> {
    const store = await openStore(undefined)
    return new Bank(onEvent => new Desk({ accounts, balance: FULL, clock, onEvent, ...(careless && { rules: [believe] }) }, store))
  }

  get acquirer(): Acquirer {
    const { desk } = this
    return {
      authorise: async message => (await desk.authorise(message)).answer!,
      advise: async message => (await desk.advise(message)).answer!,
      status: async key => (await desk.status(key)).answer!,
      reverse: async (key, why) => void (await desk.reverse(key, why)),
    }
  }

  nextOrder({ amount, currency: alpha }: Asked) {
    return { number: `hostile_${++this.#orders}`, amount, currency: currency(alpha) }
  }

  /** What all accounts together have been charged, minor units. */
  get charged(): bigint {
    return [...new Set(accounts.map(({ pan }) => pan))].reduce((sum, pan) => sum + FULL - (this.desk.issuer.balance(pan) ?? FULL), 0n)
  }
}

export interface Ended {
  readonly result?: PaymentResult
  /** Code of the fault that was thrown instead. */
  readonly fault?: string
  readonly error?: unknown
  /** Milliseconds that `pay` took. */
  readonly took?: number
}

/** Milliseconds after which a payment that goes on is ended by the app. */
export const ENDLESS = 900_000
let counter = 0

/** One payment over `link`, to its end. */
async function paid(row: Row, link: Link, clock: VirtualClock, bank: Bank, asked: Asked, onOpen = () => {}): Promise<Ended> {
  let begun: number | undefined
  let took: number | undefined
  let cancel = () => {}
  const { family, dialect } = row
  const kernel = family === 'vpcd' && { config: configOf(row), kernel: { random: (length: number) => new Uint8Array(length).fill(0x5a) } }
  const opening = open(link, { family, ...(dialect && { dialect }), clock, ...kernel } as Parameters<typeof open>[1])
  try {
    const reader = await clock.settle(opening)
    try {
      const key = `key-${++counter}`
      const { type } = asked
      const options = {
        reader,
        acquirer: bank.acquirer,
        merchant,
        clock,
        type,
        newKey: () => key,
        interfaces: interfacesOf(row),
        country: 643, // Russia, as the virtual readers are set up
        statusTime: 2000,
        reversalTime: 2000,
      }
      onOpen()
      begun = clock.elapsed()
      const end = new AbortController()
      cancel = clock.timer(ENDLESS, () => end.abort())
      const result = await clock.settle(
        pay(bank.nextOrder(asked), { ...options, signal: end.signal }).finally(() => {
          took = clock.elapsed() - begun!
        }),
      )
      return { result, took: took! }
    } finally {
      cancel()
      await clock.settle(reader.close())
    }
  } catch (error) {
    if (!isFault(error)) throw error
    return { fault: error.code, error, ...(took !== undefined && { took }) }
  } finally {
    await clock.settle(link.close())
  }
}

/** A terminal of a merchant who may approve by himself, where it is to. */
function configOf({ how }: Row): TerminalConfig {
  const config = virtualConfig()
  const own = { floorLimit: 10_000_00n, tacOnline: new Uint8Array(5) }
  return how === 'offline' ? { ...config, applications: config.applications.map(one => ({ ...one, ...own })) } : config
}

function cardOf({ family, how }: Row): VirtualCard {
  return loadCard(family === 'vpcd' && how === 'chip' ? 'visa-signature' : cards[how])
}

function interfacesOf({ family, how }: Row): readonly CardInterface[] | undefined {
  return family === 'bluepad' || family === 'qpos' || family === 'miura' ? undefined : [how === 'offline' ? 'chip' : how]
}

export interface Recorded {
  readonly recording: Recording
  readonly ended: Ended
  /** How many groups had been said when the payment began. */
  readonly opening: number
}

/** A payment at a virtual reader, message by message. `lost`: of what the reader says, what does not arrive. */
export async function record(
  row: Row,
  asked: Asked = honest,
  { pace = instant, lost = () => false }: { readonly pace?: Pace; readonly lost?: (bytes: Uint8Array) => boolean } = {},
): Promise<Recorded> {
  const clock = new VirtualClock(BEGIN)
  const bank = await Bank.open(clock)
  const wire = wires[row.dialect ? `${row.family} ${row.dialect}` : row.family]
  const [said, heard] = [wire.said(), wire.heard()]
  const groups: Said[][] = [[]]
  let opening = 0
  const onOpen = () => {
    opening = groups.length
  }
  const line = (bytes: Uint8Array, from: 'a' | 'b') => {
    if (from === 'a') for (const _ of heard.push(bytes)) groups.push([])
    else if (lost(bytes)) return []
    else groups.at(-1)!.push(...(said.push(bytes) as Said[]))
    return [{ bytes }]
  }
  const [app, far] = pipe({ clock, line })
  if (row.family === 'vpcd') {
    const slot = new VpcdCard(cardOf(row))
    const serving = slot.serve(far)
    const ended = await paid(row, app, clock, bank, asked, onOpen)
    await clock.settle(serving)
    return { recording: groups, ended, opening }
  }
  const { family, dialect } = row
  const device = virtualReader({ family, ...(dialect && { dialect }), clock, resultTime: 0, config: configOf(row) })
  const present = ({ chip: 'dip', offline: 'dip', tap: 'tap', swipe: 'swipe' } as const)[row.how]
  const held: PersonOptions = { present, pins: ['1234'], pace } as PersonOptions
  const leave = person(device.body, cardOf(row), held)
  const serving = device.serve(far)
  const ended = await paid(row, app, clock, bank, asked, onOpen)
  leave()
  await clock.settle(device.close())
  await clock.settle(serving)
  return { recording: groups, ended, opening }
}

/** The recording played to a driver that asks for `asked`. `again`: the group to go on with when all have been said; where it is left out the reader is silent then. */
export async function play(
  row: Row,
  recording: Recording,
  bank: Bank,
  clock: VirtualClock,
  asked: Asked = honest,
  again?: number,
): Promise<Ended> {
  const wire = wires[row.dialect ? `${row.family} ${row.dialect}` : row.family]
  const [app, far] = pipe({ clock })
  const playing = answer(wire, far, clock, recording, again)
  const ended = await paid(row, app, clock, bank, asked)
  await clock.settle(playing)
  return ended
}

async function answer(wire: Wire, far: PipeEnd, clock: VirtualClock, recording: Recording, again?: number): Promise<void> {
  const heard = wire.heard()
  let next = 0
  const say = async () => {
    if (again !== undefined && next >= recording.length) next = again
    if (again !== undefined) await sleep(100, clock) // whoever talks for ever takes time for it
    for (const one of recording[next++] ?? []) {
      let bytes: Uint8Array
      try {
        bytes = wire.encode(one as never)
      } catch {
        continue // not to be said in this language
      }
      await far.send(bytes)
    }
  }
  try {
    await say()
    for await (const chunk of far.incoming) for (const _ of heard.push(chunk)) await say()
  } catch {
    // The app has gone.
  }
}

export const bankAt = async (careless = false): Promise<{ readonly clock: VirtualClock; readonly bank: Bank }> => {
  const clock = new VirtualClock(BEGIN)
  return { clock, bank: await Bank.open(clock, careless) }
}
