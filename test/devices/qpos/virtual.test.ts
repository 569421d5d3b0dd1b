/** The virtual QPOS on the wire, driven by a scripted host: what it answers in every state that needs no kernel. */

import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as qpos from '../../../devices/qpos/codec.ts'
import { Body, type PlasticCard } from '../../../simulator/readers/body/body.ts'
import { cardholder } from '../../../simulator/readers/body/cardholder.ts'
import { type QposOptions, VirtualQpos } from '../../../simulator/readers/qpos/qpos.ts'
import { fromHex, hex, text } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { decryptCbc, decryptEcb } from '../../../src/crypto/des.ts'
import { dataKey, initialKey, pinKey, transactionCounter, transactionKey } from '../../../src/crypto/dukpt.ts'
import { decodeFormat0 } from '../../../src/crypto/pin.ts'
import { russianMpos } from '../../../src/emv/profiles.ts'
import type { Fault } from '../../../src/errors.ts'
import { Conversation } from '../../../src/reader/conversation.ts'
import { pipe } from '../../../src/transport/pipe.ts'

/** The published example of ANSI X9.24-1:2009, A.4. */
const bdk = fromHex('0123456789ABCDEFFEDCBA9876543210')
const ksn = fromHex('FFFF9876543210E00000')
const ipek = initialKey(bdk, ksn)
const config = russianMpos({ merchantId: 'M1', terminalId: 'T1', merchantName: 'Test', acquirerId: '123456', ifdSerial: 'MPOS0001' })

const pan = '2200000000000004'
const chipOnly: PlasticCard = {
  contact: () => ({ interface: 'contact', atr: fromHex('3B00'), transmit: async () => fromHex('6A82') }),
  contactless: () => ({ interface: 'contactless', atr: fromHex('3B00'), transmit: async () => fromHex('6A82') }),
}
const stripe = (serviceCode: string): PlasticCard['stripe'] => ({
  track1: `B${pan}^IVANOV/IVAN^3012${serviceCode}0000`,
  track2: `${pan}=3012${serviceCode}0000`,
})

let clock: VirtualClock
let body: Body
let reader: VirtualQpos
let host: Conversation<qpos.HostMessage, qpos.DeviceMessage>
let serving: Promise<void>
let faults: Fault[]

function start(options: Partial<QposOptions> = {}): void {
  clock = new VirtualClock()
  body = new Body({ clock })
  faults = []
  const random = (length: number) => new Uint8Array(length).fill(0x4d) // the start byte: noise at its worst
  reader = new VirtualQpos({ body, clock, config, pinDukpt: { ipek, ksn }, random, onFault: fault => faults.push(fault), ...options })
  connect()
}

function connect(): void {
  const [a, b] = pipe({ clock })
  host = new Conversation(a, qpos.host, { clock })
  serving = reader.serve(b)
}

/** The line without a Conversation: what is sent, and what has come as hex, chunk by chunk. */
async function rawLine(): Promise<{ send(bytes: Uint8Array): Promise<void>; seen: string[] }> {
  await clock.settle(host.close())
  await clock.settle(serving)
  const [a, b] = pipe({ clock })
  serving = reader.serve(b)
  const seen: string[] = []
  const reading = (async () => {
    for await (const chunk of a.incoming) seen.push(hex(chunk))
  })()
  after = async () => {
    await a.close()
    await reading
  }
  return { send: bytes => a.send(bytes), seen }
}
let after = async () => {}

beforeEach(() => start())
afterEach(async () => {
  await clock.settle(after())
  after = async () => {}
  await clock.settle(host.close())
  await clock.settle(serving)
  await clock.settle(reader.close())
  expect(clock.pending).toBe(0)
})

/** One answer, or the code of the fault. */
async function ask(message: qpos.HostMessage, timeout = 5000): Promise<qpos.DeviceMessage> {
  return clock.settle(host.ask(message, { timeout }))
}

