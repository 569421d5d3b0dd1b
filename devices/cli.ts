#!/usr/bin/env node
/** The `tapdip` command: find readers, pay, decode, send raw commands. */

import { Command } from 'commander'
import { language, run } from '../src/command-line.ts'
import { addApdu } from './commands/apdu.ts'
import { addDecode } from './commands/decode.ts'
import { addExplain } from './commands/explain.ts'
import { addInfo } from './commands/info.ts'
import { addList } from './commands/list.ts'
import { addPay } from './commands/pay.ts'

const program = new Command('tapdip')
  .description('Card readers and EMV payments. Test keys and test cards only; no approval by EMVCo, PCI or any scheme.')
  .showHelpAfterError('(add --help for the options)')
for (const add of [addList, addInfo, addPay, addDecode, addExplain, addApdu]) add(program)
for (const command of program.commands)
  command
    .option('--lang <language>', 'en or ru; the environment’s when left out')
    .hook('preAction', () => void language(command.opts().lang))

await run(program)
