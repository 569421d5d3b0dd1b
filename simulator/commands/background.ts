/** Whether this process stands in the background of a shell's terminal: one that reads the terminal there is stopped (SIGTTIN). */

import { readFileSync } from 'node:fs'
import { isatty } from 'node:tty'

/** False where standard input is no terminal, and where the system does not tell (proc(5): fields 5 and 8 of `stat`, the process group and the terminal's). */
export function inBackground(): boolean {
  if (!isatty(0)) return false
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1')
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return group !== foreground
  } catch {
    return false
  }
}
