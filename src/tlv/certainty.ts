/** How well what is said of bytes is known: each line of a description carries it, so that nobody takes a guess of ours for the specification. */

/**
 * | Certainty | What it means |
 * |---|---|
 * | `seen` | in a published specification, or in programs that agree |
 * | `derived` | worked out from what cards and programs do, or quoted from a specification at second hand |
 * | `assumed` | one source alone says so, or a likeness: it may be wrong |
 */
export type Certainty = 'seen' | 'derived' | 'assumed'

/** What somebody reads with a mark: everything that was not seen. */
export type Unsure = Exclude<Certainty, 'seen'>

/** A line that is said of a value. */
export interface Sentence {
  readonly text: string
  readonly certainty: Certainty
}

/** Lines of one certainty. */
export function known(certainty: Certainty, texts: readonly string[]): Sentence[] {
  return texts.map(text => ({ text, certainty }))
}

/** Of two the one that is less sure. */
export function weaker(one: Certainty, other: Certainty): Certainty {
  return one === 'assumed' || other === 'assumed' ? 'assumed' : one === 'derived' ? one : other
}

/** `[assumed]` behind what was not seen; nothing behind the rest. */
export function markOf(certainty: Certainty | undefined): string {
  return certainty === undefined || certainty === 'seen' ? '' : ` [${certainty}]`
}

/** What is not `seen` in a description of any kind, wherever in it a `certainty` or a list of them stands. */
export function unsureIn(described: unknown): ReadonlySet<Unsure> {
  const found = new Set<Unsure>()
  const look = (one: unknown, depth: number): void => {
    if (typeof one !== 'object' || one === null || depth > MAX_DEPTH) return
    for (const [name, value] of Object.entries(one))
      if (name === 'certainty' || name === 'wordsCertainty') for (const each of [value].flat()) if (isUnsure(each)) found.add(each)
    for (const value of Object.values(one)) look(value, depth + 1)
  }
  look(described, 0)
  return found
}

/** Deeper than any description. */
const MAX_DEPTH = 64

const isUnsure = (value: unknown): value is Unsure => value === 'derived' || value === 'assumed'
