/** The slot and the field of a virtual body without the reader around it: for a kernel that is the app's, over a slot in memory or in the virtual slot of pcscd. */

import { concat, fromHex, lrc } from '../../../src/bytes.ts'
import { within } from '../../../src/clock.ts'
import { initialKey } from '../../../src/crypto/dukpt.ts'
import type { Card } from '../../../src/emv/card.ts'
import type { PinEntry, PinRequest, Waiting } from '../../../src/emv/terminal.ts'
import { Fault, isFault } from '../../../src/errors.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import type { PassthroughOptions } from '../../../src/reader/passthrough-options.ts'
import type { Tracer } from '../../../src/trace/event.ts'
import type { PoweredCard, SlotLink } from '../../../src/transport/link.ts'
import { freshSerial, testPinDukpt } from '../../keys.ts'
import type { Body } from '../../readers/body/body.ts'
import { virtualNfc } from '../../readers/body/nfc.ts'
import { pinRules, readPin } from '../../readers/body/pin-pad.ts'
import { listen } from '../../readers/listen/listen.ts'
import { type DukptKeys, dukptKeys, pinBlock } from '../../readers/pin-keys.ts'
import { VpcdCard } from '../../readers/vpcd.ts'
import type { ScenarioPlan } from '../schema.ts'
import { VPCD_READER } from './line.ts'

/** PC/SC part 3, 3.1.3.2.3: what a reader makes of a contactless card without historical bytes. */
const contactlessAtr = concat(fromHex('3B808001'), Uint8Array.of(lrc(fromHex('808001'))))

/** As a PC/SC reader with a slot and a field shows it, in memory. */
export function slotOf(where: Body): SlotLink & { /** The reader is unplugged. */ drop(): void } {
  const nfc = virtualNfc(where)
  where.reuseCard() // a card that is there when an app opens the slot is there for it
  /** As the service tells it: the slot is over, and the card in it has gone with its reader. */
  const over = new AbortController()
  const gone = new AbortController()
  const powered = (card: Card, atr: Uint8Array, removed: AbortSignal, powerOff: () => Promise<void>): PoweredCard => ({
    ...{ atr, removed: AbortSignal.any([removed, gone.signal]), powerOff },
    transmit: (apdu, options) => (gone.signal.aborted ? Promise.reject(gone.signal.reason) : card.transmit(apdu, options)),
  })
  let close = (_: undefined) => {}
  return {
    ...{ uri: `pcsc:${encodeURIComponent(VPCD_READER)}`, name: VPCD_READER },
    get cardPresent() {
      return where.cardInSlot || where.cardsInField > 0
    },
    closed: new Promise(resolve => {
      close = resolve
    }),
    close: async () => close(undefined),
    drop() {
      const cause = new Fault('link-closed', 'the reader was unplugged')
      over.abort(cause)
      gone.abort(new Fault('card-removed', 'the reader has gone', {}, { cause }))
      close(undefined)
    },
    powerOn: ({ timeout, signal }) =>
      within({ timeout, signal: signal ? AbortSignal.any([signal, over.signal]) : over.signal, clock: where.clock }, async inner => {
        const { interface: by } = await where.nextCard(['chip', 'tap'], { signal: inner })
        if (by === 'tap') {
          const card = await nfc.activate({ signal: inner, onCollision: () => {} })
          return powered(card, contactlessAtr, card.removed, () => nfc.off())
        }
        const card = where.powerOn('chip')
        return powered(card, card.atr ?? fromHex('3B00'), where.cardGone('chip'), async () => where.reuseCard()) // a card that stays can be powered again
      }),
  }
}

/** Whatever is inserted, or held to the antenna, is put into the slot of vpcd, and pulled from it. The returned function ends that. */
export function intoVpcd(body: Body, onFault: (fault: unknown) => void): () => Promise<void> {
  let place: Promise<{ close(): Promise<void> } | undefined> = Promise.resolve(undefined)
  const put = (where: 'chip' | 'tap') => {
    const { card, works } = reset(body, where)
    const plan = { name: where, chip: works ? 'works' : 'dead' }
    const atr = where === 'tap' ? contactlessAtr : (card?.atr ?? fromHex('3B00'))
    const powered = () => ({ transmit: body.powerOn(where).transmit, remove: () => {} })
    const inserted = new VpcdCard({ plan, atr, contact: powered })
    place = place.then(() => listen('pcsc', link => inserted.serve(link), { onError: onFault })).catch(error => void onFault(error))
  }
  const pull = () => {
    place = place.then(one => one?.close()).then(() => undefined)
  }
  const deaf = body.on(event => {
    if (event.type !== 'card') return
    if (event.event === 'inserted') put('chip')
    else if (event.event === 'tapped' && body.cardsInField === 1) put('tap')
    else if (event.event === 'removed' || event.event === 'left') pull()
  })
  return async () => {
    deaf()
    pull()
    await place
  }
}

/** A card that gives no answer to reset is dead for vpcd, which has no word for that. */
function reset(body: Body, where: 'chip' | 'tap'): { readonly card?: Card; readonly works: boolean } {
  try {
    return { card: body.powerOn(where), works: true }
  } catch (error) {
    if (!isFault(error, 'card-mute')) throw error
    return { works: false }
  }
}

/** What the scenario says of a kernel in the app: as of a reader's own, its chance and its exception file. */
export function kernelOf(plan: ScenarioPlan, random: (length: number) => Uint8Array): PassthroughOptions['kernel'] {
  const listed = plan.terminal?.exceptionFile
  return { random, ...(listed && { exceptionFile: pan => listed.some(begin => pan.startsWith(begin)) }) }
}

/** Commands to a raw slot are told by whoever sends them. */
export function withoutCommands(tracer: Tracer): Tracer {
  return {
    tell: (from, told) => {
      if (told.kind !== 'apdu') tracer.tell(from, told)
    },
    span: (level, name, from) => (level === 'command' ? () => {} : tracer.span(level, name, from)),
  }
}

/** Keys of the PIN pad beside such a reader. */
export function pinKeysOf(random: (length: number) => Uint8Array): DukptKeys {
  const ksn = freshSerial(testPinDukpt.ksn, random)
  return dukptKeys({ ipek: initialKey(testPinDukpt.bdk, ksn), ksn })
}

const prompts: Readonly<Record<'first' | 'again' | 'last', MessageId>> = {
  first: 'reader.enterPin',
  again: 'reader.wrongPin',
  last: 'reader.lastPinTry',
}

/** The person types a PIN at the body's keypad. */
export async function typePin(body: Body, keys: DukptKeys, request: PinRequest, waiting: Waiting): Promise<PinEntry> {
  const offline = request.type === 'offline'
  const prompt = offline && request.triesLeft === 1 ? prompts.last : offline && request.again ? prompts.again : prompts.first
  const typed = await readPin(body, prompt, pinRules, waiting)
  body.show('reader.processing')
  if (typed.type !== 'digits') return typed
  if (offline) return { type: 'offlinePin', pin: typed.digits }
  return { type: 'onlinePin', block: pinBlock(typed.digits, request.pan, keys.next()) }
}

/** Shown by `typePin` itself. */
export const pinPrompts: readonly MessageId[] = Object.values(prompts)
