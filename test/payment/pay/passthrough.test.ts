/** A payment with the kernel on the host: `pay` over passthrough, the vpcd driver, a virtual card in a socket, and the acquirer on loopback. */

import { afterEach, describe, expect, it } from 'vitest'
import { openVpcd } from '../../../devices/vpcd/driver.ts'
import { type AcquirerHost, type HostEvent, startAcquirer } from '../../../simulator/acquirer/host.ts'
import type { HostRule } from '../../../simulator/acquirer/rules.ts'
import { loadCard, type VirtualCard } from '../../../simulator/cards/icc.ts'
import { issuerView } from '../../../simulator/cards/issuer-view.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import { testCaKeys, testPinDukpt } from '../../../simulator/keys.ts'
import { VpcdCard } from '../../../simulator/readers/vpcd.ts'
import { fromHex, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import * as des from '../../../src/crypto/des.ts'
import { DukptDevice, initialKey, pinKey } from '../../../src/crypto/dukpt.ts'
import { encodeFormat0 } from '../../../src/crypto/pin.ts'
import { currency } from '../../../src/currency.ts'
import { russianMpos } from '../../../src/emv/profiles.ts'
import type { PinEntry, PinRequest, Terminal } from '../../../src/emv/terminal.ts'
import { Fault } from '../../../src/errors.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import type { PaymentEvent } from '../../../src/payment/pay/events.ts'
import { type AppPrompts, pay } from '../../../src/payment/pay/payment.ts'
import { passthrough, type Slots } from '../../../src/reader/passthrough.ts'
import type { CardSlot, Reader, ReaderEvent } from '../../../src/reader/reader.ts'
import { pipe } from '../../../src/transport/pipe.ts'
import { faultOf } from '../../transport/link-contract.ts'

const RUB = currency('RUB')
const merchant = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
const site = { merchantId: 'MTM', terminalId: '63545902', merchantName: 'Test', acquirerId: '123456', ifdSerial: 'MPOS0001' }
const config = russianMpos({ ...site, caKeys: testCaKeys })

const stroke = { strokes: [[{ x: 0, y: 0 }, { x: 9, y: 9 }]] } // biome-ignore format: a drawing

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Shop {
  readonly reader: Reader
  readonly slot: VpcdCard
  readonly card: VirtualCard
  readonly host: AcquirerHost
  readonly seen: HostEvent[]
  /** What the reader told, in short. */
  readonly told: string[]
  pay(prompts?: AppPrompts, signal?: AbortSignal): ReturnType<typeof pay>
}

/** `onCommand` is called before the n-th command (from 1) reaches the card. */
async function shop(
  profile: ProfileName | CardProfile,
  rules: readonly HostRule[] = [],
  onCommand?: (count: number) => void,
): Promise<Shop> {
  const card = loadCard(profile)
  const slot = new VpcdCard(card)
  let commands = 0
  const line = (bytes: Uint8Array, from: 'a' | 'b') => {
    if (from === 'a' && bytes.length > 3) onCommand?.(++commands)
    return [{ bytes }]
  }
  const [app, wire] = pipe({ line })
  const serving = slot.serve(wire)
  const reader = await openVpcd(app, { config })
  const accounts = issuerView(typeof profile === 'string' ? profiles[profile] : profile)
  const seen: HostEvent[] = []
  const host = await startAcquirer({ rules, accounts, onEvent: event => seen.push(event) })
  ends.push(
    () => host.close(),
    () => serving,
    () => reader.close(),
  )
  const told: string[] = []
  const onEvent = (event: PaymentEvent) => void (event.type === 'reader' && told.push(short(event.event)))
  return {
    ...{ reader, slot, card, host, seen, told },
    pay: (prompts, signal) =>
      pay(
        { number: '20260326_105200_001', amount: 250_000n, currency: RUB },
        { reader, acquirer: httpAcquirer(host.url), merchant, prompts: { ...prompts, onEvent }, ...(signal && { signal }) },
      ),
  }
}

function short(event: ReaderEvent): string {
  if (event.type === 'display') return event.message
  if (event.type === 'application-selection') return `choose ${event.labels?.join('/')} on ${event.where}`
  if (event.type === 'state') return event.state
  return 'event' in event ? `${event.type} ${event.event}` : event.type
}

/** A PIN pad of the app's own, with test keys: the digits it is given, one entry after the other. */
function pinPad(...pins: readonly string[]): { enterPin: NonNullable<AppPrompts['enterPin']>; asked: PinRequest[] } {
  const keys = new DukptDevice(initialKey(testPinDukpt.bdk, testPinDukpt.ksn), testPinDukpt.ksn)
  const asked: PinRequest[] = []
  return {
    asked,
    async enterPin(request): Promise<PinEntry> {
      const pin = Uint8Array.from(pins[asked.length], Number)
      asked.push(request)
      if (request.type === 'offline') return { type: 'offlinePin', pin }
      const { key, ksn } = keys.next()
      return { type: 'onlinePin', block: { format: 0, ksn, data: des.encryptEcb(pinKey(key), encodeFormat0(pin, request.pan)) } }
    },
  }
}

describe('paying with the kernel on the host', () => {
  it('co-badged card: the app shows the list, its PIN pad takes the PIN, the issuer approves, the card completes', async () => {
    const { pay, seen, told, reader } = await shop('mir-maestro')
    const { enterPin } = pinPad('1234')
    const result = await pay({ selectApplication: async candidates => candidates.findIndex(({ label }) => label === 'MIR'), enterPin })
    expect(result).toMatchObject({
      ...{ result: 'approved', interface: 'chip', cvm: 'onlinePin' },
      ...{ application: { label: 'MIR' }, receipt: { responseCode: '00', amount: '2500.00' } },
    })
    expect(seen).toMatchObject([{ arqc: 'right', pin: 'right', code: '00', interface: 'chip' }])
    expect(told).toEqual([
      ...[
        'reader.insertCard',
        'card inserted',
        'reader.processing',
        'choose MIR/Maestro on host',
        'reader.enterPin',
        'pin started',
        'pin ok',
      ],
      ...['reader.processing', 'reader.approved', 'reader.removeCard'],
    ])
    expect(await reader.status()).toEqual({ card: 'present' })
  })

  it('without a PIN pad the terminal says so in 9F33, and no PIN is asked for', async () => {
    const { pay, seen } = await shop('offline-pin')
    const result = await pay()
    expect(result.cvm).not.toBe('offlinePin')
    expect(result.tags['9F33']).toBe('6028C8')
    expect(seen.every(event => event.type !== 'authorisation' || event.pin === 'none')).toBe(true)
  })

  it('offline PIN, wrong and then right', async () => {
    const { pay, told, card } = await shop('offline-pin')
    const { enterPin, asked } = pinPad('0000', '1234')
    expect(await pay({ enterPin })).toMatchObject({ result: 'approved', cvm: 'offlinePin' })
    expect(asked).toMatchObject([{ again: false }, { again: true }])
    expect(told.filter(one => one.startsWith('pin'))).toEqual(['pin started', 'pin wrong', 'pin started', 'pin ok'])
    expect(card.state.pinTriesLeft).toBe(3)
  })

  it('signature, then a second payment with the same reader and card', async () => {
    const { pay, card, host } = await shop('visa-signature')
    expect(await pay({ captureSignature: async () => stroke })).toMatchObject({ result: 'approved', cvm: 'signature' })
    const { atc } = card.state.applications[0]
    expect(await pay()).toMatchObject({ result: 'declined', responseCode: '94' }) // the order is paid
    expect(card.state.applications[0].atc).toBe(atc + 1)
    expect(host.order('20260326_105200_001')?.state).toBe('Approved')
  })

  it('declined by the host; an ARPC that the card refuses is reversed', async () => {
    const poor = await shop('visa-signature', [{ do: 'decline', code: '51', reason: 'not enough money' }])
    expect(await poor.pay()).toMatchObject({ result: 'declined', reason: 'hostDeclined', responseCode: '51' })
    expect(poor.told.slice(-2)).toEqual(['reader.declined', 'reader.removeCard'])
    const { pay } = await shop('mir', [{ do: 'wrongArpc' }])
    expect(await pay({ enterPin: pinPad('1234').enterPin })).toMatchObject({ result: 'declined', reversal: 'done' })
  })
})

describe('endings', () => {
  it('the card is pulled while the app shows the list: the question ends, and the reader with its connection', async () => {
    const { pay, slot, seen, told } = await shop('mir-maestro')
    const paying = pay({
      async selectApplication() {
        await slot.pull()
        return new Promise(() => {}) // an app that does not listen to its signal
      },
    })
    expect(await paying).toMatchObject({ result: 'cancelled', reason: 'cardRemoved' })
    expect(seen).toEqual([])
    expect(told).toContain('card removed')
    expect(told).not.toContain('reader.removeCard')
  })

  it('the card is pulled while the host decides: what it approved is reversed', async () => {
    const { pay, slot, host } = await shop('visa-signature', [{ do: 'delay', ms: 100 }])
    const result = await pay({
      async captureSignature() {
        setTimeout(() => slot.pull(), 40)
        return stroke
      },
    })
    expect(result).toMatchObject({ result: 'declined', reversal: 'done' })
    expect(host.order('20260326_105200_001')?.state).toBe('Canceled')
  })

  it('pulled at each command: no approval stands that the card did not complete', async () => {
    let removedAt = 1
    for (; ; removedAt++) {
      const { pay, host, seen } = await shop({ ...profiles['visa-signature'], faults: { removedAt } })
      const { result, reason, reversal } = await pay()
      if (result === 'approved') break
      expect([result, reason], `command ${removedAt}`).toEqual([seen.length > 0 ? 'declined' : 'cancelled', 'cardRemoved'])
      expect(reversal, `command ${removedAt}`).toBe(seen.length > 0 ? 'done' : undefined)
      expect(host.balance(profiles['visa-signature'].pan)).toBe(100_000_000n)
    }
    expect(removedAt).toBeGreaterThan(10)
  })

  it('cancelled at each command: it ends, the reader is free, and nothing is charged without a receipt', async () => {
    let at = 1
    for (; ; at++) {
      const stop = new AbortController()
      const { pay, host, reader, seen } = await shop('visa-signature', [], count => count === at && stop.abort())
      const { result, reversal } = await pay({}, stop.signal)
      if (!stop.signal.aborted) {
        expect(result).toBe('approved')
        break
      }
      expect(result, `command ${at}`).not.toBe('approved')
      if (seen.length > 0) expect(reversal, `command ${at}`).toBe('done')
      expect(host.balance(profiles['visa-signature'].pan)).toBe(100_000_000n)
      expect(await reader.status()).toEqual({ card: 'present' })
      const slot = await reader.openCard!()
      expect(hex(await slot.transmit(fromHex('00B2010C00')))).toMatch(/^6[9A]..$/) // a card after its reset, and its own answer
      await slot.close()
    }
    expect(at).toBeGreaterThan(10)
  })

  it('cancelled by the merchant at the PIN: no PIN leaves, the reader pays again', async () => {
    const { pay, seen, reader } = await shop('mir')
    const stop = new AbortController()
    let told: AbortSignal | undefined
    const enterPin = (_: PinRequest, { signal }: { signal: AbortSignal }) => {
      told = signal
      stop.abort()
      return new Promise<PinEntry>(() => {})
    }
    expect(await pay({ enterPin }, stop.signal)).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled' })
    expect(told?.aborted).toBe(true)
    expect(seen).toEqual([])
    expect(await reader.status()).toEqual({ card: 'present' })
    expect(await pay({ enterPin: pinPad('1234').enterPin })).toMatchObject({ result: 'approved' })
  })

  it('the connection is closed in the middle: the payment is cancelled first', async () => {
    const { pay, reader } = await shop('mir')
    const result = await pay({
      async enterPin() {
        void reader.close()
        return new Promise(() => {})
      },
    })
    expect(result).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled' })
  })

  it('a silent card: mute, and the stripe is offered where the reader has one', async () => {
    const clock = new VirtualClock()
    const slot = new VpcdCard(loadCard('silent', { clock }), { clock })
    const [app, wire] = pipe()
    const serving = slot.serve(wire)
    const reader = await openVpcd(app, { config, clock })
    const outcome = await clock.settle(reader.transact({ amount: 100n, currency: RUB }, noQuestions))
    expect(outcome).toMatchObject({ result: 'declined', reason: 'cardMute', fallback: true })
    await clock.settle(Promise.all([reader.close(), serving]))
    expect(clock.pending).toBe(0)
  })

  it('one payment at a time, and none without a configuration', async () => {
    const { reader, pay } = await shop('mir')
    let second: Promise<unknown> = Promise.resolve()
    const { enterPin } = pinPad('1234')
    await pay({
      async enterPin(request, waiting) {
        second = faultOf(reader.transact({ amount: 100n, currency: RUB }, noQuestions))
        expect(await reader.status()).toEqual({ card: 'present' })
        expect(await faultOf(reader.openCard!())).toBe('busy')
        return enterPin(request, waiting)
      },
    })
    expect(await second).toBe('busy')
    const [app, wire] = pipe()
    const serving = new VpcdCard(loadCard('mir')).serve(wire)
    const bare = await openVpcd(app)
    expect(await faultOf(bare.transact({ amount: 100n, currency: RUB }, noQuestions))).toBe('bad-argument')
    expect(await faultOf(reader.transact({ amount: 100n, currency: RUB, interfaces: ['tap'] }, noQuestions))).toBe('unsupported')
    await bare.close()
    await serving
  })
})

const noQuestions: Terminal = { selectApplication: async () => 0, authorise: async () => ({ type: 'unableToGoOnline' }) }

describe('a reader whose slot is empty', () => {
  /** Slots of a reader that waits for a card as `open` says. */
  function slots(openCard: (signal: AbortSignal) => Promise<CardSlot>): Slots & { closed: Promise<unknown> } {
    let gone = () => {}
    const closed = new Promise<void>(resolve => {
      gone = resolve
    })
    return {
      info: { family: 'test', capabilities: ['chip', 'passthrough'], applicationSelection: 'host' },
      openCard: ({ signal }) => openCard(signal!),
      status: async () => ({ card: 'absent' }),
      closed,
      close: async () => gone(),
    }
  }
  const waiting = (signal: AbortSignal) =>
    new Promise<CardSlot>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))

  it.each([
    ['nobody comes', 'timeout', { result: 'cancelled', reason: 'cardTimeout' }],
    ['a chip that does not answer to reset', 'card-mute', { result: 'declined', reason: 'cardMute', fallback: true }],
    ['taken out again at once', 'card-removed', { result: 'cancelled', reason: 'cardRemoved' }],
  ] as const)('%s', async (_, code, outcome) => {
    const reader = passthrough(
      slots(() => Promise.reject(new Fault(code, 'as the driver says'))),
      { config },
    )
    expect(await reader.transact({ amount: 100n, currency: RUB }, noQuestions)).toMatchObject(outcome)
    await reader.close()
  })

  it.each([
    ['3BE000008131204535', []],
    ['3BE000008131204535AABB', ['2 bytes follow the last (8.3)']],
    ['3B602500', ['TB1 25: the card asks for VPP, only 00 is allowed (8.3.3.2)']],
    ['3C', ['ATR: TS is 3C, not 3B (direct) or 3F (inverse) at offset 0']],
  ])('an answer to reset of %s: the app hears what EMV has against it, and the card pays', async (atr, remarks) => {
    const chip = loadCard('mastercard').contact()
    const removed = new AbortController().signal
    const slot = {
      interface: 'contact' as const,
      atr: fromHex(atr),
      removed,
      transmit: (apdu: Uint8Array) => chip.transmit(apdu),
      close: async () => {},
    }
    const reader = passthrough(
      slots(async () => slot),
      { config },
    )
    const events: ReaderEvent[] = []
    const hearing = (async () => {
      for await (const event of reader.events) events.push(event)
    })()
    const outcome = await reader.transact({ amount: 100n, currency: RUB }, noQuestions)
    expect(outcome.application).toBeDefined()
    await reader.close()
    await hearing
    expect(events.flatMap(event => (event.type === 'atr' ? event.remarks : []))).toEqual(remarks)
  })

  it('a chip that is not read is asked away before a card is asked for again, and named as such', async () => {
    const clock = new VirtualClock()
    let inside = true
    const opened: number[] = []
    const reader = passthrough(
      {
        ...slots(async () => {
          opened.push(clock.now())
          throw new Fault('card-mute', 'as the driver says')
        }),
        status: async () => ({ card: inside ? 'present' : 'absent' }),
      },
      { config, clock },
    )
    const words: string[] = []
    const terminal = { ...noQuestions, display: (message: string) => void words.push(message) }
    const first = await clock.settle(reader.transact({ amount: 100n, currency: RUB }, terminal))
    expect(first).toMatchObject({ result: 'declined', reason: 'cardMute', fallback: true })
    words.length = 0
    clock.timer(5000, () => {
      inside = false
    })
    await clock.settle(reader.transact({ amount: 100n, currency: RUB }, terminal))
    expect(words.slice(0, 2)).toEqual(['reader.removeCard', 'reader.insertCard'])
    expect(opened[1] - opened[0]).toBeGreaterThanOrEqual(5000)
    inside = true
    expect(await clock.settle(reader.transact({ amount: 100n, currency: RUB }, terminal))).toMatchObject({ reason: 'cardTimeout' })
    await clock.settle(reader.close())
    expect(clock.pending).toBe(0)
  })

  it('cancelled while it waits, by the merchant or by closing the reader', async () => {
    const reader = passthrough(slots(waiting), { config })
    const stop = new AbortController()
    const first = reader.transact({ amount: 100n, currency: RUB }, noQuestions, { signal: stop.signal })
    stop.abort()
    expect(await first).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled' })
    const second = reader.transact({ amount: 100n, currency: RUB }, noQuestions)
    await reader.close()
    expect(await second).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled' })
  })
})
