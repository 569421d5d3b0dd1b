/** Any card: fast-check arbitraries of profiles that are valid, for model-based tests of the card and of a kernel. */

import fc from 'fast-check'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { luhn } from '../../../simulator/cards/profile/profile.ts'

type Application = CardProfile['applications'][number]

const minimum = '9F02 06 9F03 06 9F1A 02 95 05 5F2A 02 9A 03 9C 01 9F37 04'
const issuerBits = { 'issuer-1152': 1152, 'issuer-1408': 1408, 'issuer-1976': 1976 } as const
const iccBits = { 'icc-1024': 1024, 'icc-1152': 1152, 'icc-1408': 1408, 'icc-1976': 1976 } as const
const schemes = [
  { rid: 'A000000003', prefix: '4761739001', cas: [0xe1, 0xe2, 0xe3], cryptogram: ['visa10', 'visa18'] },
  { rid: 'A000000004', prefix: '5413330089', cas: [0xe1, 0xe2, 0xe3], cryptogram: ['mastercard20'] },
  { rid: 'A000000658', prefix: '2200000000', cas: [0xe2, 0xe3], cryptogram: ['ccd'] },
] as const
const caBits: Readonly<Record<number, number>> = { 225: 1152, 226: 1408, 227: 1984 }

const withCheckDigit = (digits: string) => digits + [...'0123456789'].find(digit => luhn(digits + digit))
const hexOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(bytes => Buffer.from(bytes).toString('hex'))

const oda = (cas: readonly number[]) =>
  fc
    .record({
      method: fc.constantFrom('none', 'sda', 'dda', 'cda'),
      caKey: fc.constantFrom(...cas),
      issuerKey: fc.constantFrom(...(Object.keys(issuerBits) as (keyof typeof issuerBits)[])),
      iccKey: fc.constantFrom(...(Object.keys(iccBits) as (keyof typeof iccBits)[])),
      responseFormat: fc.constantFrom(1, 2),
      dynamicNumberLength: fc.integer({ min: 2, max: 8 }),
    })
    .filter(({ method, caKey, issuerKey, iccKey }) => {
      const [issuer, icc] = [issuerBits[issuerKey], iccBits[iccKey]]
      return issuer <= caBits[caKey] && icc <= issuer && !(method === 'cda' && icc > 1640)
    })

const cvmRule = fc.record({
  method: fc.constantFrom('fail', 'offlinePin', 'onlinePin', 'offlinePinAndSignature', 'encipheredPin', 'signature', 'noCvm', 0x2a),
  when: fc.constantFrom(
    'always',
    'unattendedCash',
    'notCash',
    'supported',
    'manualCash',
    'cashback',
    'belowX',
    'aboveX',
    'belowY',
    'aboveY',
    0x0a,
  ),
  otherwise: fc.constantFrom('next', 'fail'),
})

const application = (scheme: (typeof schemes)[number], suffix: string) =>
  fc
    .record({
      cryptogram: fc.constantFrom(...scheme.cryptogram),
      confirm: fc.boolean(),
      priority: fc.integer({ min: 0, max: 15 }),
      usage: fc.subarray([
        'domesticCash',
        'domesticGoods',
        'domesticServices',
        'internationalGoods',
        'internationalServices',
        'atm',
        'otherThanAtm',
      ]),
      cvm: fc.option(fc.record({ x: fc.nat(500000), y: fc.nat(500000), rules: fc.array(cvmRule, { maxLength: 6 }) }), { nil: undefined }),
      iac: fc.record({ denial: hexOf(5), online: hexOf(5), default: hexOf(5) }),
      pdol: fc.option(fc.constantFrom('9F33 03', '9F02 06 9F1A 02 9F35 01'), { nil: undefined }),
      velocity: fc.option(fc.record({ lower: fc.integer({ min: 0, max: 5 }), upper: fc.integer({ min: 0, max: 9 }) }), { nil: undefined }),
      oda: oda(scheme.cas),
      terminalRiskManagement: fc.boolean(),
      issuerAuthentication: fc.record({ by: fc.constantFrom('externalAuthenticate', 'secondGenerateAc', 'none'), required: fc.boolean() }),
      risk: fc.record({ policy: fc.constantFrom('online', 'offline', 'decline', 'approve', 'declineAfterOnline'), advice: fc.boolean() }),
      responseFormat: fc.constantFrom(1, 2),
      state: fc.record({ atc: fc.integer({ min: 0, max: 200 }), lastOnlineAtc: fc.constantFrom(0, 5), blocked: fc.boolean() }),
    })
    .map(({ cvm, ...rest }) => {
      const deciphers = rest.oda.method === 'dda' || rest.oda.method === 'cda'
      const rules = cvm?.rules.filter(({ method }) => deciphers || method !== 'encipheredPin')
      const issuerData =
        rest.issuerAuthentication.by === 'secondGenerateAc' ? (scheme.cryptogram[0] === 'mastercard20' ? '91 0A ' : '91 08 ') : ''
      const withIssuerData = rest.cryptogram === 'visa10' && issuerData ? '91 0A ' : issuerData
      return {
        ...rest,
        cvm: cvm && rules ? { ...cvm, rules } : undefined,
        aid: scheme.rid + suffix,
        label: 'ANY CARD',
        cdol1: minimum,
        cdol2: `8A 02 ${withIssuerData}${minimum}`,
      } as Application
    })

/** Any valid card with one or two applications. Its certificates hold and it has no fault. */
export const anyProfile: fc.Arbitrary<CardProfile> = fc
  .record({
    first: fc.constantFrom(...schemes).chain(scheme => fc.tuple(fc.constant(scheme), application(scheme, '1010'))),
    second: fc.option(application(schemes[1], '3060'), { nil: undefined }),
    protocol: fc.constantFrom('T=0' as const, 'T=1' as const),
    account: fc.integer({ min: 0, max: 99999 }),
    psn: fc.option(fc.integer({ min: 0, max: 99 }), { nil: undefined }),
    expires: fc.constantFrom('401231', '201231', '490228'),
    effective: fc.option(fc.constantFrom('190101', '200601'), { nil: undefined }),
    currency: fc.constantFrom(643, 978),
    country: fc.constantFrom(643, 246),
    pse: fc.boolean(),
    triesLeft: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ first: [scheme, application], second, account, triesLeft, effective, expires, ...card }) => ({
    ...card,
    name: 'any-card',
    about: 'Made by fast-check',
    pan: withCheckDigit(scheme.prefix + String(account).padStart(5, '0')),
    expires,
    effective: expires === '201231' ? effective : '240101',
    cardholder: 'ANY/CARD',
    serviceCode: '201',
    pin: { digits: '1234', tryLimit: 3, triesLeft },
    applications: second ? [application, { ...second, pan: '6799990100000000019' }] : [application],
  }))
