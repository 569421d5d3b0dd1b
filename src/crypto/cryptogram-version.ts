/** What a cryptogram version number (CVN, in 9F10) stands for: keys, data, padding and scripts of the schemes whose rules are public. */

import { concat, fromHex, fromText, fromUint, hex } from '../bytes.ts'
import { Fault } from '../errors.ts'
import {
  acSessionKey,
  applicationCryptogram,
  arpcMethod1,
  arpcMethod2,
  mastercardSessionKey,
  ofLength,
  pbocSessionKey,
  sessionKey,
  visaScriptSessionKey,
} from './cryptogram.ts'
import type { Padding } from './mac.ts'
import { encodeFormat2 } from './pin.ts'
import { commandMac, type Encipherment, encipherCommandData, visaPinChangeBlock } from './secure-messaging.ts'

/** The three 16-byte master keys of one card. */
export interface CardKeys {
  /** Application cryptograms. */
  readonly ac: Uint8Array
  /** Integrity of scripts. */
  readonly mac: Uint8Array
  /** Confidentiality of scripts. */
  readonly encipherment: Uint8Array
}

/** What a session belongs to: 9F36, and 9F26 or 9F37 where the scheme asks for them. */
export interface Session {
  readonly atc: Uint8Array
  readonly cryptogram?: Uint8Array
  readonly unpredictable?: Uint8Array
}

export interface CryptogramVersion {
  /** Derivation of the card's master keys from the issuer's (EMV 4.4 Book 2, Annex A1.4). */
  readonly option: 'A' | 'B'
  readonly padding: Padding
  /** What of 9F10 ends the cryptogram's data: all of it, or the card verification results, with counters or without. */
  readonly issuerData: 'all' | 'cvr' | 'cvrAndCounters' | 'fifthByte' | 'dpas'
  /** The data objects before it; `dataObjects` when left out. */
  readonly objects?: typeof dataObjects
  readonly arpc: 1 | 2
  /** Of method 1: the two bytes that approve and that decline, where they are no characters of field 39 (`arpcResponse`). */
  readonly arpcCodes?: { readonly approved: string; readonly declined: string }
  readonly encipherment: Encipherment
  /** The command MAC runs over header, ATC, cryptogram and data; without them where false. */
  readonly macSession: boolean
  acKey(master: Uint8Array, session: Session): Uint8Array
  arpcKey(master: Uint8Array, session: Session): Uint8Array
  scriptKey(master: Uint8Array, session: Session): Uint8Array
  /** The PIN block of a PIN change, before encipherment. @param master the master key for application cryptograms */
  pinBlock(master: Uint8Array, pin: Uint8Array, current?: Uint8Array): Uint8Array
}

/** The data objects of a cryptogram, in order, with their lengths; the issuer's part of 9F10 follows (EMV 4.4 Book 2, 8.1.1). */
const dataObjects: readonly (readonly [tag: number, length: number])[] = [
  [0x9f02, 6], [0x9f03, 6], [0x9f1a, 2], [0x95, 5], [0x5f2a, 2], [0x9a, 3], [0x9c, 1], [0x9f37, 4], [0x82, 2], [0x9f36, 2],
] // biome-ignore format: a table

const common = (master: Uint8Array, { atc }: Session) => acSessionKey(master, atc)
const proprietary = (master: Uint8Array, { atc, unpredictable }: Session) =>
  mastercardSessionKey(master, atc, needed(unpredictable, 'unpredictable number (9F37)'))
const none = (master: Uint8Array) => master
const byCryptogram = (master: Uint8Array, { cryptogram }: Session) => sessionKey(master, needed(cryptogram, 'cryptogram (9F26)'))
const byPbocAtc = (master: Uint8Array, { atc }: Session) => pbocSessionKey(master, atc)
const byVisaAtc = (master: Uint8Array, { atc }: Session) => visaScriptSessionKey(master, atc)

const format2 = (_: Uint8Array, pin: Uint8Array) => encodeFormat2(pin)

function needed(bytes: Uint8Array | undefined, field: string): Uint8Array {
  if (!bytes) throw new Fault('bad-argument', `${field} is missing`, { field })
  return bytes
}

