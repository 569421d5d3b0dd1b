/** Which rules of the contact kernel can set a bit of TVR (95) or TSI (9B): what `tapdip explain --tvr` says of a value that came without a trace. */

import { flags } from '../../tlv/bits.ts'
import { type Bit, isSet, TSI, type TsiBit, TVR, type TvrBit } from '../data.ts'

/** A rule as an Explanation names it: each `rule` text of the kernel begins with one of these paragraphs. */
export interface BitRule {
  /** `Book 3, 10.4.3`. */
  readonly paragraph: string
  /** When it sets the bit. */
  readonly when: string
  /** Tags that it looks at. */
  readonly inputs: readonly number[]
}

const rule = (paragraph: string, when: string, ...inputs: number[]): BitRule => ({ paragraph, when, inputs })

const chain = [0x8f, 0x90, 0x92, 0x9f32]
const staticInputs = [...chain, 0x93, 0x9f4a, 0x82]
const dynamicInputs = [...chain, 0x9f46, 0x9f47, 0x9f48, 0x9f49, 0x9f4a, 0x9f4b, 0x9f37]
const missing = rule('Book 3, 7.5', 'the card lacks an object of the method', ...new Set([...staticInputs, ...dynamicInputs]))
const input = rule(
  'Book 3, 10.3',
  'a signed record is no template 70, or the tag list (9F4A) names other than the AIP',
  ...dynamicInputs,
  0x82,
  0x93,
)
const caKey = (inputs: readonly number[]) =>
  rule('Book 2, 5.2/6.2', 'the terminal has no CA key for RID and index, or it has expired', ...inputs)
const issuer = (inputs: readonly number[]) =>
  rule('Book 2, 5.3/6.3', 'the issuer certificate does not open, is another’s, has expired or is revoked', ...inputs)
const icc = rule(
  'Book 2, 6.4',
  'the ICC certificate does not open, its hash over the static data differs, or it has expired',
  ...dynamicInputs,
)

/** Every bit of the TVR that this kernel sets, with the rules that do. */
export const tvrRules: Readonly<Record<TvrBit, readonly BitRule[]>> = {
  odaNotPerformed: [rule('Book 3, 10.3', 'card and terminal share no method', 0x82, 0x9f33)],
  sdaFailed: [
    missing,
    input,
    caKey(staticInputs),
    issuer(staticInputs),
    rule('Book 2, 5.4', 'the Signed Static Application Data do not open or their hash differs', ...staticInputs),
  ],
  iccDataMissing: [
    missing,
    rule('Book 2, 5.3/6.3', 'the remainder of the issuer key is missing', ...staticInputs, ...dynamicInputs),
    rule('Book 2, 6.4', 'the remainder of the ICC key is missing', ...dynamicInputs),
    rule('Book 3, 7.5 and 10.5', 'cardholder verification is supported, but the CVM List is missing or empty', 0x82, 0x8e),
  ],
  cardOnExceptionFile: [rule('Book 4, 6.3.5', 'the card is on the exception file', 0x5a, 0x5f34)],
  ddaFailed: [
    missing,
    input,
    caKey(dynamicInputs),
    issuer(dynamicInputs),
    icc,
    rule('Book 2, 6.5.1', 'there is no DDOL, or it lacks the Unpredictable Number', ...dynamicInputs),
    rule('Book 2, 6.5.2', 'the signature does not open or its hash differs', ...dynamicInputs),
  ],
  cdaFailed: [
    missing,
    input,
    caKey(dynamicInputs),
    issuer(dynamicInputs),
    icc,
    rule('Book 2, 6.6.2', 'the signature in the answer to GENERATE AC is missing, does not open, or signs other data', ...dynamicInputs),
  ],
  sdaSelected: [rule('Book 3, 10.3', 'SDA is the best method that card and terminal share', 0x82, 0x9f33)],
  versionsDiffer: [rule('Book 3, 10.4.1', 'the card’s version is none of the terminal’s', 0x9f08, 0x9f09)],
  expired: [rule('Book 3, 10.4.3', 'the application expired before today', 0x5f24, 0x9a)],
  notYetEffective: [rule('Book 3, 10.4.3', 'the application is effective after today', 0x5f25, 0x9a)],
  serviceNotAllowed: [
    rule(
      'Book 3, 10.4.2',
      'Application Usage Control does not allow the place or the service',
      0x9f07,
      0x9f35,
      0x9f40,
      0x5f28,
      0x9f1a,
      0x9c,
    ),
  ],
  newCard: [rule('Book 3, 10.6.3', 'the Last Online ATC Register is zero', 0x9f13)],
  cardholderVerificationFailed: [rule('Book 3, 10.5', 'no rule of the CVM List was successful', 0x8e, 0x9f34)],
  unrecognisedCvm: [rule('Book 3, 10.5', 'a rule whose condition holds has a code that the terminal does not know', 0x8e)],
  pinTryLimitExceeded: [
    rule('Book 3, 10.5.1', 'the PIN Try Counter is zero', 0x9f17),
    rule('Book 3, 10.5.1', 'VERIFY says that no try is left or that the PIN is blocked'),
  ],
  pinPadMissingOrBroken: [
    rule('Book 3, 10.5.1', 'offline PIN is wanted; the terminal takes none, or the PIN pad does not work', 0x8e, 0x9f33),
    rule('Book 3, 10.5.2', 'online PIN is wanted and the terminal takes none', 0x8e, 0x9f33),
  ],
  pinNotEntered: [rule('Book 3, 10.5.1', 'PIN entry was bypassed (Book 4, 6.3.4.3)', 0x8e)],
  onlinePinEntered: [rule('Book 3, 10.5.2', 'an online PIN was entered', 0x8e)],
  floorLimitExceeded: [
    rule('Book 3, 10.6.1', 'the amount, with the card’s last one in the log, is not below the floor limit', 0x9f02, 0x9f1b),
  ],
  lowerConsecutiveLimitExceeded: [
    rule('Book 3, 10.6.3', 'more offline transactions than the lower limit, or a counter is not available', 0x9f36, 0x9f13, 0x9f14, 0x9f23),
  ],
  upperConsecutiveLimitExceeded: [
    rule('Book 3, 10.6.3', 'more offline transactions than the upper limit, or a counter is not available', 0x9f36, 0x9f13, 0x9f14, 0x9f23),
  ],
  randomlySelectedOnline: [rule('Book 3, 10.6.2', 'the random number is not above the target percentage', 0x9f02, 0x9f1b)],
  merchantForcedOnline: [rule('Book 4, 6.5.3', 'the merchant forces the transaction online')],
  biometricTypeNotSupported: [
    rule('Book 3, 10.5', 'a rule whose condition holds wants a biometric, and the terminal has no sensor for it', 0x8e, 0x9f33),
  ],
  defaultTdolUsed: [rule('Book 3, 9.2.2', 'a CDOL asks for the TC Hash Value and the card has no TDOL', 0x97)],
  issuerAuthenticationFailed: [rule('Book 3, 10.9', 'EXTERNAL AUTHENTICATE is answered by other than 9000', 0x91)],
  scriptFailedBeforeFinalAc: [rule('Book 3, 10.10', 'a script in template 71 failed or could not be read', 0x9f5b)],
  scriptFailedAfterFinalAc: [rule('Book 3, 10.10', 'a script in template 72 failed', 0x9f5b)],
}

