/** `npm run bench`, taps: the terminal's own time in a contactless transaction, all our work between the card's answers, from tap to remove. */

import { loadCard } from '../dist/simulator/cards/icc.js'
import { VirtualPhone } from '../dist/simulator/cards/phone.js'
import { mastercardApplication, oneApplication } from '../dist/simulator/cards/profiles/base.js'
import { profiles } from '../dist/simulator/cards/profiles/index.js'
import { virtualConfig } from '../dist/simulator/world.js'
import { currency } from '../dist/src/currency.js'
import { russianContactless } from '../dist/src/emv/contactless/config.js'
import { tap } from '../dist/src/emv/contactless/tap.js'

/** Milliseconds of the 500 that a card may stay in the field (EMV Contactless Book A). */
export const LIMIT = 10

const config = virtualConfig()
const contactless = russianContactless()
const rub = currency('RUB')
/** The largest CA and issuer keys there are, exponent 65537. */
const strong = oneApplication('bench', 'The card of the bench', mastercardApplication, {
  account: 10999,
  application: { oda: { method: 'cda', caKey: 0xe3, issuerKey: 'issuer-1976', iccKey: 'icc-1408' } },
})
const taps = {
  'Mir, CDA': { profile: profiles.mir, signed: true },
  'Visa, qVSDC with a cryptogram only': { profile: profiles.dda },
  'Visa, fDDA offline': { profile: profiles.dda, offline: true, signed: true },
  'Mastercard, CDA, RSA 1984/1976/1408': { profile: strong, signed: true },
  'Mastercard in a phone, CDA': { profile: profiles.mastercard, phone: true, signed: true },
}

/** One tap: what the card took is taken out; what is left from the field's answer to the end of the card's part is ours. */
async function once({ profile, offline, phone, signed }) {
  const risky = offline ? { ...profile, applications: profile.applications.map(one => ({ ...one, risk: { policy: 'approve' } })) } : profile
  const rules = offline ? russianContactless({ offlineUpTo: 200_000n }) : contactless
  const loaded = loadCard(risky)
  const held = (phone ? new VirtualPhone(loaded) : loaded).contactless({})
  let cards = 0
  let commands = 0
  let began = 0
  let done = 0
  const card = {
    interface: 'contactless',
    atr: held.atr,
    async transmit(apdu, options) {
      const start = performance.now()
      const answer = await held.transmit(apdu, options)
      cards += performance.now() - start
      commands++
      return answer
    },
  }
  const field = {
    activate: async () => {
      began = performance.now()
      return card
    },
    off: async () => {},
  }
  // The card may go when the host is asked, or when there is an outcome.
  const end = () => {
    done ||= performance.now()
  }
  const outcome = await tap(field, { amount: 100_000n, currency: rub }, config, rules, {
    selectApplication: () => Promise.reject(new Error('a list was shown on tap')),
    authorise: async () => {
      end()
      return { type: 'approved', code: '00' }
    },
  })
  end()
  const verified = (outcome.tags.get(0x95)[0] & 0xfc) === 0 // TVR byte 1: offline data authentication was performed, and nothing was wrong
  if (outcome.result !== 'approved' || outcome.online === (offline === true) || (signed && !verified))
    throw new Error(`the tap of the bench is another: ${outcome.result}, TVR ${outcome.tags.get(0x95)}`)
  return { ms: done - began - cards, commands }
}

/**
 * The median and the slowest of `rounds` taps after warming up, each with a card of its own.
 * @returns {Promise<readonly { name: string, commands: number, median: number, slowest: number }[]>}
 */
export async function measureTaps(rounds = 25) {
  const results = []
  for (const [name, wish] of Object.entries(taps)) {
    for (let warm = 0; warm < 5; warm++) await once(wish)
    const all = []
    for (let round = 0; round < rounds; round++) all.push(await once(wish))
    const times = all.map(({ ms }) => ms).sort((a, b) => a - b)
    results.push({ name, commands: all[0].commands, median: times[times.length >> 1], slowest: times.at(-1) })
  }
  return results
}

/** Prints a line for each; true when every median keeps the limit. */
export async function benchTaps(print = console.log) {
  const results = await measureTaps()
  for (const { name, commands, median, slowest } of results)
    print(`tap: ${name}, ${commands} commands`.padEnd(64) + `${median.toFixed(2)} ms`.padStart(10) + `  slowest ${slowest.toFixed(2)} ms`)
  return results.every(({ median }) => median <= LIMIT)
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const kept = await benchTaps()
  console.log(`${kept ? 'ok' : 'MISSED'}: the terminal takes at most ${LIMIT} ms of a tap`)
  process.exitCode = kept ? 0 : 1
}
