/** The QPOS driver against a scripted reader on the wire: every ending and every failure. */

import { describe, expect, it } from 'vitest'
import * as qpos from '../../../devices/qpos/codec.ts'
import { openQpos } from '../../../devices/qpos/driver.ts'
import { swipeTags } from '../../../devices/qpos/payment.ts'
import { modeFor } from '../../../devices/qpos/request.ts'
import { fromHex, hex, text } from '../../../src/bytes.ts'
import { sleep, VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import type { AuthorisationResponse } from '../../../src/emv/terminal.ts'
import { Fault } from '../../../src/errors.ts'
import { write } from '../../../src/tlv/ber.ts'
import type { PipeEnd } from '../../../src/transport/pipe.ts'
import type { Script } from './script.ts'
import {
  approved,
  bench,
  certificate,
  chipCard,
  ending,
  finalTlv,
  goOnline,
  info,
  ksn,
  requestTlv,
  say,
  scripted,
  twoApplications,
} from './script.ts'

const done = { result: 'approved', interface: 'chip', cvm: 'onlinePin', online: true }
const endless = say('partData', 'startEmv', new Uint8Array(10_000))
const plain: Script = { doTrade: chipCard, startEmv: goOnline(), onlineResult: ending(1, 3) }

describe('opening', () => {
  it('reads who the reader is, and its battery', async () => {
    const { reader, heard, clock } = await bench({})
    expect(reader.info).toEqual({
      ...{ family: 'qpos', model: 'QPOS mini', serial: '10000000010002', firmware: '2.01', hardware: 'A27BA' },
      ...{
        capabilities: ['chip', 'tap', 'firmwareUpdate', 'configuration', 'keys', 'swipe', 'pinPad', 'display'],
        applicationSelection: 'host',
      },
    })
    expect(await clock.settle(reader.status())).toEqual({ battery: { percent: 87, millivolts: 3900, charging: false } })
    expect(heard).toEqual(['getQposInfo'])
    await reader.close()
    expect(clock.pending).toBe(0)
  })

  it('a battery that the reader does not tell of is unknown, not 0', async () => {
    const { reader, clock } = await bench({
      getQposInfo: say('completed', 'getQposInfo', qpos.encodeQposInfo({ bootloader: '1', firmware: '2', hardware: 'CR1' })),
    })
    expect(await clock.settle(reader.status())).toEqual({})
    expect(reader.info).toMatchObject({ model: 'CR100', capabilities: ['chip', 'tap', 'firmwareUpdate', 'configuration', 'keys', 'swipe'] })
  })

  it('a silent reader: asked again and again, a timeout within 7 s, the link is released', async () => {
    const clock = new VirtualClock()
    const { link } = scripted({ getQposId: 'silent' }, clock)
    const begun = clock.now()
    await expect(clock.settle(openQpos(link, { clock }))).rejects.toMatchObject({ code: 'timeout' })
    expect(clock.now() - begun).toBeLessThanOrEqual(7000)
    await expect(link.send(Uint8Array.of(0))).rejects.toMatchObject({ code: 'link-closed' })
    expect(clock.pending).toBe(0)
  })

  it('a reader that an earlier app left in a payment is cancelled, then asked again', async () => {
    const clock = new VirtualClock()
    const busy = say('waiting', 'doTrade')
    const id = say('completed', 'getQposId', '00 01 42 00 00')
    const { link, heard } = scripted({ getQposId: [busy, id], query: busy, cancel: say('userCancel', 'doTrade') }, clock)
    const reader = await clock.settle(openQpos(link, { clock }))
    expect(reader.info.serial).toBe('42')
    expect(heard.filter(name => name !== 'query')).toEqual(['getQposId', 'cancel', 'getQposId', 'getQposInfo'])
    await reader.close()
    expect(clock.pending).toBe(0)
  })

  it.each([
    ['tampered', say('destruct', 'getQposId')],
    ['unsupported', say('notAvailable', 'getQposId')],
    ['reader-error', say('reset', 'getQposId')],
    ['reader-error', say('completed', 'getQposId', '', 1)],
    ['protocol', say('completed', 'getQposId', '05 01')],
  ])('%s', async (code, getQposId) => {
    const clock = new VirtualClock()
    await expect(clock.settle(openQpos(scripted({ getQposId }, clock).link, { clock }))).rejects.toMatchObject({ code })
  })

  it('an abort ends it', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const opening = openQpos(scripted({ getQposId: 'silent' }, clock).link, { clock, signal: stop.signal })
    const settled = expect(opening).rejects.toMatchObject({ code: 'aborted' })
    await clock.advance(1000)
    stop.abort()
    await clock.advance(0)
    await settled
  })
})

