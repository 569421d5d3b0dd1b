/** The code blocks of a page, and how each is run: programs in a folder that has the package, commands in a shell, outputs compared. */

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { transformWithOxc } from 'vite'

const root = resolve(import.meta.dirname, '../..')

export interface Block {
  readonly language: string
  readonly code: string
  readonly line: number
  /** From `<!-- not run: … -->` above it. */
  readonly notRun?: string
  /** From `<!-- before: … -->` above it: what the page need not say again, and from a line `// after` on what clears it away. */
  readonly before?: string
  /** From `<!-- stays open -->` above it: another terminal, whose commands run until the page ends. */
  readonly stays?: boolean
  /** Of the block `text output` that follows; `…` is anything within a line. */
  readonly output?: string
}

/** Every fenced block of a page, in order; an output goes with the block that it follows. */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = []
  const pattern = /(?:<!-- (not run|before|stays open)(?::\s+((?:(?!-->)[\s\S])*?))?\s*-->\n+ *)?^( *)```([^\n]*)\n([\s\S]*?)^ *```$/gm
  for (const match of text.matchAll(pattern)) {
    const [whole, mark, said, indent, language, body] = match
    const code = body.replaceAll(new RegExp(`^${indent}`, 'gm'), '')
    const last = blocks.at(-1)
    if (language === 'text output' && last) {
      blocks[blocks.length - 1] = { ...last, output: code }
      continue
    }
    blocks.push({
      language,
      code,
      line: text.slice(0, match.index + whole.length).split('\n').length - code.split('\n').length,
      ...(mark === 'not run' && { notRun: said }),
      ...(mark === 'before' && { before: said }),
      ...(mark === 'stays open' && { stays: true }),
    })
  }
  return blocks
}

/** Whether what was printed is what the page shows. */
export function shows(expected: string, printed: string): boolean {
  const literal = (part: string) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  return new RegExp(`^${expected.trimEnd().split('…').map(literal).join('[^\\n]*')}$`).test(printed.trimEnd())
}

export interface Ran {
  readonly out: string
  readonly error?: string
}

/** Where the blocks of one page run, one after the other: a folder as an app has it, its package installed. */
export interface Room {
  run(block: Block): Promise<Ran>
  close(): void
}

const PORTS = /\b(8080|9100|9101|9200)\b/g

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await new Promise(done => server.close(done))
  return String(port)
}

export function openRoom(): Room {
  const folder = mkdtempSync(join(tmpdir(), 'tapdip-page-'))
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true })
  symlinkSync(root, join(folder, 'node_modules/tapdip'))
  for (const [name, file] of [
    ['tapdip', 'devices'],
    ['tapdip-sim', 'simulator'],
  ])
    symlinkSync(join(root, 'dist', file, 'cli.js'), join(folder, 'node_modules/.bin', name))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const env = { ...process.env, TAPDIP_STATE: join(folder, 'state'), npm_config_update_notifier: 'false' }
  const options = { cwd: folder, env, encoding: 'utf8', timeout: 180_000 } as const
  const ports = new Map<string, string>()
  const standing: number[] = []
  let count = 0

  async function program({ language, code, before = '', line }: Block): Promise<Ran> {
    const file = join(folder, `block-${line}.mjs`)
    const [first, last = ''] = before.split('\n// after\n')
    const whole = [first, code, last].join('\n')
    writeFileSync(file, language === 'ts' ? (await transformWithOxc(whole, 'block.ts')).code : whole)
    return outcome(promisify(execFile)(process.execPath, [file], options))
  }

  /** A command that goes on in the background counts as begun when it has said its first words. */
  async function commands({ code, stays = false }: Block): Promise<Ran> {
    for (const [port] of code.matchAll(PORTS)) if (!ports.has(port)) ports.set(port, await freePort())
    const lines = code.replace(PORTS, port => ports.get(port)!).replace(/\\\n/g, '').split('\n').filter(line => line.trim() !== '') // biome-ignore format: one line
    const waits: string[] = []
    const script = lines.map(line => {
      const bare = line.replace(/\s+#.*$/, '')
      if (!stays && !/&$/.test(bare)) return line
      const said = join(folder, `said-${count++}`)
      const wait = `for n in $(seq 1200); do [ -s ${said} ] && break; sleep 0.05; done; grep -qvi '^error' ${said}`
      if (stays) waits.push(wait)
      return `tail -f /dev/null | ${bare.replace(/\s*&$/, '')} >${said} 2>&1 &${stays ? '' : ` ${wait}`}`
    })
    const child = spawn('bash', ['-ec', [...script, ...waits].join('\n')], {
      ...options,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    standing.push(child.pid!)
    let [out, error] = ['', '']
    child.stdout.on('data', data => (out += data))
    child.stderr.on('data', data => (error += data))
    const [status] = await once(child, 'exit')
    return status === 0 ? { out } : { out, error: `exit ${status}\n${error}` }
  }

  return {
    run: block => (/^(js|ts)$/.test(block.language) ? program(block) : commands(block)),
    close() {
      for (const pid of standing)
        try {
          process.kill(-pid) // what stays open is of the same group
        } catch {
          // nothing of it is left
        }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function outcome(running: Promise<{ stdout: string }>): Promise<Ran> {
  try {
    return { out: (await running).stdout }
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string }
    return { out: stdout, error: stderr || message }
  }
}
