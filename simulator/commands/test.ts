/** `tapdip-sim test`: scenario files are run, and told of to people and machines. */

import type { Command } from 'commander'
import { choice, matching, textOf, wholeNumber } from '../../src/command/flags.ts'
import { isFault } from '../../src/errors.ts'
import { oneOf, usageFault } from '../../src/refusal.ts'
import { parseUri, uriForms } from '../../src/transport/uri.ts'
import { overs, parseShard, reporterNames } from '../scenario/words.ts'
import type { Reporter, TestFlags } from './scenario/flags.ts'

export function addTest(program: Command): void {
  program
    .command('test')
    .description('runs scenario files; exits 0 when all pass, 1 when one fails, 2 for a file that is none, 12 when it is interrupted')
    .argument('[files...]', 'YAML or JSON, or folders of them; those of the package when left out')
    .option('--grep <pattern>', 'cases whose name matches this regular expression', pattern)
    .option('--tags <list>', 'cases with one of these tags, comma between them; !tag: without it', tagList)
    .option('--workers <number>', 'processes; as many as there are processors when left out', wholeNumber('--workers', 1, 64))
    .option('--shard <part>', '1/3: the first of three parts', (text: string) => parseShard(text))
    .option('--retries <number>', 'how often a case that failed is tried again', wholeNumber('--retries', 0, 9), 0)
    .option('--seed <number>', 'of what is random', wholeNumber('--seed', 0, 0xffffffff), 1)
    .addOption(
      choice('--reporter <name>', 'what tells of it; name=file: into a file; may be repeated', reporterNames)
        .argParser(reporters)
        .default([]),
    )
    .addOption(
      choice(
        '--over <line>',
        'the counter is another process, and its reader is opened over this line; pcsc, slot: the kernel in the app; in memory when left out',
        overs,
      ),
    )
    .option('--reader <uri>', 'pays with this reader; whoever stands at it is told what to do', readerAt)
    .option('--hands <url>', 'a robot is asked over HTTP for each deed at --reader, in place of a person', handsAt)
    .option('--list', 'names the cases, and runs none')
    .option('--update', 'what the files expect is rewritten to what was seen, and what changed is printed')
    .option('--merge', 'the files are reports of --reporter json, which are merged')
    .action(async (files: readonly string[], flags: TestFlags) => {
      const { testCommand } = await import('./scenario/test.ts')
      process.exitCode = await testCommand(files, flags)
    })
}

/** @throws Fault `bad-uri` that names the flag */
function readerAt(text: string): string {
  try {
    return parseUri(text).uri
  } catch (error) {
    if (!isFault(error, 'bad-uri')) throw error
    throw usageFault('usage.uri', { field: '--reader', value: text, allowed: Object.values(uriForms).join(' · ') }, 'bad-uri')
  }
}

/** @throws Fault `bad-argument` */
function handsAt(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password)
    throw usageFault('usage.oneOf', { field: '--hands', value: text, allowed: 'http://host:port/path, https://host/path' })
  return url.href
}

/** @throws Fault `bad-argument` */
function pattern(text: string): RegExp {
  try {
    return new RegExp(textOf('--grep', 1, 200)(text), 'i')
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw usageFault('usage.oneOf', { field: '--grep', value: text, allowed: (error as Error).message })
  }
}

function tagList(text: string): string[] {
  return text.split(',').map(tag => matching('--tags', /^!?[\w-]{1,32}$/, 'A-Z, a-z, 0-9, -, _')(tag.trim()))
}

/** @throws Fault `bad-argument` */
function reporters(text: string, before: readonly Reporter[]): Reporter[] {
  const [name, ...file] = text.split('=')
  const reporter = { name: oneOf('--reporter', name, reporterNames), ...(file.length > 0 && { file: file.join('=') }) }
  if (reporter.file === '') throw usageFault('usage.value', { field: '--reporter' })
  return [...before, reporter]
}
