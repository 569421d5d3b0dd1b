/** What stopped somebody who followed README and docs line by line: English in a Russian session, a card that was asked for before the refusal, a hint that speaks of another thing. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { virtualCounter } from '../../../simulator/world.ts'
import { ends } from '../../ends.ts'
import { line } from './line.ts'
import { start, tapdipSim } from './processes.ts'

function state(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tapdip-newcomer-'))
  ends.push(() => {
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true, force: true })
  })
  vi.stubEnv('TAPDIP_STATE', folder)
  return folder
}

async function counter() {
  const made = await virtualCounter({ listen: 'tcp:0', card: 'dda' })
  ends.push(() => made.close())
  return made
}

it('info names its rows in the language that was asked for', async () => {
  const { uri } = await counter()
  const russian = await line('tapdip', ['info', uri, '--lang', 'ru'])
  expect(russian.out).toMatch(/семейство: qpos\nмодель: .*\nсерийный номер: .*\nпрошивка: [\s\S]*возможности: chip, .*\nЗаряд: /)
  expect(russian.out).not.toMatch(/^[a-z]+:/m)
  expect((await line('tapdip', ['info', uri])).out).toMatch(/family: qpos\nmodel: /)
})

it('knobs are answered in the language of the line', async () => {
  const { child, says, ended } = start(
    tapdipSim,
    ['serve', 'qpos', '--listen', 'tcp:0', '--lang', 'ru'],
    'battery x\nbatery 3\nbattery 4\n',
    { open: true },
  )
  await says(/knob: «x»; допустимо целое число от 0 до 100/)
  await says(/knob: «batery»; допустимо: battery, .*возможно, «battery»\?/)
  await says(/battery 4: выполнено/)
  child.kill('SIGINT')
  expect(await ended).toMatchObject({ code: 0 })
})

it('a refund that nothing allows asks for no card, and says what would', async () => {
  state()
  const { uri, acquirer, reader } = await counter()
  const shown: string[] = []
  reader.body.on(event => event.type === 'display' && shown.push(event.screen.lines.join(' ')))
  const words = ['refund', '5.00', '--reader', uri, '--acquirer', acquirer.url, '--no-sync']
  for (const [lang, said] of [
    ['en', /unless TAPDIP_REFUND_LIMIT or TAPDIP_REFUND_PASSWORD allows it[\s\S]*tapdip order status/],
    ['ru', /если его разрешает TAPDIP_REFUND_LIMIT или TAPDIP_REFUND_PASSWORD/],
  ] as const) {
    const { err, code } = await line('tapdip', [...words, '--lang', lang])
    expect([err, code]).toEqual([expect.stringMatching(said), 1])
    expect(err).not.toMatch(/reader that can do it|картридер, который/)
  }
  expect(shown).toEqual([])
})

it('a payment that no rule raises is told as an order, not as a reader', async () => {
  state()
  const { uri, acquirer } = await counter()
  const host = ['--acquirer', acquirer.url]
  await line('tapdip', ['order', 'new', '10.00', '--number', '7'])
  expect(await line('tapdip', ['order', 'pay', '7', '--method', 'reader', '--hold', '--reader', uri, ...host])).toMatchObject({ code: 0 })
  const { err, code } = await line('tapdip', ['order', 'increment', '7', '--amount', '1', ...host])
  expect([err, code]).toEqual([expect.stringMatching(/no rule is known.*\n.*docs\/orders\.md/), 1])
})

it('an order of an empty e-mail address or comment is refused by its flag, and is no failure of the journal', async () => {
  state()
  for (const flag of ['--email', '--comment'])
    expect(await line('tapdip', ['order', 'new', '10.00', `${flag}=`])).toMatchObject({
      code: 2,
      err: expect.stringContaining(`${flag} has 0 characters, it takes 1 to`),
    })
  expect((await line('tapdip', ['order', 'list', '--json'])).out).toBe('[]\n')
})

it('a trace that has nothing of what is asked for says so, and is no silence', async () => {
  const file = join(state(), 'rules.jsonl')
  writeFileSync(file, `${JSON.stringify({ step: 'risk', rule: 'floor limit', inputs: {}, effect: [] })}\n`)
  expect(await line('tapdip', ['explain', file, '--of', 'nowhere'])).toEqual({ code: 0, out: '', err: 'No rule of the 1 is about it.\n' })
  expect((await line('tapdip', ['explain', file, '--of', 'nowhere', '--lang', 'ru'])).err).toMatch(
    /Ни одно из правил \(1\) к этому не относится/,
  )
  expect(await line('tapdip', ['explain', file, '--of', 'nowhere', '--json'])).toEqual({ code: 0, out: '[]\n', err: '' })
})

it('what a card number was typed into by mistake is told masked', async () => {
  const pan = '2200707364918254012'
  const { err, code } = await line('tapdip', [
    'pay',
    '1.00',
    '--currency',
    'RUB',
    '--acquirer',
    'http://127.0.0.1:1',
    '--fallback-not-for',
    pan,
  ])
  expect([code, err]).toEqual([2, expect.stringContaining('--fallback-not-for')])
  expect(err).not.toContain(pan)
})

it.each([
  ['ac', '800B8000011122334455667788', /9F27 .*: 80[\s\S]*9F36 .*: 0001[\s\S]*9F26 .*: 1122334455667788/],
  ['AE', '800B8000011122334455667788', /9F26 .*: 1122334455667788/],
  ['gpo', '80061980 08010100', /82 .*: 1980[\s\S]*94 .*: 08010100/],
  ['rrp', '800A11223344000100020003', /DF8302 .*: 11223344/],
])('decode --answer-to %s opens a template 80 as the answer to that command', async (command, bytes, objects) => {
  expect((await line('tapdip', ['decode', '--answer-to', command, bytes])).out).toMatch(objects)
})
