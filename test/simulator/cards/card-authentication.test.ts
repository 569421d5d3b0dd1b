/** Offline data authentication of every virtual card, checked with node:crypto: each card is as good, or as bad, as its profile says. */

import { describe, expect, it, vi } from 'vitest'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { issuerView } from '../../../simulator/cards/issuer-view.ts'
import { luhn } from '../../../simulator/cards/profile/profile.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import { testCaKeys, testRevoked } from '../../../simulator/keys.ts'
import { equal, hex } from '../../../src/bytes.ts'
import { approval, authenticate, expectedAc, generate, iccKey, issuerKey, open, pinKey, terminalData, verifyPin } from './card-bench.ts'

/** Cards that can be opened with a SELECT, a GPO and READ RECORDs; the others are in card-behaviour.test.ts. */
const silent = new Set<string>([
  'blocked-card',
  'refuses-initiation',
  'slow',
  'silent',
  'silent-later',
  'garbage',
  'short-answers',
  'odd-status',
  'pulled',
  'dead-chip',
  'stripe-only',
])
const usable = (Object.keys(profiles) as ProfileName[]).filter(name => !silent.has(name))

const failing: Partial<Record<ProfileName, string>> = {
  'no-oda': 'none',
  'wrong-signature': 'header or trailer',
  'changed-data': 'hash',
  'wrong-dynamic-signature': 'hash',
  'wrong-cda': 'hash',
  'wrong-issuer-certificate': 'header or trailer',
  'wrong-icc-certificate': 'header or trailer',
  'unknown-ca-key': 'no CA key',
  'wrong-tag-list': 'tag list',
}

const accounts = usable.flatMap(name => profiles[name].applications.map((_, index) => [name, index] as const))

describe('offline data authentication', () => {
  it.each(accounts.filter(([name]) => name !== 'missing-certificate'))('%s, application %i', async (name, index) => {
    const card = await open(loadCard(name), hex(aidOf(name, index)))
    expect(await authenticate(card)).toBe(failing[name] ?? 'ok')
  })

  it('a card without its issuer certificate has the rest', async () => {
    const { objects } = await open(loadCard('missing-certificate'), 'A0000000031010')
    expect([objects.has('90'), objects.has('8F'), objects.has('9F46')]).toEqual([false, true, true])
  })

  it.each([
    ['cda', 'ok'],
    ['mastercard', 'ok'],
    ['enciphered-pin', 'ok'],
    ['wrong-cda', 'hash'],
  ] as const)('%s signs ARQC and TC: %s', async (name, expected) => {
    const [account] = issuerView(profiles[name])
    const card = await open(loadCard(name), hex(account.aid))
    const arqc = await generate(card, '90', '8C')
    expect(await authenticate(card, arqc)).toBe(expected)
    if (expected !== 'ok') return
    expect(hex(arqc.objects.get('9F26')!)).toBe(expectedAc(account, card, arqc))
    const values = { ...terminalData, '91': approval(account, arqc) }
    const tc = await generate(card, '50', '8D', values)
    expect(await authenticate(card, { ...tc, dolData: Uint8Array.from([...arqc.dolData, ...tc.dolData]) })).toBe('ok')
    expect(hex(tc.objects.get('9F26')!)).toBe(expectedAc(account, card, tc))
  })

  it('an AAC is never signed', async () => {
    const answer = await generate(await open(loadCard('cda'), 'A0000000041010'), '10', '8C')
    expect([answer.objects.has('9F4B'), answer.objects.has('9F26'), hex(answer.objects.get('9F27')!)]).toEqual([false, true, '00'])
  })

  it('key sizes go up to what a record holds', async () => {
    const sizes = async (name: ProfileName) => {
      const card = await open(loadCard(name), hex(aidOf(name, 0)))
      return [card.objects.get('90')!.length * 8, issuerKey(card).modulus.length * 8, iccKey(card).modulus.length * 8]
    }
    expect(await sizes('dda')).toEqual([1984, 1976, 1976])
    expect(await sizes('offline-pin')).toEqual([1152, 1152, 1024])
    expect(await sizes('cda')).toEqual([1408, 1408, 1408])
  })

  it.each(['mir', 'cda', 'sda', 'pin-key', 'wrong-icc-certificate', 'emvpt'] as const)(
    '%s: what was signed before is the same to the byte, and nobody spoils it for the next card',
    async name => {
      const signed = async () => {
        const { objects } = await open(loadCard(name), hex(aidOf(name, 0)))
        return ['90', '93', '9F46', '9F2D'].flatMap(tag => objects.get(tag) ?? [])
      }
      const first = await signed()
      const kept = first.map(hex)
      for (const bytes of first) bytes.fill(0)
      expect((await signed()).map(hex)).toEqual(kept)
      vi.resetModules() // a process that has signed nothing yet
      const { loadCard: fresh } = await import('../../../simulator/cards/icc.ts')
      const { objects } = await open(fresh(name), hex(aidOf(name, 0)))
      expect(['90', '93', '9F46', '9F2D'].flatMap(tag => objects.get(tag) ?? []).map(hex)).toEqual(kept)
      expect(kept.length).toBeGreaterThan(1)
    },
  )

  it('certificates carry the dates and serial numbers of the profile', async () => {
    const expired = issuerKey(await open(loadCard('expired-certificate'), 'A0000000031010'))
    expect(hex(expired.certificate.subarray(6, 8))).toBe('1220')
    const revoked = issuerKey(await open(loadCard('revoked-certificate'), 'A0000000031010'))
    expect(testRevoked.some(({ serial }) => equal(serial, revoked.certificate.subarray(8, 11)))).toBe(true)
  })
})

