/** A card profile: one virtual card as validated data. What a profile leaves out is filled with the usual value, named in the schema. */

import { z } from 'zod'
import { fullYear } from '../../../src/expiry.ts'
import { type TestRsaKeyName, testRsaKeys } from '../../keys/test-rsa-keys.ts'
import type { Same } from '../../same.ts'
import { dolEntries, dolLength } from '../dol.ts'
import type { CardProfile } from './card-profile.ts'
import { badProfile, bytes, recordLayout } from './fields.ts'
import { checkContactless, contactless } from './tap.ts'
import { cryptogramNames, cvmConditions, cvmMethods, logFile, odaDefects, scriptCommands, usage } from './words.ts'

const dol = bytes(0, 252)
  .refine(value => dolEntries(value) !== undefined, 'tags of 1 to 3 bytes, each followed by a length of one byte below 80')
  .refine(value => dolLength(dolEntries(value) ?? []) <= 252, 'asks for no more than 252 bytes')

/** YYMMDD: 00–49 is 2000–2049, 50–99 is 1950–1999 (EMV 4.4 Book 4, 6.7.3). */
const date = z.string().refine(value => {
  const match = /^(\d\d)(\d\d)(\d\d)$/.exec(value)
  if (!match) return false
  const [year, month, day] = match.slice(1).map(Number)
  const made = new Date(Date.UTC(fullYear(year), month - 1, day))
  return made.getUTCMonth() === month - 1 && made.getUTCDate() === day
}, 'a date as YYMMDD')

const pan = z
  .string()
  .regex(/^\d{12,19}$/, '12 to 19 digits')
  .refine(digits => digits.startsWith('62') || luhn(digits), 'the last digit must be the Luhn check digit')

