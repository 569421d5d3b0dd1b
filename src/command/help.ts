/** The help of both commands in the user's language: English stands at each option, Russian in `messages-help.ts` under its name. */

import type { Argument, Command, Option } from 'commander'
import type { Language } from '../messages/messages.ts'
import { message } from '../messages/messages.ts'
import { helpInRussian } from '../messages/tools/help.ts'

/** `tapdip`, `pay`, `order new`: a command as the table names it. */
export function commandPath(command: Command): string {
  if (!command.parent) return command.name()
  return command.parent.parent ? `${commandPath(command.parent)} ${command.name()}` : command.name()
}

/** The language of each program's help. */
const languages = new WeakMap<Command, Language>()

/** The language that the help of a command is in. */
export function helpLanguage(command: Command): Language {
  return command.parent ? helpLanguage(command.parent) : (languages.get(command) ?? 'en')
}

/** A text that follows a command's help, in the user's language: its row in the table of Russian, else as it is. */
export function helpText(name: string, english: string, language: Language): string {
  return language === 'ru' ? (helpInRussian[name] ?? english) : english
}

/** Sets titles, terms and texts of a program's help. English is commander's own but for the lists of values. */
export function localise(program: Command, language: Language): void {
  languages.set(program, language)
  const ru = language === 'ru'
  const text = (command: Command, name: string, english: string) =>
    ru && english !== '' ? (helpInRussian[`${commandPath(command)} ${name}`.trim()] ?? helpInRussian[name] ?? english) : english
  const visit = (command: Command) => {
    if (ru) {
      if (command.description()) command.description(text(command, '', command.description()))
      for (const option of command.options) option.description = text(command, option.long ?? option.flags, option.description)
      for (const argument of command.registeredArguments) argument.description = text(command, `<${argument.name()}>`, argument.description)
      command.helpOption('-h, --help', helpInRussian['--help'])
      if (command.commands.length > 0) command.helpCommand('help [command]', helpInRussian.help)
    }
    command.configureHelp({
      optionDescription: option => withValues(option, language),
      argumentDescription: argument => withValues(argument, language),
      styleTitle: title => (ru ? (titles[title] ?? title) : title),
      styleUsage: usage => (ru ? inRussian(usage) : usage),
      styleSubcommandTerm: term => (ru ? inRussian(term) : term),
    })
    command.commands.forEach(visit)
  }
  visit(program)
}

const inRussian = (usage: string) => usage.replace('[options]', '[параметры]').replace('[command]', '[команда]')

const titles: Readonly<Record<string, string>> = {
  'Usage:': 'Использование:',
  'Arguments:': 'Аргументы:',
  'Options:': 'Параметры:',
  'Commands:': 'Команды:',
}

/** The text with the values that are taken, and the one that holds when none is given. */
function withValues(one: Option | Argument, language: Language): string {
  const { description, argChoices, defaultValue } = one
  const takesValue = !('long' in one) || one.required || one.optional
  const shown = takesValue && defaultValue !== undefined && !(Array.isArray(defaultValue) && defaultValue.length === 0)
  const notes = [
    argChoices && message('help.values', language, { values: argChoices.join(', ') }),
    shown && message('help.default', language, { value: String(defaultValue) }),
  ].filter(Boolean)
  return [description, notes.length > 0 && `(${notes.join('; ')})`].filter(Boolean).join(' ')
}
