/** Personalisation: a checked profile and the test keys become what is on the chip: FCI, directory, records, data objects and keys. */

import { concat, fromHex, fromText, fromUint, toBcd } from '../../src/bytes.ts'
import { type IssuerKeys, type RsaKey, testCaKey, testIssuerKeys, testRsaKey } from '../keys.ts'
import { iccCertificate, issuerCertificate, pinKeyCertificate, signedStaticData } from './certificates.ts'
import { type CryptogramScheme, iccMasterKey, schemes } from './cryptogram.ts'
import { type DolEntry, dolEntries } from './dol.ts'
import { children, encode, object } from './objects.ts'
import { badProfile } from './profile/fields.ts'
import type { ApplicationPlan, CardPlan } from './profile/profile.ts'
import { cvmConditions, cvmMethods, logFile, usage } from './profile/words.ts'
import { changeAfterSigning, fileLocator, layoutOf, type Records, recordsOf, staticDataOf, tagOf } from './records.ts'

export const pseName = fromText('1PAY.SYS.DDF01')

export interface ApplicationImage {
  readonly plan: ApplicationPlan
  readonly aid: Uint8Array
  readonly pan: string
  readonly psn: number | undefined
  readonly fci: Uint8Array
  readonly aip: Uint8Array
  readonly afl: Uint8Array
  readonly records: Records
  /** Every data object of the records by tag. */
  readonly data: ReadonlyMap<number, Uint8Array>
  readonly pdol: readonly DolEntry[]
  readonly cdol1: readonly DolEntry[]
  readonly cdol2: readonly DolEntry[]
  readonly ddol: readonly DolEntry[]
  readonly scheme: CryptogramScheme
  /** The card's own master keys. */
  readonly masterKeys: IssuerKeys
  readonly iccKey: RsaKey | undefined
  /** Deciphers an enciphered PIN. */
  readonly pinKey: RsaKey | undefined
}

export interface CardImage {
  readonly plan: CardPlan
  readonly atr: Uint8Array
  /** FCI and directory of the Payment System Environment; undefined on a card without. */
  readonly pse: { readonly fci: Uint8Array; readonly records: Records } | undefined
  readonly applications: readonly ApplicationImage[]
}

/** The objects that an application's FCI has in BF0C (FCI Issuer Discretionary Data). */
export type Discretionary = (one: ApplicationPlan) => readonly ReturnType<typeof object>[]

const logEntry: Discretionary = ({ log }) => (log ? [object(0x9f4d, Uint8Array.of(logFile, log.records))] : [])

/** @throws Fault `bad-config` where keys or records do not fit */
export function personalize(plan: CardPlan, discretionary = logEntry): CardImage {
  const applications = plan.applications.map((one, index) =>
    personalizeApplication(plan, one, ['applications', String(index)], discretionary(one)),
  )
  return { plan, atr: answerToReset(plan), pse: plan.pse ? paymentSystem(plan) : undefined, applications }
}

/** Answer to reset (EMV 4.4 Book 1, 8.3): direct convention, basic T=0 or T=1 form, historical bytes `tapdip`. */
function answerToReset({ protocol }: CardPlan): Uint8Array {
  const history = fromText('tapdip')
  if (protocol === 'T=0') return concat(Uint8Array.of(0x3b, 0x60 | history.length, 0x00, 0x00), history)
  const body = concat(Uint8Array.of(0xe0 | history.length, 0x00, 0x00, 0x81, 0x31, 0xfe, 0x45), history)
  return concat(Uint8Array.of(0x3b), body, Uint8Array.of(body.reduce((sum, byte) => sum ^ byte, 0)))
}

function paymentSystem(plan: CardPlan): NonNullable<CardImage['pse']> {
  const entries = [...plan.applications]
    .sort((a, b) => (a.priority || 16) - (b.priority || 16))
    .map(one => object(0x61, children(new Map([[0x4f, one.aid], ...naming(one), [0x87, priorityIndicator(one)]]))))
  const proprietary = new Map([[0x88, Uint8Array.of(1)], ...wording(plan, plan.applications[0])])
  const fci = encode(0x6f, [object(0x84, pseName), object(0xa5, children(proprietary))])
  return { fci, records: new Map(entries.map((entry, index) => [`1.${index + 1}`, encode(0x70, [entry])])) }
}

const wording = (plan: CardPlan, one: ApplicationPlan): [number, Uint8Array][] => [
  [0x5f2d, fromText(plan.languages.join(''))],
  [0x9f11, one.codeTable === undefined ? new Uint8Array() : Uint8Array.of(one.codeTable)],
]

/** Application Label and Preferred Name; an empty one is left out. */
const naming = (one: ApplicationPlan): [label: [number, Uint8Array], preferredName: [number, Uint8Array]] => [
  [0x50, fromText(one.label)],
  [0x9f12, one.preferredName === undefined ? new Uint8Array() : nameBytes(one.preferredName)],
]

