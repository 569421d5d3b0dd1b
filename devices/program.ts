/** The `tapdip` command as it is built, for the command line and for whoever reads its help. */

import { Command } from 'commander'
import { type Commands, withCommands } from '../src/command/program.ts'
import { PACKAGE_VERSION } from '../src/trace/package.ts'

const commands: Commands = {
  list: async () => (await import('./commands/list.ts')).addList,
  info: async () => (await import('./commands/info.ts')).addInfo,
  pay: async () => (await import('./commands/pay.ts')).addPay,
  refund: async () => (await import('./commands/order/refund.ts')).addRefund,
  update: async () => (await import('./commands/update.ts')).addUpdate,
  order: async () => (await import('./commands/order/order.ts')).addOrder,
  decode: async () => (await import('./commands/decode.ts')).addDecode,
  explain: async () => (await import('./commands/explain.ts')).addExplain,
  apdu: async () => (await import('./commands/apdu.ts')).addApdu,
  keys: async () => (await import('./commands/keys.ts')).addKeys,
  replay: async () => (await import('./commands/replay.ts')).addReplay,
}

/** With what the line `words` asks for, or with all. */
export const tapdipProgram = (words?: readonly string[]): Promise<Command> =>
  withCommands(
    new Command('tapdip')
      .description('Card readers and EMV payments. Test keys and test cards only; no approval by EMVCo, PCI or any scheme.')
      .version(PACKAGE_VERSION, '-v, --version'),
    commands,
    words,
  )
