/** A chip that cannot be read does not end a payment: asked for again, then for the stripe or a tap, over every family that has one; the app is told each time. */

import { describe, expect, it } from 'vitest'
import { profiles } from '../../../simulator/world.ts'
import { message } from '../../../src/messages/messages.ts'
import type { PaymentEvent } from '../../../src/payment/pay/events.ts'
import { paymentJson } from '../../../src/payment/pay/payment.ts'
import { asked, bench, families, named, shown } from '../../devices/family-bench.ts'

describe.each(named)('%s', (_, row) => {
  it('a dead chip: tried again twice, then the stripe, within one payment; the host is told 80', async () => {
    const { pay, seen, events, counter } = await bench(row, { card: 'dead-chip' })
    const result = await pay()
    expect(result).toMatchObject({ result: 'approved', interface: 'swipe', fallback: true, attempts: 1, receipt: { entryMode: '80' } })
    expect(seen).toEqual([{ interface: 'swipe', entryMode: '80' }])
    expect(asked(events)).toEqual(['chip 1', 'chip 0', 'swipe 0'])
    expect(shown(events)).toContain('reader.swipeCard')
    expect(paymentJson(result)).toMatchObject({ fallback: true, interface: 'swipe' })
    expect(counter.acquirer.orders).toHaveLength(1)
    const display = counter.reader.body.screens.map(({ lines }) => lines[0])
    expect(display.filter(line => line === message('reader.cardError', 'en'))).toHaveLength(3)
  })

  it('the wrong way round, then as it should be: paid by chip', async () => {
    const { pay, seen, events } = await bench(row, { card: 'mastercard', present: ['dipWrong', 'dip'] })
    expect(await pay()).toMatchObject({ result: 'approved', interface: 'chip', fallback: true })
    expect(asked(events)).toEqual(['chip 1'])
    expect(seen).toMatchObject([{ interface: 'chip' }])
  })

  it('a chip that falls silent before the payment has begun is one that cannot be read; after that it is not', async () => {
    const { pay, next } = await bench(row, { card: 'silent' })
    expect(await pay()).toMatchObject({ result: 'approved', interface: 'swipe', fallback: true })
    await next({ card: 'silent-later' })
    const later = await pay()
    expect(later).toMatchObject({ result: 'declined', interface: 'chip' })
    expect([later.fallback, later.outcome.fallback]).toEqual([undefined, undefined])
  })

  it('by the merchant’s rules: no further tries, a tap instead, or nothing', async () => {
    const { pay, events, next, seen } = await bench(row, { card: 'dead-chip', present: ['dip', 'tap'] })
    expect(await pay({ fallback: { tries: 0, to: ['tap'] } })).toMatchObject({ result: 'approved', interface: 'tap', fallback: true })
    expect(asked(events.splice(0))).toEqual(['tap 0'])
    expect(seen.splice(0)).toMatchObject([{ interface: 'tap' }])
    await next({ card: 'dead-chip' })
    expect(await pay({ fallback: { to: [] } })).toMatchObject({ result: 'declined', reason: 'cardMute', interface: 'chip', fallback: true })
    expect(asked(events.splice(0))).toEqual(['chip 1', 'chip 0'])
    await next({ card: 'dead-chip' })
    expect(await pay({ interfaces: ['chip', 'tap'] })).toMatchObject({ result: 'declined', reason: 'cardMute', fallback: true })
    expect(seen).toEqual([])
  })

  it('cards whose stripe may not stand in for a chip are refused before the host is asked', async () => {
    const { pay, seen, counter, next } = await bench(row, { card: 'dead-chip' })
    const refused = await pay({ fallback: { notFor: ['22', profiles['dead-chip'].pan.slice(0, 6)] } })
    expect(refused).toMatchObject({ result: 'declined', reason: 'notAccepted', interface: 'swipe', fallback: true })
    expect([refused.responseCode, seen, counter.acquirer.orders]).toEqual([undefined, [], []])
    await next({ card: 'stripe-only', present: 'swipe' })
    expect(await pay({ fallback: { notFor: ['4'.padEnd(2, '7')] } })).toMatchObject({ result: 'approved', interface: 'swipe' })
  })

  it('a stripe without a chip is a swipe, 90; a chip card that is swiped first is sent to the slot', async () => {
    const { pay, seen, events, next } = await bench(row, { card: 'stripe-only', present: 'swipe' })
    const result = await pay()
    expect(result).toMatchObject({ result: 'approved', interface: 'swipe', receipt: { entryMode: '90' } })
    expect(result.fallback).toBeUndefined()
    expect(seen.splice(0)).toEqual([{ interface: 'swipe', entryMode: '90' }])
    events.length = 0
    await next({ card: 'mastercard', present: 'swipe' })
    expect(await pay()).toMatchObject({ result: 'approved', interface: 'chip' })
    expect(shown(events)).toContain('reader.insertCard')
  })

  it('after a payment that its dead chip ended, the card is asked for as ever and its stripe is taken in the end', async () => {
    const { pay, next, events } = await bench(row, { card: 'dead-chip' })
    expect(await pay({ fallback: { to: [] } })).toMatchObject({ result: 'declined', reason: 'cardMute' })
    await next({ card: 'dead-chip', present: ['swipe', 'dip', 'dip', 'dip', 'swipe'] })
    events.length = 0
    expect(await pay()).toMatchObject({ result: 'approved', interface: 'swipe', fallback: true, receipt: { entryMode: '80' } })
    expect(shown(events)).toContain('reader.insertCard')
  })

  it('a card that was left in is asked away, and the app is told; then it pays again', async () => {
    const { pay, events, clock, counter } = await bench(row, { card: 'mastercard', present: [{ how: 'dip', leave: true }, 'dip'] })
    expect(await pay()).toMatchObject({ result: 'approved' })
    await clock.advance(10_000)
    expect(counter.reader.body.cardInSlot).toBe(true)
    events.length = 0
    expect(await pay()).toMatchObject({ result: 'approved', interface: 'chip' })
    const words = shown(events)
    expect(words).toContain('reader.removeCard')
    expect(words.indexOf('reader.removeCard')).toBeLessThan(words.lastIndexOf('reader.presentCard'))
  })

  it('another card is taken in the middle: the one that can be read pays', async () => {
    const { pay, events } = await bench(row, { card: 'dead-chip', present: ['dip', { how: 'dip', card: 'mastercard' }] })
    const result = await pay()
    expect(result).toMatchObject({ result: 'approved', interface: 'chip', receipt: { scheme: 'MASTERCARD' } })
    expect(asked(events)).toEqual(['chip 1'])
  })

  it('the merchant cancels between two tries: nothing is charged, and the next payment goes through', async () => {
    const { pay, counter, next, events } = await bench(row, { card: 'dead-chip' })
    const stop = new AbortController()
    const prompts = {
      onEvent(event: PaymentEvent) {
        events.push(event)
        if (event.type === 'fallback') stop.abort()
      },
    }
    expect(await pay({ prompts, signal: stop.signal })).toMatchObject({ result: expect.stringMatching(/cancelled|declined/) })
    expect(asked(events)).toHaveLength(1)
    expect(counter.acquirer.orders).toEqual([])
    await next({ card: 'mastercard' })
    expect(await pay()).toMatchObject({ result: 'approved', interface: 'chip' })
  })
})

it.each([
  [{ tries: 10 }, 'fallback.tries'],
  [{ tries: 1.5 }, 'fallback.tries'],
  [{ to: ['chip'] }, 'fallback.to'],
  [{ notFor: ['4'] }, 'fallback.notFor'],
] as const)('rules that are none are refused before the card is asked for: %j', async (fallback, field) => {
  const { pay, counter } = await bench(families[0], { card: 'dead-chip' })
  const screens = counter.reader.body.screens.length
  await expect(pay({ fallback } as never)).rejects.toMatchObject({ code: 'bad-argument', details: { field } })
  expect(counter.reader.body.screens).toHaveLength(screens)
})
