/** The data objects of a message by what they are: those that are secret, those of one session, and those that nobody knows. */

import { isConstructed, MAX_DEPTH, read } from '../tlv/ber.ts'
import { sensitiveTags, tagInfo } from '../tlv/tags.ts'
import type { FieldEdit, RecordedKind } from './field.ts'

/** The kinds of a vendor's own data objects. */
export type Vendor = Readonly<Record<number, RecordedKind>>

/** A table by tag, from one by kind. */
export function byTag(rows: { readonly [K in RecordedKind]?: readonly number[] }): Vendor {
  return Object.fromEntries(Object.entries(rows).flatMap(([kind, tags]) => tags.map(tag => [tag, kind as RecordedKind])))
}

/** By tag: what is not in it is plain where EMV knows it, and secret where it does not. */
const kinds: Vendor = {
  ...byTag({ secret: [...sensitiveTags] }),
  ...byTag({ pan: [0x5a], track: [0x57, 0x9f6b], name: [0x5f20, 0x9f0b], script: [0x86] }),
  ...byTag({ date: [0x9a], time: [0x9f21], free: [0x9f02, 0x9f03, 0x81, 0x9f04, 0x9f37, 0x9f41, 0x91] }),
}

/** Whether an issuer sends a script, and which, is this one session's affair. */
const scripts: readonly number[] = [0x71, 0x72]

export interface TlvOptions {
  readonly vendor?: Vendor
  /** See `ReadOptions`. */
  readonly ff?: 'padding' | 'tag'
  /** Constructed objects that are no TLV for certain. */
  readonly closed?: readonly number[]
}

export function kindOf(tag: number, vendor: Vendor = {}): RecordedKind {
  return vendor[tag] ?? kinds[tag] ?? (tagInfo(tag) ? 'plain' : 'secret')
}

/** The same data objects, each as `edit` gives it back; undefined where it is no TLV. */
export function editTlv(bytes: Uint8Array, edit: FieldEdit, options: TlvOptions = {}): Uint8Array | undefined {
  const copy = bytes.slice()
  return walk(copy, edit, options, 0) ? copy : undefined
}

function walk(bytes: Uint8Array, edit: FieldEdit, options: TlvOptions, depth: number): boolean {
  const { vendor = {}, ff, closed = [] } = options
  if (depth > MAX_DEPTH) return false
  let found: ReturnType<typeof read>
  try {
    found = read(bytes, ff && { ff })
  } catch {
    return false
  }
  for (const { tag, value } of found) {
    if (isConstructed(tag) && vendor[tag] === undefined && !sensitiveTags.has(tag) && !closed.includes(tag)) {
      if (!scripts.includes(tag)) edit('plain', new Uint8Array(0), tag)
      if (!walk(value, edit, options, depth + 1)) put(value, edit('secret', value.slice(), tag))
    } else put(value, edit(kindOf(tag, vendor), value.slice(), tag))
  }
  return true
}

/** What has another length is nothing to be written: zeros. */
export function put(place: Uint8Array, value: Uint8Array): void {
  if (value.length === place.length) place.set(value)
  else place.fill(0)
}
