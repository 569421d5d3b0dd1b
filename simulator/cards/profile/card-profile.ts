/** A card profile as people write it: the named shape of what `parseProfile` checks and fills in. Byte strings are hex, blanks allowed; amounts are minor units. */

import type { TestRsaKeyName } from '../../keys/test-rsa-keys.ts'
import type { Brand, CryptogramName, cvmConditions, cvmMethods, odaDefects, ScriptCommand, usage } from './words.ts'

/** One step of the cardholder verification list (8E; EMV 4.4 Book 3, 10.5). */
export interface CardCvmRule {
  /** A method by name, or its code (b6–b1) where it has no name (Book 3, Annex C3). */
  method: keyof typeof cvmMethods | number
  /** When the rule applies, by name or by its code; `always` when left out. */
  when?: keyof typeof cvmConditions | number | undefined
  /** What follows when the method fails: the next rule, or cardholder verification has failed; `fail` when left out. */
  otherwise?: 'next' | 'fail' | undefined
}

/** How the cardholder is verified. */
export interface CardCvm {
  /** Amount X of the conditions `belowX` and `aboveX`, minor units of the application's currency; 0 when left out. */
  x?: number | undefined
  /** Amount Y of `belowY` and `aboveY`, likewise. */
  y?: number | undefined
  /** In this order, up to 120. */
  rules: CardCvmRule[]
}

/** Offline data authentication: the test keys, the certificates that are made of them, and what is wrong with these (EMV 4.4 Book 2, 5 and 6). */
export interface CardOda {
  /** Static, dynamic, combined, or none. */
  method: 'none' | 'sda' | 'dda' | 'cda'
  /** Index of the CA key (8F); E2 when left out. */
  caKey?: number | undefined
  /** The issuer's test key, `issuer-…`; `issuer-1408` when left out. */
  issuerKey?: TestRsaKeyName | undefined
  /** The card's test key, `icc-…`; `icc-1152` when left out. */
  iccKey?: TestRsaKeyName | undefined
  /** A PIN encipherment key of its own (9F2D), `pin-…`; the ICC key serves where there is none. */
  pinKey?: TestRsaKeyName | undefined
  /** Leftmost 3–8 digits of the PAN in the issuer certificate; the first 6 when left out. */
  issuerIdentifier?: string | undefined
  /** MMYY; `1249` when left out. */
  issuerCertificateExpiry?: string | undefined
  /** MMYY; `1249` when left out. */
  iccCertificateExpiry?: string | undefined
  /** Three bytes; `000001` when left out. */
  issuerCertificateSerial?: string | undefined
  /** Three bytes; `000002` when left out. */
  iccCertificateSerial?: string | undefined
  /** Data Authentication Code inside the SSAD (9F45): two bytes; `DAC1` when left out. */
  dataAuthenticationCode?: string | undefined
  /** ICC Dynamic Number (9F4C): 2 to 8 bytes; 8 when left out. */
  dynamicNumberLength?: number | undefined
  /** Format of the INTERNAL AUTHENTICATE response: 80 (1) or 77 (2), Book 3, 6.5.9.4; 1 when left out. */
  responseFormat?: 1 | 2 | undefined
  /** What a terminal shall find wrong; nothing when left out. */
  defect?: (typeof odaDefects)[number] | undefined
}

/** What the card decides by itself. */
export interface CardRisk {
  /**
   * `online` (when left out): an approval is always asked of the issuer; `offline`: approves within its limits, asks online beyond them;
   * `decline`: declines every time; `approve`: approves offline whatever the limits say;
   * `declineAfterOnline`: asks online and then declines what the issuer approved.
   */
  policy?: 'online' | 'offline' | 'decline' | 'approve' | 'declineAfterOnline' | undefined
  /** More offline approvals in a row than the first number ask to go online; the second is the last limit where the terminal cannot. `[2, 5]` when left out. */
  consecutiveOffline?: [number, number] | undefined
  /** The same for the sum of offline amounts, minor units of the card's currency; `[50000, 200000]` when left out. */
  cumulativeOffline?: [number, number] | undefined
  /** Declines, instead of asking online, when the PIN try limit is exceeded. */
  declineWhenPinBlocked?: boolean | undefined
  /** Asks the terminal for an advice when it declines (CID b4, Book 3, 6.5.5.4). */
  advice?: boolean | undefined
}

