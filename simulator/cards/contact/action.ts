/** GENERATE AC, INTERNAL and EXTERNAL AUTHENTICATE of a virtual card: its cryptograms and signatures. */

import { concat, fromUint } from '../../../src/bytes.ts'
import { sha1, signedDynamicData } from '../certificates.ts'
import { type Answer, type CardCommand, ok, refuse, SW } from '../command.ts'
import { acKey, applicationCryptogram } from '../cryptogram.ts'
import { cutByDol } from '../dol.ts'
import { type AcType, type CardFacts, issuerApplicationData } from '../iad.ts'
import type { ApplicationMemory } from '../memory.ts'
import { children, encode } from '../objects.ts'
import type { CardPlan } from '../profile/profile.ts'
import { authenticateIssuer, count, factsOf, firstDecision, remember, secondDecision } from '../risk.ts'
import { writeLog } from './log.ts'
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
  if (second) remember(card, application, run, given)
  else if (given === 'TC') count(card, application, run)
  else application.onlineNotCompleted = given === 'ARQC'
  run.phase = given === 'ARQC' ? 'online' : 'complete'
  if (run.phase === 'complete') writeLog(application, run, cidTypes[given])
  return answer
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
    return ok(encode(0x77, children(new Map([[0x9f27, cid], [0x9f36, atc], [0x9f26, ac], [0x9f10, iad], ...run.more]))))
  }
  const unsigned = [[0x9f27, cid], [0x9f36, atc], [0x9f10, iad], ...run.more] as const
  const hash = sha1(...run.dolData, ...unsigned.map(([tag, value]) => encode(tag, value)))
  const dynamicData = concat(dynamicNumberObject(run), cid, ac, hash, run.relay ?? new Uint8Array())
  const sdad = signedDynamicData(iccKey!, dynamicData, spoiltChallenge(application, run.told.get(0x9f37)!))
  return ok(encode(0x77, children(new Map([...unsigned.slice(0, 2), [0x9f4b, sdad], ...unsigned.slice(2)]))))
}
