/** Cards that are expired, not yet valid, blocked or restricted, and cards that make selection interesting. */

import type { CardProfile } from '../profile/card-profile.ts'
import { mastercardApplication, mirApplication, oneApplication, visaApplication } from './base.ts'

export const mastercard = oneApplication('mastercard', 'Mastercard credit: CDA, online PIN, signature or none', mastercardApplication, {
  account: 10301,
  application: { preferredName: 'Carte de crédit', codeTable: 1 },
})

export const mir = oneApplication('mir', 'Mir debit with its name in Cyrillic (ISO 8859-5)', mirApplication, {
  account: 10302,
  languages: ['ru'],
  application: { preferredName: { hex: 'BCB8C0' }, codeTable: 5 },
})

export const expired = oneApplication('expired', 'Expired in 2020', visaApplication, {
  account: 10303,
  expires: '201231',
  effective: '180101',
})

export const notYetValid = oneApplication('not-yet-valid', 'Valid from 2039 on', visaApplication, { account: 10304, effective: '390101' })

export const blockedApplication = oneApplication('blocked-application', 'The only application is blocked (6283)', visaApplication, {
  account: 10305,
  application: { state: { blocked: true } },
})

export const blockedCard = oneApplication('blocked-card', 'The card is blocked (6A81)', visaApplication, { account: 10306, blocked: true })

export const domesticOnly = oneApplication('domestic-only', 'No use abroad and no cash (9F07)', visaApplication, {
  account: 10307,
  country: 246,
  currency: 978,
  application: { usage: ['domesticGoods', 'domesticServices', 'otherThanAtm'] },
})

export const mirCashback = oneApplication('mir-cashback', 'Mir debit that hands out cash with a purchase at home (9F07)', mirApplication, {
  account: 10350,
  application: {
    usage: [
      'domesticCash',
      'domesticGoods',
      'domesticServices',
      'domesticCashback',
      'internationalGoods',
      'internationalServices',
      'atm',
      'otherThanAtm',
    ],
  },
})

export const otherVersion = oneApplication('other-version', 'Application version that terminals do not have', visaApplication, {
  account: 10308,
  application: { version: '7F01' },
})

export const confirm = oneApplication('confirm', 'One application that the cardholder must confirm', visaApplication, {
  account: 10309,
  application: { confirm: true },
})

export const noPse = oneApplication('no-pse', 'No payment system directory: found by the list of AIDs only', mastercardApplication, {
  account: 10310,
  pse: false,
})

export const refusesInitiation = oneApplication('refuses-initiation', 'GET PROCESSING OPTIONS is refused (6985)', visaApplication, {
  account: 10311,
  application: { initiation: 'refuse' },
})

const longAids = oneApplication(
  'long-aids',
  'Two applications whose AIDs begin alike: partial selection, next occurrence',
  visaApplication,
  {
    account: 10312,
    pse: false,
    application: { aid: 'A000000003 1010 01', label: 'VISA ONE', priority: 2 },
  },
)
export const twoOccurrences: CardProfile = {
  ...longAids,
  applications: [...longAids.applications, { ...visaApplication, aid: 'A000000003 1010 02', label: 'VISA TWO', priority: 1 }],
}

const firstBlocked = oneApplication('first-blocked', 'Mir blocked, Maestro usable', mirApplication, {
  account: 10313,
  application: { state: { blocked: true } },
})
export const oneOfTwoBlocked: CardProfile = {
  ...firstBlocked,
  applications: [
    ...firstBlocked.applications,
    { ...mastercardApplication, aid: 'A000000004 3060', label: 'Maestro', priority: 2, pan: '6799990100000000001' },
  ],
}
