/** A host that lies, over both clients: no order is paid twice, none is given back more than it took, and nothing is approved that does not agree with itself. */

import { describe, expect, it } from 'vitest'
import { loadCard } from '../../simulator/cards/icc.ts'
import type { HostOrder } from '../../src/payment/acquirer.ts'
import { receiptLines } from '../../src/payment/receipt/receipt.ts'
import { answering, full, lyingShop, offlineCard, ordering, protocols, RUB } from './host-bench.ts'
import { approvalMoves, falsehoods, orderMoves, subjectMoves, unapprovals } from './host-moves.mjs'

const sent = (seen: readonly { readonly type: string }[], type: string) => seen.filter(one => one.type === type).length

describe.each(protocols)('over %s, an order that is paid', protocol => {
  it.each(Object.entries(orderMoves))('%s: a host error, told once, nothing changed, nothing charged again', async (_, lie) => {
    const shop = await lyingShop(protocol)
    expect(await shop.pay()).toMatchObject({ result: 'approved' })
    shop.lieOfOrder(ordering(lie))
    for (let round = 0; round < 2; round++)
      await expect(shop.till.status('D1')).rejects.toMatchObject({ code: 'host-error', details: { contradiction: expect.any(String) } })
    expect(shop.till.orders()).toMatchObject([{ state: 'Approved', amount: 2500_00n, currency: RUB }])
    expect(shop.notices).toMatchObject([{ type: 'discrepancy', order: 'D1' }])
    expect(shop.texts()[0]).toContain('Nothing was changed')
    expect(await shop.pay()).toMatchObject({ result: 'already-paid' })
    expect(shop.balance()).toBe(full - 2500_00n)
  })

  it.each(Object.entries(unapprovals))('un-approved by a word (%s): told, and no release', async (state, lie) => {
    const shop = await lyingShop(protocol)
    await shop.pay()
    shop.lieOfOrder(ordering(lie))
    expect(await shop.till.status('D1')).toMatchObject({ state: 'Approved' })
    expect(shop.notices).toMatchObject([{ type: 'discrepancy', field: 'state', ours: 'Approved', host: state }])
    expect(await shop.pay()).toMatchObject({ result: 'already-paid' })
    // Even where the state was taken over once, by an earlier version.
    shop.journal.update(shop.till.orders()[0].merchant, 'D1', { state: state as keyof typeof unapprovals })
    expect(await shop.pay()).toMatchObject({ result: 'already-paid' })
    expect(shop.balance()).toBe(full - 2500_00n)
  })

  it('a cancellation by somebody else is believed, and no payment follows it', async () => {
    const shop = await lyingShop(protocol)
    await shop.pay()
    await shop.acquirer.cancel({ key: 'office', merchant: shop.till.orders()[0].merchant, number: 'D1', at: new Date() })
    expect(await shop.till.status('D1')).toMatchObject({ state: 'Canceled' })
    expect(await shop.pay()).toMatchObject({ result: 'already-paid' })
    expect(shop.balance()).toBe(full)
  })

  it('is given back once: four refunds of 2000 of 2500, with a host that agrees to all', async () => {
    const shop = await lyingShop(protocol)
    await shop.pay()
    shop.lie('change', ({ about, ...answer }) => ({
      ...answer,
      about: { ...about!, key: about!.key },
      state: 'approved',
      response: { type: 'approved', code: '00' },
      orderState: 'PartialCanceled',
    }))
    const results = []
    for (let round = 0; round < 4; round++) results.push((await shop.till.refund('D1', { amount: 2000_00n })).result)
    expect(results).toEqual(['approved', 'declined', 'declined', 'declined'])
    expect(sent(shop.seen, 'cancellation')).toBe(1)
    expect(await shop.till.refund('D1', { amount: 500_01n })).toMatchObject({ result: 'declined', answer: { response: { code: '13' } } })
    expect(await shop.till.refund('D1', { amount: 500_00n })).toMatchObject({ result: 'approved' })
    expect(await shop.till.refund('D1')).toMatchObject({ result: 'declined', answer: { response: { code: '13' } } })
    expect(shop.balance()).toBe(full)
  })

  it('an item goes back once', async () => {
    const shop = await lyingShop(protocol)
    const items = [
      { id: 'a', name: 'A', quantity: 1000n, price: 1500_00n, amount: 1500_00n },
      { id: 'b', name: 'B', quantity: 2000n, price: 500_00n, amount: 1000_00n },
    ]
    await shop.pay({ items })
    expect(await shop.till.refund('D1', { items: [{ id: 'b', quantity: 1000n }] })).toMatchObject({ result: 'approved' })
    expect(await shop.till.refund('D1', { items: [{ id: 'b' }, { id: 'a' }] })).toMatchObject({ result: 'approved' })
    expect(await shop.till.refund('D1', { items: [{ id: 'a' }] })).toMatchObject({ result: 'declined' })
    expect(sent(shop.seen, 'cancellation')).toBe(2)
    expect(shop.balance()).toBe(full)
  })

  it('a state that comes with the answer to a change is no un-approval either', async () => {
    const shop = await lyingShop(protocol)
    await shop.pay()
    shop.lie('change', answer => ({ ...answer, state: 'declined', response: { type: 'declined', code: '12' }, orderState: 'Declined' }))
    expect(await shop.till.refund('D1', { amount: 1_00n })).toMatchObject({ result: 'declined', order: { state: 'Approved' } })
    expect(shop.journal.notices().length + shop.notices.length).toBe(1)
    expect(await shop.pay()).toMatchObject({ result: 'already-paid' })
  })
})

