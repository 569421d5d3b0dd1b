/** Tracks of a stripe for people: number masked, expiry, what the service code says; of all else only that it is there. */

import { fromHex, text } from '../bytes.ts'
import * as door from '../door.ts'
import { isFault } from '../errors.ts'
import { fullYear } from '../expiry.ts'
import { serviceCodeWords } from '../magstripe/service-code.ts'
import { parseTrack1, parseTrack2, parseTrack2Equivalent, parseTrack3, type Track1, type Track2, type Track3 } from '../magstripe/track.ts'
import { maskPan } from '../mask.ts'
import type { MessageField } from './fields.ts'

/** A track for people. */
export interface DescribedTrack {
  /** Which track it is. */
  readonly track: 1 | 2 | 3
  /** What it says, secrets masked. */
  readonly fields: readonly MessageField[]
}

/**
 * A track with its sentinels or without, its characters as hex, or Track 2 Equivalent Data (57) as hex. Which track it is, is told from it.
 * @throws Fault `bad-swipe` where it is none: which rule is broken
 */
export function describeTrack(given: string): DescribedTrack {
  door.need('given', given, door.text(1, 512))
  const chars = given.trim()
  if (/^[0-9A-Fa-f]+$/.test(chars) && chars.length % 2 === 0) {
    const bytes = fromHex(chars)
    const written = text(bytes)
    // Digits and D are an equivalent; what begins as the characters of a track do is one.
    if (/^[%;]/.test(written)) return describeTrack(written)
    return fields(2, parseTrack2Equivalent(bytes))
  }
  if (/^%|^B\d/.test(chars)) return fields(1, parseTrack1(chars, { sentinels: chars.startsWith('%') }))
  const options = { sentinels: chars.startsWith(';') }
  try {
    return fields(2, parseTrack2(chars, options))
  } catch (error) {
    if (!isFault(error, 'bad-swipe')) throw error
    try {
      return fields(3, parseTrack3(chars, options))
    } catch {
      throw error // that it is no track 2 says more
    }
  }
}

const year = (expiry: string) => `${fullYear(Number(expiry.slice(0, 2)))}-${expiry.slice(2)}`

function fields(track: 1 | 2 | 3, read: Track1 | Track2 | Track3): DescribedTrack {
  const { pan, expiry, remarks } = read
  const code = 'serviceCode' in read ? read.serviceCode : undefined
  return {
    track,
    fields: [
      { name: 'pan', value: maskPan(pan), masked: true },
      ...('name' in read ? [{ name: 'name', value: `${read.name.length} characters`, masked: true as const }] : []),
      ...('formatCode' in read ? [{ name: 'formatCode', value: read.formatCode }] : []),
      ...('countryCode' in read && read.countryCode ? [{ name: 'countryCode', value: read.countryCode }] : []),
      ...('currencyCode' in read && read.currencyCode ? [{ name: 'currencyCode', value: read.currencyCode }] : []),
      ...(expiry ? [{ name: 'expiry', value: expiry, words: [/^\d\d(0[1-9]|1[0-2])$/.test(expiry) ? year(expiry) : 'no month'] }] : []),
      ...(code ? [{ name: 'serviceCode', value: code, words: serviceCodeWords(code) }] : []),
      ...('discretionary' in read
        ? [{ name: 'discretionary', value: `${read.discretionary.length} characters`, masked: true as const }]
        : []),
      ...('additional' in read
        ? [
            {
              name: 'useAndSecurity, additional',
              value: `${read.useAndSecurity.length + read.additional.length} characters`,
              masked: true as const,
            },
          ]
        : []),
      ...(remarks.length > 0 ? [{ name: 'remarks', words: remarks }] : []),
    ],
  }
}
