/** The dictionary of EMV data objects as data: EMV 4.4 Book 3, Annex A, and the common objects of ISO/IEC 7816-4 and 7816-6. */

import type { Unsure } from './certainty.ts'

/** Who gives the value: `icc` is the card. */
export type TagSource = 'icc' | 'terminal' | 'issuer' | 'reader'

/** EMV 4.4 Book 3, 4.3; `template` for constructed objects. */
export type TagFormat = 'a' | 'an' | 'ans' | 'b' | 'cn' | 'n' | 'template'

/** What the dictionary knows of a tag. */
export interface TagInfo {
  /** The tag as a number, 0x9F02 for `9F 02`. */
  readonly tag: number
  /** Its name in the Books. */
  readonly name: string
  /** Who gives the value. */
  readonly source: TagSource
  /** How the value is written. */
  readonly format: TagFormat
  /** The shortest value, in bytes. */
  readonly min: number
  /** The longest value, in bytes. */
  readonly max: number
  /** Templates it is found in; empty where it is in none or anywhere. */
  readonly templates: readonly number[]
  /** PAN, tracks, PIN, names: masked in anything for people. */
  readonly sensitive: boolean
  /** How well name, length and format are known; left out where they were seen in a Book, or in programs that agree. */
  readonly certainty?: Unsure
}

/** Tags in meaning of one kernel: those that it adds or gives another meaning, over those of `general`. */
export type Dictionary = ReadonlyMap<number, TagInfo>

/** tag, name, source, format, shortest, longest, templates */
export type TagRow = readonly [number, string, TagSource, TagFormat, number, number, ...(readonly number[])]

/**
 * What is never shown in clear: PAN, tracks and parts of them, cardholder names, PIN data, and the ICC certificates 9F2D and 9F46, which give the PAN to
 * whoever has the public keys (EMV 4.4 Book 2, 6.4), and what holds a PAN: DS ID (9F5E) and torn records (FF8101) of kernel 2.
 */
export const sensitiveTags: ReadonlySet<number> = new Set([
  0x56, 0x57, 0x58, 0x5a, 0x5f20, 0x5f21, 0x5f22, 0x5f23, 0x99, 0x9f0b, 0x9f1f, 0x9f20, 0x9f2d, 0x9f46, 0x9f6b, 0x9f24, 0x9f5e, 0xdf812a,
  0xdf812b, 0xff8101,
])

const R = [0x70, 0x77] as const

