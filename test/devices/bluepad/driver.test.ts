/** The BluePad driver with a scripted reader as the vendor's are: a host of its own, no words of ours, and all that can go wrong in between. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type DeviceMessage, device, type FinanceAnswer, type HostMessage, line, statuses, xml } from '../../../devices/bluepad/codec.ts'
import { type BluepadOptions, openBluepad } from '../../../devices/bluepad/driver.ts'
import { DeviceLine } from '../../../simulator/readers/bluepad/mped-line.ts'
import { hearHost } from '../../../simulator/readers/hear.ts'
import { fromText, text } from '../../../src/bytes.ts'
import { sleep, VirtualClock } from '../../../src/clock.ts'
import type { Outcome } from '../../../src/emv/outcome.ts'
import type { Terminal } from '../../../src/emv/terminal.ts'
import type { Reader, ReaderEvent } from '../../../src/reader/reader.ts'
import { type PipeEnd, pipe } from '../../../src/transport/pipe.ts'
import { purchase } from './bench.ts'

let clock: VirtualClock
let link: PipeEnd
let far: PipeEnd
let peer: DeviceLine
let serving: Promise<void>
let heard: HostMessage[]
let controls: string[]
let reader: Reader | undefined
let events: ReaderEvent[]
/** What the scripted reader does with each request. */
let script: Partial<Record<HostMessage['type'], (message: never) => void | Promise<void>>>
let scripts: Promise<unknown>[]

const init: DeviceMessage = {
  type: 'initAnswer',
  status: 1,
  answer: {
    ...{ bufferSize: 200, serial: '000123400123', publicKeyVersion: 1, emvVersion: 7, generalVersion: 1, manufacturer: 1, model: 2 },
    ...{ application: 'mPOS', applicationVersion: 0x0107, xml: xml('InitResponse', { TransactionResultPending: false }) },
  },
}
const answer = (fields: Partial<FinanceAnswer> = {}): FinanceAnswer => ({
  ...{ financial: 1, amount: 250_000, transactionId: 'ec174bfe', merchantReceipt: '<html/>', customerReceipt: '<html/>' },
  xml: xml('FinancialTransactionResponse', { CVM: 'PIN', CardEntryType: 'ICC', CardSchemeName: 'VISA', FinancialStatus: 'AUTHORISED' }),
  ...fields,
})
const event = (status: number, cancelAllowed = true) =>
  peer.say({
    type: 'event',
    status,
    xml: xml('EventInfoResponse', { CancelAllowed: cancelAllowed, BatteryStatus: '57%', BatterymV: 3800 }),
  })
const finish = (status: number, fields?: Partial<FinanceAnswer> | 'nothing') =>
  peer.say({ type: 'saleAnswer', status, answer: fields === 'nothing' ? undefined : answer(fields) })

beforeEach(() => {
  clock = new VirtualClock()
  heard = []
  controls = []
  events = []
  scripts = []
  reader = undefined
  script = { init: () => peer.say(init) }
  connect()
})
function connect(): void {
  const [a, b] = pipe({ clock })
  link = a
  far = b
  peer = new DeviceLine(bytes => b.send(bytes), clock, {}, 200)
  const own = peer
  serving = hearHost(b, line.decoder(), clock, item => {
    if (item.type !== 'frame' && item.type !== 'damaged') controls.push(item.type)
    const said = own.hear(item)
    if (!said || said.type === 'end') return
    heard.push(said)
    const doing = script[said.type]?.(said as never)
    if (doing) scripts.push(doing.catch(() => {}))
  })
}
afterEach(async () => {
  if (reader) await clock.settle(reader.close())
  await link.close()
  await clock.settle(serving)
  peer.close()
  await clock.settle(Promise.all(scripts))
  expect(clock.pending).toBe(0)
})

async function open(options: BluepadOptions = {}): Promise<Reader> {
  reader = await clock.settle(openBluepad(link, { clock, ...options }))
  const { events: told } = reader
  void (async () => {
    for await (const one of told) events.push(one)
  })()
  return reader
}
const never: Terminal = {
  selectApplication: () => Promise.reject(new Error('not the app’s')),
  authorise: () => Promise.reject(new Error('not the app’s')),
}
const pay = (signal?: AbortSignal, terminal: Partial<Terminal> = {}): Promise<Outcome> =>
  clock.settle(reader!.transact(purchase, { ...never, ...terminal }, signal ? { signal } : {}))

