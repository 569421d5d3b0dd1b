/** A payment of an MMS reader as its host hears of it: what the card does, the list of applications, the ARQC, the stripe. */

import {
  decodeHostAnswer,
  encodeUi,
  endDetails,
  infoDetails,
  type MmsStart,
  mmsCommands,
  mmsNotifications,
  payloadOf,
  readPayload,
  selectionLines,
  selectionStatus,
  technologies,
} from '../../../../devices/magtek/codec.ts'
import type { AuthorisationResponse, Candidate } from '../../../../src/emv/terminal.ts'
import { Fault } from '../../../../src/errors.ts'
import { write } from '../../../../src/tlv/ber.ts'
import type { Firmware } from '../../firmware.ts'
import { type PaymentEnd, statusOf, type Teller } from '../payment.ts'
import { answerTo, hostWord, type PaymentJob } from '../question.ts'
import { maskedTrack2, wrap } from '../seal.ts'
import { detailOfOutcome, type MmsEnding, technologyOf } from './words.ts'

/** A payment under way. */
export type MmsJob = PaymentJob<MmsStart>

/** What the dialogue works with. */
export interface MmsDialogue {
  readonly firmware: Firmware
  readonly serial: string
  /** It shows the list of applications itself. */
  readonly display: boolean
  readonly notify: (id: number, summary: number, detail: number, payload?: Uint8Array) => void
  /** Milliseconds for the host's answer to an ARQC. */
  readonly responseTimeout: number
  readonly onFault: (fault: Fault) => void
}

const cardDetails = {
  ...{ swiped: infoDetails.swiped, inserted: infoDetails.inserted, removed: infoDetails.removed, tapped: infoDetails.detected },
} as const
const cardTechnologies = {
  ...{ swiped: technologies.stripe, inserted: technologies.chip, removed: technologies.chip, tapped: technologies.tap },
} as const

export function teller(dialogue: MmsDialogue, job: MmsJob): Teller {
  const { firmware, serial, display, notify } = dialogue
  return {
    card: event => notify(mmsNotifications.transaction, cardTechnologies[event], cardDetails[event]),
    step: () => {},
    ...(!display && { select: (candidates, signal) => select(dialogue, job, candidates, signal) }),
    online: (by, request, signal) => online(dialogue, job, technologyOf[by], wrap(firmware, serial, { by, ...request }), signal),
    stripe: (swipe, tracks, sealed, signal) => {
      const service = swipe.track2?.serviceCode ?? swipe.track1?.serviceCode
      const masked = tracks.track2 && maskedTrack2(swipe.pan, swipe.expiry, service)
      const data = wrap(firmware, serial, { by: 'swipe', tags: new Map(), stripe: sealed, masked, pinBlock: sealed.pinBlock })
      return online(dialogue, job, technologies.stripe, data, signal)
    },
  }
}

/** A reader without a display has its host show the list. */
async function select(
  { firmware: { clock }, notify }: MmsDialogue,
  job: MmsJob,
  candidates: readonly Candidate[],
  signal: AbortSignal,
): Promise<number | undefined> {
  const id = mmsCommands.reportSelection
  const seconds = job.start.timeout
  const labels = candidates.map(({ label }) => label)
  const asked = answerTo(job, { id }, { clock, signal, timeout: seconds > 0 ? seconds * 1000 : undefined })
  notify(mmsNotifications.uiRequest, 0x02, 0x020000, encodeUi({ seconds, lines: selectionLines('APPLICATION SELECT', labels) }))
  const given = readPayload({ id, payload: await asked })
  const index = given.get(0x82)?.[0] ?? candidates.length
  return given.get(0x81)?.[0] === selectionStatus.completed && index < candidates.length ? index : undefined
}

/** What is to be authorised goes to the host, wrapped. */
function online(
  { firmware: { clock }, notify, responseTimeout, onFault }: MmsDialogue,
  job: MmsJob,
  technology: number,
  data: Uint8Array,
  signal: AbortSignal,
): Promise<AuthorisationResponse> {
  const id = mmsCommands.resume
  const asked = answerTo(job, { id }, { clock, signal, timeout: responseTimeout })
  notify(mmsNotifications.transaction, technology, infoDetails.arqc, payloadOf(mmsNotifications.transaction, write(0x84, data)))
  const read = (payload: Uint8Array) => decodeHostAnswer(readPayload({ id, payload }).get(0x84) ?? new Uint8Array(0))
  return hostWord(asked, read, { signal, onFault })
}

export function endingOf({ firmware, serial }: MmsDialogue, end: PaymentEnd): MmsEnding {
  if (end.type === 'none')
    return { technology: technologies.none, detail: (end.why === 'timeout' ? endDetails.timeout : endDetails.userCancelled) << 8 }
  if (end.type === 'stripe') throw new Fault('internal', 'a stripe waits for its answer')
  const { by, outcome } = end
  const technology = technologyOf[by]
  const detail = detailOfOutcome(outcome)
  if (!outcome.tags.has(0x9f27)) return { technology, detail }
  const data = wrap(firmware, serial, { by, tags: outcome.tags, status: statusOf(outcome) })
  return { technology, detail, batch: payloadOf(mmsNotifications.transaction, write(0x84, data)) }
}
