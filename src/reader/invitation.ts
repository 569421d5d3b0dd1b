/** What a cardholder is asked to do with a card, by the interfaces that may be used. */

import type { CardInterface } from '../emv/outcome.ts'
import type { ShopMessageId } from '../messages/shop.ts'

/** The message of a display, for any order of the ways. */
export function invitation(ways: Iterable<CardInterface>): ShopMessageId {
  const [first, ...more] = new Set(ways)
  if (more.length === 0 && first) return ({ chip: 'reader.insertCard', tap: 'reader.tapCard', swipe: 'reader.swipeCard' } as const)[first]
  const tap = first === 'tap' || more.includes('tap')
  return tap || !first ? 'reader.presentCard' : 'reader.insertOrSwipe'
}
