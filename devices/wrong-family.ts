/** A reader that answers in another family's words: whose words those are that a line has said while one was opened. */

import { asFault, type Fault, isFault } from '../src/errors.ts'
import { usageFault } from '../src/refusal.ts'
import { describeFrames, type FrameKind } from './anatomy.ts'

/** Kinds of frames by their family; those with a check of their own first. V5 has none: its records count only where all that was said is such. */
const kinds: readonly (readonly [family: string, kind: FrameKind, checked: boolean])[] = [
  ['qpos', 'qpos', true],
  ['bluepad', 'bluepad', true],
  ['idtech', 'idtech', true],
  ['miura', 'miura', true],
  ['magtek', 'magtek/mms', true],
  ['magtek', 'magtek/v5', false],
]

/** Whether these bytes have a message that a reader of this kind says. */
function speaks(bytes: Uint8Array, kind: FrameKind, checked: boolean): boolean {
  try {
    const { parts } = describeFrames(kind, bytes)
    const said = parts.some(part => part.kind === 'message' && part.from === 'reader')
    return said && (checked || parts.every(part => part.kind === 'message'))
  } catch (error) {
    if (isFault(error, 'bad-argument')) return false
    throw error
  }
}

/**
 * What `error` is, of a reader that was opened as one of `family`, and said `heard`: where that is nothing of the family's own, it is no silence but another reader, or no
 * reader at all. The family that it speaks is in `details.looksLike`, where the bytes tell.
 */
export function asAnother(error: unknown, family: string, dialect: string | undefined, heard: Uint8Array): Fault {
  const fault = asFault(error)
  if (heard.length === 0 || !isFault(fault, 'timeout', 'protocol')) return fault
  const own = kinds.filter(([name, kind]) => name === family && (dialect === undefined || kind === name || kind === `${name}/${dialect}`))
  if (own.some(([, kind, checked]) => speaks(heard, kind, checked))) return fault
  // Where the family's own frames have no check (vpcd, V5), only others that have one are told from them.
  const sure = own.some(([, , checked]) => checked)
  const other = kinds.find(one => !own.includes(one) && (sure || one[2]) && speaks(heard, one[1], one[2]))
  if (!other && own.length === 0) return fault
  const asked = dialect === undefined ? family : `${family} (${dialect})`
  const about = { family: asked, bytes: heard.length }
  if (!other) return usageFault('usage.otherReader', about, 'protocol', error)
  const [name, kind] = other
  return usageFault('usage.otherFamily', { ...about, looksLike: kind === name ? name : kind.replace('/', ' ') }, 'protocol', error)
}
