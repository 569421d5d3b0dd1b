/** The card's bank: checks the cryptogram over the data that the terminal sent, the online PIN and the account, and answers with ARPC and scripts. */

import { concat, equal, fromHex, hex } from '../../../src/bytes.ts'
import { iccMasterKey } from '../../../src/crypto/cryptogram.ts'
import {
  arpcResponse,
  type CardKeys,
  type CryptogramVersion,
  cryptogramVersions,
  type Session,
  versionArpc,
  versionCommandMac,
  versionCryptogram,
} from '../../../src/crypto/cryptogram-version.ts'
import { decryptEcb } from '../../../src/crypto/des.ts'
import { initialKey, pinKey, transactionKey } from '../../../src/crypto/dukpt.ts'
import { aesInitialKey, aesTransactionKey, aesWorkingKey } from '../../../src/crypto/dukpt-aes.ts'
import { decipherFormat4, decodeFormat0, decodeFormat3 } from '../../../src/crypto/pin.ts'
import type { CvmName } from '../../../src/emv/outcome.ts'
import type { PinBlock } from '../../../src/emv/terminal.ts'
import { isFault } from '../../../src/errors.ts'
import type { AuthorisationMessage } from '../../../src/payment/acquirer.ts'
import { approvingCodes, PARTIAL } from '../../../src/payment/host/agreement.ts'
import { panOf } from '../../../src/payment/receipt/receipt.ts'
import { cvmOf } from '../../../src/reader/relay.ts'
import { write } from '../../../src/tlv/ber.ts'
import { allAccounts, type IssuerAccount } from '../../cards/issuer-view.ts'
import { testPinAesDukpt, testPinDukpt } from '../../keys.ts'
import { KEY_USED, type KeySerialState, KeySerials } from '../key-serials.ts'
import { type Names, names } from '../names.ts'
import type { CheckedRule } from '../rules.ts'
import { openSealed, sealedSerial } from '../sealed.ts'
import { isCertificate, NO_CERTIFICATE, SIGNED_OTHERWISE, signedOtherwise } from './signed.ts'
import { checkStripeCode, onceOf } from './stripe-code.ts'
import { openSwipe, swipeSerial } from './swipe.ts'
import { refusalOf } from './tvr.ts'

export interface IssuerOptions {
  /** Those of every card profile when left out. */
  readonly accounts?: readonly IssuerAccount[]
  /** Minor units that each account has at the start; 1,000,000.00 when left out. */
  readonly balance?: bigint
  /** The base derivation key of the PIN pads, for PIN blocks of triple DES and tracks. */
  readonly pinBdk?: Uint8Array
  /** That of PIN pads with AES DUKPT, for PIN blocks of format 4: 16, 24 or 32 bytes. */
  readonly pinAesBdk?: Uint8Array
}

export type Check = 'right' | 'wrong' | 'none'

/** What the issuer says, and what it saw. */
export interface Verdict {
  /** Whose money it is. */
  readonly account?: string
  readonly code: string
  readonly reason: string
  readonly arqc: Check
  readonly pin: Check
  /** Of a contactless stripe: CVC3 or dCVV. */
  readonly stripeCode?: Check
  /** Minor units, where only a part is approved. */
  readonly approvedAmount?: bigint
  readonly issuerAuthenticationData?: Uint8Array
  readonly scripts?: readonly Uint8Array[]
}

/** What changes of an account, as it is kept. */
export interface AccountState {
  readonly id: string
  readonly balance: bigint
  /** Bonus points, minor units. */
  readonly points: bigint
  readonly pinFailures: number
  readonly seen: readonly string[]
}

interface Account {
  /** Tells the account from others, and no card number. */
  readonly id: string
  readonly facts: IssuerAccount
  balance: bigint
  points: bigint
  pinFailures: number
  /** ATC and cryptogram of what was right: none counts twice. The ATC alone tells no repetition: a card that is loaded anew begins at its profile's again. */
  readonly seen: Set<string>
}

const PIN_TRIES = 3
/** POS Entry Mode (9F39): contactless, magnetic stripe data. */
const CONTACTLESS_STRIPE = 0x91