export const tsiRules: Readonly<Record<TsiBit, readonly BitRule[]>> = {
  odaPerformed: [rule('Book 3, 10.3', 'SDA or DDA was performed, or a CDA signature was looked at')],
  cardholderVerificationPerformed: [rule('Book 3, 10.5', 'the CVM List was processed', 0x8e, 0x9f34)],
  cardRiskManagementPerformed: [rule('Book 3, 10.8', 'the first GENERATE AC was answered', 0x8c)],
  issuerAuthenticationPerformed: [rule('Book 3, 10.9', 'EXTERNAL AUTHENTICATE was sent', 0x82, 0x91)],
  terminalRiskManagementPerformed: [rule('Book 3, 10.6', 'floor limit, random selection and velocity were looked at')],
  scriptProcessingPerformed: [rule('Book 3, 10.10', 'a script was processed')],
}

/** A bit that is set in a value, and why it can be. */
export interface SetBit extends Bit {
  /** `expired`; undefined for a bit that this kernel never sets. */
  readonly name: string | undefined
  /** In the words of the Book; undefined for a reserved one. */
  readonly meaning: string | undefined
  readonly rules: readonly BitRule[]
}

const fields = { TVR: { tag: 0x95, bits: TVR, rules: tvrRules }, TSI: { tag: 0x9b, bits: TSI, rules: tsiRules } } as const
export type BitField = keyof typeof fields

/** The bits that are set in a TVR or TSI, first byte and highest bit first. */
export function setBits(field: BitField, value: Uint8Array): SetBit[] {
  const { tag, bits, rules } = fields[field]
  const found: SetBit[] = []
  for (let byte = 1; byte <= value.length; byte++)
    for (let bit = 8; bit >= 1; bit--) {
      if (!isSet(value, { byte, bit })) continue
      const name = Object.entries(bits).find(([, place]) => place.byte === byte && place.bit === bit)?.[0]
      const meaning = flags.get(tag)?.[byte - 1]?.[8 - bit] || undefined
      found.push({ byte, bit, name, meaning, rules: name === undefined ? [] : (rules as Record<string, readonly BitRule[]>)[name] })
    }
  return found
}

/** The effect that explanations name for `TVR.2.7` or `TVR.expired`: `TVR expired`; undefined where the kernel sets no such bit. */
export function bitEffect(text: string): string | undefined {
  const [head, ...rest] = text.split(/[. ]/)
  const field = head.toUpperCase()
  if (field !== 'TVR' && field !== 'TSI') return undefined
  const found = Object.entries(fields[field].bits).find(
    ([name, { byte, bit }]) => rest.join('.').toLowerCase() === name.toLowerCase() || rest.join('.') === `${byte}.${bit}`,
  )
  return found && `${field} ${found[0]}`
}
