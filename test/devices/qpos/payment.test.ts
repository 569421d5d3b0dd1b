/** Whole chip payments: a scripted host or the real driver, the virtual QPOS with its kernel, a virtual card, and the issuer's own arithmetic. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as qpos from '../../../devices/qpos/codec.ts'
import { openQpos } from '../../../devices/qpos/driver.ts'
import { loadCard, type VirtualCard } from '../../../simulator/cards/icc.ts'
import { allAccounts, type IssuerAccount } from '../../../simulator/cards/issuer-view.ts'
import { testCaKeys } from '../../../simulator/keys.ts'
import { Body, type PlasticCard } from '../../../simulator/readers/body/body.ts'
import { type CardholderScript, cardholder } from '../../../simulator/readers/body/cardholder.ts'
import { type QposOptions, VirtualQpos } from '../../../simulator/readers/qpos/qpos.ts'
import { concat, equal, fromHex, fromText, hex, text } from '../../../src/bytes.ts'
import { sleep, VirtualClock } from '../../../src/clock.ts'
import { iccMasterKey } from '../../../src/crypto/cryptogram.ts'
import { cryptogramVersions, versionArpc, versionCryptogram } from '../../../src/crypto/cryptogram-version.ts'
import { decryptCbc, decryptEcb } from '../../../src/crypto/des.ts'
import { dataKey, initialKey, pinKey, transactionCounter, transactionKey } from '../../../src/crypto/dukpt.ts'
import { decodeFormat0 } from '../../../src/crypto/pin.ts'
import { currency } from '../../../src/currency.ts'
import type { Card } from '../../../src/emv/card.ts'
import { isSet, TVR } from '../../../src/emv/data.ts'
import type { Outcome } from '../../../src/emv/outcome.ts'
import { russianMpos } from '../../../src/emv/profiles.ts'
import type { AuthorisationResponse, PinBlock, Terminal, Transaction } from '../../../src/emv/terminal.ts'
import type { Fault } from '../../../src/errors.ts'
import { Conversation } from '../../../src/reader/conversation.ts'
import type { Reader, ReaderEvent } from '../../../src/reader/reader.ts'
import { read } from '../../../src/tlv/ber.ts'
import type { PipeEnd } from '../../../src/transport/pipe.ts'
import { pipe } from '../../../src/transport/pipe.ts'

const bdk = fromHex('0123456789ABCDEFFEDCBA9876543210')
const ksn = fromHex('FFFF9876543210E00000')
const ipek = initialKey(bdk, ksn)
const site = { merchantId: 'M1', terminalId: 'T1', merchantName: 'Test', acquirerId: '123456', ifdSerial: 'MPOS0001' }
const config = russianMpos({ ...site, caKeys: testCaKeys })
const purchase: Transaction = { amount: 250_000n, currency: currency('RUB') }

type Tags = ReadonlyMap<number, Uint8Array>

/** The account behind a request, its cryptogram checked. Throws when the ARQC is not that of the card's keys over these data. */
function accountOf(tags: Tags): { account: IssuerAccount; arpc(code: string): Uint8Array } {
  const pan = hex(tags.get(0x5a)!).replace(/F+$/, '')
  const account = allAccounts().find(one => one.pan === pan)
  if (!account) throw new Error(`no account ${pan}`)
  const version = cryptogramVersions[account.version]
  const derive = (key: Uint8Array) => iccMasterKey(key, pan, account.psn, version.option)
  const { ac, smi, smc } = account.masterKeys
  const keys = { ac: derive(ac), mac: derive(smi), encipherment: derive(smc) }
  const cryptogram = tags.get(0x9f26)!
  if (!equal(versionCryptogram(version, keys, tags, account.issuerData(tags.get(0x9f10)!)), cryptogram)) throw new Error('wrong ARQC')
  const session = { atc: tags.get(0x9f36)!, cryptogram, unpredictable: tags.get(0x9f37)! }
  return {
    account,
    arpc: code => {
      const csu = fromHex(code === '00' ? '00820000' : '00000000')
      const response = version.arpc === 1 ? fromText(code) : csu
      return concat(versionArpc(version, keys, session, response), response)
    },
  }
}

