/** A clock that runs faster than time, so that a timeout of a minute is over in a second while sockets and processes stay real. */

/** @param pace how many of its milliseconds pass in one */
export function fastClock(pace) {
  const start = Date.now()
  const begun = performance.now()
  return {
    now: () => Math.floor(start + (Date.now() - start) * pace),
    elapsed: () => (performance.now() - begun) * pace,
    timer(ms, fire) {
      const handle = setTimeout(fire, ms / pace)
      return () => clearTimeout(handle)
    },
  }
}

/** Real milliseconds. */
export function rest(ms) {
  return new Promise(resolve => setTimeout(resolve, ms))
}
