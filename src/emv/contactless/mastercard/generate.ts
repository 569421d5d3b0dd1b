/** Kernel 2, EMV mode: GENERATE AC or RECOVER AC, PUT DATA around it, the signature in the answer, and what follows (EMV Contactless Book C-2, 7.6 and S9–S12). */

import { concat, equal, hex, toCn, uint } from '../../../bytes.ts'
import { type Fault, isFault } from '../../../errors.ts'
import { buildDol } from '../../../tlv/dol.ts'
import { isSet, TVR } from '../../data.ts'
import { verifyCda } from '../../oda/combined.ts'
import type { Kernel } from '../../steps/context.ts'
import { templateOf } from '../../steps/fci.ts'
import { analyseActions, CRYPTOGRAM, type Cryptogram, exceeds, givenCryptogram } from '../decide.ts'
import type { KernelActivation } from '../entry.ts'
import { type ContactlessCvm, type ContactlessOutcome, UI } from '../outcome.ts'
import { keepResponse, type L2Error, lacking } from '../session.ts'
import { BALANCE, readBalance } from './balance.ts'
import { giveUp, onDevice } from './data.ts'
import { EXCHANGE, type Exchange } from './exchange.ts'
import { camFailed, dataOf, failed, outcomeOf } from './outcome.ts'
import { seePhone } from './phone.ts'
import { RELAY_ANSWER } from './relay-resistance.ts'
import { checkSummaries, isReading, isWriting, planStorage, storageData } from './storage.ts'
import { type Asked, TORN_RECORD, type Torn, type TornLog, tornRecord } from './torn-log.ts'

/** What GENERATE AC needs besides the data of the run. */
export interface Generation {
  readonly activation: KernelActivation
  readonly cvm: ContactlessCvm
  /** CDA was prepared: keys recovered, nothing missing. */
  readonly cda: boolean
  readonly torn: TornLog | undefined
  readonly exchange: Exchange
}

/** What is asked for, and for the slot of data storage what else (procedure "prepare GENERATE AC", 7.6). */
function plan(kernel: Kernel, cda: boolean): { request: Cryptogram; combined: boolean; write: boolean } | { error: L2Error } {
  const { card, terminal } = kernel.data
  const request = analyseActions(kernel)
  if (isSet(terminal.get(0x95), TVR.cdaFailed)) return { request: onDevice(kernel) ? 'AAC' : request, combined: false, write: false }
  if (isReading(kernel)) {
    const storage = planStorage(kernel, request)
    return 'error' in storage ? storage : { ...storage, combined: true }
  }
  // An AAC is signed only where the card says that it can (9F5D byte 2 b1).
  return { request, combined: cda && (request !== 'AAC' || isSet(card.get(0x9f5d), { byte: 2, bit: 1 })), write: false }
}

export async function generate(kernel: Kernel, generation: Generation): Promise<ContactlessOutcome> {
  const { cvm, cda, torn, exchange } = generation
  kernel.step = 'cardActionAnalysis'
  await exchange.write('before', EXCHANGE.putBefore)
  const recovery = await torn?.recover(kernel)
  if (recovery?.answer) return conclude(kernel, generation, recovery.answer.response, recovery.answer, undefined)
  const planned = plan(kernel, cda)
  if ('error' in planned) return failed(kernel, planned.error)
  const { request, combined, write } = planned
  const cdolData = buildDol(kernel.data.card.get(0x8c)!, tag => kernel.data.get(tag), kernel.words)
  const data = write ? concat(cdolData, storageData(kernel)) : cdolData
  const asked: Asked = { request, combined, pdolData: kernel.pdolData!, cdolData, cvm }
  let answer: { readonly sw: number; readonly data: Uint8Array }
  try {
    answer = await kernel.exchange({ cla: 0x80, ins: 0xae, p1: CRYPTOGRAM[request] | (combined ? 0x10 : 0), p2: 0x00, data, le: 0 })
  } catch (fault) {
    if (!isFault(fault, 'card-removed', 'card-mute')) throw fault
    return tornOff(kernel, fault, asked, torn)
  }
  if (answer.sw !== 0x9000) return failed(kernel, 'statusBytes', answer.sw, recovery?.lost)
  return conclude(kernel, generation, answer.data, asked, recovery?.lost)
}

/** The card has left during GENERATE AC: it is asked for again, unless it may have written its slot and nobody can ask it what it said (S9.5–15). */
function tornOff(kernel: Kernel, fault: Fault, asked: Asked, log: TornLog | undefined): ContactlessOutcome {
  const kept = log?.keep(kernel, asked)
  const dropped = kept?.dropped ? ([[TORN_RECORD, tornRecord(kept.dropped)]] as const) : []
  const l1 = fault.code === 'card-mute' ? 0x01 : 0x02
  const error = (message: number) => new Map([[0xdf8115, Uint8Array.of(l1, 0, 0, 0, 0, message)] as const, ...dropped])
  if (!kept && isWriting(kernel)) {
    const { dataRecord } = dataOf(kernel)
    return { ...giveUp(kernel, 'ok'), dataRecord, discretionaryData: error(UI.tryAnotherCard) }
  }
  return {
    status: 'endApplication',
    start: 'B',
    uiOnRestart: { message: UI.presentCardAgain, status: 'readyToRead' },
    discretionaryData: error(UI.presentCardAgain),
  }
}

