/** The app of the bench: an order paid over a virtual reader, screen by screen, on virtual time. */

import { describe, expect, it } from 'vitest'
import { isFault } from '../../../../src/errors.ts'
import { AtPhone } from './at-phone.ts'
import { atReferral } from './elsewhere.ts'

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

describe('a refund by card', () => {
  it('the card that paid is presented, has back a part, and then the rest; quantities are refused', async () => {
    await using phone = await AtPhone.open({ card: 'mir' })
    await phone.until('order')
    phone.press('pay', { fields: { itemName: 'Strap', itemQuantity: '2', itemPrice: '50.00', itemDiscount: '' } })
    await phone.until('method')
    phone.press('reader')
    await phone.until('result')
    phone.press('refund')
    await phone.until('part')
    phone.press('card', { fields: { 'item:1': '1' } })
    await phone.until(({ kind, fields }) => kind === 'part' && fields?.[0].error !== undefined)
    expect(phone.screen.fields?.[0].error).toBe('To a card an amount goes back: leave the quantities empty.')
    for (const [amount, state] of [
      ['30.00', 'PartialCanceled'],
      ['70.00', 'Canceled'],
    ]) {
      phone.counter.next({})
      phone.press('card', { fields: { 'item:1': '', amount } })
      await phone.until('payment')
      expect(phone.screen.rows?.at(-1)?.value).toBe(`${amount} RUB`)
      await phone.until('result')
      expect(phone.screen.lines[0].text).toBe('REFUNDED')
      expect(phone.counter.acquirer.orders).toMatchObject([{ state }])
      if (state === 'Canceled') break
      phone.press('refund')
      await phone.until('part')
    }
    expect(phone.screen.actions.map(({ id }) => id)).not.toContain('refund')
  })

  it('left before a card is presented: told, and nothing goes back', async () => {
    await using phone = await AtPhone.open({ card: 'mir' })
    await phone.pay('100.00', 'reader')
    await phone.until('result')
    phone.counter.next({ pace: { present: 2_000_000_000 } })
    phone.press('refund')
    await phone.until('part')
    phone.press('card')
    await phone.until(({ kind, lines }) => kind === 'payment' && lines.some(({ id }) => id === 'app.presentCard'))
    phone.press('cancel')
    await phone.until(({ kind }) => kind === 'part' || kind === 'result')
    expect(phone.counter.acquirer.orders).toMatchObject([{ state: 'Approved' }])
  })
})

describe('a bank that wants a call', () => {
  it.each([
    ['approved', 'APPROVED', 'Approved'],
    ['declined', 'DECLINED: call the bank (01)', 'Declined'],
  ])('%s by voice, with the kernel in the app', async (answer, told, state) => {
    await using phone = await atReferral()
    expect(phone.screen.lines[0].text).toMatch(/^The bank wants a call before it decides: order \S+, 5 ?000\.00 RUB\./)
    phone.press(answer)
    await phone.until('result')
    expect(phone.screen.lines[0].text).toContain(told.slice(0, 8))
    expect(phone.counter.acquirer.orders).toMatchObject([{ state }])
  })
})
