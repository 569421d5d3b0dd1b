/** The table of issue 4: amounts, ways to pay and schemes with the verification each must end in; the issuer that answers, and what agrees in every payment. */

import { expect } from 'vitest'
import { Issuer } from '../../../simulator/acquirer/issuer/issuer.ts'
import type { Verdict } from '../../../simulator/acquirer/issuer/verdict.ts'
import type { CheckedRule } from '../../../simulator/acquirer/rules.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { issuerView } from '../../../simulator/cards/issuer-view.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import { VirtualPhone } from '../../../simulator/cards/tap/phone.ts'
import { testPinDukpt } from '../../../simulator/keys.ts'
import type { CardholderScript } from '../../../simulator/readers/body/cardholder.ts'
import { hex } from '../../../src/bytes.ts'
import type { Clock } from '../../../src/clock.ts'
import * as des from '../../../src/crypto/des.ts'
import { DukptDevice, initialKey, pinKey } from '../../../src/crypto/dukpt.ts'
import { encodeFormat0 } from '../../../src/crypto/pin.ts'
import { currency } from '../../../src/currency.ts'
import type { CvmName, Outcome } from '../../../src/emv/outcome.ts'
import type { AuthorisationRequest, AuthorisationResponse, PinEntry, Terminal } from '../../../src/emv/terminal.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import type { AuthorisationMessage } from '../../../src/payment/acquirer.ts'
import { makeReceipt } from '../../../src/payment/receipt/receipt.ts'

export const rub = currency('RUB')
export const schemes = {
  MIR: 'mir',
  Visa: 'dda',
  Mastercard: 'mastercard',
  Amex: 'amex',
  JCB: 'jcb',
  Discover: 'discover',
  UnionPay: 'unionpay',
} as const satisfies Record<string, ProfileName>
/** Kernels that go by the qualifiers of card and terminal, and know no CVM Results. */
const byQualifiers: readonly string[] = ['Visa', 'Discover', 'UnionPay']
export type Scheme = keyof typeof schemes
export type Way = 'tap' | 'phone' | 'chip' | 'swipe'

export interface Row {
  readonly amount: bigint
  readonly way: Way
  readonly scheme: Scheme
}

/** The rows of the table for some ways to pay. */
export function rows(...ways: readonly Way[]): Row[] {
  const amounts = [299_999n, 300_000n, 300_001n, 0n, 99_999_999_999n]
  return amounts.flatMap(amount => ways.flatMap(way => (Object.keys(schemes) as Scheme[]).map(scheme => ({ amount, way, scheme }))))
}

/**
 * What each must end in: contactless verifies from 3000.00 on; a chip goes by its own list, a stripe by its service code, whatever the amount.
 * Below, a phone of Visa or UnionPay tells that its holder has unlocked it; the other kernels do not ask.
 */
export function expectedCvm({ way, amount, scheme }: Row): CvmName {
  if (way === 'chip') return 'onlinePin'
  if (way === 'swipe') return 'signature'
  if (way === 'phone') return amount >= 300_000n || scheme === 'Visa' || scheme === 'UnionPay' ? 'device' : 'none'
  return amount >= 300_000n ? 'onlinePin' : 'none'
}

const presents = { tap: 'tap', phone: 'tap', chip: 'dip', swipe: 'swipe' } as const

/** The same card without a chip: service code 101. */
const stripeOnly = (name: ProfileName): CardProfile => ({ ...profiles[name], serviceCode: '101' })

/** Who pays so, and the card's profile for its issuer. */
export function personOf({ way, scheme }: Row, clock: Clock): { script: Pick<CardholderScript, 'card' | 'present'>; profile: CardProfile } {
  const name = schemes[scheme]
  const profile = way === 'swipe' ? stripeOnly(name) : profiles[name]
  const card = loadCard(profile, { clock })
  return { profile, script: { card: way === 'phone' ? new VirtualPhone(card) : card, present: presents[way] } }
}

export interface Asked extends Verdict {
  readonly request: AuthorisationRequest
}

/** What a request becomes on its way to the host. */
export function messageOf(
  { tags, cvm, interface: through, pinBlock, transaction: { amount, currency: unit } }: AuthorisationRequest,
  at: Date,
): AuthorisationMessage {
  const order = { number: '1', amount, currency: unit }
  const merchant = { name: 'M', id: 'M', terminal: 'T' }
  return {
    key: 'k',
    order,
    merchant,
    type: 'purchase',
    amount,
    currency: unit,
    at,
    tags,
    cvm,
    interface: through,
    ...(pinBlock && { pinBlock }),
  }
}

