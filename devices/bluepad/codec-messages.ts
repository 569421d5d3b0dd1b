/** The layouts of MPED messages: one row for each, by the side that says it (handpoint/HandpointSDK-iOS, RequestCommand and ResponseCommand). */

import { concat, fromUint, hex, text, toBcd } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import { counted, type Fields, fromUtf8, utf8 } from './codec-fields.ts'

/** A message by its command: four characters, of which the last is 0 for a request and 1 for an answer or an event. */
export interface Row<F> {
  readonly id: string
  readonly write: (fields: F) => Uint8Array
  /** Throws a Fault where the data is not of this layout. */
  readonly read: (data: Fields) => F
}

/** Command and length; an answer or event has a status between them. */
export const HEAD = 10
export const STATUS = 4

/** A request is told from an answer or event by the last character of its command. */
export function isAnswer(command: string): boolean {
  return command.endsWith('1')
}

/** How long the payload that begins so is to be; undefined where its head says nothing of the kind. */
export function payloadLength(head: Uint8Array): number | undefined {
  const own = HEAD + (isAnswer(text(head.subarray(0, 4))) ? STATUS : 0)
  const digits = text(head.subarray(own - 6, own))
  return /^[0-9A-Fa-f]{6}$/.test(digits) ? own + Number.parseInt(digits, 16) : undefined
}

export interface Finance {
  /** ISO 4217 numeric code. */
  readonly currency: number
  /** Minor units, up to 4294967295. */
  readonly amount: number
  readonly cardPresent: boolean
  /** The payment that is voided, or refunded; empty where none is. */
  readonly transactionId: string
  /** `FinancialTransactionRequest`; empty where there is nothing more to say. */
  readonly xml: string
}

export interface InitAnswer {
  /** The largest frame that the reader takes. */
  readonly bufferSize: number
  /** 12 digits. */
  readonly serial: string
  readonly publicKeyVersion: number
  readonly emvVersion: number
  readonly generalVersion: number
  readonly manufacturer: number
  readonly model: number
  /** Up to 8 characters, blanks or zeros behind them. */
  readonly application: string
  readonly applicationVersion: number
  readonly xml: string
}

export interface FinanceAnswer {
  /** Key of `financialStatus`, with `DEVICE_RESET` added where the reader restarts. */
  readonly financial: number
  /** Minor units. */
  readonly amount: number
  readonly transactionId: string
  readonly merchantReceipt: string
  readonly customerReceipt: string
  /** `FinancialTransactionResponse`. */
  readonly xml: string
}

/** Undefined where the answer has no data: it tells of a failure in its status. */
type Optional<F> = { readonly answer: F | undefined }
type Xml = { readonly xml: string }
type Data = { readonly data: Uint8Array }
type Nothing = unknown
type Status = { readonly status: number }

export interface HostRequests {
  /** Date and time of the terminal as yyyyMMddHHmmss; `InitRequest` or empty. */
  init: { readonly at: string } & Xml
  /** Also cancels what is under way: then it is sent without waiting for an ACK. */
  idle: Nothing
  command: Xml
  startParameters: Data
  parameterData: Data
  endParameters: Data
  /** Software download: nothing is public but these four numbers. */
  softwareRequest: Data
  fileHeader: Data
  fileData: Data
  softwareConfirm: Data
  sale: Finance
  refund: Finance
  saleVoid: Finance
  refundVoid: Finance
  startDay: Nothing
  endDay: Nothing
  /** The reader fetches its configuration and its software by itself. */
  hostInit: Nothing
  /** Asks for the result that the link's loss has kept back. */
  recover: Finance
  tokenize: Xml
  debugEnable: Data
  debugDisable: Data
  debugReset: Data
  debugInfo: Data
  logLevel: { readonly level: number }
  logReset: Nothing
  logInfo: Nothing
}

export interface HostAnswers {
  connectAnswer: Status
  sendAnswer: Status
  /** To `hostReceive`, and to `hostPost`. */
  receiveAnswer: Status & Optional<Uint8Array>
  disconnectAnswer: Status
  postAnswer: Status
  signatureAnswer: Status
  challengeAnswer: Status & Optional<{ readonly random: Uint8Array; readonly mac: Uint8Array }>
}

