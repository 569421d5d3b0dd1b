/** `tapdip update` and `pay --trace` as a user runs them. Needs `npm run build` (npm test does it). */

import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Counter, profiles, virtualCounter } from '../../../simulator/world.ts'

const root = resolve(import.meta.dirname, '../../..')
let counter: Counter
let folder: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tapdip-upkeep-'))
  counter = await virtualCounter({ listen: 'tcp:0', resultTime: 0, battery: { charging: true }, pins: ['1234'], card: 'mastercard' })
})
afterEach(async () => {
  await counter.close()
  rmSync(folder, { recursive: true })
})

function run(cli: string, ...args: string[]): Promise<{ code: number; text: string }> {
  return new Promise(done => {
    execFile(
      process.execPath,
      [join(root, 'dist', cli, 'cli.js'), ...args],
      { env: { ...process.env, LANG: 'C.UTF-8' } },
      (error, out, err) => done({ code: typeof error?.code === 'number' ? error.code : 0, text: out + err }),
    )
  })
}

it('an image of the simulator updates a reader, which then tells the new version; an unsigned one is refused', async () => {
  const image = join(folder, 'fw.asc')
  expect(await run('simulator', 'image', 'qpos', '2.1.0', image)).toMatchObject({ code: 0 })
  const updated = await run('devices', 'update', counter.uri, image)
  expect(updated).toMatchObject({ code: 0, text: expect.stringContaining('100 %') })
  expect((await run('devices', 'info', counter.uri)).text).toContain('firmware: 2.1.0')
  await run('simulator', 'image', 'qpos', '2.2.0', image, '--unsigned')
  expect(await run('devices', 'update', counter.uri, image)).toMatchObject({
    code: 2,
    text: expect.stringContaining('PACKET_VERIFY_ERROR'),
  })
  expect(await run('devices', 'update', counter.uri, join(folder, 'none'))).toMatchObject({ code: 2 })
})

it('an image for a MagTek updates a reader that speaks MMS; one that speaks V5 takes none', async () => {
  const image = join(folder, 'fw.bin')
  expect(await run('simulator', 'image', 'magtek', '2.1.0', image)).toMatchObject({ code: 0 })
  await using mms = await virtualCounter({ family: 'magtek', dialect: 'mms', listen: 'tcp:0', resultTime: 0, battery: { charging: true } })
  expect(await run('devices', 'update', mms.uri, image)).toMatchObject({ code: 0, text: expect.stringContaining('100 %') })
  expect((await run('devices', 'info', mms.uri)).text).toContain('firmware: 2.1.0')
  await using v5 = await virtualCounter({ family: 'magtek', dialect: 'v5', listen: 'tcp:0', resultTime: 0 })
  expect(await run('devices', 'update', v5.uri, image)).toMatchObject({ code: 1, text: expect.stringContaining('take no firmware here') })
})

it('a recording of a payment has its frames and no card', async () => {
  const file = join(folder, 'trace.jsonl')
  const args = ['pay', '100.00', '--currency', 'RUB', '--reader', counter.uri, '--acquirer', counter.acquirer.url, '--trace', file]
  expect(await run('devices', ...args)).toMatchObject({ code: 0 })
  const recorded = readFileSync(file, 'utf8')
  expect(recorded.split('\n')[0]).toContain('"version":2')
  expect(recorded).toContain('"kind":"link","way":"out","length":')
  expect(recorded).toContain('"bytes":"4D')
  for (const kind of ['message', 'host', 'app', 'result']) expect(recorded).toContain(`"kind":"${kind}"`)
  expect((await run('devices', 'explain', file)).text).toMatch(/app +payment [\s\S]*app + {2}result approved/)
  expect(recorded).not.toContain(profiles.mastercard.pan)
  expect(await run('devices', ...args.slice(0, -1), join(folder, 'no', 'such'))).toMatchObject({ code: 2 })
})

it.skipIf(process.platform !== 'linux')('a recording on a full disk ends, is told once, and the payment is paid', async () => {
  const args = ['pay', '100.00', '--currency', 'RUB', '--reader', counter.uri, '--acquirer', counter.acquirer.url, '--trace', '/dev/full']
  const { code, text } = await run('devices', ...args)
  expect(code).toBe(0)
  expect(text.match(/ENOSPC/g)).toHaveLength(1)
  expect(text).toContain('--trace /dev/full')
})

it('a recording takes nobody’s file and follows no link unless it is told to, and is its owner’s alone', async () => {
  const file = join(folder, 'trace.jsonl')
  const link = join(folder, 'link.jsonl')
  const args = ['pay', '100.00', '--currency', 'RUB', '--reader', counter.uri, '--acquirer', counter.acquirer.url, '--trace']
  expect(await run('devices', ...args, file)).toMatchObject({ code: 0 })
  expect(statSync(file).mode & 0o777).toBe(0o600)
  writeFileSync(file, 'mine')
  symlinkSync(file, link)
  const held = counter.acquirer.balance(profiles.mastercard.pan)
  for (const path of [file, link])
    expect(await run('devices', ...args, path)).toMatchObject({
      ...{ code: 2, text: expect.stringContaining(`--trace: ${path} is there already; --overwrite takes its place`) },
    })
  expect(readFileSync(file, 'utf8')).toBe('mine')
  expect(counter.acquirer.balance(profiles.mastercard.pan)).toBe(held)
  expect(await run('devices', ...args, link, '--overwrite')).toMatchObject({ code: 0 })
  expect(readFileSync(file, 'utf8')).toContain('"tapdip":"trace"')
})
