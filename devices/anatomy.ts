/** Bytes of a reader's line in words, for every family that has bytes: which message, whose, and what it says. */

import { type Anatomy, type DescribedLine, describeLine, type Speaker } from '../src/decode/frames.ts'
import * as door from '../src/door.ts'
import { Fault } from '../src/errors.ts'
import { anatomy as bluepad } from './bluepad/anatomy.ts'
import { anatomy as idtech } from './idtech/anatomy.ts'
import { looksLikeMms, anatomies as magtek } from './magtek/anatomy.ts'
import { anatomy as miura } from './miura/anatomy.ts'
import { anatomy as qpos } from './qpos/anatomy.ts'
import { anatomy as vpcd } from './vpcd/anatomy.ts'

/** By family, or family and dialect. */
const table: Readonly<Record<string, Anatomy>> = {
  ...{ qpos, bluepad, 'bluepad/mped': bluepad, miura, idtech, 'magtek/v5': magtek.v5, 'magtek/mms': magtek.mms, vpcd },
}

/** What `describeFrames` reads: a family, or one of its dialects. `magtek` alone is MMS where the bytes look like it, else V5. */
export const frameKinds = ['qpos', 'bluepad', 'bluepad/mped', 'miura', 'idtech', 'magtek', 'magtek/v5', 'magtek/mms', 'vpcd'] as const

/** One of `frameKinds`. */
export type FrameKind = (typeof frameKinds)[number]

/** What was read, and as which kind. */
export interface DescribedFrames extends DescribedLine {
  /** The kind that was asked for, with the dialect where it was told from the bytes. */
  readonly kind: string
}

/**
 * The messages in bytes of a line to a reader, both directions, with named fields, data objects opened and secrets masked; what is no frame is told with its place.
 * @param from who speaks; told from each frame, and said where it is a guess, when left out
 * @throws Fault `bad-argument` where there is no frame at all: `details.at` is the byte, `details.rule` what it breaks
 */
export function describeFrames(kind: FrameKind, bytes: Uint8Array, from?: Speaker): DescribedFrames {
  door.need('kind', kind, door.oneOf(frameKinds))
  door.need('bytes', bytes, door.anyBytes)
  door.need('from', from, door.maybe(door.oneOf(['host', 'reader'])))
  const taken = kind === 'magtek' ? (looksLikeMms(bytes) ? 'magtek/mms' : 'magtek/v5') : kind
  const anatomy = table[taken]
  if (!anatomy) throw new Fault('internal', `no anatomy of ${taken}`)
  return { kind: taken, ...describeLine(bytes, anatomy, taken, from) }
}
