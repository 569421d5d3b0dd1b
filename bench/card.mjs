/** The transaction that is timed: a CDA card with the largest CA and issuer keys, recorded once, then played back from memory. */

import { VirtualCard } from '../dist/simulator/cards/icc.js'
import { mastercardApplication, oneApplication } from '../dist/simulator/cards/profiles/base.js'
import { testRsaKey } from '../dist/simulator/keys.js'
import { virtualConfig } from '../dist/simulator/world.js'
import { equal } from '../dist/src/bytes.js'
import { rsaPublic } from '../dist/src/crypto/rsa.js'
import { currency } from '../dist/src/currency.js'
import { transact } from '../dist/src/emv/contact/kernel.js'
import { findDeep } from '../dist/src/tlv/ber.js'

/** The usual layout in four records, as cards of today have it; the certificates fill one each. */
const layout = [
  { sfi: 1, record: 1, tags: ['5A', '5F34', '5F24', '5F25', '5F28', '9F07', '8E', '9F0D', '9F0E', '9F0F', '9F4A'], signed: true },
  { sfi: 1, record: 2, tags: ['57', '5F20', '8C', '8D', '9F42', '9F44', '9F08', '5F30', '8F', '9F32', '92', '9F47', '9F48', '9F49'] },
  { sfi: 2, record: 1, tags: ['90'] },
  { sfi: 2, record: 2, tags: ['9F46'] },
]

/** Test keys of the simulator by name: `strong` are the largest, with exponent 65537; `usual` ones have exponent 3. */
const keys = {
  strong: { index: 0xe3, ca: 'ca-mastercard-1984', issuer: 'issuer-1976', icc: 'icc-1408' },
  usual: { index: 0xe2, ca: 'ca-mastercard-1408', issuer: 'issuer-1408', icc: 'icc-1152' },
}

const GENERATE_AC = 0xae

const transaction = { amount: 250_000n, currency: currency('RUB'), at: new Date(2026, 2, 26, 10, 52, 0) }
const options = { random: length => new Uint8Array(length).fill(0x5a) }
const terminal = {
  selectApplication: async () => 0,
  enterPin: async () => ({ type: 'onlinePin', block: { format: 0, data: new Uint8Array(8), ksn: new Uint8Array(10) } }),
  authorise: async () => ({ type: 'approved', code: '00' }),
}

/**
 * A transaction that can be run again and again, and the RSA operations in it.
 * @param {keyof typeof keys} which
 */
export async function record(which) {
  const { index, ca, issuer, icc } = keys[which]
  const profile = oneApplication('bench', 'The card of the bench', mastercardApplication, {
    account: 10999,
    application: { layout, oda: { method: 'cda', caKey: index, issuerKey: issuer, iccKey: icc } },
  })
  const live = new VirtualCard(profile).contact()
  const exchanges = []
  const config = virtualConfig()
  const recorder = {
    interface: 'contact',
    atr: live.atr,
    async transmit(apdu, options) {
      const response = await live.transmit(apdu, options)
      exchanges.push({ command: apdu.slice(), response })
      return response
    },
  }
  const first = await transact(recorder, transaction, config, terminal, options)
  const run = () => {
    let at = 0
    const card = { interface: 'contact', atr: live.atr, transmit: async () => exchanges[at++].response }
    return transact(card, transaction, config, terminal, options)
  }
  await checkPlayback(config, exchanges)
  const { tags } = first
  const operations = [
    [ca, tags.get(0x90)],
    [issuer, tags.get(0x9f46)],
  ]
  for (const { command, response } of exchanges)
    if (command[1] === GENERATE_AC) operations.push([icc, findDeep(response.subarray(0, -2), 0x9f4b)])
  const rsa = operations.map(([name, data]) => [testRsaKey(name), data])
  for (const [key, data] of rsa) if (rsaPublic(key, data).at(-1) !== 0xbc) throw new Error('what the card signed does not open')
  return { run, outcome: first, commands: exchanges.length, rsa, tags, config }
}

/** Played back, the kernel sends the very commands that were recorded. */
async function checkPlayback(config, exchanges) {
  let at = 0
  const card = {
    interface: 'contact',
    atr: new Uint8Array(2),
    async transmit(apdu) {
      const { command, response } = exchanges[at++]
      if (!equal(apdu, command)) throw new Error(`command ${at} differs from the recorded one`)
      return response
    },
  }
  await transact(card, transaction, config, terminal, options)
  if (at !== exchanges.length) throw new Error(`${at} of ${exchanges.length} commands were sent`)
}
