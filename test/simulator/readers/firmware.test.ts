/** What the firmware of every virtual reader does, without a family's wire: list on the display, PIN bypass, language, keys, log, end screens. */

import { beforeEach, describe, expect, it } from 'vitest'
import { loadCard, type VirtualCard } from '../../../simulator/cards/icc.ts'
import { testCaKeys } from '../../../simulator/keys.ts'
import { Body } from '../../../simulator/readers/body/body.ts'
import { type CardholderScript, cardholder } from '../../../simulator/readers/body/cardholder.ts'
import { Firmware, type FirmwareOptions, type HostSide, type PinProgress } from '../../../simulator/readers/firmware.ts'
import { fromHex, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { initialKey } from '../../../src/crypto/dukpt.ts'
import { currency } from '../../../src/currency.ts'
import { isSet, TVR } from '../../../src/emv/data.ts'
import type { Outcome } from '../../../src/emv/outcome.ts'
import { russianMpos } from '../../../src/emv/profiles.ts'
import type { AuthorisationRequest, Transaction } from '../../../src/emv/terminal.ts'

const ksn = fromHex('FFFF9876543210E00000')
const ipek = initialKey(fromHex('0123456789ABCDEFFEDCBA9876543210'), ksn)
const site = { merchantId: 'M1', terminalId: 'T1', merchantName: 'Test', acquirerId: '123456', ifdSerial: 'MPOS0001', caKeys: testCaKeys }
const purchase: Transaction = { amount: 250_000n, currency: currency('RUB') }
const never = new AbortController().signal

let clock: VirtualClock
let body: Body
let firmware: Firmware
let requests: AuthorisationRequest[]
let progress: PinProgress[]
let lists: string[][]

function start(options: Partial<FirmwareOptions> = {}): void {
  clock = new VirtualClock()
  body = new Body({ clock })
  requests = []
  progress = []
  lists = []
  firmware = new Firmware({ family: 'qpos', body, clock, config: russianMpos(site), pinDukpt: { ipek, ksn }, language: 'en', ...options })
}
beforeEach(() => start())

/** A host that declines everything: what the reader does before is what matters here. */
const host: HostSide = {
  authorise: async request => {
    requests.push(request)
    return { type: 'declined', code: '05' }
  },
  onPin: one => progress.push(one),
  onSelection: candidates => lists.push(candidates.map(({ label }) => label)),
}

async function pay(card: VirtualCard, script: Partial<CardholderScript> = {}, transaction = purchase): Promise<Outcome> {
  const stop = cardholder(body, { card, present: 'dip', ...script })
  const wait = { amount: transaction, timeout: 60_000, signal: never }
  expect(await clock.settle(firmware.waitForCard(['chip'], wait))).toEqual({ interface: 'chip' })
  const outcome = await clock.settle(firmware.pay(body.powerOn('chip'), transaction, host, { signal: never }))
  await clock.advance(10_000)
  stop()
  expect(body.cardInSlot).toBe(false)
  expect(clock.pending).toBe(0)
  return outcome
}

const shown = () => body.screens.map(({ lines }) => lines.join(' | '))

describe('a payment on the reader', () => {
  it('asks for the chip with the amount, lists a co-badged card itself, and tells its host that it does', async () => {
    const outcome = await pay(loadCard('mir-maestro'), { choose: 'Maestro', pins: ['1234'] })
    expect(outcome).toMatchObject({ result: 'declined', reason: 'hostDeclined', application: { label: 'Maestro' } })
    expect(shown()).toContain('Insert card. | 2500.00 RUB')
    expect(shown()).toContain('Select application: | 1 MIR | 2 Maestro')
    expect(lists).toEqual([['MIR', 'Maestro']])
  })

  it('CANCEL at the list, or no choice in time, ends it', async () => {
    expect(await pay(loadCard('mir-maestro'), { cancelAt: 'list' })).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled' })
    start({ choiceTimeout: 5000 })
    expect(await pay(loadCard('mir-maestro'), { pace: { think: 20_000 } })).toMatchObject({ reason: 'cardholderCancelled' })
  })

  it('tells its host how far the PIN is, and never what it is', async () => {
    await pay(loadCard('mir-maestro'), { pins: ['1234'] })
    expect(progress.map(one => (one.type === 'digit' ? one.digits : one.type))).toEqual(['started', 1, 2, 3, 4, 'ended'])
    expect(requests[0].pinBlock).toMatchObject({ format: 0 })
    expect(hex(requests[0].pinBlock!.ksn)).toBe('FFFF9876543210E00001')
  })

  it('a PIN may be bypassed only where the reader is configured so', async () => {
    start({ pin: { bypass: true } })
    const outcome = await pay(loadCard('mir-maestro'), { pins: [''] })
    expect(isSet(outcome.tags.get(0x95), TVR.pinNotEntered)).toBe(true)
    start({ pin: { bypass: false, timeout: 3000 } })
    expect(await pay(loadCard('mir-maestro'), { pins: [''] })).toMatchObject({ result: 'cancelled', reason: 'pinTimeout' })
  })

  it('speaks the cardholder’s language where it has it, and its own again after that', async () => {
    start({ language: undefined })
    await pay(loadCard('mir-maestro'), { pins: ['1234'] })
    expect(shown()).toContain('ВВЕДИТЕ ПИН:')
    expect(shown().at(-1)).toBe('WELCOME')
  })

  it('counts its transactions (9F41)', async () => {
    const counters: string[] = []
    for (let i = 0; i < 2; i++) counters.push(hex((await pay(loadCard('mir-maestro'), { pins: ['1234'] })).tags.get(0x9f41)!))
    expect(counters).toEqual(['00000001', '00000002'])
  })

  it('a card pulled during PIN entry ends the entry at once', async () => {
    const card = loadCard('mir-maestro')
    const stop = body.on(event => {
      if (event.type === 'display' && event.screen.message === 'reader.enterPin') clock.timer(700, () => body.pull())
    })
    const began = clock.now()
    expect(await pay(card, { pins: ['1234'], pace: { key: 20_000 } })).toMatchObject({ result: 'cancelled', reason: 'cardRemoved' })
    expect(clock.now() - began).toBeLessThan(15_000)
    stop()
  })

  it('a mute card ends as such and may be swiped', async () => {
    const mute = { contact: () => ({ interface: 'contact' as const, atr: fromHex('3B00'), transmit: () => new Promise<never>(() => {}) }) }
    body.insert(mute)
    const outcome = await clock.settle(firmware.pay(body.powerOn('chip'), purchase, host, { signal: never }))
    expect(outcome).toMatchObject({ result: 'declined', reason: 'cardMute', fallback: true })
    expect(body.screen.lines).toEqual(['CARD ERROR'])
    firmware.stop()
  })
})

describe('readiness', () => {
  it('names what keeps it from a payment, on the display too', () => {
    const faultOf = (act: () => void) => {
      try {
        act()
      } catch (error) {
        return (error as { code: string }).code
      }
      return undefined
    }
    expect(faultOf(() => firmware.checkReady())).toBeUndefined()
    body.setBattery({ percent: 14 })
    expect([firmware.batteryLevel, faultOf(() => firmware.checkReady())]).toEqual(['low', undefined])
    body.setBattery({ percent: 4 })
    expect([firmware.batteryLevel, faultOf(() => firmware.checkReady())]).toEqual(['critical', 'low-battery'])
    expect(body.screen.message).toBe('reader.lowBattery')
    body.plug()
    expect(faultOf(() => firmware.checkReady())).toBeUndefined()
    body.tamper()
    expect(faultOf(() => firmware.checkReady())).toBe('tampered')
    expect(body.screen.message).toBe('reader.outOfService')
  })

  it('the next payment cuts the end of the last one short', async () => {
    firmware.showEnd({ result: 'declined', cvm: 'none' })
    expect(body.screen.lines).toEqual(['DECLINED'])
    const stop = new AbortController()
    const waiting = firmware.waitForCard(['chip', 'swipe'], { timeout: 60_000, signal: stop.signal }).catch(error => error.code)
    await clock.advance(10_000)
    expect(body.screen.lines).toEqual(['PLEASE INSERT OR SWIPE CARD'])
    stop.abort()
    expect(await clock.settle(waiting)).toBe('aborted')
    expect(clock.pending).toBe(0)
  })
})
