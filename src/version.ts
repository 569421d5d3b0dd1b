/** Versions as readers tell them: numbers between dots, and whatever else. */

/** Negative when `a` is older than `b`; numbers are compared as numbers, the rest as text: `1.9` < `1.10` < `1.10a`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)]
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [one, other] = [left[at] ?? '', right[at] ?? '']
    const order = /^\d+$/.test(one) && /^\d+$/.test(other) ? Number(one) - Number(other) : one < other ? -1 : one > other ? 1 : 0
    if (order !== 0) return order
  }
  return 0
}

function partsOf(version: string): string[] {
  return version.match(/\d+|[^\d.]+/g) ?? []
}
