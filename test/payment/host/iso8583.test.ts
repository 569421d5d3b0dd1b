/** ISO 8583:1987: bytes of messages, both ends of the line, the same book behind it as behind HTTP, and a line that fails. */

import { createServer } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { type AcquirerHost, type AcquirerOptions, type HostEvent, startAcquirer } from '../../../simulator/acquirer/host.ts'
import { startIsoLine } from '../../../simulator/acquirer/iso8583/host.ts'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { fromHex, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { macAlgorithm3 } from '../../../src/crypto/mac.ts'
import { isFault } from '../../../src/errors.ts'
import type { OrderChange } from '../../../src/payment/acquirer.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import { type Iso8583Acquirer, iso8583Acquirer } from '../../../src/payment/host/iso8583/client.ts'
import { decodeIso, encodeIso, type IsoMessage, type IsoOptions, isoSide, isoSideOf } from '../../../src/payment/host/iso8583/codec.ts'
import { type IsoDialect, isoDialects, isoField } from '../../../src/payment/host/iso8583/dialect.ts'
import { fieldTable } from '../../../src/payment/host/iso8583/fields.ts'
import { authorisationFields, authorisationOf } from '../../../src/payment/host/iso8583/messages.ts'
import { connect } from '../../../src/transport/connect.ts'
import { type PipeEnd, pipe } from '../../../src/transport/pipe.ts'
import { cardMessage } from './host-bench.ts'

const visa = profiles['visa-signature'].pan
const full = 100_000_000n
const shop = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function started(options: AcquirerOptions = {}, timeout = 1000) {
  const seen: HostEvent[] = []
  const host: AcquirerHost = await startAcquirer({ ...options, onEvent: event => seen.push(event) })
  const line = await startIsoLine(host.desk)
  const client: Iso8583Acquirer = iso8583Acquirer({ connect: how => connect(`tcp://127.0.0.1:${line.port}`, how), timeout })
  ends.push(
    () => host.close(),
    () => line.close(),
    () => client.close(),
  )
  return { host, line, client, seen }
}

const change = (key: string, number: string, part: Partial<OrderChange> = {}): OrderChange => ({
  key,
  merchant: shop,
  number,
  at: new Date(),
  ...part,
})

describe('messages', () => {
  const sample: IsoMessage = {
    type: '0800',
    fields: new Map([
      [7, '0326075200'],
      [11, '000001'],
      [70, '301'],
    ]),
  }

  it('a network management message: type, both bitmaps, fields in order', () => {
    // ISO 8583:1987: bit 1 says that a second bitmap follows; bits 7, 11 and 70.
    expect(hex(encodeIso(sample))).toBe(hex(fromHex(`30383030 8220000000000000 0400000000000000 30333236303735323030 303030303031 333031`)))
    expect(decodeIso(encodeIso(sample))).toEqual(sample)
  })

  const value = (dialect: IsoDialect, number: number) => {
    const { kind, size, var: digits } = isoField(dialect, number)!
    const most = Math.min(size, 999)
    const least = digits ? 0 : most
    const bytes = fc.uint8Array({ minLength: least, maxLength: most })
    if (kind === 'b') return bytes
    if (kind === 'u') return fc.string({ unit: 'grapheme', maxLength: 100 }).filter(one => new TextEncoder().encode(one).length <= size)
    if (kind === 'x')
      return fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: size - 1, maxLength: size - 1 }).map(n => `C${n}`)
    const alphabet = kind === 'n' ? '0123456789' : kind === 'z' ? '0123456789D' : 'ABCDEF 0123456789{}":,@#|^'
    return fc.string({ unit: fc.constantFrom(...alphabet), minLength: least, maxLength: most })
  }
  const mac = (data: Uint8Array) => macAlgorithm3(fromHex('0123456789ABCDEFFEDCBA9876543210'), data, 1)

  it.each(Object.values<IsoDialect>(isoDialects).flatMap(dialect => [{ dialect }, { dialect, mac }]))(
    'any fields of the table are read back as they were written, in any chunks: $dialect.name',
    (options: IsoOptions) => {
      const dialect = options.dialect!
      const side = isoSideOf(options)
      const entries = fc
        .subarray(Object.keys(fieldTable).map(Number).filter(number => number !== 64 && number !== 128), { minLength: 1, maxLength: 40 }) // biome-ignore format: a chain
        .chain(numbers => fc.tuple(...numbers.map(number => fc.tuple(fc.constant(number), value(dialect, number)))))
      fc.assert(
        fc.property(entries, fc.nat(50), (fields, cut) => {
          const message: IsoMessage = { type: '0200', fields: new Map(fields as [number, string | Uint8Array][]) }
          const bytes = side.encode(message)
          const decoder = side.decoder()
          const [read, ...more] = [...decoder.push(bytes.subarray(0, cut)), ...decoder.push(bytes.subarray(cut))] as IsoMessage[]
          expect(more).toEqual([])
          expect(read.wrong).toBeUndefined()
          expect(new Map([...read.fields].filter(([number]) => number !== 64 && number !== 128))).toEqual(message.fields)
          expect(read.fields.has(64) || read.fields.has(128)).toBe(options.mac !== undefined)
        }),
        { numRuns: 60 },
      )
    },
  )

  it('a MAC that is wrong, missing or over other bytes is told; nothing of the message is taken', () => {
    const bytes = encodeIso(sample, { mac })
    expect(decodeIso(bytes, { mac }).fields.get(128)).toHaveLength(8)
    for (const at of [3, 20, bytes.length - 1]) {
      const changed = bytes.slice()
      changed[at] ^= 1
      expect(() => decodeIso(changed, { mac })).toThrow(expect.objectContaining({ code: 'protocol' }))
    }
    expect(() => decodeIso(encodeIso(sample), { mac })).toThrow('MAC: it is missing')
  })

  it('a field that nobody uses is passed over by its form, whatever is in it', () => {
    // 15, 18, 32, 44 and 54 were a reason to throw the message away; so was a currency in letters in 49.
    const fields = new Map<number, string | Uint8Array>([
      [11, '000001'],
      [15, '1129'],
      [18, '5411'],
      [32, '12345678901'],
      [39, '00'],
      [44, 'THANK YOU'],
      [54, '0040643C000000010000'],
      [90, '0'.repeat(42)],
      [102, 'ACCOUNT'],
      [123, 'anything'],
    ])
    expect(decodeIso(encodeIso({ type: '0210', fields })).fields).toEqual(fields)
    const bytes = encodeIso({ type: '0210', fields })
    bytes[bytes.indexOf(0x35, 26)] = 0x41 // a letter in the merchant type
    const read = decodeIso(bytes)
    expect(read.fields.get(39)).toBe('00')
    expect([...read.wrong!.keys()]).toEqual([18])
  })

  it('any bytes are a message or a Fault', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        try {
          decodeIso(bytes)
        } catch (error) {
          expect(isFault(error, 'protocol')).toBe(true)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    [new Map([[3, '00000']]), 'field 3 Processing code: it has 5, the rule is 6'],
    [new Map([[4, 'ABC']]), 'field 4 Amount, transaction: it has characters that the field does not take'],
    [new Map([[129, '1']]), 'field 129 : it is not in the table'],
    [new Map([[52, '12345678']]), 'field 52 Personal identification number data: it takes bytes'],
  ])('a wrong field is named with its rule', (fields, words) => {
    expect(() => encodeIso({ type: '0200', fields })).toThrow(words)
  })

  it('an authorisation: PAN in 2, amount in 4, entry mode in 22, track 2 in 35, EMV data in 55 without them, PIN block in 52', async () => {
    const message = await cardMessage('k')
    const pinned = { ...message, pinBlock: { format: 0 as const, data: fromHex('1122334455667788'), ksn: fromHex('FFFF9876543210E00001') } }
    const fields = authorisationFields(pinned)
    expect(fields.get(2)).toBe(visa)
    expect(fields.get(4)).toBe('000000250000')
    expect(fields.get(22)).toBe('051')
    expect(fields.get(49)).toBe('643')
    expect(hex(fields.get(52) as Uint8Array)).toBe('1122334455667788')
    expect(fields.get(63)).toBe('0:FFFF9876543210E00001')
    const icc = hex(fields.get(55) as Uint8Array)
    expect(icc).toContain('9F2608')
    expect(icc).not.toContain(visa)
    expect(authorisationOf(decodeIso(encodeIso({ type: '0200', fields })))).toEqual(pinned)
  })

  it('a PIN block of AES has no place in field 52: it goes into our private field, and nowhere in a dialect without one', async () => {
    const message = { ...(await cardMessage('k')), pinBlock: { format: 4 as const, data: new Uint8Array(16), ksn: new Uint8Array(12) } }
    expect(authorisationOf(decodeIso(encodeIso({ type: '0200', fields: authorisationFields(message) })))).toEqual(message)
    expect(() => authorisationFields(message, isoDialects.ascii)).toThrow(expect.objectContaining({ code: 'unsupported' }))
  })
})

