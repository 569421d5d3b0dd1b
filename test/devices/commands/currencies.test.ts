/** Another country by the command lines alone: a reader for its currency, a payment by chip, a refund by tap, and what is printed. Needs `npm run build`. */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const root = resolve(import.meta.dirname, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'tapdip-abroad-'))
const running: ChildProcess[] = []
const env = {
  ...process.env,
  LANG: 'C.UTF-8',
  TAPDIP_STATE: folder,
  PCSCLITE_CSOCK_NAME: join(folder, 'no.pcscd'),
  TAPDIP_REFUND_LIMIT: '5000',
}

const start = (program: string, args: readonly string[]) =>
  spawn(process.execPath, [join(root, `dist/${program}/cli.js`), ...args], { cwd: root, env })

/** A program that stays: what it says first that `said` finds. */
function serve(args: readonly string[], said: RegExp): Promise<string> {
  const child = start('simulator', args)
  running.push(child)
  return new Promise((found, failed) => {
    let all = ''
    const hear = (text: string) => {
      all += text
      const match = said.exec(all)
      if (match) found(match[1])
    }
    child.stdout.setEncoding('utf8').on('data', hear)
    child.stderr.setEncoding('utf8').on('data', hear)
    child.once('close', () => failed(new Error(all)))
  })
}

function run(program: string, args: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = start(program, args)
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', text => (out += text))
  child.stderr.setEncoding('utf8').on('data', text => (err += text))
  child.stdin.end('')
  return new Promise(done => child.once('close', code => done({ code, out, err })))
}

let host: string
beforeAll(async () => {
  host = await serve(['acquirer', '--port', '0', '--quiet'], /^acquirer: (\S+)/m)
})
afterAll(() => {
  for (const child of running) child.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
})

describe('by the command lines', () => {
  it.each([
    ['JPY', '1999', ['qpos']],
    ['KWD', '1.999', ['qpos']],
    ['CLF', '1.9999', ['qpos']],
    ['AUD', '19.99', ['qpos']],
    ['CAD', '19.99', ['qpos']],
    ['JPY', '1999', ['bluepad']],
    ['KWD', '1.999', ['miura']],
    ['CLF', '1.9999', ['magtek', '--dialect', 'v5']],
    ['AUD', '19.99', ['magtek', '--dialect', 'mms']],
    ['CAD', '19.99', ['idtech']],
  ])('%s: %s over %j', async (unit, amount, reader) => {
    const present = ['--present', 'dip,tap', '--card', 'mastercard', '--pin', '1234', '--quiet']
    const uri = await serve(['serve', ...reader, '--listen', 'tcp:0', '--currency', unit, ...present], /: (tcp:\S+)/)
    const device = ['--currency', unit, '--acquirer', host, '--reader', uri, '--sign', 'A'] // asked where there is no PIN pad
    const paid = await run('devices', ['pay', amount, ...device])
    expect(paid.code, paid.err).toBe(0)
    expect(paid.out).toContain(`${amount} ${unit}`)
    const back = await run('devices', ['refund', amount, ...device])
    expect(back.code, back.err).toBe(0)
    expect(back.out).toContain('REFUND')
    expect(back.out).toContain(`${amount} ${unit}`)
  })

  it('a girocard by chip and by tap, with the files of docs/profiles.md', async () => {
    const [rows, taps] = [...readFileSync(join(root, 'docs/profiles.md'), 'utf8').matchAll(/```json\n([\s\S]*?)```/g)].map(([, block]) =>
      JSON.parse(block),
    )
    const ready = await run('simulator', ['config', '--currency', 'EUR'])
    const terminal = JSON.parse(ready.out)
    const files = { config: join(folder, 'terminal.json'), contactless: join(folder, 'taps.json') }
    writeFileSync(files.config, JSON.stringify({ ...terminal, applications: [...terminal.applications, ...rows] }))
    writeFileSync(files.contactless, JSON.stringify(taps))
    const own = ['--config', files.config, '--contactless', files.contactless]
    const uri = await serve(
      ['serve', 'qpos', '--listen', 'tcp:0', ...own, '--card', 'girocard', '--present', 'dip,tap', '--pin', '1234', '--quiet'],
      /: (tcp:\S+)/,
    )
    for (const _ of ['dip', 'tap']) {
      const paid = await run('devices', ['pay', '60.00', '--currency', 'EUR', '--acquirer', host, '--reader', uri])
      expect(paid.code, paid.err).toBe(0)
      expect(paid.out).toContain('GIROCARD')
    }
    // The same files are for a kernel of the app's; in another currency they are refused.
    expect(await run('devices', ['pay', '60.00', '--currency', 'GBP', '--acquirer', host, '--reader', uri, ...own])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--config is in EUR, the payment in GBP'),
    })
    writeFileSync(files.contactless, JSON.stringify({ currencyCode: 356, schemes: [{ scheme: 'rupay', verifyFrom: 1 }] }))
    expect(
      await run('devices', ['pay', '60.00', '--currency', 'INR', '--acquirer', host, '--reader', uri, '--contactless', files.contactless]),
    ).toMatchObject({
      err: expect.stringContaining('rupay: its contactless kernel (RuPay, 0D) is not public'),
    })
  })
})
