/** The app's side of the conversation on a console: progress to stderr, questions answered from stdin, one JSON object or a receipt to stdout. */

import { createInterface, emitKeypressEvents } from 'node:readline'
import type { Language, MessageId } from '../../src/messages/messages.ts'
import { message } from '../../src/messages/messages.ts'
import { printable } from '../../src/payment/one-line.ts'

export interface Console {
  readonly language: Language
  /** A progress line, in the reader's or the app's words. */
  say(id: MessageId, params?: Readonly<Record<string, string | number>>): void
  /** What the reader's display says. */
  reader(id: MessageId): void
  print(text: string): void
  /** One line of input, or undefined at its end or when `signal` fires. */
  ask(id: MessageId, signal: AbortSignal): Promise<string | undefined>
  /** Standard input is no terminal and has ended: nobody will answer. */
  readonly ended: boolean
  /** The next line of input when there is one; undefined at its end or when `signal` fires. Says nothing. */
  line(signal: AbortSignal): Promise<string | undefined>
  /** Whether a key is heard while nothing is asked: at a terminal, or once answers have been read. What a script pipes in is left to who asks for it. */
  readonly heard: boolean
  /** Calls `act` when `key` and Enter are typed while nothing is asked; other lines that a terminal gives meanwhile answer nothing. The returned function stops it. */
  hear(key: string, act: () => void): () => void
  /**
   * A line that is shown as it is typed, with what `beside` makes of it so far. Without a terminal, as `ask`.
   */
  askTyped(id: MessageId, beside: (typed: string) => string, signal: AbortSignal): Promise<string | undefined>
  /** Lets go of standard input, so that the process can end. */
  close(): void
}

export function openConsole(language: Language): Console {
  let input: ReturnType<typeof createInterface> | undefined
  const lines: string[] = []
  let ended = false
  let wake: (() => void) | undefined
  let hearing: (() => void) | undefined
  const start = () => {
    if (input) return
    input = createInterface({ input: process.stdin })
    input.on('line', line => {
      lines.push(line)
      hearing?.()
      wake?.()
    })
    const own = input
    input.on('close', () => {
      if (input !== own) return // keys are read one by one now
      ended = true
      wake?.()
    })
  }
  const print = (text: string) => void process.stderr.write(`${printable(text)}\n`)
  return {
    language,
    get ended() {
      return ended && lines.length === 0 && !process.stdin.isTTY
    },
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
    get heard() {
      return process.stdin.isTTY === true || input !== undefined
    },
    hear(key, act) {
      if (!process.stdin.isTTY && !input) return () => {}
      start()
      const look = () => {
        if (process.stdin.isTTY) while (lines.length > 0 && lines[0].trim() !== key) lines.shift()
        if (lines[0]?.trim() !== key) return
        lines.shift()
        act()
      }
      hearing = look
      look()
      return () => {
        if (hearing === look) hearing = undefined
      }
    },
    async askTyped(id, beside, signal) {
      if (!process.stdin.isTTY || signal.aborted) return this.ask(id, signal)
      input?.close()
      input = undefined
      return typed(`? ${message(id, language)}`, beside, signal)
    },
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

/** Keys of a terminal, one by one: Enter ends the line, Backspace takes one back, Ctrl-C interrupts as elsewhere, Ctrl-D ends an empty line as an input's end does. */
function typed(prompt: string, beside: (typed: string) => string, signal: AbortSignal): Promise<string | undefined> {
  const { stdin, stderr } = process
  emitKeypressEvents(stdin)
  let line = ''
  const draw = () => void stderr.write(`\r\x1b[K${prompt}${line}   ${beside(line)}`)
  return new Promise(resolve => {
    const end = (answer: string | undefined) => {
      stdin.off('keypress', key)
      stdin.off('end', over)
      signal.removeEventListener('abort', over)
      stdin.setRawMode(false)
      stdin.pause()
      stderr.write('\n')
      resolve(answer)
    }
    const over = () => end(undefined)
    const key = (text: string | undefined, { name, ctrl }: { readonly name?: string; readonly ctrl?: boolean }) => {
      if (ctrl && name === 'c') return void process.kill(process.pid, 'SIGINT')
      if (ctrl && name === 'd' && line === '') return over()
      if (name === 'return' || name === 'enter') return end(line)
      if (name === 'backspace') line = line.slice(0, -1)
      else if (text !== undefined && /^[\x20-\x7e]$/.test(text) && line.length < 40) line += text
      draw()
    }
    stdin.on('keypress', key)
    stdin.once('end', over)
    signal.addEventListener('abort', over, { once: true })
    stdin.setRawMode(true)
    stdin.resume()
    draw()
  })
}