const request = fromText('POST /cr/v1/authorization HTTP/1.1\r\nHost: gateway.example\r\n\r\n\x02\x0b')
const response = fromText('HTTP/1.1 200 OK\r\n\r\n\x03')
const wants = { address: 'gateway.example', port: 443, timeout: 30 }
let got: Uint8Array | undefined
const signal = new AbortController().signal
/** Connect, send, receive, disconnect, and the answer that follows from it. */
const asks =
  (sends = 1) =>
  async () => {
    await event(statuses.CONNECTING, false)
    const connected = await peer.ask({ type: 'hostConnect', ...wants }, 'connectAnswer', { signal })
    if (connected.status !== statuses.SUCCESS) return finish(connected.status, { financial: 2 })
    for (let send = 0; send < sends; send++) await peer.ask({ type: 'hostSend', timeout: 30, data: request }, 'sendAnswer', { signal })
    const { status, answer: data } = await peer.ask({ type: 'hostReceive', size: 4096, timeout: 60 }, 'receiveAnswer', {
      timeout: 60_000,
      signal,
    })
    got = data
    await peer.ask({ type: 'hostDisconnect' }, 'disconnectAnswer', { signal })
    await finish(status, { financial: data ? 1 : 2 })
  }

describe('a reader of the vendor’s', () => {
  it('says who it is, and is sent no word of ours', async () => {
    await open()
    expect(reader!.info).toEqual({
      ...{ family: 'bluepad', serial: '000123400123', firmware: 'mPOS 1.7', hardware: '1.2', configuration: '7' },
      fallback: 'reader',
      capabilities: ['chip', 'tap', 'swipe', 'pinPad', 'display'],
      applicationSelection: 'reader',
    })
    script.sale = () => finish(statuses.SUCCESS)
    await pay()
    expect(heard.map(({ type }) => type)).toEqual(['init', 'sale'])
    expect(JSON.stringify(heard)).not.toContain('Tapdip')
    for (const [transaction, feature] of [
      [{ ...purchase, interfaces: ['chip'] as const }, 'interfaces'],
      [{ ...purchase, forceOnline: true }, 'forced online'],
    ] as const)
      await expect(reader!.transact(transaction, never)).rejects.toThrow(feature)
    await expect(reader!.updateFirmware!(new Uint8Array(5000))).rejects.toMatchObject({ code: 'unsupported' })
    expect(heard).toHaveLength(2)
  })

  it('that does not know XML is introduced to without', async () => {
    let times = 0
    script.init = () => peer.say(times++ === 0 ? { type: 'initAnswer', status: statuses.INVALID_DATA, answer: undefined } : init)
    await open()
    expect(heard.map(one => one.type === 'init' && one.xml !== '')).toEqual([true, false])
  })

  it('that refuses to be introduced to', async () => {
    script.init = () => peer.say({ type: 'initAnswer', status: statuses.PROCESSING_ERROR, answer: undefined })
    await expect(open()).rejects.toMatchObject({ code: 'reader-error', details: { code: 'PROCESSING_ERROR' } })
  })

  it('tells of a payment in its own words', async () => {
    await open({ carry: async () => response })
    script.sale = async () => {
      for (const status of [0x14, 0x15, 0x16, 0x19, 0x24, 0x1b]) await event(status)
      await asks()()
    }
    expect(await pay()).toMatchObject({
      ...{ result: 'approved', interface: 'chip', cvm: 'onlinePin', online: true, application: { label: 'VISA' } },
    })
    expect(events.filter(({ type }) => type !== 'display')).toEqual([
      { type: 'card', event: 'inserted' },
      { type: 'application-selection', where: 'reader' },
      { type: 'pin', event: 'started' },
      { type: 'pin', event: 'ok' },
    ])
    script.idle = () => peer.say({ type: 'idleAnswer', status: 1, xml: '' })
    expect(await clock.settle(reader!.status())).toEqual({ battery: { percent: 57, millivolts: 3800 } })
  })

  it('that wants the merchant’s secret hears that there is none', async () => {
    await open()
    script.sale = async () => {
      await peer.say({ type: 'challenge', random: fromText('12345678'), xml: '' })
      await sleep(1000, clock)
      await finish(statuses.SHARED_SECRET_INVALID, { financial: 4 })
    }
    await expect(pay()).rejects.toMatchObject({ code: 'reader-error', details: { code: 'SHARED_SECRET_INVALID' } })
  })
})

