/** Payments on a BluePad: the real driver, the virtual reader with its kernel and its own display, cards, and every message between them. */

import { afterEach, describe, expect, it } from 'vitest'
import { type DeviceMessage, device, elements, statuses } from '../../../devices/bluepad/codec.ts'
import { openBluepad } from '../../../devices/bluepad/driver.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import type { BluepadOptions } from '../../../simulator/readers/bluepad/bluepad.ts'
import { cardholder } from '../../../simulator/readers/body/cardholder.ts'
import { concat, fromText, hex, text } from '../../../src/bytes.ts'
import { sleep, VirtualClock } from '../../../src/clock.ts'
import { decryptCbc } from '../../../src/crypto/des.ts'
import { dataKey, transactionKey } from '../../../src/crypto/dukpt.ts'
import type { AuthorisationRequest } from '../../../src/emv/terminal.ts'
import { isFault } from '../../../src/errors.ts'
import { pipe } from '../../../src/transport/pipe.ts'
import { Bench, ipek, purchase } from './bench.ts'

let bench: Bench
async function start(mtu?: number, options?: Partial<BluepadOptions>): Promise<Bench> {
  bench = new Bench(options)
  await bench.open(mtu)
  return bench
}
afterEach(() => bench.close())

const events = () => bench.said.flatMap(one => (one.type === 'event' ? [one.status] : []))
const chip = { pins: ['1234'] }

describe('pays', () => {
  for (const mtu of [1, 16, 20, 64, undefined]) {
    it(`by chip, tap and swipe with pieces of ${mtu ?? 'any number of'} bytes`, async () => {
      const { body } = await start(mtu)
      expect(await bench.pay(loadCard('mir-maestro'), chip)).toMatchObject({
        ...{ result: 'approved', interface: 'chip', cvm: 'onlinePin', online: true, application: { label: 'MIR' } },
      })
      expect(bench.screens.slice(-3)).toEqual(['TRANSACTION APPROVED', 'PLEASE REMOVE CARD', 'WELCOME'])
      expect(await bench.pay(loadCard('mir-maestro'), { present: 'tap' })).toMatchObject({
        result: 'approved',
        interface: 'tap',
        cvm: 'none',
      })
      expect(bench.events).toContainEqual({ type: 'card', event: 'tapped' })
      const swiped = await bench.pay(loadCard('mir-maestro'), { present: 'swipe', transaction: { interfaces: ['swipe'] }, ...chip })
      expect(swiped).toMatchObject({ result: 'approved', interface: 'swipe' })
      expect(body.screen.message).toBe('reader.idle')
    })
  }

  it('a tap above the limit: the PIN comes with it', async () => {
    await start()
    const outcome = await bench.pay(loadCard('mir-maestro'), { present: 'tap', ...chip, transaction: { amount: 350_000n } })
    expect(outcome).toMatchObject({ result: 'approved', interface: 'tap', cvm: 'onlinePin', online: true })
    expect(bench.pins()).toEqual(['started', 'ok'])
  })

  it('a swiped chip card is sent to the slot; a swipe alone leaves enciphered', async () => {
    await start()
    const card = loadCard('mir-maestro')
    expect(await bench.pay(card, { present: 'swipe', ...chip })).toMatchObject({ result: 'approved', interface: 'chip' })
    expect(events()).toContain(statuses.ICC_CARD_SWIPED)
    const { tags } = await bench.pay(card, { present: 'swipe', transaction: { interfaces: ['swipe'] }, ...chip })
    const key = dataKey(transactionKey(ipek, tags.get(0xc0)!))
    expect(text(decryptCbc(key, tags.get(0xdfd102)!))).toContain(card.stripe.track2)
    expect([...tags.values()].some(value => text(value).includes(card.plan.pan))).toBe(false)
  })

  it('tells what happens in the order of the wire, the answer last', async () => {
    await start()
    bench.said.length = 0
    await bench.pay(loadCard('mir-maestro'), chip)
    expect(events().map(status => status.toString(16))).toEqual(['14', '15', '16', '19', '24', '20', '21', '22', '23', '2e'])
    expect(bench.said.map(({ type }) => type).filter(type => type !== 'event')).toEqual([
      ...['hostConnect', 'hostSend', 'hostReceive', 'hostDisconnect', 'saleAnswer'],
    ])
    expect(bench.said.at(-1)).toMatchObject({ type: 'saleAnswer', status: 1, answer: { financial: 1, amount: 250_000 } })
  })

  it('a refund by its own command', async () => {
    await start()
    await bench.pay(loadCard('mir-maestro'), { ...chip, transaction: { type: 'refund' } })
    expect(bench.heard.map(({ type }) => type)).toContain('refund')
    expect(bench.said.at(-1)!.type).toBe('refundAnswer')
  })

  it('two in a row, and a status before, in and after them', async () => {
    await start()
    const battery = { percent: 80, millivolts: 4020, charging: false }
    expect(await bench.clock.settle(bench.reader.status())).toEqual({ battery })
    const during: unknown[] = []
    const authorise = async (request: AuthorisationRequest) => {
      during.push(await bench.reader.status())
      return bench.issuer(request)
    }
    for (let round = 0; round < 2; round++)
      expect(await bench.pay(loadCard('mir-maestro'), { ...chip, terminal: { authorise } })).toMatchObject({ result: 'approved' })
    expect(during).toEqual([
      { battery, card: 'present' },
      { battery, card: 'present' },
    ])
    expect(await bench.clock.settle(bench.reader.status())).toEqual({ battery })
  })
})

