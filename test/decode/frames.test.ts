/** `decode --as <family>`: what really passed a line is told message by message, whoever spoke, and nothing of it is a secret. */

import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { describeFrames, type FrameKind, frameKinds } from '../../devices/anatomy.ts'
import { open } from '../../devices/index.ts'
import { issuerView } from '../../simulator/cards/issuer-view.ts'
import { type CardProfile, instant, type PersonOptions, profiles, testPinDukpt, virtualCounter } from '../../simulator/world.ts'
import { concat, fromHex } from '../../src/bytes.ts'
import { VirtualClock } from '../../src/clock.ts'
import { currency } from '../../src/currency.ts'
import type { DescribedLine } from '../../src/decode/frames.ts'
import { printLine } from '../../src/decode/print.ts'
import { isFault } from '../../src/errors.ts'
import { pay } from '../../src/payment/pay/payment.ts'
import type { Link } from '../../src/transport/link.ts'
import { faces, found, secretBytes, secretNumber } from '../canaries.ts'
import { deskAcquirer } from '../simulator/acquirer/desk-acquirer.ts'

interface Chunk {
  readonly from: 'host' | 'reader'
  readonly bytes: Uint8Array
}

/** The link, with every chunk kept. */
function heard(link: Link, chunks: Chunk[]): Link {
  return {
    ...link,
    uri: link.uri,
    mtu: link.mtu,
    send(bytes) {
      chunks.push({ from: 'host', bytes: bytes.slice() })
      return link.send(bytes)
    },
    close: () => link.close(),
    incoming: {
      async *[Symbol.asyncIterator]() {
        for await (const bytes of link.incoming) {
          chunks.push({ from: 'reader', bytes: bytes.slice() })
          yield bytes
        }
      },
    },
  }
}

async function paid(family: string, dialect: string | undefined, script: PersonOptions): Promise<Chunk[]> {
  const clock = new VirtualClock()
  const chunks: Chunk[] = []
  const row = { family, ...(dialect && { dialect }) }
  const counter = await virtualCounter({
    clock,
    ...row,
    pace: instant,
    resultTime: 0,
    host: { accounts: [...issuerView(card)] },
    ...script,
  })
  const reader = await clock.settle(open(heard(counter.link(), chunks), { ...row, clock }))
  const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
  const order = { number: 'frames_1', amount: 250_000n, currency: currency('RUB') }
  await clock.settle(pay(order, { reader, merchant, clock, acquirer: deskAcquirer(counter.acquirer.desk) }))
  await clock.settle(reader.close())
  await counter.close()
  return chunks
}

const messages = ({ parts }: DescribedLine) => parts.filter(part => part.kind === 'message')

const rows = [
  ['qpos', 'qpos', undefined],
  ['bluepad', 'bluepad', 'mped'],
  ['miura', 'miura', undefined],
  ['idtech', 'idtech', undefined],
  ['magtek/v5', 'magtek', 'v5'],
  ['magtek/mms', 'magtek', 'mms'],
] as const satisfies readonly (readonly [FrameKind, string, string | undefined])[]

/** With digits that stand nowhere else. */
const pin = '730916482755'
const pan = '2200707364918254'
const card: CardProfile = { ...profiles['mir-maestro'], pan, pin: { ...profiles['mir-maestro'].pin!, digits: pin } }
const canaries = [
  secretNumber('PAN', pan),
  secretNumber('the middle of the PAN', pan.slice(6, -4)),
  secretNumber('PIN', pin),
  secretBytes('PIN key', testPinDukpt.bdk),
]

describe.each(rows)('%s', (kind, family, dialect) => {
  const chunks: Chunk[] = []
  beforeAll(async () => {
    for (const present of ['dip', 'tap', 'swipe'] as const) chunks.push(...(await paid(family, dialect, { card, present, pins: [pin] })))
  }, 60_000)
  const of = (from: Chunk['from']) => concat(...chunks.filter(one => one.from === from).map(({ bytes }) => bytes))

  it.each(['host', 'reader'] as const)('what the %s says is frames from the first byte to the last', from => {
    const { parts } = describeFrames(kind, of(from), from)
    expect(parts.filter(part => part.kind === 'noise')).toEqual([])
    expect(parts.length).toBeGreaterThan(3)
    expect(parts.at(-1)!.offset + parts.at(-1)!.length).toBe(of(from).length)
  })

  // V5 commands and answers have nothing that tells one from the other.
  it.skipIf(kind === 'magtek/v5')('both together are told apart, whoever speaks', () => {
    const both = describeFrames(kind, concat(...chunks.map(({ bytes }) => bytes)))
    const said = (from: Chunk['from']) => messages(describeFrames(kind, of(from), from)).map(({ type }) => type)
    const heardOf = (from: Chunk['from']) => messages(both).flatMap(one => (one.from === from ? [one.type] : []))
    expect(both.parts.filter(part => part.kind === 'noise')).toEqual([])
    for (const from of ['host', 'reader'] as const) expect(heardOf(from)).toEqual(said(from))
  })

  it('shows no card number, no track and no name', () => {
    const told = (from: Chunk['from']) => `${faces(describeFrames(kind, of(from)))} ${printLine(describeFrames(kind, of(from)))}`
    expect(found(canaries, told('host') + told('reader'))).toEqual([])
    if (process.env.SHOW) console.log(kind, printLine(describeFrames(kind, concat(...chunks.map(({ bytes }) => bytes)))))
  })
})

/** The first message of a family, to be spoilt. */
const good: Readonly<Record<string, string>> = {
  qpos: '4D00062110000500007F',
  miura: '010004D0620000B7',
}

