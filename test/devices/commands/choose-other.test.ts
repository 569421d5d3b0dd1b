/** «Выбрать другой»: while a reader is being connected to, the key is heard at once, whatever the reader is silent about, and its line is let go. */

import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { listen, virtualReader } from '../../../simulator/world.ts'
import { everyFamily } from '../families.ts'
import { atTerminal } from './at-terminal.ts'

/** `emv2` is called: it has no line that could be silent. */
const lines = everyFamily.filter(({ dialect }) => dialect !== 'emv2')
/** Milliseconds in which a key is heard; what a silent reader is waited for is 2 to 21 seconds. */
const AT_ONCE = 1500

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

function stateFolder(): string {
  const state = mkdtempSync(join(tmpdir(), 'tapdip-other-'))
  ends.push(() => rmSync(state, { recursive: true, force: true }))
  return state
}

/** A reader that says `most` pieces of what it has to say and then nothing more, on a line that stays open. */
async function falteringReader(row: (typeof lines)[number], most: number) {
  const told = { most }
  const device = virtualReader({ family: row.family, ...(row.dialect && { dialect: row.dialect }) })
  const behind = await listen('tcp:0', link => device.serve(link))
  const port = Number(/:(\d+)/.exec(behind.uri.slice('tcp:'.length))![1])
  let open = 0
  let silent: () => void = () => {}
  const isSilent = new Promise<void>(resolve => {
    silent = resolve
  })
  const server: Server = createServer((host: Socket) => {
    open++
    let said = 0
    const reader = connect(port, '127.0.0.1')
    host.on('data', bytes => {
      reader.write(bytes)
      if (said >= told.most) silent()
    })
    reader.on('data', bytes => {
      if (said++ < told.most) host.write(bytes)
      else silent()
    })
    for (const end of [host, reader]) end.on('error', () => {})
    host.on('close', () => {
      open--
      reader.destroy()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  ends.push(
    () => behind.close(),
    () => device.close(),
    () => new Promise(resolve => server.close(resolve)),
  )
  const address = server.address() as { port: number }
  const query = `family=${row.family}${row.dialect ? `&dialect=${row.dialect}` : ''}`
  return { uri: `tcp://127.0.0.1:${address.port}?${query}`, open: () => open, isSilent, told }
}

const commands = {
  pay: (uri: string) => ['pay', '25.00', '--currency', 'RUB', '--reader', uri, '--acquirer', 'http://127.0.0.1:1/', '--lang', 'ru'],
  'order pay': (uri: string) => [
    'order',
    'pay',
    '1',
    '--method',
    'reader',
    '--reader',
    uri,
    '--acquirer',
    'http://127.0.0.1:1/',
    '--no-sync',
    '--lang',
    'ru',
  ],
  info: (uri: string) => ['info', uri, '--lang', 'ru'],
} as const

/** Types the key once the reader is silent; false where the reader had no more to say than that. */
async function chooseOther(command: keyof typeof commands, row: (typeof lines)[number], chunks: number): Promise<boolean> {
  const { uri, open, isSilent } = await falteringReader(row, chunks)
  const state = stateFolder()
  if (command === 'order pay') await atTerminal(['order', 'new', '25.00', '--number', '1'], { state }).ended
  const shown = atTerminal(commands[command](uri), { state })
  ends.push(() => {
    shown.interrupt()
    return shown.ended
  })
  await shown.says(`Подключение картридера ${uri}…`)
  await shown.says('o — выбрать другой')
  const ready = await Promise.race([
    isSilent.then(() => false),
    shown.says(/Картридер .* готов\./).then(
      () => true,
      () => true,
    ),
  ])
  if (ready) {
    shown.interrupt()
    await shown.ended
    return false
  }
  const since = performance.now()
  shown.types('o')
  await shown.says('Поиск картридеров поблизости…')
  expect(performance.now() - since).toBeLessThan(AT_ONCE)
  while (open() > 0 && performance.now() - since < AT_ONCE) await new Promise(resolve => setImmediate(resolve))
  expect(open(), `open lines after ${chunks} pieces`).toBe(0)
  shown.interrupt()
  const { code } = await shown.ended
  expect(code).toBe(12)
  return true
}

it.each(lines)('$name: at every moment of connecting', async row => {
  let moments = 0
  while (await chooseOther('info', row, moments)) moments++
  expect(moments).toBeGreaterThanOrEqual(1)
})

it.each(Object.keys(commands) as (keyof typeof commands)[])('`tapdip %s` hears it', async command => {
  expect(await chooseOther(command, lines[0], 0)).toBe(true)
})

it('while the last reader is connected to, too', async () => {
  const { uri, told, open } = await falteringReader(lines[0], 1000)
  const state = stateFolder()
  const how = ['pay', '25.00', '--currency', 'RUB', '--acquirer', 'http://127.0.0.1:1/']
  const first = atTerminal([...how, '--reader', uri], { state })
  await first.says('Please insert')
  first.interrupt()
  expect((await first.ended).code).toBe(12)
  told.most = 0
  const second = atTerminal(how, { state })
  ends.push(() => second.interrupt())
  await second.says('Connecting to the last reader')
  await second.says('o chooses another reader')
  while (open() === 0) await new Promise(resolve => setImmediate(resolve))
  second.types('o')
  await second.says('Searching for readers nearby')
  second.interrupt()
  expect((await second.ended).code).toBe(12)
  expect(open()).toBe(0)
})

it('what a script types is left to who asks for it, and is no key', async () => {
  const { uri } = await falteringReader(lines[0], 0)
  const shown = atTerminal(commands.pay(uri), { state: stateFolder(), keyboard: false })
  shown.types('o')
  const { code, err } = await shown.ended
  expect(code).toBe(1)
  expect(err).not.toMatch(/выбрать другой|Поиск/)
})