describe.each(protocols)('over %s, an order that was declined', protocol => {
  it('is not paid by a word that cannot be true, and can be paid', async () => {
    const shop = await lyingShop(protocol, { rules: [{ do: 'decline', code: '05', reason: 'no', times: 1 }] })
    expect(await shop.pay()).toMatchObject({ result: 'declined' })
    for (const lie of [
      (order: HostOrder): HostOrder => ({ ...order, state: 'Approved' }),
      (order: HostOrder): HostOrder => ({ ...order, state: 'Approved', amount: 1n, charged: 1n }),
    ]) {
      shop.lieOfOrder(lie)
      await expect(shop.till.status('D1')).rejects.toMatchObject({ code: 'host-error' })
      expect(shop.till.orders()[0].state).toBe('Declined')
    }
    shop.honest()
    expect(await shop.pay()).toMatchObject({ result: 'approved' })
    expect(shop.balance()).toBe(full - 2500_00n)
  })

  it('has nothing to confirm and nothing to give back: nobody is asked', async () => {
    const shop = await lyingShop(protocol, { rules: [{ do: 'decline', code: '05', reason: 'no' }] })
    await shop.pay()
    shop.lie('change', answer => ({ ...answer, state: 'approved', response: { type: 'approved', code: '00' } }))
    for (const change of ['confirm', 'refund', 'cancel'] as const)
      expect(await shop.till[change]('D1', { amount: 1_00n })).toMatchObject({ result: 'declined', answer: { response: { code: '12' } } })
    expect(shop.seen.filter(({ type }) => type === 'confirmation' || type === 'cancellation')).toEqual([])
    expect(shop.balance()).toBe(full)
  })

  it('declined, and the order Approved: no goods, and the order may be paid', async () => {
    const shop = await lyingShop(protocol)
    shop.lie(['authorise', 'status'], answer => ({
      ...answer,
      state: 'declined',
      response: { type: 'declined', code: '05' },
      orderState: 'Approved',
    }))
    expect(await shop.pay()).toMatchObject({ result: 'declined', order: { state: 'Declined' } })
  })
})

