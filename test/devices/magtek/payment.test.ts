/** Whole payments on MagTek readers: the real drivers, the virtual V5 and MMS readers with their kernel, virtual cards, and the issuer's own arithmetic. */

import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { encodeSwipe, magtekTags, type SealedSwipe, v5Device } from '../../../devices/magtek/codec.ts'
import { openMagtek } from '../../../devices/magtek/driver.ts'
import { openV5 } from '../../../devices/magtek/v5.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { cardholder } from '../../../simulator/readers/body/cardholder.ts'
import type { VirtualV5 } from '../../../simulator/readers/magtek/v5/v5.ts'
import { instant } from '../../../simulator/world.ts'
import { concat, fromHex, fromText, hex, text } from '../../../src/bytes.ts'
import { sleep, VirtualClock } from '../../../src/clock.ts'
import { transactionCounter } from '../../../src/crypto/dukpt.ts'
import type { AuthorisationRequest } from '../../../src/emv/terminal.ts'
import { Fault } from '../../../src/errors.ts'
import { pipe } from '../../../src/transport/pipe.ts'
import { Bench, type BenchOptions, type Carrier, carriers, purchase } from './bench.ts'

let bench: Bench
let expected: string[]

async function start(options: BenchOptions): Promise<Bench> {
  bench = new Bench(options)
  expected = []
  await bench.open()
  return bench
}

afterEach(async () => {
  await bench.close()
  expect(bench.clock.pending).toBe(0)
  expect(bench.faults.map(({ code }) => code)).toEqual(expected)
})

const each = (carrier: Carrier): BenchOptions => ({ carrier })

describe.each(carriers)('over %s', carrier => {
  it.each([1, 16, 20, 64, Number.POSITIVE_INFINITY])('chip, tap and swipe, mtu %d', async mtu => {
    await start({ carrier, mtu })
    const chip = await bench.pay('visa-signature')
    expect(chip).toMatchObject({ result: 'approved', interface: 'chip', online: true, cvm: 'signature', response: { code: '00' } })
    expect(hex(chip.tags.get(0x9f27)!)).toBe('40')
    expect(hex(chip.application!.aid)).toMatch(/^A000000003/)
    const tap = await bench.pay('mir-maestro', { present: 'tap' })
    expect(tap).toMatchObject({ result: 'approved', interface: 'tap', online: true })
    const swipe = await bench.pay('mir-maestro', { present: 'swipe' }, {}, { transaction: { interfaces: ['swipe'] } })
    expect(swipe).toMatchObject({ result: 'approved', interface: 'swipe', cvm: 'signature' })
    expect(bench.asked.map(({ interface: through }) => through)).toEqual(['chip', 'tap', 'swipe'])
    expect(bench.events.filter(({ type }) => type === 'card').map(event => event.type === 'card' && event.event)).toEqual(
      expect.arrayContaining(['inserted', 'tapped', 'swiped']),
    )
  })
})

describe.each(['v5 hid', 'v5 ble', 'mms hid'] as const)('what leaves the reader, over %s', carrier => {
  it('is enciphered: no PAN and no track in clear, each payment with a key of its own', async () => {
    await start(each(carrier))
    const card = loadCard('mir-maestro')
    const outcomes = [
      await bench.pay(card),
      await bench.pay('visa-signature'),
      await bench.pay(card, { present: 'swipe' }, {}, { transaction: { interfaces: ['swipe'] } }),
      await bench.pay(card, { present: 'tap' }),
    ]
    expect(outcomes.map(({ result }) => result)).toEqual(['approved', 'approved', 'approved', 'approved'])
    // the digits that MagTek hides, it hides with zeros: the masked track of this PAN is its own
    const masked: number[] = [magtekTags.maskedTrack2, magtekTags.maskedTrack2Stripe]
    const pan = '2200000000000103'
    for (const { tags } of outcomes)
      for (const [tag, value] of tags) {
        expect(hex(value)).not.toContain(pan)
        if (!masked.includes(tag)) expect(text(value)).not.toContain(pan)
      }
    // the acquirer opens it: the cryptograms were right, or nothing would have been approved
    expect(bench.asked.map(({ tags }) => hex(tags.get(0x5a) ?? new Uint8Array(0))).filter(pan => pan !== '')).toHaveLength(3)
    const counters = bench.asked.map(({ tags }) => transactionCounter(tags.get(0xdfdf56) ?? tags.get(0xc0)!))
    expect(new Set(counters).size).toBe(counters.length)
    // first six and last four digits, for the slip
    expect(hex(outcomes[0].tags.get(0xc4)!)).toBe('220000FFFFFF0103')
    expect(hex(outcomes[2].tags.get(0xc4)!)).toBe('220000FFFFFF0103')
  })
})

