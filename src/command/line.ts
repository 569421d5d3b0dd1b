/** What both commands, `tapdip` and `tapdip-sim`, share: languages, exit codes, and faults in words or as JSON. */

import { type Command, CommanderError } from 'commander'
import { asFault, type Fault, type FaultCode } from '../errors.ts'
import type { Language } from '../messages/messages.ts'
import { faultLines } from '../messages/messages.ts'
import { oneOf } from '../refusal.ts'
import { named, onceEach, refusal } from './flags.ts'
import { localise } from './help.ts'

export { wholeNumber } from './flags.ts'

/** Exit codes of both commands; see README. */
export const EXIT = { approved: 0, ok: 0, fault: 1, usage: 2, declined: 10, unknown: 11, cancelled: 12 } as const

const languages = ['en', 'ru'] as const

/** `--lang`, else the environment's language, else English. @throws Fault `bad-argument` */
export function language(option?: string): Language {
  if (option !== undefined) return oneOf('--lang', option, languages)
  return /^ru/i.test(process.env.LC_ALL ?? process.env.LC_MESSAGES ?? process.env.LANG ?? '') ? 'ru' : 'en'
}

/** What a command had found out when its fault came: with `--json` both are one object. */
const answersBefore = new WeakMap<Fault, object>()

/** `error` as a Fault that is told together with `answers`. */
export function withAnswers(error: unknown, answers: object): Fault {
  const fault = asFault(error)
  answersBefore.set(fault, answers)
  return fault
}

/** A fault as `--json` writes it. */
export function errorJson(fault: Fault): object {
  const { code, message, details } = fault
  return { ...answersBefore.get(fault), error: { code, message, details } }
}

const usage: readonly FaultCode[] = ['bad-argument', 'bad-uri', 'bad-hex', 'bad-config']

/** How a command ends that ended with `fault`. */
export function exitOf({ code }: Fault): number {
  if (usage.includes(code)) return EXIT.usage
  return code === 'aborted' ? EXIT.cancelled : EXIT.fault
}

/** Runs a command line; the process ends by itself with the exit code set. */
export async function run(program: Command, argv: readonly string[] = process.argv): Promise<void> {
  // Whoever read the output is gone: no reason to leave a payment half done.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const lang = prepare(program, argv.slice(2))
  try {
    await program.parseAsync(argv)
  } catch (error) {
    const command = commandOf(program, argv.slice(2))
    const fault = error instanceof CommanderError ? refusal(error, command, argv.slice(2)) : named(asFault(error), command)
    if (!fault) {
      process.exitCode = error instanceof CommanderError && error.exitCode !== 0 ? EXIT.usage : EXIT.ok
      return
    }
    if (argv.includes('--json') && command.options.some(({ long }) => long === '--json'))
      process.stdout.write(`${JSON.stringify(errorJson(fault), null, 2)}\n`)
    process.stderr.write(`${program.name()}: ${faultLines(fault, lang).join('\n  ')}\n`)
    if (process.env.TAPDIP_DEBUG) console.error(error)
    process.exitCode = exitOf(fault)
  }
}

/** Gives every command its `--lang`, and its help in the language that the line asks for; that language. */
export function prepare(program: Command, words: readonly string[]): Language {
  const lang = asked(words)
  program.configureOutput({ outputError: () => {} }).exitOverride()
  for (const command of [program, ...everyCommand(program)]) {
    if (command !== program) command.copyInheritedSettings(program).exitOverride()
    command.option('--lang <language>', 'en or ru; the environment’s when left out')
    onceEach(command)
  }
  program.hook('preAction', (_, action) => {
    const given = [action, ...ancestors(action)].map(one => one.opts().lang as string | undefined).find(one => one !== undefined)
    if (given !== undefined) action.setOptionValue('lang', language(given))
  })
  localise(program, lang)
  return lang
}

/** The language of a line that may be wrong otherwise. */
function asked(words: readonly string[]): Language {
  const at = words.findIndex(word => word === '--lang' || word.startsWith('--lang='))
  const given = at < 0 ? undefined : words[at].startsWith('--lang=') ? words[at].slice('--lang='.length) : words[at + 1]
  return languages.find(one => one === given) ?? language()
}

/** The command that a line names, as deep as it does. */
function commandOf(program: Command, words: readonly string[]): Command {
  let command = program
  for (const word of words.filter(one => !one.startsWith('-'))) {
    const next = command.commands.find(one => one.name() === word)
    if (!next) break
    command = next
  }
  return command
}

function ancestors({ parent }: Command): readonly Command[] {
  return parent ? [parent, ...ancestors(parent)] : []
}

/** With the commands of commands. */
function everyCommand({ commands }: Command): readonly Command[] {
  return commands.flatMap(command => [command, ...everyCommand(command)])
}
