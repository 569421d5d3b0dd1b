/** The app of the bench: an order paid over a virtual reader, screen by screen, on virtual time. */

import { describe, expect, it } from 'vitest'
import { isFault } from '../../../../src/errors.ts'
import { AtPhone } from './at-phone.ts'

describe('by card', () => {
  it('is entered, paid by the reader that is searched for and agreed to, and the next order connects by itself', async () => {
    await using phone = await AtPhone.open({ card: 'mir', paired: false })
    await phone.pay('100.00', 'reader')
    await phone.until('found')
    expect(phone.screen.lines.map(({ text }) => text)).toEqual(['Found reader MPOS0000000001. Connect?'])
    phone.press('connect')
    await phone.until('result')
    expect(phone.screen.lines[0].text).toBe('APPROVED')
    expect(phone.counter.acquirer.orders.map(({ state }) => state)).toEqual(['Approved'])
    phone.press('home')
    phone.counter.next({})
    await phone.pay('7.00', 'reader')
    await phone.until('result')
    expect(phone.counter.acquirer.orders.map(({ state }) => state)).toEqual(['Approved', 'Approved'])
  })

  it('an answer to a screen that has gone is refused, and one that it does not offer', async () => {
    await using phone = await AtPhone.open()
    await phone.until('order')
    const { n } = phone.screen
    expect(() => phone.press('payy')).toThrow("did you mean 'pay'")
    phone.press('pay')
    await phone.until('method')
    expect(() => phone.app.answer({ screen: n, action: 'pay' })).toThrow(expect.toSatisfy(error => isFault(error, 'busy')))
  })
})
