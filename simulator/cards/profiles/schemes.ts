/** Everyday cards of the other schemes, and co-badged ones. */

import type { CardProfile } from '../profile/card-profile.ts'
import {
  type ApplicationProfile,
  amexApplication,
  cardNumber,
  discoverApplication,
  jcbApplication,
  mastercardApplication,
  mirApplication,
  oneApplication,
  unionPayApplication,
  visaApplication,
} from './base.ts'

export const amex = oneApplication('amex', 'American Express: CDA, online PIN, signature or none', amexApplication, { account: 10501 })

export const jcb = oneApplication('jcb', 'JCB: CDA, online PIN, signature or none', jcbApplication, { account: 10502 })

export const discover = oneApplication(
  'discover',
  'Discover or Diners Club (D-PAS): CDA, online PIN, signature or none',
  discoverApplication,
  {
    account: 10503,
  },
)

export const unionpay = oneApplication(
  'unionpay',
  'UnionPay debit: DDA, online PIN, signature or none, a number of 19 digits',
  unionPayApplication,
  { account: 10504 },
)

export const mastercardStripe = oneApplication(
  'mastercard-stripe',
  'Mastercard that knows mag-stripe mode only by tap: track data with CVC3',
  mastercardApplication,
  { account: 10507, application: { contactless: { magstripe: true } } },
)

export const visaStripe = oneApplication('visa-stripe', 'Visa that knows MSD only by tap: track data with dCVV', visaApplication, {
  account: 10508,
  application: { contactless: { magstripe: true } },
})

export const visaUpdate = oneApplication(
  'visa-update',
  'Visa that takes its issuer’s answer on a second tap; its PIN is blocked until a script unblocks it',
  visaApplication,
  { account: 10509, pin: { digits: '1234', triesLeft: 0 }, application: { contactless: { issuerUpdate: 'secondTap' } } },
)

const coBadged = (name: string, about: string, account: number, second: ApplicationProfile): CardProfile => {
  const mir = oneApplication(name, about, mirApplication, { account, languages: ['ru', 'en'] })
  return { ...mir, applications: [...mir.applications, { ...second, priority: 2, pan: cardNumber(second, account) }] }
}

export const mirUnionpay = coBadged('mir-unionpay', 'Co-badged Mir and UnionPay debit card', 10505, unionPayApplication)

export const mirJcb = coBadged('mir-jcb', 'Co-badged Mir and JCB card', 10506, jcbApplication)