describe('a chip payment', () => {
  it('co-badged card, PIN on the reader, approved online', async () => {
    const { reader, pay, heard, events, messages, asked, clock } = await bench(
      {
        doTrade: say('waiting', 'doTrade'),
        query: [
          ...[say('waiting', 'doTrade'), chipCard, say('pinEntry', 'selectEmvApp', '00'), say('pinEntry', 'selectEmvApp', '00')],
          ...[say('waiting', 'selectEmvApp'), goOnline('selectEmvApp')],
        ],
        startEmv: twoApplications,
        selectEmvApp: say('waiting', 'selectEmvApp'),
        onlineResult: ending(1, 3, 'onlineResult', finalTlv, '2000000001'),
      },
      { selectApplication: async candidates => candidates.findIndex(({ label }) => label === 'Maestro') },
    )
    const at = new Date(2026, 2, 26, 10, 52, 0)
    const outcome = await pay({ at })
    expect(outcome).toMatchObject({ ...done, response: approved })
    expect(outcome.reason).toBeUndefined()
    expect(outcome.application).toEqual({ aid: fromHex('A0000006581010'), label: 'Maestro' })
    expect(hex(outcome.tags.get(0x9f26)!)).toBe('0102030405060708') // the final cryptogram, not the first
    expect(hex(outcome.tags.get(0x9b)!)).toBe('F800')
    expect(hex(outcome.tags.get(0x9f5b)!)).toBe('2000000001')
    expect(text(outcome.tags.get(0x8a)!)).toBe('00')

    expect(heard).toEqual([
      ...['doTrade', 'query', 'query', 'startEmv', 'selectEmvApp', 'query', 'query', 'query', 'query', 'onlineResult'],
    ])
    expect(messages[0]).toMatchObject({
      ...{ command: 'doTrade', delay: 60 },
      request: { amount: '250000', cardMode: 8, time: '20260326105200', tradeType: 1, currency: 643, keyIndex: 0 },
    })
    expect(messages[3]).toMatchObject({
      delay: 60,
      start: { option: 0, tradeType: 1, amount: '250000', cashback: '', currency: 643, last: 20 },
    })
    expect(messages[4]).toEqual({ type: 'command', command: 'selectEmvApp', delay: 30, index: 1 })
    expect(messages[9]).toMatchObject({ command: 'onlineResult', delay: 30, tlv: fromHex('8A023030') })

    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatchObject({ interface: 'chip', cvm: 'onlinePin' })
    expect(asked[0].pinBlock).toEqual({ format: 0, data: fromHex('A68701E68CB34BDE'), ksn: fromHex(ksn) })
    expect(hex(asked[0].tags.get(0x9f26)!)).toBe('AA95D0B7A6798001')

    expect(events).toEqual([
      { type: 'display', message: 'reader.presentCard' },
      { type: 'card', event: 'inserted' },
      { type: 'display', message: 'reader.processing' },
      { type: 'application-selection', where: 'host', labels: ['MIR', 'Maestro'] },
      { type: 'pin', event: 'started', offline: false },
      { type: 'display', message: 'reader.enterPin' },
      { type: 'pin', event: 'ok', offline: false },
      { type: 'display', message: 'reader.removeCard' },
    ])
    await reader.close()
    expect(clock.pending).toBe(0)
  })

  it('answers in parts are put together', async () => {
    const whole = goOnline().data
    const part = (from: number, to: number) => say('partData', 'startEmv', whole.slice(from, to))
    const { pay, heard } = await bench({
      ...plain,
      startEmv: part(0, 40),
      partData: [part(40, 41), part(41, 41), say('completed', 'startEmv', whole.slice(41))],
    })
    expect(await pay()).toMatchObject(done)
    expect(heard).toEqual(['doTrade', 'startEmv', 'partData', 'partData', 'partData', 'onlineResult'])
  })

  it('a wrong offline PIN is told, then the right one', async () => {
    const at = new Date(2026, 2, 26, 10, 52, 0)
    const icc = `8407A0000000031010 9F3403410302 ${certificate(at)}`
    const pin = say('pinEntry', 'startEmv', '01')
    const { pay, events, asked } = await bench({
      ...plain,
      startEmv: pin,
      query: [say('waiting', 'startEmv'), pin, ending(1, 4, 'startEmv', icc)],
    })
    expect(await pay({ at })).toMatchObject({ result: 'approved', cvm: 'offlinePin', online: false })
    expect(asked).toEqual([])
    expect(events.filter(event => event.type === 'pin').map(({ event }) => event)).toEqual(['started', 'wrong', 'started', 'ok'])
  })

  it('forced online, cashback, more than 8 digits, 91 and scripts', async () => {
    const scripts = [write(0x72, fromHex('9F180400000001'))]
    const response = { ...approved, issuerAuthenticationData: fromHex('11223344556677883030'), scripts }
    const { pay, messages } = await bench(plain, { authorise: async () => response })
    await pay({ type: 'cashback', amount: 123456789n, otherAmount: 100n, currency: currency('EUR'), forceOnline: true })
    expect(messages.find(one => one.type === 'command' && one.command === 'startEmv')).toMatchObject({
      start: { option: 1, tradeType: 4, amount: '123456789', cashback: '100', currency: 978 },
    })
    expect(messages.at(-1)).toMatchObject({ tlv: fromHex('8A023030 910A11223344556677883030 72079F180400000001') })
  })

  const declined: AuthorisationResponse = { type: 'declined', code: '51' }
  const away: AuthorisationResponse = { type: 'unableToGoOnline' }
  const referral: AuthorisationResponse = { type: 'referral', code: '01' }
  it.each<[string, AuthorisationResponse, number, number, object]>([
    ['approved, batch', approved, 1, 4, { result: 'approved', reason: undefined }],
    ['approved by the host, declined by the card', approved, 2, 7, { result: 'declined', reason: 'cardDeclined', reversal: true }],
    ['the same with an advice', approved, 2, 6, { result: 'declined', reason: 'cardDeclined', reversal: true }],
    ['accepted with a reversal', approved, 1, 7, { result: 'declined', reason: 'cardDeclined', reversal: true }],
    ['declined by the host', declined, 2, 6, { result: 'declined', reason: 'hostDeclined', reversal: undefined }],
    ['declined by the host, yet the reader accepts', declined, 1, 3, { result: 'declined', reason: 'hostDeclined' }],
    ['referral', referral, 2, 5, { result: 'declined', reason: 'referral' }],
    ['unable to go online, approved, and nothing proves by whom', away, 1, 3, { result: 'declined', reason: 'unableToGoOnline' }],
    ['unable to go online, declined', away, 2, 5, { result: 'declined', reason: 'unableToGoOnline' }],
    ['no known ending', approved, 3, 3, { result: 'unknown', reason: 'readerError' }],
    ['declined by the host, no known ending', declined, 1, 6, { result: 'declined', reason: 'hostDeclined' }],
  ])('decision: %s', async (_name, response, transResult, packType, wanted) => {
    const { pay, messages } = await bench(
      { ...plain, onlineResult: ending(transResult, packType), cancel: say('userCancel') },
      { authorise: async () => response },
    )
    expect({ reason: undefined, reversal: undefined, ...(await pay()) }).toMatchObject({ online: true, response, ...wanted })
    const code = response.type === 'unableToGoOnline' ? 'Z3' : response.code
    const sent = messages.find(one => one.type === 'command' && one.command === 'onlineResult')
    expect(sent).toMatchObject({ tlv: qpos.encodeOnlineResult({ code }) })
  })

  it('unable to go online, approved by the card: its TC is over what was asked for', async () => {
    const at = new Date(2026, 2, 26, 10, 52, 0)
    const onlineResult = ending(1, 3, 'onlineResult', certificate(at))
    const { pay } = await bench({ ...plain, onlineResult }, { authorise: async () => ({ type: 'unableToGoOnline' }) })
    expect(await pay({ at })).toMatchObject({ result: 'approved', online: true, response: { type: 'unableToGoOnline' } })
  })

  it('declined offline, with an advice due (CID b4)', async () => {
    const { pay, asked } = await bench({ ...plain, startEmv: ending(2, 5, 'startEmv', '9F270108 9F34031F0302') })
    expect(await pay()).toMatchObject({ result: 'declined', reason: 'offlineDeclined', advice: true, online: false, cvm: 'none' })
    expect(asked).toEqual([])
  })

  it.each<[string, Script, object]>([
    ['nobody comes', { doTrade: say('timeout', 'doTrade') }, { result: 'cancelled', reason: 'cardTimeout' }],
    ['cancelled on the reader', { doTrade: say('userCancel', 'doTrade') }, { result: 'cancelled', reason: 'cardholderCancelled' }],
    ['cancelled at the PIN', { startEmv: say('userCancel', 'startEmv') }, { result: 'cancelled', reason: 'cardholderCancelled' }],
    [
      'no PIN in time',
      { startEmv: say('pinEntry', 'startEmv', '00'), query: say('timeout', 'startEmv') },
      { result: 'cancelled', reason: 'pinTimeout' },
    ],
    ['card pulled', { startEmv: say('cardRemoved', 'startEmv') }, { result: 'cancelled', reason: 'cardRemoved' }],
    ['no chip', { doTrade: say('iccPowerOnError', 'doTrade') }, { result: 'declined', reason: 'cardMute', fallback: true }],
    ['fallback', { startEmv: say('fallback', 'startEmv') }, { result: 'declined', reason: 'cardMute', fallback: true }],
    ['chip fails', { startEmv: say('iccTradeError', 'startEmv') }, { result: 'declined', reason: 'cardMute', fallback: undefined }],
    ['terminated', { startEmv: say('emvTerminated', 'startEmv', '9505 0000000000') }, { result: 'declined', reason: 'cardError' }],
    ['denied', { startEmv: say('emvDenied', 'startEmv', '9505 0000000000') }, { result: 'declined', reason: 'offlineDeclined' }],
    ['blocked', { startEmv: say('cardBlockedOrNoApplications', 'startEmv') }, { result: 'declined', reason: 'noApplication' }],
    ['selection', { startEmv: say('selectAppFailed', 'startEmv') }, { result: 'declined', reason: 'noApplication' }],
    ['other interface', { doTrade: say('tryAnotherInterface', 'doTrade') }, { result: 'declined', reason: 'tryAnotherInterface' }],
  ])('ending: %s', async (_name, script, wanted) => {
    const { pay, heard, reader } = await bench({ ...plain, ...script })
    // Before the reader has told what card came, nobody knows.
    const through = script.doTrade && _name !== 'no chip' ? undefined : 'chip'
    expect({ fallback: undefined, interface: undefined, ...(await pay()) }).toMatchObject({ interface: through, online: false, ...wanted })
    expect(heard).not.toContain('cancel') // the reader has ended it: there is nothing to cancel
    await reader.close()
  })

  it('the card pulled while the host decided: what it approved must be reversed', async () => {
    const script = { ...plain, onlineResult: say('cardRemoved', 'onlineResult') }
    const { pay, events } = await bench(script)
    expect(await pay()).toMatchObject({ result: 'declined', reason: 'cardRemoved', reversal: true, response: approved })
    expect(events).toContainEqual({ type: 'card', event: 'removed' })
    const refused = await bench(script, { authorise: async () => ({ type: 'declined', code: '05' }) })
    expect(await refused.pay()).toMatchObject({ result: 'declined', reason: 'hostDeclined' })
  })

  it.each<[string, string, Script]>([
    ['tampered', 'tampered', { doTrade: say('destruct', 'doTrade') }],
    ['command not known', 'unsupported', { doTrade: say('notAvailable', 'doTrade') }],
    ['MAC error', 'reader-error', { doTrade: say('macError', 'doTrade') }],
    ['no working key', 'reader-error', { doTrade: say('noWorkKey', 'doTrade') }],
    ['CA key missing', 'reader-error', { startEmv: say('capkFailed', 'startEmv') }],
    ['configuration', 'reader-error', { startEmv: say('emvAppConfigError', 'startEmv') }],
    ['reset', 'reader-error', { startEmv: say('reset', 'startEmv') }],
    ['unknown CmdID', 'protocol', { startEmv: { type: 'raw', id: 0x99, code: 0x16, sub: 0x30, result: 0, data: new Uint8Array(0) } }],
    ['an ending that makes no sense', 'protocol', { startEmv: say('checkHaveCard', 'startEmv') }],
    ['malformed result', 'protocol', { startEmv: say('completed', 'startEmv', '0000') }],
    ['malformed ICC data', 'protocol', { startEmv: goOnline('startEmv', '9F26') }],
    ['unknown doTrade answer', 'protocol', { doTrade: say('completed', 'doTrade', '7700') }],
    ['PIN from the host', 'unsupported', { startEmv: say('completed', 'startEmv', '', 0x31) }],
    ['tap applications', 'unsupported', { doTrade: say('completed', 'doTrade', '0200') }],
    ['unknown result', 'reader-error', { startEmv: say('completed', 'startEmv', '', 9) }],
    ['the same list for ever', 'protocol', { startEmv: twoApplications, selectEmvApp: { ...twoApplications, sub: 0x31 } }],
    ['an answer without end', 'protocol', { startEmv: say('waiting', 'startEmv'), query: endless, partData: endless }],
    ['empty list', 'protocol', { startEmv: say('completed', 'startEmv', '00', 2) }],
  ])('fault: %s is %s, and the reader is told to stop', async (_name, code, script) => {
    const { pay, heard, reader, clock } = await bench({ ...plain, cancel: say('userCancel'), ...script })
    await expect(pay()).rejects.toMatchObject({ code })
    expect(heard).toContain('cancel')
    await reader.close()
    expect(clock.pending).toBe(0)
  })

  it('a choice outside the list is a bad argument', async () => {
    const { pay } = await bench({ ...plain, startEmv: twoApplications, cancel: say('userCancel') }, { selectApplication: async () => 2 })
    await expect(pay()).rejects.toMatchObject({ code: 'bad-argument', details: { field: 'index' } })
  })

  it('the cardholder declines to choose', async () => {
    const script = { ...plain, startEmv: twoApplications, cancel: say('userCancel') }
    const { pay, heard } = await bench(script, { selectApplication: async () => undefined })
    expect(await pay()).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled' })
    expect(heard).toEqual(['doTrade', 'startEmv', 'cancel'])
  })

  it('an error of the app’s own host client is the app’s, and the reader is freed', async () => {
    const { pay, heard } = await bench(
      { ...plain, cancel: say('userCancel') },
      {
        authorise: async () => {
          throw new Error('no route')
        },
      },
    )
    await expect(pay()).rejects.toThrow('no route')
    expect(heard.at(-1)).toBe('cancel')
  })

  it('bad amounts never reach the reader', async () => {
    const { pay, heard } = await bench({ ...plain, cancel: say('userCancel') })
    await expect(pay({ amount: -1n })).rejects.toMatchObject({ code: 'bad-argument', details: { field: 'amount' } })
    await expect(pay({ otherAmount: 1_000_000_000_000n })).rejects.toMatchObject({
      code: 'bad-argument',
      details: { field: 'otherAmount' },
    })
    await expect(pay({ interfaces: ['swipe', 'tap'] })).rejects.toMatchObject({ code: 'unsupported' })
    expect(heard).toEqual([])
  })
})

