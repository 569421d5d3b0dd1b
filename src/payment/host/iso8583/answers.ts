/** Answers of ISO 8583:1987: what field 39 says, what must agree with the request, and what our private data add. Both ends use it. */

import { concat, fromHex, hex } from '../../../bytes.ts'
import { Fault, isFault } from '../../../errors.ts'
import { maskNumbers } from '../../../mask.ts'
import { write } from '../../../tlv/ber.ts'
import { type HostAnswer, type HostState, hostStates } from '../../acquirer.ts'
import { approvingCodes, nothingToUndo, PARTIAL } from '../agreement.ts'
import { decodeAnswer, type Json } from '../wire.ts'
import type { IsoMessage } from './codec.ts'
import type { IsoDialect } from './dialect.ts'
import { type IsoFields, iccOf, keyOf, privateOf, setPrivate, textOf } from './messages.ts'

/** Refer to the card's bank. */
const referrals = ['01', '02']
const IN_PROCESS = '09'
/** Unable to locate the record. */
export const NO_ORIGINAL = '25'

/** What field 39 of an answer to a payment or to its change says. */
function stateOfCode(code: string): HostState {
  if (approvingCodes.includes(code)) return 'approved'
  if (referrals.includes(code)) return 'referral'
  return code === IN_PROCESS ? 'inProcess' : 'declined'
}

/** Fields of the request that its answer repeats; of 3 what is done, not from which account. */
const echoed = [2, 3, 4, 7, 11, 41, 42, 49] as const
const names: Readonly<Record<number, string>> = {
  2: 'card',
  3: 'transaction type',
  4: 'amount',
  7: 'transmission time',
  11: 'trace number',
  37: 'retrieval reference number',
  41: 'terminal',
  42: 'merchant',
  49: 'currency',
}

/**
 * An answer is taken only for what was asked: what it repeats must be the same, but that an approval of a part (10) has that part in 4.
 * @throws Fault `host-error` with details.contradiction and details.field
 * @param asked what was sent, and of a reversal or a status also what its original had
 */
export function checkAgreement(asked: ReadonlyMap<number, string | Uint8Array>, answer: IsoMessage, dialect: IsoDialect): void {
  const refuse = (number: number, how: string): never => {
    throw new Fault('host-error', `answer is malformed: ${how} (field ${number})`, {
      contradiction: names[number] ?? 'code',
      field: number,
    })
  }
  for (const number of [11, 39, ...dialect.answers]) if (!answer.fields.has(number)) refuse(number, `it has no ${names[number] ?? 'value'}`)
  const same = (number: number, part: (value: string) => string = value => value.trim()) => {
    const [sent, said] = [asked.get(number), answer.fields.get(number)]
    if (typeof sent !== 'string' || said === undefined) return
    if (typeof said !== 'string' || part(sent) !== part(said)) refuse(number, `it is for another ${names[number]}`)
  }
  const part = answer.fields.get(39) === PARTIAL
  for (const number of echoed) if (number !== 4 || !part) same(number, number === 3 ? value => value.slice(0, 2) : undefined)
  const told = privateOf(answer, dialect)
  const ours = told?.state !== undefined
  if (dialect.rrn === 'terminal' || ours) same(37)
  const key = dialect.own && asked.get(dialect.own.key)
  const back = ours ? (keyOf(answer, dialect) ?? told.key) : undefined
  if (typeof key === 'string' && back !== undefined && back !== key) refuse(dialect.own!.key, 'it is for another key')
}

/** Refuses what is not used by nobody: only the fields that are read here must be right. @throws Fault `host-error` */
function read(message: IsoMessage, number: number): string | undefined {
  try {
    return textOf(message, number)?.trim() || undefined
  } catch (error) {
    throw isFault(error) ? new Fault('host-error', `answer is malformed: ${error.message}`, { field: number }, { cause: error }) : error
  }
}

/** What an answer to a payment, a confirmation or a cancellation says. @throws Fault `host-error` */
export function paymentAnswer(message: IsoMessage, dialect: IsoDialect): HostAnswer {
  const code = codeOf(message)
  const told = toldBy(message, dialect)
  const state = stateOfCode(code)
  const said = stateIn(told)
  if (said !== undefined && said !== state && !(said === 'reversed' && state === 'declined')) throw otherState(code, said)
  return answerWith(message, said ?? state, code, told)
}

/** What an answer to a status inquiry says: without our private data that it has been heard, and nothing of the payment. @throws Fault `host-error` */
export function statusAnswer(message: IsoMessage, dialect: IsoDialect): HostAnswer {
  const code = codeOf(message)
  const told = toldBy(message, dialect)
  const said = stateIn(told)
  if (said === undefined) return { state: 'unknown' }
  if (said === 'approved' || said === 'declined' || said === 'referral') {
    if (stateOfCode(code) !== said) throw otherState(code, said)
  }
  return answerWith(message, said, code, told)
}

/**
 * What an answer to a reversal says. 25 is a confirmation too where the original was named and never approved: there is nothing to undo.
 * @throws Fault `host-error` where nothing is confirmed
 */
