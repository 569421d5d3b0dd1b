/** `tapdip-sim bench`: a counter that can be seen and touched in a browser, and an API that does all of it, until Ctrl-C. */

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { secretOf, wholeNumber } from '../../src/command/flags.ts'
import { interrupted } from '../../src/command/interruption.ts'
import { language } from '../../src/command/line.ts'
import { fileFault } from '../../src/file-fault.ts'
import { usageFault } from '../../src/refusal.ts'

interface BenchFlags {
  readonly port: number
  readonly token?: string
  readonly counter?: string
  readonly headless?: boolean
  readonly open: boolean
  readonly lang?: string
}

export function addBench(program: Command): void {
  program
    .command('bench')
    .description('a counter to be seen and touched in a browser, and an API that does all of it, until Ctrl-C')
    .option('--port <number>', '0, the default, takes a free one', wholeNumber('--port', 0, 65535), 0)
    .option('--token <text>', 'asked of everybody; a random one when left out', secretOf('--token', 8, 256))
    .option('--counter <file>', 'what stands at it (JSON), as the page has exported it; a QPOS and all cards when left out')
    .option('--headless', 'for programs: nothing is opened, and the first line is JSON with url, origin and token')
    .addOption(new Option('--no-open', 'do not open a browser, as it does on a terminal'))
    .action(async ({ port, token, counter, headless, open, lang }: BenchFlags) => {
      const file = counter === undefined ? undefined : counterIn(counter)
      const { startBench } = await import('../bench/bench.ts')
      const { counterFile } = await import('../bench/schema/session.ts')
      const checked = file === undefined ? undefined : counterFile.safeParse(file)
      if (checked && !checked.success) {
        const [{ path, message }] = checked.error.issues
        throw usageFault('usage.part', { field: '--counter', value: counter!, path: path.join('.') || '(file)', allowed: message })
      }
      const bench = await startBench({
        port,
        token,
        // A terminal that says nothing says English: then the page tells its own.
        session: {
          ...((lang !== undefined || language() === 'ru') && { language: language(lang) }),
          ...(checked && { counter: checked.data as never }),
        },
      })
      try {
        const { url, origin } = bench
        const [session] = bench.sessions.all
        if (headless) process.stdout.write(`${JSON.stringify({ url, origin, token: bench.token, session: session.id })}\n`)
        else {
          process.stdout.write(`bench: ${url}\n`)
          for (const {
            state: { id, serial, uri },
          } of session.readers)
            if (uri) process.stdout.write(`${id}: ${serial}: ${uri}\n`)
          process.stdout.write(`acquirer: ${session.bank.host.url}\n`)
          if (open && process.stdout.isTTY) openBrowser(url)
        }
        await interrupted()
      } finally {
        await bench.close()
      }
    })
}

/** @throws Fault `bad-argument` */
function counterIn(path: string): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw fileFault('--counter', path, error, 'read')
  }
  try {
    return JSON.parse(text)
  } catch {
    throw usageFault('usage.json', { field: '--counter', value: path })
  }
}

/** Where nothing opens it, the address stands on the terminal. */
function openBrowser(url: string): void {
  const [command, ...args] =
    process.platform === 'darwin' ? ['open', url] : process.platform === 'win32' ? ['cmd', '/c', 'start', '', url] : ['xdg-open', url]
  const child = spawn(command, args, { stdio: 'ignore', detached: true })
  child.on('error', () => {})
  child.unref()
}
