/** What a V5 reader may be asked: plain commands, extended ones in as many parts as they need, and what a refusal means. */

import { concat } from '../../src/bytes.ts'
import { Fault, isFault } from '../../src/errors.ts'
import type { Conversation } from '../../src/reader/conversation.ts'
import { partsOf, type V5Reply, type V5Request, v5Codes, v5Results } from './codec.ts'

export type V5Line = Conversation<V5Request, V5Reply>

export interface AskLimits {
  /** Milliseconds for each answer, of each try. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

type Answer = Extract<V5Reply, { type: 'answer' | 'extendedAnswer' }>

/** Answers name no command. That of a plain one is told by its form from that of an extended one, which is also 00 with as much as that has, or nothing. */
function isPlain(reply: V5Reply): reply is Answer {
  return reply.type === 'answer'
}

function isExtended(reply: V5Reply): reply is Answer {
  if (reply.type === 'answer') return reply.result !== v5Results.ok || reply.data.length === 0 || reply.data.length >= HEAD
  return reply.type === 'extendedAnswer'
}

/** Offset, result and total of an extended answer. */
const HEAD = 6

/** How often a command is sent again that nothing was said of. All of them may be: what they begin is refused the second time. */
const REPEATS = 4

/** The answer, whatever it says. @throws Fault `timeout`, `aborted`, `link-closed` */
export function say(line: V5Line, request: V5Request, limits: AskLimits): Promise<Answer> {
  return line.ask(request, { ...limits, retries: REPEATS, accept: isPlain })
}

/** The data of a plain command's answer. @throws Fault `reader-error`, `unsupported`, `low-battery` with details.code, `timeout`, `aborted`, `link-closed` */
export async function ask(line: V5Line, request: V5Request, limits: AskLimits): Promise<Uint8Array> {
  const answer = await say(line, request, limits)
  if (answer.type === 'answer' && answer.result === v5Results.ok) return answer.data
  throw refusal(request.type, answer.result)
}

/** What an extended command came to. */
export interface Extended {
  readonly result: number
  readonly data: Uint8Array
}

/** The most that an answer in parts may hold, in bytes. */
const MAX_ANSWER = 0x4000

/** Sends an extended command part by part and gathers its answer; begins anew where nothing is said of a part. @throws Fault `protocol`, `reader-error`, `unsupported`, `timeout`, `aborted`, `link-closed` */
export async function askExtended(line: V5Line, command: number, data: Uint8Array, limits: AskLimits): Promise<Extended> {
  for (let tries = 0; ; tries++) {
    try {
      return await askOnce(line, command, data, limits)
    } catch (error) {
      if (!isFault(error, 'timeout') || tries === REPEATS) throw error
    }
  }
}

async function askOnce(line: V5Line, command: number, data: Uint8Array, limits: AskLimits): Promise<Extended> {
  const what = `command ${hex4(command)}`
  const once = (request: V5Request) => line.ask(request, { ...limits, accept: isExtended })
  const [first, ...rest] = partsOf(command, data)
  let answer = await once(first)
  for (const part of rest) {
    if (answer.type !== 'answer' || answer.result !== v5Results.buffering) break // it needs no more of it, or refuses it
    answer = await once(part)
  }
  if (answer.type === 'answer' && answer.result === v5Results.ok) return oldAnswer(answer.data)
  const parts: Uint8Array[] = []
  for (let have = 0; ; answer = await once({ type: 'more' })) {
    if (answer.type === 'answer') throw refusal(what, answer.result)
    const { offset, total, result, data: piece } = answer
    if (offset !== have || total > MAX_ANSWER || (piece.length === 0 && have < total))
      throw new Fault('protocol', `the parts of the answer to ${what} do not follow each other`)
    parts.push(piece)
    have += piece.length
    if (have >= total) return { result, data: concat(...parts) }
  }
}

/** Older firmware answers with result code 00 and the same layout (Magensa/magensa-bluetooth looks at its bytes 4 and 5 whatever the code). */
function oldAnswer(data: Uint8Array): Extended {
  return data.length < HEAD ? { result: v5Codes.ok, data } : { result: data[2] * 256 + data[3], data: data.slice(HEAD) }
}

/** As `askExtended`, where anything but success is a fault. */
export async function doExtended(line: V5Line, command: number, data: Uint8Array, limits: AskLimits): Promise<Uint8Array> {
  const answer = await askExtended(line, command, data, limits)
  if (answer.result === v5Codes.ok) return answer.data
  throw refusalOf(`command ${hex4(command)}`, answer.result)
}

/** The vendor's words for result codes of extended commands (Magensa/magensa-bluetooth, emvResultCodes and resultCodes). */
const codes: ReadonlyMap<number, string> = new Map([
  [v5Codes.noKeys, 'DUKPT_NOT_LOADED'],
  [v5Codes.keysUsedUp, 'DUKPT_KEYS_USED_UP'],
  [0x383, 'SECURITY_LEVEL'],
  [0x384, 'INVALID_TIME'],
  [0x385, 'INVALID_CARD_TYPE'],
  [0x386, 'INVALID_OPTIONS'],
  [0x387, 'INVALID_AMOUNT'],
  [0x388, 'INVALID_TRANSACTION_TYPE'],
  [0x389, 'INVALID_CASHBACK'],
  [0x38a, 'INVALID_CURRENCY'],
  [v5Codes.badSelectionStatus, 'INVALID_SELECTION_STATUS'],
  [v5Codes.badSelection, 'INVALID_SELECTION_RESULT'],
  [v5Codes.noTransaction, 'NO_TRANSACTION'],
  [0x38e, 'INVALID_REPORTING'],
  [v5Codes.inProgress, 'TRANSACTION_IN_PROGRESS'],
  [0x391, 'INVALID_SERIAL_NUMBER'],
  [v5Codes.noDate, 'DATE_NOT_SET'],
])

/** 0384–038A and 038E: a field of the start is not one that this reader takes. */
const refusedFields = [0x384, 0x385, 0x386, 0x387, 0x388, 0x389, 0x38a, 0x38e]

/** The fault behind a result code of an extended command. */
export function refusalOf(what: string, result: number): Fault {
  const code = codes.get(result) ?? hex4(result)
  if (refusedFields.includes(result)) return new Fault('unsupported', `the reader refuses ${what}: ${code}`, { feature: what, code })
  if (result === v5Codes.noKeys)
    return new Fault('tampered', `the reader has no keys (${code}): it was opened, or never given any`, { needs: 'keys', code })
  if (result === v5Codes.keysUsedUp)
    return new Fault('update-required', `the reader has used up its keys (${code})`, { needs: 'keys', code })
  if (result === v5Codes.inProgress) return new Fault('busy', `the reader is busy with a transaction (${code})`, { code })
  return new Fault('reader-error', `the reader answered ${what} with ${code}`, { code })
}

function refusal(what: string, result: number): Fault {
  const code = `result ${result.toString(16).padStart(2, '0')}`
  if (result === v5Results.noPower) return new Fault('low-battery', `the reader has not the power for ${what} (${code})`, { code })
  if (result === v5Results.badParameter)
    return new Fault('unsupported', `the reader does not know ${what} (${code})`, { feature: what, code })
  return new Fault('reader-error', `the reader answered ${what} with ${code}`, { code })
}

function hex4(value: number): string {
  return value.toString(16).toUpperCase().padStart(4, '0')
}
