/** The dialect of an ISO 8583 line from a command line: by its name or from a file, checked at the door; and the MAC of its messages. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { acquirerAt } from '../../../devices/commands/acquirer.ts'
import { tapdipProgram } from '../../../devices/program.ts'
import { startAcquirer } from '../../../simulator/acquirer/host.ts'
import { startIsoLine } from '../../../simulator/acquirer/iso8583/host.ts'
import { fromHex } from '../../../src/bytes.ts'
import { macAlgorithm3 } from '../../../src/crypto/mac.ts'
import { isoDialects } from '../../../src/payment/host/iso8583/dialect.ts'
import { parseIsoDialect } from '../../../src/payment/host/iso8583/dialect-file.ts'
import { cardMessage } from './host-bench.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const end of ends.splice(0).reverse()) await end()
})

const program = await tapdipProgram()

/** What `pay --iso-dialect` makes of a value. */
function taken(value: string) {
  const pay = program.commands.find(one => one.name() === 'pay')!
  const { parseArg } = pay.options.find(({ long }) => long === '--iso-dialect')!
  return parseArg!(value, undefined) as unknown as ReturnType<typeof parseIsoDialect>
}

it('a file is a built-in dialect and what the bank has otherwise', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tapdip-dialect-'))
  ends.push(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'bank.json')
  const own = {
    base: 'bcd',
    name: 'bank',
    header: { sent: '6000010000', tpdu: true },
    fields: { 48: { kind: 'b' } },
    icc: ['9F26'],
    network: { echo: '301' },
  }
  writeFileSync(file, JSON.stringify(own))
  expect(taken(file)).toEqual({
    ...isoDialects.bcd,
    name: 'bank',
    header: { sent: fromHex('6000010000'), tpdu: true },
    fields: { ...isoDialects.bcd.fields, 48: { kind: 'b' } },
    icc: [0x9f26],
  })
  expect(taken('ebcdic')).toBe(isoDialects.ebcdic)
  writeFileSync(file, '{')
  expect(() => taken(file)).toThrow(/--iso-dialect is no JSON: .*bank\.json/)
  writeFileSync(file, '{"fields":{"48":{"kind":"q"}}}')
  expect(() => taken(file)).toThrow(/--iso-dialect: .*fields\.48\.kind/)
})

it.each([
  [{ base: 'asci' }, /base/],
  [{ fields: { 129: {} } }, /fields\.129: /],
  [{ header: { sent: '6' } }, /header\.sent: 1 to 16 bytes in hex/],
  [{ frame: { bytes: 3, form: 'binary' } }, /frame\.bytes/],
  [{ colour: 'red' }, /colour/],
  [null, /dialect/],
])('%j is none', (input, said) => {
  expect(() => parseIsoDialect(input)).toThrow(said)
})

it('a bank that packs its digits and wants a MAC is paid through it; a key that is none is refused', async () => {
  const key = fromHex('0123456789ABCDEFFEDCBA9876543210')
  const host = await startAcquirer()
  const line = await startIsoLine(host.desk, { dialect: 'bcd', mac: data => macAlgorithm3(key, data, 1) })
  ends.push(async () => {
    await line.close()
    await host.close()
  })
  const flags = { acquirer: line.url, terminal: '63545902', isoDialect: taken('bcd') }
  vi.stubEnv('TAPDIP_ISO_MAC_KEY', '0123456789ABCDEFFEDCBA9876543210')
  const right = acquirerAt(flags)
  const waiting = { signal: new AbortController().signal }
  expect(await right.acquirer.authorise(await cardMessage('k1'), waiting)).toMatchObject({ state: 'approved' })
  await right.close()
  vi.stubEnv('TAPDIP_ISO_MAC_KEY', 'hello')
  expect(() => acquirerAt(flags)).toThrow(/TAPDIP_ISO_MAC_KEY is not 32 hex digits/)
})
