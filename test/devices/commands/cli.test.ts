/** Both commands as a user runs them: processes, exit codes, what they print. Needs `npm run build` (npm test does it). */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Counter, profiles, virtualCounter } from '../../../simulator/world.ts'
import { iso8583Acquirer } from '../../../src/payment/host/iso8583/client.ts'
import { connect } from '../../../src/transport/connect.ts'
import { ends } from '../../ends.ts'
import { cardMessage } from '../../payment/host/host-bench.ts'
import { run, start, tapdip, tapdipSim } from './processes.ts'

async function counter(options: Parameters<typeof virtualCounter>[0] = {}): Promise<Counter> {
  const made = await virtualCounter({ listen: 'tcp:0', pins: ['1234'], ...options })
  ends.push(() => made.close())
  return made
}

const payArgs = (
  { uri, acquirer }: { readonly uri: string; readonly acquirer: { readonly url: string } },
  amount = '2500.00',
  ...more: string[]
) => [...['pay', amount, '--currency', 'RUB', '--reader', uri, '--acquirer', acquirer.url, '--app', 'MIR'], ...more]

describe('two processes', () => {
  it('tapdip-sim acquirer --iso-dialect: its ISO 8583 line speaks that one, and no other', async () => {
    const host = start(tapdipSim, ['acquirer', '--port', '0', '--iso8583', '0', '--iso-dialect', 'bcd'])
    const [, place] = await host.says(/acquirer: iso8583:\/\/(\S+)/)
    const client = (dialect: 'bcd' | 'ascii') =>
      iso8583Acquirer({ connect: how => connect(`tcp://${place}`, how), dialect, timeout: 2000, terminal: '63545902' })
    const [same, other] = [client('bcd'), client('ascii')]
    try {
      expect(await same.authorise(await cardMessage('same'))).toMatchObject({ state: 'approved', response: { code: '00' } })
      await expect(other.authorise(await cardMessage('other'))).rejects.toThrow()
    } finally {
      await same.close()
      await other.close()
    }
  })

  it('a phone at a served reader: no PIN from 3000.00 on, and the app hears of the tap', async () => {
    const host = start(tapdipSim, ['acquirer', '--port', '0'])
    const reader = start(tapdipSim, ['serve', 'qpos', '--listen', 'tcp:0', '--card', 'dda', '--phone', 'locked'])
    const [, url] = await host.says(/acquirer: (\S+)/)
    const [, uri] = await reader.says(/MPOS0000000001: (tcp:\S+)/)
    const paid = await run(['pay', '3000.00', '--currency', 'RUB', '--reader', uri, '--acquirer', url, '--json'])
    expect(JSON.parse(paid.out)).toMatchObject({ result: 'approved', interface: 'tap', cvm: 'device' })
    expect(paid.code).toBe(0)
    await reader.says(/PLEASE SEE PHONE/)
    expect(await start(tapdipSim, ['serve', 'qpos', '--phone', 'open']).ended).toMatchObject({ code: 2 })
  })

  it.each([
    ['bluepad', 'Maestro', ['--choose', 'Maestro'], [], 0],
    ['bluepad', 'Maestro', ['--choose', 'MIR'], [], 12],
    ['idtech', 'Maestro', [], [], 12],
    ['idtech', 'Maestro', [], ['--assume', 'idtech-menu'], 0],
  ])(
    '--app at a reader of family %s asked for %s, where %j: what was asked is charged, or nothing',
    async (family, app, serve, more, code) => {
      const host = start(tapdipSim, ['acquirer', '--port', '0'])
      const choose = serve.length > 0 ? { choose: serve[1] } : {}
      // Maestro without a PIN, so that a reader without keys can pay with it.
      const [mir, maestro] = profiles['mir-maestro'].applications
      const card = { ...profiles['mir-maestro'], applications: [mir, { ...maestro, cvm: mir.cvm }] }
      const made = await counter({ family, card, ...choose })
      if (more.length > 0) made.reader.menus = true
      const [, url] = await host.says(/acquirer: (\S+)/)
      const paid = await run([
        ...payArgs({ uri: made.uri, acquirer: { url } }).filter(one => one !== 'MIR' && one !== '--app'),
        '--app',
        app,
        ...more,
      ])
      expect(paid.code, paid.err).toBe(code)
      const before = /The reader or the card chooses the payment system: if it is not Maestro, nothing is charged\./
      if (more.length === 0) expect(paid.err.indexOf('Please insert')).toBeGreaterThan(before.exec(paid.err)!.index)
      else expect(paid.err).toMatch(/1\. MIR\n.*2\. Maestro\n.*Chosen: Maestro/)
      if (code === 0) expect(paid.out).toMatch(/AID: A0000000043060 Maestro/)
      else
        expect(paid.err).toMatch(
          /MIR would be paid with, not Maestro: nothing is charged\.[\s\S]*not the payment system that was asked for/,
        )
    },
  )

  it('--app that the card has not, and --assume that nobody knows, are said', async () => {
    const made = await counter()
    const args = payArgs(made).filter(one => one !== 'MIR' && one !== '--app')
    const none = await run([...args, '--app', 'VISA'])
    expect(none).toMatchObject({
      code: 12,
      err: expect.stringMatching(/The card has no 'VISA': it offers MIR, Maestro\.[\s\S]*not the payment system that was asked for/),
    })
    expect(none.err).not.toContain('by the customer')
    expect(made.acquirer.orders).toEqual([])
    expect(await run([...args, '--assume', 'telepathy'])).toMatchObject({ code: 2, err: expect.stringContaining('idtech-menu') })
  })

  it('a served reader and acquirer, and `pay --json` between them', async () => {
    const host = start(tapdipSim, ['acquirer', '--port', '0'])
    const reader = start(tapdipSim, ['serve', 'qpos', '--listen', 'tcp:0', '--card', 'mir-maestro', '--pin', '1234'])
    const [, url] = await host.says(/acquirer: (\S+)/)
    const [, uri] = await reader.says(/MPOS0000000001: (tcp:\S+)/)
    const info = await run(['info', uri, '--json'])
    expect(JSON.parse(info.out)).toMatchObject({ family: 'qpos', model: 'QPOS mini', battery: { percent: 80, millivolts: 4020 } })
    const paid = await run(['pay', '100.00', '--currency', 'RUB', '--reader', uri, '--acquirer', url, '--json'], '2\n')
    expect(paid.code).toBe(0)
    const result = JSON.parse(paid.out)
    expect(result).toMatchObject({
      result: 'approved',
      interface: 'chip',
      cvm: 'onlinePin',
      application: { aid: 'A0000000043060', label: 'Maestro' },
      receipt: { amount: '100.00', pan: '679999*********0019', responseCode: '00' },
    })
    expect(result.tags['9F02']).toBe('000000010000')
    expect(Object.keys(result.tags)).toContain('90')
    for (const withPan of ['5A', '57', '9F46']) expect(Object.keys(result.tags)).not.toContain(withPan)
    expect(paid.err).toMatch(/1\. MIR\n\s+2\. Maestro/)
    for (const text of [paid.out, paid.err]) expect(text).not.toMatch(/6799990100000000019|1234\b(?!")/)
    reader.child.kill('SIGINT')
    host.child.kill('SIGTERM')
    expect([(await reader.ended).code, (await host.ended).code]).toEqual([0, 0])
    expect((await host.ended).out).toMatch(/authorisation \S+ 679999\*+0019 100\.00 RUB \(chip, CVM onlinePin\): ARQC right, PIN right, 00/)
  })
})

describe('pay ends by itself with its code', () => {
  it('0 approved, with a slip that has every field of the seed', async () => {
    const { code, out } = await run(payArgs(await counter()))
    expect(code).toBe(0)
    for (const field of [
      'MERCHANT',
      'Terminal: 63545902',
      'Order: ',
      'PAID',
      'Amount: 2500.00 RUB',
      'AID: A0000006581010 MIR',
      'TVR: 0000048000',
      'TSI: ',
    ])
      expect(out).toContain(field)
    expect(out).toMatch(/PAN: 220000\*{6}0103\nCardholder: TESTOV\/TEST\n/)
    expect(out).toMatch(/RRN: \d{12}\nAuthorisation code: \w{6}\nResponse code: 00\nDate: \d\d\.\d\d\.\d{4} \d\d:\d\d\n/)
  })

  it('0 also with a Ctrl-C that comes when all is over; the PIN is told before the host is asked', async () => {
    const paying = start(tapdip, payArgs(await counter()))
    await paying.says(/> APPROVED/)
    paying.child.kill('SIGINT')
    const { code, err } = await paying.ended
    expect(code).toBe(0)
    expect(err.indexOf('PIN entered')).toBeLessThan(err.indexOf('Asking for authorisation'))
  })

  it('0 for the card of a reader that was started anew, while the acquirer runs on', async () => {
    const first = await counter()
    expect((await run(payArgs(first))).code).toBe(0)
    expect((await run(payArgs({ uri: (await counter()).uri, acquirer: first.acquirer }))).code).toBe(0)
  })

  it('0 also when nobody reads what it prints any more', async () => {
    const paying = start(tapdip, payArgs(await counter()))
    await paying.says(/Connecting/)
    paying.child.stderr?.destroy()
    expect(await paying.ended).toMatchObject({ code: 0, out: expect.stringContaining('PAID') })
  })

  it('1 for a currency that the reader is not set up for, and says so', async () => {
    const { uri, acquirer } = await counter()
    const { code, err } = await run(['pay', '1.00', '--currency', 'EUR', '--reader', uri, '--acquirer', acquirer.url])
    expect(code).toBe(1)
    expect(err).toMatch(/\(unsupported\): .*not with these values/)
  })

  it('0 after a wrong PIN and the right one', async () => {
    const { code, err } = await run(payArgs(await counter({ pins: ['4321', '1234'] })))
    expect(err).toContain('Wrong PIN')
    expect(code).toBe(0)
  })

  it('10 declined, with the reason in words, in Russian too', async () => {
    const rules = [{ do: 'decline', code: '51', reason: 'insufficient funds' } as const]
    const { code, err, out } = await run(payArgs(await counter({ rules }), '7777.00', '--lang', 'ru'))
    expect(code).toBe(10)
    expect(err).toMatch(/ОТКАЗ: .*51/)
    expect(out).toContain('ОТКАЗ')
  })

  it('11 unknown when the host is silent about a payment that it may have charged', async () => {
    const counted: Counter = await counter({
      rules: [{ do: 'dropAnswer' }],
      onHost: event => event.type === 'dropped' && void counted.acquirer.close(), // it has charged, and is gone
    })
    const paying = start(tapdip, payArgs(counted, '100.00', '--status-time', '1'))
    const { code, out } = await paying.ended
    expect(code).toBe(11)
    expect(out).toContain('IN PROCESS')
  })

  it('12 cancelled by Ctrl-C, at the PIN', async () => {
    const counted = await counter({ pins: [], pace: { present: 0, think: 60_000, key: 0, remove: 0, hold: 0 } })
    const paying = start(tapdip, payArgs(counted))
    await paying.says(/enters the PIN/)
    paying.child.kill('SIGINT')
    const { out, ...ended } = await paying.ended
    expect(ended).toMatchObject({ code: 12, err: expect.stringContaining('cancelled by the merchant') })
    expect(out).not.toMatch(/AID|Verified by/) // nothing is known of either
    expect(counted.reader.body.screens.map(({ message }) => message)).toContain('reader.cancelled')
    expect(counted.acquirer.orders).toEqual([])
  })

  it('12 when the customer cancels on the keypad, or pulls the card before the host is asked', async () => {
    expect((await run(payArgs(await counter({ cancelAt: 1 })))).code).toBe(12)
    const pulled = await run(payArgs(await counter({ pullAt: 5 })))
    expect(pulled.code).toBe(12)
    expect(pulled.err).toContain('the card was removed')
  })

  it('1 when the port closes in the middle, and nothing was sent', async () => {
    const counted = await counter({ pins: [], pace: { present: 0, think: 60_000, key: 0, remove: 0, hold: 0 } })
    const paying = start(tapdip, payArgs(counted))
    await paying.says(/enters the PIN/)
    await counted.reader.close()
    expect(await paying.ended).toMatchObject({ code: 1, err: expect.stringContaining('(link-closed)') })
    expect(counted.acquirer.orders).toEqual([])
  })

  it('1 with a flat battery, told before the card is asked for', async () => {
    const { code, err } = await run(payArgs(await counter({ battery: { percent: 3 } })))
    expect(code).toBe(1)
    expect(err).toContain('(low-battery)')
    expect(err).not.toContain('Please insert')
  })

  it('1 when nobody listens, and when who listens is silent', async () => {
    const silent = createServer()
    await new Promise<void>(done => silent.listen(0, '127.0.0.1', done))
    ends.push(() => silent.close())
    const { port } = silent.address() as { port: number }
    const mute = await run(['info', `tcp://127.0.0.1:${port}?family=qpos`])
    expect(mute).toMatchObject({ code: 1, err: expect.stringContaining('(timeout)') })
    expect(mute.ms).toBeLessThan(18_000)
    silent.close()
    expect(await run(['info', 'tcp://127.0.0.1:1?family=qpos'])).toMatchObject({ code: 1, err: expect.stringContaining('127.0.0.1:1') })
  }, 30_000)

  it('2 for what is not understood, naming it', async () => {
    const wrong: [string[], RegExp][] = [
      [[], /Usage: tapdip/],
      [['nope'], /there is no command 'nope'/],
      [['pay', '1.00'], /--acquirer is missing/],
      [['pay', '1.00', '--acquirer', 'http://127.0.0.1:1'], /--currency is missing/],
      [['pay', '1.005', '--currency', 'RUB', '--reader', 'tcp://127.0.0.1:1', '--acquirer', 'http://127.0.0.1:1'], /<amount> is '1\.005'/],
      [['pay', '1.00', '--currency', 'XXX', '--reader', 'tcp://127.0.0.1:1', '--acquirer', 'http://127.0.0.1:1'], /--currency is 'XXX'/],
      [['info', 'what:ever'], /it takes such as serial:/],
      [['info', 'tcp://127.0.0.1:1'], /family/],
      [['decode', '9F0'], /odd number/],
      [['decode', '00', '--lang', 'fr'], /--lang is 'fr'/],
      [
        payArgs({ uri: 'tcp://127.0.0.1:1', acquirer: { url: 'http://127.0.0.1:8080' } }, '1.00', '--merchant', ''),
        /--merchant has 0 characters/,
      ],
      [['decode', '9F0', '--lang', 'ru'], /Не шестнадцатеричная строка/],
      [
        ['pay', '0.00', '--currency', 'RUB', '--reader', 'tcp://127.0.0.1:1', '--acquirer', 'http://127.0.0.1:8080'],
        /^tapdip: .*<amount> is 0/,
      ],
    ]
    const got = await Promise.all(wrong.map(([args]) => run(args)))
    for (const [index, { code, err }] of got.entries()) {
      expect(err).toMatch(wrong[index][1])
      expect(code).toBe(2)
    }
  }, 30_000)
})

describe('the other commands', () => {
  it('serve has the revocation list that the page on cards promises', async () => {
    expect((await run(payArgs(await counter({ card: 'revoked-certificate' })))).out).toContain('TVR: 0800048000')
  })

  it('--version is that of the package', async () => {
    expect((await run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(await start(tapdipSim, ['demo', '--scene', '9']).ended).toMatchObject({ code: 2, err: expect.stringContaining('from 1 to 8') })
  })

  it('--help is everywhere and is no error', async () => {
    const helps = [
      ...[[], ['list'], ['info'], ['pay'], ['decode'], ['explain']].map(words => start(tapdip, [...words, '--help'])),
      ...[[], ['serve'], ['acquirer'], ['demo']].map(words => start(tapdipSim, [...words, '--help'])),
    ]
    for (const { ended } of helps) expect(await ended).toMatchObject({ code: 0, out: expect.stringContaining('Usage: tapdip') })
  }, 30_000)

  it('decode names what it reads, masks what is secret, and points at what is wrong', async () => {
    const { code, out } = await run(['decode', '70 0A 5A 08 4761739001010010', '9000', '--apdu'])
    expect(code).toBe(0)
    expect(out).toContain('Primary Account Number')
    expect(out).toContain('476173******0010')
    expect(out).not.toContain('4761739001010010')
    expect(out).toContain('9000 done')
    expect(await run(['decode', '7005 9F02 06 00'])).toMatchObject({ code: 1, out: expect.stringMatching(/! .*offset/) })
  })

  it('explain prints what a kernel wrote, chooses by bit, and names a bad line', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'tapdip-')), 'explained.jsonl')
    ends.push(() => rmSync(dirname(file), { recursive: true }))
    const floor = { step: 'riskManagement', rule: 'Book 3, 10.6.1: …', inputs: { '9F1B': '00000000' }, effect: ['TVR floorLimitExceeded'] }
    const other = { step: 'online', rule: 'Book 3, 10.9: …', inputs: {}, effect: ['approved'] }
    writeFileSync(file, `${JSON.stringify(floor)}\n${JSON.stringify(other)}\n`)
    const text = await run(['explain', file])
    expect(text).toMatchObject({ code: 0, out: expect.stringContaining('9F1B   00000000  Terminal Floor Limit') })
    const chosen = await run(['explain', file, '--of', 'floor', '--json'])
    expect(JSON.parse(chosen.out)).toEqual([floor])
    writeFileSync(file, '{}\n')
    expect(await run(['explain', file])).toMatchObject({ code: 2, err: expect.stringContaining('line 1') })
    expect(await run(['explain', `${file}x`])).toMatchObject({ code: 2, err: expect.stringContaining('there is no file') })
  })

  it('list answers with what there is, as text and as JSON', async () => {
    const { code, out } = await run(['list', '--json'])
    expect(code).toBe(0)
    expect(Array.isArray(JSON.parse(out))).toBe(true)
  })

  it('a reader in use turns a second program away', async () => {
    const counted = await counter({ pins: [], pace: { present: 0, think: 60_000, key: 0, remove: 0, hold: 0 } })
    const first = start(tapdip, payArgs(counted))
    await first.says(/enters the PIN/)
    expect((await run(['info', counted.uri])).code).toBe(1)
    first.child.kill('SIGINT')
    expect((await first.ended).code).toBe(12)
  })
})