/**
 * The response to GENERATE AC or RECOVER AC, the balance after it, its signature, what is written after it, and the outcome (S9.18–S910.81, S11).
 * @param lost a torn transaction of this card that could not be recovered
 */
async function conclude(
  kernel: Kernel,
  { activation, exchange }: Generation,
  response: Uint8Array,
  { cvm, request, combined, pdolData, cdolData }: Asked,
  lost: Torn | undefined,
): Promise<ContactlessOutcome> {
  const { card } = kernel.data
  const wrong = (error: L2Error) => failed(kernel, error, 0, lost)
  if (response[0] === 0x80) {
    const value = templateOf(response, 0x80)
    if (combined || value.length < 11 || value.length > 43) return wrong(combined ? 'cardDataError' : 'parsingError')
    for (const [tag, from, to] of [[0x9f27, 0, 1], [0x9f36, 1, 3], [0x9f26, 3, 11], [0x9f10, 11, undefined]] as const) // biome-ignore format: a table
      if (value.length > from) card.set(tag, value.slice(from, to))
  } else keepResponse(kernel, response)
  if (lacking(kernel, [0x9f27, 0x9f36]).length > 0) return wrong('cardDataMissing')
  const given = givenCryptogram(kernel)
  if (!given || exceeds(given, request)) return wrong('cardDataError')
  await unlessGone(() => readBalance(kernel, BALANCE.after))
  if (!exchange.writesAfter) activation.ui({ message: UI.clear, status: 'cardReadSuccessfully' })
  if (combined && card.has(0x9f4b)) {
    const { verified, behind = new Uint8Array() } = verifyCda(kernel, templateOf(response, 0x77), [pdolData, cdolData])
    if (!verified || !relayDataSigned(kernel, behind)) return camFailed(kernel, lost)
    if (isReading(kernel)) {
      const summaries = kernel.data.terminal.has(RELAY_ANSWER) ? behind.subarray(0, -RELAY_DATA) : behind
      const error = checkSummaries(kernel, summaries, lost?.writing ? lost.summary1 : undefined)
      if (error) return wrong(error)
    }
  } else {
    if (lacking(kernel, [0x9f26]).length > 0) return wrong('cardDataMissing')
    // An answer without the signature that was asked for; an AAC needs none, unless a signed AAC was asked for, or the slot is read (S910.30–37).
    if (combined && (given !== 'AAC' || request === 'AAC' || isReading(kernel))) return wrong('cardDataError')
    if (given !== 'AAC') relayTrack2(kernel)
  }
  if (exchange.writesAfter) {
    await unlessGone(() => exchange.write('after', EXCHANGE.putAfter))
    activation.ui({ message: UI.clear, status: 'cardReadSuccessfully' })
  }
  return seePhone(kernel, dataOf(kernel)) ?? outcomeOf(kernel, given, cvm)
}

/** The card has given its cryptogram: one that leaves before the last commands is no failure any more (S15, S17). */
async function unlessGone(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (fault) {
    if (!isFault(fault, 'card-removed', 'card-mute')) throw fault
  }
}

/** Entropies of both sides and times: what a card signs of relay resistance, at the end of its dynamic data. */
const RELAY_DATA = 14

function relayDataSigned(kernel: Kernel, behind: Uint8Array): boolean {
  const { terminal } = kernel.data
  const said = terminal.get(RELAY_ANSWER)
  return !said || (behind.length >= RELAY_DATA && equal(behind.subarray(-RELAY_DATA), concat(terminal.get(0x9f37)!, said)))
}

/**
 * Without a signature the discretionary data of track 2 (57) carry the relay resistance exchange to the issuer (S910.39): index of the CA key, RRP
 * counter, the card's entropy and the measured time in ms. Which bytes of the entropy come first rests on one source of two.
 */
function relayTrack2(kernel: Kernel): void {
  const { card, terminal } = kernel.data
  const said = terminal.get(RELAY_ANSWER)
  const track2 = card.get(0x57)
  if (!said || !track2) return
  const [pan, rest = ''] = hex(track2).split('D')
  const digits = (value: number, length: number) => String(value).padStart(length, '0')
  const index = card.get(0x8f)?.[0] ?? 0
  const discretionary = [
    index < 0x0a ? index : 0,
    terminal.get(0xdf8307)![0],
    digits(uint(said.subarray(2, 4)), 5),
    pan.length <= 16 ? digits(said[1], 3) : '',
    digits(Math.min(999, Math.floor(uint(terminal.get(0xdf8306)!) / 10)), 3),
  ].join('')
  // Expiration date (4) and service code (3) stay.
  card.set(0x57, toCn(`${pan}D${rest.slice(0, 7)}${discretionary}`))
}