/** What the issuer says: PIN wrong, or approved. */
function issue(tags: Tags, pinBlock: PinBlock | undefined): AuthorisationResponse {
  const { account, arpc } = accountOf(tags)
  let code = '00'
  if (pinBlock) {
    const pin = decodeFormat0(decryptEcb(pinKey(transactionKey(ipek, pinBlock.ksn)), pinBlock.data), account.pan)
    if (pin.join('') !== account.pin) code = '55'
  }
  return { type: code === '00' ? 'approved' : 'declined', code, issuerAuthenticationData: arpc(code) }
}

let clock: VirtualClock
let body: Body
let device: VirtualQpos
let faults: Fault[]
let link: PipeEnd
let serving: Promise<void>
let over: (() => Promise<void> | void)[]

function start(options: Partial<QposOptions> = {}, mtu?: number): void {
  clock = new VirtualClock()
  body = new Body({ clock })
  faults = []
  over = []
  let seed = 1
  const random = (length: number) => Uint8Array.from({ length }, () => (seed = (seed * 75 + 74) % 65537) & 0xff)
  device = new VirtualQpos({
    body,
    clock,
    config,
    pinDukpt: { ipek, ksn },
    random,
    language: 'en',
    onFault: fault => faults.push(fault),
    ...options,
  })
  connect(mtu)
}

function connect(mtu?: number): void {
  const [a, b] = pipe({ clock, mtu })
  link = a
  serving = device.serve(b)
}

function person(script: CardholderScript): void {
  over.push(cardholder(body, script))
}

beforeEach(() => start())
afterEach(async () => {
  for (const end of over) await clock.settle(Promise.resolve(end()))
  await clock.settle(link.close())
  await clock.settle(serving)
  await clock.settle(device.close())
  expect(clock.pending).toBe(0)
  expect(faults.map(({ code, message }) => `${code}: ${message}`)).toEqual([])
})

/** The same card, `ms` slower at each command. */
const slow = (card: VirtualCard, ms: number): PlasticCard => ({
  contact(power) {
    const chip = card.contact(power)
    const transmit: Card['transmit'] = async (apdu, options) => {
      await sleep(ms, clock, options?.signal)
      return chip.transmit(apdu, options)
    }
    return { interface: 'contact', atr: chip.atr, transmit }
  },
})

const screens = () => body.screens.filter(({ lines }, at, all) => lines[0] !== all[at - 1]?.lines[0]).map(({ lines }) => lines[0])

