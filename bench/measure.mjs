/** Timing on a machine that does other things too: rounds in turn, the quickest of each counts. */

/**
 * Microseconds of each piece of work, measured in rounds one after the other, so that a busy moment meets all of them.
 * @param {Record<string, () => unknown>} works may be asynchronous
 * @param {{ rounds?: number, milliseconds?: number }} [options] how many rounds, and how long each piece runs in one
 * @returns {Promise<Record<string, number>>}
 */
export async function measure(works, { rounds = 100, milliseconds = 8 } = {}) {
  const best = Object.fromEntries(Object.keys(works).map(name => [name, Number.POSITIVE_INFINITY]))
  for (let round = -1; round < rounds; round++) {
    for (const [name, work] of Object.entries(works)) {
      const time = await timed(work, round < 0 ? 800 : milliseconds)
      if (round >= 0) best[name] = Math.min(best[name], time) // the one before zero warms up
    }
  }
  return best
}

async function timed(work, milliseconds) {
  const start = performance.now()
  let count = 0
  let spent = 0
  for (; spent < milliseconds; spent = performance.now() - start) {
    const pending = work()
    if (pending instanceof Promise) await pending
    count++
  }
  return (spent / count) * 1000
}

export const micro = value => `${value < 10 ? value.toFixed(2) : value.toFixed(1)} µs`

/**
 * Microseconds of processor time of each piece of work, in turn, each round in another order, the quickest round of each: for work of many turns of the event loop, where a
 * clock on the wall tells of the neighbours.
 * @param {Record<string, () => Promise<unknown>>} works
 * @param {{ rounds?: number, each?: number, warmUp?: number }} [options] how many rounds, how often a piece runs in one, and how often it runs before the first
 * @returns {Promise<Record<string, number>>}
 */
export async function quickestOf(works, { rounds = 40, each = 3, warmUp = 40 } = {}) {
  const names = Object.keys(works)
  const best = Object.fromEntries(names.map(name => [name, Number.POSITIVE_INFINITY]))
  for (let run = 0; run < warmUp; run++) for (const name of names) await works[name]()
  for (let round = 0; round < rounds; round++)
    for (const name of names.map((_, at) => names[(at + round) % names.length])) {
      const before = process.cpuUsage()
      for (let run = 0; run < each; run++) await works[name]()
      const { user, system } = process.cpuUsage(before)
      best[name] = Math.min(best[name], (user + system) / each)
    }
  return best
}
