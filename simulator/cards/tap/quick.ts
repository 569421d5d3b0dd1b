/** GET PROCESSING OPTIONS with the cryptogram in its answer: what Visa's qVSDC, UnionPay's qUICS and Discover's D-PAS have in common. */

import { concat, fromUint } from '../../../src/bytes.ts'
import { type Answer, refuse, SW } from '../command.ts'
import { freshRun, type Run } from '../contact/run.ts'
import { acKey, applicationCryptogram } from '../cryptogram.ts'
import { cutByDol, dolLength } from '../dol.ts'
import { type AcType, type CardFacts, issuerApplicationData } from '../iad.ts'
import type { ApplicationMemory } from '../memory.ts'
import { count, overLimits } from '../risk.ts'
import type { Tapped } from './brand.ts'

const cids: Readonly<Record<AcType, number>> = { AAC: 0x00, TC: 0x40, ARQC: 0x80 }
/** How plastic asks for a method: in byte 1 of 9F6C or 9F71, where byte 1 of the TTQ (9F66) says that the reader has it. */
export const wishes = {
  onlinePin: { reader: 0x04, card: 0x80, pin: true },
  signature: { reader: 0x02, card: 0x40, pin: false },
} as const

/** The transaction that a command begins. A locked phone whose holder is to be verified answers 6986: see the phone, and come again. */
export function beginQuick({ session, application, device }: Tapped, data: Uint8Array): Run | Answer {
  const { image } = application
  const wanted = dolLength(image.pdol)
  if (session.run || image.plan.initiation === 'refuse' || application.atc === 0xffff) return refuse(SW.conditions)
  if (data.length !== wanted + 2 || data[0] !== 0x83 || data[1] !== wanted) return refuse(SW.wrongLength)
  const values = data.slice(2)
  const told = cutByDol(image.pdol, values)!
  if (device === 'lockedPhone' && told.get(0x9f66)![1] & 0x40) return refuse(SW.notAllowed)
  application.atc++
  session.run = freshRun(told, values, session.random(8))
  return session.run
}

/** Decides, makes the cryptogram, and counts. `pin`: an online PIN will be asked for. */
export function finishQuick({ card, application }: Tapped, run: Run, pin: boolean, more: Pick<CardFacts, 'device'> = {}) {
  const { image } = application
  const type = decide(card, application, run, pin)
  const atc = fromUint(application.atc, 2)
  const iad = issuerApplicationData(image.scheme, image.plan.keyIndex, run.dynamicNumber, { ...factsOf(type, application), ...more })
  const inputs = new Map([...run.told, [0x82, image.aip], [0x9f36, atc], [0x9f10, iad]])
  const cryptogram = applicationCryptogram(image.scheme, acKey(image.scheme, image.masterKeys.ac, atc), inputs)
  run.first = type
  run.phase = type === 'ARQC' ? 'online' : 'complete'
  if (type === 'ARQC') run.arqc = cryptogram
  if (type === 'TC') count(card, application, run)
  const number = run.told.get(0x9f37)!
  /** What the card signs as the reader's number; another one where the profile wants it so. */
  const challenge = image.plan.oda.defect === 'wrongDynamicSignature' ? number.map(byte => byte ^ 0xff) : number
  const dynamicNumber = concat(Uint8Array.of(run.dynamicNumber.length), run.dynamicNumber)
  return { type, atc, iad, cryptogram, cid: Uint8Array.of(cids[type]), challenge, dynamicNumber }
}

/** Offline where the reader lets it, and the card's own limits do. */
function decide(card: Tapped['card'], application: ApplicationMemory, run: Run, pin: boolean): AcType {
  const { policy } = application.image.plan.risk
  if (application.blocked || policy === 'decline') return 'AAC'
  if ((run.told.get(0x9f66)![1] & 0x80) !== 0 || pin) return 'ARQC'
  const { consecutive, cumulative } = overLimits(card, application, run)
  const within = !consecutive[0] && !cumulative[0]
  return policy === 'approve' || (policy === 'offline' && within) ? 'TC' : 'ARQC'
}

/** A card that answers at once says little in its verification results: what it gave. */
function factsOf(first: AcType, application: ApplicationMemory): CardFacts {
  return {
    first,
    second: undefined,
    pinPerformed: false,
    pinFailed: false,
    pinEnciphered: false,
    pinTriesLeft: 0,
    pinBlocked: false,
    ddaDone: first === 'TC',
    cdaDone: false,
    unableToGoOnline: false,
    issuerAuthentication: 'notDone' as const,
    lastOnlineNotCompleted: application.onlineNotCompleted,
    lastIssuerAuthenticationFailed: application.issuerAuthenticationFailed,
    newCard: application.lastOnlineAtc === 0,
    domestic: true,
    overConsecutive: [false, false] as const,
    overCumulative: [false, false] as const,
    goOnlineNext: application.goOnlineNext,
    scriptsDone: application.scripts.done,
    scriptFailed: application.scripts.failed,
    cumulativeOffline: application.cumulativeOffline,
    consecutiveOffline: application.consecutiveOffline,
  }
}
