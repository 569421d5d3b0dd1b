/** MagTek's wrapped EMV data and swipe reports for recordings, field by field. */

import { uint } from '../../../src/bytes.ts'
import type { Cursor } from '../../../src/recording/cursor.ts'
import type { RecordedKind } from '../../../src/recording/field.ts'
import type { TlvOptions, Vendor } from '../../../src/recording/tlv.ts'
import { magtekTags, swipeLengths } from '../codec.ts'

const { sealed, encTrack1, encTrack2, encTrack3, maskedTrack2, maskedTrack2Stripe, pinKsn, stripeKsn, macKsn, dataKsn } = magtekTags

const vendor: Vendor = {
  ...Object.fromEntries(Object.values(magtekTags).map((tag): [number, RecordedKind] => [tag, 'plain'])),
  ...Object.fromEntries([0xdfdf36, 0xdfdf38, 0xdfdf3a].map((tag): [number, RecordedKind] => [tag, 'plain'])),
  ...Object.fromEntries([sealed, encTrack1, encTrack2, encTrack3].map((tag): [number, RecordedKind] => [tag, 'secret'])),
  ...Object.fromEntries([maskedTrack2, maskedTrack2Stripe].map((tag): [number, RecordedKind] => [tag, 'trackText'])),
  ...Object.fromEntries([pinKsn, stripeKsn, macKsn, dataKsn].map((tag): [number, RecordedKind] => [tag, 'free'])),
}
export const magtekTlv: TlvOptions = { vendor, ff: 'tag', closed: [0xff42] }

const MAC = 4

/** Length, F9 and what is in it, zeros up to a whole block, MAC. */
export function emvData(cursor: Cursor, size: number): void {
  const length = size < 2 ? -1 : uint(cursor.bytes.subarray(cursor.at, cursor.at + 2))
  if (length < 0 || length + 2 + MAC > size) return void (size > 0 && cursor.take(size, 'secret'))
  cursor.skip(2)
  cursor.tlv(length, magtekTlv)
  const filled = size - 2 - length - MAC
  if (filled > 0) cursor.take(filled, 'secret')
  cursor.take(MAC, 'free')
}

/** A swipe report (input report 1, or card data over Bluetooth), by its length one of three. */
export function swipeReport(cursor: Cursor): void {
  if (cursor.left === swipeLengths.open) openReport(cursor)
  else if (cursor.left === swipeLengths.sealed || cursor.left === swipeLengths.sealedAndMore) sealedReport(cursor)
  else cursor.rest('secret')
}

function sealedReport(cursor: Cursor): void {
  cursor.take(7, 'plain')
  cursor.take(336, 'secret')
  cursor.take(5, 'plain')
  cursor.skip(1)
  cursor.take(128, 'secret')
  cursor.take(18, 'plain')
  cursor.take(10, 'free')
  const lengths = [cursor.number(1), cursor.number(1), cursor.number(1)]
  for (const [track, length] of lengths.entries()) field(cursor, 112, length, track < 2 ? 'trackText' : 'secret')
  cursor.take(8, 'free')
  cursor.take(4, 'plain')
  if (cursor.left > 0) {
    cursor.take(3, 'free')
    cursor.take(28, 'plain')
  }
}

function openReport(cursor: Cursor): void {
  cursor.take(3, 'plain')
  const lengths = [cursor.number(1), cursor.number(1), cursor.number(1)]
  cursor.take(1, 'plain')
  for (const [track, length] of lengths.entries()) field(cursor, 110, length, track < 2 ? 'trackText' : 'secret')
}

/** Text in a place that is larger. */
function field(cursor: Cursor, room: number, length: number, kind: RecordedKind): void {
  const size = Math.min(length, room)
  if (size > 0) cursor.take(size, kind)
  if (room > size) cursor.take(room - size, 'secret')
}
