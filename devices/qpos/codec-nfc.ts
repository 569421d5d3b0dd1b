/** QPOS as a passthrough NFC reader: answers to 17 00 (field on) and 17 10 (APDU). */

import { concat } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import { Fields } from './codec-fields.ts'

/** A card in the field. */
export interface NfcActivated {
  /** DUKPT key serial number, 10 bytes, for the enciphered mode that this codec does not ask for. */
  readonly ksn: Uint8Array
  /** ATS or historical bytes, as the reader gives them. */
  readonly atr: Uint8Array
}

/** data[0]: 0 failed, 11 the two lengths count on from 255, anything else (1 here) done. */
const FAILED = 0x00
const DONE = 0x01
const LONG = 0x11
const OFFSET = 255
const KSN = 10

/** Undefined: no card came. @throws Fault `bad-argument` */
export function encodeNfcActivated(answer: NfcActivated | undefined): Uint8Array {
  if (!answer) return Uint8Array.of(FAILED)
  const { ksn, atr } = answer
  if (ksn.length !== KSN || atr.length > 255)
    throw new Fault('bad-argument', `KSN has ${ksn.length} and ATR ${atr.length} bytes, the rule is ${KSN} and at most 255`, {
      field: 'atr',
    })
  return concat(Uint8Array.of(DONE), ksn, Uint8Array.of(atr.length, atr.length), atr)
}

/** @throws Fault `protocol` where the data is not of this layout */
export function decodeNfcActivated(data: Uint8Array): NfcActivated | undefined {
  const fields = new Fields(data, 'answer to NFC power on')
  if (fields.byte('result') === FAILED) return undefined
  const ksn = fields.take(KSN, 'KSN')
  return { ksn, atr: taken(fields, 0, 'ATR') }
}

/** A response APDU; undefined: the card has given none. @throws Fault `bad-argument` */
export function encodeNfcResponse(response: Uint8Array | undefined): Uint8Array {
  if (!response) return Uint8Array.of(FAILED)
  const { length } = response
  if (length > OFFSET + 255)
    throw new Fault('bad-argument', `a response of ${length} bytes, the rule is ${OFFSET + 255}`, { field: 'response' })
  const counted = length > OFFSET ? [LONG, length - OFFSET, length - OFFSET] : [DONE, length, length]
  return concat(Uint8Array.from(counted), response)
}

/** @throws Fault `protocol` where the data is not of this layout */
export function decodeNfcResponse(data: Uint8Array): Uint8Array | undefined {
  const fields = new Fields(data, 'answer to NFC APDU')
  const result = fields.byte('result')
  return result === FAILED ? undefined : taken(fields, result === LONG ? OFFSET : 0, 'response')
}

/** Length, length on the wire (enciphered data are padded), and the bytes. */
function taken(fields: Fields, offset: number, field: string): Uint8Array {
  const length = fields.byte(`${field} length`) + offset
  const onWire = fields.byte(`${field} length on the wire`) + offset
  if (length > onWire) throw new Fault('protocol', `${field} has ${length} bytes in ${onWire} on the wire`, { field })
  return fields.take(onWire, field).subarray(0, length)
}