export interface DeviceAnswers {
  initAnswer: Status & Optional<InitAnswer>
  idleAnswer: Status & Xml
  commandAnswer: Status & Xml
  startParametersAnswer: Status & Data
  parameterDataAnswer: Status & Data
  endParametersAnswer: Status & Data
  softwareRequestAnswer: Status & Data
  fileHeaderAnswer: Status & Data
  fileDataAnswer: Status & Data
  softwareConfirmAnswer: Status & Data
  saleAnswer: Status & Optional<FinanceAnswer>
  refundAnswer: Status & Optional<FinanceAnswer>
  saleVoidAnswer: Status & Optional<FinanceAnswer>
  refundVoidAnswer: Status & Optional<FinanceAnswer>
  startDayAnswer: Status & Optional<FinanceAnswer>
  endDayAnswer: Status & Optional<FinanceAnswer>
  hostInitAnswer: Status & Optional<FinanceAnswer>
  recoverAnswer: Status & Optional<FinanceAnswer>
  tokenizeAnswer: Status & Xml
  debugEnableAnswer: Status & Data
  debugDisableAnswer: Status & Data
  debugResetAnswer: Status & Data
  debugInfoAnswer: Status & Data
  logLevelAnswer: Status & Data
  logResetAnswer: Status & Data
  logInfoAnswer: Status & Data
  /** What happens in the reader: `status` is a key of `statusNames`, the XML an `EventInfoResponse`. */
  event: Status & Xml
}

export interface DeviceRequests {
  hostConnect: { readonly address: string; readonly port: number; readonly timeout: number }
  hostSend: { readonly timeout: number } & Data
  /** `size`: the most that the reader takes. */
  hostReceive: { readonly size: number; readonly timeout: number }
  hostDisconnect: Nothing
  /** Connect, send and receive in one; a second address may be empty. */
  hostPost: {
    readonly port: number
    readonly secondPort: number
    readonly timeout: number
    readonly address: string
    readonly secondAddress: string
  } & Data
  /** `receipt` is the slip to be signed, the XML a `SignatureRequiredRequest` with the seconds that the reader waits. */
  signature: { readonly receipt: string } & Xml
  challenge: { readonly random: Uint8Array } & Xml
}

const empty = new Uint8Array(0)
const nothing = { write: () => empty, read: () => ({}) }
const data: Omit<Row<Data>, 'id'> = { write: ({ data }) => data, read: fields => ({ data: fields.rest() }) }
const xmlOnly: Omit<Row<Xml>, 'id'> = { write: ({ xml }) => utf8(xml), read: fields => ({ xml: fromUtf8(fields.rest()) }) }
/** XML behind its length; nothing at all where there is none. */
const xmlCounted: Omit<Row<Xml>, 'id'> = {
  write: ({ xml }) => counted(utf8(xml), 4),
  read: fields => ({ xml: fields.done ? '' : fromUtf8(fields.counted(4)) }),
}

const finance: Omit<Row<Finance>, 'id'> = {
  write({ currency, amount, cardPresent, transactionId, xml }) {
    const head = concat(toBcd(currency, 2), fromUint(amount, 4), Uint8Array.of(cardPresent ? 1 : 0))
    if (!transactionId && !xml) return head
    return concat(head, counted(utf8(transactionId), 1), xml ? counted(utf8(xml), 4) : empty)
  },
  read(fields) {
    const digits = hex(fields.bytes(2))
    if (!/^\d{4}$/.test(digits)) throw new Fault('protocol', `currency ${digits} is no BCD`)
    const amount = fields.number(4)
    const cardPresent = fields.number(1) !== 0
    const transactionId = fields.done ? '' : fromUtf8(fields.counted(1))
    return { currency: Number(digits), amount, cardPresent, transactionId, xml: fields.done ? '' : fromUtf8(fields.counted(4)) }
  },
}

function digits(value: string, length: number, field: string): Uint8Array {
  if (!/^\d+$/.test(value) || value.length > length * 2)
    throw new Fault('bad-argument', `${field} '${value}' is not 1 to ${length * 2} digits`, { field })
  return toBcd(BigInt(value), length)
}

/** An answer that may have no data. */
function optional<F>(write: (fields: F) => Uint8Array, read: (fields: Fields) => F): Omit<Row<Optional<F>>, 'id'> {
  return {
    write: ({ answer }) => (answer === undefined ? empty : write(answer)),
    read: fields => ({ answer: fields.done ? undefined : read(fields) }),
  }
}