describe('the same book as over HTTP', () => {
  it('approves with a cryptogram, answers the same key alike, gives status and order', async () => {
    const { client, host } = await started()
    const sent = await cardMessage('k')
    const first = await client.authorise(sent)
    expect(first).toMatchObject({
      state: 'approved',
      orderState: 'Approved',
      response: { code: '00', authorisationCode: expect.stringMatching(/^X\d{5}$/) },
    })
    expect(first.response?.issuerAuthenticationData).toHaveLength(10)
    expect(await client.authorise(sent)).toEqual(first)
    expect(await client.status('k')).toEqual(first)
    expect(host.balance(visa)).toBe(full - 250_000n)
    expect(await client.order(shop, sent.order.number)).toMatchObject({
      state: 'Approved',
      charged: 250_000n,
      operations: [{ type: 'payment' }],
    })
    expect(await client.order(shop, 'none')).toBeUndefined()
    await client.echo()
  })

  it('a two-stage order confirmed in part and refunded in part ends in the states of seed 001', async () => {
    const { client, host, seen } = await started({ merchants: [{ id: 'MTM', stages: 2 }] })
    const sent = await cardMessage('p')
    const { number } = sent.order
    expect(await client.authorise(sent)).toMatchObject({ orderState: 'Delayed' })
    expect(await client.confirm(change('c1', number, { amount: 1000_00n }))).toMatchObject({
      state: 'approved',
      orderState: 'PartialDelayed',
    })
    expect(await client.confirm(change('c2', number))).toMatchObject({ orderState: 'Approved' })
    host.settle()
    const refund = change('r1', number, { amount: 500_00n })
    expect(await client.cancel(refund)).toMatchObject({ state: 'approved', orderState: 'PartialCanceled' })
    expect(await client.cancel(refund)).toMatchObject({ state: 'approved' })
    await expect(client.cancel({ ...refund, amount: 1n })).rejects.toMatchObject({ code: 'host-error', details: { code: '94' } })
    expect(await client.order(shop, number)).toMatchObject({ state: 'PartialCanceled', charged: 2000_00n, cancelled: 500_00n, held: 0n })
    expect(host.balance(visa)).toBe(full - 2000_00n)
    expect(await client.cancel(change('r2', number, { amount: 9999_00n }))).toMatchObject({ state: 'declined', response: { code: '13' } })
    expect(seen.filter(({ type }) => type === 'repeat')).toHaveLength(1)
  })

  it('items with Russian names travel in the private fields; more than they hold is refused by name', async () => {
    const { client } = await started()
    const message = await cardMessage('k')
    const item = (at: number) => ({ id: `i${at}`, name: `Компактный фотик ${at}`, quantity: 1000n, price: 100n, amount: 100n })
    const items = Array.from({ length: 8 }, (_, at) => item(at))
    const order = { ...message.order, amount: 250_000n, items: [{ ...items[0], price: 249_300n, amount: 249_300n }, ...items.slice(1)] }
    expect(await client.authorise({ ...message, order })).toMatchObject({ state: 'approved' })
    expect(await client.cancel(change('c', order.number, { items: [{ id: 'i1' }] }))).toMatchObject({ orderState: 'PartialCanceled' })
    const many = { ...order, items: Array.from({ length: 60 }, (_, at) => item(at)) }
    await expect(client.authorise({ ...message, key: 'k2', order: many })).rejects.toMatchObject({ code: 'bad-argument' })
  })

  it('a reversal that is not confirmed is a repeat the next time: 0420, then 0421, until the host has answered', async () => {
    const { client, line, host } = await started({ rules: [{ do: 'dropAnswer', on: 'reversal', times: 1 }] } as AcquirerOptions)
    await client.authorise(await cardMessage('k'))
    await expect(client.reverse('k', 'linkLost')).rejects.toMatchObject({ code: 'host-no-answer' })
    await client.reverse('k', 'linkLost')
    expect(host.balance(visa)).toBe(full)
    expect(line.port).toBeGreaterThan(0)
  })

  it('advice of an offline approval, once', async () => {
    const { client, host } = await started()
    const message = await cardMessage('a', {}, '40')
    expect(await client.advise(message)).toMatchObject({ state: 'approved' })
    expect(await client.advise(message)).toMatchObject({ state: 'approved' })
    expect(host.orders).toHaveLength(1)
  })

  it('a card that told its terminal all its certificates is advised all the same: no host wants them', async () => {
    const { client, host } = await started()
    const message = await cardMessage('a', {}, '40')
    const tags = new Map(message.tags)
    for (const tag of [0x90, 0x92, 0x9f46, 0x9f48, 0x9f4b, 0x8e]) tags.set(tag, new Uint8Array(248).fill(0x6a))
    expect(await client.advise({ ...message, tags })).toMatchObject({ state: 'approved' })
    const left = host.balance(visa)!
    expect(left).toBeLessThan(full)
    // And over the other line again, which has room for all of it: the same payment.
    expect(await httpAcquirer(host.url).advise({ ...message, tags })).toMatchObject({ state: 'approved' })
    expect(host.balance(visa)).toBe(left)
  })
})

