/** The acquirer's line without a socket: the same client, the same book. */

import { expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import { virtualCounter } from '../../../simulator/counter.ts'
import { currency } from '../../../src/currency.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import { pay } from '../../../src/payment/pay/payment.ts'

const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }

it('a payment is in the book as over HTTP, and a host that was closed cannot be reached', async () => {
  const counter = await virtualCounter({ family: 'miura', card: 'mir', present: 'tap' })
  const reader = await open(counter.link(), { family: 'miura' })
  const order = { number: '1', amount: 250_00n, currency: currency('RUB') }
  const acquirer = httpAcquirer(counter.acquirer.url, { fetch: counter.acquirer.fetch })
  expect(await pay(order, { reader, merchant, acquirer })).toMatchObject({ result: 'approved' })
  expect(await httpAcquirer(counter.acquirer.url).order!(merchant, '1')).toMatchObject({ number: '1', charged: 250_00n })
  await reader.close()
  await counter.close()
  await expect(acquirer.order!(merchant, '1')).rejects.toMatchObject({ code: 'host-unreachable' })
})