/** A record and what is in it. */
export interface CardRecord {
  /** Short File Identifier, 1 to 30. */
  sfi: number
  /** 1 to 255. */
  record: number
  /** Tags in upper-case hex, in the order of the record. */
  tags: string[]
  /** Takes part in offline data authentication; not, when left out. */
  signed?: boolean | undefined
}

/** Times of the relay resistance protocol, in units of 100 µs as the card states them (EMV Contactless Book C-2). */
export interface CardRelayResistance {
  /** 10 when left out. */
  minimum?: number | undefined
  /** 50 when left out. */
  maximum?: number | undefined
  /** 18 when left out. */
  transmission?: number | undefined
  /** Milliseconds that the answer takes in truth: more where somebody relays it; 2 when left out. */
  takes?: number | undefined
}

/** What an application does when it is tapped; the rest is that of the contact side. */
export interface CardContactless {
  /** As which brand's card it answers, where its RID is of none of the seven: the application's own kernel. */
  as?: Brand | undefined
  /** Records and their order in the field, as Mastercard's card has them otherwise; each must be one of the profile's data objects. */
  layout?: CardRecord[] | undefined
  /** Kernel identifier in the PPSE (9F2A), 1 to 8 bytes; by the brand when left out: those of Mir and UnionPay, none for others. */
  kernel?: string | undefined
  /** Extended Selection (9F29), 1 to 5 bytes: the reader adds it to the AID of the final SELECT. */
  extension?: string | undefined
  /** How the cryptogram of a tap is made, where it is another than the chip's. Visa. */
  cryptogram?: 'visa17' | undefined
  /** Visa and UnionPay: version of fast DDA, 01, or 00 that kernels take no more. */
  fdda?: '00' | '01' | undefined
  /** 9F6E: Visa's Form Factor Indicator (4 bytes), Mastercard's Third Party Data (5–32); of a card or a phone, as it is presented, when left out. */
  deviceData?: string | undefined
  /** Mastercard: the relay resistance protocol; none when left out. */
  relayResistance?: CardRelayResistance | undefined
  /** Visa and Mastercard: no EMV mode, track data with a dynamic code (dCVV, CVC3) instead. */
  magstripe?: boolean | undefined
  /** The issuer's answer on a second tap (Visa, Discover, JCB), or while the card is held in the field (JCB); none when left out. */
  issuerUpdate?: 'secondTap' | 'presentAndHold' | undefined
  /** Mir: the card says in its FCI that it speaks Protocol 2, whose commands are not public (DF6F; assumed). */
  protocol2?: boolean | undefined
}

/** What an application remembers when the card is loaded. */
export interface CardApplicationState {
  /** Application Transaction Counter (9F36); 16 when left out. */
  atc?: number | undefined
  /** Last Online ATC Register (9F13), 16 when left out; 0 is a new card. */
  lastOnlineAtc?: number | undefined
  /** The application is blocked (APPLICATION BLOCK). */
  blocked?: boolean | undefined
  /** Offline approvals in a row; 0 when left out. */
  consecutiveOffline?: number | undefined
  /** Their sum, minor units; 0 when left out. */
  cumulativeOffline?: number | undefined
}

/** A name in another part of ISO 8859 than the first. */
export interface CardNameBytes {
  /** 1 to 16 bytes in the table of `codeTable`. */
  hex: string
}

/** Issuer Action Codes, five bytes each: all three or none, `{}`. */
export interface CardActionCodes {
  /** 9F0E. */
  denial?: string | undefined
  /** 9F0F. */
  online?: string | undefined
  /** 9F0D. */
  default?: string | undefined
}

/** Offline payments in a row, each 0 to 255 (EMV 4.4 Book 3, 10.6.3). */
export interface CardVelocity {
  /** Beyond them the terminal goes online where it can (9F14). */
  lower: number
  /** Beyond them it declines where it cannot (9F23). */
  upper: number
}

