/** The virtual card against published data: a public test card with its keys, and the issuer cryptography vectors of pyemv. */

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { acKey, checkArpc, iccMasterKey, schemes, scriptKey, scriptMac } from '../../../simulator/cards/cryptogram.ts'
import { pad, retailMac } from '../../../simulator/cards/des.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { concat, fromHex, hex } from '../../../src/bytes.ts'
import { generate, iccKey, leaves, open, send } from './card-bench.ts'

const vector = (name: string) => JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), 'utf8'))
const transcript: { exchanges: { c: string; r: string }[] } = vector('emvpt_contact_test_card')

/** The same unpredictable bytes that the published card used: challenge and ICC dynamic number. */
const random = (length: number) => fromHex(length === 8 ? 'B34571E839F2E14F' : '002C')

describe('the public emvpt card', () => {
  it('has the records of the published one to the byte, certificates included', async () => {
    const card = loadCard('emvpt', { random }).contact()
    const replay: [command: string, published: string, ours: string][] = []
    for (const { c, r } of transcript.exchanges) {
      if (c.startsWith('0020') || c.startsWith('0084') || c.startsWith('80AE') || c.startsWith('0082')) break
      replay.push([c, r, hex(await card.transmit(fromHex(c)))])
    }
    const differing = replay.filter(([, published, ours]) => published !== ours).map(([command]) => command)
    // The published directory has data of an issuer's own in BF0C, and its FCIs another order of objects: see the next test.
    expect(differing).toEqual(['00A404000E315041592E5359532E444446303100', '00C000002E', '00C000003B'])
    expect(replay.filter(([, published]) => published.startsWith('70'))).toHaveLength(6)
    expect(replay.find(([command]) => command === '00C0000083')?.[2]).toMatch(/^8081804E82E28C9C2D78932A.*9000$/) // DDA signature
  })

  it('has the same objects in FCI and directory', async () => {
    const card = loadCard('emvpt').contact()
    const published = (command: string) => leaves(fromHex(transcript.exchanges.find(({ c }) => c === command)!.r.slice(0, -4)))
    const sorted = (objects: Map<string, Uint8Array>) => [...objects].map(([tag, value]) => `${tag} ${hex(value)}`).sort()
    expect(sorted(leaves((await send(card, '00A404000E315041592E5359532E444446303100')).data))).toEqual(
      sorted(published('00C000002E')).filter(line => !line.startsWith('DF')),
    )
    expect(sorted(leaves((await send(card, '00B2010C00')).data))).toEqual(sorted(published('00B2010C32')))
    expect(sorted(leaves((await send(card, '00A4040007AFFFFFFFFF123400')).data))).toEqual(sorted(published('00C000003B')))
  })

  it('takes the published plaintext and enciphered PIN', async () => {
    const { card } = await open(loadCard('emvpt', { random }), 'AFFFFFFFFF1234')
    const commands = transcript.exchanges.filter(({ c }) => c.startsWith('002000'))
    expect(commands.map(({ c }) => c.slice(6, 8))).toEqual(['80', '88'])
    expect((await send(card, commands[0].c)).sw).toBe('9000')
    expect((await send(card, commands[1].c)).sw).toBe('6984') // no challenge before it
    await send(card, '0084000008')
    expect((await send(card, commands[1].c)).sw).toBe('9000')
  })

  it('goes through a purchase', async () => {
    const card = await open(loadCard('emvpt'), 'AFFFFFFFFF1234')
    expect(hex(iccKey(card).certificate.subarray(1, 20))).toBe('041234560012345608FFFF1229123456010180')
    const ac = await generate(card, '80', '8C')
    expect(hex(ac.objects.get('9F10')!)).toBe('06010A03A02000') // 2500.00 is over the card's own limit
    expect((await generate(card, '40', '8D')).objects.get('9F27')).toEqual(fromHex('40'))
  })
})

interface Call {
  readonly fn: string
  readonly args: Record<string, unknown>
  readonly result?: { hex: string }
}

describe('issuer cryptography vectors (pyemv)', () => {
  const { calls }: { calls: Call[] } = vector('emv_issuer_crypto_pyemv')
  const bytes = (value: unknown) => (value === null || value === undefined ? new Uint8Array() : fromHex((value as { hex: string }).hex))
  /** pyemv takes digits as text or as its ASCII bytes. */
  const digits = (value: unknown) => (typeof value === 'string' ? value : Buffer.from(bytes(value)).toString('latin1'))
  const of = (fn: string) => calls.filter(call => call.fn === fn && call.result)

  it.each(['A', 'B'] as const)('ICC master keys, option %s', option => {
    const rows = of(`kd.derive_icc_mk_${option.toLowerCase()}`)
    expect(rows.length).toBeGreaterThan(5)
    for (const { args, result } of rows) {
      const psn = args.psn === null || args.psn === undefined ? undefined : Number(digits(args.psn))
      expect(hex(iccMasterKey({ ...schemes.visa10, option }, bytes(args.iss_mk), digits(args.pan), psn))).toBe(result!.hex)
    }
  })

  it.each([
    ['VisaCVN18', schemes.visa18],
    ['MasterCardCVN20', schemes.mastercard20],
  ])('%s: cryptogram, ARPC and script MAC', (name, scheme) => {
    const [ac] = of(`cvn.${name}.generate_ac`)
    const self = ac.args.self as Record<string, unknown>
    const key = acKey(scheme, bytes(self.icc_mk_ac), bytes(ac.args.tag_9f36))
    const tags = ['9f02', '9f03', '9f1a', '95', '5f2a', '9a', '9c', '9f37', '82', '9f36']
    const input = concat(...tags.map(tag => bytes(ac.args[`tag_${tag}`])), bytes(ac.args.tag_9f10 ?? ac.args.cvr))
    expect(hex(retailMac(key, pad(input, scheme.padding)))).toBe(ac.result!.hex)

    const [arpc] = of(`cvn.${name}.generate_arpc`)
    const data = concat(bytes(arpc.result), bytes(scheme.arpc === 1 ? arpc.args.arpc_rc : arpc.args.csu))
    const wrong = data.map((byte, i) => (i === 0 ? byte ^ 1 : byte))
    expect(checkArpc(scheme, key, bytes(arpc.args.tag_9f26), data).type).toBe('right')
    expect(checkArpc(scheme, key, bytes(arpc.args.tag_9f26), wrong).type).toBe('wrong')

    const [mac] = of(`cvn.${name}.generate_command_mac`)
    const [atc, arqc] = [bytes(mac.args.tag_9f36), bytes(mac.args.tag_9f26)]
    const smi = scriptKey(scheme, bytes(self.icc_mk_smi), atc, arqc)
    expect(hex(scriptMac(smi, bytes(mac.args.command_header), atc, arqc, bytes(mac.args.command_data)))).toBe(mac.result!.hex)
  })
})
