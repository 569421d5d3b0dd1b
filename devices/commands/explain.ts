/** `tapdip explain [file]`: what a kernel explained while it ran, for people; "why is this bit of the TVR set" has its rule and bytes here. */

import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { explanationJson, isAbout, parseExplanation, printExplanations } from '../../src/emv/explain-print.ts'
import { asFault, Fault } from '../../src/errors.ts'

export function addExplain(program: Command): void {
  program
    .command('explain')
    .description(
      'a payment’s explanation, as `tapdip-sim serve --explain <file>` or an app’s own kernel wrote it: step, rule, inputs, effect',
    )
    .argument('[file]', 'JSON, one explanation a line; standard input when left out or -', '-')
    .option('--of <text>', 'only what has this in its rule or effect: TVR, floorLimitExceeded, CVM, 10.7')
    .option('--json', 'one JSON array')
    .action((file: string, options: { of?: string; json?: boolean }) => {
      const entries = read(file)
        .split('\n')
        .flatMap((line, at) => {
          if (line.trim() === '') return []
          try {
            return [parseExplanation(line)]
          } catch (error) {
            const { message, details } = asFault(error)
            throw new Fault('bad-argument', `line ${at + 1}: ${message}`, details, { cause: error })
          }
        })
      const chosen = entries.filter(entry => isAbout(entry, options.of ?? ''))
      process.stdout.write(options.json ? `${JSON.stringify(chosen.map(explanationJson), null, 2)}\n` : printExplanations(chosen))
    })
}

function read(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (cause) {
    throw new Fault('bad-argument', `${file} cannot be read: ${(cause as Error).message}`, { field: 'file' }, { cause })
  }
}
