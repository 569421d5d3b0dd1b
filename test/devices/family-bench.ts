/** A payment on a virtual clock over any family: the virtual reader with a person, its driver, `pay`, and the host's desk. */

import { open } from '../../devices/index.ts'
import { type Counter, type CounterOptions, instant, type PersonOptions, virtualCounter } from '../../simulator/world.ts'
import { VirtualClock } from '../../src/clock.ts'
import { currency } from '../../src/currency.ts'
import type { Order } from '../../src/payment/acquirer.ts'
import type { PaymentEvent } from '../../src/payment/pay/events.ts'
import { type PaymentResult, type PayOptions, pay } from '../../src/payment/pay/payment.ts'
import { ends } from '../ends.ts'
import { deskAcquirer } from '../simulator/acquirer/desk-acquirer.ts'

/** Who goes on: the reader by itself, or the payment. */
export const families = [
  { family: 'qpos', by: 'host' },
  { family: 'bluepad', by: 'reader' },
  { family: 'miura', by: 'host' },
  { family: 'magtek', dialect: 'v5', by: 'host' },
  { family: 'magtek', dialect: 'mms', by: 'host' },
  { family: 'idtech', by: 'host' },
] as const
export const named = families.map(row => [`${row.family}${'dialect' in row ? ` ${row.dialect}` : ''}`, row] as const)

const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }

export interface Bench {
  readonly counter: Counter
  readonly clock: VirtualClock
  readonly seen: { readonly interface?: string; readonly entryMode?: string }[]
  readonly events: PaymentEvent[]
  /** The next person comes; the last payment's end is over by then. */
  next(script: PersonOptions): Promise<void>
  pay(more?: Partial<PayOptions>, order?: Order): Promise<PaymentResult>
}

export async function bench(
  { family, dialect }: { family: string; dialect?: string },
  script: PersonOptions & Pick<CounterOptions, 'resultTime'>,
): Promise<Bench> {
  const clock = new VirtualClock()
  const counter = await virtualCounter({ clock, family, ...(dialect && { dialect }), pins: ['1234'], pace: instant, ...script })
  const reader = await clock.settle(open(counter.link(), { family, ...(dialect && { dialect }), clock }))
  ends.push(
    () => counter.close(),
    () => clock.settle(reader.close()),
  )
  const host = deskAcquirer(counter.acquirer.desk)
  const seen: { interface?: string; entryMode?: string }[] = []
  const events: PaymentEvent[] = []
  let orders = 0
  return {
    ...{ counter, clock, seen, events },
    async next(script) {
      counter.next({ pins: ['1234'], ...script })
      await clock.advance(10_000)
    },
    pay: (more, order) =>
      clock.settle(
        pay(order ?? { number: `fallback_${++orders}`, amount: 250_000n, currency: currency('RUB') }, {
          ...{ reader, merchant, clock, prompts: { onEvent: (event: PaymentEvent) => void events.push(event) } },
          acquirer: {
            ...host,
            authorise(asked) {
              const mode = asked.tags.get(0x9f39)
              seen.push({ interface: asked.interface, ...(mode && { entryMode: Buffer.from(mode).toString('hex') }) })
              return host.authorise(asked)
            },
          },
          ...more,
        }),
      ),
  }
}

export const asked = (events: readonly PaymentEvent[]) => events.flatMap(one => (one.type === 'fallback' ? [`${one.ask} ${one.left}`] : []))
export const shown = (events: readonly PaymentEvent[]) =>
  events.flatMap(one => (one.type === 'reader' && one.event.type === 'display' ? [one.event.message] : []))