export function reversalConfirmed(
  message: IsoMessage,
  dialect: IsoDialect,
  { named, approved }: { named: boolean; approved: boolean },
): void {
  const code = codeOf(message)
  const said = stateIn(toldBy(message, dialect))
  if (said !== undefined && said !== 'reversed' && said !== 'declined')
    throw new Fault('host-error', `host did not confirm the reversal: the state is ${said}`, { state: said, code })
  if ((approvingCodes.includes(code) && code !== PARTIAL) || (said !== undefined && code === NO_ORIGINAL)) {
    if (said === 'declined' || code === NO_ORIGINAL) nothingToUndo(approved)
    return
  }
  if (code === NO_ORIGINAL && named && !approved) return
  throw new Fault('host-error', `host did not confirm the reversal: field 39 is ${code}`, { code })
}

function otherState(code: string, said: HostState): Fault {
  return new Fault('host-error', `answer is malformed: field 39 is ${code}, its state is ${said}`, {
    contradiction: 'code',
    field: 39,
    code,
  })
}

export function codeOf(message: IsoMessage): string {
  const code = read(message, 39)
  if (code === undefined || !/^[0-9A-Z]{2}$/i.test(code))
    throw new Fault('host-error', 'answer is malformed: field 39 is no response code', { field: 39 })
  return code
}

/** Our private data in an answer. @throws Fault `host-error` where the host refuses the message */
export function toldBy(message: IsoMessage, dialect: IsoDialect): Readonly<Record<string, unknown>> {
  const told = privateOf(message, dialect) ?? {}
  if (told.error !== undefined)
    throw new Fault('host-error', `host refuses the message: ${maskNumbers(String(told.error)).slice(0, 200)}`, { code: codeOf(message) })
  return told
}

function stateIn({ state }: Readonly<Record<string, unknown>>): HostState | undefined {
  return hostStates.find(one => one === state)
}

/** @throws Fault `host-error` */
function answerWith(message: IsoMessage, state: HostState, code: string, told: Readonly<Record<string, unknown>>): HostAnswer {
  const { state: _state, ...rest } = told
  const icc = issuerData(message)
  const authentication = icc.find(({ tag }) => tag === 0x91)
  const scripts = icc.filter(({ tag }) => tag === 0x71 || tag === 0x72).map(({ tag, value }) => hex(write(tag, value)))
  const approved = code === PARTIAL ? read(message, 4) : undefined
  const words = state === 'declined' && rest.reason === undefined ? read(message, 44) : undefined
  try {
    return decodeAnswer({
      ...(stateIn(told) && rest),
      ...(words && { reason: maskNumbers(words) }),
      ...(approved !== undefined && { approvedAmount: String(BigInt(approved)) }),
      state,
      code,
      rrn: read(message, 37),
      authorisationCode: read(message, 38),
      ...(authentication && { issuerAuthenticationData: hex(authentication.value) }),
      ...(scripts.length > 0 && { scripts }),
    })
  } catch (error) {
    if (!isFault(error, 'bad-argument')) throw error
    throw new Fault('host-error', `answer is malformed: ${error.message}`, {}, { cause: error })
  }
}

/** Field 55; nothing where a host has put something else there, as those do that send back what they were sent. */
function issuerData(message: IsoMessage): ReturnType<typeof iccOf> {
  try {
    return iccOf(message)
  } catch (error) {
    if (isFault(error, 'tlv')) return []
    throw error
  }
}

/** Field 39 where the answer has no response of the issuer. */
const codes: Readonly<Record<HostState, string>> = {
  approved: '00',
  declined: '05',
  referral: '01',
  inProcess: IN_PROCESS,
  reversed: '21', // no action taken: the payment is undone
  unknown: NO_ORIGINAL,
}

/** An answer, as the JSON interface has it, in fields. `ours`: the request had our private data, and so has the answer. `reversing`: field 39 says how the reversal went. */
export function answerFields(
  answer: Json,
  { dialect, ours, reversing = false, hexIcc = false }: { dialect: IsoDialect; ours: boolean; reversing?: boolean; hexIcc?: boolean },
): IsoFields {
  const { code, authorisationCode, rrn, issuerAuthenticationData, scripts, ...rest } = answer as Record<string, Json>
  const fields: IsoFields = new Map()
  const state = rest.state as HostState
  if (typeof rrn === 'string') fields.set(37, rrn.padStart(12, '0'))
  if (typeof rest.approvedAmount === 'string') fields.set(4, rest.approvedAmount.padStart(12, '0'))
  if (typeof authorisationCode === 'string') fields.set(38, authorisationCode.padEnd(6))
  const undone = reversing && (state === 'reversed' || state === 'declined')
  fields.set(39, undone ? '00' : typeof code === 'string' && state !== 'reversed' ? code : codes[state])
  const icc = [
    ...(typeof issuerAuthenticationData === 'string' ? [write(0x91, fromHex(issuerAuthenticationData))] : []),
    ...(Array.isArray(scripts) ? scripts.map(one => fromHex(String(one))) : []),
  ]
  if (icc.length > 0) fields.set(55, hexIcc ? Uint8Array.from(hex(concat(...icc)), letter => letter.charCodeAt(0)) : concat(...icc))
  if (ours) setPrivate(fields, rest, dialect)
  return fields
}
