/** `tapdip keys` and `tapdip decode --as iso8583` as a rig runs them. Needs `npm run build` (npm test does it). */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { virtualCounter } from '../../../simulator/world.ts'
import { fromHex, hex } from '../../../src/bytes.ts'
import { currency } from '../../../src/currency.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import { encodeIso, isoSide } from '../../../src/payment/host/iso8583/codec.ts'
import { authorisationFields } from '../../../src/payment/host/iso8583/messages.ts'
import { pay } from '../../../src/payment/pay/payment.ts'
import { cardMessage } from '../../payment/host/host-bench.ts'

const root = resolve(import.meta.dirname, '../../..')
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

function tapdip(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'dist/devices/cli.js'), ...args], { encoding: 'utf8', env: { ...process.env, LANG: 'C.UTF-8', RIG_KEY: '0123456789ABCDEFFEDCBA9876543210' } }) // biome-ignore format: one call
  return { code: status, out: stdout, err: stderr }
}

describe('tapdip keys', () => {
  it('derives the initial keys of the standards\u2019 examples, and says that they are in clear', () => {
    const tdes = tapdip('keys', 'initial', '--bdk', 'test', '--ksn', 'FFFF9876543210E00000')
    expect(tdes).toMatchObject({ code: 0, out: expect.stringContaining('6AC292FAA1315B4D858AB3A3D7D5933A') })
    expect(tdes.err).toContain('In clear')
    expect(tapdip('keys', 'initial', '--bdk', 'test-aes', '--ksn', '1234567890123456', '--lang', 'ru')).toMatchObject({
      code: 0,
      out: expect.stringContaining('начальный ключ: 1273671EA26AC29AFA4D1084127652A1'),
      err: expect.stringContaining('секрет'),
    })
  })

  it('a key that is derived and enciphered here is loaded into a reader, and its PINs are right at the host', async () => {
    const bdk = '00112233445566778899AABBCCDDEEFF'
    const folder = mkdtempSync(join(tmpdir(), 'tapdip-keys-'))
    ends.push(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'bdk'), `${bdk}\n`)
    const asked = [
      'keys',
      'initial',
      '--bdk',
      `@${join(folder, 'bdk')}`,
      '--ksn',
      'FFFF9876543210E00000',
      '--under',
      'env:RIG_KEY',
      '--kcv',
      '8',
      '--json',
    ]
    const { code, out, err } = tapdip(...asked)
    expect([code, err]).toEqual([0, ''])
    const said = JSON.parse(out) as Record<'key' | 'kcv' | 'ksn', string>
    const one = { key: fromHex(said.key), kcv: fromHex(said.kcv), ksn: fromHex(said.ksn) }

    const counter = await virtualCounter({ card: 'mir-maestro', family: 'qpos', pins: ['1234'], host: { pinBdk: fromHex(bdk) } })
    const reader = await open(counter.link(), { family: 'qpos' })
    ends.push(
      () => counter.close(),
      () => reader.close(),
    )
    const shop = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
    const sell = (number: string) => pay({ number, amount: 250_000n, currency: currency('RUB') }, { reader, acquirer: httpAcquirer(counter.acquirer.url), merchant: shop }) // biome-ignore format: one call
    expect(await sell('before')).toMatchObject({ result: 'declined', responseCode: '55' })
    await reader.loadKeys!({ type: 'dukpt', group: 0, track: one, emv: one, pin: one })
    counter.next({ pins: ['1234'] })
    expect(await sell('after')).toMatchObject({ result: 'approved', cvm: 'onlinePin' })
  })

  it('opens a PIN block and a track of the standards', () => {
    const [bdk, ksn] = ['test', 'FFFF9876543210E00001']
    expect(tapdip('keys', 'pin', '--bdk', bdk, '--ksn', ksn, '--block', '1B9C1845EB993A7A', '--pan', '4012345678909').out).toBe(
      'PIN: 1234\n',
    )
    expect(
      tapdip('keys', 'pin', '--bdk', 'test-aes', '--ksn', '123456789012345600000001', '--block', 'A912150391AB65A67E52883D81CE2D15', '--pan', '4111111111111111').out, // biome-ignore format: one call
    ).toBe('PIN: 1234\n')
    const data = 'FC0D53B7EA1FDA9EE68AAF2E70D9B9506229BE2AA993F04F' // X9.24-1:2009, Annex A: 4012345678909D987 under the data key
    expect(tapdip('keys', 'track', '--bdk', bdk, '--ksn', ksn, '--data', data).out).toBe('track: 4012345678909D987\n')
    expect(tapdip('keys', 'check', '--key', 'env:RIG_KEY').out).toBe('check value: 08D7B4\n')
  })

  it.each([
    [['keys', 'initial', '--bdk', '0123456789ABCDEFFEDCBA987654321', '--ksn', 'FFFF9876543210E00000'], '--bdk is no key'],
    [['keys', 'initial', '--bdk', 'test', '--ksn', 'FFFF'], '--ksn has 2 bytes'],
    [['keys', 'check', '--key', '@/nowhere/key'], '--key: there is no file /nowhere/key'],
    [
      ['keys', 'pin', '--bdk', 'test', '--ksn', 'FFFF9876543210E00001', '--block', '1B9C1845EB993A7B', '--pan', '4012345678909'],
      'PIN block',
    ],
  ])('what is wrong is named, without the key: %#', (args, words) => {
    const { code, out, err } = tapdip(...args)
    expect(code).not.toBe(0)
    expect(out).toBe('')
    expect(err).toContain(words)
    expect(err).not.toContain('0123456789ABCDEF')
  })
})

describe('tapdip decode --as iso8583', () => {
  it('shows every field by name, and no card number, track or PIN', async () => {
    const fields = authorisationFields({ ...(await cardMessage('k')), pinBlock: { format: 0, data: fromHex('1122334455667788'), ksn: fromHex('FFFF9876543210E00001') } }) // biome-ignore format: one call
    const bytes = hex(isoSide.encode({ type: '0200', fields }))
    const { code, out } = tapdip('decode', '--as', 'iso8583', bytes)
    expect(code).toBe(0)
    expect(out).toContain('0200  financial request')
    expect(out).toMatch(/ {2}4 {2}Amount, transaction {2}000000250000/)
    expect(out).toContain('9F26')
    const { pan } = profiles['visa-signature']
    expect(out).toContain(`${pan.slice(0, 6)}******${pan.slice(-4)}`)
    expect(out).not.toContain(pan)
    expect(out).not.toContain(String(fields.get(35)).split('=')[1])
    expect(out).not.toContain('1122334455667788')
  })

  it('what is wrong is shown with what came before it, in the dialect that is named', () => {
    const bytes = encodeIso({ type: '0800', fields: new Map([[7, '1129101500'], [11, '000001'], [70, '301']]) }) // biome-ignore format: a message
    const cut = tapdip('decode', '--as', 'iso8583', hex(bytes.subarray(0, bytes.length - 1)))
    expect(cut.code).toBe(1)
    expect(cut.out).toMatch(/ 11 {2}System trace audit number {2}000001\n! ISO 8583: field 70 takes 3 bytes, 2 are left/)
    expect(tapdip('decode', '--as', 'iso8583', '--dialect', 'bcd', hex(bytes)).code).toBe(1)
    expect(tapdip('decode', '--as', 'iso8583', '--dialect', 'none', hex(bytes)).err).toContain('tapdip, ascii')
  })
})