describe.each(protocols)('over %s, a payment', protocol => {
  const contradictions = Object.entries(approvalMoves)

  it.each(contradictions)('%s: never approved, and taken back', async (_, lie) => {
    const shop = await lyingShop(protocol)
    shop.lie(['authorise', 'status'], answering(lie))
    for (const reader of [{}, { byDefault: true }]) {
      const paid = await shop.pay({ number: `D${Object.keys(reader).length}` }, { partial: true }, reader)
      expect(paid.result).not.toBe('approved')
      shop.honest()
      await shop.till.recover()
      expect(shop.till.standing(`D${Object.keys(reader).length}`)).toBeUndefined()
      expect(shop.balance()).toBe(full)
      shop.lie(['authorise', 'status'], answering(lie))
    }
  })

  it.each(contradictions.slice(0, 4))('%s, said once: the status is asked, and it stands', async (_, lie) => {
    const shop = await lyingShop(protocol)
    shop.lie('authorise', answering(lie))
    const paid = await shop.pay()
    // A network's field 39 says "declined" where the state has no field: then it is taken back, and never approved in contradiction.
    expect(['approved', 'declined']).toContain(paid.result)
    expect(shop.balance()).toBe(paid.result === 'approved' ? full - 2500_00n : full)
    if (protocol === 'http') expect(paid).toMatchObject({ result: 'approved', order: { state: 'Approved' } })
  })

  it('a part approved, where the app takes none: reversed, and said so', async () => {
    const shop = await lyingShop(protocol, { rules: [{ do: 'partial', amount: 1000_00n }] })
    const paid = await shop.pay()
    expect(paid).toMatchObject({ result: 'declined', payment: { reason: 'partialApproval', reversal: 'done' } })
    expect(shop.balance()).toBe(full)
    expect(shop.till.standing('D1')).toBeUndefined()
  })

  it('a part approved, where the app takes it: result, slip, journal and order have the part, and the rest is paid after it', async () => {
    const shop = await lyingShop(protocol, { rules: [{ do: 'partial', amount: 1000_00n, times: 1 }] })
    const paid = await shop.pay({}, { partial: true })
    expect(paid).toMatchObject({
      result: 'approved',
      payment: { approvedAmount: 1000_00n, responseCode: '10', receipt: { amount: '1000.00' } },
      order: { state: 'PartialApproved', amount: 2500_00n, entries: [{ amount: 1000_00n, result: 'approved' }] },
    })
    expect(receiptLines(shop.till.receipt('D1'))).toContain('Amount: 1000.00 RUB')
    expect(shop.balance()).toBe(full - 1000_00n)
    await expect(shop.pay({ amount: 2600_00n })).rejects.toMatchObject({ code: 'bad-argument', details: { field: 'order.amount' } })
    expect(await shop.pay({}, { amount: 500_00n })).toMatchObject({ result: 'approved', order: { state: 'PartialApproved' } })
    expect(await shop.pay()).toMatchObject({
      result: 'approved',
      payment: { receipt: { amount: '1000.00' } },
      order: { state: 'Approved' },
    })
    expect(await shop.pay()).toMatchObject({ result: 'already-paid' })
    expect(shop.balance()).toBe(full - 2500_00n)
    expect(await shop.till.refund('D1', { amount: 2500_00n })).toMatchObject({ result: 'approved' })
    expect(shop.balance()).toBe(full)
  })

  it('an account with less than the order pays what it has', async () => {
    const shop = await lyingShop(protocol, { balance: 700_00n })
    expect(await shop.pay()).toMatchObject({ result: 'declined', payment: { responseCode: '51' } })
    expect(await shop.pay({}, { partial: true })).toMatchObject({ result: 'approved', payment: { approvedAmount: 700_00n } })
    expect(shop.balance()).toBe(0n)
  })
})

