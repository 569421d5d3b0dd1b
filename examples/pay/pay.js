// One payment, as an app takes it: its progress shown, a wrong PIN once more, a lost line waited for, the receipt printed.
import { currency, faultMessage, httpAcquirer, isFault, layout, message, open, pay, ReaderConnection, slipRows } from 'tapdip'
import { virtualCounter } from 'tapdip/simulator'

// A reader, a customer who mistypes the PIN first, and an acquirer. A real reader: connection.use('ble:PP0918900518').
const counter = await virtualCounter({ card: 'mir', pins: ['0000', '1234'], listen: 'tcp:0' })
const acquirer = httpAcquirer(counter.acquirer.url)
const merchant = { name: 'Corner shop', id: '635459020000001', terminal: '63545902' }

const connection = new ReaderConnection({ open })
await connection.use(counter.uri)

function onEvent(event) {
  if (event.type === 'stage') console.log(`[${event.stage}]`)
  if (event.type === 'host') console.log(`the bank: ${event.result}`)
  if (event.type === 'reader' && event.event.type === 'display') console.log(`the reader: ${message(event.event.message)}`)
}

/** One order to its end. A lost line is waited for as long as nothing can have been charged. */
async function take(order) {
  for (let attempt = 1; ; attempt++) {
    const reader = await connection.ready({ timeout: 60_000 })
    try {
      const tryAgain = async () => {
        console.log('that PIN was wrong: once more')
        return true
      }
      return await pay(order, { reader, acquirer, merchant, prompts: { onEvent, tryAgain } })
    } catch (fault) {
      // A Fault is thrown only while the bank has not been asked.
      if (!isFault(fault, 'link-closed', 'timeout') || attempt === 3) throw fault
      console.log(`${faultMessage(fault)}; waiting for the reader`)
    }
  }
}

// For the show: the reader is switched off as soon as the card is in, and comes back; the customer begins again.
const stop = counter.reader.body.on(event => {
  if (event.type !== 'card' || event.event !== 'inserted') return
  stop()
  counter.reader.body.switchOff()
  setTimeout(() => {
    counter.reader.body.switchOn()
    counter.next({ card: 'mir', pins: ['0000', '1234'] })
  }, 200)
})

const payment = await take({ number: '20260326_1', amount: 250_000n, currency: currency('RUB') })
if (payment.result === 'approved') console.log(layout(slipRows(payment.receipt), 32).join('\n'))
else if (payment.result === 'unknown') console.log('not known: do not ask for the card again, see examples/shop')
else console.log(payment.result, payment.reason)

await connection.close()
await counter.close()
