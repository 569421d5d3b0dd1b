/** `tapdip pay 0 --check` as a shop runs it: a check pays nothing, and is not told as a payment. Needs `npm run build`. */

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { virtualCounter } from '../../../simulator/world.ts'

it.each([
  ['en', undefined, 'CARD CHECKED', 0],
  ['ru', undefined, 'КАРТА ПРОВЕРЕНА', 0],
  ['en', '05', 'DECLINED', 10],
] as const)(
  '%s, declined with %s: %s',
  async (lang, code, said, exit) => {
    const folder = mkdtempSync(join(tmpdir(), 'tapdip-check-'))
    const rules = code === undefined ? [] : [{ do: 'decline' as const, code, reason: 'no' }]
    await using counter = await virtualCounter({ listen: 'tcp:0', card: 'visa-signature', rules })
    try {
      const args = [
        'pay',
        '0',
        '--check',
        '--currency',
        'RUB',
        '--reader',
        counter.uri!,
        '--acquirer',
        counter.acquirer.url,
        '--lang',
        lang,
      ]
      const child = spawn(process.execPath, [resolve(import.meta.dirname, '../../../dist/devices/cli.js'), ...args, '--sign', 'A'], {
        env: { ...process.env, TAPDIP_STATE: folder, PCSCLITE_CSOCK_NAME: join(folder, 'no.pcscd') },
      })
      let err = ''
      child.stderr.setEncoding('utf8').on('data', text => (err += text))
      child.stdin.end()
      expect(await new Promise(done => child.once('close', done)), err).toBe(exit)
      expect(err).toContain(`> ${said}`)
      expect(err).not.toMatch(/^> (APPROVED|ОПЛАЧЕНО)/m)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
  30_000,
)
