/** The payloads of doTrade (16 20): what the host asks when it waits for a card, and what the reader tells of the card. */

import { concat, equal, fromHex, fromText, fromUint, hex, text, toBcd } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import { Fields, known, lv, optionalLvs } from './codec-fields.ts'

/** Which interfaces a card may use, by the vendor's CardTradeMode; `fallback`: a chip card may be swiped; `flipKey`: for readers with one. */
export interface CardMode {
  readonly interfaces: readonly ('chip' | 'tap' | 'swipe')[]
  readonly fallback: boolean
  readonly flipKey: boolean
}
export const cardModes: Readonly<Record<number, CardMode>> = {
  1: { interfaces: ['chip'], fallback: false, flipKey: false },
  2: { interfaces: ['swipe'], fallback: false, flipKey: false },
  3: { interfaces: ['swipe', 'tap', 'chip'], fallback: true, flipKey: true },
  4: { interfaces: ['swipe', 'tap', 'chip'], fallback: false, flipKey: true },
  5: { interfaces: ['swipe', 'chip'], fallback: true, flipKey: false },
  6: { interfaces: ['swipe', 'chip'], fallback: false, flipKey: false },
  7: { interfaces: ['tap'], fallback: false, flipKey: false },
  8: { interfaces: ['swipe', 'tap', 'chip'], fallback: true, flipKey: false },
  9: { interfaces: ['swipe', 'tap', 'chip'], fallback: false, flipKey: false },
  10: { interfaces: ['tap', 'chip'], fallback: false, flipKey: false },
  11: { interfaces: ['tap', 'chip'], fallback: false, flipKey: true },
  12: { interfaces: ['swipe', 'tap', 'chip'], fallback: true, flipKey: true },
}

/** The vendor's TransactionType codes that EMV transaction types map to. */
export const tradeTypes = { goods: 0x01, cash: 0x03, cashback: 0x04, refund: 0x14 } as const

export interface TradeRequest {
  /** Minor units in decimal digits; empty where none is shown. */
  readonly amount: string
  /** Key of `cardModes`. */
  readonly cardMode: number
  readonly amountIcon: Uint8Array
  /** 0 common, 1 check card without PIN, 3 debit or credit. */
  readonly tradeMode: number
  /** Local time, 14 digits yyyyMMddHHmmss. */
  readonly time: string
  readonly random: Uint8Array
  readonly extra: Uint8Array
  /** Group of keys, 0–9. */
  readonly keyIndex: number
  readonly inputAmount: boolean
  readonly displayAmount: boolean
  /** One of `tradeTypes`, or another code of the vendor's. */
  readonly tradeType: number
  /** ISO 4217 numeric. */
  readonly currency: number
  readonly customDisplay: Uint8Array
  readonly formatId: Uint8Array
  readonly batchId: Uint8Array
  readonly decimalPoint: Uint8Array
  readonly saveLog: Uint8Array
  readonly returnPan: Uint8Array
  readonly panSalt: Uint8Array
  /** What newer versions put before the MAC (amount description, flag tags), as it came. */
  readonly more: Uint8Array
}

const none = new Uint8Array(0)

/** A request with the vendor demo's values where none is given. */
export function tradeRequest(fields: Pick<TradeRequest, 'amount' | 'time' | 'currency'> & Partial<TradeRequest>): TradeRequest {
  return {
    cardMode: 3,
    amountIcon: none,
    tradeMode: 0,
    random: none,
    extra: none,
    keyIndex: 0,
    inputAmount: false,
    displayAmount: true,
    tradeType: tradeTypes.goods,
    customDisplay: none,
    formatId: none,
    batchId: none,
    decimalPoint: none,
    saveLog: none,
    returnPan: Uint8Array.of(0),
    panSalt: fromText('141217'),
    more: none,
    ...fields,
  }
}

/** The 8 bytes at the end of a doTrade request: the XOR of its 8-byte blocks, zero padded. The vendor calls it MAC; no key is in it. */
export function xorFold(bytes: Uint8Array): Uint8Array {
  const fold = new Uint8Array(8)
  bytes.forEach((byte, i) => {
    fold[i % 8] ^= byte
  })
  return fold
}