export function luhn(digits: string): boolean {
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const doubled = Number(digits.at(-1 - i)) * (i % 2 === 0 ? 1 : 2)
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

const names = <T extends string>(table: Readonly<Record<T, unknown>>) => Object.keys(table) as [T, ...T[]]

const cvmRule = z.strictObject({
  /** A method by name, or its code (b6–b1) where it has no name. */
  method: z.union([z.enum(names(cvmMethods)), z.int().min(0).max(0x3f)]),
  when: z.union([z.enum(names(cvmConditions)), z.int().min(0).max(0xff)]).default('always'),
  /** What follows when the method fails: the next rule, or cardholder verification has failed. */
  otherwise: z.enum(['next', 'fail']).default('fail'),
})

const keyNames = (prefix: string) =>
  z.custom<TestRsaKeyName>(
    value => typeof value === 'string' && value.startsWith(prefix) && value in testRsaKeys,
    `one of ${Object.keys(testRsaKeys)
      .filter(name => name.startsWith(prefix))
      .join(', ')}`,
  )

const oda = z.strictObject({
  method: z.enum(['none', 'sda', 'dda', 'cda']),
  /** Index of the CA key (8F). */
  caKey: z.int().min(0).max(255).default(0xe2),
  issuerKey: keyNames('issuer-').default('issuer-1408'),
  iccKey: keyNames('icc-').default('icc-1152'),
  /** A PIN encipherment key of its own (9F2D); the ICC key serves where there is none. */
  pinKey: keyNames('pin-').optional(),
  /** Leftmost 3–8 digits of the PAN in the issuer certificate; the first 6 when left out. */
  issuerIdentifier: z
    .string()
    .regex(/^\d{3,8}$/, '3 to 8 digits')
    .optional(),
  /** MMYY. */
  issuerCertificateExpiry: z
    .string()
    .regex(/^(0[1-9]|1[0-2])\d\d$/, 'a month as MMYY')
    .default('1249'),
  iccCertificateExpiry: z
    .string()
    .regex(/^(0[1-9]|1[0-2])\d\d$/, 'a month as MMYY')
    .default('1249'),
  issuerCertificateSerial: bytes(3).prefault('000001'),
  iccCertificateSerial: bytes(3).prefault('000002'),
  /** Data Authentication Code inside the SSAD (9F45). */
  dataAuthenticationCode: bytes(2).prefault('DAC1'),
  /** ICC Dynamic Number (9F4C), bytes. */
  dynamicNumberLength: z.int().min(2).max(8).default(8),
  /** Format of the INTERNAL AUTHENTICATE response: 80 (1) or 77 (2), Book 3, 6.5.9.4. */
  responseFormat: z.union([z.literal(1), z.literal(2)]).default(1),
  defect: z.enum(odaDefects).optional(),
})

const risk = z.strictObject({
  /**
   * `online`: an approval is always asked of the issuer; `offline`: approves within its limits, asks online beyond them;
   * `decline`: declines every time; `approve`: approves offline whatever the limits say;
   * `declineAfterOnline`: asks online and then declines what the issuer approved.
   */
  policy: z.enum(['online', 'offline', 'decline', 'approve', 'declineAfterOnline']).default('online'),
  /** More offline approvals in a row than this ask to go online; the second number is the last limit where the terminal cannot (card's own limits). */
  consecutiveOffline: z.tuple([z.int().min(0).max(255), z.int().min(0).max(255)]).default([2, 5]),
  /** The same for the sum of offline amounts, minor units of the card's currency. */
  cumulativeOffline: z.tuple([z.int().min(0), z.int().min(0)]).default([500_00, 2000_00]),
  /** Declines, instead of asking online, when the PIN try limit is exceeded. */
  declineWhenPinBlocked: z.boolean().default(false),
  /** Asks the terminal for an advice when it declines (CID b4, Book 3, 6.5.5.4). */
  advice: z.boolean().default(false),
})

const application = z.strictObject({
  aid: bytes(5, 16),
  label: z.string().regex(/^[A-Za-z0-9 ]{1,16}$/, '1 to 16 letters, digits or blanks'),
  /** Application Preferred Name (9F12), ans 1–16 in the code table of `codeTable`; text of ISO 8859-1, or hex for other tables. */
  preferredName: z
    .union([z.strictObject({ hex: bytes(1, 16) }), z.string().regex(/^[\x20-\xff]{1,16}$/, '1 to 16 characters of ISO 8859-1')])
    .optional(),
  /** Issuer Code Table Index (9F11): a part of ISO 8859. */
  codeTable: z.int().min(1).max(10).optional(),
  /** Application Priority Indicator (87): 1 is the highest, 0 none. */
  priority: z.int().min(0).max(15),
  /** The cardholder must confirm even a single choice (87 b8). */
  confirm: z.boolean().default(false),
  /** The application's own PAN and sequence number, where it is not the card's. */
  pan: pan.optional(),
  psn: z.int().min(0).max(99).optional(),
  usage: z
    .array(z.enum(names(usage)))
    .default([
      'domesticCash',
      'internationalCash',
      'domesticGoods',
      'internationalGoods',
      'domesticServices',
      'internationalServices',
      'atm',
      'otherThanAtm',
    ]),
  /** Application Version Number (9F08). */
  version: bytes(2).prefault('0001'),
  cvm: z
    .strictObject({
      /** Amounts X and Y, minor units of the application's currency. */
      x: z.int().min(0).max(0xffffffff).default(0),
      y: z.int().min(0).max(0xffffffff).default(0),
      rules: z.array(cvmRule).max(120),
    })
    .optional(),
  iac: z
    .strictObject({ denial: bytes(5).optional(), online: bytes(5).optional(), default: bytes(5).optional() })
    .prefault({ denial: '0000000000', online: 'FC688C9800', default: 'FC688C8000' }),
  /** Lists are DOLs in hex. The defaults are the minimum set of Book 2, 8.1.1 and what the application itself needs besides. */
  pdol: dol.optional(),
  cdol1: dol.prefault('9F02 06 9F03 06 9F1A 02 95 05 5F2A 02 9A 03 9C 01 9F37 04 9F35 01 9F45 02 9F4C 08 9F34 03'),
  cdol2: dol.prefault('8A 02 91 0A 9F02 06 9F03 06 9F1A 02 95 05 5F2A 02 9A 03 9C 01 9F37 04 9F35 01 9F4C 08 9F34 03'),
  ddol: dol.optional().prefault('9F37 04'),
  /** 9F14 and 9F23, terminal velocity checking (Book 3, 10.6.3). */
  velocity: z.strictObject({ lower: z.int().min(0).max(255), upper: z.int().min(0).max(255) }).optional(),
  oda: oda.prefault({ method: 'none' }),
  /** AIP (82) when it shall say something else than what the profile can do. */
  aip: bytes(2).optional(),
  /** The terminal shall do its risk management (AIP b4). */
  terminalRiskManagement: z.boolean().default(true),
  cryptogram: z.enum(cryptogramNames),
  /** Derivation key index, in 9F10. */
  keyIndex: z.int().min(0).max(255).default(1),
  /** Where the issuer's answer (91) is checked. `required`: no approval without it. */
  issuerAuthentication: z
    .strictObject({ by: z.enum(['externalAuthenticate', 'secondGenerateAc', 'none']), required: z.boolean().default(false) })
    .prefault({ by: 'secondGenerateAc' }),
  risk: risk.prefault({}),
  /** By tap: as the brand usually does when left out, not at all where `false`. */
  contactless: z.union([z.literal(false), contactless]).optional(),
  /** A transaction log of so many records in SFI 11 (Book 3, Annex D: 9F4D, 9F4F). */
  log: z.strictObject({ records: z.int().min(1).max(30) }).optional(),
  scripts: z.array(z.enum(scriptCommands)).default([...scriptCommands]),
  /** Responses to GET PROCESSING OPTIONS and GENERATE AC: 80 (1) or 77 (2). */
  responseFormat: z.union([z.literal(1), z.literal(2)]).default(2),
  /** Whether GET PROCESSING OPTIONS is answered, or refused with 6985. */
  initiation: z.enum(['allow', 'refuse']).default('allow'),
  /** Records and their order; made by rule when left out. */
  layout: z.array(recordLayout).optional(),
  /** Data objects by hex tag that override or add to what the profile makes; an empty value leaves the tag out. */
  data: z.record(z.string().regex(/^[0-9A-F]{2,6}$/, 'a tag in upper-case hex'), bytes(0, 252)).default({}),
  state: z
    .strictObject({
      atc: z.int().min(0).max(0xffff).default(0x0010),
      /** Last Online ATC Register (9F13); 0 is a new card. */
      lastOnlineAtc: z.int().min(0).max(0xffff).default(0x0010),
      blocked: z.boolean().default(false),
      consecutiveOffline: z.int().min(0).max(255).default(0),
      cumulativeOffline: z.int().min(0).default(0),
    })
    .prefault({}),
})

/** When a card misbehaves: APDUs are counted from 1 in each powered session. */
const faults = z.strictObject({
  /** Milliseconds before each answer. */
  delay: z.int().min(0).max(600_000).default(0),
  /** Never answers from this APDU on. */
  muteAt: z.int().min(1).optional(),
  /** Is gone from this APDU on. */
  removedAt: z.int().min(1).optional(),
  /** Answers bytes that are no sensible response to this APDU. */
  garbageAt: z.array(z.int().min(1)).default([]),
  /** Which bytes: no status word at all, a broken TLV with 9000, an unknown status word, or a TLV of another template. */
  garbage: z.enum(['short', 'brokenTlv', 'oddStatus', 'otherTemplate']).default('brokenTlv'),
})

const profileSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'words of small letters and digits, joined by -'),
  about: z.string().min(1),
  protocol: z.enum(['T=0', 'T=1']).default('T=1'),
  pan,
  /** PAN Sequence Number (5F34); none when left out. */
  psn: z.int().min(0).max(99).optional(),
  expires: date,
  effective: date.optional(),
  /** 5F20, as on the stripe: SURNAME/NAME. */
  cardholder: z.string().regex(/^[ -~]{2,26}$/, '2 to 26 printable ASCII characters'),
  serviceCode: z.string().regex(/^\d{3}$/, '3 digits'),
  /** Track 2 discretionary data of the chip (57) and of the stripe. */
  discretionary: z
    .string()
    .regex(/^\d{0,13}$/, 'up to 13 digits')
    .default('0000000000'),
  /** ISO 639-1, 1–4 of them, best first (5F2D). */
  languages: z
    .array(z.string().regex(/^[a-z]{2}$/, 'two small letters'))
    .min(1)
    .max(4)
    .default(['en']),
  /** ISO 3166-1 and ISO 4217, numeric. */
  country: z.int().min(1).max(999),
  currency: z.int().min(1).max(999),
  currencyExponent: z.int().min(0).max(9).default(2),
  pse: z.boolean().default(true),
  /** The offline reference PIN, and the PIN that the issuer knows. */
  pin: z
    .strictObject({
      digits: z.string().regex(/^\d{4,12}$/, '4 to 12 digits'),
      tryLimit: z.int().min(1).max(15).default(3),
      triesLeft: z.int().min(0).max(15).optional(),
    })
    .optional(),
  /** `dead`: no answer to reset; `none`: a card with a stripe and nothing else in the slot. */
  chip: z.enum(['works', 'dead', 'none']).default('works'),
  /** The whole card is blocked (CARD BLOCK). */
  blocked: z.boolean().default(false),
  applications: z.array(application).min(1),
  faults: faults.prefault({}),
})

