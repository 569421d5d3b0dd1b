/** Payments over a line on which one message in five is lost, damaged, doubled or late, on a clock that is moved; with the host's book beside them. */

import { open } from '../../devices/index.ts'
import { Desk } from '../../simulator/acquirer/desk/desk.ts'
import { openStore } from '../../simulator/acquirer/store.ts'
import type { LineFaults } from '../../simulator/faults.ts'
import { loadCard, type PersonOptions, person, virtualReader } from '../../simulator/world.ts'
import { equal, hex } from '../../src/bytes.ts'
import { VirtualClock } from '../../src/clock.ts'
import { currency } from '../../src/currency.ts'
import { asFault, Fault } from '../../src/errors.ts'
import type { Acquirer, HostAnswer } from '../../src/payment/acquirer.ts'
import { pay } from '../../src/payment/pay/payment.ts'
import type { Reader } from '../../src/reader/reader.ts'
import { type Arrival, pipe } from '../../src/transport/pipe.ts'

/** Numbers from 0 to 1 out of a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The longest that a late message takes, in milliseconds. */
const LATE = 900

/** What arrives of one message; `rate` of them are lost, damaged, doubled or late, each as often. */
export function badLine(random: () => number, rate: number): (bytes: Uint8Array) => readonly Arrival[] {
  return bytes => {
    if (random() >= rate) return [{ bytes }]
    switch (Math.floor(random() * 4)) {
      case 0:
        return []
      case 1: {
        // What has no check of its own is no message any more, as behind a carrier that has one.
        if (bytes.length <= 2) return [{ bytes: bytes.map(byte => byte ^ 0xff) }]
        const damaged = bytes.slice()
        damaged[Math.floor(random() * damaged.length)] ^= 1 << Math.floor(random() * 8)
        return [{ bytes: damaged }]
      }
      case 2:
        return [{ bytes }, { bytes }]
      default:
        return [{ bytes, after: 1 + Math.floor(random() * LATE) }]
    }
  }
}

export interface Dialect {
  readonly family: string
  readonly dialect?: string
}

export const dialects: readonly Dialect[] = [
  { family: 'qpos' },
  { family: 'bluepad' },
  { family: 'miura' },
  { family: 'magtek', dialect: 'v5' },
  { family: 'magtek', dialect: 'mms' },
  { family: 'idtech' },
]

/** Who comes, with what. */
const customers: readonly PersonOptions[] = [
  { card: 'mir-maestro', present: 'dip', pins: ['1234'] },
  { card: 'visa-signature', present: 'dip' },
  { card: 'mastercard', present: 'tap' },
  { card: 'mir', present: 'dip', pins: ['1234'] },
  { card: 'jcb', present: 'tap' },
]

export interface Told {
  /** A result, or the code of a fault. */
  readonly told: string
  readonly why: string
  /** Milliseconds of the clock beyond those of the same customer on a good line. */
  readonly added: number
  readonly seed: number
}

export interface Campaign {
  readonly payments: readonly Told[]
  /** What host, card and app do not agree on, in words. */
  readonly disagreements: readonly string[]
  /** Messages of the readers' lines. */
  readonly messages: number
}

const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
const RUB = currency('RUB')
const AMOUNT = 250_000n
/** Milliseconds after which a payment hangs, whatever it waits for. */
const HANGS = 300_000

export interface CampaignOptions {
  readonly seed: number
  readonly count: number
  /** Of the messages, how many are hit; 0.2 when left out. */
  readonly rate?: number
  /** These knobs of the reader's own line in place of a bad line. */
  readonly faults?: LineFaults
  /** Hears each message of the line, and what arrives of it. */
  readonly trace?: ((line: string) => void) | undefined
}

