/** `tapdip-sim report`: a page of one or more runs, or of traces, that opens without network. */

import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { language } from '../../src/command/line.ts'
import { fileFault } from '../../src/file-fault.ts'
import { message } from '../../src/messages/messages.ts'

interface ReportFlags {
  readonly out: string
  readonly against?: string
  readonly overwrite?: boolean
  readonly lang?: string
}

export function addReport(program: Command): void {
  program
    .command('report')
    .description('a page of HTML of what was run: cases, traces, screens, receipts; it needs no network and no server')
    .argument('<file...>', 'JSON of a run, of each of its shards, or a trace')
    .option('--out <file>', 'where it is written', 'report.html')
    .option('--against <file>', 'JSON of an earlier run: what became another since is shown')
    .option('--overwrite', 'the file of --out may be there already')
    .action(async (files: readonly string[], { out, against, overwrite, lang }: ReportFlags) => {
      const [{ htmlReport }, { readInputs, readRun }, { compareRuns }, { changeLines }] = await Promise.all([
        import('../scenario/report/html.ts'),
        import('../scenario/report/input.ts'),
        import('../scenario/report/compare.ts'),
        import('../scenario/reporters/changes.ts'),
      ])
      const { run, traces } = readInputs('<file>', files)
      const earlier = against === undefined ? undefined : readRun('--against', against)
      const page = htmlReport(run, { language: language(lang), traces, ...(earlier && { against: earlier }) })
      try {
        writeFileSync(out, page, { flag: overwrite ? 'w' : 'wx' })
      } catch (cause) {
        throw fileFault('--out', out, cause, 'write')
      }
      const counts = { file: out, cases: run.results.length, failed: run.results.filter(({ status }) => status === 'failed').length }
      const changes = earlier ? changeLines(compareRuns(earlier, run), language(lang)) : []
      process.stdout.write(`${[message('report.written', language(lang), counts), ...changes].join('\n')}\n`)
    })
}
