/** What a merchant and a customer do at a counter with the bench's app, screen by screen: the scenes of the guide, for whoever presses the buttons, in this process or on the page. */

import type { HostRule } from '../../../../simulator/acquirer/host-rule.ts'
import type { AppAnswer, AppPhone, AppScreen } from '../../../../simulator/bench/schema/app.ts'
import type { ProfileName } from '../../../../simulator/cards/profiles/index.ts'
import type { PersonOptions } from '../../../../simulator/person.ts'
import { type Language, type MessageId, message } from '../../../../src/messages/messages.ts'
import type { Seen } from '../../../devices/commands/mpos-words.ts'

/** What stands at the counter when a scene begins. */
export interface Setting {
  /** Nobody comes to the reader when left out. */
  readonly person?: Omit<PersonOptions, 'wallet'>
  /** Who comes to the phone's own field (SoftPOS). */
  readonly atPhone?: Omit<PersonOptions, 'wallet'> & { readonly wallet?: readonly ProfileName[] }
  /** The reader talks to phones only that are paired with it. */
  readonly pairing?: boolean
  readonly rules?: readonly HostRule[]
  readonly battery?: number
  readonly knobs?: readonly string[]
  readonly location?: AppPhone['location']
  /** The app has no reader of the last time: it searches. */
  readonly search?: boolean
  /** Nobody is around. */
  readonly alone?: boolean
  /** A silent host is not asked again. */
  readonly impatient?: boolean
  /** Milliseconds that a result stands on the display. */
  readonly resultTime?: number
}

/** Who plays a scene. */
export interface Face {
  readonly lang: Language
  open(setting: Setting): Promise<void>
  /** A screen of one of these kinds; the last of them offers `action` where it is named. */
  until(kinds: AppScreen['kind'] | readonly AppScreen['kind'][], action?: string): Promise<AppScreen>
  press(action: string, answer?: Pick<AppAnswer, 'fields' | 'strokes'>): Promise<void>
  /** All that was on the screen has these words in it. */
  untilSaid(words: string): Promise<void>
  /** The next person comes. */
  next(person?: Setting['person']): Promise<void>
  phone(phone: AppPhone): Promise<void>
  knob(line: string): Promise<void>
  /** The app is gone, and started again: at once, or after so many milliseconds. */
  kill(after?: number): Promise<void>
  /** The reader is gone. */
  cut(): Promise<void>
  payQr(code: string): Promise<void>
  /** Payments that the host has approved, and not cancelled. */
  approved(): Promise<number>
  /** The customer has seen the result and taken the card. */
  rest(): Promise<void>
  seen(): Promise<Seen>
  close(): Promise<void>
}

type Play = (face: Face) => Promise<void>

const plain = (text: string) => text.replace(/[\ue000-\uf8ff]/g, '')
const words = (face: Face, id: MessageId) =>
  plain(message(id, face.lang))
    .split(/\{\w+\}/)[0]
    .trim()
const must = (now: unknown, wanted: unknown, what: string) => {
  if (now !== wanted) throw new Error(`${what}: ${now}, not ${wanted}`)
}
const STROKES: AppAnswer['strokes'] = [
  [
    [10, 10],
    [60, 40],
    [110, 20],
  ],
  [
    [20, 60],
    [90, 60],
  ],
]

/** An order of this amount is entered; its number where it is one that is known. */
async function order(face: Face, amount: string, number = ''): Promise<void> {
  await face.until('order')
  await face.press('pay', { fields: { number, amount } })
}

async function byReader(face: Face, amount: string): Promise<void> {
  await order(face, amount)
  await face.until('method')
  await face.press('reader')
}

async function sign(face: Face): Promise<void> {
  await face.until('signature')
  await face.press('sign', { strokes: STROKES })
}

const numberOf = ({ rows = [] }: AppScreen): string => rows.find(({ id }) => id === 'screen.number')!.value

const SIGNATURE = { person: { card: 'visa-signature' } } as const

