/** What both commands, `tapdip` and `tapdip-sim`, share: languages, exit codes, and faults in words. */

import type { Command } from 'commander'
import { CommanderError } from 'commander'
import { asFault, Fault, isFault } from './errors.ts'
import type { Language } from './messages.ts'
import { faultMessage } from './messages.ts'

/** Exit codes of both commands; see README. */
export const EXIT = { approved: 0, ok: 0, fault: 1, usage: 2, declined: 10, unknown: 11, cancelled: 12 } as const

/** `--lang`, else the environment's language, else English. @throws Fault `bad-argument` */
export function language(option?: string): Language {
  if (option === undefined) return /^ru/i.test(process.env.LC_ALL ?? process.env.LC_MESSAGES ?? process.env.LANG ?? '') ? 'ru' : 'en'
  if (option !== 'en' && option !== 'ru') throw new Fault('bad-argument', `--lang is '${option}', it takes en or ru`, { field: 'lang' })
  return option
}

/** A whole number in a range, for commander's argument parsers. @throws Fault `bad-argument` */
export function wholeNumber(name: string, from: number, to: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < from || value > to)
      throw new Fault('bad-argument', `${name} is '${text}', it takes a whole number from ${from} to ${to}`, { field: name })
    return value
  }
}

/** Runs a command line; the process ends by itself with the exit code set. */
export async function run(program: Command, argv: readonly string[] = process.argv): Promise<void> {
  // Whoever read the output is gone: no reason to leave a payment half done.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  program
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text) })
    .showHelpAfterError('(add --help for the options)')
  const commands = everyCommand(program)
  for (const command of commands) {
    command.exitOverride().copyInheritedSettings(program)
    if (command.commands.length > 0) continue // `tapdip order` is only the name of its own commands
    command
      .option('--lang <language>', 'en or ru; the environment’s when left out')
      .hook('preAction', () => void language(command.opts().lang))
  }
  try {
    await program.parseAsync(argv)
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage
      return
    }
    const fault = asFault(error)
    const usage = isFault(fault, 'bad-argument', 'bad-uri', 'bad-hex', 'bad-config')
    let lang: Language = 'en'
    try {
      lang = language(commands.map(command => command.opts().lang).find(Boolean))
    } catch {
      // the fault is about --lang itself
    }
    process.stderr.write(`${program.name()}: ${faultMessage(fault, lang)}\n`)
    if (process.env.TAPDIP_DEBUG) console.error(error)
    process.exitCode = usage ? EXIT.usage : EXIT.fault
  }
}

/** With the commands of commands. */
function everyCommand({ commands }: Command): readonly Command[] {
  return commands.flatMap(command => [command, ...everyCommand(command)])
}
