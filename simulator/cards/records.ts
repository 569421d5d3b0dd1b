/** The records of an application: which data object goes where, what of it is signed, and the file locator that says so. */

import { concat, fromUint, hex } from '../../src/bytes.ts'
import { children, encode } from './objects.ts'
import { badProfile } from './profile/fields.ts'
import type { ApplicationPlan } from './profile/profile.ts'

/** Records of a file by `SFI.record`, each a whole template 70. */
export type Records = ReadonlyMap<string, Uint8Array>

export const tagOf = (name: string) => Number.parseInt(name, 16)

export type Layout = NonNullable<ApplicationPlan['layout']>

/** Track 2 first, then what is signed, then the rest; certificates in records of their own, as they fill up to 254 bytes (issuer keys: 1976 bits). */
const usualLayout: Layout = [
  { sfi: 1, record: 1, tags: ['57', '5F20'], signed: false },
  { sfi: 2, record: 1, tags: ['5F24', '5F25', '5A', '5F34', '9F07', '8E', '9F0D', '9F0E', '9F0F', '5F28', '9F4A'], signed: true },
  { sfi: 2, record: 2, tags: ['8C', '8D', '9F42', '9F44', '9F08', '5F30', '9F14', '9F23'], signed: false },
  { sfi: 3, record: 1, tags: ['8F', '9F32', '92'], signed: false },
  { sfi: 3, record: 2, tags: ['90'], signed: false },
  { sfi: 3, record: 3, tags: ['93'], signed: false },
  { sfi: 4, record: 1, tags: ['9F46'], signed: false },
  { sfi: 4, record: 2, tags: ['9F47', '9F48', '9F49'], signed: false },
  { sfi: 5, record: 1, tags: ['9F2D'], signed: false },
  { sfi: 5, record: 2, tags: ['9F2E', '9F2F'], signed: false },
]

/** The profile's layout, or the usual one with a last record for objects that only this profile has. */
export function layoutOf(one: ApplicationPlan): Layout {
  if (one.layout) return one.layout
  const placed = new Set(usualLayout.flatMap(({ tags }) => tags))
  const tags = Object.keys(one.data).filter(tag => !placed.has(tag))
  return [...usualLayout, { sfi: 6, record: 1, tags, signed: false }]
}

const signatureTags = new Set([0x93, 0x9f46, 0x9f47, 0x9f48, 0x9f2d, 0x9f2e, 0x9f2f])

function recordBody(tags: readonly string[], data: ReadonlyMap<number, Uint8Array>): Map<number, Uint8Array> {
  return new Map(tags.map(tagOf).flatMap(tag => (data.has(tag) ? [[tag, data.get(tag)!] as const] : [])))
}

/** The input of SDA and of the ICC certificate (Book 3, 10.3): SFI 1–10 without template 70, others with it. The AIP follows by 9F4A. */
export function staticDataOf(one: ApplicationPlan, data: ReadonlyMap<number, Uint8Array>, path: readonly string[]): Uint8Array {
  const signed = layoutOf(one).filter(record => record.signed)
  for (const { tags } of signed)
    for (const tag of tags)
      if (signatureTags.has(tagOf(tag))) throw badProfile([...path, 'layout'], `${tag} cannot be in a record that its own signature covers`)
  return concat(
    ...signed.map(({ sfi, tags }) => {
      const whole = encode(0x70, children(recordBody(tags, data)))
      return sfi <= 10 ? whole.subarray(whole[1] === 0x81 ? 3 : 2) : whole
    }),
  )
}

export function recordsOf(layout: Layout, data: ReadonlyMap<number, Uint8Array>, path: readonly string[]): Map<string, Uint8Array> {
  const records = new Map<string, Uint8Array>()
  for (const { sfi, record, tags } of layout) {
    const body = recordBody(tags, data)
    if (body.size === 0) continue
    const whole = encode(0x70, children(body))
    const name = `${sfi}.${record}`
    if (whole.length > 254) throw badProfile([...path, 'layout'], `record ${name} has ${whole.length} bytes, a record takes 254`)
    if (records.has(name)) throw badProfile([...path, 'layout'], `record ${name} is there twice`)
    records.set(name, whole)
  }
  const placed = new Set(layout.flatMap(({ tags }) => tags.map(tagOf)))
  for (const tag of data.keys())
    if (!placed.has(tag)) throw badProfile([...path, 'layout'], `no record holds ${hex(fromUint(tag, tag > 0xff ? 2 : 1))}`)
  return records
}

/** Application File Locator (94): one entry for each run of records of a file, signed ones first in it (Book 3, 10.2). */
export function fileLocator(layout: Layout, records: Records): Uint8Array {
  const entries: { sfi: number; first: number; last: number; signed: number }[] = []
  for (const { sfi, record, signed } of layout) {
    if (!records.has(`${sfi}.${record}`)) continue
    const run = entries.at(-1)
    const length = run ? run.last - run.first + 1 : 0
    if (run && run.sfi === sfi && run.last + 1 === record && (!signed || run.signed === length)) {
      run.last = record
      if (signed) run.signed++
    } else entries.push({ sfi, first: record, last: record, signed: signed ? 1 : 0 })
  }
  return Uint8Array.from(entries.flatMap(({ sfi, first, last, signed }) => [sfi << 3, first, last, signed]))
}

/** Turns the lowest bit of the last object of the first signed record, so that no signature over it holds any more. */
export function changeAfterSigning(
  layout: Layout,
  data: ReadonlyMap<number, Uint8Array>,
  records: Map<string, Uint8Array>,
  path: readonly string[],
): void {
  const record = layout.find(({ signed, sfi, record }) => signed && records.has(`${sfi}.${record}`))
  const body = record && recordBody(record.tags, data)
  const usageControl = body?.get(0x9f07)
  if (!record || !body || !usageControl) throw badProfile([...path, 'oda', 'defect'], 'otherStaticData needs 9F07 in a signed record')
  const changed = Uint8Array.of(usageControl[0], usageControl[1] ^ 0x01)
  records.set(`${record.sfi}.${record.record}`, encode(0x70, children(body.set(0x9f07, changed))))
}
