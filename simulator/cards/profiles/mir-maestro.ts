/** A Russian debit card with two applications, Mir first and Maestro second; PIN checked online. */

import type { CardProfile } from '../profile/card-profile.ts'
import { mastercardApplication, mirApplication, oneApplication } from './base.ts'

const mir = oneApplication(
  'mir-maestro',
  'Co-badged Mir and Maestro debit card: the cardholder chooses the application, online PIN, DDA',
  mirApplication,
  { account: 10, cardholder: 'TESTOV/TEST', languages: ['ru', 'en'] },
)

export const mirMaestro: CardProfile = {
  ...mir,
  applications: [
    ...mir.applications,
    {
      ...mastercardApplication,
      aid: 'A000000004 3060',
      label: 'Maestro',
      priority: 2,
      pan: '6799990100000000019',
      cvm: { rules: [{ method: 'onlinePin', when: 'supported' }] },
      oda: { method: 'dda' },
    },
  ],
}
