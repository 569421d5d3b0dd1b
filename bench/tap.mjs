/** The taps that are timed: one card of each scheme, recorded once, then played back from memory. */

import { loadCard } from '../dist/simulator/cards/icc.js'
import { virtualConfig } from '../dist/simulator/world.js'
import { equal } from '../dist/src/bytes.js'
import { currency } from '../dist/src/currency.js'
import { russianContactless } from '../dist/src/emv/contactless/profiles.js'
import { tap } from '../dist/src/emv/contactless/tap.js'

const config = virtualConfig()
const rules = russianContactless()
const transaction = { amount: 299_999n, currency: currency('RUB'), at: new Date(2026, 2, 26, 10, 52, 0) }
const options = { random: length => new Uint8Array(length).fill(0x5a) }
const terminal = { selectApplication: async () => 0, authorise: async () => ({ type: 'approved', code: '00' }) }

const payWith = card => tap({ activate: async () => card, off: async () => {} }, transaction, config, rules, terminal, options)

/**
 * A tap that can be run again and again: Entry Point, kernel, data authentication, up to the host's approval.
 * @param {string} profile
 */
export async function recordTap(profile) {
  const live = loadCard(profile, options).contactless()
  const exchanges = []
  const outcome = await payWith({
    interface: 'contactless',
    atr: live.atr,
    async transmit(apdu) {
      const response = await live.transmit(apdu)
      exchanges.push({ command: apdu.slice(), response })
      return response
    },
  })
  if (outcome.result !== 'approved' || !outcome.online)
    throw new Error(`the tap of the bench is another: ${outcome.result} ${outcome.reason}`)
  const playback = check => {
    let at = 0
    return payWith({
      interface: 'contactless',
      atr: live.atr,
      async transmit(apdu) {
        const { command, response } = exchanges[at++]
        if (check && !equal(apdu, command)) throw new Error(`command ${at} differs from the recorded one`)
        return response
      },
    })
  }
  await playback(true)
  return { run: () => playback(false), commands: exchanges.length }
}
