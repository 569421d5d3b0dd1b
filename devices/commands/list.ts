/** `tapdip list`: the readers that can be found from here, each as it is found. */

import type { Command } from 'commander'
import { benchAddress } from '../../src/bench-address.ts'
import { choice, wholeNumber } from '../../src/command/flags.ts'
import { interruption } from '../../src/command/interruption.ts'
import { language } from '../../src/command/line.ts'
import { type Fault, throwIfAborted } from '../../src/errors.ts'
import { faultMessage, message } from '../../src/messages/messages.ts'
import { usageFault } from '../../src/refusal.ts'
import { discover, type FoundReader, type Transport, transports } from '../discover.ts'

interface ListFlags {
  readonly json?: boolean
  readonly time: number
  readonly over?: readonly Transport[]
  readonly bench?: string
  readonly lang?: string
}

export function addList(program: Command): void {
  program
    .command('list')
    .description('the readers on serial ports, USB HID, Bluetooth and PC/SC; a port that tells no family is opened with ?family=<name>')
    .option('--time <seconds>', 'how long Bluetooth is listened to', wholeNumber('--time', 1, 600), 4)
    .addOption(choice('--over <transport...>', 'all when left out', transports))
    .option('--bench <url>', 'the readers of a bench too: the address that tapdip-sim bench prints', text => {
      benchAddress(text, '--bench')
      return text
    })
    .option('--json', 'one JSON array')
    .action(async ({ json, time, over, bench, lang: option }: ListFlags) => {
      const lang = language(option)
      if (over?.includes('bench') && bench === undefined) throw usageFault('usage.missing', { field: '--bench' })
      const found: FoundReader[] = []
      const signal = interruption()
      const closed = new Map<Transport, Fault>()
      for await (const one of discover({ transports: over, bench, timeout: time * 1000, once: true, signal })) {
        if (one.type === 'found') {
          if (!json && !found.some(({ uri }) => uri === one.reader.uri)) process.stdout.write(`${line(one.reader)}\n`)
          found.push(one.reader)
        } else if (one.type === 'unavailable') {
          closed.set(one.transport, one.fault)
          if (over?.length !== 1) process.stderr.write(`${one.transport}: ${faultMessage(one.fault, lang)}\n`)
        }
      }
      throwIfAborted(signal)
      // Where every way that was asked for is closed, nothing was looked at: that is no empty list.
      if (over?.every(one => closed.has(one))) throw closed.get(over[0])!
      const latest = [...new Map(found.map(reader => [reader.uri, reader])).values()]
      if (json) process.stdout.write(`${JSON.stringify(latest, null, 2)}\n`)
      else if (latest.length === 0) process.stdout.write(`${message('app.noReaders', lang)}\n`)
    })
}

function line({ uri, family, name, rssi }: FoundReader): string {
  return [uri, family ?? '?', name, rssi === undefined ? undefined : `${rssi} dBm`].filter(Boolean).join('\t')
}
