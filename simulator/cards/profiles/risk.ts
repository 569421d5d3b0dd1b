/** Cards that decide for themselves: offline approvals and declines, limits, scripts, a change of mind after the host's approval. */

import { mastercardApplication, mirApplication, oneApplication, visaApplication } from './base.ts'

export const offlineApprove = oneApplication('offline-approve', 'Approves offline, whatever the amount', visaApplication, {
  account: 10401,
  application: { risk: { policy: 'approve' }, iac: { denial: '0000000000', online: '0000000000', default: '0000000000' } },
})

export const offlineDecline = oneApplication('offline-decline', 'Declines offline and asks for an advice', visaApplication, {
  account: 10402,
  application: { risk: { policy: 'decline', advice: true } },
})

export const onlineOnly = oneApplication('online-only', 'Every approval is asked of the issuer', visaApplication, {
  account: 10403,
  application: { risk: { policy: 'online' }, issuerAuthentication: { by: 'externalAuthenticate', required: true } },
})

export const offlineLimits = oneApplication(
  'offline-limits',
  'Two approvals offline of up to 500.00 together, then online; terminal velocity limits 2 and 4',
  mastercardApplication,
  {
    account: 10404,
    application: {
      risk: { policy: 'offline', consecutiveOffline: [2, 4], cumulativeOffline: [500_00, 1000_00] },
      velocity: { lower: 2, upper: 4 },
      log: { records: 5 },
      iac: { denial: '0000000000', online: '0000000000', default: '0000000000' },
    },
  },
)

export const newCard = oneApplication('new-card', 'Never been online: Last Online ATC Register is 0', visaApplication, {
  account: 10405,
  application: { risk: { policy: 'offline' }, state: { atc: 0, lastOnlineAtc: 0 }, velocity: { lower: 2, upper: 4 } },
})

export const declinesAfterOnline = oneApplication(
  'declines-after-online',
  'Declines what the host approved: a reversal is due',
  mirApplication,
  { account: 10406, application: { risk: { policy: 'declineAfterOnline' } } },
)

export const scriptUpdating = oneApplication(
  'script-updating',
  'Takes every issuer script; its PIN is blocked until one unblocks it',
  mirApplication,
  {
    account: 10407,
    pin: { digits: '1234', triesLeft: 0 },
    application: {
      cvm: {
        rules: [
          { method: 'offlinePin', when: 'supported', otherwise: 'next' },
          { method: 'onlinePin', when: 'supported' },
        ],
      },
    },
  },
)

export const noScripts = oneApplication('no-scripts', 'Knows no issuer script', visaApplication, {
  account: 10408,
  application: { scripts: [] },
})