/** How the card checks that its issuer has answered. */
export interface CardIssuerAuthentication {
  /** By EXTERNAL AUTHENTICATE, in the second GENERATE AC, or not at all. */
  by: 'externalAuthenticate' | 'secondGenerateAc' | 'none'
  /** No approval without it; not so when left out. */
  required?: boolean | undefined
}

/** The card's transaction log. */
export interface CardLog {
  /** How many payments it holds: 1 to 30. */
  records: number
}

/** One application of the card. What is left out is filled with the usual value. */
export interface CardApplication {
  /** 5 to 16 bytes. */
  aid: string
  /** Application Label (50): 1 to 16 letters, digits or blanks. */
  label: string
  /** Application Preferred Name (9F12), ans 1–16 in the code table of `codeTable`; text of ISO 8859-1, or hex for other tables. */
  preferredName?: string | CardNameBytes | undefined
  /** Issuer Code Table Index (9F11), 1 to 10: a part of ISO 8859. */
  codeTable?: number | undefined
  /** Application Priority Indicator (87): 1 is the highest, 0 none. */
  priority: number
  /** The cardholder must confirm even a single choice (87 b8). */
  confirm?: boolean | undefined
  /** The application's own PAN, where it is not the card's. */
  pan?: string | undefined
  /** The application's own PAN Sequence Number, where it is not the card's. */
  psn?: number | undefined
  /** Application Usage Control (9F07); everything but cashback when left out. */
  usage?: (keyof typeof usage)[] | undefined
  /** Application Version Number (9F08): two bytes; `0001` when left out. */
  version?: string | undefined
  /** How the cardholder is verified; no list (8E) when left out. */
  cvm?: CardCvm | undefined
  /** Issuer Action Codes; the usual ones when left out. */
  iac?: CardActionCodes | undefined
  /** Processing Options Data Object List (9F38); none when left out. */
  pdol?: string | undefined
  /** Card Risk Management DOL 1 (8C); the minimum of Book 2, 8.1.1 and what the application needs besides when left out. */
  cdol1?: string | undefined
  /** Card Risk Management DOL 2 (8D); likewise. */
  cdol2?: string | undefined
  /** Dynamic Data Authentication DOL (9F49); `9F37 04` when left out. */
  ddol?: string | undefined
  /** Terminal velocity checking; none when left out. */
  velocity?: CardVelocity | undefined
  /** Offline data authentication; none when left out. */
  oda?: CardOda | undefined
  /** AIP (82), two bytes, when it shall say something else than what the profile can do. */
  aip?: string | undefined
  /** The terminal shall do its risk management (AIP b4); so when left out. */
  terminalRiskManagement?: boolean | undefined
  /** How it makes cryptograms and its Issuer Application Data (9F10). */
  cryptogram: CryptogramName
  /** Derivation key index, in 9F10; 1 when left out. */
  keyIndex?: number | undefined
  /** Where the issuer's answer (91) is checked; by the second GENERATE AC when left out. */
  issuerAuthentication?: CardIssuerAuthentication | undefined
  /** What the card decides by itself; it asks the issuer each time when left out. */
  risk?: CardRisk | undefined
  /** By tap: as the brand usually does when left out, not at all where `false`. */
  contactless?: false | CardContactless | undefined
  /** A transaction log in SFI 11 (Book 3, Annex D: 9F4D, 9F4F); none when left out. */
  log?: CardLog | undefined
  /** Issuer script commands that it carries out; all of them when left out. */
  scripts?: ScriptCommand[] | undefined
  /** Responses to GET PROCESSING OPTIONS and GENERATE AC: 80 (1) or 77 (2); 2 when left out. */
  responseFormat?: 1 | 2 | undefined
  /** Whether GET PROCESSING OPTIONS is answered, or refused with 6985. */
  initiation?: 'allow' | 'refuse' | undefined
  /** Records and their order; made by rule when left out. */
  layout?: CardRecord[] | undefined
  /** Data objects by upper-case hex tag that override or add to what the profile makes; an empty value leaves the tag out. */
  data?: Record<string, string> | undefined
  /** What it remembers when the card is loaded. */
  state?: CardApplicationState | undefined
}

