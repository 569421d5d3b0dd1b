/** A payment as a shop makes it: `pay` over the QPOS driver, the virtual reader and its kernel, a virtual card, and the acquirer on loopback. */

import { afterEach, describe, expect, it } from 'vitest'
import { openQpos } from '../../../devices/qpos/driver.ts'
import { type AcquirerHost, type HostEvent, startAcquirer } from '../../../simulator/acquirer/host.ts'
import type { HostRule } from '../../../simulator/acquirer/rules.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { issuerView } from '../../../simulator/cards/issuer-view.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import { testCaKeys, testPinDukpt } from '../../../simulator/keys.ts'
import { Body } from '../../../simulator/readers/body/body.ts'
import { type CardholderScript, cardholder } from '../../../simulator/readers/body/cardholder.ts'
import { VirtualQpos } from '../../../simulator/readers/qpos/qpos.ts'
import { initialKey } from '../../../src/crypto/dukpt.ts'
import { currency } from '../../../src/currency.ts'
import { russianContactless } from '../../../src/emv/contactless/profiles.ts'
import { russianMpos } from '../../../src/emv/profiles.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import type { PaymentEvent } from '../../../src/payment/pay/events.ts'
import { type AppPrompts, pay, paymentJson } from '../../../src/payment/pay/payment.ts'
import type { Reader } from '../../../src/reader/reader.ts'
import { pipe } from '../../../src/transport/pipe.ts'

const merchant = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
const config = russianMpos({
  merchantId: 'MTM',
  terminalId: '63545902',
  merchantName: 'Test',
  acquirerId: '123456',
  ifdSerial: 'MPOS0001',
  caKeys: testCaKeys,
})
const quick = { present: 5, think: 5, key: 2, remove: 5, hold: 200 }

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Shop {
  readonly reader: Reader
  readonly body: Body
  readonly host: AcquirerHost
  readonly seen: HostEvent[]
  readonly events: PaymentEvent[]
  person(script: Partial<CardholderScript>): void
  pay(prompts?: AppPrompts, number?: string, amount?: bigint): ReturnType<typeof pay>
}

async function shop(profile: ProfileName | CardProfile, rules: readonly HostRule[] = []): Promise<Shop> {
  const virtual = loadCard(profile)
  const accounts = issuerView(typeof profile === 'string' ? profiles[profile] : profile)
  const body = new Body()
  const pinDukpt = { ipek: initialKey(testPinDukpt.bdk, testPinDukpt.ksn), ksn: testPinDukpt.ksn }
  const device = new VirtualQpos({ body, config, contactless: russianContactless(), pinDukpt, resultTime: 10 })
  const [app, wire] = pipe()
  const serving = device.serve(wire)
  const reader = await openQpos(app)
  const seen: HostEvent[] = []
  const events: PaymentEvent[] = []
  const host = await startAcquirer({ rules, accounts, onEvent: event => seen.push(event) })
  ends.push(
    () => device.close(),
    () => serving,
    () => reader.close(),
    () => host.close(),
  )
  let leave = () => {}
  ends.push(() => leave())
  return {
    reader,
    body,
    host,
    seen,
    events,
    person(script) {
      leave()
      leave = cardholder(body, { card: virtual, present: 'dip', pace: quick, ...script })
    },
    pay: (prompts, number = '20260326_105200_001', amount = 250_000n) =>
      pay(
        { number, amount, currency: currency('RUB') },
        { reader, acquirer: httpAcquirer(host.url), merchant, prompts: { ...prompts, onEvent: event => events.push(event) } },
      ),
  }
}