describe('a co-badged chip', () => {
  it.each(['v5 hid', 'v5 ble'] as const)('asks the app, over %s, with the seconds it has', async carrier => {
    await start(each(carrier))
    const outcome = await bench.pay('mir-jcb', {}, { selectApplication: async () => 1 })
    expect(outcome).toMatchObject({ result: 'approved', application: { label: 'JCB' } })
    expect(hex(outcome.application!.aid)).toBe('A0000000651010')
    expect(bench.events).toContainEqual({ type: 'application-selection', where: 'host', labels: ['MIR', 'JCB'], seconds: 60 })
    expect(bench.body.screens.map(({ message }) => message)).not.toContain('reader.selectApplication')
    expect(bench.reader.info.applicationSelection).toBe('host')
  })

  it('asks the app of a reader without a display (MMS, 1803 and 1802), which tells what to show', async () => {
    await start({ carrier: 'mms ble', mms: { model: 'DynaFlex II Go' } })
    expect(bench.reader.info).toMatchObject({ model: 'DynaFlex II Go', applicationSelection: 'host' })
    const outcome = await bench.pay('mir-jcb', {}, { selectApplication: async () => 1 })
    expect(outcome).toMatchObject({ result: 'approved', application: { label: 'JCB' } })
    expect(bench.events).toContainEqual({ type: 'application-selection', where: 'host', labels: ['MIR', 'JCB'], seconds: 60 })
    expect(bench.shown.slice(0, 2)).toEqual(['reader.presentCard', 'reader.processing'])
    expect(bench.shown.at(-1)).toMatch(/reader\.(approved|removeCard)/)
  })

  it('asks on the display of a reader that has one, and the app is not asked', async () => {
    await start(each('mms hid'))
    expect(bench.reader.info).toMatchObject({
      model: 'DynaFlex II PED',
      applicationSelection: 'reader',
      capabilities: expect.arrayContaining(['pinPad', 'display']),
    })
    const asked: unknown[] = []
    const outcome = await bench.pay('mir-maestro', { choose: 'Maestro' }, { selectApplication: async list => asked.push(list) })
    expect(outcome).toMatchObject({ result: 'approved', cvm: 'onlinePin' })
    expect(hex(outcome.application!.aid)).toBe('A0000000043060')
    expect(asked).toEqual([])
    expect(bench.asked[0].pinBlock).toMatchObject({ format: 0 })
  })

  it.each(['v5 hid', 'mms slip'] as const)('declined by the app, over %s: cancelled, and the reader is free', async carrier => {
    await start({ carrier, mms: { model: 'DynaFlex II Go' } })
    const none = await bench.pay('mir-maestro', {}, { selectApplication: async () => undefined })
    expect(none).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled', online: false })
    expect(await bench.pay('mir-maestro')).toMatchObject({ result: 'approved' })
  })

  it.each(['v5 ble', 'mms hid'] as const)('an app that does not choose in the reader’s time, over %s', async carrier => {
    await start({ carrier, mms: { model: 'DynaFlex II Go' } })
    const begun = bench.clock.now()
    const late = await bench.pay('mir-maestro', {}, { selectApplication: () => new Promise(() => {}) })
    expect(late).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled' })
    expect(bench.clock.now() - begun).toBeLessThan(70_000)
    expect(await bench.pay('mir-maestro')).toMatchObject({ result: 'approved' })
    expected = bench.faults.map(({ code }) => code) // whichever gives up first
    expect(expected.every(code => code === 'timeout')).toBe(true)
  })
})

