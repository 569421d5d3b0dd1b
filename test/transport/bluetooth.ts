/** Whether the optional packages noble and bleno are installed here: they are compiled where they are. */

import { createRequire } from 'node:module'

export const bluetooth = (() => {
  try {
    const require = createRequire(import.meta.url)
    for (const name of ['noble', 'bleno', 'bluetooth-hci-socket']) require.resolve(`@abandonware/${name}`)
    return true
  } catch {
    return false
  }
})()