describe('in the shop', () => {
  it('co-badged card by chip: Maestro chosen in the app, PIN on the reader, approved by the issuer, completed by the card', async () => {
    const { person, pay, seen, events, host } = await shop('mir-maestro')
    person({ pins: ['1234'] })
    const labels: string[][] = []
    const result = await pay({
      selectApplication: async candidates => {
        labels.push(candidates.map(({ label }) => label))
        return 1
      },
    })
    expect(labels).toEqual([['MIR', 'Maestro']])
    expect(result).toMatchObject({
      result: 'approved',
      interface: 'chip',
      cvm: 'onlinePin',
      application: { aid: 'A0000000043060', label: 'Maestro' },
      receipt: { scheme: 'MAESTRO', responseCode: '00', result: 'approved', amount: '2500.00' },
    })
    expect(seen).toMatchObject([{ arqc: 'right', pin: 'right', code: '00', interface: 'chip' }])
    expect(host.order('20260326_105200_001')?.state).toBe('Approved')
    expect(events.flatMap(one => (one.type === 'reader' && one.event.type === 'pin' ? [one.event.event] : []))).toEqual(['started', 'ok'])
    const text = JSON.stringify(paymentJson(result))
    for (const secret of [profiles['mir-maestro'].pan, '"5A"', '"57"', '"C7"', '"C1"']) expect(text).not.toContain(secret)
  })

  it('wrong PIN, then right: a second cryptogram', async () => {
    const { person, pay, seen } = await shop('mir-maestro')
    person({ pins: ['9999'] })
    const result = await pay({
      tryAgain: async () => {
        person({ pins: ['1234'] })
        return true
      },
    })
    expect(result).toMatchObject({ result: 'approved', attempts: 2 })
    expect(seen).toMatchObject([
      { pin: 'wrong', code: '55' },
      { pin: 'right', code: '00' },
    ])
  })

  it('offline PIN, wrong and then right, within one transaction', async () => {
    const { person, pay, seen } = await shop('offline-pin')
    person({ pins: ['0000', '1234'] })
    expect(await pay()).toMatchObject({ result: 'approved', cvm: 'offlinePin', attempts: 1 })
    expect(seen).toMatchObject([{ arqc: 'right', pin: 'none', cvm: 'offlinePin' }])
  })

  it('signature before authorisation; refused, it ends the payment and the reader', async () => {
    const { person, pay, seen, reader } = await shop('visa-signature')
    person({})
    expect(await pay({ captureSignature: async () => undefined })).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled' })
    expect(seen).toEqual([])
    expect(await reader.status()).toMatchObject({ battery: expect.anything() })
    const drawn = {
      strokes: [
        [
          { x: 0, y: 0 },
          { x: 9, y: 9 },
        ],
      ],
    }
    person({})
    expect(await pay({ captureSignature: async () => drawn })).toMatchObject({ result: 'approved', cvm: 'signature', signature: drawn })
  })

  it('a card without a chip is swiped: the acquirer opens the enciphered tracks, the slip shows the masked number', async () => {
    const profile: CardProfile = { ...profiles['visa-signature'], serviceCode: '101' }
    const { person, pay, seen, host } = await shop(profile)
    person({ present: 'swipe' })
    const result = await pay()
    const masked = `${profile.pan.slice(0, 6)}******${profile.pan.slice(-4)}`
    expect(result).toMatchObject({
      result: 'approved',
      interface: 'swipe',
      cvm: 'signature',
      receipt: { pan: masked, scheme: 'VISA', signatureLine: true },
    })
    expect(seen).toMatchObject([{ interface: 'swipe', pan: masked, arqc: 'none', code: '00' }])
    expect(host.balance(profile.pan)).toBe(100_000_000n - 250_000n)
    expect(JSON.stringify(paymentJson(result))).not.toContain(profile.pan)
  })

  it.each([
    ['mir', 299_999n, 'none', false],
    ['mir', 300_000n, 'onlinePin', false],
    ['visa-signature', 299_999n, 'none', false],
    ['visa-signature', 300_000n, 'signature', true],
    ['mastercard', 299_999n, 'none', false],
    ['mastercard', 300_000n, 'onlinePin', false],
  ] as const)('tapped %s, %s: CVM %s, and the slip says the same', async (name, amount, cvm, signatureLine) => {
    const { person, pay, seen, host, events } = await shop(name)
    person({ present: 'tap', pins: ['1234'] })
    const result = await pay({}, '20260326_105200_002', amount)
    expect(result).toMatchObject({ result: 'approved', interface: 'tap', cvm, receipt: { cvm, signatureLine, result: 'approved' } })
    expect(seen).toMatchObject([{ interface: 'tap', cvm, arqc: 'right', pin: cvm === 'onlinePin' ? 'right' : 'none' }])
    expect(host.balance(profiles[name].pan)).toBe(100_000_000n - amount)
    expect(events).toContainEqual({ type: 'reader', event: { type: 'card', event: 'tapped' } })
    expect(JSON.stringify(paymentJson(result))).not.toContain(profiles[name].pan)
  })

  it('a wrong PIN on a tap: the card is tapped again for another cryptogram', async () => {
    const { person, pay, seen } = await shop('mir')
    person({ present: 'tap', pins: ['9999'] })
    const tryAgain = async () => {
      person({ present: 'tap', pins: ['1234'] })
      return true
    }
    expect(await pay({ tryAgain }, '20260326_105200_003', 300_000n)).toMatchObject({ result: 'approved', attempts: 2, cvm: 'onlinePin' })
    expect(seen).toMatchObject([
      { pin: 'wrong', code: '55' },
      { pin: 'right', code: '00', arqc: 'right' },
    ])
  })

  it('declined with the bank’s reason', async () => {
    const { person, pay, body } = await shop('visa-signature', [
      { do: 'decline', code: '51', reason: 'not enough money', when: { amount: { above: 1000n } } },
    ])
    person({})
    expect(await pay()).toMatchObject({ result: 'declined', reason: 'hostDeclined', responseCode: '51', hostReason: 'not enough money' })
    expect(body.screens.some(({ message }) => message === 'reader.declined')).toBe(true)
  })

  it('an ARPC that the card does not accept: the approval is reversed', async () => {
    const { person, pay, host } = await shop('mir-maestro', [{ do: 'wrongArpc' }])
    person({ pins: ['1234'] })
    expect(await pay()).toMatchObject({ result: 'declined', reason: 'cardDeclined', reversal: 'done' })
    expect(host.order('20260326_105200_001')?.state).toBe('Canceled')
  })

  it('the lost answer of the host is asked for while the card waits', async () => {
    const { person, pay, seen } = await shop('visa-signature', [{ do: 'dropAnswer' }])
    person({})
    expect(await pay()).toMatchObject({ result: 'approved' })
    expect(seen.map(({ type }) => type)).toEqual(['authorisation', 'dropped', 'status'])
  })

  it('the card is pulled while the host decides: what it approved is reversed', async () => {
    const { person, pay, host, body, events } = await shop('visa-signature', [{ do: 'delay', ms: 150 }])
    person({})
    const paying = pay()
    while (!events.some(one => one.type === 'stage' && one.stage === 'authorising')) await new Promise(resolve => setTimeout(resolve, 5))
    body.pull()
    const result = await paying
    expect(result).toMatchObject({ result: 'declined', reversal: 'done' })
    expect(host.order('20260326_105200_001')?.state).toBe('Canceled')
    expect(host.balance(profiles['visa-signature'].pan)).toBe(100_000_000n)
  })
})
