// A shop in a process of its own, which kills itself at a stage of its payment. Run by till-kill.test.ts; imports the build.
import { currency, httpAcquirer, open, openJournal, openTill } from '../../../dist/devices/index.js'

const { journal: path, acquirer, reader: uri, order, amount, stage, when, key, change, write } = JSON.parse(process.argv[2])
const die = () => process.kill(process.pid, 'SIGKILL')

const merchant = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
const journal = await openJournal(path, { ...(key && { key: Buffer.from(key, 'hex') }) })
const mortal = {
  ...journal,
  record(step) {
    if (step.stage === stage && when === 'before') die()
    journal.record(step)
    if (step.stage === stage && when === 'after') die()
  },
  change(kind, asked) {
    journal.change(kind, asked)
    if (stage === 'change' && when === 'before') die()
  },
  changed(...args) {
    if (stage === 'change' && when === 'after') die()
    journal.changed(...args)
  },
}
if (write) {
  // Only the writing: as many payments as fast as the disk takes them.
  const receipt = { merchant: 'M', terminal: '1', order, result: 'approved', amount: '1.00', currency: 'RUB', date: '', interface: 'chip', cvm: 'none', signatureLine: false } // biome-ignore format: a record
  for (let count = 0; count < write; count++) {
    const own = `${order}-${count}`
    const paid = { number: own, amount: 100n, currency: currency('RUB') }
    journal.record({ stage: 'begun', key: own, order: paid, merchant, method: 'reader', amount: 100n, at: new Date() })
    journal.record({ stage: 'answered', key: own, answer: { state: 'approved', response: { type: 'approved', code: '00' } } })
    journal.record({ stage: 'ended', key: own, result: 'approved', receipt })
    if (count === 0) process.stdout.write('writing')
  }
  await journal.close()
  process.exit()
}
const till = openTill({ journal: mortal, acquirer: httpAcquirer(acquirer), merchant, background: false })
if (change) await till.refund(order, { amount: BigInt(change) })
else {
  const reader = await open(uri)
  const paid = await till.payOrder(
    { number: order, amount: BigInt(amount), currency: currency('RUB') },
    { reader, statusTime: 200, reversalTime: 200 },
  )
  process.stdout.write(paid.result)
  await reader.close()
}
await journal.close()
