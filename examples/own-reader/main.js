// A payment over a reader of one's own: the driver at one end of a pipe, its twin at the other, the kernel on this machine, an acquirer.
import { currency, httpAcquirer, pay, pipe, receiptLines } from 'tapdip'
import { loadCard, startAcquirer, virtualConfig } from 'tapdip/simulator'
import { openOwnReader } from './driver.js'
import { serveOwnReader } from './twin.js'

const [here, there] = pipe()
const serving = serveOwnReader(there, loadCard('visa-signature'))
const reader = openOwnReader(here, { config: virtualConfig() }) // hardware: openOwnReader(await connect('serial:/dev/ttyUSB0'), …)
const host = await startAcquirer()

const payment = await pay(
  { number: 'O1', amount: 99_000n, currency: currency('RUB') },
  {
    reader,
    acquirer: httpAcquirer(host.url),
    merchant: { name: 'Corner shop', id: '635459020000001', terminal: '63545902' },
  },
)
console.log([payment.result, ...receiptLines(payment.receipt)].join('\n'))

await reader.close()
await serving
await host.close()
