/** A Visa credit card whose holder signs. */

import type { CardProfile } from '../profile.ts'

export const visaSignature: CardProfile = {
  name: 'visa-signature',
  about: 'Visa credit card: signature, DDA, EXTERNAL AUTHENTICATE, T=0',
  protocol: 'T=0',
  pan: '4761739001010010',
  psn: 1,
  expires: '401231',
  effective: '240101',
  cardholder: 'CARDHOLDER/VISA',
  serviceCode: '201',
  country: 643,
  currency: 643,
  applications: [
    {
      aid: 'A000000003 1010',
      label: 'VISA CREDIT',
      priority: 1,
      cvm: {
        rules: [
          { method: 'signature', when: 'supported', otherwise: 'next' },
          { method: 'noCvm', when: 'always' },
        ],
      },
      cryptogram: 'visa10',
      cdol1: '9F02 06 9F03 06 9F1A 02 95 05 5F2A 02 9A 03 9C 01 9F37 04',
      cdol2: '8A 02 9F02 06 9F03 06 9F1A 02 95 05 5F2A 02 9A 03 9C 01 9F37 04',
      issuerAuthentication: { by: 'externalAuthenticate' },
      responseFormat: 1,
      oda: { method: 'dda', caKey: 0xe2, issuerKey: 'issuer-1408', iccKey: 'icc-1152' },
    },
  ],
}