function nameBytes(name: NonNullable<ApplicationPlan['preferredName']>): Uint8Array {
  return typeof name === 'string' ? fromText(name) : name.hex
}

const priorityIndicator = (one: ApplicationPlan) => Uint8Array.of((one.confirm ? 0x80 : 0) | one.priority)

function personalizeApplication(
  plan: CardPlan,
  one: ApplicationPlan,
  path: readonly string[],
  discretionary: ReturnType<Discretionary>,
): ApplicationImage {
  const pan = one.pan ?? plan.pan
  const psn = one.psn ?? plan.psn
  const aip = one.aip ?? interchangeProfile(one)
  const data = accountData(plan, one, pan, psn)
  override(data, one)
  const keys = authenticationData(plan, one, pan, aip, data, path)
  override(data, one)
  const layout = layoutOf(one)
  const records = recordsOf(layout, data, path)
  const { oda } = one
  if (oda.defect === 'otherStaticData') changeAfterSigning(layout, data, records, path)
  const [label, preferredName] = naming(one)
  const pdol = one.pdol ?? new Uint8Array()
  const proprietary = new Map([label, [0x87, priorityIndicator(one)], [0x9f38, pdol], ...wording(plan, one), preferredName])
  const issuerData = discretionary.length > 0 ? [object(0xbf0c, discretionary)] : []
  const fci = encode(0x6f, [object(0x84, one.aid), object(0xa5, [...children(proprietary), ...issuerData])])
  const scheme = schemes[one.cryptogram]
  const master = (key: Uint8Array) => iccMasterKey(scheme, key, pan, psn)
  return {
    plan: one,
    aid: one.aid,
    pan,
    psn,
    fci,
    aip,
    afl: fileLocator(layout, records),
    records,
    data,
    pdol: dolEntries(pdol)!,
    cdol1: dolEntries(one.cdol1)!,
    cdol2: dolEntries(one.cdol2)!,
    ddol: dolEntries(one.ddol ?? fromHex('9F3704'))!,
    scheme,
    masterKeys: {
      ac: master(testIssuerKeys.ac),
      smi: master(testIssuerKeys.smi),
      smc: master(testIssuerKeys.smc),
      cvc: iccMasterKey({ option: 'A' }, testIssuerKeys.cvc, pan, psn),
    },
    ...keys,
  }
}

/** AIP (82), EMV 4.4 Book 3, Annex C1. */
function interchangeProfile(one: ApplicationPlan): Uint8Array {
  const { method } = one.oda
  return Uint8Array.of(
    (method === 'sda' ? 0x40 : 0) |
      (method === 'dda' || method === 'cda' ? 0x20 : 0) |
      (one.cvm ? 0x10 : 0) |
      (one.terminalRiskManagement ? 0x08 : 0) |
      (one.issuerAuthentication.by === 'externalAuthenticate' ? 0x04 : 0) |
      (method === 'cda' ? 0x01 : 0),
    0x00,
  )
}

/** The data objects that need no key, by tag. */
function accountData(plan: CardPlan, one: ApplicationPlan, pan: string, psn: number | undefined): Map<number, Uint8Array> {
  const data = new Map<number, Uint8Array>()
  const track2 = `${pan}D${plan.expires.slice(0, 4)}${plan.serviceCode}${plan.discretionary}`.slice(0, 37)
  data.set(0x57, fromHex(evenWith('F', track2)))
  data.set(0x5f20, fromText(plan.cardholder))
  data.set(0x5f24, fromHex(plan.expires))
  if (plan.effective) data.set(0x5f25, fromHex(plan.effective))
  data.set(0x5a, fromHex(evenWith('F', pan)))
  if (psn !== undefined) data.set(0x5f34, toBcd(psn, 1))
  data.set(0x9f07, usageControl(one))
  if (one.cvm) data.set(0x8e, cvmList(one.cvm))
  for (const [tag, code] of [
    [0x9f0d, one.iac.default],
    [0x9f0e, one.iac.denial],
    [0x9f0f, one.iac.online],
  ] as const)
    if (code) data.set(tag, code)
  data.set(0x5f28, toBcd(plan.country, 2))
  data.set(0x8c, one.cdol1)
  data.set(0x8d, one.cdol2)
  data.set(0x9f42, toBcd(plan.currency, 2))
  data.set(0x9f44, toBcd(plan.currencyExponent, 1))
  data.set(0x9f08, one.version)
  data.set(0x5f30, toBcd(Number(plan.serviceCode), 2))
  if (one.velocity) {
    data.set(0x9f14, Uint8Array.of(one.velocity.lower))
    data.set(0x9f23, Uint8Array.of(one.velocity.upper))
  }
  return data
}

/** The profile's own data objects: before signing, so that they are signed, and after it, so that certificates can be replaced too. */
function override(data: Map<number, Uint8Array>, one: ApplicationPlan): void {
  for (const [tag, value] of Object.entries(one.data)) value.length > 0 ? data.set(tagOf(tag), value) : data.delete(tagOf(tag))
}