const visa = {
  option: 'B',
  padding: 2,
  issuerData: 'all',
  arpc: 2,
  encipherment: 'visa',
  macSession: true,
  acKey: common,
  pinBlock: visaPinChangeBlock,
} as const
/**
 * The ARPC response code of M/Chip is a bit field, not the two characters of field 39. Bits as two public sources have them: 0010 (pyemv, whose results were
 * checked on an HSM) and 0012 for an approval, without 10 for a refusal (jPOS, `CVNMCDataBuilder`): 10 the issuer approves, 02 counters are reset.
 * The scheme's own text is not public.
 */
const mchip = { approved: '0012', declined: '0000' } as const
const mastercard = {
  option: 'A',
  padding: 2,
  issuerData: 'cvr',
  arpc: 1,
  arpcCodes: mchip,
  encipherment: 'mastercard',
  macSession: true,
  scriptKey: byCryptogram,
  pinBlock: format2,
} as const

/** Behind the ICC master keys of UnionPay, JCB and Discover: assumed where `cryptogramVersions` says nothing else. */
const assumed = { option: 'A', padding: 2, arpc: 1, encipherment: 'emv', macSession: true, pinBlock: format2 } as const
const dpas = { ...assumed, issuerData: 'dpas', acKey: common, arpcKey: common, scriptKey: byCryptogram } as const

/** By scheme and CVN. Facts: knovichikhin/pyemv (MIT), whose results its author checked against an HSM; see docs/decisions.md. */
export const cryptogramVersions = {
  visa10: { ...visa, option: 'A', padding: 1, issuerData: 'cvr', arpc: 1, acKey: none, arpcKey: none, scriptKey: byVisaAtc },
  /** qVSDC's short cryptogram: amount, unpredictable number, ATC, fifth byte of 9F10. Derived: no vector was seen. */
  visa17: {
    ...visa,
    option: 'A',
    padding: 1,
    issuerData: 'fifthByte',
    objects: [
      [0x9f02, 6],
      [0x9f37, 4],
      [0x9f36, 2],
    ],
    arpc: 1,
    acKey: none,
    arpcKey: none,
    scriptKey: byVisaAtc,
  },
  visa18: { ...visa, arpcKey: common, scriptKey: byVisaAtc },
  visa22: {
    ...visa,
    arpcKey: common,
    scriptKey: byCryptogram,
    pinBlock: (master: Uint8Array, pin: Uint8Array, current?: Uint8Array) =>
      current ? visaPinChangeBlock(master, pin, current) : encodeFormat2(pin),
  },
  /** EMV Common Core Definitions, TDES (EMV 4.4 Book 2, 8.1, 8.2.2, 9; cryptogram version 5). The test cards of Mir use it, by assumption. */
  ccd: { ...visa, encipherment: 'emv', arpcKey: common, scriptKey: byCryptogram, pinBlock: format2 },
  mastercard16: { ...mastercard, acKey: proprietary, arpcKey: none },
  mastercard17: { ...mastercard, issuerData: 'cvrAndCounters', acKey: proprietary, arpcKey: none },
  mastercard20: { ...mastercard, acKey: common, arpcKey: common },
  mastercard21: { ...mastercard, issuerData: 'cvrAndCounters', acKey: common, arpcKey: common },
  /** American Express: one key a card (AWS Payment Cryptography asks for PAN and sequence number only). Data and scripts as version 10: assumed. */
  amex1: { ...visa, option: 'A', padding: 1, issuerData: 'cvr', arpc: 1, acKey: none, arpcKey: none, scriptKey: byVisaAtc },
  /** JCB: common session key (AWS Payment Cryptography, CVN04). Data and scripts assumed. */
  jcb4: { ...assumed, issuerData: 'all', acKey: common, arpcKey: common, scriptKey: byCryptogram },
  /** Discover and Diners by chip: assumed, but for the place of the card verification results (bytes 3–10 of 9F10). */
  dpas,
  /** By tap the cryptogram is made before there are verification results of the terminal. Assumed. */
  dpasTap: { ...dpas, objects: dataObjects.filter(([tag]) => tag !== 0x95) },
  /** UnionPay: session keys of PBOC. Derived: no vector was seen. */
  unionpay1: { ...assumed, issuerData: 'cvr', acKey: byPbocAtc, arpcKey: byPbocAtc, scriptKey: byPbocAtc },
  interac133: { ...mastercard, arpcCodes: undefined, issuerData: 'all', macSession: false, acKey: proprietary, arpcKey: proprietary },
} as const satisfies Record<string, CryptogramVersion>
export type CryptogramVersionName = keyof typeof cryptogramVersions

