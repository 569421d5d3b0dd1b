/** What a reader without a display asks its host to show, and the list of applications (61-01). */

import { displayModes, encodeLcd } from '../../../devices/idtech/codec.ts'
import type { Candidate } from '../../../src/emv/terminal.ts'
import type { MessageId } from '../../../src/messages/messages.ts'

/** What its host shows while it waits for a card. That it sends these as text, and these words, is assumed. */
export const shownByHost: { readonly [M in MessageId]?: string } = {
  'reader.removeCard': 'REMOVE CARD',
  'reader.presentCard': 'PRESENT CARD',
  'reader.insertCard': 'USE CHIP READER',
  'reader.insertOrSwipe': 'INSERT OR SWIPE',
  'reader.swipeCard': 'SWIPE CARD',
  'reader.tapCard': 'TAP CARD',
  'reader.tryAgain': 'TRY AGAIN',
  'reader.tryAnotherCard': 'TRY OTHER CARD',
  'reader.presentOneCard': 'ONE CARD ONLY',
  'reader.presentCardAgain': 'PRESENT AGAIN',
  'reader.seePhone': 'SEE PHONE',
}

export function lcdText(text: string): Uint8Array {
  return encodeLcd({ mode: displayModes.show, language: 'EN', lines: [{ line: 1, message: text }] })
}

/** Seconds that a choice may take. */
export const MENU_TIME = 30

/** Lines from 1, of 16 characters. */
export function lcdMenu(candidates: readonly Candidate[]): Uint8Array {
  const lines = candidates.map(({ label }, index) => ({ line: index + 1, message: label.slice(0, 16) }))
  return encodeLcd({ mode: displayModes.menu, timeout: MENU_TIME, language: 'EN', lines })
}

/** A terminal that offers no choice takes the application of highest priority (EMV 4.4 Book 1, 12.4): 1 before 15, those without one last. */
export function preferred(candidates: readonly Candidate[]): number {
  const rank = ({ priority }: Candidate) => priority || 16
  return candidates.reduce((best, one, index) => (rank(one) < rank(candidates[best]) ? index : best), 0)
}
