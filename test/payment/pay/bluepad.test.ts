/** A payment as a shop makes it with a BluePad: `pay`, the driver through `open`, the counter with its reader, card and acquirer. */

import { afterEach, expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import { type Counter, type CounterOptions, virtualCounter } from '../../../simulator/world.ts'
import { currency } from '../../../src/currency.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import type { PaymentEvent } from '../../../src/payment/pay/events.ts'
import { type AppPrompts, pay } from '../../../src/payment/pay/payment.ts'
import type { Reader } from '../../../src/reader/reader.ts'

const merchant = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
let counter: Counter
let reader: Reader
const events: PaymentEvent[] = []

async function shop(options: CounterOptions): Promise<void> {
  counter = await virtualCounter({ family: 'bluepad', resultTime: 10, ...options })
  reader = await open(counter.link(), { family: 'bluepad' })
}
afterEach(async () => {
  events.length = 0
  await reader.close()
  await counter.close()
})

const order = { number: '20260326_105200_001', amount: 250_000n, currency: currency('RUB') }
const take = (prompts: AppPrompts = {}, number = order.number) =>
  pay(
    { ...order, number },
    { reader, acquirer: httpAcquirer(counter.acquirer.url), merchant, prompts: { ...prompts, onEvent: event => events.push(event) } },
  )
const signature = { strokes: [[{ x: 0, y: 0 }, { x: 5, y: 5 }]] } // biome-ignore format: two points

it('co-badged card: the customer chooses Maestro on the reader, the app is not asked', async () => {
  await shop({ card: 'mir-maestro', pins: ['1234'], choose: 'Maestro' })
  const selectApplication = () => Promise.reject(new Error('the app was asked'))
  expect(await take({ selectApplication })).toMatchObject({
    ...{ result: 'approved', interface: 'chip', cvm: 'onlinePin', application: { label: 'Maestro' } },
    receipt: { scheme: 'MAESTRO', responseCode: '00', amount: '2500.00' },
  })
  expect(counter.acquirer.order(order.number)?.state).toBe('Approved')
  expect(events).toContainEqual({ type: 'reader', event: { type: 'application-selection', where: 'reader' } })
})

it('a wrong PIN, then the right one, with a second cryptogram', async () => {
  await shop({ card: 'mir-maestro', pins: ['9999'] })
  const result = await take({
    tryAgain: async () => {
      counter.next({ pins: ['1234'] })
      return true
    },
  })
  expect(result).toMatchObject({ result: 'approved', attempts: 2 })
})

it('by tap and by stripe', async () => {
  await shop({ card: 'mir-maestro', present: 'tap' })
  expect(await take()).toMatchObject({ result: 'approved', interface: 'tap' })
  counter.next({ card: 'visa-stripe', present: 'swipe', pins: ['1234'] })
  const swiped = await take({ captureSignature: async () => signature }, 'second')
  expect(swiped).toMatchObject({ result: 'approved' })
})

it('the signature is drawn once, however often the reader wants it', async () => {
  await shop({ card: 'visa-signature' })
  let drawn = 0
  const captureSignature = async () => {
    drawn++
    return signature
  }
  expect(await take({ captureSignature })).toMatchObject({ result: 'approved', cvm: 'signature', signature })
  expect(drawn).toBe(1)
})

it('who does not sign does not pay, and the host is not asked', async () => {
  await shop({ card: 'visa-signature' })
  expect(await take({ captureSignature: async () => undefined })).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled' })
  expect(counter.acquirer.order(order.number)?.state).not.toBe('Approved')
})

it('declined for lack of money', async () => {
  await shop({ card: 'mir-maestro', pins: ['1234'], balance: 100n })
  expect(await take()).toMatchObject({ result: 'declined', responseCode: '51' })
})

it('an unreachable host', async () => {
  await shop({ card: 'mir-maestro', pins: ['1234'] })
  await counter.acquirer.close()
  expect(await take()).toMatchObject({ result: 'declined', reason: 'unableToGoOnline' })
})

it('the reader is lost when the host has decided: the money is taken back', async () => {
  await shop({ card: 'mir-maestro', pins: ['1234'] })
  const onEvent = (event: PaymentEvent) => {
    if (event.type === 'host') counter.reader.body.switchOff()
  }
  const result = await pay(order, { reader, acquirer: httpAcquirer(counter.acquirer.url), merchant, prompts: { onEvent } })
  expect(result).toMatchObject({ result: 'cancelled', reason: 'linkLost' })
  expect(counter.acquirer.order(order.number)?.state).not.toBe('Approved')
})
