/** Cards that misbehave: slow, silent, gone, or talking nonsense. */

import { mirApplication, oneApplication, visaApplication } from './base.ts'

export const slow = oneApplication('slow', 'Takes 400 ms for each answer', visaApplication, { account: 10501, faults: { delay: 400 } })

export const silent = oneApplication('silent', 'Answers to reset and then never again', visaApplication, {
  account: 10502,
  faults: { muteAt: 1 },
})

export const silentLater = oneApplication('silent-later', 'Falls silent in the middle of the records', mirApplication, {
  account: 10503,
  faults: { muteAt: 7 },
})

export const garbageAnswers = oneApplication(
  'garbage',
  'Answers the sixth command, a READ RECORD where the directory has one entry, with a broken TLV',
  visaApplication,
  {
    account: 10504,
    faults: { garbageAt: [6], garbage: 'brokenTlv' },
  },
)

export const shortAnswers = oneApplication(
  'short-answers',
  'Answers the fourth command, the final SELECT, with less than a status word',
  visaApplication,
  {
    account: 10505,
    faults: { garbageAt: [4], garbage: 'short' },
  },
)

export const oddStatus = oneApplication(
  'odd-status',
  'Answers the fifth command, GET PROCESSING OPTIONS, with status 6F00',
  visaApplication,
  {
    account: 10506,
    faults: { garbageAt: [5], garbage: 'oddStatus' },
  },
)

export const pulled = oneApplication('pulled', 'Is pulled out at the eighth command', mirApplication, {
  account: 10507,
  faults: { removedAt: 8 },
})

export const deadChip = oneApplication('dead-chip', 'Its chip gives no answer to reset; stripe and antenna are good', visaApplication, {
  account: 19508,
  chip: 'dead',
})

/** Service code 101: international, no chip, no PIN asked for. */
export const stripeOnly = oneApplication('stripe-only', 'Has a magnetic stripe and nothing else', visaApplication, {
  account: 19509,
  chip: 'none',
  serviceCode: '101',
  application: { contactless: false },
})
