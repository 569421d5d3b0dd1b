/** Versions of firmware, read out of what a reader says of itself: `1.10`, `v2.0.0`, `VP3300 FW v1.01.090`, `M000-MPI-V1-47`, `21042872B01`. */

/** Numbers between dots, dashes or underscores, with a V or without; letters or digits that stick to other words (`VP3300`) are no version. */
const NUMBERS = /(?<![\p{L}\p{N}.])(v(?:er(?:sion)?)?[.:]?\s?)?(\d+(?:[._-]\d+)*)(?:[.~+_-]?(\p{L}[\p{L}\p{N}]*))?(?![\p{L}\p{N}])/giu
/** A part number and a revision of letter and number, as MagTek names its firmware: only those of one part follow each other. */
const PART = /^(\d{5,})([A-Z])(\d{1,4})$/
/** What comes before the version that it names. */
const EARLY = /^(?:alpha|beta|dev|pre|rc|test|a|b)\d*$/i

interface Version {
  /** Only versions of one kind can be compared: undefined but for a part number. */
  readonly part?: string
  readonly numbers: readonly bigint[]
  /** -1 before the version of these numbers, 0 that version, 1 after it. */
  readonly stage: -1 | 0 | 1
  readonly suffix: string
}

/** Whether a version can be read out of `text`. */
export function isVersion(text: string): boolean {
  return versionIn(text) !== undefined
}

/**
 * Negative when the version in `a` is older than that in `b`, 0 when they are the same: numbers as numbers, and what is missing is 0: `1.9` < `1.10` = `1.10.0` <
 * `1.10a`, `2.0-rc1` < `2.0`. Undefined where one of the texts has no version, or they are of different kinds: who cannot be compared is neither older nor newer.
 */
export function compareVersions(a: string, b: string): number | undefined {
  if (a === b && a.trim() !== '') return 0
  const [one, other] = [versionIn(a), versionIn(b)]
  if (!one || !other || one.part !== other.part) return undefined
  for (let at = 0; at < Math.max(one.numbers.length, other.numbers.length); at++) {
    const [left, right] = [one.numbers[at] ?? 0n, other.numbers[at] ?? 0n]
    if (left !== right) return left < right ? -1 : 1
  }
  if (one.stage !== other.stage) return one.stage - other.stage
  return one.suffix < other.suffix ? -1 : one.suffix > other.suffix ? 1 : 0
}

function versionIn(text: string): Version | undefined {
  const part = PART.exec(text.trim())
  if (part) return { part: part[1], numbers: [BigInt(part[2].charCodeAt(0)), BigInt(part[3])], stage: 0, suffix: '' }
  // A number that nothing marks as a version is one only where it is all there is.
  const found = [...text.matchAll(NUMBERS)].filter(([all, marked, numbers]) => marked || /\D/.test(numbers) || all === text.trim())
  const best = found.find(([, marked]) => marked) ?? found[0]
  if (!best) return undefined
  const [, , numbers, suffix = ''] = best
  const stage = suffix === '' ? 0 : EARLY.test(suffix) && suffix.length > 1 ? -1 : 1
  return { numbers: numbers.split(/[._-]/).map(BigInt), stage, suffix: suffix.toLowerCase() }
}
