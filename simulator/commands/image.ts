/** `tapdip-sim image`: a firmware image for a virtual reader. */

import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { choiceArgument, matching } from '../../src/command/flags.ts'
import { fileFault } from '../../src/file-fault.ts'
import { virtualFamilies } from '../readers/index.ts'

export function addImage(program: Command): void {
  const makers = Object.keys(virtualFamilies).filter(name => virtualFamilies[name].image)
  program
    .command('image')
    .description('a firmware image for a virtual reader, signed with the test key: for `tapdip update`')
    .addArgument(choiceArgument('<family>', 'whose reader', makers))
    .argument('<version>', 'up to 16 characters', matching('<version>', /^[\x21-\x7e]{1,16}$/, '!-~, 1–16'))
    .argument('<file>', 'where it is written')
    .option('--unsigned', 'with a signature that no reader takes')
    .action((family: string, version: string, file: string, { unsigned }: { unsigned?: boolean }) => {
      const { image } = virtualFamilies[family]
      try {
        writeFileSync(file, image!({ version, signed: !unsigned }))
      } catch (cause) {
        throw fileFault('<file>', file, cause, 'write')
      }
    })
}
