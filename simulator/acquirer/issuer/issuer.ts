/** The card's bank: checks the cryptogram over the data that the terminal sent, the online PIN and the account, and answers with ARPC and scripts. */

import { localTime } from '../../../src/clock.ts'
import type { CvmName } from '../../../src/emv/outcome.ts'
import type { AuthorisationMessage } from '../../../src/payment/acquirer.ts'
import { approvingCodes, PARTIAL } from '../../../src/payment/host/agreement.ts'
import { panOf } from '../../../src/payment/receipt/receipt.ts'
import { cvmOf } from '../../../src/reader/relay.ts'
import { allAccounts, type IssuerAccount } from '../../cards/issuer-view.ts'
import { testPinAesDukpt, testPinDukpt } from '../../keys.ts'
import { KEY_USED, type KeySerialState, KeySerials } from '../key-serials.ts'
import { type Names, names } from '../names.ts'
import type { CheckedRule } from '../rules.ts'
import { openSealed, sealedSerial } from '../sealed.ts'
import { type Account, type AccountState, Accounts, pay } from './accounts.ts'
import { checkPin, isPin, type PinPadKeys } from './pin.ts'
import { checkCryptogram, checkStripe, replyTo } from './proof.ts'
import { isCertificate, NO_CERTIFICATE, SIGNED_OTHERWISE, signedOtherwise } from './signed.ts'
import { openSwipe, swipeSerial } from './swipe.ts'
import { refusalOf } from './tvr.ts'
import type { Check, Verdict } from './verdict.ts'

/** The cards' bank, and the keys that it shares with the readers. */
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

const PIN_TRIES = 3
/** POS Entry Mode (9F39): contactless, magnetic stripe data. */
const CONTACTLESS_STRIPE = 0x91

/** What the bank has seen of a payment when it decides. */
interface Seen extends Readonly<Record<'arqc' | 'pin' | 'stripeCode', Check>> {
  /** What is wrong with the keys that it came under. */
  readonly repeated: string | undefined
}

/** A response code with its sentence. */
type Said = readonly [code: string, reason: string]

export class Issuer {
  readonly #accounts: Accounts
  readonly #keys: PinPadKeys
  readonly #serials = new KeySerials()
  readonly #opening: bigint

  constructor(
    { accounts = allAccounts(), balance = 100_000_000n, pinBdk = testPinDukpt.bdk, pinAesBdk = testPinAesDukpt.bdk }: IssuerOptions = {},
    known: Names = names(),
  ) {
    this.#accounts = new Accounts(accounts, balance, known)
    this.#opening = balance
    this.#keys = { pinBdk, pinAesBdk }
  }

