/** `tapdip info <uri>`: who a reader is and how its battery is. */

import type { Command } from 'commander'
import { language } from '../../src/command/line.ts'
import { message } from '../../src/messages/messages.ts'
import { interruption, openConsole } from './console.ts'
import { connectReader } from './reader.ts'
import { readerUri } from './reader-uri.ts'

export function addInfo(program: Command): void {
  program
    .command('info')
    .description('model, serial number, firmware and battery of a reader')
    .argument('<uri>', 'serial:/dev/ttyACM0?family=qpos', readerUri('<uri>'))
    .option('--json', 'one JSON object')
    .action(async (uri: string, flags: { json?: boolean; lang?: string }) => {
      const lang = language(flags.lang)
      const signal = interruption()
      const screen = openConsole(lang)
      try {
        const { connection, reader } = await connectReader({ uri, screen, signal, open: {}, remember: false })
        await using _ = connection
        const { info } = reader
        const { battery } = await reader.status({ signal })
        if (flags.json) process.stdout.write(`${JSON.stringify({ ...info, battery }, null, 2)}\n`)
        else {
          const charge = [
            battery?.percent !== undefined && `${battery.percent} %`,
            battery?.millivolts !== undefined && `${battery.millivolts} mV`,
            battery?.charging && message('app.charging', lang),
          ].filter(Boolean)
          const rows = { family: info.family, model: info.model, serial: info.serial, firmware: info.firmware, hardware: info.hardware }
          for (const [name, value] of Object.entries(rows)) if (value) process.stdout.write(`${name}: ${value}\n`)
          process.stdout.write(`capabilities: ${info.capabilities.join(', ')}\n`)
          if (charge.length > 0) process.stdout.write(`${message('app.battery', lang, { battery: charge.join(', ') })}\n`)
        }
      } finally {
        screen.close()
      }
    })
}
