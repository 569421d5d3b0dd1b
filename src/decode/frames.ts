/** Bytes of a line to a reader for people: where each frame begins, what lies between, who speaks; what a family knows of its own frames is its Anatomy. */

import * as door from '../door.ts'
import { Fault } from '../errors.ts'
import { MAX_LENGTH } from '../tlv/ber.ts'
import type { Unsure } from '../tlv/certainty.ts'
import type { MessageField } from './fields.ts'

/** Who says a message: the program that drives the reader (`host`), or the reader. */
export type Speaker = 'host' | 'reader'

/** What stands at a place: a frame of so many bytes; or the beginning of one that is wrong, `at` which byte, and the rule that is broken; or nothing like one. */
export type FrameFound = { readonly length: number } | { readonly wrong: string; readonly at: number } | undefined

/** What a frame says. */
export interface Said {
  readonly from: Speaker
  /** Why this was taken for the speaker, where the frame itself does not say so. */
  readonly guessed?: string
  readonly type: string
  /** How well the layout of its fields is known; left out where it was seen, as `docs/devices` has it. */
  readonly certainty?: Unsure
  readonly fields: readonly MessageField[]
}

/** What a family knows of its frames, for one line: it keeps what is unfinished. `from` is who speaks, where that is known. */
export type Anatomy = (from: Speaker | undefined) => {
  /** What stands at `at`. */
  find(bytes: Uint8Array, at: number): FrameFound
  /** What a frame says, in order; nothing for a part of a longer message. */
  say(frame: Uint8Array): Said | undefined
}

/** A message of a line. */
export interface DescribedMessage {
  /** What of the line it is. */
  readonly kind: 'message'
  /** Where its first frame begins. */
  readonly offset: number
  /** Bytes of all its frames. */
  readonly length: number
  /** Frames, where they are more than one. */
  readonly frames?: number
  /** Who says it. */
  readonly from: Speaker
  /** Why this was taken for the speaker, where nobody said so and the frame alone does not tell. */
  readonly guessed?: string
  /** As the family's codec names it. */
  readonly type: string
  /** How well the layout of its fields is known; left out where it was seen in a vendor's papers or programs. */
  readonly certainty?: Unsure
  /** What it says, secrets masked. */
  readonly fields: readonly MessageField[]
}

/** Bytes that are no frame. */
export interface DescribedNoise {
  /** What of the line it is. */
  readonly kind: 'noise'
  /** Where it begins. */
  readonly offset: number
  /** Bytes. */
  readonly length: number
  /** The rule that the likeliest beginning of a frame in it breaks, and the byte that does; left out where nothing begins like one. */
  readonly wrong?: string
  /** That byte, counted from the beginning of the line. */
  readonly at?: number
}

/** A line for people: messages, and what lies between them. */
export interface DescribedLine {
  /** In their order, without a gap. */
  readonly parts: readonly (DescribedMessage | DescribedNoise)[]
}

/**
 * The messages in `bytes`. What is no frame is told with its place.
 * @throws Fault `bad-argument` where there is no frame at all: `details.at` is the byte, `details.rule` what it breaks
 */
export function describeLine(bytes: Uint8Array, anatomy: Anatomy, name: string, from?: Speaker): DescribedLine {
  door.need('bytes', bytes, door.anyBytes)
  if (bytes.length > MAX_LENGTH)
    throw new Fault('bad-argument', `${bytes.length} bytes of a line, the rule is at most ${MAX_LENGTH}`, {
      ...{ field: 'bytes', value: bytes.length, rule: `at most ${MAX_LENGTH}` },
    })
  const parts: (DescribedMessage | DescribedNoise)[] = []
  const line = anatomy(from)
  let begun: { offset: number; frames: number } | undefined
  let noise: { offset: number; wrong?: string; at?: number } | undefined
  const quiet = (end: number) => {
    if (noise) parts.push({ kind: 'noise', length: end - noise.offset, ...noise })
    noise = undefined
  }
  for (let at = 0; at < bytes.length; ) {
    const found = line.find(bytes, at)
    if (!found || 'wrong' in found) {
      noise ??= { offset: at }
      // The beginning that came furthest is the likeliest.
      if (found && (noise.at === undefined || found.at > noise.at)) Object.assign(noise, found)
      at++
      continue
    }
    quiet(at)
    begun = { offset: begun?.offset ?? at, frames: (begun?.frames ?? 0) + 1 }
    const end = at + found.length
    const said = line.say(bytes.subarray(at, end))
    if (said) {
      const { offset, frames } = begun
      parts.push({ kind: 'message', offset, length: end - offset, ...(frames > 1 && { frames }), ...said })
      begun = undefined
    }
    at = end
  }
  quiet(bytes.length)
  if (begun)
    parts.push({ kind: 'noise', offset: begun.offset, length: bytes.length - begun.offset, wrong: 'the message goes on in a frame that is not there', at: bytes.length }) // biome-ignore format: one line
  if (!parts.some(({ kind }) => kind === 'message')) throw noFrame(parts[0], name, bytes.length)
  return { parts }
}

function noFrame(part: DescribedMessage | DescribedNoise | undefined, name: string, length: number): Fault {
  const { wrong = `nothing in ${length} bytes begins like one`, at = 0 } = (part ?? {}) as Partial<DescribedNoise>
  return new Fault('bad-argument', `no frame of ${name}: ${wrong} (byte ${at})`, { field: 'bytes', family: name, at, rule: wrong })
}
