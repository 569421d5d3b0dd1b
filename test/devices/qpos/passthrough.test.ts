/** A QPOS as a passthrough NFC reader: bytes of 17 00, 17 10 and 17 20, the raw slot, and the 3000-rouble table with the kernel on the host. */

import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import * as qpos from '../../../devices/qpos/codec.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import { VirtualPhone } from '../../../simulator/cards/tap/phone.ts'
import { type CardholderScript, cardholder } from '../../../simulator/readers/body/cardholder.ts'
import type { VirtualReader } from '../../../simulator/readers/reader.ts'
import { instant, virtualConfig, virtualReader } from '../../../simulator/world.ts'
import { fromHex, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { russianContactless } from '../../../src/emv/contactless/profiles.ts'
import type { Terminal } from '../../../src/emv/terminal.ts'
import { hostKernel } from '../../../src/reader/passthrough.ts'
import type { Reader, ReaderEvent } from '../../../src/reader/reader.ts'
import { pipe } from '../../../src/transport/pipe.ts'
import { expectAgreement, issuerOf, personOf, pinEntry, rows, rub, type Scheme, schemes } from '../../emv/contactless/tap-table.ts'
import { faultOf } from '../../transport/link-contract.ts'

describe('bytes', () => {
  const frames = [
    ['4D 00 07 21 17 00 1E 00 01 00 63', { type: 'command', command: 'nfcPowerOn', delay: 30 }],
    ['4D 00 0B 21 17 10 05 00 05 00 A4 04 00 00 C0', { type: 'command', command: 'nfcApdu', delay: 5, apdu: fromHex('00A4040000') }],
    ['4D 00 06 21 17 20 05 00 00 58', { type: 'command', command: 'nfcPowerOff', delay: 5 }],
  ] as const

  it.each(frames)('%s both ways', (frame, message) => {
    expect(hex(qpos.host.encode(message))).toBe(frame.replaceAll(' ', ''))
    expect(qpos.device.decoder().push(fromHex(frame))).toEqual([message])
  })

  it('a card in the field: result, KSN, length, length on the wire, ATR', () => {
    const data = '01 00000000000000000000 04 08 3B800101 FFFFFFFF'
    expect(qpos.decodeNfcActivated(fromHex(data))).toEqual({ ksn: new Uint8Array(10), atr: fromHex('3B800101') })
    expect(qpos.decodeNfcActivated(fromHex('00'))).toBeUndefined()
    for (const bad of ['', '01', '01 00000000000000000000 04 03 3B8001', '01 00000000000000000000 04 04 3B8001'])
      expect(() => qpos.decodeNfcActivated(fromHex(bad)), bad).toThrow(expect.objectContaining({ code: 'protocol' }))
  })

  it('responses of up to 510 bytes: from 256 on the lengths count from 255', () => {
    expect(hex(qpos.encodeNfcResponse(fromHex('6A82')))).toBe('0102026A82')
    const long = qpos.encodeNfcResponse(new Uint8Array(258))
    expect(hex(long.subarray(0, 3))).toBe('110303')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 510 }), response => {
        expect(qpos.decodeNfcResponse(qpos.encodeNfcResponse(response))).toEqual(response)
      }),
      { seed: 17 },
    )
    expect(qpos.decodeNfcResponse(qpos.encodeNfcResponse(undefined))).toBeUndefined()
    expect(() => qpos.encodeNfcResponse(new Uint8Array(511))).toThrow(expect.objectContaining({ code: 'bad-argument' }))
  })

  it('any bytes are a value or a Fault', () => {
    for (const read of [qpos.decodeNfcActivated, qpos.decodeNfcResponse])
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 40 }), data => {
          try {
            read(data)
          } catch (error) {
            expect(error).toMatchObject({ code: 'protocol' })
          }
        }),
        { seed: 18, numRuns: 2000 },
      )
  })
})

let clock: VirtualClock
let device: VirtualReader
let raw: Reader
let reader: Reader
let serving: Promise<void>
const events: ReaderEvent[] = []

beforeEach(async () => {
  clock = new VirtualClock()
  device = virtualReader({ clock })
  const [app, wire] = pipe({ clock })
  serving = device.serve(wire)
  raw = await clock.settle(open(app, { family: 'qpos', clock, assumed: ['qpos-nfc-apdu'] }))
  reader = hostKernel(raw, { config: virtualConfig(), contactless: russianContactless(), clock })
  listen(reader)
})
afterEach(async () => {
  await clock.settle(reader.close())
  await clock.settle(serving)
  await clock.settle(device.close())
  expect(clock.pending).toBe(0)
  events.length = 0
})

/** What the app shows, the person sees beside the reader's own display; a card is asked for by the reader itself. */
async function listen(from: Reader) {
  for await (const event of from.events) {
    events.push(event)
    if (event.type === 'display' && !event.message.startsWith('reader.presentCard')) device.body.show(event.message)
  }
}

async function pay(script: Partial<CardholderScript> & Pick<CardholderScript, 'card'>, amount: bigint, issued?: CardProfile) {
  const { asked, authorise } = issuerOf(clock, issued)
  const from = events.length
  const leave = cardholder(device.body, { present: 'tap', pace: instant, ...script })
  const terminal: Terminal = {
    selectApplication: () => Promise.reject(new Error('a list was shown on tap')),
    enterPin: pinEntry('1234'),
    authorise,
  }
  const outcome = await clock.settle(reader.transact({ amount, currency: rub }, terminal))
  await clock.advance(10_000)
  leave()
  const told = events.slice(from)
  return { outcome, asked, told, shown: told.flatMap(event => (event.type === 'display' ? [event.message] : [])) }
}

