/** Framings that double some bytes: a changed message keeps its length on the line only with as many of them as before. */

/**
 * `after`, with as many escaped bytes as `before`: where some were hidden, others of what was hidden become one, in the longest run of zeros first.
 * Undefined where that cannot be.
 */
export function sameEscapes(before: Uint8Array, after: Uint8Array, escaped: readonly number[]): Uint8Array | undefined {
  const count = (bytes: Uint8Array) => bytes.reduce((sum, byte) => sum + (escaped.includes(byte) ? 1 : 0), 0)
  let missing = count(before) - count(after)
  if (missing === 0) return after
  if (missing < 0) return undefined
  const same = after.slice()
  for (const at of places(before, after, escaped)) {
    if (missing === 0) break
    same[at] = escaped[0]
    missing--
  }
  return missing === 0 ? same : undefined
}

/** Where something was hidden; where an escaped byte was comes last, since that would tell what it has been. */
function places(before: Uint8Array, after: Uint8Array, escaped: readonly number[]): number[] {
  const runs: number[][] = []
  let run: number[] = []
  for (let at = 0; at <= after.length; at++) {
    if (at < after.length && after[at] === 0 && before[at] !== 0) run.push(at)
    else if (run.length > 0) {
      runs.push(run)
      run = []
    }
  }
  const all = runs.sort((a, b) => b.length - a.length).flat()
  return [...all.filter(at => !escaped.includes(before[at])), ...all.filter(at => escaped.includes(before[at]))]
}