/** Decides as the card's issuer would, by its rules of the day, and keeps what it was asked. */
export function issuerOf(clock: Clock, issued?: CardProfile, rules: readonly CheckedRule[] = []) {
  const issuer = new Issuer({ balance: 10n ** 13n, ...(issued && { accounts: issuerView(issued) }) })
  const asked: Asked[] = []
  return {
    issuer,
    asked,
    async authorise(request: AuthorisationRequest): Promise<AuthorisationResponse> {
      const message = messageOf(request, new Date(clock.now()))
      const verdict = issuer.authorise(message, issuer.panOf(message), rules)
      asked.push({ request, ...verdict })
      return { type: verdict.code === '00' ? 'approved' : 'declined', ...verdict }
    },
  }
}

/** A PIN entry of the app's, with test keys. */
export function pinEntry(pin: string): NonNullable<Terminal['enterPin']> {
  const keys = new DukptDevice(initialKey(testPinDukpt.bdk, testPinDukpt.ksn), testPinDukpt.ksn)
  return async (request): Promise<PinEntry> => {
    if (request.type === 'offline') throw new Error('an offline PIN was asked for by tap')
    if (pin === 'cancelled') return { type: 'cancelled' }
    const { key, ksn } = keys.next()
    const block = encodeFormat0(Uint8Array.from(pin, Number), request.pan)
    return { type: 'onlinePin', block: { format: 0, ksn, data: des.encryptEcb(pinKey(key), block) } }
  }
}

interface Seen {
  readonly outcome: Outcome
  readonly asked: readonly Asked[]
  readonly shown: readonly (MessageId | undefined)[]
}

/** Approved with the verification of the table, by a cryptogram that holds; and everything agrees. */
export function expectAgreement(row: Row, seen: Seen): void {
  const through = row.way === 'phone' ? 'tap' : row.way
  const cvm = expectedCvm(row)
  expect(seen.outcome).toMatchObject({ result: 'approved', interface: through, cvm, online: true })
  expect(seen.asked).toMatchObject([{ arqc: through === 'swipe' ? 'none' : 'right', pin: cvm === 'onlinePin' ? 'right' : 'none' }])
  expectConsistent(seen, row.amount)
  if (!seen.outcome.tags.has(0x9f34)) expect(through === 'swipe' || byQualifiers.includes(row.scheme)).toBe(true)
}

/** CVM, displays, PIN block, POS entry mode, the host's view and the slip tell the same story of an approved payment. */
export function expectConsistent({ outcome, asked, shown }: Seen, amount: bigint): void {
  const { cvm, interface: through, tags } = outcome
  expect(asked.map(({ request }) => [request.cvm, request.interface])).toEqual(outcome.online ? [[cvm, through]] : [])
  expect(shown.includes('reader.enterPin')).toBe(cvm === 'onlinePin')
  expect(shown).not.toContain('reader.selectApplication' satisfies MessageId)
  expect(outcome.pinBlock !== undefined).toBe(cvm === 'onlinePin')
  const stripe = through === 'tap' && !tags.has(0x9f26)
  expect(hex(tags.get(0x9f39)!)).toBe(stripe ? '91' : { tap: '07', chip: '05', swipe: '90' }[through!])
  if (through !== 'swipe') expect(hex(tags.get(0x9f02)!)).toBe(String(amount).padStart(12, '0'))
  // CVM Results, where the kernel has them: the method (EMV 4.4 Book 3, Annex C3; Book C-2 for the holder's device).
  const results = tags.get(0x9f34)
  if (results && !stripe) expect({ 1: 'device', 2: 'onlinePin', 30: 'signature', 31: 'none', 63: 'none' }[results[0] & 0x3f]).toBe(cvm)
  const order = { number: '1', amount, currency: rub }
  const merchant = { name: 'M', id: 'M', terminal: 'T' }
  const slip = makeReceipt({ merchant, order, result: outcome.result, outcome, at: new Date(0), signed: false })
  expect(slip).toMatchObject({ interface: through, cvm, signatureLine: cvm === 'signature' })
  if (through !== 'swipe' && outcome.application) expect(slip.aid).toBe(hex(outcome.application.aid))
}
