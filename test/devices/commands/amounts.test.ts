/** The parts of an amount, what is held and raised, and a card check, as a shop types them: slips, exit codes, and what the host's accounts say. Needs `npm run build`. */

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, expect, it, vi } from 'vitest'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { virtualCounter } from '../../../simulator/world.ts'

vi.setConfig({ testTimeout: 60_000 })

const root = resolve(import.meta.dirname, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'tapdip-amounts-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [join(root, 'dist/devices/cli.js'), ...args], {
    cwd: root,
    env: { ...process.env, LANG: 'C.UTF-8', TAPDIP_STATE: folder, PCSCLITE_CSOCK_NAME: join(folder, 'no.pcscd'), ...env },
  })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', text => (out += text))
  child.stderr.setEncoding('utf8').on('data', text => (err += text))
  child.stdin.end()
  return new Promise<{ code: number | null; out: string; err: string }>(done => child.once('close', code => done({ code, out, err })))
}

it('cash, tip and surcharge are asked for, signed, printed and charged; a card check charges nothing', async () => {
  await using counter = await virtualCounter({ listen: 'tcp:0', card: 'mir-cashback' })
  const device = ['--currency', 'RUB', '--reader', counter.uri, '--acquirer', counter.acquirer.url]
  const balance = () => counter.acquirer.balance(profiles['mir-cashback'].pan)!
  let before = balance()
  const pay = async (...args: string[]) => {
    before = balance()
    counter.next()
    return await run(['pay', ...args, ...device])
  }
  const cash = await pay('1500.00', '--cashback', '500.00')
  expect(cash.code, cash.err).toBe(0)
  for (const line of ['Purchase: 1500.00 RUB', 'Cash: 500.00 RUB', 'Total: 2000.00 RUB', 'PURCHASE WITH CASHBACK'])
    expect(cash.out).toContain(line)
  expect(before - balance()).toBe(2000_00n)
  const parts = await pay('1500.00', '--tip', '100.00', '--surcharge', '15.00', '--lang', 'ru')
  expect(parts.code, parts.err).toBe(0)
  for (const line of ['Покупка: 1500.00 RUB', 'Чаевые: 100.00 RUB', 'Надбавка: 15.00 RUB', 'Итого: 1615.00 RUB'])
    expect(parts.out).toContain(line)
  expect(before - balance()).toBe(1615_00n)
  const check = await pay('0', '--check', '--lang', 'ru')
  expect(check.code, check.err).toBe(0)
  expect(check.out).toContain('ПРОВЕРКА КАРТЫ')
  expect(check.out).not.toContain('ОПЛАЧЕН')
  expect(before - balance()).toBe(0n)
  const nothing = await pay('0')
  expect(nothing).toMatchObject({ code: 2, out: '' })
})

it('what is held is raised, and charged over it, as far as the category has a rule', async () => {
  await using counter = await virtualCounter({ listen: 'tcp:0', card: 'visa-signature' })
  const online = ['--acquirer', counter.acquirer.url]
  const [lodging, shop] = [{ TAPDIP_CATEGORY: 'lodging' }, {}]
  const balance = () => counter.acquirer.balance(profiles['visa-signature'].pan)!
  const before = balance()
  await run(['order', 'new', '1000.00', '--number', 'H1'])
  counter.next()
  const held = await run(['order', 'pay', 'H1', '--method', 'reader', '--hold', '--reader', counter.uri, '--sign', 'A', ...online], lodging)
  expect(held.code, held.err).toBe(0)
  expect((await run(['order', 'increment', 'H1', '--amount', '200.00', ...online], shop)).code).not.toBe(0) // no category, no rule
  const raised = await run(['order', 'increment', 'H1', '--amount', '200.00', ...online], lodging)
  expect(raised.code, raised.err).toBe(0)
  expect(before - balance()).toBe(1200_00n)
  const charged = await run(['order', 'confirm', 'H1', '--amount', '1150.00', '--final', '--lang', 'ru', ...online], lodging)
  expect(charged.code, charged.err).toBe(0)
  expect(charged.out).toContain('1150.00')
  expect(before - balance()).toBe(1150_00n)
  expect((await run(['order', 'increment', 'H1', '--amount', '1.00', ...online], lodging)).code).not.toBe(0)
  expect(before - balance()).toBe(1150_00n)
})
