/** GENERATE AC, INTERNAL and EXTERNAL AUTHENTICATE of a virtual card: its risk management, cryptograms and signatures. */

import { concat, fromBcd, fromUint, hex, text, toBcd } from '../../src/bytes.ts'
import { sha1, signedDynamicData } from './certificates.ts'
import { type Answer, type CardCommand, ok, refuse, SW } from './command.ts'
import { acKey, applicationCryptogram, checkArpc } from './cryptogram.ts'
import { cutByDol } from './dol.ts'
import { type AcType, type CardFacts, issuerApplicationData } from './iad.ts'
import { writeLog } from './log.ts'
import type { ApplicationMemory } from './memory.ts'
import { children, encode } from './objects.ts'
import type { CardPlan } from './profile.ts'
import type { Run, Session } from './run.ts'

const requests: readonly (AcType | undefined)[] = ['AAC', 'TC', 'ARQC', undefined]
/** Cryptogram Information Data (9F27), b8–b7. */
const cidTypes: Readonly<Record<AcType, number>> = { AAC: 0x00, TC: 0x40, ARQC: 0x80 }

/** Book 3, 6.5.9: the card's signature over the terminal's dynamic data. */
export function internalAuthenticate(session: Session, { data }: CardCommand): Answer {
  const [application, run] = current(session)
  const { iccKey, aip, plan, ddol } = application?.image ?? {}
  if (!application || run?.phase !== 'initiated') return refuse(SW.conditions)
  if (!iccKey || !aip || !(aip[0] & 0x20) || !plan || !ddol) return refuse(SW.wrongIns)
  if (!cutByDol(ddol, data)) return refuse(SW.wrongLength)
  run.ddaDone = true
  const signed = signedDynamicData(iccKey, dynamicNumberObject(run), spoiltChallenge(application, data))
  return ok(plan.oda.responseFormat === 1 ? encode(0x80, signed) : encode(0x77, children(new Map([[0x9f4b, signed]]))))
}

const dynamicNumberObject = ({ dynamicNumber }: Run) => concat(Uint8Array.of(dynamicNumber.length), dynamicNumber)

/** The profile's defect: what is signed is not what the terminal sent. */
function spoiltChallenge({ image }: ApplicationMemory, data: Uint8Array): Uint8Array {
  return image.plan.oda.defect === 'wrongDynamicSignature' ? data.map(byte => byte ^ 0xff) : data
}

/** Book 3, 6.5.4: once, after an ARQC, where the AIP says so. */
export function externalAuthenticate(session: Session, { data }: CardCommand): Answer {
  const [application, run] = current(session)
  if (!application || run?.phase !== 'online' || !(application.image.aip[0] & 0x04) || run.issuerAuthentication !== 'notDone')
    return refuse(SW.conditions)
  if (data.length < 8 || data.length > 16) return refuse(SW.wrongLength)
  return authenticateIssuer(application, run, data) === 'right' ? ok() : refuse(SW.authenticationFailed)
}

function authenticateIssuer(application: ApplicationMemory, run: Run, data: Uint8Array): 'right' | 'wrong' {
  const { scheme, masterKeys } = application.image
  const answer = checkArpc(scheme, acKey(scheme, masterKeys.ac, fromUint(application.atc, 2)), run.arqc!, data)
  run.issuerAuthentication = answer.type
  run.csu = answer.type === 'right' ? answer.csu : undefined
  application.issuerAuthenticationFailed = answer.type === 'wrong'
  return answer.type
}

function current({ selected, run }: Session): [ApplicationMemory | undefined, Run | undefined] {
  return [selected.type === 'application' ? selected.application : undefined, run]
}

/** Book 3, 6.5.5. P1: cryptogram wanted (b8–b7), combined signature wanted (b5). */
export function generateAc(session: Session, card: CardPlan, { p1, data }: CardCommand): Answer {
  const [application, run] = current(session)
  const requested = requests[p1 >> 6]
  const cda = (p1 & 0x10) !== 0
  if (!application || !run || run.phase === 'complete') return refuse(SW.conditions)
  const { image } = application
  if (!requested || (p1 & 0x2f) !== 0 || (cda && !(image.aip[0] & 0x01))) return refuse(SW.wrongParameters)
  const second = run.phase === 'online'
  if (second && requested === 'ARQC') return refuse(SW.conditions)
  const values = cutByDol(second ? image.cdol2 : image.cdol1, data)
  if (!values) return refuse(SW.wrongLength)
  for (const [tag, value] of values) run.told.set(tag, value)
  run.dolData.push(data)

  const given = second ? secondDecision(session, application, run, requested) : firstDecision(session, card, application, run, requested)
  const signed = cda && given !== 'AAC'
  if (signed) run.cdaDone = true
  const facts = factsOf(session, card, application, run, given, second)
  const answer = cryptogramAnswer(session, application, run, given, facts, signed)
  if (second) remember(application, run, given)
  else if (given === 'TC') count(card, application, run)
  else application.onlineNotCompleted = given === 'ARQC'
  run.phase = given === 'ARQC' ? 'online' : 'complete'
  if (run.phase === 'complete') writeLog(application, run, cidTypes[given])
  return answer
}