describe.each(['v5 hid', 'v5 ble', 'mms slip', 'mms ble'] as const)('endings over %s', carrier => {
  it('the host declines, cannot be reached, refers', async () => {
    await start(each(carrier))
    const declined = await bench.pay('visa-signature', {}, { authorise: async () => ({ type: 'declined', code: '05' }) })
    expect(declined).toMatchObject({ result: 'declined', reason: 'hostDeclined', response: { code: '05' } })
    expect(declined.reversal).toBeUndefined()
    const silent = await bench.pay('visa-signature', {}, { authorise: async () => ({ type: 'unableToGoOnline' }) })
    expect(silent).toMatchObject({ result: 'declined', reason: 'unableToGoOnline' })
    const voice = await bench.pay('visa-signature', {}, { authorise: async () => ({ type: 'referral', code: '01' }) })
    expect(voice).toMatchObject({ result: 'declined', reason: 'referral' })
    const swipe = { transaction: { interfaces: ['swipe'] as const } }
    const stripe = await bench.pay(
      'visa-signature',
      { present: 'swipe' },
      { authorise: async () => ({ type: 'declined', code: '51' }) },
      swipe,
    )
    expect(stripe).toMatchObject({ result: 'declined', reason: 'hostDeclined', interface: 'swipe' })
  })

  it('the card is pulled at the list and while the host is asked: told by the reader, whatever is answered then', async () => {
    await start({ carrier, mms: { model: 'DynaFlex II Go' } })
    const pull = async () => {
      bench.body.pull()
      await sleep(100, bench.clock)
    }
    const atList = await bench.pay('mir-maestro', {}, { selectApplication: () => pull().then(() => 0) })
    expect(atList).toMatchObject({ result: 'cancelled', reason: 'cardRemoved', online: false })
    const atHost = await bench.pay('visa-signature', {}, { authorise: request => pull().then(() => bench.issue(request)) })
    expect(atHost).toMatchObject({ result: 'declined', reversal: true, response: { type: 'approved' } })
    expect(await bench.pay('visa-signature')).toMatchObject({ result: 'approved' })
  })

  it('an approval that the card does not believe is to be reversed', async () => {
    await start(each(carrier))
    const outcome = await bench.pay('mir-maestro', {}, { authorise: async () => ({ type: 'approved', code: '00' }) })
    expect(outcome).toMatchObject({ result: 'declined', reason: 'cardDeclined', reversal: true })
  })

  it('nobody presents a card', async () => {
    await start(each(carrier))
    expect(await bench.clock.settle(bench.reader.transact(purchase, bench.terminal()))).toMatchObject({
      result: 'cancelled',
      reason: 'cardTimeout',
      online: false,
    })
    expect(await bench.pay('visa-signature')).toMatchObject({ result: 'approved' })
  })

  it('a chip that does not answer may be swiped; a card without our applications may not', async () => {
    await start(each(carrier))
    expect(await bench.pay({ stripe: loadCard('visa-signature').stripe })).toMatchObject({
      result: 'declined',
      reason: 'cardMute',
      fallback: true,
    })
    const foreign = {
      contact: () => ({ interface: 'contact' as const, atr: Uint8Array.of(0x3b, 0), transmit: async () => Uint8Array.of(0x6a, 0x82) }),
    }
    expect(await bench.pay(foreign)).toMatchObject({ result: 'declined', reason: 'noApplication' })
  })

  it('a stripe that wants the PIN: what was typed is an online PIN, and a signature where there was none', async () => {
    await start(each(carrier))
    const card = loadCard({ ...profiles['stripe-only'], serviceCode: '106' })
    const told: unknown[] = []
    const approve = async (request: AuthorisationRequest) => {
      bench.issue(request)
      told.push(request.cvm)
      return { type: 'approved', code: '00' } as const
    }
    const outcome = await bench.pay(card, { present: 'swipe' }, { authorise: approve })
    const pad = carrier.startsWith('mms')
    expect(outcome).toMatchObject({ result: 'approved', interface: 'swipe', cvm: pad ? 'onlinePin' : 'signature' })
    // The PIN block is among what is enciphered: the driver does not know of it before the end.
    expect(told).toEqual([pad ? undefined : 'signature'])
    expect(bench.asked.at(-1)?.pinBlock !== undefined).toBe(pad)
    const pin = bench.events.flatMap(event => (event.type === 'pin' ? [event.event] : []))
    expect(pin).toEqual(pad ? ['started', 'ok'] : [])
  })

  it('a stripe that wants the PIN and is declined without a word of it: nobody says how the cardholder was verified', async () => {
    await start(each(carrier))
    const card = loadCard({ ...profiles['stripe-only'], serviceCode: '106' })
    const outcome = (code: string) => bench.pay(card, { present: 'swipe' }, { authorise: async () => ({ type: 'declined', code }) })
    const [refused, wrongPin] = [await outcome('05'), await outcome('55')]
    expect([refused.cvm, wrongPin.cvm]).toEqual(carrier.startsWith('mms') ? [undefined, 'onlinePin'] : ['signature', 'signature'])
  })

  it('a chip card that is swiped is sent to the slot', async () => {
    await start(each(carrier))
    expect(await bench.pay('visa-signature', { present: 'swipe' })).toMatchObject({ result: 'approved', interface: 'chip' })
  })

  it('the card pulled at every command: always an ending, and the reader pays again after it', async () => {
    await start(each(carrier))
    const endings: string[] = []
    for (let pullAt = 1; ; pullAt++) {
      const outcome = await bench.pay('visa-signature', { pullAt })
      endings.push(`${outcome.result} ${outcome.reason ?? ''}`.trim())
      if (outcome.result === 'approved') break
      expect(pullAt).toBeLessThan(60)
      expect(outcome.reversal === true).toBe(outcome.response?.type === 'approved')
      expect(bench.body.screen.message).toBe('reader.idle')
    }
    expect(endings.length).toBeGreaterThan(8)
    expect(
      [...new Set(endings.slice(0, -1))].every(one =>
        ['cancelled cardRemoved', 'declined cardDeclined', 'declined cardRemoved', 'declined cardError'].includes(one),
      ),
    ).toBe(true)
    expect(bench.events).toContainEqual({ type: 'card', event: 'removed' })
  })

  it('cancelled by the merchant: before a card, at the list, while the host is asked', async () => {
    await start({ carrier, mms: { model: 'DynaFlex II Go' } })
    const before = new AbortController()
    bench.clock.timer(3000, () => before.abort())
    const first = await bench.clock.settle(bench.reader.transact(purchase, bench.terminal(), { signal: before.signal }))
    expect(first).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled', online: false })

    const atList = new AbortController()
    const never = () => {
      bench.clock.timer(10, () => atList.abort())
      return new Promise<never>(() => {})
    }
    expect(await bench.pay('mir-maestro', {}, { selectApplication: never }, { signal: atList.signal })).toMatchObject({
      result: 'cancelled',
      reason: 'merchantCancelled',
    })

    const atHost = new AbortController()
    const silent = () => {
      bench.clock.timer(10, () => atHost.abort())
      return new Promise<never>(() => {})
    }
    expect(await bench.pay('visa-signature', {}, { authorise: silent }, { signal: atHost.signal })).toMatchObject({
      result: 'unknown',
      reason: 'merchantCancelled',
    })
    expect(await bench.pay('visa-signature')).toMatchObject({ result: 'approved' })
    expect(await bench.clock.settle(bench.reader.transact(purchase, bench.terminal(), { signal: AbortSignal.abort() }))).toMatchObject({
      result: 'cancelled',
    })
  })

  it('the link lost: a fault before the host was asked, unknown while and after', async () => {
    await start(each(carrier))
    bench.clock.timer(3000, () => bench.link.drop())
    await expect(bench.clock.settle(bench.reader.transact(purchase, bench.terminal()))).rejects.toMatchObject({ code: 'link-closed' })
    expect(bench.events.at(-1)).toEqual({ type: 'state', state: 'disconnected' })

    await bench.open()
    const during = await bench.pay(
      'visa-signature',
      {},
      {
        // the app waits for its host, whatever becomes of the line
        authorise: async () => {
          bench.link.drop()
          await sleep(2000, bench.clock)
          return { type: 'unableToGoOnline' }
        },
      },
    )
    expect(during).toMatchObject({ result: 'unknown', reason: 'linkLost' })
  })

  it('the link lost when the host has approved', async () => {
    await start(each(carrier))
    const outcome = await bench.pay(
      'visa-signature',
      {},
      {
        authorise: async request => {
          const response = bench.issue(request)
          bench.link.drop()
          return response
        },
      },
    )
    expect(outcome).toMatchObject({ result: 'unknown', reason: 'linkLost', response: { type: 'approved' } })
    await bench.open()
    const refused = await bench.pay(
      'visa-signature',
      {},
      {
        authorise: async () => {
          bench.link.drop()
          return { type: 'declined', code: '05' }
        },
      },
    )
    expect(refused).toMatchObject({ result: 'declined', reason: 'hostDeclined' })
  })

  it('one thing at a time; status while idle and in a payment; two in a row', async () => {
    await start(each(carrier))
    const stop = cardholder(bench.body, { card: loadCard('visa-signature'), present: 'dip', pace: instant })
    const first = bench.reader.transact(purchase, bench.terminal())
    await expect(bench.reader.transact(purchase, bench.terminal())).rejects.toMatchObject({ code: 'busy' })
    await bench.clock.settle(bench.reader.status())
    expect(await bench.clock.settle(first)).toMatchObject({ result: 'approved' })
    expect(await bench.clock.settle(bench.reader.transact(purchase, bench.terminal()))).toMatchObject({ result: 'approved' })
    await bench.clock.advance(5000)
    stop()
    await bench.clock.settle(bench.reader.status())
  })

  it('a reader that somebody else has left in a payment is taken over', async () => {
    await start(each(carrier))
    const stop = new AbortController()
    const left = bench.reader.transact(purchase, bench.terminal(), { signal: stop.signal })
    await bench.clock.advance(1000)
    // the app dies without a word; the reader's line is taken by another
    bench.device.faults.silent = true
    stop.abort()
    await bench.clock.settle(left)
    delete bench.device.faults.silent
    expect(await bench.pay('visa-signature')).toMatchObject({ result: 'approved' })
  })

  it('closing in the middle cancels', async () => {
    await start(each(carrier))
    const paying = bench.reader.transact(purchase, bench.terminal())
    await bench.clock.advance(1000)
    await bench.clock.settle(bench.reader.close())
    expect(await paying).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled' })
    expect(bench.body.screen.message).not.toBe('reader.presentCard')
    await bench.open()
  })

  it('amounts, interfaces and types that no message can say are refused before a byte is sent', async () => {
    await start(each(carrier))
    const wrong = (transaction: object) => bench.clock.settle(bench.reader.transact({ ...purchase, ...transaction }, bench.terminal()))
    await expect(wrong({ amount: -1n })).rejects.toMatchObject({ code: 'bad-argument' })
    await expect(wrong({ otherAmount: 1_000_000_000_000n })).rejects.toMatchObject({ code: 'bad-argument' })
    await expect(wrong({ interfaces: [] })).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('an answer of the host that has no code is none, and the card decides', async () => {
    await start(each(carrier))
    await expect(bench.pay('visa-signature', {}, { authorise: async () => ({ type: 'approved', code: '0' }) })).resolves.toMatchObject({
      result: 'unknown',
      reason: 'readerError',
    })
    expect(await bench.pay('visa-signature')).toMatchObject({ result: 'approved' })
  })

  it('an app that throws when it is asked: its own error, and the reader is free', async () => {
    await start(each(carrier))
    const boom = new Fault('host-unreachable', 'no way')
    await expect(bench.pay('visa-signature', {}, { authorise: () => Promise.reject(boom) })).rejects.toBe(boom)
    expect(await bench.pay('visa-signature')).toMatchObject({ result: 'approved' })
  })
})

describe('battery and condition', () => {
  it('V5: percent by question; too low for a payment is told as that, and so are lost keys', async () => {
    await start({ carrier: 'v5 hid', v5: { clockSet: true } })
    bench.body.setBattery({ percent: 43 })
    expect(await bench.clock.settle(bench.reader.status())).toEqual({ battery: { percent: 43 } })
    bench.body.setBattery({ percent: 4 })
    await expect(bench.clock.settle(bench.reader.transact(purchase, bench.terminal()))).rejects.toMatchObject({
      code: 'low-battery',
      details: { percent: 4 },
    })
    expect(bench.events).toContainEqual({ type: 'battery', level: 'critical', percent: 4 })
    bench.body.plug()
    bench.body.tamper()
    await expect(bench.clock.settle(bench.reader.transact(purchase, bench.terminal()))).rejects.toMatchObject({
      code: 'tampered',
      details: { code: 'DUKPT_NOT_LOADED', needs: 'keys' },
    })
    expected = ['low-battery']
  })

  it('MMS: tells by itself at 15 %, and refuses by name', async () => {
    await start(each('mms hid'))
    expect(await bench.clock.settle(bench.reader.status())).toEqual({})
    bench.body.setBattery({ percent: 13 })
    await bench.clock.advance(10)
    expect(bench.events).toContainEqual({ type: 'battery', level: 'low', percent: 13 })
    expect(await bench.clock.settle(bench.reader.status())).toEqual({ battery: { percent: 13 } })
    bench.body.setBattery({ percent: 100, charging: true })
    await bench.clock.advance(10)
    expect(await bench.clock.settle(bench.reader.status())).toEqual({ battery: { percent: 100, charging: true } })
    bench.body.setBattery({ percent: 4, charging: false })
    await expect(bench.clock.settle(bench.reader.transact(purchase, bench.terminal()))).rejects.toMatchObject({ code: 'low-battery' })
    bench.body.plug()
    bench.body.tamper()
    await expect(bench.clock.settle(bench.reader.transact(purchase, bench.terminal()))).rejects.toMatchObject({ code: 'tampered' })
    expected = ['low-battery', 'tampered']
  })
})

describe('V5, its own ways', () => {
  it('a clock that was never set is set when the first payment is refused for it', async () => {
    await start(each('v5 hid'))
    expect(await bench.pay('visa-signature')).toMatchObject({ result: 'approved' })
  })

  it.each([{}, { rle: true }, { part: 9 }, { part: 200, rle: true }])('blocks of any size, run-length coded or not: %o', async knobs => {
    await start({ carrier: 'v5 ble', v5: { knobs } })
    expect(await bench.pay('visa-signature')).toMatchObject({ result: 'approved' })
    const swiped = await bench.pay('visa-signature', { present: 'swipe' }, {}, { transaction: { interfaces: ['swipe'] } })
    expect(swiped).toMatchObject({ result: 'approved', interface: 'swipe' })
  })

  it('a block that is lost: no payment, no money, and the next one is paid', async () => {
    await start(each('v5 ble'))
    const { knobs } = bench.device as VirtualV5
    knobs.dropBlock = 9 // messages that are that long: the ARQC, the batch
    await expect(bench.pay('visa-signature')).rejects.toMatchObject({ code: 'protocol' })
    expect(bench.asked).toEqual([])
    delete knobs.dropBlock
    expect(await bench.pay('visa-signature')).toMatchObject({ result: 'approved' })
    // lost when the host has approved: the status alone says how it ended
    const outcome = await bench.pay(
      'visa-signature',
      {},
      {
        authorise: async request => {
          knobs.dropBlock = 9
          return bench.issue(request)
        },
      },
    )
    expect(outcome).toMatchObject({ result: 'approved' })
  })

  it('a key serial number for each swipe, one further each time', async () => {
    await start(each('v5 hid'))
    const swipe = () => bench.pay('visa-signature', { present: 'swipe' }, {}, { transaction: { interfaces: ['swipe'] } })
    const counters = [await swipe(), await swipe(), await swipe()].map(({ tags }) => transactionCounter(tags.get(0xc0)!))
    expect(counters).toEqual([counters[0], counters[0] + 1, counters[0] + 2])
    expect(bench.asked.every(({ tags }) => tags.has(0xdfd102))).toBe(true)
  })

  it('a stripe of a chip card is fallback (80); the reader tells the service code in the masked track', async () => {
    await start(each('v5 hid'))
    const swiped = await bench.pay('visa-signature', { present: 'swipe' }, {}, { transaction: { interfaces: ['swipe'] } })
    expect(hex(swiped.tags.get(0x9f39)!)).toBe('80')
  })
})

describe('a DynaMag, which knows no transactions', () => {
  const sealed = (good: boolean): SealedSwipe => ({
    ...{ type: 'sealed', decodeStatus: good ? [0, 0, 1] : [1, 1, 1], encodeType: 0, cardStatus: 0 },
    tracks: [new Uint8Array(0), new Uint8Array(40).fill(0xa2), new Uint8Array(0)],
    ...{ magnePrintStatus: new Uint8Array(4), magnePrint: new Uint8Array(0), serial: fromText('B4F2A61'), session: new Uint8Array(8) },
    ...{
      encryptionStatus: fromHex('0600'),
      ksn: fromHex('9070020B571AF20000A8'),
      absoluteLengths: [0, 40, 0],
      magnePrintAbsoluteLength: 0,
    },
    masked: [new Uint8Array(0), fromText(';4000010000000010=30122010000?'), new Uint8Array(0)],
    more: { swipesLeft: fromHex('0F4240'), magneSafeVersion: fromText('V05'), reportVersion: new Uint8Array(0) },
  })

  /** A head and nothing else: it answers properties, knows no other command, and says what is swiped in a report of the number `channel`. */
  async function head(channel: number) {
    bench = new Bench({ carrier: 'v5 hid' }) // for what follows every test
    expected = []
    const clock = new VirtualClock()
    const [a, b] = pipe({ clock })
    const side = v5Device('hid')
    const decoder = side.decoder()
    void (async () => {
      for await (const chunk of b.incoming)
        for (const { type } of decoder.push(chunk)) {
          const reply = {
            type: 'answer',
            result: type === 'getProperty' ? 0 : 2,
            data: type === 'getProperty' ? fromText('1') : new Uint8Array(0),
          } as const
          await b.send(side.encode(reply))
        }
    })().catch(() => {}) // the line ends
    const reader = await clock.settle(openV5(a, { clock, carrier: 'hid', model: { name: 'DynaMag', interfaces: ['swipe'] } }))
    const swipe = (good = true) => {
      const report = encodeSwipe(sealed(good))
      return b.send(concat(Uint8Array.of(channel, report.length >> 8, report.length & 0xff), report))
    }
    return { clock, reader, swipe }
  }

  it.each([0, 1])('is paid with what is swiped, again after a bad swipe (report %d)', async channel => {
    const { clock, reader, swipe } = await head(channel)
    expect(reader.info.capabilities).toEqual(['swipe'])
    expect(await clock.settle(reader.status())).toEqual({})
    await swipe() // before anybody pays
    await clock.advance(10)
    clock.timer(1000, () => void swipe(false))
    clock.timer(2000, () => void swipe())
    const shown: string[] = []
    const terminal = {
      selectApplication: async () => 0,
      display: (message: string) => void shown.push(message),
      authorise: async () => ({ type: 'approved', code: '00' }) as const,
    }
    const outcome = await clock.settle(reader.transact(purchase, terminal))
    expect(outcome).toMatchObject({ result: 'approved', interface: 'swipe', cvm: 'signature' })
    expect(hex(outcome.tags.get(0x9f39)!)).toBe('90')
    expect(hex(outcome.tags.get(0xc4)!)).toBe('400001FFFFFF0010')
    expect(shown).toEqual(['reader.swipeCard', 'reader.tryAgain', 'reader.processing'])
    expect(await clock.settle(reader.transact(purchase, terminal))).toMatchObject({ result: 'cancelled', reason: 'cardTimeout' })
    const stop = new AbortController()
    clock.timer(500, () => stop.abort())
    expect(await clock.settle(reader.transact(purchase, terminal, { signal: stop.signal }))).toMatchObject({ reason: 'merchantCancelled' })
    await expect(clock.settle(reader.transact({ ...purchase, interfaces: ['chip'] }, terminal))).rejects.toMatchObject({
      code: 'unsupported',
    })
    await clock.settle(reader.close())
  })
})

it('a reader that asks for the host twice gets one answer, and no second charge', async () => {
  bench = new Bench({ carrier: 'v5 hid' }) // for what follows every test
  expected = []
  const clock = new VirtualClock()
  const [a, b] = pipe({ clock })
  const side = v5Device('hid')
  const decoder = side.decoder()
  const { v5 } = JSON.parse(readFileSync(new URL('../../vectors/magtek_arqc.json', import.meta.url), 'utf8')) as { v5: string }
  const arqc = side.encode({ type: 'notification', id: 0x0303, data: fromHex(v5) })
  void (async () => {
    for await (const chunk of b.incoming)
      for (const request of decoder.push(chunk)) {
        const plain = { type: 'answer', result: 0, data: Uint8Array.of(80) } as const
        const done = { type: 'extendedAnswer', offset: 0, result: 0, total: 0, data: new Uint8Array(0) } as const
        await b.send(side.encode(request.type === 'extended' ? done : plain))
        if (request.type === 'extended' && (request.command === 0x0300 || request.command === 0x0303)) await b.send(arqc)
      }
  })().catch(() => {}) // the line ends
  const reader = await clock.settle(openV5(a, { clock, carrier: 'hid' }))
  let asked = 0
  const authorise = async () => {
    asked++
    return { type: 'approved', code: '00' } as const
  }
  const outcome = await clock.settle(reader.transact(purchase, { selectApplication: async () => 0, authorise }))
  expect(outcome).toMatchObject({ result: 'unknown', reason: 'readerError', response: { type: 'approved' } })
  expect(asked).toBe(1)
  await clock.settle(reader.close())
})

it('openMagtek: the dialect by option, by USB product, by service; V5 where nothing tells', async () => {
  await start(each('mms slip'))
  const [a, b] = pipe({ clock: bench.clock })
  await bench.clock.settle(bench.reader.close())
  void bench.device.serve(b)
  const mms = await bench.clock.settle(openMagtek(a, { clock: bench.clock, dialect: 'mms' }))
  expect(mms.info).toMatchObject({ family: 'magtek', serial: 'B571AF2', model: 'DynaFlex II PED' })
  await bench.clock.settle(mms.close())

  const other = new Bench({ carrier: 'v5 hid' })
  const [c, d] = pipe({ clock: other.clock, name: 'x' })
  void other.device.serve(d)
  const uri = 'hid:0801:0019'
  const named = { uri, mtu: c.mtu, incoming: c.incoming, send: (bytes: Uint8Array) => c.send(bytes), close: () => c.close() }
  const v5 = await other.clock.settle(openMagtek(named, { clock: other.clock }))
  expect(v5.info).toMatchObject({
    family: 'magtek',
    model: 'eDynamo',
    serial: 'B4F2A61',
    firmware: '1.0.0',
    capabilities: ['chip', 'swipe'],
  })
  await other.clock.settle(v5.close())
  await other.clock.settle(other.device.close())
})