/** Asks, and queries while the answer is progress; all answers in order. */
async function run(message: qpos.HostMessage): Promise<qpos.DeviceMessage[]> {
  const answers = [await ask(message)]
  while (['waiting', 'pinEntry', 'magToIcc'].includes(answers.at(-1)!.type)) answers.push(await ask({ type: 'query' }))
  return answers
}

const types = (answers: readonly qpos.DeviceMessage[]) => answers.map(({ type }) => type).filter((type, at, all) => type !== all[at - 1])

function doTrade(fields: Partial<qpos.TradeRequest> = {}, delay = 60): qpos.HostMessage {
  const request = qpos.tradeRequest({ amount: '250000', time: '20260326105200', currency: 643, cardMode: 8, ...fields })
  return { type: 'command', command: 'doTrade', delay, request }
}

const query: qpos.HostMessage = { type: 'query' }
const getInfo: qpos.HostMessage = { type: 'command', command: 'getQposInfo', delay: 5 }
const getId: qpos.HostMessage = { type: 'command', command: 'getQposId', delay: 5 }
const selectApp: qpos.HostMessage = { type: 'command', command: 'selectEmvApp', delay: 30, index: 0 }

describe('what it tells of itself', () => {
  it('its name', async () => {
    const answer = await ask(getId)
    expect(answer).toMatchObject({ type: 'completed', code: 0x10, sub: 0x00, result: 0 })
    expect(hex(qpos.decodeQposId(answer.data).posId)).toBe('0000000001')
  })

  it('battery in percent and millivolts, charging, firmware: as they are now', async () => {
    body.setBattery({ percent: 43 })
    const info = qpos.decodeQposInfo((await ask(getInfo)).data)
    expect(info).toMatchObject({ percent: 43, millivolts: 3687, charging: false, firmware: '1.0.0', hardware: 'A27C', keyboard: true })
    body.setBattery({ percent: 44, millivolts: 3700, charging: true })
    expect(qpos.decodeQposInfo((await ask(getInfo)).data)).toMatchObject({ percent: 44, millivolts: 3700, charging: true, usb: true })
  })
})

