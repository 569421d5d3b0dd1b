/** An online PIN that was wrong, and then right, within one payment: over every family with a PIN pad, with and without time for results to be read. */

import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import { type CounterOptions, type HostEvent, instant, virtualCounter, virtualFamilies } from '../../../simulator/world.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import type { PaymentEvent } from '../../../src/payment/pay/events.ts'
import { pay } from '../../../src/payment/pay/payment.ts'
import { deskAcquirer } from '../../simulator/acquirer/desk-acquirer.ts'

const families = [
  ['qpos', { family: 'qpos' }],
  ['bluepad', { family: 'bluepad' }],
  ['miura', { family: 'miura' }],
  ['magtek mms', { family: 'magtek', dialect: 'mms' }],
] as const
/** Who cannot, and why. */
const without = { 'magtek v5': 'no PIN pad', idtech: 'no PIN pad' }

const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function bench(options: CounterOptions) {
  const clock = new VirtualClock()
  const seen: HostEvent[] = []
  const counter = await virtualCounter({ clock, pace: instant, ...options, onHost: event => seen.push(event) })
  const { family, dialect } = options
  const reader = await clock.settle(open(counter.link(), { family: family!, ...(dialect && { dialect }), clock }))
  ends.push(
    () => counter.close(),
    () => clock.settle(reader.close()),
  )
  const events: PaymentEvent[] = []
  const words = () => counter.reader.body.screens.map(({ message }) => message)
  return {
    ...{ counter, clock, events, words },
    pins: () => seen.flatMap(event => ('pin' in event && event.pin ? [event.pin] : [])),
    reader,
    pay: (amount = 250_000n) =>
      clock.settle(
        pay(
          { number: 'wrong_pin_1', amount, currency: currency('RUB') },
          {
            ...{ reader, merchant, clock, acquirer: deskAcquirer(counter.acquirer.desk) },
            prompts: { tryAgain: async () => true, selectApplication: async () => 0, onEvent: event => void events.push(event) },
          },
        ),
      ),
  }
}

it('every family is here, or has a reason', () => {
  const named = Object.keys(virtualFamilies).flatMap(family => (family === 'magtek' ? ['magtek v5', 'magtek mms'] : [family]))
  expect([...families.map(([name]) => name), ...Object.keys(without)].sort()).toEqual(named.sort())
})

describe.each(families)('%s', (_, row) => {
  it.each([0, 1500, 10_000])('%i ms for results: the second PIN is asked for and right', async resultTime => {
    const { pay, pins, words, events, counter } = await bench({ ...row, card: 'mastercard', pins: ['4321', '1234'], resultTime })
    expect(await pay()).toMatchObject({ result: 'approved', cvm: 'onlinePin', attempts: 2 })
    expect(pins()).toEqual(['wrong', 'right'])
    const told = events.flatMap(one => (one.type === 'reader' && one.event.type === 'pin' ? [one.event.event] : []))
    expect(told.filter(event => event === 'started')).toHaveLength(2)
    // A card that is still in the slot stays there, and the reader says why it asks again.
    if (resultTime > 0) expect(words()).toContain('reader.wrongPin')
    expect(counter.acquirer.orders.map(({ state }) => state)).toEqual(['Approved'])
  })

  it('a reader that has gone asks for no PIN: nobody is offered another', async () => {
    const { counter, clock, reader } = await bench({ ...row, card: 'mastercard', pins: ['4321', '1234'] })
    const desk = deskAcquirer(counter.acquirer.desk)
    let offered = 0
    const result = await clock.settle(
      pay(
        { number: 'wrong_pin_gone', amount: 250_000n, currency: currency('RUB') },
        {
          ...{ reader, merchant, clock },
          acquirer: {
            ...desk,
            async authorise(message, options) {
              const answer = await desk.authorise(message, options)
              counter.reader.body.switchOff()
              return answer
            },
          },
          prompts: { tryAgain: async () => ++offered > 0, selectApplication: async () => 0 },
        },
      ),
    )
    expect(result).toMatchObject({ result: 'declined', responseCode: '55', attempts: 1 })
    expect(offered).toBe(0)
  })

  it('three that are wrong end it; the next person types their own', async () => {
    const { pay, pins, counter, clock } = await bench({ ...row, card: 'mastercard', pins: ['1111', '2222', '3333'] })
    expect(await pay()).toMatchObject({ result: 'declined', attempts: 3 })
    expect(pins()).toEqual(['wrong', 'wrong', 'wrong'])
    counter.next({ card: 'mir', pins: ['4321', '1234'] })
    await clock.advance(20_000)
    expect(await pay(260_000n)).toMatchObject({ result: 'approved', attempts: 2 })
    expect(pins().slice(3)).toEqual(['wrong', 'right'])
  })

  it('the first example of docs/simulator.md: its PINs are played as they stand there', async () => {
    const page = readFileSync(new URL('../../../docs/simulator.md', import.meta.url), 'utf8')
    const [, literal] = /await virtualCounter\((\{[\s\S]*?\n\})\)/.exec(page)!
    const example = new Function(`return ${literal}`)() as CounterOptions
    expect(example.pins).toEqual(['4321', '1234'])
    const { listen: _, ...options } = example
    const { pay, pins } = await bench({ ...options, ...row })
    expect(await pay()).toMatchObject({ result: 'approved', cvm: 'onlinePin', attempts: 2 })
    expect(pins()).toEqual(['wrong', 'right'])
  })
})

it.each([
  ['magtek v5', { family: 'magtek', dialect: 'v5' }],
  ['idtech', { family: 'idtech' }],
] as const)('the first example of docs/simulator.md on %s, which has no PIN pad: paid without one', async (_, row) => {
  const { pay, pins } = await bench({ ...row, card: 'mir-maestro', pins: ['4321', '1234'] })
  expect(await pay(299_999n)).toMatchObject({ attempts: 1 })
  expect(pins()).toEqual(['none'])
})