describe('a co-badged card', () => {
  it('is asked about on the reader: the app learns that, and no more', async () => {
    await start()
    const outcome = await bench.pay(loadCard('mir-maestro'), { ...chip, choose: 'Maestro' })
    expect(outcome).toMatchObject({ result: 'approved', application: { label: 'Maestro' } })
    expect(bench.screens).toContain('Select application:')
    expect(bench.events).toContainEqual({ type: 'application-selection', where: 'reader' })
    expect(bench.reader.info.applicationSelection).toBe('reader')
    // Over the wire: event 16 once, no word of the other application in all that the reader sent, neither plain nor as hex.
    expect(events().filter(status => status === statuses.APPLICATION_SELECTION)).toHaveLength(1)
    const all = text(concat(...bench.bytes))
    expect(all).toContain(hex(fromText('Maestro')))
    expect(all).not.toContain(hex(fromText('MIR')))
    expect(all).not.toContain('A000000658')
  })

  it('by tap is not asked about at all', async () => {
    await start()
    await bench.pay(loadCard('mir-maestro'), { present: 'tap' })
    expect(events()).not.toContain(statuses.APPLICATION_SELECTION)
    expect(bench.screens).not.toContain('Select application:')
  })

  it('CANCEL at the list ends the payment', async () => {
    await start()
    expect(await bench.pay(loadCard('mir-maestro'), { cancelAt: 'list' })).toMatchObject({
      result: 'cancelled',
      reason: 'cardholderCancelled',
      online: false,
    })
  })
})

describe('PIN', () => {
  it('wrong online PIN: the issuer declines', async () => {
    await start()
    expect(await bench.pay(loadCard('mir-maestro'), { pins: ['4321'] })).toMatchObject({
      ...{ result: 'declined', reason: 'hostDeclined', cvm: 'onlinePin', response: { code: '55' } },
    })
    expect(bench.pins()).toEqual(['started', 'ok']) // the reader knows of no wrong one
  })

  it('offline: wrong, wrong, right', async () => {
    await start()
    const outcome = await bench.pay(loadCard('offline-pin'), { pins: ['1111', '2222', '1234'] })
    expect(outcome).toMatchObject({ result: 'approved', cvm: 'offlinePin' })
    expect(bench.pins()).toEqual(['started', 'wrong', 'started', 'wrong', 'started', 'ok'])
    expect(bench.events.flatMap(one => (one.type === 'display' && one.message.includes('Pin') ? [one.message] : []))).toEqual([
      ...['reader.enterPin', 'reader.wrongPin', 'reader.wrongPin'],
    ])
  })

  it('CANCEL, and nobody at the keypad', async () => {
    await start()
    expect(await bench.pay(loadCard('mir-maestro'), { cancelAt: 1 })).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled' })
    expect(await bench.pay(loadCard('offline-pin'), { ...chip, pace: { think: 90_000 } })).toMatchObject({
      result: 'cancelled',
      reason: 'pinTimeout',
    })
  })
})

