/** What of a QPOS line may stand in a recording: the course of a payment, without card data, PIN blocks and keys. */

import { byFrame, type Direction } from '../../src/transport/trace.ts'
import { commandCode, encodeFrame, type Frame, frameDecoder, frameLength } from './codec.ts'

/** Requests that hold no secret: amounts, choices, times, applications and CA keys, texts. */
const plainRequests = [
  'getQposId',
  'getQposInfo',
  'doTrade',
  'startEmv',
  'selectEmvApp',
  'getIccTag',
  'nfcPowerOn',
  'nfcPowerOff',
  'appConfig',
  'capkConfig',
  'displayText',
] as const
/** Answers that hold none: who the reader is, and (result 02 to the EMV start) the list of applications. */
const plainAnswers = ['getQposId', 'getQposInfo', 'appConfig', 'capkConfig', 'displayText', 'nfcPowerOff'] as const
const APPLICATION_LIST = 0x02
/** CmdIDs: a command of the host's, and "PIN is being entered". */
const PROCESS = 0x21
const PIN_ENTRY = 0x41

const codesOf = (names: readonly Parameters<typeof commandCode>[0][]) => names.map(commandCode)
const requests = codesOf(plainRequests)
const answers = codesOf(plainAnswers)
const emv = commandCode('startEmv')

/** Frames keep their length and get a right LRC, so that a recording can be replayed; secret data are zeros, and noise is none of anybody's business. */
export const redaction = byFrame(unit, hide)

function unit(bytes: Uint8Array): number {
  if (bytes.length === 0) return 0
  if (bytes[0] === 0x4d) {
    const length = frameLength(bytes)
    if (length !== 0) return length ?? 1
    return 0
  }
  const start = bytes.indexOf(0x4d)
  return start < 0 ? bytes.length : start
}

function hide(bytes: Uint8Array, direction: Direction): Uint8Array {
  const [frame] = bytes[0] === 0x4d ? frameDecoder().push(bytes) : []
  if (!frame) return new Uint8Array(bytes.length)
  return isPlain(frame, direction) ? bytes : encodeFrame({ ...frame, data: new Uint8Array(frame.data.length) })
}

function isPlain({ id, code, sub, parameter, data }: Frame, direction: Direction): boolean {
  const among = (rows: readonly { readonly code: number; readonly sub: number }[]) => rows.some(row => row.code === code && row.sub === sub)
  if (data.length === 0) return true
  if (direction === 'out') return id === PROCESS && among(requests)
  if (id === PIN_ENTRY && data.length === 1) return true // which PIN is being typed
  return among(answers) || (parameter === APPLICATION_LIST && emv.code === code && emv.sub === sub)
}