describe('its own host', () => {
  it.each([1, 2])('is reached through the app: bytes there and bytes back (said %i times, carried once)', async sends => {
    const calls: unknown[] = []
    await open({
      carry: async call => {
        calls.push({ ...call, request: text(call.request) })
        return response
      },
    })
    script.sale = asks(sends)
    expect(await pay()).toMatchObject({ result: 'approved', online: true })
    expect(calls).toEqual([{ ...wants, request: text(request) }])
    expect(got).toEqual(response)
  })

  it('in one message', async () => {
    await open({ carry: async () => response })
    script.sale = async () => {
      const post: DeviceMessage = { type: 'hostPost', ...wants, secondPort: 0, secondAddress: '', data: request }
      const { answer: data } = await peer.ask(post, 'receiveAnswer', { signal })
      await finish(statuses.SUCCESS, { financial: data ? 1 : 2 })
    }
    expect(await pay()).toMatchObject({ result: 'approved', online: true })
  })

  it('without a way there is told so, and the payment is declined', async () => {
    await open()
    script.sale = asks()
    expect(await pay()).toMatchObject({ result: 'declined', reason: 'unableToGoOnline', online: false })
    script.sale = async () => {
      const post: DeviceMessage = { type: 'hostPost', ...wants, secondPort: 0, secondAddress: '', data: request }
      await finish((await peer.ask(post, 'receiveAnswer', { signal })).status, { financial: 2 })
    }
    expect(await pay()).toMatchObject({ result: 'declined', reason: 'unableToGoOnline', online: false })
  })

  it('that does not answer: the reader is told, and decides', async () => {
    await open({ carry: () => Promise.reject(new Error('no route')) })
    script.sale = asks()
    expect(await pay()).toMatchObject({ result: 'declined', reason: 'unableToGoOnline', online: true })
  })

  it('declines: the reader’s word is the host’s', async () => {
    await open({ carry: async () => response })
    script.sale = async () => {
      await peer.ask({ type: 'hostConnect', ...wants }, 'connectAnswer', { signal })
      await peer.ask({ type: 'hostSend', timeout: 30, data: request }, 'sendAnswer', { signal })
      await finish(statuses.SUCCESS, { financial: 2 })
    }
    expect(await pay()).toMatchObject({ result: 'declined', reason: 'hostDeclined', online: true })
  })

  it('was asked when the link or the session broke: nobody knows', async () => {
    await open({ carry: () => new Promise(() => {}) })
    script.sale = async () => {
      await peer.ask({ type: 'hostConnect', ...wants }, 'connectAnswer', { signal })
      await peer.ask({ type: 'hostSend', timeout: 30, data: request }, 'sendAnswer', { signal })
      await peer.say({ type: 'raw', payload: fromText('nonsense') })
    }
    expect(await pay()).toMatchObject({ result: 'unknown', reason: 'readerError' })
    expect(controls).toContain('end')
    script.idle = () => peer.say({ type: 'idleAnswer', status: 1, xml: '' }) // nothing is under way any more
    script.sale = async () => {
      await peer.ask({ type: 'hostConnect', ...wants }, 'connectAnswer', { signal })
      await peer.ask({ type: 'hostSend', timeout: 30, data: request }, 'sendAnswer', { signal })
      link.drop()
    }
    expect(await pay()).toMatchObject({ result: 'unknown', reason: 'linkLost' })
  })

  it('is not asked any more once the app has cancelled', async () => {
    const stop = new AbortController()
    await open({ carry: () => Promise.reject(new Error('must not be called')) })
    script.sale = async () => {
      await event(statuses.CONNECTING, false)
      stop.abort()
      await clock.advance(0)
      await asks()()
    }
    expect(await pay(stop.signal)).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled', online: false })
  })
})

describe('how it ends', () => {
  it.each([
    ['INPUT_TIMEOUT', 4, 'cancelled cardTimeout'],
    ['USER_CANCELLED', 5, 'cancelled cardholderCancelled'],
    ['POS_CANCELLED', 5, 'cancelled merchantCancelled'],
    ['CARD_BLOCKED', 4, 'declined cardBlocked'],
    ['CARD_CANCELLED', 2, 'declined cardError'],
    ['INVALID_CARD', 4, 'declined noApplication'],
    ['CARD_READING_FAILED', 4, 'declined cardMute'],
    ['NO_HOST_AVAILABLE', 4, 'declined unableToGoOnline'],
    ['SUCCESS', 2, 'declined offlineDeclined'],
    ['SUCCESS', 0x82, 'declined offlineDeclined'],
    ['SUCCESS', 0x81, 'unknown readerError'], // no host was reached through the app
    ['SUCCESS', 5, 'cancelled cardholderCancelled'],
    ['BATTERY_TOO_LOW', 4, 'low-battery'],
    ['UNSUPPORTED_CURRENCY', 4, 'unsupported'],
    ['PROCESSING_ERROR', 4, 'reader-error'],
    ['SUCCESS', 4, 'reader-error'],
    ['SUCCESS', 77, 'reader-error'],
  ] as const)('status %s, financial status %i: %s', async (status, financial, ends) => {
    await open()
    script.sale = () => finish(statuses[status], { financial })
    const outcome = await pay().catch(fault => fault)
    expect(outcome.result ? `${outcome.result} ${outcome.reason}` : outcome.code).toBe(ends)
  })

  it('an answer without data', async () => {
    await open()
    script.sale = () => finish(statuses.CARD_READER_ERROR, 'nothing')
    await expect(pay()).rejects.toMatchObject({ code: 'reader-error', details: { code: 'CARD_READER_ERROR' } })
  })

  it('a word that the reader may not give is not believed', async () => {
    await open()
    script.sale = () =>
      finish(statuses.SUCCESS, { financial: 2, xml: xml('R', { TapdipReason: 'linkLost', TapdipFault: 'internal', TapdipData: '5A' }) })
    expect(await pay()).toMatchObject({ result: 'declined', reason: 'offlineDeclined' })
  })
})