describe('waiting for a card', () => {
  it('says busy until there is one, and never speaks first', async () => {
    expect(await ask(doTrade())).toMatchObject({ type: 'waiting', code: 0x16, sub: 0x20 })
    expect(body.screen.lines).toEqual(['Present card.', '2500.00 RUB'])
    expect(body.light).toBe('waiting')
    expect(await ask(query)).toMatchObject({ type: 'waiting', code: 0x16, sub: 0x20 })
    body.insert(chipOnly)
    await clock.advance(5000)
    expect(host.incoming.size).toBe(0)
    const answer = await ask(query)
    expect(answer).toMatchObject({ type: 'completed', code: 0x16, sub: 0x20, result: 0 })
    expect(hex(answer.data)).toBe('0100')
    expect(body.screen.message).toBe('reader.processing')
  })

  it('the frames are those of the vendor’s layout, byte for byte', async () => {
    const { send, seen } = await rawLine()
    await send(qpos.host.encode(doTrade()))
    await clock.advance(400)
    body.insert(chipOnly)
    await send(fromHex('4D00062200005A000033'))
    await clock.advance(400)
    expect(seen).toEqual(['4D0006231620000000' + '5E', '4D00082416200000020100' + '54'])
  })

  it('a card that is in the slot already is found at once', async () => {
    body.insert(chipOnly)
    expect(types(await run(doTrade()))).toEqual(['completed'])
  })

  it('a card that was left in the slot is to be taken out first', async () => {
    body.insert(chipOnly)
    await run(doTrade())
    await ask({ type: 'cancel' })
    expect((await ask(doTrade())).type).toBe('waiting')
    expect(body.screen.lines).toEqual(['PLEASE REMOVE CARD'])
    body.pull()
    await clock.advance(1)
    expect(body.screen.lines).toEqual(['Present card.', '2500.00 RUB'])
    body.insert(chipOnly)
    expect(types(await run(query))).toEqual(['completed'])
    await ask({ type: 'cancel' })
    expect(types(await run(doTrade({}, 3)))).toEqual(['waiting', 'timeout'])
  })

  it('gives up after the delay of the frame', async () => {
    const began = clock.now()
    expect(types(await run(doTrade({}, 7)))).toEqual(['waiting', 'timeout'])
    expect(Math.round((clock.now() - began) / 1000)).toBe(7)
    expect(body.screen.message).toBe('reader.cancelled')
    await clock.advance(5000)
    expect(body.screen.message).toBe('reader.idle')
  })

  it('ends by CANCEL on the keypad, by the host’s cancel, by a reset', async () => {
    const stop = cardholder(body, { card: chipOnly, present: 'dip', cancelAt: 'card' })
    expect(types(await run(doTrade()))).toEqual(['waiting', 'userCancel'])
    stop()
    await ask(doTrade())
    expect(await ask({ type: 'cancel' })).toMatchObject({ type: 'userCancel', code: 0x16, sub: 0x20 })
    await ask(doTrade())
    expect(await ask({ type: 'reset' })).toMatchObject({ type: 'reset', code: 0, sub: 0 })
    expect(await ask(query)).toMatchObject({ type: 'notAvailable' })
    expect(types(await run(doTrade({}, 1)))).toEqual(['waiting', 'timeout'])
  })

  it('the published cancel and reset frames are understood', async () => {
    const [a, b] = pipe({ clock })
    const device = qpos.device.decoder()
    expect(device.push(fromHex('4D000628000005000066'))).toEqual([{ type: 'cancel', delay: 5 }])
    expect(device.push(fromHex('4D0006200000FE000095'))).toEqual([{ type: 'reset', delay: 0xfe }])
    await Promise.all([a.close(), b.close()])
    expect(await ask({ type: 'cancel', delay: 5 })).toMatchObject({ type: 'userCancel' })
  })

  it('a card with a broken chip is no ICC', async () => {
    body.insert({ stripe: stripe('201') })
    expect(types(await run(doTrade()))).toEqual(['iccPowerOnError'])
    await clock.advance(3000)
    expect(body.screen.message).toBe('reader.removeCard')
    body.pull()
    await clock.advance(3000)
    expect(body.screen.message).toBe('reader.idle')
  })

  it('a tap is sent to the slot, and never shows a list', async () => {
    const stop = cardholder(body, { card: chipOnly, present: 'tap' })
    expect(types(await run(doTrade()))).toEqual(['waiting', 'tryAnotherInterface'])
    expect(body.screens.some(({ message }) => message === 'reader.selectApplication')).toBe(false)
    await clock.advance(5000)
    stop()
  })

  it('tap alone is refused by name, not awaited', async () => {
    expect(types(await run(doTrade({ cardMode: 7 })))).toEqual(['notAvailable'])
    expect(faults.map(({ code, details }) => [code, details.feature])).toEqual([['unsupported', 'tap']])
  })

  it('EMV without a card, a choice that was not asked, an unknown command', async () => {
    const start = { option: 0, tradeType: 1, time: '20260326105200', amount: '100', cashback: '', currency: 643, last: 20 }
    expect(types(await run({ type: 'command', command: 'startEmv', delay: 60, start }))).toEqual(['cardRemoved'])
    expect(await ask(selectApp)).toMatchObject({ type: 'notAvailable', code: 0x16, sub: 0x31 })
    expect(await ask({ type: 'raw', id: 0x21, code: 0x99, sub: 0x01, delay: 5, data: new Uint8Array(0) })).toMatchObject({
      type: 'notAvailable',
      code: 0x99,
      sub: 0x01,
    })
    expect(await ask({ type: 'partData' })).toMatchObject({ type: 'notAvailable' })
  })

  it('a second command while it waits is refused, and the first goes on', async () => {
    await ask(doTrade())
    expect(await ask(getInfo)).toMatchObject({ type: 'notAvailable', code: 0x11 })
    body.insert(chipOnly)
    expect(await ask(query)).toMatchObject({ type: 'completed', code: 0x16, sub: 0x20 })
  })

  it('EMV asked after the card is gone says so', async () => {
    body.insert(chipOnly)
    await run(doTrade())
    body.pull()
    const start = { option: 0, tradeType: 1, time: '20260326105200', amount: '100', cashback: '', currency: 643, last: 20 }
    expect(types(await run({ type: 'command', command: 'startEmv', delay: 60, start }))).toEqual(['cardRemoved'])
  })

  it('cancelled between card and EMV, it gives the card back', async () => {
    body.insert(chipOnly)
    await run(doTrade())
    expect(await ask({ type: 'cancel' })).toMatchObject({ type: 'userCancel' })
    await clock.advance(2000)
    expect(body.screen.message).toBe('reader.removeCard')
  })
})

