/** Every decoder of the package on inputs of all kinds: what it throws is a Fault. Needs `npm run build` (npm test does it); `npm run fuzz` for more. */

import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'

it('120,000 inputs over every decoder: nothing is thrown that is no Fault', { timeout: 120_000 }, async () => {
  const script = join(import.meta.dirname, '../../bench/fuzz/run.mjs')
  const args = [script, '--count', '120000', '--seed', '3', '--workers', '1', '--no-growth']
  const { code, out } = await new Promise<{ code: number; out: string }>(resolve =>
    execFile(process.execPath, args, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out: stdout + stderr }),
    ),
  )
  expect(out).toMatch(/1[2-9]\d{4} inputs, 1[4-9]\d decoders, .* 0 exceptions/)
  expect(code).toBe(0)
})

it('a decoder of every room is among them, so that none is lost with a file that moves', { timeout: 30_000 }, () => {
  const script = `import { everyDecoder } from './bench/fuzz/decoders.mjs'
    console.log(JSON.stringify((await everyDecoder()).map(({ name }) => name)))`
  const root = join(import.meta.dirname, '../..')
  const names: string[] = JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root, encoding: 'utf8' }))
  for (const part of [
    ...['qpos', 'bluepad', 'miura', 'idtech', 'vpcd'].map(family => `devices/${family}/codec.js host`),
    ...['hid', 'ble', 'slip'].map(line => `magtek mms ${line}`),
    ...['decodeIso', 'parseTrack1', 'readSwipe', 'parseMerchantCode', 'parseTrace', 'parseUri', 'parseExplanation', 'parseIsoDialect'],
    ...['decodeAnswer', 'decodeHostOrder', 'readFacts', 'readEntry', 'parsePpse', 'parseFci', 'parseTerminalConfig', 'describeEither'],
    ...['parseAtr', 'decodeFormat3', 'parseDol', 'decodeIso bcd'],
    ...['parseTraceLog', 'describeTrack', 'describeExchange', 'describeFrames qpos', 'describeFrames magtek/mms'],
  ])
    expect(
      names.filter(name => name.includes(part)),
      part,
    ).not.toEqual([])
})
