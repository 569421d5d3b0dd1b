/** Terminal configuration as validated data: what the terminal is, which applications it takes, whose keys it trusts. */

import { z } from 'zod'
import { fromHex, hex } from '../bytes.ts'
import { currency } from '../currency.ts'
import { Fault } from '../errors.ts'
import { caKeyProblem } from './ca-keys.ts'
import { type Bit, isSet } from './data.ts'

/** Application Selection Indicator (EMV 4.4 Book 1, 12.3.1). */
export type AidMatch = 'exact' | 'partial'

export interface ApplicationConfig {
  readonly aid: Uint8Array
  readonly match: AidMatch
  /** Application version numbers the terminal supports (9F09), best first. */
  readonly versions: readonly Uint8Array[]
  readonly tacDenial: Uint8Array
  readonly tacOnline: Uint8Array
  readonly tacDefault: Uint8Array
  /** 9F1B, minor units of the configuration's currency; undefined where there is none. */
  readonly floorLimit?: bigint
  /** Random transaction selection, EMV 4.4 Book 3, 10.6.2: threshold in minor units below the floor limit, percentages 0–99, target ≤ maximum. */
  readonly randomSelection?: { readonly threshold: bigint; readonly targetPercentage: number; readonly maximumPercentage: number }
  /** Velocity checking is done (Book 3, 10.6.3). */
  readonly velocityChecking: boolean
  /** Default DDOL (Book 2, 6.5.1) and default TDOL (Book 3, 9.2.2). */
  readonly ddol?: Uint8Array
  readonly tdol?: Uint8Array
}

export interface CaPublicKey {
  /** 5 bytes. */
  readonly rid: Uint8Array
  readonly index: number
  readonly modulus: Uint8Array
  readonly exponent: Uint8Array
  /** SHA-1 over RID, index, modulus and exponent (EMV 4.4 Book 2, 11.2). */
  readonly checksum: Uint8Array
  /** Last day of use, YYMMDD; undefined where none is set. */
  readonly expires?: string
}

/** EMV 4.4 Book 2, 5.1.2: an issuer certificate that is no longer trusted. */
export interface RevokedCertificate {
  readonly rid: Uint8Array
  readonly index: number
  /** Certificate serial number, 3 bytes. */
  readonly serial: Uint8Array
}

export interface TerminalConfig {
  /** 9F35: 11–16, 21–26, 34–36, as the two hexadecimal digits read. */
  readonly terminalType: number
  /** 9F33, 3 bytes. */
  readonly capabilities: Uint8Array
  /** 9F40, 5 bytes. */
  readonly additionalCapabilities: Uint8Array
  /** 9F1A, ISO 3166-1 numeric. */
  readonly countryCode: number
  /** ISO 4217 numeric of the currency that limits are in. */
  readonly currencyCode: number
  /** 9F15. */
  readonly merchantCategoryCode: string
  /** 9F16, ans 15; shorter ones are filled with blanks for the card. */
  readonly merchantId: string
  /** 9F1C, an 8. */
  readonly terminalId: string
  /** 9F4E. */
  readonly merchantName: string
  /** 9F01, n 6–11. */
  readonly acquirerId: string
  /** 9F1E, an 8. */
  readonly ifdSerial: string
  /** The PSE is tried before the list of AIDs (Book 1, 12.3.2). */
  readonly usePse: boolean
  /** The cardholder can choose and confirm applications (Book 1, 12.4); true when left out. Without it the terminal takes the best that allows it. */
  readonly cardholderSelection?: boolean
  /** ISO 639-1, best first (Book 4, 11.1). */
  readonly languages: readonly string[]
  /** ISO 8859 parts that the display has (9F11; Book 4, 11.1). */
  readonly codeTables: readonly number[]
  readonly applications: readonly ApplicationConfig[]
  readonly caKeys: readonly CaPublicKey[]
  readonly revoked: readonly RevokedCertificate[]
}

/** Terminal type (9F35) in parts, EMV 4.4 Book 4, Annex A1. */
export interface TerminalKind {
  readonly operatedBy: 'bank' | 'merchant' | 'cardholder'
  readonly attended: boolean
  readonly online: 'onlineOnly' | 'offlineWithOnline' | 'offlineOnly'
}

export function terminalKind(terminalType: number): TerminalKind {
  const low = terminalType & 0x0f
  return {
    operatedBy: (['bank', 'merchant', 'cardholder'] as const)[(terminalType >> 4) - 1],
    attended: low <= 3,
    online: (['onlineOnly', 'offlineWithOnline', 'offlineOnly'] as const)[(low - 1) % 3],
  }
}