describe('signature', () => {
  it('is asked for when the host has approved', async () => {
    await start()
    const order: string[] = []
    const outcome = await bench.pay(loadCard('visa-signature'), {
      terminal: {
        authorise: async request => {
          order.push(`host ${request.cvm}`)
          return bench.issuer(request)
        },
        confirmSignature: async () => {
          order.push('signature')
          return true
        },
      },
    })
    expect(outcome).toMatchObject({ result: 'approved', cvm: 'signature' })
    expect(order).toEqual(['host signature', 'signature'])
    expect(bench.heard).toContainEqual({ type: 'signatureAnswer', status: statuses.SUCCESS })
  })

  it('refused: what was approved is taken back', async () => {
    await start()
    const outcome = await bench.pay(loadCard('visa-signature'), { terminal: { confirmSignature: async () => false } })
    expect(outcome).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled', reversal: true })
    expect(bench.heard).toContainEqual({ type: 'signatureAnswer', status: statuses.INVALID_SIGNATURE })
  })

  it('never given: the reader gives up, the approval is taken back', async () => {
    await start()
    const outcome = await bench.pay(loadCard('visa-signature'), { terminal: { confirmSignature: () => new Promise(() => {}) } })
    expect(outcome).toMatchObject({ result: 'declined', reversal: true })
    bench.faults.splice(0)
  })
})