/** Played at a reader: once for each family. */
export const atReader = {
  async pin(face) {
    await face.open({ person: { card: 'mastercard', pins: ['4321', '1234'] }, resultTime: 1500 })
    await byReader(face, '2500.00')
    await signedIfAsked(face)
    must(await face.approved(), 1, 'payments')
    await face.rest()
  },
  async signature(face) {
    await face.open(SIGNATURE)
    await byReader(face, '5000.00')
    await face.until('signature')
    await face.press('clear')
    await face.until('signature')
    await face.press('sign')
    await face.untilSaid(words(face, 'app.signatureEmpty'))
    await sign(face)
    await face.until('result')
    must(await face.approved(), 1, 'payments')
    await face.rest()
  },
  async cross(face) {
    await face.open(SIGNATURE)
    await byReader(face, '5000.00')
    await face.until('signature')
    await face.press('cancel')
    await face.until('result')
    must(await face.approved(), 0, 'payments')
  },
  async tap(face) {
    await face.open({ person: { card: 'mastercard', present: 'tap' } })
    await byReader(face, '2999.99')
    await face.until('result')
    must(await face.approved(), 1, 'payments')
  },
  async stripe(face) {
    await face.open({ person: { card: 'stripe-only', present: 'swipe' } })
    await byReader(face, '2500.00')
    await signedIfAsked(face)
  },
  async decline(face) {
    await face.open({ ...SIGNATURE, rules: [{ do: 'decline', code: '51', reason: 'no money', times: 1 }] })
    await byReader(face, '255.00')
    await signedIfAsked(face, 'retry')
    await face.next(SIGNATURE.person)
    await face.press('retry')
    await face.until('method')
    await face.press('reader')
    await signedIfAsked(face, 'receipt')
    must(await face.approved(), 1, 'payments')
    await face.press('receipt')
    await face.until('receipt')
    await face.press('back')
    const number = numberOf(await face.until('result'))
    await face.press('home')
    await order(face, '255.00', number)
    await face.until('alreadyPaid')
    must(await face.approved(), 1, 'payments')
  },
  async process(face) {
    await face.open({ ...SIGNATURE, rules: [{ do: 'dropAnswer', times: 1 }, { do: 'dropRequest', on: 'status', times: 1 }] }) // biome-ignore format: a line
    await byReader(face, '66.22')
    await signedIfAsked(face)
    must(await face.approved(), 1, 'payments')
  },
  async hangs(face) {
    const rules: HostRule[] = [{ do: 'dropAnswer' }, { do: 'dropRequest', on: ['status', 'reversal'], times: 500 }]
    await face.open({ ...SIGNATURE, rules, impatient: true })
    await byReader(face, '66.22')
    await signedIfAsked(face, 'home', 'inProcess')
    const number = numberOf(await face.until('inProcess'))
    await face.press('home')
    await order(face, '66.22', number)
    await face.until('stillProcessing')
    must(await face.approved(), 1, 'payments')
  },
  async late(face) {
    await face.open({ ...SIGNATURE, rules: [{ do: 'dropAnswer', times: 1 }, { do: 'dropRequest', on: 'status', times: 6 }] }) // biome-ignore format: a line
    await byReader(face, '66.22')
    await signedIfAsked(face, 'receipt')
    must(await face.approved(), 1, 'payments')
  },
  async network(face) {
    await face.open(SIGNATURE)
    await face.phone({ network: 'off' })
    await byReader(face, '66.22')
    await signedIfAsked(face, 'retry')
    await face.phone({ network: 'on' })
    await face.next(SIGNATURE.person)
    await face.press('retry')
    await face.until('method')
    await face.press('reader')
    await signedIfAsked(face, 'receipt')
    must(await face.approved(), 1, 'payments')
  },
  async lost(face) {
    await face.open({})
    await byReader(face, '25.00')
    await face.untilSaid(words(face, 'app.presentCard'))
    await face.cut()
    await face.until('method')
    must(await face.approved(), 0, 'payments')
  },
  async firmware(face) {
    await face.open({ ...SIGNATURE, knobs: ['require 2.0.0', 'charging on'] })
    await byReader(face, '25.00')
    await face.untilSaid(words(face, 'fault.update-required'))
    must(await face.approved(), 0, 'payments')
    const { kind } = await face.until(['firmware', 'method'])
    if (kind === 'method') return // it takes none here
    await face.press('update')
    await signedIfAsked(face)
    must(await face.approved(), 1, 'payments')
  },
  async flat(face) {
    await face.open({ person: {}, battery: 3 })
    await byReader(face, '25.00')
    await face.untilSaid(words(face, 'fault.low-battery'))
    must(await face.approved(), 0, 'payments')
  },
  async low(face) {
    await face.open({ ...SIGNATURE, battery: 12 })
    await byReader(face, '25.00')
    await signedIfAsked(face)
    must(await face.approved(), 1, 'payments')
  },
  async other(face) {
    await face.open({ knobs: ['silent on'] })
    await order(face, '25.00')
    await face.until('method')
    await face.press('reader')
    await face.until('connecting', 'chooseOther')
    await face.press('chooseOther')
    await face.until('found', 'connect')
    await face.press('connect')
    await face.until('connecting', 'chooseOther')
    await face.press('chooseOther')
    await face.until('found', 'cancel')
    await face.press('cancel')
    await face.until('method')
  },
  async choice(face) {
    // Maestro wants a PIN: a reader without a PIN pad declines.
    await face.open({ person: { card: 'mir-maestro', choose: 'Maestro', present: 'dip' } })
    await byReader(face, '25.00')
    await signedIfAsked(face)
  },
  async coBadgedTap(face) {
    await face.open({ person: { card: 'mir-maestro', present: 'tap' } })
    await byReader(face, '25.00')
    await face.until('result')
    must(await face.approved(), 1, 'payments')
  },
  async found(face) {
    await face.open({ ...SIGNATURE, search: true })
    await byReader(face, '25.00')
    await face.until('found', 'connect')
    await face.press('connect')
    await signedIfAsked(face, 'home')
    // The app is started again: the last one by itself, without a question.
    await face.kill(1000)
    await face.next(SIGNATURE.person)
    await byReader(face, '25.00')
    await signedIfAsked(face, 'home')
    must(await face.approved(), 2, 'payments')
    await face.press('home')
    // Let go of, it is the last one no more.
    await face.until('order', 'disconnect')
    await face.press('disconnect')
    await order(face, '25.00', 'the third')
    await face.until('method')
    await face.press('reader')
    await face.until('found', 'cancel')
    await face.press('cancel')
    await face.until('method')
  },
  async pairing(face) {
    await face.open({ ...SIGNATURE, search: true, pairing: true })
    await byReader(face, '25.00')
    for (const answer of ['cancel', 'pair']) {
      await face.until('found', 'connect')
      await face.press('connect')
      await face.until('pairDialog', answer)
      await face.press(answer)
    }
    await signedIfAsked(face, 'home')
    await face.press('home')
    // Once is enough.
    await face.next(SIGNATURE.person)
    await face.until('order', 'disconnect')
    await face.press('disconnect')
    await byReader(face, '25.00')
    await face.until('found', 'connect')
    await face.press('connect')
    await signedIfAsked(face)
    must(await face.approved(), 2, 'payments')
  },
} satisfies Record<string, Play>

