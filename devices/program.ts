/** The `tapdip` command as it is built, for the command line and for whoever reads its help. */

import { createRequire } from 'node:module'
import { Command } from 'commander'
import { addApdu } from './commands/apdu.ts'
import { addDecode } from './commands/decode.ts'
import { addExplain } from './commands/explain.ts'
import { addInfo } from './commands/info.ts'
import { addKeys } from './commands/keys.ts'
import { addList } from './commands/list.ts'
import { addOrder } from './commands/order/order.ts'
import { addRefund } from './commands/order/refund.ts'
import { addPay } from './commands/pay.ts'
import { addReplay } from './commands/replay.ts'
import { addUpdate } from './commands/update.ts'

export function tapdipProgram(): Command {
  const { version } = createRequire(import.meta.url)('tapdip/package.json') as { version: string } // its own name finds it from source and from dist
  const program = new Command('tapdip')
    .description('Card readers and EMV payments. Test keys and test cards only; no approval by EMVCo, PCI or any scheme.')
    .version(version, '-v, --version')
  for (const add of [addList, addInfo, addPay, addRefund, addUpdate, addOrder, addDecode, addExplain, addApdu, addKeys, addReplay])
    add(program)
  return program
}
