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

const median = values => values.toSorted((one, other) => one - other)[values.length >> 1]

/**
 * What each piece of work takes, in turn, in many short rounds, each round in another order: medians in microseconds of processor time and of the clock on the wall; and beside the first of
 * them, round by round, so that a busy moment meets both: how many times as long, and how many microseconds more.
 * @param {Record<string, () => Promise<unknown>>} works
 * @param {{ rounds?: number, each?: number, warmUp?: number }} [options] how many rounds, how often a piece runs in one, and how often it runs before the first
 * @returns {Promise<Record<string, { cpu: number, wall: number, ratio: number, more: number }>>}
 */
export async function inTurn(works, { rounds = 60, each = 4, warmUp = 150 } = {}) {
  const names = Object.keys(works)
  const all = Object.fromEntries(names.map(name => [name, { cpu: [], wall: [] }]))
  for (let run = 0; run < warmUp; run++) for (const name of names) await works[name]()
  for (let round = 0; round < rounds; round++)
    for (const name of names.map((_, at) => names[(at + round) % names.length])) {
      const [began, before] = [performance.now(), process.cpuUsage()]
      for (let run = 0; run < each; run++) await works[name]()
      const { user, system } = process.cpuUsage(before)
      all[name].cpu.push((user + system) / each)
      all[name].wall.push(((performance.now() - began) / each) * 1000)
    }
  const [first] = names
  const beside = (name, how) => median(all[name].cpu.map((cpu, round) => how(cpu, all[first].cpu[round])))
  return Object.fromEntries(
    names.map(name => {
      const { cpu, wall } = all[name]
      const times = { cpu: median(cpu), wall: median(wall) }
      return [name, { ...times, ratio: beside(name, (own, plain) => own / plain), more: beside(name, (own, plain) => own - plain) }]
    }),
  )
}
