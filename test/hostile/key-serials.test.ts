/** What a reader enciphered is played again: a stripe says the same at every swipe, but no key of DUKPT is used twice. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { open } from '../../devices/index.ts'
import { KEY_USED, KeySerials } from '../../simulator/acquirer/key-serials.ts'
import { issuerView } from '../../simulator/cards/issuer-view.ts'
import { freshSerial } from '../../simulator/keys.ts'
import { profiles, startAcquirer, testPinAesDukpt, testPinDukpt, virtualCounter } from '../../simulator/world.ts'
import { concat, fromHex, fromUint, hex } from '../../src/bytes.ts'
import { currency } from '../../src/currency.ts'
import type { AuthorisationMessage } from '../../src/payment/acquirer.ts'
import { httpAcquirer } from '../../src/payment/host/http.ts'
import { pay } from '../../src/payment/pay/payment.ts'

const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** A stripe that needs no chip, and one that asks for a PIN. */
const stripe = { ...profiles['visa-signature'], serviceCode: '101' }
const stripeWithPin = { ...profiles.mastercard, serviceCode: '126' }

async function swiped(state: string, number: string, card = stripe) {
  const counter = await virtualCounter({
    family: 'qpos',
    card,
    present: 'swipe',
    pins: ['1234'],
    resultTime: 0,
    host: { state, accounts: [...issuerView(card)] },
  })
  const reader = await open(counter.link(), { family: 'qpos' })
  const host = httpAcquirer(counter.acquirer.url)
  const asked: AuthorisationMessage[] = []
  const acquirer: typeof host = {
    ...host,
    authorise(message, options) {
      asked.push(message)
      return host.authorise(message, options)
    },
  }
  const order = { number, amount: 100_00n, currency: currency('RUB') }
  const result = await pay(order, { reader, acquirer, merchant })
  await reader.close()
  await counter.close()
  return { result, sent: asked[0] }
}

it.each([
  ['tracks', stripe],
  ['tracks and a PIN', stripeWithPin],
])(
  '%s of a payment under another key: 89, after a restart of the host too; the message itself is answered as before',
  async (_name, card) => {
    const folder = mkdtempSync(join(tmpdir(), 'tapdip-serials-'))
    ends.push(() => rmSync(folder, { recursive: true, force: true }))
    const state = join(folder, 'acquirer.db')
    const { result, sent } = await swiped(state, 'o1', card)
    expect(result).toMatchObject({ result: 'approved', interface: 'swipe' })
    const host = await startAcquirer({ state, accounts: [...issuerView(card)] })
    const replayed = { ...sent, key: 'another', order: { ...sent.order, number: 'o2' } }
    expect((await host.desk.authorise(replayed)).answer).toMatchObject({ state: 'declined', response: { code: KEY_USED } })
    expect((await host.desk.authorise(sent)).answer).toMatchObject({ state: 'approved' })
    expect(host.balance(card.pan)).toBe(100_000_000n - 100_00n)
    await host.close()
    // A virtual reader that is started again is another one: it remembers no keys.
    expect((await swiped(state, 'o3', card)).result).toMatchObject({ result: 'approved' })
    const careless = await startAcquirer({ state, accounts: [...issuerView(card)], rules: [{ do: 'believe' }] })
    ends.push(() => careless.close())
    expect((await careless.desk.authorise({ ...replayed, key: 'believed' })).answer).toMatchObject({ state: 'approved' })
  },
)

describe.each([
  ['triple DES', testPinDukpt.ksn],
  ['AES', testPinAesDukpt.ksn],
])('%s', (_name, base) => {
  const at = (counter: number) => [
    base.length === 12 ? concat(base.subarray(0, 8), fromUint(counter, 4)) : concat(base.subarray(0, 7), fromUint(0xe0_0000 + counter, 3)),
  ]

  it('a counter only moves forward; an advice may be late', () => {
    const serials = new KeySerials()
    serials.take(at(5), 'a')
    expect(serials.wrong(at(5), 'a', 'authorisation')).toBeUndefined()
    expect(serials.wrong(at(5), 'b', 'authorisation')).toMatch(/key 5 was used/)
    expect(serials.wrong(at(5), 'b', 'advice')).toMatch(/key 5 was used/)
    expect(serials.wrong(at(4), 'b', 'authorisation')).toMatch(/key 4 comes after its key 5/)
    expect(serials.wrong(at(4), 'b', 'advice')).toBeUndefined()
    expect(serials.wrong(at(6), 'b', 'authorisation')).toBeUndefined()
    // Another reader's counter is its own.
    expect(serials.wrong([concat(fromHex('FFFF98765499'), base.subarray(6))], 'b', 'authorisation')).toBeUndefined()
  })

  it('what is kept is bounded, and what came before is refused by its counter', () => {
    const serials = new KeySerials()
    for (let counter = 10; counter < 1000; counter++) serials.take(at(counter), `p${counter}`)
    const [{ used }] = serials.changed()
    expect(used.length).toBeLessThanOrEqual(256)
    expect(serials.changed()).toEqual([])
    expect(serials.wrong(at(20), 'p20', 'advice')).toMatch(/key 20 was used/)
    const later = new KeySerials()
    later.restore([{ id: hex(base.subarray(0, 8)), used }])
    if (base.length === 12) expect(later.wrong(at(999), 'x', 'advice')).toMatch(/key 999 was used/)
  })

  it('a virtual reader has a serial of its own, with the counter at its beginning', () => {
    const [one, other] = [freshSerial(base), freshSerial(base)]
    expect(one).toHaveLength(base.length)
    expect(hex(one)).not.toBe(hex(other))
    expect(hex(one.subarray(0, base.length === 12 ? 4 : 5))).toBe(hex(base.subarray(0, base.length === 12 ? 4 : 5)))
    expect(one.at(-1)! | one.at(-2)! | (base.length === 12 ? one.at(-3)! : one.at(-3)! & 0x1f)).toBe(0)
  })
})
