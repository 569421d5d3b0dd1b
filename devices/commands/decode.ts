/** `tapdip decode <hex>`: TLV, an APDU response, or a message of ISO 8583, in words; sensitive values masked. */

import type { Command } from 'commander'
import { decodeResponse } from '../../src/apdu/apdu.ts'
import { statusWords } from '../../src/apdu/status.ts'
import { fromHex, hex } from '../../src/bytes.ts'
import { choice, onlyFor } from '../../src/command/flags.ts'
import { EXIT } from '../../src/command/line.ts'
import { type IsoDialectName, isoDialect, isoDialects } from '../../src/payment/host/iso8583/dialect.ts'
import { describeIso, printIso } from '../../src/payment/host/iso8583/print.ts'
import { usageFault } from '../../src/refusal.ts'
import type { KernelDictionary } from '../../src/tlv/kernels.ts'
import { kernelDictionaries } from '../../src/tlv/kernels.ts'
import { describeEither, printTree } from '../../src/tlv/print.ts'

interface DecodeFlags {
  readonly kernel?: string
  readonly as: string
  readonly dialect?: string
  readonly apdu?: boolean
  readonly json?: boolean
}

export function addDecode(program: Command): void {
  program
    .command('decode')
    .description('TLV in words; what is malformed is shown with its place')
    .argument('<hex...>', 'hexadecimal, blanks allowed; what a card answered when --apdu is given')
    .addOption(choice('--kernel <name>', 'meaning of tags for a contactless kernel', Object.keys(kernelDictionaries)))
    .addOption(choice('--as <what>', 'tlv, or iso8583: a message, with its length in front or without', ['tlv', 'iso8583']).default('tlv'))
    .addOption(choice('--dialect <name>', 'of ISO 8583', Object.keys(isoDialects)))
    .option('--apdu', 'the last two bytes are a status word')
    .option('--json', 'one JSON object')
    .action((digits: string[], options: DecodeFlags) => {
      const { kernel, as, dialect } = options
      if (digits.join('').trim() === '') throw usageFault('usage.missing', { field: '<hex>' })
      if (as === 'iso8583') return decodeMessage(fromHex(digits.join('')), options)
      onlyFor('--as iso8583', { '--dialect': dialect })
      const bytes = fromHex(digits.join(''))
      const response = options.apdu ? decodeResponse(bytes) : undefined
      const description = describeEither(
        response?.data ?? bytes,
        kernel ? { words: kernelDictionaries[kernel as KernelDictionary], ff: 'tag' } : {},
      )
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

function decodeMessage(bytes: Uint8Array, { dialect, json }: DecodeFlags): void {
  const described = describeIso(bytes, { dialect: isoDialect(dialect as IsoDialectName | undefined) })
  process.stdout.write(`${json ? JSON.stringify(described, null, 2) : printIso(described)}\n`)
  if (described.stopped) process.exitCode = EXIT.fault
}
