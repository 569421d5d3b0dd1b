/** The virtual BluePad on the wire, with a scripted host: what it answers, what it refuses, and what it takes of a link that breaks. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type DeviceMessage, elements, financialStatuses, type HostMessage, line, statuses } from '../../../devices/bluepad/codec.ts'
import { MpedLine, type Said } from '../../../devices/bluepad/session.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { cardholder } from '../../../simulator/readers/body/cardholder.ts'
import { fromText, hex } from '../../../src/bytes.ts'
import { Queue } from '../../../src/queue.ts'
import { pipe } from '../../../src/transport/pipe.ts'
import { Bench } from './bench.ts'

let bench: Bench
let host: MpedLine
beforeEach(() => {
  bench = new Bench()
  host = new MpedLine(bench.connect(), bench.clock)
})
afterEach(async () => {
  await bench.clock.settle(host.close())
  await bench.close()
})

const none = new Uint8Array(0)
const sale: HostMessage = { type: 'sale', currency: 643, amount: 250_000, cardPresent: true, transactionId: '', xml: '' }
const ask = <T extends DeviceMessage['type']>(message: HostMessage, answer: T, timeout?: number) =>
  bench.clock.settle(host.ask(message, answer, { timeout }))
const status = async <T extends DeviceMessage['type']>(message: HostMessage, answer: T) =>
  ((await ask(message, answer)) as { status: number }).status

describe('what it tells of itself', () => {
  it('who it is, in the order of the fields', async () => {
    const { answer } = await ask({ type: 'init', at: '20260326105200', xml: '' }, 'initAnswer')
    expect(answer).toMatchObject({ bufferSize: 200, serial: '000918900518', application: 'tapdip', applicationVersion: 0x0100 })
    expect(elements(answer!.xml).get('BluetoothName')).toBe('PP0918900518')
  })

  it('its battery, as it is now', async () => {
    bench.body.setBattery({ percent: 43 })
    const told = elements((await ask({ type: 'idle' }, 'idleAnswer')).xml)
    expect([told.get('BatteryStatus'), told.get('BatterymV'), told.get('BatteryCharging')]).toEqual(['43%', '3687', 'false'])
  })

  it('the bytes of an idle request and its acknowledgement are the vendor’s', async () => {
    await bench.clock.settle(host.close())
    const link = bench.connect()
    const seen: string[] = []
    const reading = (async () => {
      for await (const chunk of link.incoming) seen.push(hex(chunk))
    })()
    await link.send(line.encode({ type: 'frame', data: fromText('I010000000'), last: true }))
    await bench.clock.advance(100)
    expect(seen[0]).toBe('1006')
    expect(seen[1]).toMatch(/^100249303131303030313030/) // I011 0001 00…
    await link.close()
    await reading
  })
})

describe('what it refuses', () => {
  it('what is no payment, and a void that it cannot find', async () => {
    expect(await status({ ...sale, type: 'saleVoid' } as HostMessage, 'saleVoidAnswer')).toBe(statuses.COMMAND_NOT_ALLOWED)
    expect(await status({ type: 'endDay' }, 'endDayAnswer')).toBe(statuses.COMMAND_NOT_ALLOWED)
    expect(await status({ type: 'command', xml: '<getReport/>' }, 'commandAnswer')).toBe(statuses.COMMAND_NOT_ALLOWED)
    expect(await status({ type: 'logInfo' }, 'logInfoAnswer')).toBe(statuses.COMMAND_NOT_ALLOWED)
    expect(await status({ type: 'startParameters', data: none }, 'startParametersAnswer')).toBe(statuses.COMMAND_NOT_ALLOWED)
  })

  it('a sale in a currency that nobody knows', async () => {
    const { status, answer } = await ask({ ...sale, currency: 1 } as HostMessage, 'saleAnswer')
    expect(status).toBe(statuses.UNSUPPORTED_CURRENCY)
    expect(answer?.financial).toBe(financialStatuses.notProcessed)
    expect(bench.faults.splice(0).map(({ code }) => code)).toEqual(['bad-argument'])
  })

  it('a block of firmware that nobody began', async () => {
    expect(await status({ type: 'fileData', data: new Uint8Array(20) }, 'fileDataAnswer')).toBe(statuses.INVALID_DATA)
    expect(await status({ type: 'softwareConfirm', data: none }, 'softwareConfirmAnswer')).toBe(statuses.INVALID_DATA)
  })

  it('a second sale, and firmware, while one is under way; a cancel ends it', async () => {
    const heard = new Queue<Said>()
    host.hear(heard)
    await bench.clock.settle(host.send(sale))
    await bench.clock.advance(100)
    await bench.clock.settle(host.send(sale))
    await bench.clock.settle(host.send({ type: 'softwareRequest', data: none }))
    await bench.clock.advance(100)
    await host.tell({ type: 'idle' })
    await bench.clock.advance(1000)
    const said: Said[] = []
    while (heard.size > 0) said.push((await heard.next())!)
    expect(said.map(one => ('status' in one ? `${one.type} ${one.status.toString(16)}` : one.type))).toEqual([
      ...['event 14', 'saleAnswer 4', 'softwareRequestAnswer 4', 'saleAnswer 25'],
    ])
    await bench.clock.advance(5000)
  })

  it('to be a reader of a dialect that has no bytes', () => {
    expect(() => new Bench({ dialect: 'emv2' })).toThrow(/virtualEmv2/)
  })

  it('a second host', async () => {
    const [, b] = pipe()
    await expect(bench.device.serve(b)).rejects.toMatchObject({ code: 'busy' })
  })
})

describe('a host that breaks off', () => {
  it('in the middle of a payment: the card is given back, the next host finds an idle reader', async () => {
    const leave = cardholder(bench.body, { card: loadCard('mir-maestro'), present: 'dip', pace: { think: 60_000 } })
    await bench.clock.settle(host.send(sale))
    await bench.clock.advance(3000)
    expect(bench.body.screen.message).toBe('reader.selectApplication')
    await bench.lose()
    expect(bench.screens.slice(-3)).toEqual(['CANCELLED', 'PLEASE REMOVE CARD', 'WELCOME'])
    leave()
    host = new MpedLine(bench.connect(), bench.clock)
    expect(await status({ type: 'idle' }, 'idleAnswer')).toBe(statuses.SUCCESS)
  })

  it('that never answers what it is asked: the card decides, and the reader ends by itself', async () => {
    const leave = cardholder(bench.body, { card: loadCard('mir-maestro'), present: 'dip', pins: ['1234'] })
    const { answer } = await ask(sale, 'saleAnswer', 400_000)
    expect(answer?.financial).toBe(financialStatuses.declined)
    expect(bench.faults.splice(0).map(({ code }) => code)).toEqual(['timeout'])
    await bench.clock.advance(5000)
    leave()
  })

  it('by switching it off: it hears nothing until it is on again', async () => {
    bench.body.switchOff()
    await bench.clock.advance(100)
    expect(await host.closed).toMatchObject({ code: 'link-closed' })
    bench.body.switchOn()
    host = new MpedLine(bench.connect(), bench.clock)
    expect(await status({ type: 'idle' }, 'idleAnswer')).toBe(statuses.SUCCESS)
  })
})
