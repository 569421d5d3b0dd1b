/** A command with commands of its own, of which only what a line asks for is loaded. */

import type { Command } from 'commander'

/** Adds a command to its program. */
export type Add = (program: Command) => unknown

/** The commands of a program by name, in the order of its help. */
export type Commands = Readonly<Record<string, () => Promise<Add>>>

/**
 * `program` for the line `words`, without the names of node and of the program: with the one command that the first word names, with none where it asks for the version; else,
 * as for its help and for a name that nobody has, with all.
 */
export async function withCommands(program: Command, commands: Commands, words: readonly string[] = []): Promise<Command> {
  const [first] = words
  if (first === '-v' || first === '--version') return program
  const one = first !== undefined && Object.hasOwn(commands, first) ? commands[first] : undefined
  for (const add of await Promise.all((one ? [one] : Object.values(commands)).map(load => load()))) add(program)
  return program
}
