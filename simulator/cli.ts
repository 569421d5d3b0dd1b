#!/usr/bin/env node
/** The `tapdip-sim` command: virtual readers, a virtual acquirer, and the demonstration. */

import { Command } from 'commander'
import { language, run } from '../src/command-line.ts'
import { addAcquirer, addConfig, addServe } from './commands.ts'
import { addDemo } from './demo.ts'

const program = new Command('tapdip-sim')
  .description('Virtual card readers, cards and an acquirer. Test keys and test cards only.')
  .showHelpAfterError('(add --help for the options)')
for (const add of [addServe, addAcquirer, addConfig, addDemo]) add(program)
for (const command of program.commands)
  command
    .option('--lang <language>', 'en or ru; the environment’s when left out')
    .hook('preAction', () => void language(command.opts().lang))

await run(program)