describe('endings', () => {
  it('the host declines, refers, cannot be reached', async () => {
    await start()
    const by = (type: 'declined' | 'referral', code: string) => ({ authorise: async () => ({ type, code }) as const })
    expect(await bench.pay(loadCard('mir-maestro'), { ...chip, terminal: by('declined', '51') })).toMatchObject({
      ...{ result: 'declined', reason: 'hostDeclined', response: { code: '51' } },
    })
    expect(await bench.pay(loadCard('mir-maestro'), { ...chip, terminal: by('referral', '01') })).toMatchObject({
      ...{ result: 'declined', reason: 'referral' },
    })
    const none = { authorise: async () => ({ type: 'unableToGoOnline' }) as const }
    expect(await bench.pay(loadCard('mir-maestro'), { ...chip, terminal: none })).toMatchObject({
      ...{ result: 'declined', reason: 'unableToGoOnline' },
    })
  })

  it('a host slower than the card can wait: declined, and whatever it said is to be reversed', async () => {
    await start()
    const authorise = async (request: AuthorisationRequest) => {
      await sleep(200_000, bench.clock)
      return bench.issuer(request)
    }
    expect(await bench.pay(loadCard('mir-maestro'), { ...chip, terminal: { authorise } })).toMatchObject({
      ...{ result: 'declined', reason: 'unableToGoOnline', online: true, reversal: true },
    })
    await bench.clock.advance(200_000)
    expect(await bench.pay(loadCard('mir-maestro'), chip)).toMatchObject({ result: 'approved' })
  })

  it('an authorise that throws is the app’s fault, and the reader is free again', async () => {
    await start()
    const authorise = () => Promise.reject(new Error('no database'))
    await expect(bench.pay(loadCard('mir-maestro'), { ...chip, terminal: { authorise } })).rejects.toThrow('no database')
    expect(await bench.pay(loadCard('mir-maestro'), chip)).toMatchObject({ result: 'approved' })
  })

  it('nobody presents a card; CANCEL instead of a card; a chip that is mute', async () => {
    await start()
    expect(await bench.clock.settle(bench.reader.transact(purchase, bench.terminal()))).toMatchObject({
      ...{ result: 'cancelled', reason: 'cardTimeout' },
    })
    expect(await bench.pay(loadCard('mir-maestro'), { cancelAt: 'card' })).toMatchObject({
      ...{ result: 'cancelled', reason: 'cardholderCancelled' },
    })
    const mute = { stripe: loadCard('mir-maestro').stripe }
    expect(await bench.pay(mute, { transaction: { fallback: { tries: 1, to: [] } } })).toMatchObject({
      ...{ result: 'declined', reason: 'cardMute', fallback: true },
    })
    expect(bench.events.filter(({ type }) => type === 'fallback')).toEqual([{ type: 'fallback', ask: 'chip', left: 0 }])
  })

  it('the card pulled at every command: always an ending, and the reader pays again after it', async () => {
    await start()
    const endings: string[] = []
    for (let pullAt = 1; ; pullAt++) {
      const outcome = await bench.pay(loadCard('mir-maestro'), { ...chip, pullAt })
      endings.push(`${outcome.result} ${outcome.reason ?? ''}`.trim())
      if (outcome.result === 'approved') break
      expect(pullAt).toBeLessThan(60)
      expect(outcome.reversal === true).toBe(outcome.online && outcome.response?.type === 'approved')
    }
    expect(endings.length).toBeGreaterThan(8)
    expect(new Set(endings.slice(0, -1))).toEqual(new Set(['cancelled cardRemoved', 'declined cardRemoved']))
  })

  it('what the host approved and the card declines is to be reversed', async () => {
    await start()
    const pull = (message: DeviceMessage) => message.type === 'hostDisconnect' && bench.body.pull()
    bench.onSaid = pull
    expect(await bench.pay(loadCard('mir-maestro'), chip)).toMatchObject({
      result: 'declined',
      reversal: true,
      response: { type: 'approved' },
    })
  })

  it('a flat, an opened and an outdated reader are told apart', async () => {
    await start()
    bench.body.setBattery({ percent: 4 })
    await expect(bench.pay(loadCard('mir-maestro'))).rejects.toMatchObject({ code: 'low-battery', details: { percent: 4 } })
    expect(bench.said.flatMap(one => (one.type === 'event' ? [one.status] : []))).toContain(statuses.BATTERY_TOO_LOW)
    bench.body.plug()
    bench.device.firmware.condition.requiredVersion = '2.0.0'
    await expect(bench.pay(loadCard('mir-maestro'))).rejects.toMatchObject({ code: 'update-required' })
    expect(await bench.clock.settle(bench.reader.status())).toMatchObject({ needs: 'firmware' })
    bench.device.firmware.condition.requiredVersion = undefined
    expect(await bench.clock.settle(bench.reader.status())).not.toHaveProperty('needs')
    bench.body.tamper()
    await expect(bench.pay(loadCard('mir-maestro'))).rejects.toMatchObject({ code: 'tampered' })
    expect(bench.faults.splice(0).map(({ code }) => code)).toEqual(['low-battery', 'update-required', 'tampered'])
  })

  it('the battery falls in the middle of a payment: an event, and the payment goes on', async () => {
    await start()
    const authorise = async (request: AuthorisationRequest) => {
      bench.body.setBattery({ percent: 9 })
      return bench.issuer(request)
    }
    expect(await bench.pay(loadCard('mir-maestro'), { ...chip, terminal: { authorise } })).toMatchObject({ result: 'approved' })
    expect(bench.events).toContainEqual({ type: 'battery', level: 'low', percent: 9 })
    expect(bench.events).toContainEqual({ type: 'display', message: 'reader.lowBattery' })
  })

  it('one payment at a time', async () => {
    await start()
    const first = bench.pay(loadCard('mir-maestro'), chip)
    await expect(bench.reader.transact(purchase, bench.terminal())).rejects.toMatchObject({ code: 'busy' })
    expect(await first).toMatchObject({ result: 'approved' })
  })

  it.each([
    [{ type: 'cash' as const }, 'unsupported'],
    [{ otherAmount: 100n }, 'unsupported'],
    [{ amount: 2n ** 32n }, 'bad-argument'],
  ])('%o is refused before anything is sent', async (transaction, code) => {
    await start()
    const before = bench.heard.length
    await expect(bench.pay(loadCard('mir-maestro'), { transaction })).rejects.toMatchObject({ code })
    expect(bench.heard.length).toBe(before)
  })
})

