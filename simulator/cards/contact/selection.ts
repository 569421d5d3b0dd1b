/** SELECT, READ RECORD, GET PROCESSING OPTIONS and GET DATA of a virtual card. */

import { concat, equal, fromUint, startsWith, toBcd } from '../../../src/bytes.ts'
import { type Answer, type CardCommand, ok, refuse, SW } from '../command.ts'
import { cutByDol, dolLength } from '../dol.ts'
import type { ApplicationMemory } from '../memory.ts'
import { children, encode } from '../objects.ts'
import { type CardImage, pseName } from '../personalize.ts'
import { logFile } from '../profile/words.ts'
import { logFormat } from './log.ts'
import { freshRun, type Session } from './run.ts'

/** By name, first or next occurrence (EMV 4.4 Book 1, 11.3). A name may be the beginning of an AID. */
export function select(session: Session, image: CardImage, { data, p2 }: CardCommand): Answer {
  if (session.memory.blocked) return refuse(SW.notSupported)
  if (data.length < 1 || data.length > 16) return refuse(SW.wrongLength)
  if (equal(data, pseName)) {
    if (!image.pse) return refuse(SW.fileNotFound)
    leave(session, { type: 'pse' })
    return ok(image.pse.fci)
  }
  const from = p2 === 0x02 && session.search && equal(session.search.name, data) ? session.search.index + 1 : 0
  const { applications } = session.memory
  const index = applications.findIndex((one, i) => i >= from && startsWith(one.image.aid, data))
  if (index < 0) return refuse(SW.fileNotFound)
  const application = applications[index]
  leave(session, { type: 'application', application })
  session.search = { name: data, index }
  return { sw: application.blocked ? SW.selectedFileInvalidated : 0x9000, data: application.image.fci }
}

/** A new selection ends the transaction of the old one. */
function leave(session: Session, selected: Session['selected']): void {
  session.selected = selected
  session.search = undefined
  session.run = undefined
}

/** Book 1, 11.2. An application's records can be read once it was initiated, its log at any time. */
export function readRecord(session: Session, image: CardImage, { p1, p2 }: CardCommand): Answer {
  const sfi = p2 >> 3
  if ((p2 & 0x07) !== 0x04 || p1 === 0 || sfi === 0 || sfi === 31) return refuse(SW.wrongParameters)
  const { selected } = session
  if (selected.type === 'none') return refuse(SW.conditions)
  if (selected.type === 'application' && selected.application.image.plan.log && sfi === logFile) {
    const entry = selected.application.log[p1 - 1]
    return entry ? ok(entry) : refuse(SW.recordNotFound)
  }
  if (selected.type === 'application' && !session.run) return refuse(SW.conditions)
  const records = selected.type === 'pse' ? image.pse!.records : selected.application.records
  const record = records.get(`${sfi}.${p1}`)
  if (record) return ok(record)
  return refuse([...records.keys()].some(name => name.startsWith(`${sfi}.`)) ? SW.recordNotFound : SW.fileNotFound)
}

/** Book 3, 6.5.8: command template 83 with the PDOL's values. */
export function getProcessingOptions(session: Session, { data }: CardCommand): Answer {
  if (session.selected.type !== 'application' || session.run) return refuse(SW.conditions)
  const { application } = session.selected
  const { image } = application
  const wanted = dolLength(image.pdol)
  const head = wanted < 0x80 ? Uint8Array.of(0x83, wanted) : Uint8Array.of(0x83, 0x81, wanted)
  if (data.length !== head.length + wanted) return refuse(SW.wrongLength)
  if (!startsWith(data, head)) return refuse(SW.wrongData)
  if (image.plan.initiation === 'refuse' || application.atc === 0xffff) return refuse(SW.conditions)
  application.atc++
  const values = data.slice(head.length)
  session.run = freshRun(cutByDol(image.pdol, values)!, values, session.random(image.plan.oda.dynamicNumberLength))
  if (image.plan.responseFormat === 1) return ok(encode(0x80, concat(image.aip, image.afl)))
  return ok(
    encode(
      0x77,
      children(
        new Map([
          [0x82, image.aip],
          [0x94, image.afl],
        ]),
      ),
    ),
  )
}

/** Book 3, 6.5.7 and 7.3: ATC, Last Online ATC Register, PIN Try Counter, Log Format. */
export function getData(session: Session, { p1, p2 }: CardCommand): Answer {
  if (session.selected.type !== 'application') return refuse(SW.conditions)
  const tag = p1 * 256 + p2
  const value = dataObject(session, session.selected.application, tag)
  return value ? ok(encode(tag, value)) : refuse(SW.dataNotFound)
}

function dataObject({ memory }: Session, application: ApplicationMemory, tag: number): Uint8Array | undefined {
  switch (tag) {
    case 0x9f36:
      return fromUint(application.atc, 2)
    case 0x9f13:
      return fromUint(application.lastOnlineAtc, 2)
    case 0x9f17:
      return memory.pin && Uint8Array.of(memory.pin.triesLeft)
    case 0x9f4f:
      return application.image.plan.log && logFormat
    // The card's own limits, as PUT DATA takes them (tags as in VIS).
    case 0x9f58:
    case 0x9f59:
      return Uint8Array.of(application.consecutiveLimits[tag - 0x9f58])
    case 0x9f54:
      return toBcd(application.cumulativeLimits[0], 6)
    case 0x9f5c:
      return toBcd(application.cumulativeLimits[1], 6)
    default:
      return undefined
  }
}