const initAnswer = optional<InitAnswer>(
  one =>
    concat(
      fromUint(one.bufferSize, 2),
      digits(one.serial, 6, 'serial'),
      ...[one.publicKeyVersion, one.emvVersion, one.generalVersion].map(version => fromUint(version, 2)),
      fromUint(one.manufacturer, 1),
      fromUint(one.model, 1),
      utf8(one.application.padEnd(8).slice(0, 8)),
      fromUint(one.applicationVersion, 2),
      counted(utf8(one.xml), 4),
    ),
  fields => ({
    bufferSize: fields.number(2),
    serial: hex(fields.bytes(6)),
    publicKeyVersion: fields.number(2),
    emvVersion: fields.number(2),
    generalVersion: fields.number(2),
    manufacturer: fields.number(1),
    model: fields.number(1),
    application: fromUtf8(fields.bytes(8)).replace(/[\0 ]+$/, ''),
    applicationVersion: fields.number(2),
    xml: fields.done ? '' : fromUtf8(fields.counted(4)),
  }),
)

const financeAnswer = optional<FinanceAnswer>(
  one =>
    concat(
      fromUint(one.financial, 1),
      fromUint(one.amount, 4),
      counted(utf8(one.transactionId), 1),
      counted(utf8(one.merchantReceipt), 2),
      counted(utf8(one.customerReceipt), 2),
      counted(utf8(one.xml), 4),
    ),
  fields => ({
    financial: fields.number(1),
    amount: fields.number(4),
    transactionId: fromUtf8(fields.counted(1)),
    merchantReceipt: fromUtf8(fields.counted(2)),
    customerReceipt: fromUtf8(fields.counted(2)),
    xml: fromUtf8(fields.counted(4)),
  }),
)

type Rows<T> = { readonly [K in keyof T]: Row<Omit<T[K], 'status'>> }

export const hostRequests: Rows<HostRequests> = {
  init: {
    id: 'I000',
    write: ({ at, xml }) => concat(digits(at, 7, 'at'), xml ? counted(utf8(xml), 4) : empty),
    read: fields => ({ at: hex(fields.bytes(7)), xml: fields.done ? '' : fromUtf8(fields.counted(4)) }),
  },
  idle: { id: 'I010', ...nothing },
  command: { id: 'C000', ...xmlOnly },
  startParameters: { id: 'P000', ...data },
  parameterData: { id: 'P010', ...data },
  endParameters: { id: 'P020', ...data },
  softwareRequest: { id: 'S000', ...data },
  fileHeader: { id: 'S010', ...data },
  fileData: { id: 'S020', ...data },
  softwareConfirm: { id: 'S030', ...data },
  sale: { id: 'F000', ...finance },
  refund: { id: 'F010', ...finance },
  saleVoid: { id: 'F020', ...finance },
  refundVoid: { id: 'F030', ...finance },
  startDay: { id: 'F040', ...nothing },
  endDay: { id: 'F050', ...nothing },
  hostInit: { id: 'F060', ...nothing },
  recover: { id: 'F070', ...finance },
  tokenize: { id: 'F080', ...xmlOnly },
  debugEnable: { id: 'D000', ...data },
  debugDisable: { id: 'D010', ...data },
  debugReset: { id: 'D020', ...data },
  debugInfo: { id: 'D030', ...data },
  logLevel: { id: 'L000', write: ({ level }) => fromUint(level, 1), read: fields => ({ level: fields.number(1) }) },
  logReset: { id: 'L010', ...nothing },
  logInfo: { id: 'L020', ...nothing },
}

export const hostAnswers: Rows<HostAnswers> = {
  connectAnswer: { id: 'H001', ...nothing },
  sendAnswer: { id: 'H011', ...nothing },
  receiveAnswer: {
    id: 'H021',
    ...optional<Uint8Array>(
      bytes => counted(bytes, 4),
      fields => fields.counted(4),
    ),
  },
  disconnectAnswer: { id: 'H031', ...nothing },
  postAnswer: { id: 'H041', ...nothing },
  signatureAnswer: { id: 'R011', ...nothing },
  challengeAnswer: {
    id: 'R021',
    ...optional<{ readonly random: Uint8Array; readonly mac: Uint8Array }>(
      ({ random, mac }) => concat(counted(random, 2), counted(mac, 2)),
      fields => ({ random: fields.counted(2), mac: fields.counted(2) }),
    ),
  },
}

