/** A recording or an explanation that cannot be written: it ends, is told once, and the payment goes as if nobody had listened; in every family. */

import { afterEach, expect, it } from 'vitest'
import { open } from '../../devices/index.ts'
import { type Counter, virtualCounter } from '../../simulator/world.ts'
import { currency } from '../../src/currency.ts'
import { httpAcquirer } from '../../src/payment/host/http.ts'
import { pay } from '../../src/payment/pay/payment.ts'
import { traced, unredacted } from '../../src/transport/trace.ts'
import { everyFamily } from '../devices/families.ts'

let counter: Counter | undefined
afterEach(() => counter?.close())

const kinds = everyFamily
  .filter(({ dialect }) => dialect !== 'emv2') // a port of calls, without bytes
  .map(({ family, dialect }) => [family, dialect] as const)

/** Lines that a disk still takes. */
const room = [0, 1, 5, 12]

it.each(kinds)('%s %s', async (family, dialect) => {
  for (const lines of room) {
    let told = 0
    let written = 0
    let explained = 0
    const write = () => {
      if (written === lines) throw new Error('ENOSPC: no space left on device')
      written++
    }
    counter = await virtualCounter({
      ...{ family, ...(dialect && { dialect }), card: 'visa-signature', pins: ['1234'], resultTime: 0 },
      explain() {
        if (explained++ >= lines) throw new Error('ENOSPC: no space left on device')
      },
    })
    const reader = await open(counter.link(), {
      ...{ family, ...(dialect && { dialect }) },
      trace: link => traced(link, { write, redaction: unredacted, onFailure: () => told++ }),
    })
    const order = { number: `o${lines}`, amount: 100_00n, currency: currency('RUB') }
    const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
    const result = await pay(order, { reader, merchant, acquirer: httpAcquirer(counter.acquirer.url) })
    expect(result).toMatchObject({ result: 'approved' })
    expect({ told, written }).toEqual({ told: 1, written: lines })
    expect(explained).toBeGreaterThan(lines)
    await reader.close()
    await counter.close()
  }
})

it('a listener of the failure that fails itself is no fault of the payment either', async () => {
  counter = await virtualCounter({ family: 'qpos', card: 'visa-signature', pins: ['1234'], resultTime: 0 })
  const fail = () => {
    throw new Error('ENOSPC')
  }
  const reader = await open(counter.link(), { family: 'qpos', trace: link => traced(link, { write: fail, onFailure: fail }) })
  expect(await reader.status()).toHaveProperty('battery')
  await reader.close()
})
