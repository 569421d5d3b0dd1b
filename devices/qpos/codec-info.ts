/** The payloads of getQposId (10 00) and getQposInfo (11 30): what a reader tells of itself. */

import { concat, fromText, fromUint, text, uint } from '../../src/bytes.ts'
import { Fields, known, lv, optionalLvs } from './codec-fields.ts'

const none = new Uint8Array(0)

export interface QposId {
  readonly psamId: Uint8Array
  readonly posId: Uint8Array
  readonly merchantId: Uint8Array
  readonly vendorCode: Uint8Array
  readonly deviceNumber?: Uint8Array
  readonly psamNo?: Uint8Array
  readonly csn?: Uint8Array
  /** Status of the terminal master keys 0–4 and whatever follows, as it came. */
  readonly more?: Uint8Array
}

/** @throws Fault `bad-argument` */
export function encodeQposId(id: QposId): Uint8Array {
  const more = id.more ?? none
  const last = [
    ['deviceNumber', id.deviceNumber],
    ['psamNo', id.psamNo],
    ['csn', id.csn ?? (more.length > 0 ? none : undefined)],
  ] as const
  const first = [lv(id.psamId, 'psamId'), lv(id.posId, 'posId'), lv(id.merchantId, 'merchantId'), lv(id.vendorCode, 'vendorCode')]
  return concat(...first, optionalLvs(last), more)
}

/** @throws Fault `protocol` where a field is cut off */
export function decodeQposId(data: Uint8Array): QposId {
  const fields = new Fields(data, 'QPOS id')
  return known({
    psamId: fields.lv('psamId'),
    posId: fields.lv('posId'),
    merchantId: fields.lv('merchantId'),
    vendorCode: fields.lv('vendorCode'),
    deviceNumber: fields.optional('deviceNumber'),
    psamNo: fields.optional('psamNo'),
    csn: fields.optional('csn'),
    more: fields.left > 0 ? fields.rest() : undefined,
  })
}

export interface QposInfo {
  readonly bootloader: string
  readonly firmware: string
  /** Begins with A27 for QPOS mini, A29 CUTE, A30 PLUS, D20, CR1 for CR100. */
  readonly hardware: string
  readonly millivolts?: number
  readonly charging?: boolean
  readonly usb?: boolean
  readonly track1?: boolean
  readonly track2?: boolean
  readonly track3?: boolean
  readonly encryptionMode?: Uint8Array
  readonly workKeyUpdated?: boolean
  readonly keyboard?: boolean
  /** 0–100. */
  readonly percent?: number
  readonly pciHardware?: Uint8Array
  readonly pciFirmware?: Uint8Array
  readonly compileTime?: Uint8Array
  readonly more?: Uint8Array
}

const flag = (value: boolean | undefined) => (value === undefined ? undefined : Uint8Array.of(value ? 1 : 0))

/** @throws Fault `bad-argument` */
export function encodeQposInfo(info: QposInfo): Uint8Array {
  const more = info.more ?? none
  const optional = [
    ['encryptionMode', info.encryptionMode],
    ['workKeyUpdated', flag(info.workKeyUpdated)],
    ['keyboard', flag(info.keyboard)],
    ['percent', info.percent === undefined ? undefined : fromUint(info.percent, 1)],
    ['pciHardware', info.pciHardware],
    ['pciFirmware', info.pciFirmware],
    ['compileTime', info.compileTime ?? (more.length > 0 ? none : undefined)],
  ] as const
  return concat(
    lv(fromText(info.bootloader), 'bootloader'),
    lv(fromText(info.firmware), 'firmware'),
    lv(fromText(info.hardware), 'hardware'),
    lv(info.millivolts === undefined ? none : fromUint(info.millivolts, 2), 'millivolts'),
    ...[info.charging, info.usb, info.track1, info.track2, info.track3].map(value => lv(flag(value) ?? none, 'flag')),
    optionalLvs(optional),
    more,
  )
}

/** @throws Fault `protocol` where a field is cut off */
export function decodeQposInfo(data: Uint8Array): QposInfo {
  const fields = new Fields(data, 'QPOS info')
  const bool = (field: string) => fields.optional(field)?.some(byte => byte !== 0)
  const bootloader = text(fields.lv('bootloader'))
  const firmware = text(fields.lv('firmware'))
  const hardware = text(fields.lv('hardware'))
  const millivolts = fields.lv('millivolts')
  return known({
    bootloader,
    firmware,
    hardware,
    millivolts: millivolts.length > 0 && millivolts.length <= 4 ? uint(millivolts) : undefined,
    charging: bool('charging'),
    usb: bool('usb'),
    track1: bool('track1'),
    track2: bool('track2'),
    track3: bool('track3'),
    encryptionMode: fields.optional('encryptionMode'),
    workKeyUpdated: bool('workKeyUpdated'),
    keyboard: bool('keyboard'),
    percent: percentage(fields.optional('percent')),
    pciHardware: fields.optional('pciHardware'),
    pciFirmware: fields.optional('pciFirmware'),
    compileTime: fields.optional('compileTime'),
    more: fields.left > 0 ? fields.rest() : undefined,
  })
}

/** The vendor's own parser clamps to 100. */
function percentage(value: Uint8Array | undefined): number | undefined {
  return value && Math.min(value[0], 100)
}