describe('cancelled by the app', () => {
  it('with each message of the reader: an outcome that is true, in time, and the reader pays again', async () => {
    await start()
    const seen = new Set<string>()
    for (let at = 1; ; at++) {
      const stop = new AbortController()
      const before = bench.said.length
      let when = ''
      bench.onSaid = (message, count) => {
        if (count !== before + at) return
        when = message.type === 'event' ? `event ${message.status.toString(16)}` : message.type
        stop.abort()
      }
      const since = bench.clock.now()
      const outcome = await bench.pay(loadCard('mir-maestro'), {
        ...chip,
        pace: { present: 500, think: 500, key: 150 },
        signal: stop.signal,
      })
      expect(bench.clock.now() - since).toBeLessThan(60_000)
      if (!stop.signal.aborted) break
      seen.add(`${when}: ${outcome.result}${outcome.reversal ? ' reversal' : ''}`)
      expect(['merchantCancelled', undefined]).toContain(outcome.reason)
      expect(outcome.result === 'unknown' || outcome.reversal === true).toBe(outcome.online)
      expect(at).toBeLessThan(40)
    }
    expect(seen).toContain('event 14: cancelled')
    expect(seen).toContain('event 16: cancelled')
    expect(seen).toContain('event 19: cancelled')
    // A host that was not asked before is not asked any more.
    expect(seen).toContain('hostConnect: cancelled')
    expect(seen).toContain('hostSend: cancelled')
    expect(seen).toContain('hostDisconnect: cancelled reversal')
    bench.onSaid = () => {}
    bench.faults.splice(0)
    expect(await bench.pay(loadCard('mir-maestro'), chip)).toMatchObject({ result: 'approved' })
  })

  it('while the host is silent: unknown, and the authorisation is let go', async () => {
    await start()
    const stop = new AbortController()
    let letGo = false
    const authorise: Parameters<typeof bench.terminal>[0] = {
      authorise: (_, { signal }) => {
        signal.addEventListener('abort', () => (letGo = true))
        bench.clock.timer(1000, () => stop.abort())
        return new Promise(() => {})
      },
    }
    const outcome = await bench.pay(loadCard('mir-maestro'), { ...chip, signal: stop.signal, terminal: authorise })
    expect(outcome).toMatchObject({ result: 'unknown', reason: 'merchantCancelled', online: true })
    expect(letGo).toBe(true)
    expect(await bench.pay(loadCard('mir-maestro'), chip)).toMatchObject({ result: 'approved' })
  })

  it('before it began: nothing is sent', async () => {
    await start()
    const before = bench.heard.length
    expect(await bench.pay(loadCard('mir-maestro'), { signal: AbortSignal.abort() })).toMatchObject({ result: 'cancelled' })
    expect(bench.heard.length).toBe(before)
  })

  it('close in the middle settles the payment first', async () => {
    await start()
    const leave = cardholder(bench.body, { card: loadCard('mir-maestro'), present: 'dip', pins: ['1234'], pace: { think: 9000 } })
    const paying = bench.reader.transact(purchase, bench.terminal())
    await bench.clock.advance(2000)
    await bench.clock.settle(bench.reader.close())
    expect(await paying).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled' })
    leave()
    await bench.clock.advance(10_000)
  })
})

describe('the link is lost', () => {
  it('with each message of the reader: a fault before the host was asked, unknown after, and the reader serves the next', async () => {
    await start()
    const seen = new Set<string>()
    for (let at = 1; ; at++) {
      const before = bench.said.length
      let when = ''
      bench.onSaid = (message, count) => {
        if (count !== before + at) return
        when = message.type
        bench.link.drop()
      }
      const outcome = await bench.pay(loadCard('mir-maestro'), chip).catch(error => error)
      if (when === '') break
      bench.onSaid = () => {}
      if (isFault(outcome)) {
        expect(outcome.code).toBe('link-closed')
        seen.add(`${when}: fault`)
      } else {
        expect(outcome).toMatchObject({ result: 'unknown', reason: 'linkLost', online: true })
        seen.add(`${when}: unknown`)
      }
      expect(bench.events.at(-1)).toEqual({ type: 'state', state: 'disconnected' })
      expect(bench.body.screen.message).toBe('reader.idle')
      await bench.clock.settle(bench.reader.close())
      await bench.open()
      expect(at).toBeLessThan(40)
    }
    expect(seen).toContain('hostConnect: fault')
    expect(seen).toContain('hostReceive: unknown')
    expect(seen).toContain('saleAnswer: unknown')
    bench.faults.splice(0)
  })

  it('the reader is switched off', async () => {
    await start()
    const authorise = async () => {
      bench.body.switchOff()
      return new Promise<never>(() => {})
    }
    expect(await bench.pay(loadCard('mir-maestro'), { ...chip, terminal: { authorise } })).toMatchObject({
      ...{ result: 'unknown', reason: 'linkLost' },
    })
    bench.body.switchOn()
    await bench.open()
    expect(await bench.pay(loadCard('mir-maestro'), chip)).toMatchObject({ result: 'approved' })
  })
})

