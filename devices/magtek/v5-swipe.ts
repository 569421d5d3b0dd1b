/** A stripe on a V5 reader: its tracks go to the host as they came, enciphered by the reader's head, or in clear from one that enciphers nothing. */

import { text, toCn } from '../../src/bytes.ts'
import type { Outcome } from '../../src/emv/outcome.ts'
import { isFault, throwIfAborted } from '../../src/errors.ts'
import { isExpired } from '../../src/expiry.ts'
import { entryModeOf, readSwipe, type Swipe, type SwipedTracks } from '../../src/magstripe/swipe.ts'
import { track2Equivalent } from '../../src/magstripe/track.ts'
import { invitation } from '../../src/reader/invitation.ts'
import { encTracks } from '../../src/reader/own-tags.ts'
import { decodeSwipe, magtekTags, type SealedSwipe } from './codec.ts'
import { authorise, CARD_WAIT, type Known, learnPan, show, waysOf } from './known.ts'
import type { V5Counter } from './v5-end.ts'

/** The key serial number of a swipe. */
const KSN = 0xc0

/** A DynaMag knows no transactions: it says what is swiped, whenever that is. */
export async function waitForSwipe(counter: V5Counter, known: Known): Promise<Outcome> {
  const { news, signal, clock } = counter
  throwIfAborted(signal)
  show(counter, invitation(waysOf(counter.transaction, counter.interfaces)))
  const end = clock.now() + CARD_WAIT * 1000
  for (;;) {
    const timeout = Math.max(1, end - clock.now())
    const reply = await news.next({ timeout, signal, clock, what: 'a swipe' }).catch(error => {
      if (!isFault(error, 'timeout') || signal.aborted) throw error
    })
    if (!reply) return known.relay.outcome('cancelled', 'cardTimeout')
    if (reply.type !== 'swipe') continue
    const done = await swiped(counter, known, reply.report)
    if (done) return done
    show(counter, 'reader.tryAgain')
  }
}

/** A stripe: its tracks go to the host as they came, enciphered by the reader's head. Undefined for one that was read wrong. */
export async function swiped(counter: V5Counter, known: Known, report: Uint8Array): Promise<Outcome | undefined> {
  const swipe = decodeSwipe(report)
  known.relay.by = 'swipe'
  counter.emit({ type: 'card', event: 'swiped' })
  const good = swipe.type === 'sealed' ? learnSealed(counter, known, swipe) : learnOpen(counter, known, swipe.tracks.map(text))
  if (!good) return undefined
  known.relay.signature = true
  show(counter, 'reader.processing')
  await authorise(known)
  return known.relay.byHostOrCall()
}

function learnSealed({ interfaces }: V5Counter, known: Known, swipe: SealedSwipe): boolean {
  const { tracks, decodeStatus: status, ksn, masked } = swipe
  if (!tracks.slice(0, 2).some((track, at) => track.length > 0 && status[at] === 0)) return false
  const tags = [encTracks.encTrack1, encTracks.encTrack2, encTracks.encTrack3]
  for (const [at, track] of tracks.entries()) if (track.length > 0 && status[at] === 0) known.relay.tags.set(tags[at], track)
  known.relay.tags.set(KSN, ksn)
  known.relay.tags.set(magtekTags.serial, swipe.serial)
  const track2 = text(masked[1])
  learnPan(known, track2)
  known.relay.tags.set(0x9f39, Uint8Array.of(entryModeOf(/=\d{4}(\d{3})/.exec(track2)?.[1], interfaces.includes('chip'))))
  return true
}

/** A reader that enciphers nothing: track 2 as a chip would give it. */
function learnOpen({ interfaces, clock }: V5Counter, known: Known, tracks: readonly string[]): boolean {
  const [track1, track2, track3] = tracks
  const read = swipeOf({ track1, track2, track3 })
  if (!read || (read.expiry !== undefined && isExpired(read.expiry, new Date(clock.now())))) return false
  if (read.track2) known.relay.tags.set(0x57, track2Equivalent(read.track2))
  else if (read.track1) known.relay.tags.set(0x5a, toCn(read.pan))
  known.relay.tags.set(0x9f39, Uint8Array.of(entryModeOf(read.serviceCode?.chip ? '2' : '1', interfaces.includes('chip'))))
  return true
}

function swipeOf(tracks: SwipedTracks): Swipe | undefined {
  try {
    return readSwipe(tracks)
  } catch (error) {
    if (isFault(error, 'bad-swipe')) return undefined
    throw error
  }
}
