/** `tapdip list`: the readers that can be found from here. */

import type { Command } from 'commander'
import { language } from '../../src/command-line.ts'
import { isFault } from '../../src/errors.ts'
import { faultMessage, message } from '../../src/messages.ts'
import { listPcscReaders } from '../../src/transport/pcsc.ts'
import { listSerialPorts } from '../../src/transport/serial.ts'
import { identify } from '../index.ts'

interface Found {
  readonly uri: string
  /** Undefined where nothing tells: name one with `?family=`. */
  readonly family?: string
  readonly name?: string
}

export function addList(program: Command): void {
  program
    .command('list')
    .description('serial ports with the readers on them, and PC/SC readers; a port that tells no family is opened with ?family=<name>')
    .option('--json', 'one JSON array')
    .action(async (flags: { json?: boolean; lang?: string }) => {
      const lang = language(flags.lang)
      const serial = await serialReaders().catch(error => {
        if (!isFault(error, 'missing-library')) throw error
        process.stderr.write(`${faultMessage(error, lang)}\n`)
        return []
      })
      const found = [...serial, ...(await pcscReaders())]
      if (flags.json) process.stdout.write(`${JSON.stringify(found, null, 2)}\n`)
      else if (found.length === 0) process.stdout.write(`${message('app.noReaders', lang)}\n`)
      else for (const { uri, family, name } of found) process.stdout.write(`${[uri, family ?? '?', name].filter(Boolean).join('\t')}\n`)
    })
}

async function serialReaders(): Promise<Found[]> {
  const ports = await listSerialPorts()
  return ports.map(({ uri, vendor, product, manufacturer, serial }) => {
    const family = vendor === undefined || product === undefined ? undefined : identify({ usb: { vendor, product } })?.name
    const name = [manufacturer, serial].filter(Boolean).join(' ')
    return { uri: family ? `${uri}?family=${family}` : uri, ...(family && { family }), ...(name && { name }) }
  })
}

/** None where there is no PC/SC service or no library for it: most machines have no need of either. */
async function pcscReaders(): Promise<Found[]> {
  const names = await listPcscReaders().catch(error => {
    if (!isFault(error, 'missing-library', 'link-failed')) throw error
    return []
  })
  return names.map(name => ({ uri: `pcsc:${encodeURIComponent(name)}`, family: 'pcsc', name }))
}