export type { CardProfile } from './card-profile.ts'

/** The schema takes what `CardProfile` names, neither more nor less: a difference does not compile. */
export const profileIsNamed: Same<CardProfile, z.input<typeof profileSchema>> = true
/** A profile that was checked, with everything filled in. */
export type CardPlan = z.output<typeof profileSchema>
/** One application of it. */
export type ApplicationPlan = CardPlan['applications'][number]

/** Checks a profile and fills it in. @throws Fault `bad-config` with details.path and details.rule */
export function parseProfile(profile: unknown): CardPlan {
  const result = profileSchema.safeParse(profile)
  if (!result.success) {
    const { path, message } = result.error.issues[0]
    throw badProfile(path, message)
  }
  checkTogether(result.data)
  return result.data
}

/** Rules that tie several fields together. */
function checkTogether(plan: CardPlan): void {
  const offlinePin = new Set<string | number>(['offlinePin', 'offlinePinAndSignature', 'encipheredPin', 'encipheredPinAndSignature'])
  if (plan.effective && calendar(plan.effective) > calendar(plan.expires)) throw badProfile(['effective'], 'not after the expiration date')
  if (plan.pin?.triesLeft !== undefined && plan.pin.triesLeft > plan.pin.tryLimit)
    throw badProfile(['pin', 'triesLeft'], 'not more than tryLimit')
  plan.applications.forEach((one, index) => {
    const at = (...rest: string[]) => ['applications', index, ...rest]
    if (one.cvm?.rules.some(({ method }) => offlinePin.has(method)) && !plan.pin)
      throw badProfile(at('cvm', 'rules'), 'an offline PIN rule needs the card to have a pin')
    if (one.cvm?.rules.some(({ method }) => method === 'encipheredPin' || method === 'encipheredPinAndSignature') && !canDecipher(one))
      throw badProfile(at('oda'), 'enciphered PIN needs a certified key: oda.method dda or cda, or oda.pinKey')
    if (one.log && one.layout?.some(({ sfi }) => sfi === logFile)) throw badProfile(at('layout'), `SFI ${logFile} is the log's`)
    if (one.cryptogram === 'visa17' || one.cryptogram === 'dpasTap')
      throw badProfile(
        at('cryptogram'),
        `${one.cryptogram} is for taps: ${one.cryptogram === 'visa17' ? 'contactless.cryptogram' : 'of dpas'}`,
      )
    checkContactless(one.aid, one.contactless, at)
    if (one.preferredName !== undefined && one.codeTable === undefined)
      throw badProfile(at('codeTable'), 'a preferred name needs a code table')
    const identifier = one.oda.issuerIdentifier
    if (identifier && !(one.pan ?? plan.pan).startsWith(identifier))
      throw badProfile(at('oda', 'issuerIdentifier'), 'the leftmost digits of the PAN')
    if (
      (one.iac.denial === undefined) !== (one.iac.online === undefined) ||
      (one.iac.online === undefined) !== (one.iac.default === undefined)
    )
      throw badProfile(at('iac'), 'all three codes or none')
    for (const [name, value] of Object.entries({ cdol1: one.cdol1, cdol2: one.cdol2 }))
      for (const tag of [0x9f02, 0x95, 0x9f37])
        if (!dolEntries(value)?.some(entry => entry.tag === tag))
          throw badProfile(at(name), `asks for ${tag.toString(16).toUpperCase()}: the cryptogram is made over it`)
    if (one.oda.method === 'dda' && !dolEntries(one.ddol ?? new Uint8Array())?.some(({ tag }) => tag === 0x9f37) && one.ddol)
      throw badProfile(at('ddol'), 'asks for 9F37 (EMV 4.4 Book 2, 6.5.1)')
  })
  const aids = plan.applications.map(({ aid }) => aid.join())
  if (new Set(aids).size !== aids.length) throw badProfile(['applications'], 'each application has its own AID')
}

function canDecipher({ oda: { method, pinKey } }: ApplicationPlan): boolean {
  return method === 'dda' || method === 'cda' || pinKey !== undefined
}

/** YYMMDD as a number that sorts. */
function calendar(yymmdd: string): number {
  return fullYear(Number(yymmdd.slice(0, 2))) * 10_000 + Number(yymmdd.slice(2))
}