describe('a scripted host on the wire', () => {
  let host: Conversation<qpos.HostMessage, qpos.DeviceMessage>
  const listen = () => {
    host = new Conversation(link, qpos.host, { clock })
    over.push(() => host.close())
  }

  /** Asks, queries while it is progress, puts parts together. */
  async function run(message: qpos.HostMessage): Promise<{ types: string[]; last: qpos.DeviceMessage }> {
    const types: string[] = []
    const parts: Uint8Array[] = []
    for (let next = message; ; ) {
      const answer = await clock.settle(host.ask(next, { timeout: 10_000 }))
      if (types.at(-1) !== answer.type) types.push(answer.type)
      if (answer.type === 'partData') {
        parts.push(answer.data)
        next = { type: 'partData' }
      } else if (['waiting', 'pinEntry'].includes(answer.type)) next = { type: 'query' }
      else return { types, last: { ...answer, data: concat(...parts, answer.data) } }
    }
  }

  const trade = qpos.tradeRequest({ amount: '250000', time: '20260326105200', currency: 643, cardMode: 8 })
  const start16 = { option: 0, tradeType: 1, time: '20260326105200', amount: '250000', cashback: '', currency: 643, last: 20 }
  const doTrade: qpos.HostMessage = { type: 'command', command: 'doTrade', delay: 60, request: trade }
  const startEmv = { type: 'command', command: 'startEmv', delay: 60, start: start16 } as const
  const choose = (index: number) => ({ type: 'command', command: 'selectEmvApp', delay: 30, index }) as const
  const online = (response: AuthorisationResponse): qpos.HostMessage => ({
    type: 'command',
    command: 'onlineResult',
    delay: 30,
    tlv: qpos.encodeOnlineResult(response.type === 'unableToGoOnline' ? { code: 'Z3' } : response),
  })
  const tagsOf = (icc: Uint8Array) => new Map(read(icc).map(({ tag, value }) => [tag, value.slice()]))
  const blockOf = (tags: Tags): PinBlock => ({ format: 0, data: tags.get(0xc7)!, ksn: tags.get(0xc1)! })

  it('co-badged chip: card, list, choice, PIN, online, result, each with its frame', async () => {
    listen()
    person({ card: loadCard('mir-maestro'), present: 'dip', pins: ['1234'] })
    expect((await run(doTrade)).types).toEqual(['waiting', 'completed'])
    const list = await run(startEmv)
    expect(list.last).toMatchObject({ type: 'completed', code: 0x16, sub: 0x30, result: 2 })
    expect(qpos.decodeApplications(list.last.data).map(({ label }) => label)).toEqual(['MIR', 'Maestro'])
    expect(screens()).not.toContain('Select application:')

    const asked = await run(choose(0))
    expect(asked.types.filter(type => type !== 'waiting')).toEqual(['pinEntry', 'completed'])
    const request = qpos.decodeEmvResult(asked.last.data)
    expect(request).toMatchObject({ encMode: 0, transResult: qpos.transResults.goOnline })
    const tags = tagsOf(request.icc)
    expect(hex(tags.get(0x9f02)!)).toBe('000000250000')
    expect(hex(tags.get(0x84)!)).toBe('A0000006581010')
    expect(hex(tags.get(0xc4)!)).toBe('220000FFFFFF0103')
    expect(hex(tags.get(0x9f27)!)).toBe('80')
    const { account, arpc } = accountOf(tags)
    expect(account.pan).toBe('2200000000000103')
    expect(hex(blockOf(tags).ksn)).toBe('FFFF9876543210E00001')
    expect(issue(tags, blockOf(tags))).toMatchObject({ type: 'approved' })

    const end = await run(online({ type: 'approved', code: '00', issuerAuthenticationData: arpc('00') }))
    expect(end.last).toMatchObject({ type: 'completed', code: 0x16, sub: 0x40, result: 0 })
    const result = qpos.decodeEmvResult(end.last.data)
    expect(result).toMatchObject({ transResult: qpos.transResults.accept, packType: qpos.packTypes.financialConfirm })
    const final = tagsOf(result.icc)
    expect(hex(final.get(0x9f27)!)).toBe('40')
    expect(text(final.get(0x8a)!)).toBe('00')
    expect(final.has(0x99)).toBe(false)
    await clock.advance(5000)
    expect(screens()).toEqual([
      'WELCOME',
      'Present card.',
      'Processing. Please wait.',
      'ENTER PIN:',
      'Processing. Please wait.',
      'TRANSACTION APPROVED',
      'PLEASE REMOVE CARD',
      'WELCOME',
    ])
    expect(JSON.stringify(body.screens.map(({ lines }) => lines))).not.toContain('1234')
    const batch: qpos.HostMessage = { type: 'command', command: 'getIccTag', delay: 5, cardType: 0, tagCount: 2, tags: fromHex('9F2795') }
    expect(read((await run(batch)).last.data).map(({ tag }) => tag)).toEqual(expect.arrayContaining([0x9f27, 0x95]))
  })

  it('everything in small parts', async () => {
    start({ partSize: 20 })
    listen()
    person({ card: loadCard('mir-maestro'), present: 'dip', pins: ['1234'] })
    await run(doTrade)
    await run(startEmv)
    const asked = await run(choose(1))
    expect(asked.types).toContain('partData')
    const tags = tagsOf(qpos.decodeEmvResult(asked.last.data).icc)
    expect(accountOf(tags).account.pan).toBe('6799990100000000019')
  })

  it('an index beyond the list is a refusal of the choice', async () => {
    listen()
    person({ card: loadCard('mir-maestro'), present: 'dip', pins: ['1234'] })
    await run(doTrade)
    await run(startEmv)
    expect((await run(choose(255))).last).toMatchObject({ type: 'userCancel', sub: 0x31 })
  })

  it('the question is asked again when its frame was lost', async () => {
    listen()
    person({ card: loadCard('mir-maestro'), present: 'dip', pins: ['1234'] })
    await run(doTrade)
    device.faults.drop = 1
    await expect(clock.settle(host.ask(startEmv, { timeout: 3000 }))).rejects.toMatchObject({ code: 'timeout' })
    delete device.faults.drop
    expect((await run({ type: 'query' })).last).toMatchObject({ type: 'completed', result: 2 })
  })

  it('a card too slow for the time in the host’s frame ends it; a cardholder at the keypad does not count', async () => {
    listen()
    person({ card: slow(loadCard('mir-maestro'), 4000), present: 'dip', pins: ['1234'] })
    await run(doTrade)
    expect((await run({ ...startEmv, delay: 10 })).last).toMatchObject({ type: 'timeout', sub: 0x30 })
    await clock.advance(20_000)
    expect(screens().slice(-3)).toEqual(['CANCELLED', 'PLEASE REMOVE CARD', 'WELCOME'])
    over.pop()!() // the first person leaves
    person({ card: loadCard('mir-maestro'), present: 'dip', pins: ['1234'], pace: { key: 9000 } })
    await run(doTrade)
    await run(startEmv)
    expect((await run({ ...choose(0), delay: 10 })).last).toMatchObject({ type: 'completed', sub: 0x31, result: 0 })
  })

  it('a reset and the next command in one breath', async () => {
    const card = loadCard('mir-maestro')
    const seen: string[] = []
    const decoder = qpos.host.decoder()
    const reading = (async () => {
      for await (const chunk of link.incoming) seen.push(...decoder.push(chunk).map(({ type }) => type))
    })()
    over.push(async () => {
      await link.close()
      await reading
    })
    body.insert(card)
    await link.send(qpos.host.encode(doTrade))
    await clock.advance(1000)
    await link.send(qpos.host.encode(startEmv))
    await clock.advance(1000)
    expect(seen).toEqual(['completed', 'completed'])
    const id: qpos.HostMessage = { type: 'command', command: 'getQposId', delay: 5 }
    await link.send(concat(qpos.host.encode({ type: 'reset' }), qpos.host.encode(id)))
    await clock.advance(1000)
    expect(seen.slice(2)).toEqual(['reset', 'completed'])
  })

  it('a host that never answers: the card decides, and the reader ends by itself', async () => {
    listen()
    person({ card: loadCard('mir-maestro'), present: 'dip', pins: ['1234'] })
    await run(doTrade)
    await run(startEmv)
    await run(choose(0))
    await clock.advance(200_000)
    const { last } = await run({ type: 'query' })
    expect(qpos.decodeEmvResult(last.data)).toMatchObject({ transResult: qpos.transResults.denial, packType: qpos.packTypes.reversal })
    expect(body.cardInSlot).toBe(false)
  })

  it('an answer of the host that is none is no approval', async () => {
    listen()
    person({ card: loadCard('mir-maestro'), present: 'dip', pins: ['1234'] })
    await run(doTrade)
    await run(startEmv)
    await run(choose(0))
    const { last } = await run({ type: 'command', command: 'onlineResult', delay: 30, tlv: fromHex('8A05') })
    expect(qpos.decodeEmvResult(last.data).transResult).toBe(qpos.transResults.denial)
    expect(faults.splice(0).map(({ code }) => code)).toEqual(['tlv'])
  })

  it('the link lost while the host is asked: the reader gives the card back, and serves the next', async () => {
    listen()
    const card = loadCard('mir-maestro')
    person({ card, present: 'dip', pins: ['1234'] })
    await run(doTrade)
    await run(startEmv)
    await run(choose(0))
    link.drop()
    await clock.settle(serving)
    await clock.advance(5000)
    expect(screens().slice(-3)).toEqual(['CANCELLED', 'PLEASE REMOVE CARD', 'WELCOME'])
    connect()
    listen()
    expect((await run(doTrade)).types.at(-1)).toBe('completed')
  })

  it('a fault of the reader’s configuration is refused by name', async () => {
    listen()
    person({ card: loadCard('mir-maestro'), present: 'dip', pins: ['1234'] })
    await run(doTrade)
    expect((await run({ type: 'command', command: 'startEmv', delay: 60, start: { ...start16, currency: 978 } })).last.type).toBe(
      'notAvailable',
    )
    await clock.advance(5000)
    await run(doTrade)
    expect((await run({ type: 'command', command: 'startEmv', delay: 60, start: { ...start16, option: 2 } })).last.type).toBe(
      'notAvailable',
    )
    expect(faults.splice(0).map(({ code }) => code)).toEqual(['bad-argument', 'unsupported'])
  })
})