const rows: readonly TagRow[] = [
  [0x06, 'Object Identifier (OID)', 'icc', 'b', 1, 127],
  [0x41, 'Country Code and National Data', 'icc', 'b', 2, 127],
  [0x42, 'Issuer Identification Number (IIN)', 'issuer', 'n', 3, 3, 0xbf0c, 0x73],
  [0x4f, 'Application Dedicated File (ADF) Name', 'icc', 'b', 5, 16, 0x61],
  [0x50, 'Application Label', 'icc', 'ans', 1, 16, 0x61, 0xa5],
  [0x51, 'Path', 'icc', 'b', 0, 252, 0x61],
  [0x52, 'Command to Perform', 'icc', 'b', 0, 252, 0x61],
  [0x53, 'Discretionary Data', 'icc', 'b', 0, 252],
  [0x56, 'Track 1 Data', 'icc', 'ans', 0, 76, ...R],
  [0x57, 'Track 2 Equivalent Data', 'icc', 'b', 0, 19, ...R],
  [0x58, 'Track 3 Equivalent Data', 'icc', 'b', 0, 54, ...R],
  [0x5a, 'Application Primary Account Number (PAN)', 'icc', 'cn', 0, 10, ...R],
  [0x5c, 'Tag List', 'terminal', 'b', 0, 252],
  [0x5f20, 'Cardholder Name', 'icc', 'ans', 2, 26, ...R],
  [0x5f21, 'Track 1, as Coded', 'icc', 'ans', 0, 79],
  [0x5f22, 'Track 2, as Coded', 'icc', 'ans', 0, 40],
  [0x5f23, 'Track 3, as Coded', 'icc', 'ans', 0, 107],
  [0x5f24, 'Application Expiration Date', 'icc', 'n', 3, 3, ...R],
  [0x5f25, 'Application Effective Date', 'icc', 'n', 3, 3, ...R],
  [0x5f28, 'Issuer Country Code', 'icc', 'n', 2, 2, ...R],
  [0x5f2a, 'Transaction Currency Code', 'terminal', 'n', 2, 2],
  [0x5f2d, 'Language Preference', 'icc', 'an', 2, 8, 0xa5],
  [0x5f30, 'Service Code', 'icc', 'n', 2, 2, ...R],
  [0x5f34, 'Application Primary Account Number (PAN) Sequence Number', 'icc', 'n', 1, 1, ...R],
  [0x5f36, 'Transaction Currency Exponent', 'terminal', 'n', 1, 1],
  [0x5f50, 'Issuer URL', 'icc', 'ans', 0, 252, 0xbf0c, 0x73],
  [0x5f53, 'International Bank Account Number (IBAN)', 'icc', 'an', 0, 34, 0xbf0c, 0x73],
  [0x5f54, 'Bank Identifier Code (BIC)', 'icc', 'an', 8, 11, 0xbf0c, 0x73],
  [0x5f55, 'Issuer Country Code (alpha2 format)', 'icc', 'a', 2, 2, 0xbf0c, 0x73],
  [0x5f56, 'Issuer Country Code (alpha3 format)', 'icc', 'a', 3, 3, 0xbf0c, 0x73],
  [0x5f57, 'Account Type', 'terminal', 'n', 1, 1],
  [0x61, 'Application Template', 'icc', 'template', 0, 252, 0x70],
  [0x62, 'File Control Parameters (FCP) Template', 'icc', 'template', 0, 252],
  [0x64, 'File Management Data (FMD) Template', 'icc', 'template', 0, 252],
  [0x6f, 'File Control Information (FCI) Template', 'icc', 'template', 0, 252],
  [0x70, 'READ RECORD Response Message Template', 'icc', 'template', 0, 252],
  [0x71, 'Issuer Script Template 1', 'issuer', 'template', 0, 252],
  [0x72, 'Issuer Script Template 2', 'issuer', 'template', 0, 252],
  [0x73, 'Directory Discretionary Template', 'icc', 'template', 0, 252, 0x61],
  [0x77, 'Response Message Template Format 2', 'icc', 'template', 0, 252],
  [0x78, 'Compatible Tag Allocation Authority', 'icc', 'template', 0, 252],
  [0x7d, 'Secure Messaging Template', 'issuer', 'template', 0, 252],
  [0x80, 'Response Message Template Format 1', 'icc', 'b', 0, 253],
  [0x81, 'Amount, Authorised (Binary)', 'terminal', 'b', 4, 4],
  [0x82, 'Application Interchange Profile (AIP)', 'icc', 'b', 2, 2, 0x77, 0x80],
  [0x83, 'Command Template', 'terminal', 'b', 0, 252],
  [0x84, 'Dedicated File (DF) Name', 'icc', 'b', 5, 16, 0x6f],
  [0x86, 'Issuer Script Command', 'issuer', 'b', 0, 261, 0x71, 0x72],
  [0x87, 'Application Priority Indicator', 'icc', 'b', 1, 1, 0x61, 0xa5],
  [0x88, 'Short File Identifier (SFI)', 'icc', 'b', 1, 1, 0xa5],
  [0x89, 'Authorisation Code', 'issuer', 'ans', 6, 6],
  [0x8a, 'Authorisation Response Code', 'issuer', 'an', 2, 2],
  [0x8c, 'Card Risk Management Data Object List 1 (CDOL1)', 'icc', 'b', 0, 252, ...R],
  [0x8d, 'Card Risk Management Data Object List 2 (CDOL2)', 'icc', 'b', 0, 252, ...R],
  [0x8e, 'Cardholder Verification Method (CVM) List', 'icc', 'b', 10, 252, ...R],
  [0x8f, 'Certification Authority Public Key Index', 'icc', 'b', 1, 1, ...R],
  [0x90, 'Issuer Public Key Certificate', 'icc', 'b', 0, 248, ...R],
  [0x91, 'Issuer Authentication Data', 'issuer', 'b', 8, 16],
  [0x92, 'Issuer Public Key Remainder', 'icc', 'b', 0, 248, ...R],
  [0x93, 'Signed Static Application Data', 'icc', 'b', 64, 248, ...R],
  [0x94, 'Application File Locator (AFL)', 'icc', 'b', 0, 252, 0x77, 0x80],
  [0x95, 'Terminal Verification Results (TVR)', 'terminal', 'b', 5, 5],
  [0x97, 'Transaction Certificate Data Object List (TDOL)', 'icc', 'b', 0, 252, ...R],
  [0x98, 'Transaction Certificate (TC) Hash Value', 'terminal', 'b', 20, 20],
  [0x99, 'Transaction Personal Identification Number (PIN) Data', 'terminal', 'b', 0, 252],
  [0x9a, 'Transaction Date', 'terminal', 'n', 3, 3],
  [0x9b, 'Transaction Status Information (TSI)', 'terminal', 'b', 2, 2],
  [0x9c, 'Transaction Type', 'terminal', 'n', 1, 1],
  [0x9d, 'Directory Definition File (DDF) Name', 'icc', 'b', 5, 16, 0x61],
  [0x9f01, 'Acquirer Identifier', 'terminal', 'n', 6, 6],
  [0x9f02, 'Amount, Authorised (Numeric)', 'terminal', 'n', 6, 6],
  [0x9f03, 'Amount, Other (Numeric)', 'terminal', 'n', 6, 6],
  [0x9f04, 'Amount, Other (Binary)', 'terminal', 'b', 4, 4],
  [0x9f05, 'Application Discretionary Data', 'icc', 'b', 1, 32, ...R],
  [0x9f06, 'Application Identifier (AID) - terminal', 'terminal', 'b', 5, 16],
  [0x9f07, 'Application Usage Control', 'icc', 'b', 2, 2, ...R],
  [0x9f08, 'Application Version Number', 'icc', 'b', 2, 2, ...R],
  [0x9f09, 'Application Version Number', 'terminal', 'b', 2, 2],
  [0x9f0a, 'Application Selection Registered Proprietary Data (ASRPD)', 'icc', 'b', 0, 252, 0xbf0c, 0x73],
  [0x9f0b, 'Cardholder Name Extended', 'icc', 'ans', 27, 45, ...R],
  [0x9f0c, 'Issuer Identification Number Extended (IINE)', 'issuer', 'n', 3, 4, 0xbf0c, 0x73],
  [0x9f0d, 'Issuer Action Code - Default', 'icc', 'b', 5, 5, ...R],
  [0x9f0e, 'Issuer Action Code - Denial', 'icc', 'b', 5, 5, ...R],
  [0x9f0f, 'Issuer Action Code - Online', 'icc', 'b', 5, 5, ...R],
  [0x9f10, 'Issuer Application Data', 'icc', 'b', 0, 32, 0x77, 0x80],
  [0x9f11, 'Issuer Code Table Index', 'icc', 'n', 1, 1, 0xa5],
  [0x9f12, 'Application Preferred Name', 'icc', 'ans', 1, 16, 0x61, 0xa5],
  [0x9f13, 'Last Online Application Transaction Counter (ATC) Register', 'icc', 'b', 2, 2],
  [0x9f14, 'Lower Consecutive Offline Limit', 'icc', 'b', 1, 1, ...R],
  [0x9f15, 'Merchant Category Code', 'terminal', 'n', 2, 2],
  [0x9f16, 'Merchant Identifier', 'terminal', 'ans', 15, 15],
  [0x9f17, 'Personal Identification Number (PIN) Try Counter', 'icc', 'b', 1, 1],
  [0x9f18, 'Issuer Script Identifier', 'issuer', 'b', 4, 4, 0x71, 0x72],
  [0x9f19, 'Token Requestor ID', 'icc', 'n', 6, 6, ...R],
  [0x9f1a, 'Terminal Country Code', 'terminal', 'n', 2, 2],
  [0x9f1b, 'Terminal Floor Limit', 'terminal', 'b', 4, 4],
  [0x9f1c, 'Terminal Identification', 'terminal', 'an', 8, 8],
  [0x9f1d, 'Terminal Risk Management Data', 'terminal', 'b', 1, 8],
  [0x9f1e, 'Interface Device (IFD) Serial Number', 'terminal', 'an', 8, 8],
  [0x9f1f, 'Track 1 Discretionary Data', 'icc', 'ans', 0, 54, ...R],
  [0x9f20, 'Track 2 Discretionary Data', 'icc', 'cn', 0, 16, ...R],
  [0x9f21, 'Transaction Time', 'terminal', 'n', 3, 3],
  [0x9f22, 'Certification Authority Public Key Index', 'terminal', 'b', 1, 1],
  [0x9f23, 'Upper Consecutive Offline Limit', 'icc', 'b', 1, 1, ...R],
  [0x9f24, 'Payment Account Reference (PAR)', 'icc', 'an', 29, 29, ...R],
  [0x9f25, 'Last 4 Digits of PAN', 'icc', 'n', 2, 2, ...R],
  [0x9f26, 'Application Cryptogram', 'icc', 'b', 8, 8, 0x77, 0x80],
  [0x9f27, 'Cryptogram Information Data', 'icc', 'b', 1, 1, 0x77, 0x80],
  [0x9f29, 'Extended Selection', 'icc', 'b', 0, 16, 0x61],
  [0x9f2a, 'Kernel Identifier', 'icc', 'b', 1, 8, 0x61],
  [0x9f2d, 'Integrated Circuit Card (ICC) PIN Encipherment Public Key Certificate', 'icc', 'b', 0, 248, ...R],
  [0x9f2e, 'Integrated Circuit Card (ICC) PIN Encipherment Public Key Exponent', 'icc', 'b', 1, 3, ...R],
  [0x9f2f, 'Integrated Circuit Card (ICC) PIN Encipherment Public Key Remainder', 'icc', 'b', 0, 248, ...R],
  [0x9f32, 'Issuer Public Key Exponent', 'icc', 'b', 1, 3, ...R],
  [0x9f33, 'Terminal Capabilities', 'terminal', 'b', 3, 3],
  [0x9f34, 'Cardholder Verification Method (CVM) Results', 'terminal', 'b', 3, 3],
  [0x9f35, 'Terminal Type', 'terminal', 'n', 1, 1],
  [0x9f36, 'Application Transaction Counter (ATC)', 'icc', 'b', 2, 2, 0x77, 0x80],
  [0x9f37, 'Unpredictable Number', 'terminal', 'b', 4, 4],
  [0x9f38, 'Processing Options Data Object List (PDOL)', 'icc', 'b', 0, 252, 0xa5],
  [0x9f39, 'Point-of-Service (POS) Entry Mode', 'terminal', 'n', 1, 1],
  [0x9f3a, 'Amount, Reference Currency (Binary)', 'terminal', 'b', 4, 4],
  [0x9f3b, 'Application Reference Currency', 'icc', 'n', 2, 8, ...R],
  [0x9f3c, 'Transaction Reference Currency Code', 'terminal', 'n', 2, 2],
  [0x9f3d, 'Transaction Reference Currency Exponent', 'terminal', 'n', 1, 1],
  [0x9f40, 'Additional Terminal Capabilities', 'terminal', 'b', 5, 5],
  [0x9f41, 'Transaction Sequence Counter', 'terminal', 'n', 2, 4],
  [0x9f42, 'Application Currency Code', 'icc', 'n', 2, 2, ...R],
  [0x9f43, 'Application Reference Currency Exponent', 'icc', 'n', 1, 4, ...R],
  [0x9f44, 'Application Currency Exponent', 'icc', 'n', 1, 1, ...R],
  [0x9f45, 'Data Authentication Code', 'icc', 'b', 2, 2],
  [0x9f46, 'Integrated Circuit Card (ICC) Public Key Certificate', 'icc', 'b', 0, 248, ...R],
  [0x9f47, 'Integrated Circuit Card (ICC) Public Key Exponent', 'icc', 'b', 1, 3, ...R],
  [0x9f48, 'Integrated Circuit Card (ICC) Public Key Remainder', 'icc', 'b', 0, 248, ...R],
  [0x9f49, 'Dynamic Data Authentication Data Object List (DDOL)', 'icc', 'b', 0, 252, ...R],
  [0x9f4a, 'Static Data Authentication Tag List', 'icc', 'b', 0, 252, ...R],
  [0x9f4b, 'Signed Dynamic Application Data', 'icc', 'b', 0, 248, 0x77, 0x80],
  [0x9f4c, 'ICC Dynamic Number', 'icc', 'b', 2, 8],
  [0x9f4d, 'Log Entry', 'icc', 'b', 2, 2, 0xbf0c, 0x73],
  [0x9f4e, 'Merchant Name and Location', 'terminal', 'ans', 0, 252],
  [0x9f4f, 'Log Format', 'icc', 'b', 0, 252],
  [0x9f5b, 'Issuer Script Results', 'terminal', 'b', 0, 252],
  [0xa5, 'File Control Information (FCI) Proprietary Template', 'icc', 'template', 0, 252, 0x6f],
  [0xbf0c, 'File Control Information (FCI) Issuer Discretionary Data', 'icc', 'template', 0, 222, 0xa5],
  [0xbf4c, 'Biometric Try Counters Template', 'icc', 'template', 0, 252],
]

