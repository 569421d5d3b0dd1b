/** Cards that check the PIN themselves. */

import { mastercardApplication, oneApplication, visaApplication } from './base.ts'

const plaintext = { rules: [{ method: 'offlinePin', when: 'supported' } as const, { method: 'noCvm', when: 'supported' } as const] }

export const offlinePin = oneApplication(
  'offline-pin',
  'Visa debit card: offline plaintext PIN with a try counter of 3, a PDOL, DDA with small keys',
  visaApplication,
  {
    account: 10102,
    psn: 2,
    cardholder: 'HOLDER/PIN',
    application: {
      pdol: '9F33 03 9F1A 02 9F35 01',
      cvm: plaintext,
      issuerAuthentication: { by: 'externalAuthenticate', required: true },
      oda: { method: 'dda', caKey: 0xe1, issuerKey: 'issuer-1152', iccKey: 'icc-1024' },
    },
  },
)

export const pinTryExceeded = oneApplication(
  'pin-try-exceeded',
  'Offline PIN with no try left; signature is the next rule',
  visaApplication,
  {
    account: 10103,
    pin: { digits: '1234', tryLimit: 3, triesLeft: 0 },
    application: {
      cvm: {
        rules: [
          { method: 'offlinePin', when: 'supported', otherwise: 'next' },
          { method: 'signature', when: 'supported' },
        ],
      },
    },
  },
)

export const lastPinTry = oneApplication('last-pin-try', 'Offline PIN with one try left', visaApplication, {
  account: 10104,
  pin: { digits: '1234', tryLimit: 3, triesLeft: 1 },
  application: { cvm: plaintext },
})

export const encipheredPin = oneApplication('enciphered-pin', 'Enciphered offline PIN under the ICC key, CDA', mastercardApplication, {
  account: 10105,
  pin: { digits: '123456' },
  application: {
    cvm: {
      rules: [
        { method: 'encipheredPin', when: 'supported' },
        { method: 'noCvm', when: 'supported' },
      ],
    },
  },
})

export const pinKeyCard = oneApplication(
  'pin-key',
  'Enciphered offline PIN with signature, under a PIN encipherment key of its own, SDA',
  mastercardApplication,
  {
    account: 10106,
    application: {
      cvm: { rules: [{ method: 'encipheredPinAndSignature', when: 'supported' }] },
      oda: { method: 'sda', pinKey: 'pin-1024' },
    },
  },
)
