/** Card risk management: which cryptogram a virtual card gives, what it tells the issuer about it, and what it remembers of it. */

import { fromBcd, fromUint, hex, text, toBcd } from '../../src/bytes.ts'
import type { Run, Session } from './contact/run.ts'
import { acKey, checkArpc } from './cryptogram.ts'
import type { AcType, CardFacts } from './iad.ts'
import type { ApplicationMemory } from './memory.ts'
import type { CardPlan } from './profile/profile.ts'

/** The card may give what was asked for, or less: TC, then ARQC, then AAC (Book 3, 6.5.5.1). */
export function firstDecision(session: Session, card: CardPlan, application: ApplicationMemory, run: Run, requested: AcType): AcType {
  const { policy, declineWhenPinBlocked } = application.image.plan.risk
  const pinBlocked = session.memory.pin?.triesLeft === 0
  if (requested === 'AAC' || application.blocked || policy === 'decline' || (pinBlocked && declineWhenPinBlocked)) return 'AAC'
  if (requested === 'ARQC') return 'ARQC'
  if (policy === 'approve') return 'TC'
  const over = overLimits(card, application, run)
  const online =
    policy !== 'offline' ||
    application.onlineNotCompleted ||
    application.issuerAuthenticationFailed ||
    application.goOnlineNext ||
    application.scripts.failed ||
    application.lastOnlineAtc === 0 ||
    pinBlocked ||
    !over.domestic ||
    over.consecutive[0] ||
    over.cumulative[0]
  return online ? 'ARQC' : 'TC'
}

export function secondDecision(session: Session, application: ApplicationMemory, run: Run, requested: AcType): AcType {
  const { plan } = application.image
  const { policy } = plan.risk
  const issuerData = run.told.get(0x91)
  const unable = isUnable(run)
  if (!unable && plan.issuerAuthentication.by === 'secondGenerateAc' && issuerData?.some(byte => byte !== 0))
    authenticateIssuer(application, run, issuerData)
  if (run.csu) obey(session, application, run.csu)
  if (requested === 'AAC' || application.blocked || session.memory.blocked || policy === 'declineAfterOnline') return 'AAC'
  if (unable) {
    const { consecutiveLimits, cumulativeLimits } = application
    const within =
      application.consecutiveOffline < consecutiveLimits[1] && application.cumulativeOffline + amountOf(run) <= cumulativeLimits[1]
    return policy === 'approve' || (policy === 'offline' && within) ? 'TC' : 'AAC'
  }
  if (run.issuerAuthentication === 'wrong') return 'AAC'
  if (run.issuerAuthentication === 'notDone') return plan.issuerAuthentication.required ? 'AAC' : 'TC'
  return run.csu && !(run.csu[1] & 0x80) ? 'AAC' : 'TC'
}

/** Y3 and Z3: the terminal could not go online (Book 4, A6). */
function isUnable(run: Run): boolean {
  const code = run.told.get(0x8a)
  return code !== undefined && ['Y3', 'Z3'].includes(text(code))
}

/** Card Status Update (Book 3, Annex C): block, PIN try counter, go online next time. */
function obey(session: Session, application: ApplicationMemory, csu: Uint8Array): void {
  if (csu[1] & 0x40) session.memory.blocked = true
  if (csu[1] & 0x20) application.blocked = true
  if (csu[1] & 0x10 && session.memory.pin) session.memory.pin.triesLeft = Math.min(csu[0] & 0x0f, session.memory.pin.tryLimit)
  application.goOnlineNext = (csu[1] & 0x08) !== 0
}

const amountOf = (run: Run) => Number(fromBcd(run.told.get(0x9f02) ?? new Uint8Array()) ?? 0n)

