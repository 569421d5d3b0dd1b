/** Any valid card: it can be read, its data authenticate, its cryptograms are right, and it never gives more than it was asked for. */

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { issuerView } from '../../../simulator/cards/issuer-view.ts'
import { fromHex, hex } from '../../../src/bytes.ts'
import { anyProfile } from './card-arbitrary.ts'
import { approval, authenticate, expectedAc, generate, open, send, terminalData } from './card-bench.ts'

/** AAC, ARQC, TC: what is asked for and what may come, the lowest first (EMV 4.4 Book 3, 6.5.5.1). */
const level = (cid: number) => [0, 2, 1][cid >> 6]

it('any card × any request × any host', { timeout: 60_000 }, async () => {
  const request = fc.constantFrom('00', '40', '80')
  const host = fc.constantFrom('approves', 'wrong', 'silent', 'unable')
  await fc.assert(
    fc.asyncProperty(anyProfile, request, host, fc.constantFrom('00', '40'), fc.boolean(), async (profile, p1, answer, last, combined) => {
      const virtual = loadCard(profile)
      for (const [index, account] of issuerView(profile).entries()) {
        const card = await open(virtual, hex(account.aid))
        const { method } = profile.applications[index].oda!
        const cda = method === 'cda' && combined ? 0x10 : 0
        if (!cda) expect(await authenticate(card)).toBe(method === 'none' ? 'none' : 'ok')

        const asked = Number.parseInt(p1, 16)
        const first = await generate(card, hex(Uint8Array.of(asked | cda)), '8C')
        const given = first.objects.get('9F27')![0]
        expect(level(given)).toBeLessThanOrEqual(level(asked))
        if (cda && given >= 0x40) expect(await authenticate(card, first)).toBe('ok')
        expect(hex(first.objects.get('9F26')!)).toBe(expectedAc(account, card, first))
        if (profile.applications[index].state!.blocked) expect(given & 0xc0).toBe(0)
        if ((given & 0xc0) !== 0x80) {
          expect((await generate(card, '40', '8D')).sw).toBe('6985')
          continue
        }

        const right = approval(account, first)
        const data = answer === 'approves' ? right : answer === 'wrong' ? hex(fromHex(right).map(byte => byte ^ 0xff)) : ''
        const values = { ...terminalData, '91': data, '8A': answer === 'unable' ? '5933' : '3030' }
        const external = (card.objects.get('82')![0] & 0x04) !== 0
        if (external && data) {
          const { sw } = await send(card.card, `00820000${hex(Uint8Array.of(data.length / 2))}${data}`)
          expect(sw).toBe(answer === 'approves' ? '9000' : '6300')
        }
        const second = await generate(card, last, '8D', values)
        const final = second.objects.get('9F27')![0]
        expect(hex(second.objects.get('9F26')!)).toBe(expectedAc(account, card, second, values))
        expect(level(final)).toBeLessThanOrEqual(level(Number.parseInt(last, 16)))
        const { by, required } = profile.applications[index].issuerAuthentication!
        if (by !== 'none' && answer === 'wrong') expect(final & 0xc0).toBe(0)
        if (required && answer === 'silent') expect(final & 0xc0).toBe(0)
        if (profile.applications[index].risk!.policy === 'declineAfterOnline') expect(final & 0xc0).toBe(0)
        expect((await generate(card, '00', '8D')).sw).toBe('6985')
      }
    }),
    { numRuns: 150, seed: 26 },
  )
})
