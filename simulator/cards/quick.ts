/** GET PROCESSING OPTIONS of a Visa application by tap: qVSDC, with the cryptogram, the card transaction qualifiers and fast DDA in one answer. */

import { concat, fromUint } from '../../src/bytes.ts'
import { signedDynamicData } from './certificates.ts'
import { type Answer, ok, refuse, SW } from './command.ts'
import { type Device, formFactor, settingsOf } from './contactless.ts'
import { acKey, applicationCryptogram } from './cryptogram.ts'
import { cutByDol, dolLength } from './dol.ts'
import { type AcType, type CardFacts, issuerApplicationData } from './iad.ts'
import type { ApplicationMemory } from './memory.ts'
import { children, encode } from './objects.ts'
import type { CardPlan } from './profile.ts'
import { count, overLimits } from './risk.ts'
import { freshRun, type Run, type Session } from './run.ts'

const cids: Readonly<Record<AcType, number>> = { AAC: 0x00, TC: 0x40, ARQC: 0x80 }
/** Card Transaction Qualifiers (9F6C) byte 1: go online where offline data authentication fails. */
const ONLINE_IF_ODA_FAILS = 0x20

/** A locked phone whose holder is to be verified answers 6986: see the phone, and come again (EMV Contactless Book C-3). */
export function quickOptions(session: Session, card: CardPlan, application: ApplicationMemory, data: Uint8Array, device: Device): Answer {
  const { image } = application
  const wanted = dolLength(image.pdol)
  if (session.run || image.plan.initiation === 'refuse' || application.atc === 0xffff) return refuse(SW.conditions)
  if (data.length !== wanted + 2 || data[0] !== 0x83 || data[1] !== wanted) return refuse(SW.wrongLength)
  const values = data.slice(2)
  const told = cutByDol(image.pdol, values)!
  const ttq = told.get(0x9f66)!
  if (device === 'lockedPhone' && ttq[1] & 0x40) return refuse(SW.notAllowed)
  application.atc++
  const run = freshRun(told, values, session.random(8))
  session.run = run
  const qualifiers = qualifiersOf(application, ttq, device)
  const type = decide(card, application, run, qualifiers)
  const atc = fromUint(application.atc, 2)
  const iad = issuerApplicationData(image.scheme, image.plan.keyIndex, run.dynamicNumber, factsOf(type, application))
  const inputs = new Map([...told, [0x82, image.aip], [0x9f36, atc], [0x9f10, iad]])
  const cryptogram = applicationCryptogram(image.scheme, acKey(image.scheme, image.masterKeys.ac, atc), inputs)
  const objects = new Map([[0x82, image.aip], [0x94, image.afl], [0x9f36, atc], [0x9f26, cryptogram], [0x9f27, Uint8Array.of(cids[type])], [0x9f10, iad], [0x9f6c, qualifiers], [0x9f6e, formFactor(image.plan, device)]]) // biome-ignore format: a list
  if (type === 'TC' && image.iccKey) {
    const version = settingsOf(image.plan)?.fdda === '00' ? 0x00 : 0x01
    const related = concat(Uint8Array.of(version), session.random(4), qualifiers, Uint8Array.of(0x00))
    const number = told.get(0x9f37)!
    const challenge = image.plan.oda.defect === 'wrongDynamicSignature' ? number.map(byte => byte ^ 0xff) : number
    const signed = version === 0x00 ? challenge : concat(challenge, told.get(0x9f02)!, told.get(0x5f2a)!, related)
    const dynamic = concat(Uint8Array.of(run.dynamicNumber.length), run.dynamicNumber)
    objects.set(0x9f69, related).set(0x9f4b, signedDynamicData(image.iccKey, dynamic, signed))
  }
  if (type === 'TC') count(card, application, run)
  return ok(encode(0x77, children(objects)))
}

/** A phone says that it verified its holder; plastic asks for what its list has first, where the reader needs verification and can do it. */
function qualifiersOf({ image }: ApplicationMemory, ttq: Uint8Array, device: Device): Uint8Array {
  if (device === 'phone') return Uint8Array.of(ONLINE_IF_ODA_FAILS, 0x80)
  const bits = { onlinePin: [0x04, 0x80], signature: [0x02, 0x40] } as const
  const rules = ttq[1] & 0x40 ? (image.plan.cvm?.rules ?? []) : []
  for (const { method } of rules) {
    const [reader, card] = bits[method as keyof typeof bits] ?? [0, 0]
    if (ttq[0] & reader) return Uint8Array.of(ONLINE_IF_ODA_FAILS | card, 0x00)
  }
  return Uint8Array.of(ONLINE_IF_ODA_FAILS, 0x00)
}

/** Offline where the reader lets it, and the card's own limits do. */
function decide(card: CardPlan, application: ApplicationMemory, run: Run, qualifiers: Uint8Array): AcType {
  const { policy } = application.image.plan.risk
  if (application.blocked || policy === 'decline') return 'AAC'
  if ((run.told.get(0x9f66)![1] & 0x80) !== 0 || (qualifiers[0] & 0x80) !== 0) return 'ARQC'
  const { consecutive, cumulative } = overLimits(card, application, run)
  const within = !consecutive[0] && !cumulative[0]
  return policy === 'approve' || (policy === 'offline' && within) ? 'TC' : 'ARQC'
}

/** A qVSDC card says little in its verification results: what it gave. */
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