describe('silence', () => {
  it('after the beginning: asked to give up, then the session is ended', async () => {
    await open()
    script.sale = () => event(statuses.WAITING_CARD)
    const since = clock.now()
    await expect(pay()).rejects.toMatchObject({ code: 'timeout' })
    expect(clock.now() - since).toBe(122_000)
    expect([...new Set(heard.map(({ type }) => type))]).toEqual(['init', 'sale', 'idle'])
    expect(controls).toContain('end')
  })

  it('a long frame that takes its time on the way is not cut into by a NAK, and is heard', async () => {
    await open()
    const [bytes] = device.frames({ type: 'saleAnswer', status: statuses.USER_CANCELLED, answer: answer({ financial: 5 }) }, 2048)
    script.sale = async () => {
      for (let at = 0; at < bytes.length; at += 20) {
        await far.send(bytes.subarray(at, at + 20))
        await sleep(100, clock)
      }
    }
    const since = clock.now()
    expect(await pay()).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled' })
    expect(clock.now() - since).toBeGreaterThan(1000)
    expect(controls.slice(1)).toEqual(['ack']) // the first is that of the introduction
  })

  it('where it may not be cancelled: the session is ended, and its late answer is nobody’s', async () => {
    await open()
    const stop = new AbortController()
    script.sale = async () => {
      await event(statuses.PIN_INPUT, false)
      stop.abort()
    }
    expect(await pay(stop.signal)).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled' })
    expect(heard.some(({ type }) => type === 'idle')).toBe(false)
    expect(controls).toContain('end')
    // It answers all the same, before it is asked for the next.
    script.idle = async () => {
      await finish(statuses.SUCCESS)
      await peer.say({ type: 'idleAnswer', status: 1, xml: '' })
    }
    script.sale = () => finish(statuses.USER_CANCELLED, { financial: 5 })
    expect(await pay()).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled' })
  })

  it('a cancel waits for the moment that allows it', async () => {
    await open()
    const stop = new AbortController()
    script.sale = async () => {
      await event(statuses.PIN_INPUT, false)
      stop.abort()
      await sleep(1500, clock)
      await event(statuses.PIN_INPUT_COMPLETED, true)
    }
    script.idle = () => finish(statuses.POS_CANCELLED, { financial: 5 })
    expect(await pay(stop.signal)).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled' })
    expect(controls).not.toContain('end')
  })

  it('a question of ours that comes late, and cancels what has begun by then, is no cancellation of the merchant’s', async () => {
    await open()
    script.sale = () => {} // lost on the way
    script.idle = async () => {
      await peer.say({ type: 'idleAnswer', status: 1, xml: '' })
      // Told again, it begins; then a copy of the question arrives.
      script.sale = async () => {
        await event(statuses.WAITING_CARD)
        await sleep(500, clock)
        await finish(statuses.POS_CANCELLED, { financial: 5 })
      }
    }
    await expect(pay()).rejects.toMatchObject({ code: 'timeout' })
    // Whoever presses CANCEL at it is the customer, question or not.
    script.sale = () => {}
    script.idle = async () => {
      await peer.say({ type: 'idleAnswer', status: 1, xml: '' })
      script.sale = async () => {
        await event(statuses.WAITING_CARD)
        await finish(statuses.USER_CANCELLED, { financial: 5 })
      }
    }
    expect(await pay()).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled' })
  })

  it('polls and stray sequences change nothing', async () => {
    await open({ carry: async () => response })
    script.sale = async () => {
      for (const type of ['poll', 'ack', 'nak'] as const) await far.send(line.encode({ type }))
      await event(statuses.WAITING_CARD)
      await asks()()
    }
    expect(await pay()).toMatchObject({ result: 'approved' })
  })
})
