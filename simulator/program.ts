/** The `tapdip-sim` command as it is built, for the command line and for whoever reads its help. */

import { Command } from 'commander'
import { type Commands, withCommands } from '../src/command/program.ts'
import { PACKAGE_VERSION } from '../src/trace/package.ts'

const commands: Commands = {
  bench: async () => (await import('./commands/bench.ts')).addBench,
  serve: async () => (await import('./commands/serve.ts')).addServe,
  cards: async () => (await import('./commands/cards.ts')).addCards,
  acquirer: async () => (await import('./commands/acquirer.ts')).addAcquirer,
  scan: async () => (await import('./commands/scan.ts')).addScan,
  config: async () => (await import('./commands/config.ts')).addConfig,
  image: async () => (await import('./commands/image.ts')).addImage,
  run: async () => (await import('./commands/run.ts')).addRun,
  test: async () => (await import('./commands/test.ts')).addTest,
  report: async () => (await import('./commands/report.ts')).addReport,
  provoke: async () => (await import('./commands/provoke.ts')).addProvoke,
  demo: async () => (await import('./commands/demo.ts')).addDemo,
  play: async () => (await import('./commands/play.ts')).addPlay,
}

/** With what the line `words` asks for, or with all. */
export const simulatorProgram = (words?: readonly string[]): Promise<Command> =>
  withCommands(
    new Command('tapdip-sim')
      .description('Virtual card readers, cards and an acquirer. Test keys and test cards only.')
      .version(PACKAGE_VERSION, '-v, --version'),
    commands,
    words,
  )
