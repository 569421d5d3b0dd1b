/** Faults name the right one, at the command line: a port that is taken, no Bluetooth, a library that is not built, a last reader that is gone. Needs `npm run build`. */

import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import { virtualFamilies } from '../../../simulator/readers/index.ts'
import { type Listening, listen } from '../../../simulator/readers/listen/listen.ts'
import type { VirtualReader } from '../../../simulator/readers/reader.ts'
import { VpcdCard } from '../../../simulator/readers/vpcd.ts'
import { loadCard, virtualCounter, virtualReader } from '../../../simulator/world.ts'
import type { Reader } from '../../../src/reader/reader.ts'
import { ReaderConnection } from '../../../src/reader/reconnect.ts'
import { everyFamily } from '../../devices/families.ts'

const root = resolve(import.meta.dirname, '../../..')
const sim = 'dist/simulator/cli.js'
const tapdip = 'dist/devices/cli.js'
let folder: string
let server: Server
let port: number
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tapdip-blame-'))
  server = createServer(socket => socket.destroy())
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  port = (server.address() as { port: number }).port
})
afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

function run(args: readonly string[], env: Record<string, string> = {}, timeout = 30_000): Promise<{ code: unknown; text: string }> {
  return new Promise(done => {
    execFile(
      process.execPath,
      [...args],
      { cwd: root, timeout, env: { ...process.env, LANG: 'C.UTF-8', XDG_STATE_HOME: folder, XDG_CONFIG_HOME: folder, ...env } },
      (error, out, err) => done({ code: error ? (error.code ?? error.signal) : 0, text: out + err }),
    ).stdin?.end()
  })
}

it.each<[string, (port: number) => string[]]>([
  ['serve', port => ['serve', 'qpos', '--listen', `tcp:${port}`]],
  ['serve on a virtual air', port => ['serve', 'qpos', '--listen', `ble:${port}`]],
  ['acquirer', port => ['acquirer', '--port', String(port)]],
  ['acquirer --iso8583', port => ['acquirer', '--port', '0', '--iso8583', String(port)]],
])('a port that is taken is busy, and the command ends: %s', async (_, args) => {
  const { code, text } = await run([sim, ...args(port)])
  expect({ code, text }).toEqual({ code: 1, text: expect.stringMatching(/\(busy\): .*127\.0\.0\.1:\d+: the port is taken/) })
})

describe.each([...everyFamily.filter(({ dialect }) => dialect !== 'emv2'), { name: 'vpcd', family: 'vpcd', dialect: undefined }])(
  'a $name that another program is connected to',
  ({ family, dialect }) => {
    let listening: Listening
    let uri: string
    let held: Reader
    let device: VirtualReader | undefined
    const image = () => join(folder, `${family}.bin`)
    beforeAll(async () => {
      if (family !== 'vpcd') device = virtualReader({ family, ...(dialect && { dialect }) })
      const card = new VpcdCard(loadCard('visa-signature'))
      listening = await listen('tcp:0', link => (device ?? card).serve(link))
      uri = `${listening.uri}?family=${family}${dialect ? `&dialect=${dialect}` : ''}`
      held = await open(uri)
      writeFileSync(image(), virtualFamilies[family]?.image?.({ version: '9.9.9' }) ?? new Uint8Array(64))
    })
    afterAll(async () => {
      await held.close()
      await listening.close()
      await device?.close()
    })

    it('is busy for every command, in both languages, and the one that has it goes on', async () => {
      const host = ['--acquirer', 'http://127.0.0.1:1', '--reader', uri]
      const busy = { en: 'In use by somebody else (busy)', ru: 'Занято другим (busy)' }
      const commands: [language: 'en' | 'ru', ...args: string[]][] = [
        ['ru', 'info', uri],
        ['en', 'pay', '1.00', '--currency', 'RUB', ...host],
        // What they share with the others is the same in every family.
        ...(family === 'qpos' ? [['en', 'refund', '1.00', ...host, '--journal', join(folder, 'refund.db')] as const] : []),
        ...(family === 'vpcd' ? [['en', 'apdu', uri, '00A4040000'] as const] : []),
        ...(device ? [['en', 'update', uri, image()] as const] : []),
      ].map(([language, ...args]) => [language as 'en' | 'ru', ...args])
      for (const [language, ...args] of commands) {
        const { code, text } = await run([tapdip, ...args, '--lang', language], { TAPDIP_REFUND_LIMIT: '100.00' })
        expect({ args, code, text }).toMatchObject({ code: 1, text: expect.stringContaining(busy[language]) })
        expect(text).toContain(listening.uri)
      }
      expect(await held.status()).toBeDefined()
    }, 90_000) // several processes, one after the other

    it('is busy in the API, and ready once the other has gone', async () => {
      await expect(open(uri)).rejects.toMatchObject({ code: 'busy', details: { uri } })
      const connection = new ReaderConnection({ open: uri => open(uri) })
      await connection.use(uri)
      await expect(connection.ready({ once: true })).rejects.toMatchObject({ code: 'busy' })
      await held.close()
      connection.retry()
      held = await connection.ready()
      expect(held.info.family).toBe(family)
      await connection.close()
    })
  },
)