/** Terminal Capabilities (9F33), EMV 4.4 Book 4, Annex A2; b8 is the highest bit. */
export const CAPABILITY = {
  icc: { byte: 1, bit: 6 },
  plaintextPin: { byte: 2, bit: 8 },
  onlinePin: { byte: 2, bit: 7 },
  signature: { byte: 2, bit: 6 },
  encipheredPin: { byte: 2, bit: 5 },
  noCvm: { byte: 2, bit: 4 },
  sda: { byte: 3, bit: 8 },
  dda: { byte: 3, bit: 7 },
  cardCapture: { byte: 3, bit: 6 },
  cda: { byte: 3, bit: 4 },
} as const satisfies Record<string, Bit>

/** Additional Terminal Capabilities (9F40), EMV 4.4 Book 4, Annex A3. */
export const ADDITIONAL = {
  cash: { byte: 1, bit: 8 },
  goods: { byte: 1, bit: 7 },
  services: { byte: 1, bit: 6 },
  cashback: { byte: 1, bit: 5 },
  numericKeys: { byte: 3, bit: 8 },
} as const satisfies Record<string, Bit>

/** A byte string as JSON can hold it (hex, blanks allowed) or as it is, of `min` to `max` bytes. */
function bytes(min: number, max = min) {
  const size = min === max ? `${min}` : `${min} to ${max}`
  return z
    .union([z.instanceof(Uint8Array), z.string()])
    .transform((value, context) => {
      if (typeof value !== 'string') return value
      try {
        return fromHex(value)
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message })
        return z.NEVER
      }
    })
    .refine(value => value.length >= min && value.length <= max, { error: `${size} bytes` })
}

/** Minor units: a bigint, or in JSON a whole number or digits. n 12, the most that 9F02 holds. */
const amount = z
  .union([z.bigint(), z.number().int().nonnegative(), z.string().regex(/^\d{1,12}$/, 'digits, at most 12')])
  .transform(value => BigInt(value))
  .refine(value => value >= 0n && value <= 999_999_999_999n, { error: '0 to 999999999999 minor units' })

const percentage = z.number().int().min(0).max(99)
const text = (most: number) => z.string().regex(new RegExp(`^[\\x20-\\x7e]{1,${most}}$`), `1 to ${most} printable ASCII characters`)
const numeric = (from: number, to: number) => z.number().int().min(from).max(to)
const rid = bytes(5)

const randomSelection = z
  .strictObject({ threshold: amount, targetPercentage: percentage, maximumPercentage: percentage })
  .refine(it => it.targetPercentage <= it.maximumPercentage, {
    path: ['targetPercentage'],
    error: 'not above maximumPercentage (EMV 4.4 Book 3, 10.6.2)',
  })

const application = z
  .strictObject({
    aid: bytes(5, 16),
    match: z.enum(['exact', 'partial']).default('partial'),
    versions: z.array(bytes(2)).min(1),
    tacDenial: bytes(5),
    tacOnline: bytes(5),
    tacDefault: bytes(5),
    floorLimit: amount.optional(),
    randomSelection: randomSelection.optional(),
    velocityChecking: z.boolean().default(true),
    ddol: bytes(3, 252).optional(),
    tdol: bytes(2, 252).optional(),
  })
  .superRefine((it, context) => {
    const rule = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    if (it.randomSelection && it.floorLimit !== undefined && it.randomSelection.threshold > it.floorLimit)
      rule('randomSelection', 'threshold not above floorLimit (EMV 4.4 Book 3, 10.6.2)')
    if (it.floorLimit !== undefined && it.floorLimit > 0xffff_ffffn) rule('floorLimit', 'fits the 4 bytes of 9F1B')
  })

const caKey = z.strictObject({
  rid,
  index: numeric(0, 255),
  modulus: bytes(1, 248),
  exponent: bytes(1, 3),
  checksum: bytes(20),
  expires: z
    .string()
    .regex(/^\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])$/, 'YYMMDD')
    .optional(),
})

const terminalTypes = [0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x34, 0x35, 0x36]

