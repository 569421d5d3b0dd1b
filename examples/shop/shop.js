// A shop with a till: orders that are paid once whatever happens, cash, a host that falls silent, a refund, the drawer at the end of the day.
import { rm } from 'node:fs/promises'
import {
  currency,
  fiscalReceipts,
  fiscalRows,
  formatAmount,
  httpAcquirer,
  layout,
  moneyText,
  noticeText,
  open,
  openJournal,
  openTill,
  orderLines,
  stateText,
} from 'tapdip'
import { virtualCounter } from 'tapdip/simulator'

const file = process.argv[2] ?? 'shop.db'
await rm(file, { force: true })

// For the show, the host hears the second payment and says nothing: not to it, not when asked for its state, not when it is taken back.
const silent = ['authorisation', 'status', 'reversal'].map(on => ({ do: 'silence', on, times: 1, when: { order: 'S2' } }))
const counter = await virtualCounter({ card: 'mir', pins: ['1234'], rules: silent })
const merchant = { name: 'Corner shop', id: '635459020000001', terminal: '63545902' }
const acquirer = httpAcquirer(counter.acquirer.url, { timeout: 1000 })
const rub = currency('RUB')

const reader = await open(counter.link(), { family: 'qpos' })
const journal = await openJournal(file)
const till = openTill({ journal, acquirer, merchant, background: false, onNotice: notice => console.log(`* ${noticeText(notice)}`) })

// A customer with a basket, who pays by card.
const items = [
  { id: 'strap', name: 'Watch strap', quantity: 2000n, price: 45_000n, amount: 90_000n, vat: 20 },
  { id: 'pin', name: 'Spring pin', quantity: 1000n, price: 9_000n, amount: 9_000n, vat: 20 },
]
const basket = { number: 'S1', amount: 99_000n, currency: rub, items }
console.log(orderLines(basket).join('\n'))
console.log('card:', (await till.payOrder(basket, { reader })).result)
for (const receipt of await fiscalReceipts(await till.status('S1'), { acquirer })) console.log(layout(fiscalRows(receipt), 32).join('\n'))

// A customer whose payment hangs. The till knows that it may be charged, and lets nobody pay it twice.
counter.next({ card: 'mir', pins: ['1234'] })
const hanging = { number: 'S2', amount: 20_000n, currency: rub }
const how = { reader, statusTime: 500, reversalTime: 500 }
console.log('card:', (await till.payOrder(hanging, how)).result)
console.log('cash:', (await till.payOrder(hanging, { method: 'cash', received: 20_000n })).result)
await till.recover() // the host answers again; with `background` this comes by itself
const paid = await till.payOrder(hanging, { method: 'cash', received: 50_000n })
console.log('cash:', paid.result, 'change', moneyText(paid.sale.change, hanging))

// One strap comes back.
const back = await till.refund('S1', { items: [{ id: 'strap', quantity: 1000n }] })
console.log('refund:', back.result)

for (const order of till.orders()) console.log(order.number, moneyText(order.amount, order), stateText(order))
for (const { currency: of, balance } of till.drawer()) console.log('in the drawer:', formatAmount(balance, currency(of)), of)

await till.close()
await journal.close()
await reader.close()
await counter.close()