/** A dictionary of `rows` laid over `under`: a kernel's own objects replace those of the same tag. @param certainty of all `rows`; seen when left out */
export function dictionary(rows: readonly TagRow[], under: Dictionary = new Map(), certainty?: Unsure): Dictionary {
  const table = new Map(under)
  for (const [tag, name, source, format, min, max, ...templates] of rows)
    table.set(tag, {
      ...{ tag, name, source, format, min, max, templates, sensitive: sensitiveTags.has(tag) },
      ...(certainty && { certainty }),
    })
  return table
}

/** What holds for every application, contact and contactless. */
export const general: Dictionary = dictionary(rows)

/** What is known of `tag`, or undefined for a proprietary one. */
export function tagInfo(tag: number, words: Dictionary = general): TagInfo | undefined {
  return words.get(tag)
}

/** Whether the value of `tag` must never be shown in clear. */
export function isSensitive(tag: number): boolean {
  return sensitiveTags.has(tag)
}

/**
 * What a card tells its terminal alone: certificates, keys and signatures of offline data authentication, lists of what it wants to know, and its rules. No host asks for
 * them, and with them the data of a card may not fit into field 55.
 */
export const forTerminal: ReadonlySet<number> = new Set([
  ...[0x70, 0x77, 0x80, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x92, 0x93, 0x94, 0x97, 0x9f2d, 0x9f2e, 0x9f2f, 0x9f32, 0x9f38],
  ...[0x9f46, 0x9f47, 0x9f48, 0x9f49, 0x9f4a, 0x9f4b, 0x9f4d, 0xa5, 0xbf0c],
])
