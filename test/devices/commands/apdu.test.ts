/** `tapdip apdu` and a payment over a raw slot, in processes of their own. Needs `npm run build` (npm test does it). */

import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { startAcquirer } from '../../../simulator/acquirer/host.ts'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { listen } from '../../../simulator/readers/listen/listen.ts'
import { virtualConfig, virtualReader } from '../../../simulator/world.ts'
import { parseTerminalConfig } from '../../../src/emv/config-schema.ts'

const root = resolve(import.meta.dirname, '../../..')
const tapdip = join(root, 'dist/devices/cli.js')
const tapdipSim = join(root, 'dist/simulator/cli.js')
const PSE = '00A404000E315041592E5359532E444446303100'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

function run(file: string, ...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise(done => {
    execFile(process.execPath, [file, ...args], { cwd: root, env: { ...process.env, LANG: 'C' }, timeout: 20_000 }, (error, out, err) =>
      done({ code: error ? Number(error.code ?? -1) : 0, out, err }),
    )
  })
}

/** A served card in another process; resolves with its URI. */
function serve(card: string, ...more: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [tapdipSim, 'serve', 'vpcd', '--listen', 'tcp:0', '--card', card, ...more], { cwd: root })
  ends.push(() => child.kill('SIGKILL'))
  return new Promise((found, lost) => {
    let out = ''
    child.stdout.setEncoding('utf8').on('data', text => {
      out += text
      const [uri] = /tcp:\S+/.exec(out) ?? []
      if (uri) found(uri)
    })
    child.once('close', code => lost(new Error(`serve ended with ${code}`)))
  })
}

describe('tapdip apdu', () => {
  it('sends commands in order, fetches 61xx, and says the status in words', async () => {
    const uri = await serve('visa-signature') // T=0: its data wait for GET RESPONSE
    const { code, out, err } = await run(tapdip, 'apdu', uri, PSE, '00B2010C00', '00B2020C00')
    expect(err).toBe('')
    expect(code).toBe(0)
    const [atr, ...lines] = out.trim().split('\n')
    expect(atr).toMatch(/^ATR 3B/)
    expect(lines[0]).toBe(`> ${PSE}`)
    expect(lines[1]).toMatch(/^< 6F/)
    expect(lines[2]).toBe('< 9000 done')
    expect(lines.at(-1)).toMatch(/^< 6A83 no such record: the end of a directory \(Book 1, 12\.2\.3\)/)
    const raw = await run(tapdip, 'apdu', uri, PSE, '00B2010C00', '--raw', '--json')
    const { exchanges, ...rest } = JSON.parse(raw.out)
    expect(rest).toEqual({ atr: atr.slice(4), interface: 'contact' })
    expect(exchanges).toMatchObject([
      { command: PSE, data: '', sw: expect.stringMatching(/^61..$/) },
      { command: '00B2010C00', data: '', sw: expect.stringMatching(/^6C..$/) },
    ])
  })

  it('--decode prints TLV with the card number masked, and no PIN is ever shown', async () => {
    const uri = await serve('visa-signature')
    const select = '00A4040007A000000003101000'
    const records = ['80A80000028300', '00B2010C00', '00B2020C00', '00B2011400', '00B2021400', '0020008008241234FFFFFFFFFF']
    const { out } = await run(tapdip, 'apdu', uri, select, ...records, '--decode', '--json')
    expect(out).toContain('"Application Label"')
    expect(out).toMatch(/"value": "\d{6}\*+\d{4}"/)
    expect(out).not.toContain(profiles['visa-signature'].pan)
    expect(out).not.toContain('241234')
    expect(out).toContain('0020008008 (8 bytes not shown)')
    expect((await run(tapdip, 'apdu', uri, select, '--decode')).out).toMatch(/^6F .*\n {2}84 /m)
  })

  it('usage is 2, a fault is 1, and what was answered before it is shown', async () => {
    const uri = await serve('visa-signature')
    expect(await run(tapdip, 'apdu', uri, '00A4')).toMatchObject({ code: 2, err: expect.stringContaining('a header takes 4') })
    expect(await run(tapdip, 'apdu', uri, '00A40400051122')).toMatchObject({ code: 2, err: expect.stringContaining('Lc is 5') })
    expect(await run(tapdip, 'apdu', uri, '00A4040G')).toMatchObject({ code: 2 })
    const pulled = await run(tapdip, 'apdu', await serve('pulled'), ...Array<string>(12).fill('00B2010C00'), '--json')
    expect(pulled).toMatchObject({ code: 1, err: expect.stringContaining('card-removed') })
    expect(JSON.parse(pulled.out).exchanges.length).toBeGreaterThan(0)
  })

  it('a reader without a raw slot says what to use instead, and nothing is sent to its card', async () => {
    const reader = virtualReader()
    const listening = await listen('tcp:0', link => reader.serve(link))
    ends.push(
      () => reader.close(),
      () => listening.close(),
    )
    const { code, out, err } = await run(tapdip, 'apdu', `${listening.uri}?family=qpos`, PSE)
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/unsupported.*qpos gives no raw slot.*tapdip pay/)
    expect(reader.body.screens.map(({ message }) => message)).toEqual(['reader.idle'])
  })
})