describe('swipe', () => {
  it('leaves masked and enciphered under a key of its own, that only the base key opens', async () => {
    const stop = cardholder(body, { card: { stripe: stripe('101') }, present: 'swipe' })
    const [first] = (await run(doTrade())).slice(-1)
    const [second] = (await run(doTrade())).slice(-1)
    stop()
    const cards = [first, second].map(answer => {
      const trade = qpos.decodeTradeAnswer(answer.data)
      if (trade.type !== 'swipe') throw new Error(trade.type)
      return trade.card
    })
    expect(cards.map(card => transactionCounter(card.trackKsn!))).toEqual([1, 2])
    expect(cards[0]).toMatchObject({ maskedPan: '220000XXXXXX0004', expiry: '3012', serviceCode: '101', cardholderName: 'IVANOV/IVAN' })
    expect(cards[0].pinBlock).toBeUndefined()
    for (const { trackKsn, encTrack1, encTrack2, trackLengths } of cards) {
      const key = dataKey(transactionKey(ipek, trackKsn!))
      const open = (data: Uint8Array, at: number) => text(decryptCbc(key, data).subarray(0, trackLengths![at]))
      expect([open(encTrack1!, 0), open(encTrack2!, 1)]).toEqual([stripe('101')!.track1, stripe('101')!.track2])
    }
    expect(text(first.data)).not.toContain(pan)
  })

  it('takes the PIN where the service code wants one, enciphered under the same key', async () => {
    const stop = cardholder(body, { card: { stripe: stripe('126') }, present: 'swipe', pins: ['4321'] })
    const answers = await run(doTrade())
    stop()
    expect(types(answers)).toEqual(['waiting', 'pinEntry', 'waiting', 'completed'])
    const trade = qpos.decodeTradeAnswer(answers.at(-1)!.data)
    if (trade.type !== 'swipe') throw new Error(trade.type)
    const { pinBlock, pinKsn, trackKsn } = trade.card
    expect(hex(pinKsn!)).toBe(hex(trackKsn!))
    expect(decodeFormat0(decryptEcb(pinKey(transactionKey(ipek, pinKsn!)), pinBlock!), pan)).toEqual(Uint8Array.of(4, 3, 2, 1))
  })

  it('no PIN when the host only checks the card', async () => {
    const stop = cardholder(body, { card: { stripe: stripe('126') }, present: 'swipe' })
    expect(types(await run(doTrade({ tradeMode: 1 })))).toEqual(['waiting', 'completed'])
    stop()
  })

  it('CANCEL or silence at the PIN ends it', async () => {
    const stop = cardholder(body, { card: { stripe: stripe('126') }, present: 'swipe' })
    expect(types(await run(doTrade())).at(-1)).toBe('userCancel')
    stop()
    const swipeOnly = cardholder(body, { card: { stripe: stripe('126') }, present: 'swipe', pins: ['1234'], pace: { think: 100_000 } })
    expect(types(await run(doTrade({}, 60))).at(-1)).toBe('timeout')
    swipeOnly()
  })

  it('a chip card is sent to the slot, and the host told', async () => {
    const stop = cardholder(body, { card: { ...chipOnly, stripe: stripe('201') }, present: 'swipe' })
    const answers = await run(doTrade())
    stop()
    expect(types(answers)).toEqual(['waiting', 'magToIcc', 'completed'])
    expect(hex(answers.at(-1)!.data)).toBe('0100')
    expect(body.screens.map(({ message }) => message)).toContain('reader.insertCard')
  })

  it('a bad swipe may be repeated', async () => {
    await ask(doTrade())
    body.swipe({ stripe: { track2: '2200000000000005=3012101' } })
    await clock.advance(1)
    expect(body.screen.lines[0]).toBe('TRY AGAIN')
    body.swipe({ stripe: stripe('101') })
    expect(types(await run(query))).toEqual(['completed'])
  })
})

