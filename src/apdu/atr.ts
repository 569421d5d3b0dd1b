/** Answer to Reset: its bytes by name (ISO/IEC 7816-3, 8.2) and what EMV asks of them (EMV 4.4 Book 1, 8.3). */

import { lrc } from '../bytes.ts'
import { Fault } from '../errors.ts'

/** The interface bytes that one TD byte (or T0) announced. */
export interface InterfaceBytes {
  readonly ta?: number
  readonly tb?: number
  readonly tc?: number
  readonly td?: number
}

export interface Atr {
  readonly convention: 'direct' | 'inverse'
  readonly t0: number
  /** TA1 TB1 TC1 TD1, TA2 TB2 …, in order. */
  readonly groups: readonly InterfaceBytes[]
  /** Protocols offered, in the order of the TD bytes; T=0 where none is named. */
  readonly protocols: readonly number[]
  readonly historical: Uint8Array
  /** The check byte; there is none where only T=0 is offered. */
  readonly tck?: number
  /** Bytes behind the end, which some cards send and a reader has to leave alone. */
  readonly trailing?: Uint8Array
}

/** @throws Fault `apdu` with details.offset when the bytes are no ATR */
export function parseAtr(bytes: Uint8Array): Atr {
  let at = 0
  const next = (name: string) => {
    if (at >= bytes.length) throw malformed(`${name} is missing`, at)
    return bytes[at++]
  }
  const ts = next('TS')
  if (ts !== 0x3b && ts !== 0x3f) throw malformed(`TS is ${hexByte(ts)}, not 3B (direct) or 3F (inverse)`, 0)
  const t0 = next('T0')
  const groups: InterfaceBytes[] = []
  const protocols: number[] = []
  for (let announced: number | undefined = t0 & 0xf0; announced !== undefined; ) {
    const n = groups.length + 1
    if (bytes.length > 33) throw malformed('longer than 33 bytes', 33)
    const group: InterfaceBytes = {
      ...(announced & 0x10 && { ta: next(`TA${n}`) }),
      ...(announced & 0x20 && { tb: next(`TB${n}`) }),
      ...(announced & 0x40 && { tc: next(`TC${n}`) }),
      ...(announced & 0x80 && { td: next(`TD${n}`) }),
    }
    if (announced !== 0) groups.push(group)
    if (group.td !== undefined && !protocols.includes(group.td & 0x0f)) protocols.push(group.td & 0x0f)
    announced = group.td === undefined ? undefined : group.td & 0xf0
  }
  if (protocols.length === 0) protocols.push(0)
  const count = t0 & 0x0f
  if (at + count > bytes.length) throw malformed(`${count} historical bytes are announced, ${bytes.length - at} follow`, at)
  const historical = bytes.subarray(at, at + count)
  at += count
  const needsTck = protocols.some(protocol => protocol !== 0)
  if (needsTck && at >= bytes.length) throw malformed('TCK is missing', at)
  const tck = needsTck ? bytes[at++] : undefined
  if (tck !== undefined && lrc(bytes.subarray(1, at)) !== 0)
    throw malformed(`TCK is ${hexByte(tck)}, the exclusive-or of T0 to TCK is not zero`, at - 1)
  return {
    convention: ts === 0x3b ? 'direct' : 'inverse',
    ...{ t0, groups, protocols, historical },
    ...(tck !== undefined && { tck }),
    ...(at < bytes.length && { trailing: bytes.subarray(at) }),
  }
}

/**
 * What EMV does not accept in an ATR to a cold reset, a sentence each with its paragraph; empty for a basic ATR or one within the accepted range.
 * A terminal meets remarks with a warm reset, and rejects the card when they stay (Book 1, 8.3.1).
 */
export function emvRemarks(atr: Atr): string[] {
  const remarks: string[] = []
  const [first = {}, second = {}, third = {}] = atr.groups
  const protocol = first.td === undefined ? 0 : first.td & 0x0f
  const refuse = (when: boolean, remark: string) => {
    if (when) remarks.push(remark)
  }
  refuse(
    first.ta !== undefined && second.ta !== undefined && !(first.ta >= 0x11 && first.ta <= 0x13),
    `TA1 ${hexByte(first.ta)}: with TA2 the terminal takes 11 to 13 (8.3.3.1)`,
  )
  refuse(first.tb === undefined && atr.convention === 'direct', 'TB1 is missing (8.3.3.2)')
  refuse(first.tb !== undefined && first.tb !== 0x00, `TB1 ${hexByte(first.tb)}: the card asks for VPP, only 00 is allowed (8.3.3.2)`)
  refuse(protocol > 1, `TD1 asks for protocol T=${protocol}, EMV has T=0 and T=1 (8.3.3.4)`)
  refuse(
    second.ta !== undefined && (second.ta & 0x10) !== 0,
    `TA2 ${hexByte(second.ta)}: implicit parameters (b5) are not supported (8.3.3.5)`,
  )
  refuse(second.tb !== undefined, 'TB2 is not allowed (8.3.3.6)')
  refuse(second.tc !== undefined && protocol === 1, 'TC2 is for T=0 only (8.3.3.7)')
  refuse(
    second.tc !== undefined && protocol === 0 && second.tc !== 0x0a,
    `TC2 ${hexByte(second.tc)}: only a waiting time integer of 0A is allowed (8.3.3.7)`,
  )
  refuse(atr.trailing !== undefined, `${atr.trailing?.length} bytes follow the last (8.3)`)
  if (protocol === 1) {
    refuse(second.td === undefined || (second.td & 0x0f) !== 1, 'TD2 does not name T=1 (8.3.3.8)')
    refuse(third.ta !== undefined && (third.ta < 0x10 || third.ta === 0xff), `TA3 ${hexByte(third.ta)}: IFSC is 10 to FE (8.3.3.9)`)
    refuse(third.tb === undefined, 'TB3 is missing (8.3.3.10)')
    if (third.tb !== undefined) {
      refuse(third.tb >> 4 > 4, `TB3 ${hexByte(third.tb)}: BWI is at most 4 (8.3.3.10)`)
      refuse((third.tb & 0x0f) > 5, `TB3 ${hexByte(third.tb)}: CWI is at most 5 (8.3.3.10)`)
      const guard = first.tc === undefined ? 0 : first.tc === 0xff ? -1 : first.tc
      refuse(2 ** (third.tb & 0x0f) <= guard + 1, `TB3 ${hexByte(third.tb)}: 2^CWI is not above N + 1 (8.3.3.10)`)
    }
    refuse(third.tc !== undefined && third.tc !== 0x00, `TC3 ${hexByte(third.tc)}: only the longitudinal check is allowed (8.3.3.11)`)
  }
  return remarks
}

const hexByte = (byte: number | undefined) => (byte ?? 0).toString(16).toUpperCase().padStart(2, '0')

function malformed(rule: string, offset: number): Fault {
  return new Fault('apdu', `ATR: ${rule} at offset ${offset}`, { rule, offset })
}