describe('swipe and tap', () => {
  const card: qpos.CardData = {
    ...{ formatId: '30', maskedPan: '622526XXXXXX5453', expiry: '1011', serviceCode: '106', cardholderName: 'MR.ZHOU CHENG HAO' },
    ...{ encTrack2: fromHex('153CEE49576C0B709515946D991CB48368FEA0375837ECA6'), trackKsn: fromHex('00000332100300E00002') },
  }
  const swiped = (more: Partial<qpos.CardData> = {}) =>
    say('completed', 'doTrade', qpos.encodeTradeAnswer({ type: 'swipe', reserved: 0, card: { ...card, ...more } }))
  const tapped = (type: 'tapOnline' | 'tapOffline') =>
    say('completed', 'doTrade', qpos.encodeTradeAnswer({ type, reserved: 0, card: { ...card, encTrack2: new Uint8Array(0) } }))

  it('swipe: encrypted track and its KSN go to the host; without a PIN the signature counts', async () => {
    const { pay, asked, events, heard } = await bench({ doTrade: say('msrDataReady', 'doTrade'), query: swiped() })
    expect(await pay()).toMatchObject({ result: 'approved', interface: 'swipe', cvm: 'signature', online: true })
    expect(asked[0]).toMatchObject({ interface: 'swipe', cvm: 'signature' })
    expect(hex(asked[0].tags.get(swipeTags.encTrack2)!)).toBe('153CEE49576C0B709515946D991CB48368FEA0375837ECA6')
    expect(hex(asked[0].tags.get(0xc0)!)).toBe('00000332100300E00002')
    expect(hex(asked[0].tags.get(0xc4)!)).toBe('622526FFFFFF5453')
    expect(hex(asked[0].tags.get(0x5f30)!)).toBe('0106')
    expect(text(asked[0].tags.get(0x5f20)!)).toBe('MR.ZHOU CHENG HAO')
    expect(events).toContainEqual({ type: 'card', event: 'swiped' })
    expect(heard).toEqual(['doTrade', 'query'])
  })

  it('swipe with a PIN, declined by the host', async () => {
    const doTrade = swiped({ pinBlock: fromHex('377D28B8C7EF080A'), pinKsn: fromHex('00000332100300E000C6') })
    const { pay, asked } = await bench({ doTrade }, { authorise: async () => ({ type: 'declined', code: '55' }) })
    expect(await pay()).toMatchObject({ result: 'declined', reason: 'hostDeclined', cvm: 'onlinePin' })
    expect(asked[0].pinBlock).toEqual({ format: 0, data: fromHex('377D28B8C7EF080A'), ksn: fromHex('00000332100300E000C6') })
  })

  it('tap: the ICC data is fetched, the host decides, a device verified the cardholder', async () => {
    const icc = say('completed', 'getIccTag', '8407A0000000041010 9F3403010002 9F2608 AA95D0B7A6798001')
    const { pay, asked, heard, messages } = await bench({ doTrade: tapped('tapOnline'), getIccTag: icc })
    expect(await pay()).toMatchObject({ result: 'approved', interface: 'tap', cvm: 'device', application: { label: 'A0000000041010' } })
    expect(hex(asked[0].tags.get(0x9f26)!)).toBe('AA95D0B7A6798001')
    expect(heard).toEqual(['doTrade', 'getIccTag'])
    expect(hex(qpos.host.encode(messages[1]).subarray(9, -1))).toBe('0001010000') // NFC batch data, readers.md 1.1.5
  })

  it('tap approved and declined offline', async () => {
    const at = new Date(2026, 2, 26, 10, 52, 0)
    const getIccTag = say('completed', 'getIccTag', `9F34031F0302 ${certificate(at)}`)
    const offline = await bench({ doTrade: tapped('tapOffline'), getIccTag })
    expect(await offline.pay({ at })).toMatchObject({ result: 'approved', online: false, interface: 'tap', cvm: 'none' })
    expect(offline.asked).toEqual([])
    const no = await bench({ doTrade: say('completed', 'doTrade', '0500') })
    expect(await no.pay()).toMatchObject({ result: 'declined', reason: 'offlineDeclined', interface: 'tap' })
  })

  it('card modes: exactly the interfaces asked for, or unsupported', async () => {
    expect([['chip'], ['swipe'], ['tap'], ['swipe', 'chip']].map(one => modeFor(one as never, true))).toEqual([1, 2, 7, 5])
    expect([modeFor(undefined, true), modeFor(undefined, false)]).toEqual([3, 8])
    expect([modeFor(['chip', 'tap'], true), modeFor(['chip', 'tap'], false)]).toEqual([0x0b, 0x0a])
    expect(() => modeFor(['swipe', 'tap'], true)).toThrow(expect.objectContaining({ code: 'unsupported' }))
    expect(() => modeFor([], true)).toThrow(expect.objectContaining({ code: 'unsupported' }))
  })
})