describe('the 3000-rouble rule with the kernel on the host, over a QPOS', () => {
  it.each(rows('tap', 'phone'))('$scheme $way $amount', async row => {
    const { script, profile } = personOf(row, clock)
    expectAgreement(row, await pay(script, row.amount, profile))
  })

  const tappable = Object.keys(profiles).filter(name => loadCard(name).canTap) as ProfileName[]
  it.each(tappable.filter(name => profiles[name].applications.length > 1))('no list for %s', async name => {
    const { told, shown } = await pay({ card: loadCard(name, { clock }) }, 1000n, profiles[name])
    expect(told.filter(({ type }) => type === 'application-selection')).toEqual([])
    expect(shown).not.toContain('reader.selectApplication')
  })
})

describe('taps that go wrong', () => {
  it.each(Object.keys(schemes) as Scheme[])('%s taken away during a command, held again: paid once', async scheme => {
    for (const pullAt of [1, 3, 6, 9]) {
      const { outcome, asked, shown } = await pay({ card: loadCard(schemes[scheme], { clock }), pullAt }, 1000n, profiles[schemes[scheme]])
      expect(outcome).toMatchObject({ result: 'approved', interface: 'tap' })
      expect(asked).toMatchObject([{ arqc: 'right' }])
      expect(shown).toContain('reader.presentCardAgain')
    }
  })

  it('a locked phone: see phone, unlock, tap again', async () => {
    const phone = new VirtualPhone(loadCard('dda', { clock }), { locked: true })
    const { outcome, shown } = await pay({ card: phone }, 300_000n, profiles.dda)
    expect(shown).toContain('reader.seePhone')
    expect(outcome).toMatchObject({ result: 'approved', cvm: 'device' })
  })

  it('nobody comes; CANCEL on the reader; the merchant cancels: the reader is free again', async () => {
    const nobody: Terminal = { selectApplication: async () => 0, authorise: async () => ({ type: 'unableToGoOnline' }) }
    const late = await clock.settle(reader.transact({ amount: 1n, currency: rub }, nobody))
    expect(late).toMatchObject({ result: 'cancelled', reason: 'cardTimeout' })
    await clock.advance(5000)
    const tired = reader.transact({ amount: 1n, currency: rub }, nobody)
    await clock.advance(1000)
    device.body.press('cancel')
    expect(await clock.settle(tired)).toMatchObject({ result: 'cancelled' })
    await clock.advance(5000)
    const stop = new AbortController()
    const waiting = reader.transact({ amount: 1n, currency: rub }, nobody, { signal: stop.signal })
    await clock.advance(1000)
    stop.abort()
    expect(await clock.settle(waiting)).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled' })
    await clock.advance(5000)
    expect((await pay({ card: loadCard('mir', { clock }) }, 1000n, profiles.mir)).outcome.result).toBe('approved')
  })
})

describe('the raw slot', () => {
  const PPSE = fromHex('00A404000E325041592E5359532E444446303100')

  it('gives the card’s own answers, and the reader’s own kernel still pays', async () => {
    expect(raw.info).toMatchObject({ capabilities: expect.arrayContaining(['chip', 'tap', 'passthrough']), slots: ['contactless'] })
    expect(reader.info.capabilities).toEqual(['tap', 'passthrough'])
    const card = loadCard('mir-maestro', { clock })
    const opening = raw.openCard!({ interface: 'contactless' })
    await clock.advance(100)
    device.body.tap(card)
    const slot = await clock.settle(opening)
    const [answer, own] = await clock.settle(Promise.all([slot.transmit(PPSE), loadCard('mir-maestro').contactless().transmit(PPSE)]))
    expect(hex(answer)).toBe(hex(own))
    expect(await faultOf(raw.openCard!())).toBe('busy')
    expect(await raw.status()).toHaveProperty('battery')
    await clock.settle(slot.close())
    expect(device.body.screen.message).toBe('reader.idle')
    device.body.leave()
    const leave = cardholder(device.body, { card: loadCard('mir', { clock }), present: 'tap', pace: instant })
    const outcome = await clock.settle(
      raw.transact({ amount: 1000n, currency: rub }, { selectApplication: async () => 0, ...issuerOf(clock) }),
    )
    expect(outcome).toMatchObject({ result: 'approved', interface: 'tap' })
    await clock.advance(10_000)
    leave()
  })

  it('a card that has gone: the command says so, and a new one is waited for', async () => {
    device.body.tap(loadCard('mir', { clock }))
    const slot = await clock.settle(raw.openCard!())
    device.body.leave()
    expect(await clock.settle(faultOf(slot.transmit(PPSE)))).toBe('card-removed')
    expect(slot.removed.aborted).toBe(true)
    await clock.settle(slot.close())
    expect(await faultOf(raw.openCard!({ interface: 'contact' }))).toBe('unsupported')
    expect(await clock.settle(faultOf(raw.openCard!({ timeout: 3000 })))).toBe('timeout')
  })

  it('is off unless the app asks for it by name', async () => {
    const [app, wire] = pipe({ clock })
    const other = virtualReader({ clock })
    const served = other.serve(wire)
    const plain = await clock.settle(open(app, { family: 'qpos', clock }))
    expect(plain.info.capabilities).not.toContain('passthrough')
    expect(plain.info.slots).toBeUndefined()
    await expect(plain.openCard!()).rejects.toMatchObject({ code: 'unsupported', details: { feature: 'passthrough' } })
    expect(() => hostKernel(plain, { clock })).toThrow(expect.objectContaining({ code: 'unsupported' }))
    await expect(open(app, { family: 'qpos', assumed: ['everything' as never] })).rejects.toMatchObject({ code: 'bad-argument' })
    await clock.settle(plain.close())
    await clock.settle(served)
    await clock.settle(other.close())
  })
})
