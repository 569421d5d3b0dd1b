/** What stands on the display of a MagTek reader, or is shown by its host where it has none, in the vendor's words (D100005000, Table 4.31). */

import type { MessageId } from '../../../src/messages/messages.ts'

export const displayTexts: { readonly [id in MessageId]?: string } = {
  'reader.presentCard': 'PRESENT CARD',
  'reader.insertCard': 'INSERT CARD',
  'reader.swipeCard': 'SWIPE CARD',
  'reader.tapCard': 'TAP CARD',
  'reader.insertOrSwipe': 'INSERT OR SWIPE CARD',
  'reader.presentOneCard': 'PRESENT ONE CARD ONLY',
  'reader.presentCardAgain': 'PRESENT CARD AGAIN',
  'reader.tryAgain': 'TRY AGAIN',
  'reader.seePhone': 'SEE PHONE',
  'reader.processing': 'PLEASE WAIT',
  'reader.enterPin': 'ENTER PIN',
  'reader.wrongPin': 'INCORRECT PIN',
  'reader.lastPinTry': 'LAST PIN TRY',
  'reader.authorising': 'AUTHORIZING PLEASE WAIT',
  'reader.cardReadOk': 'CARD READ OK - REMOVE CARD',
  'reader.removeCard': 'REMOVE CARD',
  'reader.approved': 'APPROVED',
  'reader.successful': 'APPROVED',
  'reader.approvedSign': 'APPROVED PLEASE SIGN',
  'reader.declined': 'DECLINED',
  'reader.notAccepted': 'NOT ACCEPTED',
  'reader.cardError': 'CARD ERROR',
  'reader.cancelled': 'CANCELED',
  'reader.tryAnotherCard': 'INSERT, SWIPE, OR TRY ANOTHER CARD',
  'reader.idle': 'WELCOME',
}