const configuration = z
  .strictObject({
    terminalType: z
      .number()
      .refine(type => terminalTypes.includes(type), { error: 'one of 0x11–0x16, 0x21–0x26, 0x34–0x36 (EMV 4.4 Book 4, A1)' }),
    capabilities: bytes(3),
    additionalCapabilities: bytes(5),
    countryCode: numeric(1, 999),
    currencyCode: numeric(1, 999).refine(isCurrency, { error: 'a currency of the ISO 4217 table' }),
    merchantCategoryCode: z.string().regex(/^\d{4}$/, '4 digits'),
    merchantId: text(15),
    terminalId: text(8),
    merchantName: text(40),
    acquirerId: z.string().regex(/^\d{6,11}$/, '6 to 11 digits'),
    ifdSerial: text(8),
    usePse: z.boolean().default(true),
    cardholderSelection: z.boolean().default(true),
    languages: z.array(z.string().regex(/^[a-z]{2}$/, 'ISO 639-1, two small letters')).min(1),
    codeTables: z.array(numeric(1, 16)).min(1),
    applications: z.array(application).min(1),
    caKeys: z.array(caKey).default([]),
    revoked: z.array(z.strictObject({ rid, index: numeric(0, 255), serial: bytes(3) })).default([]),
  })
  .superRefine((it, context) => {
    const rule = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
    // zod runs this also where a field was refused: nothing can be said of its neighbours then.
    if (!terminalTypes.includes(it.terminalType) || it.capabilities.length !== 3 || it.additionalCapabilities.length !== 5) return
    const kind = terminalKind(it.terminalType)
    const can = (bit: Bit) => isSet(it.capabilities, bit)
    const also = (bit: Bit) => isSet(it.additionalCapabilities, bit)
    if (!can(CAPABILITY.icc)) rule(['capabilities'], '9F33 byte 1 b6: a contact kernel has IC with contacts')
    if (![CAPABILITY.plaintextPin, CAPABILITY.onlinePin, CAPABILITY.signature, CAPABILITY.encipheredPin, CAPABILITY.noCvm].some(can))
      rule(['capabilities'], '9F33 byte 2: at least one cardholder verification method')
    if (can(CAPABILITY.onlinePin) && kind.online === 'offlineOnly')
      rule(['capabilities'], '9F33 byte 2 b7: an offline-only terminal takes no online PIN')
    if (can(CAPABILITY.signature) && !kind.attended) rule(['capabilities'], '9F33 byte 2 b6: an unattended terminal takes no signature')
    if ((it.capabilities[0] & 0x1f) !== 0 || (it.capabilities[1] & 0x07) !== 0 || (it.capabilities[2] & 0x13) !== 0)
      rule(['capabilities'], '9F33: RFU bits are 0 (Book 4, A2)')
    if ((it.capabilities[2] & 0x04) !== 0) rule(['capabilities'], '9F33 byte 3 b3: XDA is not built')
    const pin = can(CAPABILITY.plaintextPin) || can(CAPABILITY.encipheredPin) || can(CAPABILITY.onlinePin)
    if (pin && !also(ADDITIONAL.numericKeys))
      rule(['additionalCapabilities'], '9F40 byte 3 b8: a terminal that takes a PIN has numeric keys')
    if (can(CAPABILITY.cda) && !can(CAPABILITY.dda)) rule(['capabilities'], '9F33 byte 3: a terminal with CDA has DDA')
    if (kind.online !== 'onlineOnly' && !(can(CAPABILITY.sda) || can(CAPABILITY.dda)))
      rule(['capabilities'], '9F33 byte 3: a terminal that approves offline has offline data authentication (Book 4, 6.3.2)')
    if (![ADDITIONAL.cash, ADDITIONAL.goods, ADDITIONAL.services].some(also))
      rule(['additionalCapabilities'], '9F40 byte 1: cash, goods or services')
    if (also(ADDITIONAL.cashback) && !(also(ADDITIONAL.goods) || also(ADDITIONAL.services)))
      rule(['additionalCapabilities'], '9F40 byte 1 b5: cashback comes with goods or services')
    if (kind.operatedBy === 'cardholder' && also(ADDITIONAL.cash))
      rule(['additionalCapabilities'], '9F40 byte 1 b8: a cardholder-operated terminal gives no cash')
    it.applications.forEach((app, at) => {
      if (kind.online !== 'onlineOnly' && app.floorLimit === undefined)
        rule(['applications', at, 'floorLimit'], 'a terminal that approves offline has a floor limit (EMV 4.4 Book 3, 10.6.1)')
      if (app.randomSelection && app.floorLimit === undefined)
        rule(['applications', at, 'randomSelection'], 'random selection works below a floor limit (EMV 4.4 Book 3, 10.6.2)')
      const twin = it.applications.findIndex(other => hex(other.aid) === hex(app.aid))
      if (twin < at) rule(['applications', at, 'aid'], `${hex(app.aid)} is in row ${twin} already`)
    })
    it.caKeys.forEach((key, at) => {
      const twin = it.caKeys.findIndex(other => other.index === key.index && hex(other.rid) === hex(key.rid))
      if (twin < at) rule(['caKeys', at], `RID ${hex(key.rid)} index ${key.index} is in row ${twin} already`)
      const problem = caKeyProblem(key)
      if (problem) rule(['caKeys', at], `${problem} (EMV 4.4 Book 2, 11.2)`)
    })
  })

function isCurrency(code: number): boolean {
  try {
    return currency(code) !== undefined
  } catch {
    return false
  }
}

/**
 * Checks a configuration, as TypeScript or as JSON (hex for bytes, digits for amounts), and returns it with its defaults.
 * @throws Fault `bad-config` with details.path (`applications.0.tacDenial`) and details.rule, the message has all of them
 */
export function parseTerminalConfig(input: unknown): TerminalConfig {
  const parsed = configuration.safeParse(input)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map(issue => ({ path: issue.path.join('.') || 'configuration', rule: issue.message }))
  throw new Fault('bad-config', issues.map(({ path, rule }) => `${path}: ${rule}`).join('; '), issues[0])
}