  /** Decides on a payment and takes its money when it approves. `rules` are those of the host that it meets. */
  authorise(sealed: AuthorisationMessage, pan: string | undefined, rules: readonly CheckedRule[]): Verdict {
    const message = openSealed(sealed, this.#keys.pinBdk)
    const account = this.#accounts.ofMessage(message, pan)
    if (!account) return noAccount
    const stripe = message.interface === 'tap' && message.tags.get(0x9f39)?.[0] === CONTACTLESS_STRIPE
    const arqc = message.interface === 'swipe' || stripe ? 'none' : checkCryptogram(account, message.tags)
    const stripeCode = stripe ? checkStripe(account, message) : 'none'
    const repeated = this.#checkSerials(sealed, message, 'authorisation', rules)
    const pin = message.pinBlock ? checkPin(this.#keys, account, message.pinBlock) : 'none'
    const [code, reason] = this.#decide(account, message, { arqc, pin, stripeCode, repeated }, rules)
    const approvedAmount = code === PARTIAL ? partOf(account, message, rules) : undefined
    if (approvingCodes.includes(code)) pay(account, { ...message, amount: approvedAmount ?? message.amount }, arqc === 'right')
    const seen = { arqc, pin, ...(stripe && { stripeCode }), ...(approvedAmount !== undefined && { approvedAmount }) }
    return { account: account.id, code, reason, ...seen, ...replyTo(account, message.tags, { arqc, code }, rules) }
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
    const message = openSealed(sealed, this.#keys.pinBdk)
    const account = this.#accounts.ofMessage(message, pan)
    if (!account) return noAccount
    const striped = message.interface === 'swipe' || message.tags.get(0x9f39)?.[0] === CONTACTLESS_STRIPE
    const arqc = striped ? 'none' : checkCryptogram(account, message.tags)
    const repeated = this.#checkSerials(sealed, message, 'advice', rules)
    const [code, reason] = adviceCode(message, { arqc, repeated, certified: striped ? referred : isCertificate(message) }, rules)
    if (code === '00') pay(account, message, arqc === 'right')
    return { account: account.id, code, reason, arqc, pin: 'none' }
  }

  #decide(account: Account, message: AuthorisationMessage, { arqc, pin, stripeCode, repeated }: Seen, rules: readonly CheckedRule[]): Said {
    for (const one of rules) {
      if (one.do === 'decline') return [one.code, one.reason]
      if (one.do === 'refer') return ['01', one.reason]
    }
    if (arqc === 'wrong') return ['88', 'the cryptogram does not match the data']
    if (repeated) return [KEY_USED, repeated]
    const differs = rules.some(one => one.do === 'believe') ? undefined : signedOtherwise(message)
    if (differs) return [SIGNED_OTHERWISE, differs]
    if (stripeCode === 'wrong') return ['82', 'the dynamic code of the stripe is wrong, or was seen before']
    if (message.interface === 'swipe' && this.#otherStripe(account, message)) return ['14', 'the stripe is not the one that was issued']
    if (localTime(message.at).slice(2, 8) > account.facts.expires) return ['54', 'the card has expired']
    return refusalOf(message.tags.get(0x95), rules) ?? refusedPin(account, pin) ?? byMoney(account, message, rules)
  }

  /** Its expiry or its service code are others. */
  #otherStripe({ facts: { expires, serviceCode } }: Account, { tags }: AuthorisationMessage): boolean {
    const stripe = openSwipe(tags, this.#keys.pinBdk)
    return stripe !== undefined && (stripe.expiry !== expires.slice(0, 4) || stripe.serviceCode !== serviceCode)
  }

  /** What is wrong with the keys of a message's tracks, sealed data and PIN block; they are used from now on. */
  #checkSerials(
    sealed: AuthorisationMessage,
    message: AuthorisationMessage,
    on: 'authorisation' | 'advice',
    rules: readonly CheckedRule[],
  ): string | undefined {
    const swiped = message.interface === 'swipe' && openSwipe(message.tags, this.#keys.pinBdk) && swipeSerial(message.tags)
    const pin = message.pinBlock && this.#opens(message) && message.pinBlock.ksn
    const serials = [message !== sealed && sealedSerial(sealed.tags), swiped, pin].filter(one => one instanceof Uint8Array)
    const payment = message.key.replace(/-voice$/, '')
    const wrong = rules.some(one => one.do === 'believe') ? undefined : this.#serials.wrong(serials, payment, on)
    if (wrong === undefined) this.#serials.take(serials, payment)
    return wrong
  }

  /** A PIN comes out of the block, right or wrong. */
  #opens({ pinBlock, tags }: AuthorisationMessage): boolean {
    const pan = panOf(tags) ?? openSwipe(tags, this.#keys.pinBdk)?.pan
    return pinBlock !== undefined && pan !== undefined && isPin(this.#keys, pan, pinBlock)
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
    const account = this.#accounts.get(id)
    if (account) account.balance += amount
  }

  /** Bonus points of a card, minor units. */
  pointsOf(pan: string): bigint | undefined {
    return this.#accounts.ofPan(pan)?.points
  }

  points(id: string | undefined): bigint {
    return this.#accounts.get(id)?.points ?? 0n
  }

  movePoints(id: string | undefined, amount: bigint): void {
    const account = this.#accounts.get(id)
    if (account) account.points += amount
  }

  /** What is left on an account; nothing on one that is not known. */
  balanceOf(id: string | undefined): bigint {
    return this.#accounts.get(id)?.balance ?? 0n
  }

  state(id: string | undefined): AccountState | undefined {
    return this.#accounts.state(id)
  }

  /** Accounts as they were kept; those that are not known any more are passed over. */
  restore(states: readonly AccountState[]): void {
    this.#accounts.restore(states)
  }

  /** The card number of a payment: of the chip's data, or of the tracks that the reader enciphered. */
  panOf(message: AuthorisationMessage): string | undefined {
    const { tags, interface: through } = openSealed(message, this.#keys.pinBdk)
    return panOf(tags) ?? (through === 'swipe' ? openSwipe(tags, this.#keys.pinBdk)?.pan : undefined)
  }

  /** How the cardholder was verified: as the message tells, else as the data tell that only we can open. */
  cvmOf(message: AuthorisationMessage): CvmName | undefined {
    const { cvm, tags, pinBlock, interface: by } = openSealed(message, this.#keys.pinBdk)
    return cvm ?? cvmOf({ tags, pinBlock, by })
  }

  /** Opens accounts for a card that is new to the bank, or was issued anew. @param balance minor units; those that it begins with when left out */
  issue(accounts: readonly IssuerAccount[], balance = this.#opening): void {
    this.#accounts.open(accounts, balance)
  }

  /** Minor units on every account of a card. */
  fill(pan: string, balance: bigint): void {
    this.#accounts.fill(pan, balance)
  }

  /** Wrong PINs of a card are forgotten. */
  forgive(pan: string): void {
    this.#accounts.forgive(pan)
  }

  /** Wrong PINs in a row of a card. */
  pinFailures(pan: string): number {
    return this.#accounts.pinFailures(pan)
  }

  /** Every account, as `restore` takes it. */
  get states(): readonly AccountState[] {
    return this.#accounts.states
  }

  /** What is left on the account, minor units. */
  balance(pan: string): bigint | undefined {
    return this.#accounts.ofPan(pan)?.balance
  }
}

const noAccount: Verdict = { code: '14', reason: 'no account has this card number', arqc: 'none', pin: 'none' }

function refusedPin(account: Account, pin: Check): Said | undefined {
  const tooMany = ['75', 'too many wrong PINs'] as const
  if (account.pinFailures >= PIN_TRIES) return tooMany
  if (pin === 'right') account.pinFailures = 0
  if (pin !== 'wrong') return undefined
  account.pinFailures++
  return account.pinFailures >= PIN_TRIES ? tooMany : ['55', 'the PIN is wrong']
}

function byMoney(account: Account, message: AuthorisationMessage, rules: readonly CheckedRule[]): Said {
  if (message.type === 'refund') return ['00', 'approved']
  const part = partOf(account, message, rules)
  if (part !== undefined) return [PARTIAL, 'a part is approved']
  return message.amount > account.balance ? ['51', 'not enough money on the account'] : ['00', 'approved']
}

function adviceCode(
  message: AuthorisationMessage,
  { arqc, repeated, certified }: Pick<Seen, 'arqc' | 'repeated'> & { readonly certified: boolean },
  rules: readonly CheckedRule[],
): Said {
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