const dataAnswers = {
  startParametersAnswer: { id: 'P001', ...data },
  parameterDataAnswer: { id: 'P011', ...data },
  endParametersAnswer: { id: 'P021', ...data },
  softwareRequestAnswer: { id: 'S001', ...data },
  fileHeaderAnswer: { id: 'S011', ...data },
  fileDataAnswer: { id: 'S021', ...data },
  softwareConfirmAnswer: { id: 'S031', ...data },
  debugEnableAnswer: { id: 'D001', ...data },
  debugDisableAnswer: { id: 'D011', ...data },
  debugResetAnswer: { id: 'D021', ...data },
  debugInfoAnswer: { id: 'D031', ...data },
  logLevelAnswer: { id: 'L001', ...data },
  logResetAnswer: { id: 'L011', ...data },
}

export const deviceAnswers: Rows<DeviceAnswers> = {
  initAnswer: { id: 'I001', ...initAnswer },
  idleAnswer: { id: 'I011', ...xmlCounted },
  commandAnswer: { id: 'C001', ...xmlOnly },
  ...dataAnswers,
  saleAnswer: { id: 'F001', ...financeAnswer },
  refundAnswer: { id: 'F011', ...financeAnswer },
  saleVoidAnswer: { id: 'F021', ...financeAnswer },
  refundVoidAnswer: { id: 'F031', ...financeAnswer },
  startDayAnswer: { id: 'F041', ...financeAnswer },
  endDayAnswer: { id: 'F051', ...financeAnswer },
  hostInitAnswer: { id: 'F061', ...financeAnswer },
  recoverAnswer: { id: 'F071', ...financeAnswer },
  tokenizeAnswer: { id: 'F081', ...xmlCounted },
  logInfoAnswer: { id: 'L021', write: ({ data }) => counted(data, 4), read: fields => ({ data: fields.done ? empty : fields.counted(4) }) },
  event: { id: 'R001', ...xmlCounted },
}

export const deviceRequests: Rows<DeviceRequests> = {
  hostConnect: {
    id: 'H000',
    write: ({ address, port, timeout }) => concat(counted(utf8(address), 1), fromUint(port, 2), fromUint(timeout, 2)),
    read: fields => ({ address: fromUtf8(fields.counted(1)), port: fields.number(2), timeout: fields.number(2) }),
  },
  hostSend: {
    id: 'H010',
    write: ({ timeout, data }) => concat(fromUint(timeout, 2), counted(data, 2)),
    read: fields => ({ timeout: fields.number(2), data: fields.counted(2) }),
  },
  hostReceive: {
    id: 'H020',
    write: ({ size, timeout }) => concat(fromUint(size, 2), fromUint(timeout, 2)),
    read: fields => ({ size: fields.number(2), timeout: fields.number(2) }),
  },
  hostDisconnect: { id: 'H030', ...nothing },
  hostPost: {
    id: 'H040',
    write({ port, secondPort, timeout, address, secondAddress, data }) {
      const [first, second] = [utf8(address), utf8(secondAddress)]
      const numbers = [port, secondPort, timeout].map(value => fromUint(value, 2))
      return concat(...numbers, fromUint(first.length, 1), fromUint(second.length, 1), fromUint(data.length, 2), first, second, data)
    },
    read(fields) {
      const [port, secondPort, timeout] = [fields.number(2), fields.number(2), fields.number(2)]
      const [first, second, size] = [fields.number(1), fields.number(1), fields.number(2)]
      const [address, secondAddress] = [fromUtf8(fields.bytes(first)), fromUtf8(fields.bytes(second))]
      return { port, secondPort, timeout, address, secondAddress, data: fields.bytes(size) }
    },
  },
  signature: {
    id: 'R010',
    write: ({ receipt, xml }) => concat(counted(utf8(receipt), 2), counted(utf8(xml), 4)),
    read: fields => ({ receipt: fromUtf8(fields.counted(2)), xml: fields.done ? '' : fromUtf8(fields.counted(4)) }),
  },
  challenge: {
    id: 'R020',
    write: ({ random, xml }) => concat(counted(random, 2), counted(utf8(xml), 4)),
    read: fields => ({ random: fields.counted(2), xml: fields.done ? '' : fromUtf8(fields.counted(4)) }),
  },
}
