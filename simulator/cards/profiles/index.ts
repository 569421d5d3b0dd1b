/** The card profiles by name. */

import type { CardProfile } from '../profile.ts'
import { mirMaestro } from './mir-maestro.ts'
import { offlinePin } from './offline-pin.ts'
import { visaSignature } from './visa-signature.ts'

export const profiles = {
  'mir-maestro': mirMaestro,
  'visa-signature': visaSignature,
  'offline-pin': offlinePin,
} satisfies Readonly<Record<string, CardProfile>>
export type ProfileName = keyof typeof profiles