describe('the session', () => {
  it('a frame that is refused comes again; the third refusal ends it', async () => {
    await start()
    bench.device.session.nak = 2
    expect(await bench.pay(loadCard('mir-maestro'), chip)).toMatchObject({ result: 'approved' })
    bench.device.session.nak = 3
    await expect(bench.pay(loadCard('mir-maestro'), chip)).rejects.toMatchObject({ code: 'protocol' })
    expect(await bench.pay(loadCard('mir-maestro'), chip)).toMatchObject({ result: 'approved' })
  })

  it('a frame without an ACK: what the reader says next is as good as one, and the host is asked once', async () => {
    await start()
    bench.device.session.mute = 1
    expect(await bench.pay(loadCard('mir-maestro'), chip)).toMatchObject({ result: 'approved' })
    expect(bench.asked).toHaveLength(1)
    expect(await bench.pay(loadCard('mir-maestro'), chip)).toMatchObject({ result: 'approved' })
    bench.faults.splice(0)
  })

  it('an answer of the host that the reader does not take: unknown, and not after minutes', async () => {
    await start()
    const authorise = async (request: AuthorisationRequest) => {
      bench.device.session.nak = 9
      return bench.issuer(request)
    }
    const since = bench.clock.now()
    expect(await bench.pay(loadCard('mir-maestro'), { ...chip, terminal: { authorise } })).toMatchObject({
      ...{ result: 'unknown', reason: 'readerError', response: { type: 'approved' } },
    })
    expect(bench.clock.now() - since).toBeLessThan(60_000)
    bench.device.session.nak = 0
    expect(await bench.pay(loadCard('mir-maestro'), chip)).toMatchObject({ result: 'approved' })
    bench.faults.splice(0)
  })

  it.each([1, 2, 3, 5, 8, 13, 60])('%i frames that come twice change nothing, and the host is asked once', async duplicate => {
    await start()
    bench.device.session.duplicate = duplicate
    expect(await bench.pay(loadCard('mir-maestro'), chip)).toMatchObject({ result: 'approved' })
    expect(bench.asked).toHaveLength(1)
  })

  it('a line that doubles whatever is said, the sale and each ACK too: one payment, and the host is asked once', async () => {
    await start()
    bench.doubles = true
    for (const card of ['mir-maestro', 'visa-signature']) {
      bench.asked.length = 0
      expect(await bench.pay(loadCard(card), chip)).toMatchObject({ result: 'approved' })
      expect(bench.asked).toHaveLength(1)
    }
    // A copy of the sale is no second one that is refused.
    expect(bench.said.filter(({ type }) => type === 'saleAnswer').map(one => 'status' in one && one.status)).not.toContain(4)
  })

  it('damaged frames are refused and come again, in both directions', async () => {
    await start()
    bench.device.faults.corrupt = 7
    expect(await bench.pay(loadCard('mir-maestro'), chip)).toMatchObject({ result: 'approved' })
    bench.device.faults.corrupt = 0
    bench.device.faults.noise = 5
    expect(await bench.pay(loadCard('mir-maestro'), chip)).toMatchObject({ result: 'approved' })
  })

  it('ended by the reader: a fault before the host was asked, unknown after', async () => {
    await start()
    const seen = new Set<string>()
    for (let endIn = 0; ; endIn++) {
      bench.device.session.endIn = endIn
      const outcome = await bench.pay(loadCard('mir-maestro'), chip).catch(error => error)
      if (outcome.result === 'approved') break
      seen.add(isFault(outcome) ? `${outcome.code} ${outcome.details.code}` : `${outcome.result} ${outcome.reason}`)
      await bench.lose()
      await bench.clock.settle(bench.reader.close())
      delete bench.device.session.endIn
      await bench.open()
      expect(endIn).toBeLessThan(60)
    }
    expect(seen).toEqual(new Set(['reader-error SESSION_END', 'unknown readerError']))
    delete bench.device.session.endIn
    bench.faults.splice(0)
  })

  it('a reader that says nothing any more', async () => {
    await start()
    bench.device.faults.silent = true
    await expect(bench.pay(loadCard('mir-maestro'), chip)).rejects.toMatchObject({ code: 'timeout', details: { ms: 2000 } })
    await expect(bench.clock.settle(bench.reader.status())).rejects.toMatchObject({ code: 'timeout' })
    bench.device.faults.silent = false
    await bench.lose()
    await bench.open()
    expect(await bench.pay(loadCard('mir-maestro'), chip)).toMatchObject({ result: 'approved' })
    bench.faults.splice(0)
  })
})

