/** Tapped cards of every brand under any commands: each is answered, and the counter moves by GET PROCESSING OPTIONS only, backwards for ECHO alone. */

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { loadCard } from '../../../simulator/cards/icc.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import { concat, fromHex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'

const names: readonly ProfileName[] = [
  ...(['mir', 'dda', 'mastercard', 'amex', 'jcb', 'discover', 'unionpay'] as const),
  ...(['mastercard-stripe', 'visa-stripe', 'visa-update', 'mir-jcb'] as const),
]
/** What only some have is switched on. */
const extras: Partial<Record<ProfileName, CardProfile['applications'][number]['contactless']>> = {
  mastercard: { relayResistance: {} },
  jcb: { issuerUpdate: 'presentAndHold' },
  discover: { issuerUpdate: 'secondTap' },
}
const profile = fc.constantFrom(...names).map((name): CardProfile => {
  const contactless = extras[name]
  return { ...profiles[name], applications: profiles[name].applications.map(one => ({ ...one, ...(contactless && { contactless }) })) }
})

type Step = 'select' | 'tapAgain' | Uint8Array

/** Lengths of the lists that these cards have, and others. */
const body = fc
  .oneof(fc.constantFrom(0, 2, 4, 5, 6, 28, 29, 33), fc.nat(240))
  .chain(size => fc.uint8Array({ minLength: size, maxLength: size }))
const withData = (heads: readonly string[]) =>
  fc.tuple(fc.constantFrom(...heads), body).map(([head, data]) => concat(fromHex(head), Uint8Array.of(data.length), data))
const options = body.map(data => concat(fromHex('80A80000'), Uint8Array.of(data.length + 2, 0x83, data.length), data, Uint8Array.of(0)))
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Step>('select') },
  { weight: 1, arbitrary: fc.constant<Step>('tapAgain') },
  { weight: 4, arbitrary: options },
  { weight: 3, arbitrary: withData(['80AE8000', '80AE9000', '80AE4000', '80AE5000', '80AE0000']) },
  { weight: 3, arbitrary: withData(['802A8E80', '80EA0000', '80D00000', '80DF0000', '00820000', '84240000', '841E0000', '00200080']) },
  { weight: 1, arbitrary: fc.tuple(fc.nat(9), fc.nat(31)).map(([record, sfi]) => Uint8Array.of(0x00, 0xb2, record, (sfi << 3) | 4, 0)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
)

it('any card × any device × any commands', { timeout: 60_000 }, async () => {
  const device = fc.constantFrom('card', 'phone', 'lockedPhone')
  await fc.assert(
    fc.asyncProperty(profile, device, fc.array(step, { minLength: 4, maxLength: 24 }), async (own, held, steps) => {
      const clock = new VirtualClock()
      const card = loadCard(own, { clock })
      const aid = fromHex(own.applications[0].aid)
      const select = concat(fromHex('00A40400'), Uint8Array.of(aid.length), aid, Uint8Array.of(0))
      let tapped = card.contactless({ clock, device: held })
      let atc = card.state.applications[0].atc
      for (const one of steps) {
        if (one === 'tapAgain') {
          tapped.remove()
          tapped = card.contactless({ clock, device: held })
          continue
        }
        const answer = await clock.settle(tapped.transmit(one === 'select' ? select : one))
        expect(answer.length).toBeGreaterThanOrEqual(2)
        expect(answer.length).toBeLessThanOrEqual(258)
        const now = card.state.applications[0].atc
        const echoed = one !== 'select' && one[1] === 0xdf && answer.length > 2
        if (!echoed) expect(now).toBeGreaterThanOrEqual(atc)
        expect(now).toBeLessThanOrEqual(atc + 1)
        if (now > atc) expect(one[1]).toBe(0xa8)
        atc = now
      }
    }),
    { numRuns: 400, seed: 4 },
  )
})
