/** `tapdip-sim provoke`: brings about the ending that a code names at a virtual reader, and shows what the customer, the merchant and the slip say of it. */

import type { Command } from 'commander'
import { choice, wholeNumber } from '../../src/command/flags.ts'
import { virtualFamilies } from '../readers/index.ts'
import { placeOf } from '../readers/listen/listen.ts'
import type { ProvokeFlags } from './scenario/flags.ts'

export function addProvoke(program: Command): void {
  program
    .command('provoke')
    .description('brings about an ending at a virtual reader: a code of a fault, a reason, a bit of the TVR; exits 0 when it came, else 1')
    .argument('[code]', 'low-battery, cardRemoved, TVR.expired; --list names all')
    .addOption(choice('--family <name>', 'at a reader of this family; the first that can when left out', Object.keys(virtualFamilies)))
    .option('--dialect <name>', 'what it speaks, where the family has several')
    .option('--list', 'every code, with the readers that end in it, or why none does')
    .option('--explain', 'also the rules of the kernel that led there')
    .option('--serve', 'the counter only, for an app of yours, until Ctrl-C: where its reader and its host are, and what the app is to do')
    .option('--listen <where>', 'with --serve: the reader’s line, as of serve; tcp:0 when left out', text => {
      placeOf(text, '--listen')
      return text
    })
    .option('--port <number>', 'with --serve: the host’s; 0, a free one, when left out', wholeNumber('--port', 0, 65535))
    .option('--json', 'one JSON object on standard output')
    .action(async (code: string | undefined, flags: ProvokeFlags) => {
      const { provokeCommand } = await import('./scenario/provoke.ts')
      process.exitCode = await provokeCommand(code, flags)
    })
}
