/** The app's side of the conversation on a console: progress to stderr, questions answered from stdin, one JSON object or a receipt to stdout. */

import { createInterface } from 'node:readline'
import type { Language, MessageId } from '../../src/messages.ts'
import { message } from '../../src/messages.ts'

export interface Console {
  readonly language: Language
  /** A progress line, in the reader's or the app's words. */
  say(id: MessageId, params?: Readonly<Record<string, string | number>>): void
  /** What the reader's display says. */
  reader(id: MessageId): void
  print(text: string): void
  /** One line of input, or undefined at its end or when `signal` fires. */
  ask(id: MessageId, signal: AbortSignal): Promise<string | undefined>
  /** The next line of input when there is one; undefined at its end or when `signal` fires. Says nothing. */
  line(signal: AbortSignal): Promise<string | undefined>
  /** Lets go of standard input, so that the process can end. */
  close(): void
}

export function openConsole(language: Language): Console {
  let input: ReturnType<typeof createInterface> | undefined
  const lines: string[] = []
  let ended = false
  let wake: (() => void) | undefined
  const start = () => {
    if (input) return
    input = createInterface({ input: process.stdin })
    input.on('line', line => {
      lines.push(line)
      wake?.()
    })
    input.on('close', () => {
      ended = true
      wake?.()
    })
  }
  const print = (text: string) => void process.stderr.write(`${text}\n`)
  return {
    language,
    print,
    say: (id, params) => print(`> ${message(id, language, params)}`),
    reader: id => print(`  | ${message(id, language)} |`),
    async ask(id, signal) {
      process.stderr.write(`? ${message(id, language)}`)
      const line = await next(signal)
      if (!process.stdin.isTTY) process.stderr.write(`${line ?? ''}\n`)
      return line
    },
    line: next,
    close() {
      input?.close()
      process.stdin.unref?.()
    },
  }

  async function next(signal: AbortSignal): Promise<string | undefined> {
    start()
    while (lines.length === 0 && !ended && !signal.aborted) {
      await new Promise<void>(resolve => {
        const done = () => {
          signal.removeEventListener('abort', done)
          resolve()
        }
        wake = done
        signal.addEventListener('abort', done, { once: true })
      })
    }
    return signal.aborted ? undefined : lines.shift()
  }
}

/** Fires on the first Ctrl-C or SIGTERM, which then changes nothing but what listens: the exit code stays the payment's. A second one ends the process at once. */
export function interruption(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => controller.abort())
  return controller.signal
}
