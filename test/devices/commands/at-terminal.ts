/** The `tapdip` command in this process, with a terminal of its own in front of it: what a person sees is read, what they type is keys. One command at a time. */

import { PassThrough } from 'node:stream'
import { tapdipProgram } from '../../../devices/program.ts'
import { run } from '../../../src/command/line.ts'

export interface Ended {
  readonly code: number
  /** Standard output, standard error, and both as they came. */
  readonly out: string
  readonly err: string
  readonly all: string
}

export interface AtTerminal {
  readonly ended: Promise<Ended>
  /** All that was said so far. */
  readonly said: () => string
  /** Resolves when that has been said, after what was waited for before. @throws Error when the command ends without it */
  says(words: string | RegExp): Promise<string>
  /** Types a line, with Enter. */
  types(line: string): void
  /** Single keys, without Enter. */
  keys(text: string): void
  /** Ctrl-C. */
  interrupt(): void
}

export interface TerminalOptions {
  /** The folder of journal and last reader. */
  readonly state: string
  readonly env?: Readonly<Record<string, string>>
  /** False: standard input is a pipe, not a keyboard. */
  readonly keyboard?: boolean
}

let running = false

/** @throws Error while another command runs here */
export function atTerminal(args: readonly string[], { state, env = {}, keyboard = true }: TerminalOptions): AtTerminal {
  if (running) throw new Error('one command at a time')
  running = true
  const stdin = Object.assign(new PassThrough(), { isTTY: keyboard, setRawMode: () => stdin, unref: () => stdin })
  let [out, err, all, read] = ['', '', '', 0]
  let over = false
  const looks = new Set<() => void>()
  const undo = [
    replaced(process, 'stdin', stdin),
    replaced(process.stdout, 'write', (text: string) => {
      out += text
      return shown(text)
    }),
    replaced(process.stderr, 'write', (text: string) => {
      err += text
      return shown(text)
    }),
    ...Object.entries({ TAPDIP_STATE: state, LANG: 'C.UTF-8', ...env }).map(([name, value]) => replaced(process.env, name, value)),
  ]
  const listening = ['SIGINT', 'SIGTERM'].map(name => [process, name, new Set(process.listeners(name as NodeJS.Signals))] as const)
  const streams = [process.stdout, process.stderr].map(stream => [stream, 'error', new Set(stream.listeners('error'))] as const)
  const exitCode = process.exitCode
  process.exitCode = undefined
  const ended = (async () => {
    try {
      await run(await tapdipProgram(args), ['node', 'tapdip', ...args])
      return { code: Number(process.exitCode ?? 0), out, err, all }
    } finally {
      process.exitCode = exitCode
      for (const [emitter, name, before] of [...listening, ...streams])
        for (const one of (emitter as NodeJS.EventEmitter).listeners(name))
          if (!before.has(one as never)) (emitter as NodeJS.EventEmitter).off(name, one as never)
      for (const one of undo.reverse()) one()
      running = false
      over = true
      for (const look of looks) look()
    }
  })()
  return {
    ended,
    said: () => all,
    says: words =>
      new Promise((found, lost) => {
        const look = () => {
          const rest = all.slice(read)
          const at = typeof words === 'string' ? rest.indexOf(words) : rest.search(words)
          if (at < 0 && !over) return
          looks.delete(look)
          if (at < 0) return lost(new Error(`it ended before it said '${words}':\n${all}`))
          const said = typeof words === 'string' ? words : words.exec(rest)![0]
          read += at + said.length
          found(said)
        }
        looks.add(look)
        look()
      }),
    types: line => void stdin.write(`${line}\n`),
    keys: text => void stdin.write(text),
    interrupt() {
      for (const [, name, before] of listening)
        if (name === 'SIGINT') for (const one of process.listeners('SIGINT')) if (!before.has(one as never)) (one as () => void)()
    },
  }

  function shown(text: string): true {
    all += text
    for (const look of [...looks]) look()
    return true
  }
}

/** The command with these lines typed at once, as a script would. */
export async function typedIn(args: readonly string[], lines: readonly string[], options: TerminalOptions): Promise<Ended> {
  const command = atTerminal(args, { keyboard: false, ...options })
  for (const line of lines) command.types(line)
  return command.ended
}

function replaced<T extends object>(owner: T, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, name)
  Object.defineProperty(
    owner,
    name,
    owner === process.env ? { value, configurable: true, enumerable: true, writable: true } : { value, configurable: true, writable: true },
  )
  return () => {
    delete (owner as Record<string, unknown>)[name]
    if (before) Object.defineProperty(owner, name, before)
  }
}
