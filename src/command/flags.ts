/** The values of a command line: each is checked where it is taken, and a refusal names the flag, the value and what is allowed, in both languages. */

import { Argument, type Command, type CommanderError, Option } from 'commander'
import { Fault } from '../errors.ts'
import { nearest } from '../nearest.ts'
import { oneOf, usageFault } from '../refusal.ts'

/** A whole number in a range, for commander's argument parsers. @throws Fault `bad-argument` */
export function wholeNumber(field: string, from: number, to: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < from || value > to) throw usageFault('usage.range', { field, value: text, from, to })
    return value
  }
}

/** Text that matches `rule`; `allowed` says the rule in symbols that need no translation (`0-9, 4–12`). @throws Fault `bad-argument` */
export function matching(field: string, rule: RegExp, allowed: string): (text: string) => string {
  return text => {
    if (!rule.test(text)) throw usageFault('usage.oneOf', { field, value: text, allowed })
    return text
  }
}

/** For a flag that may be repeated, each value through `read`. */
export function repeated(read: (text: string) => string = text => text): (text: string, before: readonly string[]) => string[] {
  return (text, before) => [...before, read(text)]
}

/** An option that takes one of `values`, which the help lists; `read` where it takes more than a bare one. */
export function choice(flags: string, description: string, values: readonly string[], read?: (text: string) => unknown): Option {
  const option = new Option(flags, description).choices([...values])
  if (read) return option.argParser(read)
  const { variadic } = option
  return option.argParser((value: string, before: unknown) => {
    const one = oneOf(option.long ?? flags, value, values)
    return variadic ? [...(Array.isArray(before) ? before : []), one] : one
  })
}

/** The same as an argument. */
export function choiceArgument(name: string, description: string, values: readonly string[]): Argument {
  return new Argument(name, description).choices([...values]).argParser((value: string) => oneOf(name, value, values))
}

/**
 * Refuses flags that mean nothing here: `given` has each with whether it was given, `only` is what they are for.
 * @throws Fault `bad-argument`
 */
export function onlyFor(only: string, given: Readonly<Record<string, unknown>>): void {
  for (const [field, value] of Object.entries(given))
    if (value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0))
      throw usageFault('usage.needs', { field, only })
}

/** What commander refuses, as the Fault that everything else is; undefined for help and version, which are no refusals. */
export function refusal(error: CommanderError, command: Command): Fault | undefined {
  const quoted = [...error.message.matchAll(/'([^']*)'/g)].map(([, text]) => text)
  const [first = '', second = ''] = quoted
  const flag = (text: string) => /--[\w-]+/.exec(text)?.[0] ?? text
  const [, expected = '', got = ''] = /Expected (\d+) arguments? but got (\d+)/.exec(error.message) ?? []
  switch (error.code) {
    case 'commander.missingArgument':
      return usageFault('usage.missing', { field: `<${first}>` })
    case 'commander.missingMandatoryOptionValue':
      return usageFault('usage.missing', { field: flag(first) })
    case 'commander.optionMissingArgument':
      return usageFault('usage.value', { field: flag(first) })
    case 'commander.conflictingOption':
      return usageFault('usage.conflict', { field: flag(first), other: flag(second) })
    case 'commander.unknownOption':
      return unknown('usage.noOption', first, command.createHelp().visibleOptions(command).flatMap(({ long }) => long ?? [])) // biome-ignore format: one line
    case 'commander.unknownCommand':
      return unknown('usage.noCommand', first, command.commands.map(one => one.name())) // biome-ignore format: one line
    case 'commander.excessArguments':
      return usageFault('usage.tooMany', { field: command.name(), allowed: expected, value: got })
    default:
      return error.exitCode === 0 || error.code === 'commander.help' ? undefined : new Fault('bad-argument', error.message)
  }
}

function unknown(says: 'usage.noOption' | 'usage.noCommand', field: string, names: readonly string[]): Fault {
  const meant = nearest(field, names)
  const allowed = names.join(', ')
  return meant === undefined ? usageFault(says, { field, allowed }) : usageFault(`${says}Meant`, { field, allowed, meant })
}
