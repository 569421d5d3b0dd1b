/** What both ends of an MPED line owe each other: each frame is acknowledged, one that is refused comes again, three times in all. It owns no timer. */

import { assembler, type Control, type LineItem } from './codec-frame.ts'
import { payloadLength } from './codec-messages.ts'

/** How often a frame is sent before the session ends (FrameManager.mm). */
export const ATTEMPTS = 3
/** Milliseconds for an ACK, for an answer, between two polls, and for the next message of a payment (HeftConnection.mm). */
export const times = { ack: 20_000, answer: 15_000, poll: 1000, finance: 300_000 } as const

export interface Delivery {
  write(bytes: Uint8Array): Promise<void>
  /** What the peer says of the frame. Rejects when it says nothing in time. */
  said(): Promise<Control>
}

/** Sends frames one by one. `refused`: a frame was refused three times, the session is to be ended; `ended`: the peer did. */
export async function deliver(frames: readonly Uint8Array[], { write, said }: Delivery): Promise<'taken' | 'refused' | 'ended'> {
  for (const frame of frames) {
    for (let attempt = 1; ; attempt++) {
      if (attempt > ATTEMPTS) return 'refused'
      await write(frame)
      const answer = await said()
      if (answer === 'end') return 'ended'
      if (answer === 'ack') break
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

/** Takes what the line gives, item by item. */
export function listener<In>(side: { read(payload: Uint8Array): In }): (item: LineItem) => Heard<In> {
  const assemble = assembler(payloadLength)
  return item => {
    if (item.type === 'damaged') return { reply: 'nak' }
    if (item.type !== 'frame') return { control: item.type }
    const payload = assemble(item.data, item.last)
    return payload ? { reply: 'ack', message: side.read(payload) } : { reply: 'ack' }
  }
}
