/** Issuer script commands of a virtual card: each is bound by its MAC to the ARQC before it (EMV 4.4 Book 2, 9; Book 3, 6.5). */

import { concat, equal, fromBcd, fromHex, fromUint, hex, xor } from '../../../src/bytes.ts'
import { type Answer, type CardCommand, ok, refuse, SW } from '../command.ts'
import { pinOfBlock, scriptKey, scriptMac } from '../cryptogram.ts'
import { decryptCbc, decryptEcb } from '../des.ts'
import type { ApplicationMemory } from '../memory.ts'
import type { ScriptCommand } from '../profile/words.ts'
import type { Run, Session } from './run.ts'

const macLength = 8

/** Checks the MAC, then does what the command says. */
export function scriptCommand(session: Session, name: ScriptCommand, command: CardCommand): Answer {
  const { selected, run } = session
  if (selected.type !== 'application' || !run?.arqc) return refuse(SW.conditions)
  const { application } = selected
  if (!application.image.plan.scripts.includes(name)) return refuse(SW.wrongIns)
  if (!run.scriptsBegun) {
    run.scriptsBegun = true
    application.scripts = { done: 0, failed: false }
  }
  const answer = secured(session, application, run, name, command)
  if (answer.sw === 0x9000) application.scripts.done++
  else application.scripts.failed = true
  return answer
}

function secured(session: Session, application: ApplicationMemory, run: Run, name: ScriptCommand, command: CardCommand): Answer {
  const { header, data } = command
  if (data.length < macLength) return refuse(SW.noMac)
  const { scheme, masterKeys } = application.image
  const atc = fromUint(application.atc, 2)
  const body = data.subarray(0, -macLength)
  const expected = scriptMac(scriptKey(scheme, masterKeys.smi, atc, run.arqc!), header, atc, run.arqc!, body)
  if (!equal(expected, data.subarray(-macLength))) return refuse(SW.wrongMac)
  switch (name) {
    case 'applicationBlock':
    case 'applicationUnblock':
      if (body.length > 0) return refuse(SW.wrongLength)
      application.blocked = name === 'applicationBlock'
      return ok()
    case 'cardBlock':
      if (body.length > 0) return refuse(SW.wrongLength)
      session.memory.blocked = true
      return ok()
    case 'pinChangeUnblock':
      return changePin(session, application, run, command.p2, body)
    case 'putData':
      return putData(application, command.p1 * 256 + command.p2, body)
    case 'updateRecord':
      return updateRecord(application, command, body)
  }
}

/** P2 00 resets the try counter; 01 (over the current PIN) and 02 bring a new PIN, enciphered (Book 3, 6.5.10 and VIS). */
function changePin({ memory }: Session, application: ApplicationMemory, run: Run, p2: number, body: Uint8Array): Answer {
  const { pin } = memory
  if (!pin) return refuse(SW.conditions)
  if (p2 !== 0x00) {
    const { scheme, masterKeys } = application.image
    if (p2 === 0x01 && scheme.encipherment !== 'visa') return refuse(SW.wrongParameters)
    if (body.length !== (scheme.encipherment === 'mastercard' ? 8 : 16)) return refuse(SW.wrongLength)
    const key = scriptKey(scheme, masterKeys.smc, fromUint(application.atc, 2), run.arqc!)
    const digits =
      scheme.encipherment === 'visa'
        ? visaPin(decryptEcb(key, body), masterKeys.ac, p2 === 0x01 ? pin.digits : '')
        : format2Pin(decryptCbc(key, body))
    if (digits === undefined) return refuse(SW.wrongData)
    pin.digits = digits
  } else if (body.length > 0) return refuse(SW.wrongLength)
  pin.triesLeft = pin.tryLimit
  return ok()
}

/** ISO 9564 format 2, alone or padded with 80 and zeros. */
function format2Pin(clear: Uint8Array): string | undefined {
  if (clear[0] >> 4 !== 2 || (clear.length > 8 && hex(clear.subarray(8)) !== '8000000000000000')) return undefined
  return pinOfBlock(clear.subarray(0, 8), new Uint8Array(8))
}

/** Visa: 08, the block XOR the right quarter of the master key's left half (and XOR the current PIN), 80 and zeros. */
function visaPin(clear: Uint8Array, masterKey: Uint8Array, current: string): string | undefined {
  if (clear[0] !== 8 || clear[9] !== 0x80) return undefined
  const mask = concat(new Uint8Array(4), masterKey.subarray(4, 8))
  return pinOfBlock(clear.subarray(1, 9), xor(mask, fromHex(current.padEnd(16, '0'))))
}

/** The card's offline limits: 9F58 and 9F59 consecutive, 9F54 and 9F5C cumulative (tags as in VIS). */
function putData(application: ApplicationMemory, tag: number, value: Uint8Array): Answer {
  const which = tag === 0x9f58 || tag === 0x9f54 ? 0 : 1
  if (tag === 0x9f58 || tag === 0x9f59) {
    if (value.length !== 1) return refuse(SW.wrongLength)
    application.consecutiveLimits[which] = value[0]
    return ok()
  }
  if (tag === 0x9f54 || tag === 0x9f5c) {
    const amount = value.length === 6 ? fromBcd(value) : undefined
    if (amount === undefined) return refuse(value.length === 6 ? SW.wrongData : SW.wrongLength)
    application.cumulativeLimits[which] = Number(amount)
    return ok()
  }
  return refuse(SW.dataNotFound)
}

function updateRecord({ records }: ApplicationMemory, { p1, p2 }: CardCommand, body: Uint8Array): Answer {
  const name = `${p2 >> 3}.${p1}`
  if ((p2 & 0x07) !== 0x04) return refuse(SW.wrongParameters)
  if (!records.has(name)) return refuse(SW.recordNotFound)
  if (body[0] !== 0x70) return refuse(SW.wrongData)
  records.set(name, body.slice())
  return ok()
}
