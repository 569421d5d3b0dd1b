/** What the two processes of a case have in common: the time of day, and which of them acts on what. */

import { type Clock, systemClock } from '../../../src/clock.ts'
import type { Pace } from '../../readers/body/cardholder.ts'
import type { Rule } from '../moments.ts'

/** People on the system's time: they present a card and begin to type when the line has had its time, as on virtual time, where it takes none; and hold a card until it is read. */
export const farPace: Pace = { present: 100, think: 50, key: 0, remove: 0, hold: 8000 }

/** When a case began: every case of every run on the same day. */
export const BEGINNING = new Date('2026-03-26T10:52:00')

/** The system's time, on the day of the scenarios: `began` is their beginning. */
export function clockFrom(began: number): Clock {
  return { ...systemClock, now: () => +BEGINNING + Date.now() - began }
}

/** Moments that a display, a keypad or a card has; the others are the app's. */
export function isBodys({ at }: Rule): boolean {
  if (typeof at === 'string') return at !== 'cryptogram' && at !== 'answer'
  return 'apdu' in at || 'record' in at || 'screen' in at || 'digits' in at
}