describe('opening', () => {
  it('says who the reader is', async () => {
    await start()
    expect(bench.reader.info).toEqual({
      ...{ family: 'bluepad', model: 'BluePad', serial: 'PP0918900518', firmware: 'tapdip 1.0.0', hardware: '0.0', configuration: '1' },
      fallback: 'reader',
      capabilities: ['chip', 'tap', 'swipe', 'pinPad', 'display', 'firmwareUpdate'],
      applicationSelection: 'reader',
    })
    const init = bench.heard[0]
    expect(init.type === 'init' && elements(init.xml).get('ComBufSize')).toBe('2048')
  })

  it('frames no longer than the reader takes', async () => {
    await start(undefined, { bufferSize: 40 })
    expect(await bench.pay(loadCard('mir-maestro'), chip)).toMatchObject({ result: 'approved' })
    expect(Math.max(...bench.bytes.map(({ length }) => length))).toBeLessThanOrEqual(40)
  })

  it('frames as long as both can: each message of a payment but the last is one', async () => {
    await start()
    expect(await bench.pay(loadCard('mir-maestro'), chip)).toMatchObject({ result: 'approved' })
    const frames = bench.bytes.filter(bytes => bytes[1] === 2)
    expect(frames).toHaveLength(bench.said.length + 1)
    expect(Math.max(...frames.map(({ length }) => length))).toBeGreaterThan(2000)
  })

  it('a dialect without bytes is named, an unknown one refused, and the link closed', async () => {
    await start()
    for (const [dialect, code] of [
      ['emv2', 'unsupported'],
      ['datecs-pay', 'bad-argument'],
    ] as const) {
      const [a] = pipe()
      await expect(openBluepad(a, { dialect })).rejects.toMatchObject({ code })
      await expect(a.send(fromText('x'))).rejects.toMatchObject({ code: 'link-closed' })
    }
  })

  it('nobody there, a refusal, an abort: the link is closed', async () => {
    await start()
    const clock = new VirtualClock()
    const [a] = pipe({ clock })
    await expect(clock.settle(openBluepad(a, { clock }))).rejects.toMatchObject({ code: 'timeout' })
    await expect(a.send(fromText('x'))).rejects.toMatchObject({ code: 'link-closed' })
    expect(clock.pending).toBe(0)
    const [c] = pipe({ clock })
    await expect(clock.settle(openBluepad(c, { clock, signal: AbortSignal.abort() }))).rejects.toMatchObject({ code: 'aborted' })
  })

  it('what a reader says out of turn harms nobody', async () => {
    await start()
    const [a, b] = pipe({ clock: bench.clock })
    const opening = openBluepad(a, { clock: bench.clock })
    await b.send(device.encode({ type: 'event', status: 0x14, xml: '' }))
    await b.send(device.encode({ type: 'saleAnswer', status: 1, answer: undefined }))
    await expect(bench.clock.settle(opening)).rejects.toMatchObject({ code: 'timeout' })
  })
})
