/** What a QPOS answer other than "completed" means: an outcome's reason, or a fault of the reader. */

import type { Outcome, Reason } from '../../src/emv/outcome.ts'
import { Fault } from '../../src/errors.ts'
import type { DeviceMessage, DeviceMessageType } from './codec.ts'

/** An ending of the card's or the cardholder's making. */
export interface Stopped {
  readonly result: Extract<Outcome['result'], 'declined' | 'cancelled'>
  readonly reason: Reason
  readonly fallback?: boolean
}

/** By CmdID name: an ending, or the vendor's word for an error of the reader (CmdId.js, QPOSAnalyResult.js). */
const endings: { readonly [T in DeviceMessageType]?: Stopped | string } = {
  timeout: { result: 'cancelled', reason: 'cardTimeout' },
  userCancel: { result: 'cancelled', reason: 'cardholderCancelled' },
  cardRemoved: { result: 'cancelled', reason: 'cardRemoved' },
  emvDenied: { result: 'declined', reason: 'offlineDeclined' },
  emvTerminated: { result: 'declined', reason: 'cardError' },
  nfcTerminated: { result: 'declined', reason: 'cardError' },
  iccPowerOnError: { result: 'declined', reason: 'cardMute', fallback: true },
  iccTradeError: { result: 'declined', reason: 'cardMute' },
  fallback: { result: 'declined', reason: 'cardMute', fallback: true },
  cardBlockedOrNoApplications: { result: 'declined', reason: 'noApplication' },
  selectAppFailed: { result: 'declined', reason: 'noApplication' },
  tryAnotherInterface: { result: 'declined', reason: 'tryAnotherInterface' },
  reset: 'DEVICE_RESET',
  crcError: 'CRC_ERROR',
  macError: 'MAC_ERROR',
  iccInitError: 'ICC_INIT_ERROR',
  emvAppConfigError: 'EMV_APP_CFG_ERROR',
  emvCapkConfigError: 'EMV_CAPK_CFG_ERROR',
  writeDataError: 'WR_DATA_ERROR',
  noWorkKey: 'NO_UPDATE_WORK_KEY',
  capkFailed: 'CAPK_FAIL',
}

/**
 * The ending behind `answer`.
 * @throws Fault `tampered`, `unsupported` (the reader does not know the command), `reader-error` with the vendor's word, `protocol`
 */
export function stopped(answer: DeviceMessage, what: string): Stopped {
  if (answer.type === 'destruct') throw new Fault('tampered', `the reader says that it was opened (${what})`)
  if (answer.type === 'notAvailable' || answer.type === 'old')
    throw new Fault('unsupported', `the reader refuses ${what} (CMD_NOT_AVAILABLE): it does not know it, or not with these values`, {
      feature: what,
      code: 'CMD_NOT_AVAILABLE',
    })
  const ending = answer.type === 'raw' ? undefined : endings[answer.type]
  if (typeof ending === 'object') return ending
  if (ending) throw new Fault('reader-error', `the reader answered ${what} with ${ending}`, { code: ending })
  const name = answer.type === 'raw' ? `CmdID ${answer.id.toString(16)}` : answer.type
  throw new Fault('protocol', `${what} cannot end with ${name}`, { answer: name })
}
