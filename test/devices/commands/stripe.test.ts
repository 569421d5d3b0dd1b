/** The stripe from the shell: alone, and after a dead chip, with `tapdip pay` and `tapdip order pay` over every family that has one. Needs `npm run build`. */

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Counter, instant, virtualCounter } from '../../../simulator/world.ts'

const root = resolve(import.meta.dirname, '../../..')
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function run(file: 'devices' | 'simulator', args: readonly string[], state?: string): Promise<Ended> {
  const env = { ...process.env, LANG: 'C.UTF-8', ...(state && { TAPDIP_STATE: state }) }
  const child = spawn(process.execPath, [join(root, `dist/${file}/cli.js`), ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  ends.push(() => child.kill('SIGKILL'))
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', text => (out += text))
  child.stderr.setEncoding('utf8').on('data', text => (err += text))
  return new Promise(done => child.once('close', code => done({ code, out, err })))
}

async function counter(options: Parameters<typeof virtualCounter>[0]): Promise<Counter> {
  const made = await virtualCounter({ listen: 'tcp:0', pins: ['1234'], pace: instant, ...options })
  ends.push(() => made.close())
  return made
}

const payArgs = ({ uri, acquirer }: Counter, ...more: string[]) => [
  ...['pay', '2500.00', '--currency', 'RUB', '--reader', uri, '--acquirer', acquirer.url, '--sign', 'Test', '--json'],
  ...more,
]

const families = [
  ['qpos', { family: 'qpos' }],
  ['bluepad', { family: 'bluepad' }],
  ['miura', { family: 'miura' }],
  ['magtek v5', { family: 'magtek', dialect: 'v5' }],
  ['magtek mms', { family: 'magtek', dialect: 'mms' }],
  ['idtech', { family: 'idtech' }],
] as const

describe.each(families)('%s', (_, row) => {
  it('a card with a stripe only; a dead chip, and then its stripe; the stripe of a chip card where nothing else is allowed', async () => {
    const alone = await counter({ ...row, card: 'stripe-only', present: 'swipe' })
    const dead = await counter({ ...row, card: 'dead-chip' })
    const only = await counter({ ...row, card: 'mastercard', present: 'swipe' })
    const [striped, failed, swiped] = await Promise.all([
      run('devices', payArgs(alone)),
      run('devices', payArgs(dead)),
      run('devices', payArgs(only, '--interfaces', 'swipe')),
    ])
    expect([striped.code, failed.code, swiped.code], striped.err + failed.err + swiped.err).toEqual([0, 0, 0])
    const result = JSON.parse(striped.out)
    expect(result).toMatchObject({ result: 'approved', interface: 'swipe', receipt: { entryMode: '90' } })
    expect(result.fallback).toBeUndefined()
    expect(JSON.parse(failed.out)).toMatchObject({ result: 'approved', interface: 'swipe', fallback: true, receipt: { entryMode: '80' } })
    const asked = failed.err.match(/The chip (was not read|cannot be read)/g)
    expect(asked).toEqual(['The chip was not read', 'The chip was not read', 'The chip cannot be read'])
    expect(JSON.parse(swiped.out)).toMatchObject({ result: 'approved', interface: 'swipe', receipt: { entryMode: '80' } })
  })
})

describe('flags', () => {
  it('what may stand in for a chip is the merchant’s: nothing here, so it is declined', async () => {
    const dead = await counter({ family: 'qpos', card: 'dead-chip' })
    const { code, out, err } = await run('devices', payArgs(dead, '--fallback', 'none', '--fallback-tries', '1', '--lang', 'ru'))
    expect(code).toBe(10)
    expect(JSON.parse(out)).toMatchObject({ result: 'declined', reason: 'cardMute', fallback: true })
    expect(err.match(/Чип не прочитан/g)).toHaveLength(1)
  })

  it.each([
    [['--interfaces', 'nfc'], "--interfaces is 'nfc'"],
    [['--interfaces', ''], "--interfaces is ''"],
    [['--fallback', 'chip'], "--fallback is 'chip'"],
    [['--fallback-tries', '10'], '--fallback-tries'],
    [['--fallback-not-for', '2200,x'], "--fallback-not-for is 'x'"],
  ])('%j is refused before anybody is connected', async (flags, words) => {
    const nowhere = { uri: 'tcp://127.0.0.1:1?family=qpos', acquirer: { url: 'http://127.0.0.1:1' } } as unknown as Counter
    const { code, err, out } = await run('devices', payArgs(nowhere, ...flags))
    expect([code, err + out]).toEqual([2, expect.stringContaining(words)])
  })

  it('`order pay` takes them too', async () => {
    const state = mkdtempSync(join(tmpdir(), 'tapdip-stripe-'))
    ends.push(() => rmSync(state, { recursive: true, force: true }))
    const made = await counter({ family: 'magtek', dialect: 'mms', card: 'mastercard', present: 'swipe' })
    expect(await run('devices', ['order', 'new', '7.00', '--number', '1'], state)).toMatchObject({ code: 0 })
    const how = [
      '--method',
      'reader',
      '--reader',
      made.uri,
      '--acquirer',
      made.acquirer.url,
      '--interfaces',
      'swipe',
      '--sign',
      'Test',
      '--json',
    ]
    const { code, out, err } = await run('devices', ['order', 'pay', '1', ...how], state)
    expect(code, err).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ payment: { result: 'approved', interface: 'swipe', receipt: { entryMode: '80' } } })
  })

  it.each([
    [['--present', 'dip,nfc'], "--present is 'nfc'"],
    [['--present', 'dip:visa-signature:mir'], 'it takes one card'],
    [['--present', 'dip:nobody'], "no card profile is named 'nobody'"],
    [['--card', 'mir,visa-signature'], '--card takes one card'],
  ])('tapdip-sim serve %j is refused', async (flags, words) => {
    const { code, err } = await run('simulator', ['serve', 'qpos', '--listen', 'tcp:0', ...flags])
    expect([code, err]).toEqual([2, expect.stringContaining(words)])
  })
})

it('a served person does several things in a row', async () => {
  const host = spawn(process.execPath, [join(root, 'dist/simulator/cli.js'), 'acquirer', '--port', '0'], { cwd: root })
  const how = ['serve', 'miura', '--listen', 'tcp:0', '--card', 'dead-chip', '--present', 'dipWrong,dip,dip:mir:leave', '--pin', '1234']
  const reader = spawn(process.execPath, [join(root, 'dist/simulator/cli.js'), ...how], { cwd: root })
  ends.push(
    () => host.kill('SIGKILL'),
    () => reader.kill('SIGKILL'),
  )
  const says = (child: typeof host, pattern: RegExp) =>
    new Promise<string>(found => {
      let said = ''
      child.stdout!.setEncoding('utf8').on('data', text => {
        said += text
        const match = pattern.exec(said)
        if (match) found(match[1])
      })
    })
  const [url, uri] = await Promise.all([says(host, /acquirer: (\S+)/), says(reader, /: (tcp:\S+)/)])
  const made = { uri, acquirer: { url } } as unknown as Counter
  const { code, out, err } = await run('devices', payArgs(made))
  expect(code, err).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ result: 'approved', interface: 'chip', fallback: true, receipt: { scheme: 'MIR' } })
})