describe('npm start', () => {
  it('pays over a real serial port by chip, tap, phone and stripe, with a wrong PIN, a decline and a torn tap', async () => {
    const { code, out, ms } = await start(tapdipSim, ['demo', '--all']).ended
    expect(code).toBe(0)
    expect(ms).toBeLessThan(60_000)
    expect(out).toContain('--reader serial:/dev/pts/')
    expect(out).toMatch(/1\. MIR\n.*2\. Maestro/)
    expect(out).toContain('reader | ENTER PIN: | **** |')
    expect(out).toContain('reader | WRONG PIN! ENTER PIN: |')
    expect(out).toContain('reader | PLEASE REMOVE CARD |')
    expect(out.match(/ARQC right, PIN right, 00/g)).toHaveLength(4)
    // One after another: what each scene shows.
    const scenes = out.split('=== ').slice(1)
    expect(scenes).toHaveLength(8)
    expect(scenes[3]).not.toMatch(/ENTER PIN|1\. MIR/)
    expect(scenes[3]).toMatch(/ARQC right, PIN none, 00/)
    expect(scenes[4]).toMatch(/Present card\. \| 3000\.00 RUB[\s\S]*ENTER PIN:/)
    expect(scenes[5]).toMatch(/PLEASE SEE PHONE[\s\S]*CARD READ OK/)
    expect(scenes[5]).not.toContain('ENTER PIN')
    expect(scenes[6]).toMatch(/Present card[\s\S]*Insert card/)
    expect(scenes[7]).toMatch(/PRESENT CARD AGAIN/)
    expect(scenes[7].match(/ARQC right/g)).toHaveLength(1)
    expect(out).toMatch(/DECLINED: .*51/)
    expect(out).not.toMatch(/2200000000000103|6799990100000000019/)
    expect(out.slice(out.indexOf('What was paid:')).match(/: (approved|declined) in \d+\.\d s$/gm)).toHaveLength(8)
  }, 70_000)

  it('alone it shows the first payment, and says what else there is', async () => {
    const { code, out } = await start(tapdipSim, ['demo']).ended
    expect(code).toBe(0)
    expect(out.split('=== ')).toHaveLength(2)
    expect(out).toMatch(/What was paid:\n.*2500\.00 RUB by chip.*: approved in/)
    expect(out).toMatch(/npm start -- --all.*all 8[\s\S]*\n {2}8 {2}1000\.00 RUB: the card is taken away too early/)
    expect(out).not.toContain('\u001b[') // colour is for terminals
  }, 30_000)
})
