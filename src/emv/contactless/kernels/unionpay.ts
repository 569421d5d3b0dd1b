/** Kernel 7, UnionPay qUICS: one GET PROCESSING OPTIONS with the cryptogram in it, as kernel 3, with rules of its own (EMV Contactless Book C-7). */

import { hex } from '../../../bytes.ts'
import { parseDol } from '../../../tlv/dol.ts'
import { type Bit, isSet } from '../../data.ts'
import type { Kernel } from '../../steps/context.ts'
import { panOf, psnOf } from '../../steps/risk.ts'
import { TRANSACTION_TYPE } from '../../steps/start.ts'
import { TTQ } from '../combination.ts'
import { type Decision, decided } from '../decide.ts'
import type { ContactlessKernel, KernelActivation } from '../entry.ts'
import { type ContactlessCvm, type ContactlessOutcome, UI } from '../outcome.ts'
import {
  endApplication,
  getProcessingOptions,
  type KernelEnvironment,
  keepResponse,
  newSession,
  orEnd,
  type ReaderData,
  readAndRelease,
  refusesData,
} from '../session.ts'
import { asTheCardSawIt, CTQ, cryptogramType, fastDda, isExpired, mandatory, verifyByQualifiers } from './quick.ts'

export interface UnionPaySettings extends ReaderData {
  /** Cards below version 0030 (9F08) are taken, which have fast DDA of version 00; where left out, version 00 is a failure. */
  readonly fastDda00?: boolean
}

/** The first application version (9F08) whose fast DDA is of version 01. */
const FIRST_WITH_01 = '0030'

const record = [
  0x5a, 0x5f20, 0x5f24, 0x5f2a, 0x5f34, 0x82, 0x95, 0x9a, 0x9c, 0x9f10, 0x9f1a, 0x9f26, 0x9f36, 0x9f37, 0x9f6e, 0x9f7c, 0x9f27, 0x57, 0x9f66, 0x9f02,
  0x9f03, 0x9f5d, 0x9f63, 0x9f24, 0x9f33,
] // biome-ignore format: a list

const toContact: ContactlessOutcome = {
  status: 'tryAnotherInterface',
  alternateInterface: 'contact',
  uiOnOutcome: { message: UI.insertCard, status: 'notReady' },
}

/** The holder verifies on the phone and taps again. */
const tapAgain: ContactlessOutcome = {
  status: 'tryAgain',
  start: 'B',
  fieldOff: 1000,
  uiOnOutcome: { message: UI.presentCardAgain, status: 'processingError' },
  uiOnRestart: { message: UI.presentCardAgain, status: 'readyToRead' },
}

export function unionPayKernel(environment: KernelEnvironment, settings: UnionPaySettings = {}): ContactlessKernel {
  return async activation => {
    const kernel = newSession(activation, environment, settings.data ?? new Map())
    return orEnd(() => run(kernel, activation, settings))
  }
}

async function run(kernel: Kernel, activation: KernelActivation, settings: UnionPaySettings): Promise<ContactlessOutcome> {
  const { card, terminal } = kernel.data
  const ttq = terminal.get(0x9f66) ?? new Uint8Array(4)
  const pdol = card.get(0x9f38)
  if (!pdol || !parseDol(pdol).some(({ tag }) => tag === 0x9f66)) return { status: 'selectNext', start: 'C' }
  const { sw, data } = await getProcessingOptions(kernel)
  if (sw === 0x6986) return tapAgain
  if (sw !== 0x9000) return isSet(ttq, TTQ.contactChip) ? toContact : endApplication('statusBytes', sw)
  keepResponse(kernel, data)
  await readAndRelease(kernel, activation)
  const refused = refusesData(kernel, mandatory)
  if (refused) return refused
  return decide(kernel, ttq, settings)
}

function decide(kernel: Kernel, ttq: Uint8Array, { fastDda00 }: UnionPaySettings): ContactlessOutcome {
  const { card, terminal } = kernel.data
  const may = (bit: Bit) => isSet(card.get(0x9f6c), bit)
  const offlineOnly = isSet(ttq, TTQ.offlineOnly)
  const type = cryptogramType(kernel)
  const refund = terminal.get(0x9c)![0] === TRANSACTION_TYPE.refund
  if (type === undefined || (type === 'AAC' && !refund)) return outcome(kernel, 'declined')
  let online = type === 'ARQC' || (type === 'TC' && isSet(ttq, TTQ.onlineCryptogramRequired))
  if (type === 'TC') {
    if (kernel.exceptionFile?.(panOf(kernel), psnOf(kernel))) return outcome(kernel, 'declined')
    if (isExpired(kernel)) {
      if (!may(CTQ.onlineIfExpired)) return outcome(kernel, 'declined')
      online = true
    }
    const old = fastDda00 === true && hex(card.get(0x9f08) ?? new Uint8Array(2)) < FIRST_WITH_01
    const failed = online ? undefined : fastDda(kernel, 'Book C-7', old ? 0x00 : 0x01)
    if (failed) {
      kernel.raise('ddaFailed', { rule: `Book C-7: ${failed}`, inputs: [0x9f4b, 0x9f69] })
      if (may(CTQ.onlineIfOdaFails) && !offlineOnly) online = true
      else if (may(CTQ.switchIfOdaFails) && isSet(ttq, TTQ.contactChip)) return toContact
      else return outcome(kernel, 'declined')
    }
  }
  const cvm = verifyByQualifiers(kernel, ttq, type === 'ARQC')
  if (!cvm) return outcome(kernel, 'declined')
  if (cvm === 'onlinePin') online = true
  if (online && offlineOnly) return outcome(kernel, 'declined')
  return outcome(kernel, online ? 'onlineRequest' : 'approved', cvm)
}

function outcome(kernel: Kernel, status: Decision, cvm?: ContactlessCvm): ContactlessOutcome {
  return asTheCardSawIt(decided(kernel, status, cvm, { record, discretionary: [0x9f6c, 0x95] }))
}