describe('what is no frame', () => {
  const wrong = (kind: FrameKind, bytes: string) => {
    try {
      describeFrames(kind, fromHex(bytes.replaceAll(' ', '')))
    } catch (error) {
      return isFault(error, 'bad-argument') ? [error.details.at, error.details.rule] : error
    }
    return 'it was read'
  }

  it.each([
    ['qpos', '4D 00 06 21 10 00 05 00 00 7E', 9, 'the LRC is 7E, 7F is right'],
    ['qpos', '4D 00 06 21 10 00 05 00 00', 9, 'the frame ends after 9 of 10 bytes'],
    ['qpos', '4D 00 07 21 10 00 05 00 00 7F', 1, 'the two lengths of the frame do not agree, or exceed 10240 bytes'],
    ['qpos', '00 01 02', 0, 'nothing in 3 bytes begins like one'],
    ['bluepad', '10 02 49 30 10 41', 5, '10 is followed by 41: in a frame by 10, 03 or 17 alone'],
    ['bluepad', '10 02 49 30 10 03 00 00', 6, 'the CRC is 0000, 6B5E is right'],
    ['bluepad', '10 02 49 30', 4, 'the frame does not end: no 10 03 and CRC'],
    ['miura', '01 00 04 D0 62 00 00 00', 7, 'the LRC is 00, B7 is right'],
    ['idtech', '56 69 56 4F 74 65 63 68 32 00 18 01 00 00 00 00', 14, 'the CRC is 0000, CDB3 is right, or its bytes the other way round'],
    ['idtech', '56 69 56 4F 74 65 63 68 33 00', 8, 'the header is not "ViVOtech2" and 00'],
    ['vpcd', '00 05 00 A4', 4, 'the message ends after 4 of 7 bytes'],
    ['magtek/mms', 'AA 00 81 04 01 01 D1', 4, 'value of 4 bytes exceeds the 3 that follow'],
    ['magtek/v5', '49 08 00', 3, 'the message ends after 3 of 10 bytes'],
  ] as const)('%s %s: byte %i', (kind, bytes, at, rule) => {
    expect(wrong(kind, bytes)).toEqual([at, rule])
  })

  it('between frames costs none of them, and is told with its place and what is wrong with it', () => {
    const spoilt = fromHex('4D00062110000500007E')
    const line = concat(fromHex('0102'), fromHex(good.qpos), spoilt, fromHex(good.qpos), fromHex('4D00'))
    const { parts } = describeFrames('qpos', line)
    expect(parts.map(({ kind, offset, length }) => [kind, offset, length])).toEqual([
      ['noise', 0, 2],
      ['message', 2, 10],
      ['noise', 12, 10],
      ['message', 22, 10],
      ['noise', 32, 2],
    ])
    expect(parts[2]).toMatchObject({ wrong: 'the LRC is 7E, 7F is right', at: 21 })
    expect(printLine({ parts }, 'ru')).toContain('! в байтах 12–21 нет кадра')
  })

  it('is refused without a fault of ours, whatever it is', () => {
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(
        ...Object.values(good).map(one => fromHex(one)),
        fromHex('AA0081040101D101'),
        fromHex('5669564F74656368320018010000CDB3'),
      ),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...frameKinds),
        fc.array(pieces, { maxLength: 6 }),
        fc.constantFrom(undefined, 'host', 'reader'),
        (kind, list, from) => {
          try {
            const { parts } = describeFrames(kind, concat(...list), from)
            // Every byte is told of once, in order.
            expect(parts.map(({ offset, length }) => offset + length)).toEqual([
              ...parts.slice(1).map(({ offset }) => offset),
              concat(...list).length,
            ])
          } catch (error) {
            if (!isFault(error, 'bad-argument')) throw error
          }
        },
      ),
      { numRuns: 600, seed: 13 },
    )
  })

  it('takes time in proportion to its length', () => {
    const time = (kind: FrameKind, size: number, fill: number) => {
      const bytes = new Uint8Array(size).map((_, at) => [fill, 0x00, 0x06, fill][at % 4])
      const begin = process.cpuUsage().user
      try {
        describeFrames(kind, bytes)
      } catch (error) {
        if (!isFault(error, 'bad-argument')) throw error
      }
      return process.cpuUsage().user - begin
    }
    for (const kind of frameKinds)
      for (const fill of [0x4d, 0x10, 0x01, 0xaa, 0xc0]) {
        time(kind, 4096, fill)
        expect(time(kind, 65_536, fill), `${kind} ${fill}`).toBeLessThan(2_000_000 + 64 * time(kind, 4096, fill))
      }
  })
})

it('--from ends the guessing', () => {
  const bytes = fromHex('4D 00 06 28 00 00 05 00 00 66')
  expect(describeFrames('qpos', bytes).parts[0]).toMatchObject({ from: 'host', type: 'cancel', guessed: expect.any(String) })
  expect(describeFrames('qpos', bytes, 'reader').parts[0]).toMatchObject({ from: 'reader', type: 'userCancel' })
  expect(describeFrames('qpos', bytes, 'reader').parts[0]).not.toHaveProperty('guessed')
})

it('a card behind vpcd is asked and answers: what its words mean is told by the command', () => {
  const framed = (data: string) => concat(Uint8Array.of(data.length >> 9, (data.length / 2) & 0xff), fromHex(data))
  const line = concat(
    ...['04', '3B00', '80A8000002830000', '6985', '80A8000002830000', '800618000801010090 00'.replace(' ', '')].map(framed),
  )
  const told = printLine(describeFrames('vpcd', line))
  expect(told).toContain('6985 the application declines this transaction before it begins')
  expect(told).toContain('94 Application File Locator (AFL) (4): 08010100\n        = SFI 1, record 1')
})