describe('a reader that will not', () => {
  it('refuses a payment at a critical battery, unless it is charging', async () => {
    body.setBattery({ percent: 4 })
    expect(types(await run(doTrade()))).toEqual(['notAvailable'])
    expect(body.screen.message).toBe('reader.lowBattery')
    expect(faults.map(({ code }) => code)).toEqual(['low-battery'])
    body.plug()
    expect((await ask(doTrade())).type).toBe('waiting')
  })

  it('says that it was opened, then and ever after, also in the middle', async () => {
    await ask(doTrade())
    body.tamper()
    expect(await ask(query)).toMatchObject({ type: 'destruct' })
    expect(await ask(doTrade())).toMatchObject({ type: 'destruct' })
    expect((await ask(getInfo)).type).toBe('completed')
  })

  it('dark at 0 %: the link breaks; charged and switched on it is there again', async () => {
    await ask(doTrade())
    body.setBattery({ percent: 0 })
    await clock.settle(serving)
    expect((await clock.settle(host.closed))?.code).toBe('link-closed')
    body.plug()
    body.switchOn()
    connect()
    expect((await ask(getId)).type).toBe('completed')
  })
})

describe('connections', () => {
  it('one host at a time; after a loss the next finds it idle, with its keys where they were', async () => {
    const stop = cardholder(body, { card: { stripe: stripe('101') }, present: 'swipe' })
    await run(doTrade())
    stop()
    const [, extra] = pipe({ clock })
    await expect(reader.serve(extra)).rejects.toMatchObject({ code: 'busy' })
    await ask(doTrade())
    await clock.settle(host.close())
    await clock.settle(serving)
    await clock.advance(5000)
    expect(body.screen.message).toBe('reader.idle')
    connect()
    expect(await ask(query)).toMatchObject({ type: 'notAvailable' })
    const again = cardholder(body, { card: { stripe: stripe('101') }, present: 'swipe' })
    const trade = qpos.decodeTradeAnswer((await run(doTrade())).at(-1)!.data)
    again()
    expect(trade.type === 'swipe' && transactionCounter(trade.card.trackKsn!)).toBe(2)
  })

  it('an answer that was not fetched is not lost, and may be asked for again', async () => {
    await ask(doTrade({}, 2))
    await clock.advance(10_000)
    expect(await ask(query)).toMatchObject({ type: 'timeout', code: 0x16, sub: 0x20 })
    expect(await ask(query)).toMatchObject({ type: 'timeout', code: 0x16, sub: 0x20 })
  })

  it('long answers go in parts, each asked for', async () => {
    start({ partSize: 10 })
    const parts: qpos.DeviceMessage[] = [await ask(getInfo)]
    while (parts.at(-1)!.type === 'partData') parts.push(await ask({ type: 'partData' }))
    expect(parts.length).toBeGreaterThan(2)
    expect(parts.slice(0, -1).every(({ data }) => data.length === 10)).toBe(true)
    expect(parts.at(-1)).toMatchObject({ type: 'completed', code: 0x11, sub: 0x30 })
    const whole = Uint8Array.from(parts.flatMap(({ data }) => [...data]))
    expect(qpos.decodeQposInfo(whole)).toMatchObject({ percent: 80, firmware: '1.0.0' })
  })
})

