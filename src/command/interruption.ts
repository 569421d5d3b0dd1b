/** What ends a command from outside: Ctrl-C, SIGTERM, a terminal that is closed; and what serves ends when nobody reads its output any more. */

/**
 * Fires at the first signal, which changes nothing but what listens: the exit code stays the command's own. The next one, whichever it is, ends the process at once.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController()
  onSignal(['SIGINT', 'SIGTERM', 'SIGHUP'], () => controller.abort())
  return controller.signal
}

/** For what runs until it is stopped. A pipe that is closed (`serve … | head -1`) stops it too: nobody would see that it still runs. */
export function interrupted(): Promise<void> {
  return new Promise(resolve => {
    const awake = setInterval(() => {}, 2 ** 30) // signals alone do not keep a process
    const end = () => {
      clearInterval(awake)
      process.stdout.off('error', end)
      resolve()
    }
    onSignal(['SIGINT', 'SIGTERM'], end) // a terminal that is closed is no reason under nohup
    process.stdout.once('error', end)
  })
}

function onSignal(names: readonly NodeJS.Signals[], act: () => void): void {
  const heard = () => {
    for (const name of names) process.off(name, heard)
    act()
  }
  for (const name of names) process.on(name, heard)
}
