/** How MagTek's bytes lie on Bluetooth characteristics and in HID reports (readers.md 1.3.1–1.3.3; WebHID_Public, DeviceConfig.js). */

import type { BleShape, HidShape } from '../../src/transport/shape.ts'
import { v5Channels } from './codec-v5.ts'
import { MMS_CHANNEL } from './mms/codec-frames.ts'

/** GATT services. DynaPro's and the audio reader's speak another language, and are here to be told apart. */
export const magtekServices = {
  dynaPro: '0508e6f8-ad82-898f-f843-e3410cb60101',
  audio: '0508e6f8-ad82-898f-f843-e3410cb60102',
  eDynamo: '0508e6f8-ad82-898f-f843-e3410cb60103',
  tDynamo: '0508e6f8-ad82-898f-f843-e3410cb60104',
  dynaFlex: '0cba14b7-ff24-47b0-be09-26440538530c',
} as const

const command = '0508e6f8-ad82-898f-f843-e3410cb60200'
const cardData = '0508e6f8-ad82-898f-f843-e3410cb60201'
const dataReady = '0508e6f8-ad82-898f-f843-e3410cb60202'

/** A command is written, its answer said to be ready and then read; blocks are notified. */
function v5Ble(service: string): BleShape {
  return {
    service,
    write: command,
    notify: dataReady,
    chunk: 61,
    shared: false,
    acknowledged: 'all',
    ackTimeout: 15_000,
    channels: [
      { channel: v5Channels.answer, notify: dataReady, read: command },
      { channel: v5Channels.block, notify: cardData },
    ],
  }
}

const toReader = '47f05ffa-5909-4969-bc57-250d47e874e5'
const toHost = 'fed49118-c7e2-4a61-9ed5-e6dd65c3071b'

export const magtekBle = {
  tDynamo: v5Ble(magtekServices.tDynamo),
  eDynamo: v5Ble(magtekServices.eDynamo),
  dynaFlex: {
    service: magtekServices.dynaFlex,
    write: toReader,
    notify: toHost,
    chunk: 244,
    shared: false,
    acknowledged: 'all',
    channels: [{ channel: MMS_CHANNEL, notify: toHost }],
  },
} as const satisfies Readonly<Record<string, BleShape>>

const inputs = [
  { id: v5Channels.swipe, size: 887 },
  { id: v5Channels.notification, size: 62 },
] as const

const numbered = { single: 1, first: 1, middle: 1, last: 1 } as const

export const magtekHid = {
  /** Feature report 1 of 61 bytes; input report 1 is a swipe, 2 a notification. */
  v5: { size: 0x3d, ids: numbered, out: 'feature', answerAfter: 5, tagged: true, inputs },
  /** DynaMag with numbered reports of 25 bytes. */
  dynaMag: { size: 0x19, ids: numbered, out: 'feature', answerAfter: 5, tagged: true, inputs: [inputs[0]] },
  /** DynaMag that numbers none: its only input report is a swipe. */
  dynaMagPlain: { size: 0x19, out: 'feature', answerAfter: 5, tagged: true, inputs: [{ id: 0, size: 887 }] },
  dynaMagPlainLong: { size: 0x3d, out: 'feature', answerAfter: 5, tagged: true, inputs: [{ id: 0, size: 887 }] },
  mms: { size: 64, out: 'output' },
} as const satisfies Readonly<Record<string, HidShape>>
