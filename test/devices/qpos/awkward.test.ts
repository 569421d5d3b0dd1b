/** The fault campaign's most awkward plans for QPOS, as data: a command that comes twice, or late while it is asked again. Each payment ends with the right word. */

import { describe, expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import { device as deviceSide, host as hostSide } from '../../../devices/qpos/codec.ts'
import { Desk } from '../../../simulator/acquirer/desk/desk.ts'
import { openStore } from '../../../simulator/acquirer/store.ts'
import { loadCard, type PersonOptions, person, virtualReader } from '../../../simulator/world.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import { asFault } from '../../../src/errors.ts'
import type { Acquirer } from '../../../src/payment/acquirer.ts'
import { pay } from '../../../src/payment/pay/payment.ts'
import { pipe } from '../../../src/transport/pipe.ts'

/** What happens to one message. A late one holds up all that follow it, as TCP and Bluetooth do; a copy comes right behind, or `ms` later. */
interface Trouble {
  /** Its name: of a command for what the host says, of an answer's type for what the reader says; and which of that name, from 0. */
  readonly what: string
  readonly nth?: number
  readonly from: 'host' | 'reader'
  readonly fault: 'duplicate' | 'delay' | 'drop'
  readonly ms?: number
}

interface Plan {
  readonly plan: readonly Trouble[]
  readonly customer?: PersonOptions
  readonly told: string
}

const dip: PersonOptions = { card: 'mir-maestro', present: 'dip', pins: ['1234'] }
const tap: PersonOptions = { card: 'mastercard', present: 'tap' }
const host = (what: string, fault: Trouble['fault'], ms?: number, nth = 0): Trouble => ({
  ...{ what, from: 'host', fault, nth },
  ...(ms !== undefined && { ms }),
})
const reader = (what: string, fault: Trouble['fault'], ms?: number, nth = 0): Trouble => ({ ...host(what, fault, ms, nth), from: 'reader' })

/** Milliseconds on the driver's clock. */
const plans: readonly Plan[] = [
  { plan: [host('startEmv', 'duplicate')], told: 'approved' },
  { plan: [host('startEmv', 'duplicate', 900)], told: 'approved' },
  { plan: [host('startEmv', 'duplicate'), reader('waiting', 'drop')], told: 'approved' },
  { plan: [host('startEmv', 'duplicate'), host('doTrade', 'duplicate', 700)], told: 'approved' },
  { plan: [host('startEmv', 'delay', 2500)], told: 'approved' },
  { plan: [host('getQposInfo', 'delay', 700)], told: 'approved' },
  { plan: [host('getQposInfo', 'delay', 4000)], told: 'approved' },
  { plan: [reader('completed', 'delay', 2600)], told: 'approved' },
  { plan: [host('getQposInfo', 'delay', 4000), host('startEmv', 'duplicate')], told: 'approved' },
  { plan: [host('doTrade', 'duplicate'), reader('completed', 'delay', 700)], customer: tap, told: 'approved' },
  { plan: [host('getQposInfo', 'delay', 3100), host('doTrade', 'duplicate')], customer: tap, told: 'approved' },
  { plan: [host('onlineResult', 'duplicate', 300), host('startEmv', 'delay', 5000)], told: 'approved' },
]

const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
const AMOUNT = 250_000n

interface Paid {
  readonly told: string
  readonly why: string
  readonly charged: number
  /** What was said, in order. */
  readonly said: readonly { readonly from: Trouble['from']; readonly what: string }[]
}

async function payWith(plan: readonly Trouble[], customer: PersonOptions = dip): Promise<Paid> {
  const clock = new VirtualClock()
  const desk = new Desk({ clock }, await openStore(undefined))
  const answer = async <T>(reply: Promise<{ readonly answer?: T }>) => (await reply).answer!
  const acquirer: Acquirer = {
    authorise: message => answer(desk.authorise(message)),
    status: key => answer(desk.status(key)),
    advise: message => answer(desk.advise(message)),
    reverse: async (key, why) => void (await answer(desk.reverse(key, why))),
  }
  const device = virtualReader({ family: 'qpos', clock, resultTime: 0, onFault: () => {} })
  const said: { from: Trouble['from']; what: string }[] = []
  const counts = new Map<string, number>()
  const held = { host: 0, reader: 0 }
  let armed = false
  const [near, far] = pipe({
    clock,
    line: (bytes, end) => {
      const from = end === 'a' ? 'host' : 'reader'
      const [message] = (from === 'host' ? deviceSide : hostSide).decoder().push(bytes)
      const what = message?.type === 'command' && 'command' in message ? message.command : (message?.type ?? 'noise')
      const wait = () => Math.max(0, held[from] - clock.now())
      if (!armed) return [{ bytes }]
      said.push({ from, what })
      const nth = counts.get(`${from} ${what}`) ?? 0
      counts.set(`${from} ${what}`, nth + 1)
      const met = plan.find(one => one.from === from && one.what === what && (one.nth ?? 0) === nth)
      if (met?.fault === 'drop') return []
      if (met?.fault === 'delay') held[from] = clock.now() + wait() + met.ms!
      const after = wait()
      return met?.fault === 'duplicate'
        ? [
            { bytes, after },
            { bytes, after: after + (met.ms ?? 0) },
          ]
        : [{ bytes, after }]
    },
  })
  const serving = device.serve(far)
  const opened = await clock.settle(open(near, { family: 'qpos', clock }))
  const { card, ...script } = customer
  const leave = person(device.body, loadCard(card as string), { pace: { present: 1500 }, ...script })
  armed = true
  const order = { number: 'awkward', amount: AMOUNT, currency: currency('RUB') }
  const prompts = { selectApplication: async () => 0 }
  const paying = pay(order, { reader: opened, acquirer, merchant, clock, prompts, statusTime: 2000, reversalTime: 2000 })
  const [told, why] = await clock.settle(paying).then(
    ({ result, reason = '' }) => [result, reason] as const,
    error => [`fault ${asFault(error).code}`, asFault(error).message] as const,
  )
  armed = false
  await clock.advance(60_000)
  leave()
  await clock.settle(opened.close())
  await clock.settle(serving)
  await clock.settle(device.close())
  const operations = desk.book.order('awkward', merchant.id)?.operations ?? []
  const charged = operations.filter(({ type, state }) => type === 'payment' && state === 'Approved').length
  desk.stop()
  return { told, why, charged, said }
}

describe("the campaign's awkward plans", () => {
  it.each(plans.map(one => [one.plan.map(({ from, what, fault, ms }) => `${from} ${what} ${fault} ${ms ?? ''}`).join(', '), one] as const))(
    '%s',
    async (_, { plan, customer, told }) => {
      const paid = await payWith(plan, customer)
      expect(`${paid.told} ${paid.why}`.trim()).toBe(told)
      expect(paid.charged).toBe(told === 'approved' ? 1 : 0)
    },
  )

  it('every message of a payment, come twice or late: never "unsupported", and charged as it is told', async () => {
    for (const customer of [dip, tap]) {
      const { said } = await payWith([], customer)
      const seen = new Map<string, number>()
      for (const { from, what } of said) {
        const nth = seen.get(`${from} ${what}`) ?? 0
        seen.set(`${from} ${what}`, nth + 1)
        if ((what === 'query' || what === 'waiting') && nth > 2) continue
        for (const [fault, ms] of [
          ['duplicate', 0],
          ['duplicate', 900],
          ['duplicate', 3000],
          ['delay', 700],
          ['delay', 3000],
          ['delay', 12_000],
          ['delay', 36_000],
        ] as const) {
          const { told, why, charged } = await payWith([{ from, what, nth, fault, ms }], customer)
          const plan = `${from} ${what} ${nth} ${fault} ${ms}: ${told} ${why}`
          if (process.env.TAPDIP_AWKWARD) console.log(plan)
          expect(told, plan).not.toBe('fault unsupported')
          expect(told, plan).not.toBe('fault internal')
          if (fault === 'duplicate' || ms <= 3000) expect(told, plan).toBe('approved')
          expect(charged, plan).toBe(told === 'approved' ? 1 : told === 'unknown' ? charged : 0)
        }
      }
    }
  }, 120_000)
})
