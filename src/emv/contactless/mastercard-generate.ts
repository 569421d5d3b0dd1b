/** Kernel 2, EMV mode: GENERATE AC or RECOVER AC, the signature in the answer, and what follows (EMV Contactless Book C-2, 7.6 and S9–S12). */

import { concat, equal, fromHex, hex, uint } from '../../bytes.ts'
import { isFault } from '../../errors.ts'
import { buildDol } from '../../tlv/dol.ts'
import type { Kernel } from '../context.ts'
import { isSet, TVR } from '../data.ts'
import { single } from '../fci.ts'
import { verifyCda } from '../oda-combined.ts'
import { isFailed, recoverDynamicData } from '../oda-signature.ts'
import { analyseActions, CRYPTOGRAM, exceeds, givenCryptogram } from './decide.ts'
import type { KernelActivation } from './entry.ts'
import { BALANCE, readBalance } from './mastercard-balance.ts'
import { onDevice } from './mastercard-data.ts'
import { camFailed, dataOf, failed, outcomeOf } from './mastercard-outcome.ts'
import { seePhone } from './mastercard-phone.ts'
import { type ContactlessCvm, type ContactlessOutcome, UI } from './outcome.ts'
import { RELAY_ANSWER } from './relay-resistance.ts'
import { keepResponse, lacking } from './session.ts'
import type { Asked, TornLog } from './torn-log.ts'

/** What GENERATE AC needs besides the data of the run. */
export interface Generation {
  readonly activation: KernelActivation
  readonly cvm: ContactlessCvm
  /** CDA was prepared: keys recovered, nothing missing. */
  readonly cda: boolean
  readonly torn: TornLog | undefined
}

export async function generate(kernel: Kernel, generation: Generation): Promise<ContactlessOutcome> {
  const { activation, cvm, cda, torn } = generation
  kernel.step = 'cardActionAnalysis'
  const { card, terminal } = kernel.data
  let request = analyseActions(kernel)
  const cdaFailed = isSet(terminal.get(0x95), TVR.cdaFailed)
  if (cdaFailed && onDevice(kernel)) request = 'AAC'
  // An AAC is signed only where the card says that it can (9F5D byte 2 b1).
  const combined = cda && !cdaFailed && (request !== 'AAC' || isSet(card.get(0x9f5d), { byte: 2, bit: 1 }))
  const recovered = torn && (await torn.recover(kernel))
  if (recovered) return conclude(kernel, activation, recovered.response, recovered)
  const cdolData = buildDol(card.get(0x8c)!, tag => kernel.data.get(tag), kernel.words)
  const asked: Asked = { request, combined, pdolData: kernel.pdolData!, cdolData, cvm }
  const p1 = CRYPTOGRAM[request] | (combined ? 0x10 : 0)
  let answer: { readonly sw: number; readonly data: Uint8Array }
  try {
    answer = await kernel.exchange({ cla: 0x80, ins: 0xae, p1, p2: 0x00, data: cdolData, le: 0 })
  } catch (fault) {
    if (!isFault(fault, 'card-removed', 'card-mute')) throw fault
    torn?.keep(kernel, asked)
    return {
      status: 'endApplication',
      start: 'B',
      uiOnRestart: { message: UI.presentCardAgain, status: 'readyToRead' },
      discretionaryData: new Map([[0xdf8115, Uint8Array.of(fault.code === 'card-mute' ? 0x01 : 0x02, 0, 0, 0, 0, UI.presentCardAgain)]]),
    }
  }
  if (answer.sw !== 0x9000) return failed(kernel, 'statusBytes', answer.sw)
  return conclude(kernel, activation, answer.data, asked)
}

/** The response to GENERATE AC or RECOVER AC, the balance after it, its signature, and the outcome (S9.18–S910.81). */
async function conclude(
  kernel: Kernel,
  activation: KernelActivation,
  response: Uint8Array,
  { cvm, request, combined, pdolData, cdolData }: Asked,
): Promise<ContactlessOutcome> {
  const { card } = kernel.data
  if (response[0] === 0x80) {
    const value = single(response, 0x80)
    if (combined || value.length < 11 || value.length > 43) return failed(kernel, combined ? 'cardDataError' : 'parsingError')
    for (const [tag, from, to] of [[0x9f27, 0, 1], [0x9f36, 1, 3], [0x9f26, 3, 11], [0x9f10, 11, undefined]] as const) // biome-ignore format: a table
      if (value.length > from) card.set(tag, value.slice(from, to))
  } else keepResponse(kernel, response)
  if (lacking(kernel, [0x9f27, 0x9f36]).length > 0) return failed(kernel, 'cardDataMissing')
  const given = givenCryptogram(kernel)
  if (!given || exceeds(given, request)) return failed(kernel, 'cardDataError')
  await balanceAfter(kernel)
  activation.ui({ message: UI.clear, status: 'cardReadSuccessfully' })
  if (combined && card.has(0x9f4b)) {
    if (!verifyCda(kernel, single(response, 0x77), [pdolData, cdolData]).verified || !relayDataSigned(kernel)) return camFailed(kernel)
  } else {
    if (lacking(kernel, [0x9f26]).length > 0) return failed(kernel, 'cardDataMissing')
    // An answer without the signature that was asked for; an AAC needs none, unless the signed AAC was asked for itself (S910.30–37).
    if (combined && (given !== 'AAC' || request === 'AAC')) return failed(kernel, 'cardDataError')
    if (given !== 'AAC') relayTrack2(kernel)
  }
  return seePhone(kernel, dataOf(kernel)) ?? outcomeOf(kernel, given, cvm)
}

/** The card has given its cryptogram: one that leaves before it tells its balance is no failure any more (S17). */
async function balanceAfter(kernel: Kernel): Promise<void> {
  try {
    await readBalance(kernel, BALANCE.after)
  } catch (fault) {
    if (!isFault(fault, 'card-removed', 'card-mute')) throw fault
  }
}

/** With relay resistance the card signs at the end of its dynamic data what both said then: entropies and times, 14 bytes. */
function relayDataSigned(kernel: Kernel): boolean {
  const { card, terminal } = kernel.data
  const said = terminal.get(RELAY_ANSWER)
  if (!said) return true
  const dynamic = recoverDynamicData(kernel.oda!.iccKey!, card.get(0x9f4b)!, 'Book C-2, S910')
  if (isFailed(dynamic) || dynamic.rest.length < 43) return false
  return equal(dynamic.rest.subarray(-14), concat(terminal.get(0x9f37)!, said))
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
  const track = `${pan}D${rest.slice(0, 7)}${discretionary}`
  card.set(0x57, fromHex(track.length % 2 === 0 ? track : `${track}F`))
}
