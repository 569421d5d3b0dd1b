/** A profile's text as a form: each plain value with its path, and the text with one of them changed. */

type Plain = string | number | boolean

/** A value that is no list and no object. */
export interface Leaf {
  /** `applications.0.aid` */
  readonly path: string
  readonly keys: readonly (string | number)[]
  readonly value: Plain
}

function gather(value: unknown, keys: readonly (string | number)[], into: Leaf[]): void {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') into.push({ path: keys.join('.'), keys, value })
  else if (typeof value === 'object' && value !== null)
    for (const [key, one] of Object.entries(value)) gather(one, [...keys, Array.isArray(value) ? Number(key) : key], into)
}

/** The values of a text that is JSON; undefined for one that is not, which is edited as text. */
export function leavesOf(text: string): readonly Leaf[] | undefined {
  try {
    const found: Leaf[] = []
    gather(JSON.parse(text), [], found)
    return found
  } catch {
    return undefined
  }
}

/** What was typed, of the kind that was there: a number that is none any more stays a text, for the check to refuse. */
function typed(before: Plain, text: string): Plain {
  if (typeof before === 'boolean') return text === 'true'
  return typeof before === 'number' && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}

/** The text with this value changed. */
export function withLeaf(text: string, { keys, value }: Leaf, to: string): string {
  const whole: unknown = JSON.parse(text)
  let at = whole as Record<string | number, unknown>
  for (const key of keys.slice(0, -1)) at = at[key] as Record<string | number, unknown>
  at[keys.at(-1)!] = typed(value, to)
  return JSON.stringify(whole, null, 2)
}
