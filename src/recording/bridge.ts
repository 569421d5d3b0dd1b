/** Two ends that hear each other: a played recording, and a link on which somebody listens to it. */

import { asFault } from '../errors.ts'
import type { Link } from '../transport/link.ts'

/** Passes on what each of them says, until one ends; then the other is closed. Resolves with what ended it, where that was a Fault. */
export async function bridge(one: Link, other: Link): Promise<unknown> {
  const end = (by: unknown) => by
  const both = [pump(one, other), pump(other, one)].map(passing => passing.then(end, error => asFault(error)))
  const by = await Promise.race(both)
  await Promise.all([one.close(), other.close()].map(closing => closing.catch(() => {})))
  await Promise.all(both)
  return by
}

async function pump(from: Link, to: Link): Promise<void> {
  for await (const chunk of from.incoming)
    for (let at = 0; at < chunk.length; at += to.mtu) await to.send(chunk.length > to.mtu ? chunk.subarray(at, at + to.mtu) : chunk)
}
