/** What a MagTek reader understands of its host's answer. */

import type { HostData } from '../../../devices/magtek/codec.ts'
import type { AuthorisationResponse } from '../../../src/emv/terminal.ts'

/** ISO 8583:1987 response codes that approve; the referrals of field 39; what a terminal puts where no answer came (EMV 4.4 Book 4, A6). */
const approving = ['00', '08', '10', '11']
const referring = ['01', '02']
const noAnswer = ['Y3', 'Z3']

export function hostResponse(answer: HostData): AuthorisationResponse {
  if (noAnswer.includes(answer.code)) return { type: 'unableToGoOnline' }
  const type = approving.includes(answer.code) ? 'approved' : referring.includes(answer.code) ? 'referral' : 'declined'
  return { type, ...answer }
}
