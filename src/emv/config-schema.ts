/** Checks a terminal configuration, written in TypeScript or as JSON: sizes, ranges, and what Book 4 wants of one terminal's parts together. */

import * as z from 'zod'
import { fromHex, hex } from '../bytes.ts'
import { currency } from '../currency.ts'
import { Fault } from '../errors.ts'
import { caKeyProblem } from './ca-keys.ts'
import { ADDITIONAL, CAPABILITY, type TerminalConfig, terminalKind } from './config.ts'
import { type Bit, isSet, tagName } from './data.ts'

/** A byte string as JSON can hold it (hex, blanks allowed) or as it is, of `min` to `max` bytes. */
export function bytes(min: number, max = min) {
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
export const minorUnits = z
  .union([z.bigint(), z.number().int().nonnegative(), z.string().regex(/^\d{1,12}$/, 'digits, at most 12')])
  .transform(value => BigInt(value))
  .refine(value => value >= 0n && value <= 999_999_999_999n, { error: '0 to 999999999999 minor units' })

/** ISO 4217 numeric. */
export const currencyCode = z.number().int().refine(isCurrency, { error: 'a currency of ISO 4217, by its numeric code' })

const percentage = z.number().int().min(0).max(99)
const text = (most: number) => z.string().regex(new RegExp(`^[\\x20-\\x7e]{1,${most}}$`), `1 to ${most} printable ASCII characters`)
const numeric = (from: number, to: number) => z.number().int().min(from).max(to)
const rid = bytes(5)

/** `RandomSelection` as TypeScript or JSON. */
export const randomSelection = z
  .strictObject({ threshold: minorUnits, targetPercentage: percentage, maximumPercentage: percentage })
  .refine(it => it.targetPercentage <= it.maximumPercentage, {
    path: ['targetPercentage'],
    error: 'not above maximumPercentage (EMV 4.4 Book 3, 10.6.2)',
  })

/** Tags that the kernel itself sets: configured values would be wrong in every payment. */
const ownTags = new Set([
  0x81, 0x89, 0x8a, 0x91, 0x95, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x5f2a, 0x5f36, 0x9f01, 0x9f02, 0x9f03, 0x9f04, 0x9f06, 0x9f09, 0x9f15, 0x9f16, 0x9f1a,
  0x9f1b, 0x9f1c, 0x9f1e, 0x9f21, 0x9f22, 0x9f33, 0x9f34, 0x9f35, 0x9f37, 0x9f39, 0x9f40, 0x9f41, 0x9f4e, 0x9f5b,
]) // biome-ignore format: a table

/** Data objects: a map, in JSON an object from tags in hex to values in hex of at least `min` bytes. */
export function dataObjects(min: number) {
  return z
    .union([
      z.map(z.number(), bytes(min, 252)),
      z.record(z.string().regex(/^([0-9a-fA-F]{2}){1,3}$/, 'a tag of 1 to 3 bytes in hex'), bytes(min, 252)),
    ])
    .transform(
      (value): ReadonlyMap<number, Uint8Array> =>
        value instanceof Map ? value : new Map(Object.entries(value).map(([tag, one]) => [Number.parseInt(tag, 16), one])),
    )
}

const extraData = dataObjects(1).superRefine((map, context) => {
  for (const tag of map.keys()) if (ownTags.has(tag)) context.addIssue({ code: 'custom', message: `${tagName(tag)} is set by the kernel` })
})

const application = z
  .strictObject({
    aid: bytes(5, 16),
    match: z.enum(['exact', 'partial']).default('partial'),
    versions: z.array(bytes(2)).min(1),
    tacDenial: bytes(5),
    tacOnline: bytes(5),
    tacDefault: bytes(5),
    floorLimit: minorUnits.optional(),
    randomSelection: randomSelection.optional(),
    velocityChecking: z.boolean().default(true),
    ddol: bytes(3, 252).optional(),
    tdol: bytes(2, 252).optional(),
    data: extraData.optional(),
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
    verifyFrom: minorUnits.optional(),
    onlineCodesOffline: z.boolean().optional(),
    countryCode: numeric(1, 999),
    currencyCode,
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
  return checkedConfig(configuration, input)
}

/** Applications, keys or revoked certificates of one configuration: more than any payment system's terminals have. */
const MOST = 4096

/** `input` as `schema` has it. @throws Fault `bad-config` with details.path and details.rule of the first issue, the message has all of them */
export function checkedConfig<T>(schema: z.ZodType<T>, input: unknown): T {
  for (const [path, value] of Array.isArray(input) ? [] : Object.entries(input ?? {})) {
    const rule = `at most ${MOST} entries`
    if (Array.isArray(value) && value.length > MOST) throw new Fault('bad-config', `${path}: ${rule}, not ${value.length}`, { path, rule })
  }
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map(issue => ({ path: issue.path.join('.') || 'configuration', rule: issue.message }))
  throw new Fault('bad-config', issues.map(({ path, rule }) => `${path}: ${rule}`).join('; '), issues[0])
}
