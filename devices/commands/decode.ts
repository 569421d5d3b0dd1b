/** `tapdip decode <hex>`: TLV, or a bare DOL or APDU response, in words; sensitive values masked. */

import type { Command } from 'commander'
import { decodeResponse } from '../../src/apdu/apdu.ts'
import { statusWords } from '../../src/apdu/status.ts'
import { fromHex, hex } from '../../src/bytes.ts'
import { EXIT } from '../../src/command-line.ts'
import { choice } from '../../src/flags.ts'
import type { KernelDictionary } from '../../src/tlv/kernels.ts'
import { kernelDictionaries } from '../../src/tlv/kernels.ts'
import { describe, printTree } from '../../src/tlv/print.ts'

export function addDecode(program: Command): void {
  program
    .command('decode')
    .description('TLV in words; what is malformed is shown with its place')
    .argument('<hex...>', 'hexadecimal, blanks allowed; what a card answered when --apdu is given')
    .addOption(choice('--kernel <name>', 'meaning of tags for a contactless kernel', Object.keys(kernelDictionaries)))
    .option('--apdu', 'the last two bytes are a status word')
    .option('--json', 'one JSON object')
    .action((digits: string[], options: { kernel?: string; apdu?: boolean; json?: boolean }) => {
      const { kernel } = options
      const bytes = fromHex(digits.join(''))
      const response = options.apdu ? decodeResponse(bytes) : undefined
      const description = describe(response?.data ?? bytes, kernel ? { words: kernelDictionaries[kernel as KernelDictionary] } : {})
      const status = response && { sw: hex(bytes.subarray(-2)), words: statusWords(response.sw) }
      if (options.json) process.stdout.write(`${JSON.stringify({ ...description, ...(status && { status }) }, null, 2)}\n`)
      else
        process.stdout.write(
          [printTree(description), status?.words]
            .filter(Boolean)
            .map(line => `${line}\n`)
            .join(''),
        )
      if (description.stopped) process.exitCode = EXIT.fault
    })
}