const evenWith = (filler: string, digits: string) => (digits.length % 2 ? digits + filler : digits)

function usageControl({ usage: allowed }: ApplicationPlan): Uint8Array {
  const bytes = new Uint8Array(2)
  for (const name of allowed) bytes[usage[name][0] - 1] |= 1 << (usage[name][1] - 1)
  return bytes
}

/** CVM List (8E), EMV 4.4 Book 3, 10.5: amounts X and Y in binary, then two bytes a rule. */
function cvmList({ x, y, rules }: NonNullable<ApplicationPlan['cvm']>): Uint8Array {
  const coded = rules.flatMap(({ method, when, otherwise }) => [
    (typeof method === 'number' ? method : cvmMethods[method]) | (otherwise === 'next' ? 0x40 : 0),
    typeof when === 'number' ? when : cvmConditions[when],
  ])
  return concat(fromUint(x, 4), fromUint(y, 4), Uint8Array.from(coded))
}

/** Adds keys and certificates to `data`, with the profile's defect worked in. */
function authenticationData(
  plan: CardPlan,
  one: ApplicationPlan,
  pan: string,
  aip: Uint8Array,
  data: Map<number, Uint8Array>,
  path: readonly string[],
): Pick<ApplicationImage, 'iccKey' | 'pinKey'> {
  const { oda } = one
  if (oda.method === 'none' && !oda.pinKey) return { iccKey: undefined, pinKey: undefined }
  const issuer = testRsaKey(oda.issuerKey)
  const issuerCertified = guarded([...path, 'oda', 'issuerKey'], () =>
    issuerCertificate(oda.issuerIdentifier ?? pan.slice(0, 6), {
      signer: testCaKey(one.aid.subarray(0, 5), oda.caKey),
      subject: issuer,
      expires: oda.defect === 'expiredIssuerCertificate' ? '1220' : oda.issuerCertificateExpiry,
      serial: oda.issuerCertificateSerial,
    }),
  )
  data.set(0x8f, Uint8Array.of(oda.defect === 'unknownCaKey' ? 0x7e : oda.caKey))
  data.set(0x9f32, issuerCertified.exponent)
  if (issuerCertified.remainder.length > 0) data.set(0x92, issuerCertified.remainder)
  if (oda.defect !== 'missingCertificate') data.set(0x90, spoilt(issuerCertified.certificate, oda.defect === 'wrongIssuerCertificate'))
  if (oda.method !== 'none') data.set(0x9f4a, fromHex(oda.defect === 'otherTagList' ? '829F36' : '82'))

  const staticData = concat(staticDataOf(one, data, path), oda.method === 'none' ? new Uint8Array() : aip)
  if (oda.method === 'sda')
    data.set(0x93, spoilt(signedStaticData(issuer, oda.dataAuthenticationCode, staticData), oda.defect === 'wrongStaticSignature'))

  const options = { signer: issuer, serial: oda.iccCertificateSerial }
  const dynamic = oda.method === 'dda' || oda.method === 'cda'
  const iccKey = dynamic ? testRsaKey(oda.iccKey) : undefined
  if (iccKey) {
    const expires = oda.defect === 'expiredIccCertificate' ? '1220' : oda.iccCertificateExpiry
    const icc = guarded([...path, 'oda', 'iccKey'], () => iccCertificate(pan, { ...options, subject: iccKey, expires }, staticData))
    data.set(0x9f46, spoilt(icc.certificate, oda.defect === 'wrongIccCertificate'))
    data.set(0x9f47, icc.exponent)
    if (icc.remainder.length > 0) data.set(0x9f48, icc.remainder)
    if (one.ddol) data.set(0x9f49, one.ddol)
    // 77 with 9F27, 9F36, 9F4B and 9F10 must fit the 256 bytes of a short response.
    if (oda.method === 'cda' && iccKey.modulus.length > 205)
      throw badProfile([...path, 'oda', 'iccKey'], 'a CDA response has room for keys of up to 1640 bits (EMV 4.4 Book 2, Annex D)')
  }
  if (oda.pinKey) {
    const subject = testRsaKey(oda.pinKey)
    const pin = guarded([...path, 'oda', 'pinKey'], () =>
      pinKeyCertificate(pan, { ...options, subject, expires: oda.iccCertificateExpiry }),
    )
    data.set(0x9f2d, pin.certificate)
    data.set(0x9f2e, pin.exponent)
    if (pin.remainder.length > 0) data.set(0x9f2f, pin.remainder)
  }
  return { iccKey, pinKey: plan.pin && oda.pinKey ? testRsaKey(oda.pinKey) : iccKey }
}

/** A byte in the middle changed, where `wrong`. */
function spoilt(signature: Uint8Array, wrong: boolean): Uint8Array {
  return wrong ? signature.map((byte, i) => (i === signature.length >> 1 ? byte ^ 0x01 : byte)) : signature
}

function guarded<T>(path: readonly string[], make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw badProfile(path, error instanceof Error ? error.message : String(error))
  }
}