describe('one thing at a time', () => {
  it('a second payment is refused; status answers what it knows while one runs', async () => {
    const { reader, terminal, clock, heard } = await bench({
      ...plain,
      startEmv: [say('waiting', 'startEmv')],
      query: say('waiting', 'startEmv'),
    })
    const stop = new AbortController()
    const transaction = { amount: 1n, currency: currency('RUB') }
    const first = reader.transact(transaction, terminal, { signal: stop.signal })
    await clock.advance(1000)
    await expect(reader.transact(transaction, terminal)).rejects.toMatchObject({ code: 'busy' })
    expect(await reader.status()).toEqual({ battery: { percent: 87, millivolts: 3900, charging: false }, card: 'present' })
    expect(heard).not.toContain('getQposInfo')
    stop.abort()
    expect(await clock.settle(first)).toMatchObject({ result: 'cancelled' })
    expect(await clock.settle(reader.status())).not.toHaveProperty('card')
  })

  it('a status request keeps a payment out, and the other way round', async () => {
    const { reader, terminal, clock } = await bench(plain)
    const asking = reader.status()
    await expect(reader.transact({ amount: 1n, currency: currency('RUB') }, terminal)).rejects.toMatchObject({ code: 'busy' })
    await expect(reader.status()).rejects.toMatchObject({ code: 'busy' })
    await clock.settle(asking)
  })

  it('a payment refused with little battery left is low-battery; with enough, it is what the reader said', async () => {
    const at = (percent: number) => say('completed', 'getQposInfo', qpos.encodeQposInfo({ ...info, percent }))
    const refusing = { doTrade: say('notAvailable', 'doTrade'), cancel: say('userCancel') }
    const flat = await bench({ ...refusing, getQposInfo: [at(50), at(4)] })
    await expect(flat.pay()).rejects.toMatchObject({ code: 'low-battery', details: { percent: 4 } })
    expect(flat.events.at(-1)).toEqual({ type: 'battery', level: 'critical', percent: 4 })
    const full = await bench({ ...refusing, getQposInfo: at(50) })
    await expect(full.pay()).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('tells of a low battery, once for each change', async () => {
    const say2 = (percent: number, charging = false) => say('completed', 'getQposInfo', qpos.encodeQposInfo({ ...info, percent, charging }))
    const { reader, events, clock } = await bench({ getQposInfo: [say2(50), say2(12), say2(11), say2(3), say2(4, true)] })
    for (let i = 0; i < 4; i++) await clock.settle(reader.status())
    expect(events).toEqual([
      { type: 'battery', level: 'low', percent: 12 },
      { type: 'battery', level: 'critical', percent: 3 },
      { type: 'battery', level: 'ok', percent: 4 },
    ])
  })
})

describe('silence, loss, abort', () => {
  it.each<[string, Script, number]>([
    ['doTrade', { doTrade: 'silent' }, 7000],
    ['a query while it waits for a card', { doTrade: say('waiting', 'doTrade'), query: 'silent' }, 7000],
    ['startEmv', { startEmv: 'silent' }, 7000],
    ['waiting without end', { startEmv: say('waiting', 'startEmv'), query: say('waiting', 'startEmv') }, 64_000],
    ['PIN entry without end', { startEmv: say('pinEntry', 'startEmv'), query: say('pinEntry', 'startEmv') }, 64_000],
  ])('silent at %s: timeout, and a reset is sent', async (_name, script, limit) => {
    const { reader, clock, heard, pay } = await bench({ ...plain, ...script })
    const begun = clock.now()
    await expect(pay()).rejects.toMatchObject({ code: 'timeout' })
    expect(clock.now() - begun).toBeLessThanOrEqual(limit)
    await clock.advance(400) // once the late answer to the command is no longer waited for
    expect(heard.at(-1)).toBe('reset')
    await reader.close()
    expect(clock.pending).toBe(0)
  })

  it('an answer that was damaged on the way is asked for again', async () => {
    const answers = { doTrade: chipCard, startEmv: goOnline(), onlineResult: ending(1, 3) }
    for (const hit of Object.values(answers)) {
      const frame = hex(qpos.device.encode(hit))
      let harmed = 0
      const noise = (bytes: Uint8Array, from: 'a' | 'b') => {
        if (from === 'a' || hex(bytes) !== frame || harmed++ > 0) return [{ bytes }]
        return [{ bytes: bytes.with(bytes.length - 2, bytes.at(-2)! ^ 0x10) }]
      }
      const { pay, heard } = await bench({ ...plain, query: hit }, {}, new VirtualClock(), noise)
      expect(await pay()).toMatchObject(done)
      expect(heard.filter(name => name === 'query')).toHaveLength(1)
    }
  })

  /** How a co-badged payment with a PIN ends when the link is lost at the n-th message of one direction. */
  async function lostAt(n: number, way: 'a' | 'b') {
    let count = -1000 // opening is not counted
    let line: PipeEnd | undefined
    const noise = (bytes: Uint8Array, from: 'a' | 'b') => {
      if (from !== way || ++count !== n) return [{ bytes }]
      queueMicrotask(() => line!.drop())
      return []
    }
    const list = say('waiting', 'startEmv')
    const one = await bench(
      {
        ...{ doTrade: say('waiting', 'doTrade'), startEmv: list, selectEmvApp: say('pinEntry', 'selectEmvApp', '00') },
        ...{ onlineResult: say('waiting', 'onlineResult') },
        query: [chipCard, twoApplications, goOnline('selectEmvApp'), ending(1, 3)],
      },
      {},
      new VirtualClock(),
      noise,
    )
    line = one.line
    count = 0
    const end = await one.pay().catch((fault: Fault) => fault)
    await one.clock.settle(one.reader.close())
    expect(one.clock.pending, `message ${n}`).toBe(0)
    return end instanceof Fault ? end.code : `${end.result} ${end.reason ?? ''}`.trim()
  }

  it('the link lost at every message: a fault before the host was asked, unknown after', async () => {
    for (const way of ['a', 'b'] as const) {
      const codes: string[] = []
      for (let n = 1; ; n++) {
        const code = await lostAt(n, way)
        codes.push(code)
        if (code === 'approved') break
      }
      expect(codes).toEqual([...Array(6).fill('link-closed'), 'unknown linkLost', 'unknown linkLost', 'approved'])
    }
  })

  it('the answer to that reset is nobody’s: the next payment is queued behind it', async () => {
    const { pay } = await bench({ ...plain, doTrade: ['silent', chipCard], reset: say('reset'), query: 'silent' })
    await expect(pay()).rejects.toMatchObject({ code: 'timeout' })
    expect(await pay()).toMatchObject(done)
  })

  it('silent after the host was asked: unknown, to be reconciled', async () => {
    const { pay } = await bench({ ...plain, onlineResult: 'silent' })
    expect(await pay()).toMatchObject({ result: 'unknown', reason: 'readerError', response: approved, online: true })
    const no = await bench({ ...plain, onlineResult: 'silent' }, { authorise: async () => ({ type: 'declined', code: '05' }) })
    expect(await no.pay()).toMatchObject({ result: 'declined', reason: 'hostDeclined' })
  })

  it('link lost before the cryptogram left: a fault; after: unknown', async () => {
    const before = await bench({ ...plain, startEmv: line => line.drop() })
    await expect(before.pay()).rejects.toMatchObject({ code: 'link-closed' })
    await before.clock.advance(0)
    expect(before.events.at(-1)).toEqual({ type: 'state', state: 'disconnected' })
    const after = await bench({ ...plain, onlineResult: line => line.drop() })
    expect(await after.pay()).toMatchObject({ result: 'unknown', reason: 'linkLost', online: true, response: approved })
    await expect(after.reader.status()).rejects.toMatchObject({ code: 'link-closed' })
  })

  it('link lost while the host decides: unknown, with what the host said', async () => {
    const held = new VirtualClock()
    const clock = held
    const { line, reader, terminal } = await bench(plain, { authorise: () => sleep(5000, clock).then(() => approved) }, clock)
    const paying = reader.transact({ amount: 1n, currency: currency('RUB') }, terminal)
    await clock.advance(2000)
    line.drop()
    expect(await clock.settle(paying)).toMatchObject({ result: 'unknown', reason: 'linkLost', response: approved })
    expect(clock.pending).toBe(0)
  })

  const never = () => new Promise<never>(() => {})
  it.each<[string, Script, object, object]>([
    ['at doTrade', { doTrade: 'silent' }, {}, { result: 'cancelled' }],
    ['while waiting for a card', { doTrade: say('waiting', 'doTrade'), query: say('waiting', 'doTrade') }, {}, { result: 'cancelled' }],
    ['at the choice', { startEmv: twoApplications }, { selectApplication: never }, { result: 'cancelled' }],
    ['at the PIN', { startEmv: say('pinEntry', 'startEmv', '00'), query: say('pinEntry', 'startEmv', '00') }, {}, { result: 'cancelled' }],
    ['while the host decides', {}, { authorise: never }, { result: 'unknown', online: true }],
    [
      'after the host declined',
      { onlineResult: 'silent' },
      { authorise: async () => ({ type: 'declined', code: '05' }) },
      { result: 'declined', reason: 'hostDeclined' },
    ],
    ['after the host approved', { onlineResult: 'silent' }, {}, { result: 'cancelled', online: true, reversal: true }],
  ])('AbortSignal %s', async (_name, script, terminal, wanted) => {
    const { reader, clock, heard, terminal: shown } = await bench({ ...plain, cancel: say('userCancel'), ...script }, terminal)
    const stop = new AbortController()
    const paying = reader.transact({ amount: 1n, currency: currency('RUB') }, shown, { signal: stop.signal })
    await clock.advance(3000)
    const begun = clock.now()
    stop.abort()
    expect(await clock.settle(paying)).toMatchObject({ reason: 'merchantCancelled', ...wanted })
    expect(clock.now() - begun).toBeLessThan(2000)
    expect(heard.at(-1)).toBe('cancel')
    await reader.close()
    expect(clock.pending).toBe(0)
  })

  it('AbortSignal that fired before: nothing is started', async () => {
    const { pay, heard } = await bench({ ...plain, cancel: say('userCancel') })
    expect(await pay({}, AbortSignal.abort())).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled' })
    expect(heard).toEqual([])
  })

  it('cancel: waits while the reader is busy stopping; a deaf reader is reset; both in bounded time', async () => {
    const script = { doTrade: say('waiting', 'doTrade'), cancel: say('waiting', 'doTrade') }
    const abortAfter = async (more: Script) => {
      const one = await bench({ ...script, ...more })
      const stop = new AbortController()
      const paying = one.reader.transact({ amount: 1n, currency: currency('RUB') }, one.terminal, { signal: stop.signal })
      await one.clock.advance(5) // in the pause before the next query
      stop.abort()
      const begun = one.clock.now()
      expect(await one.clock.settle(paying)).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled' })
      return { heard: one.heard, took: one.clock.now() - begun }
    }
    const slow = await abortAfter({ query: [say('waiting', 'doTrade'), say('userCancel', 'doTrade')] })
    expect(slow.heard).toEqual(['doTrade', 'cancel', 'query', 'query'])
    const deaf = await abortAfter({ cancel: 'silent', reset: 'silent' })
    expect(deaf.heard.filter((name, at) => name !== deaf.heard[at - 1])).toEqual(['doTrade', 'cancel', 'reset'])
    expect(deaf.took).toBeLessThanOrEqual(11_000)
  })

  it('an answer left over from a cancelled payment is nobody’s: the next one pays', async () => {
    const { reader, pay, clock, terminal } = await bench({
      ...plain,
      doTrade: [say('waiting', 'doTrade'), chipCard],
      query: [[], []],
      cancel: [[chipCard, say('userCancel', 'doTrade')]],
    })
    const stop = new AbortController()
    const paying = reader.transact({ amount: 1n, currency: currency('RUB') }, terminal, { signal: stop.signal })
    await clock.advance(500)
    stop.abort()
    expect(await clock.settle(paying)).toMatchObject({ result: 'cancelled' })
    expect(await pay()).toMatchObject(done)
  })

  it('close cancels the payment that runs, ends the events, and leaves nothing behind', async () => {
    const { reader, clock, terminal, heard, events } = await bench({ ...plain, doTrade: 'silent', cancel: say('userCancel', 'doTrade') })
    const paying = reader.transact({ amount: 1n, currency: currency('RUB') }, terminal)
    await clock.advance(300)
    const closing = reader.close()
    expect(await clock.settle(paying)).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled' })
    await clock.settle(closing)
    await reader.close() // idempotent
    expect(heard).toEqual(['doTrade', 'cancel'])
    expect(events.at(-1)).toEqual({ type: 'state', state: 'disconnected' })
    expect(clock.pending).toBe(0)
    await expect(reader.status()).rejects.toMatchObject({ code: 'link-closed' })
  })

  it('no event carries the PIN block', async () => {
    const { pay, events } = await bench(plain)
    await pay()
    expect(JSON.stringify(events)).not.toContain('A68701E68CB34BDE')
    expect(requestTlv).toContain('A68701E68CB34BDE')
  })
})
