/** A Visa credit card whose holder signs. */

import { oneApplication, visaApplication } from './base.ts'

export const visaSignature = oneApplication(
  'visa-signature',
  'Visa credit card: signature, DDA, EXTERNAL AUTHENTICATE, T=0',
  visaApplication,
  {
    account: 10101,
    protocol: 'T=0',
    cardholder: 'CARDHOLDER/VISA',
    application: {
      label: 'VISA CREDIT',
      cvm: { rules: [{ method: 'signature', when: 'supported', otherwise: 'next' }, { method: 'noCvm' }] },
      cryptogram: 'visa10',
      responseFormat: 1,
    },
  },
)
