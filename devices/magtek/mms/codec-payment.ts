/** The payloads of an MMS payment: start (1001), selection (1803, 1802), the host's answer (1004), what is told (0101, 0105), and properties (D101). */

import { concat, fromBcd, fromText, fromUint, text, toBcd, uint } from '../../../src/bytes.ts'
import { Fault, isFault } from '../../../src/errors.ts'
import { isConstructed, write } from '../../../src/tlv/ber.ts'
import { encodeHostAnswer, type HostData, objects } from '../codec-data.ts'
import { mmsCommands, payloadOf, readPayload } from './codec.ts'

export interface MmsStart {
  /** Seconds that the cardholder may take for each thing. */
  readonly timeout: number
  readonly swipe: boolean
  readonly chip: boolean
  readonly tap: boolean
  /** Minor units. */
  readonly amount: bigint
  readonly cashback: bigint
  /** EMV 9C. */
  readonly transactionType: number
  /** ISO 4217 numeric. */
  readonly currency: number
  /** The reader ends with the ARQC and answers the card itself. */
  readonly quickChip: boolean
}

/** Transaction options, second byte: quick chip, and the only response format there is ("DynaPro"). */
const QUICK_CHIP = 0x01
const RESPONSE_FORMAT = 0x02

const byte = (tag: number, value: number | boolean) => write(tag, Uint8Array.of(Number(value)))

/** @throws Fault `bad-argument` */
export function encodeMmsStart(start: MmsStart): Uint8Array {
  const { timeout, swipe, chip, tap, amount, cashback, transactionType, currency, quickChip } = start
  return payloadOf(
    mmsCommands.start,
    write(0x82, fromUint(timeout, 1)),
    write(0xa3, [byte(0x81, swipe), byte(0x82, chip), byte(0x83, tap)]),
    write(0x84, Uint8Array.of(0, RESPONSE_FORMAT | (quickChip ? QUICK_CHIP : 0))),
    write(0x86, [
      write(0x9c, fromUint(transactionType, 1)),
      write(0x9f02, toBcd(amount, 6)),
      write(0x9f03, toBcd(cashback, 6)),
      write(0x5f2a, toBcd(currency, 2)),
    ]),
  )
}

/** @throws Fault `protocol` */
export function decodeMmsStart(payload: Uint8Array): MmsStart {
  const given = readPayload({ id: mmsCommands.start, payload })
  const readers = mapOf(given.get(0xa3))
  const transaction = mapOf(given.get(0x86))
  // A reader mode is 01 where nothing is said of it (D100005000, Table 68).
  const on = (tag: number) => ((readers.get(tag)?.[0] ?? 1) & 0x01) !== 0
  const amount = number(transaction.get(0x9f02))
  if (amount === undefined) throw new Fault('protocol', 'start: no amount in 9F02')
  return {
    timeout: given.get(0x82)?.[0] ?? 0,
    ...{ swipe: on(0x81), chip: on(0x82), tap: on(0x83) },
    amount,
    cashback: number(transaction.get(0x9f03)) ?? 0n,
    transactionType: transaction.get(0x9c)?.[0] ?? 0,
    currency: Number(number(transaction.get(0x5f2a)) ?? 0n),
    quickChip: ((given.get(0x84)?.[1] ?? QUICK_CHIP) & QUICK_CHIP) !== 0,
  }
}

function mapOf(bytes: Uint8Array | undefined): Map<number, Uint8Array> {
  return new Map(objects(bytes ?? new Uint8Array(0)).map(({ tag, value }) => [tag, value.slice()]))
}

function number(bcd: Uint8Array | undefined): bigint | undefined {
  return bcd && fromBcd(bcd)
}

/** Resume: the host's answer to the chip. */
export function encodeResume(answer: HostData, serial: Uint8Array): Uint8Array {
  return payloadOf(mmsCommands.resume, byte(0x81, 0), write(0x84, encodeHostAnswer(answer, serial)))
}

/** What the reader asks to be shown (1803); `items` to choose from, where it is a selection. */
export interface UiRequest {
  /** Seconds that it waits for a choice. */
  readonly seconds: number
  readonly lines: readonly string[]
}

/** 81 seconds, 82 clear the display, 83 lines that end with LF or 00. */
export function encodeUi({ seconds, lines }: UiRequest): Uint8Array {
  return payloadOf(mmsCommands.display, byte(0x81, seconds), byte(0x82, 1), write(0x83, fromText(`${lines.join('\n')}\0`)))
}

/** @throws Fault `protocol` */
export function decodeUi(payload: Uint8Array): UiRequest {
  const given = readPayload({ id: mmsCommands.display, payload })
  const lines = text(given.get(0x83) ?? new Uint8Array(0)).split(/[\0\n]/)
  if (lines.at(-1) === '') lines.pop()
  return { seconds: given.get(0x81)?.[0] ?? 0, lines }
}

