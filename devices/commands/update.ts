/** `tapdip update <uri> <image>`: new firmware for a reader, with its progress. */

import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { interruption } from '../../src/command/interruption.ts'
import { language } from '../../src/command/line.ts'
import { Fault } from '../../src/errors.ts'
import { fileFault } from '../../src/file-fault.ts'
import { open } from '../index.ts'
import { openConsole } from './console.ts'
import { readerUri } from './reader-uri.ts'

export function addUpdate(program: Command): void {
  program
    .command('update')
    .description('gives a reader new firmware; Ctrl-C stops between two blocks, and the same command goes on')
    .argument('<uri>', 'serial:/dev/ttyACM0?family=qpos', readerUri('<uri>'))
    .argument('<image>', 'file of the vendor’s')
    .action(async (uri: string, file: string, flags: { lang?: string }) => {
      const screen = openConsole(language(flags.lang))
      const signal = interruption()
      const image = await readFile(file).catch(cause => {
        throw fileFault('<image>', file, cause, 'read')
      })
      const reader = await open(uri, { signal })
      try {
        if (!reader.updateFirmware)
          throw new Fault('unsupported', `readers of family ${reader.info.family} take no firmware here`, { feature: 'firmwareUpdate' })
        const { firmware: from } = reader.info
        if (from === undefined) screen.say('app.updatingUnknown')
        else screen.say('app.updating', { from })
        let shown = -1
        await reader.updateFirmware(new Uint8Array(image), {
          signal,
          onProgress(done, total) {
            const percent = Math.floor((100 * done) / total)
            if (percent !== shown) screen.print(`  ${percent} %`)
            shown = percent
          },
        })
        screen.say('app.updated')
      } finally {
        await reader.close()
        screen.close()
      }
    })
}