/** When a card misbehaves: APDUs are counted from 1 in each powered session. */
export interface CardFaults {
  /** Milliseconds before each answer; 0 when left out. */
  delay?: number | undefined
  /** Never answers from this APDU on. */
  muteAt?: number | undefined
  /** Is gone from this APDU on. */
  removedAt?: number | undefined
  /** Answers bytes that are no sensible response to these APDUs. */
  garbageAt?: number[] | undefined
  /** Which bytes: no status word at all, a broken TLV with 9000 (when left out), an unknown status word, or a TLV of another template. */
  garbage?: 'short' | 'brokenTlv' | 'oddStatus' | 'otherTemplate' | undefined
}

/** The offline reference PIN, and the PIN that the issuer knows. */
export interface CardPin {
  /** 4 to 12 digits. */
  digits: string
  /** Wrong PINs that block it, 1 to 15; 3 when left out. */
  tryLimit?: number | undefined
  /** How many are left; as many as the limit when left out. */
  triesLeft?: number | undefined
}

/**
 * One virtual card: what it is, and how it misbehaves. What a profile leaves out is filled with the usual value; `loadCard` checks it and names the field and the
 * rule that it breaks (`bad-config`). Test cards only: never a card number of somebody's.
 *
 * @example
 * ```ts
 * import { type CardProfile, profiles, virtualCounter } from 'tapdip/simulator'
 *
 * const slow: CardProfile = { ...profiles.mir, name: 'mir-slow', faults: { delay: 200 } }
 * const own: CardProfile = {
 *   name: 'my-visa',
 *   about: 'asks its issuer each time',
 *   pan: '4111111111111111',
 *   expires: '301231',
 *   cardholder: 'IVANOVA/ANNA',
 *   serviceCode: '201',
 *   country: 643,
 *   currency: 643,
 *   pin: { digits: '1234' },
 *   applications: [{ aid: 'A000000003 1010', label: 'VISA', priority: 1, cryptogram: 'visa18' }],
 * }
 * await using counter = await virtualCounter({ card: own })
 * counter.next({ card: slow })
 * ```
 */
export interface CardProfile {
  /** Words of small letters and digits, joined by `-`. */
  name: string
  /** A sentence for people. */
  about: string
  /** Of the contact interface; `T=1` when left out. */
  protocol?: 'T=0' | 'T=1' | undefined
  /** Primary Account Number (5A): 12 to 19 digits, the last the Luhn check digit (not asked of numbers from 62). */
  pan: string
  /** PAN Sequence Number (5F34), 0 to 99; none when left out. */
  psn?: number | undefined
  /** Application Expiration Date (5F24), YYMMDD: 00–49 is 2000–2049 (EMV 4.4 Book 4, 6.7.3). */
  expires: string
  /** Application Effective Date (5F25), YYMMDD; none when left out. */
  effective?: string | undefined
  /** 5F20, as on the stripe, SURNAME/NAME: 2 to 26 printable ASCII characters. */
  cardholder: string
  /** Three digits (5F30, ISO 7813): 2 or 6 in front is a card with a chip. */
  serviceCode: string
  /** Track 2 discretionary data of the chip (57) and of the stripe, up to 13 digits; ten zeros when left out. */
  discretionary?: string | undefined
  /** ISO 639-1, 1–4 of them, best first (5F2D); `en` when left out. */
  languages?: string[] | undefined
  /** Issuer Country Code (5F28), ISO 3166-1 numeric. */
  country: number
  /** Application Currency Code (9F42), ISO 4217 numeric. */
  currency: number
  /** Application Currency Exponent (9F44); 2 when left out. */
  currencyExponent?: number | undefined
  /** It has a payment system directory (1PAY.SYS.DDF01); so when left out. */
  pse?: boolean | undefined
  /** The offline reference PIN, and the PIN that the issuer knows; none when left out. */
  pin?: CardPin | undefined
  /** `dead`: no answer to reset; `none`: a card with a stripe and nothing else in the slot. `works` when left out. */
  chip?: 'works' | 'dead' | 'none' | undefined
  /** The whole card is blocked (CARD BLOCK). */
  blocked?: boolean | undefined
  /** At least one, each with its own AID. */
  applications: CardApplication[]
  /** When it misbehaves; never, when left out. */
  faults?: CardFaults | undefined
}