/** `count` payments over one reader of the family. */
export async function campaign({ family, dialect }: Dialect, options: CampaignOptions): Promise<Campaign> {
  const { seed, count, rate = 0.2, faults, trace } = options
  const clock = new VirtualClock()
  const desk = new Desk({ clock }, await openStore(undefined))
  const asked = new Map<string, number>()
  const answer = async (reply: Promise<{ readonly answer?: HostAnswer }>) => (await reply).answer!
  const acquirer: Acquirer = {
    authorise(message) {
      asked.set(message.order.number, (asked.get(message.order.number) ?? 0) + 1)
      return answer(desk.authorise(message))
    },
    status: key => answer(desk.status(key)),
    advise: message => answer(desk.advise(message)),
    reverse: async (key, why) => void (await answer(desk.reverse(key, why))),
  }
  const device = virtualReader({ family, ...(dialect && { dialect }), clock, resultTime: 0, onFault: () => {} })
  let line = (bytes: Uint8Array): readonly Arrival[] => [{ bytes }]
  let messages = 0
  let reader: Reader | undefined
  let serving: Promise<void> | undefined
  const connect = async () => {
    await serving
    const [host, far] = pipe({
      clock,
      line: (bytes, from) => {
        messages++
        const arrivals = line(bytes)
        trace?.(
          `${clock.now()} ${from === 'a' ? '>' : '<'} ${hex(bytes)} ${arrivals.map(one => (one.after ? `+${one.after}` : equal(one.bytes, bytes) ? '=' : `~${hex(one.bytes)}`)).join(' ') || 'lost'}`,
        )
        return arrivals
      },
    })
    serving = device.serve(far)
    reader = await clock.settle(open(host, { family, ...(dialect && { dialect }), clock }))
  }
  const disagreements: string[] = []

  async function attempt(index: number, bad?: () => number): Promise<Omit<Told, 'added'> & { readonly time: number }> {
    const number = `${bad ? 'bad' : 'good'}-${seed}-${index}`
    const { card = 'mir', ...script } = customers[index % customers.length]
    const held = loadCard(card as string)
    const leave = person(device.body, held, { pace: { present: 1500 }, ...script })
    if (!reader) await connect()
    trace?.(`payment ${number}`)
    const began = clock.now()
    let told = ''
    let why = ''
    if (bad && faults) Object.assign(device.faults, faults)
    else if (bad) line = badLine(bad, rate)
    try {
      const order = { number, amount: AMOUNT, currency: RUB }
      const prompts = { selectApplication: async () => 0 }
      const paying = pay(order, { reader: reader!, acquirer, merchant, clock, prompts, statusTime: 2000, reversalTime: 2000 })
      const result = await clock.settle(Promise.race([paying, hangs(clock)]))
      told = result.result
      why = result.reason ?? ''
    } catch (error) {
      const fault = asFault(error)
      told = `fault ${fault.code}`
      why = fault.message
    }
    const time = clock.now() - began
    line = bytes => [{ bytes }]
    for (const knob of Object.keys(faults ?? {}) as (keyof LineFaults)[]) delete device.faults[knob]
    leave()
    judge(number, told, why)
    if (told === 'fault internal' || told === 'fault link-closed') {
      await clock.settle(reader!.close())
      reader = undefined
    }
    await clock.advance(3000) // what is late has come
    device.body.pull()
    device.body.leave()
    return { told, why, time, seed: index }
  }

  function judge(number: string, told: string, why: string): void {
    const booked = desk.book.order(number, merchant.id)
    const standing = booked?.operations.filter(({ type, state }) => type === 'payment' && state === 'Approved') ?? []
    const charged = standing.reduce((sum, { amount }) => sum + amount, 0n)
    const wrong = (what: string) => disagreements.push(`${number}: ${what} (told ${told}: ${why})`)
    if (charged > AMOUNT) wrong(`charged ${charged}`)
    if ((asked.get(number) ?? 0) > 1) wrong(`the host was asked ${asked.get(number)} times`)
    if (told === 'approved' && charged !== AMOUNT) wrong('told as paid, and nothing is charged')
    if (told !== 'approved' && told !== 'unknown' && charged > 0n) wrong('charged, and not told as paid')
    if (told.startsWith('fault') && asked.has(number)) wrong('a fault after the host was asked')
    if (told === 'fault internal') wrong('it hangs, or broke')
  }

  const usual: number[] = []
  for (let index = 0; index < customers.length; index++) {
    const { told, why, time } = await attempt(index)
    if (told !== 'approved') disagreements.push(`on a good line: ${told}, ${why}`)
    usual.push(time)
  }
  const payments: Told[] = []
  for (let index = 0; index < count; index++) {
    const { time, ...rest } = await attempt(index, seeded(seed * 100_003 + index))
    payments.push({ ...rest, added: time - usual[index % customers.length] })
  }
  if (reader) await clock.settle(reader.close())
  await clock.settle(device.close())
  await serving
  desk.stop()
  return { payments, disagreements, messages }
}

async function hangs(clock: VirtualClock): Promise<never> {
  await new Promise<void>(resolve => {
    clock.timer(HANGS, resolve)
  })
  throw new Fault('internal', `a payment hangs for ${HANGS} ms`)
}

/** The value below which `share` of the numbers are. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0
}