describe('the real driver', () => {
  let reader: Reader
  let events: ReaderEvent[]
  let asked: { tags: Tags; pinBlock?: PinBlock }[]

  async function open(): Promise<void> {
    reader = await clock.settle(openQpos(link, { clock }))
    over.push(() => reader.close())
    events = []
    asked = []
    const mine = events
    void (async () => {
      for await (const event of reader.events) mine.push(event)
    })()
  }

  const terminal = (more: Partial<Terminal> = {}): Terminal => ({
    selectApplication: async () => 0,
    authorise: async request => {
      asked.push(request)
      return issue(request.tags, request.pinBlock)
    },
    ...more,
  })

  async function pay(
    card: VirtualCard,
    script: Partial<CardholderScript> = {},
    more: Partial<Terminal> = {},
    signal?: AbortSignal,
  ): Promise<Outcome> {
    const stop = cardholder(body, { card, present: 'dip', ...script })
    try {
      return await clock.settle(reader.transact(purchase, terminal(more), signal ? { signal } : {}))
    } finally {
      await clock.advance(4000)
      stop()
    }
  }

  for (const mtu of [1, 16, 20, 64, Number.POSITIVE_INFINITY]) {
    it(`co-badged chip with application choice and online PIN, mtu ${mtu}`, async () => {
      start({}, mtu)
      await open()
      const outcome = await pay(loadCard('mir-maestro'), { pins: ['1234'] })
      expect(outcome).toMatchObject({
        result: 'approved',
        interface: 'chip',
        cvm: 'onlinePin',
        online: true,
        application: { label: 'MIR' },
      })
      expect(events).toContainEqual({ type: 'application-selection', where: 'host', labels: ['MIR', 'Maestro'] })
      expect(events).toContainEqual({ type: 'pin', event: 'started', offline: false })
      expect(isSet(outcome.tags.get(0x95), TVR.onlinePinEntered)).toBe(true)
      expect(screens().slice(-3)).toEqual(['TRANSACTION APPROVED', 'PLEASE REMOVE CARD', 'WELCOME'])
    })
  }

  it('the other application of the same card', async () => {
    await open()
    const outcome = await pay(loadCard('mir-maestro'), { pins: ['1234'] }, { selectApplication: async () => 1 })
    expect(outcome).toMatchObject({ result: 'approved', application: { label: 'Maestro' } })
    expect(hex(outcome.application!.aid)).toBe('A0000000043060')
  })

  it('a wrong online PIN is the issuer’s refusal; each PIN has a key of its own', async () => {
    await open()
    const card = loadCard('mir-maestro')
    expect(await pay(card, { pins: ['4321'] })).toMatchObject({ result: 'declined', reason: 'hostDeclined', response: { code: '55' } })
    expect(screens().slice(-3)).toEqual(['DECLINED', 'PLEASE REMOVE CARD', 'WELCOME'])
    expect(await pay(card, { pins: ['1234'] })).toMatchObject({ result: 'approved' })
    expect(asked.map(({ pinBlock }) => transactionCounter(pinBlock!.ksn))).toEqual([1, 2])
    expect(device.firmware.nextPinKsn && transactionCounter(device.firmware.nextPinKsn)).toBe(3)
  })

  it('signature: the card is given back before "successful"', async () => {
    await open()
    expect(await pay(loadCard('visa-signature'))).toMatchObject({ result: 'approved', cvm: 'signature' })
    expect(screens().slice(-3)).toEqual(['PLEASE REMOVE CARD', 'TRANSACTION SUCCESSFUL', 'WELCOME'])
  })

  it('offline PIN: wrong, wrong, last try, right', async () => {
    await open()
    const card = loadCard('offline-pin')
    const outcome = await pay(card, { pins: ['1111', '2222', '1234'] })
    expect(outcome).toMatchObject({ result: 'approved', cvm: 'offlinePin' })
    expect(screens().filter(line => line.includes('PIN'))).toEqual([
      'ENTER PIN:',
      'WRONG PIN! ENTER PIN:',
      'LAST TRY! ENTER PIN:',
      'PIN OK',
    ])
    expect(events.flatMap(event => (event.type === 'pin' ? [event.event] : []))).toEqual([
      'started',
      'wrong',
      'started',
      'wrong',
      'started',
      'ok',
    ])
    expect(card.state.pinTriesLeft).toBe(3)
  })

  it('offline PIN blocked after the last try', async () => {
    await open()
    const card = loadCard('offline-pin')
    const outcome = await pay(card, { pins: ['1111', '2222', '3333'] })
    expect(isSet(outcome.tags.get(0x95), TVR.pinTryLimitExceeded)).toBe(true)
    expect(card.state.pinTriesLeft).toBe(0)
    expect(screens()).toContain('PIN TRY LIMIT EXCEEDED')
  })

  it('CANCEL at the PIN, and no PIN at all', async () => {
    await open()
    expect(await pay(loadCard('mir-maestro'), { cancelAt: 1 })).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled' })
    expect(screens().slice(-3)).toEqual(['CANCELLED', 'PLEASE REMOVE CARD', 'WELCOME'])
    expect(await pay(loadCard('mir-maestro'), { pins: ['1234'], pace: { think: 90_000 } })).toMatchObject({
      result: 'cancelled',
      reason: 'pinTimeout',
    })
  })

  it('the app cancels at the list, at the PIN, and while the host is asked', async () => {
    await open()
    expect(await pay(loadCard('mir-maestro'), {}, { selectApplication: async () => undefined })).toMatchObject({
      result: 'cancelled',
      reason: 'cardholderCancelled',
    })
    const atPin = new AbortController()
    const stop = body.on(event => {
      if (event.type === 'display' && event.screen.message === 'reader.enterPin') clock.timer(10, () => atPin.abort())
    })
    expect(await pay(loadCard('mir-maestro'), { pins: ['1234'], pace: { think: 5000 } }, {}, atPin.signal)).toMatchObject({
      result: 'cancelled',
      reason: 'merchantCancelled',
    })
    stop()
    const atHost = new AbortController()
    const outcome = await pay(
      loadCard('mir-maestro'),
      { pins: ['1234'] },
      {
        authorise: () => {
          clock.timer(10, () => atHost.abort())
          return new Promise(() => {})
        },
      },
      atHost.signal,
    )
    expect(outcome).toMatchObject({ result: 'unknown', reason: 'merchantCancelled' })
    // and the reader is free for the next
    expect(await pay(loadCard('mir-maestro'), { pins: ['1234'] })).toMatchObject({ result: 'approved' })
  })

  it('nobody presents a card', async () => {
    await open()
    expect(await clock.settle(reader.transact(purchase, terminal()))).toMatchObject({ result: 'cancelled', reason: 'cardTimeout' })
  })

  it('a tap is sent elsewhere, never shown a list', async () => {
    await open()
    const both = loadCard('mir-maestro')
    const stop = cardholder(body, { card: { contactless: power => both.contact(power) }, present: 'tap' })
    const outcome = await clock.settle(
      reader.transact(purchase, terminal({ selectApplication: () => Promise.reject(new Error('a list')) })),
    )
    stop()
    expect(outcome).toMatchObject({ result: 'declined', reason: 'tryAnotherInterface' })
    expect(events.some(({ type }) => type === 'application-selection')).toBe(false)
  })

  it('the card pulled at every command: always an ending, and the reader pays again after it', async () => {
    await open()
    const endings: string[] = []
    for (let pullAt = 1; ; pullAt++) {
      const outcome = await pay(loadCard('mir-maestro'), { pins: ['1234'], pullAt })
      endings.push(`${outcome.result} ${outcome.reason ?? ''}`.trim())
      if (outcome.result === 'approved') break
      expect(pullAt).toBeLessThan(60)
      expect(body.cardInSlot).toBe(false)
      expect(body.screen.message).toBe('reader.idle')
      expect(outcome.reversal === true).toBe(outcome.online && outcome.response?.type === 'approved')
    }
    expect(endings.length).toBeGreaterThan(8)
    expect(new Set(endings.slice(0, -1))).toEqual(new Set(['cancelled cardRemoved', 'declined cardRemoved']))
  })

  it('battery, as it is', async () => {
    body.setBattery({ percent: 12, charging: false })
    await open()
    expect(await clock.settle(reader.status())).toMatchObject({ battery: { percent: 12, millivolts: 3408, charging: false } })
  })

  it('two payments at once in a row: the second waits until the card is presented again', async () => {
    await open()
    const stop = cardholder(body, { card: loadCard('mir-maestro'), present: 'dip', pins: ['1234'] })
    expect(await clock.settle(reader.transact(purchase, terminal()))).toMatchObject({ result: 'approved' })
    expect(body.cardInSlot).toBe(true)
    expect(await clock.settle(reader.transact(purchase, terminal()))).toMatchObject({ result: 'approved' })
    await clock.advance(5000)
    stop()
    expect(screens().filter(line => line === 'PLEASE REMOVE CARD' || line === 'Present card.')).toEqual([
      ...['Present card.', 'PLEASE REMOVE CARD', 'Present card.', 'PLEASE REMOVE CARD'],
    ])
  })

  it('a flat or opened reader is told apart from one that knows no payments', async () => {
    await open()
    body.setBattery({ percent: 4 })
    await expect(clock.settle(reader.transact(purchase, terminal()))).rejects.toMatchObject({
      code: 'low-battery',
      details: { percent: 4 },
    })
    body.plug()
    body.tamper()
    await expect(clock.settle(reader.transact(purchase, terminal()))).rejects.toMatchObject({ code: 'tampered' })
    expect(faults.splice(0).map(({ code }) => code)).toEqual(['low-battery'])
  })

  it('a chip that does not answer may be swiped; a chip card swiped first is sent to the slot', async () => {
    await open()
    const card = loadCard('mir-maestro')
    const broken = { stripe: card.stripe }
    const stop = cardholder(body, { card: broken, present: 'dip' })
    expect(await clock.settle(reader.transact(purchase, terminal()))).toMatchObject({
      result: 'declined',
      reason: 'cardMute',
      fallback: true,
    })
    await clock.advance(5000)
    stop()
    const sent = cardholder(body, { card, present: 'swipe', pins: ['1234'] })
    expect(await clock.settle(reader.transact(purchase, terminal()))).toMatchObject({ result: 'approved', interface: 'chip' })
    await clock.advance(5000)
    sent()
  })

  it('a swipe, as fallback of a chip card: the app sees ciphertext and key serial number', async () => {
    await open()
    const card = loadCard('mir-maestro')
    const stop = cardholder(body, { card, present: 'swipe' })
    const outcome = await clock.settle(
      reader.transact({ ...purchase, interfaces: ['swipe'] }, terminal({ authorise: async () => ({ type: 'approved', code: '00' }) })),
    )
    await clock.advance(5000)
    stop()
    expect(outcome).toMatchObject({ result: 'approved', interface: 'swipe', cvm: 'signature' })
    const key = dataKey(transactionKey(ipek, outcome.tags.get(0xc0)!))
    expect(text(decryptCbc(key, outcome.tags.get(0xdfd102)!))).toContain(card.stripe.track2)
    expect([...outcome.tags.values()].some(value => text(value).includes(card.plan.pan))).toBe(false)
  })

  it('a split sale: the second payment of the same card is in the reader’s log', async () => {
    const floor = russianMpos({ ...site, caKeys: testCaKeys })
    const limit = { ...floor, applications: floor.applications.map(one => ({ ...one, floorLimit: 400_000n })) }
    start({ config: limit })
    await open()
    const card = loadCard('visa-signature')
    const first = await pay(card)
    const second = await pay(card)
    expect([first, second].map(({ tags }) => isSet(tags.get(0x95), TVR.floorLimitExceeded))).toEqual([false, true])
  })
})