export class Issuer {
  readonly #accounts: Account[]
  readonly #pinBdk: Uint8Array
  readonly #pinAesBdk: Uint8Array
  readonly #serials = new KeySerials()

  constructor(
    { accounts = allAccounts(), balance = 100_000_000n, pinBdk = testPinDukpt.bdk, pinAesBdk = testPinAesDukpt.bdk }: IssuerOptions = {},
    known: Names = names(),
  ) {
    this.#accounts = accounts.map(facts => ({
      id: `${known.card(facts.pan)} ${hex(facts.aid)}`,
      facts,
      balance,
      points: 0n,
      pinFailures: 0,
      seen: new Set(),
    }))
    this.#pinBdk = pinBdk
    this.#pinAesBdk = pinAesBdk
  }

  /** Decides on a payment and takes its money when it approves. `rules` are those of the host that it meets. */
  authorise(sealed: AuthorisationMessage, pan: string | undefined, rules: readonly CheckedRule[]): Verdict {
    const message = openSealed(sealed, this.#pinBdk)
    const account = this.#find(message, pan)
    if (!account) return { code: '14', reason: 'no account has this card number', arqc: 'none', pin: 'none' }
    const stripe = message.interface === 'tap' && message.tags.get(0x9f39)?.[0] === CONTACTLESS_STRIPE
    const arqc = message.interface === 'swipe' || stripe ? 'none' : this.#checkCryptogram(account, message.tags)
    const stripeCode = stripe ? this.#checkStripe(account, message) : 'none'
    const repeated = this.#checkSerials(sealed, message, 'authorisation', rules)
    const pin = message.pinBlock ? this.#checkPin(account, message.pinBlock) : 'none'
    const [code, reason] = this.#decide(account, message, { arqc, pin, stripeCode, repeated }, rules)
    const approvedAmount = code === PARTIAL ? partOf(account, message, rules) : undefined
    if (approvingCodes.includes(code)) pay(account, { ...message, amount: approvedAmount ?? message.amount }, arqc)
    const seen = { arqc, pin, ...(stripe && { stripeCode }), ...(approvedAmount !== undefined && { approvedAmount }) }
    return { account: account.id, code, reason, ...seen, ...this.#reply(account, message.tags, arqc, code, rules) }
  }

  /**
   * A payment that card and terminal say they have approved without us: by a TC over what is asked for, which was not seen before; or by voice, after a referral, where the
   * card makes none. Anything else is no claim on the cardholder's money.
   */
  advise(
    sealed: AuthorisationMessage,
    pan: string | undefined,
    { referred = false, rules = [] }: { readonly referred?: boolean; readonly rules?: readonly CheckedRule[] } = {},
  ): Verdict {
    const message = openSealed(sealed, this.#pinBdk)
    const account = this.#find(message, pan)
    if (!account) return { code: '14', reason: 'no account has this card number', arqc: 'none', pin: 'none' }
    const striped = message.interface === 'swipe' || message.tags.get(0x9f39)?.[0] === CONTACTLESS_STRIPE
    const arqc = striped ? 'none' : this.#checkCryptogram(account, message.tags)
    const repeated = this.#checkSerials(sealed, message, 'advice', rules)
    const [code, reason] = adviceCode(message, arqc, striped ? referred : isCertificate(message), repeated, rules)
    if (code === '00') pay(account, message, arqc)
    return { account: account.id, code, reason, arqc, pin: 'none' }
  }

  /** What is wrong with the keys of a message's tracks, sealed data and PIN block; they are used from now on. */
  #checkSerials(
    sealed: AuthorisationMessage,
    message: AuthorisationMessage,
    on: 'authorisation' | 'advice',
    rules: readonly CheckedRule[],
  ): string | undefined {
    const swiped = message.interface === 'swipe' && openSwipe(message.tags, this.#pinBdk) && swipeSerial(message.tags)
    const pin = message.pinBlock && this.#opens(message) && message.pinBlock.ksn
    const serials = [message !== sealed && sealedSerial(sealed.tags), swiped, pin].filter(one => one instanceof Uint8Array)
    const payment = message.key.replace(/-voice$/, '')
    const wrong = rules.some(one => one.do === 'believe') ? undefined : this.#serials.wrong(serials, payment, on)
    if (wrong === undefined) this.#serials.take(serials, payment)
    return wrong
  }

  /** A PIN comes out of the block, right or wrong. */
  #opens({ pinBlock, tags }: AuthorisationMessage): boolean {
    const pan = panOf(tags) ?? openSwipe(tags, this.#pinBdk)?.pan
    if (!pinBlock || pan === undefined) return false
    try {
      return this.#clearPin(pan, pinBlock).length > 0
    } catch (error) {
      if (isFault(error, 'bad-argument', 'bad-key')) return false
      throw error
    }
  }

  /** Key serial numbers that have changed since this was asked last. */
  changedSerials(): KeySerialState[] {
    return this.#serials.changed()
  }

  restoreSerials(states: readonly KeySerialState[]): void {
    this.#serials.restore(states)
  }

  /** Brings money to an account, or takes it where `amount` is below 0. */
  move(id: string | undefined, amount: bigint): void {
    const account = this.#accounts.find(one => one.id === id)
    if (account) account.balance += amount
  }

  /** Bonus points of a card, minor units. */
  pointsOf(pan: string): bigint | undefined {
    return this.#accounts.find(({ facts }) => facts.pan === pan)?.points
  }

  points(id: string | undefined): bigint {
    return this.#accounts.find(one => one.id === id)?.points ?? 0n
  }

  movePoints(id: string | undefined, amount: bigint): void {
    const account = this.#accounts.find(one => one.id === id)
    if (account) account.points += amount
  }

  /** What is left on an account; nothing on one that is not known. */
  balanceOf(id: string | undefined): bigint {
    return this.#accounts.find(one => one.id === id)?.balance ?? 0n
  }

  state(id: string | undefined): AccountState | undefined {
    const account = this.#accounts.find(one => one.id === id)
    if (!account) return undefined
    const { balance, points, pinFailures, seen } = account
    return { id: account.id, balance, points, pinFailures, seen: [...seen] }
  }

  /** Accounts as they were kept; those that are not known any more are passed over. */
  restore(states: readonly AccountState[]): void {
    for (const { id, balance, points, pinFailures, seen } of states) {
      const account = this.#accounts.find(one => one.id === id)
      if (account) Object.assign(account, { balance, points, pinFailures, seen: new Set(seen) })
    }
  }

  /** The card number of a payment: of the chip's data, or of the tracks that the reader enciphered. */
  panOf(message: AuthorisationMessage): string | undefined {
    const { tags, interface: through } = openSealed(message, this.#pinBdk)
    return panOf(tags) ?? (through === 'swipe' ? openSwipe(tags, this.#pinBdk)?.pan : undefined)
  }

  /** How the cardholder was verified: as the message tells, else as the data tell that only we can open. */
  cvmOf(message: AuthorisationMessage): CvmName | undefined {
    const { cvm, tags, pinBlock, interface: by } = openSealed(message, this.#pinBdk)
    return cvm ?? cvmOf({ tags, pinBlock, by })
  }

  /** What is left on the account, minor units. */
  balance(pan: string): bigint | undefined {
    return this.#accounts.find(({ facts }) => facts.pan === pan)?.balance
  }

  #find({ tags }: AuthorisationMessage, pan: string | undefined): Account | undefined {
    const aid = hex(tags.get(0x84) ?? tags.get(0x4f) ?? tags.get(0x9f06) ?? new Uint8Array(0))
    const same = this.#accounts.filter(({ facts }) => facts.pan === pan)
    return same.find(({ facts }) => aid.startsWith(hex(facts.aid))) ?? same[0]
  }

  #decide(
    account: Account,
    message: AuthorisationMessage,
    { arqc, pin, stripeCode, repeated }: Readonly<Record<'arqc' | 'pin' | 'stripeCode', Check>> & { readonly repeated: string | undefined },
    rules: readonly CheckedRule[],
  ): readonly [code: string, reason: string] {
    const { amount, at, type, interface: through, tags } = message
    for (const one of rules) {
      if (one.do === 'decline') return [one.code, one.reason]
      if (one.do === 'refer') return ['01', one.reason]
    }
    if (arqc === 'wrong') return ['88', 'the cryptogram does not match the data']
    if (repeated) return [KEY_USED, repeated]
    const differs = rules.some(one => one.do === 'believe') ? undefined : signedOtherwise(message)
    if (differs) return [SIGNED_OTHERWISE, differs]
    if (stripeCode === 'wrong') return ['82', 'the dynamic code of the stripe is wrong, or was seen before']
    if (through === 'swipe') {
      const stripe = openSwipe(tags, this.#pinBdk)
      const { expires, serviceCode } = account.facts
      if (stripe && (stripe.expiry !== expires.slice(0, 4) || stripe.serviceCode !== serviceCode))
        return ['14', 'the stripe is not the one that was issued']
    }
    if (yymmdd(at) > account.facts.expires) return ['54', 'the card has expired']
    const refusal = refusalOf(tags.get(0x95), rules)
    if (refusal) return refusal
    if (account.pinFailures >= PIN_TRIES) return ['75', 'too many wrong PINs']
    if (pin === 'wrong') {
      account.pinFailures++
      return account.pinFailures >= PIN_TRIES ? ['75', 'too many wrong PINs'] : ['55', 'the PIN is wrong']
    }
    if (pin === 'right') account.pinFailures = 0
    if (type !== 'refund') {
      const part = partOf(account, message, rules)
      if (part !== undefined) return [PARTIAL, 'a part is approved']
      if (amount > account.balance) return ['51', 'not enough money on the account']
    }
    return ['00', 'approved']
  }

  #checkCryptogram(account: Account, tags: ReadonlyMap<number, Uint8Array>): Check {
    const [cryptogram, atc, data] = [tags.get(0x9f26), tags.get(0x9f36), tags.get(0x9f10)]
    if (!cryptogram || atc?.length !== 2 || !data) return 'wrong'
    const facts = asPresented(account.facts, tags)
    try {
      const expected = versionCryptogram(cryptogramVersions[facts.version], keysOf(facts), tags, facts.issuerData(data))
      if (!equal(expected, cryptogram)) return 'wrong'
    } catch (error) {
      if (isFault(error, 'bad-argument')) return 'wrong' // a data object is missing or has another length than the card used
      throw error
    }
    const once = hex(concat(atc, cryptogram))
    if (account.seen.has(once) || account.seen.has(paidOf(tags))) return 'wrong'
    account.seen.add(once)
    return 'right'
  }

  /** The code in the track of a contactless stripe; the reader's word for the holder's device is in it too. */
  #checkStripe({ facts, seen }: Account, { tags, cvm }: AuthorisationMessage): Check {
    const found = checkStripeCode(facts, tags.get(0x57))
    if (!found || found.device !== (cvm === 'device') || seen.has(onceOf(found))) return 'wrong'
    seen.add(onceOf(found))
    return 'right'
  }

  #checkPin({ facts }: Account, block: PinBlock): Check {
    if (facts.pin === undefined) return 'wrong'
    try {
      return Array.from(this.#clearPin(facts.pan, block)).join('') === facts.pin ? 'right' : 'wrong'
    } catch (error) {
      if (isFault(error, 'bad-argument', 'bad-key')) return 'wrong' // no PIN block comes out: another key, PAN or format
      throw error
    }
  }

  #clearPin(pan: string, { format, data, ksn }: PinBlock): Uint8Array {
    if (format === 4) {
      const transaction = aesTransactionKey(aesInitialKey(this.#pinAesBdk, ksn.subarray(0, 8)), ksn)
      return decipherFormat4(aesWorkingKey(transaction, ksn, 'pinEncryption'), data, pan)
    }
    const clear = decryptEcb(pinKey(transactionKey(initialKey(this.#pinBdk, ksn), ksn)), data)
    return format === 0 ? decodeFormat0(clear, pan) : decodeFormat3(clear, pan)
  }

  /** ARPC and scripts: only to a card that has proved itself. */
  #reply(
    account: Account,
    tags: ReadonlyMap<number, Uint8Array>,
    arqc: Check,
    code: string,
    rules: readonly CheckedRule[],
  ): Pick<Verdict, 'issuerAuthenticationData' | 'scripts'> {
    if (arqc !== 'right') return {}
    const facts = asPresented(account.facts, tags)
    const version = cryptogramVersions[facts.version]
    const session = { atc: tags.get(0x9f36)!, cryptogram: tags.get(0x9f26)!, unpredictable: tags.get(0x9f37)! }
    const keys = keysOf(facts)
    const response = arpcResponse(version, code, approvingCodes.includes(code))
    const arpc = versionArpc(version, keys, session, response)
    if (rules.some(one => one.do === 'wrongArpc')) arpc[0] ^= 0xff
    const scripts = rules.flatMap(one => {
      if (one.do === 'unblockPin') return [script(version, keys, session, '84240000')]
      if (one.do !== 'decline' || !one.script) return []
      return [script(version, keys, session, one.script === 'blockCard' ? '84160000' : '841E0000')]
    })
    return { issuerAuthenticationData: concat(arpc, response), ...(scripts.length > 0 && { scripts }) }
  }
}

function adviceCode(
  message: AuthorisationMessage,
  arqc: Check,
  certified: boolean,
  repeated: string | undefined,
  rules: readonly CheckedRule[],
): readonly [code: string, reason: string] {
  if (rules.some(one => one.do === 'believe')) return ['00', 'approved offline, and believed']
  if (!certified) return [NO_CERTIFICATE, 'no card has approved this: there is no certificate (TC)']
  if (arqc === 'wrong') return ['88', 'the certificate does not match the data, or was seen before']
  if (repeated) return [KEY_USED, repeated]
  const differs = signedOtherwise(message)
  return differs ? [SIGNED_OTHERWISE, differs] : ['00', 'approved offline']
}

/** Minor units of a partial approval: as a rule says, whoever asked; else what the account has, where the app takes a part. Undefined for the whole or nothing. */
function partOf({ balance }: Account, { amount, partial }: AuthorisationMessage, rules: readonly CheckedRule[]): bigint | undefined {
  const rule = rules.find(one => one.do === 'partial')
  const part = rule ? rule.amount : partial ? balance : amount
  return part > 0n && part < amount && part <= balance ? part : undefined
}

/** A payment with a cryptogram that was right: the card's other cryptogram of the same transaction, its certificate after an ARQC, pays for no second one. */
function pay(account: Account, message: AuthorisationMessage, arqc: Check): void {
  book(account, message)
  if (arqc === 'right') account.seen.add(paidOf(message.tags))
}

/** One transaction of a card's, whatever cryptograms it made: its counter and the terminal's unpredictable number. */
function paidOf(tags: ReadonlyMap<number, Uint8Array>): string {
  return `paid ${hex(tags.get(0x9f36) ?? new Uint8Array(0))} ${hex(tags.get(0x9f37) ?? new Uint8Array(0))}`
}

/** Takes the money of a payment, or brings that of a refund. */
function book(account: Account, { type, amount }: AuthorisationMessage): void {
  account.balance += type === 'refund' ? amount : -amount
}

/** Issuer Script Template 2 (72): to be run after the second GENERATE AC (EMV 4.4 Book 3, 10.10). @param head CLA INS P1 P2 */
function script(version: CryptogramVersion, keys: CardKeys, session: Session, head: string): Uint8Array {
  const header = concat(fromHex(head), Uint8Array.of(8))
  const command = concat(header, versionCommandMac(version, keys, session, header))
  return write(0x72, [write(0x9f18, fromHex('00000001')), write(0x86, command)])
}

/** A tap (POS Entry Mode 07) may have a cryptogram version of its own. */
function asPresented(facts: IssuerAccount, tags: ReadonlyMap<number, Uint8Array>): IssuerAccount {
  return tags.get(0x9f39)?.[0] === 0x07 && facts.tap ? { ...facts, ...facts.tap } : facts
}

function keysOf({ masterKeys, pan, psn, version }: IssuerAccount): CardKeys {
  const derive = (key: Uint8Array) => iccMasterKey(key, pan, psn, cryptogramVersions[version].option)
  return { ac: derive(masterKeys.ac), mac: derive(masterKeys.smi), encipherment: derive(masterKeys.smc) }
}

function yymmdd(at: Date): string {
  const two = (number: number) => String(number % 100).padStart(2, '0')
  return two(at.getFullYear()) + two(at.getMonth() + 1) + two(at.getDate())
}