describe('tapdip pay over a raw slot', () => {
  it('runs the kernel here, with the test CA keys, and no PIN at the console', async () => {
    const uri = await serve('visa-signature')
    const host = await startAcquirer()
    ends.push(() => host.close())
    const folder = mkdtempSync(join(tmpdir(), 'tapdip-'))
    ends.push(() => rmSync(folder, { recursive: true }))
    const config = join(folder, 'terminal.json')
    const { out: json } = await run(tapdipSim, 'config')
    expect(parseTerminalConfig(JSON.parse(json))).toEqual(virtualConfig())
    writeFileSync(config, json)
    const args = ['pay', '100.00', '--currency', 'RUB', '--reader', uri, '--acquirer', host.url, '--sign', 'AB', '--json']
    const paid = await run(tapdip, ...args, '--config', config)
    const result = JSON.parse(paid.out)
    expect(result).toMatchObject({ result: 'approved', interface: 'chip', cvm: 'signature' })
    expect(result.tags['9F33']).toBe('6028C8')
    expect(Number.parseInt(result.tags['95'].slice(0, 2), 16) & 0xcc).toBe(0) // offline data authentication was done, and nothing failed
    expect(paid.code).toBe(0)
    expect(paid.err).toContain('PLEASE REMOVE CARD')
    writeFileSync(config, '{"terminalType":34}')
    expect(await run(tapdip, ...args, '--config', config)).toMatchObject({ code: 2, err: expect.stringContaining('capabilities') })
  })

  it('without --config there are no CA keys: the card is not authenticated offline, the issuer decides', async () => {
    const uri = await serve('visa-signature')
    const host = await startAcquirer()
    ends.push(() => host.close())
    const { code, out } = await run(
      tapdip,
      'pay',
      '100.00',
      '--currency',
      'RUB',
      '--reader',
      uri,
      '--acquirer',
      host.url,
      '--sign',
      'AB',
      '--json',
    )
    expect(code).toBe(10)
    expect(JSON.parse(out)).toMatchObject({ result: 'declined', responseCode: '63' })
    expect(Number.parseInt(JSON.parse(out).tags['95'].slice(0, 2), 16) & 0x0c).not.toBe(0) // DDA or CDA failed
  })

  it('serve vpcd takes no flags of a reader', async () => {
    const { code, err } = await run(tapdipSim, 'serve', 'vpcd', '--pin', '1234')
    expect(code).toBe(2)
    expect(err).toContain('--pin is only for idtech, miura, qpos, magtek, bluepad')
  })
})
