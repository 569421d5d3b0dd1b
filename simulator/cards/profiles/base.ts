/** What most profiles have in common: one Visa or Mastercard application, online PIN or signature, DDA. A profile then says what is different. */

import type { CardProfile } from '../profile.ts'

export type ApplicationProfile = CardProfile['applications'][number]

const minimum = '9F02 06 9F03 06 9F1A 02 95 05 5F2A 02 9A 03 9C 01 9F37 04'

export const visaApplication: ApplicationProfile = {
  aid: 'A000000003 1010',
  label: 'VISA DEBIT',
  version: '0096',
  priority: 1,
  cvm: {
    rules: [
      { method: 'onlinePin', when: 'supported', otherwise: 'next' },
      { method: 'signature', when: 'supported', otherwise: 'next' },
      { method: 'noCvm', when: 'supported' },
    ],
  },
  cryptogram: 'visa18',
  cdol1: minimum,
  cdol2: `8A 02 ${minimum}`,
  issuerAuthentication: { by: 'externalAuthenticate' },
  oda: { method: 'dda' },
}

export const mastercardApplication: ApplicationProfile = {
  aid: 'A000000004 1010',
  label: 'MASTERCARD',
  version: '0002',
  priority: 1,
  cvm: {
    rules: [
      { method: 'onlinePin', when: 'supported', otherwise: 'next' },
      { method: 'signature', when: 'supported', otherwise: 'next' },
      { method: 'noCvm', when: 'supported' },
    ],
  },
  cryptogram: 'mastercard20',
  oda: { method: 'cda', iccKey: 'icc-1408' },
}

export const mirApplication: ApplicationProfile = {
  aid: 'A000000658 1010',
  label: 'MIR',
  version: '0100',
  priority: 1,
  cvm: {
    rules: [
      { method: 'onlinePin', when: 'supported' },
      { method: 'noCvm', when: 'supported' },
    ],
  },
  // Assumed, as Mir's card specification is not public: Common Core Definitions.
  cryptogram: 'ccd',
  cdol1: minimum,
  cdol2: `8A 02 91 08 ${minimum}`,
  issuerAuthentication: { by: 'secondGenerateAc', required: true },
  oda: { method: 'dda', caKey: 0xe3, issuerKey: 'issuer-1976' },
}

interface Differences extends Partial<Omit<CardProfile, 'name' | 'about' | 'applications'>> {
  /** The last digits of the PAN before the check digit; every profile has its own, so that a host can tell them apart. */
  readonly account: number
  readonly application?: Partial<ApplicationProfile>
}

/** A card with one application that differs from `from` in what is given. */
export function oneApplication(name: string, about: string, from: ApplicationProfile, different: Differences): CardProfile {
  const { account, application, ...card } = different
  const prefix = from.aid.startsWith('A000000004') ? '5413330089' : from.aid.startsWith('A000000658') ? '2200000000' : '4761739001'
  return {
    name,
    about,
    pan: withCheckDigit(prefix + String(account).padStart(5, '0')),
    psn: 1,
    expires: '401231',
    effective: '240101',
    cardholder: 'CARDHOLDER/TEST',
    serviceCode: '201',
    country: 643,
    currency: 643,
    pin: { digits: '1234' },
    ...card,
    applications: [{ ...from, ...application }],
  }
}

function withCheckDigit(digits: string): string {
  const sum = [...digits].reverse().reduce((total, digit, i) => {
    const doubled = Number(digit) * (i % 2 === 0 ? 2 : 1)
    return total + (doubled > 9 ? doubled - 9 : doubled)
  }, 0)
  return digits + String((10 - (sum % 10)) % 10)
}
