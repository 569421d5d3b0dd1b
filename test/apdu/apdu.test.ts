/** APDUs both ways, T=0 and GET RESPONSE handling over the scenarios of emv-utils, and cards that never finish. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Command, decodeCommand, decodeResponse, encodeCommand, encodeResponse } from '../../src/apdu/apdu.ts'
import { exchange, type Transmitter } from '../../src/apdu/exchange.ts'
import { tpduCard } from '../../src/apdu/tpdu.ts'
import { fromHex, fromText, hex } from '../../src/bytes.ts'
import { isFault } from '../../src/errors.ts'
import apduVectors from '../vectors/emvutils_ttl_apdu.json' with { type: 'json' }
import tpduVectors from '../vectors/emvutils_ttl_tpdu.json' with { type: 'json' }

interface Exchange {
  c: string
  r: string
}

/** Plays the scripted exchanges in order and refuses anything else. */
function script(exchanges: readonly Exchange[]) {
  let at = 0
  const play = async (bytes: Uint8Array): Promise<Uint8Array> => {
    const next = exchanges[at++]
    if (next?.c !== hex(bytes)) throw new Error(`exchange ${at}: ${hex(bytes)} was sent, the script has ${next?.c ?? 'nothing more'}`)
    return fromHex(next.r)
  }
  return { play, played: () => at }
}

/** The command that a scenario's function of emv-utils sends. */
function commandOf({ function: name, exchanges }: { function: string; exchanges: readonly Exchange[] }): Command {
  if (name === 'emv_ttl_select_by_df_name') return { cla: 0, ins: 0xa4, p1: 4, p2: 0, data: fromText('1PAY.SYS.DDF01'), le: 0 }
  if (name === 'emv_ttl_read_record') return { cla: 0, ins: 0xb2, p1: 1, p2: 0x0c, le: 0 }
  return exchanges[0].c.startsWith('0082')
    ? { cla: 0, ins: 0x82, p1: 0, p2: 0, data: fromHex('DEADBEEF') }
    : { cla: 0x12, ins: 0x34, p1: 0x56, p2: 0x78 }
}

const scenarios = [
  ...tpduVectors.scenarios.map(one => ({ ...one, mode: 'tpdu' as const })),
  ...apduVectors.scenarios.map(one => ({ ...one, mode: 'apdu' as const })),
]

describe('transport of emv-utils', () => {
  it.each(scenarios)('$name', async scenario => {
    const { play, played } = script(scenario.exchanges)
    const card: Transmitter = scenario.mode === 'tpdu' ? tpduCard(play) : { transmit: play }
    const response = await exchange(card, commandOf(scenario))
    const [expected] = Object.values(scenario.data)
    const sw = Number(scenario.expect_sw)
    expect(response.sw).toBe(sw)
    // The file gives the status word itself where no data is expected.
    expect(hex(response.data)).toBe(expected === sw.toString(16).toUpperCase() ? '' : expected)
    // "case 3 error (early)" is followed in its file by the exchanges of another call.
    if (!/case 3 .* error processing( \(early\))?$/.test(scenario.name)) expect(played()).toBe(scenario.exchanges.length)
  })
  it('is 30 scenarios', () => expect(scenarios).toHaveLength(30))
})

describe('exchange', () => {
  const read: Command = { cla: 0, ins: 0xb2, p1: 1, p2: 0x0c, le: 0 }
  const select: Command = { cla: 0, ins: 0xa4, p1: 4, p2: 0, data: fromHex('A0000000031010'), le: 0 }
  const run = (command: Command, exchanges: readonly Exchange[]) => exchange({ transmit: script(exchanges).play }, command)

  it('63Cx is reported as it is: there is nothing to fetch', async () => {
    expect(await run({ ...select, ins: 0x24 }, [{ c: '0024040007A000000003101000', r: '63C2' }])).toEqual({
      data: new Uint8Array(0),
      sw: 0x63c2,
    })
  })

  it('the FCI of a blocked application is fetched', async () => {
    const exchanges = [
      { c: '00A4040007A000000003101000', r: '6283' },
      { c: '00C0000000', r: '6C04' },
      { c: '00C0000004', r: '6F0284009000' },
    ]
    expect(await run(select, exchanges)).toEqual({ data: fromHex('6F028400'), sw: 0x6283 })
  })

  it('keeps a warning whose data cannot be fetched', async () => {
    const exchanges = [
      { c: '00A4040007A000000003101000', r: '6286' },
      { c: '00C0000000', r: '6985' },
    ]
    expect(await run(select, exchanges)).toEqual({ data: new Uint8Array(0), sw: 0x6286 })
  })

  it('a warning that comes with its data needs no GET RESPONSE', async () => {
    expect(await run(select, [{ c: '00A4040007A000000003101000', r: '6F006282' }])).toEqual({ data: fromHex('6F00'), sw: 0x6282 })
  })

  it('6C00 asks for 256 bytes; a second 6C to the same command is reported', async () => {
    const data = 'AB'.repeat(256)
    expect(
      await run({ ...read, le: 5 }, [
        { c: '00B2010C05', r: '6C00' },
        { c: '00B2010C00', r: `${data}9000` },
      ]),
    ).toEqual({
      data: fromHex(data),
      sw: 0x9000,
    })
    expect(
      (
        await run(read, [
          { c: '00B2010C00', r: '6C05' },
          { c: '00B2010C05', r: '6C04' },
        ])
      ).sw,
    ).toBe(0x6c04)
  })

  it('ends a card that chains for ever', async () => {
    let sent = 0
    const looping = {
      transmit: async () => {
        sent++
        return fromHex('AA6101')
      },
    }
    await expect(exchange(looping, read)).rejects.toSatisfy(error => isFault(error, 'apdu'))
    expect(sent).toBe(64)
    const stubborn = { transmit: async (apdu: Uint8Array) => Uint8Array.of(0x6c, apdu[4] + 1) }
    expect((await exchange(stubborn, read)).sw).toBe(0x6c02)
  })

  it('stops between two transmissions when the signal fires, and hands the signal to the card', async () => {
    const stop = new AbortController()
    const seen: (AbortSignal | undefined)[] = []
    const card: Transmitter = {
      transmit: async (_, options) => {
        seen.push(options?.signal)
        stop.abort()
        return fromHex('6105')
      },
    }
    await expect(exchange(card, read, { signal: stop.signal })).rejects.toSatisfy(error => isFault(error, 'aborted'))
    expect(seen).toEqual([stop.signal])
  })

  it('refuses a response without a status word', async () => {
    await expect(exchange({ transmit: async () => fromHex('90') }, read)).rejects.toSatisfy(error => isFault(error, 'apdu'))
  })
})

