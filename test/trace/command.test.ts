/** `--trace` and `explain` as somebody at a shell uses them. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { traceTo } from '../../simulator/commands/trace-file.ts'
import { profiles, runScenario, virtualCounter } from '../../simulator/world.ts'
import { parseTraceLog } from '../../src/trace/read.ts'
import { line } from '../devices/commands/line.ts'

const folder = mkdtempSync(join(tmpdir(), 'tapdip-trace-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const { pin } = profiles['mir-maestro']

it('run --trace: every command of a card, and explain shows them', async () => {
  const file = join(folder, 'run.jsonl')
  expect(await line('tapdip-sim', ['run', '--card', 'mir-maestro', '--trace', file])).toMatchObject({ code: 0 })
  const text = readFileSync(file, 'utf8')
  expect(text).not.toContain(`2${pin!.digits.length}${pin!.digits}`) // VERIFY
  const printed = await line('tapdip', ['explain', file])
  for (const part of ['mir-maestro', 'presentation chip', '  step selection', 'GENERATE AC 80AE', 'result approved'])
    expect(printed.out).toContain(part)
  const { header, events } = parseTraceLog(text)
  expect(header).toMatchObject({ card: 'mir-maestro', configuration: expect.stringMatching(/^[0-9A-F]{64}$/) })
  expect(JSON.parse((await line('tapdip', ['explain', file, '--json'])).out)).toEqual(events)
  for (const step of new Set(events.flatMap(one => (one.kind === 'kernel' ? [one.step] : [])))) {
    const { out, err } = await line('tapdip', ['explain', file, '--step', step])
    expect({ step, err, first: out.split('\n')[0] }).toEqual({ step, err: '', first: step })
  }
})

it('explain --step: a step that has set nothing says so, one that has prints its rule', async () => {
  const [good, old] = ['good.jsonl', 'old.jsonl'].map(name => join(folder, name))
  await line('tapdip-sim', ['run', '--card', 'mir-maestro', '--trace', good])
  await line('tapdip-sim', ['run', '--card', 'expired', '--trace', old])
  expect(await line('tapdip', ['explain', good, '--step', 'restrictions'])).toMatchObject({
    out: '',
    err: expect.stringMatching(/^No rule of the \d+ is about it/),
  })
  expect((await line('tapdip', ['explain', old, '--step', 'restrictions'])).out).toMatch(
    /^restrictions\n {2}Book 3, 10\.4\.3: expired before today\n/,
  )
})

it('serve --explain is a view of serve --trace: the same header, the same rules and no other; explain prints it as what was written before', async () => {
  const [trace, rules, old] = ['whole.jsonl', 'rules.jsonl', 'before.jsonl'].map(name => join(folder, name))
  const tracer = traceTo({ trace, explain: rules }, {})!
  await using counter = await virtualCounter({ family: 'miura', card: 'expired', listen: 'tcp:0', resultTime: 0, tracer })
  const words = ['pay', '10.00', '--currency', 'RUB', '--reader', counter.uri, '--acquirer', counter.acquirer.url]
  expect(await line('tapdip', words)).toMatchObject({ code: 10 })
  tracer.close()
  const [whole, view] = [trace, rules].map(file => readFileSync(file, 'utf8').trimEnd().split('\n'))
  expect(view).toEqual(whole.filter((one, at) => at === 0 || one.includes('"kind":"kernel"')))
  expect(view.length).toBeGreaterThan(10)
  expect(view.join()).not.toContain(profiles.expired.pan)
  const { header, events } = parseTraceLog(view.join('\n'))
  expect(header).toMatchObject({ card: 'expired', seed: expect.any(Number), configuration: expect.stringMatching(/^[0-9A-F]{64}$/) })
  const { out } = await line('tapdip', ['explain', rules])
  expect(out).toContain('restrictions\n  Book 3, 10.4.3: ')
  // As `--explain` wrote it before there was one trace.
  writeFileSync(old, events.map(one => JSON.stringify({ ...one, at: undefined, from: undefined, kind: undefined })).join('\n'))
  expect((await line('tapdip', ['explain', old])).out).toBe(out)
  expect((await line('tapdip', ['explain', old, '--bit', 'TVR.expired', '--json'])).out).toBe(
    (await line('tapdip', ['explain', rules, '--bit', 'TVR.expired', '--json'])).out,
  )
})

it('order pay --trace: till, reader and host in one file', async () => {
  await using counter = await virtualCounter({ family: 'miura', card: 'mir', listen: 'tcp:0', resultTime: 0 })
  const file = join(folder, 'order.jsonl')
  const book = ['--journal', join(folder, 'orders.db')]
  await line('tapdip', ['order', 'new', '10.00', '--number', 'n', ...book])
  const words = ['order', 'pay', 'n', '--method', 'reader', '--reader', counter.uri, '--acquirer', counter.acquirer.url, ...book]
  expect(await line('tapdip', [...words, '--trace', file])).toMatchObject({ code: 0 })
  const { events } = parseTraceLog(readFileSync(file, 'utf8'))
  const told = new Set(events.map(({ kind }) => kind))
  for (const kind of ['span', 'link', 'message', 'reader', 'app', 'host', 'journal', 'result'] as const) expect(told, kind).toContain(kind)
  expect(events.filter(({ kind }) => kind === 'result')).toHaveLength(1)
  const asked = events.flatMap(one => (one.kind === 'host' && one.what === 'request' ? [one.name] : []))
  expect(asked.filter(name => name === 'authorise')).toHaveLength(1) // through till and payment, told once
})

it('explain --diff of two payments with pay --trace: where they part, every tag that differs, and the rule', async () => {
  const payWith = async (card: string, file: string) => {
    await using counter = await virtualCounter({ family: 'qpos', card, listen: 'tcp:0', resultTime: 0 })
    const words = ['pay', '10.00', '--currency', 'RUB', '--reader', counter.uri, '--acquirer', counter.acquirer.url]
    const { code } = await line('tapdip', [...words, '--order', 'diff', '--trace', join(folder, file)])
    return code
  }
  expect(await payWith('mir', 'left.jsonl')).toBe(0)
  expect(await payWith('expired', 'right.jsonl')).toBe(10)
  const [left, right] = ['left.jsonl', 'right.jsonl'].map(name => join(folder, name))
  const { out } = await line('tapdip', ['explain', left, '--diff', right])
  expect(out).toMatch(/95 Terminal Verification Results.*: 0000048000 \| 0040048000 .*\n {4}right alone: Expired application\n/)
  const diff = JSON.parse((await line('tapdip', ['explain', left, '--diff', right, '--json'])).out)
  expect(diff).toMatchObject({ same: false, first: { left: { what: 'message from the reader: completed', within: ['payment'] } } })
  const tags = diff.values.map(({ name }: { name: string }) => name)
  expect(tags).toEqual(expect.arrayContaining(['5A', '5F24', '84', '95', '9F10', '8A']))
  expect(tags).not.toContain('9F37')
  expect(diff.ignored).toContainEqual({ name: '9F37', why: 'unpredictable', count: expect.any(Number) })
  // The kernel was in the reader, whose line tells what it found, not why; where the kernel tells, the diff has its rule.
  const [good, old] = ['diff-good.jsonl', 'diff-old.jsonl'].map(name => join(folder, name))
  await line('tapdip-sim', ['run', '--card', 'mir-maestro', '--trace', good])
  await line('tapdip-sim', ['run', '--card', 'expired', '--trace', old])
  expect((await line('tapdip', ['explain', good, '--diff', old])).out).toMatch(/right Book 3, 10\.4\.3.* → TVR expired/)
})

it('pay --trace where no reader answers: the header, each attempt at the link, and why it failed', async () => {
  const file = join(folder, 'failed.jsonl')
  const reader = `tcp://127.0.0.1:${await closedPort()}?family=qpos`
  const words = ['pay', '10.00', '--currency', 'RUB', '--reader', reader, '--acquirer', 'http://127.0.0.1:9', '--trace', file]
  expect((await line('tapdip', words)).code).not.toBe(0)
  const { header, events } = parseTraceLog(readFileSync(file, 'utf8'))
  expect(header).toMatchObject({ tapdip: 'trace', clock: 'system', uri: reader, configuration: expect.stringMatching(/^[0-9A-F]{64}$/) })
  const failed = events.filter(one => one.kind === 'reader' && one.event === 'failed')
  expect(failed.length).toBeGreaterThan(0)
  for (const one of failed) expect(one).toMatchObject({ from: 'driver', content: { uri: reader, fault: 'link-failed' } })
  expect((await line('tapdip', ['explain', file])).out).toContain('link-failed')
})

it('the header’s configuration is the same for terminals that are set up alike, and another for others', async () => {
  const digestOf = async (name: string, config: string) => {
    const file = join(folder, `${name}.jsonl`)
    await line('tapdip-sim', ['run', '--card', 'mir', '--config', config, '--trace', file])
    return parseTraceLog(readFileSync(file, 'utf8')).header.configuration
  }
  const [one, again, other] = [
    await digestOf('one', 'russianMpos'),
    await digestOf('again', 'russianMpos'),
    await digestOf('other', 'eurMpos'),
  ]
  expect(again).toBe(one)
  expect(other).not.toBe(one)
  const plain = await runScenario({ name: 'plain', card: 'mir' })
  const limited = await runScenario({ name: 'limited', card: 'mir', terminal: { applications: { '*': { floorLimit: 500_000 } } } })
  expect(plain.trace!.header).toMatchObject({
    card: 'mir',
    seed: expect.any(Number),
    configuration: expect.stringMatching(/^[0-9A-F]{64}$/),
  })
  expect(limited.trace!.header.configuration).not.toBe(plain.trace!.header.configuration)
})

/** A port of the loopback that nobody listens at. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