/** What a cryptogram is computed over. @param issuerData the part of 9F10 that `version.issuerData` names. @throws Fault `bad-argument` */
function cryptogramData(
  tags: ReadonlyMap<number, Uint8Array>,
  issuerData: Uint8Array,
  objects: typeof dataObjects = dataObjects,
): Uint8Array {
  const parts = objects.map(([tag, length]) => {
    const name = hex(fromUint(tag, tag > 0xff ? 2 : 1))
    return ofLength(needed(tags.get(tag), name), length, name)
  })
  return concat(...parts, issuerData)
}

/** ARQC, TC or AAC of a card. @throws Fault `bad-argument`, `bad-key` */
export function versionCryptogram(
  version: CryptogramVersion,
  keys: CardKeys,
  tags: ReadonlyMap<number, Uint8Array>,
  issuerData: Uint8Array,
): Uint8Array {
  const data = cryptogramData(tags, issuerData, version.objects)
  const session = { atc: tags.get(0x9f36)!, unpredictable: tags.get(0x9f37) }
  return applicationCryptogram(version.acKey(keys.ac, session), data, version.padding)
}

/** Card Status Update (EMV 4.4 Book 3, Annex C10): the issuer approves, and the offline counters are reset; or neither. */
const CSU_APPROVED = '00820000'
const CSU_DECLINED = '00000000'

/** What the ARPC is made over beside the cryptogram, and what follows it in 91. @param code field 39, two characters */
export function arpcResponse({ arpc, arpcCodes }: CryptogramVersion, code: string, approved = code === '00'): Uint8Array {
  if (arpc === 2) return fromHex(approved ? CSU_APPROVED : CSU_DECLINED)
  return arpcCodes ? fromHex(approved ? arpcCodes.approved : arpcCodes.declined) : fromText(code)
}

/** The ARPC to `session.cryptogram`. @param response method 1: ARC, 2 bytes; method 2: card status update, 4 bytes. @throws Fault */
export function versionArpc(
  version: CryptogramVersion,
  keys: CardKeys,
  session: Session,
  response: Uint8Array,
  proprietaryData?: Uint8Array,
): Uint8Array {
  const key = version.arpcKey(keys.ac, session)
  const arqc = needed(session.cryptogram, 'cryptogram (9F26)')
  return version.arpc === 1 ? arpcMethod1(key, arqc, response) : arpcMethod2(key, arqc, response, proprietaryData)
}

/** The 8-byte MAC of a script command. @param header CLA INS P1 P2 Lc, Lc counting the MAC. @throws Fault */
export function versionCommandMac(
  version: CryptogramVersion,
  keys: CardKeys,
  session: Session,
  header: Uint8Array,
  data: Uint8Array = new Uint8Array(),
): Uint8Array {
  const inner = version.macSession ? [session.atc, needed(session.cryptogram, 'cryptogram (9F26)')] : []
  return commandMac(version.scriptKey(keys.mac, session), concat(header, ...inner, data))
}

/** The whole PIN CHANGE/UNBLOCK command (EMV 4.4 Book 3, 6.5.10): P2 01 with the current PIN, 02 without. @throws Fault */
export function pinChangeCommand(
  version: CryptogramVersion,
  keys: CardKeys,
  session: Session,
  pin: Uint8Array,
  current?: Uint8Array,
): Uint8Array {
  const block = version.pinBlock(keys.ac, pin, current)
  const data = encipherCommandData(version.scriptKey(keys.encipherment, session), block, version.encipherment)
  const withCurrent = version.encipherment === 'visa' && current !== undefined
  const header = Uint8Array.of(0x84, 0x24, 0x00, withCurrent ? 0x01 : 0x02, data.length + 8)
  return concat(header, data, versionCommandMac(version, keys, session, header, data))
}