/** The card's limits with this transaction counted in; amounts of another currency count as foreign. */
export function overLimits(card: CardPlan, application: ApplicationMemory, run: Run) {
  const count = application.consecutiveOffline + 1
  const sum = application.cumulativeOffline + amountOf(run)
  const currency = run.told.get(0x5f2a)
  return {
    domestic: currency === undefined || hex(currency) === hex(toBcd(card.currency, 2)),
    consecutive: application.consecutiveLimits.map(limit => count > limit) as [boolean, boolean],
    cumulative: application.cumulativeLimits.map(limit => sum > limit) as [boolean, boolean],
  }
}

/** Checks 91 against the ARQC and remembers how it went. */
export function authenticateIssuer(application: ApplicationMemory, run: Run, data: Uint8Array): 'right' | 'wrong' {
  const { scheme, masterKeys } = application.image
  const answer = checkArpc(scheme, acKey(scheme, masterKeys.ac, fromUint(application.atc, 2)), run.arqc!, data)
  run.issuerAuthentication = answer.type
  run.csu = answer.type === 'right' ? answer.csu : undefined
  application.issuerAuthenticationFailed = answer.type === 'wrong'
  return answer.type
}

export function factsOf(
  session: Session,
  card: CardPlan,
  application: ApplicationMemory,
  run: Run,
  given: AcType,
  second: boolean,
): CardFacts {
  const over = overLimits(card, application, run)
  if (!second) run.first = given
  const { pin } = session.memory
  return {
    first: run.first!,
    second: second ? given : undefined,
    pinPerformed: run.pin !== undefined,
    pinFailed: run.pin?.right === false,
    pinEnciphered: run.pin?.enciphered === true,
    pinTriesLeft: pin?.triesLeft ?? 0,
    pinBlocked: pin?.triesLeft === 0,
    ddaDone: run.ddaDone,
    cdaDone: run.cdaDone,
    unableToGoOnline: second && isUnable(run),
    issuerAuthentication: run.issuerAuthentication,
    lastOnlineNotCompleted: !second && application.onlineNotCompleted,
    lastIssuerAuthenticationFailed: !second && application.issuerAuthenticationFailed,
    newCard: application.lastOnlineAtc === 0,
    domestic: over.domestic,
    overConsecutive: over.consecutive,
    overCumulative: over.cumulative,
    goOnlineNext: application.goOnlineNext,
    scriptsDone: application.scripts.done,
    scriptFailed: application.scripts.failed,
    cumulativeOffline: application.cumulativeOffline,
    consecutiveOffline: application.consecutiveOffline,
  }
}

/** After the second GENERATE AC: an issuer that proved itself, or was not asked to, resets the offline counters. */
export function remember(card: CardPlan, application: ApplicationMemory, run: Run, given: AcType): void {
  application.onlineNotCompleted = false
  if (isUnable(run)) {
    if (given === 'TC') count(card, application, run)
    return
  }
  if (run.issuerAuthentication === 'wrong') return
  if (run.issuerAuthentication === 'notDone' && application.image.plan.issuerAuthentication.required) return
  application.lastOnlineAtc = application.atc
  updateCounters(application, run)
  if (!run.scriptsBegun) application.scripts = { done: 0, failed: false }
}

/** Card Status Update, byte 2, b2–b1: leave the counters, set them to the last limits, reset them, or count this transaction. Without one: reset. */
function updateCounters(application: ApplicationMemory, run: Run): void {
  const { consecutiveLimits, cumulativeLimits, consecutiveOffline, cumulativeOffline } = application
  const choices: readonly (readonly [number, number])[] = [
    [consecutiveOffline, cumulativeOffline],
    [consecutiveLimits[1], cumulativeLimits[1]],
    [0, 0],
    [Math.min(255, consecutiveOffline + 1), cumulativeOffline + amountOf(run)],
  ]
  ;[application.consecutiveOffline, application.cumulativeOffline] = choices[run.csu ? run.csu[1] & 0x03 : 2]
}

/** Counts an offline approval; sums are of the card's own currency. */
export function count(card: CardPlan, application: ApplicationMemory, run: Run): void {
  application.consecutiveOffline = Math.min(255, application.consecutiveOffline + 1)
  if (overLimits(card, application, run).domestic) application.cumulativeOffline += amountOf(run)
}
