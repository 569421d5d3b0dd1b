/** The name that was probably meant. */

import leven from 'leven'

/** One of `names` that differs from `word` in two letters at most, and in fewer than half of them; of equals the one that begins alike. Undefined where none does. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const meant = word.toLowerCase()
  const most = Math.min(2, Math.ceil(word.length / 2) - 1)
  const far = (name: string) => leven(meant, name.toLowerCase()) + (name[0]?.toLowerCase() === meant[0] ? 0 : 0.5)
  const [best] = names.map(name => ({ name, distance: far(name) })).sort((one, other) => one.distance - other.distance)
  return best !== undefined && best.distance < most + 1 ? best.name : undefined
}

/** `; did you mean 'qpos'?`, or nothing: the end of a refusal's sentence. */
export function suggestion(word: string, names: readonly string[]): string {
  const found = nearest(word, names)
  return found === undefined ? '' : `; did you mean '${found}'?`
}