/** A card or a reader may ask for a signature, or for the payment system; then the result. */
async function signedIfAsked(face: Face, action?: string, end: 'result' | 'inProcess' = 'result'): Promise<void> {
  for (;;) {
    const { kind } = await face.until(['signature', 'chooseApplication', end], action)
    if (kind === 'chooseApplication') await face.press('application:1')
    else if (kind === 'signature') await face.press('sign', { strokes: STROKES })
    else return
  }
}

/** Where no reader is: once. */
export const withoutReader = {
  async order(face) {
    await face.open({})
    await face.until('order')
    const items = [
      { itemName: 'Компактный фотик', itemQuantity: '2', itemPrice: '1.82', itemDiscount: '' },
      { itemName: 'PowerShot', itemQuantity: '3', itemPrice: '1.16', itemDiscount: '0.12' },
    ]
    for (const fields of items) {
      await face.press('addItem', { fields })
      await face.untilSaid(fields.itemName)
    }
    await face.press('pay', { fields: { email: 'mail@assist.ru', comment: 'до 18:00' } })
    await face.until('method')
  },
  async cash(face) {
    await face.open({})
    await order(face, '8.08')
    await face.until('method')
    await face.press('cash')
    await face.until('change')
    await face.press('confirm', { fields: { received: '5' } })
    await face.untilSaid(plain(message('app.tooLittle', face.lang, { received: '', amount: '' })).replace(/[: ]+$/, ''))
    await face.press('typed', { fields: { received: '10' } })
    await face.untilSaid('1.92')
    await face.press('confirm', { fields: { received: '10' } })
    await face.until('result', 'receipt')
    await face.press('receipt')
    await face.until('receipt', 'print')
    await face.press('print')
  },
  async cashCross(face) {
    await face.open({})
    await order(face, '8.08')
    await face.until('method')
    await face.press('cash')
    await face.until('change')
    await face.press('cancel')
    await face.until('method')
    must(await face.approved(), 0, 'payments')
  },
  async offline(face) {
    await face.open({})
    await face.phone({ network: 'off' })
    await order(face, '10.00')
    await face.until('method')
    await face.press('cash')
    await face.until('change')
    await face.press('confirm')
    await face.until('result')
    must(await face.approved(), 0, 'payments')
    await face.phone({ network: 'on' })
    await face.untilSaid(words(face, 'notice.fiscalised'))
    must(await face.approved(), 1, 'payments')
  },
  async location(face) {
    await face.open({ search: true, location: 'off' })
    await byReader(face, '25.00')
    await face.until('location', 'showMessage')
    await face.press('showMessage')
    await face.until('locationDialog')
    await face.press('ok')
    await face.until('permissionDialog')
    await face.press('deny')
    await face.until('location', 'searchAgain')
    await face.press('searchAgain')
    await face.until('permissionDialog')
    await face.press('allow')
    await face.until('found')
  },
  async nobody(face) {
    await face.open({ search: true, alone: true })
    await byReader(face, '25.00')
    await face.until('noneFound')
    await face.press('searchAgain')
    await face.until('noneFound')
    await face.press('cancel')
    await face.until('method')
  },
  async sbp(face) {
    await face.open({})
    const code = await codeShown(face)
    await face.press('state')
    await face.until('sbp', 'code')
    await face.press('code')
    await face.until('sbp', 'state')
    await face.payQr(code)
    await face.until('result')
    must(await face.approved(), 1, 'payments')
  },
  async sbpInstead(face) {
    await face.open({})
    await codeShown(face)
    await face.press('another')
    await face.until('method')
    await face.press('cash')
    await face.until('change')
    await face.press('confirm')
    await face.until('result')
    must(await face.approved(), 1, 'payments')
  },
  async sbpLater(face) {
    await face.open({})
    const code = await codeShown(face)
    await face.kill()
    await face.until('order')
    await face.payQr(code)
    await face.untilSaid(words(face, 'notice.state'))
    must(await face.approved(), 1, 'payments')
  },
  async threeDays(face) {
    await face.open({})
    await paidWhileAway(face, 4)
    await paidWhileAway(face, 2)
    await face.untilSaid(words(face, 'notice.state'))
    await face.press('orders')
    const { choices = [] } = await face.until('orders')
    // What is due is asked for however old it is.
    const paid = message('state.Approved', face.lang)
    must(choices.map(({ note }) => note).join(', '), `${paid}, ${paid}`, 'the orders')
    must(await face.approved(), 2, 'payments')
    await face.press(choices[0].id)
    await face.until('result', 'refund')
    await face.press('refund')
    await face.until('part', 'back')
    await face.press('back')
    await face.until('result', 'home')
    await face.press('home')
    await face.until('order', 'notifications')
    await face.press('notifications')
    await face.until('notifications', 'back')
  },
  async softpos(face) {
    await face.open({ atPhone: { card: 'mastercard' } })
    await bySoftPos(face, '990.00')
  },
  async softposPin(face) {
    await face.open({ atPhone: { card: 'mastercard', pins: ['1234'] } })
    await bySoftPos(face, '3000.00')
  },
  async softposTorn(face) {
    await face.open({ atPhone: { card: 'mir', pullAt: 3 } })
    await bySoftPos(face, '990.00')
  },
  async softposTwo(face) {
    await face.open({ atPhone: { card: 'dda', wallet: ['mir'] } })
    await bySoftPos(face, '990.00')
  },
  async softposLocked(face) {
    await face.open({ atPhone: { card: 'mastercard', phone: 'locked' } })
    await bySoftPos(face, '3000.00')
  },
} satisfies Record<string, Play>

/** An order whose payment hangs, and is paid while the app is away. */
async function paidWhileAway(face: Face, days: number): Promise<void> {
  const code = await codeShown(face)
  await face.payQr(code)
  await face.kill(days * 86_400_000)
  await face.until('order')
}

/** Paid once with the phone's own field. */
async function bySoftPos(face: Face, amount: string): Promise<void> {
  await order(face, amount)
  await face.until('method')
  await face.press('softpos')
  await signedIfAsked(face)
  must(await face.approved(), 1, 'payments')
  await face.rest()
}

async function codeShown(face: Face): Promise<string> {
  await order(face, '1.00')
  await face.until('method')
  await face.press('sbp')
  const { qr } = await face.until('sbp', 'another')
  return qr!.text
}

const scenes: Readonly<Record<string, Play>> = { ...atReader, ...withoutReader }

/** Plays one scene to its end. @throws Error where it went otherwise than it should */
export async function played(name: string, face: Face): Promise<Seen> {
  try {
    await scenes[name](face)
    return await face.seen()
  } finally {
    await face.close()
  }
}