/** What a host may have on the reader's display (1803): numbers of the vendor's own strings (DynaFlex Family Programmer's Manual, Display Strings). */
export const displayStrings: Readonly<Record<number, string>> = {
  ...{ 3: 'APPROVED', 4: 'CALL YOUR BANK', 6: 'CARD ERROR', 7: 'DECLINED', 11: 'INSERT CARD', 12: 'NOT ACCEPTED', 14: 'PLEASE WAIT' },
  ...{ 15: 'PROCESSING ERROR', 16: 'REMOVE CARD', 17: 'USE CHIP READER', 18: 'USE MAGSTRIPE', 19: 'TRY AGAIN', 20: 'WELCOME' },
  ...{ 21: 'PRESENT CARD', 22: 'PROCESSING', 23: 'CARD READ OK - REMOVE CARD', 24: 'INSERT OR SWIPE CARD', 25: 'PRESENT ONE CARD ONLY' },
  ...{ 26: 'APPROVED PLEASE SIGN', 27: 'AUTHORIZING PLEASE WAIT', 28: 'INSERT, SWIPE, OR TRY ANOTHER CARD', 29: 'PLEASE INSERT CARD' },
  ...{ 32: 'SEE PHONE', 33: 'PRESENT CARD AGAIN' },
}
const WELCOME = 20

/** 81 seconds that it stands there, 0 until something else does; 82 its number. @throws Fault `bad-argument` for a text that is none of them */
export function encodeShow({ seconds, text: words }: { readonly seconds: number; readonly text: string }): Uint8Array {
  const id = Object.keys(displayStrings).find(one => displayStrings[Number(one)] === words)
  if (id === undefined) throw new Fault('bad-argument', `'${words}' is none of the reader's texts`, { field: 'text' })
  return payloadOf(mmsCommands.display, byte(0x81, seconds), byte(0x82, Number(id)))
}

/** @throws Fault `protocol` for a number that is none of them */
export function decodeShow(payload: Uint8Array): { readonly seconds: number; readonly text: string } {
  const given = readPayload({ id: mmsCommands.display, payload })
  const id = given.get(0x82)?.[0] ?? WELCOME
  const words = displayStrings[id]
  if (words === undefined) throw new Fault('protocol', `display: the message ${id} is none`)
  return { seconds: given.get(0x81)?.[0] ?? 0, text: words }
}

/** A choice is a title and lines of `<number> - <label>`; the numbers are not part of the labels. */
export function selectionLines(title: string, labels: readonly string[]): string[] {
  return [title, ...labels.map((label, at) => `${at + 1} - ${label}`)]
}

export function labelsOf(lines: readonly string[]): string[] {
  return lines.slice(1).map(line => line.replace(/^\d+ - /, ''))
}

/** `index` from 0, where something was chosen. */
export function encodeReport(status: number, index?: number): Uint8Array {
  return payloadOf(mmsCommands.reportSelection, byte(0x81, status), ...(index === undefined ? [] : [byte(0x82, index)]))
}

/** ARQC and batch, as `decodeEmvData` reads them. @throws Fault `protocol` */
export function emvDataOf(payload: Uint8Array | undefined, id: number): Uint8Array {
  const blob = readPayload({ id, ...(payload && { payload }) }).get(0x84)
  if (!blob) throw new Fault('protocol', 'a transaction notification without its data (84)')
  return blob
}

/** Notification 0101 and 0105: payment technology, reason, detail, extra. */
export const technologies = { none: 0x00, stripe: 0x08, chip: 0x10, tap: 0x20 } as const
export const infoDetails = {
  swiped: 0x010100,
  inserted: 0x010200,
  removed: 0x010300,
  detected: 0x010400,
  collision: 0x010500,
  pinPadError: 0x020601,
  pinBlockError: 0x020602,
  arqc: 0x080202,
  batch: 0x080302,
} as const
/** First two bytes of what a transaction came to; the third is about a signature or a fallback. */
export const endDetails = {
  timeout: 0x0100,
  none: 0x0200,
  tryAnotherInterface: 0x0201,
  offlineApproved: 0x0202,
  offlineDeclined: 0x0203,
  offlineFailed: 0x0204,
  offlineNotAccepted: 0x0205,
  approved: 0x0206,
  quickChip: 0x0207,
  failed: 0x0208,
  notAccepted: 0x0209,
  cancelled: 0x020a,
  endApplication: 0x020f,
  declined: 0x0280,
  hostCancelled: 0x0301,
  userCancelled: 0x0302,
  cardReadError: 0x0305,
  completedDeclined: 0x0407,
} as const
export const endExtras = { none: 0x00, signature: 0x01, technicalFallback: 0x02, stripeFallback: 0x03 } as const

/** Numbers of a property's path, the first one apart: 2.2.1.1.1.1 is the serial number. */
export const mmsProperties = { serial: [2, 2, 1, 1, 1, 1], product: [2, 1, 2, 2, 2, 1], firmware: [2, 1, 2, 2, 2, 2] } as const

/** MagTek's number of companies in object identifiers, as the vendor's demonstrations send it. */
const COMPANY = [0x2b, 0x06, 0x01, 0x04, 0x01, 0xf6, 0x09]

