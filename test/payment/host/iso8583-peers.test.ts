/** ISO 8583 with ends that are not ours: a bank and a client written with npm `iso_8583`, and the layouts of pyiso8583 as recorded bytes. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import { startAcquirer } from '../../../simulator/acquirer/host.ts'
import { type IsoLineOptions, startIsoLine } from '../../../simulator/acquirer/iso8583/host.ts'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { virtualCounter } from '../../../simulator/world.ts'
import { fromHex, hex } from '../../../src/bytes.ts'
import { macAlgorithm3 } from '../../../src/crypto/mac.ts'
import { currency } from '../../../src/currency.ts'
import { type Iso8583Options, iso8583Acquirer } from '../../../src/payment/host/iso8583/client.ts'
import { decodeIso, encodeIso, type IsoMessage } from '../../../src/payment/host/iso8583/codec.ts'
import { type IsoDialect, isoDialects } from '../../../src/payment/host/iso8583/dialect.ts'
import type { IsoOriginal } from '../../../src/payment/host/iso8583/originals.ts'
import { pay } from '../../../src/payment/pay/payment.ts'
import { connect } from '../../../src/transport/connect.ts'
import { cardMessage } from './host-bench.ts'
import { type Bank, bank, type PeerFields, peerClient } from './iso8583-bank.ts'

const RUB = currency('RUB')
const shop = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
const full = 100_000_000n
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function atBank(change?: Parameters<typeof bank>[0], options: Partial<Iso8583Options> = {}) {
  const there = await bank(change)
  const client = iso8583Acquirer({ connect: how => connect(`tcp://127.0.0.1:${there.port}`, how), timeout: 500, ...options })
  ends.push(
    () => there.close(),
    () => client.close(),
  )
  return { there, client }
}

async function atCounter(there: Bank, amount: bigint, options: Partial<Iso8583Options> = {}) {
  const counter = await virtualCounter({ card: 'visa-signature', family: 'qpos' })
  const reader = await open(counter.link(), { family: 'qpos' })
  const acquirer = iso8583Acquirer({ connect: how => connect(`tcp://127.0.0.1:${there.port}`, how), timeout: 1000, ...options })
  ends.push(
    () => counter.close(),
    () => reader.close(),
    () => acquirer.close(),
  )
  return pay({ number: '20261129_1', amount, currency: RUB }, { reader, acquirer, merchant: shop, statusTime: 1500, reversalTime: 1500 })
}

describe('a bank written with iso_8583', () => {
  it.each(['tapdip', 'ascii', 'iso_8583'] as const)('pays, declines, takes back, refunds, answers an echo: dialect %s', async dialect => {
    const { there, client } = await atBank(undefined, { dialect })
    await client.echo()
    const sent = await cardMessage('k')
    const answer = await client.authorise(sent)
    expect(answer).toMatchObject({ state: 'approved', response: { code: '00', authorisationCode: 'A1B2C3', rrn: '433409000001' } })
    expect([...there.charged.values()]).toEqual([250_000n])
    const [asked] = there.heard.filter(one => one['0'] === '0200')
    expect(asked).toMatchObject({ 2: profiles['visa-signature'].pan, 3: '000000', 4: '000000250000', 22: '051', 41: '63545902', 49: '643' })
    expect(asked['35']).toContain('=')
    expect(asked['12']).toMatch(/^\d{6}$/)
    expect(asked['13']).toBe('1121')
    expect(asked['37']).toMatch(/^6325\d{2}\d{6}$/)
    if (dialect === 'iso_8583') expect(asked['55']).toMatch(/^([\dA-F]{2})+$/)

    await client.reverse('k', 'cardDeclined')
    expect(there.charged.size).toBe(0)
    const [reversal] = there.heard.filter(one => one['0'] === '0420')
    expect(reversal).toMatchObject({ 2: asked['2'], 3: '000000', 4: '000000250000', 41: '63545902', 49: '643', 37: '433409000001' })
    expect(reversal['90']).toBe(`0200${asked['11']}${asked['7']}${'0'.repeat(22)}`)

    expect(await client.authorise(await cardMessage('d', { amount: 5100n }))).toMatchObject({ state: 'declined', response: { code: '51' } })
    const refund = await client.authorise(await cardMessage('r', { type: 'refund' }))
    expect(refund).toMatchObject({ state: 'approved' })
    expect(there.heard.at(-1)).toMatchObject({ 0: '0200', 3: '200000' })
    expect(await client.advise(await cardMessage('a'))).toMatchObject({ state: 'approved' })
  })

  it('cancels an order that it has paid, in part (95: what is left), then wholly', async () => {
    const { there, client } = await atBank(undefined, { dialect: 'ascii' })
    const { order } = await cardMessage('k')
    await client.authorise(await cardMessage('k'))
    const change = { key: 'c', merchant: shop, number: order.number, at: new Date() }
    expect(await client.cancel({ ...change, amount: 1000_00n })).toMatchObject({ state: 'approved' })
    expect([...there.charged.values()]).toEqual([1500_00n])
    expect(await client.cancel({ ...change, key: 'c2' })).toMatchObject({ state: 'approved' })
    expect(there.charged.size).toBe(0)
    await expect(client.cancel({ ...change, number: 'other' })).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('`pay` over a reader: approved, with nothing asked twice and nothing taken back', async () => {
    const there = await bank()
    ends.push(() => there.close())
    const result = await atCounter(there, 250_000n)
    expect(result).toMatchObject({ result: 'approved', responseCode: '00' })
    expect(there.heard.map(one => one['0'])).toEqual(['0200'])
  })

  it('`pay` over a reader: declined', async () => {
    const there = await bank()
    ends.push(() => there.close())
    expect(await atCounter(there, 5100n)).toMatchObject({ result: 'declined', responseCode: '51' })
  })

  it('an answer that is lost: the payment is taken back by a reversal that the bank understands', async () => {
    const there = await bank((answer, asked) => (asked['0'] === '0200' ? undefined : answer))
    ends.push(() => there.close())
    const result = await atCounter(there, 250_000n, { timeout: 200 })
    expect(result.result).not.toBe('approved')
    expect(result).toMatchObject({ reversal: 'done' })
    expect(there.charged.size).toBe(0)
  })

  it('25 to a reversal: nothing to undo where it was never approved, a contradiction where it was', async () => {
    const lost = new Set<string>()
    const { client } = await atBank((answer, asked) => {
      if (asked['0'] === '0200' && asked['4'] === '000000250000') lost.add(asked['11'])
      return asked['0'] === '0420' ? { ...answer, 39: '25' } : lost.has(asked['11']) ? undefined : answer
    })
    await expect(client.authorise(await cardMessage('lost'))).rejects.toMatchObject({ code: 'host-no-answer' })
    await client.reverse('lost', 'noAnswer')
    await client.authorise(await cardMessage('had', { amount: 100n }))
    await expect(client.reverse('had', 'cardDeclined')).rejects.toMatchObject({ code: 'host-error', details: { code: '25' } })
    await expect(client.reverse('never seen', 'noAnswer')).rejects.toMatchObject({ code: 'host-error' })
  })

  it('after a restart the memory names what is reversed; without it nothing is claimed', async () => {
    const kept = new Map<string, string>()
    const memory = {
      load: async (key: string) => (kept.has(key) ? (JSON.parse(kept.get(key)!) as IsoOriginal) : undefined),
      save: async (key: string, original: IsoOriginal) => void kept.set(key, JSON.stringify(original)),
    }
    const { there, client } = await atBank(undefined, { dialect: 'ascii', memory })
    await client.authorise(await cardMessage('k'))
    expect([...kept.values()].join()).not.toContain(profiles['visa-signature'].pan)
    const line = {
      connect: (how: { signal: AbortSignal }) => connect(`tcp://127.0.0.1:${there.port}`, how),
      dialect: 'ascii',
      timeout: 500,
    } as const
    const forgetful = iso8583Acquirer(line)
    const again = iso8583Acquirer({ ...line, memory })
    ends.push(
      () => forgetful.close(),
      () => again.close(),
    )
    await expect(forgetful.reverse('k', 'linkLost')).rejects.toMatchObject({ code: 'host-error' })
    expect(there.charged.size).toBe(1)
    await again.reverse('k', 'linkLost')
    expect(there.charged.size).toBe(0)
  })

  it('a bank that tries the line is answered, and a line that wants it is signed on and off', async () => {
    const dialect: IsoDialect = { ...isoDialects.ascii, name: 'mine', network: { echo: '301', signOn: '001', signOff: '002' } }
    const { there, client } = await atBank(undefined, { dialect })
    await client.authorise(await cardMessage('k'))
    await client.close()
    expect(there.heard.map(one => `${one['0']} ${one['70'] ?? ''}`.trim())).toEqual(['0800 001', '0200', '0800 002'])
  })
})

async function ourHost(options: IsoLineOptions = {}) {
  const host = await startAcquirer()
  const line = await startIsoLine(host.desk, options)
  const peer = await peerClient(line.port)
  ends.push(
    () => host.close(),
    () => line.close(),
    () => peer.close(),
  )
  return { host, line, peer }
}

/** A payment of 2500.00 by the Visa card in standard fields. */
async function plainPayment(more: PeerFields = {}): Promise<PeerFields> {
  const { tags } = await cardMessage('k')
  const text = (tag: number) => hex(tags.get(tag)!)
  const icc = [0x82, 0x84, 0x95, 0x9a, 0x9c, 0x5f2a, 0x9f02, 0x9f03, 0x9f10, 0x9f1a, 0x9f26, 0x9f27, 0x9f36, 0x9f37]
  return {
    0: '0200',
    2: profiles['visa-signature'].pan,
    3: '000000',
    4: '000000250000',
    7: '1129101500',
    11: '000042',
    12: '131500',
    13: '1129',
    14: text(0x5f24).slice(0, 4),
    18: '5411',
    22: '051',
    23: '001',
    25: '00',
    32: '12345678901',
    37: '633310000042',
    41: '63545902',
    42: 'MTM            ',
    49: '643',
    55: icc
      .filter(tag => tags.has(tag))
      .map(tag => `${tag.toString(16).toUpperCase()}${(text(tag).length / 2).toString(16).padStart(2, '0').toUpperCase()}${text(tag)}`)
      .join(''),
    ...more,
  }
}