describe('an answer over HTTP that is about something else', () => {
  const subjects = Object.entries(subjectMoves)

  it.each(subjects)('%s: the status is asked, and what is honest stands', async (_, move) => {
    const shop = await lyingShop('http')
    shop.lie('authorise', answering(move))
    expect(await shop.pay()).toMatchObject({ result: 'approved' })
    expect(shop.balance()).toBe(full - 2500_00n)
  })

  it.each(subjects)('%s, whatever is asked: taken back', async (_, move) => {
    const shop = await lyingShop('http')
    shop.lie(['authorise', 'status'], answering(move))
    const taken = { reason: 'hostContradicted', reversal: 'done' }
    expect(await shop.pay()).toMatchObject({ result: 'declined', payment: taken })
    // A card that approves where the terminal asks it to, since no answer is known.
    const willing = { card: loadCard(offlineCard), cvm: 'offlinePin', byDefault: true } as const
    expect(await shop.pay({ number: 'D3' }, {}, willing)).toMatchObject({ result: 'cancelled', payment: taken })
    expect(shop.balance()).toBe(full)
    expect(shop.host.balance(offlineCard.pan)).toBe(full)
  })

  it('names nothing: an answer of an earlier interface approves nothing', async () => {
    const shop = await lyingShop('http')
    shop.lie(['authorise', 'status'], ({ about: _, ...answer }) => answer)
    expect((await shop.pay()).result).not.toBe('approved')
    expect(shop.balance()).toBe(full)
  })

  it('a change: asked again until it is answered', async () => {
    const shop = await lyingShop('http')
    await shop.pay()
    shop.lie('change', answer => ({ ...answer, about: { ...answer.about!, amount: 1n } }))
    expect(await shop.till.refund('D1', { amount: 500_00n })).toMatchObject({ result: 'unknown' })
    shop.honest()
    expect(await shop.till.recover()).toMatchObject([{ became: 'approved' }])
    expect(shop.balance()).toBe(full - 2000_00n)
  })

  it('a reversal of another key has confirmed nothing', async () => {
    const shop = await lyingShop('http', { rules: [{ do: 'wrongArpc' }] })
    shop.lie('reverse', answer => ({ ...answer, about: { key: 'another' } }))
    const { acquirer } = shop
    await expect(acquirer.reverse('mine', 'noAnswer')).rejects.toMatchObject({ code: 'host-error', details: { contradiction: 'key' } })
  })
})