describe('a line that fails', () => {
  it.each([
    ['dropRequest', 'host-no-answer', full],
    ['dropAnswer', 'host-no-answer', full - 250_000n],
    ['closeSocket', 'host-no-answer', full - 250_000n],
    ['garbage', 'host-error', full - 250_000n],
  ] as const)('%s: %s, and the status tells the truth', async (what, code, balance) => {
    const { client, host } = await started({ rules: [{ do: what, times: 1 }] })
    await expect(client.authorise(await cardMessage('k'))).rejects.toMatchObject({ code })
    expect(host.balance(visa)).toBe(balance)
    expect((await client.status('k')).state).toBe(balance === full ? 'unknown' : 'approved')
  })

  it('an answer that comes twice is one answer', async () => {
    const { client } = await started({ rules: [{ do: 'duplicate', times: 1 }] } as AcquirerOptions)
    expect(await client.authorise(await cardMessage('k'))).toMatchObject({ state: 'approved' })
    expect(await client.status('k')).toMatchObject({ state: 'approved' })
  })

  it('nobody listens: unreachable, and when the host is back the next message opens a new line', async () => {
    const { client, line, host } = await started()
    await client.echo()
    await line.close()
    await expect(client.echo()).rejects.toMatchObject({ code: expect.stringMatching(/^host-/) })
    await expect(client.echo()).rejects.toMatchObject({ code: 'host-unreachable' })
    const again = await startIsoLine(host.desk, { port: line.port })
    ends.push(() => again.close())
    await client.echo()
  })

  it('a silent host: no answer in time; an abort in between is an abort', async () => {
    const server = createServer(() => {})
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const client = iso8583Acquirer({ connect: how => connect(`tcp://127.0.0.1:${port}`, how), timeout: 50 })
    ends.push(
      () => server.close(),
      () => client.close(),
    )
    await expect(client.status('k')).rejects.toMatchObject({ code: 'host-no-answer' })
    const stop = new AbortController()
    const asked = client.status('k', { signal: stop.signal })
    stop.abort()
    await expect(asked).rejects.toMatchObject({ code: 'aborted' })
  })

  it('after a minute of silence an 0800 goes first; a line that does not answer it is opened anew', async () => {
    const clock = new VirtualClock()
    const lines: PipeEnd[] = []
    const heard: string[] = []
    const client = iso8583Acquirer({
      clock,
      connect: async () => {
        const [host, far] = pipe({ clock })
        const mute = lines.length === 0
        lines.push(far)
        void (async () => {
          const decoder = isoSide.decoder()
          for await (const chunk of far.incoming)
            for (const frame of decoder.push(chunk)) {
              if (!('fields' in frame)) continue
              heard.push(`${lines.indexOf(far)} ${frame.type}`)
              if (mute && heard.length > 1) continue
              const fields = new Map([...frame.fields].filter(([number]) => [7, 11, 41].includes(number)))
              await far.send(isoSide.encode({ type: '0810', fields: fields.set(39, '00') }))
            }
        })().catch(() => {})
        return host
      },
    })
    await clock.settle(client.echo())
    await clock.advance(61_000)
    await clock.settle(client.echo())
    expect(heard).toEqual(['0 0800', '0 0800', '1 0800'])
    await clock.settle(client.close())
    expect(clock.pending).toBe(0)
  })

  it('nothing of a card is in a Fault', async () => {
    const { client } = await started({ rules: [{ do: 'garbage' }] })
    const error = await client.authorise(await cardMessage('k')).catch((caught: unknown) => caught)
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain(visa)
  })
})
