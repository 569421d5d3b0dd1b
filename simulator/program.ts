/** The `tapdip-sim` command as it is built, for the command line and for whoever reads its help. */

import { createRequire } from 'node:module'
import { Command } from 'commander'
import { addAcquirer } from './commands/acquirer.ts'
import { addBench } from './commands/bench.ts'
import { addCards } from './commands/cards.ts'
import { addConfig } from './commands/config.ts'
import { addDemo } from './commands/demo.ts'
import { addImage } from './commands/image.ts'
import { addPlay } from './commands/play.ts'
import { addProvoke } from './commands/provoke.ts'
import { addReport } from './commands/report.ts'
import { addRun } from './commands/run.ts'
import { addScan } from './commands/scan.ts'
import { addServe } from './commands/serve.ts'
import { addTest } from './commands/test.ts'

export function simulatorProgram(): Command {
  const { version } = createRequire(import.meta.url)('tapdip/package.json') as { version: string } // its own name finds it from source and from dist
  const program = new Command('tapdip-sim')
    .description('Virtual card readers, cards and an acquirer. Test keys and test cards only.')
    .version(version, '-v, --version')
  for (const add of [
    addBench,
    addServe,
    addCards,
    addAcquirer,
    addScan,
    addConfig,
    addImage,
    addRun,
    addTest,
    addReport,
    addProvoke,
    addDemo,
    addPlay,
  ])
    add(program)
  return program
}