describe.each(protocols)('over %s, a host that says one thing and then another', protocol => {
  const believing = { rules: [{ do: 'believe' }] } as const
  const { denied, granted, undone, whole } = falsehoods

  it.each([
    ['declined', denied],
    ['taken back', undone],
  ] as const)('approved before the app ended, %s after it: taken back, and the order may be paid', async (_, lie) => {
    const shop = await lyingShop(protocol, believing)
    await shop.interrupted('card')
    shop.lie('status', answering(lie))
    expect(await shop.till.recover()).toMatchObject([{ became: 'cancelled' }])
    expect(shop.till.standing('D1')).toBeUndefined()
    expect(shop.balance()).toBe(full)
  })

  it('declined before the app ended, approved after it: no goods, no money', async () => {
    const shop = await lyingShop(protocol, believing)
    shop.lie('authorise', answering(denied))
    await shop.interrupted('card')
    shop.honest()
    expect(await shop.till.recover()).toMatchObject([{ became: 'cancelled' }])
    expect(shop.balance()).toBe(full)
  })

  it('nothing to take back of what it has approved: not believed, asked again until it is taken back', async () => {
    const shop = await lyingShop(protocol, { rules: [{ do: 'partial', amount: 1000_00n }] })
    shop.withhold('reverse', { state: 'declined', response: { type: 'declined', code: '05' } })
    expect(await shop.pay()).toMatchObject({ result: 'unknown', payment: { reversal: 'pending' } })
    expect(await shop.till.recover()).toMatchObject([{ became: 'pending', fault: { details: { contradiction: 'state' } } }])
    expect(await shop.pay()).toMatchObject({ result: 'in-process' })
    shop.honest()
    expect(await shop.till.recover()).toMatchObject([{ became: 'declined' }])
    expect(shop.balance()).toBe(full)
  })

  it('the same of a payment that another process has begun', async () => {
    const shop = await lyingShop(protocol, believing)
    await shop.interrupted('answered')
    shop.withhold('reverse', { state: 'declined', response: { type: 'declined', code: '05' } })
    expect(await shop.till.recover()).toMatchObject([{ became: 'pending' }])
    shop.honest()
    expect(await shop.till.recover()).toMatchObject([{ became: 'cancelled' }])
    expect(shop.balance()).toBe(full)
  })

  it('an approval that was none: there is nothing to take back, and its state says so too', async () => {
    const shop = await lyingShop(protocol, { rules: [{ do: 'decline', code: '05', reason: 'no' }] })
    shop.lie('authorise', answering(granted))
    await shop.interrupted('answered')
    shop.honest()
    expect(await shop.till.recover()).toMatchObject([{ became: 'cancelled' }])
    expect(shop.balance()).toBe(full)
  })

  it('an advice of which it has not heard is told again, and not refused', async () => {
    const shop = await lyingShop(protocol)
    shop.lie('advise', ({ about }) => ({ about: about!, state: 'unknown' }))
    const paid = await shop.pay({}, {}, { card: loadCard(offlineCard), cvm: 'offlinePin', offline: true })
    expect(paid).toMatchObject({ result: 'approved', payment: { advice: 'pending' } })
    shop.honest()
    expect(await shop.till.recover()).toMatchObject([{ became: 'approved' }])
    expect(shop.host.balance(offlineCard.pan)).toBe(full - 2500_00n)
  })

  it.each([
    ['refused', denied],
    ['taken back', undone],
  ] as const)(
    'an advice that is %s, and booked: taken back before anybody is told, and charged once when it is paid again',
    async (_, lie) => {
      const shop = await lyingShop(protocol)
      const offline = { card: loadCard(offlineCard), cvm: 'offlinePin', offline: true } as const
      const left = () => shop.host.balance(offlineCard.pan)
      shop.lie('advise', answering(lie))
      expect((await shop.pay({}, {}, offline)).result).toMatch(/declined|cancelled/)
      expect(left()).toBe(full)
      shop.lie('advise', ({ about }) => ({ about: about!, state: 'unknown' }))
      expect(await shop.pay({}, {}, offline)).toMatchObject({ result: 'approved', payment: { advice: 'pending' } })
      shop.lie('advise', answering(lie))
      expect(await shop.till.recover()).toMatchObject([{ became: expect.stringMatching(/declined|cancelled/) }])
      expect(left()).toBe(full)
      shop.honest()
      expect(await shop.pay({}, {}, offline)).toMatchObject({ result: 'approved' })
      expect(left()).toBe(full - 2500_00n)
    },
  )

  it('declined, and charged all the same: the order says so, and the money can be given back', async () => {
    const shop = await lyingShop(protocol)
    shop.lie('authorise', answering(denied))
    expect(await shop.pay()).toMatchObject({ result: 'declined' })
    shop.honest()
    expect(await shop.till.status('D1')).toMatchObject({ state: 'Approved' })
    expect(shop.notices).toMatchObject([{ type: 'state', state: 'Approved' }])
    expect(await shop.pay()).toMatchObject({ result: 'already-paid' })
    expect(await shop.till.refund('D1')).toMatchObject({ result: 'approved' })
    expect(shop.balance()).toBe(full)
  })

  it('approved, and the order is none that it knows: told once, and kept', async () => {
    const shop = await lyingShop(protocol)
    await shop.pay()
    shop.forgetOrders()
    for (let round = 0; round < 2; round++) expect(await shop.till.status('D1')).toMatchObject({ state: 'Approved' })
    expect(shop.notices).toMatchObject([{ type: 'discrepancy', field: 'number', host: '-' }])
    expect(await shop.pay()).toMatchObject({ result: 'already-paid' })
  })

  it('all approved, and a part booked: told, and nothing changed', async () => {
    const shop = await lyingShop(protocol, { rules: [{ do: 'partial', amount: 1000_00n }] })
    shop.lie('authorise', answering(whole))
    expect(await shop.pay()).toMatchObject({ result: 'approved', order: { state: 'Approved' } })
    shop.honest()
    await expect(shop.till.status('D1')).rejects.toMatchObject({ code: 'host-error', details: { contradiction: 'amount' } })
    expect(shop.notices).toMatchObject([{ type: 'discrepancy', field: 'amount', ours: '250000', host: '100000' }])
  })
})