describe('faults of the line', () => {
  it('bytes one by one, slow, behind noise: still understood', async () => {
    Object.assign(reader.faults, { chunk: 1, noise: 3, delay: 200 })
    expect((await ask(getInfo)).type).toBe('completed')
  })

  it('silent, dropped or corrupted: no answer reaches the host, and it goes on when the line is good', async () => {
    for (const fault of [{ silent: true }, { drop: 1 }, { corrupt: 1 }]) {
      Object.assign(reader.faults, { silent: false, drop: undefined, corrupt: undefined }, fault)
      await expect(ask(getInfo, 2000)).rejects.toMatchObject({ code: 'timeout' })
    }
    Object.assign(reader.faults, { corrupt: undefined })
    expect((await ask(getInfo)).type).toBe('completed')
    reader.faults.drop = 2
    const answers = await Promise.allSettled(
      [1, 2, 3, 4].map(() => host.ask(getId, { timeout: 1000 }).catch(error => error.code)).map(one => clock.settle(one)),
    )
    expect(answers.filter(one => one.status === 'fulfilled' && one.value === 'timeout')).toHaveLength(2)
  })

  it('whatever a host sends, the reader lives and goes on', async () => {
    const { send, seen } = await rawLine()
    const good = [doTrade({}, 1), getInfo, query, selectApp, { type: 'cancel' }, { type: 'reset' }, { type: 'partData' }] as const
    const mutated = fc
      .tuple(fc.constantFrom(...good), fc.nat(), fc.integer({ min: 0, max: 255 }))
      .map(([message, at, byte]) => qpos.host.encode(message).with(at % qpos.host.encode(message).length, byte))
    // Any command at all, with a check that is right.
    const anyFrame = fc
      .tuple(
        fc.constantFrom(0x20, 0x21, 0x22, 0x28, 0x36),
        fc.constantFrom(0x10, 0x11, 0x16),
        fc.constantFrom(0, 0x20, 0x30, 0x31, 0x40, 0x51),
        fc.uint8Array({ maxLength: 80 }),
      )
      .map(([id, code, sub, data]) => qpos.encodeFrame({ id, code, sub, parameter: 1, data }))
    const sent = fc.array(fc.oneof(mutated, anyFrame, fc.uint8Array({ maxLength: 40 })), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(sent, async pieces => {
        for (const piece of pieces) await send(piece)
        await clock.advance(3000)
        await send(qpos.host.encode({ type: 'reset' }))
        await clock.advance(1000)
        seen.length = 0
        await send(qpos.host.encode(getId))
        await clock.advance(1000)
        const decoder = qpos.host.decoder()
        expect(seen.flatMap(chunk => decoder.push(fromHex(chunk))).map(({ type, code }) => [type, code])).toEqual([['completed', 0x10]])
      }),
      { numRuns: 300, seed: 20260326 },
    )
    faults.length = 0
  })

  it('garbage and a false start before a command do not hide it', async () => {
    const { send, seen } = await rawLine()
    await send(fromHex('FF004D00504D'))
    await send(qpos.host.encode(getId))
    await clock.advance(1000)
    await send(fromHex('4D270A21100000270400')) // a start that promises more than comes: silence ends it
    await clock.advance(1000)
    await send(qpos.host.encode(getInfo))
    await clock.advance(1000)
    const decoder = qpos.host.decoder()
    const answers = seen.flatMap(chunk => decoder.push(fromHex(chunk))).map(({ type, code }) => `${type} ${code.toString(16)}`)
    expect(answers).toEqual(['completed 10', 'completed 11'])
  })
})
