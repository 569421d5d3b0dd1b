/** `tapdip replay <file>`: the app of a recording, played against a reader; `tapdip-sim play` plays the reader of one. */

import type { Command } from 'commander'
import { wholeNumber } from '../../src/command/flags.ts'
import { interruption } from '../../src/command/interruption.ts'
import { playApp } from '../../src/recording/app.ts'
import { connect } from '../../src/transport/connect.ts'
import { parseUri } from '../../src/transport/uri.ts'
import { hidShape, readRecording } from '../index.ts'
import { readerUri } from './reader-uri.ts'

interface ReplayFlags {
  readonly reader: string
  readonly patience: number
}

export function addReplay(program: Command): void {
  program
    .command('replay')
    .description(
      'says to a reader what an app said in a recording, and tells the first answer that is another; a card that was read then is to be presented now',
    )
    .argument('<file>', 'of pay --record, or tapdip-sim serve --record')
    .requiredOption('--reader <uri>', 'serial:/dev/ttyACM0, tcp://127.0.0.1:9100', readerUri('--reader'))
    .option('--patience <seconds>', 'that the reader may take longer than it did', wholeNumber('--patience', 1, 3600), 30)
    .action(async (file: string, flags: ReplayFlags) => {
      const uri = parseUri(flags.reader)
      const { trace, family, dissector } = readRecording(file, { family: uri.query.family, dialect: uri.query.dialect }, '<file>')
      const signal = interruption()
      const hid = uri.scheme === 'hid' ? hidShape(family, uri) : undefined
      const link = await connect(uri, { signal, hid, ble: family.ble })
      try {
        await playApp(link, trace, {
          ...{ dissector, signal, patience: flags.patience * 1000 },
          onMessage: ({ direction, name, line }) => process.stdout.write(`${line} ${direction === 'out' ? '>' : '<'} ${name}\n`),
        })
      } finally {
        await link.close()
      }
    })
}