/** The card may give what was asked for, or less: TC, then ARQC, then AAC (Book 3, 6.5.5.1). */
function firstDecision(session: Session, card: CardPlan, application: ApplicationMemory, run: Run, requested: AcType): AcType {
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

function secondDecision(session: Session, application: ApplicationMemory, run: Run, requested: AcType): AcType {
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
function overLimits(card: CardPlan, application: ApplicationMemory, run: Run) {
  const count = application.consecutiveOffline + 1
  const sum = application.cumulativeOffline + amountOf(run)
  const currency = run.told.get(0x5f2a)
  return {
    domestic: currency === undefined || hex(currency) === hex(toBcd(card.currency, 2)),
    consecutive: application.consecutiveLimits.map(limit => count > limit) as [boolean, boolean],
    cumulative: application.cumulativeLimits.map(limit => sum > limit) as [boolean, boolean],
  }
}

function factsOf(session: Session, card: CardPlan, application: ApplicationMemory, run: Run, given: AcType, second: boolean): CardFacts {
  const over = overLimits(card, application, run)
  if (!second) run.first = given
  const { pin } = session.memory
  return {
    first: run.first!,
    second: second ? given : undefined,
    pinPerformed: session.pin.performed,
    pinFailed: session.pin.failed,
    pinEnciphered: session.pin.enciphered,
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

/** Response in format 1 or 2, or with the cryptogram inside the card's signature (Book 2, 6.6.1). */
function cryptogramAnswer(
  session: Session,
  application: ApplicationMemory,
  run: Run,
  given: AcType,
  facts: CardFacts,
  signed: boolean,
): Answer {
  const { scheme, masterKeys, aip, plan, iccKey } = application.image
  const atc = fromUint(application.atc, 2)
  const iad = issuerApplicationData(scheme, plan.keyIndex, run.dynamicNumber, facts)
  const values = new Map([...run.told, [0x82, aip], [0x9f36, atc], [0x9f10, iad]])
  const ac = applicationCryptogram(scheme, acKey(scheme, masterKeys.ac, atc), values)
  if (given === 'ARQC') run.arqc = ac
  const reason = given !== 'AAC' ? 0 : session.memory.pin?.triesLeft === 0 ? 2 : run.issuerAuthentication === 'wrong' ? 3 : 0
  const cid = Uint8Array.of(cidTypes[given] | (given === 'AAC' && plan.risk.advice ? 0x08 : 0) | reason)
  if (!signed) {
    if (plan.responseFormat === 1) return ok(encode(0x80, concat(cid, atc, ac, iad)))
    return ok(
      encode(
        0x77,
        children(
          new Map([
            [0x9f27, cid],
            [0x9f36, atc],
            [0x9f26, ac],
            [0x9f10, iad],
          ]),
        ),
      ),
    )
  }
  const unsigned = [
    [0x9f27, cid],
    [0x9f36, atc],
    [0x9f10, iad],
  ] as const
  const hash = sha1(...run.dolData, ...unsigned.map(([tag, value]) => encode(tag, value)))
  const dynamicData = concat(dynamicNumberObject(run), cid, ac, hash)
  const sdad = signedDynamicData(iccKey!, dynamicData, spoiltChallenge(application, run.told.get(0x9f37)!))
  return ok(encode(0x77, children(new Map([...unsigned.slice(0, 2), [0x9f4b, sdad], unsigned[2]]))))
}

/** After the second GENERATE AC: an issuer that proved itself, or was not asked to, resets the offline counters. */
function remember(application: ApplicationMemory, run: Run, given: AcType): void {
  application.onlineNotCompleted = false
  if (isUnable(run)) {
    if (given === 'TC') {
      application.consecutiveOffline = Math.min(255, application.consecutiveOffline + 1)
      application.cumulativeOffline += amountOf(run)
    }
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

function count(card: CardPlan, application: ApplicationMemory, run: Run): void {
  application.consecutiveOffline = Math.min(255, application.consecutiveOffline + 1)
  if (overLimits(card, application, run).domestic) application.cumulativeOffline += amountOf(run)
}
