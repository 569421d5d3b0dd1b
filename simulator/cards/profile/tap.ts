/** The part of a card profile that is about taps. */

import { z } from 'zod'
import { badProfile, bytes, recordLayout } from './fields.ts'
import { type Brand, brandOf, tapBrandNames, tapBrandOf } from './words.ts'

/** Times of the relay resistance protocol, in units of 100 µs as the card states them (EMV Contactless Book C-2). */
const relayResistance = z.strictObject({
  minimum: z.int().min(0).max(0xffff).default(10),
  maximum: z.int().min(0).max(0xffff).default(50),
  transmission: z.int().min(0).max(0xffff).default(18),
  /** Milliseconds that the answer takes in truth: more where somebody relays it. */
  takes: z.int().min(0).max(10_000).default(2),
})

/** What an application does when it is tapped; the rest is that of the contact side. */
export const contactless = z.strictObject({
  /** As which brand's card it answers, where its RID is of none of the seven: the application's own kernel. */
  as: z.enum(tapBrandNames).optional(),
  /** Records and their order in the field, as Mastercard's card has them otherwise; each must be one of the profile's data objects. */
  layout: z.array(recordLayout).optional(),
  /** Kernel identifier in the PPSE (9F2A); by the brand when left out: those of Mir and UnionPay, none for others. */
  kernel: bytes(1, 8).optional(),
  /** Extended Selection (9F29): the reader adds it to the AID of the final SELECT. */
  extension: bytes(1, 5).optional(),
  /** How the cryptogram of a tap is made, where it is another than the chip's: `visa17`. */
  cryptogram: z.literal('visa17').optional(),
  /** Visa and UnionPay: version of fast DDA, 01, or 00 that kernels take no more. */
  fdda: z.enum(['00', '01']).optional(),
  /** 9F6E: Visa's Form Factor Indicator (4), Mastercard's Third Party Data (5–32); of a card or a phone, as it is presented, when left out. */
  deviceData: bytes(4, 32).optional(),
  /** Mastercard: the relay resistance protocol; none when left out. */
  relayResistance: relayResistance.optional(),
  /** Visa and Mastercard: no EMV mode, track data with a dynamic code (dCVV, CVC3) instead. */
  magstripe: z.boolean().optional(),
  /** The issuer's answer on a second tap (Visa, Discover, JCB), or while the card is held in the field (JCB); none when left out. */
  issuerUpdate: z.enum(['secondTap', 'presentAndHold']).optional(),
  /** Mir: the card speaks Protocol 2, whose commands are not public: it only says so in its FCI (DF6F; a guess of the facts sheet). */
  protocol2: z.boolean().optional(),
})

type ContactlessPlan = z.output<typeof contactless>

const tappable = 'Mir, Visa, Mastercard, American Express, JCB, Discover and UnionPay applications'

/** Rules that tie the settings to the brand. @param at the path of a field. @throws Fault `bad-config` */
export function checkContactless(
  aid: Uint8Array,
  contactless: ContactlessPlan | false | undefined,
  at: (...rest: string[]) => readonly PropertyKey[],
): void {
  if (!contactless) return
  if (contactless.as && brandOf(aid)) throw badProfile(at('contactless', 'as'), 'for an RID of none of the seven brands')
  const brand = tapBrandOf({ aid, contactless })
  if (!brand) throw badProfile(at('contactless'), `${tappable} can be tapped, by their RID, and others as one of them (as)`)
  const only: Readonly<Partial<Record<keyof ContactlessPlan, readonly Brand[]>>> = {
    cryptogram: ['visa'],
    fdda: ['visa', 'unionpay'],
    deviceData: ['visa', 'mastercard'],
    relayResistance: ['mastercard'],
    magstripe: ['visa', 'mastercard'],
    issuerUpdate: contactless.issuerUpdate === 'presentAndHold' ? ['jcb'] : ['visa', 'discover', 'jcb'],
    protocol2: ['mir'],
    layout: ['mastercard'],
  }
  for (const [name, owners] of Object.entries(only) as [keyof ContactlessPlan, readonly Brand[]][])
    if (contactless[name] !== undefined && !owners.includes(brand))
      throw badProfile(at('contactless', name), `a matter of ${owners.join(' and ')} applications`)
  const { deviceData, relayResistance: relay, magstripe } = contactless
  if (deviceData && (brand === 'visa' ? deviceData.length !== 4 : deviceData.length < 5))
    throw badProfile(at('contactless', 'deviceData'), brand === 'visa' ? 'exactly 4 bytes' : '5 to 32 bytes')
  if (relay && relay.minimum > relay.maximum) throw badProfile(at('contactless', 'relayResistance', 'minimum'), 'not more than maximum')
  for (const name of ['relayResistance', 'issuerUpdate', 'fdda', 'cryptogram'] as const)
    if (magstripe && contactless[name] !== undefined)
      throw badProfile(at('contactless', name), 'a matter of EMV mode, which magstripe leaves out')
}