describe('a client written with iso_8583 at our host', () => {
  it.each(['tapdip', 'iso_8583'] as const)(
    'pays with standard fields; the answer brings 3, 4, 37, 42, 49 back, and an ARPC: dialect %s',
    async dialect => {
      const { host, peer } = await ourHost({ dialect })
      const asked = await plainPayment()
      const answer = await peer.ask(asked)
      expect(answer).toMatchObject({
        0: '0210',
        3: '000000',
        4: '000000250000',
        7: asked['7'],
        11: '000042',
        37: '633310000042',
        39: '00',
        41: '63545902',
        42: 'MTM            ',
        49: '643',
      })
      expect(answer['55']).toMatch(/^910A[\dA-F]{20}$/)
      expect(answer['48']).toBeUndefined()
      expect(host.balance(profiles['visa-signature'].pan)).toBe(full - 250_000n)
      // The same message again is the same payment.
      expect(await peer.ask({ ...asked, 0: '0201' })).toMatchObject({ 39: '00', 38: answer['38'] })
      expect(host.balance(profiles['visa-signature'].pan)).toBe(full - 250_000n)
    },
  )

  it('takes back by 90, else by 11, 7 and 41; answers 25 or 30 where there is no such payment, and reverses nothing', async () => {
    const { host, peer } = await ourHost()
    const balance = () => host.balance(profiles['visa-signature'].pan)
    const one = await plainPayment()
    const two = await plainPayment({ 7: '1129101600', 11: '000043', 37: '633310000043' })
    expect(await peer.ask(one)).toMatchObject({ 39: '00' })
    const reversal: PeerFields = { 0: '0420', 3: '000000', 4: '000000250000', 7: '1129102000', 11: '000050', 41: '63545902', 49: '643' }
    // None of these names it.
    const nothing: [PeerFields, string][] = [
      [reversal, '25'],
      [{ 0: '0420', 41: '63545902' }, '30'],
      [{ 0: '0420', 7: '1129102000', 11: '000042', 3: '000000' }, '30'],
      [{ ...reversal, 90: `0200999999${'1129101500'}${'0'.repeat(22)}` }, '25'],
      [{ ...reversal, 41: '63545903', 90: `0200000042${'1129101500'}${'0'.repeat(22)}` }, '25'],
      [{ ...reversal, 4: '000000000001', 90: `0200000042${'1129101500'}${'0'.repeat(22)}` }, '30'],
      [{ ...reversal, 49: '840', 90: `0200000042${'1129101500'}${'0'.repeat(22)}` }, '30'],
    ]
    for (const [asked, code] of nothing) {
      expect(await peer.ask(asked)).toMatchObject({ 0: '0430', 39: code })
      expect(balance()).toBe(full - 250_000n)
    }
    const named = { ...reversal, 90: `0200000042${'1129101500'}${'0'.repeat(22)}` }
    expect(await peer.ask(named)).toMatchObject({ 0: '0430', 39: '00', 4: '000000250000' })
    expect(balance()).toBe(full)
    expect(await peer.ask({ ...named, 0: '0421' })).toMatchObject({ 39: '00' })
    expect(balance()).toBe(full)
    expect(await peer.ask(two)).toMatchObject({ 39: '00' })
    expect(await peer.ask({ ...reversal, 7: two['7'], 11: two['11'] })).toMatchObject({ 39: '00' })
    expect(balance()).toBe(full)
  })

  it('what a reversal has named before it came is not charged any more', async () => {
    const { host, peer } = await ourHost()
    const late = await plainPayment()
    expect(
      await peer.ask({
        0: '0420',
        4: '000000250000',
        7: '1129102000',
        11: '000050',
        41: '63545902',
        49: '643',
        90: `0200000042${'1129101500'}${'0'.repeat(22)}`,
      }),
    ).toMatchObject({ 39: '25' })
    expect((await peer.ask(late))['39']).not.toBe('00')
    expect(host.balance(profiles['visa-signature'].pan)).toBe(full)
  })

  it('gives a part back: 0400 with what is left in 95', async () => {
    const { host, peer } = await ourHost()
    await peer.ask(await plainPayment())
    const part = {
      0: '0400',
      3: '000000',
      4: '000000250000',
      7: '1129102000',
      11: '000051',
      41: '63545902',
      49: '643',
      90: `0200000042${'1129101500'}${'0'.repeat(22)}`,
      95: `000000100000${'0'.repeat(30)}`,
    }
    expect(await peer.ask(part)).toMatchObject({ 0: '0410', 39: '00' })
    expect(host.balance(profiles['visa-signature'].pan)).toBe(full - 1000_00n)
  })

  it('holds by 0100, captures by 0220 with 90', async () => {
    const { host, peer } = await ourHost()
    expect(await peer.ask(await plainPayment({ 0: '0100' }))).toMatchObject({ 0: '0110', 39: '00' })
    expect(host.orders[0].state).toBe('Delayed')
    const capture = {
      0: '0220',
      3: '000000',
      4: '000000100000',
      7: '1129102000',
      11: '000052',
      41: '63545902',
      49: '643',
      90: `0100000042${'1129101500'}${'0'.repeat(22)}`,
    }
    expect(await peer.ask(capture)).toMatchObject({ 0: '0230', 39: '00' })
    expect(host.orders[0].state).toBe('PartialDelayed')
  })

  it('a line stays open over fields that nobody uses, types that are not served, and formats that are wrong', async () => {
    const { peer, line } = await ourHost()
    const ask = { 7: '1129102000', 11: '000060', 41: '63545902' }
    expect(await peer.ask({ ...ask, 0: '0800', 70: '301' })).toMatchObject({ 0: '0810', 39: '00', 70: '301', 11: '000060' })
    expect(await peer.ask({ ...ask, 0: '0800', 70: '001' })).toMatchObject({ 39: '00' })
    expect(await peer.ask({ ...ask, 0: '0800', 70: '161' })).toMatchObject({ 39: '40' })
    expect(await peer.ask({ ...ask, 0: '0500', 15: '1129', 18: '5411', 32: '1' })).toMatchObject({ 0: '0510', 39: '40' })
    expect(await peer.ask({ ...ask, 0: '0600' })).toMatchObject({ 0: '0610', 39: '40' })
    expect(await peer.ask(await plainPayment({ 3: '310000' }))).toMatchObject({ 39: '12', 44: 'field 3' })
    expect(await peer.ask(await plainPayment({ 49: '000' }))).toMatchObject({ 39: '30', 44: 'field 49' })
    expect(await peer.ask(await plainPayment({ 55: '9F26' }))).toMatchObject({ 39: '30', 44: 'field 55' })
    const { 4: _amount, ...without } = await plainPayment()
    expect(await peer.ask(without)).toMatchObject({ 39: '30', 44: 'field 4', 11: '000042' })
    expect(await peer.ask(await plainPayment())).toMatchObject({ 39: '00' })
    expect(line.connections).toBe(1)
  })
})