describe('T=0 procedure bytes', () => {
  const run = (apdu: string, exchanges: readonly Exchange[]) => tpduCard(script(exchanges).play).transmit(fromHex(apdu))

  it('waits through NULL bytes', async () => {
    expect(
      hex(
        await run('00B2010C02', [
          { c: '00B2010C02', r: '60' },
          { c: '', r: '6060B2AABB9000' },
        ]),
      ),
    ).toBe('AABB9000')
  })
  it('sends and takes single bytes after the complement of INS', async () => {
    const exchanges = [
      { c: '0020008003', r: 'DF' },
      { c: '11', r: 'DF' },
      { c: '22', r: '20' },
      { c: '33', r: '9000' },
    ]
    expect(hex(await run('0020008003112233', exchanges))).toBe('9000')
    expect(hex(await run('00B2010C03', [{ c: '00B2010C03', r: '4DAAB2BBCC9000' }]))).toBe('AABBCC9000')
  })
  it.each([
    ['no procedure byte', '', 'card-mute'],
    ['neither procedure nor status', '12', 'apdu'],
    ['SW1 alone', '90', 'card-mute'],
    ['bytes after the status', '9000AA', 'apdu'],
    ['an acknowledgement without data', 'B29000', 'apdu'],
  ])('refuses %s', async (_, r, code) => {
    await expect(run('00B2010C03', [{ c: '00B2010C03', r }])).rejects.toMatchObject({ code })
  })
  it('gives up on a card that only asks for time', async () => {
    const card = tpduCard(async () => fromHex('60'))
    await expect(card.transmit(fromHex('00B2010C00'))).rejects.toMatchObject({ code: 'card-mute' })
  })
})

describe('commands and responses as bytes', () => {
  it.each([
    ['case 1', { cla: 0x12, ins: 0x34, p1: 0x56, p2: 0x78 }, '12345678'],
    ['case 2', { cla: 0, ins: 0xb2, p1: 1, p2: 0x0c, le: 0 }, '00B2010C00'],
    ['case 3', { cla: 0, ins: 0x82, p1: 0, p2: 0, data: fromHex('DEAD') }, '0082000002DEAD'],
    ['case 4', { cla: 0x80, ins: 0xa8, p1: 0, p2: 0, data: fromHex('8300'), le: 0 }, '80A8000002830000'],
  ])('%s', (_, command, bytes) => {
    expect(hex(encodeCommand(command))).toBe(bytes)
    expect(decodeCommand(fromHex(bytes))).toEqual(command)
  })

  it('every short command survives', () => {
    const byte = fc.integer({ min: 0, max: 255 })
    const commands = fc.record(
      { cla: byte, ins: byte, p1: byte, p2: byte, data: fc.uint8Array({ minLength: 1, maxLength: 255 }), le: byte },
      { requiredKeys: ['cla', 'ins', 'p1', 'p2'] },
    )
    fc.assert(
      fc.property(commands, command => {
        expect(decodeCommand(encodeCommand(command))).toEqual(command)
      }),
      { seed: 1, numRuns: 500 },
    )
  })

  it('random bytes decode or are refused, and what decodes encodes to the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        try {
          expect(encodeCommand(decodeCommand(bytes))).toEqual(bytes)
        } catch (error) {
          if (!isFault(error, 'apdu', 'unsupported')) throw error
        }
      }),
      { seed: 2, numRuns: 1000 },
    )
  })

  it.each(['', '00A404', '00A4040002AA', '00A4040002AABBCCDD'])('refuses %s', bytes => {
    expect(() => decodeCommand(fromHex(bytes))).toThrowError(expect.objectContaining({ code: 'apdu' }))
  })
  it('names extended length as unsupported', () => {
    expect(() => decodeCommand(fromHex('00A40400000002AABB'))).toThrowError(expect.objectContaining({ code: 'unsupported' }))
  })
  it.each([
    { cla: 256, ins: 0, p1: 0, p2: 0 },
    { cla: 0, ins: 0, p1: 0, p2: 0, le: 257 },
    { cla: 0, ins: 0, p1: 0, p2: 0, data: new Uint8Array(256) },
  ])('will not encode %o', command => {
    expect(() => encodeCommand(command)).toThrowError(expect.objectContaining({ code: 'apdu' }))
  })
  it('responses both ways', () => {
    expect(hex(encodeResponse(0x9000, fromHex('6F00')))).toBe('6F009000')
    expect(decodeResponse(fromHex('6F009000'))).toEqual({ data: fromHex('6F00'), sw: 0x9000 })
    expect(() => encodeResponse(0x19000)).toThrowError(expect.objectContaining({ code: 'apdu' }))
    expect(() => encodeResponse(0x9000, new Uint8Array(257))).toThrowError(expect.objectContaining({ code: 'apdu' }))
  })
})
