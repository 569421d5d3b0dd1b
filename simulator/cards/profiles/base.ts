/** What most profiles have in common: one Visa or Mastercard application, online PIN or signature, DDA. A profile then says what is different. */

import type { CardApplication, CardProfile } from '../profile/card-profile.ts'

export type ApplicationProfile = CardApplication

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

const pinSignatureOrNone: ApplicationProfile['cvm'] = {
  rules: [
    { method: 'onlinePin', when: 'supported', otherwise: 'next' },
    { method: 'signature', when: 'supported', otherwise: 'next' },
    { method: 'noCvm', when: 'supported' },
  ],
}

export const amexApplication: ApplicationProfile = {
  aid: 'A000000025 01',
  label: 'AMERICAN EXPRESS',
  version: '0001',
  priority: 1,
  cvm: pinSignatureOrNone,
  cryptogram: 'amex1',
  cdol1: minimum,
  cdol2: `8A 02 ${minimum}`,
  issuerAuthentication: { by: 'externalAuthenticate' },
  oda: { method: 'cda' },
}

export const jcbApplication: ApplicationProfile = {
  aid: 'A000000065 1010',
  label: 'JCB',
  version: '0200',
  priority: 1,
  cvm: pinSignatureOrNone,
  cryptogram: 'jcb4',
  cdol1: minimum,
  cdol2: `8A 02 91 0A ${minimum}`,
  issuerAuthentication: { by: 'secondGenerateAc', required: true },
  oda: { method: 'cda' },
}

export const discoverApplication: ApplicationProfile = {
  aid: 'A000000152 3010',
  label: 'DISCOVER',
  version: '0001',
  priority: 1,
  cvm: pinSignatureOrNone,
  cryptogram: 'dpas',
  cdol1: minimum,
  cdol2: `8A 02 91 0A ${minimum}`,
  issuerAuthentication: { by: 'secondGenerateAc', required: true },
  oda: { method: 'cda' },
}

export const unionPayApplication: ApplicationProfile = {
  aid: 'A000000333 010101',
  label: 'UNIONPAY DEBIT',
  version: '0030',
  priority: 1,
  cvm: pinSignatureOrNone,
  cryptogram: 'unionpay1',
  cdol1: minimum,
  cdol2: `8A 02 ${minimum}`,
  issuerAuthentication: { by: 'externalAuthenticate' },
  oda: { method: 'dda' },
}

interface Differences extends Partial<Omit<CardProfile, 'name' | 'about' | 'applications'>> {
  /** The last digits of the PAN before the check digit; every profile has its own, so that a host can tell them apart. */
  readonly account: number
  readonly application?: Partial<ApplicationProfile>
}

/** Card numbers by RID: what they begin with, in ranges for tests, and how many digits they have. */
const numbers: Readonly<Record<string, { readonly digits: string; readonly length: number }>> = {
  A000000003: { digits: '4761739001', length: 16 },
  A000000004: { digits: '5413330089', length: 16 },
  A000000658: { digits: '2200000000', length: 16 },
  A000000025: { digits: '374245001', length: 15 },
  A000000065: { digits: '3569990010', length: 16 },
  A000000152: { digits: '6510000000', length: 16 },
  A000000333: { digits: '6223610200', length: 19 },
  // ISO/IEC 7812 leaves numbers that begin with 9 and a country's code to that country: 276 Germany, 250 France, 124 Canada, 999 nobody.
  A000000359: { digits: '9276000000', length: 19 },
  A000000042: { digits: '9250000000', length: 16 },
  A000000277: { digits: '9124000000', length: 16 },
  F054415044: { digits: '9999000000', length: 16 },
}

/** A card with one application that differs from `from` in what is given. */
export function oneApplication(name: string, about: string, from: ApplicationProfile, different: Differences): CardProfile {
  const { account, application, ...card } = different
  return {
    name,
    about,
    pan: cardNumber(from, account),
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

export function cardNumber({ aid }: ApplicationProfile, account: number): string {
  const { digits, length } = numbers[aid.slice(0, 10)]
  return withCheckDigit(digits + String(account).padStart(length - 1 - digits.length, '0'))
}

function withCheckDigit(digits: string): string {
  const sum = [...digits].reverse().reduce((total, digit, i) => {
    const doubled = Number(digit) * (i % 2 === 0 ? 2 : 1)
    return total + (doubled > 9 ? doubled - 9 : doubled)
  }, 0)
  return digits + String((10 - (sum % 10)) % 10)
}