describe('our own ends in other dialects', () => {
  const mac = (data: Uint8Array) => macAlgorithm3(fromHex('0123456789ABCDEFFEDCBA9876543210'), data, 1)
  it.each([
    { dialect: 'bcd' },
    { dialect: 'ebcdic' },
    { dialect: 'pyiso8583Ascii' },
    { dialect: 'ascii', mac },
    { dialect: { ...isoDialects.ascii, name: 'longer', frame: { bytes: 4, form: 'ascii', inclusive: true }, lengths: 'binary' } },
  ] as const)('pay and take back: $dialect', async options => {
    const host = await startAcquirer()
    const line = await startIsoLine(host.desk, options)
    const client = iso8583Acquirer({ connect: how => connect(`tcp://127.0.0.1:${line.port}`, how), timeout: 1000, ...options })
    ends.push(
      () => host.close(),
      () => line.close(),
      () => client.close(),
    )
    expect(await client.authorise(await cardMessage('k'))).toMatchObject({ state: 'approved', response: { code: '00' } })
    expect(host.balance(profiles['visa-signature'].pan)).toBe(full - 250_000n)
    await client.reverse('k', 'cardDeclined')
    expect(host.balance(profiles['visa-signature'].pan)).toBe(full)
  })
})

describe('bytes of pyiso8583', () => {
  const { cases } = JSON.parse(readFileSync(join(import.meta.dirname, '../../vectors/iso8583_pyiso8583.json'), 'utf8')) as {
    cases: { spec: 'pyiso8583' | 'pyiso8583Ascii'; what: string; fields: PeerFields; bytes: string }[]
  }
  it.each(cases)('$spec: $what', ({ spec, fields, bytes }) => {
    const { t, ...rest } = fields
    const options = { dialect: isoDialects[spec] }
    const numbers = Object.keys(rest).map(Number)
    const message: IsoMessage = {
      type: t,
      fields: new Map(numbers.map(number => [number, [52, 55, 64, 128].includes(number) ? fromHex(rest[number]) : rest[number]])),
    }
    expect(hex(encodeIso(message, options))).toBe(bytes)
    expect(decodeIso(fromHex(bytes), options)).toEqual(message)
  })
})
