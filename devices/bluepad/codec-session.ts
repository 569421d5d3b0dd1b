/** What both ends of an MPED line owe each other: each frame is acknowledged, one that is refused comes again, three times in all. It owns no timer. */

import { equal } from '../../src/bytes.ts'
import { assembler, type Control, type LineItem } from './codec-frame.ts'
import { payloadLength } from './codec-messages.ts'

/** How often a frame is sent before the session ends (FrameManager.mm). */
export const ATTEMPTS = 3
/** Milliseconds for an ACK and for an answer (HeftConnection.mm). */
export const times = { ack: 20_000, answer: 15_000 } as const

export interface Delivery {
  write(bytes: Uint8Array): Promise<void>
  /** What the peer says of the frame. */
  said(): Promise<Control | 'silence'>
  /** How often a frame that is met with silence is sent again; 0 when left out: the vendor's library does not. */
  readonly repeats?: number
}

/** Sends frames one by one. `refused`: one was refused three times, `silent`: nothing is said of it, the session is to be ended; `ended`: the peer did. */
export async function deliver(
  frames: readonly Uint8Array[],
  { write, said, repeats = 0 }: Delivery,
): Promise<'taken' | 'refused' | 'silent' | 'ended'> {
  for (const frame of frames) {
    for (let refusals = 0, silences = 0; ; ) {
      await write(frame)
      const answer = await said()
      if (answer === 'end') return 'ended'
      if (answer === 'ack') break
      if (answer === 'silence') {
        if (++silences > repeats) return 'silent'
      } else if (++refusals === ATTEMPTS) return 'refused'
    }
  }
  return 'taken'
}

export interface Heard<In> {
  /** What the peer is to be told of the frame. */
  readonly reply?: 'ack' | 'nak'
  readonly message?: In
  /** A sequence that stands alone. */
  readonly control?: Control
}

export interface Listener<In> {
  /** Takes what the line gives, item by item. A message of one frame that comes again, because its ACK was lost, is acknowledged and heard once. */
  take(item: LineItem): Heard<In>
  /** We say something; and it was taken: what was heard before it, heard again, is a new frame. */
  speaks(): void
  spoke(): void
  /** We have said NAK without having heard anything: what comes again was asked for. */
  refused(): void
}

/** As long as it says that it is, or it does not say. */
function isWhole(payload: Uint8Array): boolean {
  return (payloadLength(payload) ?? payload.length) === payload.length
}

/**
 * `unasked`: the peer says again of itself what was not acknowledged. Where it does so after a NAK alone, a copy that no NAK has asked for was made by the line: a second
 * ACK for it would pass for that of the next frame, which may be lost.
 */
export function listener<In>(side: { read(payload: Uint8Array): In }, { unasked }: { readonly unasked: boolean }): Listener<In> {
  const assemble = assembler(payloadLength)
  let before: Uint8Array | undefined
  let answered: Uint8Array | undefined
  let asked = false
  return {
    take(item) {
      if (item.type === 'damaged') {
        asked = true
        return { reply: 'nak' }
      }
      if (item.type !== 'frame') return { control: item.type }
      const wanted = asked || unasked
      asked = false
      if (item.last && before && equal(item.data, before)) return wanted ? { reply: 'ack' } : {}
      const payload = assemble(item.data, item.last)
      // A part of it was lost, or came where it does not belong: whoever said it hears nothing of it, and asks again. What is whole by itself came behind a rest of something else.
      const broken = payload && !isWhole(payload)
      const heard = broken && payloadLength(item.data) === item.data.length ? item.data : broken ? undefined : payload
      before = item.last && !(broken && !heard) ? item.data : undefined
      return heard ? { reply: 'ack', message: side.read(heard) } : { reply: 'ack' }
    },
    speaks() {
      answered = before
    },
    spoke() {
      if (before === answered) before = undefined
    },
    refused() {
      asked = true
    },
  }
}