describe('enciphered PIN', () => {
  it('under the ICC key', async () => {
    const virtual = loadCard('enciphered-pin')
    const card = await open(virtual, 'A0000000041010')
    expect(await verifyPin(card.card, '999999', iccKey(card))).toBe('63C2')
    expect(await verifyPin(card.card, '123456', iccKey(card))).toBe('9000')
    expect(virtual.state.pinTriesLeft).toBe(3)
  })

  it('under a PIN encipherment key of its own', async () => {
    const card = await open(loadCard('pin-key'), 'A0000000041010')
    expect(await verifyPin(card.card, '1234', pinKey(card))).toBe('9000')
  })

  it('costs no try when the challenge is another', async () => {
    let count = 0
    const virtual = loadCard('enciphered-pin', { random: length => new Uint8Array(length).fill(++count) })
    const card = await open(virtual, 'A0000000041010')
    const wrong = { ...iccKey(card), exponent: Uint8Array.of(5) }
    expect(await verifyPin(card.card, '123456', wrong)).toBe('6984')
    expect(virtual.state.pinTriesLeft).toBe(3)
  })
})

describe('the test keys', () => {
  it('every profile has its own PAN, with a good check digit', () => {
    const pans = (Object.keys(profiles) as ProfileName[]).flatMap(name => issuerView(profiles[name]).map(({ pan }) => pan))
    const single = pans.filter((pan, i) => pans.indexOf(pan) !== i)
    // The two applications of these are one account.
    expect(single).toEqual((['girocard', 'long-aids'] as const).map(name => issuerView(profiles[name])[0].pan))
    expect(pans.every(luhn)).toBe(true)
  })

  it('CA keys have the checksum of the Book, made here with another tool', () => {
    // Python hashlib.sha1 over RID, index, modulus and exponent.
    const visa = testCaKeys.find(({ rid, index }) => hex(rid) === 'A000000003' && index === 0xe2)!
    expect(hex(visa.checksum)).toBe('2FA7030CD4EA8A42ACA3B347DC71B971D86CBD07')
    expect(testCaKeys.map(({ rid, index, modulus }) => `${hex(rid)} ${index.toString(16)} ${modulus.length * 8}`)).toContain(
      'A000000658 e3 1984',
    )
  })
})

const aidOf = (name: ProfileName, index: number) => issuerView(profiles[name])[index].aid
