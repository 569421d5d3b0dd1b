/** A Russian debit card with two applications, Mir first and Maestro second; PIN checked online. */

import type { CardProfile } from '../profile.ts'

export const mirMaestro: CardProfile = {
  name: 'mir-maestro',
  about: 'Co-badged Mir and Maestro debit card: the cardholder chooses the application, online PIN, DDA',
  pan: '2200000000000103',
  psn: 1,
  expires: '401231',
  effective: '240101',
  cardholder: 'TESTOV/TEST',
  serviceCode: '201',
  languages: ['ru', 'en'],
  country: 643,
  currency: 643,
  pin: { digits: '1234' },
  applications: [
    {
      aid: 'A000000658 1010',
      label: 'MIR',
      priority: 1,
      cvm: {
        rules: [
          { method: 'onlinePin', when: 'supported' },
          { method: 'noCvm', when: 'supported' },
        ],
      },
      // Assumed, as Mir's card specification is not public: Common Core Definitions.
      cryptogram: 'ccd',
      cdol1: '9F02 06 9F03 06 9F1A 02 95 05 5F2A 02 9A 03 9C 01 9F37 04',
      cdol2: '8A 02 91 08 9F02 06 9F03 06 9F1A 02 95 05 5F2A 02 9A 03 9C 01 9F37 04',
      issuerAuthentication: { by: 'secondGenerateAc', required: true },
      oda: { method: 'dda', caKey: 0xe3, issuerKey: 'issuer-1976', iccKey: 'icc-1152' },
    },
    {
      aid: 'A000000004 3060',
      label: 'Maestro',
      priority: 2,
      pan: '6799990100000000019',
      cvm: { rules: [{ method: 'onlinePin', when: 'supported' }] },
      cryptogram: 'mastercard20',
      oda: { method: 'dda', caKey: 0xe2, issuerKey: 'issuer-1408', iccKey: 'icc-1152' },
    },
  ],
}
