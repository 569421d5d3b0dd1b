/** The name that was probably meant. */

import leven from 'leven'

/**
 * One of `names` that is two slips away at most, and less than half of the word: a letter too many, missing, another one, or two that changed places. Of equals the one
 * that begins alike. Undefined where none is.
 */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const near = names.filter(name => Math.abs(name.length - word.length) <= 2) // what differs more in length is further away
  if (near.length === 0) return undefined
  const meant = word.toLowerCase()
  const most = word.length < 3 ? 1 : Math.min(2, Math.ceil(word.length / 2) - 1) + 0.5
  const swapped = Array.from(
    { length: Math.max(0, meant.length - 1) },
    (_, at) => meant.slice(0, at) + meant[at + 1] + meant[at] + meant.slice(at + 2),
  )
  const slips = (name: string) => Math.min(leven(meant, name), ...swapped.map(one => 1 + leven(one, name)))
  const far = (name: string) => slips(name) + (name[0] === meant[0] ? 0 : 0.5)
  const [best] = near.map(name => ({ name, distance: far(name.toLowerCase()) })).sort((one, other) => one.distance - other.distance)
  return best !== undefined && best.distance <= most ? best.name : undefined
}