/** @throws Fault `bad-argument` */
export function encodeTradeRequest(request: TradeRequest): Uint8Array {
  const { amount, time, currency, keyIndex } = request
  if (!/^\d{0,12}$/.test(amount)) throw new Fault('bad-argument', `amount '${amount}' is not up to 12 digits`, { field: 'amount' })
  if (!/^\d{14}$/.test(time)) throw new Fault('bad-argument', `time '${time}' is not yyyyMMddHHmmss`, { field: 'time' })
  if (!Number.isInteger(keyIndex) || keyIndex < 0 || keyIndex > 9)
    throw new Fault('bad-argument', `key index ${keyIndex} is not 0–9`, { field: 'keyIndex' })
  const body = concat(
    lv(fromText(amount), 'amount'),
    fromUint(request.cardMode, 1),
    lv(request.amountIcon, 'amountIcon'),
    fromUint(request.tradeMode, 1),
    lv(fromHex(time), 'time'),
    lv(request.random, 'random'),
    lv(request.extra, 'extra'),
    Uint8Array.of(keyIndex, request.inputAmount ? 1 : 0, request.displayAmount ? 1 : 0),
    fromUint(request.tradeType, 1),
    toBcd(currency, 2),
    lv(request.customDisplay, 'customDisplay'),
    lv(request.formatId, 'formatId'),
    lv(request.batchId, 'batchId'),
    lv(request.decimalPoint, 'decimalPoint'),
    lv(request.saveLog, 'saveLog'),
    lv(request.returnPan, 'returnPan'),
    lv(request.panSalt, 'panSalt'),
    request.more,
  )
  return concat(body, xorFold(body))
}

/** @throws Fault `protocol` on a wrong check, or where a field is cut off */
export function decodeTradeRequest(data: Uint8Array): TradeRequest {
  const body = data.subarray(0, -8)
  if (data.length < 8 || !equal(xorFold(body), data.subarray(-8)))
    throw new Fault('protocol', 'doTrade request: the 8-byte check is wrong', { field: 'mac' })
  const fields = new Fields(body, 'doTrade request')
  return {
    amount: text(fields.lv('amount')),
    cardMode: fields.byte('cardMode'),
    amountIcon: fields.lv('amountIcon'),
    tradeMode: fields.byte('tradeMode'),
    time: hex(fields.lv('time')),
    random: fields.lv('random'),
    extra: fields.lv('extra'),
    keyIndex: fields.byte('keyIndex'),
    inputAmount: fields.byte('inputAmount') !== 0,
    displayAmount: fields.byte('displayAmount') !== 0,
    tradeType: fields.byte('tradeType'),
    currency: Number(hex(fields.take(2, 'currency'))),
    customDisplay: fields.lv('customDisplay'),
    formatId: fields.lv('formatId'),
    batchId: fields.lv('batchId'),
    decimalPoint: fields.lv('decimalPoint'),
    saveLog: fields.lv('saveLog'),
    returnPan: fields.lv('returnPan'),
    panSalt: fields.lv('panSalt'),
    more: fields.rest(),
  }
}

/** What the reader tells of a swiped or tapped card. Tracks are encrypted; a field that is empty on the wire is left out. */
export interface CardData {
  readonly encTrack1?: Uint8Array
  readonly encTrack2?: Uint8Array
  readonly encTrack3?: Uint8Array
  readonly formatId: string
  /** First six and last four digits at most, X between. */
  readonly maskedPan: string
  /** YYMM. */
  readonly expiry: string
  readonly serviceCode: string
  readonly cardholderName: string
  readonly pinBlock?: Uint8Array
  readonly trackKsn?: Uint8Array
  readonly pinKsn?: Uint8Array
  readonly trackRandom?: Uint8Array
  readonly pinRandom?: Uint8Array
  readonly psamNo?: Uint8Array
  /** Lengths of tracks 1–3 before encryption. */
  readonly trackLengths?: readonly [number, number, number]
  readonly encPan?: Uint8Array
  /** What follows the known fields, as it came. */
  readonly more?: Uint8Array
}

/** data[0] of a doTrade answer. */
const answers = {
  swipe: 0x00,
  chip: 0x01,
  tapApplications: 0x02,
  tapOnline: 0x03,
  tapOffline: 0x04,
  tapDeclined: 0x05,
  pinRequest: 0x31,
} as const
type WithCard = 'swipe' | 'tapOnline' | 'tapOffline'

