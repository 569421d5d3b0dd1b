/** Data object lists as a card reads them: its own list says how the command data is cut (EMV 4.4 Book 3, 5.4). Apart from `src/tlv/dol` on purpose. */

export interface DolEntry {
  readonly tag: number
  readonly length: number
}

/** The entries of a DOL, or undefined where it is malformed. */
export function dolEntries(dol: Uint8Array): DolEntry[] | undefined {
  const entries: DolEntry[] = []
  for (let at = 0; at < dol.length; ) {
    let tag = dol[at++]
    if ((tag & 0x1f) === 0x1f) {
      let next: number | undefined
      do {
        next = dol[at++]
        if (next === undefined) return undefined
        tag = tag * 256 + next
      } while (next >= 0x80)
    }
    const length = dol[at++]
    if (length === undefined || length > 0x7f) return undefined
    entries.push({ tag, length })
  }
  return entries
}

export function dolLength(entries: readonly DolEntry[]): number {
  return entries.reduce((sum, { length }) => sum + length, 0)
}

/** Command data cut as the list says, or undefined where its length is another. */
export function cutByDol(entries: readonly DolEntry[], data: Uint8Array): Map<number, Uint8Array> | undefined {
  if (dolLength(entries) !== data.length) return undefined
  const values = new Map<number, Uint8Array>()
  let at = 0
  for (const { tag, length } of entries) {
    values.set(tag, data.slice(at, at + length))
    at += length
  }
  return values
}