it.each<[string, string, string, string[]]>([
  ['a list', 'mir-maestro', '--app', []],
  ['a list, in Russian', 'mir-maestro', '--app', ['--lang', 'ru']],
  ['a signature', 'visa-signature', '--sign', []],
])('%s that nobody is there to answer is not cancelled by the customer', async (_, card, flag, more) => {
  const counter = await virtualCounter({ card, listen: 'tcp:0' })
  try {
    const order = ['100.00', '--currency', 'RUB', '--reader', counter.uri, '--acquirer', counter.acquirer.url]
    const { code, text } = await run([tapdip, 'pay', ...order, ...more])
    expect(code, text).toBe(12)
    expect(text).toContain(
      more.length > 0 ? `Ответить некому: ответ можно указать заранее в ${flag}` : `Nobody can answer here: ${flag} answers beforehand`,
    )
    expect(text).toMatch(/nobody was there to answer|некому было ответить/)
    expect(text).not.toMatch(/cancelled by the customer|отменено клиентом/)
    expect([...counter.acquirer.orders].every(order => order.state !== 'Approved')).toBe(true)
  } finally {
    await counter.close()
  }
})

const bluetooth = existsSync('/sys/class/bluetooth') && readdirSync('/sys/class/bluetooth').length > 0
it.skipIf(bluetooth).each<[string, string[]]>([
  ['serve --listen ble', [sim, 'serve', 'qpos', '--listen', 'ble']],
  ['list --over ble', [tapdip, 'list', '--over', 'ble']],
  ['info ble:', [tapdip, 'info', 'ble:nobody?family=qpos']],
])('no Bluetooth is said as that, exit 1: %s', async (_, args) => {
  const { code, text } = await run(args, { TAPDIP_AIR: '' })
  expect(code, text).toBe(1)
  expect(text).toMatch(/There is no Bluetooth here \(link-failed\)|This program may not use it \(link-failed\)|\(missing-library\)/)
  expect(text).not.toContain('internal')
})

const libraries = [
  ['node-hid', ['info', 'hid:0801:0019?family=magtek']],
  ['serialport', ['info', 'serial:/dev/none?family=qpos']],
  ['@abandonware/noble', ['info', 'ble:nobody?family=qpos']],
  ['smartcard', ['info', 'pcsc:']],
  ['libsql', ['order', 'list']],
] as const
it.each([
  ...libraries.map(([library, args]) => [library, 'not built', args] as const),
  ['@abandonware/noble', 'not installed', libraries[2][1]] as const,
])('%s, %s: told as that', async (library, state, args) => {
  const words =
    state === 'not built'
      ? 'Could not locate the bindings file. Tried: build/Release/x.node'
      : `Cannot find package '${library}' imported from x`
  const body = `throw Object.assign(new Error(${JSON.stringify(words)}), ${state === 'not built' ? '{}' : "{ code: 'ERR_MODULE_NOT_FOUND' }"})`
  const hook = `export const resolve = (name, context, next) => name === '${library}' || name.startsWith('${library}/')
      ? { url: ${JSON.stringify(`data:text/javascript,${encodeURIComponent(body)}`)}, shortCircuit: true } : next(name, context)`
  const register = `import { register } from 'node:module'; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)})`
  const { code, text } = await run(['--import', `data:text/javascript,${encodeURIComponent(register)}`, tapdip, ...args], {
    TAPDIP_AIR: '',
  })
  expect(code, text).toBe(1)
  expect(text).toContain('(missing-library)')
  expect(text).toContain(state === 'not built' ? `npm rebuild ${library}` : `npm install ${library}`)
  expect(text.includes('not built for this platform'), text).toBe(state === 'not built')
})

it('the campaign says both bounds of its seed', async () => {
  const { code, text } = await run(['bench/campaign/run.mjs', '--seed', '99999999'])
  expect({ code, text }).toEqual({ code: 1, text: expect.stringContaining('--seed 99999999: a whole number from 1 to 9999999') })
})

it('a last reader that is gone is named at once, with where it was and why', async () => {
  const state = join(folder, 'state')
  mkdirSync(state)
  writeFileSync(join(state, 'reader.json'), JSON.stringify({ uri: 'tcp://127.0.0.1:1?family=qpos', serial: '10220023000' }))
  const args = [tapdip, 'pay', '1.00', '--currency', 'RUB', '--acquirer', 'http://127.0.0.1:1']
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, LANG: 'C.UTF-8', TAPDIP_STATE: state } })
  const began = Date.now()
  let text = ''
  const told = await new Promise<number | undefined>(done => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', chunk => {
        text += chunk
        if (/is not there yet/.test(text)) done(Date.now() - began)
      })
    child.once('close', () => done(undefined))
  })
  child.kill('SIGKILL')
  expect(text).toContain('10220023000 (tcp://127.0.0.1:1?family=qpos) is not there yet; it is looked for for 20 s')
  expect(text).toMatch(/\(link-failed\): .*refused/)
  expect(told).toBeLessThan(19_000)
})
