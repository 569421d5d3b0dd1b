/** `tapdip refund` and `tapdip order refund --card` as a shop runs them: what is printed, the exit codes, and what the host's accounts say. Needs `npm run build`. */

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, it, vi } from 'vitest'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { virtualCounter } from '../../../simulator/world.ts'

vi.setConfig({ testTimeout: 60_000 })

it('a refund of an order by card, and one without an order within the rules', async () => {
  const root = resolve(import.meta.dirname, '../../..')
  const folder = mkdtempSync(join(tmpdir(), 'tapdip-refund-'))
  await using counter = await virtualCounter({ listen: 'tcp:0', card: 'visa-signature' })
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}, input = '') => {
    const online = args[1] === 'new' ? [] : ['--acquirer', counter.acquirer.url]
    const child = spawn(process.execPath, [join(root, 'dist/devices/cli.js'), ...args, ...online], {
      cwd: root,
      env: { ...process.env, LANG: 'C.UTF-8', TAPDIP_STATE: folder, PCSCLITE_CSOCK_NAME: join(folder, 'no.pcscd'), ...env },
    })
    let [out, err] = ['', '']
    child.stdout.setEncoding('utf8').on('data', text => (out += text))
    child.stderr.setEncoding('utf8').on('data', text => (err += text))
    child.stdin.end(input)
    return new Promise<{ code: number | null; out: string; err: string }>(done => child.once('close', code => done({ code, out, err })))
  }
  try {
    const device = ['--reader', counter.uri, '--sign', 'A']
    await run(['order', 'new', '100.00', '--number', 'D1'])
    counter.next()
    const paid = await run(['order', 'pay', 'D1', '--method', 'reader', ...device])
    expect(paid.code, paid.err).toBe(0)
    const before = counter.acquirer.orders[0]
    counter.next()
    const back = await run(['order', 'refund', 'D1', '--card', '--amount', '30.00', '--lang', 'ru', ...device])
    expect(back.code, back.err).toBe(0)
    expect(back.err).toContain('ВОЗВРАТ на карту: 30.00 руб.')
    expect(back.err).toContain('ВОЗВРАТ ВЫПОЛНЕН')
    for (const line of ['ВОЗВРАТ', 'ОДОБРЕНО', 'Сумма: 30.00 RUB', 'Операция: ВОЗВРАТ', 'Сумма операции: 30.00 руб.'])
      expect(back.out).toContain(line)
    expect(back.out).not.toContain('ОПЛАЧЕН')
    expect(before.state).toBe('PartialCanceled')
    expect(await run(['order', 'refund', 'D1', '--card', '--amount', '70.01', ...device])).toMatchObject({
      code: 10,
      err: expect.stringContaining('13'),
    })
    // Without an order: nothing without rules, and a password before a card is asked for.
    const rules = { TAPDIP_REFUND_LIMIT: '50.00', TAPDIP_REFUND_PASSWORD: 'shop' }
    expect(await run(['refund', '10.00', ...device])).toMatchObject({ code: 1, err: expect.stringContaining('without a payment') })
    expect(await run(['refund', '50.01', ...device], rules, 'shop\n')).toMatchObject({ code: 2, err: expect.stringContaining('50.00') })
    expect(await run(['refund', '10.00', ...device], rules, 'wrong\n')).toMatchObject({ code: 2, err: expect.stringContaining('password') })
    counter.next()
    const free = await run(['refund', '10.00', '--order', 'R1', '--json', ...device], rules, 'shop\n')
    expect(free.code, free.err).toBe(0)
    expect(JSON.parse(free.out)).toMatchObject({
      result: 'approved',
      linked: false,
      payment: { type: 'refund' },
      order: { number: 'R1', state: 'In Process' },
    })
    expect((await run(['order', 'cancel', 'R1'])).code).toBe(10)
    const lost = 100_00n - 30_00n - 10_00n
    expect(counter.acquirer.balance(profiles['visa-signature'].pan)).toBe(100_000_000n - lost)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
