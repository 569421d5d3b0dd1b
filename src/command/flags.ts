/** The values of a command line: each is checked where it is taken, and a refusal names the flag, the value and what is allowed, in both languages. */

import { Argument, type Command, type CommanderError, Option } from 'commander'
import { fromHex } from '../bytes.ts'
import { type Currency, parseAmount } from '../currency.ts'
import { Fault, isFault } from '../errors.ts'
import type { MessageId } from '../messages/messages.ts'
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

/** A line of text of `from` to `to` characters. @throws Fault `bad-argument` */
export function textOf(field: string, from: number, to: number): (text: string) => string {
  return text => {
    const { length } = text.trim() === '' ? '' : text
    if (length < from || length > to) throw usageFault('usage.length', { field, value: length, from, to })
    const broken = /\p{Cc}/u.exec(text)
    if (broken) {
      const character = `U+${broken[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
      throw usageFault('usage.oneLine', { field, value: character, at: [...text.slice(0, broken.index)].length + 1 })
    }
    return text
  }
}

/** What opens a door: told by its length, never by itself. @throws Fault `bad-argument` */
export function secretOf(field: string, from: number, to: number): (text: string) => string {
  return text => {
    if (text.length < from || text.length > to) throw usageFault('usage.length', { field, value: text.length, from, to })
    if (/\s/.test(text)) throw usageFault('usage.noBlanks', { field })
    return text
  }
}

/** Hexadecimal digits as bytes, as many as `sizes` has. @throws Fault `bad-argument` that does not repeat them */
export function bytesOf(field: string, digits: string, sizes?: readonly number[]): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = fromHex(digits)
  } catch (error) {
    throw isFault(error, 'bad-hex') ? usageFault('usage.hex', { field }) : error
  }
  if (sizes && !sizes.includes(bytes.length)) throw usageFault('usage.bytes', { field, value: bytes.length, allowed: sizes.join(', ') })
  return bytes
}

/** An amount, refused under the name of its flag. @throws Fault `bad-argument` */
export function amountOf(field: string, text: string, unit: Currency): bigint {
  try {
    return parseAmount(text, unit)
  } catch (error) {
    throw retold(error, field)
  }
}

/** A refusal that can be told in both languages, told of another field; anything else as it is. */
function retold(error: unknown, field: string): unknown {
  if (!isFault(error, 'bad-argument') || error.details.says === undefined) return error
  const { says, rule: _rule, ...details } = error.details
  return usageFault(says as Extract<MessageId, `usage.${string}`>, { ...details, field })
}

/** Where a value comes from that the functions below the commands name by their own words: the first that the command has. */
const sources: Readonly<Record<string, readonly string[]>> = {
  amount: ['<amount>', '--amount'],
  currency: ['--currency'],
  'order.number': ['--number', '--order', '<number>'],
  'order.amount': ['<amount>'],
  'order.email': ['--email'],
  'order.comment': ['--comment'],
  'merchant.name': ['--merchant'],
  'merchant.id': ['--merchant-id'],
  'merchant.terminal': ['--terminal'],
}

/** The fault as the user of `command` knows its field. */
export function named(fault: Fault, command: Command): Fault {
  const has = (name: string) =>
    command.options.some(({ long }) => long === name) || command.registeredArguments.some(one => `<${one.name()}>` === name)
  const name = sources[String(fault.details.field)]?.find(has)
  return name === undefined ? fault : (retold(fault, name) as Fault)
}

/** Refuses an option that is given again where it takes one value: which of the two is meant is anybody's guess. */
export function onceEach(command: Command): void {
  for (const option of command.options) {
    if (!(option.required || option.optional) || option.variadic || Array.isArray(option.defaultValue)) continue
    let given = false
    command.on(`option:${option.name()}`, () => {
      if (given) throw usageFault('usage.twice', { field: option.long ?? option.flags })
      given = true
    })
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

/** What commander refuses of a line of `words`, as the Fault that everything else is; undefined for help and version, which are no refusals. */
export function refusal(error: CommanderError, command: Command, words: readonly string[]): Fault | undefined {
  const quoted = [...error.message.matchAll(/'([^']*)'/g)].map(([, text]) => text)
  const [first = '', second = ''] = quoted
  const flag = (text: string) => /--[\w-]+/.exec(text)?.[0] ?? text
  const [, expected = '', got = ''] = /Expected (\d+) arguments? but got (\d+)/.exec(error.message) ?? []
  const options = command.createHelp().visibleOptions(command).flatMap(({ long }) => long ?? []) // biome-ignore format: one line
  const noOption = (given: string) => unknown('usage.noOption', given, options)
  switch (error.code) {
    case 'commander.missingArgument':
      return usageFault('usage.missing', { field: `<${first}>` })
    case 'commander.missingMandatoryOptionValue': {
      const misspelt = words.find(word => word.startsWith('--') && word !== '--' && !options.includes(word.split('=', 1)[0]))
      return misspelt ? noOption(misspelt.split('=', 1)[0]) : usageFault('usage.missing', { field: flag(first) })
    }
    case 'commander.optionMissingArgument':
      return usageFault('usage.value', { field: flag(first) })
    case 'commander.conflictingOption':
      return usageFault('usage.conflict', { field: flag(first), other: flag(second) })
    case 'commander.unknownOption':
      return noOption(first)
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
