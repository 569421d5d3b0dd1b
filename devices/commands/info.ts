/** `tapdip info <uri>`: who a reader is and how its battery is. */

import type { Command } from 'commander'
import { interruption } from '../../src/command/interruption.ts'
import { language } from '../../src/command/line.ts'
import { message } from '../../src/messages/messages.ts'
import { printable } from '../../src/payment/one-line.ts'
import { openConsole } from './console.ts'
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
        try {
          const { info } = reader
          const { battery } = await reader.status({ signal })
          if (flags.json) process.stdout.write(`${JSON.stringify({ ...info, battery }, null, 2)}\n`)
          else {
            const charge = [
              battery?.percent !== undefined && `${battery.percent} %`,
              battery?.millivolts !== undefined && `${battery.millivolts} mV`,
              battery?.charging && message('app.charging', lang),
            ].filter(Boolean)
            const rows = ['family', 'model', 'serial', 'firmware', 'hardware'] as const
            for (const name of rows)
              if (info[name]) process.stdout.write(`${message(`app.info.${name}`, lang)}: ${printable(info[name])}\n`)
            process.stdout.write(`${message('app.info.capabilities', lang)}: ${info.capabilities.join(', ')}\n`)
            if (charge.length > 0) process.stdout.write(`${message('app.battery', lang, { battery: charge.join(', ') })}\n`)
          }
        } finally {
          await connection.close()
        }
      } finally {
        screen.close()
      }
    })
}