/** `reserved` is data[1], of unknown meaning; `data` what follows it. */
export type TradeAnswer =
  | { readonly type: WithCard; readonly reserved: number; readonly card: CardData }
  | { readonly type: Exclude<keyof typeof answers, WithCard>; readonly reserved: number; readonly data: Uint8Array }

const withCard = (type: keyof typeof answers): type is WithCard => type === 'swipe' || type === 'tapOnline' || type === 'tapOffline'

/** @throws Fault `bad-argument` */
export function encodeTradeAnswer(answer: TradeAnswer): Uint8Array {
  const start = concat(Uint8Array.of(answers[answer.type]), fromUint(answer.reserved, 1))
  return concat(start, 'card' in answer ? encodeCardData(answer.card) : answer.data)
}

/** @throws Fault `protocol` on an unknown kind, or where a field is cut off */
export function decodeTradeAnswer(data: Uint8Array): TradeAnswer {
  const fields = new Fields(data, 'doTrade answer')
  const kind = fields.byte('kind')
  const type = (Object.keys(answers) as (keyof typeof answers)[]).find(name => answers[name] === kind)
  if (!type) throw new Fault('protocol', `doTrade answer: kind ${hex(Uint8Array.of(kind))} is unknown`, { field: 'kind', kind })
  const reserved = fields.left > 0 ? fields.byte('reserved') : 0
  return withCard(type) ? { type, reserved, card: readCardData(fields) } : { type, reserved, data: fields.rest() }
}

function encodeCardData(card: CardData): Uint8Array {
  const { trackLengths, encPan, more } = card
  const tail: Uint8Array[] = []
  if (trackLengths || encPan || more) {
    tail.push(Uint8Array.from(trackLengths ?? [0, 0, 0]))
    if (encPan || more) tail.push(lv(encPan ?? none, 'encPan'), more ?? none)
  }
  const optional = [
    ['trackRandom', card.trackRandom],
    ['pinRandom', card.pinRandom ?? (card.trackRandom && none)], // the two come together
    ['psamNo', card.psamNo ?? (tail.length > 0 ? none : undefined)],
  ] as const
  return concat(
    lv(card.encTrack1 ?? none, 'encTrack1'),
    lv(card.encTrack2 ?? none, 'encTrack2'),
    lv(card.encTrack3 ?? none, 'encTrack3'),
    lv(fromText(card.formatId), 'formatId'),
    lv(fromText(card.maskedPan), 'maskedPan'),
    lv(fromText(card.expiry), 'expiry'),
    lv(fromText(card.serviceCode), 'serviceCode'),
    lv(fromText(card.cardholderName), 'cardholderName'),
    lv(card.pinBlock ?? none, 'pinBlock'),
    lv(card.trackKsn ?? none, 'trackKsn'),
    lv(card.pinKsn ?? none, 'pinKsn'),
    optionalLvs(optional),
    ...tail,
  )
}

function readCardData(fields: Fields): CardData {
  return known({
    encTrack1: given(fields.lv('encTrack1')),
    encTrack2: given(fields.lv('encTrack2')),
    encTrack3: given(fields.lv('encTrack3')),
    formatId: text(fields.lv('formatId')),
    maskedPan: text(fields.lv('maskedPan')),
    expiry: text(fields.lv('expiry')),
    serviceCode: text(fields.lv('serviceCode')),
    cardholderName: text(fields.lv('cardholderName')),
    pinBlock: given(fields.lv('pinBlock')),
    trackKsn: given(fields.lv('trackKsn')),
    pinKsn: given(fields.lv('pinKsn')),
    trackRandom: fields.optional('trackRandom'),
    pinRandom: fields.optional('pinRandom'),
    psamNo: fields.optional('psamNo'),
    trackLengths: fields.left > 0 ? ([...fields.take(3, 'trackLengths')] as unknown as [number, number, number]) : undefined,
    encPan: fields.optional('encPan'),
    more: fields.left > 0 ? fields.rest() : undefined,
  })
}

function given(value: Uint8Array): Uint8Array | undefined {
  return value.length > 0 ? value : undefined
}
