/** A Visa debit card that checks the PIN itself, in clear, three tries. */

import type { CardProfile } from '../profile.ts'

export const offlinePin: CardProfile = {
  name: 'offline-pin',
  about: 'Visa debit card: offline plaintext PIN with a try counter of 3, a PDOL, DDA',
  pan: '4761739001010028',
  psn: 2,
  expires: '401231',
  effective: '240101',
  cardholder: 'HOLDER/PIN',
  serviceCode: '201',
  country: 643,
  currency: 643,
  pin: { digits: '1234', tryLimit: 3 },
  applications: [
    {
      aid: 'A000000003 1010',
      label: 'VISA DEBIT',
      priority: 1,
      pdol: '9F33 03 9F1A 02 9F35 01',
      cvm: {
        rules: [
          { method: 'offlinePin', when: 'supported' },
          { method: 'noCvm', when: 'supported' },
        ],
      },
      cryptogram: 'visa18',
      cdol1: '9F02 06 9F03 06 9F1A 02 95 05 5F2A 02 9A 03 9C 01 9F37 04',
      cdol2: '8A 02 9F02 06 9F03 06 9F1A 02 95 05 5F2A 02 9A 03 9C 01 9F37 04',
      issuerAuthentication: { by: 'externalAuthenticate', required: true },
      oda: { method: 'dda', caKey: 0xe1, issuerKey: 'issuer-1152', iccKey: 'icc-1024' },
    },
  ],
}