/** The rest of a path as nested objects: E<n> around C<n>, which is empty when it is asked for. */
export function propertyTree(path: readonly number[], value: Uint8Array = new Uint8Array(0)): Uint8Array {
  const [last, ...around] = path.slice(1).reverse()
  return around.reduce((inner, n) => write(0xe0 | n, inner), write(0xc0 | last, value))
}

export function encodeGetProperty(path: readonly number[]): Uint8Array {
  return payloadOf(mmsCommands.getProperty, write(0x81, Uint8Array.from(COMPANY)), byte(0x85, path[0]), write(0x89, propertyTree(path)))
}

/** The path that is asked for, whole or split (87 has the numbers in front of 89). @throws Fault `protocol` */
export function decodeGetProperty(payload: Uint8Array): {
  readonly path: readonly number[]
  readonly given: ReadonlyMap<number, Uint8Array>
} {
  const given = readPayload({ id: mmsCommands.getProperty, payload })
  const path = [given.get(0x85)?.[0] ?? 0, ...(given.get(0x87) ?? [])]
  for (let rest: Uint8Array | undefined = given.get(0x89); rest?.length; ) {
    const [one] = objects(rest)
    path.push(one.tag & 0x1f)
    rest = isConstructed(one.tag) ? one.value : undefined
  }
  return { path, given }
}

/** The value of the one property that was asked for. @throws Fault `protocol` */
export function propertyOf(payload: Uint8Array | undefined, path: readonly number[]): Uint8Array {
  const given = readPayload({ id: mmsCommands.getProperty, ...(payload && { payload }) })
  const [last, ...around] = path.slice(1 + (given.get(0x87)?.length ?? 0)).reverse()
  let tree = given.get(0x89) ?? new Uint8Array(0)
  for (const n of around.reverse()) tree = branchOf(tree, 0xe0 | n, path)
  return branchOf(tree, 0xc0 | last, path).slice()
}

function branchOf(tree: Uint8Array, wanted: number, path: readonly number[]): Uint8Array {
  const found = objects(tree).find(({ tag }) => tag === wanted)
  if (!found) throw new Fault('protocol', `the reader does not tell its property ${path.join('.')}`)
  return found.value
}

/** Text of a property, without the zeros that fill it. */
export function propertyText(value: Uint8Array): string {
  return text(value).replace(/\0+$/, '')
}

/** Firmware image (D801) and its taking into use (D901). */
export interface FirmwareLoad {
  /** `imageTypes`. */
  readonly image: number
  readonly hash: Uint8Array
  readonly content: Uint8Array
}

/** As the vendor's examples and tables have them (D100005000, D801). */
export const imageTypes = { bootLoader: 0x0000, main: 0x0001, wifi: 0x0002, bluetooth: 0x0003 } as const

export function encodeLoad({ image, hash, content }: FirmwareLoad): Uint8Array {
  return payloadOf(mmsCommands.loadFirmware, byte(0x81, 3), write(0x85, fromUint(image, 2)), write(0x86, hash), write(0x87, content))
}

export function encodeCommit({ image, hash }: Omit<FirmwareLoad, 'content'>): Uint8Array {
  return payloadOf(mmsCommands.commitFirmware, byte(0x81, 3), byte(0x82, 0), write(0x85, fromUint(image, 2)), write(0x86, hash))
}

/** @throws Fault `protocol` */
export function decodeFirmware(id: number, payload: Uint8Array): FirmwareLoad {
  const given = readPayload({ id, payload })
  const image = given.get(0x85)
  return {
    image: image?.length === 2 ? uint(image) : -1,
    hash: given.get(0x86) ?? new Uint8Array(0),
    content: given.get(0x87) ?? new Uint8Array(0),
  }
}

/** An echo is answered with what it said. */
export function encodeEcho(data: Uint8Array): Uint8Array {
  return payloadOf(mmsCommands.echo, write(0x81, data))
}

/** What a property answer holds: the fields of the question, and the tree with its values. */
export function encodePropertyAnswer(given: ReadonlyMap<number, Uint8Array>, tree: Uint8Array): Uint8Array {
  const same = [0x81, 0x82, 0x85, 0x87].flatMap(tag => {
    const value = given.get(tag)
    return value ? [write(tag, value)] : []
  })
  return payloadOf(mmsCommands.getProperty, concat(...same), write(0x89, tree))
}

/** A tag of ours for what no public source tells of the answer to 1014. */
const STATE = 0xdfd170
const WAITING_FOR_HOST = 1

export function encodeTransactionStatus(waitingForHost: boolean): Uint8Array {
  return payloadOf(mmsCommands.transactionStatus, write(STATE, Uint8Array.of(waitingForHost ? WAITING_FOR_HOST : 0)))
}

/** The virtual reader's word; any other answer says nothing of it. */
export function isWaitingForHost(payload: Uint8Array): boolean {
  try {
    return readPayload({ id: mmsCommands.transactionStatus, payload }).get(STATE)?.[0] === WAITING_FOR_HOST
  } catch (error) {
    if (isFault(error, 'tlv', 'protocol')) return false
    throw error
  }
}
