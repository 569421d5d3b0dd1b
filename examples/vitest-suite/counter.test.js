// Tests of payment code without a reader: every card, every mishap, in milliseconds.
import { httpAcquirer, open } from 'tapdip'
import { runScenario, scenario, virtualCounter } from 'tapdip/simulator'
import { afterEach, expect, it } from 'vitest'
import { checkout } from './checkout.js'

const merchant = { name: 'Corner shop', id: '635459020000001', terminal: '63545902' }
const opened = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

async function counterWith(options) {
  const counter = await virtualCounter(options)
  const reader = await open(counter.link(), { family: counter.reader.family })
  opened.push(counter, reader)
  return { counter, reader, shop: { reader, acquirer: httpAcquirer(counter.acquirer.url), merchant, number: '1' } }
}

it.each([
  ['mir', { pins: ['1234'] }],
  ['visa-signature', {}],
  ['mastercard', { present: 'tap' }],
  ['mir', { family: 'bluepad', pins: ['1234'] }],
])('%s pays', async (card, person) => {
  const { shop } = await counterWith({ card, ...person })
  const { goods, say } = await checkout(99_000n, shop)
  expect(goods).toBe(true)
  expect(say).toMatch(/^Paid, thank you\. Card \d{6}\*+\d{4}$/)
})

it.each([
  ['the bank has no money for it', { rules: [{ do: 'decline', code: '51', reason: 'no money' }] }, 'Not paid. Another card?'],
  ['the customer does not know the PIN', { pins: [] }, 'Not paid. Another card?'],
])('no goods where %s', async (_, options, say) => {
  const { shop } = await counterWith({ card: 'mir', ...options })
  expect(await checkout(99_000n, shop)).toEqual({ goods: false, say })
})

it('a lost answer of the bank charges nobody twice', async () => {
  const { shop, counter } = await counterWith({ card: 'mir', rules: [{ do: 'dropAnswer', times: 1 }] })
  expect((await checkout(99_000n, shop)).goods).toBe(true) // it was asked again, and had approved
  expect(counter.acquirer.orders.map(({ amount }) => amount)).toEqual([99_000n])
})

it('the display of the reader says what the customer is to do', async () => {
  const { shop, counter } = await counterWith({ card: 'mir' })
  await checkout(99_000n, shop)
  expect(counter.reader.body.screens.map(({ lines }) => lines.join(' '))).toContainEqual(expect.stringContaining('TRANSACTION APPROVED'))
})

it('a flat battery is told before a card is asked for', async () => {
  const { shop, counter } = await counterWith({ card: 'mir', battery: { percent: 2 } })
  const { goods, say } = await checkout(99_000n, shop)
  expect({ goods, say }).toEqual({ goods: false, say: expect.stringContaining('charge it') })
  expect(counter.reader.body.screens).toHaveLength(1) // idle, and nothing since
})

// What needs no code of the app: what a reader, a card and a bank do together, said as a scenario.
it('a tap asks for the PIN from 3000.00 on, at each reader of ours', async () => {
  const limit = scenario({
    name: 'The limit',
    matrix: {
      reader: ['qpos', 'miura'],
      amount: { below: { amount: 2999.99, expect: { cvm: 'none' } }, 'from there': { amount: 3000, expect: { cvm: 'onlinePin' } } },
    },
    card: 'mir',
    person: 'tap',
    expect: { result: 'approved', interface: 'tap' },
  })
  const { failures, cases } = await runScenario(limit)
  expect(failures).toEqual([])
  expect(cases).toHaveLength(4)
})
