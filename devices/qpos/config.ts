/** A terminal configuration as the records of a QPOS: one for each application, one for each CA key. */

import { equal, fromHex, fromText, fromUint, hex, toBcd } from '../../src/bytes.ts'
import type { ApplicationConfig, CaPublicKey, TerminalConfig } from '../../src/emv/config.ts'
import { type ContactlessConfig, kernelData, type SchemeRules } from '../../src/emv/contactless/config.ts'
import { Fault } from '../../src/errors.ts'
import { fullYear } from '../../src/expiry.ts'
import type { ReaderConfiguration } from '../../src/reader/reader.ts'
import { write } from '../../src/tlv/ber.ts'
import { appTags, type ConfigRecord, capkTags } from './codec.ts'

const MAX = 999_999_999_999n
/** n 12. */
const limit = (value: bigint) => toBcd(value > MAX ? MAX : value, 6)

export interface QposRecords {
  readonly applications: readonly ConfigRecord[]
  readonly keys: readonly ConfigRecord[]
}

/**
 * @throws Fault `bad-config` for what a QPOS has no word for: revoked certificates, an AID that is taken by tap alone, rules in another
 * currency, rules of a scheme without a place in a record; details.path, details.rule
 */
export function recordsOf({ terminal, contactless }: ReaderConfiguration): QposRecords {
  check(terminal, contactless)
  const rules = (aid: Uint8Array) => contactless?.schemes.find(({ aids }) => aids.some(one => equal(one, aid)))
  return {
    applications: terminal.applications.map(one => application(one, terminal, rules(one.aid))),
    keys: terminal.caKeys.map(caKey),
  }
}

function check({ applications, revoked, currencyCode }: TerminalConfig, contactless: ContactlessConfig | undefined): void {
  const refuse = (path: string, rule: string): never => {
    throw new Fault('bad-config', `${path}: ${rule}`, { path, rule })
  }
  if (revoked.length > 0) refuse('revoked', 'a QPOS has no list of revoked certificates: give none, and know that they are trusted')
  if (!contactless) return
  if (contactless.currencyCode !== currencyCode)
    refuse('contactless.currencyCode', `is ${contactless.currencyCode}, the terminal's ${currencyCode}`)
  if (contactless.routing) refuse('contactless.routing', 'a QPOS has no known place for it')
  for (const aid of contactless.schemes.flatMap(({ aids }) => aids))
    if (!applications.some(one => equal(one.aid, aid)))
      refuse('contactless.schemes', `${hex(aid)} is no application of the terminal: a QPOS has one record for both`)
  for (const rules of contactless.schemes)
    for (const name of ['dynamicLimits', 'randomSelection', 'fastDda00', 'kernel', 'kernelId'] as const)
      if (rules[name]) refuse(`contactless.schemes.${rules.scheme}.${name}`, 'a record of a QPOS has no known place for it')
}

/** Terminal data are in each record, as in the vendor's profile (emv_profile_tlv_qpos_mini.xml). */
function application(one: ApplicationConfig, terminal: TerminalConfig, rules: SchemeRules | undefined): ConfigRecord {
  const { randomSelection } = one
  return new Map([
    [0x9f06, one.aid],
    [0x5f2a, toBcd(terminal.currencyCode, 2)],
    [0x9f01, toBcd(BigInt(terminal.acquirerId), 6)],
    [0x9f09, one.versions[0]],
    [0x9f15, toBcd(Number(terminal.merchantCategoryCode), 2)],
    [0x9f16, fromText(terminal.merchantId.padEnd(15))],
    [0x9f1a, toBcd(terminal.countryCode, 2)],
    [0x9f1b, fromUint(one.floorLimit ?? 0n, 4)],
    [0x9f1c, fromText(terminal.terminalId.padEnd(8))],
    [0x9f1e, fromText(terminal.ifdSerial.padEnd(8))],
    [0x9f33, terminal.capabilities],
    [0x9f35, Uint8Array.of(terminal.terminalType)],
    [0x9f40, terminal.additionalCapabilities],
    [0x9f4e, fromText(terminal.merchantName)],
    // 00 takes partial matches: assumed, as PBOC has it; the vendor's profiles have 00 and 01 without a word.
    [appTags.selection, Uint8Array.of(one.match === 'partial' ? 0 : 1)],
    [appTags.tacDefault, one.tacDefault],
    [appTags.tacOnline, one.tacOnline],
    [appTags.tacDenial, one.tacDenial],
    [appTags.ddol, one.ddol ?? new Uint8Array(0)],
    [appTags.threshold, fromUint(randomSelection?.threshold ?? 0n, 4)],
    [appTags.maximumPercentage, toBcd(randomSelection?.maximumPercentage ?? 0, 1)],
    [appTags.targetPercentage, toBcd(randomSelection?.targetPercentage ?? 0, 1)],
    [appTags.tdol, one.tdol ?? new Uint8Array(0)],
    ...(one.data ?? []),
    ...(rules ? byTap(rules, terminal) : []),
  ])
}

/**
 * Limits as Entry Point compares them: CVM and transaction limit with >=, the floor limit with >. Kernels that compare otherwise have their own figures in the
 * kernel's space (7F10: seen with a data object of kernel 2). That the limits of the record are compared so is assumed.
 */
function byTap(rules: SchemeRules, { capabilities, additionalCapabilities }: TerminalConfig): (readonly [number, Uint8Array])[] {
  const data = [...kernelData(rules)].map(([tag, value]) => write(tag, value))
  return [
    [appTags.tapFloorLimit, limit(rules.offlineUpTo)],
    [appTags.tapLimit, limit(rules.refuseFrom ?? MAX)],
    [appTags.cvmLimit, limit(rules.verifyFrom)],
    [appTags.statusCheck, Uint8Array.of(rules.statusCheck ? 1 : 0)],
    [appTags.tapCvmLimit, limit(rules.verifyFrom)],
    [appTags.tapCapabilities, capabilities],
    [appTags.tapAdditionalCapabilities, additionalCapabilities],
    ...(rules.ttq ? [[0x9f66, rules.ttq] as const] : []),
    ...(data.length > 0 ? [[appTags.kernelSpace, Uint8Array.from(data.flatMap(one => [...one]))] as const] : []),
  ]
}

/** A key that never expires is given the last day of 2049, which two-digit years still reach (EMV 4.4 Book 4, 6.7.3). */
function caKey({ rid, index, modulus, exponent, checksum, expires = '491231' }: CaPublicKey): ConfigRecord {
  return new Map([
    [0x9f06, rid],
    [0x9f22, Uint8Array.of(index)],
    [capkTags.modulus, modulus],
    [capkTags.checksum, checksum],
    [capkTags.exponent, fromUint(BigInt(`0x${hex(exponent)}`), 3)],
    [capkTags.expires, fromHex(`${fullYear(Number(expires.slice(0, 2)))}${expires.slice(2)}`)],
    [capkTags.hash, Uint8Array.of(1)],
    [capkTags.algorithm, Uint8Array.of(1)],
  ])
}
